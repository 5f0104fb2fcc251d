"""
What the benchmark works with: an environment of its own, logs, receivers, states.

logster is installed from a wheel, as users install it: an editable install
starts some ten milliseconds later. Everything lies below one directory.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256

import generate
from measure import Command


HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(HERE)
PEERS = os.path.join(HERE, "peers")

#: What a wheel is made of.
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "logster", "parsers", "man")


class Workshop:
    """
    Everything that figures are measured with.

    Args:
        folder: Holds environment, logs and states.

        lines: How many lines a log has.

        runs: How many pairs a figure is the median of.

        large: Whether to take the time for logs of gigabytes.

        interpreter: The Python to measure with.
    """

    def __init__(
        self, folder: str, lines: int, runs: int, *, large: bool = False, interpreter: str
    ) -> None:
        self.folder, self.lines, self.runs, self.large = folder, lines, runs, large
        self.interpreter = interpreter
        self.scratch = os.path.join(folder, "scratch")
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)

    @cached_property
    def bin(self) -> str:
        """Return the folder of the programs of an environment with logster in it."""
        place = os.path.join(self.folder, "venv")
        programs, noted = os.path.join(place, "bin"), os.path.join(place, "sources")
        fingerprint = _fingerprint(self.interpreter)
        if _text(noted) == fingerprint:
            return programs
        source, wheels = os.path.join(self.scratch, "source"), os.path.join(self.scratch, "wheel")
        _copy_sources(source)
        # Debian's Python has no pip for an environment; and what pip and setuptools leave in
        # one would be read by every start.
        _call([self.interpreter, "-m", "venv", "--clear", "--without-pip", place])
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", os.path.join(programs, "python")]
        _call([*pip, "wheel", "--no-deps", "-w", wheels, source])
        _call([*pip, "install", os.path.join(wheels, os.listdir(wheels)[0])])
        _call([os.path.join(programs, "python"), "-m", "compileall", "-q", place], check=False)
        with open(noted, "w", encoding="utf-8") as file:
            file.write(fingerprint)
        return programs

    @property
    def python(self) -> str:
        """Return the interpreter of that environment."""
        return os.path.join(self.bin, "python")

    def log(self, kind: str, lines: int | None = None) -> str:
        """Return the path of a log, in the page cache."""
        count = self.lines if lines is None else lines
        with open(generate.__file__, "rb") as file:
            version = sha256(file.read()).hexdigest()[:6]
        path = os.path.join(self.folder, f"logs-{version}", f"{kind}-{count}.log")
        generate.write(kind, count, path)
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
        return path

    def logster(self, *words: str, keep: bool = False, **env: str) -> Command:
        """
        Return the command that runs logster.

        Args:
            *words: Options, parser and log.

            keep: Whether a start goes on from the state of the one before; without
                it each reads the log from its start.

            **env: Set in its environment.
        """
        state = self.state(words)
        command = (
            *(os.path.join(self.bin, "logster"), "--from-start", "--state-dir", state),
            *("--log-dir", os.path.join(self.scratch, "log"), *words),
        )
        if not any(word == "-o" for word in words):
            command = (command[0], "-o", "stdout", *command[1:])
        return Command(command, env, lambda: keep or shutil.rmtree(state, ignore_errors=True))

    def state(self, words: Iterable[str]) -> str:
        """Return the state directory of a command line."""
        name = sha256("\0".join(words).encode()).hexdigest()[:12]
        return os.path.join(self.scratch, "state", name)

    def peer(self, *words: str, **env: str) -> Command:
        """Return the command of another tool, which may take bytes for characters."""
        return Command(words, {"LC_ALL": "C", **env})


class Sink:
    """
    A receiver on the loopback that takes whatever comes.

    Args:
        protocol: ``udp`` or ``tcp``.

    Attributes:
        port: Where it listens.

        received: Bytes that came.

        newlines: Lines that came.
    """

    def __init__(self, protocol: str) -> None:
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.received = self.newlines = 0
        if protocol == "tcp":
            self._socket.listen(64)
        serve = self._serve_udp if protocol == "udp" else self._serve_tcp
        threading.Thread(target=serve, daemon=True).start()

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self.port}"

    def _note(self, data: bytes) -> bytes:
        self.received += len(data)
        self.newlines += data.count(b"\n")
        return data

    def _serve_udp(self) -> None:
        while True:
            self._note(self._socket.recv(65536))

    def _serve_tcp(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                while self._note(connection.recv(1 << 18)):
                    pass


def version_of(interpreter: str) -> str:
    """Return what the Python *interpreter* says of itself."""
    words = [interpreter, "-c", "import sys; print(sys.version)"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def distributions_python() -> str:
    """
    Return the Python of the distribution if logster runs on it, or this one.

    It is what cron finds, and built by those who built the other tools.
    """
    words = ["/usr/bin/python3", "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]
    try:
        fits = not subprocess.run(words, capture_output=True, check=False).returncode
    except OSError:
        fits = False
    return words[0] if fits else sys.executable


def installed(tool: str) -> bool:
    """Tell whether *tool* is on the path; Debian keeps some where only root looks."""
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin")
    if "/usr/sbin" not in os.environ["PATH"].split(":"):
        os.environ["PATH"] += ":/usr/sbin"
    return shutil.which(tool) is not None


def _call(words: list[str], *, check: bool = True) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr}")


def _copy_sources(target: str) -> None:
    """Copy what a wheel is made of; building in the checkout would leave things there."""
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
    os.makedirs(target)
    for name in _SOURCES:
        source, copy = os.path.join(CHECKOUT, name), os.path.join(target, name)
        if os.path.isdir(source):
            shutil.copytree(source, copy, symlinks=True, ignore=skipped)
        else:
            shutil.copy(source, copy)


def _fingerprint(interpreter: str) -> str:
    """Return what tells one state of the sources, under one interpreter, from another."""
    digest = sha256(version_of(interpreter).encode())
    for name in _SOURCES:
        top = os.path.join(CHECKOUT, name)
        found = [top] if os.path.isfile(top) else []
        for folder, _, files in os.walk(top):
            found += [os.path.join(folder, file) for file in files if not file.endswith(".pyc")]
        for path in sorted(found):
            with open(path, "rb") as file:
                digest.update(path.encode() + file.read())
    return digest.hexdigest()


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None

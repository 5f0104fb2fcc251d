"""
Torture a job for as long as you like: is every line counted once?

A writer that never pauses and holds its files longer than it should, rotations with
numbers or dates in the names, by renaming or by copytruncate, compressed in one way or
another, runs that are killed at any moment, a receiver that comes and goes. In the end
the count and the sum of the lines at the receiver are compared with what was written.
For copytruncate the writer is held up: what it writes between copy and cut is lost to
every reader.

    python benchmarks/torture.py --seconds 600

The seed draws the kind of rotation, what is done in which order, and what the writer
does; when the kernel lets each of them do it is different each time.
"""

import argparse
import bz2
import contextlib
import gzip
import lzma
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random
from typing import NamedTuple


#: What opens a file that compresses, by its ending.
PACKERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

PARSER = """
from logster.logster_helper import LogsterParser, MetricObject

class Numbers(LogsterParser):
    def __init__(self, option_string=None):
        self.count = self.sum = 0

    def parse_line(self, line):
        word, number = line.split()
        assert word == "line" and line.endswith("\\n")
        self.count += 1
        self.sum += int(number)

    def get_state(self, duration):
        return [MetricObject("count", self.count), MetricObject("sum", self.sum)]
"""

WRITER = """
import os, random, signal, sys, time
log, note, seed = sys.argv[1:]
random.seed(seed)
told = []
for each in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(each, lambda number, frame: told.append(number))
file, count = open(log, "ab", buffering=0), 0
while signal.SIGTERM not in told:
    if signal.SIGHUP in told and random.random() < 0.02:
        told.clear()
        file.close()
        file = open(log, "ab", buffering=0)
    file.write(b"line ")
    if random.random() < 0.01:
        time.sleep(random.random() / 50)
    file.write(b"%d\\n" % count)
    count += 1
    if count % 20 == 0:
        time.sleep(0.001)
open(note, "w").write(str(count))
"""


class Receiver:
    """
    Keeps points as Graphite does, and goes away at times.

    Args:
        draw: Says how much it takes at first.

    Attributes:
        points: Value by name and time; the last one counts.

        up: Whether it answers.
    """

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self.points: dict[tuple[str, str], float] = {}
        self.up = True
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def total(self, name: str) -> int:
        """Return the sum of all points of the metric *name*."""
        return int(sum(value for (each, _), value in self.points.items() if each == name))

    def _serve(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            with contextlib.suppress(OSError), stream:
                data = stream.recv(self._draw.choice([5, 65536]))
                while more := stream.recv(65536):
                    data += more
                if not self.up:
                    # A clean end would say that all is well.
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    for line in data.splitlines():
                        name, value, at = line.decode().split()
                        self.points[name, at] = float(value)


class Rotation(NamedTuple):
    """
    How a log is rotated.

    Attributes:
        dated: Whether dates tell the files apart, and not numbers.

        copied: Whether the log is copied and cut, and not renamed.

        ending: That of compressed files; nothing if none is compressed.
    """

    dated: bool
    copied: bool
    ending: str

    def __str__(self) -> str:
        how = ("numbers", "dates")[self.dated], ("rename", "copytruncate")[self.copied], self.ending
        return " ".join(filter(None, how))


#: Seeds that follow each other go through all of them.
ROTATIONS = [Rotation(*each) for each in product((False, True), (False, True), ("", *PACKERS))]


class Torture:
    """
    One job and what is done to it.

    Args:
        folder: An empty folder.

        seed: Draws what is done.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.log = folder, folder / "app.log"
        self.draw, self.rotation = Random(seed), ROTATIONS[seed % len(ROTATIONS)]
        self.done: Counter[str] = Counter()
        self.receiver = Receiver(Random(seed))
        (folder / "torture_parser.py").write_text(PARSER)
        (folder / "writer.py").write_text(WRITER)
        self.log.touch()
        self.words = [
            *(sys.executable, "-m", "logster", "-s", str(folder / "state"), "-l", str(folder)),
            *("-o", "graphite", "--graphite-host", self.receiver.address, "--timeout", "5"),
            *("torture_parser.Numbers", str(self.log)),
        ]
        self.run()
        words = [sys.executable, folder / "writer.py", self.log, folder / "count", str(seed)]
        self.writer = subprocess.Popen(words)
        while not self.log.stat().st_size:  # before its first line a signal would end it
            time.sleep(0.01)

    def run(self, *, kill: bool = False) -> None:
        """Run the job; perhaps kill it at any moment. What it must never say is a complaint."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        process = subprocess.Popen(self.words, stderr=subprocess.PIPE, text=True, env=environment)
        if kill:
            time.sleep(self.draw.uniform(0.05, 0.25))
            self.done["kills"] += process.poll() is None
            process.kill()
        self.done["runs"] += 1
        said = process.communicate()[1]
        if "Lines may be lost" in said or "Traceback" in said or "raised" in said:
            self.done["complaints"] += 1
            print(said, file=sys.stderr)

    def rotate(self) -> None:
        """Rotate the log as logrotate does; a writer whose file is renamed may be late."""
        self.done["rotations"] += 1
        rotated = self._dated() if self.rotation.dated else self._shifted()
        if self.rotation.copied:
            self.writer.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.writer.pid, os.WSTOPPED)
            shutil.copyfile(self.log, rotated)
            os.truncate(self.log, 0)
            self.writer.send_signal(signal.SIGCONT)
        else:
            self.log.rename(rotated)
            if self.draw.random() < 0.9:
                self.log.touch()
            self.writer.send_signal(signal.SIGHUP)
        if self.rotation.ending:
            self._pack()

    def _dated(self) -> Path:
        """Remove all but 20 rotated files and return the name of the next, a minute later."""
        for path in sorted(self.folder.glob("app.log-*"))[:-20]:
            path.unlink()
        now = 1_795_241_700 + 60 * self.done["rotations"]
        return self.log.with_name(time.strftime(f"app.log-%Y%m%d-{now}", time.gmtime(now)))

    def _shifted(self) -> Path:
        """Give each rotated file the next number and return the name of the first."""
        for number in range(19, 0, -1):
            for ending in {"", self.rotation.ending}:
                path = self.folder / f"app.log.{number}{ending}"
                if path.exists():
                    path.rename(self.folder / f"app.log.{number + 1}{ending}")
        return self.folder / "app.log.1"

    def _pack(self) -> None:
        """Compress rotated files; a writer that is told lets go of its own within two rotations."""
        plain = [path for path in self.folder.glob("app.log[.-]*") if path.suffix not in PACKERS]
        plain.sort(
            key=lambda path: int(path.name[8:].replace("-", "")), reverse=self.rotation.dated
        )
        for path in plain[0 if self.rotation.copied else 2 :]:
            packed = path.with_name(path.name + self.rotation.ending)
            with PACKERS[self.rotation.ending](packed, "wb") as file:
                file.write(path.read_bytes())
            status = path.stat()
            os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
            path.unlink()

    def step(self) -> None:
        """Do one thing or another."""
        lot = self.draw.random()
        if lot < 0.25:
            self.run()
        elif lot < 0.65:
            self.run(kill=True)
        elif lot < 0.75:
            self.receiver.up = not self.receiver.up
        else:
            self.rotate()
            time.sleep(0.15)

    def end(self) -> int:
        """Let the writer end and three runs come through; print the figures."""
        self.writer.terminate()
        self.writer.wait()
        self.receiver.up = True
        for _ in range(3):
            self.run()
        written = int((self.folder / "count").read_text())
        count, total = self.receiver.total("count"), self.receiver.total("sum")
        exact = (count, total) == (written, written * (written - 1) // 2)
        figures = {
            "lines written": written,
            **self.done,
            "lost": max(0, written - count),
            "twice": max(0, count - written),
            "sum": "exact" if exact else "WRONG",
        }
        print(", ".join(f"{name}: {value}" for name, value in figures.items()))
        return 0 if exact and not self.done["complaints"] else 1


def main() -> int:
    """Torture for the time that the command line gives."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    torture = Torture(folder, arguments.seed)
    print(f"seed: {arguments.seed}, rotation: {torture.rotation}")
    try:
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            torture.step()
        code = torture.end()
    finally:
        torture.writer.kill()
    if code:
        print(f"The files are in {folder}.")
    else:
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())

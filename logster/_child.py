"""
A call in a process of its own, which can be ended whatever it does.

A pattern that runs away, `re` at its work, does not even hear a signal until it
is done: only the end of its process stops it.
"""

import contextlib
import fcntl
import io
import mmap
import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NoReturn


_NOTE_BYTES = 4096

#: How much is kept of what is printed.
_PRINTED = 400


class Note:
    """
    A text that a process and its children share, and how often it was set.

    Attributes:
        steps: How often.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NOTE_BYTES)

    @property
    def steps(self) -> int:
        """Return how often the note was set, or a step was taken without."""
        return int.from_bytes(self._memory[:8], "big")

    @property
    def text(self) -> str:
        """Return the text last set."""
        size = int.from_bytes(self._memory[8:16], "big")
        return self._memory[16 : 16 + size].decode("utf-8", "replace")

    def set(self, text: str) -> None:
        """Set the text."""
        data = text.encode("utf-8", "replace")[: _NOTE_BYTES - 16]
        self._memory[8 : 16 + len(data)] = len(data).to_bytes(8, "big") + data
        self.step()

    def step(self) -> None:
        """Tell that things go on."""
        self._memory[:8] = (self.steps + 1).to_bytes(8, "big")


class Printed(io.TextIOBase):
    """
    Takes what is printed, and keeps its beginning.

    Attributes:
        beginning: The first characters.
    """

    def __init__(self) -> None:
        self.beginning = ""

    def write(self, text: str) -> int:
        """Take *text*."""
        self.beginning += text[: _PRINTED - len(self.beginning)]
        return len(text)


class DiedError(Exception):
    """The process ended itself, or something else did."""


def call(work: Callable[[], Any], note: Note, step_s: float, all_s: float) -> tuple[Any, str]:
    """
    Return what *work* returns in a child, and the beginning of what it prints.

    Args:
        work: What it returns must be something that pickle takes. It raises nothing.

        note: Set in the child whenever it begins something new.

        step_s: Seconds that the child may go on without that.

        all_s: Seconds that it may take in all.

    Raises:
        TimeoutError: If it took longer; the message says than what.

        DiedError: If it came to no end of its own.
    """
    reading, writing = os.pipe()
    process = _forked()
    if not process:
        os.close(reading)
        _serve(work, writing)
    os.close(writing)
    try:
        data = _read(reading, note, step_s, all_s)
    finally:
        os.close(reading)
        os.kill(process, signal.SIGKILL)  # does nothing to one that has ended
        _, status = os.waitpid(process, 0)
    if not data:
        raise DiedError(_end(os.waitstatus_to_exitcode(status)))
    value, printed = pickle.loads(data)  # noqa: S301 - from a child of ours
    return value, printed


def _forked() -> int:
    """Return the number of a new child, or 0 in that child."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as it is where it was closed before Python began
            stream.flush()
    with warnings.catch_warnings():
        # Python 3.12 warns where there are threads: the child starts none and takes no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(work: Callable[[], Any], pipe: int) -> NoReturn:
    """Do *work*, write what it returns to *pipe*, and end the process."""
    try:
        # Where standard streams were closed, the pipe may have taken the number of one.
        pipe = fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 3)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        printed = Printed()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            value = work()
        with open(pipe, "wb") as stream:
            stream.write(pickle.dumps((value, printed.beginning)))
    finally:
        os._exit(0)


def _read(pipe: int, note: Note, step_s: float, all_s: float) -> bytes:
    """Return all that the child writes; nothing if it dies."""
    data = b""
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    steps = note.steps
    started = since = time.monotonic()
    while True:
        now = time.monotonic()
        if note.steps != steps:
            steps, since = note.steps, now
        left = min(since + step_s, started + all_s) - now
        if left <= 0:
            raise TimeoutError(f"{step_s if now - since >= step_s else all_s:g} s")
        if ready.poll(1000 * min(left, step_s / 10)):
            part = os.read(pipe, 1 << 16)
            if not part:
                return data
            data += part


def _end(code: int) -> str:
    """Return how a process ended that came to no end of its own."""
    return f"signal {-code} ended the process" if code < 0 else f"it ended the process ({code})"

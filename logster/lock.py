"""
One run for each job.

A kernel lock on an open file: it goes with the process, however that ends, so
a file left behind means nothing.
"""

import fcntl
import os
import time
from collections.abc import Callable
from typing import Self

from logster.errors import LockedError, StateError


class Lock:
    """
    Holds the lock of a job for the time of a ``with`` block.

    Args:
        path: The file to lock; made if it is missing, and never removed, since a
            file removed under a waiting run would let two runs in.

        wait: Seconds to wait for another run to end.

        sleep: Waits between two tries.

    Raises:
        LockedError: If another run holds the lock.

        StateError: If the file cannot be made.
    """

    def __init__(
        self, path: str, wait: float = 0, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.path, self.wait, self._sleep = path, wait, sleep
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StateError(
                f"The lock {self.path} cannot be opened: {error.strerror}. "
                "Nothing was read or sent."
            ) from error
        try:
            self._acquire()
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def _acquire(self) -> None:
        deadline = time.monotonic() + self.wait
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LockedError(self._held()) from None
                self._sleep(0.05)
            else:
                break
        try:
            note = f"{os.getpid()} {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, note, 0)
        except OSError:
            pass  # a full disk: the lock holds without the note

    def _held(self) -> str:
        pid, _, since = os.pread(self._descriptor, 100, 0).decode("ascii", "replace").partition(" ")
        who = f"pid {pid}, since {since.strip()}" if since else "it left no note of its pid"
        return (
            f"Another run of this job is under way ({who}; it holds {self.path}). "
            "This run ends without reading; the lines wait for the next one."
        )

"""
One run for each job.

A kernel lock on an open file: it goes with the process, however that ends, so
a file left behind means nothing. Processes that a run forks let go of it.
"""

import fcntl
import os
import time
from collections.abc import Callable
from typing import ClassVar, Self

from logster.errors import LockedError, StateError


class Lock:
    """
    Holds the lock of a job for the time of a ``with`` block.

    Args:
        path: The file to lock; made if it is missing, and never removed, since a
            file removed under a waiting run would let two runs in.

        wait: Seconds to wait for another run to end.

        sleep: Waits between two tries.

        clock: Returns seconds of a clock that nobody sets.

    Raises:
        LockedError: If another run holds the lock.

        StateError: If the file cannot be made or locked.
    """

    _held: ClassVar[set[int]] = set()

    def __init__(
        self,
        path: str,
        wait: float = 0,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.wait, self._sleep, self._clock = path, wait, sleep, clock
        self._descriptor = -1

    def __enter__(self) -> Self:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._acquire()
            self._leave_note()
        except BaseException:
            os.close(self._descriptor)
            raise
        self._held.add(self._descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor in self._held:
            self._held.remove(self._descriptor)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # whoever else has it open
            os.close(self._descriptor)

    @classmethod
    def let_go(cls) -> None:
        """Close what a forked process has of its parent's locks: they end with the parent."""
        while cls._held:
            os.close(cls._held.pop())

    def _acquire(self) -> None:
        deadline = self._clock() + self.wait
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock() >= deadline:
                    raise LockedError(self._holder()) from None
                self._sleep(0.05)
            except OSError as error:
                raise self._unusable(error) from error
            else:
                return

    def _leave_note(self) -> None:
        """Write down who holds the lock; always as long, so that no half of an old note stays."""
        note = f"{os.getpid():>10} {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode()
        try:
            os.pwrite(self._descriptor, note, 0)
        except OSError:
            # A full disk: the lock holds without the note, and a wrong one is worse.
            os.ftruncate(self._descriptor, 0)

    def _holder(self) -> str:
        note = os.pread(self._descriptor, 100, 0).decode("ascii", "replace")
        pid, _, since = note.strip().partition(" ")
        who = f"pid {pid}, since {since}" if since else "it left no note of its pid"
        return (
            f"Another run of this job is under way ({who}; it holds {self.path}). "
            "This run ends without reading; the lines wait for the next one."
        )

    def _unusable(self, error: OSError) -> StateError:
        return StateError(
            f"The lock {self.path} cannot be used: {error.strerror}. Nothing was read or sent."
        )


os.register_at_fork(after_in_child=Lock.let_go)

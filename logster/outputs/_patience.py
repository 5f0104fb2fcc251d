"""A time for what a third party's output does, which may be written to wait for ever."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from traceback import walk_stack
from types import FrameType

import click

from logster.errors import OutputError


#: Seconds after which a call that cannot be interrupted ends the process.
GRACE = 30.0


class Overdue(BaseException):
    """Raised in a call that takes too long; an ``except Exception`` in it lets this pass."""


class Patience:
    """
    Calls what it is given, and ends it if it takes too long.

    `Overdue` is raised in the call, and again each second for what caught it. One
    that never comes back all the same, such as a call into a library that takes no
    interruption, ends the process: its metrics are owed in the journal by then.

    There is no limit where signals cannot reach the call, which is in any thread but
    the main one, and where an alarm is set already by whoever started the process.

    Args:
        seconds: The time a call has.

        name: Whose call it is, for messages.

        file: The file whose lines tell where it waits.
    """

    def __init__(self, seconds: float, name: str, file: str | None = None) -> None:
        self.seconds, self.name, self.file = seconds, name, file
        self.places: list[str] = []

    def call(self, function: Callable[[], object]) -> None:
        """
        Call *function*.

        Raises:
            OutputError: If it did not end in time, whatever it made of that.
        """
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or any(signal.getitimer(signal.ITIMER_REAL)):
            function()
            return
        self.places.clear()
        last = threading.Timer(self.seconds + GRACE, self._end, [threading.get_ident()])
        last.daemon = True
        last.start()
        before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 1)
        try:
            try:
                function()
            finally:  # the last ring may come while this is done, so it is done once more
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self.places:
                raise self._overdue() from error
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
            last.cancel()
        if self.places:  # it caught what told it to stop, and went on without something
            raise self._overdue()

    def _ring(self, _: int, frame: FrameType | None) -> None:
        self.places.append(self._place(frame))
        raise Overdue

    def _overdue(self) -> OutputError:
        return OutputError(f"it did not end within {self.seconds:g} s{self.places[0]}")

    def _end(self, thread: int) -> None:
        """End the process as a crash would, which nothing owed minds, but say so."""
        place = self._place(sys._current_frames().get(thread))  # noqa: SLF001 - as faulthandler does
        click.echo(
            f"Error: The output {self.name} did not end within {self.seconds:g} s{place} and does "
            "not let itself be interrupted, so the run ends here. Nothing is lost: what it lacks "
            "is sent by the next run.",
            err=True,
        )
        os._exit(1)

    def _place(self, frame: FrameType | None) -> str:
        """Return where in the file of the output *frame* is, or was called from."""
        for each, line in walk_stack(frame) if frame else ():
            if each.f_code.co_filename == self.file:
                return f" ({self.file}:{line})"
        return ""

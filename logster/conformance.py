"""
The conformance kit: what any parser must stand, tried on one.

``logster check`` prints what it finds; a test of one's own reads::

    from logster.conformance import problems

    def test_conformance():
        with open("my.log", "rb") as log:
            assert [] == problems(MyParser, log.read())
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from logster._trials import TRIALS, Remark, Subject
from logster.shapes import printable


#: So much of a log serves as a sample.
SAMPLE_BYTES = 256 * 1024

#: Seconds that one trial may take.
PATIENCE = 60.0


class Verdict(NamedTuple):
    """
    What came of one trial.

    Attributes:
        trial: What the parser shall do: ``stands no lines at all``.

        problem: Why it does not, or what else is worth knowing; empty if all is well.

        fails: Whether the problem is a fault.
    """

    trial: str
    problem: str = ""
    fails: bool = False


def problems(make: Callable[[], Any], log: bytes) -> list[str]:
    """
    Return a sentence for each fault of a parser; none if it may be trusted.

    Args:
        make: Makes a fresh parser; a class will do.

        log: Lines that the parser understands.
    """
    return [
        f"{verdict.trial}: {verdict.problem}" for verdict in examine(make, log) if verdict.fails
    ]


def examine(
    make: Callable[[], Any], log: bytes, *, patience: float = PATIENCE
) -> Iterator[Verdict]:
    """
    Yield a verdict on each trial.

    Args:
        make: Makes a fresh parser; a class will do.

        log: Lines that the parser understands; `SAMPLE_BYTES` of them are used.

        patience: Seconds that one trial may take.
    """
    end = log.rfind(b"\n", 0, SAMPLE_BYTES) + 1
    subject = Subject(make, log[:end] if end else log[:SAMPLE_BYTES])
    for name, trial in TRIALS:
        yield _verdict(name, trial, subject, patience)


def _verdict(
    name: str, trial: Callable[[Subject], str], subject: Subject, patience: float
) -> Verdict:
    subject.doing = ""
    try:
        with _time_limit(patience):
            problem = trial(subject)
    except Remark as remark:
        return Verdict(name, str(remark))
    except _OutOfTimeError:
        subject.slow = True
        problem = f"not done after {patience:g} s"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a parser may raise anything
        return Verdict(name, _described(error) + subject.during, fails=True)
    else:
        return Verdict(name, problem, fails=bool(problem))
    return Verdict(name, problem + subject.during, fails=True)


class _OutOfTimeError(BaseException):
    """A trial takes too long; no `Exception`, so that no parser swallows it."""


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `_OutOfTimeError` in the block after *seconds*; needs the main thread, else waits."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _described(error: BaseException) -> str:
    """Return kind, text and place of *error*."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame else ""
    return printable(f"{type(error).__name__}: {error}"[:300]) + where

"""
The conformance kit: what any parser must stand, tried on one.

``logster check`` prints what it finds; a test of one's own reads::

    from logster.conformance import problems

    def test_conformance():
        with open("my.log", "rb") as log:
            assert [] == problems(MyParser, log.read())
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from logster._child import DiedError, call
from logster._trials import TRIALS, Remark, Subject, line_time, understands
from logster.errors import raised_at
from logster.shapes import printable


#: So much of a log serves as a sample.
SAMPLE_BYTES = 256 * 1024

#: Seconds that a parser may take for one block of lines, hostile or long as they are.
PATIENCE = 10.0

#: How many times as long one trial may take.
BLOCKS = 6


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

    Each takes place in a process of its own, so that a parser which does not come
    to an end, or prints, does no harm to the others.

    Args:
        make: Makes a fresh parser; a class will do.

        log: Lines that the parser understands; `SAMPLE_BYTES` of them are used.

        patience: Seconds that the parser may take for one block of lines.
    """
    end = log.rfind(b"\n", 0, SAMPLE_BYTES) + 1
    subject = Subject(make, log[:end] if end else log[:SAMPLE_BYTES])
    subject.prepare()
    hopeless = False
    for name, trial in TRIALS:
        if hopeless and trial is not line_time:
            yield Verdict(name, "not tried, since it comes to no end with the log itself")
            continue
        yield _tried(name, trial, subject, patience)
        hopeless |= trial is understands and bool(subject.stuck)


def _tried(
    name: str, trial: Callable[[Subject], str], subject: Subject, patience: float
) -> Verdict:
    """Return the verdict of *trial*, and let *subject* know what later ones must know."""

    def work() -> tuple[Verdict, bool]:
        return _verdict(name, trial, subject), subject.slow

    subject.doing = ""
    verdict: Verdict
    try:
        (verdict, subject.slow), printed = call(work, subject.note, patience, BLOCKS * patience)
    except TimeoutError as error:
        problem = f"did not end within {error}"
        subject.stuck = name
    except DiedError as error:
        problem = str(error)
    else:
        subject.printed = subject.printed or printed
        return verdict
    return Verdict(name, problem + subject.during, fails=True)


def _verdict(name: str, trial: Callable[[Subject], str], subject: Subject) -> Verdict:
    try:
        problem = trial(subject)
    except Remark as remark:
        return Verdict(name, str(remark))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a parser may raise anything
        return Verdict(name, _described(error) + subject.during, fails=True)
    return Verdict(name, problem, fails=bool(problem))


def _described(error: BaseException) -> str:
    """Return kind, text and place of *error*."""
    return printable(f"{type(error).__name__}: {error}"[:300]) + raised_at(error)

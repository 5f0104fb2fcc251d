"""
The new lines of a log, taken by a parser.

Whatever the parser does, the run ends with a sentence about it and the lines stay
unread; whatever the log does meanwhile, the parser that saw it is thrown away and
a fresh one starts again.
"""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from logster.errors import (
    ConfigurationError,
    LogError,
    LogsterError,
    ParserError,
    described,
    raised_at,
)
from logster.generation import ChangedError
from logster.job import Job
from logster.journal import State, encoded
from logster.metrics import Batch, Metric, to_metric
from logster.parser import Tally, feeder
from logster.unchanged import Unchanged, unchanged


if TYPE_CHECKING:
    from logster.parallel import Helpers
    from logster.tail import Tail


_TRIES = 5

#: What a parser may raise: all but what whoever sits at the keyboard does.
_RAISED = (Exception, SystemExit, GeneratorExit)


class Reading(NamedTuple):
    """A log read to its end: the parser that took it, and how."""

    parser: Any
    tail: "Tail | Unchanged"
    tally: Tally


def read(job: Job, state: State) -> Reading:
    """Feed the new lines to a fresh parser; start again if the log changes meanwhile."""
    for _ in range(_TRIES):
        try:
            return _read_once(job, state)
        except ChangedError:
            time.sleep(0.02)
        except LogsterError:
            raise
        except Exception as error:  # a fault of ours, which the state shall show
            raise LogError(
                f"{job.log} was not read: logster itself raised {described(error)}. "
                "Nothing was sent; the next run starts where this one did."
            ) from error
    raise LogError(
        f"{job.log} was rotated or cut {_TRIES} times while it was being read. "
        "Nothing was sent; the next run starts where this one did."
    )


def _read_once(job: Job, state: State) -> Reading:
    parser = make_parser(job, state)
    if resting := unchanged(job.log, state.cursor, job.max_line):
        return Reading(parser, resting, Tally())
    from logster.tail import Tail  # noqa: PLC0415 - only where there is something to read

    helpers = _helpers(job, parser)
    tail = Tail(
        job.log,
        state.cursor or None,
        log_patterns=job.log_patterns,
        max_line=job.max_line,
        share=helpers.take if helpers else None,
    )
    try:
        tally = _feed(job, parser, tail)
        if helpers and helpers.at_work:
            parser, theirs, overlong = _collected(job, helpers)
            tail.overlong += overlong
            tally = Tally(*map(sum, zip(tally, theirs, (0, 0, overlong), strict=True)))
    finally:
        if helpers:
            helpers.dismiss()
    return Reading(parser, tail, tally)


def _helpers(job: Job, parser: Any) -> "Helpers | None":
    if job.jobs < 2:
        return None
    from logster.parallel import Helpers, can_share  # noqa: PLC0415 - few runs have so much to read

    return Helpers(parser, job.parser, job.jobs, job.max_line) if can_share(parser) else None


def _collected(job: Job, helpers: "Helpers") -> tuple[Any, Tally, int]:
    try:
        return helpers.collect()
    except (ChangedError, LogsterError):
        raise
    except _RAISED as error:
        raise _parser_error(job, "reading a line", error) from error


def derived(job: Job, parser: Any, duration: int, timestamp: int) -> tuple[Metric, ...]:
    """Return what *parser* makes of the lines it took."""
    try:
        return tuple(to_metric(each, timestamp) for each in parser.get_state(duration))
    except _RAISED as error:
        raise _parser_error(job, "deriving its metrics", error) from error


def kept_memory(job: Job, parser: Any, state: State, batch: Batch) -> Any:
    """Return what the parser wants back, once the journal is known to hold it and *batch*."""
    try:
        encoded(batch)
        if not getattr(parser, "keeps_memory", False):
            return state.memory
        return json.loads(json.dumps(parser.memory))
    except _RAISED as error:
        raise _parser_error(job, "handing over what the journal shall keep", error) from error


def overlong(job: Job, tail: "Tail | Unchanged") -> Iterator[str]:
    """Tell of lines that were too long."""
    if tail.overlong:
        yield (
            f"{tail.overlong} lines of {job.log} were longer than {job.max_line} bytes; they were "
            "passed over and count as unmatched. --max-line moves the limit."
        )


def make_parser(job: Job, state: State) -> Any:
    """
    Return a fresh parser that knows what the last run left to it.

    Raises:
        LogsterError: If it cannot be made, or refuses its options.
    """
    try:
        parser = job.parser()
        if state.memory is not None and getattr(parser, "keeps_memory", False):
            parser.memory = state.memory
    except LogsterError:
        raise
    except _RAISED as error:
        if isinstance(error, SystemExit) and error.code == ConfigurationError.exit_code:
            # optparse and argparse have said what they make of its options.
            raise ConfigurationError(
                f"The parser {job.parser_name} refused its options. "
                f"Nothing was sent; the lines of {job.log} stay unread until it takes them."
            ) from error
        raise _parser_error(job, "being made", error) from error
    return parser


def _feed(job: Job, parser: Any, tail: "Tail") -> Tally:
    feed = feeder(parser)
    matched = ignored = unmatched = 0
    for block in tail.blocks():
        try:
            tally = feed(block)
        except _RAISED as error:  # whatever it is, the lines stay unread
            raise _parser_error(job, "reading a line", error) from error
        matched += tally[0]
        ignored += tally[1]
        unmatched += tally[2]
    return Tally(matched, ignored, unmatched + tail.overlong)


def _parser_error(job: Job, doing: str, error: BaseException) -> ParserError:
    from logster.shapes import printable  # noqa: PLC0415 - only for a run that fails

    return ParserError(
        f"The parser {job.parser_name} raised {type(error).__name__} while {doing}: "
        f"{printable(str(error), 500)}{raised_at(error)}. Nothing was sent; the next run reads the "
        f"same lines of {job.log} again."
    )

"""
One run: read on, count, write down what is owed, deliver.

The journal's commit between counting and delivering is the whole trick. Before
it nothing was sent and the lines are still unread; after it the figures are
kept until the receiver has them. This module returns a report and prints
nothing.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from logster.errors import LogError, LogsterError, OutputError, ParserError, StateError
from logster.generation import MAX_LINE_BYTES
from logster.journal import CorruptStateError, Journal, State
from logster.lock import Lock
from logster.metrics import Batch, Metric, set_run_time, to_metric
from logster.outputs import Output, Owing, Receipt, describe
from logster.parser import Tally, feeder
from logster.tail import ChangedError, Tail, end_of


#: Seconds that a run without a run before it is taken to cover: cron's minute.
FIRST_DURATION = 60

_TRIES = 5


@dataclass(slots=True, kw_only=True)
class Job:
    """
    What a command line asks for.

    Attributes:
        log: Path of the log.

        parser: Makes a fresh parser.

        parser_name: As the user wrote it, for messages.

        outputs: Where the metrics go.

        state: Path of the state file.

        legacy_states: State files of earlier versions, taken over if *state* is missing.

        from_start: Whether a first run reads the log from its start.

        mark: Tells this command line from another that uses the same state.

        wait: Seconds to wait for another run of the job.

        log_patterns: Where else rotated files are.

        max_line: Bytes a line may have.

        outbox_bytes: What owed batches may take up.

        outbox_age: Seconds after which an owed batch is given up.

        self_prefix: Prefix under which the run sends figures about itself, or None.
    """

    log: str
    parser: Callable[[], Any]
    parser_name: str
    outputs: Sequence[Output]
    state: str
    legacy_states: Sequence[str] = ()
    from_start: bool = False
    mark: str = ""
    wait: float = 0
    log_patterns: Sequence[str] = ()
    max_line: int = MAX_LINE_BYTES
    outbox_bytes: int = 16 << 20
    outbox_age: float = 7 * 86400
    self_prefix: str | None = None


@dataclass(slots=True)
class Report:
    """
    What a run did.

    Attributes:
        tally: Lines matched, ignored and unmatched.

        metrics: What the parser derived.

        bytes_read: Bytes of the lines read.

        refused: Metrics that an output could not take.

        notices: Sentences about losses, for the person who reads cron's mail.

        errors: Outputs that did not get everything, each with its sentence.

        first: Whether this was a first run, which only takes its place.
    """

    tally: Tally = field(default_factory=Tally)
    metrics: tuple[Metric, ...] = ()
    bytes_read: int = 0
    refused: int = 0
    notices: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    first: bool = False


class _Reading(NamedTuple):
    """A log read to its end: the parser that took it, and how."""

    parser: Any
    tail: Tail
    tally: Tally


def run(job: Job, *, clock: Callable[[], float] = time.time) -> Report:
    """
    Do one run of *job*.

    Args:
        job: What to do.

        clock: Returns seconds since the epoch.

    Raises:
        LogsterError: If nothing was counted; the next run starts where this one did.
    """
    started = clock()
    report = Report()
    with Lock(job.state + ".lock", job.wait):
        journal = Journal(job.state)
        state = _load(job, report)
        if state is None and not job.from_start:
            report.first = True
            state = State(cursor=end_of(job.log), last_run=started, summary=_identity(job))
            _commit(journal, state, "Nothing was read; the next run is a first run again.")
            return report
        state = state or State()
        try:
            _count(job, state, report, started)
        except LogsterError as error:
            _remember(journal, state, str(error))
            raise
        _notice_turns(job, state, report)
        _drop_old(job, state, report, started)
        _commit(journal, state, "Nothing was sent; the lines stay unread for the next run.")
        for output, receipt in _deliveries(job.outputs, state):
            _settle(job, output, receipt, state, report)
            _commit(journal, state, "What was sent cannot be noted and will be sent once more.")
    return report


def preview(
    job: Job, *, clock: Callable[[], float] = time.time
) -> tuple[Report, dict[str, list[Batch]]]:
    """
    Return what the next run of *job* would send to each target, and touch nothing.

    Without a state the log is read from its start.

    Raises:
        LogsterError: As `run` does.
    """
    report = Report()
    state = _load(job, report, touch=False) or State()
    _count(job, state, report, clock())
    return report, state.owed


def _load(job: Job, report: Report, *, touch: bool = True) -> State | None:
    """Return the state of the job, its own or that of an earlier version."""
    for path in (job.state, *job.legacy_states):
        journal = Journal(path)
        try:
            state = journal.load()
        except CorruptStateError as error:
            aside = journal.set_aside() if touch and path == job.state else path
            report.errors.append(
                f"{error} It was set aside as {aside}; this run takes its place at the end of "
                f"{job.log}, and lines written since the last good run are not counted."
            )
            return None
        if state:
            return state
    return None


def _count(job: Job, state: State, report: Report, started: float) -> None:
    """Read the log to its end and owe what the parser makes of it; *state* is changed last."""
    timestamp = max(int(started), state.last_time + 1)
    set_run_time(timestamp)
    reading = _read(job, state)
    # The clock may have been set back, and two runs may share a second.
    duration = max(1, int(started) - int(state.last_run)) if state.last_run else FIRST_DURATION
    report.metrics = _metrics(job, reading.parser, duration, timestamp)
    report.tally = reading.tally
    report.bytes_read = reading.tail.bytes_read
    report.notices += reading.tail.notices
    metrics = report.metrics
    if job.self_prefix is not None:
        metrics += tuple(_own_figures(job.self_prefix, reading, state, timestamp, started))
    batch = Batch(timestamp, metrics)
    for output in job.outputs:
        {Owing.EACH: state.owe_each, Owing.SUM: state.owe_sum, Owing.TOTAL: state.owe_total}[
            output.owing
        ](output.target, batch)
    state.cursor = reading.tail.cursor
    state.last_run, state.last_time = started, timestamp
    if getattr(reading.parser, "keeps_memory", False):
        state.memory = reading.parser.memory
    state.summary = {
        **_identity(job),
        "lines": sum(reading.tally),
        "unmatched": reading.tally.unmatched,
        "lag": reading.tail.lag,
        "bytes_lost": reading.tail.bytes_lost + state.summary.get("bytes_lost", 0),
        "gaps": reading.tail.gaps + state.summary.get("gaps", 0),
        "refused": 0,
        "error": None,
    }


def _read(job: Job, state: State) -> _Reading:
    """Feed the new lines to a fresh parser; start again if the log changes meanwhile."""
    for _ in range(_TRIES):
        parser = job.parser()
        if state.memory is not None and getattr(parser, "keeps_memory", False):
            parser.memory = state.memory
        cursor = state.cursor or None
        tail = Tail(job.log, cursor, log_patterns=job.log_patterns, max_line=job.max_line)
        try:
            return _Reading(parser, tail, _feed(job, parser, tail))
        except ChangedError:
            continue
    raise LogError(
        f"{job.log} was rotated or cut {_TRIES} times while it was being read. "
        "Nothing was sent; the next run starts where this one did."
    )


def _feed(job: Job, parser: Any, tail: Tail) -> Tally:
    feed = feeder(parser)
    matched = ignored = unmatched = 0
    for block in tail.blocks():
        try:
            tally = feed(block)
        except Exception as error:  # whatever it is, the lines stay unread
            raise _parser_error(job, "reading a line", error) from error
        matched += tally[0]
        ignored += tally[1]
        unmatched += tally[2]
    return Tally(matched, ignored, unmatched + tail.overlong)


def _metrics(job: Job, parser: Any, duration: int, timestamp: int) -> tuple[Metric, ...]:
    try:
        return tuple(to_metric(each, timestamp) for each in parser.get_state(duration))
    except Exception as error:
        raise _parser_error(job, "deriving its metrics", error) from error


def _parser_error(job: Job, doing: str, error: Exception) -> ParserError:
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame else ""
    return ParserError(
        f"The parser {job.parser_name} raised {type(error).__name__} while {doing}: "
        f"{error}{where}. Nothing was sent; the next run reads the same lines of {job.log} again."
    )


def _own_figures(
    prefix: str, reading: _Reading, state: State, timestamp: int, started: float
) -> Iterator[Metric]:
    """Yield what the run says of itself."""
    tail, tally = reading.tail, reading.tally
    figures = (
        ("lines_read", sum(tally), "lines", "c"),
        ("lines_matched", tally.matched, "lines", "c"),
        ("lines_ignored", tally.ignored, "lines", "c"),
        ("lines_unmatched", tally.unmatched, "lines", "c"),
        ("lines_overlong", tail.overlong, "lines", "c"),
        ("bytes_read", tail.bytes_read, "bytes", "c"),
        ("bytes_lost", tail.bytes_lost, "bytes", "c"),
        ("gaps", tail.gaps, "gaps", "c"),
        ("rotations", tail.rotations, "files", "c"),
        ("lag", tail.lag, "bytes", "g"),
        ("backlog", state.backlog(), "batches", "g"),
        ("batches_dropped", state.dropped, "batches", "g"),
        ("metrics_refused", state.summary.get("refused", 0), "metrics", "g"),
        ("run_time", max(0.0, round(time.time() - started, 6)), "seconds", "g"),
    )
    for name, value, units, kind in figures:
        yield Metric(f"{prefix}.{name}", value, units, "float", timestamp, kind)


def _deliveries(outputs: Sequence[Output], state: State) -> Iterator[tuple[Output, Receipt]]:
    """
    Yield each output with its receipt, as they come in.

    Several outputs are served side by side, so that a dead one delays no other.
    """
    owing = [output for output in outputs if output.target in state.owed]
    if len(owing) <= 1:
        for output in owing:
            yield output, _receipt(output, state.owed[output.target])
        return
    import queue  # noqa: PLC0415 - only runs with several outputs pay for it
    import threading  # noqa: PLC0415

    done: queue.SimpleQueue[tuple[Output, Receipt]] = queue.SimpleQueue()

    def serve(output: Output, batches: Sequence[Batch]) -> None:
        done.put((output, _receipt(output, batches)))

    for output in owing:
        arguments = (output, list(state.owed[output.target]))
        threading.Thread(target=serve, args=arguments, daemon=True).start()
    for _ in owing:
        yield done.get()


def _receipt(output: Output, batches: Sequence[Batch]) -> Receipt:
    try:
        return output.deliver(batches)
    except Exception as error:  # noqa: BLE001 - whatever it is, the batches stay owed
        return Receipt(0, 0, OutputError(f"{type(error).__name__}: {error}"))


def _settle(job: Job, output: Output, receipt: Receipt, state: State, report: Report) -> None:
    """Take what was delivered out of the outbox and say what was not."""
    state.paid(output.target, receipt.delivered)
    report.refused += receipt.refused
    state.summary["refused"] = report.refused
    if receipt.error is None:
        return
    left = sum(len(batch.metrics) for batch in state.owed.get(output.target, ()))
    sentence = (
        f"{left} metrics could not be sent to {describe(output)}: {receipt.error}. "
        f"They are kept in {job.state} and the next run sends them"
        + (", with their own times." if output.owing is Owing.EACH else ".")
    )
    state.summary["error"] = sentence
    report.errors.append(sentence)


def _drop_old(job: Job, state: State, report: Report, started: float) -> None:
    dropped = state.trim(started - job.outbox_age, job.outbox_bytes)
    if dropped:
        report.notices.append(
            f"{dropped} batches that could not be delivered were given up: the outbox of "
            f"{job.state} holds {job.outbox_bytes} bytes and {job.outbox_age:g} s at most."
        )


def _notice_turns(job: Job, state: State, report: Report) -> None:
    """Tell of two command lines that use one state in turn and so miss half of the lines each."""
    recent = [*state.callers[-2:], job.mark]
    if len(recent) == 3 and recent[0] == recent[2] != recent[1]:
        report.notices.append(
            f"Another command line with other options takes turns with this one on {job.state}, "
            "so that each misses the lines that the other reads. Give one of them --job NAME."
        )
    state.callers = recent[-2:]


def _identity(job: Job) -> dict[str, Any]:
    return {"log": job.log, "parser": job.parser_name}


def _remember(journal: Journal, state: State, sentence: str) -> None:
    """Note the error of a run that ends here, if there is a state to note it in."""
    if state.cursor:
        state.summary["error"] = sentence
        with contextlib.suppress(StateError):
            journal.commit(state)


def _commit(journal: Journal, state: State, consequence: str) -> None:
    try:
        journal.commit(state)
    except StateError as error:
        raise StateError(f"{error}. {consequence}") from error

"""
One run: read on, count, write down what is owed, deliver.

The journal's commit between counting and delivering is the whole trick. Before
it nothing was sent and the lines are still unread; after it the figures are
kept until the receiver has them. This module returns a report and prints
nothing.
"""

import contextlib
import math
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from logster.delivery import commit, deliver, failure, owe
from logster.errors import LogError, LogsterError, StateError
from logster.generation import ChangedError, Generation
from logster.job import Job, Report
from logster.journal import CorruptStateError, Journal, State
from logster.lock import Lock
from logster.metrics import Batch, Metric, set_run_time
from logster.parser import LogsterParser, Tally
from logster.reading import Reading, derived, kept_memory, make_parser, overlong, read


__all__ = ["Job", "Report", "note", "preview", "run"]

#: Seconds that a run without a run before it is taken to cover: cron's minute.
FIRST_DURATION = 60

#: Seconds by which the clock may go back without a word.
CLOCK_SLACK = 3600

# Stands in `State.said` for a sentence whose number changes from run to run.
_REFUSED = "refused"


def run(job: Job, *, clock: Callable[[], float] = time.time) -> Report:
    """
    Do one run of *job*.

    Args:
        job: What to do.

        clock: Returns seconds since the epoch.

    Raises:
        LogsterError: If nothing was counted, so that the next run starts where this one
            did, or what was delivered could not be noted. What else went wrong by then is
            in its notes.
    """
    report = Report()
    try:
        return _run(job, report, clock)
    except LogsterError as error:
        for sentence in report.errors:
            error.add_note(sentence)
        raise


def _run(job: Job, report: Report, clock: Callable[[], float]) -> Report:
    """Do the run; *report* tells of it as far as it comes."""
    started = clock()
    with Lock(job.state + ".lock", job.wait):
        journal = Journal(job.state)
        state = _load(job, journal, report)
        if state is None:
            return _take_place(job, journal, report, started)
        try:
            _count(job, state, report, clock, started)
        except LogsterError as error:
            _deliver_in_spite(job, journal, state, str(error))
            raise
        _notice(job, state, report, started)
        # What nobody was offered yet is not old.
        _drop_old(job, state, report, started, spared=state.last_time)
        commit(journal, state, "Nothing was sent; the lines stay unread for the next run.")
        deliver(job, journal, state, report)
        if _tell_of_refusal(job, state, report):
            commit(journal, state, "What was delivered may be sent once more.")
        if _drop_old(job, state, report, started):
            commit(journal, state, "The batches given up stay in the outbox.")
    return report


def preview(
    job: Job, *, clock: Callable[[], float] = time.time
) -> tuple[Report, Mapping[str, Sequence[Batch]]]:
    """
    Return what the next run of *job* would send to each target, and touch nothing.

    Without a state the log is read from its start.

    Raises:
        LogsterError: As `run` does.
    """
    report = Report()
    state = _load(job, Journal(job.state), report, touch=False) or State()
    _count(job, state, report, clock, clock())
    return report, state.owed


def note(path: str, log: str, sentence: str, log_patterns: Sequence[str] = ()) -> None:
    """
    Note in the state *path* of *log*, if there is one, why a run ended before it began.

    One that is damaged is left to the run that tells of it.
    """
    with contextlib.suppress(LogsterError), Lock(path + ".lock", 0):
        journal = Journal(path)
        state = journal.load()
        if state and not state.damaged:
            _make_sure(path, state, log, log_patterns)
            state.summary["error"] = sentence
            journal.commit(state)


def _load(job: Job, journal: Journal, report: Report, *, touch: bool = True) -> State | None:
    """Return the state of the job, its own or that of an earlier version; None takes its place."""
    for path in (job.state, *job.legacy_states):
        own = path == job.state
        try:
            state = Journal(path).load()
        except CorruptStateError as error:
            aside = journal.set_aside() if touch and own else path
            report.errors.append(f"{error} {_consequence(job, error.rescued)} It is in {aside}.")
            return error.rescued
        if state:
            _make_sure(path, state, job.log, job.log_patterns)
            if state.damaged:
                aside = journal.set_aside() if touch and own else path
                report.errors.append(
                    f"{state.damaged} of the batches owed in the state {path} are damaged and "
                    f"given up; the others are sent. It is in {aside}."
                )
            journal.origins = () if own else job.legacy_states
            return state
    return State() if job.from_start else None


def _make_sure(path: str, state: State, log: str, log_patterns: Sequence[str]) -> None:
    """
    Make sure that the state *path* is that of *log*: 1.x gave ``/a-b`` and ``/a/b`` one name.

    A log that was moved, or is reached by another way, is the same log.

    Raises:
        StateError: If it is another's; an early state does not tell.
    """
    known, asked = state.summary.get("log", ""), _absolute(log)
    if (
        os.path.isabs(known)
        and os.path.abspath(known) != asked
        and _differ(known, asked, log_patterns, state)
    ):
        raise StateError(
            f"The state {path} is that of the log {known}, and {asked} gives it the same name. "
            "Nothing was read or sent; give one of the two --job NAME."
        )


def _differ(known: str, asked: str, log_patterns: Sequence[str], state: State) -> bool:
    """Return whether *asked* is neither *known* nor, if that is gone, what was read last."""
    try:
        there = os.stat(known)
    except (OSError, ValueError):
        return os.path.exists(asked) and not _was_read(asked, log_patterns, state)
    try:
        here = os.stat(asked)
    except (OSError, ValueError):
        return True
    read_last = state.cursor[-1].inode if state.cursor else None
    return not os.path.samestat(there, here) and here.st_ino != read_last


def _was_read(asked: str, log_patterns: Sequence[str], state: State) -> bool:
    """Return whether *asked*, or a file rotated from it, is what was read last."""
    from logster.shelf import Shelf  # noqa: PLC0415 - only for a log that was moved

    if not state.cursor:
        return True
    last = state.cursor[-1]._replace(path="")
    try:
        with contextlib.closing(Generation(asked)) as live:
            if live.is_at(last) or (last.head_bytes and live.holds(last)):
                return True
            rotated = Shelf(asked, log_patterns).find(last, [live.identity])
    except (OSError, LogError, ChangedError):
        return True  # the run says what is wrong with it
    if rotated:
        rotated.close()
    return bool(rotated)


def _absolute(path: str) -> str:
    """Return *path* as it is from the root; links in it stay."""
    try:
        return os.path.abspath(path)
    except OSError:  # the current directory is gone, and what is in it will not be found
        return path


def _consequence(job: Job, rescued: State | None) -> str:
    if rescued:
        return (
            f"Its first two lines still tell the place in {job.log}, and reading goes on there; "
            "what was owed to a receiver is not sent."
        )
    return (
        f"This run takes its place at the end of {job.log}, and lines written since the last "
        "good run are not counted."
    )


def _take_place(job: Job, journal: Journal, report: Report, started: float) -> Report:
    """Do a first run: the next one counts from here."""
    from logster.tail import end_of  # noqa: PLC0415 - a run with nothing new needs none of it

    report.first = True
    place = end_of(job.log, job.max_line, job.log_patterns)
    state = State(place, last_run=started, summary=_identity(job))
    refusal = None
    try:
        make_parser(job, state)
    except LogsterError as error:
        refusal = error  # said now, when somebody looks; from this place on no line is missed
    state.summary["error"] = next(iter([*report.errors, *map(str, filter(None, [refusal]))]), None)
    _say(job.remarks, state, report)
    commit(journal, state, "Nothing was read; the next run is a first run again.")
    if refusal:
        raise refusal
    return report


def _count(
    job: Job, state: State, report: Report, clock: Callable[[], float], started: float
) -> None:
    """Read the log to its end and owe what the parser makes of it; *state* is changed last."""
    timestamp = max(int(started), state.last_time + 1)
    set_run_time(timestamp)
    reading = read(job, state)
    metrics = derived(job, reading.parser, _duration(state, started), timestamp)
    report.metrics, report.tally = metrics, reading.tally
    report.bytes_read = reading.tail.bytes_read
    run_time = max(0.0, round(clock() - started, 6))
    if job.self_prefix is not None:
        metrics += tuple(_own_figures(job.self_prefix, reading, state, timestamp, run_time))
    batch = Batch(timestamp, metrics)
    memory = kept_memory(job, reading.parser, state, batch)
    report.notices += [*reading.tail.notices, *overlong(job, reading.tail)]
    said = getattr(reading.parser, "notices", None)
    if isinstance(reading.parser, LogsterParser) and isinstance(said, list):
        report.notices += map(str, said)
    report.errors += _too_many_unmatched(job, reading.tally)
    owe(job, state, batch)
    state.cursor, state.memory = reading.tail.cursor, memory
    state.last_run, state.last_time = started, timestamp
    state.summary = _summary(job, state, reading, run_time)
    state.summary["complaint"] = next(iter(report.errors), None)
    state.summary["error"] = failure(state)


def _too_many_unmatched(job: Job, tally: Tally) -> Iterator[str]:
    """Tell of more lines that were not understood than the user takes for normal."""
    lines, limit = sum(tally), job.max_unmatched
    if limit is not None and tally.unmatched * 100 > limit * lines:
        yield (
            f"{tally.unmatched} of {lines} lines of {job.log} went unmatched, more than {limit:g} "
            f"%. The others count all the same; logster why {job.parser_name} {job.log}, with the "
            "--parser-options of the run, shows the lines."
        )


def _duration(state: State, started: float) -> int:
    """Return the seconds since the last run, as far as the clock can be believed."""
    seconds = int(started) - int(state.last_run)
    # The last run's clock was behind that of an earlier one, and this one's no longer is.
    was_behind = state.last_run < state.last_time - FIRST_DURATION <= started
    if not state.last_run or seconds < 0 or was_behind:
        return FIRST_DURATION
    return max(1, seconds)  # two runs may share a second


def _own_figures(
    prefix: str, reading: Reading, state: State, timestamp: int, run_time: float
) -> Iterator[Metric]:
    """Yield what the run says of itself."""
    tail, tally = reading.tail, reading.tally
    figures = (
        ("lines_read", sum(tally), "lines", "c"),
        ("lines_matched", tally.matched, "lines", "c"),
        ("lines_ignored", tally.ignored, "lines", "c"),
        ("lines_unmatched", tally.unmatched - tail.overlong, "lines", "c"),
        ("lines_failed", tail.overlong, "lines", "c"),
        ("bytes_read", tail.bytes_read, "bytes", "c"),
        ("bytes_lost", tail.bytes_lost, "bytes", "c"),
        ("gaps", tail.gaps, "gaps", "c"),
        ("rotations", tail.rotations, "files", "c"),
        ("lag", tail.lag, "bytes", "g"),
        ("backlog", state.backlog(), "batches", "g"),
        ("batches_dropped", state.dropped, "batches", "g"),
        ("metrics_refused", state.summary.get("refused", 0), "metrics", "g"),
        ("run_time", run_time, "seconds", "g"),
    )
    for name, value, units, kind in figures:
        yield Metric(f"{prefix}.{name}", value, units, "float", timestamp, kind)


def _identity(job: Job) -> dict[str, Any]:
    return {"log": _absolute(job.log), "parser": job.parser_name}


def _summary(job: Job, state: State, reading: Reading, run_time: float) -> dict[str, Any]:
    """Return what `logster.journal.State` says of a summary; nothing was delivered yet."""
    tail, tally, before = reading.tail, reading.tally, state.summary
    undelivered: dict[str, str] = before.get("undelivered", {})
    return {
        **_identity(job),
        "outputs": list(job.targets),
        "lines": sum(tally),
        **tally._asdict(),
        "bytes": tail.bytes_read,
        "lag": tail.lag,
        "run_time": run_time,
        "refused": 0,
        "error": None,
        "undelivered": {target: why for target, why in undelivered.items() if target in state.owed},
        **{
            name: getattr(tail, name) + before.get(name, 0)
            for name in ("bytes_lost", "gaps", "rotations")
        },
    }


def _deliver_in_spite(job: Job, journal: Journal, state: State, sentence: str) -> None:
    """Send what earlier runs owe, and note why this one ends without counting."""
    if not state.cursor:
        return
    with contextlib.suppress(StateError):
        deliver(job, journal, state, Report())
        state.summary["error"] = sentence
        journal.commit(state)


def _drop_old(
    job: Job, state: State, report: Report, started: float, *, spared: float = math.inf
) -> int:
    """Give up what the outbox shall not hold, but nothing from *spared* on; return how many."""
    dropped = state.trim(started - job.outbox_age, job.outbox_bytes, spared)
    if dropped:
        report.notices.append(
            f"{dropped} batches that could not be delivered were given up, or their timers to "
            f"keep the rest: the outbox of {job.state} holds {job.outbox_bytes} bytes and "
            f"{job.outbox_age:g} s at most."
        )
    return dropped


def _notice(job: Job, state: State, report: Report, started: float) -> None:
    """Say what deserves a word once, as long as it lasts."""
    turns, orphans = _turns(job, state), _orphans(job, state)
    _say([*job.remarks, *turns, *orphans, *_clock_back(job, state, started)], state, report)


def _say(remarks: Sequence[str], state: State, report: Report) -> None:
    """Say those of *remarks* that the last run had no reason to say."""
    marks = [f"{zlib.crc32(each.encode('utf-8', 'replace')):08x}" for each in remarks]
    report.notices += [
        remark for remark, mark in zip(remarks, marks, strict=True) if mark not in state.said
    ]
    state.said = [*marks, *(mark for mark in state.said if mark == _REFUSED)]


def _tell_of_refusal(job: Job, state: State, report: Report) -> bool:
    """Say once that an output cannot take all metrics; return whether that is to be noted."""
    if not report.refused or _REFUSED in state.said:
        return False
    state.said.append(_REFUSED)
    report.notices.append(
        f"{report.refused} metrics of {job.log} could not be sent as they are: their value is no "
        "number, or their name is another's at the receiver. The others were sent; logster lint "
        "with the words of this command line names them."
    )
    return True


def _turns(job: Job, state: State) -> Iterator[str]:
    """Tell of two command lines that use one state in turn and so miss half of the lines each."""
    mark = repr((job.mark, sorted(job.targets)))
    recent = [*state.callers[-2:], f"{zlib.crc32(mark.encode('utf-8', 'replace')):08x}"]
    state.callers = recent[-2:]
    if len(recent) == 3 and recent[0] == recent[2] != recent[1]:
        yield (
            f"Another command line with other options takes turns with this one on {job.state}, "
            "so that each misses the lines that the other reads. Give one of them --job NAME."
        )


def _orphans(job: Job, state: State) -> Iterator[str]:
    """Tell of outputs that are owed something and no longer asked for."""
    for target in state.owed.keys() - job.targets.keys():
        yield (
            f"Metrics of earlier runs are owed to {target}, which is no longer among the outputs "
            f"of this command line. They are kept in {job.state} for {job.outbox_age:g} s, and a "
            "run with that output sends them."
        )


def _clock_back(job: Job, state: State, started: float) -> Iterator[str]:
    """Tell that the points lie in the future, since an earlier run's clock did."""
    if state.last_time > started + CLOCK_SLACK:
        yield (
            f"The clock was set back since an earlier run of {job.state}. No point overwrites "
            "another, so the metrics bear times ahead of the clock until it has caught up."
        )

"""``logster status``: how each job stands, for people, for programs and for Nagios."""

import json
import math
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

import click

from logster.commands._reading import CONTEXT, counted
from logster.errors import LogsterError
from logster.generation import Position
from logster.journal import Journal
from logster.places import default_folder
from logster.shapes import printable
from logster.table import table


class Level(IntEnum):
    """How a job stands; the values are the exit codes that Nagios defines."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


#: The levels, the worst last: what is known to be broken outranks what cannot be seen.
_SEVERITY = (Level.OK, Level.WARNING, Level.UNKNOWN, Level.CRITICAL)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a job may do before it is worth a word; None allows anything.

    Attributes:
        age: Seconds since the last run started; beyond is critical.

        lag: Bytes of the log not read yet; beyond is a warning.

        backlog: Batches owed; beyond is a warning.

        unmatched: Percent of the lines of the last run; beyond is a warning.
    """

    age: float | None = None
    lag: int | None = None
    backlog: int | None = 0
    unmatched: float | None = None


@dataclass(slots=True)
class Standing:
    """
    How one job stands.

    Attributes:
        state: Its state file.

        log: Its log, empty where that is not known.

        parser: Its parser, likewise.

        offset: Where reading stopped.

        lag: Bytes of the log not read yet, None if the log is not there.

        last_run: When its last run started, in seconds since the epoch.

        age: Seconds since then.

        backlog: Batches owed, by target.

        undelivered: Why the last run could not deliver, by target.

        dropped: Batches given up since the job began.

        refused: Metrics that an output could not take in the last run.

        lines: Lines of the last run.

        unmatched: How many of them the parser did not understand.

        bytes_lost: Bytes that could not be read since the job began.

        gaps: How often that happened.

        error: What the last run ended with.

        status: The worst of its problems, as Nagios calls it.

        problems: What is wrong, in words.
    """

    state: str
    log: str = ""
    parser: str = ""
    offset: int | None = None
    lag: int | None = None
    last_run: float | None = None
    age: float | None = None
    backlog: dict[str, int] = field(default_factory=dict)
    undelivered: dict[str, str] = field(default_factory=dict)
    dropped: int = 0
    refused: int = 0
    lines: int = 0
    unmatched: int = 0
    bytes_lost: int = 0
    gaps: int = 0
    error: str | None = None
    status: str = Level.OK.name
    problems: list[str] = field(default_factory=list)

    def add(self, level: Level, problem: str) -> None:
        """Add a *problem* of some *level*."""
        self.status = worst([Level[self.status], level]).name
        self.problems.append(problem)


class _Finite(click.FloatRange):
    """Numbers with which others can be compared: not ``nan``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


class _Misused(click.UsageError):
    """Wrong use of the command."""

    exit_code = Level.UNKNOWN.value


class _Plugin(click.Command):
    """A command whose usage errors mean UNKNOWN to Nagios, and not CRITICAL."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise _Misused(error.format_message(), error.ctx) from error


@click.command("status", cls=_Plugin, context_settings=CONTEXT)
@click.argument("state", nargs=-1, type=click.Path(readable=False))
@click.option(
    "-s",
    "--state-dir",
    metavar="DIR",
    help="Where the states are. Default: /var/lib/logster for root, "
    "$XDG_STATE_HOME/logster for others.",
)
@click.option(
    "--json", "as_json", envvar="LOGSTER_JSON", is_flag=True, help="Print JSON, for programs."
)
@click.option(
    "--max-age",
    metavar="SECONDS",
    type=_Finite(min=0),
    help="CRITICAL if the last run started longer ago. Default: not checked.",
)
@click.option(
    "--max-lag",
    metavar="BYTES",
    type=click.IntRange(min=0),
    help="WARNING if more of the log is unread. Default: not checked.",
)
@click.option(
    "--max-backlog",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="WARNING if more batches are owed.",
)
@click.option(
    "--max-unmatched",
    metavar="PERCENT",
    type=_Finite(min=0),
    help="WARNING if more of the last run's lines went unmatched. Default: not checked.",
)
def command(
    state: tuple[str, ...],
    state_dir: str | None,
    max_age: float | None,
    max_lag: int | None,
    max_backlog: int,
    max_unmatched: float | None,
    *,
    as_json: bool,
) -> int:
    """
    Show how each job stands: its log, place, lag, backlog and last error.

    STATE is the state file of a job; without one all jobs are shown. Nothing is
    written and no lock is taken, so that it may be called at any time.

    The first line and the exit code are what Nagios expects of a plugin: 0 OK; 1
    WARNING, a limit is exceeded; 2 CRITICAL, the last run of a job failed or is too
    long ago; 3 UNKNOWN, a state cannot be read or there is none.
    """
    limits = Limits(max_age, max_lag, max_backlog, max_unmatched)
    folder = state_dir or default_folder()
    jobs = [standing(path, time.time(), limits) for path in state or _states(folder)]
    level = worst([Level[job.status] for job in jobs]) if jobs else Level.UNKNOWN
    if as_json:
        content = {"status": level.name, "jobs": [asdict(job) for job in jobs]}
        click.echo(json.dumps(content, indent=2))
    elif jobs:
        click.echo("\n".join(_text(jobs, level, limits)))
    else:
        click.echo(f"LOGSTER UNKNOWN - {_safe(_nothing(folder))}")
    return level


def standing(path: str, now: float, limits: Limits) -> Standing:
    """
    Return how the job with the state *path* stands.

    Args:
        path: Its state file.

        now: Seconds since the epoch.

        limits: What it may do.
    """
    job = Standing(path)
    try:
        _fill(job, now)
    except LogsterError as error:
        job.add(Level.UNKNOWN, str(error))
    except OSError as error:
        job.add(Level.UNKNOWN, f"The state {path} cannot be read: {error.strerror}.")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        job.add(Level.UNKNOWN, f"The state {path} makes no sense: {error}.")
    else:
        _judge(job, limits)
    return job


def worst(levels: Sequence[Level]) -> Level:
    """
    Return the worst of *levels*.

    >>> worst([Level.OK, Level.CRITICAL, Level.UNKNOWN]).name
    'CRITICAL'
    """
    return max(levels, key=_SEVERITY.index)


def _states(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".state")]


def _nothing(folder: str) -> str:
    """Return why no state was found in *folder*."""
    try:
        os.listdir(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"the states in {folder} cannot be read: {error.strerror}"
    return f"there is no state in {folder}: no job has run yet"


def _fill(job: Standing, now: float) -> None:
    """Put into *job* what its state file says."""
    state = Journal(job.state).load()
    if state is None:
        raise LogsterError(f"The state {job.state} does not exist.")
    summary = dict(state.summary)
    job.log, job.parser = _guessed(job.state)
    job.log = str(summary.get("log", job.log))
    job.parser = str(summary.get("parser", job.parser))
    job.last_run = state.last_run
    job.age = round(max(0.0, now - state.last_run), 1)
    job.backlog = {target: len(batches) for target, batches in state.owed.items() if batches}
    job.undelivered = {
        str(target): str(reason) for target, reason in summary.get("undelivered", {}).items()
    }
    job.dropped = int(state.dropped)
    for name in ("refused", "lines", "unmatched", "bytes_lost", "gaps"):
        setattr(job, name, int(summary.get(name, 0)))
    job.error = None if summary.get("error") is None else str(summary["error"])
    if state.cursor:
        job.offset = state.cursor[-1].offset
        job.lag = _lag(job.log, state.cursor[-1])


def _lag(log: str, last: Position) -> int | None:
    """Return how many bytes of *log* come after *last*, as far as one stat can tell."""
    if not os.path.isabs(log):  # as it stood on the command line of a run elsewhere
        log = os.path.join(os.path.dirname(last.path), os.path.basename(log))
    try:
        status = os.stat(log)
    except OSError:
        return None
    if status.st_ino != last.inode:  # rotated: the rest of the old file, and the new one
        return status.st_size + max(0, last.size - last.offset)
    if status.st_size < last.offset:  # cut
        return status.st_size
    return status.st_size - last.offset


def _judge(job: Standing, limits: Limits) -> None:
    """Compare *job* with the *limits*."""
    age, backlog = job.age or 0, sum(job.backlog.values())
    if job.error is not None:
        job.add(Level.CRITICAL, job.error)
    if limits.age is not None and age > limits.age:
        job.add(
            Level.CRITICAL, f"The last run started {_span(age)} ago, more than {limits.age:g} s."
        )
    if limits.backlog is not None and backlog > limits.backlog:
        owed = ", ".join(
            f"{count} to {target}"
            + (f" ({job.undelivered[target]})" if target in job.undelivered else "")
            for target, count in job.backlog.items()
        )
        job.add(Level.WARNING, f"Batches are owed: {owed}.")
    if limits.lag is not None and (job.lag or 0) > limits.lag:
        job.add(Level.WARNING, f"{counted(job.lag or 0, 'byte')} unread, more than {limits.lag}.")
    percent = 100 * job.unmatched / job.lines if job.lines else 0
    if limits.unmatched is not None and percent > limits.unmatched:
        job.add(
            Level.WARNING,
            f"{job.unmatched} of {counted(job.lines, 'line')} went unmatched, more than "
            f"{limits.unmatched:g} %; logster why {job.parser} {job.log} shows them.",
        )


def _text(jobs: list[Standing], level: Level, limits: Limits) -> Iterator[str]:
    """Yield what a person reads, after the one line that Nagios reads."""
    yield f"LOGSTER {level.name} - {_headline(jobs)} | {_figures(jobs, limits)}"
    heads = ("status", "log", "parser", "offset", "lag", "last run", "backlog", "unmatched", "lost")
    yield table(heads, list(map(_row, jobs)), right=(3, 4, 5, 6, 7, 8))
    for job in jobs:
        notes = [*job.problems, *_remarks(job)]
        if notes:
            yield f"\n{_safe(job.state)}"
            yield from (f"  {_safe(note)}" for note in notes)


def _row(job: Standing) -> tuple[str, ...]:
    """Return what the table says of *job*."""
    counts = (str(sum(job.backlog.values())), f"{job.unmatched}/{job.lines}", str(job.bytes_lost))
    return (
        job.status,
        _safe(job.log) or "?",
        _safe(job.parser) or "?",
        _known(job.offset),
        _known(job.lag),
        "?" if job.age is None else f"{_span(job.age)} ago",
        *(counts if _is_known(job) else "???"),
    )


def _remarks(job: Standing) -> Iterator[str]:
    """Yield what is no alarm, since it does not pass, but worth knowing."""
    if job.gaps:
        gaps = counted(job.gaps, "gap")
        yield f"Lost since the job began: {counted(job.bytes_lost, 'byte')} or more, in {gaps}."
    if job.dropped:
        yield f"Given up since the job began: {counted(job.dropped, 'batch')}."
    if job.refused:
        yield f"Not taken by an output in the last run: {counted(job.refused, 'metric')}."


def _headline(jobs: list[Standing]) -> str:
    bad = [job for job in jobs if job.problems]
    if not bad:
        return counted(len(jobs), "job")
    first = max(bad, key=lambda job: _SEVERITY.index(Level[job.status]))
    who = first.log or os.path.basename(first.state)
    return f"{len(bad)} of {counted(len(jobs), 'job')}: {_safe(f'{who}: {first.problems[0]}', 200)}"


def _figures(jobs: list[Standing], limits: Limits) -> str:
    """Return the figures of the worst jobs, as Nagios draws them: U is one that nobody knows."""
    known = [job for job in jobs if _is_known(job)]
    age = max((f for job in known if (f := job.age) is not None), default=None)
    lag = max((f for job in known if (f := job.lag) is not None), default=None)
    backlog = max((sum(job.backlog.values()) for job in known), default=None)
    lost = sum(job.bytes_lost for job in known) if known else None
    return (
        f"jobs={len(jobs)} "
        f"age={_measured(age, 's')};;{_limit(limits.age)};0 "
        f"lag={_measured(lag, 'B')};{_limit(limits.lag)};;0 "
        f"backlog={_measured(backlog)};{_limit(limits.backlog)};;0 "
        f"lost={_measured(lost, 'B')};;;0"
    )


def _is_known(job: Standing) -> bool:
    """Return whether the state of *job* could be read."""
    return job.status != Level.UNKNOWN.name


def _measured(figure: float | None, unit: str = "") -> str:
    return "U" if figure is None else f"{int(figure)}{unit}"


def _limit(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _known(value: int | None) -> str:
    return "?" if value is None else str(value)


def _safe(text: str, width: int | None = None) -> str:
    """Return *text* so that neither a terminal nor Nagios, to which a bar is special, obeys it."""
    return printable(text, width).replace("|", "/")


def _guessed(state: str) -> tuple[str, str]:
    """Return log and parser as far as the name of the file tells, for a state of 1.x."""
    match = re.match(r"(?:logtail|pygtail)-([\w.]+)(-.*)\.state$", os.path.basename(state))
    if not match:
        return "", ""
    log = match[2].replace("-", "/")
    return (log if os.path.exists(log) else ""), match[1]


def _span(seconds: float) -> str:
    """
    Return a span of time as people say it.

    >>> _span(59.9), _span(3600), _span(200_000)
    ('59 s', '60 min', '2 d')
    """
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"

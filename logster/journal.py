"""
What a job knows from one run to the next: the cursor, and the figures still owed.

Both live in one file that is replaced in one step, so that after a crash at any
instruction the lines are either unread and uncounted, or read and their figures
kept until the receiver has them.

The file is the state file of 1.x with more lines: inode, offset, one JSON object,
and then a line for each batch that is owed. Who edits the first two lines by hand
moves the cursor, as ever.
"""

import contextlib
import errno
import json
import math
import os
import stat
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, overload

from logster.errors import StateError
from logster.generation import Position
from logster.metrics import Batch, Metric, merged, number


#: Counters of which the total is kept. Names may come from the log, and new ones every day.
MAX_TOTALS = 10_000

#: Version of the JSON object; a newer one is refused, not guessed at.
FORMAT = 2


class Backlog(Sequence[Batch]):
    """
    The batches owed to one receiver, oldest first.

    Each is kept as its line in the journal and decoded when it is asked for: the
    runs of a night without a receiver carry thousands along and need none of them.

    Args:
        lines: The batches as they stand in the journal.

    >>> backlog = Backlog()
    >>> backlog.append(Batch(7, (Metric("up", 1),)))
    >>> len(backlog), backlog[0].time, backlog.metrics
    (1, 7, 1)
    """

    __slots__ = ("lines",)

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.lines = list(lines)

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> Batch: ...

    @overload
    def __getitem__(self, index: slice) -> list[Batch]: ...

    def __getitem__(self, index: int | slice) -> Batch | list[Batch]:
        if isinstance(index, slice):
            return [_batch(line) for line in self.lines[index]]
        return _batch(self.lines[index])

    @property
    def metrics(self) -> int:
        """Return how many metrics stand in all batches."""
        return sum(int(line.split(",", 2)[1]) for line in self.lines)

    @property
    def oldest(self) -> int:
        """Return the time of the oldest batch, of which there must be one."""
        return int(self.lines[0][1 : self.lines[0].index(",")])

    def append(self, batch: Batch) -> None:
        """Owe *batch* too."""
        self.lines.append(encoded(batch))

    def drop(self, count: int) -> int:
        """Forget the *count* oldest and return how many bytes they took up."""
        gone = self.lines[:count]
        del self.lines[:count]
        return sum(map(len, gone))


class State:
    """
    The state of a job.

    Attributes:
        cursor: Where reading stopped, oldest file first; the last one is the log.

        last_run: When the last run started, in seconds since the epoch.

        last_time: Timestamp of the last batch; the next one is later.

        owed: Batches not yet delivered, by the target of the output, oldest first.

        totals: Counters since the job began, by target and name.

        dropped: Batches given up since the job began: the outbox was full, or they too old.

        memory: What the parser wants back.

        callers: Marks of the command lines that ran last, newest last.

        said: Remarks that shall not be repeated in every run.

        damaged: Batches of the file that were no batches, and are given up.

        summary: Of the last run: ``log`` and ``parser`` as on the command line,
            ``outputs`` (their targets), ``lines`` and of them ``matched``, ``ignored``,
            ``unmatched``; ``bytes`` read, ``lag`` (bytes at the end not yet read),
            ``refused`` (metrics that an output could not take), ``run_time`` in
            seconds; ``error``, the sentence it ended with, or None, and ``complaint``,
            that of its reading alone; and ``undelivered``, why by target. Since the job
            began: ``bytes_lost``, ``gaps`` and ``rotations``. A first run knows ``log``,
            ``parser`` and ``error`` alone.
    """

    def __init__(
        self,
        cursor: tuple[Position, ...] = (),
        *,
        last_run: float = 0.0,
        last_time: int = 0,
        owed: dict[str, Backlog] | None = None,
        summary: dict[str, Any] | None = None,
    ) -> None:
        self.cursor = cursor
        self.last_run = last_run
        self.last_time = last_time
        self.owed = owed or {}
        self.totals: dict[str, dict[str, float]] = {}
        self.dropped = 0
        self.memory: Any = None
        self.callers: list[str] = []
        self.said: list[str] = []
        self.damaged = 0
        self.summary = summary or {}

    def owe_each(self, target: str, batch: Batch) -> None:
        """Owe *batch* beside what is owed already."""
        self.owed.setdefault(target, Backlog()).append(batch)

    def owe_sum(self, target: str, batch: Batch) -> None:
        """Owe *batch* and what is owed already as one."""
        self.owed[target] = Backlog([encoded(merged([*self.owed.get(target, ()), batch]))])

    def owe_total(self, target: str, batch: Batch) -> None:
        """
        Owe *batch* alone, its counters added to all that they counted since the job began.

        A counter that *batch* lacks keeps its total, unless `MAX_TOTALS` others counted
        since: a receiver takes one that comes back for restarted, and so it is.
        """
        totals = self.totals.setdefault(target, {})
        metrics, silent = [], dict(totals)
        for metric in merged([batch]).metrics:
            value = number(metric.value)
            if metric.kind == "c" and value is not None:
                silent.pop(metric.name, None)
                totals[metric.name] = totals.pop(metric.name, 0) + value
                metric = metric._replace(value=totals[metric.name])  # noqa: PLW2901
            metrics.append(metric)
        for name in list(totals)[: max(0, len(totals) - MAX_TOTALS)]:
            del totals[name]
            silent.pop(name, None)
        metrics += [Metric(*each, timestamp=batch.time, kind="c") for each in silent.items()]
        self.owed[target] = Backlog([encoded(Batch(batch.time, tuple(metrics)))])

    def paid(self, target: str, count: int) -> int:
        """Forget the *count* oldest batches owed to *target* and return what bytes they took up."""
        freed = self.owed[target].drop(count) if target in self.owed else 0
        if not self.owed.get(target):
            self.owed.pop(target, None)
        return freed

    def backlog(self) -> int:
        """Return how many batches are owed in all."""
        return sum(map(len, self.owed.values()))

    def trim(self, oldest: float, room: int, spared: float = math.inf) -> int:
        """
        Give up batches from before *oldest*, and the oldest while all need more than *room* bytes.

        Where room alone is lacking the timers of a batch go first: one that stands for a
        whole outage holds thousands of them, and its counters take next to nothing.

        Args:
            oldest: In seconds since the epoch.

            room: In bytes.

            spared: Batches of this time and later ones stay in any case.

        Returns:
            How many were given up, with those of which the timers were.
        """
        excess = sum(len(line) for owed in self.owed.values() for line in owed.lines) - room
        given_up = 0
        while self.owed:
            target = min(self.owed, key=lambda each: self.owed[each].oldest)
            time = self.owed[target].oldest
            if time >= spared or (excess <= 0 and time >= oldest):
                break
            thinned = self._thin(target) if time >= oldest else 0
            excess -= thinned or self.paid(target, 1)
            given_up += 1
        self.dropped += given_up
        return given_up

    def _thin(self, target: str) -> int:
        """Forget the timers of the only batch owed to *target*; return what bytes they took up."""
        lines = self.owed[target].lines
        if len(lines) > 1:
            return 0
        batch = _batch(lines[0])
        kept = tuple(metric for metric in batch.metrics if metric.kind not in {"ms", "h"})
        if not 0 < len(kept) < len(batch.metrics):
            return 0
        before, lines[0] = lines[0], encoded(Batch(batch.time, kept))
        return len(before) - len(lines[0])


class Journal:
    """
    The state file of a job.

    Args:
        path: Where it is. A symbolic link there is not followed.

    Attributes:
        origins: States of earlier versions in another directory, to be retired with the
            first commit: once *path* is removed, nobody wants an old place back.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.origins: Sequence[str] = ()

    def load(self) -> State | None:
        """
        Return the state, or None if there is none yet.

        Raises:
            StateError: If the file cannot be read.

            CorruptStateError: If it makes no sense.
        """
        try:
            descriptor = os.open(
                self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(_why(error)) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise self._unreadable("it is no regular file")
        with open(descriptor, "rb") as file:
            return self._decode(file.read(), status.st_mtime)

    def commit(self, state: State) -> None:
        """
        Replace the state in one step that survives a power cut.

        Raises:
            StateError: If it cannot be written; the state before stands then.
        """
        fresh = self.path + ".new"
        try:
            descriptor = _create(fresh)
            try:
                _write(descriptor, _encode(state))
                self._keep_owner(descriptor)
                when = int(state.last_run * 1e9)
                os.utime(descriptor, ns=(when, when))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(fresh, self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(fresh)
            raise StateError(f"The state {self.path} cannot be written: {_why(error)}") from error
        # From here on the state is the new one, whether its folder can be synced or not.
        with contextlib.suppress(OSError):
            _sync_folder(os.path.dirname(self.path) or ".")
        for origin in self.origins:
            with contextlib.suppress(OSError):  # it is not there, or we may not
                os.replace(origin, origin + ".taken-over")
        self.origins = ()

    def _keep_owner(self, descriptor: int) -> None:
        """Let the state stay that of the user whose job it is, if root runs that by hand."""
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):  # there is none yet, or the file system knows none
                status = os.lstat(self.path)
                os.fchown(descriptor, status.st_uid, status.st_gid)

    def set_aside(self) -> str:
        """
        Keep a copy of a state that makes no sense, and return where.

        Raises:
            StateError: If that cannot be done.
        """
        aside = self.path + ".corrupt"
        try:
            with open(self.path, "rb") as damaged:
                descriptor = _create(aside)
                try:
                    _write(descriptor, damaged.read())
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise StateError(
                f"The state {self.path} is damaged and cannot be set aside as {aside}: "
                f"{_why(error)}. Nothing was read or sent."
            ) from error
        return aside

    def _unreadable(self, why: str) -> StateError:
        return StateError(f"The state {self.path} cannot be read: {why}. Nothing was read or sent.")

    def _decode(self, data: bytes, mtime: float) -> State:
        head, _, rest = data.partition(b"\n")
        second, _, body = rest.partition(b"\n")
        try:
            inode, offset = int(head), int(second)
        except ValueError:
            raise CorruptStateError(
                f"The state {self.path} does not start with an inode and an offset."
            ) from None
        noted = int(mtime * 1e9)
        place = Position(inode, max(0, offset), mtime_ns=noted, seen_ns=noted)
        if not body.strip():
            return State(cursor=(place,), last_run=mtime)  # written by 1.x or pygtail
        try:
            state = self._from_json(body)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise CorruptStateError(
                f"The state {self.path} is damaged: {error}.",
                State(cursor=(place,), last_run=mtime),
            ) from error
        last = state.cursor[-1] if state.cursor else None
        if last is None or last[:2] != place[:2]:
            # Edited by hand: take the place as it stands, and forget what lies behind it.
            inodes = [each.inode for each in state.cursor[:-1]]
            kept = inodes.index(inode) if inode in inodes else len(inodes)
            state.cursor = (*state.cursor[:kept], place)
        return state

    def _from_json(self, body: bytes) -> State:
        first, _, rest = body.partition(b"\n")
        content = json.loads(first)
        if content["format"] != FORMAT:
            raise StateError(
                f"The state {self.path} was written by another version of logster "
                f"(format {content['format']}, this one knows {FORMAT}). Nothing was read or sent."
            )
        _check(content)
        # Thousands of batches are carried along unread, unless somebody else was at them.
        intact = content.get("check") == zlib.crc32(rest)
        lines = rest.decode("utf-8", "surrogateescape").split("\n")
        owed, at, damaged = {}, 0, 0
        for target, count in content["owed"].items():
            batches = lines[at : at + count]
            at += count
            sound = batches if intact else [*filter(None, map(_sound, batches))]
            damaged += len(batches) - len(sound)
            if sound:
                owed[target] = Backlog(sound)
        if lines[at:] != [""]:
            raise ValueError("its end is missing")
        state = State(
            cursor=tuple(Position(*each) for each in content["cursor"]),
            last_run=float(content["last_run"]),
            last_time=int(content["last_time"]),
            owed=owed,
        )
        vars(state).update({name: content[name] for name in _AS_THEY_ARE})
        state.damaged = damaged
        state.dropped += damaged
        return state


class CorruptStateError(StateError):
    """
    The state file holds something that is no state.

    Attributes:
        rescued: The place alone, where the first two lines still tell it.
    """

    def __init__(self, message: str, rescued: State | None = None) -> None:
        super().__init__(message)
        self.rescued = rescued


_NONE = type(None)

#: Types of the fields of a metric and of a position, as JSON gives them.
_VALUE = (int, float, str)
_METRIC: tuple[Any, ...] = (str, _VALUE, str, str, (*_VALUE, _NONE), str, (dict, _NONE))
_SUM = (int, _NONE)
_POSITION: tuple[Any, ...] = (int, int, _SUM, int, _SUM, str, int, int, int, int, int, int)

#: Parts of a summary that are numbers.
_NUMBERS = (
    *("lines", "matched", "ignored", "unmatched", "bytes", "lag", "refused"),
    *("bytes_lost", "gaps", "rotations"),
)

#: Parts of a state that JSON holds as they are.
_AS_THEY_ARE = ("totals", "dropped", "memory", "callers", "said", "summary")


def encoded(batch: Batch) -> str:
    """
    Return *batch* as a line of the journal: its time, how many metrics, the metrics.

    Raises:
        TypeError, ValueError, RecursionError: If it holds what JSON cannot.
    """
    return f"[{batch.time},{len(batch.metrics)},{_json(batch.metrics)}]"


def _batch(line: str) -> Batch:
    time, _, metrics = json.loads(line)
    return Batch(time, tuple(Metric(*each) for each in metrics))


def _sound(line: str) -> str | None:
    """Return *line* as `encoded` writes it, or None if it is no batch that outputs could take."""
    try:
        line.encode()
        batch = _batch(line)
    except (ValueError, TypeError, RecursionError):
        return None
    fits = type(batch.time) is int and all(
        all(map(isinstance, metric, _METRIC)) for metric in batch.metrics
    )
    return encoded(batch) if fits else None


def _check(content: dict[str, Any]) -> None:
    """
    Make sure that what runs rely on is of the type they rely on.

    Raises:
        ValueError: If something is not.
    """
    cursor, summary, totals = content["cursor"], content["summary"], content["totals"]
    owed, times = content["owed"], [content["last_run"], content["last_time"]]
    fits = {
        "cursor": _all(cursor, list)
        and all(len(each) > 1 and all(map(isinstance, each, _POSITION)) for each in cursor)
        and all(min(each[:2]) >= 0 for each in cursor),
        # Beyond that no file can have been written.
        "last_run": _all(times, (int, float)) and all(abs(each) < 1e11 for each in times),
        "owed": _all(owed, int, dict) and min(owed.values(), default=0) >= 0,
        "totals": _all(totals, dict, dict)
        and all(_all(each, (int, float), dict) for each in totals.values()),
        "dropped": isinstance(content["dropped"], int),
        "callers": _all(content["callers"], str),
        "said": _all(content["said"], str),
        "summary": isinstance(summary, dict)
        and _all([summary.get(name, "") for name in ("log", "parser")], str)
        and _all([summary.get(name, 0) for name in _NUMBERS], (int, float))
        and isinstance(summary.get("outputs", []), list)
        and _all(summary.get("undelivered", {}), str, dict),
    }
    for name, good in fits.items():
        if not good:
            raise ValueError(f"its part {name!r} makes no sense")


def _all(content: Any, kinds: Any, of: type[Any] = list) -> bool:
    """Return whether *content* is a list, or a dictionary, *of* values of one of these *kinds*."""
    if not isinstance(content, of):
        return False
    values: Iterable[Any] = content.values() if isinstance(content, dict) else content
    return all(isinstance(each, kinds) for each in values)


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _encode(state: State) -> bytes:
    inode, offset = state.cursor[-1][:2] if state.cursor else (0, 0)
    lines = "".join([f"{line}\n" for owed in state.owed.values() for line in owed.lines]).encode()
    content = {
        "format": FORMAT,
        "cursor": state.cursor,
        "last_run": state.last_run,
        "last_time": state.last_time,
        "owed": {target: len(batches) for target, batches in state.owed.items()},
        **{name: getattr(state, name) for name in _AS_THEY_ARE},
        "check": zlib.crc32(lines),
    }
    return f"{inode}\n{offset}\n{_json(content)}\n".encode() + lines


def _create(path: str) -> int:
    """Return a new file at *path*, open; one that a killed run left there goes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, 0o600)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a symbolic link, and none is followed there"
    return error.strerror or str(error)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""
What a job knows from one run to the next: the cursor, and the figures still owed.

Both live in one file that is replaced in one step, so that after a crash at any
instruction the lines are either unread and uncounted, or read and their figures
kept until the receiver has them.

The file is the state file of 1.x with a third line: inode, offset, then one
JSON object. Who edits the first two lines by hand moves the cursor, as ever.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from logster.errors import StateError
from logster.generation import Position
from logster.metrics import Batch, Metric, merged, number


#: Version of the JSON object; a newer one is refused, not guessed at.
FORMAT = 2


@dataclass(slots=True)
class State:
    """
    The state of a job.

    Attributes:
        cursor: Where reading stopped, oldest file first.

        last_run: When the last run started, in seconds since the epoch.

        last_time: Timestamp of the last batch; the next one is later.

        owed: Batches not yet delivered, by the target of the output, oldest first.

        totals: Counters since the job began, by target and name.

        dropped: Batches given up because the outbox was full or they were too old.

        memory: What the parser wants back.

        callers: Marks of the command lines that ran last, newest last.

        said: Notices that shall not be repeated in every run.

        summary: Figures of the last run, for ``logster status``.
    """

    cursor: tuple[Position, ...] = ()
    last_run: float = 0.0
    last_time: int = 0
    owed: dict[str, list[Batch]] = field(default_factory=dict)
    totals: dict[str, dict[str, float]] = field(default_factory=dict)
    dropped: int = 0
    memory: Any = None
    callers: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    def owe_each(self, target: str, batch: Batch) -> None:
        """Owe *batch* beside what is owed already."""
        self.owed.setdefault(target, []).append(batch)

    def owe_sum(self, target: str, batch: Batch) -> None:
        """Owe *batch* and what is owed already as one."""
        self.owed[target] = [merged([*self.owed.get(target, ()), batch])]

    def owe_total(self, target: str, batch: Batch) -> None:
        """Owe the gauges of *batch*, and its counters added to all since the job began."""
        totals = self.totals.setdefault(target, {})
        latest: dict[str, Metric] = {}
        for metric in batch.metrics:
            value = number(metric.value)
            if metric.kind == "c" and value is not None:
                totals[metric.name] = totals.get(metric.name, 0) + value
                latest[metric.name] = metric._replace(value=totals[metric.name])
            else:
                latest[metric.name] = metric
        for name, total in totals.items():
            latest.setdefault(name, Metric(name, total, timestamp=batch.time, kind="c"))
        self.owed[target] = [Batch(batch.time, tuple(latest.values()))]

    def paid(self, target: str, count: int) -> None:
        """Forget the *count* oldest batches owed to *target*."""
        left = self.owed.pop(target, [])[count:]
        if left:
            self.owed[target] = left

    def backlog(self) -> int:
        """Return how many batches are owed in all."""
        return sum(map(len, self.owed.values()))

    def trim(self, oldest: float, room: int) -> int:
        """
        Give up batches from before *oldest*, and the oldest while all need more than *room* bytes.

        Returns:
            How many were given up.
        """
        given_up = 0
        for target, batches in list(self.owed.items()):
            late = sum(batch.time < oldest for batch in batches)
            self.paid(target, late)
            given_up += late
        sizes = {
            target: [len(json.dumps(batch)) for batch in batches]
            for target, batches in self.owed.items()
        }
        excess = sum(map(sum, sizes.values())) - room
        while excess > 0 and self.owed:
            target = min(self.owed, key=lambda each: self.owed[each][0].time)
            excess -= sizes[target].pop(0)
            self.paid(target, 1)
            given_up += 1
        self.dropped += given_up
        return given_up


class Journal:
    """
    The state file of a job.

    Args:
        path: Where it is. A symbolic link there is not followed.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def load(self) -> State | None:
        """
        Return the state, or None if there is none yet.

        Raises:
            StateError: If the file cannot be read or makes no sense.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(
                f"The state {self.path} cannot be read: {error.strerror}. Nothing was read or sent."
            ) from error
        with open(descriptor, "rb") as file:
            mtime = os.fstat(descriptor).st_mtime
            return self._decode(file.read(), mtime)

    def commit(self, state: State) -> None:
        """
        Replace the state in one step that survives a power cut.

        Raises:
            StateError: If it cannot be written; the state before stands then.
        """
        fresh = self.path + ".new"
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)  # left by a run that was killed
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(fresh, flags, 0o600)
            with open(descriptor, "wb") as file:
                file.write(_encode(state))
                file.flush()
                when = int(state.last_run * 1e9)
                os.utime(descriptor, ns=(when, when))
                os.fsync(descriptor)
            os.replace(fresh, self.path)
            _sync_folder(os.path.dirname(self.path) or ".")
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(fresh)
            raise StateError(
                f"The state {self.path} cannot be written: {error.strerror}"
            ) from error

    def set_aside(self) -> str:
        """Move a state that makes no sense out of the way and return where to."""
        aside = self.path + ".corrupt"
        os.replace(self.path, aside)
        return aside

    def _decode(self, data: bytes, mtime: float) -> State:
        head, _, rest = data.partition(b"\n")
        second, _, body = rest.partition(b"\n")
        try:
            inode, offset = int(head), int(second)
        except ValueError:
            raise CorruptStateError(
                f"The state {self.path} does not start with an inode and an offset."
            ) from None
        state = State(last_run=mtime)
        if body.strip():
            try:
                state = _from_json(json.loads(body))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise CorruptStateError(f"The state {self.path} is damaged: {error}.") from error
        last = state.cursor[-1] if state.cursor else None
        if last is None or (last.inode, last.offset) != (inode, offset):
            # Written by 1.x or pygtail, or edited by hand: take the place as it stands.
            state.cursor = (Position(inode, max(0, offset), mtime_ns=int(mtime * 1e9)),)
        return state


class CorruptStateError(StateError):
    """The state file holds something that is no state."""


def _encode(state: State) -> bytes:
    inode, offset = state.cursor[-1][:2] if state.cursor else (0, 0)
    content = {
        "format": FORMAT,
        "cursor": state.cursor,
        "last_run": state.last_run,
        "last_time": state.last_time,
        "owed": state.owed,
        "totals": state.totals,
        "dropped": state.dropped,
        "memory": state.memory,
        "callers": state.callers,
        "said": state.said,
        "summary": state.summary,
    }
    return f"{inode}\n{offset}\n{json.dumps(content, separators=(',', ':'))}\n".encode()


def _from_json(content: dict[str, Any]) -> State:
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']}, this version knows {FORMAT}")
    return State(
        cursor=tuple(Position(*each) for each in content["cursor"]),
        last_run=float(content["last_run"]),
        last_time=int(content["last_time"]),
        owed={
            target: [
                Batch(time, tuple(Metric(*each) for each in metrics)) for time, metrics in all_
            ]
            for target, all_ in content["owed"].items()
        },
        totals=content["totals"],
        dropped=content["dropped"],
        memory=content["memory"],
        callers=content["callers"],
        said=content["said"],
        summary=content["summary"],
    )


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

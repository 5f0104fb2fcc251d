"""
A long catch-up, read by several processes.

What a plain file holds already is cut at line ends into parts. Forked processes take
the first ones and the run itself the last; those between are taken by whoever has
time, since the cores of a machine are seldom equally fast, and a virtual one's least
of all. What was counted comes back through pipes and is merged in the order of the
file, exactly.
"""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import copy
from itertools import chain, pairwise
from typing import Any, NoReturn

from logster.errors import LogError
from logster.generation import ChangedError, Generation, Position, Reader
from logster.parser import LogsterParser, Tally, feeder


#: Bytes that a process must have to read before one more pays.
WORTH_BYTES = 4 << 20

#: Into so many parts the share of each process is cut; half of them are its own.
PARTS = 8

_OWN = frozenset({"__init__", "parse_line", "feed", "take", "get_state"})


def can_share(parser: Any) -> bool:
    """
    Return whether parts of a log can be read by copies of *parser* and merged.

    A class of a third party that counts in its own way must merge in its own way
    too: the ``merge`` that it inherits knows nothing of what it adds.
    """
    if not isinstance(parser, LogsterParser) or not getattr(parser, "splittable", True):
        return False
    for parent in type(parser).__mro__:
        if "merge" in vars(parent):
            return _can_cross(parser)
        if not parent.__module__.startswith("logster.") and _OWN & vars(parent).keys():
            return False
    return False


class _Counted:
    """
    What was counted in parts that follow each other.

    Args:
        first: The number of the first part.

        parser: What takes them.

    Attributes:
        last: The number of the last part.

        tally: How their lines were taken.

        overlong: How many were too long.
    """

    def __init__(self, first: int, parser: Any) -> None:
        self.first = self.last = first
        self.parser = parser
        self.tally = Tally()
        self.overlong = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return what crosses to another process: of the parser, what it knows."""
        return {**vars(self), "parser": vars(self.parser)}


class Helpers:
    """
    The processes that read the first parts of a log for a run.

    Args:
        parser: The parser of the run; it must not have taken a line yet.

        make_parser: Makes another like it.

        jobs: Processes in all, the run itself included.

        max_line: Bytes a line may have.

    Attributes:
        at_work: Whether there are any.
    """

    def __init__(
        self, parser: Any, make_parser: Callable[[], Any], jobs: int, max_line: int
    ) -> None:
        self.parser, self.make_parser, self.jobs, self.max_line = (
            parser,
            make_parser,
            jobs,
            max_line,
        )
        self._memory: Any = None
        self._file: Generation | None = None
        self._parts: list[tuple[int, int]] = []
        self._free = -1
        self._pipes: list[tuple[int, int]] = []

    @property
    def at_work(self) -> bool:
        """Return whether a part of the log was given away."""
        return bool(self._pipes)

    def take(self, file: Generation, start: int) -> int:
        """
        Have the first parts of what *file* holds beyond *start* read.

        Returns:
            Where the run itself must read on; *start* if the rest is too short to share.
        """
        jobs = min(self.jobs, (file.status.st_size - start) // WORTH_BYTES)
        with suppress(OSError):  # the run meets it as well, and says what is wrong
            self._parts = _cut(file, start, min(jobs * PARTS, 256)) if jobs > 1 else []
        jobs = min(jobs, len(self._parts))
        if jobs < 2:
            return start
        own = max(1, len(self._parts) // jobs // 2)
        self._file = copy(file)
        self._file.descriptor = os.dup(file.descriptor)
        # The first part goes on from what the last run remembered, the others do not.
        self._memory, self.parser.memory = self.parser.memory, None
        self._free, giving = os.pipe()
        os.write(giving, bytes(range((jobs - 1) * own, len(self._parts) - own)))
        os.close(giving)
        for first in range(0, (jobs - 1) * own, own):
            self._fork(range(first, first + own))
        return self._parts[-own][0]

    def collect(self) -> tuple[Any, Tally, int]:
        """
        Help with the parts that nobody took, and wait for the processes.

        Returns:
            The parser that took all parts, how the lines of theirs were taken, and how
            many were too long.

        Raises:
            ChangedError: If the log was cut while they read it.

            LogError: If one of them died.
        """
        counted = self._count(self._claimed())
        for each in chain.from_iterable(map(_outcome, self._pipes)):
            each.parser, known = self.make_parser(), each.parser
            each.parser.__dict__.update(known)
            counted.append(each)
        counted.sort(key=lambda each: each.first)
        first, *others = [*(each.parser for each in counted), self.parser]
        for other in others:
            first.merge(other)
        tally = _total([each.tally for each in counted])
        return first, tally, sum(each.overlong for each in counted)

    def dismiss(self) -> None:
        """Let nobody wait for the processes: what they counted is not wanted."""
        if self._file:
            for _ in self._claimed():
                pass
            os.close(self._free)
            self._file.close()
            self._file = None
        for _, pipe in self._pipes:
            os.close(pipe)
        for process, _ in self._pipes:
            os.waitpid(process, 0)
        self._pipes.clear()

    def _claimed(self) -> Iterator[int]:
        """Yield the numbers of parts that nobody took before; whoever reads one has it alone."""
        while number := os.read(self._free, 1):
            yield number[0]

    def _fork(self, own: Iterable[int]) -> None:
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            os.close(reading)
            self._serve(own, writing)
        os.close(writing)
        self._pipes.append((process, reading))

    def _serve(self, own: Iterable[int], pipe: int) -> NoReturn:
        """Read parts, write what was counted to *pipe*, and end the process."""
        try:
            outcome: Any = self._count(chain(own, self._claimed()))
        except BaseException as error:  # noqa: BLE001 - the run tells of it
            outcome = error
        try:
            with open(pipe, "wb") as stream:
                stream.write(_pickled(outcome))
        finally:
            os._exit(0)

    def _count(self, numbers: Iterable[int]) -> list[_Counted]:
        """Return what was counted in the parts with these *numbers*, which grow."""
        counted: list[_Counted] = []
        for number in numbers:
            if not counted or number != counted[-1].last + 1:
                counted.append(_Counted(number, self.make_parser()))
                if not number:
                    counted[-1].parser.memory = self._memory
            self._read(number, counted[-1])
        return counted

    def _read(self, number: int, counted: _Counted) -> None:
        """Count one more part."""
        assert self._file  # noqa: S101 - there are parts of it
        start, end = self._parts[number]
        reader = Reader(self._file, Position(0, start), self.max_line, end=end)
        counted.tally = _total([counted.tally, *map(feeder(counted.parser), reader.blocks())])
        if reader.offset != end:
            raise ChangedError(self._file.path)
        counted.overlong += reader.overlong
        counted.last = number


def _total(tallies: Iterable[Tally]) -> Tally:
    return Tally(*map(sum, zip(*tallies, strict=True)))


def _pickled(outcome: Any) -> bytes:
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001 - an error that cannot cross is told in words
        return pickle.dumps(RuntimeError(f"{type(outcome).__name__}: {outcome} ({error})"))


def _outcome(pipe: tuple[int, int]) -> Any:
    """Return what a process counted, or raise what it raised."""
    with open(pipe[1], "rb", closefd=False) as stream:
        data = stream.read()
    if not data:
        raise LogError(
            "A process that read a part of the log died. "
            "Nothing was sent; the next run reads the same lines again."
        )
    outcome = pickle.loads(data)  # noqa: S301 - from a child of ours
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _can_cross(parser: Any) -> bool:
    try:
        pickle.dumps(vars(parser))
    except Exception:  # noqa: BLE001 - pickle raises whatever it meets
        return False
    return True


def _cut(file: Generation, start: int, count: int) -> list[tuple[int, int]]:
    """Return start and end of *count* parts of *file* beyond *start*, fewer if lines are long."""
    size = file.status.st_size
    places = [start + (size - start) * number // count for number in range(1, count)]
    ends = (_line_end(file, place, size) for place in places)
    bounds = sorted({start, size, *(end for end in ends if end is not None)})
    return list(pairwise(bounds))


def _line_end(file: Generation, near: int, size: int) -> int | None:
    """Return where the first line beyond *near* starts, or None if there is none."""
    while near < size:
        window = file.read(min(1 << 16, size - near), near)
        newline = window.find(b"\n")
        if newline >= 0:
            return near + newline + 1
        near += len(window) or size
    return None

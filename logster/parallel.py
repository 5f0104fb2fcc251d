"""
A long catch-up, read by several processes.

What a plain file holds already is cut at line ends; forked processes take the
first parts and the run itself the last. What they counted comes back through
pipes and is merged in the order of the file, exactly.
"""

import os
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

from logster.errors import LogError
from logster.generation import ChangedError, Generation, Position, Reader
from logster.parser import LogsterParser, Tally, feeder


#: Bytes that a process must have to read before one more pays.
WORTH_BYTES = 4 << 20

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
        size = file.status.st_size
        jobs = min(self.jobs, (size - start) // WORTH_BYTES)
        for left in range(jobs, 1, -1):
            end = _line_end(file, start + (size - start) // left, size)
            if end is None:
                break
            # The first part goes on from what the last run remembered, the others do not.
            self._fork(self.make_parser() if self.at_work else self.parser, file, start, end)
            start = end
        if self.at_work:
            self.parser.memory = None
        return start

    def collect(self) -> tuple[Any, Tally, int]:
        """
        Wait for the processes.

        Returns:
            The parser that took all parts, how the lines of theirs were taken, and how
            many were too long.

        Raises:
            ChangedError: If the log was cut while they read it.

            LogError: If one of them died.
        """
        parsers, tallies, overlong = [], [Tally()], 0
        for counted, tally, long_lines in map(_outcome, self._pipes):
            parsers.append(self.make_parser())
            parsers[-1].__dict__.update(counted)
            tallies.append(tally)
            overlong += long_lines
        first, *others = [*parsers, self.parser]
        for other in others:
            first.merge(other)
        return first, Tally(*map(sum, zip(*tallies, strict=True))), overlong

    def dismiss(self) -> None:
        """Let nobody wait for the processes: what they counted is not wanted."""
        for _, pipe in self._pipes:
            os.close(pipe)
        for process, _ in self._pipes:
            os.waitpid(process, 0)
        self._pipes.clear()

    def _fork(self, parser: Any, file: Generation, start: int, end: int) -> None:
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            os.close(reading)
            _serve(parser, Reader(file, Position(0, start), self.max_line, end=end), end, writing)
        os.close(writing)
        self._pipes.append((process, reading))


def _serve(parser: Any, reader: Reader, end: int, pipe: int) -> NoReturn:
    """Read one part, write what was counted to *pipe*, and end the process."""
    try:
        outcome: Any = _counted(parser, reader, end)
    except BaseException as error:  # noqa: BLE001 - the run tells of it
        outcome = error
    try:
        with open(pipe, "wb") as stream:
            stream.write(_pickled(outcome))
    finally:
        os._exit(0)


def _counted(parser: Any, reader: Reader, end: int) -> tuple[dict[str, Any], Tally, int]:
    tallies = [Tally(), *map(feeder(parser), reader.blocks())]
    if reader.offset != end:
        raise ChangedError(reader.file.path)
    return vars(parser), Tally(*map(sum, zip(*tallies, strict=True))), reader.overlong


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


def _line_end(file: Generation, near: int, size: int) -> int | None:
    """Return where the first line beyond *near* starts, or None if there is none."""
    while near < size:
        window = file.read(min(1 << 16, size - near), near)
        newline = window.find(b"\n")
        if newline >= 0:
            return near + newline + 1
        near += len(window) or size
    return None

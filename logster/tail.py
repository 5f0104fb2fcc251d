"""
The new lines of a log, through every rotation since the last run.

Names and inodes only say where to look first: a rotated file is read on only
if its content is the content read before (see `logster.generation`).
"""

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from pygtail import Pygtail

from logster.errors import LogError
from logster.generation import COMPRESSED, MAX_LINE_BYTES, Generation, Position, Reader


#: Rotated generations that are watched for a writer that has not let go of them.
WATCHED_GENERATIONS = 4

#: Compressors and copies may cut a modification time to whole seconds, or to two.
_MTIME_SLACK_NS = 2_000_000_000

_STAMP = r"(?:[._-](?P<stamp>\d[\d._:T-]*)|[._-]old)"
_COMPRESSED = rf"(?:\.(?:{'|'.join(COMPRESSED)}))?"


class ChangedError(Exception):
    """The log was rotated or cut while it was read; what was read does not count."""


class Candidate(NamedTuple):
    """A file that may be a generation; within one scheme of names `rank` grows with time."""

    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    scheme: int
    rank: int

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self.device, self.inode

    @property
    def is_compressed(self) -> bool:
        """Return whether its name says so."""
        return self.path.endswith(COMPRESSED)


class _Step(NamedTuple):
    """A generation to read, from where, and whether copytruncate made it."""

    file: Generation
    start: Position | None
    copied: bool = False


class Tail(Pygtail):  # type: ignore[misc] # pygtail has no types
    """
    The lines of a log since a cursor.

    A `pygtail.Pygtail` in its interface and in ``log_patterns``. Replaced is
    what loses lines or time there: a `tell` for every line, an offset written in
    place and before delivery, one rotated file at most and that by its name,
    compressed lines as bytes, a file chosen first and opened later, strict
    decoding, half a line taken for a whole one.

    Args:
        filename: The log.

        cursor: Positions of the last run, oldest first; None reads the live file
            from its start.

        log_patterns: Where else rotated files are: directories, or glob patterns
            in which ``%s`` stands for the name of the log.

        max_line: Bytes a line may have.

    Attributes:
        cursor: Where reading stopped, once all blocks are read.

        bytes_read: Bytes of the lines handed out.

        bytes_lost: Bytes known to be out of reach; a lower bound.

        gaps: Times that the file read last could not be found again.

        rotations: Files read beyond the first.

        overlong: Lines passed over because they were longer than *max_line*.

        lag: Bytes at the end of the log that are not read yet.

        notices: A sentence for each loss.
    """

    def __init__(
        self,
        filename: str,
        cursor: Sequence[Position] | None = None,
        *,
        log_patterns: Sequence[str] = (),
        max_line: int = MAX_LINE_BYTES,
    ) -> None:
        super().__init__(filename, offset_file=os.devnull, log_patterns=list(log_patterns))
        self.cursor: tuple[Position, ...] = tuple(cursor or ())
        self.max_line = max_line
        self.bytes_read = self.bytes_lost = self.gaps = self.rotations = self.overlong = 0
        self.lag = 0
        self.notices: list[str] = []
        self._shelf = _Shelf(filename, log_patterns)
        self._lines: Iterator[str] | None = None

    def __del__(self) -> None:
        """Do nothing: pygtail would open the log in order to close it."""

    def blocks(self) -> Iterator[bytes]:
        """
        Yield the new lines in blocks of whole lines, each with its newline.

        Raises:
            LogError: If the log is missing or cannot be read.

            ChangedError: If the log changed under the reader; start again.
        """
        steps = self._plan()
        reached: list[Position] = []
        carry, waiting = b"", 0  # half a line that copytruncate tore, and the files it waits in
        try:
            for step in steps:
                is_last = step is steps[-1]
                reader = Reader(step.file, step.start, self.max_line)
                for block in self._read(reader):
                    yield carry + block
                    if waiting:
                        del reached[-waiting:]
                        carry, waiting = b"", 0
                half = reader.half
                if is_last or not (step.copied or step.file.stream):
                    reached.append(reader.position(copied=step.copied))
                elif step.copied and half:
                    carry, waiting = carry + half, waiting + 1
                    reached.append(reader.position(copied=True))
                elif half:
                    yield half + b"\n"  # nobody writes to a compressed file any more
                if is_last:
                    self.lag = max(0, reached[-1].size - reader.offset)
        finally:
            for step in steps:
                step.file.close()
        self.rotations = max(0, len(steps) - max(1, len(self.cursor)))
        self.cursor = tuple(reached[-WATCHED_GENERATIONS - 1 :])

    def next(self) -> str:
        """Return the next line, decoded; pygtail's other readers are built on this."""
        if self._lines is None:
            self._lines = (
                line + "\n"
                for block in self.blocks()
                for line in block.decode("utf-8", "replace").split("\n")[:-1]
            )
        return next(self._lines)

    def update_offset_file(self) -> None:
        """Do nothing: the place is kept by whoever delivers what was read."""

    def _read(self, reader: Reader) -> Iterator[bytes]:
        before = reader.offset
        try:
            yield from reader.blocks()
        except OSError as error:
            path = reader.file.path
            if not reader.file.stream:
                raise LogError(
                    f"{path} cannot be read at byte {reader.offset}: {error.strerror}. "
                    "Nothing was sent; the next run starts where this one did."
                ) from error
            self._lose(0, f"{path} cannot be read beyond byte {reader.offset}: {error.strerror}.")
        if reader.has_changed():
            raise ChangedError(reader.file.path)
        self.bytes_read += reader.offset - before
        self.overlong += reader.overlong

    def _plan(self) -> list[_Step]:
        """Return what to read, oldest first; every file of it is open."""
        steps: list[_Step] = []
        live = self._open_live()
        try:
            self._add_steps(steps, live)
        except BaseException:
            for step in steps:
                step.file.close()
            if live:
                live.close()
            raise
        return steps

    def _add_steps(self, steps: list[_Step], live: Generation | None) -> None:
        if self.cursor:
            *watched, last = self.cursor
            for position in watched:
                self._watch(position, steps)
            if live and (live.is_at(last) or self._follow(last, live, steps)):
                steps.append(_Step(live, last))
                return
            if live is None:
                self._follow(last, None, steps)
        if live:
            steps.append(_Step(live, None))
        elif not self.cursor:
            raise self._missing()

    def _missing(self) -> LogError:
        return LogError(
            f"{self.filename} does not exist. Nothing was read or sent; "
            "the next run looks for it again."
        )

    def _open_live(self) -> Generation | None:
        """Return the file under the log's own name, or None while there is none."""
        try:
            return Generation(self.filename)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LogError(
                f"{self.filename} cannot be read: {error.strerror}. "
                "Nothing was read or sent; the next run starts where this one did."
            ) from error

    def _watch(self, position: Position, steps: list[_Step]) -> None:
        """Add a file that was left for the next one, in case its writer had not left it yet."""
        found = self._shelf.find(position, None)
        if found:
            steps.append(_Step(found, position, position.copied))
        elif position.size > position.offset:
            lost = position.size - position.offset
            self._lose(lost, f"{position.path} is gone with {lost} bytes of a line not yet whole.")

    def _follow(self, last: Position, live: Generation | None, steps: list[_Step]) -> bool:
        """
        Add the file read last, wherever it is now, and what came between it and the live one.

        Returns:
            Whether the live file is the one read last after all, under another
            inode: restored from a backup, or its device renumbered.
        """
        anchor = self._shelf.find(last, live)
        if anchor and anchor is live:
            return True
        copied = live is not None and live.status.st_ino == last.inode
        if anchor:
            steps.append(_Step(anchor, last, copied))
            place = self._shelf.candidate(anchor.identity)
        else:
            # We may have read further than the copy goes that copytruncate made.
            place = self._shelf.shorter_copy(last) if copied else None
            if place is None and live is None:
                raise self._missing()
            if place is None and (last.offset or last.size):
                self._report_gap(last, copied=copied)
        known = {step.file.identity for step in steps}
        for candidate in self._shelf.since(place, last, live):
            if candidate.identity not in known:
                steps += [_Step(self._open(candidate), None, copied)]
        return False

    def _open(self, candidate: Candidate) -> Generation:
        try:
            generation = Generation(candidate.path)
        except FileNotFoundError as error:
            raise ChangedError(candidate.path) from error
        except OSError as error:
            raise LogError(
                f"{candidate.path}, a rotated part of {self.filename}, cannot be read: "
                f"{error.strerror}. Nothing was read or sent; the next run tries again."
            ) from error
        if generation.identity != candidate.identity:
            generation.close()
            raise ChangedError(candidate.path)
        return generation

    def _report_gap(self, last: Position, *, copied: bool) -> None:
        self.gaps += 1
        places = ", ".join(candidate.path for candidate in self._shelf.candidates)
        what = "was cut" if copied else f"is no longer the file that was read (inode {last.inode})"
        self._lose(
            max(0, last.size - last.offset),
            f"{self.filename} {what}, and what stood in it beyond byte {last.offset} "
            f"was not found in {places or 'any rotated file beside it'}.",
        )

    def _lose(self, size: int, sentence: str) -> None:
        self.bytes_lost += size
        self.notices.append(f"{sentence} Lines may be lost there; reading goes on after them.")


def end_of(filename: str) -> tuple[Position, ...]:
    """
    Return the cursor of a first run: after the last whole line of the log.

    Raises:
        LogError: If the log is missing or cannot be read.
    """
    tail = Tail(filename)
    live = tail._open_live()  # noqa: SLF001 - the same sentence for the same error
    if live is None:
        raise tail._missing()  # noqa: SLF001
    try:
        size = live.status.st_size
        start = max(0, size - MAX_LINE_BYTES)
        last = live.read(size - start, start)
        whole = start + last.rfind(b"\n") + 1
        # No newline in all of that: within a line too long to be read.
        offset, skipping = (size, True) if whole == start > 0 else (whole, False)
        position = Position(live.status.st_ino, offset, skipping=skipping)
        return (Reader(live, position, MAX_LINE_BYTES).position(),)
    finally:
        live.close()


class _Shelf:
    """The files that may be rotated generations of a log; looked for only when needed."""

    def __init__(self, log: str, patterns: Sequence[str]) -> None:
        self.log = log
        self.patterns = patterns

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Return every candidate, the oldest first."""
        base = os.path.basename(self.log)
        stem, extension = os.path.splitext(base)
        names = re.compile(
            rf"(?:{re.escape(base)}{_STAMP}|"
            rf"{re.escape(stem)}{_STAMP.replace('stamp', 'inner')}{re.escape(extension)})"
            rf"{_COMPRESSED}"
        )
        found: dict[str, Candidate] = {}
        for path in self._paths(names):
            candidate = _candidate(path, names.fullmatch(os.path.basename(path)))
            if candidate:
                found[os.path.realpath(path)] = candidate
        unique = {each.identity: each for each in found.values()}
        # While a file is being compressed both it and its plain twin exist.
        plain = {each.path for each in unique.values() if not each.is_compressed}
        kept = [each for each in unique.values() if os.path.splitext(each.path)[0] not in plain]
        one_scheme = len({each.scheme for each in kept}) == 1
        kept.sort(key=lambda each: (each.rank if one_scheme else 0, each.mtime_ns))
        return kept

    def candidate(self, identity: tuple[int, int]) -> Candidate | None:
        """Return the candidate with that device and inode."""
        return next((each for each in self.candidates if each.identity == identity), None)

    def find(self, position: Position, live: Generation | None) -> Generation | None:
        """Return the file in which *position* lies, open, or None; *live* only by its content."""

        def is_same(file: Generation) -> bool:
            return file.is_at(position) and (live is None or file.identity != live.identity)

        def holds(file: Generation) -> bool:
            return file.holds(position) and (live is None or file.identity != live.identity)

        if position.path and (found := _open_if(position.path, is_same)):
            return found
        by_inode = [each.path for each in self.candidates if each.inode == position.inode]
        if found := _first(by_inode, is_same):
            return found
        if not position.offset:
            return None
        if live and position.head is not None and live.holds(position):
            return live
        return _first(self._written_since(position), holds)

    def shorter_copy(self, position: Position) -> Candidate | None:
        """Return the copy of the file that ends before *position*, or None."""

        def is_shorter(file: Generation) -> bool:
            return file.starts_as(position) and not file.read(1, position.offset - 1)

        found = _first(self._written_since(position), is_shorter) if position.offset else None
        if found is None:
            return None
        found.close()
        return self.candidate(found.identity)

    def since(
        self, place: Candidate | None, last: Position, live: Generation | None
    ) -> Iterable[Candidate]:
        """Return the candidates newer than *place*, or than *last* where that is unknown."""
        if place:
            newer = self.candidates[self.candidates.index(place) + 1 :]
        else:
            newer = [each for each in self.candidates if each.mtime_ns > last.mtime_ns]
        return [each for each in newer if live is None or not _is_copy(each, live)]

    def _written_since(self, position: Position) -> list[str]:
        """Return where *position* may be by now: plain files before compressed ones."""
        earliest = position.mtime_ns - _MTIME_SLACK_NS
        late = [each for each in self.candidates if each.mtime_ns >= earliest]
        if position.head is not None:  # without a checksum the oldest is the likeliest
            late.sort(key=lambda each: each.is_compressed)
        return [each.path for each in late]

    def _paths(self, names: "re.Pattern[str]") -> Iterator[str]:
        """Yield every path that may be a candidate."""
        folders = {os.path.dirname(self.log) or ".", os.path.dirname(os.path.realpath(self.log))}
        for pattern in self.patterns:
            place = pattern.replace("%s", os.path.basename(self.log))
            if os.path.isdir(place):
                folders.add(place)
            else:
                yield from glob.glob(
                    place if "/" in place else os.path.join(os.path.dirname(self.log), place)
                )
        for folder in folders:
            try:
                entries = os.listdir(folder)
            except OSError:
                continue
            yield from (os.path.join(folder, each) for each in entries if names.fullmatch(each))


def _candidate(path: str, match: "re.Match[str] | None") -> Candidate | None:
    """Return *path* as a candidate, ranked by the number or the date in its name."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    stamp = (match["stamp"] or match["inner"] or "1") if match else ""
    digits = re.sub(r"\D", "", stamp)
    if not digits:
        scheme, rank = 2, 0
    elif len(digits) <= 4:
        scheme, rank = 0, -int(digits)
    else:
        scheme, rank = 1, int(digits.ljust(20, "0")[:20])
    return Candidate(
        path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, scheme, rank
    )


def _first(paths: Iterable[str], wanted: Callable[[Generation], bool]) -> Generation | None:
    return next(filter(None, (_open_if(path, wanted) for path in paths)), None)


def _open_if(path: str, wanted: Callable[[Generation], bool]) -> Generation | None:
    """Return *path* open if *wanted* says so; one that cannot be read is not wanted."""
    try:
        file = Generation(path)
    except (OSError, LogError):
        return None
    try:
        if wanted(file):
            return file
    except OSError:
        pass
    file.close()
    return None


def _is_copy(candidate: Candidate, live: Generation) -> bool:
    """Return whether copytruncate is at work: a copy is there, the live file not yet cut."""
    if candidate.identity == live.identity:
        return True
    if candidate.is_compressed or not 0 < candidate.size <= live.status.st_size:
        return False
    file = _open_if(candidate.path, lambda file: file.identity == candidate.identity)
    if file is None:
        return False
    try:
        length = min(1024, candidate.size)
        places = (0, candidate.size - length)
        return all(file.read(length, at) == live.read(length, at) for at in places)
    finally:
        file.close()

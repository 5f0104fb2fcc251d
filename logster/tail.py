"""
The new lines of a log, through every rotation since the last run.

The log is a chain of files. The cursor holds where reading stopped in the newest
of them and in a few before it, in case their writers had not let go of them yet;
what came after is found by `logster.shelf`.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pygtail import Pygtail

from logster.errors import LogError
from logster.generation import (
    MAX_LINE_BYTES,
    WINDOW_BYTES,
    ChangedError,
    Generation,
    Position,
    Reader,
)
from logster.shelf import Candidate, Shelf


__all__ = ["WATCHED_GENERATIONS", "ChangedError", "Tail", "end_of"]

#: Rotated generations that are watched for a writer that has not let go of them.
WATCHED_GENERATIONS = 4

#: How long a directory may look odd while files in it are being renamed.
SETTLE_SECONDS = 0.1

#: No header is longer than this: with so few bytes many files may begin.
BANNER_BYTES = 8 * 1024

#: Copytruncate cuts the log so soon after its copy was written; an older one is another's.
COPY_NS = 10 * 10**9


class _Step(NamedTuple):
    """
    A generation to read.

    Attributes:
        file: The file, open; None where nothing was written to it since.

        start: Where to begin; None for the very start.

        copied: Whether it is a copy that copytruncate made.
    """

    file: Generation | None
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

        share: Called with a plain file and an offset before the first line is handed out:
            it may have the lines from there on read elsewhere, and returns where to read on.

        sleep: Waits before a file is called lost.

    Attributes:
        cursor: Where reading stopped, once all blocks are read.

        bytes_read: Bytes of the lines handed out or passed over.

        bytes_lost: Bytes known to be out of reach; a lower bound.

        gaps: Times that the file read last could not be found again.

        rotations: Files that were new since the cursor.

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
        share: Callable[[Generation, int], int] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(filename, offset_file=os.devnull, log_patterns=list(log_patterns))
        self.cursor: tuple[Position, ...] = tuple(cursor or ())
        self.max_line = max_line
        self.bytes_read = self.bytes_lost = self.gaps = self.rotations = self.overlong = 0
        self.lag = 0
        self.notices: list[str] = []
        self._share = share
        self._sleep = sleep
        self._shelf = Shelf(filename, log_patterns)
        self._copies: set[tuple[int, int]] = set()
        self._told: set[str] = set()
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
        reached = _Reached()
        try:
            for number, step in enumerate(steps, 1):
                if step.file:
                    yield from self._read(step, step.file, len(steps) - number, reached)
                elif step.start and len(steps) - number <= WATCHED_GENERATIONS:
                    reached.positions.append(step.start)
        finally:
            _close(steps)
        if self.cursor:
            starts = [step.start for step in steps]
            # A rotation that was undone leaves fewer files than there were: none is new.
            self.rotations = max(0, starts.count(None) - (self.cursor[-1] not in starts))
        self.cursor = tuple(reached.positions)
        self.lag = max(0, self.cursor[-1].size - self.cursor[-1].offset)

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

    def open_live(self) -> Generation | None:
        """
        Return the file under the log's own name, open, or None while there is none.

        Raises:
            LogError: If it cannot be opened.
        """
        try:
            return Generation(self.filename)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> LogError:
        return LogError(
            f"{error.filename or self.filename} cannot be read: {error.strerror}. "
            "Nothing was read or sent; the next run starts where this one did."
        )

    def missing(self) -> LogError:
        """Return the error that says that there is no log."""
        return LogError(
            f"{self.filename} does not exist. Nothing was read or sent; "
            "the next run looks for it again."
        )

    def _read(
        self, step: _Step, file: Generation, to_come: int, reached: "_Reached"
    ) -> Iterator[bytes]:
        """Yield the lines of one file, and note where that ended."""
        position = self._shared(file, step.start, reached)
        reader = Reader(
            file, position, self.max_line, carry=reached.carry, skipping=reached.skipping
        )
        start = reader.offset - len(reader.carry)
        yield from self._blocks_of(reader)
        self.overlong += reader.overlong
        self.bytes_read += reader.offset - len(reader.carry) - start
        is_kept = to_come <= WATCHED_GENERATIONS
        if to_come and not step.copied and (file.stream or not is_kept) and reader.half:
            # Nobody writes to this file any more: its half line is all there will be.
            self.bytes_read += len(reader.half)
            yield reader.take_half()
        reached.note(reader, step, is_kept=is_kept)

    def _shared(
        self, file: Generation, start: Position | None, reached: "_Reached"
    ) -> Position | None:
        """Return where to read on in *file* after what is read elsewhere."""
        is_first = not self.bytes_read and not reached.carry and not (start and start.skipping)
        if self._share is None or file.stream or not is_first:
            return start
        offset = start.offset if start else 0
        onwards = self._share(file, offset)
        if onwards == offset:
            return start
        self.bytes_read += onwards - offset
        return Position(file.status.st_ino, onwards)

    def _blocks_of(self, reader: Reader) -> Iterator[bytes]:
        try:
            yield from reader.blocks()
        except OSError as error:
            self.gaps += 1
            path = reader.file.path
            self._lose(0, f"{path} cannot be read beyond byte {reader.offset}: {error.strerror}.")

    def _plan(self) -> list[_Step]:
        """Return what to read, oldest first; every file of it is open."""
        steps: list[_Step] = []
        live = self.open_live()
        try:
            self._add_steps(steps, live)
        except BaseException as error:
            _close([*steps, _Step(live, None)])
            if isinstance(error, OSError):
                raise self._unreadable(error) from error
            raise
        return steps

    def _add_steps(self, steps: list[_Step], live: Generation | None) -> None:
        if not self.cursor:
            if live is None:
                raise self.missing()
            steps.append(_Step(live, None))
            return
        *watched, last = self.cursor
        for position in watched:
            self._watch(position, live, steps)
        if len(steps) < len(watched):
            self._make_sure(live)  # it may have been renamed just now
        if live and live.is_at(last) and not self._is_another(live, steps):
            if live.stream and last.size == last.offset and last.is_untouched():
                live.close()  # it was read as far as it can be
                steps.append(_Step(None, last))
                return
            steps.append(_Step(live, last))
        elif not self._follow(last, live, steps) and live:
            # A rotation that was undone brings back a file that was read before.
            again = next((each for each in reversed(watched) if live.is_at(each)), None)
            steps.append(_Step(live, again))

    def _is_another(self, live: Generation, steps: list[_Step]) -> bool:
        """
        Return whether the log has become another file with the same inode and beginning.

        After so little was read, nothing or a header, inode and beginning prove little. A
        newer rotated file that holds it, followed by lines that the live file lacks, shows
        that the live file is another.
        """
        last = self.cursor[-1]
        if last.head is None or last.offset > BANNER_BYTES:
            return False
        if live.status.st_mtime_ns == last.mtime_ns:
            return False
        place = self._place_of(steps)
        try:
            fresh = self._free(self._shelf.since(place, last), steps, live)
            newer = self._originals(fresh, place, last, steps, live)
            if last.is_blank or not newer:
                return bool(newer) and not all(map(self._shelf.is_stray, fresh))
            from logster.copies import is_rotated  # noqa: PLC0415 - few runs have several to read

            rotated = [each for each in newer if is_rotated(each, newer, place, last, self._shelf)]
            return any(self._branches(each, live, last) for each in rotated)
        except LogError:
            if last.is_blank:
                raise
            return False  # what cannot be read shows nothing

    def _branches(self, candidate: Candidate, live: Generation, last: Position) -> bool:
        """Return whether *candidate* is as *live* up to *last*, and what follows is not there."""
        with contextlib.closing(self._shelf.open(candidate)) as file:
            try:
                if not file.holds(last):
                    return False
                more = file.read(WINDOW_BYTES, last.offset)
                return live.read(len(more), last.offset) != more
            except OSError:
                return False

    def _watch(self, position: Position, live: Generation | None, steps: list[_Step]) -> None:
        """Add a file that was left for the next one, in case its writer had not left it yet."""
        if position.size == position.offset:
            if resting := self._resting(position):
                steps.append(_Step(None, resting))
                return
            if position.copied and position.is_blank:
                return  # nobody writes to a copy, and nothing is there to know it by
        found = self._shelf.find(position, _identities(steps, live))
        if found and position.head is not None and position.offset <= BANNER_BYTES:
            try:
                is_another = self._is_known_better(found, position)
            except OSError:  # it was damaged and is still
                found.close()
                steps.append(_Step(None, position))
                return
            each = self._shelf.candidate(found.identity) if position.is_blank else None
            if is_another or (each and not self._originals([each], None, position, steps, live)):
                found.close()
                found = None
        if found and live and self._is_backup(found, live):
            found.close()
        elif found:
            steps.append(_Step(found, position, position.copied))
        elif position.size > position.offset and not (live and live.is_at(position)):
            lost = position.size - position.offset
            self._lose(lost, f"{position.path} is gone with {lost} bytes of a line not yet whole.")

    def _resting(self, position: Position) -> Position | None:
        """Return *position* as it is now in a file to which nothing was written since."""
        if position.is_untouched():
            return position
        moved = self._shelf.untouched(position)
        return position._replace(path=os.path.realpath(moved.path)) if moved else None

    def _is_backup(self, file: Generation, live: Generation) -> bool:
        """Return whether *file* is a copy of the log, made anew since it was first seen."""
        from logster.copies import is_part  # noqa: PLC0415 - few files grow once they are rotated

        try:
            return is_part(file, live)
        except OSError:
            return False

    def _is_known_better(self, file: Generation, position: Position) -> bool:
        """Return whether *file* is that of a position further on, which has more to know it by."""
        known = [each for each in self.cursor if each.offset > position.offset]
        return any(map(file.holds, known))

    def _follow(self, last: Position, live: Generation | None, steps: list[_Step]) -> bool:
        """
        Add the file read last, wherever it is now, and what came between it and the live one.

        Returns:
            Whether the live file is the one read last after all: under another
            inode, restored from a backup, or without its first lines.
        """
        copied = live is not None and live.has_inode(last)
        anchor = self._shelf.find(last, _identities(steps, live))
        if anchor and last.is_blank and anchor.status.st_mtime_ns != last.mtime_ns:
            anchor.close()  # with nothing to know it by, its inode alone proves too little
            anchor = None
        if anchor and live and not copied and _goes_on(anchor, live, last):
            anchor.close()
            anchor = None
        if anchor:
            steps.append(_Step(anchor, last, copied))
            place = self._shelf.candidate(anchor.identity)
            if place and self._shelf.is_stray(place) and not anchor.has_inode(last):
                self._report_copy(place)
        elif live and not copied and last.offset and last.head_bytes and live.holds(last):
            steps.append(_Step(live, last))
            return True
        elif live and (kept := live.rest_of(last)):
            steps.append(_Step(live, Position(live.status.st_ino, kept)))
            return True
        else:
            place = self._place_without(last, live, steps, copied=copied)
        _drop_strangers(steps, place, self._shelf)
        newer = self._newer(place, last, steps, live)
        file: Generation | None = None
        for candidate in newer:
            if opened := self._opened(candidate):
                file = opened
                steps.append(_Step(file, None, copied))
        if copied and live and file and _is_copied(file, live):
            _close([steps.pop()])
        self._make_sure(live)
        return False

    def _opened(self, candidate: Candidate) -> Generation | None:
        """Return *candidate*, open; one that is hardly a generation stops nothing."""
        try:
            return self._shelf.open(candidate)
        except LogError as error:
            if not self._shelf.is_stray(candidate):
                raise
            why = getattr(error.__cause__, "strerror", None)
            self._lose(0, f"{candidate.path} cannot be read: {why}.")
            return None

    def _place_without(
        self, last: Position, live: Generation | None, steps: list[_Step], *, copied: bool
    ) -> Candidate | None:
        """Return after which file to go on, where the one read last is nowhere to be found."""
        place = self._place_of(steps)
        nothing_missing = live and not last.size
        if last.is_blank and (nothing_missing or self._newer(place, last, steps, live)):
            self._refuse_unreadable()
            return place
        remnants = self._shelf.remnants(last, None if copied else live)
        free = self._free([each.candidate for each in remnants], steps, live)
        remnants = [each for each in remnants if each.candidate in free]
        self._copies = {each.candidate.identity for each in remnants}
        whole = [each.candidate for each in remnants if not each.is_damaged]
        late = [each for each in whole if each.mtime_ns > last.mtime_ns - COPY_NS]
        if copied and late:
            return late[0]  # we have read further than the copy goes that copytruncate made
        damaged = [each.candidate for each in remnants if each.is_damaged]
        self._sleep(SETTLE_SECONDS)
        self._make_sure(live)
        self._refuse_unreadable()
        if live is None:
            raise self.missing()
        if last.offset or last.size:
            self._report_gap(last, damaged, copied=copied)
        if damaged:
            steps.append(_Step(None, _waiting(last, damaged[0])))
        return next((each.candidate for each in remnants if each.begins_alike), None)

    def _refuse_unreadable(self) -> None:
        if self._shelf.unreadable:
            raise LogError(self._shelf.unreadable[0])

    def _make_sure(self, live: Generation | None) -> None:
        """Make sure that no file was renamed while the directory was being listed."""
        try:
            status = os.stat(self.filename)
        except FileNotFoundError:
            status = None
        now = (status.st_dev, status.st_ino) if status else None
        fresh = Shelf(self.filename, self._shelf.patterns).candidates
        if now != (live.identity if live else None) or _places(fresh) != _places(
            self._shelf.candidates
        ):
            raise ChangedError(self.filename)

    def _place_of(self, steps: list[_Step]) -> Candidate | None:
        """Return the candidate that the last of *steps* reads whose file is known for sure."""
        sure = [step for step in steps if not (step.file and step.start and step.start.is_blank)]
        if not sure:
            return None
        file, start, _ = sure[-1]
        if file:
            return self._shelf.candidate(file.identity)
        path = start.path if start else ""
        known = (each for each in self._shelf.candidates if os.path.realpath(each.path) == path)
        return next(known, None)

    def _newer(
        self, place: Candidate | None, last: Position, steps: list[_Step], live: Generation | None
    ) -> list[Candidate]:
        """Return what came after *place*, but for the files that are known."""
        newer = self._free(self._shelf.since(place, last), steps, live)
        return self._originals(newer, place, last, steps, live)

    def _originals(
        self,
        newer: Sequence[Candidate],
        place: Candidate | None,
        last: Position,
        steps: list[_Step],
        live: Generation | None,
    ) -> list[Candidate]:
        """Return those of *newer* that are no copies, and log the others."""
        if not newer:
            return []
        from logster.copies import without_copies  # noqa: PLC0415 - few runs have several to read

        known = [step.file for step in steps if step.file]
        kept = without_copies(newer, place, last, known, live, self._shelf)
        for path in {each.path for each in newer if each not in kept} - self._told:
            from logster.logs import foreign_logger  # noqa: PLC0415 - it imports logging

            self._told.add(path)
            foreign_logger().info("%s is not read: other files hold all of it.", path)
        return kept

    def _free(
        self, candidates: Sequence[Candidate], steps: list[_Step], live: Generation | None
    ) -> list[Candidate]:
        """Return those of *candidates* that are not known."""
        taken = _identities(steps, live) | self._copies
        return [each for each in candidates if each.identity not in taken]

    def _report_gap(self, last: Position, damaged: Sequence[Candidate], *, copied: bool) -> None:
        self.gaps += 1
        places = ", ".join(candidate.path for candidate in self._shelf.candidates)
        what = "was cut" if copied else f"is no longer the file that was read (inode {last.inode})"
        self._lose(
            max(0, last.size - last.offset),
            f"{self.filename} {what}, and what stood in it beyond byte {last.offset} "
            f"was not found in {places or 'any rotated file beside it'}."
            + "".join(f" {each.path} is damaged or not complete." for each in damaged),
        )

    def _report_copy(self, stray: Candidate) -> None:
        """Tell that of the file read last there is a copy only, which may lack its end."""
        self.gaps += 1
        self._lose(
            0,
            f"The file that was read last of {self.filename} is gone, and of it only the copy "
            f"{stray.path} was found; what was written after that was made is not there.",
        )

    def _lose(self, size: int, sentence: str) -> None:
        self.bytes_lost += size
        self.notices.append(f"{sentence} Lines may be lost there; reading goes on after them.")


def end_of(
    filename: str, max_line: int = MAX_LINE_BYTES, log_patterns: Sequence[str] = ()
) -> tuple[Position, ...]:
    """
    Return the cursor of a first run: after the last whole line of the log.

    The file before it is in the cursor too: its writer may not have let go of it yet,
    and what comes after it is new.

    Raises:
        LogError: If the log is missing or cannot be read.
    """
    tail = Tail(filename)
    live = tail.open_live()
    if live is None:
        raise tail.missing()
    shelf = Shelf(filename, log_patterns)
    try:
        previous = [shelf.open(each) for each in shelf.since(None, Position(0, 0))[-1:]]
    except (ChangedError, LogError):
        previous = []
    files = [each for each in (*previous, live) if each is live or each.identity != live.identity]
    try:
        return tuple(_end_of(file, max_line, is_live=file is live) for file in files)
    except OSError as error:
        raise tail._unreadable(error) from error  # noqa: SLF001 - of this module
    finally:
        _close([_Step(file, None) for file in (*previous, live)])


def _end_of(file: Generation, max_line: int, *, is_live: bool) -> Position:
    if file.stream:
        reader = Reader(file, None, max_line)
        with contextlib.suppress(*() if is_live else (OSError,)):
            for _ in reader.blocks():
                pass
        return reader.position()
    size = file.status.st_size
    start = max(0, size - max_line)
    whole = start + file.read(size - start, start).rfind(b"\n") + 1
    # No newline in all of that: within a line too long to be read.
    offset, skipping = (size, True) if whole == start > 0 else (whole, False)
    position = Position(file.status.st_ino, offset, skipping=skipping)
    return Reader(file, position, max_line).position()


class _Reached:
    """
    Where reading stopped in each file, and the half line that copytruncate tore.

    Attributes:
        positions: What the next run shall know, oldest file first.

        carry: The first half of a line whose end stands in the next file.

        skipping: Whether that line is too long to be read.
    """

    def __init__(self) -> None:
        self.positions: list[Position] = []
        self.carry = b""
        self.skipping = False
        self._holders: list[Position] = []

    def note(self, reader: Reader, step: _Step, *, is_kept: bool) -> None:
        """Note where *reader* stopped; a half line is kept until its end was read."""
        if not reader.carry:
            self.positions = [each for each in self.positions if each not in self._holders]
            self._holders = []
        torn = reader.half if step.copied else b""
        self.carry = reader.carry + torn
        self.skipping = reader.skipping and step.copied
        if torn or is_kept:
            self.positions.append(reader.position(copied=step.copied))
        if torn:
            self._holders.append(self.positions[-1])


def _identities(steps: Sequence[_Step], live: Generation | None) -> set[tuple[int, int]]:
    """Return device and inode of each file that is known."""
    known = {file.identity for file in (*(step.file for step in steps), live) if file}
    for path in [step.start.path for step in steps if step.start and not step.file]:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            known.add((status.st_dev, status.st_ino))
    return known


def _goes_on(file: Generation, live: Generation, last: Position) -> bool:
    """Return whether the log was copied back, so that all of the *file* read last begins it."""
    if last.offset <= BANNER_BYTES or not live.holds(last):
        return False
    from logster.copies import is_part  # noqa: PLC0415 - few logs come back

    return is_part(file, live)


def _is_copied(file: Generation, live: Generation) -> bool:
    """Return whether copytruncate is at work: a copy is there, the live file not yet cut."""
    size, written_ns = file.status.st_size, file.status.st_mtime_ns
    if file.stream or not 0 < size <= live.status.st_size:
        return False
    # Cut already, the live file may begin with the same few lines as before.
    may_be_cut = size <= BANNER_BYTES or live.seen_ns - written_ns > COPY_NS
    if live.status.st_mtime_ns > written_ns and may_be_cut:
        return False
    length = min(1024, size)
    return all(file.read(length, at) == live.read(length, at) for at in (0, size - length))


def _drop_strangers(steps: list[_Step], place: Candidate | None, shelf: Shelf) -> None:
    """Drop files that came after *place*, and only by their inode seem to come before it."""
    for step in [step for step in steps if step.file and step.start and step.start.is_blank]:
        each = step.file and shelf.candidate(step.file.identity)
        if each and place and each.scheme == place.scheme and each.rank > place.rank:
            _close([step])
            steps.remove(step)


def _places(candidates: Sequence[Candidate]) -> set[tuple[str, tuple[int, int]]]:
    return {(each.path, each.identity) for each in candidates}


def _waiting(last: Position, damaged: Candidate) -> Position:
    """Return the position *last* in a file that does not reach it, but may once it is whole."""
    return last._replace(
        inode=damaged.inode,
        path=os.path.realpath(damaged.path),
        size=last.offset,
        mtime_ns=damaged.mtime_ns,
    )


def _close(steps: Sequence[_Step]) -> None:
    for step in steps:
        if step.file:
            step.file.close()

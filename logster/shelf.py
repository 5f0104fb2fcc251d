"""
The rotated files of a log: which there are, in what order, and which holds a position.

Names and inodes only say where to look first. What makes a file the one that was
read is its content.
"""

import glob
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from logster.errors import LogError
from logster.generation import COMPRESSED, ChangedError, Generation, Position


_COMPRESSED = rf"(?:\.(?:{'|'.join(COMPRESSED)}))?"
_DATE = r"[._-]?\d[\d._:TZ+-]{5,}"
_DATED = re.compile(r"\d{6}|\d{4}[._-]\d\d")
_DAY_NS = 86_400 * 10**9

#: What a program that compresses a file may cut off its time.
_TWIN_NS = 10**9

#: The scheme of names that count down, and that of names without a number or a date.
_NUMBERED, _UNRANKED = 0, 2


class Candidate(NamedTuple):
    """
    A file that may be a generation of a log.

    Attributes:
        path: Where it is.

        device: Number of its device.

        inode: Number of its inode.

        size: Its size.

        mtime_ns: When it was written last.

        scheme: Names of one scheme can be told older and newer by their rank.

        rank: Grows with time within a scheme.

        digits: How many digits its date has; 0 for a number.
    """

    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    scheme: int
    rank: int
    digits: int = 0

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self.device, self.inode

    @property
    def is_compressed(self) -> bool:
        """Return whether its name says so."""
        return self.path.endswith(COMPRESSED)

    @property
    def has_rank(self) -> bool:
        """Return whether a number or a date is in its name."""
        return self.scheme != _UNRANKED

    @property
    def folder(self) -> str:
        """Return the directory it is in, wherever links lead."""
        return os.path.realpath(os.path.dirname(self.path))

    @property
    def kind(self) -> tuple[int, int]:
        """Return scheme and digits, which all names that are built alike share."""
        return self.scheme, self.digits

    @property
    def row(self) -> tuple[str, int, int]:
        """Return what it shares with those that one program names: folder and kind of name."""
        return self.folder, *self.kind

    def is_beside(self, other: "Candidate | None") -> bool:
        """Return whether *other* is another generation by its number or date alone."""
        return other is not None and self.rank != other.rank and self.row == other.row


class Remnant(NamedTuple):
    """
    A file that begins as another and ends before what was read of that.

    Attributes:
        candidate: The file.

        begins_alike: Whether that is known; if not, nothing of it can be read.

        is_damaged: Whether it ends there because it cannot be read further.
    """

    candidate: Candidate
    begins_alike: bool = True
    is_damaged: bool = False


class Shelf:
    """
    The files that may be rotated generations of a log; looked for only when needed.

    Args:
        log: Path of the log.

        patterns: Where else they are: directories, or glob patterns in which ``%s``
            stands for the name of the log. What is relative starts in the current
            directory, a pattern also in that of the log, and without a slash only there.

    Attributes:
        unreadable: A sentence for each candidate that could not be opened, and for each
            directory that could not be listed.
    """

    def __init__(self, log: str, patterns: Sequence[str] = ()) -> None:
        self.log = log
        self.patterns = patterns
        self.unreadable: list[str] = []

    @cached_property
    def home(self) -> str:
        """Return the directory of the log, wherever links lead."""
        return os.path.realpath(os.path.dirname(self.log))

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Return every candidate, the oldest first."""
        target = os.path.realpath(self.log)
        names = _Names(os.path.basename(self.log), os.path.basename(target))
        folders = {os.path.dirname(self.log) or ".", os.path.dirname(target)}
        found = (_candidate(path, names) for path in self._paths(names, folders))
        unique = {each.identity: each for each in found if each}
        plain = {
            each.path: each.mtime_ns
            for each in unique.values()
            if not each.is_compressed and each.path not in {self.log, target}
        }

        def is_twin(each: Candidate) -> bool:
            # While a file is being compressed both are there; of an older file it is no twin.
            written_ns = plain.get(os.path.splitext(each.path)[0])
            return (
                each.is_compressed
                and written_ns is not None
                and each.mtime_ns > written_ns - _TWIN_NS
            )

        return _sorted(each for each in unique.values() if not is_twin(each))

    def candidate(self, identity: tuple[int, int]) -> Candidate | None:
        """Return the candidate with that device and inode."""
        return next((each for each in self.candidates if each.identity == identity), None)

    def is_stray(self, each: Candidate) -> bool:
        """Return whether *each* has neither number nor date, though there are some that have."""
        return not each.has_rank and any(other.has_rank for other in self.candidates)

    def untouched(self, position: Position) -> Candidate | None:
        """Return the file of *position* under its new name, if nothing was written since."""
        for each in self.candidates:
            if (each.inode, each.mtime_ns) == (position.inode, position.mtime_ns) and (
                each.size == position.size or each.is_compressed
            ):
                return each
        return None

    def find(
        self, position: Position, taken: Collection[tuple[int, int]] = ()
    ) -> Generation | None:
        """
        Return the file in which *position* lies, open, or None.

        Args:
            position: Where reading stopped.

            taken: Devices and inodes of files that it cannot be.
        """
        if position.path and (found := _known(position, taken)):
            return found
        free = [each for each in self.candidates if each.identity not in taken]
        packed = position.path.endswith(COMPRESSED)
        by_inode = [
            each for each in free if each.inode == position.inode and each.is_compressed == packed
        ]
        found = self._first(by_inode, lambda file: file.is_at(position))
        if position.head is None:
            return found or self._find_by_time(position, free)
        if not position.head_bytes:
            return found
        likely = _likeliest(position, free)
        if found:
            return self._oldest(found, position, likely)
        found = self._first(likely, lambda file: file.holds(position))
        if not found:
            return None
        return self._longest(self._oldest(found, position, likely), position, likely)

    def remnants(self, position: Position, live: Generation | None) -> list[Remnant]:
        """
        Return the files that are what is left of that of *position*, though they end before it.

        A file that begins alike but goes on otherwise shows that the beginning says
        nothing, such as a header: then there are none.

        Args:
            position: Where reading stopped.

            live: The file under the log's own name, if it is another.
        """
        found: list[Remnant] = []
        if position.is_blank or position.head is None:
            return []
        if live and live.starts_as(position):
            return []
        for candidate in _likeliest(position, self.candidates):
            begins_alike = False
            try:
                file = self.open(candidate)
            except LogError:
                continue
            try:
                begins_alike = file.starts_as(position)
                if begins_alike and file.reaches(position.offset):
                    return []
                if begins_alike:
                    found.append(Remnant(candidate))
            except OSError:
                found.append(Remnant(candidate, begins_alike, is_damaged=True))
            finally:
                file.close()
        return sorted(found, key=lambda each: not each.begins_alike)

    def since(self, place: Candidate | None, last: Position) -> list[Candidate]:
        """
        Return the files that came after the one of *last*, the oldest first.

        Args:
            place: Where that is now; None if it is not among the candidates.

            last: What is known of it.
        """

        def is_newer(each: Candidate) -> bool:
            # A number says something within a folder, a date elsewhere too.
            if (
                place
                and each.rank != place.rank
                and each.kind == place.kind
                and (each.digits or each.row == place.row)
            ):
                # A day, for a clock that was set back; a file left lying is older.
                return each.rank > place.rank and each.mtime_ns > last.mtime_ns - _DAY_NS
            return each.mtime_ns > last.seen_ns

        return _sorted(filter(is_newer, self.candidates))

    def open(self, candidate: Candidate) -> Generation:
        """
        Return *candidate*, open.

        Raises:
            ChangedError: If something else is there by now.

            LogError: If it cannot be opened.
        """
        try:
            generation = Generation(candidate.path)
        except FileNotFoundError as error:
            raise ChangedError(candidate.path) from error
        except OSError as error:
            raise LogError(
                f"{candidate.path}, a rotated part of {self.log}, cannot be read: "
                f"{error.strerror}. Nothing was read or sent; the next run tries again."
            ) from error
        if generation.identity != candidate.identity:
            generation.close()
            raise ChangedError(candidate.path)
        return generation

    def _first(
        self, candidates: Iterable[Candidate], wanted: Callable[[Generation], bool]
    ) -> Generation | None:
        """Return the first that is *wanted*, open; damaged ones are not."""
        for candidate in candidates:
            try:
                file = self.open(candidate)
            except LogError as error:
                self.unreadable.append(str(error))
                continue
            try:
                if wanted(file):
                    return file
            except OSError:
                pass
            file.close()
        return None

    def _oldest(
        self, found: Generation, position: Position, likely: Sequence[Candidate]
    ) -> Generation:
        """Return *found*, or an older generation that holds *position*: perhaps all begin alike."""
        first = self.candidate(found.identity)
        if not first or first.mtime_ns <= position.mtime_ns:
            return found  # nothing was written to it since
        older = [
            each
            for each in likely
            if each.is_beside(first)
            and each.rank < first.rank
            and each.mtime_ns >= position.mtime_ns  # it was written no earlier
        ]
        if not older:
            return found
        from logster.copies import begins_alike  # noqa: PLC0415 - few runs meet a copy

        oldest = self._first(
            sorted(older, key=lambda each: each.rank),
            lambda file: file.holds(position) and not begins_alike(file, found),
        )
        if oldest:
            found.close()
        return oldest or found

    def _longest(
        self, found: Generation, position: Position, likely: Sequence[Candidate]
    ) -> Generation:
        """Return *found*, or a file that holds *position* and has more than this copy of it."""
        first = self.candidate(found.identity)
        for each in likely:
            if each == first or each.is_beside(first):
                continue
            if first and first.has_rank and not each.has_rank:
                continue  # it begins as a generation does
            if other := self._first([each], lambda file: file.holds(position)):
                from logster.copies import begins_alike  # noqa: PLC0415 - few runs meet a copy

                if begins_alike(found, other) and not begins_alike(other, found):
                    found, other = other, found
                other.close()
        return found

    def _find_by_time(self, position: Position, free: Sequence[Candidate]) -> Generation | None:
        """Return the likeliest file of a place that 1.x noted, which says nothing of content."""
        late = [each for each in free if each.mtime_ns >= position.mtime_ns]
        before = [each for each in free if each.mtime_ns < position.mtime_ns][-1:]

        def reaches(file: Generation) -> bool:
            return file.reaches(position.offset)

        # Nothing was written after the last run, or the oldest written since is it, or
        # else logrotate gave it an older time.
        return (
            self._first(before, lambda file: file.ends_at(position.offset))
            or self._first(late, reaches)
            or self._first(before, reaches)
        )

    def _paths(self, names: "_Names", folders: set[str]) -> Iterator[str]:
        """Yield every path that may be a candidate."""
        for pattern in self.patterns:
            place = pattern.replace("%s", os.path.basename(self.log))
            if os.path.isdir(place):
                folders.add(place)
            else:
                yield from glob.glob(os.path.join(os.path.dirname(self.log), place))
                if "/" in place:  # from where we are, as a directory is
                    yield from glob.glob(place)
        for folder in folders:
            try:
                entries = os.listdir(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.unreadable.append(
                    f"The directory {folder} cannot be searched for rotated files of {self.log}: "
                    f"{error.strerror}. Nothing was read or sent; the next run tries again."
                )
                continue
            yield from (os.path.join(folder, each) for each in entries if names.rank(each))


class _Names:
    """
    The names that rotated files have.

    Args:
        bases: Names of the log: its own, and that of the file a link leads to.
    """

    def __init__(self, *bases: str) -> None:
        self._patterns: list[re.Pattern[str]] = []
        for base in set(bases):
            stem, extension = map(re.escape, os.path.splitext(base))
            forms = [rf"{stem}{extension}(\.\d{{1,5}}|{_DATE}|[._-]old)"]
            if extension:
                forms.append(rf"{stem}(\.\d{{1,4}}|{_DATE}){extension}")
            self._patterns += [re.compile(form + _COMPRESSED) for form in forms]
        if bases[0] != bases[-1] and _DATED.search(bases[-1]):
            # A link that leads to a file with the date in its name.
            shape = re.sub(r"\d+", r"\\d+", re.escape(bases[-1]))
            self._patterns.append(re.compile(f"({shape}){_COMPRESSED}"))

    def rank(self, name: str) -> tuple[int, int, int] | None:
        """Return how *name* ranks by the number or the date in it, or None."""
        for pattern in self._patterns:
            if match := pattern.fullmatch(name):
                return _rank(re.sub(r"\D", "", match[1]))
        return None


def _rank(digits: str) -> tuple[int, int, int]:
    """
    Return scheme and rank of a name with these *digits*, and how many there are of a date.

    Scheme 0 counts down, 1 is a date.

    >>> _rank("1") > _rank("2"), _rank("20261121") < _rank("202611211200")
    (True, True)
    """
    if not digits:
        return _UNRANKED, 0, 0
    if len(digits) <= 5:
        return _NUMBERED, -int(digits), 0
    scheme = 1 if digits.startswith(("19", "20")) and len(digits) != 10 else 10 + len(digits)
    return scheme, int(digits.ljust(20, "0")[:20]), len(digits)


def _candidate(path: str, names: _Names) -> Candidate | None:
    """Return *path* as a candidate, or None if it is no regular file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    rank = names.rank(os.path.basename(path)) or (_UNRANKED, 0, 0)
    return Candidate(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, *rank)


def _sorted(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return *candidates*, the oldest first: by name where one scheme names all, else by time."""
    all_ = list(candidates)
    by_name = len({each.kind for each in all_}) == 1
    return sorted(all_, key=lambda each: (each.rank if by_name else 0, each.mtime_ns))


def _likeliest(position: Position, candidates: Iterable[Candidate]) -> list[Candidate]:
    """
    Return those that may hold *position*, the likeliest first.

    One with a number or a date is no copy, and one that was written last when the file was
    is that file. Else they should have been written no earlier. But logrotate gives a
    compressed file the time that the log had before it began to rotate it.
    """
    then = position.mtime_ns

    def doubt(each: Candidate) -> tuple[bool, bool, bool, bool]:
        return not each.has_rank, each.mtime_ns != then, each.mtime_ns < then, each.is_compressed

    return sorted((each for each in candidates if each.mtime_ns > then - _DAY_NS), key=doubt)


def _known(position: Position, taken: Collection[tuple[int, int]]) -> Generation | None:
    """Return the file where it was seen last, if it is still there."""
    try:
        file = Generation(position.path)
    except (OSError, LogError):
        return None
    try:
        if file.identity not in taken and file.is_at(position):
            return file
    except OSError:
        pass
    file.close()
    return None

"""
Which of the files that seem to be new are copies of others; imported where one may be.

Somebody saves a log before an upgrade, an archive is filled twice, a move to another
file system is half done: such a file is no generation, and its lines are known.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain

from logster.errors import LogError
from logster.generation import PROOF_BYTES, WINDOW_BYTES, Generation, Position
from logster.shelf import Candidate, Shelf


_Read = Callable[[int, int], bytes]

#: So many bytes may be the same in any two compressed files.
HEADER_BYTES = 64


def without_copies(
    newer: Sequence[Candidate],
    place: Candidate | None,
    last: Position,
    known: Sequence[Generation],
    live: Generation | None,
    shelf: Shelf,
) -> list[Candidate]:
    """
    Return those of *newer* that hold more than the start of another file, or all of it.

    Files of one row are each a generation, whatever they hold: whoever rotates
    gave each a number of its own, and a log without times may well hold the same
    lines every day.

    Args:
        newer: Files that seem to have come after *place*.

        place: The file read last, or None if it is not on the shelf.

        last: Where reading stopped in it.

        known: The files that are read in any case, but for *live*.

        live: The file under the log's own name.

        shelf: What else there is.
    """
    kept = list(newer)
    rotated = [each for each in newer if is_rotated(each, newer, place, last, shelf)]
    read = [*known, *([live] if live else [])]
    taken = {file.identity for file in read}
    old = [each for each in shelf.candidates if each not in newer and each.identity not in taken]

    def worth(each: Candidate) -> tuple[bool, bool, bool]:
        # Of two that are the same the one stays that its writer may still write to.
        return each in rotated, not each.is_compressed, each.folder == shelf.home

    for each in sorted(newer, key=worth):
        others = [other for other in kept if other is not each]
        files: list[Generation] = []
        if each in rotated:
            others = [other for other in others if other.has_rank]
        else:
            others += old
            files = [file for file in read if not each.is_beside(shelf.candidate(file.identity))]
        rivals = [other for other in others if not each.is_beside(other)]
        if each.size and (rivals or files) and _is_copy(each, rivals, files, shelf):
            kept.remove(each)
    return kept


def is_rotated(
    each: Candidate,
    newer: Sequence[Candidate],
    place: Candidate | None,
    last: Position,
    shelf: Shelf,
) -> bool:
    """Return whether *each* is in the row that a rotator makes, as far as one can tell."""
    if not each.has_rank:
        # The log that was empty, filled since; but a copy may have got its inode.
        is_last = last.is_blank and each.inode == last.inode and not each.is_compressed
        return is_last and not shelf.is_stray(each)
    if place and place.has_rank:
        return each.row == place.row
    at_home = any(other.has_rank and other.folder == shelf.home for other in newer)
    return each.folder == shelf.home or not at_home


def _has_line(window: bytes) -> bool:
    return b"\n" in window


def _has_content(window: bytes) -> bool:
    return len(window) > HEADER_BYTES


def is_part(
    part: Generation, whole: Generation, proves: Callable[[bytes], bool] = _has_line
) -> bool:
    """
    Return whether *whole* begins with all of *part*, a line of it at least.

    Half a line, or the header of a compressed file, is the beginning of many. What
    precedes the damage of a compressed file may be a header too, and proves nothing.

    Args:
        part: What may be a part.

        whole: What may be the whole of it.

        proves: Whether what is the same in both is enough.
    """
    # As it is, it may be so small a part that nothing can be decompressed.
    same_kind = part.stream and part.ending == whole.ending
    if same_kind and _is_part(part.read_raw, whole.read_raw, _has_content):
        return True
    try:
        return _is_part(part.read, _to_damage(whole), proves)
    except OSError:
        if part.stream is None:
            raise
        return False


def begins_alike(part: Generation, whole: Generation) -> bool:
    """Return whether all that can be read of *part* begins *whole* too, a line of it at least."""
    return is_part(part, whole) or _is_part(_to_damage(part), _to_damage(whole), _has_line)


def _is_copy(
    candidate: Candidate, rivals: Sequence[Candidate], files: Sequence[Generation], shelf: Shelf
) -> bool:
    """Return whether *candidate* is part of one of *rivals* or *files*."""
    alike = differing = 0
    # Half a line is enough where no rotator gave a number or a date.
    proves = _has_line if candidate.has_rank else bool
    for part in _opened([candidate], shelf):
        for whole in chain(files, _opened(rivals, shelf)):
            if is_part(part, whole, proves):
                return True
            if part.stream:
                alike += begins_alike(part, whole)
                differing += _differ(part, whole)
    # A damaged file: what precedes its damage is more than a header if only one begins so.
    return alike == 1 and differing > 0


def _opened(candidates: Sequence[Candidate], shelf: Shelf) -> Iterator[Generation]:
    """Yield each of *candidates* that can be opened, and close it then."""
    for candidate in candidates:
        try:
            file = shelf.open(candidate)
        except LogError:
            continue  # whoever needs it says so
        with closing(file):
            yield file


def _is_part(part: _Read, whole: _Read, proves: Callable[[bytes], bool]) -> bool:
    offset, size, proven = 0, PROOF_BYTES, False
    while window := part(size, offset):
        if window != whole(len(window), offset):
            return False
        proven = proven or proves(window)
        offset, size = offset + len(window), WINDOW_BYTES
    return proven


def _differ(one: Generation, other: Generation) -> bool:
    """Return whether neither begins with all that can be read of the other."""
    offset, size = 0, PROOF_BYTES
    while True:
        windows = [_to_damage(file)(size, offset) for file in (one, other)]
        length = min(map(len, windows))
        if windows[0][:length] != windows[1][:length]:
            return True
        if not length:
            return False
        offset, size = offset + length, WINDOW_BYTES


def _to_damage(file: Generation) -> _Read:
    """Return what reads *file* as if it ended where its compressed data is damaged."""

    def read(size: int, offset: int) -> bytes:
        try:
            return file.read(size, offset)
        except OSError:
            if file.stream is None:
                raise
            return b""

    return read

"""
One file of a log: opened, known again by its content, read in blocks of whole lines.

A log is a chain of files, its generations: the live one under the log's own
name and the rotated ones beside it, plain or compressed. A `Position` says
where reading stopped in one of them and how to know that file again: by its
first bytes and by the bytes before the offset.
"""

import fcntl
import os
import re
import stat
import sys
import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from logster.errors import LogError


if TYPE_CHECKING:
    from logster.compressed import Decompressed


#: Bytes at the start, and before the offset, by which a file is known again.
PROOF_BYTES = 1024

#: Bytes read at once: just below what the C library fetches from the kernel page by page.
WINDOW_BYTES = 120 * 1024

#: The longest line that is read; a longer one is passed over and counted.
MAX_LINE_BYTES = 1 << 20

#: Endings of the compressed files that can be read.
COMPRESSED = ("gz", "bz2", "xz", "zst")

#: The kernel stamps files with a clock that is up to ten milliseconds late.
_CLOCK_SLACK_NS = 20_000_000

# What Linux calls an inode's generation; other systems do not know the request.
_FS_IOC_GETVERSION = 0x80087601

_LEADING_NULS = re.compile(rb"^\0+", re.MULTILINE)


class ChangedError(Exception):
    """The log was rotated or cut while it was read; what was read does not count."""


class Position(NamedTuple):
    """
    Where reading stopped in one file, and how to know that file again.

    The checksums guard against accidents, not against people: whoever can
    forge the content of a log can as well write its lines.

    Attributes:
        inode: Number of the inode.

        offset: Bytes read; the next line starts here.

        head: Checksum of the first bytes, or None where it is not known (state of 1.x).

        head_bytes: How many bytes that is.

        before: Checksum of the bytes before the offset, or None likewise.

        path: Where the file was seen last.

        size: Its size, as seen then.

        mtime_ns: When it was written last, as seen then.

        seen_ns: When that was: what was written later has a later time.

        skipping: Whether the offset lies within a line too long to be read.

        copied: Whether it is a copy (copytruncate), so that half a line at its end
            goes on at the start of the next file.

        version: Which of the files it is that had this inode, or 0 where that is not known.
    """

    inode: int
    offset: int
    head: int | None = None
    head_bytes: int = 0
    before: int | None = None
    path: str = ""
    size: int = 0
    mtime_ns: int = 0
    seen_ns: int = 0
    skipping: bool = False
    copied: bool = False
    version: int = 0

    @property
    def is_blank(self) -> bool:
        """Return whether no whole line was there, so that little is there to know it by."""
        return self.head is not None and not self.offset

    def is_untouched(self) -> bool:
        """Return whether the file is where it was, as it was."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_ino, status.st_mtime_ns) == (self.inode, self.mtime_ns) and (
            status.st_size == self.size or self.path.endswith(COMPRESSED)
        )


class Generation:
    """
    One file of a log, open, so that no rename can put another in its place.

    Args:
        path: The file; compressed if its name says so.

    Attributes:
        seen_ns: Before it was opened: what is written later has a later time.

        status: Its status when it was opened.

        ending: That of its name, behind the last full stop.

        stream: Its content, if it is compressed.

    Raises:
        OSError: If it cannot be opened.

        LogError: If it is not a regular file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.seen_ns = time.time_ns() - _CLOCK_SLACK_NS
        # O_NONBLOCK: a FIFO would make the open wait for a writer.
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self.status = os.fstat(self.descriptor)
        if not stat.S_ISREG(self.status.st_mode):
            os.close(self.descriptor)
            raise LogError(
                f"{path} is {_kind(self.status.st_mode)}, and only a regular file can be read "
                "from where the last run stopped. Nothing was read or sent."
            )
        self.ending = path.rpartition(".")[2]
        self.stream = _stream(self.descriptor, self.ending)

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self.status.st_dev, self.status.st_ino

    def read(self, size: int, offset: int) -> bytes:
        """
        Return up to *size* bytes at *offset*, fewer only at the end.

        To go back in a compressed file costs reading it again from its start.

        Raises:
            OSError: If it cannot be read, or its compressed data is damaged or not complete.
        """
        if self.stream:
            return self.stream.read(size, offset)
        return self.read_raw(size, offset)

    def read_raw(self, size: int, offset: int) -> bytes:
        """Return up to *size* bytes at *offset*, as they are in the file."""
        return os.pread(self.descriptor, size, offset)

    @property
    def version(self) -> int:
        """
        Return which of the files this is that have had its inode, or 0 if nobody knows.

        Many a file system gives the inode of a file that was removed to the next one.
        """
        try:
            answer = fcntl.ioctl(self.descriptor, _FS_IOC_GETVERSION, bytes(8))
        except OSError:
            return 0
        return int.from_bytes(answer[:4], sys.byteorder)

    def has_inode(self, position: Position) -> bool:
        """Return whether the inode is that of *position*, and not one freed and used again."""
        return self.status.st_ino == position.inode and (
            not position.version or self.version in {0, position.version}
        )

    def is_at(self, position: Position) -> bool:
        """Return whether this is the file of *position*, by inode and by content."""
        return self.has_inode(position) and self.holds(position)

    def starts_as(self, position: Position) -> bool:
        """Return whether the first bytes are the ones read before."""
        return zlib.crc32(self._proven(position.head_bytes, 0)) == position.head

    def holds(self, position: Position) -> bool:
        """
        Return whether the bytes up to *position* are the ones read before.

        Raises:
            OSError: If the file is damaged before it can tell; as the methods around this do.
        """
        if position.head is None:
            return self.reaches(position.offset)
        if not self.starts_as(position):
            return False
        length = min(PROOF_BYTES, position.offset)
        before = self._proven(length, position.offset - length)
        return len(before) == length and zlib.crc32(before) == position.before

    def reaches(self, offset: int) -> bool:
        """Return whether there are so many bytes."""
        length = min(PROOF_BYTES, offset)
        return len(self._proven(length, offset - length)) == length

    def ends_at(self, offset: int) -> bool:
        """Return whether there are so many bytes, and no more."""
        length = min(PROOF_BYTES, offset)
        return len(self._proven(length + 1, offset - length)) == length

    def rest_of(self, position: Position) -> int | None:
        """
        Return where *position* is in a file of which only the last lines were kept.

        So ``tail -n 1000 log >new; cat new >log`` leaves it. None where that is not sure:
        what preceded *position* is not there, or more than once.
        """
        if self.stream or position.offset < PROOF_BYTES or position.skipping:
            return None
        found: list[int] = []
        offset, data = 0, b""
        while window := self.read(WINDOW_BYTES, offset):
            data = data[-PROOF_BYTES:] + window
            offset += len(window)
            end = data.find(b"\n", max(PROOF_BYTES - 1, len(data) - len(window))) + 1
            while end:
                if zlib.crc32(data[end - PROOF_BYTES : end]) == position.before:
                    found.append(offset - len(data) + end)
                end = data.find(b"\n", end) + 1
        return found[0] if len(found) == 1 else None

    def _proven(self, size: int, offset: int) -> bytes:
        """Return *size* bytes at *offset*, fewer only if the file is whole and ends there."""
        data = self.read(size, offset)
        if self.stream and len(data) < size:
            self.read(1, offset + len(data))  # raises if damage is why
        return data

    def close(self) -> None:
        """Let go of the file."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Reader:
    """
    Reads the whole lines of a file from an offset on.

    Args:
        file: The file, open.

        start: Where it was read up to, or None for its very start.

        max_line: Bytes a line may have.

        carry: Half a line that stands before the first byte, from another file.

        skipping: Whether the first line goes on one that is too long, likewise.

        end: Where to stop; None for the end that the file had when it was opened, so
            that a log which grows as fast as it is read cannot keep a run going for ever.

    Attributes:
        offset: Where the next line starts.

        half: The bytes after the last newline, once all blocks are read.

        carry: What is left of the half line before: nothing, once its end was read.

        overlong: Lines passed over because they were too long.
    """

    def __init__(
        self,
        file: Generation,
        start: Position | None,
        max_line: int,
        *,
        carry: bytes = b"",
        skipping: bool = False,
        end: int | None = None,
    ) -> None:
        self.file = file
        self.start = start
        self.offset = start.offset if start else 0
        self.skipping = skipping or bool(start and start.skipping)
        self.max_line = max_line
        self.half = b""
        self.carry = carry
        self.overlong = 0
        self._end = None if file.stream else max(end or file.status.st_size, self.offset)
        self._head: bytes | None = None
        self._status = file.status
        self._before: bytes | None = None
        if file.stream:
            self._behind()  # it cannot be read backwards later on

    def blocks(self) -> Iterator[bytes]:
        """
        Yield blocks of whole lines: no half line, no carriage return before a newline.

        NUL bytes at the start of a line are the hole that a writer leaves that
        does not append, and are dropped.

        Raises:
            LogError: If the file cannot be read.

            OSError: If it is compressed, and damaged beyond the lines that were yielded.

            ChangedError: If it was cut or written anew meanwhile.
        """
        try:
            yield from self._blocks()
        except OSError as error:
            if self.file.stream:
                raise
            raise LogError(
                f"{self.file.path} cannot be read at byte {self.offset}: {error.strerror}. "
                "Nothing was sent; the next run starts where this one did."
            ) from error

    def _blocks(self) -> Iterator[bytes]:
        _keep_memory()
        while window := self._window(min(WINDOW_BYTES, self.max_line + 1)):
            if self.skipping:
                self._skip(window)
            elif window[0] == 0:
                if not self._leap():
                    break
            else:
                end = window.rfind(b"\n") + 1
                if not end:
                    window = self._window(self.max_line + 1)
                    end = window.rfind(b"\n") + 1
                if end:
                    yield self._take(window[:end])
                elif len(window) > self.max_line:
                    self._give_up(window)
                else:
                    self.half = window
                    break
        self._check()

    def take_half(self) -> bytes:
        """Return the half line at the end as a whole one, and go on behind it."""
        half, self.half = self.half, b""
        self._advance(half)
        return _normal(half + b"\n")

    def position(self, *, copied: bool = False) -> Position:
        """Return where reading stopped."""
        known, seen_ns = self.start, self.file.seen_ns
        if known and known.head is not None and known.offset == self.offset and not self.half:
            # Nothing was there to read: it is the file that was known before.
            head: int | None = known.head
            head_bytes, before = known.head_bytes, known.before
            if known.is_blank:
                seen_ns = known.seen_ns  # what was rotated since is new, whatever its clock says
        else:
            head, head_bytes = self._proof()
            before = zlib.crc32(self._behind())
        size = self.offset + len(self.half)
        status = self._status
        return Position(
            inode=status.st_ino,
            offset=self.offset,
            head=head,
            head_bytes=head_bytes,
            before=before,
            path=os.path.realpath(self.file.path),
            size=size if self.file.stream else status.st_size,
            mtime_ns=status.st_mtime_ns,
            seen_ns=seen_ns,
            skipping=self.skipping,
            copied=copied,
            version=self.file.version,
        )

    def _window(self, size: int) -> bytes:
        if self._end is not None:
            size = min(size, self._end - self.offset)
        if size <= 0:
            return b""
        if self._head is None and self.file.stream:
            return self._first_window(size)
        if self._head is None:
            self._keep_head(self.file.read(PROOF_BYTES, 0))
        return self.file.read(size, self.offset)

    def _first_window(self, size: int) -> bytes:
        """Return the first bytes of a compressed file, all that precede its damage at once."""
        if self.offset:
            return self.file.read(size, self.offset)
        self._head = b""  # all there is of it if nothing can be read
        window = self.file.read(max(size, PROOF_BYTES), 0)
        self._keep_head(window[:PROOF_BYTES])
        return window[:size]

    def _keep_head(self, head: bytes) -> None:
        """Keep the first bytes, by which a cut is noticed, before anything else is read."""
        start, self._head = self.start, head
        if start and start.head is not None:
            known = self._head[: start.head_bytes]
            if len(known) < start.head_bytes or zlib.crc32(known) != start.head:
                raise ChangedError(self.file.path)

    def _check(self) -> None:
        """Raise if the file was cut or written anew while it was read."""
        if self.file.stream or not self._head:
            return
        self._status = os.fstat(self.file.descriptor)  # before the head: it may be cut just now
        head = self.file.read(PROOF_BYTES, 0)
        # NUL bytes may be room that was set aside, and filled by now.
        same = head.startswith(self._head.rstrip(b"\0"))
        if not same or self._status.st_size < self.offset:
            raise ChangedError(self.file.path)
        self._head = head

    def _proof(self) -> tuple[int | None, int]:
        """Return the checksum of the first bytes, and of how many."""
        if self._head is None and self.file.stream and self.start:
            return self.start.head, self.start.head_bytes
        head = self.file.read(PROOF_BYTES, 0) if self._head is None else self._head
        seen = min(len(head), self.offset + len(self.half))
        # A power of two, so that a copy which lacks the last lines is known by it too.
        length = 1 << seen.bit_length() - 1 if seen else 0
        return zlib.crc32(head[:length]), length

    def _behind(self) -> bytes:
        """Return the last bytes before the offset."""
        if self._before is None:
            length = min(PROOF_BYTES, self.offset)
            self._before = self.file.read(length, self.offset - length) if length else b""
        return self._before

    def _take(self, lines: bytes) -> bytes:
        """Return *lines* as the parser shall see them, and go on behind them."""
        self._advance(lines)
        whole, self.carry = self.carry + lines, b""
        return _normal(whole)

    def _leap(self) -> bool:
        """Leap over NUL bytes; at the end of a file they are room that was set aside."""
        offset = self._next_data()
        while self._end is None or offset < self._end:
            window = self.file.read(WINDOW_BYTES, offset)
            if not window:
                break
            rest = window.lstrip(b"\0")
            offset += len(window) - len(rest)
            if rest:
                nuls = bytes(min(PROOF_BYTES, offset - self.offset))
                self._before = (self._behind() + nuls)[-PROOF_BYTES:]
                self.offset = offset
                return True
        return False

    def _next_data(self) -> int:
        """Return where the file system says that a hole at the offset ends at the latest."""
        if self.file.stream:
            return self.offset
        try:
            return os.lseek(self.file.descriptor, self.offset, os.SEEK_DATA)
        except OSError:  # no data any more, or a file system that cannot tell
            return self.offset

    def _give_up(self, window: bytes) -> None:
        """Begin to pass over a line of which *window* is a part."""
        self.overlong += 1
        self.skipping = True
        self.carry = b""
        self._advance(window)

    def _skip(self, window: bytes) -> None:
        """Pass over *window* up to the end of the overlong line."""
        end = window.find(b"\n") + 1
        self.skipping = not end
        self._advance(window[:end] if end else window)

    def _advance(self, data: bytes) -> None:
        behind = data if len(data) >= PROOF_BYTES else self._behind() + data
        self._before = behind[-PROOF_BYTES:]
        self.offset += len(data)


def _stream(descriptor: int, ending: str) -> "Decompressed | None":
    """Return the content of a file with that *ending*, or None if it is not compressed."""
    if ending not in COMPRESSED:
        return None
    from logster.compressed import Decompressed  # noqa: PLC0415

    return Decompressed(descriptor, ending)


def _keep_memory() -> None:
    """
    Let the C library keep what is freed between two windows.

    glibc gives free memory at the end of the heap back to the kernel, and fetches it
    again page by page, unless more was freed at once before: 20 ms of 370 in a run over
    a million lines.
    """
    bytes(8 * WINDOW_BYTES)


def _normal(block: bytes) -> bytes:
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    if b"\0" in block:
        block = _LEADING_NULS.sub(b"", block)
    return block


def _kind(mode: int) -> str:
    """
    Return what a file of *mode* is, for a message.

    >>> _kind(stat.S_IFIFO | 0o600)
    'a FIFO'
    """
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "no regular file")

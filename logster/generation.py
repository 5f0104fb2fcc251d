"""
One file of a log: opened, known again by its content, read in blocks of whole lines.

A log is a chain of files, its generations: the live one under the log's own
name and the rotated ones beside it, plain or compressed. A `Position` says
where reading stopped in one of them and how to know that file again: by its
first bytes and by the bytes before the offset.
"""

import errno
import os
import re
import stat
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from logster.errors import LogError


#: Bytes at the start, and before the offset, by which a file is known again.
PROOF_BYTES = 1024

#: Bytes read at once. Windows of 64 KiB to 1 MiB are equally fast.
WINDOW_BYTES = 128 * 1024

#: The longest line that is read; a longer one is passed over and counted.
MAX_LINE_BYTES = 1 << 20

#: Endings of the compressed files that can be read.
COMPRESSED = ("gz", "bz2", "xz", "zst")

_LEADING_NULS = re.compile(rb"^\0+", re.MULTILINE)


class Position(NamedTuple):
    """
    Where reading stopped in one file, and how to know that file again.

    The checksums guard against accidents, not against people: whoever can
    forge the content of a log can as well write its lines.

    Attributes:
        inode: Number of the inode.

        offset: Bytes read; the next line starts here.

        head: Checksum of the first bytes, or None where it is not known (state of 1.x).

        before: Checksum of the bytes before the offset, or None likewise.

        path: Where the file was seen last.

        mtime_ns: When it was written last, as seen then.

        size: Its size, as seen then.

        skipping: Whether the offset lies within a line too long to be read.

        copied: Whether it is a copy (copytruncate), so that half a line at its end
            goes on at the start of the next file.
    """

    inode: int
    offset: int
    head: int | None = None
    before: int | None = None
    path: str = ""
    mtime_ns: int = 0
    size: int = 0
    skipping: bool = False
    copied: bool = False


class Generation:
    """
    One file of a log, open, so that no rename can put another in its place.

    Args:
        path: The file; compressed if its name says so.

    Raises:
        OSError: If it cannot be opened.

        LogError: If it is not a regular file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # O_NONBLOCK: a FIFO would make the open wait for a writer.
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self.status = os.fstat(self.descriptor)
        if not stat.S_ISREG(self.status.st_mode):
            os.close(self.descriptor)
            raise LogError(
                f"{path} is {_kind(self.status.st_mode)}, and only a regular file can be read "
                "from where the last run stopped. Nothing was read or sent."
            )
        ending = path.rpartition(".")[2]
        self.stream = _Decompressed(self.descriptor, ending) if ending in COMPRESSED else None

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        return self.status.st_dev, self.status.st_ino

    def read(self, size: int, offset: int) -> bytes:
        """
        Return up to *size* bytes at *offset*, fewer only at the end.

        A compressed file can be read forwards only.

        Raises:
            OSError: If compressed data is damaged or not complete.
        """
        if self.stream:
            return self.stream.read(size, offset)
        return os.pread(self.descriptor, size, offset)

    def is_at(self, position: Position) -> bool:
        """Return whether this is the file of *position*, by inode and by content."""
        return self.status.st_ino == position.inode and self.holds(position)

    def starts_as(self, position: Position) -> bool:
        """Return whether the first bytes are the ones read before."""
        length = min(PROOF_BYTES, position.offset)
        return zlib.crc32(self.read(length, 0)) == position.head

    def holds(self, position: Position) -> bool:
        """Return whether the bytes up to *position* are the ones read before."""
        if not self.stream and self.status.st_size < position.offset:
            return False
        if position.head is None:
            return True
        if not self.starts_as(position):
            return False
        length = min(PROOF_BYTES, position.offset)
        before = self.read(length, position.offset - length)
        return len(before) == length and zlib.crc32(before) == position.before

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

    Attributes:
        offset: Where the next line starts.

        half: The bytes after the last newline, once all blocks are read.

        overlong: Lines passed over because they were too long.
    """

    def __init__(self, file: Generation, start: Position | None, max_line: int) -> None:
        self.file = file
        self.start = start
        self.offset = start.offset if start else 0
        self.skipping = bool(start and start.skipping)
        self.max_line = max_line
        self.half = b""
        self.overlong = 0
        length = min(PROOF_BYTES, self.offset)
        self._before = file.read(length, self.offset - length) if length else b""
        self._opening = b"" if file.stream else file.read(PROOF_BYTES, 0)
        # A log that grows as fast as it is read must not keep a run for ever.
        self._end = None if file.stream else max(os.fstat(file.descriptor).st_size, self.offset)

    def blocks(self) -> Iterator[bytes]:
        """
        Yield blocks of whole lines: no half line, no carriage return before a newline.

        NUL bytes at the start of a line are the hole that a writer leaves that
        does not append, and are dropped.
        """
        while window := self._window(min(WINDOW_BYTES, self.max_line + 1)):
            if self.skipping:
                self._skip(window)
                continue
            end = window.rfind(b"\n") + 1
            if not end:
                if not window.strip(b"\0"):
                    self._advance(window)
                    continue
                window = self._window(self.max_line + 1)
                end = window.rfind(b"\n") + 1
            if end:
                self._advance(window[:end])
                yield _normal(window[:end])
            elif len(window) > self.max_line:
                self.overlong += 1
                self.skipping = True
                self._advance(window)
            else:
                self.half = window
                return

    def has_changed(self) -> bool:
        """Return whether the file was cut or written anew while it was read."""
        return not self.file.stream and not self.file.read(PROOF_BYTES, 0).startswith(self._opening)

    def position(self, *, copied: bool = False) -> Position:
        """Return where reading stopped."""
        status = os.fstat(self.file.descriptor)
        length = min(PROOF_BYTES, self.offset)
        start = self.start
        # A compressed file cannot be read backwards; its head does not change.
        if self.file.stream and start and start.head is not None and start.offset >= length:
            head = start.head
        elif self.file.stream:
            head = self.file.stream.head(length)
        else:
            head = zlib.crc32(self.file.read(length, 0))
        return Position(
            inode=status.st_ino,
            offset=self.offset,
            head=head,
            before=zlib.crc32(self._before),
            path=os.path.realpath(self.file.path),
            mtime_ns=status.st_mtime_ns,
            size=self.offset + len(self.half) if self.file.stream else status.st_size,
            skipping=self.skipping,
            copied=copied,
        )

    def _window(self, size: int) -> bytes:
        if self._end is not None:
            size = min(size, self._end - self.offset)
        return self.file.read(size, self.offset) if size > 0 else b""

    def _skip(self, window: bytes) -> None:
        """Pass over *window* up to the end of the overlong line."""
        end = window.find(b"\n") + 1
        self.skipping = not end
        self._advance(window[:end] if end else window)

    def _advance(self, data: bytes) -> None:
        self.offset += len(data)
        self._before = (
            data[-PROOF_BYTES:]
            if len(data) >= PROOF_BYTES
            else (self._before + data)[-PROOF_BYTES:]
        )


class _Decompressed:
    """
    The content of a compressed file, read forwards with a window to look back into.

    Args:
        descriptor: The open file.

        ending: One of `COMPRESSED`.
    """

    def __init__(self, descriptor: int, ending: str) -> None:
        self._stream = _decompressor(os.fdopen(os.dup(descriptor), "rb"), ending)
        self._start = 0
        self._window = b""
        self._head = b""

    def read(self, size: int, offset: int) -> bytes:
        """Return up to *size* bytes at *offset*, which may not lie before the last one."""
        while offset > self._start + len(self._window):
            gap = offset - self._start - len(self._window)
            chunk = self._more(min(WINDOW_BYTES, gap))
            if not chunk:
                return b""
            self._start += len(self._window)
            self._window = chunk
        kept = self._window[offset - self._start :]
        while len(kept) < size and (chunk := self._more(size - len(kept))):
            kept += chunk
        self._start, self._window = offset, kept
        return kept[:size]

    def head(self, length: int) -> int:
        """Return the checksum of the first *length* bytes, all of which have been read."""
        return zlib.crc32(self._head[:length])

    def _more(self, size: int) -> bytes:
        try:
            data: bytes = self._stream.read(size)
        except OSError:
            raise
        except Exception as error:  # each module has errors of its own: EOFError, zlib.error …
            raise OSError(errno.EIO, "its compressed data is damaged or not complete") from error
        if len(self._head) < PROOF_BYTES:
            self._head += data[: PROOF_BYTES - len(self._head)]
        return data


def _decompressor(raw: BinaryIO, ending: str) -> Any:
    """Return a stream of the content of *raw*; each module is imported only here."""
    if ending == "gz":
        import gzip  # noqa: PLC0415

        return gzip.GzipFile(fileobj=raw)
    if ending == "bz2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2File(raw)
    if ending == "xz":
        import lzma  # noqa: PLC0415

        return lzma.LZMAFile(raw)
    import zstandard  # noqa: PLC0415

    return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)


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

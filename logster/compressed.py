"""The content of a compressed file, read forwards; imported only for a name that ends so."""

import errno
from typing import Any, BinaryIO


#: Bytes decompressed at once.
CHUNK_BYTES = 128 * 1024

#: Bytes of zstandard taken at once; of nothing but zeros they make 16 MB.
ZST_BYTES = 512


class Decompressed:
    """
    Reads the content of a compressed file; to go back it is read again from its start.

    Args:
        descriptor: The open file; stays the caller's to close.

        ending: ``gz``, ``bz2``, ``xz`` or ``zst``.
    """

    def __init__(self, descriptor: int, ending: str) -> None:
        self._raw = open(descriptor, "rb", closefd=False)  # noqa: SIM115 - it owns nothing to close
        self._ending = ending
        self._stream = _decompressor(self._raw, ending)
        self._damage: OSError | None = None
        self._start = 0
        self._window = b""

    def read(self, size: int, offset: int) -> bytes:
        """
        Return up to *size* bytes at *offset*.

        Raises:
            OSError: If the data turns out to be damaged or cut short, and all before that
                was handed out.
        """
        if offset < self._start:
            self._raw.seek(0)
            self._stream = _decompressor(self._raw, self._ending)
            self._damage, self._start, self._window = None, 0, b""
        while offset > self._start + len(self._window):
            gap = offset - self._start - len(self._window)
            chunk = self._more(min(CHUNK_BYTES, gap))
            if not chunk:
                return b""
            self._start += len(self._window)
            self._window = chunk
        kept = known = self._window[offset - self._start :]
        try:
            while len(kept) < size and (chunk := self._more(size - len(kept))):
                kept += chunk
        except OSError:
            if kept == known:
                raise
        self._start, self._window = offset, kept
        return kept[:size]

    def _more(self, size: int) -> bytes:
        if self._damage:
            raise self._damage
        try:
            # read1: what precedes the damage is handed out before the damage is met.
            data: bytes = self._stream.read1(size)
            if not data and not self._raw.tell():
                raise EOFError  # noqa: TRY301 - gzip takes a file without a header for an empty one
        except Exception as error:  # each module has errors of its own: EOFError, zlib.error …
            self._damage = OSError(errno.EIO, "its compressed data is damaged or not complete")
            raise self._damage from error
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
    return _Zst(raw)


class _Zst:
    """A zstandard stream that, as the others do, calls a file cut short an error."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415

        self._raw = raw
        self._start_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._start_frame()
        self._within = False
        self._ready = b""

    def read1(self, size: int) -> bytes:
        """Return up to *size* bytes, none only at the end."""
        while not self._ready:
            # So few bytes, since the library cannot bound what it makes of them.
            data = self._frame.unused_data or self._raw.read(ZST_BYTES)
            if not data:
                if self._within:
                    raise EOFError
                return b""
            if self._frame.eof:
                self._frame = self._start_frame()
            self._ready = self._frame.decompress(data)
            self._within = not self._frame.eof
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

r"""
Rewrite a text by a regular expression, compiled to machine code by the system's PCRE2.

`re` makes a Python object of each thing it finds. Where most of a text is only to be
cut down, PCRE2 does that in one call, and in a third of the time; see
`benchmarks/README.md`. It comes with each Debian, Fedora and their like, for ``grep``
and ``git`` need it. Where it is missing, too old or must not make machine code,
`rewriter` returns None, and its callers do the same with `re`.

>>> rewrite = rewriter(rb"(\w++)@(\w++)", b"$2:$1\n", keep=False)
>>> rewrite is None or rewrite(b"me@here, you@there")
b'here:me\nthere:you\n'

Patterns are those of `re`, on bytes; templates are PCRE2's. A group that takes no part
in a match stands for nothing.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any


#: From so many bytes on it pays to load it.
WORTH = 64 << 10

#: What is longer is not taken: twice as much is kept to write to.
MOST = 1 << 20

_NAMES = ("libpcre2-8.so.0", "libpcre2-8.0.dylib")

# The figures and options that are asked for, as in pcre2.h.
_JIT_COMPLETE = 0x1
_SUBSTITUTE_GLOBAL = 0x100
_SUBSTITUTE_UNSET_EMPTY = 0x400
_SUBSTITUTE_REPLACEMENT_ONLY = 0x20000  # since 10.38

# A newline is nothing else, however the library was built.
_NEWLINE = b"(*LF)"
# Where the two write the same thing in different ways.
_ESCAPES = {rb"\v": rb"\x0b", rb"\Z": rb"\z"}


class UnableError(Exception):
    """PCRE2 cannot: its limits of time and memory are none of `re`."""


class _Library:
    """
    The functions of PCRE2 that are called, and where they write to.

    Raises:
        ImportError: If this Python was built without what calls libraries.

        OSError: If there is none.

        AttributeError: If it is not one of PCRE2.
    """

    def __init__(self) -> None:
        # Some 3 ms, which only much to read is worth.
        import ctypes  # noqa: PLC0415
        from threading import Lock  # noqa: PLC0415

        self.ctypes = ctypes
        loaded = _first(ctypes.CDLL)
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        self.compile = loaded.pcre2_compile_8
        self.compile.restype = pointer
        self.compile.argtypes = (ctypes.c_char_p, size, ctypes.c_uint32, *[pointer] * 3)
        self.jit_compile = loaded.pcre2_jit_compile_8
        self.jit_compile.argtypes = (pointer, ctypes.c_uint32)
        self.match_data = loaded.pcre2_match_data_create_from_pattern_8
        self.match_data.restype = pointer
        self.match_data.argtypes = (pointer, pointer)
        self.substitute = loaded.pcre2_substitute_8
        self.substitute.argtypes = (
            *(pointer, ctypes.c_char_p, size, size, ctypes.c_uint32, pointer, pointer),
            *(ctypes.c_char_p, size, pointer, pointer),
        )
        # All write to the same place.
        self.lock = Lock()
        self.room = ctypes.create_string_buffer(0)

    def make_room(self, size: int) -> None:
        """Let what is written have *size* bytes at least."""
        if len(self.room) < size:
            self.room = self.ctypes.create_string_buffer(size)


def _first(load: Callable[[str], Any]) -> Any:
    for name in _NAMES[:-1]:
        try:
            return load(name)
        except OSError:
            continue
    return load(_NAMES[-1])


class Rewriter:
    """
    A pattern, and what becomes of each match.

    Args:
        library: PCRE2.

        pattern: In the syntax of `re`.

        template: What a match is replaced with: ``$1`` for what a group captured.

        keep: Whether what is between the matches stays; dropped if not.

    Raises:
        UnableError: If PCRE2 makes no machine code of the pattern.
    """

    def __init__(self, library: _Library, pattern: bytes, template: bytes, *, keep: bool) -> None:
        self._library = library
        self._template = template
        self._options = _SUBSTITUTE_GLOBAL | _SUBSTITUTE_UNSET_EMPTY
        if not keep:
            self._options |= _SUBSTITUTE_REPLACEMENT_ONLY
        text = _NEWLINE + re.sub(rb"(?s)\\.", _escape, pattern)
        error = library.ctypes.c_int()
        place = library.ctypes.c_size_t()
        by = library.ctypes.byref
        self._code = library.compile(text, len(text), 0, by(error), by(place), None)
        if not self._code or library.jit_compile(self._code, _JIT_COMPLETE):
            raise UnableError(pattern, error.value, place.value)
        self._match_data = library.match_data(self._code, None)

    def __call__(self, text: bytes, end: int | None = None) -> bytes:
        """
        Return *text*, up to *end*, rewritten.

        Raises:
            UnableError: If PCRE2 could not.
        """
        library, by = self._library, self._library.ctypes.byref
        length = len(text) if end is None else end
        if length > MOST:
            raise UnableError(length)
        with library.lock:
            room = 2 * length + 1024  # ample for what cuts a text down
            library.make_room(room)
            written = library.ctypes.c_size_t(room)
            result = library.substitute(
                *(self._code, text, length, 0, self._options, self._match_data, None),
                *(self._template, len(self._template), library.room, by(written)),
            )
            if result < 0:
                raise UnableError(result)
            return bytes(library.ctypes.string_at(library.room, written.value))


def is_worth(size: int) -> bool:
    """Return whether it is there already, or a text of *size* bytes is worth loading it."""
    return size >= WORTH or load.cache_info().currsize > 0


def rewriter(pattern: bytes, template: bytes, *, keep: bool) -> Rewriter | None:
    """Return a `Rewriter`, or None where PCRE2 is not to be had for that pattern."""
    library = load()
    if library is None:
        return None
    try:
        return Rewriter(library, pattern, template, keep=keep)
    except UnableError:
        return None


@cache
def load() -> _Library | None:
    """Return PCRE2 where it is there, makes machine code and does a small job as it should."""
    try:
        library = _Library()
        drop = Rewriter(library, rb"b(.)?+\n|a", b"<$1>", keep=False)
        if drop(b"a.bc\nb\n") == b"<><c><>":
            return library
    except (ImportError, OSError, AttributeError, UnableError):
        pass
    return None


def _escape(match: re.Match[bytes]) -> bytes:
    return _ESCAPES.get(match[0], match[0])

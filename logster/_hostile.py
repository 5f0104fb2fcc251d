"""
What a stranger may write into a log: lines that are like good ones but for one thing.

Made from good lines, since a parser hardly looks at the rest. Pure, and the
same lines every time.
"""

import re
from collections.abc import Iterable, Iterator

from logster.shapes import shape


_TEXTS = (
    "",
    "-",
    "0",
    "-1",
    "007",
    "nan",
    "inf",
    "-Infinity",
    "1e999",
    "9" * 400,
    "0x1f",
    "1_000",
    "1.2.3",
    "²",
    "١٢",
    "\ud83d",
    "a b",
    "a|b:1|c",
    "a;b=c,d",
    "a\tb",
    "a\u2028b\x0bc\x85d",
    "\x1b[31m",
    "a\\u000ab",
    "\0",
    '"',
    '\\"',
    "\\",
    "]",
    "}",
    "%s%n{0}$(id)`id`",
    "../../etc",
    "true",
    "null",
    "PURGE",
    "status=sent (delay=3, TCP_HIT/200)",
)

#: Values that a field does not expect; some forge other fields, some are no numbers but look so.
VALUES = (*(text.encode("utf-8", "surrogatepass") for text in _TEXTS), b"\xff\xfe")

#: Those of them that would be more than a name, had a metric that name.
FORGED = (b"a b", b"a|b:1|c", b"a\\u000ab", b"a\tb", b"\x1b[31m", b"\0", b"")

#: What long lines are made of; each is the food of another kind of slow pattern.
UNITS = (b"a", b"1", b" ", b'"', b"\\", b"[", b'{"a":', b"a=1 ", b"a.", b"%20", "é".encode())

#: Lines that belong to no log.
ALONE = (
    b"",
    b" ",
    b"\t \t",
    b"\r",
    b"\0\0\0\0",
    b"\xff\xfe\xfd",
    b"\xef\xbb\xbf{}",
    b"{}",
    b"[]",
    b"null",
    b"1",
    b'"',
    b"#Fields: a b",
    b"-",
    b"\x1f\x8b\x08\x00",
)

_TOKEN = re.compile(rb"\d+|[A-Za-z]+")
_FIELD = re.compile(rb"[^\s\[\]\"'(){}<>,;=]+")

_MAX_PLACES = 40


def kinds(lines: Iterable[bytes], number: int) -> list[bytes]:
    """Return up to *number* of *lines*, no two of one shape."""
    found: dict[str, bytes] = {}
    for line in lines:
        found.setdefault(shape(line.decode("utf-8", "replace")), line)
        if len(found) >= number:
            break
    return list(found.values())


def forged(line: bytes) -> Iterator[bytes]:
    """Yield *line* with each field replaced by each of `FORGED`."""
    return replaced(line, FORGED)


def replaced(line: bytes, values: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *line* with each field replaced by each of *values*."""
    for start, end in _places(_FIELD, line):
        for value in values:
            yield line[:start] + value + line[end:]


def variants(line: bytes) -> Iterator[bytes]:
    """Yield *line* with each field replaced by each of `VALUES`, cut, doubled, turned around."""
    yield from replaced(line, VALUES)
    for start, end in _places(_FIELD, line):
        yield line[:end]
        yield line[:start]
        yield line[:start] + line[end:] + line[start:end]
    yield line + b" " + line
    yield line + line
    yield line[::-1]
    yield line.swapcase()
    yield b" " + line + b" "
    yield line.replace(b" ", b"\t")
    yield line.replace(b" ", b"  ")
    yield line + b"\r"


def alike(line: bytes) -> list[tuple[int, int]]:
    """Return the places in *line* that `renumbered` can change."""
    return _places(_TOKEN, line)


def renumbered(line: bytes, place: tuple[int, int], number: int) -> bytes:
    """
    Return *line* with a word or number in it that tells it from every other *number*.

    >>> renumbered(b"GET /a 200", (0, 3), 27), renumbered(b"GET /a 200", (7, 10), 1027)
    (b'AAABB /a 200', b'GET /a 001027')
    """
    start, end = place
    token = line[start:end]
    if token.isdigit():
        fresh = b"%06d" % number
    else:
        letters = []
        for _ in range(5):
            number, letter = divmod(number, 26)
            letters.append(letter)
        fresh = bytes(letter + 97 for letter in reversed(letters))
        fresh = fresh.upper() if token.isupper() else fresh
    return line[:start] + fresh + line[end:]


def long_lines(samples: Iterable[bytes], size: int) -> Iterator[tuple[str, bytes]]:
    """
    Yield lines of about *size* bytes, each with a word on what it is.

    Args:
        samples: Good lines, in which one field after the other grows.

        size: How many bytes to add.
    """
    for unit in UNITS:
        filler = unit * (size // len(unit))
        yield f"{unit.decode()!r} again and again", filler
        for line in samples:
            places = _places(_FIELD, line)
            for start, end in places[:: max(1, len(places) // 6)]:
                what = f"{unit.decode()!r} again and again at column {end + 1}"
                yield what, line[:end] + filler + line[end:]
                yield f"{what} for what was there", line[:start] + filler + line[end:]


def _places(pattern: "re.Pattern[bytes]", line: bytes) -> list[tuple[int, int]]:
    found = [match.span() for match in pattern.finditer(line[:4096])]
    return found[:: max(1, len(found) // _MAX_PLACES)]

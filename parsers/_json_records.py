"""From the lines of a log to JSON objects."""

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from logster.sample import LIMIT


#: How far into a line its object may begin: after a syslog header, after ``@cee:``.
MAX_PREFIX = 1024

_BEGINNINGS = (b"{", b"[", b" ", b"\t", b"\xef\xbb\xbf")

#: What a container runtime writes around a line of its own accord.
_DOCKER = frozenset(("attrs", "log", "stream", "time"))

#: How long an object over several lines may be.
MAX_OPEN = 1 << 18

_DIGITS = int(math.log10(LIMIT))

Record = dict[str, Any]
Load = Callable[[bytes], Any]


def decode(line: bytes) -> Any:
    """
    Return the JSON value that *line* is, or None if it is none.

    >>> decode(b'{"a": 1, "b": NaN}'), decode(b"oops")
    ({'a': 1, 'b': None}, None)
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return decode_odd(line)


def decode_odd(line: bytes) -> Any:
    """Return the object or list that *line* is although orjson refuses it, or None."""
    return decode_exactly(line) if line.startswith(_BEGINNINGS) else None


def decode_exactly(line: bytes) -> Any:
    """
    Return the JSON value that *line* is, integers of any size included, or None if it is none.

    What orjson refuses and others write is taken: a byte order mark, bytes that
    are not UTF-8, lone surrogates. NaN, infinity and what is beyond
    `LIMIT` become null.

    >>> decode_exactly(b"18446744073709551617")
    18446744073709551617
    """
    text = line.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_nothing)
    except (ValueError, RecursionError):
        return None


def after_prefix(line: bytes, load: Load) -> Any:
    """
    Return the object that ends *line*, after a syslog header, ``@cee:``, or what CRI writes.

    Whatever stands before the first brace: what follows it must be one whole
    object, so that a stranger's text there can make the line unreadable, no more.

    >>> after_prefix(b'Nov 21 06:21:32 web shop[9]: @cee: {"ms": 5}', decode)
    {'ms': 5}
    """
    begin = line.find(b"{", 0, MAX_PREFIX)
    return load(line[begin:]) if begin > 0 else None


def records(found: Any, unwrap: str | None, load: Load) -> list[Record]:
    r"""
    Return the objects that the value *found* on a line stands for; none if it does not.

    An object stands for itself, an array for its objects, one that holds others
    things for the object of its items by number, and what docker writes around
    a line for the object in that line.

    Args:
        found: Any JSON value.

        unwrap: Key whose text holds the object, for all.

        load: Reads that text.

    >>> records([{"ms": 5}, {"ms": 6}], None, decode), records([5, 6], None, decode)
    ([{'ms': 5}, {'ms': 6}], [{'0': 5, '1': 6}])
    >>> records({"log": '{"ms": 5}\n', "stream": "stdout"}, None, decode)
    [{'ms': 5}]
    """
    if isinstance(found, list):
        if all(isinstance(item, dict) for item in found):
            return [inner for item in found for inner in records(item, unwrap, load)]
        found = numbered(found)
    if not isinstance(found, dict):
        return []
    if unwrap is None and not (found.keys() <= _DOCKER and "log" in found):
        return [found]
    text = found.get(unwrap or "log")
    inner = load(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else None
    return [inner] if isinstance(inner, dict) else []


def numbered(items: list[Any]) -> Record:
    """Return *items* as an object whose keys are the numbers from 0."""
    return {str(place): item for place, item in enumerate(items)}


def find(record: Any, path: str, separator: str) -> Any:
    """
    Return what stands at *path* below *record*, or None.

    >>> find({"a": {"b": [7]}, "c.d": 8}, "a.b.0", "."), find({"c.d": 8}, "c.d", ".")
    (7, 8)
    """
    if isinstance(record, list):
        record = numbered(record)
    if not isinstance(record, dict):
        return None
    if path in record:
        return record[path]
    key, found, rest = path.partition(separator)
    return find(record.get(key), rest, separator) if found else None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if -LIMIT < value < LIMIT else None


def _whole(text: str) -> int | None:
    return int(text) if len(text) < _DIGITS else None


def _nothing(name: str) -> None:
    """Return what ``NaN`` stands for."""


class Joined(NamedTuple):
    """
    What a `Joiner` makes of lines.

    Attributes:
        texts: The objects, each in one piece, and all other lines.

        inner: How many lines are parts of an object that ends, or may end, further on.

        lost: How many lines show that an object was lost.

        breaking: The texts that are such lines.
    """

    texts: list[bytes]
    inner: int
    lost: int
    breaking: list[bytes]


class Joiner:
    """
    Joins the lines of indented objects: from one that opens to a closing one, both not indented.

    Where another one opens before that, the first was broken off: it is lost, and the line
    that shows it counts as lost, whatever it holds itself.

    Attributes:
        open: The lines of an object whose end was not seen yet.
    """

    def __init__(self) -> None:
        self.open: list[bytes] = []
        self._size = 0

    def join(self, lines: list[bytes]) -> Joined:
        """
        Return what *lines* make up.

        >>> joined = Joiner().join([b"{", b'"ms": 5', b"}", b"{", b'{"ms": 6}'])
        >>> joined.texts, joined.inner, joined.lost, joined.breaking
        ([b'{ "ms": 5 }', b'{"ms": 6}'], 3, 1, [b'{"ms": 6}'])
        """
        texts: list[bytes] = []
        breaking: list[bytes] = []
        inner = lost = 0
        for line in lines:
            broken = bool(self.open) and self._breaks_off(line)
            if broken:
                self.open = []
                lost += 1
            if not self.open:
                if line[:1] not in {b"{", b"["} or line.rstrip()[-1:] not in {b"{", b"[", b","}:
                    texts.append(line)
                    breaking += [line] if broken else []
                    continue
                self._size = 0
            self.open.append(line)
            self._size += len(line)
            if len(self.open) > 1 and line[:1] in {b"}", b"]"}:
                texts.append(b" ".join(self.open))
                self.open = []
            elif self._size + len(self.open) > MAX_OPEN:
                self.open = []
                lost += 1
            else:
                inner += not broken
        return Joined(texts, inner, lost, breaking)

    def _breaks_off(self, line: bytes) -> bool:
        """Return whether *line* begins something else than what is open."""
        if line[:1] not in {b"{", b"["}:
            return False
        return self.open[0][:1] == b"{" or self.open[-1].rstrip()[-1:] not in {b"[", b","}

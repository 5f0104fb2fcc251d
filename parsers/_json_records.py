"""From the lines of a log to JSON objects."""

import json
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from logster.sample import LIMIT


#: How far into a line its object may begin: after a syslog header, after ``@cee:``.
MAX_PREFIX = 1024

_BEGINNINGS = (b"{", b"[", b" ", b"\t", b"\xef\xbb\xbf")

_TIME = rb"\d\d:\d\d:\d\d[\d.,]*+"
_DAY = rb"[A-Z][a-z]{2} [ \d]\d "
_STAMP = (
    rb"(?:\d{4}[-/]\d\d[-/]\d\d(?:[T ]%(time)s(?:Z| ?[-+]\d\d:?\d\d| UTC)?+)?+"
    rb"|%(day)s(?:\d{4} )?+%(time)s"
    rb"|\d\d/[A-Z][a-z]{2}/\d{4}:%(time)s(?: [-+]\d{4})?+"
    rb"|%(time)s|\d{9,19}(?:\.\d{1,9})?+)" % {b"day": _DAY, b"time": _TIME}
)
_LEVEL = (
    rb"(?i:trace|debug|info(?:rmation)?+|notice|warn(?:ing)?+|err(?:or)?+|crit(?:ical)?+"
    rb"|alert|emerg(?:ency)?+|fatal|panic|severe)\b"
)

# What may stand before an object: pieces that loggers write, each with blanks behind it.
_PREFIX = (
    rb"(?:[\w.-]++ ++\| ++)?+"  # Compose
    rb"(?:<\d{1,3}>(?:\d (?:-|%(stamp)s)(?: [^\s\[]++){4} "  # syslog, of both kinds
    rb"(?:-|(?:\[(?:[^]\\]|\\.)*+\])++))?+\s*+)?+"
    rb"(?:(?:(?=%(day)s|\d{4}-\d\d-\d\dT)%(stamp)s "
    rb"(?:(?:[\w.:-]++ )?+[\w./@-]++\[[\w.-]*+\]|[\w.:-]++ [\w./@-]++):"
    rb"|%(stamp)s|\[(?:%(stamp)s|[\w.:/@#+-]*+)\]"
    rb"|%(level)s(?::[\w.-]*+:|:)?+|\[%(level)s\s*+\]"
    rb"|std(?:out|err) [FP]|\d++ ---|[\w.$]++ ++(?:--?|:)|[-|]|@cee:)(?:\s++|\Z))*+"
    rb"(?:\xef\xbb\xbf)?+" % {b"day": _DAY, b"stamp": _STAMP, b"level": _LEVEL}
)

_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")

#: What a container runtime writes around a line of its own accord.
_DOCKER = frozenset(("attrs", "log", "stream", "time"))
_STREAMS = ("stdout", "stderr")

# A byte as Apache and nginx write it into a text, and a vertical tab as Apache does.
_ESCAPE = r"\\(?:x([0-9A-Fa-f]{2})|(v)|.)"

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
    r"""
    Return the JSON value that *line* is, integers of any size included, or None if it is none.

    What orjson refuses and others write is taken: a byte order mark, bytes that
    are not UTF-8, lone surrogates, and bytes as Apache and nginx write them
    into any text. NaN, infinity and what is beyond `LIMIT` become null.

    >>> decode_exactly(b"18446744073709551617")
    18446744073709551617
    >>> decode_exactly(rb'{"agent": "\x22\\x22", "ms": 5}')
    {'agent': '"\\x22', 'ms': 5}
    """
    text = line.decode("utf-8", "replace").removeprefix("\ufeff")
    value = _loaded(text)
    if value is None and "\\" in text:
        mended = re.sub(_ESCAPE, _as_json, text, flags=re.DOTALL)
        value = _loaded(mended) if mended != text else None
    return value


def after_prefix(line: bytes, load: Load) -> Any:
    """
    Return the object that ends *line*, after a syslog header, ``@cee:``, or what CRI writes.

    Before it there may be times, levels, and what else loggers put before a message, but
    no words of one: what follows those may be a stranger's text.

    >>> after_prefix(b'Nov 21 06:21:32 web shop[9]: @cee: {"ms": 5}', decode)
    {'ms': 5}
    >>> after_prefix(b'Nov 21 06:21:32 web shop[9]: no user {"ms": 5}', decode)
    """
    begin = line.find(b"{", 0, MAX_PREFIX)
    if begin > 0 and _is_prefix(line[:begin].translate(_ANY_DIGIT)):
        return load(line[begin:])
    return None


@lru_cache(maxsize=1024)
def _is_prefix(text: bytes) -> bool:
    """Return whether *text*, which is much the same on most lines, may stand before an object."""
    return re.fullmatch(_PREFIX, text) is not None


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
    if unwrap is None and not _is_docker(found):
        return [found]
    text = found.get(unwrap or "log")
    inner = load(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else None
    return [inner] if isinstance(inner, dict) else []


def _is_docker(found: Record) -> bool:
    """Return whether *found* is what docker writes around a line, and nothing else."""
    return found.keys() <= _DOCKER and "log" in found and found.get("stream") in _STREAMS


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


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_nothing)
    except (ValueError, RecursionError):
        return None


def _as_json(match: re.Match[str]) -> str:
    """Return an escape as JSON has it; one that is not of Apache's or nginx's own stays."""
    byte, tab = match.groups()
    return f"\\u00{byte}" if byte else "\\u000b" if tab else match[0]


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

r"""
Turn the fields of a log format, and what stands between them, into a layout.

>>> layout = layout_of("%h %s", [Field("client", "name"), b" ", Field("status", "status")])
>>> layout.scan(b"::1 200\n")[0]["status"]
[b'200']

Who writes into a field decides how it may end. Inside of quotes, a backslash
escapes what follows it: all three servers escape quotes there. Elsewhere an open
field, one that a stranger writes, ends at the first character of what follows it.
A stranger who writes that character shifts what stands behind. The last field must
then take in what is too much: no open field that has another open field and, after
that, a counted one before itself takes any character that ends such a field, and no
client that of an open field before itself. So a line in which text could be forged
does not match at all, which is counted and seen.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from logster.errors import ConfigurationError
from logster.parsers._access import METHOD_LENGTH, QUOTED, Layout


class Field(NamedTuple):
    """
    A part of a line that changes.

    Attributes:
        name: What parsers know it as; empty if they do not.

        kind: How it is written. What strangers may write is a ``word``, ``shell`` (a word
            or a string in quotes), ``url``, ``user``, ``request`` or ``list``. A server
            writes a ``name`` (or several, ``names``), ``number`` (or several, ``numbers``),
            ``decimal``, ``status``, ``time``, or a ``pattern`` of its own.

        pattern: What a field of that last kind, or a time, matches.

        sample: A text that the field may hold, where it is no usual one.

        second: Whether another field of that name says it better.

        pad: Where blanks fill up a width: in ``front``, ``behind`` or nowhere.

        optional: Whether a dash may stand there instead.
    """

    name: str = ""
    kind: str = "word"
    pattern: bytes = b""
    sample: bytes = b""
    second: bool = False
    pad: str = ""
    optional: bool = False

    def is_open(self) -> bool:
        """Tell whether a stranger may write any text there."""
        return self.kind in {"word", "shell", "url", "user", "request", "list"}


Part = bytes | Field

_FIXED = {
    "number": rb"-?[0-9]{1,15}+|-",
    "decimal": rb"-?[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+|-",
    "status": rb"[0-9]{1,3}+|-",
    "time": rb"[0-9]++/[A-Za-z0-9]++/[0-9:]++ [-+][0-9]++",
}
_SAMPLES = {
    "number": b"5",
    "numbers": b"0.5",
    "decimal": b"0.5",
    "status": b"200",
    "time": b"21/Nov/2026:06:22:30 +0000",
    "request": b"GET / HTTP/1.1",
}
#: Names that count nothing but what the stranger is, who writes the field.
_OWN = {"", "error", "user"}

_LISTS = {"list", "names", "numbers"}

#: What parts the values of a list, before a blank.
_COMMA = rb"(?:,| :)"

#: Fields without a character that may part an address from its port.
_NUMERIC = {"number", "numbers", "decimal", "status", "pattern"}

#: Addresses as nginx writes them, where no other text is meant.
_ADDRESS = rb"(?:\[[0-9A-Fa-f:.]*+\]|[0-9.]++):[0-9]++"

#: What `strftime` makes of each letter.
_TWO, _LETTERS = rb"[0-9]{2}", rb"[A-Za-z]++"
_STRFTIME: dict[str, tuple[bytes, bytes]] = {
    **dict.fromkeys("CymdHIMSUWVg", (_TWO, b"11")),
    **dict.fromkeys("ekl", (rb"[ 0-9][0-9]", b"11")),
    **dict.fromkeys("YG", (rb"[0-9]{4}", b"2026")),
    **dict.fromkeys("uw", (rb"[0-9]", b"6")),
    **dict.fromkeys("aAbBhpPZ", (_LETTERS, b"Nov")),
    "j": (rb"[0-9]{3}", b"325"),
    "s": (rb"[0-9]{10}", b"1795242150"),
    "z": (rb"[-+][0-9]{4}", b"+0000"),
    "%": (b"%", b"%"),
    "t": (b"\t", b"\t"),
}
_COMPOSED = {
    "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "r": "%I:%M:%S %p", "F": "%Y-%m-%d",
    "D": "%m/%d/%y", "x": "%m/%d/%y", "c": "%a %b %e %H:%M:%S %Y",
}  # fmt: skip


def strftime_field(text: str) -> Field:
    """
    Return the field of a time that ``strftime`` writes as *text* says.

    >>> strftime_field("%d/%b").pattern
    b'[0-9]{2}/[A-Za-z]++'
    """
    text = re.sub(r"%[EO]?([A-Za-z])", lambda found: _COMPOSED.get(found[1], found[0]), text)
    pattern = sample = b""
    place = 0
    for found in re.finditer(r"%([-_0^#]?)[0-9]*[EO]?([A-Za-z%])", text):
        between = text[place : found.start()].encode()
        place = found.end()
        one, example = _STRFTIME.get(found[2], (re.escape(found[0].encode()), found[0].encode()))
        if found[1] and example.isdigit():
            one = rb" *+[0-9]++"
        pattern += re.escape(between) + one
        sample += between + example
    rest = text[place:].encode()
    return Field(kind="time", pattern=pattern + re.escape(rest), sample=sample + rest)


class _Region(NamedTuple):
    """
    Where a field stands.

    Attributes:
        section: A number for each pair of quotes, and for what lies between them where
            nobody can write a quote.

        bracket: A number for each pair of brackets; 0 is outside of all.

        context: The quote or bracket around it, if any.
    """

    section: int
    bracket: int
    context: bytes

    def reaches(self, other: "_Region") -> bool:
        """Tell whether text from here could be taken for what stands at *other*."""
        # Who writes into brackets can close them and open others.
        return self.section == other.section and (not other.bracket or self.bracket > 0)


class _Place(NamedTuple):
    """
    A field and what stands around it.

    Attributes:
        field: The field.

        region: Where it stands.

        escaped: Whether a backslash keeps quotes from ending the field.

        end: The literal that ends it; a newline at the end of a line.

        after: The field behind that, if any.

        rivals: What ends open fields before it from behind which it could hide a counted one.

        again: How often the character that ends it stands in the rest of the word, where
            no field can hold one; else 0. No client holds any but a colon.

        single: Whether what parts the values of a list could also end a field.

        empty: Whether the server writes nothing for nothing; Squid writes a dash.

        followed: Whether an open field could lend it words from behind a counted one.
    """

    field: Field
    region: _Region
    escaped: bool
    end: bytes
    after: Field | None
    rivals: frozenset[bytes]
    again: int
    single: bool
    empty: bool
    followed: bool = False

    def taboo(self) -> frozenset[int]:
        """Return the characters that the field cannot hold."""
        characters = {self.end[0], *(rival[0] for rival in self.rivals)}
        if not self.field.is_open():
            characters.add(ord(" "))
        if self.region.context == b"[":
            # Without an opening one, nothing that began outside ends in here.
            characters |= {*b"[]"}
        if self.escaped:
            characters |= {*b'"\\'}
        return frozenset(characters)

    def is_loose(self) -> bool:
        """Tell whether the field may hold what ends it."""
        listed = self.field.kind in _LISTS and re.match(_COMMA, self.end)
        return self.field.is_open() or bool(listed)


def layout_of(text: str, parts: Iterable[Part], *, escaped: bool = True) -> Layout:
    """
    Return the layout of lines that consist of *parts*.

    Args:
        text: The format they come from.

        parts: What stands there, in order.

        escaped: Whether the server escapes quotes outside of quotes, too.

    Raises:
        ConfigurationError: If no line could be read.
    """
    joined = _joined(parts)
    fields = [part for part in joined if isinstance(part, Field)]
    if not fields:
        raise ConfigurationError(f"The format {text!r} has no field. Nothing was read or sent.")
    if any(b"\n" in part for part in joined if isinstance(part, bytes)):
        raise _unusable(text, "it writes a request on several lines")
    named = _named(fields)
    written = map(_written, _places(joined, named, escaped), named)
    names: list[str] = []
    source = line = b""
    values: list[bytes] = []
    for part in joined:
        if isinstance(part, bytes):
            source += re.escape(part).replace(rb"\ ", b" ")  # see `quick`
            line += part
        else:
            pattern, found = next(written)
            source += pattern
            line += _sample(part)
            names += found
            values += found.values()
    layout = Layout(tuple(names), source)
    # What does not read a line of its own reads no other.
    columns, read, _, _ = layout.scan(line + b"\n")
    if not read or [columns[name][0] for name in names] != values:
        raise _unusable(text, "where its fields begin and end could not be told in any line")
    return layout


def _unusable(text: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The format {text!r} cannot be used: {reason}. Nothing was read or sent."
    )


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Return *parts* with neighbouring literals made one, without a newline at the end."""
    joined: list[Part] = []
    for part in parts:
        if joined and isinstance(part, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += part
        elif part:
            joined.append(part)
    if joined and isinstance(joined[-1], bytes):
        joined[-1] = joined[-1].rstrip(b"\r\n")
    return list(filter(None, joined))


def _named(fields: list[Field]) -> list[str]:
    """
    Return the name by which each of *fields* is taken; empty if it is not.

    >>> _named([Field("status", second=True), Field("status"), Field("status")])
    ['', 'status', '']
    """
    chosen: dict[str, int] = {}
    for place, field in enumerate(fields):
        if field.kind == "request":
            chosen = dict.fromkeys(("request", "method", "version"), place)
            break
    for second in (False, True):
        for place, field in enumerate(fields):
            if field.second is second:
                chosen.setdefault(field.name, place)
    return [field.name if chosen[field.name] == place else "" for place, field in enumerate(fields)]


def _regions(parts: list[Part], escaped: bool) -> Iterator[_Region]:
    """Yield where each field of *parts* stands."""
    section = bracket = brackets = 0
    quoted = False
    for part in parts:
        if isinstance(part, Field):
            context = b'"' if quoted else b"[" if bracket else b""
            yield _Region(section if quoted or escaped else 0, 0 if quoted else bracket, context)
            continue
        for character in re.findall(rb'["\[\]]', part):
            if character == b'"':
                quoted = not quoted
                section += 1
            elif not quoted:
                brackets += 1
                bracket = (bracket or brackets) if character == b"[" else 0


def _places(parts: list[Part], named: list[str], escaped: bool) -> list[_Place]:
    """Return each field of *parts* with what stands around it."""
    literals = [part for part in parts if isinstance(part, bytes)]
    quotes = escaped and any(b'"' in part for part in literals)
    regions = _regions(parts, escaped)
    found: list[_Place] = []
    for here, field in enumerate(parts):
        if isinstance(field, bytes):
            continue
        region = next(regions)
        end, after = _ending(parts[here + 1 :])
        # Clients are told apart: whoever shifts the fields could be as many as he likes.
        itself = field.name == "client"
        rivals = _rivals(region, list(zip(found, named, strict=False)), counted=itself)
        again = 0
        closed = {b" ", b'"', b"]", b"\n", *(rival[:1] for rival in rivals)}
        if end[:1] not in closed and (end[:1] == b":" or not itself):
            again = _again(parts[here + 1 :], end[:1])
        found.append(
            _Place(
                field,
                region,
                quotes or b'"' in (region.context, end[:1]),
                end,
                after,
                rivals,
                again,
                bool(re.match(_COMMA, end)) or any(rival[:1] in b" ," for rival in rivals),
                escaped,
            )
        )
    named_places = list(zip(found, named, strict=True))
    listed = any(re.search(_COMMA, part) for part in literals)
    return [
        place._replace(followed=_followed(place, named_places[number:], listed))
        for number, place in enumerate(found, 1)
    ]


def _followed(place: _Place, behind: list[tuple[_Place, str]], listed: bool) -> bool:
    """Tell whether any of the places *behind*, past a counted one, could lend words to *place*."""
    counted = False
    for other, name in behind:
        lends = other.field.is_open() or (listed and other.field.kind in _LISTS)
        if counted and lends and other.region.reaches(place.region):
            return True
        counted = counted or name not in _OWN
    return False


def _ending(parts: list[Part]) -> tuple[bytes, Field | None]:
    """Return the first literal of *parts*, and the field right behind it."""
    for place, part in enumerate(parts):
        if isinstance(part, bytes):
            after = parts[place + 1] if place + 1 < len(parts) else None
            return part, after if isinstance(after, Field) else None
    return b"\n", None


def _rivals(
    region: _Region, before: list[tuple[_Place, str]], *, counted: bool
) -> frozenset[bytes]:
    """
    Return what ends those fields that have a counted one between them and a place.

    Args:
        region: Where that place is.

        before: The places before it, and the names they are taken by.

        counted: Whether what stands at that place is a counted one itself.
    """
    ends = set()
    for other, name in reversed(before):
        if counted and other.is_loose() and other.region.reaches(region):
            ends.add(other.end)
        counted = counted or name not in _OWN
    return frozenset(ends)


def _again(parts: list[Part], end: bytes) -> int:
    """Return how often *end* stands in the rest of a word, 0 if a field could hold it, too."""
    count = 0
    for part in parts:
        if isinstance(part, Field):
            if part.kind not in _NUMERIC:
                return 0
            continue
        word = part.partition(b" ")[0]
        count += word.count(end)
        if word != part:
            break
    return count


def _sample(field: Field) -> bytes:
    return field.sample or _SAMPLES.get(field.kind, b"x1")


def _written(place: _Place, name: str) -> tuple[bytes, dict[str, bytes]]:
    """Return the pattern of a field, and what its groups hold of the sample."""
    field = place.field
    groups = {name: _sample(field)} if name else {}
    if field.kind == "request" and name:
        source, groups = _request(place), {"method": b"GET", "version": b"HTTP/1.1"}
    elif field.kind == "url" and name:
        source, groups = b"(error:|)" + _text(place), {name: b""}
    elif name == "method":
        rest = _text(place._replace(empty=True))
        source = b"(%b{0,%d}+)%b" % (_except(place.taboo()), METHOD_LENGTH, rest)
    elif name == "version":
        source = _text(place) + _ENDING
    else:
        opened = b"(" if name else b"(?:"
        source = opened + _pattern(place) + (b"|-)" if field.optional else b")")
    if field.pad == "front":
        source = b" *+" + source
    elif field.pad:
        # The last blank may be what parts the field from the next.
        source += b"(?: (?= ))*+" if place.end.startswith(b" ") else b" *+"
    return source, groups


def _pattern(place: _Place) -> bytes:
    field = place.field
    if field.kind in _LISTS:
        return _list(place)
    if field.kind == "user":
        return _user(place)
    if field.kind == "shell" and not place.region.context:
        return rb"\"%b\"|(?!\")%b" % (QUOTED, _text(place))
    return field.pattern or _FIXED.get(field.kind) or _text(place)


#: The last eight characters, none where the line has less before.
_ENDING = rb"(?:(?<=([^\n]{8}))|)"


def _request(place: _Place) -> bytes:
    """Return the pattern of a request line, with groups for the method and its last characters."""
    method = b"(%b{0,%d}+)" % (_except({*place.taboo(), ord(" ")}), METHOD_LENGTH)
    text = _text(place)
    alone = not place.followed and not any(each.startswith(b" ") for each in place.rivals)
    if place.end.startswith(b" ") and alone:
        # Three words, or fewer where it is none. How many the line has tells which.
        return method + text + b"(?: %b(?: %b)?)?" % (text, text) + _ENDING
    return method + text + _ENDING


def _user(place: _Place) -> bytes:
    """Return the pattern of a user's name, which may have blanks where a time ends it."""
    after = place.after
    if place.region.context or place.rivals or not place.end.startswith(b" ") or not after:
        return _text(place)
    if after.kind != "time" or after.optional:
        return _text(place)
    # Apache writes "" for an empty one.
    behind = re.escape(place.end[1:]) + (after.pattern or _FIXED["time"])
    return rb"\"\"|(?:[^ \"\\\n]++|\\.| (?!%b))++" % behind


def _list(place: _Place) -> bytes:
    """Return the pattern of values that commas and colons part, each before a blank."""
    if place.field.is_open() and (place.followed or ord(" ") not in place.taboo()):
        return _text(place)
    if place.field.kind == "numbers":
        value = rb"(?:[0-9.]++|-)?+"
    else:
        value = rb"(?:%b|(?:unix:)?+%b)" % (_ADDRESS, _text(place, b" ,"))
    return value if place.single else rb"%b(?:%b %b)*+" % (value, _COMMA, value)


def _text(place: _Place, more: bytes = b"") -> bytes:
    """Return the pattern of a text without any character that the field cannot hold."""
    one = _except(place.taboo(), more)
    if place.escaped and place.field.is_open():
        return rb"%b*+(?:\\.%b*+)*+" % (one, one)
    if place.again and not place.field.is_open():
        # The address that a port follows may have colons of its own.
        end = re.escape(place.end[:1])
        return rb"%b*+(?:%b(?=(?:%b*+%b){%d})%b*+)*+" % (one, end, one, end, place.again, one)
    return one + (b"*+" if place.empty else b"++")


def _except(characters: Iterable[int], more: bytes = b"") -> bytes:
    r"""
    Return the set of all characters but some.

    >>> _except(b" "), _except(b"| ")
    (b'[^ \\n]', b'[^\\n \\|]')
    """
    taboo = {*characters, *more, *b"\n"}
    if taboo == {*b" \n"}:
        return rb"[^ \n]"
    # Nothing that `quick` would take for what stands in quotes or brackets.
    others = (re.escape(bytes([each])) for each in sorted(taboo - {*b" \n"}))
    return rb"[^\n%b%b]" % (b" " * (ord(" ") in taboo), b"".join(others))

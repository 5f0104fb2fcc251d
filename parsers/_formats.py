r"""
Turn the format strings of Squid, Apache and nginx into layouts.

The people who configured a log have its exact definition at hand: Squid's
``logformat``, Apache's ``LogFormat``, nginx's ``log_format``. Each becomes one regular
expression for a whole line, which reads a line from its start in linear time:

>>> layout = apache_layout(r'%h \"%r\" %>s')
>>> layout.scan(b'::1 "GET / HTTP/1.1" 200\n')[0]["status"]
[b'200']

Who writes into a field decides how it may end. Inside of quotes, a backslash
escapes what follows it: all three servers escape quotes there. Inside of
brackets, text ends at the bracket: Squid escapes it. Elsewhere a field is one
word, and a line in which such a field holds a blank does not match at all,
which is counted and seen, where a guess could be forged.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from logster.errors import ConfigurationError
from logster.parsers._access import Layout


#: What stands inside of quotes.
QUOTED = rb"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+"

_NUMBER = rb"-?[0-9]{1,15}+|-"
_DECIMAL = rb"[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+|-"
_STATUS = rb"[0-9]{1,3}+|-"
_TIME = rb"[0-9]++/[A-Za-z0-9]++/[0-9:]++ [-+][0-9]++"


class Field(NamedTuple):
    """
    A part of a line that changes.

    Attributes:
        name: What parsers know it as; empty if they do not.

        kind: How it is written: ``word`` (quoted where quotes stand around it),
            ``number``, ``decimal``, ``status``, ``time``, ``request``, ``url``, ``user``, ``list``.

        words: How many words a time of a user's own making has.
    """

    name: str = ""
    kind: str = "word"
    words: int = 1


Part = bytes | Field


def squid_layout(text: str) -> Layout:
    """
    Return the layout of a ``logformat``, with or without that word and its name.

    Raises:
        ConfigurationError: If Squid does not know a code in it.
    """
    text = re.sub(r"\A\s*logformat\s+\S+\s+", "", text).strip()
    # Where it could not read a request, Squid writes NONE/0.0.
    text = text.replace("HTTP/%rv", "%rv").replace("HTTP/%>rv", "%>rv")
    return _layout(text, _squid_parts(text))


def apache_layout(text: str) -> Layout:
    r"""
    Return the layout of a ``LogFormat``, with or without that word, its quotes and its name.

    Raises:
        ConfigurationError: If Apache does not know a directive in it.
    """
    directive = re.match(r'\s*LogFormat\s+"((?:[^"\\]|\\.)*)"', text)
    text = directive[1] if directive else text.strip()
    text = text.replace('\\"', '"').replace("\\t", "\t").replace("\\\\", "\\")
    return _layout(text, _apache_parts(text))


def nginx_layout(text: str) -> Layout:
    """
    Return the layout of a ``log_format``, with or without that word, its name and its quotes.

    Raises:
        ConfigurationError: If it says ``escape=none``.
    """
    directive = re.match(r"\s*log_format\s+\S+\s+(?:escape=(\w+)\s+)?(.*?);?\s*\Z", text, re.DOTALL)
    if directive:
        if directive[1] == "none":
            raise ConfigurationError(
                f"The format {text!r} says escape=none: every client could forge its lines. "
                "Nothing was read or sent."
            )
        text = _unquoted(directive[2])
    return _layout(text, _nginx_parts(text))


def _unquoted(text: str) -> str:
    r"""
    Return *text* without the quotes of nginx, which joins strings; as it is if it has none.

    >>> _unquoted("'$request' ' $status'"), _unquoted("$request $status")
    ('$request $status', '$request $status')
    >>> _unquoted(r'"\"$request\" $status"'), _unquoted('"$request" $status')
    ('"$request" $status', '"$request" $status')
    """
    string = r"""'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)\""""
    if not re.fullmatch(rf"(?:{string}|\s)++", text, re.DOTALL):
        return re.sub(r"\s*\n\s*", " ", text)
    parts = (single or double for single, double in re.findall(string, text, re.DOTALL))
    return re.sub(r"""\\(["'\\])""", r"\1", "".join(parts))


#: Squid's format codes that mean something here; all others are words.
_SQUID = {
    ">a": Field("client"),
    ">A": Field("client"),
    "ts": Field(kind="number"),
    "tu": Field(kind="number"),
    "tr": Field("elapsed", "number"),
    "tl": Field(kind="time"),
    "tg": Field(kind="time"),
    "Ss": Field("code"),
    ">Hs": Field("status", "status"),
    "Hs": Field("status", "status"),
    "<st": Field("size", "number"),
    "rm": Field("method"),
    ">rm": Field("method"),
    "ru": Field("error", "url"),
    ">ru": Field("error", "url"),
    "un": Field("user", "user"),
    "Sh": Field("hierarchy"),
    "mt": Field("type"),
    "bump_mode": Field("bump"),
}
_SQUID_CODE = (
    r"%(?:(?P<percent>%)|[\"'\[#/]?-?[0-9]*(?:\.[0-9]+)?(?P<before>\{[^}]*\})?"
    r"(?:http::|icap::|adapt::|tls::|ssl::)?"
    r"(?P<code>(?:[<>]?(?:err_code|err_detail|note|credentials|bump_mode|cert_\w+|negotiated_\w+"
    r"|received_\w+|supported_\w+|sni|eui|qos|nfmark|handshake|last_h|all_trs|sum_trs|master_xaction"
    r"|request_attempts|transport|service_name|la|lp|ha|Hs|st|sh|sH|sS|bs|pt|tt|rm|ru|rs|rd|rP|rp|rv"
    r"|ts|tu|tl|tg|tS|tr|dt|un|ul|ui|ue|us|Ss|Sh|mt|oa|et|ea|sn|rG|to|tio|a|p|A|h|v))))"
    r"(?P<after>\{[^}]*\})?"
)


def _pieces(text: str, code: str, system: str) -> Iterator[bytes | re.Match[str]]:
    """Yield what stands between the codes of *text* as it is, and each code as a match."""
    pattern = re.compile(code)
    place = 0
    while place < len(text):
        if text[place] != "%":
            end = text.find("%", place)
            end = len(text) if end < 0 else end
            yield text[place:end].encode()
            place = end
            continue
        found = pattern.match(text, place)
        if not found:
            raise _unknown(system, text, place)
        yield found
        place = found.end()


def _squid_parts(text: str) -> Iterator[Part]:
    for found in _pieces(text, _SQUID_CODE, "Squid"):
        if isinstance(found, bytes):
            yield found
        elif found["percent"]:
            yield b"%"
        else:
            argument = found["before"] or found["after"] or ""
            yield _timed(_SQUID.get(found["code"], Field()), argument.strip("{}"))


_APACHE = {
    "h": Field("client"),
    "a": Field("client"),
    "u": Field("user", "user"),
    "t": Field(kind="time"),
    "r": Field("request", "request"),
    "m": Field("method"),
    "H": Field("version"),
    "s": Field("status", "status"),
    "b": Field("size", "number"),
    "B": Field("size", "number"),
    "O": Field("size_all", "number"),
    "D": Field("duration_us", "number"),
    "T": Field("duration_s", "decimal"),
    "v": Field(),
    "V": Field(),
}
_APACHE_CODE = (
    r"%(?:!?[0-9,]+)?(?P<which>[<>])?(?:\{(?P<argument>[^}]*)\})?(?P<code>\^..|[a-zA-Z%])"
)


def _apache_parts(text: str) -> Iterator[Part]:
    for found in _pieces(text, _APACHE_CODE, "Apache"):
        if isinstance(found, bytes):
            yield found
        elif found["code"] not in _APACHE_KNOWN:
            raise _unknown("Apache", text, found.start())
        else:
            yield from _apache_fields(found["code"], found["argument"] or "")


def _apache_fields(code: str, argument: str) -> Iterator[Part]:
    if code == "%":
        yield b"%"
    elif code == "t" and not argument:
        yield b"["
        yield Field(kind="time")
        yield b"]"
    elif code == "T" and argument in {"ms", "us"}:
        yield Field(f"duration_{argument}", "number")
    elif code in "haC" and argument == "c":
        yield Field()
    else:
        yield _timed(_APACHE.get(code, Field()), argument)


_APACHE_KNOWN = frozenset([*"%aABbCDefhHikIlLmnopPqrRsStTuUvVXO", "^FB", "^ti", "^to"])

_NGINX = {
    "remote_addr": Field("client"),
    "remote_user": Field("user", "user"),
    "time_local": Field(kind="time"),
    "request": Field("request", "request"),
    "request_method": Field("method"),
    "server_protocol": Field("version"),
    "status": Field("status", "status"),
    "body_bytes_sent": Field("size", "number"),
    "bytes_sent": Field("size_all", "number"),
    "request_time": Field("duration_s", "decimal"),
}


def _nginx_parts(text: str) -> Iterator[Part]:
    place = 0
    for found in re.finditer(r"\$(?:\{(\w+)\}|(\w+))", text):
        if found.start() > place:
            yield text[place : found.start()].encode()
        place = found.end()
        name = found[1] or found[2]
        listed = name.startswith(("upstream_", "proxy_add_"))
        yield _NGINX.get(name, Field(kind="list" if listed else "word"))
    if place < len(text):
        yield text[place:].encode()


def _timed(field: Field, argument: str) -> Field:
    """Return *field*; a time with a format of its own has as many words as that."""
    if field.kind == "time" and argument:
        return Field(kind="words", words=argument.count(" ") + 1)
    return field


def _unknown(server: str, text: str, place: int) -> ConfigurationError:
    return ConfigurationError(
        f"The format {text!r} cannot be used: {server} knows no {text[place : place + 12]!r}. "
        "Nothing was read or sent."
    )


def _layout(text: str, parts: Iterable[Part]) -> Layout:
    parts = _joined(parts)
    if not any(isinstance(part, Field) for part in parts):
        raise ConfigurationError(f"The format {text!r} has no field. Nothing was read or sent.")
    wanted = {part.name for part in parts if isinstance(part, Field)}
    names: list[str] = []
    source = b""
    quote = b""
    for place, part in enumerate(parts):
        if isinstance(part, bytes):
            source += re.escape(part)
            quote = _context(quote, part)
            continue
        after = parts[place + 1] if place + 1 < len(parts) else b"\n"
        before = parts[place - 1] if place else b""
        pattern = _pattern(part, quote, after, isinstance(before, Field))
        name = "size" if part.name == "size_all" and "size" not in wanted else part.name
        if part.kind == "request" and not {"method", "version"} & {*names}:
            names += ["method", "version"]
            source += _request(quote)
        elif name and name not in {"size_all", "request", *names}:
            names.append(name)
            source += b"(error:|)%b" % pattern if part.kind == "url" else b"(%b)" % pattern
        else:
            source += b"(?:%b)" % pattern
    return Layout(tuple(names), source)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Return *parts* with neighbouring literals made one."""
    joined: list[Part] = []
    for part in parts:
        if joined and isinstance(part, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _context(quote: bytes, literal: bytes) -> bytes:
    """Return what stands around the text behind *literal*: a quote, a bracket or nothing."""
    opens = {b"": rb'["\[]', b'"': rb'"', b"[": rb"\]"}
    for found in re.finditer(rb'["\[\]]', literal):
        if re.match(opens[quote], found[0]):
            quote = b"" if quote else found[0]
    return quote


def _pattern(field: Field, quote: bytes, after: Part, glued: bool) -> bytes:
    """
    Return the pattern of *field*.

    Args:
        field: The field.

        quote: What stands around it.

        after: What follows.

        glued: Whether another field stands right before, so that this one can be empty.
    """
    following = after[:1] if isinstance(after, bytes) else b" "
    ends = re.escape(following.strip())
    if field.kind in _FIXED:
        return _FIXED[field.kind]
    if quote == b"[":
        pattern = rb"[^\]\n]*+"
    elif quote and following == b'"':
        pattern = QUOTED
    elif quote:
        pattern = rb"(?:[^ %b\"\\\n]|\\.)*+" % ends
    elif field.kind == "words":
        pattern = b" ".join([rb"[^ \n]++"] * field.words)
    elif field.kind == "user" and isinstance(after, bytes) and after.startswith(b" ["):
        # A name may have blanks. The time behind it ends it. Apache writes "" for an empty one.
        pattern = rb"\"\"|(?:(?! \[[0-9]++/[A-Z])(?:[^\"\\\n]|\\.))++"
    else:
        pattern = rb"[^ %b\n]%b" % (ends, b"*+" if glued else b"++")
    return pattern


#: A number may have blanks in front where a width is given.
_FIXED = {
    "number": rb" *+-?[0-9]{1,15}+|-",
    "decimal": _DECIMAL,
    "list": rb"[^ ,\n]++(?:(?:,| :) [^ ,\n]++)*+",
    "status": _STATUS,
    "time": _TIME,
}


def _request(quote: bytes) -> bytes:
    """Return the pattern of a request line, with groups for the method and its last characters."""
    if quote == b'"':
        return rb"([^ \"\\\n]*+)" + QUOTED + rb"(?<=([^\n]{8}))"
    return rb"([^ \n]++) [^ \n]++ ([^ \n]++)"

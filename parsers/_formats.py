r"""
Turn the format strings of Squid, Apache and nginx into layouts.

The people who configured a log have its exact definition at hand: Squid's
``logformat``, Apache's ``LogFormat``, nginx's ``log_format``. Each becomes one regular
expression for a whole line, which reads a line from its start in linear time:

>>> layout = apache_layout(r'%h \"%r\" %>s')
>>> layout.scan(b'::1 "GET / HTTP/1.1" 200\n')[0]["status"]
[b'200']
"""

import re
from collections.abc import Iterator

from logster.errors import ConfigurationError
from logster.parsers._access import Layout
from logster.parsers._fields import Field, Part, layout_of, strftime_field


def squid_layout(text: str) -> Layout:
    """
    Return the layout of a ``logformat``, with or without that word and its name.

    Raises:
        ConfigurationError: If Squid does not know a code in it.
    """
    text = re.sub(r"\A\s*logformat\s+\S+\s+", "", text).strip()
    # Where it could not read a request, Squid writes NONE/0.0.
    text = text.replace("HTTP/%rv", "%rv").replace("HTTP/%>rv", "%>rv")
    if re.search(r"[\"\[]%'", text):
        raise ConfigurationError(
            f"The format {text!r} says %' inside of quotes or brackets: every client could forge "
            "its lines. Nothing was read or sent."
        )
    return layout_of(text, _squid_parts(text), escaped=False)


#: What Apache and nginx write for some letters behind a backslash.
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def apache_layout(text: str) -> Layout:
    r"""
    Return the layout of a ``LogFormat``, with or without that word, its quotes and its name.

    Raises:
        ConfigurationError: If Apache does not know a directive in it.
    """
    directive = re.match(r'\s*LogFormat\s+"((?:[^"\\]|\\.)*)"', text)
    text = directive[1] if directive else text.strip()
    text = _unescaped(text, '"')
    return layout_of(text, _apache_parts(text))


def _unescaped(text: str, quotes: str) -> str:
    """Return *text* as a server reads it that lets a backslash escape *quotes* and itself."""
    return re.sub(rf"\\([{quotes}\\nrt])", lambda found: _ESCAPES.get(found[1], found[1]), text)


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
    text = _unescaped(text, "\"'")
    return layout_of(text, _nginx_parts(text))


def _unquoted(text: str) -> str:
    r"""
    Return *text* without the quotes of nginx, which joins strings; as it is if it has none.

    >>> _unquoted("'$request' ' $status'"), _unquoted("$request $status")
    ('$request $status', '$request $status')
    >>> _unquoted(r'"\"$request\" $status"'), _unquoted('"$request" $status')
    ('\\"$request\\" $status', '"$request" $status')
    """
    string = r"""'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)\""""
    if not re.fullmatch(rf"(?:{string}|\s)++", text, re.DOTALL):
        return re.sub(r"\s*\n\s*", " ", text)
    parts = (single or double for single, double in re.findall(string, text, re.DOTALL))
    return "".join(parts)


_ADDRESS = Field(kind="name", sample=b"192.0.2.1")
_CLIENT = _ADDRESS._replace(name="client")
_NUMBER = Field(kind="number")
_STATUS = Field("status", "status")
_WORD = rb"[A-Z_0-9]++|-"

#: Squid's format codes that mean something here or hold what no stranger writes; all
#: others are words.
_SQUID = {
    **dict.fromkeys((">a", ">A"), _CLIENT),
    **dict.fromkeys(("<a", "la", ">la", "<la", "oa", ">eui", "tS", "sn"), _ADDRESS),
    **dict.fromkeys((">p", "<p", "lp", ">lp", "<lp", "tu", "dt", "busy_time"), _NUMBER),
    **dict.fromkeys(("st", ">st", ">sh", "<sh", "<sH", "<sS", "<bs", "<pt", "<tt"), _NUMBER),
    "ts": Field(kind="pattern", pattern=rb"[0-9]{10}", sample=b"1795241834"),
    "tr": Field("elapsed", "number"),
    "tl": Field(kind="time"),
    "tg": Field(kind="time"),
    "Ss": Field("code", "pattern", _WORD, b"TCP_MISS"),
    ">Hs": _STATUS,
    "Hs": _STATUS,
    "<st": Field("size", "number"),
    "rm": Field("method"),
    ">rm": Field("method"),
    "ru": Field("error", "url", sample=b"http://x1/"),
    ">ru": Field("error", "url", sample=b"http://x1/"),
    "un": Field("user", "user"),
    "Sh": Field("hierarchy", "pattern", _WORD, b"HIER_NONE"),
    "mt": Field("type", sample=b"text/html"),
    "bump_mode": Field("bump", "name"),
}
#: As Squid does, the longest code that fits is taken.
_SQUID_CODE = (
    r"%(?:(?P<percent>%)|(?P<encoding>[\"'\[#/])?(?P<left>-)?(?P<width>[0-9]*)(?:\.[0-9]+)?"
    r"(?P<before>\{[^}]*\})?(?:http::|icap::|adapt::|tls::|ssl::)?"
    r"(?P<code>proxy_protocol::>h|transport::>connection_id"
    r"|[<>](?:cert(?:_subject|_issuer|_errors)?|negotiated_version|negotiated_cipher"
    r"|received_hello_version|received_supported_version|sni|eui|qos|nfmark|handshake|last_h"
    r"|service_name)"
    r"|[<>]?(?:err_code|err_detail|note|credentials|bump_mode|all_trs|sum_trs|master_xaction"
    r"|request_attempts|busy_time|byte|la|lp|Hs|st|sh|sH|sS|bs|pt|tt|rm|ru|rs|rd|rP|rp|rv"
    r"|ts|tu|tl|tg|tS|tr|dt|un|ul|ui|ue|us|Ss|Sh|mt|oa|et|ea|sn|rG|tio|to)"
    r"|[<>](?:[aAp]|ha?)))"
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
        elif found["code"] == "byte":
            yield _byte(text, found)
        else:
            yield _squid_field(found)


def _byte(text: str, found: re.Match[str]) -> bytes:
    """Return the character that Squid is told to write by its number."""
    number = _argument(found)
    if not (number.isascii() and number.isdigit() and int(number) < 256):
        raise _unknown("Squid", text, found.start())
    return bytes([int(number)])


def _argument(found: re.Match[str]) -> str:
    return (found["before"] or found["after"] or "").strip("{}")


def _squid_field(found: re.Match[str]) -> Field:
    argument = _argument(found)
    field = _SQUID.get(found["code"], Field())
    if field.kind == "time" and argument:
        field = strftime_field(argument)
    elif found["code"] == ">h" and _is_list(argument):
        field = Field(kind="list")
    elif found["encoding"] == "/" and field.kind == "word":
        field = field._replace(kind="shell")
    if found["width"]:
        field = field._replace(pad="behind" if found["left"] else "front")
    return field


def _is_list(header: str) -> bool:
    """Tell whether a header holds addresses, with blanks between them."""
    return header.lower() == "x-forwarded-for"


_APACHE = {
    **dict.fromkeys("ha", _CLIENT),
    **dict.fromkeys("AvXLPR", Field(kind="name")),
    **dict.fromkeys(("p", "k", "I", "S", "^FB"), _NUMBER),
    "u": Field("user", "user"),
    "t": Field(kind="time"),
    "r": Field("request", "request"),
    "m": Field("method"),
    "U": Field(sample=b"/x1"),
    "H": Field("version", sample=b"HTTP/1.1"),
    "s": _STATUS,
    "b": Field("size", "number"),
    "B": Field("size", "number"),
    "O": Field("size", "number", second=True),
    "D": Field("duration_us", "number"),
    "T": Field("duration_s", "decimal"),
}
#: Modifiers stand in any order, the last of a kind counts.
_APACHE_CODE = r"%(?P<modifiers>(?:[!<>,0-9]|\{[^}]*\})*+)(?P<code>\^..|[a-zA-Z%])"

#: Times of Apache that `strftime` does not know, each with how many digits it has.
_APACHE_TIMES = {"sec": 10, "msec": 13, "usec": 16, "msec_frac": 3, "usec_frac": 6}


def _apache_parts(text: str) -> Iterator[Part]:
    for found in _pieces(text, _APACHE_CODE, "Apache"):
        if isinstance(found, bytes):
            yield found
        elif found["code"] not in _APACHE_KNOWN:
            raise _unknown("Apache", text, found.start())
        elif found["code"] == "%":
            yield b"%"
        else:
            arguments = re.findall(r"\{([^}]*)\}", found["modifiers"])
            modifiers = re.sub(r"\{[^}]*\}", "", found["modifiers"])
            yield from _apache_fields(found["code"], (arguments or [""])[-1], modifiers)


def _apache_fields(code: str, argument: str, modifiers: str) -> Iterator[Part]:
    """Yield the parts for one directive of Apache."""
    # With a condition, Apache writes a dash for all other statuses.
    optional = bool(re.search(r"[!0-9]", modifiers))
    if code == "t":
        argument = re.sub(r"\A(?:begin|end):?", "", argument)
        field = _apache_time(argument)
        if optional:
            yield field._replace(optional=True)
        elif argument:
            yield field
        else:
            yield from (b"[", Field(kind="time"), b"]")
        return
    field = _APACHE.get(code, Field())
    if code == "T" and argument in {"ms", "us"}:
        field = Field(f"duration_{argument}", "number")
    elif code in "ha" and argument == "c":
        field = _ADDRESS
    elif code == "i" and _is_list(argument):
        field = Field(kind="list")
    which = re.sub(r"[^<>]", "", modifiers)[-1:]
    # Of a request that Apache redirected within itself, the final one counts.
    second = field.second or which == "<" or (code == "s" and which != ">")
    yield field._replace(optional=optional, second=second)


def _apache_time(argument: str) -> Field:
    if argument in _APACHE_TIMES:
        digits = _APACHE_TIMES[argument]
        return Field(kind="time", pattern=b"[0-9]{%d}" % digits, sample=b"1" * digits)
    return strftime_field(argument or "[%d/%b/%Y:%T %z]")


_APACHE_KNOWN = frozenset([*"%aAbBcCDefhHikIlLmnopPqrRsStTuUvVxXO", "^FB", "^ti", "^to"])

_NGINX = {
    **dict.fromkeys(("server_addr", "realip_remote_addr", "proxy_protocol_addr"), _ADDRESS),
    **dict.fromkeys(
        ("server_name", "hostname", "time_iso8601", "msec", "request_id", "scheme", "pipe"),
        Field(kind="name"),
    ),
    **dict.fromkeys(
        (
            *("remote_port", "server_port", "realip_remote_port", "pid"),
            *("connection", "connection_requests", "request_length"),
        ),
        _NUMBER,
    ),
    "remote_addr": _CLIENT,
    "remote_user": Field("user", "user"),
    "time_local": Field(kind="time"),
    "request": Field("request", "request"),
    "request_method": Field("method"),
    "request_uri": Field(sample=b"/x1"),
    "uri": Field(sample=b"/x1"),
    "server_protocol": Field("version", sample=b"HTTP/1.1"),
    "status": _STATUS,
    "body_bytes_sent": Field("size", "number"),
    "bytes_sent": Field("size", "number", second=True),
    "request_time": Field("duration_s", "decimal"),
}


def _nginx_parts(text: str) -> Iterator[Part]:
    place = 0
    for found in re.finditer(r"\$(?:\{(\w+)\}|(\w+))", text):
        yield text[place : found.start()].encode()
        place = found.end()
        name = found[1] or found[2]
        yield _NGINX.get(name) or _nginx_field(name)
    yield text[place:].encode()


def _nginx_field(name: str) -> Field:
    """
    Return the field of a variable; nginx writes several values where it asked several servers.

    >>> [_nginx_field(f"upstream_{name}").kind for name in ("addr", "connect_time", "http_x")]
    ['names', 'numbers', 'word']
    """
    if name == "upstream_cache_status":
        return Field(kind="pattern", pattern=rb"[A-Z]*+|-", sample=b"HIT")
    if name in {"proxy_add_x_forwarded_for", "http_x_forwarded_for"}:
        return Field(kind="list")
    if not name.startswith("upstream_") or re.match("upstream_(?:http|cookie|trailer)_", name):
        return Field()
    if re.fullmatch(r"upstream_(?:\w+_time|status|\w*length|bytes_\w+)", name):
        return Field(kind="numbers")
    return Field(kind="names")


def _unknown(server: str, text: str, place: int) -> ConfigurationError:
    return ConfigurationError(
        f"The format {text!r} cannot be used: {server} knows no {text[place : place + 12]!r}. "
        "Nothing was read or sent."
    )

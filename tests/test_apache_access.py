"""Access logs of web servers: what counts, what cannot be forged, and that totals are the truth."""

import gzip
import json
import re
import shlex
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import ROOT, by_line, count_lines, fed, figures, fixtures, metrics
from receivers import need

from logster.errors import ConfigurationError, SkipLine
from logster.parser import Tally
from logster.parsers._access import Layout
from logster.parsers._formats import apache_layout, nginx_layout, squid_layout
from logster.parsers.apache_access import ApacheAccessParser, SampleLogster


CASES = fixtures("apache_access", "SampleLogster")
CLASSES = {"apache_access": ApacheAccessParser, "SampleLogster": SampleLogster}
LOGS = ("apache-combined", "nginx-combined")

APACHE = (
    (r"LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\"\" c")
    .replace(r"\"", '"')
    .replace("\\\\", "\\")
)
NGINX = """
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" "$http_user_agent"';
"""
NGINX_COMMON = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'


def line(**fields: str) -> str:
    """Return a line in the combined format, as a server writes it for some *fields*."""
    usual = {
        "host": "192.0.2.1", "user": "-", "request": "GET / HTTP/1.1", "status": "404",
        "size": "7", "referer": "-", "agent": "-",
    }  # fmt: skip
    return (
        '{host} - {user} [21/Nov/2026:06:22:30 +0000] "{request}" {status} {size}'
        ' "{referer}" "{agent}"\n'
    ).format(**(usual | fields))


def apache(text: str) -> str:
    """Return *text* as Apache escapes what a client sent."""
    special = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    escaped = "".join(special.get(each, each) for each in text)
    return re.sub(r"[^ -~]", lambda found: f"\\x{ord(found[0]) & 255:02x}", escaped)


def nginx(text: str) -> str:
    """Return *text* as nginx escapes what a client sent."""
    return re.sub(r'[^ -~]|["\\]', lambda found: f"\\x{ord(found[0]) & 255:02X}", text)


def whole(name: str) -> bytes:
    """Return a whole real log."""
    return gzip.decompress(Path(ROOT, "fixtures", "whole", f"{name}.log.gz").read_bytes())


def made(options: str) -> ApacheAccessParser:
    """Return a parser with *options*."""
    return ApacheAccessParser(option_string=options)


class Dialect(NamedTuple):
    """
    How a server writes lines.

    Attributes:
        layout: What reads its formats.

        fields: Those of strangers.

        own: Its own, each with its name and text.

        escape: What it makes of a stranger's text, given what stands around it.
    """

    layout: Callable[[str], Layout]
    fields: tuple[str, ...]
    own: dict[str, tuple[str, str]]
    escape: Callable[[str, str], str]


def squid(text: str, around: str) -> str:
    """Return *text* as Squid writes it inside of quotes, brackets or neither."""
    if around == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    if around == "[":
        return re.sub(r"[%\[\]\\]", lambda found: f"%{ord(found[0]):02x}", text)
    return text or "-"


DIALECTS = {
    "apache": Dialect(
        apache_layout,
        ("%{A}i", "%U", "%u", "%r", "%l", "%{X-Forwarded-For}i", "%m", "%404{C}i"),
        {
            "%>s": ("status", "404"),
            "%b": ("size", "5"),
            "%D": ("duration_us", "7"),
            "%h": ("client", "192.0.2.1"),
            "%t": ("", "[21/Nov/2026:06:22:30 +0000]"),
            "%{%H:%M}t": ("", "06:22"),
        },
        lambda text, around: apache(text),
    ),
    "nginx": Dialect(
        nginx_layout,
        ("$http_a", "$uri", "$remote_user", "$request", "$http_x_forwarded_for"),
        {
            "$status": ("status", "404"),
            "$body_bytes_sent": ("size", "5"),
            "$request_time": ("duration_s", "0.007"),
            "$upstream_addr": ("", "10.0.0.1:80, [::1]:80 : unix:/run/x"),
            "$upstream_status": ("", "502, 404"),
            "$remote_addr": ("client", "192.0.2.1"),
            "$time_local": ("", "21/Nov/2026:06:22:30 +0000"),
        },
        lambda text, around: nginx(text),
    ),
    "squid": Dialect(
        squid_layout,
        ("%{A}>h", "%un", "%ru", "%rm", "%mt", "%{X-Forwarded-For}>h"),
        {
            "%>Hs": ("status", "404"),
            "%<st": ("size", "5"),
            "%6tr": ("elapsed", "     7"),
            "%Ss": ("code", "TCP_MISS"),
            "%-15>a": ("client", "192.0.2.1      "),
            "%tl": ("", "21/Nov/2026:06:22:30 +0000"),
        },
        squid,
    ),
}
PIECES = (*' |,:\t[]"\\/-', "200", "5", "x", "GET / HTTP/1.1", " : ", ", ", "")


def forgery(dialect: Dialect, random: Random) -> tuple[str, str, dict[str, str]]:
    """Return a format, a line in which strangers imitate parts of it, and what it truly tells."""
    gaps = random.choice([" ", "|", ",", "\t", (" ", ":"), (" ", ", "), (" : ", " "), (" ", "/")])
    status = next(iter(dialect.own))
    names = [status, *random.choices((*dialect.own, *dialect.fields * 2), k=random.randint(2, 6))]
    random.shuffle(names)
    parts: list[tuple[str, str]] = []  # literals, and fields with what stands around them
    for name in names:
        around = random.choice(["", "", "", '"', "["]) if name != "%t" else ""
        gap = random.choice(gaps) if parts else ""
        if (
            parts
            and parts[-1][0] in {'"', "]"}
            and parts[-2][1] == around
            and random.random() < 0.3
        ):
            parts[-1] = (random.choice(" |,:"), "")
            parts += [(name, around), ('"' if around == '"' else "]", "")]
        elif around:
            parts += [(gap + around, ""), (name, around), ('"' if around == '"' else "]", "")]
        else:
            parts += [(gap, ""), (name, "")]

    def rendered(start: int, end: int) -> str:
        return "".join(
            "200"
            if name == status
            else dialect.own.get(name, ("", random.choice(PIECES)))[1]
            if name in names
            else name
            for name, _ in parts[start:end]
        )

    written = ""
    for place, (name, around) in enumerate(parts):
        if name in dialect.fields:
            begin, end = sorted((place + random.choice([0, 1]), random.randint(0, len(parts))))
            text = random.choice(PIECES) + rendered(begin, end) + random.choice(PIECES)
            written += dialect.escape(random.choice([text, "v"]), around)
        else:
            written += dialect.own[name][1] if name in dialect.own else name
    truth = {name: text.strip() for name, text in dialect.own.values() if name}
    return "".join(name for name, _ in parts), written, truth


class TestSampleLogster:
    def test_attributes(self) -> None:
        """The attributes that tests of 1.x read are up to date after each line."""
        parser = SampleLogster()
        for status in ("200", "201", "400"):
            parser.parse_line(line(status=status))

        assert (0, 2, 0, 1, 0) == (
            parser.http_1xx, parser.http_2xx, parser.http_3xx, parser.http_4xx, parser.http_5xx,
        )  # fmt: skip

    def test_names_and_units(self) -> None:
        """Names, units and rates are those of 1.x."""
        parser = fed(SampleLogster(), line() * 30)

        assert [
            (f"http_{n}xx", 0.5 if n == 4 else 0, "Responses per sec") for n in range(1, 6)
        ] == [(metric.name, metric.value, metric.units) for metric in parser.get_state(60)]

    @pytest.mark.parametrize("version", ["1.0", "1.1", "2.0", "3.0", "2"])
    def test_versions(self, version: str) -> None:
        """Requests of every version of HTTP count; 1.x knew only HTTP/1."""
        assert 1 == fed(SampleLogster(), line(request=f"GET / HTTP/{version}")).http_4xx

    @pytest.mark.parametrize(
        "front", ["www.example:80 192.0.2.1 - -", "192.0.2.1, 192.0.2.2 - -", "a b c d e"]
    )
    def test_other_fronts(self, front: str) -> None:
        """Whatever stands in front of the request, its status counts, as in 1.x."""
        text = f'{front} [21/Nov/2026:06:22:30 +0000] "GET / HTTP/1.1" 200 7\n'

        assert 1 == fed(SampleLogster(), text).http_2xx

    def test_not_a_line(self) -> None:
        """A line of something else is skipped."""
        with pytest.raises(SkipLine):
            SampleLogster().parse_line("invalid log entry")


class TestApacheAccessParser:
    def test_escapes(self) -> None:
        """Escaped quotes and backslashes end no field."""
        agent = 'a "b" \\'
        lines = line(agent=apache(agent)) + line(agent=nginx(agent))

        assert Tally(2) == ApacheAccessParser().feed(lines.encode())

    @pytest.mark.parametrize("request_line", ["GARBAGE", "", "-", r"\x16\x03\x01", "GET /", "GET"])
    def test_garbage(self, request_line: str) -> None:
        """Whatever a client sends instead of a request is a malformed request."""
        found = figures(fed(ApacheAccessParser(), line(request=request_line, status="400")))

        assert (1, 1, 1) == (found["requests"], found["malformed"], found["http_400"])

    @pytest.mark.parametrize(
        "front",
        [
            "www{}.example:80 ",
            "www{}.example ",
            "Nov 21 06:22:3{} web nginx: ",
            "Nov  1 06:22:3{} nginx: ",
            "<190>Nov 21 06:22:3{} web apache[812]: ",
            "2026-11-21T06:22:3{}.5+00:00 web httpd[812]: ",
        ],
    )
    @pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "GARBAGE"])
    @pytest.mark.parametrize("user", ["me", "me too"])
    def test_fronts(self, front: str, request_line: str, user: str) -> None:
        """A virtual host or syslog's header in front are neither clients nor users."""
        lines = "".join(
            front.format(number) + line(request=request_line, user=user, host=host)
            for number, host in enumerate(["192.0.2.1", "::1", "192.0.2.1"])
        )
        parser = ApacheAccessParser()

        assert Tally(3) == parser.feed(lines.encode())
        assert (2, 1) == (figures(parser)["clients_unique"], figures(parser)["users_unique"])

    @pytest.mark.parametrize("front", ["one two ", "one two three ", "www.example client.example "])
    def test_unknown_front(self, front: str) -> None:
        """Where client and user cannot be told from what is in front, nothing is made up."""
        assert Tally(0, 0, 1) == ApacheAccessParser().feed((front + line()).encode())

    @pytest.mark.parametrize("options", ["", "--format common"])
    @pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "GET /a b HTTP/1.1", "-", ""])
    def test_empty_user(self, options: str, request_line: str) -> None:
        """Apache writes two quotes for the name of a user who gave an empty one: that is none."""
        text, named = (
            line(user=user, request=request_line, status="200").replace(' "-" "-"', "")
            for user in ('""', "me")
        )
        found = figures(fed(made(options), text + named))

        assert (2, 2, 1) == (found["requests"], found["http_2xx"], found["users_unique"])
        assert 1 / 60 == figures(fed(SampleLogster(), text))["http_2xx"]

    @pytest.mark.parametrize(
        ("unit", "text", "milliseconds"),
        [("us", "1500", 1.5), ("ms", "7", 7), ("s", "2", 2000), ("s", "0.005", 5)],
    )
    def test_duration_units(self, unit: str, text: str, milliseconds: float) -> None:
        """A number at the end of each line is a duration in the unit that was named."""
        parser = fed(made(f"--duration-unit {unit}"), line().replace("\n", f" {text}\n"))

        assert milliseconds == figures(parser)["duration_median"]

    @pytest.mark.parametrize(
        ("field", "text"), [("%D", "1500"), ("%{us}T", "1500"), ("%{ms}T", "2"), ("%T", "3")]
    )
    def test_durations_of_apache(self, field: str, text: str) -> None:
        """Apache's own names tell the units of durations."""
        parser = fed(made(f"--format '%h %>s {field}'"), f"::1 200 {text}\n")

        expected = {"%D": 1.5, "%{us}T": 1.5, "%{ms}T": 2, "%T": 3000}[field]
        assert expected == figures(parser)["duration_max"]

    @pytest.mark.parametrize(
        ("fields", "text"),
        [("**%T/%D**", "**0/900000**"), ("%D %{ms}T", "900000 899"), ("%T %{ms}T", "0 900")],
    )
    def test_duration_in_several_units(self, fields: str, text: str) -> None:
        """Each request has one duration, however many units the log gives it in."""
        parser = fed(made(f"--format '%h %>s {fields}' -p 50"), f"::1 200 {text}\n" * 10)
        found = figures(parser)

        assert {900} == {each for name, each in found.items() if name.startswith("duration_")}

    def test_shares(self) -> None:
        """Shares, means and maxima are of all requests."""
        found = figures(
            fed(ApacheAccessParser(), line(status="500", size="10") + line(size="-") * 3)
        )

        assert (25, 2.5, 10) == (found["error_pct"], found["avg_size"], found["max_size"])


class TestFormat:
    @pytest.mark.parametrize("log", LOGS)
    @pytest.mark.parametrize("text", ["combined", APACHE, NGINX])
    def test_standard_formats(self, log: str, text: str) -> None:
        """The combined format, given by name or by either server's definition, is the same."""
        parser = made(f"--format {shlex.quote(text)}")

        assert figures(fed(ApacheAccessParser(), whole(log))) == figures(fed(parser, whole(log)))

    def test_nginx_upstream_lists(self) -> None:
        """Times of several upstreams, with blanks between them, are one field."""
        text = "$status $upstream_response_time $request_time"
        parser = fed(made(f"--format '{text}'"), "200 0.1, 0.2 : - 0.5\n502 - 0.1\n")

        assert 500 == figures(parser)["duration_max"]

    def test_nginx_json(self) -> None:
        """A format that looks like JSON is a format."""
        text = '{"status": "$status", "agent": "$http_user_agent", "bytes": $bytes_sent}'
        parser = fed(
            made(f"--format '{text}'"),
            '{"status": "200", "agent": "a\\"b", "bytes": 77}\n',
        )

        assert (1, 77) == (figures(parser)["http_200"], figures(parser)["size"])

    @pytest.mark.parametrize(
        ("text", "rest"),
        [
            # Lines of nginx 1.22, but for the addresses.
            (
                'rt=$request_time uct="$upstream_connect_time" urt="$upstream_response_time"',
                'rt=0.001 uct="-, 0.000" urt="0.000, 0.001"',
            ),
            ('"$upstream_addr"', '"127.0.0.1:80, unix:/run/x.sock"'),
            ("[$upstream_addr]", "[127.0.0.1:80 : [::1]:81]"),
            ('"$proxy_add_x_forwarded_for"', '"9.9.9.9, 8.8.8.8, 127.0.0.1"'),
            ("$upstream_addr/$upstream_response_time", "127.0.0.1:80, [::1]:81/0.000, 0.001"),
            ("$upstream_addr/$upstream_response_time", "unix:/run/x.sock/0.001"),
            ("$upstream_addr:$upstream_status", "127.0.0.1:80, unix:/run/x.sock:502, 204"),
            ("x;u=$upstream_response_time;rt=$request_time", "x;u=0.000, 0.001;rt=0.001"),
            ("$upstream_addr $http_x_forwarded_for", "two 9.9.9.9, 8.8.8.8"),
        ],
    )
    def test_nginx_upstream(self, text: str, rest: str) -> None:
        """What nginx writes of upstreams is read, whatever stands around it."""
        parser = made(f"--format={shlex.quote(f'{NGINX_COMMON} {text}')}")
        common = line(status="200").partition(' "-" ')[0]
        found = figures(fed(parser, f"{common} {rest}\n"))

        assert (1, 7) == (found["http_200"], found["size"])

    @pytest.mark.parametrize("times", ["", "0.001, 0.002"])
    def test_nginx_json_upstream(self, times: str) -> None:
        """With ``escape=json``, a variable may be empty, and quotes may stand in brackets."""
        text = '{"s":$status,"urt":"$upstream_response_time","l":["$http_user_agent","$request"]}'
        parser = made(f"--format={shlex.quote(text)}")
        fed(parser, f'{{"s":204,"urt":"{times}","l":["a ]\\"b","GET / HTTP/1.1"]}}\n')

        assert (1, 1) == (figures(parser)["http_204"], figures(parser)["http_version_1_1"])

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            # Lines of Apache 2.4.
            (
                "[%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t] %h %>s",
                "[21/Nov/2026:15:45:47.120 +0000] 127.0.0.1 404",
            ),
            (
                '%{%d/%b/%Y %T}t.%{msec_frac}t "%{%d/%b/%Y %T}t.%{usec_frac}t" %>s',
                '21/Nov/2026 15:45:47.120 "21/Nov/2026 15:45:47.120027" 404',
            ),
            ("[%{sec}t.%{msec_frac}t] [%h:%{remote}p] %>s", "[1795275947.120] [::1:34572] 404"),
            ("%u [%{sec}t.%{msec_frac}t] %r %>s", "a b [1795275947.120] GET / HTTP/1.1 404"),
            (
                '%t [%h %u] %>s "%r"',
                '[21/Nov/2026:15:45:47 +0000] [127.0.0.1 a b] 404 "GET / HTTP/1.1"',
            ),
            ("%{begin:%s}t %{end:usec}t %>s", "1795275947 1795275947120354 404"),
            ("%{%c}t|%>s", "Sat Nov 21 15:45:47 2026|404"),
            ("%{%e.%-m.}t %>s", "21.11. 404"),
            (r"%h\t%>s\t%b\t%{User-Agent}i", "127.0.0.1\t404\t3\tMozilla/5.0 (X11; Linux)"),
            ("%r|%>s|%b", "GET / HTTP/1.1|404|3"),
            ("%r %>s %b", "- 404 3"),
            ("%r %>s %b", "GET / 404 3"),
            ('"%r" %>s', '"-" 404'),
            ("[%r] %>s", "[GET / HTTP/1.1] 404"),
            (
                "%{X-Forwarded-For}i %l %u %t %>s",
                "1.1.1.1, ::1 - - [21/Nov/2026:15:45:47 +0000] 404",
            ),
            ("%{SSL_PROTOCOL}x %>s", "TLSv1.3 404"),
            ("%{Referer}!200,304i %>s", "http://r/ 404"),
            ("%>!500s %404t", "404 [21/Nov/2026:15:45:47 +0000]"),
            ("%500t %>s", "- 404"),
            ("%>s %!200r", "404 GET / HTTP/1.1"),
        ],
    )
    def test_apache_formats(self, text: str, written: str) -> None:
        """Times of any format, tabs, bare requests, conditions: what Apache writes is read."""
        parser = fed(made(f"--format={shlex.quote(text)}"), written + "\n")

        assert (1, 1) == (figures(parser)["requests"], figures(parser)["http_404"])

    @pytest.mark.parametrize(
        ("text", "written", "status"),
        [
            ("%s %b %>s", "302 5 200", 200),
            ("%<s %>s", "302 200", 200),
            ("%>s %s", "200 302", 200),
            ("%s", "302", 302),
            ("%<s", "302", 302),
        ],
    )
    def test_final_status(self, text: str, written: str, status: int) -> None:
        """Of a request that Apache redirected within itself the final status counts."""
        found = figures(fed(made(f"--format '{text}'"), written + "\n"))

        assert (1, 1) == (found["requests"], found[f"http_{status}"])

    def test_negative_duration(self) -> None:
        """A request that ended before it began, as the clock was set back, took no time."""
        assert 0 == figures(fed(made("--format '%>s %D'"), "200 -5\n"))["duration_max"]

    @pytest.mark.parametrize("text", ["%h%u %>s", "%r/%>s", r"%h\n%>s", "%{A}i %>s %r %b"])
    def test_unreadable(self, text: str) -> None:
        """A format of which no line could be read is refused."""
        with pytest.raises(ConfigurationError, match=r"could not be told|several lines"):
            made(f"--format={shlex.quote(text)}")

    @pytest.mark.parametrize("text", ["%h %b", "no field", "%>s %Z", "$remote_addr"])
    def test_useless(self, text: str) -> None:
        """A format without a status, or with a directive that Apache lacks, is refused."""
        with pytest.raises(ConfigurationError):
            made(f"--format '{text}'")

    @pytest.mark.parametrize("options", ["-p x", "-p 50,101", "-p 50,", "-p 1e999"])
    def test_unusable_percentiles(self, options: str) -> None:
        """Percentiles that are none are refused at once."""
        with pytest.raises(ConfigurationError, match="between 0 and 100"):
            made(options)

    def test_extreme_percentiles(self) -> None:
        """The least and the greatest value are percentiles, too, and each is given once."""
        parser = made("--format '%>s %D' -p 0,100,0")
        found = figures(fed(parser, "200 1000\n200 3000\n"))

        assert (1, 3) == (found["duration_p0"], found["duration_p100"])

    @pytest.mark.parametrize(
        "text",
        [
            'log_format main $remote_addr [$time_local] "$request" $status;',
            'log_format main $remote_addr\n  [$time_local] "$request" $status',
            "log_format main '$remote_addr [$time_local] ' '\"$request\" $status';",
            "log_format main '$remote_addr [$time_local] '\n  '\"$request\" $status';",
            r"""log_format main "$remote_addr [$time_local] \"$request\" $status";""",
            'log_format main escape=default $remote_addr [$time_local] "$request" $status;',
            '$remote_addr [$time_local] "$request" $status',
        ],
    )
    def test_nginx_quotes(self, text: str) -> None:
        """A definition of nginx is read with its quotes, and as people copy it without them."""
        parser = made(f"--format={shlex.quote(text)}")
        found = figures(fed(parser, '::1 [21/Nov/2026:06:22:30 +0000] "PUT /a HTTP/1.1" 201\n'))

        assert (1, 1) == (found["http_201"], found["method_PUT"])

    @pytest.mark.parametrize(
        "text",
        [
            r"log_format ltsv 'time:$time_local\thost:$remote_addr\treq:$request\tstatus:$status';",
            r"log_format x 'time:$time_local\thost:' '$remote_addr\treq:$request\tstatus:$status'",
            r"time:$time_local\thost:$remote_addr\treq:$request\tstatus:$status",
            "time:$time_local\thost:$remote_addr\treq:$request\tstatus:$status",
        ],
    )
    def test_nginx_tabs(self, text: str) -> None:
        """Nginx reads a tab where its configuration has a backslash and a letter."""
        parser = made(f"--format={shlex.quote(text)}")
        written = "time:21/Nov/2026:06:22:30 +0000\thost:::1\treq:GET / HTTP/1.1\tstatus:200\n"

        assert Tally(1) == parser.feed(written.encode())
        assert (1, 1) == (figures(parser)["http_200"], figures(parser)["clients_unique"])

    def test_unescaped(self) -> None:
        """A format in which nginx escapes nothing is refused: its lines can be forged."""
        with pytest.raises(ConfigurationError, match="forge"):
            nginx_layout("log_format x escape=none '$status $http_user_agent';")

    @given(st.text('%${}<>^!{i}tsShbDOT"[] \\', max_size=30))
    def test_any_format(self, text: str) -> None:
        """Any text is either a format or refused with a sentence."""
        with suppress(ConfigurationError):
            made(f"--format={shlex.quote(text)}").feed(b"200\n")


class TestStrangers:
    """What somebody outside writes into a field changes no figure but that field's own."""

    forged = (
        '" 200 99 "-" "-"',
        'x HTTP/1.1" 200 99 "-" "-"',
        'HTTP/1." 200 99',
        'HTTP/1.1\\" 200 99',
        '] "GET / HTTP/1.1" 200 99',
        "[21/Nov/2026:06:22:30 +0000]",
        "\\",
        '\\\\" 200 99',
        "\n192.0.2.1 - - [] \r\x0b\x85",
        "200 99 9000",
    )
    own = ("method_", "http_version_", "malformed", "users_unique", "clients_unique")

    def shared(self, parser: Any, text: str) -> dict[str, float | str]:
        """Return the figures that *text* shares with every such line."""
        found = figures(fed(parser, text))
        return {name: each for name, each in found.items() if not name.startswith(self.own)}

    @pytest.mark.parametrize("text", forged)
    @pytest.mark.parametrize("escape", [apache, nginx])
    @pytest.mark.parametrize("field", ["request", "url", "user", "referer", "agent"])
    @pytest.mark.parametrize("options", [None, "--format combined"])
    def test_fields(self, options: str | None, field: str, escape: Any, text: str) -> None:
        """Neither request, URL, user, referer nor user agent forges a status or a size."""
        value = f"GET {text} HTTP/1.1" if field == "url" else text
        hostile = line(**{"request" if field == "url" else field: escape(value)})
        seen = self.shared(ApacheAccessParser(option_string=options), hostile)

        assert self.shared(ApacheAccessParser(option_string=options), line()) == seen

    @pytest.mark.parametrize("text", forged)
    @pytest.mark.parametrize("escape", [apache, nginx])
    @pytest.mark.parametrize("field", ["request", "user", "referer", "agent"])
    def test_1x(self, field: str, escape: Any, text: str) -> None:
        """No field forges a status for those who use the name of 1.x."""
        parser = fed(SampleLogster(), line(**{field: escape(text)}))

        assert (0, 1) == (parser.http_2xx, parser.http_4xx)

    @pytest.mark.parametrize("user", ["a", 'a"', "a\\", 'a\\"'])
    @pytest.mark.parametrize("request_line", [" 200 9 ", " 200 9 HTTP/1.1", "x HTTP/1.1 200 9"])
    @pytest.mark.parametrize("escape", [apache, nginx])
    def test_user_and_request(self, user: str, request_line: str, escape: Any) -> None:
        """A quote in the user's name does not make the request stand behind it."""
        text = line(user=escape(user), request=escape(request_line))

        assert 1 == fed(SampleLogster(), text).http_4xx
        assert 1 == figures(fed(ApacheAccessParser(), text))["http_404"]

    @pytest.mark.parametrize("text", ["9", "x 9", '" 9'])
    def test_duration(self, text: str) -> None:
        """A user agent cannot pass for the duration behind it."""
        parser = made("--duration-unit us")
        fed(parser, line(agent=apache(text)).replace("\n", " 1500\n") + line(agent=apache(text)))

        assert (1, 1.5) == (figures(parser)["requests"], figures(parser)["duration_max"])

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("$host|$remote_addr|$status|$body_bytes_sent", "a|{}|192.0.2.1|200|5"),
            ("$status $http_host|$remote_addr", "200 a|{}|192.0.2.1"),
            ("$status $http_host:$remote_addr:$remote_port", "200 a:{}:192.0.2.1:80"),
            ("%U,%h,%>s", "/a,{},192.0.2.1,200"),
        ],
    )
    def test_clients(self, text: str, line: str) -> None:
        """Whoever writes what parts the fields is no other client for that."""
        parser = made(f"--format '{text}'")
        for number in range(5):
            fed(parser, line.format(number) + "\n")

        assert figures(parser).get("clients_unique", 0) in {0, 1}

    def test_user_like_a_time(self) -> None:
        """A user name that begins like a time does not make the virtual host the client."""
        hosts = "".join(
            f"www{number}.example:80 {line(user=user)}"
            for number, user in enumerate(["[x", "[x y", "[21/Nov/2026", "[x] a", "a [x"])
        )
        found = figures(fed(ApacheAccessParser(), hosts))

        assert (5, 1) == (found["requests"], found["clients_unique"])

    def test_metrics_are_bounded(self) -> None:
        """However many methods and statuses there are, there are only so many metrics."""
        lines = "".join(
            line(request=f"M{n} / HTTP/{n % 10}.{n % 7}", status=str(n % 900 + 100))
            for n in range(30_000)
        )
        found = figures(fed(ApacheAccessParser(), lines))

        assert 30_000 == found["method_OTHER"]
        assert len(found) < 150

    @pytest.mark.parametrize(
        "text",
        ["A" * 10**6, " " * 10**6, '" ' * 500_000, "\\" * 10**6, '] "' * 300_000, "1 " * 500_000],
        ids=["letters", "blanks", "quotes", "backslashes", "requests", "numbers"],
    )
    @pytest.mark.parametrize("options", [None, "-u us", "-f combined"])
    def test_long_lines(self, options: str | None, text: str) -> None:
        """A line of a megabyte takes no more than a moment, whatever it is made of."""
        lines = text + "\n" + line(agent=text) + line(user=text) + line(request=text)
        start = time.process_time()
        tally = ApacheAccessParser(option_string=options).feed(lines.encode())
        if not options:
            SampleLogster().feed(lines.encode())

        assert 4 == sum(tally)
        assert time.process_time() - start < 2

    def test_memory(self) -> None:
        """Names and methods of some kilobytes take no more memory than short ones."""
        parser, plain = ApacheAccessParser(), made("--format '%u %m %H %>s'")
        tracemalloc.start()
        for number in range(4000):
            long = f"{number}".rjust(8000, "X")
            fed(parser, line(user=long, request=f"{number}{long} / HTTP/1.1"))
            fed(plain, f"{long} {number}{long} {number}{long} 200\n")
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert size < 6 << 20
        for each in (parser, plain):
            assert (4000, 4000) == (figures(each)["users_unique"], figures(each)["method_OTHER"])

    @pytest.mark.parametrize("request_line", ["GET /x|404|9 HTTP/1.1", "x|404|9", "|404|9|"])
    def test_bare_request(self, request_line: str) -> None:
        """A request that holds what should end it is not read at all."""
        assert Tally(0, 0, 1) == made("--format '%r|%>s|%b'").feed(
            f"{request_line}|200|5\n".encode()
        )

    def test_brackets(self) -> None:
        """Who writes into brackets cannot close them and open others in the place of the next."""
        parser = made("--format '[%{X}i:%>s] %>s [%{X}i] %l %r'")

        assert Tally(0, 0, 1) == parser.feed(b"[-:200] 200 [, :404] 404 [v] x5 v\n")
        assert Tally(1) == parser.feed(b"[-:404] 404 [v] x5 v\n")

    @given(st.sampled_from(sorted(DIALECTS)), st.randoms(use_true_random=True))
    @settings(max_examples=1000, deadline=None)
    def test_any_fields(self, dialect: str, random: Random) -> None:
        """In no format can what strangers write into fields change what stands in another."""
        text, written, truth = forgery(DIALECTS[dialect], random)
        with suppress(ConfigurationError):
            columns, read, _, _ = DIALECTS[dialect].layout(text).scan(written.encode() + b"\n")
            found = {
                name: columns[name][0].decode() for name in columns.keys() & truth.keys() if read
            }

            assert found == {name: truth[name] for name in found}, (text, written)


class TestEquality:
    @pytest.mark.parametrize(("name", "options", "log"), CASES)
    @pytest.mark.parametrize("parser", ["apache_access", "SampleLogster"])
    def test_lines_and_blocks(
        self, parser: str, name: str, options: str | None, log: bytes
    ) -> None:
        """One line at a time gives the figures and the account of a whole block."""
        options = options if name == parser else None
        single, skipped = by_line(CLASSES[parser](option_string=options), log)
        block = CLASSES[parser](option_string=options)
        tally = block.feed(log)

        assert figures(block) == figures(single)
        assert (tally.unmatched, count_lines(log)) == (skipped, sum(tally))

    @given(st.data())
    def test_parts_merge(self, data: st.DataObject) -> None:
        """However a log is cut, its parts merged give the figures of the whole."""
        lines = [each for _, options, log in CASES if not options for each in log.splitlines(True)]
        taken = data.draw(st.lists(st.sampled_from(lines), max_size=40))
        cut = data.draw(st.integers(0, len(taken)))
        parser = data.draw(st.sampled_from([ApacheAccessParser, SampleLogster]))
        one, two = fed(parser(), b"".join(taken[:cut])), fed(parser(), b"".join(taken[cut:]))
        one.merge(two)

        assert figures(fed(parser(), b"".join(taken))) == figures(one)

    @pytest.mark.parametrize(("name", "options", "log"), CASES)
    def test_catalogue(self, name: str, options: str | None, log: bytes) -> None:
        """Every metric that there is stands in the catalogue, with its unit and kind."""
        parser = CLASSES[name]
        known = [
            (re.sub(r"\\\{\w+\\\}", r"[\\w-]+", re.escape(info.name)), info.units, info.kind)
            for info in parser.catalogue()
        ]
        unknown = [
            metric.name
            for metric in metrics(fed(parser(option_string=options), log))
            if not any(
                re.fullmatch(pattern, metric.name) and (units, kind) == (metric.units, metric.kind)
                for pattern, units, kind in known
            )
        ]

        assert [] == unknown

    @given(st.data())
    def test_damaged_lines(self, data: st.DataObject) -> None:
        """Whatever happened to its lines, a block is taken as they are one by one."""
        lines = [each for _, options, log in CASES if not options for each in log.splitlines()]
        parser = data.draw(st.sampled_from(list(CLASSES.values())))
        block = b""
        for text in data.draw(st.lists(st.sampled_from(lines), max_size=8)):
            start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
            middle = data.draw(st.text('"\\\\ []\\t\\n1a/:-%\\r', max_size=4)).encode()
            keep = data.draw(st.booleans())
            block += text[:start] + middle + (text[start:] if keep else text[end:]) + b"\n"
        single, skipped = by_line(parser(), block)
        whole_block = parser()

        assert skipped == whole_block.feed(block).unmatched
        assert figures(single) == figures(whole_block)

    @given(st.text(), st.sampled_from(list(CLASSES.values())))
    def test_any_text(self, text: str, parser: Any) -> None:
        """Nothing but `SkipLine` comes of any text."""
        with suppress(SkipLine):
            parser().parse_line(text)

    @given(st.binary(), st.sampled_from(list(CLASSES.values())))
    def test_any_bytes(self, block: bytes, parser: Any) -> None:
        """Every line of anything is accounted for."""
        assert count_lines(block) == sum(parser().feed(block))

    @given(st.text(st.characters(exclude_characters="\n")), st.sampled_from([apache, nginx]))
    def test_any_agent(self, text: str, escape: Any) -> None:
        """Whatever user agent a server wrote down, its line counts as what it is."""
        assert 1 == fed(SampleLogster(), line(agent=escape(text), referer=escape(text))).http_4xx
        assert 1 == figures(fed(ApacheAccessParser(), line(request=escape(text))))["http_404"]


class TestTruth:
    @pytest.mark.parametrize("name", LOGS)
    def test_all_lines(self, name: str) -> None:
        """Every line of a real log is understood."""
        log = whole(name)

        assert Tally(log.count(b"\n")) == ApacheAccessParser().feed(log)
        assert Tally(log.count(b"\n")) == SampleLogster().feed(log)

    @pytest.mark.parametrize("name", LOGS)
    def test_awk(self, name: str) -> None:
        """Awk, which takes the first number behind a closing quote, counts the same."""
        program = (
            r'{ gsub(/\\"/, ""); split($0, q, "\""); split(q[3], f, " "); n[substr(f[1], 1, 1)]++;'
            ' b += f[2] } END { for (k in n) print "http_" k "xx", n[k]; print "size", b }'
        )
        log = whole(name)
        done = subprocess.run(["awk", program], input=log, capture_output=True, check=True)
        told = dict(each.split() for each in done.stdout.decode().splitlines())
        found = figures(fed(ApacheAccessParser(), log))

        assert {key: int(each) for key, each in told.items()} == {key: found[key] for key in told}

    @pytest.mark.parametrize("name", LOGS)
    def test_goaccess(self, name: str, tmp_path: Path) -> None:
        """Goaccess counts the same requests, bytes, statuses and methods in a whole real log."""
        log, report = tmp_path / "log", tmp_path / "report.json"
        log.write_bytes(whole(name))
        subprocess.run(
            [need("goaccess"), log, "--log-format=COMBINED", "--no-global-config", "-o", report],
            capture_output=True, check=True,
        )  # fmt: skip
        told = json.loads(report.read_text(encoding="utf-8", errors="replace"))
        found = figures(fed(ApacheAccessParser(), whole(name)))

        assert told["general"]["valid_requests"] == found["requests"]
        assert told["general"]["bandwidth"] == found["size"]
        for group in told["status_codes"]["data"]:
            assert group["hits"]["count"] == found[f"http_{group['data'][:3]}"]
            for status in group["items"]:
                assert status["hits"]["count"] == found[f"http_{status['data'][:3]}"]

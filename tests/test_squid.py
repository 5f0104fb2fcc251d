"""Squid's access log: what counts, what cannot be forged, and that totals are the truth."""

import gzip
import re
import shlex
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsing import ROOT, by_line, count_lines, fed, figures, fixtures, metrics
from receivers import need

from logster.errors import ConfigurationError, SkipLine
from logster.parser import Tally
from logster.parsers._squid_words import read_result
from logster.parsers.squid import SquidLogster, SquidParser


CASES = fixtures("squid", "SquidLogster")
CLASSES = {"squid": SquidParser, "SquidLogster": SquidLogster}

NATIVE = "1795241834.685 {elapsed:6} {client} {code}/{status} {size} {method} {url} {user} {rest}"
DENIED: dict[str, object] = {
    "elapsed": 7, "client": "127.0.0.1", "code": "TCP_DENIED", "status": 403, "size": 3429,
    "method": "GET", "url": "http://a/", "user": "-", "rest": "HIER_NONE/- text/html",
}  # fmt: skip


def native(**fields: object) -> str:
    """Return a line of a denied request with some *fields* changed."""
    return NATIVE.format(**(DENIED | fields)) + "\n"


def httpd(**fields: str) -> str:
    """Return a line of a denied request in the combined format."""
    usual = {"user": "-", "method": "GET", "url": "http://a/", "referer": "-", "agent": "-"}
    return (
        '127.0.0.1 - {user} [21/Nov/2026:06:17:14 +0000] "{method} {url} HTTP/1.1" 403 3429'
        ' "{referer}" "{agent}" TCP_DENIED:HIER_NONE\n'
    ).format(**(usual | fields))


def whole(name: str) -> bytes:
    """Return a whole real log."""
    return gzip.decompress(Path(ROOT, "fixtures", "whole", f"{name}.log.gz").read_bytes())


class TestSquidLogster:
    def test_attributes(self) -> None:
        """The attributes that tests of 1.x read are up to date after each line."""
        parser = SquidLogster()
        parser.parse_line(native(code="TCP_MISS", status=200, size=10))
        parser.parse_line(native(code="NONE", status=400, size=5))

        assert (0, 1, 0, 1, 0) == (
            parser.http_1xx, parser.http_2xx, parser.http_3xx, parser.http_4xx, parser.http_5xx,
        )  # fmt: skip
        assert 15 == parser.size_transferred
        assert {"TCP_MISS": 1, "TCP_DENIED": 0, "TCP_HIT": 0, "TCP_MEM_HIT": 0, "OTHER": 1} == (
            parser.squid_codes
        )

    def test_names_and_units(self) -> None:
        """Names and units are those of 1.x, and everything is a gauge."""
        found = [(m.name, m.units, m.metric_type) for m in SquidLogster().get_state(60)]

        assert [
            *((f"http_{n}xx", "Responses per sec", "g") for n in range(1, 6)),
            ("size", "Size per sec", "g"),
            *(
                (f"squid_{code}", "Squid code per sec", "g")
                for code in ("TCP_MISS", "TCP_DENIED", "TCP_HIT", "TCP_MEM_HIT", "OTHER")
            ),
        ] == found

    def test_line_of_the_tests_of_1x(self) -> None:
        """The layout that tests of 1.x use is read, and with an option the size is as it was."""
        line = (
            '127.0.0.1 {} - x [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" NONE_TESTING/504 2326'
        )
        now, then = SquidLogster(), SquidLogster(option_string="--size-is-elapsed")
        for parser in (now, then):
            parser.parse_line(line.format(4))

        assert (2326, 4) == (now.size_transferred, then.size_transferred)
        assert (1, 1) == (now.http_5xx, now.squid_codes["OTHER"])

    @pytest.mark.parametrize("options", ["", "--format '%ts.%03tu %6tr %>a %Ss/%03>Hs %ru'"])
    def test_negative_elapsed(self, options: str) -> None:
        """A request that ended before it began took no time: no sum falls below zero."""
        parser = SquidLogster(option_string=f"--size-is-elapsed {options}")
        fed(parser, native(elapsed=-9) + native(elapsed=7))

        assert 7 == parser.size_transferred

    def test_status_000_is_of_no_class(self) -> None:
        """A request that ended before there was a reply is no interim reply."""
        parser = fed(SquidLogster(), native(code="TCP_MISS_ABORTED", status="000"))

        assert 0 == parser.http_1xx
        assert 1 == parser.squid_codes["OTHER"]

    def test_not_a_line(self) -> None:
        """A line of something else is skipped."""
        with pytest.raises(SkipLine):
            SquidLogster().parse_line("invalid log entry")

    def test_a_subclass_that_overrides_parse_line(self) -> None:
        """Whoever overrides `parse_line` gets every line."""

        class Mine(SquidLogster):
            lines = 0

            def parse_line(self, line: str) -> None:
                self.lines += 1
                super().parse_line(line)

        parser = Mine()

        assert Tally(2, 0, 1) == parser.feed((native() * 2 + "x\n").encode())
        assert (3, 2) == (parser.lines, parser.http_4xx)


class TestResults:
    @pytest.mark.parametrize(
        ("code", "base", "modifiers", "group"),
        [
            ("TCP_HIT", "TCP_HIT", (), "hit"),
            ("TCP_REFRESH_UNMODIFIED", "TCP_REFRESH_UNMODIFIED", (), "hit"),
            ("TCP_REFRESH_FAIL_OLD", "TCP_REFRESH_FAIL_OLD", (), "hit"),
            ("TCP_REFRESH_FAIL_ERR", "TCP_REFRESH_FAIL_ERR", (), "miss"),
            ("TCP_REFRESH_MODIFIED_ABORTED", "TCP_REFRESH_MODIFIED", ("ABORTED",), "miss"),
            ("TCP_CF_HIT", "TCP_HIT", ("CF",), "hit"),
            ("TCP_MISS_IGNORED_TIMEDOUT", "TCP_MISS", ("IGNORED", "TIMEDOUT"), "miss"),
            ("TCP_CLIENT_REFRESH_MISS", "TCP_CLIENT_REFRESH_MISS", (), "miss"),
            ("TCP_REDIRECT", "TCP_REDIRECT", (), "other"),
            ("TCP_TUNNEL_ABORTED", "TCP_TUNNEL", ("ABORTED",), "tunnel"),
            ("TAG_NONE", "NONE", (), "other"),
            ("NONE_NONE_ABORTED", "NONE", ("ABORTED",), "other"),
            ("UDP_MISS_NOFETCH", "UDP_MISS_NOFETCH", (), "icp"),
            ("TCP_UNHEARD_OF", "OTHER", (), "other"),
        ],
    )
    def test_codes(self, code: str, base: str, modifiers: tuple[str, ...], group: str) -> None:
        """A code comes apart as Squid put it together, and hits are what Squid calls hits."""
        assert (base, modifiers, group, "200") == read_result(f"{code}/200".encode())


def test_queries_of_other_caches() -> None:
    """ICP and HTCP queries count by their number and result code, and as nothing else."""
    queries = "".join(
        native(client=f"10.0.0.{number}", code="UDP_MISS", status="000", size=61_000,
               method="ICP_QUERY", rest="HIER_NONE/- -")
        for number in range(5)
    )  # fmt: skip
    parser, plain = (SquidParser(option_string="--size-percentiles 50") for _ in range(2))
    fed(parser, queries + native() + queries)
    fed(plain, native())

    assert figures(parser) == figures(plain) | {"icp_queries": 10, "squid_UDP_MISS": 10}


class TestStrangers:
    """What somebody outside writes into a field changes no figure but that field's own."""

    forged = (
        "TCP_HIT/200",
        "http://evil/TCP_HIT/200",
        "x TCP_HIT/200 99 GET http://b/ - HIER_DIRECT/192.0.2.7 video/mp4",
        '" 200 99 "-" "-" TCP_HIT:HIER_DIRECT',
        "TCP_HIT:HIER_DIRECT",
        "[x] TCP_HIT/200 99",
        "\x0b\x0c\x85\u2028\r",
        "\x00" * 9,
    )
    private = ("method_", "hier_", "mime_", "users_unique", "clients_unique", "error_url")

    def denied(self, line: str) -> dict[str, float | str]:
        """Return the figures of *line* that it shares with every denied request."""
        found = figures(fed(SquidParser(), line))
        return {name: each for name, each in found.items() if not name.startswith(self.private)}

    @pytest.mark.parametrize("text", forged)
    @pytest.mark.parametrize("field", ["url", "user", "rest"])
    def test_native(self, field: str, text: str) -> None:
        """URL, user and type of a native line forge nothing."""
        text = f"HIER_NONE/- {text}" if field == "rest" else text
        line = native(**{field: text})

        assert self.denied(native()) == self.denied(line)
        assert 1 == fed(SquidLogster(), line).squid_codes["TCP_DENIED"]

    @pytest.mark.parametrize("text", ["TCP_HIT/200", "TCP_HIT:HIER_NONE", "ICP_QUERY"])
    def test_method(self, text: str) -> None:
        """A method, which cannot hold a blank, forges nothing."""
        assert self.denied(native()) == self.denied(native(method=text))
        assert self.denied(httpd()) == self.denied(httpd(method=text))

    @pytest.mark.parametrize("text", forged)
    @pytest.mark.parametrize("field", ["referer", "agent"])
    def test_headers(self, field: str, text: str) -> None:
        """Referer and user agent, which Squid writes with bare quotes, forge nothing."""
        assert self.denied(httpd()) == self.denied(httpd(**{field: text}))

    @pytest.mark.parametrize("field", ["url", "user"])
    @pytest.mark.parametrize("text", ["TCP_HIT:HIER_DIRECT", "x%22%20200%20TCP_HIT:HIER", "a b"])
    def test_httpd(self, field: str, text: str) -> None:
        """URL and user of a combined line forge nothing."""
        assert self.denied(httpd()) == self.denied(httpd(**{field: text}))

    @pytest.mark.parametrize("text", ["/ x HIER_DIRECT/::1 video/mp4", "HIER_DIRECT/::1 a/b c"])
    @pytest.mark.parametrize("field", ["url", "user"])
    def test_hierarchy(self, field: str, text: str) -> None:
        """A URL or a user name with blanks cannot pass for the hierarchy code and the type."""
        found = figures(fed(SquidParser(), native(**{field: text})))

        assert not {"hier_DIRECT", "mime_video", "mime_other"} & found.keys()

    @pytest.mark.parametrize(
        ("user", "rest"),
        [
            ("a SIBLING_HIT/x", "HIER_DIRECT/1.1.1.1 text/html"),
            ("a SIBLING_HIT/x video/mp4", "HIER_DIRECT/1.1.1.1 text/html"),
            ("a SIBLING_HIT/x video/mp4 [b", "HIER_DIRECT/1.1.1.1 text/html [c] [d]"),
        ],
    )
    def test_forged_hierarchy(self, user: str, rest: str) -> None:
        """A user name that looks like a hierarchy code is not taken for the true one behind it."""
        found = figures(fed(SquidParser(), native(user=user, rest=rest)))

        assert 1 == found["requests"]
        assert not {"hier_SIBLING_HIT", "mime_video", "mime_other"} & found.keys()

    def test_memory(self) -> None:
        """Names, methods and types of some kilobytes take no more memory than short ones."""
        parser = SquidParser()
        tracemalloc.start()
        for number in range(4000):
            long = f"{number}".rjust(8000, "x")
            fed(parser, native(user=long, method=long, rest=f"HIER_NONE/- {long}"))
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        found = figures(parser)

        assert size < 8 << 20
        assert [4000] * 3 == [
            found[name] for name in ("users_unique", "method_OTHER", "mime_other")
        ]

    def test_mime_headers(self) -> None:
        """What `log_mime_hdrs` adds forges nothing, and the fields before it still count."""
        rest = "HIER_NONE/- text/html [X: TCP_HIT/200 9 HIER_DIRECT/- a/b\\r\\n] [HTTP/1.1 200 OK]"
        line = native(rest=rest)

        assert figures(fed(SquidParser(), native())) == figures(fed(SquidParser(), line))

    def test_metrics_are_bounded(self) -> None:
        """However many methods and types strangers make up, there are only so many metrics."""
        lines = "".join(
            native(method=f"M{n}", rest=f"HIER_NONE/- t{n}/x", status=n % 900 + 100)
            for n in range(30_000)
        )
        found = figures(fed(SquidParser(), lines))

        assert (30_000, 30_000) == (found["method_OTHER"], found["mime_other"])
        assert len(found) < 150

    @pytest.mark.parametrize(
        "text",
        ["A" * 10**6, " " * 10**6, '" ' * 500_000, " A_/" * 250_000, "[" * 10**6, "\\" * 10**6],
        ids=["letters", "blanks", "quotes", "slashes", "brackets", "backslashes"],
    )
    @pytest.mark.parametrize("parser", [SquidParser, SquidLogster])
    def test_long_lines(self, parser: Any, text: str) -> None:
        """A line of a megabyte takes no more than a moment, whatever it is made of."""
        lines = text + "\n" + native(url=text) + httpd(agent=text) + httpd(user=text)
        start = time.process_time()
        tally = fed_tally(parser(), lines)

        assert 4 == sum(tally)
        assert time.process_time() - start < 2


def fed_tally(parser: Any, text: str) -> Tally:
    """Return how *parser* took *text*."""
    return Tally(*parser.feed(text.encode("utf-8", "surrogatepass")))


def test_import_compiles_nothing() -> None:
    """The patterns of access logs are compiled when the first line comes."""
    program = (
        "import re\n"
        "import logster.metrics, logster.options, logster.parser, logster.stats\n"
        "def compiled(*ignored): raise AssertionError(ignored)\n"
        "re._compile = re.compile = compiled\n"
        "import logster.parsers.squid, logster.parsers.apache_access"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class TestFormat:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("squid", "%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt"),
            (
                "squid-combined",
                (
                    '%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st '
                    '"%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh'
                ),
            ),
        ],
    )
    def test_standard_formats(self, name: str, text: str) -> None:
        """Squid's own formats given as strings yield what they yield by themselves."""
        log = whole(name)

        assert figures(fed(SquidParser(), log)) == figures(
            fed(SquidParser(option_string=f"--format '{text}'"), log)
        )

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            # Lines of Squid 5.7, but for those codes that only later ones know.
            (
                "%{%Y-%m-%dT%H:%M:%S}tl.%03tu %15>a %-15>a %-14Ss/%03>Hs %14Ss %10un",
                (
                    "2026-11-21T15:46:12.001       127.0.0.1 127.0.0.1       TCP_DENIED    /403"
                    "     TCP_DENIED          -"
                ),
            ),
            ('%Ss/%03>Hs "%-15>a" %-6tr|%6tr|', 'TCP_DENIED/403 "127.0.0.1      " 1     |     1|'),
            ("%03>Hs %-14Ss", "403 TCP_DENIED    "),
            ("%>a\t%Ss/%03>Hs\t%{User-Agent}>h", "127.0.0.1\tTCP_DENIED/403\tMozilla/5.0%20(X11)"),
            (
                "%Ss/%03>Hs %proxy_protocol::>h %tS %dt %<pt %<tt %la:%lp %>la:%>lp %<a:%<p",
                "TCP_DENIED/403 - 1795275972.000 - - - 127.0.0.1:23128 [::1]:23128 -:-",
            ),
            ("%Ss/%03>Hs %/{User-Agent}>h %<st", 'TCP_DENIED/403 "Mozilla/5.0 \\"q\\" y" 311'),
            ("%Ss/%03>Hs %/{User-Agent}>h %<st", "TCP_DENIED/403 curl/8 311"),
            ('%Ss/%03>Hs [%-9{User-Agent}>h] "%{Referer}>h"', 'TCP_DENIED/403 [curl/8   ] "-"'),
            ("%ts%03tu %Ss/%03>Hs %err_code", "1795275972001 TCP_DENIED/403 ERR_ACCESS_DENIED"),
            ("%Ss/%03>Hs %{X-Forwarded-For}>h", "TCP_DENIED/403 1.1.1.1, 2.2.2.2"),
            ("%Ss/%03>Hs %transport::>connection_id %busy_time", "TCP_DENIED/403 7 8"),
            ("%Ss/%03>Hs %ssl::<cert %request_attempts", "TCP_DENIED/403 - 1"),
            ("%Ss/%03>Hs%byte{9}%>a%byte{10}", "TCP_DENIED/403\t::1"),
        ],
    )
    def test_formats(self, text: str, written: str) -> None:
        """Widths, tabs, times and codes of any version of Squid: what it writes is read."""
        parser = fed(SquidParser(option_string=f"--format={shlex.quote(text)}"), written + "\n")
        found = figures(parser)

        assert (1, 1, 1) == (found["requests"], found["http_403"], found["denied"])

    @pytest.mark.parametrize("text", ["%Ss/%>Hs%byte{10}%>a", "%Ss%Sh %>Hs", '%Ss %>Hs "%\'un"'])
    def test_unreadable(self, text: str) -> None:
        """A format of which no line could be read, or any could be forged, is refused."""
        with pytest.raises(ConfigurationError, match=r"could not be told|several lines|forge"):
            SquidParser(option_string=f"--format={shlex.quote(text)}")

    def test_unknown_bytes(self) -> None:
        """A result code that Squid cannot have written is no line of Squid's."""
        parser = SquidParser(option_string="--format '%Ss/%>Hs'")

        assert Tally(0, 0, 1) == parser.feed(b"\xff/200\n")

    @pytest.mark.parametrize("elapsed", ["-7", "-", "0"])
    @pytest.mark.parametrize("size", ["-1", "-", "0"])
    def test_below_zero(self, elapsed: str, size: str) -> None:
        """Where a clock was set back the elapsed time is 0, as it is in native lines."""
        text = "%ts.%03tu %tr %>a %Ss/%03>Hs %<st %rm"
        parser, old = (
            cls(option_string=f"--format '{text}'") for cls in (SquidParser, SquidLogster)
        )
        written = f"1795241834.650 {elapsed} 1.2.3.4 TCP_MISS/200 {size} GET\n"
        found = figures(fed(parser, written))

        assert (1, 0, 0) == (found["requests"], found["size"], found["max_size"])
        assert found.get("elapsed_max") == (None if elapsed == "-" else 0)
        assert 0 == fed(old, written).size_transferred

    @pytest.mark.parametrize("text", ["%>a %st", "no field", "%Ss %Q", "%Ss %>Hs %byte{256}"])
    def test_useless(self, text: str) -> None:
        """A format without what there is to count, or that Squid does not know, is refused."""
        with pytest.raises(ConfigurationError):
            SquidParser(option_string=f"--format '{text}'")

    @pytest.mark.parametrize(
        "options", ["-p 50,abc", "-p 50,101", "-p -1", "-p nan", "-p ,", "--size-percentiles x"]
    )
    def test_unusable_percentiles(self, options: str) -> None:
        """Percentiles that are none are refused at once."""
        with pytest.raises(ConfigurationError, match="between 0 and 100"):
            SquidParser(option_string=options)

    def test_no_size(self) -> None:
        """What a format does not tell is not given as zero."""
        parser = fed(SquidParser(option_string="--format '%>a %Ss/%03>Hs'"), "::1 TCP_HIT/200\n")

        assert not {"size", "avg_size", "elapsed_avg", "byte_hit_pct"} & figures(parser).keys()
        assert 1 == figures(parser)["hits"]


class TestEquality:
    @pytest.mark.parametrize(("name", "options", "log"), CASES)
    @pytest.mark.parametrize("parser", ["squid", "SquidLogster"])
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
        lines = [line for _, options, log in CASES if not options for line in log.splitlines(True)]
        taken = data.draw(st.lists(st.sampled_from(lines), max_size=40))
        cut = data.draw(st.integers(0, len(taken)))
        parser = data.draw(st.sampled_from([SquidParser, SquidLogster]))
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

    @pytest.mark.parametrize("parser", CLASSES.values())
    def test_duration_zero(self, parser: Any) -> None:
        """A duration of zero divides nothing."""
        assert figures(fed(parser(), native()), duration=0)

    def test_many_values_fold(self) -> None:
        """Percentiles are exact beyond the number of values that are kept unconverted."""
        lines = "".join(
            native(code="TCP_MISS", status=200, elapsed=n % 9973, size=n) for n in range(40_000)
        )
        found = figures(fed(SquidParser(option_string="--size-percentiles 50"), lines))

        assert 9972 == found["elapsed_max"]
        assert sum(range(40_000)) == found["size"]
        assert sum(n % 9973 for n in range(40_000)) / 40_000 == found["elapsed_avg"]


class TestTruth:
    @pytest.mark.parametrize("name", ["squid", "squid-combined"])
    def test_all_lines(self, name: str) -> None:
        """Every line of a real log is understood."""
        log = whole(name)

        assert Tally(log.count(b"\n")) == SquidParser().feed(log) == SquidLogster().feed(log)

    def test_awk(self) -> None:
        """Awk counts the same results, statuses, bytes and methods in a whole real log."""
        program = (
            '{ split($4, a, "/"); n[a[1]]++; s[substr(a[2], 1, 1)]++; m[$6]++; b += $5 }'
            ' END { for (k in n) print "squid_" k, n[k]; for (k in m) print "method_" k, m[k];'
            ' for (k in s) print "http_" k, s[k]; print "size", b }'
        )
        log = whole("squid")
        done = subprocess.run(["awk", program], input=log, capture_output=True, check=True)
        told = dict(line.split() for line in done.stdout.decode().splitlines())
        found = figures(fed(SquidParser(), log))

        assert int(told["size"]) == found["size"]
        for first in "12345":
            assert int(told.get(f"http_{first}", 0)) == found[f"http_{first}xx"]
        for name in ("squid_TCP_MEM_HIT", "squid_TCP_DENIED", "method_GET", "method_PUT"):
            assert int(told[name]) == found[name]
        # Awk knows no modifiers: what was aborted stands apart.
        assert (
            int(told["squid_TCP_MISS"]) + int(told["squid_TCP_MISS_ABORTED"])
            == (found["squid_TCP_MISS"])
        )

    def test_percentiles(self) -> None:
        """Elapsed times of hits and misses are those of a plain sort of the whole real log."""
        hits = Counter(
            line.split()[3].partition(b"/")[0]
            for line in whole("squid").splitlines()
            if b"HIT" in line.split()[3] or b"UNMODIFIED" in line.split()[3]
        )
        times = sorted(
            int(line.split()[1])
            for line in whole("squid").splitlines()
            if line.split()[3].partition(b"/")[0] in hits
        )
        found = figures(fed(SquidParser(), whole("squid")))

        assert len(times) == found["hits"]
        assert max(times) == found["hit_elapsed_max"]
        assert sum(times) / len(times) == found["hit_elapsed_avg"]
        rank = (len(times) - 1) * 0.99
        low = int(rank)
        share = rank - low
        assert found["hit_elapsed_p99"] == pytest.approx(
            times[low] * (1 - share) + times[low + 1] * share
        )

    def test_calamaris(self) -> None:
        """
        Calamaris counts the same requests, hits and bytes in a whole real log.

        Its misses are not ours: it takes tunnels, and aborted requests, for misses,
        and a miss answered with an error for neither. Squid's own definition knows
        no such class, so those are left to the independent count above.
        """
        log = whole("squid")
        done = subprocess.run([need("calamaris"), "-a"], input=log, capture_output=True, check=True)
        report = done.stdout.decode("latin-1")
        found = figures(fed(SquidParser(), log))

        assert _calamaris(report, "Total amount:") == found["requests"]
        assert _calamaris(report, "Total Bandwidth:") == found["size"]
        assert _calamaris(report, "Total amount cached:") == found["hits"]
        assert _calamaris(report, "Bandwidth savings:") == found["size_hit"]
        assert _calamaris(report, "TCP_MEM_HIT") == found["squid_TCP_MEM_HIT"]
        assert _calamaris(report, "TCP_TUNNEL") == found["tunnels"]
        assert _calamaris(report, "TCP_DENIED") == found["denied"]
        assert _calamaris(report, "HIER_DIRECT") == found["hier_DIRECT"]
        for method in ("GET", "CONNECT", "POST", "HEAD", "PUT", "OPTIONS"):
            assert _calamaris(report, method) == found[f"method_{method}"]
        assert f"{found['byte_hit_pct']:.2f}" in report


def _calamaris(report: str, label: str) -> int:
    """Return the first whole number behind *label* at the start of a line of *report*."""
    line = next(each for each in report.splitlines() if each.strip().startswith(label + " "))
    return next(int(word) for word in line.partition(label)[2].split() if word.isdigit())

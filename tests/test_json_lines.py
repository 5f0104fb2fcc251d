"""Lines of JSON."""

import gzip
import itertools
import json
import subprocess
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import ROOT, fed, figures, metrics, read
from receivers import need

from logster.errors import ConfigurationError
from logster.labels import alike
from logster.metrics import number
from logster.parser import Tally
from logster.parsers._json_columns import MAX_PATH
from logster.parsers._json_logster import MAX_LEAVES
from logster.parsers._json_records import decode
from logster.parsers.json_lines import JsonLinesParser, JsonLogster


class TestJsonLogster:
    def test_last_line(self) -> None:
        """The numbers of the last line are taken by their path, as they stand."""
        parser = fed(JsonLogster(option_string=None), '{"a": 9, "z": 9}\n{"a": {"b": [1, 2.5]}}\n')

        assert figures(parser) == {"a.b.0": 1, "a.b.1": 2.5}

    def test_leaves_that_are_no_numbers(self) -> None:
        """A bool counts 0 or 1; text, null, NaN and infinity are no figures."""
        parser = fed(
            JsonLogster(), '{"s": "1", "t": true, "f": false, "n": null, "x": NaN, "i": 1e999}\n'
        )

        assert figures(parser) == {"t": 1, "f": 0}
        assert parser.metrics["s"] == "1"

    @pytest.mark.parametrize("options", ["-k /", "--key-separator /", "--key-separator=/"])
    def test_separator(self, options: str) -> None:
        """The separator may be chosen."""
        parser = fed(JsonLogster(option_string=options), '{"a": {"b": 1}}\n')

        assert figures(parser) == {"a/b": 1}
        assert parser.key_separator == "/"

    @pytest.mark.parametrize("line", ["oops", '{"a":', "7", '"a"', "null", "[" * 100_000])
    def test_not_understood(self, line: str) -> None:
        """A line that is no object and no list is skipped; the last good one stays."""
        parser = JsonLogster()

        assert Tally(1, 0, 1) == parser.feed(f'{{"a": 1}}\n{line}\n'.encode())
        assert figures(parser) == {"a": 1}

    def test_key_filter(self) -> None:
        """A subclass drops and renames keys of objects and lists."""

        class Own(JsonLogster):
            def key_filter(self, key: Any) -> Any:
                return {"drop": False, "old": "new", 1: "one"}.get(key, key)

        parser = fed(Own(), '{"drop": {"x": 1}, "old": 2, "list": [3, 4]}\n')

        assert figures(parser) == {"new": 2, "list.0": 3, "list.one": 4}

    def test_flatten_object(self) -> None:
        """Subclasses call flatten_object, with or without filter and parents."""
        parser = JsonLogster()
        node = {"a": {"b": 1}, "c": "x"}

        assert parser.flatten_object(node) == {"a.b": 1, "c": "x"}
        assert parser.flatten_object(
            node, "_", lambda key: key if key == "c" else False, ["p"]
        ) == {"p_c": "x"}

    def test_override_of_flatten_object(self) -> None:
        """A subclass that overrides flatten_object sees every line, as in 1.x."""
        seen = []

        class Own(JsonLogster):
            def flatten_object(self, node: Any, *arguments: Any) -> dict[str, Any]:
                seen.append(node)
                return super().flatten_object(node, *arguments)

        fed(Own(), '{"a": 1}\n{"a": 2}\n')

        assert seen == [{"a": 1}, {"a": 2}]

    def test_types(self) -> None:
        """The figures carry the type that 1.x gave them."""
        (metric,) = metrics(fed(JsonLogster(), '{"a": 1}\n'))

        assert (*metric[:4], metric.kind) == ("a", 1, "", "int", "g")

    def test_bounded(self) -> None:
        """Keys that a stranger writes name a bounded number of metrics of bounded length."""
        keys = ",".join(f'"k{number}": 1' for number in range(MAX_LEAVES + 50))
        parser = fed(JsonLogster(), f'{{"{"x" * (MAX_PATH + 1)}": 1, {keys}}}\n')

        assert len(figures(parser)) == MAX_LEAVES

    def test_deep(self) -> None:
        """What is nested too deep is passed over, not fatal."""
        parser = fed(JsonLogster(), '{"top": 1, "deep": ' + '{"a":' * 500 + "1" + "}" * 501 + "\n")

        assert figures(parser) == {"top": 1}

    def test_bad_bytes(self) -> None:
        """Bytes that are not UTF-8 and a byte order mark cost nothing but themselves."""
        parser = JsonLogster()

        assert Tally(2, 0, 0) == parser.feed(
            b'\xef\xbb\xbf{"a": 1}\n{"b": 2, "c": "\xff\\ud800"}\n'
        )
        assert figures(parser) == {"b": 2}


def measured(text: str | bytes, options: str = "") -> dict[str, float | str]:
    """Return the figures of *text* but the number of its objects."""
    found = figures(fed(JsonLinesParser(option_string=options), text))
    return {name: value for name, value in found.items() if not name.endswith("json_records")}


ROWS = '{"ms": 1, "q": {"in": 2}}\n{"ms": 4, "q": {"in": 6}}\n{"other": true}\n{"ms": 1.5}\n'


class TestAggregates:
    @pytest.mark.parametrize(
        ("aggregate", "value"),
        [
            ("last", 1.5),
            ("sum", 6.5),
            ("count", 3),
            ("avg", 6.5 / 3),
            ("min", 1),
            ("max", 4),
            ("median", 1.5),
            ("p50", 1.5),
            ("p90", 3.5),
            ("p100", 4),
            ("delta", 4.5),
            ("rate", 4.5 / 60),
        ],
    )
    def test_each(self, aggregate: str, value: float) -> None:
        """Every aggregate is that of the numbers of all lines, in their order."""
        assert {f"ms.{aggregate}": pytest.approx(value)} == measured(ROWS, f"-a ms={aggregate}")

    def test_several(self) -> None:
        """Paths may be globs and several; what two options ask for is given once."""
        assert {"ms.max": 4, "ms.sum": 6.5, "q.in.max": 6} == measured(
            ROWS, "-a ms,q.*=max -a m?=sum,max"
        )

    def test_last_is_the_default(self) -> None:
        """Without an aggregate every path gives its last number, under its own name."""
        assert {"ms": 1.5, "q.in": 6, "other": 1} == measured(ROWS)

    @pytest.mark.parametrize(
        "options",
        [
            *(
                "-a ms",
                "-a ms=",
                "-a =sum",
                "-a ms=,",
                "-a ,=sum",
                "-c ms=,",
                "-a ms=mode",
                "-a ms=p101",
                "-r ms",
                "-c ms",
                "-w ms",
            ),
            *("--lists by:", "--lists all", "-i '/(/'", "-i '/(?:x{999}){999}/'"),
        ],
    )
    def test_unusable(self, options: str) -> None:
        """An option that makes no sense is refused at once."""
        with pytest.raises(ConfigurationError, match="Nothing was read or sent"):
            JsonLinesParser(option_string=options)

    def test_exact(self) -> None:
        """Sums do not depend on the order, and integers keep every digit."""
        text = '{"a": 1e100}\n{"a": 1}\n{"a": -1e100}\n{"b": 18446744073709551617}\n{"b": 1}\n'

        assert {"a.sum": 1, "b.sum": 2**64 + 2} == measured(text, "-a a,b=sum")

    @pytest.mark.parametrize("text", ["1e300", "-1e999", "NaN", "-Infinity", "9" * 400])
    def test_beyond(self, text: str) -> None:
        """What is beyond every measurement is no number, and harms no other."""
        assert {"a.sum": 5} == measured(f'{{"a": {text}}}\n{{"a": 5}}\n', "-a a=sum")


class TestSelection:
    @pytest.mark.parametrize(
        ("options", "names"),
        [
            ("-i ms", {"ms"}),
            ("-i '/^q[.]/'", {"q.in"}),
            ("-x 'q.*'", {"ms", "other"}),
            ("-i '*i*' -x q.in", set()),
            ("-r q=queue -r ms=time", {"time", "queue.in", "other"}),
            ("-k / -i q/in", {"q/in"}),
        ],
    )
    def test_paths(self, options: str, names: set[str]) -> None:
        """Paths are chosen and named by globs, regular expressions and whole keys."""
        assert names == set(measured(ROWS, options))

    @pytest.mark.parametrize(
        ("where", "total"),
        [
            ("ms>1", 5.5),
            ("ms>=1.5", 5.5),
            ("ms<2", 2.5),
            ("ms<=1", 1),
            ("ms=4", 4),
            ("ms!=4", 2.5),
            ("q.in=2", 1),
            ("ms~1*", 2.5),
            ("other=true", None),
        ],
    )
    def test_where(self, where: str, total: float | None) -> None:
        """Objects that do not meet a condition are passed over."""
        found = measured(ROWS, f"-a ms=sum -w '{where}'")

        assert total == found.get("ms.sum")

    @pytest.mark.parametrize(
        ("where", "times"),
        [
            ("t>2", [3, 10, 120]),
            ("t<=3", [0.5, 3]),
            ("t=3", [3]),
            ("t!=3.0", [0.5, 10, 120]),
            ("id=12345678901234567890", [3]),
            ("day>=2026-11", [120]),
        ],
    )
    def test_where_of_quoted_numbers(self, where: str, times: list[float]) -> None:
        """Quoted numbers are compared as numbers, exactly, and other texts as text."""
        text = (
            '{"t": "0.500", "day": "2026-09-30"}\n'
            '{"t": "3.000", "id": "12345678901234567890"}\n'
            '{"t": "10.000", "id": "12345678901234567891"}\n'
            '{"t": "120.000", "day": "2026-11-21"}\n'
        )
        found = measured(text, f"--numeric-strings -a t=count,sum -w '{where}'")

        assert {"t.count": len(times), "t.sum": sum(times)} == found

    def test_where_is_no_mismatch(self) -> None:
        """A line that a condition leaves out is ignored, not misunderstood."""
        assert Tally(2, 2, 0) == JsonLinesParser(option_string="-w 'q.in>0'").feed(ROWS.encode())

    def test_runaway_expression(self) -> None:
        """A regular expression of the user that runs away on keys ends, and does not match."""
        parser = JsonLinesParser(option_string="-i '/^(a|aa)+$/'")
        begin = time.process_time()
        fed(parser, "".join(f'{{"{"a" * 60}b{number}": 1}}\n' for number in range(300)))

        assert time.process_time() - begin < 5
        assert len(figures(parser)) == 1


class TestValues:
    def test_count(self) -> None:
        """The values named are counted, zeros included; all others as one."""
        text = '{"l": "A"}\n{"l": "evil\\n1"}\n{"l": 7}\n{"l": null}\n{}\n'

        assert {"l.A": 1, "l.7": 1, "l.B": 0, "l.other": 1} == measured(text, "-c l=A,B,7")

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ("", {"a.0": 1, "a.1.n": 2}),
            ("--lists length", {"a": 2}),
            ("--lists skip", {}),
            ("--lists by:id", {"a.x.n": 2}),
        ],
    )
    def test_lists(self, options: str, found: dict[str, float]) -> None:
        """The items of a list go by number or by one of their fields, or not at all."""
        assert found == measured('{"a": [1, {"id": "x", "n": 2}]}\n', options)

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ("", {}),
            ("--numeric-strings", {"a": 7, "b": 1.5}),
            ("--units", {"a": 7, "b": 1.5, "c": 0.25, "d": 2048}),
        ],
    )
    def test_text(self, options: str, found: dict[str, float]) -> None:
        """Text is a number only if asked for."""
        text = '{"a": "7", "b": "1.5", "c": "250 ms", "d": "2KiB", "e": "x", "f": "1e400"}\n'

        assert found == measured(text, options)

    @pytest.mark.parametrize("text", ["--5", "+-5", "++5", "-", "1e308", "9" * 41, "1e300h", "٣"])
    @pytest.mark.parametrize("options", ["--numeric-strings", "--units"])
    def test_no_number(self, text: str, options: str) -> None:
        """A text that only looks like a number is none, and harms no other."""
        lines = json.dumps({"a": text, "b": 1}) + "\n"

        assert {"b.sum": 3} == measured(lines * 3, f"{options} -a '*=sum'")

    @given(st.text("0123456789+-.eE", max_size=9))
    @settings(deadline=None)
    def test_units_take_nothing_away(self, text: str) -> None:
        """What is a number without units is the same with them."""
        line = json.dumps({"a": text}) + "\n"
        plain = measured(line, "--numeric-strings")

        assert plain.items() <= measured(line, "--numeric-strings --units").items()

    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from(["a", "b", "log", "k" * MAX_PATH, "k" * (MAX_PATH + 1)]),
                st.recursive(
                    st.none()
                    | st.booleans()
                    | st.integers(-(10**300), 10**300)
                    | st.floats()
                    | st.text("0123456789+-.e kmsµ%٣²", max_size=45)
                    | st.text(max_size=3),
                    lambda inner: (
                        st.lists(inner, max_size=3)
                        | st.dictionaries(st.sampled_from("ab"), inner, max_size=3)
                    ),
                    max_leaves=6,
                ),
                max_size=4,
            ),
            max_size=4,
        ),
        st.sampled_from(
            [
                "--numeric-strings",
                "--units -a '*=sum,count,avg,min,max,median,p95,delta,rate,last'",
                "-g a --units -a '*=p99,delta,sum' --max-groups 0",
                "-c '*=5,x' --numeric-strings -w 'a>5' --lists length",
                "-w 'a~*5*' --lists by:a --units --max-metrics 1",
                "--unwrap a --units --lists skip --time-key a",
                "--multiline --units --time-key b",
                "-k _ -g b -c '*=1' -r a=b -i '/a+/' --units",
            ]
        ),
        st.sampled_from([None, 1]),
    )
    @settings(deadline=None, max_examples=300)
    def test_anything(self, rows: list[Any], options: str, indent: int | None) -> None:
        """Whatever a log holds, each line counts once, and every figure is a number."""
        text = "".join(json.dumps(row, indent=indent, ensure_ascii=False) + "\n" for row in rows)
        block = text.encode("utf-8", "surrogatepass")
        whole, singly = (JsonLinesParser(option_string=options) for _ in range(2))
        tally = whole.feed(block)
        singly_tally = [singly.feed(line) for line in block.splitlines(keepends=True)]
        for line in block.splitlines(keepends=True):
            whole.time_of(line.decode("utf-8", "surrogatepass"))

        assert block.count(b"\n") == sum(tally)
        assert tally == Tally(*map(sum, zip((0, 0, 0), *singly_tally, strict=True)))
        assert all(number(each.value) is not None for each in metrics(whole))
        assert metrics(whole) == metrics(singly)

    def test_mixed(self) -> None:
        """A key may hold another type on every line."""
        text = '{"a": 1}\n{"a": "x"}\n{"a": null}\n{"a": 2.5}\n{"a": {"b": 1}}\n{"a": true}\n'

        assert {"a.sum": 4.5, "a.b.sum": 1} == measured(text, "-a '*=sum'")

    def test_duplicate_keys(self) -> None:
        """Of two equal keys the last counts, as in JSON everywhere."""
        assert {"a": 2} == measured('{"a": 1, "a": 2}\n')

    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from("abc"),
                st.one_of(st.integers(-(2**70), 2**70), st.floats(-1e6, 1e6), st.text(), st.none()),
            )
        )
    )
    @settings(deadline=None)
    def test_against_a_loop(self, rows: list[dict[str, Any]]) -> None:
        """Columns give what a plain loop over the objects gives."""
        text = "".join(json.dumps(row) + "\n" for row in rows)
        items = [item for row in rows for item in row.items()]
        expected = {key: value for key, value in items if isinstance(value, int | float)}

        assert expected == measured(text)


class TestLines:
    @pytest.mark.parametrize(
        "line",
        [
            'Nov 21 06:21:32 web shop[9]: @cee: {"a": 1}',
            '<14>1 2026-11-21T06:21:32Z web shop 9 - - {"a": 1}',
            '2026-11-21T06:21:32Z stdout F {"a": 1}',
            '<14>Nov 21 06:21:32 web shop: INFO {"a": 1}',
            '<14>1 - web shop 9 ID4 [x@1 k="\\]"][y] {"a": 1}',
            '2026-11-21T06:21:32.5+01:00 web shop[9]: {"a": 1}',
            '2026-11-21 06:21:32,502 - shop.orders - INFO - {"a": 1}',
            '[21/Nov/2026:06:21:32 +0000] [main] {"a": 1}',
            'INFO:shop.orders:{"a": 1}',
            '06:21:32.502 [main] INFO  com.example.Shop -- {"a": 1}',
            '2026-11-21 06:21:32.502  INFO 812 --- [main] c.e.Shop   : {"a": 1}',
            '[WARN ] {"a": 1}',
            'web-1  | 1795242092.502 error: {"a": 1}',
            '{"log": "{\\"a\\": 1}\\n", "stream": "stdout", "time": "x"}',
            '[{"a": 1}]',
            '\ufeff{"a": 1}',
            ' {"a": 1} \r',
        ],
    )
    def test_forms(self, line: str) -> None:
        """The object is found after a prefix, in an array and within docker's."""
        assert {"a": 1} == measured(line + "\n")

    @pytest.mark.parametrize(
        "line",
        [
            'shop: user {"a": 9} said {"a": 1}',
            'shop: user {"a": 9, "x": {"a": 1}',
            '{"a": 9} {"a": 1}',
            '{"log": "{\\"a\\": 9", "stream": "stdout"}',
            "x" * 2000 + '{"a": 9}',
            'login failed for user {"a": 9}',
            'Nov 21 06:21:32 web shop[9]: login failed for {"a": 9}',
            '2026-11-21 06:21:32,502 ERROR login failed for {"a": 9}',
            '192.0.2.1 - - [x] "GET /{"a": 9}',
        ],
    )
    def test_prefix_forges_nothing(self, line: str) -> None:
        """A brace, or words, in what stands before the object make the line unreadable."""
        assert {"a": 1} == measured(f'{{"a": 1}}\n{line}\n')

    @pytest.mark.parametrize("also", ['"time": "x"', '"stream": "x"', '"stream": ["stdout"]'])
    def test_not_of_docker(self, also: str) -> None:
        """The text of an object is JSON where docker says so, not where an application logs it."""
        assert {} == measured(f'{{"log": "{{\\"a\\": 9}}", {also}}}\n')

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (r"\x22\xC3\xff", '"\xc3\xff'),
            (r"\\x22", r"\x22"),
            (r"\\\x22", '\\"'),
            (r"\v\t", "\v\t"),
        ],
    )
    def test_escapes_of_servers(self, text: str, value: str) -> None:
        """A byte as Apache and nginx escape it in any text costs no request, and ends no text."""
        line = rf'{{"agent": "\x20{text}", "a": 1}}'

        assert {"agent": f" {value}", "a": 1} == decode(line.encode())
        assert {"a": 1} == measured(f"{line}\n")

    @pytest.mark.parametrize("line", [r'{"a": \x39}', r'{"a": "\x2"}', r'{"b": "\\", "a": \x39}'])
    def test_no_escape(self, line: str) -> None:
        """Outside of texts, or cut short, they are nothing."""
        assert {} == measured(f"{line}\n")

    def test_unwrap(self) -> None:
        """The JSON in the text at a key may be asked for."""
        text = '{"MESSAGE": "{\\"a\\": 1}", "b": 2}\n{"MESSAGE": "plain"}\n'

        assert {"a": 1} == measured(text, "--unwrap MESSAGE")

    def test_strings_forge_nothing(self) -> None:
        """JSON within a text is text."""
        assert {"a": 1} == measured('{"agent": "\\", \\"a\\": 9, \\"", "a": 1}\n')

    def test_multiline(self) -> None:
        """An indented object may go on in the next block, and in the next run."""
        first = JsonLinesParser(option_string="--multiline")
        first.feed(b'{\n "a": 1\n}\n{\n "a":\n')
        assert figures(first)["a"] == 1

        second = JsonLinesParser(option_string="--multiline")
        second.memory = first.memory
        assert Tally(0, 0, 1) == second.feed(b"}\n")
        third = JsonLinesParser(option_string="--multiline")
        third.memory = first.memory

        assert Tally(1, 1, 0) == third.feed(b" 2\n}\n")
        assert figures(third)["a"] == 2

    @pytest.mark.parametrize(
        ("text", "tally", "found"),
        [
            ('{\n "a": 7,\n garbage\n{"a":9}\n{"a":1}\n', Tally(1, 3, 1), {"a.sum": 10}),
            ('{\n "a": 7,\n{\n "a": 2\n}\n{"a":1}\n', Tally(2, 3, 1), {"a.sum": 3}),
            ('{\n "a": 7\n[\n{"a": 1},\n{"a": 2}\n]\n', Tally(1, 4, 1), {"a.sum": 3}),
            ('[\n{"a": 1},\ngarbage\n{"a": 2}\n', Tally(0, 3, 1), {"a.sum": 2}),
            ("{\n{ garbage\n", Tally(0, 1, 1), {}),
            ("{\n[]\n{}\n", Tally(1, 1, 1), {}),
        ],
    )
    def test_multiline_broken_off(self, text: str, tally: Tally, found: dict[str, float]) -> None:
        """An object that another one breaks off is lost alone, and one line of it is unmatched."""
        whole, singly = (JsonLinesParser(option_string="--multiline -a a=sum") for _ in range(2))
        lines = [singly.feed(line + b"\n") for line in text.encode().split(b"\n")[:-1]]

        assert tally == whole.feed(text.encode())
        assert tally == Tally(*map(sum, zip(*lines, strict=True)))
        assert found.items() == figures(whole).items() - {
            ("json_records", figures(whole)["json_records"])
        }
        assert figures(whole) == figures(singly)

    def test_multiline_bounded(self) -> None:
        """An object that never ends does not take memory without bound, nor much time."""
        parser = JsonLinesParser(option_string="--multiline")
        begin = time.process_time()
        tally = parser.feed(b"{\n" + b"x\n" * 500_000)

        assert time.process_time() - begin < 5
        assert sum(tally) == 500_001
        assert tally.unmatched > 0

    @pytest.mark.parametrize("value", ["1795242092", "1795242092000", '"2026-11-21T06:21:32Z"'])
    def test_time(self, value: str) -> None:
        """The time of a line is that at the path given."""
        parser = JsonLinesParser(option_string="--time-key t.at")

        assert parser.time_of(f'{{"t": {{"at": {value}}}}}\n') == 1795242092
        assert parser.time_of("oops\n") is None
        assert JsonLinesParser().time_of('{"t": 1}') is None


class TestGroups:
    def test_groups(self) -> None:
        """Objects are measured apart by the value at a path; without one they are none."""
        text = '{"to": "a", "n": 1}\n{"to": 7, "n": 2}\n{"n": 3}\n'

        assert {"a.n.sum": 1, "7.n.sum": 2, "none.n.sum": 3} == measured(text, "-g to -a n=sum")

    def test_bounded(self) -> None:
        """Groups beyond the bound count as one, however many a stranger makes."""
        text = "".join(f'{{"to": "x{number}", "n": 1}}\n' for number in range(500))
        found = measured(text, "-g to -a n=sum --max-groups 5")

        assert len(found) == 6
        assert found["other.n.sum"] == 495

    def test_length(self) -> None:
        """A value of any length gives a name of bounded length."""
        (name,) = measured(f'{{"to": "{"x" * 9999}", "n": 1}}\n', "-g to -i n")

        assert len(name) < 100

    @pytest.mark.parametrize(
        ("text", "group"),
        [
            ("", "_"),
            (" \\n", "__"),
            ("a|b:1|c", "a_b_1_c"),
            ("10.0.0.1", "10_0_0_1"),
            ("é-1", "é-1"),
        ],
    )
    def test_name(self, text: str, group: str) -> None:
        """A value becomes one key of a name, without anything that a backend may mistake."""
        assert {f"{group}.n": 1} == measured(f'{{"to": "{text}", "n": 1}}\n', "-g to -i n")

    def test_other_follows_no_counter(self) -> None:
        """The counters of many groups, mixed, are no counter."""
        text = '{"to": "b", "n": 1}\n{"to": "cc", "n": 9}\n{"to": "dd", "n": 3}\n' * 2
        found = measured(text, "-g to -a n=delta,rate,sum --max-groups 1")

        assert {"b.n.delta": 0, "b.n.rate": 0, "b.n.sum": 2, "other.n.sum": 24} == found

    @given(
        st.lists(
            st.fixed_dictionaries(
                {"to": st.sampled_from(["a", "b", "cc", "other", "", 7, None])},
                optional=dict.fromkeys(
                    ("n", "m", "a b", "long", "a_b", "m.x", "m_x", "n.sum", "json_records"),
                    st.integers(0, 9) | st.sampled_from(["x", "y"]),
                ),
            )
        ),
        st.integers(0, 20),
        st.sampled_from(
            [
                "",
                "-g to",
                "-a n,long=sum,delta,last -a '*=max,p50' -c m=x,2",
                "-c m=x,y -r n=long",
                "-k _ -g to -c 'm*=x,y'",
                "-g to -a '*=last,delta,min' -c m=x",
            ]
        ),
        st.sampled_from(["1", "3", "7", "100"]),
    )
    @settings(deadline=None, max_examples=300)
    def test_parts(self, rows: list[dict[str, Any]], at: int, options: str, room: str) -> None:
        """However a log is split, the same metrics are kept, and the same numbers are dropped."""
        options += f" --max-groups 2 --max-metrics {room}"
        lines = [json.dumps(row).encode() + b"\n" for row in rows]

        def made(*blocks: bytes) -> JsonLinesParser:
            parser = JsonLinesParser(option_string=options)
            for block in blocks:
                parser.feed(block)
            return parser

        first = made(b"".join(lines[:at]))
        first.merge(made(b"".join(lines[at:])))
        whole = made(b"".join(lines))

        assert metrics(whole) == metrics(first) == metrics(made(*lines))
        assert whole.memory == first.memory or not whole.memory

    def test_memory_of_parts(self) -> None:
        """What the next run must know is the same, too, whatever kind a key had at first."""
        lines = '{"long": "x", "n": 0}\n', '{"long": 0, "n": 0}\n'
        first, second, whole = (
            fed(JsonLinesParser(option_string="-a '*=delta' --max-metrics 2"), text)
            for text in (*lines, "".join(lines))
        )
        first.merge(second)

        assert metrics(whole) == metrics(first)
        assert whole.memory == first.memory


class TestNames:
    @pytest.mark.parametrize(
        "key", ["a b", "a|b:1|c", "a\\nb", "a\\u0000", "\\u2028", "", "a;b=c,d", "\\ud83d"]
    )
    def test_keys(self, key: str) -> None:
        """A key can be no more than a part of a name, and that it always is."""
        (name,) = measured(f'{{"x": {{"{key}": 1}}}}\n')

        assert name.startswith("x.")
        assert name[2:].isprintable()
        assert name[2:]
        assert not set(name) & set(" |:;=,")

    def test_alike(self) -> None:
        """Keys that make one name are one, in the order of the log."""
        assert {"a_b": 3} == measured('{"a b": 1, "a_b": 2}\n{"a:b": 3}\n')
        assert {"a_b.sum": 6} == measured('{"a b": 1, "a_b": 2}\n{"a:b": 3}\n', "-a '*=sum'")

    def test_chosen_by_key(self) -> None:
        """Options name a path as the log does; what they rename it to is cleaned."""
        assert {"c_d": 1} == measured('{"a b": 1, "a_b": 2}\n', "-i 'a b' -r 'a b=c d'")

    def test_counted_values(self) -> None:
        """So is a value that is counted."""
        assert {"m.not_found": 1} == measured('{"m": "not found"}\n', "-c 'm=not found'")

    def test_of_1x(self) -> None:
        """Names of 1.x stay, but that no control character gets into one."""
        text = '{"a b|c:d": 1, "x\\ny\\u0000": 2, "": 3, "\\u2028": {"": 4}}'

        assert {"a b|c:d": 1, "x_y_": 2, "_": 3, "_.": 4} == figures(fed(JsonLogster(), text))


#: Keys that imitate what stands beside them in the names of a parser.
KEYS = (
    "json_records", "json-records", "json.records.total", "json_keys_dropped", "json", "records",
    "level", "level.ERROR", "level_ERROR_total", "level.other", "ERROR", "other", "ms", "ms.max",
    "max", "time", "a", "b", "",
)  # fmt: skip


class TestForging:
    @pytest.mark.parametrize(
        ("options", "line", "truth"),
        [
            ("", '{"json_records": 9, "json_keys_dropped": 9}', {"json_keys_dropped": 2}),
            ("", '{"json-records": 9, "json.records.total": 9}', {"json_keys_dropped": 2}),
            ("-k _", '{"json": {"records": 9, "keys": {"dropped": 9}}}', {"json_keys_dropped": 2}),
            ("-c level=ERROR,INFO", '{"level": {"ERROR": 9}}', {"json_keys_dropped": 1}),
            ("-c 'lev?el=ERROR'", '{"lev:el": {"ERROR": 9}}', {"json_keys_dropped": 1}),
            ("-c '/^level$/=ERROR'", '{"level.ERROR": 9}', {"json_keys_dropped": 1}),
            ("-c level=ERROR", '{"level_ERROR": 9, "level.other": 9}', {"json_keys_dropped": 2}),
            (
                "-c level=ERROR",
                '{"level": "INFO", "level.ERROR": 9}',
                {"level.ERROR": 0, "level.other": 1, "json_keys_dropped": 1},
            ),
            (
                "-c level=ERROR -r level=at",
                '{"at.ERROR": 9, "at.2": 9, "ms": 1}',
                {"json_keys_dropped": 2, "ms": 1},
            ),
            ("-c '*=E' -r l=at", '{"l": "E", "at": "E"}', {
                "at.E": 1, "json_keys_dropped": 1
            }),
            ("-c 'l*=E' -r level=at", '{"at.E": 9}', {"json_keys_dropped": 1}),
            ("-r ms=time", '{"ms": 1, "time": 9}', {"time": 1, "json_keys_dropped": 1}),
            ("-r ms=time -r time=time", '{"ms": 1, "time": 9}', {"time": 9}),
            ("-r a.b=a", '{"a": {"b": {"n": 1}, "c": 2}}', {"a.n": 1, "a.c": 2}),
            (
                "-a ms,status=max -c status=max",
                '{"ms": 1, "status": 9}',
                {"ms.max": 1, "status.max": 0, "status.other": 1, "json_keys_dropped": 1},
            ),
            ("-a 'a b=max,sum' -a '*=sum'", '{"a b": 1, "a_b": 9, "a:b": 9}', {
                "a_b.sum": 1, "a_b.max": 1, "json_keys_dropped": 2
            }),
            ("-g to", '{"to": "a", "json_records": 9, "n": 1}', {
                "a.n": 1, "json_keys_dropped": 1
            }),
            ("-g to", '{"to": "json", "records": {"total": 9}}', {"json_keys_dropped": 1}),
            ("-k _ -g to", '{"to": "a_b", "n": 9}', {"a-b_n": 9}),
            ("-k _ -g to", '{"to": "json", "records": 9}', {"json_keys_dropped": 1}),
            ("-k _ -g to -c keys=dropped", '{"to": "json", "keys": "x"}', {"json_keys_dropped": 1}),
            ("-c 'm=a b,a_b'", '{"m": "a b"}\n{"m": "a_b"}', {"m.a_b": 2}),
        ],
    )  # fmt: skip
    def test_keys(self, options: str, line: str, truth: dict[str, float]) -> None:
        """A key gets no name that is taken; the number there is dropped, and counted."""
        assert truth == measured(line + "\n", options)

    @pytest.mark.parametrize("options", ["--max-groups -1", "--max-metrics -5"])
    def test_bounds_below_zero(self, options: str) -> None:
        """There is no bound below 0."""
        with pytest.raises(ConfigurationError, match="takes a whole number of at least 0"):
            JsonLinesParser(option_string=options)

    @pytest.mark.parametrize("options", ["-k ''", "-r ms=json_records", "-r ms=json:records"])
    def test_unusable(self, options: str) -> None:
        """An option that would make one name of two is refused."""
        with pytest.raises(ConfigurationError, match="Nothing was read or sent"):
            JsonLinesParser(option_string=options)

    @pytest.mark.parametrize(
        ("options", "text", "truth"),
        [
            ("", '{"q": {"ms": 5}}\n{"q": {"ms": 5}, "q-ms": 9, "q_ms": 9}', {"q.ms": 5}),
            ("", '{"b_s": 5}\n{"b_s": 6, "b": {"s": 9}}', {"b_s": 6}),
            ("-g to -a n=max", '{"to": "a_b", "n": 1}\n' * 2 + '{"to": "a-b", "n": 9}', {
                "a_b.n.max": 1
            }),
        ],
    )  # fmt: skip
    def test_alike(self, options: str, text: str, truth: dict[str, float]) -> None:
        """Of keys that some output writes alike the one with most numbers stays."""
        found = measured(text + "\n", options)
        lost = text.count("9")

        assert truth | {"json_keys_dropped": lost} == found

    def test_sums_alike(self) -> None:
        """Sums and counts stay apart: such an output adds them up."""
        assert {"q-ms.sum": 1, "q.ms.sum": 5} == (
            measured('{"q-ms": 1, "q": {"ms": 5}}\n', "-a '*=sum'")
        )

    @given(
        st.lists(
            st.recursive(
                st.integers(2, 9) | st.sampled_from(["ERROR", "INFO", "json", "a_b"]),
                lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
            ),
            min_size=1,
        ),
        st.sampled_from(
            [
                "",
                "-c level=ERROR,INFO",
                "-c '*=ERROR' -c '/^m/=other' -r a=time",
                "-a ms,level=max,sum -a '*=last' -c level=max,ERROR",
                "-g a -c '*=ERROR,records'",
                "-k _ -g a -a '*=max' -c '*=ERROR,records'",
            ]
        ),
        st.integers(0, 5),
    )
    @settings(deadline=None, max_examples=300)
    def test_names_differ(self, rows: list[Any], options: str, at: int) -> None:
        """No two metrics have one name, and the number of objects is the true one."""
        rows = [row if isinstance(row, dict) else {"x": row} for row in rows]
        lines = [json.dumps(row) + "\n" for row in rows]
        parser, first, second = (
            fed(JsonLinesParser(option_string=options), "".join(part))
            for part in (lines, lines[:at], lines[at:])
        )
        first.merge(second)
        found = metrics(parser)
        names = [alike(metric.name, metric.kind) for metric in found]

        assert len(names) == len(set(names))
        assert found == metrics(first)
        assert [len(rows)] == [each.value for each in found if each.name == "json_records"]

    def test_flood(self) -> None:
        """Keys that need be looked at again in each line cost little, whatever is counted."""
        text = "".join(f'{{"{number}a.ERROR": 1}}\n' for number in range(30_000))
        begin = time.process_time()
        found = measured(text, "-c '*a*a*a*=ERROR,WARNING,INFO' -c level=ERROR --max-metrics 5")

        assert time.process_time() - begin < 5
        assert found["json_keys_dropped"] == 30_000 - 5


class TestBounds:
    def test_descending_keys(self) -> None:
        """Keys each of which takes the place of another cost little, whatever the room."""
        keys = ",".join(f'"k{999_999 - number}": 1' for number in range(30_000))
        begin = time.process_time()
        found = measured(f"{{{keys}}}\n", "--max-metrics 5000")

        assert time.process_time() - begin < 3
        assert found["json_keys_dropped"] == 25_000

    def test_memory(self) -> None:
        """Percentiles of continuous values of twenty groups take a bounded amount of memory."""
        rows = (
            f'{{"to": {number % 20}, "ms": {number / 7}, "up": {1e9 / (number + 1)}}}\n'
            for number in range(200_000)
        )
        parser = JsonLinesParser(option_string="-g to -a ms=p50,p99")
        blocks = ["".join(itertools.islice(rows, 5000)).encode() for _ in range(40)]
        tracemalloc.start()
        try:
            for block in blocks:
                parser.feed(block)
            assert tracemalloc.get_traced_memory()[1] < 20 << 20
        finally:
            tracemalloc.stop()

    def test_keys(self) -> None:
        """Keys beyond the bound are dropped, and counted; those known go on."""
        text = '{"a": 1}\n' + "".join(f'{{"k{number}": 1, "a": 2}}\n' for number in range(500))
        found = measured(text, "--max-metrics 10")

        assert len(found) == 11
        assert (found["a"], found["json_keys_dropped"]) == (2, 491)

    def test_keys_flood(self) -> None:
        """A flood of keys leaves no room for none but itself: paths asked for are measured."""
        keys = ",".join(f'"k{number}": 1' for number in range(30_000))
        found = measured(f'{{{keys}}}\n{{"a": 1}}\n', "-a a=sum --max-metrics 1")

        assert {"a.sum": 1} == found

    @pytest.mark.parametrize(
        ("options", "line", "lost"),
        [
            ("", {"a": {"b" * MAX_PATH: 2}}, 1),
            ("", {"b" * (MAX_PATH + 1): {"c": [1, True, None, "5", {"d": 1.5}]}}, 3),
            ("--numeric-strings", {"b" * (MAX_PATH + 1): ["5", "x"]}, 1),
            ("-a c=sum", {"b" * (MAX_PATH + 1): 1}, 0),
            ("-x 'b*'", {"b" * (MAX_PATH + 1): 1}, 0),
        ],
    )
    def test_long_paths(self, options: str, line: dict[str, Any], lost: int) -> None:
        """Numbers whose path is too long are dropped, and counted if they were asked for."""
        found = measured(json.dumps(line | {"c": 1}) + "\n", options)

        assert lost == found.pop("json_keys_dropped", 0)
        assert {"c.sum" if "sum" in options else "c": 1} == found

    @pytest.mark.parametrize("size", [1, 400, 15_000])
    def test_memory_of_keys(self, size: int) -> None:
        """Ever new keys, of any length, take a bounded amount of memory."""
        parser = JsonLinesParser()
        rows = (f'{{"{each}{"é" * size}": 1}}\n' for each in range(30_000_000 // (size + 600)))
        tracemalloc.start()
        try:
            while block := "".join(itertools.islice(rows, 40)).encode():
                parser.feed(block)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert peak < 32 << 20

    @pytest.mark.parametrize("depth", [40, 900, 50_000])
    def test_depth(self, depth: int) -> None:
        """What is nested too deep is passed over."""
        line = '{"top": 1, "deep": ' + "[" * depth + "1" + "]" * depth + "}\n"
        found = measured(line + '{"top": 2}\n')

        assert found.pop("json_keys_dropped", 0) == (depth < 1000)
        assert {"top": 2} == found

    def test_flood_is_cheap(self) -> None:
        """A megabyte of lines that all have other keys costs seconds, not minutes."""
        text = "".join(f'{{"{number}a": 1, "{number}b": {{"c": 2}}}}\n' for number in range(30_000))
        begin = time.process_time()
        measured(text)

        assert time.process_time() - begin < 5


class TestMemory:
    def test_delta(self) -> None:
        """A counter is followed from run to run; when it starts again, from nought."""
        first = JsonLinesParser(option_string="-a n=delta,rate")
        assert {"n.delta": 5, "n.rate": 5 / 60} == {
            key: value
            for key, value in figures(fed(first, '{"n": 10}\n{"n": 15}\n')).items()
            if key != "json_records"
        }
        second = JsonLinesParser(option_string="-a n=delta,rate")
        second.memory = json.loads(json.dumps(first.memory))
        fed(second, '{"n": 18}\n{"n": 4}\n')

        assert figures(second)["n.delta"] == 7
        assert figures(second)["n.delta"] == 7

    def test_nothing_new(self) -> None:
        """A run without lines keeps what it knew."""
        parser = JsonLinesParser(option_string="-a n=delta")
        parser.memory = {"last": [["", "n", 15]]}
        figures(parser)

        assert {"last": [["", "n", 15]]} == parser.memory

    def test_nothing_to_keep(self) -> None:
        """Without a counter nothing is kept."""
        parser = JsonLinesParser()
        measured(ROWS)

        assert parser.memory is None


def test_truth() -> None:
    """The totals of a whole real log are those that jq finds."""
    log = gzip.decompress(read(f"{ROOT}/fixtures/whole/nginx-json.log.gz"))
    program = """
        reduce inputs as $line ({}; .lines += 1 | .bytes += $line.body_bytes
        | .time += $line.request_time | ."\\($line.status)" += 1)
    """
    run = subprocess.run([need("jq"), "-nc", program], input=log, capture_output=True, check=True)
    truth = json.loads(run.stdout)
    parser = JsonLinesParser(
        option_string="-a body_bytes,request_time=sum -c status=200,301,404,405,400"
    )
    tally = parser.feed(log)
    found = figures(parser)

    assert Tally(truth["lines"], 0, 0) == tally
    assert truth["bytes"] == found["body_bytes.sum"]
    assert truth["time"] == pytest.approx(found["request_time.sum"], rel=1e-12)
    for status in ("200", "301", "404"):
        assert truth[status] == found[f"status.{status}"]

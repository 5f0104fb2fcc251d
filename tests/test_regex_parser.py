"""Parsers that are a pattern and a few accumulators."""

import statistics
import time
import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import by_line, fed, figures, metrics

from logster import accumulators
from logster.conformance import problems
from logster.errors import ConfigurationError
from logster.metrics import MetricInfo
from logster.parser import Tally
from logster.regex_parser import (
    Accumulator,
    Average,
    Count,
    Distinct,
    Gauge,
    Percentiles,
    Rate,
    RegexParser,
    Sum,
)


class ShopParser(RegexParser):
    """Count the orders of my shop."""

    pattern = r"(?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d{3}) (?P<ms>[\d.]+)"
    metrics = (
        Count("orders"),
        Count("status", by="status"),
        Rate("rate"),
        Sum("total", "ms"),
        Sum("by", "ms", by="method"),
        Average("ms_avg", "ms"),
        Gauge("last", "ms"),
        Gauge("last_of", "ms", by="status"),
        Percentiles("ms", (50, 99.9)),
        Percentiles("time", (50,), "ms", by="method"),
        Distinct("paths", "path", help="Different paths."),
    )
    ignore = r"^#"


LOG = b"GET /a 200 1\nPUT /a 200 3.5\n# nothing\n\noops\nGET /b 404 2\n"


class TestRegexParser:
    def test_figures(self) -> None:
        """A pattern and accumulators are all that a parser needs."""
        parser = ShopParser()

        assert Tally(3, 2, 1) == parser.feed(LOG)
        assert {
            "orders": 3,
            "status_200": 2,
            "status_404": 1,
            "rate": 0.05,
            "total": 6.5,
            "by_GET": 3,
            "by_PUT": 3.5,
            "ms_avg": 6.5 / 3,
            "last": 2,
            "last_of_200": 3.5,
            "last_of_404": 2,
            "ms_p50": 2,
            "ms_p99_9": pytest.approx(3.497),
            "time_GET_p50": 1.5,
            "time_PUT_p50": 3.5,
            "paths": 2,
        } == figures(parser)

    def test_nothing(self) -> None:
        """Without a match counts and sums are 0, and there is no mean, gauge or percentile."""
        assert {"orders": 0, "rate": 0, "total": 0, "paths": 0} == figures(ShopParser())

    def test_by_line(self) -> None:
        """Line by line gives the same figures, and skips what does not match."""
        slow, skipped = by_line(ShopParser(), LOG)

        assert metrics(fed(ShopParser(), LOG)) == metrics(slow)
        assert skipped == 1

    @given(st.lists(st.sampled_from(LOG.splitlines(keepends=True))), st.integers(0, 20))
    @settings(deadline=None)
    def test_merge(self, rows: list[bytes], at: int) -> None:
        """Parts that are merged give the figures of the whole."""
        first, second = (
            fed(ShopParser(), b"".join(rows[:at])),
            fed(ShopParser(), b"".join(rows[at:])),
        )
        first.merge(second)

        assert metrics(fed(ShopParser(), b"".join(rows))) == metrics(first)

    @given(
        rows=st.lists(st.sampled_from(LOG.splitlines(keepends=True))),
        cuts=st.sets(st.integers(0, 20)),
        size=st.sampled_from([0, 300, 4 << 20]),
    )
    @settings(deadline=None)
    def test_any_blocks(self, rows: list[bytes], cuts: set[int], size: int) -> None:
        """However a log is cut, and whenever what was counted is measured, figures are equal."""
        parser = ShopParser()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(accumulators, "FOUND_SIZE", size)
            for start, end in pairwise([0, *sorted(cuts), len(rows)]):
                fed(parser, b"".join(rows[start:end]))

        assert metrics(fed(ShopParser(), b"".join(rows))) == metrics(parser)

    def test_figures_again(self) -> None:
        """Figures may be asked for at any time, and change nothing."""
        parser = fed(ShopParser(), LOG)
        first = metrics(parser)

        assert first == metrics(parser)
        assert metrics(fed(ShopParser(), LOG + LOG)) == metrics(fed(parser, LOG))

    def test_last_number(self) -> None:
        """A gauge is the last number, whatever followed that is none."""

        class Own(RegexParser):
            pattern = r"^(?P<to>\w) (?P<n>\S+)"
            metrics = (Gauge("n"), Gauge("of", "n", by="to"))

        text = "a 1\nb 2\na 3\nb -\nc -\n"

        assert {"n": 3, "of_a": 3, "of_b": 2} == figures(fed(Own(), text))

    def test_instances(self) -> None:
        """Two parsers of a class share nothing."""
        fed(ShopParser(), LOG)

        assert figures(ShopParser())["orders"] == 0

    def test_catalogue(self) -> None:
        """The catalogue follows from the accumulators."""
        names = [info.name for info in ShopParser.catalogue()]

        assert ["orders", "status_{status}", "rate", "total", "by_{method}"] == names[:5]
        assert MetricInfo("paths", "", "g", "Different paths.") == ShopParser.catalogue()[-3]
        assert ["runaway_lines", "values_left_out"] == names[-2:]

    def test_help_for_free(self) -> None:
        """Whoever gives no help has one made of what is measured."""
        infos = {info.name: info for info in ShopParser.catalogue()}

        assert all(info.help and info.kind for info in infos.values())
        assert "How many lines match, by status." == infos["status_{status}"].help
        assert "Sum of the numbers of ms." == infos["total"].help
        assert "The last number of ms, by status." == infos["last_of_{status}"].help

    def test_conformance(self) -> None:
        """The ten lines of the README pass the project's own kit."""

        class Shop(RegexParser):
            pattern = r"(?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d{3}) (?P<ms>\d+)"
            metrics = (Count("orders"), Count("status", by="status"), Percentiles("ms", (50, 95)))

        assert [] == problems(Shop, b"GET /cart 200 12\nPOST /order 201 120\n" * 20)

    @pytest.mark.parametrize("metric", [Sum("ms"), Count("x", by="ms"), Gauge("a", "b")])
    def test_missing_group(self, metric: Accumulator[Any]) -> None:
        """A group that the pattern lacks is refused at once."""

        class Own(RegexParser):
            pattern = "(?P<a>x)"
            metrics = (metric,)

        with pytest.raises(ConfigurationError, match="has no group called"):
            Own()

    @pytest.mark.parametrize(
        ("declared", "sentence"),
        [
            ({"metrics": (Count("n"),)}, "The parser Own has no pattern, such as"),
            ({"pattern": "x"}, "The parser Own has no metrics, such as"),
            ({"pattern": "x", "metrics": Count("n")}, "has metrics that are no tuple, such as"),
            ({"pattern": "x", "metrics": 5}, "has metrics that are no tuple, such as"),
            ({"pattern": "x", "metrics": "n"}, "has 'n' among its metrics, which is none"),
            ({"pattern": "x", "metrics": ("n",)}, "has 'n' among its metrics, which is none"),
            ({"pattern": "x", "metrics": (Count,)}, "has Count among its metrics, which is none"),
            ({"pattern": b"x", "metrics": (Count("n"),)}, "The pattern b'x' is no text"),
        ],
    )
    def test_forgotten(self, declared: dict[str, Any], sentence: str) -> None:
        """What is forgotten or mistaken in a parser is said at once, in a sentence."""
        with pytest.raises(ConfigurationError, match=sentence):
            type("Own", (RegexParser,), declared)()

    def test_runaway(self) -> None:
        """A pattern of one's own that would run away does not keep the log from being read."""

        class Rx(RegexParser):
            pattern = r"^(\S+\s?)+ OK$"
            metrics = (Count("n", help="N."),)

        parser = Rx()
        begin = time.process_time()

        assert Tally(1, 0, 1) == parser.feed(b"a" * 30 + b"!\nx OK\n")
        assert time.process_time() - begin < 5
        assert {"n": 1} == figures(parser)

    def test_unlimited(self) -> None:
        """A parser may ask for `re` and no budget."""

        class Own(ShopParser):
            limited = False

        assert metrics(fed(ShopParser(), LOG)) == metrics(fed(Own(), LOG))

    def test_override(self) -> None:
        """A subclass may change a line before it is parsed."""

        class Own(ShopParser):
            def parse_line(self, line: str) -> None:
                super().parse_line(line.replace("DELETE ME ", ""))

        assert figures(fed(Own(), b"GET DELETE ME /a 200 1\n"))["orders"] == 1


class TestBounds:
    def test_labels(self) -> None:
        """Texts beyond the bound count as one, those known go on, names are short."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+) (?P<n>\d+)"
            metrics = (Count("x", by="x"), Sum("n", by="x"))

        text = "a 1\n" + "".join(f"{number:0>90} 1\n" for number in range(1000)) + "a 1\n"
        found = figures(fed(Own(), text))

        assert len(found) <= 2 * (accumulators.MAX_LABELS + 1)
        assert found["x_a"] == 2
        assert sum(map(float, found.values())) == 2004
        assert max(map(len, found)) < 80

    @given(st.lists(st.sampled_from(range(30)), max_size=60), st.integers(0, 60))
    @settings(deadline=None)
    def test_labels_of_parts(self, labels: list[int], at: int) -> None:
        """Which labels stay beyond the bound depends on them alone, not on how a log is split."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+) (?P<n>\d+)"
            metrics = (Count("x", by="x"), Gauge("g", "n", by="x"), Percentiles("n", by="x"))

            def set_up(self, *_: Any) -> None:
                super().set_up(self.pattern, self.metrics, max_labels=5)

        rows = [f"{label} {line}\n" for line, label in enumerate(labels)]
        first, second = fed(Own(), "".join(rows[:at])), fed(Own(), "".join(rows[at:]))
        first.merge(second)
        singly, _ = by_line(Own(), "".join(rows).encode())

        assert metrics(fed(Own(), "".join(rows))) == metrics(first) == metrics(singly)

    @pytest.mark.parametrize("text", ["a|b:1|c", "a\tb", "\x00", "\u2028", "\x1b[31m", "a;b=c,d"])
    def test_label_names(self, text: str) -> None:
        """What a label captured can name no more than a metric."""

        class Own(RegexParser):
            pattern = r"^<(?P<x>.*)>"
            metrics = (Count("x", by="x"),)

        (name,) = figures(fed(Own(), f"<{text}>\n"))

        assert name.isprintable()
        assert not set(name) & set(" |:;=,[")

    @pytest.mark.parametrize("text", ["", ".", "1.2.3", "9" * 400, "..", "٣"])
    def test_no_number(self, text: str) -> None:
        """What is no number is not added, and harms nothing."""

        class Own(RegexParser):
            pattern = r"^<(?P<n>.*)>"
            metrics = (Sum("n"), Percentiles("n", (50,)), Gauge("g", "n"), Average("a", "n"))

        parser = fed(Own(), f"<{text}>\n")
        found = figures(parser)

        assert found.pop("values_left_out", 0) == (text != "")
        assert {"n": 0} == found

    @pytest.mark.parametrize(
        "pair",
        [
            (Sum("n"), Gauge("n")),
            (Count("n"), Count("n")),
            (Count("n", by="x"), Gauge("n", by="x")),
            (Count("n", by="x"), Sum("n_other", "n")),
            (Percentiles("n", (50,)), Count("n_p50")),
            (Count("runaway_lines"),),
        ],
    )
    def test_same_name(self, pair: tuple[Accumulator[Any], ...]) -> None:
        """Two metrics that would have one name are refused at once."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+) (?P<n>\d+)"
            metrics = pair

        with pytest.raises(ConfigurationError, match="would be both that of"):
            Own()

    @given(
        st.lists(
            st.sampled_from(
                [
                    "a",
                    "avg_a",
                    "sum",
                    "a_p50",
                    "p50",
                    "other",
                    "other_p50",
                    "other.",
                    "total",
                    "a.b",
                    "a_b",
                ]
            )
        ),
        st.integers(0, 20),
    )
    @settings(deadline=None)
    def test_no_name_twice(self, labels: list[str], at: int) -> None:
        """No text gives a metric the name of another, in whatever order the lines come."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+) (?P<n>\d+)"
            metrics = (
                Gauge("n", by="x"),
                Average("n_avg", "n", by="x"),
                Percentiles("n", (50,), by="x"),
                Sum("n_sum", "n"),
                Count("n_total"),
            )

        rows = [f"{label} 1\n" for label in labels]
        first, second = fed(Own(), "".join(rows[:at])), fed(Own(), "".join(rows[at:]))
        first.merge(second)
        backwards = fed(Own(), "".join(reversed(rows)))
        names = [metric.name for metric in metrics(first)]

        assert len(names) == len(set(names))
        assert metrics(first) == metrics(backwards)
        assert figures(first)["n_sum"] == figures(first)["n_total"] == len(rows)

    @given(st.lists(st.sampled_from(["a.b", "a-b", "a_b", "a.b.", "c"])), st.integers(0, 20))
    @settings(deadline=None)
    def test_labels_alike(self, labels: list[str], at: int) -> None:
        """Texts that some output writes alike are measured as one, but counts stay apart."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+) (?P<n>\d+)"
            metrics = (
                Gauge("last", "n", by="x"),
                Average("avg", "n", by="x"),
                Percentiles("n", (50,), by="x"),
                Distinct("ns", "n", by="x"),
                Rate("rate", by="x"),
                Sum("n_sum", "n", by="x"),
                Count("x", by="x"),
            )

        rows = [f"{label} {number}\n" for number, label in enumerate(labels)]
        whole = fed(Own(), "".join(rows))
        first, second = fed(Own(), "".join(rows[:at])), fed(Own(), "".join(rows[at:]))
        first.merge(second)
        singly, _ = by_line(Own(), "".join(rows).encode())
        one = [number for number, label in enumerate(labels) if label in {"a.b", "a-b", "a_b"}]
        label = min((labels[number] for number in one), default="")
        found = metrics(whole)

        assert found == metrics(whole) == metrics(first) == metrics(singly)
        assert sum(float(each.value) for each in found if each.name.startswith("x_")) == len(labels)
        assert len([each for each in found if each.kind == "c"]) == 2 * len(
            {label.rstrip(".") for label in labels}
        )
        if one and "a.b." not in labels:
            assert figures(whole)[f"last_{label}"] == one[-1]
            assert figures(whole)[f"avg_{label}"] == sum(one) / len(one)
            assert figures(whole)[f"n_{label}_p50"] == statistics.median(one)
            assert figures(whole)[f"ns_{label}"] == len(one)
            assert figures(whole)[f"rate_{label}"] == len(one) / 60

    def test_unfinished_accumulator(self) -> None:
        """An accumulator of one's own that lacks a part is refused where it is made."""

        class Half(Accumulator[int]):
            def state(self, counts: Counter[str]) -> int:
                return counts.total()

            def joined(self, older: int, newer: int) -> int:
                return older + newer

        with pytest.raises(TypeError, match="figures"):
            Half("lines")  # type: ignore[abstract]

    def test_forged_labels_count_as_other(self) -> None:
        """A text that would forge a name is not lost: it counts as the others do."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+)"
            metrics = (Count("x", by="x"), Distinct("x_distinct", "x"))

        assert {"x_a": 1, "x_other": 3, "x_distinct": 4} == (
            figures(fed(Own(), "distinct\na\ndistinct.\nother\n"))
        )

    def test_distinct(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond the bound distinct texts are estimated, alike however they are split."""
        monkeypatch.setattr(accumulators, "EXACT_DISTINCT", 1000)

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+)"
            metrics = (Distinct("x"),)

        rows = [f"{number}\n" for number in range(20_000)]
        first, second = fed(Own(), "".join(rows[:300])), fed(Own(), "".join(rows[200:]))
        first.merge(second)

        assert figures(fed(Own(), "".join(rows))) == figures(first)
        assert figures(first)["x"] == pytest.approx(20_000, rel=0.1)

    @pytest.mark.parametrize("length", [100, 1000, 50_000])
    def test_memory(self, length: int) -> None:
        """Ever new texts, of any length, take a bounded amount of memory."""

        class Own(RegexParser):
            pattern = r"^(?P<x>\S+) (?P<n>\d+)"
            metrics = (Count("x", by="x"), Sum("n", by="x"), Distinct("x"))

        parser = Own()
        tracemalloc.start()
        try:
            for block in range(60):
                lines = range(100_000 // (length + 3))
                fed(parser, "".join(f"{block:x}-{line:x}{'x' * length} 1\n" for line in lines))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert peak < 24 << 20

    @pytest.mark.parametrize("percents", [50, "50"])
    def test_percents_are_listed(self, percents: Any) -> None:
        """One percentile alone is a tuple as well."""
        with pytest.raises(TypeError, match=r"listed, as in \(50, 95\), and not"):
            Percentiles("x", percents)

    @pytest.mark.parametrize("percents", [(101,), (-1,)])
    def test_percents(self, percents: tuple[float, ...]) -> None:
        """Percentiles that are none are refused where they are written."""
        with pytest.raises(ValueError, match="between 0 and 100"):
            Percentiles("x", percents)


class TestLeftOut:
    class Own(RegexParser):
        """Every way to measure a number."""

        pattern = r"^(?P<x>\w+) (?P<n>\S+)(?: (?P<m>\S+))?"
        metrics = (
            Sum("n"),
            Average("n_avg", "n"),
            Percentiles("n", (50,)),
            Sum("n_of", "n", by="x"),
            Gauge("last", "n"),
            Gauge("m"),
        )

    @given(
        rows=st.lists(st.sampled_from(["a 1\n", "b 12ms\n", "a -\n", "b 9 y\n", "a x yy\n"])),
        at=st.integers(0, 20),
        size=st.sampled_from([0, 4 << 20]),
    )
    @settings(deadline=None)
    def test_counted(self, rows: list[str], at: int, size: int) -> None:
        """Each value that is no number counts once, however a log is cut and merged."""
        text = "".join(rows)
        odd = len(rows) - text.count("1\n") - text.count("-") - text.count("9")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(accumulators, "FOUND_SIZE", size)
            parser = fed(fed(self.Own(), "".join(rows[:at])), "".join(rows[at : at + 2]))
            parser.merge(fed(self.Own(), "".join(rows[at + 2 :])))
        found = figures(parser)

        assert found.get("values_left_out", 0) == odd + text.count("y\n")
        assert metrics(parser) == metrics(fed(self.Own(), text))
        assert bool(parser.notices) == bool(odd + text.count("y\n"))

    def test_gauge_alone(self) -> None:
        """Where a gauge saw a number, what it did not look at is not guessed."""
        parser = fed(fed(self.Own(), "a 1 x\na 1 y\n"), "a 1 5\n")

        assert figures(parser)["m"] == 5
        assert "values_left_out" not in figures(parser)


class Timed(RegexParser):
    """Lines that say when they happened."""

    pattern = r"^(?P<at>\S+) (?P<word>\w+)$"
    metrics = (Count("words"),)
    time = "at"


def test_time_of() -> None:
    """A parser that names the group of the time tells when a line happened."""
    told = [
        Timed().time_of(line)
        for line in ("2026-11-21T06:21:32+00:00 up\n", "1795242092.5 up\n", "soon up\n", "?\n")
    ]

    assert told == [1795242092.0, 1795242092.5, None, None]


def test_time_needs_its_group() -> None:
    """A group for the time that the pattern lacks is a mistake, told at once."""
    with pytest.raises(ConfigurationError, match="no group called when for the time"):
        type("Lacking", (Timed,), {"time": "when"})()

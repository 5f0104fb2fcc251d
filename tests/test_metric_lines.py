"""METRIC_COUNT and METRIC_TIME lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import fed, figures, metrics

from logster.errors import ConfigurationError
from logster.parser import Tally
from logster.parsers.metric_lines import MetricLinesParser, MetricLogster


class TestMetricLinesParser:
    @pytest.mark.parametrize("value", ["many", "1.2.3", "1e999", "9" * 101, "", "--1"])
    def test_no_number(self, value: str) -> None:
        """A marked line whose value is no number is not understood."""
        tally = MetricLinesParser().feed(f"METRIC_GAUGE metric=a value={value}\n".encode())

        assert Tally(0, 0, 1) == tally

    def test_name(self) -> None:
        """A name ends at white space and has a bounded length."""
        parser = MetricLinesParser()

        assert Tally(1, 0, 1) == parser.feed(
            b"METRIC_COUNT metric=a,value=7 value=1\nMETRIC_COUNT metric=%s value=1\n"
            % (b"x" * 300)
        )
        assert figures(parser) == {"a_value_7": 1}

    @pytest.mark.parametrize("text", ["a|b:1|c", "\0", "\x1b[31m", "a\u2028b", "\x85"])
    def test_no_other_name(self, text: str) -> None:
        """What is written for a name can be no more than a name; equal ones are one."""
        parser = fed(MetricLinesParser(), f"METRIC_GAUGE metric=<{text}> value=1\n" * 2)
        (name,) = figures(parser)

        assert name.isprintable()
        assert not set(name) & set(" |:;=,")
        assert "a_b" in figures(
            fed(parser, "METRIC_COUNT metric=a:b value=1\nMETRIC_COUNT metric=a_b value=2\n")
        )
        assert figures(parser)["a_b"] == 3

    def test_before_the_mark(self) -> None:
        """Of several marks of a line the last counts: what stands before it can forge nothing."""
        parser = fed(
            MetricLinesParser(),
            "agent=METRIC_COUNT metric=forged value=9 METRIC_COUNT metric=a value=1\n",
        )

        assert figures(parser) == {"a": 1}

    def test_two_kinds(self) -> None:
        """A count and a time of one line both count."""
        parser = fed(
            MetricLinesParser(), "METRIC_TIME metric=t value=2s METRIC_COUNT metric=c value=1\n"
        )

        assert figures(parser)["c"] == 1
        assert figures(parser)["t.mean"] == 2

    def test_bounded(self) -> None:
        """Names beyond the bound are dropped, and counted."""
        text = "".join(f"METRIC_COUNT metric=m{number} value=1\n" for number in range(50))
        parser = fed(MetricLinesParser(option_string="--max-names 10"), text)

        assert len(figures(parser)) == 11
        assert figures(parser)["metric_lines_dropped"] == 40

    @given(st.lists(st.sampled_from(range(20)), max_size=50), st.integers(0, 50))
    @settings(deadline=None)
    def test_bounded_in_parts(self, names: list[int], at: int) -> None:
        """Which names stay, and how many values do not, does not depend on how a log is split."""
        marks = ("COUNT", "TIME", "GAUGE")
        rows = [
            f"METRIC_{marks[place % 3]} metric={name} value={place}\n"
            for place, name in enumerate(names)
        ]

        def made(*parts: str) -> MetricLinesParser:
            parser = MetricLinesParser(option_string="--max-names 4")
            for part in parts:
                fed(parser, part)
            return parser

        first = made("".join(rows[:at]))
        first.merge(made("".join(rows[at:])))

        assert metrics(made("".join(rows))) == metrics(first) == metrics(made(*rows))

    def test_forged(self) -> None:
        """No name makes a figure that another one has, nor that of the parser itself."""
        parser = fed(
            MetricLinesParser(),
            "METRIC_GAUGE metric=shop.pay.p90 value=99999\n"
            "METRIC_COUNT metric=shop.pay.count value=1000\n"
            "METRIC_TIME metric=shop.pay value=10ms\n"
            "METRIC_COUNT metric=metric-lines.dropped value=5\n"
            "METRIC_GAUGE metric=open value=2\nMETRIC_COUNT metric=open value=7\n"
            "METRIC_GAUGE metric=jobs_total value=2\nMETRIC_COUNT metric=jobs value=7\n"
            "METRIC_GAUGE metric=runs value=2\nMETRIC_COUNT metric=runs_total value=7\n",
        )

        assert {
            "shop.pay.count": 1,
            "shop.pay.mean": 10,
            "shop.pay.median": 10,
            "shop.pay.p90": 10,
            "open": 7,
            "jobs": 7,
            "runs": 2,
            "runs_total": 7,
            "metric_lines_dropped": 5,
        } == figures(parser)

    def test_alike(self) -> None:
        """Of names that some output writes alike the fullest stays, but counts stay apart."""
        parser = fed(
            MetricLinesParser(),
            "METRIC_COUNT metric=a.b value=100\nMETRIC_COUNT metric=a-b value=1\n"
            "METRIC_COUNT metric=n value=5\nMETRIC_COUNT metric=n. value=1\n"
            "METRIC_GAUGE metric=c-d value=999\n"
            "METRIC_GAUGE metric=c.d value=1\nMETRIC_GAUGE metric=c.d value=2\n"
            "METRIC_TIME metric=e-f value=999\n"
            "METRIC_TIME metric=e.f value=3\nMETRIC_TIME metric=e.f value=3\n",
        )

        assert {
            "a.b": 100,
            "a-b": 1,
            "n": 5,
            "c.d": 2,
            "e.f.count": 2,
            "e.f.mean": 3,
            "e.f.median": 3,
            "e.f.p90": 3,
            "metric_lines_dropped": 3,
        } == figures(parser)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["COUNT", "TIME", "GAUGE"]),
                st.sampled_from(
                    [
                        *("a", "a.", "a-p90", "a.count", "a_count", "a.p90", "a.b", "a:b"),
                        "metric_lines_dropped",
                    ]
                ),
                st.sampled_from(["5", "5ms", "2s", "7us,", "3 of", "1e3 MB"]),
            )
        ),
        st.integers(0, 20),
    )
    @settings(deadline=None)
    def test_each_name_once(self, rows: list[tuple[str, str, str]], at: int) -> None:
        """Every name comes out once, every value counts once, however a log is split."""
        lines = [f"METRIC_{mark} metric={name} value={value}\n" for mark, name, value in rows]
        whole, first, second, singly = (MetricLinesParser() for _ in range(4))
        fed(whole, "".join(lines))
        first.feed("".join(lines[:at]).encode())
        second.feed("".join(lines[at:]).encode())
        first.merge(second)
        for line in lines:
            singly.parse_line(line)
        names = [metric.name for metric in metrics(whole)]

        assert len(names) == len(set(names))
        assert metrics(whole) == metrics(first) == metrics(singly)

    @pytest.mark.parametrize(
        ("values", "mean", "unit"),
        [
            (("5ms", "2s"), 1002.5, "ms"),
            (("2 s", "5ms"), 1.0025, "s"),
            (("1ms", "500µs", "500us", "1000000ns"), 0.75, "ms"),
            (("10ms,", "20ms)"), 15, "ms"),
            (("1", "3s", "2s"), 2, "s"),
            (("1 MB", "3 kB"), 2, "MB"),
        ],
    )
    def test_units(self, values: tuple[str, ...], mean: float, unit: str) -> None:
        """Times of one name are all in the first unit of time that one of them has."""
        lines = "".join(f"METRIC_TIME metric=t value={value}\n" for value in values)
        found = {metric.name: metric for metric in metrics(fed(MetricLinesParser(), lines))}

        assert pytest.approx(mean) == found["t.mean"].value
        assert {unit} == {metric.units for metric in found.values() if metric.kind == "g"}

    def test_last_gauge(self) -> None:
        """A gauge is the value of its last line, whatever its unit and however it is spelled."""
        parser = fed(
            MetricLinesParser(),
            "METRIC_GAUGE metric=a:b value=5ms\nMETRIC_GAUGE metric=a_b value=3ms\n"
            "METRIC_GAUGE metric=a:b value=2s\n",
        )

        assert [("a_b", 2000, "ms")] == [metric[:3] for metric in metrics(parser)]

    def test_bound_below_zero(self) -> None:
        """There is no bound below 0."""
        with pytest.raises(ConfigurationError, match="takes a whole number of at least 0"):
            MetricLinesParser(option_string="--max-names -1")

    @pytest.mark.parametrize("options", ["-p x", "-p 101", "-p -1", "-p 50,"])
    def test_percentiles(self, options: str) -> None:
        """Percentiles that are none are refused at once."""
        with pytest.raises(ConfigurationError, match="between 0 and 100"):
            MetricLinesParser(option_string=options)


class TestMetricLogster:
    def test_figures(self) -> None:
        """Counts are rates; times have mean, median, percentiles and the unit of the first."""
        parser = fed(
            MetricLogster(option_string="-p 25,75"),
            "METRIC_TIME metric=t value=10ms\nMETRIC_TIME metric=t value=11s\n"
            "METRIC_TIME metric=t value=20\nMETRIC_COUNT metric=c value=6\n",
        )

        assert [metric[:3] for metric in metrics(parser)] == [
            ("c", 0.1, ""),
            ("t.25th_percentile", 10.5, "ms"),
            ("t.75th_percentile", 15.5, "ms"),
            ("t.mean", 41 / 3, "ms"),
            ("t.median", 11, "ms"),
        ]

    def test_names_of_1x(self) -> None:
        """Two figures of one name both come out, as in 1.x."""
        parser = fed(
            MetricLogster(),
            "METRIC_COUNT metric=t.mean value=60\nMETRIC_TIME metric=t value=5ms\n",
        )

        assert [("t.mean", 1.0), ("t.mean", 5.0)] == [
            metric[:2] for metric in metrics(parser) if metric.name == "t.mean"
        ]

    def test_default_percentile(self) -> None:
        """The percentile is the 90th if none is named."""
        parser = fed(MetricLogster(option_string=""), "METRIC_TIME metric=t value=1\n")

        assert "t.90th_percentile" in figures(parser)

    def test_other_lines(self) -> None:
        """Lines without a mark are passed over; a gauge, unknown to 1.x, is such a line."""
        assert Tally(0, 2, 0) == MetricLogster().feed(b"x\nMETRIC_GAUGE metric=a value=1\n")

    def test_names(self) -> None:
        """Names are those of 1.x, but that no control character gets into one."""
        parser = fed(
            MetricLogster(),
            "METRIC_COUNT metric=a|b:c,d value=60\nMETRIC_COUNT metric=\0x\u2028 value=60\n",
        )

        assert {"a|b:c,d", "_x_"} == set(figures(parser))

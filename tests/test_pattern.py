"""Patterns of the user."""

import time

import pytest
from parsing import ROOT, fed, figures, metrics, read

from logster.errors import ConfigurationError
from logster.parser import Tally
from logster.parsers.pattern import PatternParser


class TestPatternParser:
    def test_counts_and_percentiles(self) -> None:
        """Named groups are counted and aggregated without a line of code."""
        parser = PatternParser(
            option_string=r"--pattern '(?P<status>\d{3}) (?P<ms>\d+)$' "
            "--count status --percentiles ms=50 --percentiles ms=99.9"
        )

        assert Tally(3, 1, 1) == parser.feed(b"/a 200 5\n/b 200 7\n\n/c 404 9\noops\n")
        assert {
            "lines": 3,
            "status_200": 2,
            "status_404": 1,
            "ms_p50": 7,
            "ms_p99_9": pytest.approx(8.996),
        } == figures(parser)

    def test_all_aggregates(self) -> None:
        """Every aggregate may be asked for, apart by a group."""
        parser = fed(
            PatternParser(
                option_string=r"-p '(?P<to>\w+) (?P<n>\d+)' -s n -a n -P n=50 -g n -d n -r -b to"
            ),
            "a 1\na 3\nb 5\n",
        )

        assert {
            "lines": 3,
            "lines_per_second": 0.05,
            "n_sum_a": 4,
            "n_sum_b": 5,
            "n_avg_a": 2,
            "n_avg_b": 5,
            "n_a_p50": 2,
            "n_b_p50": 5,
            "n_a": 3,
            "n_b": 5,
            "n_distinct_a": 2,
            "n_distinct_b": 1,
        } == figures(parser)

    def test_ignore(self) -> None:
        """Lines known and meant to be passed over do not count as unmatched."""
        parser = PatternParser(option_string="-p '^a' -i '^(#|a)'")

        assert Tally(1, 2, 1) == parser.feed(b"a\n# b\n\nc\n")

    @pytest.mark.parametrize(
        "options",
        [
            None,
            "",
            "-c x",
            "-p '('",
            "-p 'x' -c status",
            "-p '(?P<a>x)' -P a=200",
            "-p '(?P<a>x)' -P a=x",
            "-p 'x' -i '['",
            "-p 'x' --max-labels -5",
            "-p '(?P<a>x){999999999}'",
            "-p x -i '(?:(?:x{999}){999}){999}'",
        ],
    )
    def test_unusable(self, options: str | None) -> None:
        """Options that make no sense are refused at once."""
        with pytest.raises(ConfigurationError, match="Nothing was read or sent"):
            PatternParser(option_string=options)

    def test_runaway(self) -> None:
        """A runaway pattern is stopped, named and counted, and the rest of the log is read."""
        parser = PatternParser(option_string="-p '^(a|aa)+$'")
        begin = time.process_time()
        first = parser.feed(b"aaa\n" + b"a" * 100 + b"!\naa\n")
        second = parser.feed(b"aa\n")

        assert time.process_time() - begin < 5
        assert (Tally(2, 0, 1), Tally(1, 0, 0)) == (first, second)
        assert {"lines": 3, "runaway_lines": 1} == figures(parser)
        assert figures(parser)
        (notice,) = parser.notices
        assert "'^(a|aa)+$' takes too long on 1 lines" in notice

    def test_runaway_ignore(self) -> None:
        """A runaway --ignore is named and counted as well, also by those who read a part."""
        options = "-p 'zz(?P<x>x)' -i '^(?:a|aa)+$' -c x"
        first, second = PatternParser(option_string=options), PatternParser(option_string=options)

        assert Tally(1, 1, 1) == first.feed(b"zzx\naaa\n" + b"a" * 60 + b"b\n")
        second.feed(b"a" * 70 + b"b\n")
        first.merge(second)
        assert figures(first)["runaway_lines"] == 2
        (notice,) = first.notices
        assert "'^(?:a|aa)+$' takes too long on 2 lines" in notice
        assert f"'{'a' * 60}b'" in notice

    def test_huge_line(self) -> None:
        """A line of a megabyte costs no more than the budget of time."""
        parser = PatternParser(option_string=r"-p '(?P<a>\d+)\s*\d+\s*x$' -c a")
        begin = time.process_time()
        tally = parser.feed(b"1" * 1_000_000 + b"\n11x\n")

        assert time.process_time() - begin < 5
        assert (1, 1) == (tally.matched, tally.unmatched)

    @pytest.mark.parametrize("text", ["/x 200 5", "] 500", "500 1"])
    def test_anchored(self, text: str) -> None:
        """With an anchor nothing that a stranger writes further on counts."""
        parser = PatternParser(option_string=r"-p '^(?P<status>\d{3}) \S+ ' -c status")

        assert {"lines": 1, "status_200": 1} == figures(fed(parser, f"200 /a {text}\n"))

    def test_labels(self) -> None:
        """A group that captures ever new texts makes a bounded number of metrics."""
        parser = PatternParser(option_string=r"-p '^(?P<x>\S+)' -c x --max-labels 5")
        found = figures(fed(parser, "".join(f"{number}\n" for number in range(1000))))

        assert len(found) == 7
        assert found["x_other"] == 995

    @pytest.mark.parametrize(
        ("options", "user", "expected"),
        [
            ("-a ms -g ms -b user", "avg_alice", {"ms_avg_alice": 15, "ms_other": 9999}),
            ("-a ms -g ms -b user", "avg.alice", {"ms_avg_alice": 15, "ms_other": 9999}),
            ("-P ms=50 -g ms -b user", "alice_p50", {"ms_alice_p50": 15, "ms_other": 9999}),
            ("-P ms=50 -g ms -b user", "other_p50", {"ms_other": 9999}),
            ("-c user -d user", "distinct", {"user_distinct": 2, "user_other": 1}),
            ("-c user -s ms", "other", {"user_other": 1, "user_alice": 2}),
        ],
    )
    def test_forged_name(self, options: str, user: str, expected: dict[str, float]) -> None:
        """No text of the log gives a metric the name of another one."""
        text = r"-p 'u (?P<user>\S+) (?P<ms>\d+)' " + options
        log = f"u alice 10\nu alice 20\nu {user} 9999\n"
        found = metrics(fed(PatternParser(option_string=text), log))
        names = [metric.name for metric in found]

        assert len(names) == len(set(names))
        assert expected.items() <= {metric.name: metric.value for metric in found}.items()

    def test_no_numbers(self) -> None:
        """What is no number is told of, and counted: a sum of 0 would not tell."""
        parser = fed(
            PatternParser(option_string=r"-p 'u (?P<user>\S+) (?P<ms>\S+)' -s ms -a ms -b user"),
            "u x 12ms\nu y 9s\nu y -\nu z 5\n",
        )

        assert figures(parser)["values_left_out"] == 2
        assert ["2 values of the group ms are no numbers and were left out, such as '9s'."] == (
            parser.notices
        )

    def test_asked_twice(self) -> None:
        """Who asks for the same twice gets it once."""
        parser = PatternParser(option_string="-p '(?P<x>x)' -c x -c x")

        assert {"lines": 1, "x_x": 1} == figures(fed(parser, "x\n"))

    def test_whole_log(self) -> None:
        """On a real log the counts are those of a plain loop."""
        log = read(f"{ROOT}/fixtures/pattern/squid.log")
        parser = fed(PatternParser(option_string=r"-p ' \S+/(?P<status>\d{3}) ' -c status"), log)
        codes = [line.split()[3].rpartition(b"/")[2].decode() for line in log.splitlines()]

        assert {"lines": len(codes)} | {f"status_{code}": codes.count(code) for code in codes} == (
            figures(parser)
        )

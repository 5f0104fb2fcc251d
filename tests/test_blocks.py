"""What holds for every parser that takes blocks."""

import pickle
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import by_line, count_lines, fed, figures, fixtures, lines, metrics

from logster.blocks import BlockParser
from logster.errors import SkipLine
from logster.parser import Tally, feed_lines
from logster.registry import load_parser


PARSERS = (
    "apache_error",
    "json_lines",
    "log4j",
    "metric_lines",
    "nginx_error",
    "ErrorLogLogster",
    "JsonLogster",
    "Log4jLogster",
    "MetricLogster",
)
CASES = fixtures(*PARSERS, "pattern")
HINTS = (
    '{"a":1}',
    "[x] [error] y",
    "METRIC_COUNT metric=a value=1",
    "METRIC_TIME metric=",
    "12:00:00 ERROR ",
    "2026/11/21 06:21:32 [",
    "java.lang.Error: ",
)
texts = st.lists(st.one_of(st.sampled_from(HINTS), st.sampled_from("\n\r\t {}[]:"), st.text())).map(
    "".join
)


@pytest.mark.parametrize(("name", "options", "log"), CASES)
class TestFixtures:
    def test_block_equals_lines(self, name: str, options: str | None, log: bytes) -> None:
        """A block and its lines one by one give equal figures and skip equally many."""
        parser = load_parser(name)(option_string=options)
        tally = parser.feed(log)
        slow, skipped = by_line(load_parser(name)(option_string=options), log)

        assert metrics(slow) == metrics(parser)
        assert skipped == tally.unmatched
        assert count_lines(log) == lines(tally)

    @pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.9])
    def test_merge(self, name: str, options: str | None, log: bytes, at: float) -> None:
        """Two parts read apart and merged give the figures of the whole."""
        cut = log.find(b"\n", int(len(log) * at)) + 1
        first = fed(load_parser(name)(option_string=options), log[:cut])
        second = fed(load_parser(name)(option_string=options), log[cut:])
        whole = fed(load_parser(name)(option_string=options), log)
        if getattr(first, "splittable", True):
            first.merge(second)
        else:
            assert "--multiline" in str(options)  # the only one that cannot be read in parts
            first = whole

        assert metrics(whole) == metrics(first)

    def test_pickle(self, name: str, options: str | None, log: bytes) -> None:
        """What a parser counted can be handed from one process to another."""
        parser = fed(load_parser(name)(option_string=options), log)
        other = load_parser(name)(option_string=options)
        other.__dict__.update(pickle.loads(pickle.dumps(vars(parser))))

        assert metrics(parser) == metrics(other)

    def test_no_final_newline(self, name: str, options: str | None, log: bytes) -> None:
        """The last line of a block may lack its newline."""
        whole = fed(load_parser(name)(option_string=options), log)
        bare = fed(load_parser(name)(option_string=options), log.rstrip(b"\n"))

        assert metrics(whole) == metrics(bare)


@pytest.mark.parametrize("name", PARSERS)
class TestStrangers:
    @given(text=texts)
    @settings(max_examples=50, deadline=None)
    def test_any_text(self, name: str, text: str) -> None:
        """Whatever a log holds, every line is accounted for and nothing is raised."""
        block = text.encode("utf-8", "surrogatepass")
        parser = load_parser(name)()
        tally = parser.feed(block)
        slow, skipped = by_line(load_parser(name)(), block)

        assert count_lines(block) == lines(tally)
        assert metrics(slow) == metrics(parser)
        assert skipped == tally.unmatched

    @given(block=st.binary())
    @settings(max_examples=50, deadline=None)
    def test_any_bytes(self, name: str, block: bytes) -> None:
        """Bytes that are no text are accounted for, too."""
        parser = load_parser(name)()

        assert count_lines(block) == lines(parser.feed(block))
        assert figures(parser) is not None

    @pytest.mark.parametrize(
        "unit",
        ["[", "{", '{"a":', "[[", "1", "1:", "a.", " ", "METRIC_TIME metric=", "\\", '"', "[x] ["],
    )
    def test_huge_line(self, name: str, unit: str) -> None:
        """A line of a megabyte costs less than a second, whatever it repeats."""
        block = (unit * (1_000_000 // len(unit)) + "\n").encode()
        begin = time.process_time()
        tally = load_parser(name)().feed(block)

        assert time.process_time() - begin < 1
        assert lines(tally) == 1

    def test_no_lines(self, name: str) -> None:
        """Without lines there is nothing to account for, and get_state works."""
        parser = load_parser(name)()

        assert parser.feed(b"") == Tally()
        assert metrics(load_parser(name)()) == metrics(parser)


class TestSubclass:
    class Counting(BlockParser):
        """Counts lines; understands those that hold an a."""

        def __init__(self) -> None:
            super().__init__()
            self.seen = 0

        def take(self, block: bytes) -> Tally:
            """Count the lines."""
            good = sum(b"a" in line for line in block.splitlines())
            self.seen += good
            return Tally(good, 0, count_lines(block) - good)

    def test_parse_line_follows(self) -> None:
        """A parser that only takes blocks takes lines as well, and skips what it must."""
        parser = self.Counting()
        parser.parse_line("an a\n")

        with pytest.raises(SkipLine):
            parser.parse_line("none\n")
        assert parser.seen == 1

    def test_override(self) -> None:
        """A subclass that overrides parse_line gets every line, and so do its subclasses."""

        class Loud(self.Counting):  # type: ignore[name-defined,misc]
            def parse_line(self, line: str) -> None:
                super().parse_line(line.replace("o", "a"))

        class Louder(Loud):
            pass

        parser = Louder()

        assert Tally(2, 0, 1) == parser.feed(b"oh\nah\neh\n")
        assert parser.seen == 2

    def test_override_of_take(self) -> None:
        """A subclass that fills take anew gets blocks again."""

        class Loud(self.Counting):  # type: ignore[name-defined,misc]
            def parse_line(self, line: str) -> None:
                raise AssertionError

        class Quiet(Loud):
            def take(self, block: bytes) -> Tally:
                return Tally(7)

        assert Tally(7) == Quiet().feed(b"x\n")

    def test_take_is_asked_for(self) -> None:
        """The base class itself takes nothing."""
        with pytest.raises(NotImplementedError):
            BlockParser().feed(b"x\n")


class Hearing:
    """A parser of 1.x that keeps what it is told, and skips some of it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def parse_line(self, line: str) -> None:
        """Keep *line*."""
        self.heard.append(line)
        if "skip" in line:
            raise SkipLine
        if "raise" in line:
            raise ValueError(line)


class TestFeedLines:
    @given(
        parts=st.lists(
            st.one_of(
                st.sampled_from([b"\n", b"\r", b"skip", b"\x0b\x1c", b"\xc2\x85", b"\xe2\x80"]),
                st.sampled_from([b"\xe2\x80\xa8", b"\xa8", b"\xef\xbb\xbf", b"a" * 9000]),
                st.binary(),
            )
        )
    )
    @settings(deadline=None)
    def test_lines(self, parts: list[bytes]) -> None:
        """Every line comes with its newline, which alone ends it, and bad bytes as U+FFFD."""
        block = b"".join(parts).replace(b"raise", b"")
        parser = Hearing()
        tally = feed_lines(parser, block)
        told = [line.decode("utf-8", "replace") for line in block.split(b"\n")]
        skipped = sum("skip" in line for line in told)

        assert [*(line + "\n" for line in told[:-1]), *filter(None, told[-1:])] == parser.heard
        assert Tally(count_lines(block) - skipped, 0, skipped) == tally

    @pytest.mark.parametrize("text", ["a\nraise\nb\n", "ä\nraise\nb\n"])
    def test_errors(self, text: str) -> None:
        """What a parser raises beside SkipLine is not kept from the run."""
        parser = Hearing()

        with pytest.raises(ValueError, match="raise"):
            feed_lines(parser, text.encode())
        assert "raise\n" == parser.heard[-1]

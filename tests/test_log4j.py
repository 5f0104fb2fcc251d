"""Logs of Java applications."""

import pytest
from parsing import ROOT, fed, figures, metrics, read

from logster.errors import ConfigurationError
from logster.parser import Tally
from logster.parsers.log4j import MAX_CLASSES, Log4jLogster, Log4jParser, levels


class TestLog4jParser:
    @pytest.mark.parametrize("text", ["FATAL", "] FATAL x", "12:00:00 FATAL x", "\tFATAL"])
    def test_message(self, text: str) -> None:
        """Nothing in a message can pass for its level."""
        assert levels(f"12:00:00 WARN [main] {text}") == {"WARN": 1}

    @pytest.mark.parametrize("text", ["/x?FATAL", "] FATAL", "]FATAL"])
    def test_thread(self, text: str) -> None:
        """A URL in the name of a thread, which has no blanks, cannot pass for the level."""
        parser = fed(Log4jParser(), f"12:00:00 [qtp1-2 - {text.replace(' ', '%20')}] WARN x - y\n")

        assert parser.levels["FATAL"] == 0
        assert parser.levels["WARN"] == 1

    def test_stack_trace(self) -> None:
        """A stack trace is no message of its own; its class is counted if asked for."""
        parser = Log4jParser(option_string="--exceptions")
        tally = parser.feed(
            b"12:00:00 ERROR x - y\n"
            b"java.io.IOException: 12:00:00 FATAL z\n\tat a.B.c(B.java:1)\n"
            b"Caused by: java.lang.Error\n\t... 3 more\n\njava.io.IOException\n"
        )

        assert Tally(1, 6, 0) == tally
        assert figures(parser)["exception_IOException"] == 2
        assert figures(parser)["exceptions"] == 2
        assert figures(parser)["fatal"] == 0

    def test_bounded(self) -> None:
        """Lines that imitate exceptions name a bounded number of metrics."""
        parser = fed(
            Log4jParser(option_string="--exceptions"),
            "".join(f"a.b.C{number}Exception: x\n" for number in range(1000)),
        )

        assert len(parser.classes) == MAX_CLASSES + 1
        assert figures(parser)["exceptions"] == 1000

    def test_levels_option(self) -> None:
        """Levels of one's own are counted, those left out are passed over."""
        parser = Log4jParser(option_string="-l AUDIT,WARN")

        assert Tally(2, 1, 0) == parser.feed(b"12:00:00 AUDIT x\n1 WARN x\n12:00:00 ERROR x\n")
        assert figures(parser) == {"audit": 1, "warn": 1, "errors_per_second": 0, "exceptions": 0}


#: What a program logged through log4j 1.2, once with each layout, in as many lines.
LOGGED = {"trace": 3, "debug": 4, "info": 6, "warn": 4, "error": 5, "fatal": 1, "exceptions": 4}
LINES = 45


class TestTruth:
    def test_iso8601(self) -> None:
        """What a program logged is what the log gives, whatever its messages imitate."""
        parser = Log4jParser(option_string="--exceptions")
        tally = parser.feed(read(f"{ROOT}/fixtures/log4j/iso8601.log"))

        # The second lines of two messages cannot be told from lines of another kind.
        assert Tally(23, LINES - 23 - 2, 2) == tally
        assert figures(parser) == LOGGED | {
            "errors_per_second": 0.1,
            "exception_RuntimeException": 1,
            "exception_NullPointerException": 1,
            "exception_Shop$OutOfStock": 1,
            "exception_Exception": 1,
        }

    @pytest.mark.parametrize("layout", range(9))
    def test_conversions(self, layout: int) -> None:
        """The layout of the log makes no difference."""
        lines = read(f"{ROOT}/fixtures/log4j/conversions.log").splitlines(keepends=True)
        parser = fed(Log4jParser(), b"".join(lines[layout * LINES : (layout + 1) * LINES]))

        assert len(lines) == 9 * LINES
        assert figures(parser) == LOGGED | {"errors_per_second": 0.1}

    def test_words(self) -> None:
        """Under the names of 1.x it is the same, if the time is one word."""
        parser = fed(Log4jLogster(), read(f"{ROOT}/fixtures/Log4jLogster/words.log"))

        assert (parser.WARN, parser.ERROR, parser.FATAL) == (4, 5, 1)


@pytest.mark.parametrize("options", ["-l ''", "-l ,"])
def test_no_levels(options: str) -> None:
    """Without a level there is nothing to count."""
    with pytest.raises(ConfigurationError, match="no level is among them"):
        Log4jParser(option_string=options)


def test_levels_in_small_letters() -> None:
    """log4j's own levels may be asked for in small letters."""
    parser = fed(Log4jParser(option_string="-l error,warn"), "12:00:00 ERROR x - y\n")

    assert figures(parser)["error"] == 1


@pytest.mark.parametrize("level", ["exceptions", "Errors_Per_Second", "exception_Error"])
def test_level_named_like_a_metric(level: str) -> None:
    """A level that would take the name of another metric is refused."""
    with pytest.raises(ConfigurationError, match="is the name of another metric"):
        Log4jParser(option_string=f"-l ERROR,{level}")


def test_levels_alike() -> None:
    """Levels that make one name are one metric."""
    parser = fed(Log4jParser(option_string="-l NOTE,note"), "1 NOTE x\n1 note x\n")

    assert [2] == [each.value for each in metrics(parser) if each.name == "note"]


class TestLog4jLogster:
    def test_figures(self) -> None:
        """WARN, ERROR and FATAL are counted per second, and stand in attributes."""
        parser = fed(Log4jLogster(option_string=None), "12:00:00 ERROR x\n" * 6 + "1 INFO x\n")

        assert figures(parser) == {"WARN": 0, "ERROR": 0.1, "FATAL": 0}
        assert parser.ERROR == 6

    @pytest.mark.parametrize(
        "options", ["-l INFO,A+B", "--log-levels INFO,A+B", "--log-levels=INFO,A+B"]
    )
    def test_levels(self, options: str) -> None:
        """The levels may be chosen; they are words, no patterns."""
        parser = fed(Log4jLogster(option_string=options), "1 INFO x\n1 AAB x\n1 A+B x\n")

        assert figures(parser) == {"INFO": 1 / 60, "A+B": 1 / 60}

    @pytest.mark.parametrize("text", ["FATAL", "12:00:00 FATAL x"])
    def test_message(self, text: str) -> None:
        """Nothing in a message can pass for its level."""
        parser = fed(Log4jLogster(), f"12:00:00 WARN {text}\n")

        assert (parser.WARN, parser.FATAL) == (1, 0)

    @pytest.mark.parametrize("options", ["-l levels", "-l ERROR,feed", "-l __class__"])
    def test_unusable(self, options: str) -> None:
        """A level that would take the place of something the parser needs is refused."""
        with pytest.raises(ConfigurationError, match="is no level"):
            Log4jLogster(option_string=options)

    def test_subclass(self) -> None:
        """A subclass that overrides parse_line gets every line."""

        class Own(Log4jLogster):
            def parse_line(self, line: str) -> None:
                super().parse_line(line.removeprefix("shop: "))

        assert fed(Own(), "shop: 12:00:00 ERROR x\n").ERROR == 1

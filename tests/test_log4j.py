"""Logs of Java applications."""

from collections import Counter

import pytest
from parsing import ROOT, fed, figures, metrics, read

from logster.errors import ConfigurationError, SkipLine
from logster.parser import Tally
from logster.parsers.log4j import (
    MAX_CLASSES,
    MAX_CLASSES_KEPT,
    Log4jLogster,
    Log4jParser,
    levels,
)


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

    @pytest.mark.parametrize(
        ("text", "level"),
        [
            ("12:00:00 [ERROR] no stock", "ERROR"),
            ("12:00:00 [ERROR] [main] org.example.Shop - no stock", "ERROR"),
            ("[2026-11-21 12:00:00,502] [ERROR] [main] no stock", "ERROR"),
            ("12:00:00 [ INFO] FATAL is what the user typed", "INFO"),
            ("12:00:00 [INFO ] FATAL is what the user typed", "INFO"),
            ("12:00:00 [WARNING] FATAL x", "WARN"),
            ("12:00:00 [main] [ERROR] INFO about order 7", "ERROR"),
            ("12:00:00 [SEVERE] INFO x", None),
            ("[12:00:00][NOTICE][o.e.Shop] ERROR x", None),
            ("[12:00:00][main][o.e.Shop] ERROR x", None),
        ],
    )
    def test_level_in_brackets(self, text: str, level: str | None) -> None:
        """A level in brackets is no thread, behind which the message would begin."""
        parser = fed(Log4jParser(), text + "\n")

        assert ({level: 1} if level else {}) == +Counter(parser.levels)

    def test_own_level_in_brackets(self) -> None:
        """Nor is one that was asked for, or one that was left out."""
        parser = Log4jParser(option_string="-l PAID,FATAL")

        assert Tally(1, 1, 0) == parser.feed(b"1 [PAID] FATAL x\n1 [INFO] FATAL x\n")
        assert {"PAID": 1, "FATAL": 0} == parser.levels

    @pytest.mark.parametrize(
        "text",
        [
            "[2026-11-21T06:21:32,502][{:5}][o.e.c.r.a.Disk] [node-1] flood",
            "[2026-11-21T06:21:32,502][{:5}][logstash.javapipeline    ][main] started",
            "2026-11-21 06:21:32,502 [myid:1] - {:5} [main:QuorumPeerConfig@136] - reading",
            "2026-11-21 06:21:32,502 - {:5} [main:QuorumPeer@913] - x",
            "2026-11-21 06:21:32,502 | {:5} | Transport failed | org.apache.activemq | main",
            "[main] {} org.example.Shop - x",
            "2026-11-21 06:21:32,502 main {} Unable to locate plugin",
            "2026-11-21 06:21:32,502 http-nio-8080-exec-1 {} An exception occurred",
        ],
    )
    def test_layouts(self, text: str) -> None:
        """Layouts in wide use are read; of a level that nobody knows, no line is."""
        for level in ("INFO", "ERROR"):
            assert levels(text.format(level)) == {level: 1}
        with pytest.raises(SkipLine):
            levels(text.format("OTHER"))

    @pytest.mark.parametrize(
        "text",
        [
            "12:00:00 - ERROR of the user",
            "12:00:00 | NOTICE | ERROR | x",
            "12:00:00 | ERROR of the user",
            "12:00:00 notice ERROR x",
            "12:00:00 [main] notice - ERROR x",
            "[NOTICE] ERROR org.example.Shop - x",
            "[main] ERROR of the user - x",
            " [main] ERROR org.example.Shop - x",
        ],
    )
    def test_no_level(self, text: str) -> None:
        """Where another level may stand, or none, the first word of a message is none."""
        parser = fed(Log4jParser(), text + "\n")

        assert not any(parser.levels.values())

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

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("java.lang.Error", "Error"),
            ("shop.StockException: none", "StockException"),
            ("shop.StockError: none", "StockError"),
            ("org.example.Shop$OutOfStock: 12", "Shop$OutOfStock"),
            ("example.com: hello", None),
            ("www.example.com: hello", None),
            ("shop.OutOfStock: 12", None),
            ("Shop.java: 12", None),
        ],
    )
    def test_class(self, text: str, name: str | None) -> None:
        """A line is a stack trace if it begins like the class of an exception."""
        parser = Log4jParser(option_string="--exceptions")
        tally = parser.feed(text.encode())

        assert Tally(0, 1, 0) == tally if name else Tally(0, 0, 1) == tally
        assert parser.classes == ({name: 1} if name else {})

    def test_bounded(self) -> None:
        """Lines that imitate exceptions name a bounded number of metrics and take no memory."""
        parser = fed(
            Log4jParser(option_string="--exceptions"),
            "".join(f"a.b.C{number}Exception: x\n" for number in range(2 * MAX_CLASSES_KEPT)),
        )
        named = [name for name in figures(parser) if name.startswith("exception_")]

        assert MAX_CLASSES + 1 == len(named)
        assert MAX_CLASSES_KEPT + 1 == len(parser.classes)
        assert 2 * MAX_CLASSES_KEPT == figures(parser)["exceptions"]

    def test_flood_of_classes(self) -> None:
        """A flood of classes hides none of those that are frequent, and no cut of the log does."""
        usual = "org.a.PopularException: x\n"
        flood = "".join(f"org.a.EntirelyNew{n}Exception: x\n" for n in range(MAX_CLASSES_KEPT + 1))
        blocks = [flood, usual, flood + usual * 100]
        whole, parts = (Log4jParser(option_string="--exceptions") for _ in range(2))
        for block in blocks:
            fed(whole, block)
            parts.merge(fed(Log4jParser(option_string="--exceptions"), block))

        assert 101 == figures(whole)["exception_PopularException"]
        assert figures(whole) == figures(parts)

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

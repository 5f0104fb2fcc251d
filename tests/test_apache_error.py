"""Error logs of Apache and nginx."""

import pytest
from parsing import fed, figures

from logster.errors import SkipLine
from logster.parser import Tally
from logster.parsers.apache_error import ErrorLogLogster, levels
from logster.parsers.ErrorLogLogster import LogsterParsingException


class TestApacheErrorParser:
    @pytest.mark.parametrize(
        ("head", "level"),
        [
            ("[Sat Nov 21 06:21:32 2026] [error] ", "error"),
            ("[Sat Nov 21 06:21:32.502321 2026] [core:warn] [pid 9:tid 7] ", "warn"),
            ("[Sat Nov 21 06:21:32.502321 2026] [:error] [pid 9] ", "error"),
            ("[2026-11-21 06:21:32.502321] [-:emerg] [pid 9] ", "emerg"),
            ("[Sat Nov 21 06:21:32.502321 2026] [rewrite:trace3] [pid 9] ", "trace"),
            ("2026/11/21 06:21:32 [alert] 9#9: *5 ", "alert"),
        ],
    )
    def test_levels(self, head: str, level: str) -> None:
        """The level is found in the lines of every server."""
        assert {level: 1} == levels(head + "what happened\n")

    @pytest.mark.parametrize(
        "line",
        ["sh: not found\n", "[x] error\n", "[x] [client 192.0.2.7] y\n", "[x] [sideways] y\n"],
    )
    def test_not_understood(self, line: str) -> None:
        """What a script writes to standard error and what has no level is not counted."""
        with pytest.raises(SkipLine):
            levels(line)

    @pytest.mark.parametrize(
        "text",
        [
            "/x] [crit] y",
            "http://r/] [core:crit] [pid 1] y",
            "bob] [crit",
            '"GET /] [crit] HTTP/1.1"',
        ],
    )
    @pytest.mark.parametrize(
        "line",
        [
            "[Sat Nov 21 06:21:32 2026] [error] [client 192.0.2.7] File does not exist: {}",
            "[Sat Nov 21 06:21:32 2026] [a:error] [pid 9] AH01618: user {} not found, referer: {}",
            "2026/11/21 06:21:32 [error] 9#9: *5 open() {}, client: 192.0.2.7, host: {}",
        ],
    )
    def test_strangers(self, line: str, text: str) -> None:
        """Neither a path, a user, a request nor a referrer can pass for a level."""
        assert levels(line.format(text, text)) == {"error": 1}


class TestErrorLogLogster:
    def test_attributes(self) -> None:
        """The counts stand in the attributes of 1.x; what has no attribute is other."""
        parser = fed(
            ErrorLogLogster(option_string=None),
            "[a] [notice] x\n[a] [warn] x\n[a] [error] x\n[a] [error] x\n"
            "[a] [crit] x\n[a] [debug] x\n[a] [b:emerg] x\n",
        )

        assert (parser.notice, parser.warn, parser.error, parser.crit, parser.other) == (
            (1, 1, 2, 1, 2)
        )

    def test_figures(self) -> None:
        """The figures are messages per ten seconds."""
        parser = fed(ErrorLogLogster(), "[a] [error] x\n" * 6)

        assert figures(parser) == {"notice": 0, "warn": 0, "error": 1, "crit": 0, "other": 0}

    def test_subclass(self) -> None:
        """A subclass that overrides parse_line gets every line, and may call ours."""

        class Own(ErrorLogLogster):
            def parse_line(self, line: str) -> None:
                if "ignore me" in line:
                    raise LogsterParsingException
                super().parse_line(line)

        parser = Own()

        assert Tally(1, 0, 2) == parser.feed(b"[a] [error] x\n[a] [error] ignore me\noops\n")
        assert parser.error == 1

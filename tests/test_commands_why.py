"""``logster why``: the lines of a log that a parser does not understand."""

import bz2
import json
from pathlib import Path

import pytest
from commanding import Outcome, invoke

from logster.commands.why import command
from logster.errors import SkipLine


GOOD = "2026/11/21 06:21:32 [warn] 9#9: *5 a body is buffered\n"

PARSER = "test_commands_why.Picky"


class Picky:
    """A parser of 1.x that derives from nothing: it understands ``ok``, and breaks at ``boom``."""

    def __init__(self, option_string: str | None = None) -> None:
        self.word = option_string or "ok"

    def parse_line(self, line: str) -> None:
        """Take one line."""
        if "boom" in line:
            raise ValueError("no boom wanted")
        if self.word not in line:
            raise SkipLine


class Homeless:
    """A parser that cannot be made."""

    def __init__(self, option_string: str | None = None) -> None:
        if option_string == "exit":
            raise SystemExit("wrong options")
        raise RuntimeError("no database")


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def why(log: Path, *words: str, parser: str = "apache-error") -> Outcome:
    """Run the command on *log*."""
    return invoke(command, parser, log, *words)


def test_all_understood(log: Path) -> None:
    """A log that is understood gives the summary alone, and exit code 0."""
    log.write_text(GOOD * 3 + "\n")

    assert why(log) == (0, "4 lines: 3 matched, 1 ignored, 0 unmatched.\n", "")


def test_damaged(tmp_path: Path) -> None:
    """What cannot be read of a compressed log is told, and is an error."""
    log = tmp_path / "app.log.bz2"
    log.write_bytes(bz2.compress(GOOD.encode() * 3)[:40])

    code, out, err = why(log)

    assert (1, "0 lines: 0 matched, 0 ignored, 0 unmatched.\n") == (code, out)
    assert "app.log.bz2 cannot be read beyond byte 0: its compressed data is damaged" in err


def test_shapes(log: Path) -> None:
    """Shapes stand in order of their frequency, each with count, share and a sample."""
    log.write_text(GOOD + "lost 1\nfound 10.0.0.1\nfound 10.0.0.2\nfound 10.0.0.3\n" + GOOD)

    outcome = why(log)

    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "lines   share  shape, and one of the lines",
        "    3  75.0 %  found <ip>",
        "                 found 10.0.0.1",
        "    1  25.0 %  lost <n>",
        "                 lost 1",
        "",
        "6 lines: 2 matched, 0 ignored, 4 unmatched.",
    ]


@pytest.mark.parametrize(
    ("options", "raised"),
    [("", "RuntimeError: no database"), ("exit", "SystemExit: wrong options")],
)
def test_parser_that_cannot_be_made(log: Path, options: str, raised: str) -> None:
    """A parser that raises when it is made is named, with what it raised and where."""
    log.write_text("ok\n")

    code, _, err = why(log, "--parser-options", options, parser="test_commands_why.Homeless")

    assert code == 1
    assert f"The parser test_commands_why.Homeless raised {raised} (" in err
    assert "test_commands_why.py:" in err
    assert "while being made" in err


def test_unusable_option(log: Path) -> None:
    """An option that the parser refuses is a wrong command line."""
    log.write_text("ok\n")

    code, _, err = why(log, "--parser-options", "-p 50,abc", parser="squid")

    assert (code, "The percentiles '50,abc' are not numbers" in err) == (2, True)


def test_top(log: Path) -> None:
    """Only as many shapes are shown as asked for, and the others are counted."""
    log.write_text("a\na\nb\nc\n")

    out = why(log, "--top", "1").out

    assert "Other lines not understood: 2. --top shows more shapes." in out
    assert "    2  50.0 %  a\n" in out


def test_json(log: Path) -> None:
    """The same figures are there for programs."""
    log.write_text(GOOD + "lost 1\nlost 2\nhalf a line")

    outcome = why(log, "--json")

    assert json.loads(outcome.out) == {
        "parser": "apache-error",
        "log": str(log),
        "lines": 3,
        "matched": 1,
        "ignored": 0,
        "unmatched": 2,
        "overlong": 0,
        "unread_bytes": 11,
        "shapes": [
            {
                "shape": "lost <n>",
                "lines": 2,
                "percent": 100.0,
                "maybe_more": 0,
                "sample": "lost 1",
            }
        ],
        "other_lines": 0,
    }


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_terminal_is_safe(log: Path, words: tuple[str, ...]) -> None:
    """Nothing that a stranger wrote reaches the terminal as a control character."""
    log.write_bytes(b"\x1b]0;owned\x07 \x9b31m \xe2\x80\xae \xc2\x9b\x00 \r|\n" * 2 + b"\xff\n")

    out = why(log, *words).out

    assert all(line.isprintable() for line in out.splitlines())
    assert "u001b" in out or r"\x1b]0;owned\x07" in out


def test_long_lines_are_cut(log: Path) -> None:
    """A long line neither fills the screen nor makes a shape of its own for each length."""
    log.write_text("".join("x" * length + "\n" for length in range(1000, 1200)))

    outcome = why(log)

    assert max(map(len, outcome.out.splitlines())) < 200
    assert "  200  100.0 %" in outcome.out


def test_overlong_line_is_unmatched(log: Path) -> None:
    """A line too long to be read counts as not understood."""
    log.write_text("x" * (1 << 21) + "\n" + GOOD)

    outcome = why(log)

    assert outcome.code == 1
    assert "Lines too long to be read: 1.\n" in outcome.out
    assert "2 lines: 1 matched, 0 ignored, 1 unmatched." in outcome.out


def test_half_a_line_is_said(log: Path) -> None:
    """Bytes after the last newline are no line yet, and the command says so."""
    log.write_text(GOOD + "half")

    assert (
        "The log ends in half a line of 4 bytes; a run leaves it for the next one." in why(log).out
    )


# The reader of compressed files leaves its copy of the descriptor to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_compressed_log(tmp_path: Path) -> None:
    """A rotated log can be looked at as it is."""
    log = tmp_path / "app.log.1.bz2"
    log.write_bytes(bz2.compress(b"lost 1\n"))

    assert "lost <n>" in why(log).out


def test_needles_in_a_haystack(log: Path) -> None:
    """Each unmatched line is found, wherever it stands among those that match."""
    lines = [GOOD] * 5000
    for place in (0, 1, 777, 2500, 4999):
        lines[place] = f"needle at {place}\n"
    log.write_text("".join(lines))

    out = why(log).out

    assert "    5  100.0 %  needle at <n>\n" in out
    assert "5000 lines: 4995 matched, 0 ignored, 5 unmatched." in out


def test_parser_of_1x(log: Path) -> None:
    """A parser that has but `parse_line` will do, and gets its options."""
    log.write_text("ok\nfine\nwell\n")

    outcome = why(log, "--parser-options", "fine", parser=PARSER)

    assert "3 lines: 1 matched, 0 ignored, 2 unmatched." in outcome.out


def test_parser_that_breaks(log: Path) -> None:
    """An exception of the parser is said with its place, and that runs would stick there."""
    log.write_text("ok\nboom\n")

    outcome = why(log, parser=PARSER)

    assert outcome.code == 1
    assert "The parser test_commands_why.Picky raised ValueError: no boom wanted" in outcome.err
    assert "test_commands_why.py:" in outcome.err


def test_missing_log(log: Path) -> None:
    """A log that is not there is an error, and no next run is spoken of where none is."""
    assert why(log) == (1, "", f"{log} does not exist. Nothing was read or sent.")


def test_one_line(log: Path) -> None:
    """One line is not called lines."""
    log.write_text(GOOD)

    assert why(log).out == "1 line: 1 matched, 0 ignored, 0 unmatched.\n"


def test_unknown_parser(log: Path) -> None:
    """A parser that is not there is an error of usage."""
    outcome = why(log, parser="apache-eror")

    assert outcome.code == 2
    assert "Did you mean apache-error?" in outcome.err


def test_nothing_is_written(log: Path) -> None:
    """The folder of the log holds what it held, and the log is as old as it was."""
    log.write_text("lost 1\n")
    before = log.stat()

    why(log)

    assert [log] == list(log.parent.iterdir())
    assert before.st_mtime_ns == log.stat().st_mtime_ns

"""Patterns for lines on whole blocks."""

import re
import signal
import subprocess
import sys
import threading
import time

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logster.errors import ConfigurationError
from logster.patterns import ALARM_AT, Pattern, Rows, within_line


PATTERNS = [
    r"(?P<a>\d+)",
    r"^(?P<a>\w+) (?P<b>\S+)",
    r"^a|b$",
    r"(?P<a>[^x]+)x",
    r"(?P<a>[^]x]+)",
    r"(?P<a>[^-x]+)",
    r"a\s+(?P<a>b*)",
    r"(?P<a>[\s,]+)b",
    r"\W(?P<a>\D)",
    r"\A(?P<a>a?)\Z",
    r"(?i)(?P<a>A+)(?P<b>B)?",
    "(?x) (?P<a> a+ ) [ ] # a comment ( [ \n b",
    r"x*",
    r"$",
    r"^$",
    r"^",
    r"(?<=a)b|(?<!a)c",
    r"(?=\s)a*|b(?!\S)",
    r"(?P<a>a)(?P=a)",
    r"(?>a+)\b",
    r"a\n?b",
    r"(?s)a.b",
    r"[[:alpha:]]",
    r"a{2,3}",
    r"\x61\u0062",
    r"[\x00-\x20]",
    r"[\t-\r]a",
    "\n?a",
    r"^(?P<a>\w+)(?P<b>\s*)(?P<c>[^\s,]*)",
    r"^(?P<a>[^x]*)x?(?P<b>\S*)",
    r"^(?P<a>a?)(?P<b>b{2,})[c,]{1,3}+(?P<c>\D??)",
]
TEXTS = st.lists(st.sampled_from("aabbcx \t\n\n,-]1\r\x0b\x1c\x85é")).map("".join)


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("text", PATTERNS)
class TestFind:
    @given(log=TEXTS)
    @example(log="ab\nb\n\na")
    @settings(max_examples=60, deadline=None)
    def test_as_line_by_line(self, text: str, limited: bool, log: str) -> None:
        """A block gives what a search on each of its lines gives."""
        lines = log.split("\n")
        lines = lines if lines[-1] else lines[:-1]
        one = regex if limited else re  # [[:alpha:]] means something else to each
        matches = list(filter(None, (one.search(text, line) for line in lines)))
        rows = Pattern(text, limited=limited).find(log.encode())

        assert len(matches) == rows.matched
        assert len(lines) - len(matches) == rows.unmatched
        for name, place in Pattern(text, limited=limited).groups.items():
            assert [match[name] or "" for match in matches] == list(rows.columns[place])

    @given(log=TEXTS)
    @settings(max_examples=20, deadline=None)
    def test_misfits(self, text: str, limited: bool, log: str) -> None:
        """The lines that do not match are given if they are asked for."""
        pattern = Pattern(text, limited=limited, misfits=True)
        rows = pattern.find(log.encode())

        assert rows.unmatched == len(rows.misfits)
        assert all(pattern.find(line.encode()).matched == 0 for line in rows.misfits)


class TestPattern:
    @pytest.mark.parametrize(
        "text", ["^(?P<a>[a-z]+) (?P<b>[0-9]+)$", "(?P<a>[a-z]+) (?P<b>[0-9]+)"]
    )
    def test_regex_only_when_needed(self, text: str) -> None:
        """A pattern is checked without `regex`, and a plain one finds its lines without it."""
        code = (
            "import sys\nfrom logster.patterns import Pattern\n"
            f"pattern = Pattern({text!r}, limited=True)\nassert 'regex' not in sys.modules\n"
            "assert pattern.find(b'a 1\\nb\\n').matched == 1\n"
            "print('regex' in sys.modules, pattern.find('é\\nc 2\\n'.encode()).columns)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert f"{text[0] != '^'} [['c'], ['2']]\n" == done.stdout

    @pytest.mark.parametrize(
        "text", [r"^(?P<a>\p{L}+)", "^(?P<a>é)(?P<a>x?)", "^(?P<a>[[:alpha:]]+)"]
    )
    def test_only_regex_knows(self, text: str) -> None:
        """What `re` refuses, or warns of, is left to `regex`, and silently."""
        rows = Pattern(text, limited=True).find("é\n1\n".encode())

        assert (1, 1) == (rows.matched, rows.unmatched)

    @pytest.mark.parametrize("limited", [False, True])
    def test_no_pattern(self, limited: bool) -> None:
        """A text that is no pattern is refused."""
        with pytest.raises(ConfigurationError, match="not a regular expression"):
            Pattern("(", limited=limited)

    @pytest.mark.parametrize(
        "text", ["x{10002}", "(?:(?:x{100}){100}){2}", "(?P<word>[a-z]{10}){1002,}", "x{00020000,}"]
    )
    def test_endless(self, text: str) -> None:
        """A pattern that repeats something too often is refused before it is compiled."""
        with pytest.raises(ConfigurationError, match="repeats something too often"):
            Pattern(text, limited=True)

    @pytest.mark.parametrize(
        "text", ["x{9999}", "(?P<word>\\w{1,9}){1000}", "zx{0,99999}", "[x{99999}]", r"\{99999}"]
    )
    def test_often_enough(self, text: str) -> None:
        """What repeats less, or only may, is taken."""
        assert 0 == Pattern(text, limited=True).find(b"y\n").matched

    def test_no_text(self) -> None:
        """A pattern that is no text is refused."""
        with pytest.raises(ConfigurationError, match="b'x' is no text"):
            Pattern(b"x")  # type: ignore[arg-type]

    @pytest.mark.parametrize("text", [r"a\nb", r"(?s).", r"\R", r"a{e<=1}", r"\p{L}", "(?r)a"])
    def test_unsure(self, text: str) -> None:
        """A pattern that might reach over the end of a line is not used on blocks."""
        assert within_line(text) is None

    @pytest.mark.parametrize("text", [r"(a|aa)+$", r"^(a|aa)+$", r"x|(a|aa)+$"])
    def test_runaway(self, text: str) -> None:
        """A pattern that runs away on a line is stopped there, and the other lines are read."""
        pattern = Pattern(text, limited=True)
        begin = time.process_time()
        rows = pattern.find(b"aa\n" + b"a" * 80 + b"!\n" + b"aaa\n" + b"a" * 90 + b"!\n")

        assert time.process_time() - begin < 5
        assert rows.runaway == 2
        assert rows.unmatched >= 2
        assert pattern.sample == "a" * 80 + "!"

    def test_many_runaways(self) -> None:
        """However many lines run away, each costs little."""
        pattern = Pattern(r"(a|aa)+$", limited=True)
        begin = time.process_time()
        rows = pattern.find((b"a" * 60 + b"!\n") * 500)

        assert time.process_time() - begin < 5
        assert rows.runaway == 500

    def test_many_slow_lines(self) -> None:
        """The budget is one for a block, and not one for each of its lines."""
        pattern = Pattern(r"^(?P<a>(?:a|aa)+)$", limited=True)
        begin = time.process_time()
        rows = pattern.find((b"a" * 26 + b"!\n") * 2000)

        assert time.process_time() - begin < 20
        assert rows.unmatched == 2000

    def test_in_a_thread(self) -> None:
        """A runaway pattern is stopped where there are no alarms, too."""
        found: list[Rows] = []
        block = b"a" * 80 + b"!\n" + b"aa\n" * ALARM_AT
        thread = threading.Thread(
            target=lambda: found.append(Pattern(r"^(a|aa)+$", limited=True).find(block))
        )
        thread.start()
        thread.join()

        assert [(ALARM_AT, 1, 1)] == [(row.matched, row.unmatched, row.runaway) for row in found]

    def test_alarm_is_put_back(self) -> None:
        """Whoever waits for the signal that ends a runaway pattern has it back afterwards."""
        rung = []
        before = signal.signal(signal.SIGVTALRM, lambda *_: rung.append(1))
        try:
            rows = Pattern(r"(a|aa)+$", limited=True).find(b"a" * 80 + b"!\n" + b"aa\n" * ALARM_AT)
            signal.raise_signal(signal.SIGVTALRM)
        finally:
            signal.signal(signal.SIGVTALRM, before)

        assert (ALARM_AT, 1) == (rows.matched, rows.runaway)
        assert rung == [1]
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)

    def test_alarm_that_was_blocked(self) -> None:
        """A runaway pattern is stopped whatever signals the parent process has blocked."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGVTALRM})
        try:
            rows = Pattern(r"(a|aa)+$", limited=True).find(b"a" * 80 + b"!\n" + b"aa\n" * ALARM_AT)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

        assert (ALARM_AT, 1) == (rows.matched, rows.runaway)

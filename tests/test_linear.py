"""Patterns that need no budget of time."""

import re
import time

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from logster.linear import is_linear
from logster.patterns import Pattern


TEXTS = st.lists(st.sampled_from("aabbcx \t\n\n,-]1\r\x0b\x1c\x85")).map("".join)

# Parts of patterns, from which are made those that `is_linear` shall judge.
ONES = [*"abx ,.-]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\]", r"\-", "[ab]", "[^ab]"]
ONES += [r"[^\s,]", r"[\w-]", "[^]]", "[a-x]", "(?:", "(", ")", "(?P<g>", "$", "^", "|", r"\b"]
TIMES = ["", "", "*", "+", "?", "{2}", "{0}", "{1,2}", "{,2}", "{2,}", "*?", "++", "{2}?"]
JUDGED = st.lists(st.tuples(st.sampled_from(ONES), st.sampled_from(TIMES)), max_size=8).map(
    lambda parts: "^" + "".join(one + times for one, times in parts)
)


class TestIsLinear:
    @pytest.mark.parametrize(
        "text",
        [
            r"^[0-9.]+ +[0-9]+ [^ ]+ (?P<code>[A-Z_]+)/(?P<status>[0-9]{3}) (?P<size>[0-9]+) ",
            r'^(\S+) \S+ \S+ \[([^\]]+)\] "(\w+) ([^ "]+) [^"]*" (\d{3}) (\d+)',
            r"^(?P<a>a+)b?c*(?:d)e{2}.*",
            r"^a*b+(?P<c>c?)$",
            "^",
        ],
    )
    def test_plain(self, text: str) -> None:
        """Fields with what parts them are plain to see."""
        assert is_linear(text)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "a", "^(a|aa)+$", "^(a+)+", "^(?:a)*b", "^a*a", "^a*b?a", "^.* x", "^a*[^b]"),
            *(r"^\d+\s*\d+x", "^(?=a)", "^(?<n>a)", "^a{", "^[[a]]", "^[a--b]", r"^\p{L}", "^a{0}"),
            *("^a$b", "^a$?", "^$$", "^(a$)"),
        ],
    )
    def test_not_plain(self, text: str) -> None:
        """What might be slow, or mean different things to the two modules, is left alone."""
        assert not is_linear(text)

    def test_same_names(self) -> None:
        """A pattern that only `regex` understands is left to it."""
        text = "^(?P<a>[ab])(?P<a>b?)"
        (column,) = Pattern(text, limited=True).find(b"a\nab\n").columns

        assert is_linear(text)
        assert ["", "b"] == list(column)

    @given(text=JUDGED, log=TEXTS)
    @settings(max_examples=2000, deadline=None)
    def test_as_regex(self, text: str, log: str) -> None:
        """What is found is what `regex` finds line by line."""
        log = log.encode("ascii", "ignore").decode()
        if not is_linear(text) or not _compiles(text):
            return
        pattern = Pattern(text, limited=True)
        rows = pattern.find(log.encode())
        lines = log.removesuffix("\n").split("\n") if log else []
        matches = [regex.search(text, line) for line in lines]
        expected = [match.groups("") for match in matches if match]

        assert len(expected) == rows.matched
        assert expected == (list(zip(*rows.columns, strict=True)) or [()] * rows.matched)

    @given(text=JUDGED, unit=st.sampled_from(["a", "ab", "x", " ", "a ", "-", "1,", "b]"]))
    @settings(max_examples=500, deadline=None)
    def test_is_fast(self, text: str, unit: str) -> None:
        """A line of a hundred thousand characters costs next to nothing."""
        if not is_linear(text) or not _compiles(text):
            return
        begin = time.process_time()
        re.search(text, unit * (100_000 // len(unit)), re.ASCII)

        assert time.process_time() - begin < 0.5


def _compiles(text: str) -> bool:
    try:
        return bool(regex.compile(text))
    except regex.error:
        return False

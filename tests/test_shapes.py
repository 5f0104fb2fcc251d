"""Shapes of lines, and the most frequent of them."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logster.shapes import SHAPE_CHARACTERS, Frequent, Shape, printable, shape


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Oct  1 22:14:15 mx kernel: up 93 days", "<time> mx kernel: up <n> days"),
        ("2026-11-21T06:21:32.502+01:00 mx up", "<time> mx up"),
        ("2026/11/21 06:21:32 [warn] 9#9: *5 full", "<time> [warn] <n>#<n>: *<n> full"),
        ("[Sat Nov 21 06:21:32.502 2026] [error] no", "[<time>] [error] no"),
        ('::1 - - [21/Nov/2026:06:17:14 +0000] "GET"', '<ip> - - [<time>] "GET"'),
        ("from 192.0.2.7:25 and [2001:db8::1]:25", "from <ip>:<n> and [<ip>]:<n>"),
        ("4XyZ12abCDz1: to joe.x+y@mx.example.org", "<id>: to <mail>"),
        ("at 0x7ffe with deadbeef1 in facade", "at <id> with <id> in facade"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id <id>"),
        (
            "took 12.5 s, 1,234 bytes, 80ms, std::string",
            "took <n> s, <n> bytes, <n>ms, std::string",
        ),
    ],
)
def test_masks(line: str, expected: str) -> None:
    """Times, addresses, ids and numbers are masked, words are not."""
    assert expected == shape(line)


@given(st.text())
def test_shape_is_bounded(line: str) -> None:
    """A shape is never longer than masks of every second character would be."""
    assert len(shape(line)) <= 4 * SHAPE_CHARACTERS


@pytest.mark.parametrize("unit", ["a", "a.", "1:", "0 ", "-", "a@", "aB1", "::", "Jan 1 "])
def test_shape_takes_no_longer_for_a_longer_line(unit: str) -> None:
    """A megabyte of anything has its shape within milliseconds."""
    line = unit * (1_000_000 // len(unit))
    started = time.process_time()

    shape(line)

    assert time.process_time() - started < 0.1


def test_frequent_counts_exactly() -> None:
    """Shapes that fit are counted exactly, each with the first of its lines."""
    lines = Frequent(capacity=2)
    for line in ("lost 1", "gone 1", "lost 2", "lost 3", "gone 2", "other"):
        lines.add(line)

    assert [Shape("lost <n>", 3, 0, "lost 1"), Shape("gone <n>", 2, 0, "gone 1")] == lines.top(2)
    assert lines.total == 6


def test_frequent_is_bounded() -> None:
    """A log in which every line has a shape of its own does not fill the memory."""
    lines = Frequent(capacity=10)
    for number in range(5000):
        lines.add("x" * (number % 300) + chr(0x4E00 + number))

    assert len(lines._known) <= 20
    assert lines.total == 5000


def test_frequent_cuts_samples() -> None:
    """Of a long line only the beginning is kept."""
    lines = Frequent(width=4)
    lines.add("abcdefgh")

    assert lines.top(1)[0].sample == "abcd"


@given(st.lists(st.sampled_from("abcdefghij"), max_size=300))
def test_frequent_keeps_its_word(words: list[str]) -> None:
    """What was counted lies between the two bounds given, and what is frequent is found."""
    capacity = 3
    lines = Frequent(capacity)
    for word in words:
        lines.add(word)
    exact = Counter(words)
    found = {each.text: each for each in lines.top(2 * capacity)}

    assert all(f.lines <= exact[text] <= f.lines + f.missed for text, f in found.items())
    assert {w for w, count in exact.items() if count > len(words) / capacity} <= found.keys()


def test_printable_leaves_text_alone() -> None:
    """What can be printed stays as it is."""
    assert printable("naïve 日本 \ufffd") == "naïve 日本 \ufffd"


@given(st.text())
def test_printable_sends_nothing_to_a_terminal(text: str) -> None:
    """Nothing that a terminal would obey is left."""
    assert printable(text).isprintable()


@given(st.text(), st.integers(3, 50))
def test_printable_is_cut(text: str, width: int) -> None:
    """The result is never wider than asked for."""
    assert len(printable(text, width)) <= width


def test_printable_shows_marks_of_direction() -> None:
    """A mark that turns the direction of writing is shown as an escape."""
    assert printable("a\u202eb\udc80") == r"a\u202eb\udc80"

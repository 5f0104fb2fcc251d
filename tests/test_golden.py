"""
Every fixture, against the figures it must give.

A fixture is a log ``fixtures/<parser>/<case>.log``, the figures beside it in
``<case>.metrics`` (name, value, unit and kind between tabs, sorted) and, where
the parser is given options, ``<case>.options``. ``LOGSTER_BLESS=1`` writes the
figures anew; read what changed before you commit it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import FIXTURES

from logster.metrics import to_metric
from logster.parser import Tally, feeder
from logster.registry import load_parser


CASES = sorted(path for path in FIXTURES.glob("*/*.log"))
DURATION = 60


def made(case: Path) -> Any:
    """Return a fresh parser for *case*."""
    options = case.with_suffix(".options")
    text = options.read_text(encoding="utf-8").strip("\n") if options.exists() else None
    return load_parser(case.parent.name)(option_string=text)


def figures(parser: Any) -> str:
    """Return what *parser* derived, one line a metric."""
    metrics = [to_metric(each, 0) for each in parser.get_state(DURATION)]
    lines = (f"{each.name}\t{each.value}\t{each.units}\t{each.kind}\n" for each in metrics)
    return "".join(sorted(lines))


def blocks(data: bytes, lines: int) -> Iterator[bytes]:
    """Yield *data* in blocks of so many lines."""
    whole = data.splitlines(keepends=True) if b"\r" not in data else data.split(b"\n")
    whole = [each if each.endswith(b"\n") else each + b"\n" for each in whole if each]
    for start in range(0, len(whole), lines):
        yield b"".join(whole[start : start + lines])


def taken(parser: Any, parts: Iterator[bytes]) -> Tally:
    """Feed *parts* and return how all lines were taken."""
    tallies = [feeder(parser)(each) for each in parts]
    return Tally(*map(sum, zip(*tallies, strict=True)))


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
class TestFixtures:
    def test_figures(self, case: Path) -> None:
        """A fixture gives the figures beside it."""
        parser = made(case)
        taken(parser, blocks(case.read_bytes(), 10_000))
        golden = case.with_suffix(".metrics")
        if os.environ.get("LOGSTER_BLESS"):
            golden.write_text(figures(parser), encoding="utf-8")

        assert "".join(sorted(golden.read_text(encoding="utf-8").splitlines(keepends=True))) == (
            figures(parser)
        )

    def test_lines_one_by_one(self, case: Path) -> None:
        """Fed line by line the figures and the account of lines are the same."""
        whole, single = made(case), made(case)
        data = case.read_bytes()

        assert taken(whole, blocks(data, 10_000)) == taken(single, blocks(data, 1))
        assert figures(whole) == figures(single)

    def test_every_line_is_accounted_for(self, case: Path) -> None:
        """Matched, ignored and unmatched add up to the lines there are."""
        data = case.read_bytes()
        lines = sum(each.count(b"\n") for each in blocks(data, 10_000))

        assert lines == sum(taken(made(case), blocks(data, 7)))

    def test_halves_merge(self, case: Path) -> None:
        """Two parsers that took half of the lines each give the figures of one that took all."""
        whole, first, second = made(case), made(case), made(case)
        if not hasattr(first, "merge"):
            return
        data = case.read_bytes()
        taken(whole, blocks(data, 10_000))
        for number, block in enumerate(blocks(data, 5)):
            feeder(first if number * 5 < data.count(b"\n") / 2 else second)(block)

        first.merge(second)

        assert figures(whole) == figures(first)


def test_every_parser_has_fixtures() -> None:
    """Every parser has at least two fixtures, one of them with lines it must skip."""
    from logster.registry import names

    few = {}
    for name in names("logster.parsers"):
        cases = [each for each in CASES if each.parent.name == name.replace("-", "_")]
        if len(cases) < 2:
            few[name] = len(cases)
    assert {} == few

"""What the tests of parsers share."""

import glob
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from receivers import need

from logster import pcre2
from logster.errors import SkipLine
from logster.metrics import Metric, to_metric
from logster.parser import Tally


ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def fixtures(*parsers: str) -> list[tuple[str, str | None, bytes]]:
    """Return parser, options and log of every case of *parsers*."""
    cases = []
    for parser in parsers:
        for path in sorted(glob.glob(f"{ROOT}/fixtures/{parser}/*.log")):
            options = path.removesuffix(".log") + ".options"
            text = read(options).decode() if os.path.exists(options) else None
            cases.append((parser, text, read(path)))
    return cases


def read(path: str) -> bytes:
    """Return the bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


@contextmanager
def use_engine(name: str) -> Iterator[None]:
    """Have blocks of any size read by ``pcre2``, or all by ``re``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pcre2, "WORTH", 0 if name == "pcre2" else math.inf)
        # Once it is there it serves all blocks.
        pcre2.load.cache_clear()
        if name == "pcre2" and pcre2.load() is None:
            need("libpcre2-8.so.0")
        yield
    pcre2.load.cache_clear()


def fed(parser: Any, text: str | bytes) -> Any:
    """Return *parser* after it was fed *text*."""
    parser.feed(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return parser


def by_line(parser: Any, block: bytes) -> tuple[Any, int]:
    """Return *parser* after every line went to its `parse_line`, and how many it skipped."""
    skipped = 0
    lines = block.decode("utf-8", "replace").split("\n")
    for line in [*(line + "\n" for line in lines[:-1]), *filter(None, lines[-1:])]:
        try:
            parser.parse_line(line)
        except SkipLine:
            skipped += 1
    return parser, skipped


def figures(parser: Any, duration: float = 60) -> dict[str, float | str]:
    """Return the metrics of *parser* by name."""
    return {metric.name: metric.value for metric in metrics(parser, duration)}


def metrics(parser: Any, duration: float = 60) -> list[Metric]:
    """Return the metrics of *parser*, sorted."""
    return sorted(to_metric(metric, 0) for metric in parser.get_state(duration))


def lines(tally: Tally) -> int:
    """Return how many lines *tally* accounts for."""
    return sum(tally)


def count_lines(block: bytes) -> int:
    """Return how many lines *block* holds, half a line at its end included."""
    return block.count(b"\n") + (block[-1:] not in {b"", b"\n"})

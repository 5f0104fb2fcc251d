"""``logster why``: the lines of a log that a parser does not understand."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import click

from logster.commands._reading import (
    CONTEXT,
    blocks,
    complete_parser,
    counted,
    maker,
    parser_error,
    parser_options,
)
from logster.parser import Tally, feeder
from logster.shapes import Frequent, Shape, printable
from logster.table import table
from logster.tail import Tail


#: How much of a shape and of a sample is shown.
WIDTH = 160


@click.command("why", context_settings=CONTEXT)
@click.argument("parser", shell_complete=complete_parser)
@click.argument("log", type=click.Path(readable=False))
@parser_options
@click.option(
    "--top",
    metavar="N",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many shapes to show.",
)
@click.option(
    "--json", "as_json", envvar="LOGSTER_JSON", is_flag=True, help="Print JSON, for programs."
)
def command(parser: str, log: str, parser_options: str | None, top: int, *, as_json: bool) -> int:
    """
    Show the lines of LOG that PARSER does not understand.

    LOG is read from its start; it may be compressed. Lines that differ only in
    numbers, ids, times and addresses have one shape. The most frequent shapes are
    shown, each with how many lines had it, its share of all lines not
    understood, and one of them. Nothing is sent, and the place of no job changes.

    The exit code is 0 if every line was understood or passed over on purpose, and 1
    if some were not, or the log could not be read.
    """
    tail = Tail(log)
    tally, lines = survey(tail, maker(parser, parser_options), parser)
    result = _result(parser, log, tail, tally, lines.top(top), lines)
    click.echo(json.dumps(result, indent=2) if as_json else "\n".join(_text(result)))
    return 1 if tally.unmatched or tail.gaps else 0


def survey(tail: Tail, make: Callable[[], Any], name: str) -> tuple[Tally, Frequent]:
    """
    Return how the parser takes the lines of *tail*, and the lines it does not understand.

    Args:
        tail: The log.

        make: Makes a fresh parser.

        name: What messages call it.

    Raises:
        LogsterError: If the log cannot be read or the parser breaks.
    """
    feed, probe = feeder(make()), feeder(make())
    matched = ignored = unmatched = 0
    lines = Frequent()
    for block in blocks(tail):
        try:
            tally = feed(block)
            if tally[2]:
                for line in _unmatched(probe, _lines_of(block)):
                    lines.add(line.decode("utf-8", "replace").removesuffix("\n"))
        except (Exception, SystemExit) as error:
            raise parser_error(name, error) from error
        matched += tally[0]
        ignored += tally[1]
        unmatched += tally[2]
    return Tally(matched, ignored, unmatched + tail.overlong), lines


def _unmatched(feed: Callable[[bytes], Tally], lines: list[bytes]) -> Iterator[bytes]:
    """Yield those of *lines* that *feed* does not understand, halving what holds some."""
    count = feed(b"".join(lines))[2]
    if count >= len(lines):
        yield from lines
    elif count:
        middle = len(lines) // 2
        yield from _unmatched(feed, lines[:middle])
        yield from _unmatched(feed, lines[middle:])


def _lines_of(block: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in block.split(b"\n")]
    lines.pop()  # what follows the last newline
    return lines


def _result(
    parser: str, log: str, tail: Tail, tally: Tally, shapes: list[Shape], lines: Frequent
) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "parser": parser,
        "log": log,
        "lines": sum(tally),
        **tally._asdict(),
        "overlong": tail.overlong,
        "unread_bytes": tail.lag,
        "shapes": [
            {
                "shape": each.text,
                "lines": each.lines,
                "percent": round(100 * each.lines / lines.total, 2),
                "maybe_more": each.missed,
                "sample": each.sample,
            }
            for each in shapes
        ],
        "other_lines": max(0, lines.total - sum(each.lines for each in shapes)),
    }


def _text(result: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads."""
    rows = []
    for each in result["shapes"]:
        at_least = "+" if each["maybe_more"] else ""
        text = printable(each["shape"], WIDTH)
        rows.append((f"{each['lines']}{at_least}", f"{each['percent']:.1f} %", text))
        rows.append(("", "", f"  {printable(each['sample'], WIDTH)}"))
    if rows:
        yield table(("lines", "share", "shape, and one of the lines"), rows, right=(0, 1))
    if result["other_lines"]:
        yield f"\nOther lines not understood: {result['other_lines']}. --top shows more shapes."
    if result["overlong"]:
        yield f"\nLines too long to be read: {result['overlong']}."
    if result["unread_bytes"]:
        yield (
            f"\nThe log ends in half a line of {counted(result['unread_bytes'], 'byte')}; "
            "a run leaves it for the next one."
        )
    yield (
        f"{chr(10) if rows else ''}{counted(result['lines'], 'line')}: "
        f"{result['matched']} matched, {result['ignored']} ignored, "
        f"{result['unmatched']} unmatched."
    )

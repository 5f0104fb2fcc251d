"""``logster check``: the conformance kit, on any parser."""

import click

from logster.commands._reading import CONTEXT, blocks, complete_parser, maker, parser_options
from logster.conformance import SAMPLE_BYTES, examine
from logster.errors import LogError
from logster.tail import Tail


@click.command("check", context_settings=CONTEXT)
@click.argument("parser", shell_complete=complete_parser)
@click.argument("log", type=click.Path(readable=False))
@parser_options
def command(parser: str, log: str, parser_options: str | None) -> int:
    """
    Try on PARSER what any parser must stand.

    The first lines of LOG (256 KiB; it may be compressed) are taken for good ones.
    From them are made hostile lines, bad bytes, lines of a megabyte, a log whose
    lines all differ, and so on. One line is printed for each trial: ok, FAIL with
    the reason, or note with what is worth knowing and no fault. Nothing is sent.

    Each trial takes place in a process of its own. A parser that takes longer than
    10 s over one block of lines is stopped and fails; what it prints is swallowed
    and said once.

    The exit code is 0 if the parser stands all trials, and 1 if it does not.
    """
    make = maker(parser, parser_options)
    failed = 0
    for verdict in examine(make, sample(log)):
        failed += verdict.fails
        mark = "FAIL" if verdict.fails else "note" if verdict.problem else "ok"
        click.echo(f"{mark:<4}  {verdict.trial}" + (f": {verdict.problem}" * bool(verdict.problem)))
    return 1 if failed else 0


def sample(log: str) -> bytes:
    """
    Return the first lines of *log*.

    Raises:
        LogError: If it cannot be read or holds no whole line.
    """
    found, size = [], 0
    reading = blocks(Tail(log))
    for block in reading:
        found.append(block)
        size += len(block)
        if size >= SAMPLE_BYTES:
            reading.close()
    if not found:
        raise LogError(f"{log} holds no whole line, and good lines are what all trials start from.")
    return b"".join(found)

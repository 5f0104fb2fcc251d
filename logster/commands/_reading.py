"""What the commands share that try a parser on a log, send nothing and keep nothing."""

from collections.abc import Callable, Generator
from typing import Any

import click

from logster.errors import LogError, LogsterError, ParserError, described
from logster.generation import ChangedError
from logster.registry import load_parser, names
from logster.tail import Tail


#: Settings of every command; like those of a run its options may come from LOGSTER_….
CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "auto_envvar_prefix": "LOGSTER",
}


def complete_parser(_: click.Context, __: click.Parameter, word: str) -> list[str]:
    """Return the parsers whose names begin with *word*."""
    return [name for name in names("logster.parsers") if name.startswith(word)]


def parser_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that hands text to the parser."""
    return click.option(
        "--parser-options", metavar="STRING", help="Options of the parser, handed to it verbatim."
    )(function)


def maker(name: str, option_string: str | None) -> Callable[[], Any]:
    """
    Return what makes a fresh parser *name*.

    Raises:
        ConfigurationError: If there is none, or it refuses *option_string*.

        ParserError: If it cannot be made.
    """
    parser_class = load_parser(name)
    try:
        # So that a bad option is said before anything else.
        parser_class(option_string=option_string)
    except LogsterError:
        raise
    except (Exception, SystemExit) as error:
        raise parser_error(name, error, "being made") from error
    return lambda: parser_class(option_string=option_string)


def blocks(tail: Tail) -> Generator[bytes, None, None]:
    """
    Yield the blocks of *tail*, and tell what of it could not be read.

    Raises:
        LogError: If the log cannot be read, or changes under the reader.
    """
    try:
        yield from tail.blocks()
    except LogError as error:
        # What becomes of it in the next run is no matter of a command that is none.
        raise LogError(str(error).partition("; the next run ")[0].rstrip(".") + ".") from error
    except ChangedError as error:
        raise LogError(
            f"{error} was rotated or cut while it was being read. "
            "What was read is not shown; run the command again."
        ) from error
    for sentence in tail.notices:
        click.echo(f"Warning: {sentence}", err=True)


def counted(number: int, noun: str) -> str:
    """
    Return how many there are of what *noun* says.

    >>> counted(1, "line"), counted(0, "gap"), counted(2, "batch")
    ('1 line', '0 gaps', '2 batches')
    """
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number} {noun}{ending}"


def parser_error(name: str, error: BaseException, doing: str = "reading a line") -> ParserError:
    """Return the sentence about an exception that the parser *name* raised while *doing* that."""
    return ParserError(
        f"The parser {name} raised {described(error)} while {doing}. "
        "A run would end here, and read the same lines again and again."
    )

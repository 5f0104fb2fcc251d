"""
What a parser is: `LogsterParser` and its optional seams.

The contract of 1.x is `parse_line` and `get_state`. Everything else is
optional and found by name:

* `feed` takes a block of whole lines at a time and is what makes a parser fast;
* `merge` takes over what another instance counted, so that parts of a log can
  be read in parallel;
* `time_of` tells when a line happened;
* `catalogue` names every metric with its unit, kind and one line of help;
* `memory` is what a parser wants back in the next run;
* `notices` are sentences for the person who reads cron's mail.
"""

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO, TextIOWrapper
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

from logster.errors import ParserError, SkipLine, described
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.options import Option, parse_options


class Tally(NamedTuple):
    """
    How the lines of a block were taken; every line is exactly one of the three.

    Attributes:
        matched: Lines that the parser understood and counted.

        ignored: Lines that the parser knows and means to pass over.

        unmatched: Lines that the parser does not understand.
    """

    matched: int = 0
    ignored: int = 0
    unmatched: int = 0


class LogsterParser:
    """
    Base class of all parsers.

    Args:
        option_string: The text of ``--parser-options``, handed over verbatim.

    Attributes:
        options: The options that the parser knows, declared once. Their values
            stand in ``self.option`` after ``__init__``.

        keeps_memory: Whether `memory` is kept from run to run.

        memory: What JSON can hold and the next run shall find again. It is set
            before the first line is fed.

        notices: Sentences for the person who reads cron's mail: what went wrong with the
            log, or with the options, so that the figures are less than they seem. An optional
            seam, read by the run after `get_state`; a parser of 1.x has none.
    """

    options: ClassVar[tuple[Option, ...]] = ()
    keeps_memory: ClassVar[bool] = False
    memory: Any = None
    notices: list[str]

    def __init__(self, option_string: str | None = None) -> None:
        self.notices = []
        self.option: SimpleNamespace = parse_options(
            type(self).__name__, option_string if self.options else None, self.options
        )

    def parse_line(self, line: str) -> None:
        """
        Take one line, its newline included.

        Raises:
            SkipLine: If the line is not understood; it is counted, and the run goes on.
        """
        raise RuntimeError("Implement me!")

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """
        Return the figures of all lines taken since the parser was made.

        Args:
            duration: Seconds since the last run started; never below one.
        """
        raise RuntimeError("Implement me!")

    def feed(self, block: bytes) -> Tally:
        """
        Take a block of whole lines, each with its newline, and say how they were taken.

        The default hands every line to `parse_line`.
        """
        return feed_lines(self, block)

    def time_of(self, line: str) -> float | None:
        """Return when *line* happened, in seconds since the epoch; None where that is unknown."""
        return None

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics of this parser."""
        return ()


def catalogue_of(name: str, parser_class: Any) -> tuple[MetricInfo, ...]:
    """
    Return what the parser *name* says of its metrics; one of 1.x says nothing.

    Raises:
        ParserError: If it raises something instead.
    """
    say = getattr(parser_class, "catalogue", None)
    try:
        return tuple(MetricInfo(*each) for each in say()) if callable(say) else ()
    except (Exception, SystemExit) as error:
        raise ParserError(
            f"The parser {name} raised {described(error)} while its catalogue was read. "
            "Nothing was read or sent."
        ) from error


def feed_lines(parser: Any, block: bytes) -> Tally:
    """
    Hand every line of *block* to the `parse_line` of *parser*.

    Bytes that are not UTF-8 become U+FFFD: one bad byte costs one character.
    """
    parse_line = parser.parse_line
    unmatched = 0
    # Both find newlines twice as fast as `split`, and leave them where they are.
    if block.isascii():
        lines: Sequence[Any] = BytesIO(block).readlines()
        texts: Iterable[str] = map(bytes.decode, lines)
    else:
        texts = lines = TextIOWrapper(BytesIO(block), "utf-8", "replace", newline="\n").readlines()
    for line in texts:
        try:
            parse_line(line)
        except SkipLine:
            unmatched += 1
    return Tally(len(lines) - unmatched, 0, unmatched)


def feeder(parser: Any) -> Callable[[bytes], Tally]:
    """
    Return the callable that takes blocks for *parser*.

    Parsers of 1.x need not derive from `LogsterParser`.
    """
    if isinstance(parser, LogsterParser):
        return parser.feed
    return lambda block: feed_lines(parser, block)

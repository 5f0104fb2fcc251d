"""
`BlockParser`: a parser that is written for blocks, and whose `parse_line` follows from that.

A block of whole lines is cheap to take at once: one call of a compiled pattern
instead of one for each line. Those who call `parse_line`, and those who
override it in a subclass, need not know.
"""

from typing import Any, ClassVar

from logster.errors import SkipLine
from logster.parser import LogsterParser, Tally, feed_lines


class BlockParser(LogsterParser):
    """
    Base class of parsers that take blocks.

    A subclass fills `take`; `feed` and `parse_line` come for free and give
    equal figures.

    Attributes:
        per_line: Methods whose override by a subclass asks for line by line:
            `feed` then hands every line to the `parse_line` of that subclass.
    """

    per_line: ClassVar[tuple[str, ...]] = ("parse_line",)
    _by_line: ClassVar[bool] = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        own = vars(cls)
        if "take" in own:
            cls._by_line = False
        elif any(name in own for name in cls.per_line):
            cls._by_line = True

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*; only the last may lack its newline."""
        raise NotImplementedError

    def feed(self, block: bytes) -> Tally:
        """Take a block of whole lines and say how they were taken."""
        return feed_lines(self, block) if self._by_line else self.take(block)

    def parse_line(self, line: str) -> None:
        """
        Take one line.

        Raises:
            SkipLine: If the line is not understood.
        """
        if self.take(line.encode("utf-8", "surrogatepass")).unmatched:
            raise SkipLine(line)


def newlines(block: bytes) -> int:
    r"""
    Return how many newlines there are in *block*.

    `bytes.count` looks at each byte, `bytes.replace` lets the C library find them: half
    the time.

    >>> newlines(b"one\n\ntwo")
    2
    """
    return len(block) - len(block.replace(b"\n", b""))


def blank_lines(block: bytes) -> int:
    r"""
    Return how many lines of *block* hold nothing but white space.

    >>> blank_lines(b"one\n\n \r\ntwo")
    2
    """
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return sum(not line or line.isspace() for line in lines)

"""
The shapes of lines: what is left of them when numbers, ids and addresses are masked.

Lines that one statement of a program wrote have one shape, so that a million
lines nobody understands become the few kinds that they are. Everything here is
pure, and bounded whatever a stranger wrote into the log.
"""

import re
from typing import NamedTuple


#: Only so much of a line makes its shape.
SHAPE_CHARACTERS = 300

#: How many shapes are told apart at least; see `Frequent`.
CAPACITY = 1000

# The first alternative that fits wins. No group can match what another one of
# its own alternative can, and lines are cut before: the time is linear.
_MASKS = re.compile(
    r"""
    (?<! \w ) (?= [\w:.+=-] ) (?:    # all but numbers begin where a word does
        (?P<time>
            \b\d{4}[-/]\d\d[-/]\d\d [T ] \d\d:\d\d:\d\d (?: [.,]\d{1,9} )?+
            (?: Z\b | [ ]?[+-]\d\d:?\d\d\b )?+
          | \b\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d (?: [ ][+-]\d{4} )?+
          | \b(?: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [ ] )?+
            (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ ]{1,2} \d{1,2} [ ]
            \d\d:\d\d:\d\d (?: \.\d{1,9} )?+ (?: [ ]\d{4}\b )?+
          | \b\d\d:\d\d:\d\d (?: [.,]\d{1,9} )?+ (?! [:\w] )
        )
      | (?P<uuid> \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b )
      | (?P<mail> (?<! [\w.+=-] ) [\w.+=-]{1,64}+ @ [\w-]{1,63} (?: \. [\w-]{1,63} ){0,8} )
      | (?P<ip>
            \b(?: \d{1,3}\. ){3} \d{1,3} (?! [.\w] )
          | (?<! [\w:] ) (?: [0-9a-fA-F]{1,4} : ){7} [0-9a-fA-F]{1,4} (?! [\w:] )
          | (?<! [\w:] ) (?= [0-9a-fA-F:]{0,39} :: ) (?= [:]{0,2}[0-9a-fA-F] )
            [0-9a-fA-F:]{3,39} (?: \. \d{1,3} ){0,3} (?! [\w:] )
        )
      | (?P<id>
            \b 0[xX][0-9a-fA-F]{1,64} \b
          | \b (?= [a-fA-F]{0,64} \d ) (?= \d{0,64} [a-fA-F] ) [0-9a-fA-F]{6,} \b
          | \b (?= [A-Za-z]{0,64} \d ) (?= [0-9A-Za-z]{10} ) (?= \d{0,64} [A-Za-z] ) [0-9A-Za-z]+ \b
        )
    )
  | (?P<n> \d+ (?: [.,] \d+ )*+ )
    """,
    re.VERBOSE,
)


class Shape(NamedTuple):
    """
    A shape of lines, as it was met in a log.

    Attributes:
        text: The shape itself.

        lines: How many lines had it, counted without fail.

        missed: How many more there may have been, before it was told apart; zero
            unless a log has more shapes than are told apart.

        sample: One of the lines.
    """

    text: str
    lines: int
    missed: int
    sample: str


class Frequent:
    """
    The most frequent shapes of many lines, in bounded memory.

    Exact up to twice *capacity* shapes. Beyond that it is the summary of Misra
    and Gries: a shape of more than one in *capacity* lines is always found.

    Args:
        capacity: How many shapes are told apart at least.

        width: How many characters of a sample are kept.

    >>> lines = Frequent()
    >>> for line in ("connect from 192.0.2.1", "connect from 192.0.2.77", "lost it"):
    ...     lines.add(line)
    >>> lines.top(1)
    [Shape(text='connect from <ip>', lines=2, missed=0, sample='connect from 192.0.2.1')]
    """

    def __init__(self, capacity: int = CAPACITY, width: int = 500) -> None:
        self.capacity = capacity
        self.width = width
        self.total = 0
        self._missed = 0
        self._known: dict[str, _Entry] = {}

    def add(self, line: str) -> None:
        """Count *line*."""
        self.total += 1
        text = shape(line)
        entry = self._known.get(text)
        if entry is None:
            if len(self._known) >= 2 * self.capacity:
                self._prune()
            entry = self._known[text] = _Entry(self._missed, line[: self.width])
        entry.lines += 1
        entry.weight += 1

    def top(self, number: int) -> list[Shape]:
        """Return the *number* most frequent shapes, the most frequent first."""
        found = [
            Shape(text, entry.lines, entry.missed, entry.sample)
            for text, entry in self._known.items()
        ]
        found.sort(key=lambda each: (-each.lines, each.text))
        return found[:number]

    def _prune(self) -> None:
        """Make room: every shape pays as much as those that have to go can."""
        weights = sorted((entry.weight for entry in self._known.values()), reverse=True)
        price = weights[self.capacity]
        self._missed += price
        for entry in self._known.values():
            entry.weight -= price
        self._known = {text: entry for text, entry in self._known.items() if entry.weight > 0}


class _Entry:
    """What is known of one shape: how often it came, and what that is worth by now."""

    __slots__ = ("lines", "missed", "sample", "weight")

    def __init__(self, missed: int, sample: str) -> None:
        self.lines = self.weight = 0
        self.missed = missed
        self.sample = sample


def shape(line: str) -> str:
    """
    Return *line* with times, addresses, ids and numbers masked, cut to a bounded length.

    >>> shape("Oct 11 22:14:15 mx postfix/smtp[93]: 4BC1F0: to=<joe@example.org>, delay=0.4")
    '<time> mx postfix/smtp[<n>]: <id>: to=<<mail>>, delay=<n>'
    """
    return _MASKS.sub(_mask, line[:SHAPE_CHARACTERS]).rstrip()


def printable(text: str, width: int | None = None) -> str:
    r"""
    Return *text* so that a terminal shows it and does not obey it.

    Control characters, marks that turn the direction of writing and bytes that
    were no text become escapes; what is longer than *width* is cut.

    >>> printable("a\x1b]0;owned\x07b\n"), printable("abcdefgh", 6)
    ('a\\x1b]0;owned\\x07b\\n', 'abc...')
    """
    if width is not None:
        text = text[: width + 1]  # whatever is behind cannot show
    if not text.isprintable():
        text = "".join(map(_escaped, text))
    if width is not None and len(text) > width:
        text = text[: max(0, width - 3)] + "..."
    return text


def _mask(match: "re.Match[str]") -> str:
    return _NAMES[match.lastgroup or "n"]


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


_NAMES = {
    "time": "<time>",
    "uuid": "<id>",
    "mail": "<mail>",
    "ip": "<ip>",
    "id": "<id>",
    "n": "<n>",
}

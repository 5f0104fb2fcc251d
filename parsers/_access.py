"""
What the parsers of access logs share.

Layouts of lines, the way a block is taken, distributions, and classes of status.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import compress
from typing import Any

from logster.blocks import newlines
from logster.errors import SkipLine
from logster.metrics import Metric, MetricInfo
from logster.parser import LogsterParser, Tally, feed_lines
from logster.stats import weighted_percentile


#: A column holds one field of many lines, in bytes; None stands for what it usually holds.
Column = list[Any]

#: Raw values are counted as they stand and converted once, when so many of them are distinct.
FOLD_AT = 20_000

#: Likewise when they have about so many bytes.
FOLD_SIZE = 4 << 20

#: So many distinct clients or users are told apart; more than that count as this many.
DISTINCT_LIMIT = 50_000

#: Those that are longer are known by a hash.
DISTINCT_LENGTH = 64

#: What stands inside of quotes.
QUOTED = rb"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+"

#: No method that is registered is as long. The rest of one is not kept.
METHOD_LENGTH = 32

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")

#: Statuses that get a metric of their own: the registered ones and those of nginx,
#: Apache and content networks. A server behind can send any number.
STATUSES = frozenset(
    str(status)
    for status in (
        *range(100, 104),
        *range(200, 209),
        226,
        *range(300, 309),
        *range(400, 432),
        440,
        444,
        449,
        450,
        451,
        460,
        463,
        *range(494, 500),
        *range(500, 512),
        *range(520, 531),
        598,
        599,
    )
)


class Pattern:
    r"""
    One way to read a line.

    Args:
        source: Regular expression of one whole line but its newline, with a
            group for each field. A group that takes no part in a match stands
            for what the field usually holds.
    """

    def __init__(self, source: bytes) -> None:
        self.source = source

    # Compiled when first used: most patterns wait for a line that never comes.
    @cached_property
    def _exact(self) -> "re.Pattern[bytes]":
        return _compiled(self.source)

    @cached_property
    def _can_run_on(self) -> bool:
        return quick(self.source) != self.source

    @cached_property
    def _quick(self) -> "re.Pattern[bytes]":
        return _compiled(quick(self.source))

    def split(self, block: bytes) -> tuple[list[Any], int]:
        """
        Return the groups of all lines in a row, and how many items each line has.

        A line that does not match is the last item of its own, None with one
        that does. The first item of each line is empty.

        Args:
            block: Whole lines, each with its newline.
        """
        flat: list[Any] = self._quick.split(block)
        step = self._quick.groups + 1
        # If not, there is no need to count the lines.
        if self._can_run_on and len(flat) != newlines(block) * step + 1:
            # A match took two lines.
            flat = self._exact.split(block)
        return flat, step


def _compiled(source: bytes) -> "re.Pattern[bytes]":
    # The second alternative takes any line whole. So every match begins where
    # a line begins, and each line is either matched or found in the last group.
    return re.compile(b"%b\n|(.*+)\n" % source)


def quick(source: bytes) -> bytes:
    r"""
    Return *source* so that it is faster, and may run past the end of a line.

    >>> quick(rb"([^ \n]++) [^ \n]++")
    b'([^ ]++) [^ \\n]++'
    """
    # A single negated character is a third faster than a set. In front of what ends
    # it, it means the same, unless the line ends before that.
    source = re.sub(rb"\[\^ \\n\](?=[+*]\+\)* )", rb"[^ ]", source)
    return source.replace(rb"[^\"\n]", rb"[^\"]").replace(rb"[^\]\n]", rb"[^\]]")


class Layout:
    """
    A way in which lines of a log are laid out.

    Args:
        fields: What the groups of each pattern hold, in their order.

        sources: Regular expressions for `Pattern`, tried one after the other, each
            on the lines that the ones before did not take.
    """

    def __init__(self, fields: tuple[str, ...], *sources: bytes) -> None:
        self.fields = fields
        self._patterns = [Pattern(source) for source in sources]

    def scan(self, block: bytes) -> tuple[dict[str, Column], int, bytes, int]:
        """
        Return the columns of the lines that this layout reads, and the other lines.

        Args:
            block: Whole lines, each with its newline.

        Returns:
            Columns by field, the length of each; the other lines, how many they are.
        """
        columns: list[Column] = []
        read = 0
        missed: list[bytes] = []
        for pattern in self._patterns:
            flat, step = pattern.split(block)
            others = flat[step - 1 :: step]
            found = [flat[place::step] for place in range(1, step - 1)]
            matches = others.count(None)
            missed = []
            if matches < len(others):
                missed = [line for line in others if line is not None]
                hits = [line is None for line in others]
                found = [list(compress(column, hits)) for column in found]
            columns = [a + b for a, b in zip(columns, found, strict=True)] if columns else found
            read += matches
            block = b"\n".join(missed) + b"\n" if missed else b""
            if not missed:
                break
        return dict(zip(self.fields, columns, strict=True)), read, block, len(missed)


class AccessParser(LogsterParser):
    """
    A parser of logs with one request a line.

    Subclasses fill `layouts` and `take`.
    """

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self._layouts = list(self.layouts())
        # Who derives a parser and overrides `parse_line` means every line.
        self._line_by_line = type(self).parse_line is not AccessParser.parse_line

    def layouts(self) -> Iterable[Layout]:
        """Return the layouts to try, the most likely first; no line may suit two of them."""
        raise NotImplementedError

    def take(self, columns: dict[str, Column]) -> None:
        """Count the lines that *columns* hold, which all have the same length."""
        raise NotImplementedError

    def parse_line(self, line: str) -> None:
        """Take one line."""
        text = line.removesuffix("\n")
        if "\n" in text:
            raise SkipLine("more than one line")
        try:
            raw = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raw = text.encode("utf-8", "replace")
        if self._feed(raw + b"\n").unmatched:
            raise SkipLine("no line of an access log")

    def feed(self, block: bytes) -> Tally:
        """Take a block of whole lines."""
        if self._line_by_line:
            return feed_lines(self, block)
        if block and not block.endswith(b"\n"):
            block += b"\n"
        return self._feed(block)

    def _feed(self, block: bytes) -> Tally:
        rest, unmatched, total = block, 0, 0
        for place, layout in enumerate(self._layouts):
            columns, read, rest, unmatched = layout.scan(rest)
            total = total or read + unmatched
            if read:
                self.take(columns)
                if place and read + unmatched == total:
                    # Nothing suited the layouts before: the next block starts with this one.
                    self._layouts.insert(0, self._layouts.pop(place))
            if not unmatched:
                break
        # Comments of the W3C format. No daemon lets a client begin a line.
        ignored = rest.count(b"\n#") + rest.startswith(b"#") if unmatched else 0
        return Tally(total - unmatched, ignored, unmatched - ignored)


class Distribution:
    """
    How often each value occurred, in bounded memory.

    Values of 10,000 and more are kept to four significant digits, so that there
    can never be more than some ten thousand of them. Figures are the same in
    whatever order values come, and however a log was split.

    >>> times = Distribution()
    >>> times.add(5, 3)
    >>> times.add(123_456)
    >>> times.mean(), times.percentile(100), times.maximum
    (30867.75, 123400, 123456)
    """

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()
        self.count = 0
        self.total = 0
        self.maximum = 0

    def add(self, value: int, times: int = 1) -> None:
        """Count *value*, a whole number not below zero, *times* more."""
        self.count += times
        self.total += value * times
        self.maximum = max(self.maximum, value)
        if value >= 10_000:
            unit = 10 ** (len(str(value)) - 4)
            value -= value % unit
        self._counts[value] += times

    def update(self, other: "Distribution") -> None:
        """Count all values of *other* too."""
        self._counts.update(other._counts)  # noqa: SLF001 - one of us
        self.count += other.count
        self.total += other.total
        self.maximum = max(self.maximum, other.maximum)

    def mean(self) -> float:
        """Return the mean of all values, exactly."""
        return self.total / self.count

    def percentile(self, percent: float) -> float:
        """Return the value below which *percent* of all values lie."""
        return weighted_percentile(self._counts, percent)

    def metrics(
        self, prefix: str, percents: Iterable[float], units: str, scale: int = 1
    ) -> Iterator[Metric]:
        """
        Yield mean, percentiles and maximum, or nothing where there are no values.

        Args:
            prefix: Begins each name.

            percents: The percentiles wanted.

            units: Unit of the values after division.

            scale: What values are divided by.
        """
        if not self.count:
            return
        yield Metric(f"{prefix}_avg", self.mean() / scale, units)
        for percent in percents:
            yield Metric(
                f"{prefix}_{percentile_name(percent)}", self.percentile(percent) / scale, units
            )
        yield Metric(f"{prefix}_max", self.maximum / scale, units)


def percentile_name(percent: float) -> str:
    """
    Return how a metric calls a percentile.

    >>> percentile_name(50), percentile_name(99), percentile_name(99.9)
    ('median', 'p99', 'p99_9')
    """
    return "median" if percent == 50 else f"p{percent:g}".replace(".", "_")


def add_clients(known: set[bytes], clients: Iterable[bytes], *, trusted: bool = True) -> None:
    """
    Add *clients* to *known*, which never grows far beyond `DISTINCT_LIMIT`.

    Args:
        known: Those that were there before.

        clients: Addresses or names of hosts.

        trusted: Whether that is all they can be: in a format of somebody's own, a header.
    """
    if not trusted:
        add_users(known, clients)
    elif len(known) < DISTINCT_LIMIT:
        known.update(clients)


def add_users(known: set[bytes], users: Iterable[bytes | None]) -> None:
    """Likewise for names, which strangers can make as long as they like; None is no name."""
    if len(known) < DISTINCT_LIMIT:
        known.update(map(_short, set(filter(None, users)) - known))


def _short(value: bytes) -> bytes:
    """Return *value*, or a hash where a stranger might have made it long to take up memory."""
    if len(value) <= DISTINCT_LENGTH:
        return value
    from hashlib import blake2b  # noqa: PLC0415 - 3 ms that hardly a log needs

    return blake2b(value, digest_size=16).digest()


def words(text: str) -> frozenset[str]:
    """Return the words of *text*."""
    return frozenset(text.split())


def status_class(status: str) -> str | None:
    """
    Return the class of an HTTP status, None for one that no server may send.

    >>> status_class("204"), status_class("000"), status_class("0"), status_class("611")
    ('2xx', '000', '000', None)
    """
    if status.strip("0") == "":
        return "000"
    return f"{status[0]}xx" if len(status) == 3 and status[0] in "12345" else None


def status_class_infos(units: str = "Responses per sec", kind: str = "g") -> tuple[MetricInfo, ...]:
    """Return what catalogues say of the classes of status."""
    what = ("Interim replies", "Successes", "Redirections", "Refusals", "Failures of a server")
    rate = ", per second" if kind == "g" else ""
    return tuple(
        MetricInfo(f"http_{name}", units, kind, f"{text} (status {name}){rate}.")
        for name, text in zip(STATUS_CLASSES, what, strict=True)
    )


def per_second(count: float, duration: float) -> float:
    """
    Return *count* per second.

    >>> per_second(30, 60), per_second(30, 0)
    (0.5, 30.0)
    """
    return count / max(duration, 1)


def share(part: float, whole: float) -> float:
    """Return *part* as a percentage of *whole*."""
    return 100 * part / whole


def numbers(texts: Sequence[bytes]) -> list[float]:
    """
    Return *texts*, each of at most 15 digits, as numbers whose sum is exact.

    >>> numbers([b"10", b"032"]), sum(numbers([b"9" * 15] * 10))
    ([10.0, 32.0], 9999999999999990)
    """
    values = list(map(float, texts))  # a third faster than int, and exact below 2**53
    return values if sum(values) < 2**53 else list(map(int, texts))


def unique_counts(clients: set[bytes], users: set[bytes]) -> Iterator[Metric]:
    """Yield how many different *clients* and *users* there were, where there were any."""
    for name, units, known in (
        ("clients_unique", "Clients", clients),
        ("users_unique", "Users", users),
    ):
        if found := min(len(known - {b"-", b"", b'""'}), DISTINCT_LIMIT):
            yield Metric(name, found, units)

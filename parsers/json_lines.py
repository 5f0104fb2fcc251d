r"""
Take the numbers that lines of JSON hold, by the path that leads to them.

Lines it reads, also after a syslog header or ``@cee:``, and within docker's own JSON:

>>> figures('{"queue": {"in": 3, "open": true}, "name": "shop"}')
{'json_records': 1, 'queue.in': 3, 'queue.open': 1}
>>> figures('{"ms": 5}\n{"ms": 8}', "--aggregate ms=sum,avg,p95")
{'json_records': 2, 'ms.sum': 13, 'ms.avg': 6.5, 'ms.p95': 7.85}
>>> figures('{"level": "ERROR"}\n{"level": "DEBUG"}', "--count level=ERROR,WARNING")
{'json_records': 2, 'level.ERROR': 1, 'level.WARNING': 0, 'level.other': 1}
>>> figures('{"to": "a", "n": 1}\n{"to": "b", "n": 2}', "-g to -a n=max -w 'n>1'")
{'json_records': 1, 'b.json_records': 1, 'b.n.max': 2}

Metrics:
    json_records: Objects measured.

    {path}: Last number at each path, without ``--aggregate``.

    {path}.{aggregate}: Numbers at a path as ``--aggregate`` says.

    {path}.{value}: Objects with each value that ``--count`` names; ``other`` for the rest.

    {group}.{metric}: Each of these for the objects of a group, with ``--group-by``.

    json_keys_dropped: Numbers passed over because there are more metrics than ``--max-metrics``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple

import orjson

from logster.blocks import BlockParser
from logster.metrics import Metric, MetricInfo
from logster.parser import Tally
from logster.parsers._json_columns import Columns, InexactError, Numbers, Texts
from logster.parsers._json_logster import JsonLogster
from logster.parsers._json_options import OPTIONS
from logster.parsers._json_records import (
    Joiner,
    Record,
    after_prefix,
    decode,
    decode_exactly,
    decode_odd,
    find,
    records,
)
from logster.parsers._json_select import Selection, condition, shown
from logster.parsers._json_series import Series, metric
from logster.parsers._json_text import converter, lists_option, seconds


__all__ = ["JsonLinesParser", "JsonLogster"]

#: How much of a value becomes part of a name.
MAX_GROUP = 64

_OTHER = "other"

Key = tuple[str, str]


class Part(NamedTuple):
    """What a block holds of one group."""

    group: str
    records: int
    found: list[Numbers | Texts]


class JsonLinesParser(BlockParser):
    """
    Take the numbers that lines of JSON hold, by the path that leads to them.

    Attributes:
        groups: How many objects each group has; the only one is called "" without ``--group-by``.

        series: The numbers kept, by group and name.

        counts: The values counted, by group and name.

        dropped: How many numbers there was no room for.

        splittable: Whether parts of a log may be read apart and merged.
    """

    options: ClassVar = OPTIONS
    keeps_memory: ClassVar = True

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        option = self.option
        self._separator: str = option.key_separator
        selection = Selection(
            option.aggregate,
            option.include,
            option.exclude,
            option.count,
            option.rename,
            self._separator,
        )
        self._plain = selection.plain
        self._columns = Columns(
            selection,
            self._separator,
            lists_option(option.lists),
            converter(option.numeric_strings, option.units),
        )
        self._conditions = [condition(text, self._separator) for text in option.where]
        self._joiner = Joiner() if option.multiline else None
        self.splittable = self._joiner is None
        self.groups: Counter[str] = Counter()
        self.series: dict[Key, Series] = {}
        self.counts: dict[Key, Counter[str]] = {}
        self._room: int = option.max_metrics
        self.dropped = 0
        self._before: dict[Key, float] | None = None

    def take(self, block: bytes) -> Tally:
        """Measure the lines of *block*."""
        texts = block.split(b"\n")
        if not texts[-1]:
            texts.pop()
        inner = broken = 0
        if self._joiner:
            self._remember()
            texts, inner, broken = self._joiner.join(texts)
        found, tally = self._read(texts, orjson.loads)
        try:
            parts = self._measured(found, exact=False)
        except InexactError:
            found, tally = self._read(texts, decode_exactly)
            parts = self._measured(found, exact=True)
        for part in parts:
            self._keep(part)
        return Tally(tally.matched, tally.ignored + inner, tally.unmatched + broken)

    def merge(self, other: "JsonLinesParser") -> None:
        """Add what *other* measured, which came later."""
        self.dropped += other.dropped
        for group, count in other.groups.items():
            self.groups[self._admitted(group)] += count
        for (group, name), series in other.series.items():
            mine = self._series_of((self._admitted(group), name), series.aggregates)
            if mine:
                mine.merge(series)
            else:
                self.dropped += 1
        for (group, name), counts in other.counts.items():
            if own := self._counts_of((self._admitted(group), name), len(counts)):
                own.update(counts)
            else:
                self.dropped += 1

    def get_state(self, duration: float) -> Iterable[Metric]:
        """Return the figures of all objects measured."""
        self._remember()
        yield Metric("json_records", self.groups.total(), "Objects", "int32", kind="c")
        if self.option.group_by is not None:
            for group, count in self.groups.items():
                name = self._name(group, "json_records")
                yield Metric(name, count, "Objects", "int32", kind="c")
        for key, series in self.series.items():
            before = (self._before or {}).get(key)
            for aggregate, value in series.figures(duration, before):
                name = key[1] if self._plain else f"{key[1]}{self._separator}{aggregate}"
                yield metric(self._name(key[0], name), aggregate, value)
        for (group, name), counts in self.counts.items():
            for text, count in counts.items():
                full = self._name(group, f"{name}{self._separator}{text}")
                yield Metric(full, count, "Objects", "int32", kind="c")
        if self.dropped:
            yield Metric("json_keys_dropped", self.dropped, "Numbers", "int32", kind="c")
        self.memory = self._memory()

    def time_of(self, line: str) -> float | None:
        """Return the time of the object on *line*, as ``--time-key`` says, or None."""
        if self.option.time_key is None:
            return None
        text = line.encode("utf-8", "surrogatepass")
        for record in records(decode(text) or after_prefix(text, decode), None, decode):
            return seconds(find(record, self.option.time_key, self._separator))
        return None

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            MetricInfo("json_records", "Objects", "c", "Objects measured."),
            MetricInfo("{path}", "", "g", "Last number at each path, without --aggregate."),
            MetricInfo("{path}.{aggregate}", "", "g", "Numbers at a path as --aggregate says."),
            MetricInfo("{path}.{value}", "Objects", "c", "Objects with a value --count names."),
            MetricInfo("{group}.{metric}", "", "g", "Each of these for a group of --group-by."),
            MetricInfo("json_keys_dropped", "Numbers", "c", "Numbers beyond --max-metrics."),
        )

    def _read(
        self, texts: Sequence[bytes], load: Callable[[bytes], Any]
    ) -> tuple[list[Record], Tally]:
        """Return the objects on the lines *texts*, and how the lines were taken."""
        found: list[Record] = []
        ignored = unmatched = 0
        reload = decode if load is orjson.loads else decode_exactly
        plain = self.option.unwrap is None and not self._conditions
        for text in texts:
            try:
                record = load(text)
            except orjson.JSONDecodeError:
                record = decode_odd(text)
            if plain and type(record) is dict and "log" not in record:
                found.append(record)
                continue
            if record is None:
                record = after_prefix(text, reload)
            new = records(record, self.option.unwrap, reload)
            kept = [each for each in new if all(meets(each) for meets in self._conditions)]
            found += kept
            if not kept:
                known = new or record == [] or not text or text.isspace()
                ignored += bool(known)
                unmatched += not known
        return found, Tally(len(texts) - ignored - unmatched, ignored, unmatched)

    def _measured(self, found: list[Record], *, exact: bool) -> list[Part]:
        """Return what the objects *found* hold, apart for each group."""
        path = self.option.group_by
        if path is None:
            return [Part("", len(found), list(self._columns.read(found, exact)))]
        groups: dict[str, list[Record]] = defaultdict(list)
        for record in found:
            value = find(record, path, self._separator)
            named = isinstance(value, str | int | float)
            groups[self._admitted(shown(value)[:MAX_GROUP] if named else "none")].append(record)
        return [
            Part(group, len(members), list(self._columns.read(members, exact)))
            for group, members in groups.items()
        ]

    def _keep(self, part: Part) -> None:
        """Add what one block holds of one group."""
        self.groups[part.group] += part.records
        chunks: dict[str, list[Numbers]] = defaultdict(list)
        for item in part.found:
            if isinstance(item, Numbers):
                chunks[item.name].append(item)
                continue
            counts = self._counts_of((part.group, item.name), len(item.allowed) + 1)
            if counts is None:
                self.dropped += item.counts.total()
                continue
            counts.update(dict.fromkeys(item.allowed, 0))
            for value, count in item.counts.items():
                counts[value if value in item.allowed else _OTHER] += count
        for name, numbers in chunks.items():
            values = _in_order(numbers)
            series = self._series_of((part.group, name), numbers[0].aggregates)
            if series:
                series.add(values)
            else:
                self.dropped += len(values)

    def _admitted(self, group: str) -> str:
        """Return *group*, or what stands for those there is no room for."""
        if group not in self.groups:
            if len(self.groups) - (_OTHER in self.groups) >= self.option.max_groups:
                return _OTHER
            self.groups[group] = 0
        return group

    def _series_of(self, key: Key, aggregates: tuple[str, ...]) -> Series | None:
        """Return the series *key*, a new one if there is room."""
        if key not in self.series:
            if self._room < len(aggregates):
                return None
            self._room -= len(aggregates)
            self.series[key] = Series(aggregates)
        return self.series[key]

    def _counts_of(self, key: Key, size: int) -> Counter[str] | None:
        """Return the counts *key*, new ones if there is room for so many."""
        if key not in self.counts:
            if self._room < size:
                return None
            self._room -= size
            self.counts[key] = Counter()
        return self.counts[key]

    def _name(self, group: str, name: str) -> str:
        return f"{group}{self._separator}{name}" if self.option.group_by is not None else name

    def _remember(self) -> None:
        """Take over what the run before left, once."""
        if self._before is None:
            memory = self.memory or {}
            self._before = {(group, name): last for group, name, last in memory.get("last", ())}
            if self._joiner and "open" in memory:
                self._joiner.open = memory["open"].encode().split(b"\n")

    def _memory(self) -> dict[str, Any] | None:
        last = dict(self._before or {})
        for key, series in self.series.items():
            if series.has_memory and series.last is not None:
                last[key] = series.last
        memory: dict[str, Any] = {}
        if last:
            newest = list(last.items())[-self.option.max_metrics :]
            memory["last"] = [[group, name, value] for (group, name), value in newest]
        if self._joiner and self._joiner.open:
            memory["open"] = b"\n".join(self._joiner.open).decode("utf-8", "replace")
        return memory or None


def figures(text: str, option_string: str = "") -> dict[str, object]:
    """Return the metrics of a run that saw *text* only."""
    parser = JsonLinesParser(option_string=option_string)
    parser.feed(text.encode())
    return {each.name: each.value for each in parser.get_state(60)}


def _in_order(chunks: list[Numbers]) -> Sequence[float]:
    """Return the values of *chunks* in the order of their records."""
    if len(chunks) == 1:
        return chunks[0].values
    pairs = [pair for chunk in chunks for pair in zip(chunk.order, chunk.values, strict=True)]
    return [value for _, value in sorted(pairs, key=itemgetter(0))]

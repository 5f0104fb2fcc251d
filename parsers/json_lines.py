r"""
Take the numbers that lines of JSON hold, by the path that leads to them.

Lines it reads, also after what loggers put before a message (a syslog header, ``@cee:``, a
time, a level; no other words), and within docker's own JSON:

>>> figures('{"queue": {"in": 3, "open": true}, "name": "shop"}')
{'json_records': 1, 'queue.in': 3, 'queue.open': 1}
>>> figures('{"ms": 5}\n{"ms": 8}', "--aggregate ms=sum,avg,p95")
{'json_records': 2, 'ms.sum': 13, 'ms.avg': 6.5, 'ms.p95': 7.85}
>>> figures('{"level": "ERROR"}\n{"level": "DEBUG"}', "--count level=ERROR,WARNING")
{'json_records': 2, 'level.ERROR': 1, 'level.WARNING': 0, 'level.other': 1}
>>> figures('{"to": "a", "n": 1}\n{"to": "b", "n": 2}', "-g to -a n=max -w 'n>1'")
{'json_records': 1, 'b.json_records': 1, 'b.n.max': 2}

Keys and values become part of a name with ``_`` for all but letters, digits, ``_``, ``-``
and ``.``, and for nothing at all; in the name of a group also for the key separator. Paths
that make one name, such as ``{"a": {"b": 1}}`` and ``{"a.b": 1}``, are one.

No key gets a name that is taken: that of a counter of the parser itself, of a value that
``--count`` names (whether the log holds it or not), or one that ``--rename`` gives to another
path (unless the key is renamed to it, too). Names are compared as the strictest backend
writes them, so that ``level_ERROR`` does not pass for ``level.ERROR``. Of two keys that it
writes alike the one with more numbers has the name; but where only sums and counts are made
of them both stay, and add up there. Numbers without a name are dropped, and counted as such:

>>> figures('{"json_records": 9, "level": {"ERROR": 9}, "ms": 5}', "--count level=ERROR")
{'json_records': 1, 'ms': 5, 'json_keys_dropped': 2}
>>> figures('{"req": {"ms": 5}}\n{"req": {"ms": 5}, "req_ms": 999}')
{'json_records': 2, 'req.ms': 5, 'json_keys_dropped': 1}

Metrics:
    json_records: Objects measured.

    {path}: Last number at each path, without ``--aggregate``.

    {path}.{aggregate}: Numbers at a path as ``--aggregate`` says.

    {path}.{value}: Objects with each value that ``--count`` names; ``other`` for the rest.

    {group}.json_records: Objects of a group, with ``--group-by``.

    {group}.{metric}: Each of these for the objects of a group, with ``--group-by``; for
        ``other``, the groups there is no room for, without ``delta`` and ``rate``.

    json_keys_dropped: Numbers passed over because there are more metrics than ``--max-metrics``,
        because their name is taken, or because their path has more than 512 characters or 32
        keys.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple

import orjson

from logster.blocks import BlockParser
from logster.errors import ConfigurationError
from logster.labels import alike
from logster.metrics import Metric, MetricInfo, plain_name
from logster.moments import seconds
from logster.parser import Tally
from logster.parsers._json_columns import Columns, Found, InexactError
from logster.parsers._json_groups import Groups, Place
from logster.parsers._json_logster import JsonLogster
from logster.parsers._json_names import OWN, folded
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
from logster.parsers._json_select import OTHER, Selection, condition, shown
from logster.parsers._json_series import FOLLOWED, kind_of, metric
from logster.parsers._json_text import converter, lists_option


__all__ = ["JsonLinesParser", "JsonLogster"]

#: How much of a value becomes part of a name.
MAX_GROUP = 64

Key = tuple[str, str]


class Part(NamedTuple):
    """What a block holds of one group."""

    group: str
    records: int
    found: list[Found]


class JsonLinesParser(BlockParser):
    """
    Take the numbers that lines of JSON hold, by the path that leads to them.

    Attributes:
        groups: What is kept of the objects of each group.

        splittable: Whether parts of a log may be read apart and merged.
    """

    options: ClassVar = OPTIONS
    keeps_memory: ClassVar = True

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        option = self.option
        self._separator = _separator(option.key_separator)
        selection = Selection(
            option.aggregate,
            option.include,
            option.exclude,
            option.count,
            option.rename,
            self._separator,
            grouped=option.group_by is not None,
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
        self.groups = Groups(option.max_groups, option.max_metrics)
        self._before: dict[Key, float] | None = None

    def take(self, block: bytes) -> Tally:
        """Measure the lines of *block*."""
        texts = block.split(b"\n")
        if not texts[-1]:
            texts.pop()
        apart = Tally()
        if self._joiner:
            self._remember()
            texts, inner, lost, breaking = self._joiner.join(texts)
            twice = self._read(breaking, orjson.loads)[1]  # what they hold is good, they are lost
            apart = Tally(-twice.matched, inner - twice.ignored, lost - twice.unmatched)
        found, tally = self._read(texts, orjson.loads)
        try:
            parts = self._measured(found, exact=False)
        except InexactError:
            found, tally = self._read(texts, decode_exactly)
            parts = self._measured(found, exact=True)
        for part in parts:
            self.groups.add(*part)
        self.groups.records += len(found)
        return Tally(*map(sum, zip(tally, apart, strict=True)))

    def merge(self, other: "JsonLinesParser") -> None:
        """Add what *other* measured, which came later."""
        self.groups.merge(other.groups)

    def get_state(self, duration: float) -> Iterable[Metric]:
        """Return the figures of all objects measured."""
        self._remember()
        yield Metric("json_records", self.groups.records, "Objects", "int32", kind="c")
        for group, held in self.groups.held.items():
            if self.option.group_by is not None:
                yield Metric(self._records_of(group), held.records, "Objects", "int32", kind="c")
        unnamed = self.groups.unnamed(self._taken())
        yield from self._figures(duration, unnamed)
        yield from self._counts(unnamed)
        lost = self.groups.lost(unnamed)
        if lost:
            yield Metric("json_keys_dropped", lost, "Numbers", "int32", kind="c")
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
            MetricInfo("{group}.json_records", "Objects", "c", "Objects of a group."),
            MetricInfo("{group}.{metric}", "", "g", "Each of these for a group of --group-by."),
            MetricInfo(
                "json_keys_dropped",
                "Numbers",
                "c",
                "Numbers beyond --max-metrics, and those with a name taken or too long.",
            ),
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
                if record is None:
                    record = after_prefix(text, reload)
            if plain and type(record) is dict and "log" not in record:
                found.append(record)
                continue
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
            return [Part("", len(found), list(self._columns.read(found, range(len(found)), exact)))]
        named: dict[str, list[int]] = defaultdict(list)
        for place, record in enumerate(found):
            value = find(record, path, self._separator)
            given = isinstance(value, str | int | float)
            named[shown(value)[:MAX_GROUP] if given else "none"].append(place)
        groups: dict[str, list[int]] = defaultdict(list)
        for text, places in named.items():
            groups[self._group(text)] += places
        staying = self.groups.staying(groups)
        for group in [group for group in groups if group not in staying and group != OTHER]:
            groups[OTHER] += groups.pop(group)
        return [
            Part(group, len(places), list(self._columns.read(chosen, places, exact)))
            for group, places in groups.items()
            for places in [sorted(places)]
            for chosen in [[found[place] for place in places]]
        ]

    def _taken(self) -> set[Place]:
        """
        Return the places whose names others have, of which only the log can tell.

        The parser's own counters come first, then counts, then numbers. Of two that some
        output writes alike the one with fewer has to go: who writes into the log can
        hardly have more of a key than what every object holds.
        """
        own = {folded(name) for name in (*OWN, *map(self._records_of, self.groups.held))}
        names: set[str] = set()
        counters = set(own)
        taken = set()
        for place in self.groups.claims():
            made = self._names(place)
            short = {folded(name) for name, _ in made}
            single = {alike(name, kind) for name, kind in made}
            if single & names or short & (own if place.counted else counters):
                taken.add(place)
                continue
            names |= single
            if place.counted:
                counters |= short
        return taken

    def _names(self, place: Place) -> list[tuple[str, str]]:
        """Return the names of the metrics that *place* makes, each with its kind."""
        group, (name, wanted), counted = place
        if counted:
            return [(self._value_name(group, name, value), "c") for value in (*wanted, OTHER)]
        return [(self._aggregate_name(group, name, each), kind_of(each)) for each in wanted]

    def _figures(self, duration: float, unnamed: AbstractSet[Place]) -> Iterator[Metric]:
        """Yield the figures of all numbers but those at *unnamed* places."""
        for group, held in self.groups.held.items():
            for slot, series in held.series.items():
                if Place(group, slot, counted=False) in unnamed:
                    continue
                before = (self._before or {}).get((group, slot[0]))
                for aggregate, value in series.figures(duration, before):
                    if aggregate in FOLLOWED and self._is_other(group):
                        continue
                    yield metric(self._aggregate_name(group, slot[0], aggregate), aggregate, value)

    def _counts(self, unnamed: AbstractSet[Place]) -> Iterator[Metric]:
        """Yield the counts of all values but those at *unnamed* places."""
        for group, held in self.groups.held.items():
            for slot, counts in held.counts.items():
                if Place(group, slot, counted=True) in unnamed:
                    continue
                named: Counter[str] = Counter()
                for value, count in counts.items():
                    named[self._value_name(group, slot[0], value)] += count
                for name, count in named.items():
                    yield Metric(name, count, "Objects", "int32", kind="c")

    def _group(self, text: str) -> str:
        """Return the name of the group whose objects hold *text*: one key, and no more."""
        instead = next((letter for letter in "_-.0" if letter not in self._separator), "")
        return plain_name(text).replace(self._separator, instead)

    def _is_other(self, group: str) -> bool:
        """Return whether *group* is a mixture, of which no counter can be followed."""
        return group == OTHER and self.option.group_by is not None

    def _records_of(self, group: str) -> str:
        return self._name(group, "json_records")

    def _aggregate_name(self, group: str, name: str, aggregate: str) -> str:
        return self._name(group, name if self._plain else f"{name}{self._separator}{aggregate}")

    def _value_name(self, group: str, name: str, value: str) -> str:
        return self._name(group, f"{name}{self._separator}{plain_name(value)}")

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
        for group, slot, counted in reversed(self.groups.places()):  # shortest names are newest
            if counted or self._is_other(group):
                continue
            series = self.groups.held[group].series[slot]
            if series.has_memory and series.last is not None:
                last[group, slot[0]] = series.last
        memory: dict[str, Any] = {}
        if last:
            newest = list(last.items())[-self.option.max_metrics :]
            memory["last"] = [[group, name, value] for (group, name), value in newest]
        if self._joiner and self._joiner.open:
            memory["open"] = b"\n".join(self._joiner.open).decode("utf-8", "replace")
        return memory or None


def _separator(text: str) -> str:
    """
    Return what ``--key-separator`` says.

    Raises:
        ConfigurationError: If that is nothing, so that no name could be told from another.
    """
    if not text:
        raise ConfigurationError(
            "--key-separator '' is not one character at least. Nothing was read or sent."
        )
    return text


def figures(text: str, option_string: str = "") -> dict[str, object]:
    """Return the metrics of a run that saw *text* only."""
    parser = JsonLinesParser(option_string=option_string)
    parser.feed(text.encode())
    return {each.name: each.value for each in parser.get_state(60)}

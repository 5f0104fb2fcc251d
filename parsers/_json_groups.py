"""What is kept of the objects of each group: so much and no more."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from heapq import nsmallest
from typing import NamedTuple

from logster.parsers._json_columns import Found, Lost, Numbers, Texts
from logster.parsers._json_select import OTHER
from logster.parsers._json_series import Series
from logster.sample import Kept


#: A name, and the aggregates or the values that are wanted there.
Slot = tuple[str, tuple[str, ...]]


class Place(NamedTuple):
    """
    Where numbers are kept, or counts of values.

    Attributes:
        group: The group they are of.

        slot: Their name, and what is wanted there.

        counted: Whether it is values that are counted.
    """

    group: str
    slot: Slot
    counted: bool


class Group:
    """
    What is kept of one group.

    Attributes:
        records: How many objects it has.

        series: The numbers kept.

        counts: The values counted.
    """

    __slots__ = ("_slots", "counts", "records", "series")

    def __init__(self) -> None:
        self.records = 0
        self.series: dict[Slot, Series] = {}
        self.counts: dict[Slot, Counter[str]] = {}
        self._slots: dict[str, list[Slot]] = {}  # those of each name

    def series_of(self, slot: Slot) -> Series:
        """Return the series *slot*, a new one if there is none yet."""
        found = self.series.get(slot)
        if found is None:
            found = self.series[slot] = Series(slot[1])
            self._slots.setdefault(slot[0], []).append(slot)
        return found

    def counts_of(self, slot: Slot) -> Counter[str]:
        """Return the counts *slot*, all of them 0 if there were none yet."""
        found = self.counts.get(slot)
        if found is None:
            found = self.counts[slot] = Counter(dict.fromkeys(slot[1], 0))
            self._slots.setdefault(slot[0], []).append(slot)
        return found

    def take_over(self, other: "Group") -> None:
        """Add what *other* holds, a group there is no more room for."""
        self.records += other.records
        for slot, series in other.series.items():
            self.series_of(slot).merge(series)
        for slot, counts in other.counts.items():
            self.counts_of(slot).update(counts)

    def forget(self, name: str) -> int:
        """Drop what is held of *name*, and return how many values that were."""
        lost = 0
        for slot in self._slots.pop(name, ()):
            if slot in self.series:
                lost += self.series.pop(slot).count
            if slot in self.counts:
                lost += self.counts.pop(slot).total()
        return lost


class Groups:
    """
    All groups.

    Args:
        max_groups: How many there may be, besides `OTHER`.

        max_metrics: How many names each may have, and how many metrics all together.

    Attributes:
        held: What is kept, by group; the only one is called "" where objects are not told apart.

        records: How many objects there were.

        dropped: How many numbers there was no room for.
    """

    def __init__(self, max_groups: int, max_metrics: int) -> None:
        self.held: dict[str, Group] = {}
        self.records = 0
        self.dropped = 0
        self._max_metrics = max_metrics
        self._kept = Kept(max_groups)
        self._names = Kept(max_metrics)

    def staying(self, groups: Iterable[str]) -> set[str]:
        """Return which of all groups, *groups* among them, there will be room for."""
        names = {*self.held, *groups} - {OTHER}
        if len(names) <= self._kept.limit:
            return names
        return set(nsmallest(self._kept.limit, names, key=lambda name: (len(name), name)))

    def add(self, name: str, records: int, found: Iterable[Found]) -> None:
        """Add what a block holds of the group *name*."""
        group = self._group(name)
        group.records += records
        chunks: dict[Slot, list[Numbers]] = {}
        for item in found:
            if isinstance(item, Numbers):
                chunks.setdefault((item.name, item.aggregates), []).append(item)
            elif isinstance(item, Lost):
                self.dropped += item.values
            elif self._has_room(item.name):
                _count(group.counts_of((item.name, item.allowed)), item)
            else:
                self.dropped += item.counts.total()
        for slot, numbers in chunks.items():
            if self._has_room(slot[0]):
                values, place = _in_order(numbers)
                group.series_of(slot).add(values, self.records + place)
            else:
                self.dropped += sum(len(each.values) for each in numbers)

    def merge(self, other: "Groups") -> None:
        """Add what *other* holds, which came later."""
        self.dropped += other.dropped
        for name, group in other.held.items():
            mine = self._group(name)
            mine.records += group.records
            for slot, series in group.series.items():
                if self._has_room(slot[0]):
                    mine.series_of(slot).merge(series, self.records)
                else:
                    self.dropped += series.count
            for slot, counts in group.counts.items():
                if self._has_room(slot[0]):
                    mine.counts_of(slot).update(counts)
                else:
                    self.dropped += counts.total()
        self.records += other.records

    def places(self) -> list[Place]:
        """Return all places, those of short names before those of long ones."""
        return sorted((place for place, _ in self._places()), key=_rank)

    def claims(self) -> list[Place]:
        """Return all places as they may claim a name: counts first, then what there is most of."""
        held: Counter[tuple[str, str]] = Counter()
        for (group, (name, _), _), count in self._places():
            held[group, name] += count
        return sorted(
            self.places(), key=lambda place: (not place.counted, -held[place.group, place.slot[0]])
        )

    def unnamed(self, taken: AbstractSet[Place]) -> AbstractSet[Place]:
        """Return *taken*, and the places that would make more metrics than there may be."""
        places = [place for place in self.places() if place not in taken]
        room = self._max_metrics
        for number, place in enumerate(places):
            room -= _size(place.slot)
            if room < 0:
                return {*taken, *places[number:]}
        return taken

    def lost(self, unnamed: AbstractSet[Place]) -> int:
        """Return how many numbers have no place in the metrics, those at *unnamed* included."""
        return self.dropped + sum(count for place, count in self._places() if place in unnamed)

    def _places(self) -> Iterator[tuple[Place, int]]:
        """Yield each place and how many values there are."""
        for name, group in self.held.items():
            for slot, series in group.series.items():
                yield Place(name, slot, counted=False), series.count
            for slot, counts in group.counts.items():
                yield Place(name, slot, counted=True), counts.total()

    def _group(self, name: str) -> Group:
        """Return the group *name*, or what stands for those there is no room for."""
        if name not in self.held and name != OTHER:
            gone = self._kept.offer(name)
            if gone == name:
                name = OTHER
            elif gone is not None:
                self._held(OTHER).take_over(self.held.pop(gone))
        return self._held(name)

    def _held(self, name: str) -> Group:
        found = self.held.get(name)
        if found is None:
            found = self.held[name] = Group()
        return found

    def _has_room(self, name: str) -> bool:
        """Return whether there is room for *name*; another may have to go for it."""
        gone = self._names.offer(name)
        if gone is None:
            return True
        if gone == name:
            return False
        self.dropped += sum(group.forget(gone) for group in self.held.values())
        return True


def _count(counts: Counter[str], item: Texts) -> None:
    for value, count in item.counts.items():
        counts[value if value in item.allowed else OTHER] += count


def _in_order(chunks: list[Numbers]) -> tuple[Sequence[float], int]:
    """Return the values of *chunks* in the order of their records, and the place of the last."""
    if len(chunks) == 1:
        return chunks[0].values, chunks[0].order[-1]
    pairs = [pair for chunk in chunks for pair in zip(chunk.order, chunk.values, strict=True)]
    pairs.sort(key=lambda pair: pair[0])
    return [value for _, value in pairs], pairs[-1][0]


def _size(slot: Slot) -> int:
    return max(len(slot[1]), 1)


def _rank(place: Place) -> tuple[int, str, int, str, bool, tuple[str, ...]]:
    group, (name, wanted), counted = place
    return len(name), name, len(group), group, not counted, wanted

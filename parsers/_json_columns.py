"""
The values of many JSON objects, path by path.

Objects of one log mostly have one shape. A block of them is turned on its side:
objects with the same keys become one column for each key, and a whole column is
taken, or left, at once.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from math import hypot
from sys import getsizeof
from typing import Any, NamedTuple

from logster.parsers._json_records import numbered
from logster.parsers._json_select import Selection, shown


#: Numbers nested deeper than this, and those at longer paths, are lost.
MAX_DEPTH = 32
MAX_PATH = 512

#: About how many bytes of paths are remembered; what goes beyond is looked up again each time.
MAX_REMEMBERED = 16 << 20

#: About how many bytes a path takes besides its texts.
_NODE_BYTES = 500

#: Integers from here on are floats to orjson, without their last digits.
EXACT = 2**63

Column = Sequence[Any]
Order = Sequence[int]


class InexactError(Exception):
    """A number may have lost digits; the block must be read exactly."""


class Numbers(NamedTuple):
    """Numbers found at one path, each with the place of its record."""

    name: str
    aggregates: tuple[str, ...]
    values: Sequence[float]
    order: Order


class Texts(NamedTuple):
    """Values found at one path, and how often."""

    name: str
    allowed: tuple[str, ...]
    counts: Counter[str]


class Lost(NamedTuple):
    """So many values at a path whose name is taken, or which is too long or too deep."""

    values: int


Found = Numbers | Texts | Lost


class Node:
    """
    A path, and what is wanted of it.

    Attributes:
        children: The paths one key further.

        forges: Whether its numbers would get a name that is taken.

        intrudes: Whether all of it would.
    """

    __slots__ = (
        "aggregates", "allowed", "children", "depth", "forges", "intrudes", "name", "path"
    )  # fmt: skip

    def __init__(self, path: str, depth: int, selection: Selection) -> None:
        self.path = path
        self.depth = depth
        self.name = selection.name(path)
        self.aggregates = selection.aggregates(path) if path else ()
        self.allowed = selection.counted(path) if path else ()
        self.intrudes = self.is_wanted and selection.intrudes(path)
        self.forges = self.intrudes or (bool(self.aggregates) and selection.forges(path))
        self.children: dict[str, Node | None] = {}

    @property
    def is_wanted(self) -> bool:
        """Return whether what stands at the path itself is measured or counted."""
        return bool(self.aggregates or self.allowed)


class Columns:
    """
    Turns records into columns.

    Args:
        selection: What is wanted of a path.

        separator: Joins the keys of a path.

        lists: ``index``, ``length``, ``skip`` or ``by:FIELD``.

        convert: Gives the number that a text stands for, or None; None for never.
    """

    def __init__(
        self,
        selection: Selection,
        separator: str,
        lists: str,
        convert: Callable[[str], float | None] | None,
    ) -> None:
        self._selection = selection
        self._separator = separator
        self._lists = lists
        self._convert = convert
        self._remembered = 0
        self._root = Node("", 0, selection)
        self._beyond = Node("", 0, selection)

    def read(self, records: Column, order: Order, exact: bool = False) -> Iterator[Found]:
        """
        Yield what is wanted of *records*, whose places are *order*.

        Raises:
            InexactError: If a number may have lost digits and *exact* is false.
        """
        return self._objects(records, order, self._root, exact)

    def _objects(self, records: Column, order: Order, node: Node, exact: bool) -> Iterator[Found]:
        shapes = list(map(tuple, records))
        alike = len(set(shapes)) == 1
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place, shape in enumerate(shapes[:1] if alike else shapes):
            places[shape].append(place)
        for shape, chosen in places.items():
            rows = records if alike else [records[place] for place in chosen]
            order_of = order if alike else [order[place] for place in chosen]
            for key in shape:
                child = self._child(node, key)
                if child is self._beyond:
                    yield Lost(self._numbers([row[key] for row in rows]))
                elif child:
                    column = [row[key] for row in rows]
                    yield from self._column(column, order_of, child, exact)

    def _column(self, column: Column, order: Order, node: Node, exact: bool) -> Iterator[Found]:
        kinds = set(map(type, column))
        if len(kinds) > 1 and kinds != {int, float}:
            for kind in kinds:
                chosen = [type(value) is kind for value in column]
                part, places = list(compress(column, chosen)), list(compress(order, chosen))
                yield from self._column(part, places, node, exact)
        elif dict in kinds:
            yield from self._objects(column, order, node, exact)
        elif list in kinds:
            yield from self._arrays(column, order, node, exact)
        elif type(None) not in kinds:
            yield from self._leaves(column, order, node, exact, kinds)

    def _arrays(self, column: Column, order: Order, node: Node, exact: bool) -> Iterator[Found]:
        if self._lists == "length":
            yield from self._leaves([len(items) for items in column], order, node, exact, {int})
        elif self._lists == "index":
            yield from self._objects([numbered(items) for items in column], order, node, exact)
        elif self._lists != "skip":
            field = self._lists.removeprefix("by:")
            named = [_by_field(items, field) for items in column]
            yield from self._objects(named, order, node, exact)

    def _leaves(
        self, column: Column, order: Order, node: Node, exact: bool, kinds: set[type]
    ) -> Iterator[Found]:
        if node.allowed and node.intrudes:
            yield Lost(len(column))
            return
        if node.allowed:
            yield Texts(node.name, node.allowed, Counter(map(shown, column)))
        if not node.aggregates:
            return
        if str in kinds:
            if not self._convert:
                return
            column = [self._convert(text) for text in column]
            chosen = [value is not None for value in column]
            column, order = list(compress(column, chosen)), list(compress(order, chosen))
        elif bool in kinds:
            column = list(map(int, column))
        elif float in kinds and not exact and hypot(*column) >= EXACT:
            raise InexactError  # the norm is never less than the greatest of them
        if column and node.forges:
            yield Lost(len(column))
        elif column:
            yield Numbers(node.name, node.aggregates, column, order)

    def _numbers(self, found: list[Any]) -> int:
        """Return how many numbers there are in *found*, at any depth."""
        count = 0
        while found:
            value = found.pop()
            if isinstance(value, dict):
                found += value.values()
            elif isinstance(value, list):
                found += value
            elif isinstance(value, str):
                count += bool(self._convert and self._convert(value) is not None)
            else:
                count += value is not None
        return count

    def _child(self, node: Node, key: str) -> Node | None:
        """Return the path *key* below *node*, None if nothing there is wanted."""
        try:
            return node.children[key]
        except KeyError:
            pass
        path = f"{node.path}{self._separator}{key}" if node.depth else key
        if len(path) > MAX_PATH or node.depth >= MAX_DEPTH:
            return self._beyond if self._selection.may_want(path[:MAX_PATH]) else None
        child: Node | None = Node(path, node.depth + 1, self._selection)
        if child and not (child.is_wanted or self._selection.reaches(path)):
            child = None
        if self._remembered < MAX_REMEMBERED:
            self._remembered += _NODE_BYTES + 3 * getsizeof(path)  # the key, the path, the name
            node.children[key] = child
        return child


def _by_field(items: list[Any], field: str) -> dict[str, Any]:
    """Return the objects among *items* by the text in their *field*."""
    named = {}
    for item in items:
        if isinstance(item, dict) and isinstance(item.get(field), str | int):
            named[shown(item[field])] = {key: item[key] for key in item if key != field}
    return named

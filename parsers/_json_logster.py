"""The JSON parser of 1.x."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from logster.blocks import BlockParser
from logster.metrics import MetricInfo, MetricObject, printable_name
from logster.options import Option
from logster.parser import Tally
from logster.parsers._json_columns import MAX_DEPTH, MAX_PATH
from logster.parsers._json_records import decode, decode_exactly
from logster.sample import LIMIT


#: How many leaves of one line are kept.
MAX_LEAVES = 10_000


class JsonLogster(BlockParser):
    """
    Take every number in the last line, under the names of 1.x.

    Attributes:
        key_separator: What joins the keys on the way to a leaf.

        metrics: The leaves of the last line by their joined path, whatever they are.
    """

    options: ClassVar = (
        Option(("-k", "--key-separator"), "Joins the keys on the way to a leaf.", "."),
    )
    per_line: ClassVar = ("parse_line", "key_filter", "flatten_object")

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.key_separator: str = self.option.key_separator
        self.metrics: dict[str, Any] = {}

    def key_filter(self, key: Any) -> Any:
        """Return *key* as it shall stand in names, or False to drop it and all below it."""
        return key

    def flatten_object(
        self,
        node: Any,
        separator: str = ".",
        key_filter_callback: Callable[[Any], Any] | None = None,
        parent_keys: Iterable[str] = (),
    ) -> dict[str, Any]:
        """
        Return the leaves below *node* by their joined path.

        Args:
            node: An object, or a list, whose keys are the numbers from 0.

            separator: Joins the keys.

            key_filter_callback: Gets each key; gives what to call it, or False to drop it.

            parent_keys: The keys that lead to *node*.
        """
        leaves: dict[str, Any] = {}
        start = separator.join([*parent_keys, ""])
        self._flatten(node, start, separator, key_filter_callback, leaves)
        return leaves

    def take(self, block: bytes) -> Tally:
        """Take the numbers of the last good line of *block*."""
        matched = ignored = unmatched = 0
        last = b""
        for line in block.split(b"\n"):
            if not line or line.isspace():
                ignored += 1
                continue
            found = decode(line)
            if isinstance(found, dict | list):
                matched += 1
                last = line
            else:
                unmatched += 1
        if last:
            self.metrics = self.flatten_object(
                decode_exactly(last), self.key_separator, self.key_filter
            )
        return Tally(matched, ignored - (block[-1:] in {b"", b"\n"}), unmatched)

    def merge(self, other: "JsonLogster") -> None:
        """Take over what *other* saw, which came later."""
        self.metrics = other.metrics or self.metrics

    def get_state(self, duration: float) -> Iterable[MetricObject]:
        """Return the numbers of the last line, under names without control characters."""
        self.duration = duration
        found = {
            printable_name(name): int(value) if isinstance(value, bool) else value
            for name, value in self.metrics.items()
            if isinstance(value, int | float) and -LIMIT < value < LIMIT
        }
        return [MetricObject(name, value, type="int") for name, value in found.items()]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (MetricInfo("{path}", "", "g", "A number in the last line, by its path."),)

    def _flatten(
        self,
        node: Any,
        start: str,
        separator: str,
        key_filter: Callable[[Any], Any] | None,
        leaves: dict[str, Any],
        depth: int = 1,
    ) -> None:
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            name = key_filter(key) if callable(key_filter) else key
            if name is False:
                continue
            path = f"{start}{name}"
            if len(path) > MAX_PATH or len(leaves) >= MAX_LEAVES:
                continue
            if not isinstance(item, dict | list):
                leaves[path] = item
            elif depth < MAX_DEPTH:
                self._flatten(item, path + separator, separator, key_filter, leaves, depth + 1)

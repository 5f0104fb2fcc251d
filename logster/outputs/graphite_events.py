"""Post an event to Graphite when a metric crosses a threshold."""

import json
import operator
import re
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from logster.errors import ConfigurationError
from logster.metrics import Batch, Metric, number, text
from logster.options import Option
from logster.outputs import Output
from logster.outputs._http import Http, parse_url
from logster.transport import Transport


_COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(rf"(?P<name>[^<>=!]+)(?P<sign>{'|'.join(_COMPARISONS)})(?P<limit>[^<>=!]+)")


class Condition(NamedTuple):
    """A threshold on a metric, for example ``numDeferred>100``."""

    name: str
    sign: str
    limit: float

    def holds(self, metric: Metric) -> bool:
        """Return whether *metric* is the one meant and lies beyond the threshold."""
        value = number(metric.value)
        return (
            metric.name == self.name
            and value is not None
            and bool(_COMPARISONS[self.sign](value, self.limit))
        )


def parse_condition(given: str) -> Condition:
    """
    Return the condition that *given* states.

    Raises:
        ConfigurationError: If it states none.

    >>> parse_condition("numDeferred > 100")
    Condition(name='numDeferred', sign='>', limit=100.0)
    """
    match = _CONDITION.fullmatch(given)
    limit = number(match["limit"].strip()) if match else None
    if match is None or limit is None:
        raise ConfigurationError(
            f"--event-when takes a condition such as numDeferred>100, and not {given!r}. "
            "Nothing was read or sent."
        )
    return Condition(match["name"].strip(), match["sign"], limit)


class GraphiteEventsOutput(Output):
    """One event for each metric whose condition holds; nothing where none does."""

    kind = "graphite-events"
    stem = "event"
    options: ClassVar[tuple[Option, ...]] = (
        Option(("--event",), "What happened, in words.", metavar="WHAT"),
        Option(
            ("--event-when",),
            "When it did: a metric and its threshold, e.g. numDeferred>100. "
            "May be given more than once.",
            metavar="CONDITION",
            multiple=True,
        ),
        Option(("--event-tags",), "Tags of the event, with commas between.", "", metavar="TAGS"),
        Option(
            ("--event-url",),
            "Address of graphite-web, e.g. https://graphite.example.com.",
            metavar="URL",
        ),
    )

    batches_at_once = 1

    def prepare(self) -> None:
        """Take the event and its conditions from the settings."""
        self.what = self.required("event")
        self.tagged = [each for each in self.settings.event_tags.split(",") if each]
        self.conditions = [parse_condition(each) for each in self.settings.event_when]
        if not self.conditions:
            self.required("event_when")

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        url = parse_url(self.required("event_url"), "--event-url")
        headers = {"Content-Type": "application/json"}
        return f"events of graphite at {url}", Http(
            f"{url}/events/", headers=headers, lines_at_once=1
        )

    def clean(self, name: str) -> str:
        """Return *name* as it is: it stands in JSON."""
        return name

    def split(self, batch: Batch) -> Sequence[Batch]:
        """Return each event by itself: posted once more it would be a second one."""
        return [Batch(batch.time, (metric,)) for metric in self._due(batch.metrics)]

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the events of those *metrics* whose condition holds; no other is refused."""
        return [self.encode(metric) for metric in self._due(metrics)], 0

    def encode(self, metric: Metric) -> bytes:
        """Return the event that *metric* gives rise to."""
        event = {
            "what": self.what,
            "tags": self.tagged,
            "when": int(number(metric.timestamp) or 0),
            "data": f"{self.name_of(metric)} is {text(metric.value)}",
        }
        return json.dumps(event).encode()

    def _due(self, metrics: Iterable[Metric]) -> list[Metric]:
        return [each for each in metrics if any(rule.holds(each) for rule in self.conditions)]

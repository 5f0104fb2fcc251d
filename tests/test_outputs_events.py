"""Events of Graphite: when they are posted, and how graphite-web has them."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from receivers import GraphiteWeb, ask

from logster.errors import ConfigurationError
from logster.metrics import Batch, Metric
from logster.outputs.graphite_events import GraphiteEventsOutput, parse_condition


def output(url: str, **more: Any) -> GraphiteEventsOutput:
    """Return the output with settings of a run."""
    settings = {
        "metric_prefix": "mx1",
        "metric_suffix": None,
        "timeout": 10,
        "event": "the queue grows",
        "event_when": ("numDeferred>100",),
        "event_tags": "mail,queue",
        "event_url": url,
    }
    return GraphiteEventsOutput(SimpleNamespace(**(settings | more)))


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ("n>100", 101, True),
        ("n>100", 100, False),
        ("n>=100", 100, True),
        ("n<0.5", 0.25, True),
        ("n <= 1e3", "1000", True),
        ("n==3", 3.0, True),
        ("n!=3", 3, False),
        ("n>1", "not a number", False),
        ("n>1", float("nan"), False),
    ],
)
def test_conditions(condition: str, value: float | str, holds: bool) -> None:
    """A condition compares the metric of its name with its number."""
    assert holds is parse_condition(condition).holds(Metric("n", value))
    assert not parse_condition(condition).holds(Metric("other", value))


@pytest.mark.parametrize("condition", ["", "n", "n>", ">3", "n=3", "n>x", "n>nan", "n>1>2"])
def test_bad_condition(condition: str) -> None:
    """What is no condition is a mistake of the command line."""
    with pytest.raises(ConfigurationError, match="--event-when takes a condition"):
        parse_condition(condition)


@pytest.mark.parametrize("missing", ["event", "event_when", "event_url"])
def test_missing_option(missing: str) -> None:
    """Without what, when or where there is no event."""
    with pytest.raises(ConfigurationError, match=missing.replace("_", "-")):
        output("http://127.0.0.1:1", **{missing: () if missing == "event_when" else None})


def test_no_name_breaks_out() -> None:
    """A metric's name is text in JSON, whatever it holds."""
    hostile = Metric('a", "tags": ["b"], "c": "\n', 5, timestamp=7)
    made = output("http://127.0.0.1:1", metric_prefix="").encode(hostile)

    assert {
        "what": "the queue grows",
        "tags": ["mail", "queue"],
        "when": 7,
        "data": f"{hostile.name} is 5",
    } == json.loads(made)


def test_seen_through_graphite_web(graphite_web: GraphiteWeb) -> None:
    """Only the metric beyond its threshold gives an event, at the time of its run."""
    now = int(time.time())
    metrics = (
        Metric("numDeferred", 120, timestamp=now),
        Metric("numSent", 500, timestamp=now),
    )

    receipt = output(graphite_web.url).deliver([Batch(now, metrics)])

    assert (1, 0, None) == receipt
    (event,) = json.loads(ask(f"{graphite_web.url}/events/get_data?tags=queue"))
    assert ("the queue grows", now, "mx1.numDeferred is 120") == (
        event["what"],
        event["when"],
        event["data"],
    )
    assert ["mail", "queue"] == sorted(event["tags"])


def test_nothing_to_tell_needs_no_server() -> None:
    """While no condition holds, nothing is sent and nobody is asked."""
    quiet = (Metric("numDeferred", 3, timestamp=1),)

    assert (1, 0, None) == output("http://127.0.0.1:1").deliver([Batch(1, quiet)])

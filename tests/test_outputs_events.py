"""Events of Graphite: when they are posted, and how graphite-web has them."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from counting import Place
from outputs import serving
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


def test_posted_once(tmp_path: Path) -> None:
    """While a server takes one event of a run and fails over the next, none is posted twice."""
    place = Place(tmp_path)
    place.begin()
    failing = [500]
    with serving(lambda body: failing[0] if b"sum is" in body else 200) as (url, server):
        place.outputs[:] = [output(url, event_when=("count>0", "sum>=0"))]
        for _ in range(3):
            place.write(2)
            assert "metrics could not be sent to events of graphite" in place.run().errors[0]
        failing[0] = 200
        assert [] == place.run().errors
    posted = [json.loads(body)["data"] for body in server.bodies]

    assert ["mx1.count is 2"] * 3 == [each for each in posted if "count" in each]
    assert [f"mx1.sum is {number}" for number in (1, 5, 9, 0)] == [
        each for each in posted if "sum" in each
    ]


def test_refused_event() -> None:
    """An event that the server refuses for good stands in the way of no other."""
    with serving(lambda body: 400 if b"is 101" in body else 200) as (url, server):
        batches = [Batch(at, (Metric("numDeferred", 101 + at, timestamp=at),)) for at in range(4)]
        receipt = output(url).deliver(batches)

    assert (4, 1, None) == receipt
    assert [1, 2, 3] == [json.loads(body)["when"] for body in server.bodies]

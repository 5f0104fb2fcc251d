"""What holds for every output."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, any_text, output

from logster.errors import ConfigurationError, OutputError
from logster.metrics import Batch, Metric
from logster.outputs import Output, Receipt, parse_tags
from logster.registry import names


PLACES: dict[str, Any] = {
    "graphite_host": "h:1",
    "graphite_pickle_host": "h:1",
    "statsd_host": "h:1",
    "nsca_host": "h:1",
    "opentsdb_host": "h:1",
    "influxdb_url": "http://h",
    "influxdb_db": "d",
    "prometheus_path": "x.prom",
    "gnocchi_url": "http://h",
    "http_url": "http://h",
    "event": "what",
    "event_when": ("0>=0",),
    "event_url": "http://h",
    "dry_run": True,
}
NAMES = names("logster.outputs")


@given(
    st.sampled_from(NAMES),
    st.lists(any_metric, max_size=4),
    any_text,
    st.one_of(st.none(), any_text),
)
def test_nothing_a_log_holds_does_harm(
    name: str, metrics: list[Metric], prefix: str, suffix: str | None
) -> None:
    """No metric raises, and a dry run prints whole lines without control characters."""
    made = output(name, **PLACES, metric_prefix=prefix, metric_suffix=suffix)
    lines, refused = made.encoded(metrics)
    shown = list(made.preview(metrics))

    assert 0 <= refused <= len(metrics)
    assert all(len(line) <= made.line_bytes for line in lines)
    assert bool(lines) == bool(shown)
    for line in shown:
        assert all(c.isprintable() or c == "\t" for c in line), line
        line.encode()


@pytest.mark.parametrize("name", NAMES)
def test_cheap_to_import(name: str) -> None:
    """An output imports nothing heavy before it has something to send."""
    heavy = ("urllib3", "boto3", "botocore", "ssl", "subprocess", "http.client", "hashlib", "regex")
    code = (
        f"import sys, logster.outputs.{name.replace('-', '_')}\n"
        f"print([each for each in {heavy} if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


class Failing:
    """A way to nowhere that takes the first *lines* handed over, and fails after that."""

    def __init__(self, sends: int) -> None:
        self.sends = sends

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Take *lines*, or fail."""
        self.sends -= 1
        if self.sends < 0:
            raise OutputError("no more")
        return 0


def test_receipt_counts_whole_batches() -> None:
    """Of many batches those that went are counted; the metrics of the others are owed."""
    made = output("graphite", graphite_host="h:1")
    made.transport = Failing(2)
    batches = [
        Batch(at, (Metric("up", at, timestamp=at), Metric("bad", "x"))) for at in range(2500)
    ]
    receipt = made.deliver(batches)

    assert receipt[:2] == (2000, 2000)
    assert str(receipt.error) == "no more"


def test_time_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """All batches of a delivery share one deadline."""
    made = output("graphite", graphite_host="h:1", timeout=7)
    seen: list[float] = []

    class Recording:
        def send(self, lines: Sequence[bytes], deadline: float) -> int:
            seen.append(deadline)
            return 0

    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    made.transport = Recording()
    made.deliver([Batch(at, (Metric("up", 1, timestamp=at),)) for at in range(2500)])

    assert seen == [107.0] * 3


@pytest.mark.parametrize("pair", ["", "env", "=x", "env=", " =x"])
def test_bad_tags(pair: str) -> None:
    """A tag without a name or a value is refused with an example."""
    with pytest.raises(ConfigurationError, match="--tag takes NAME=VALUE, for example env=prod"):
        parse_tags([pair])


def test_receipt_of_nothing() -> None:
    """An output with no batches has delivered them all."""
    made: Output = output("statsd", statsd_host="h:1")

    assert made.deliver([]) == Receipt(0, 0, None)

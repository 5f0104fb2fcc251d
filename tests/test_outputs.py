"""What holds for every output."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, any_text, output

from logster.errors import ConfigurationError, OutputError
from logster.metrics import Batch, Metric
from logster.outputs import Output, Receipt, parse_tags
from logster.registry import load_output, names


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
    made.transport = Failing(11)
    batches = [
        Batch(at, (Metric("up", at, timestamp=at), Metric("bad", "x"))) for at in range(2500)
    ]
    receipt = made.deliver(batches)

    assert receipt[:2] == (2023, 2023)
    assert str(receipt.error) == "no more"


def test_parts_double() -> None:
    """Of a backlog one batch goes alone, and then twice as many each time, up to a thousand."""
    made = output("graphite", graphite_host="h:1")
    parts: list[int] = []

    class Counting:
        def send(self, lines: Sequence[bytes], deadline: float) -> int:
            parts.append(len(lines))
            return 0

    made.transport = Counting()
    made.deliver([Batch(at, (Metric("up", at, timestamp=at),)) for at in range(3500)])

    assert parts == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 477]


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

    assert seen == [107.0] * 12


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 86401])
def test_timeout_that_is_none(timeout: float) -> None:
    """A time that no socket could wait for is refused before anything is read."""
    with pytest.raises(ConfigurationError, match="--timeout takes seconds, more than 0 and up to"):
        output("graphite", graphite_host="h:1", timeout=timeout)


@pytest.mark.parametrize("pair", ["", "env", "=x", "env=", " =x"])
def test_bad_tags(pair: str) -> None:
    """A tag without a name or a value is refused with an example."""
    with pytest.raises(ConfigurationError, match="--tag takes NAME=VALUE, for example env=prod"):
        parse_tags([pair])


#: The outputs that send tags under names of their own rules.
TAGGED: dict[str, dict[str, str]] = {
    "cloudwatch": {},
    "graphite": {},
    "graphite-pickle": {},
    "http": {"http_format": "prometheus"},
    "influxdb": {},
    "opentsdb": {},
    "prometheus": {},
    "statsd": {"statsd_dialect": "datadog"},
    "stdout": {"stdout_format": "influxdb"},
}


@pytest.mark.parametrize("name", TAGGED)
def test_tags_that_become_one(name: str) -> None:
    """Two tags that would bear one name are refused, each by the name it was given."""
    places = {**PLACES, **TAGGED[name]}

    with pytest.raises(ConfigurationError, match=r"--tag 'a\\tb' and --tag 'a_b' become one for"):
        output(name, **places, tags=("a\tb=1", "a_b=2"))


@pytest.mark.parametrize("name", TAGGED)
@given(tags=st.lists(any_text.filter(str.strip), min_size=1, max_size=4))
def test_names_of_tags_are_distinct(name: str, tags: list[str]) -> None:
    """Whatever names tags have, they are refused or sent under as many names."""
    pairs = tuple(f"{tag.replace('=', '')}x=1" for tag in tags)
    try:
        made = output(name, **PLACES, **TAGGED[name], tags=pairs)
    except ConfigurationError:
        return

    assert len(made.sent_tags) == len(parse_tags(pairs))


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("prometheus", "__name__"),
        ("prometheus", "-_x"),
        ("graphite", "name"),
        ("influxdb", "time"),
        ("cloudwatch", "InstanceID"),
    ],
)
def test_taken_tags(name: str, tag: str) -> None:
    """A tag by a name that the backend keeps to itself is refused."""
    with pytest.raises(ConfigurationError, match=f"--tag '{tag}' cannot be: {name} keeps"):
        output(name, **PLACES, tags=(f"{tag}=x",))


def test_instance_of_ones_own() -> None:
    """Where CloudWatch gets no instance from logster, a tag may name it."""
    made = output("cloudwatch", **PLACES, aws_instance_id="none", tags=("InstanceID=i-1",))

    assert made.sent_tags == {"InstanceID": "InstanceID"}


#: Every option that names the file of a secret, with what makes its output read it.
SECRET_FILES: list[tuple[str, str, dict[str, str]]] = [
    ("datadog", "datadog_api_key", {}),
    ("influxdb", "influxdb_token", {}),
    ("influxdb", "influxdb_password", {"influxdb_user": "me"}),
    ("gnocchi", "gnocchi_token", {}),
    ("gnocchi", "gnocchi_password", {"gnocchi_user": "me"}),
    ("http", "http_headers", {}),
]


@pytest.mark.parametrize(("name", "secret", "more"), SECRET_FILES)
@pytest.mark.parametrize(
    "content", [b"t0psecret\nold: t0psecret", b"X-Key: t0psecret\0", b"t0psecret\xff"]
)
def test_secret_that_is_none(
    tmp_path: Path, name: str, secret: str, more: dict[str, str], content: bytes
) -> None:
    """A file that holds no secret is refused by its name, and nothing of it is shown."""
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        output(name, **PLACES, **more, **{f"{secret}_file": str(path)})

    assert str(caught.value).startswith(f"--{secret.replace('_', '-')}-file {path}")
    assert "t0psecret" not in repr((caught.value, caught.value.__cause__))


@pytest.mark.parametrize(("name", "secret", "more"), SECRET_FILES[:-1])
def test_secret_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, secret: str, more: dict[str, str]
) -> None:
    """A variable with a line too many is refused by its name; one that is empty is none."""
    variable = f"LOGSTER_{secret.upper()}"
    monkeypatch.setenv(variable, "t0psecret\nt0psecret")

    with pytest.raises(ConfigurationError, match=variable) as caught:
        output(name, **PLACES, **more)

    assert "t0psecret" not in str(caught.value)
    monkeypatch.setenv(variable, "")
    assert output(name, **PLACES, **more).secret(secret) is None


def test_password_beyond_ascii(tmp_path: Path) -> None:
    """A password travels in base64 and may hold any letter; an empty file holds none."""
    path = tmp_path / "file"
    path.write_text("pässwort\n", encoding="utf-8")
    given = {**PLACES, "influxdb_user": "me", "influxdb_password_file": str(path)}

    made = output("influxdb", **given)

    assert made.secret("influxdb_password", encoded=True) == "pässwort"
    path.write_text("\n")
    with pytest.raises(ConfigurationError, match="must hold one line"):
        output("influxdb", **given)


def test_every_secret_file_is_tried() -> None:
    """An output that learns of a secret in a file joins the tests above."""
    found = {
        option.name
        for name in NAMES
        for option in load_output(name).options
        if option.name.endswith("_file")
    }

    assert found == {f"{secret}_file" for _, secret, _ in SECRET_FILES}


def test_receipt_of_nothing() -> None:
    """An output with no batches has delivered them all."""
    made: Output = output("statsd", statsd_host="h:1")

    assert made.deliver([]) == Receipt(0, 0, None)

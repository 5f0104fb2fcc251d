"""Standard output: the lines that scripts parse."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, batch, output
from running import Bench

from logster.metrics import Metric, number
from logster.outputs.stdout import Descriptor


@given(any_metric)
def test_three_words(metric: Metric) -> None:
    """A line has a time, a name and a value, and nothing in them ends it."""
    stdout = output("stdout")
    line = stdout.encode(metric)

    if line is None:
        no_value = number(metric.value) is None and not isinstance(metric.value, str)
        assert no_value or not stdout.name_of(metric)
    else:
        text = line.decode()
        assert text.count(" ") == 2
        assert text.splitlines() == [text.removesuffix("\n")]


def test_delivered(capfd: pytest.CaptureFixture[str]) -> None:
    """Prefix, name and suffix are joined by the separator; text is a value too."""
    stdout = output("stdout", metric_prefix="web", metric_suffix="x", stdout_separator=".")
    metrics = (Metric("up", 1), Metric("state", "all well"), Metric("nan", float("nan")))

    assert tuple(stdout.deliver([batch(5, *metrics)])) == (1, 1, None)
    assert capfd.readouterr().out == "5 web.up.x 1\n5 web.state.x all_well\n"


def test_preview() -> None:
    """A dry run shows what a run would print."""
    assert list(output("stdout").preview([Metric("up", 1, timestamp=5)])) == ["5 up 1"]


def test_reader_gone() -> None:
    """A reader that closed the pipe has had enough; a full disk is an error."""
    reading, writing = os.pipe()
    os.close(reading)

    assert Descriptor(writing).send([b"1 up 1\n"], 0) == 0

    os.close(writing)
    stdout = output("stdout")
    with open("/dev/full", "wb") as full:
        stdout.transport = Descriptor(full.fileno())
        receipt = stdout.deliver([batch(5, Metric("up", 1))])
    assert str(receipt.error) == "No space left on device"


METRICS = (
    Metric("sent", 1000, "mails", timestamp=5, kind="c"),
    Metric('a,"b"', "12.50", "per sec", timestamp=5),
    Metric("state", "well", timestamp=5),
)


TABLE = """\
metric  value  unit
sent     1000  mails
a,"b"   12.50  per sec
state    well
"""
JSON = """\
{"timestamp": 5, "name": "sent", "value": 1000, "units": "mails", "kind": "c"}
{"timestamp": 5, "name": "a,\\"b\\"", "value": 12.5, "units": "per sec", "kind": "g"}
{"timestamp": 5, "name": "state", "value": "well", "units": "", "kind": "g"}
"""
CSV = '''\
timestamp,name,value,units,kind
5,sent,1000,mails,c
5,"a,""b""",12.50,per sec,g
5,state,well,,g
'''


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("table", TABLE),
        ("json", JSON),
        ("csv", CSV),
        ("graphite", "sent 1000 5\na__b_ 12.50 5\n"),
        ("statsd", "sent:1000|c\nab:12.50|g\n"),
        ("influxdb", 'sent value=1000.0 5000000000\na\\,"b" value=12.5 5000000000\n'),
        ("munin", "sent.value 1000\na__b_.value 12.50\n"),
    ],
)
def test_formats(name: str, expected: str) -> None:
    """Besides 1.x's lines there are tables, JSON, CSV, and the lines of other outputs."""
    stdout = output("stdout", stdout_format=name)

    assert "".join(f"{line}\n" for line in stdout.preview(METRICS)) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "csv"),
        ("--format=csv",),
        ("--stdout-format", "csv"),
        ("--stdout-f=csv",),
        ("--form", "csv"),
        ("--f", "--format", "csv"),  # --from-start may be cut as short as ever
    ],
)
def test_names_of_the_format(bench: Bench, words: tuple[str, ...]) -> None:
    """The format has a short name and a long one, and takes no abbreviation from others."""
    outcome = bench.run("-d", *words, "-o", "stdout", "json-lines")

    assert (0, "") == (outcome.code, outcome.err)
    assert outcome.out.startswith("timestamp,name,value,units,kind\n")
    assert outcome.out.endswith(",up,1,,g\n")


def test_format_of_nothing(bench: Bench) -> None:
    """Without the output that it belongs to the short name is no option, and says whose it is."""
    outcome = bench.run("-d", "--format", "csv", "json-lines")

    assert (2, True) == (
        outcome.code,
        "--format belongs to the output stdout: add -o stdout." in outcome.err,
    )


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.append('{"up": 1}')
    return bench


@pytest.mark.parametrize("name", ["prometheus", "opentsdb", "collectd"])
def test_borrowed(name: str) -> None:
    """Encoders that ask for the host's name, or add help, print here as well."""
    lines = list(output("stdout", stdout_format=name, metric_prefix="web").preview(METRICS))

    assert any("sent" in line and "1000" in line for line in lines)


@given(st.lists(any_metric, max_size=5), st.sampled_from(["json", "csv"]))
def test_decodes_back(metrics: list[Metric], name: str) -> None:
    """Programs read the same names and values from JSON and CSV, whatever the log held."""
    stdout = output("stdout", stdout_format=name)
    page = b"".join(stdout.encoded(metrics)[0]).decode()
    expected = [
        (stdout.name_of(metric), str(metric.value))
        for metric in metrics
        if stdout.name_of(metric)
        and (number(metric.value) is not None or isinstance(metric.value, str))
    ]
    rows: list[dict[str, str]] = (
        [json.loads(line) for line in page.splitlines()]
        if name == "json"
        else list(csv.DictReader(io.StringIO(page, newline="")))
    )

    assert [row["name"] for row in rows] == [each for each, _ in expected]
    for row, (_, value) in zip(rows, expected, strict=True):
        if number(value) is not None:
            assert float(row["value"]) == float(value)

"""Standard output: the lines that scripts parse."""

import os

import pytest
from hypothesis import given
from outputs import any_metric, batch, output

from logster.metrics import Metric
from logster.outputs.stdout import Descriptor


@given(any_metric)
def test_three_words(metric: Metric) -> None:
    """A line has a time, a name and a value, and nothing in them ends it."""
    line = output("stdout").encode(metric)

    if line is not None:
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

"""Warnings about metrics, before anything is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, output

from logster.metrics import Metric
from logster.outputs._lint import lint


STALE = "StatsD repeats a gauge at every flush until it gets another (see its deleteGauges)."
HOSTS = {"graphite_host": "h:1", "statsd_host": "h:1", "nsca_host": "h:1"}


@pytest.mark.parametrize(
    ("name", "metrics", "expected"),
    [
        ("graphite", [Metric("up", 1, timestamp=5)], []),
        (
            "graphite",
            [Metric("a b", 1, timestamp=5), Metric("a_b", 1, timestamp=65)],
            ["a b and a_b become one: a_b."],
        ),
        (
            "graphite",
            [Metric("x", 1, timestamp=60), Metric("x", 2, timestamp=119)],
            ["x has several points within 60 s: Graphite may keep only the last."],
        ),
        (
            "graphite",
            [Metric("bad\n", "n/a", timestamp=5), Metric("...", 1, timestamp=5)],
            [
                "bad\ufffd is not sent: n/a is not its value.",
                "... is not sent: nothing of its name is left.",
            ],
        ),
        (
            "statsd",
            [Metric("cold", -5), Metric("hits", 1, kind="c")],
            [
                "cold is below zero: StatsD is told 0 first, then -5.",
                STALE,
            ],
        ),
        (
            "statsd",
            [Metric("x" * 1500, 1, kind="c")],
            [
                f"{'x' * 57}... is not sent: its line has 1505 bytes, and statsd takes 1432.",
            ],
        ),
    ],
)
def test_warnings(name: str, metrics: list[Metric], expected: list[str]) -> None:
    """Each surprise is one sentence, and a sound metric gives none."""
    assert lint(output(name, **HOSTS), metrics) == expected


def test_shortened() -> None:
    """A name that is cut is said, with what becomes of it."""
    (warning,) = lint(output("graphite", **HOSTS), [Metric("x" * 300, 1, timestamp=5)])

    assert warning.startswith(f"{'x' * 57}... is too long for graphite and becomes xxx")


@given(st.lists(any_metric, max_size=6), st.sampled_from(["graphite", "statsd", "nsca", "stdout"]))
def test_anything(metrics: list[Metric], name: str) -> None:
    """Whatever the log held, warnings are printable lines."""
    assert all(warning.isprintable() for warning in lint(output(name, **HOSTS), metrics))

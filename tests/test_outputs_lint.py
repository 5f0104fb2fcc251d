"""Warnings about metrics, before anything is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, output

from logster.metrics import Metric
from logster.outputs._lint import lint


STALE = "StatsD repeats a gauge at every flush until it gets another (see its deleteGauges)."
HOSTS = {
    "graphite_host": "h:1",
    "statsd_host": "h:1",
    "nsca_host": "h:1",
    "influxdb_url": "udp://h:1",
}
#: The longest name, or part of a path, that an output sends as it is.
LONGEST = {
    "graphite": 250,
    "nsca": 127,
    "ganglia": 200,
    "munin": 60,
    "collectd": 100,
    "datadog": 200,
    "cloudwatch": 255,
}


@pytest.mark.parametrize(
    ("name", "metrics", "expected"),
    [
        ("graphite", [Metric("up", 1, timestamp=5)], []),
        (
            "graphite",
            [Metric("a b", 1, timestamp=5), Metric("a_b", 1, timestamp=65)],
            ["a b is sent as a_b.", "a b and a_b become one: a_b."],
        ),
        (
            "graphite",
            [Metric("x", 1, timestamp=60), Metric("x", 2, timestamp=119)],
            ["x has several points within 60 s: Graphite may keep only the last."],
        ),
        (
            "influxdb",
            [Metric("x", 1, timestamp=60), Metric("x", 2, timestamp=60)],
            ["x has several points at one time: influxdb keeps one of them."],
        ),
        (
            "influxdb",
            [Metric("x", 1, timestamp=60), Metric("x", 2, timestamp=61)],
            [],
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


@pytest.mark.parametrize("name", LONGEST)
def test_one_byte_too_long(name: str) -> None:
    """A name is said to be cut from the first byte too many on, and not before."""
    made = output(name, **HOSTS, dry_run=True)
    longest, longer = (
        Metric("x" * length, 1, timestamp=5) for length in range(LONGEST[name], LONGEST[name] + 2)
    )

    assert lint(made, [longest]) == []
    (warning,) = lint(made, [longer])
    assert f"is too long for {name} and becomes xxx" in warning


def test_part_of_a_path() -> None:
    """Each part of a path is looked at; cleaning alone, and a hash of one's own, are no cut."""
    sound = [Metric(f"{'é' * 120}.x-0123456789ab.{'y' * 250}", 1, timestamp=5)]
    made = output("graphite", **HOSTS, metric_prefix="p" * 251)

    assert lint(output("graphite", **HOSTS), sound) == []
    assert "is too long for graphite" in lint(made, [Metric("up", 1, timestamp=5)])[0]


def test_cleaned() -> None:
    """That names are changed is said once, with the first of them and how many they are."""
    made = output("graphite", **HOSTS, metric_prefix="my host")
    metrics = [Metric("a/b c", 1, timestamp=5), Metric("d", 1, timestamp=5)]

    assert lint(made, metrics) == ["my host.a/b c is sent as my_host.a_b_c. Names that change: 2."]
    assert lint(made, metrics[1:]) == ["my host.d is sent as my_host.d."]


@pytest.mark.parametrize("name", ["prometheus", "munin", "datadog", "ganglia"])
def test_dots_and_dashes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backends that know no dot, or no dash, are no surprise with every name of ours."""
    monkeypatch.setenv("LOGSTER_DATADOG_API_KEY", "key")
    made = output(name, prometheus_path="x.prom", metric_prefix="web.mx-1", dry_run=True)

    assert lint(made, [Metric("numSent.smtp", 1, timestamp=5, kind="c")]) == []


def test_renamed_tag() -> None:
    """A tag that is sent under another name is said; one that stays is not."""
    made = output("graphite", **HOSTS, tags=("env=prod", "data center=x"))

    assert lint(made, [Metric("up", 1, timestamp=5)]) == [
        "The tag data center becomes data_center."
    ]


@given(st.lists(any_metric, max_size=6), st.sampled_from(["graphite", "statsd", "nsca", "stdout"]))
def test_anything(metrics: list[Metric], name: str) -> None:
    """Whatever the log held, warnings are printable lines."""
    assert all(warning.isprintable() for warning in lint(output(name, **HOSTS), metrics))

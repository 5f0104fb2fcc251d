"""Prometheus: the page is one that promtool, node_exporter and the Pushgateway take."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from outputs import any_metric, any_text, batch, output
from receivers import NodeExporter, Prometheus, Pushgateway, ask, need

from logster.errors import ConfigurationError
from logster.journal import State
from logster.metrics import Metric, MetricInfo, to_metric
from logster.registry import load_parser


LOCAL = {"prometheus_path": "/tmp/x.prom"}
MANY = (
    Metric("5xx rate", 0.5, "Responses per sec"),
    Metric("sent", 1000, "mails", kind="c"),
    Metric("delay", 1, kind="ms"),
    Metric("delay", 3, kind="ms"),
    Metric("user", "ann", kind="s"),
    Metric("user", "bob", kind="s"),
    Metric("user", "ann", kind="s"),
    Metric("nan", float("nan")),
    Metric("twice", 1),
    Metric("twice", 2),
)


def page_of(*metrics: Metric, **given: object) -> str:
    """Return the page that *metrics* make."""
    return b"".join(output("prometheus", **LOCAL, **given).encoded(metrics)[0]).decode()


@given(st.lists(any_metric, max_size=8), any_text.filter(str.strip))
def test_nothing_breaks_out(metrics: list[Metric], tag: str) -> None:
    """Each family has three lines, a name of its own, and one sample; nothing ends a line."""
    lines = page_of(*metrics, tags=(f"env={tag}",)).splitlines()
    names = []

    assert len(lines) % 3 == 0
    for said, kind, sample in zip(*[iter(lines)] * 3, strict=True):
        found = re.fullmatch(r'([A-Za-z_:][\w:]*)\{env="((?:[^"\\]|\\.)*)"\} (\S+)', sample)
        assert found
        assert said.startswith(f"# HELP {found[1]} ")
        assert kind in {f"# TYPE {found[1]} gauge", f"# TYPE {found[1]} counter"}
        float(found[3])
        names.append(found[1])
    assert names == sorted(set(names))


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.lists(any_metric, max_size=8), any_text.filter(str.strip))
def test_promtool(metrics: list[Metric], tag: str) -> None:
    """Prometheus' own parser reads every page, whatever the log held."""
    page = page_of(*metrics, tags=(f"env={tag}",))
    promtool = need("promtool")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page.encode(), capture_output=True, check=False
    )

    assert b"error while linting" not in done.stderr
    assert done.returncode in {0, 3}  # 3: it would name things otherwise


def test_page() -> None:
    """Counts are counters; a timer has its mean, a set its size; help is the catalogue's."""
    catalogue = (MetricInfo("sent", "mails", "c", 'Mails "sent" \\ delivered.'),)

    assert page_of(*MANY, catalogue=lambda: catalogue, metric_prefix="mail") == (
        "# HELP mail_5xx_rate Responses per sec\n# TYPE mail_5xx_rate gauge\n"
        "mail_5xx_rate 0.5\n"
        "# HELP mail_delay From a log, by logster\n# TYPE mail_delay gauge\n"
        "mail_delay 2.0\n"
        '# HELP mail_sent_total Mails "sent" \\\\ delivered.\n'
        "# TYPE mail_sent_total counter\n"
        "mail_sent_total 1000.0\n"
        "# HELP mail_twice From a log, by logster\n# TYPE mail_twice gauge\n"
        "mail_twice 2.0\n"
        "# HELP mail_user From a log, by logster\n# TYPE mail_user gauge\n"
        "mail_user 2.0\n"
    )


def test_one_name() -> None:
    """Counts that get one name add up; of other figures the first has it, the rest is refused."""
    metrics = (
        Metric("user_alice.b", 5, kind="c"),
        Metric("user_alice-b", 1, kind="c"),
        Metric("user_bob", 2, kind="c"),
        Metric("user_bob_total", "1", kind="c"),
        Metric("req.ms", float("nan")),
        Metric("req.ms", 5),
        Metric("req_ms", 999999),
        Metric("req-ms", 1, kind="ms"),
        Metric("user_bob_total", 9),
    )
    lines, refused = output("prometheus", **LOCAL).encoded(metrics)

    assert refused == 4
    assert [line.splitlines()[-1] for line in lines] == [
        b"req_ms 5.0",
        b"user_alice_b_total 6.0",
        b"user_bob_total 3.0",
    ]


def test_one_counter_goes_on() -> None:
    """A count keeps rising when in a later run a stranger's text gets its name."""
    state = State()
    sender = output("prometheus", **LOCAL)
    values = []
    for names in (["alice.b"], ["alice-b", "alice.b"], ["alice-b"], []):
        found = [Metric(f"user_{name}", 5, kind="c") for name in names]
        state.owe_total("page", batch(5, *found))
        (page,) = sender.encoded(state.owed["page"][0].metrics)[0]
        values.append(page.split()[-1])

    assert values == [b"5.0", b"15.0", b"20.0", b"20.0"]


@pytest.mark.parametrize(
    ("parser", "options", "text", "name", "value"),
    [
        ("pattern", r"-p '^(?P<u>\S+)' -c u", "al.b\n" * 5 + "al-b\n", "u_al_b_total", 6),
        ("json-lines", None, '{"r": {"m": 5}}\n{"r": {"m": 5}, "r_m": 9}\n', "r_m", 5),
        ("json-lines", "-a '*=sum'", '{"r-m": 1, "r": {"m": 5}}\n', "r_m_sum_total", 6),
        (
            "metric-lines",
            None,
            "METRIC_COUNT metric=a.b value=100\nMETRIC_COUNT metric=a-b value=1\n",
            "a_b_total",
            101,
        ),
    ],
)
def test_stranger_replaces_nothing(
    parser: str, options: str | None, text: str, name: str, value: float
) -> None:
    """What a stranger writes into a log takes the place of no other figure."""
    fed = load_parser(parser)(option_string=options)
    fed.feed(text.encode())
    page = page_of(*(to_metric(metric, 5) for metric in fed.get_state(60)))

    assert f"\n{name} {float(value)}\n" in page


@pytest.mark.parametrize(
    ("parser", "metric", "described"),
    [
        ("squid", Metric("squid_ABORTED", 1, kind="c"), "squid_ABORTED"),
        ("squid", Metric("squid_TCP_HIT", 1, kind="c"), "squid_{code}"),
        ("apache-access", Metric("http_version_1_1", 1, kind="c"), "http_version_{version}"),
        ("pattern", Metric("ms_p50", 1), "{group}_p{percentile}"),
        ("pattern", Metric("verb_post", 1, kind="c"), "{group}_{text}"),
        ("json-lines", Metric("level.ERROR", 1, kind="c"), "{path}.{value}"),
        ("metric-lines", Metric("orders", 1), "{gauge}"),
    ],
)
def test_help_of_its_own(parser: str, metric: Metric, described: str) -> None:
    """The help is that of the metric's own entry, else of the one that fits best."""
    catalogue = load_parser(parser).catalogue()
    (expected,) = (info.help for info in catalogue if info.name == described)

    assert page_of(metric, catalogue=lambda: catalogue).split(" ", 3)[3].startswith(expected)


def test_help_of_a_timer() -> None:
    """A timer, of which the page has the mean, keeps the help of its kind."""
    catalogue = (
        MetricInfo("{name}", "", "g", "A gauge."),
        MetricInfo("{timer}", "", "ms", "Time."),
    )

    assert "# HELP delay Time.\n# TYPE delay gauge\n" in page_of(
        Metric("delay", 1, kind="ms"), catalogue=lambda: catalogue
    )


def test_node_exporter_has_it(node_exporter: NodeExporter) -> None:
    """node_exporter reads the file, which anybody may read and which is replaced whole."""
    path = node_exporter.textfiles / "mail.prom"
    sender = output("prometheus", prometheus_path=str(path), tags=('env=a"b',))
    receipt = sender.deliver([batch(5, *MANY)])
    page = node_exporter.page()

    assert tuple(receipt) == (1, 1, None)
    assert 'sent_total{env="a\\"b"} 1000' in page
    assert "node_textfile_scrape_error 0" in page
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in path.parent.iterdir()] == ["mail.prom"]

    sender.deliver([batch(6, Metric("sent", 1001, kind="c"))])

    assert 'sent_total{env="a\\"b"} 1001' in node_exporter.page()


def test_pushgateway_has_it(pushgateway: Pushgateway) -> None:
    """The Pushgateway takes the page, under its job."""
    sender = output("prometheus", prometheus_url=pushgateway.url, prometheus_job="a/b c")
    receipt = sender.deliver([batch(5, *MANY)])

    assert tuple(receipt) == (1, 1, None)
    (sample,) = re.findall(r"(?m)^sent_total\{.*", pushgateway.page())
    assert 'job="a/b c"' in sample
    assert sample.endswith(" 1000")


def test_labels_of_the_pushgateway(pushgateway: Pushgateway) -> None:
    """Tags by the two names that a Pushgateway drops are refused there, and only there."""
    where = {"prometheus_url": pushgateway.url}
    labels = ("job=mine", "instance=web1")
    body = page_of(Metric("overruled", 1), tags=labels)

    ask(f"{pushgateway.url}/metrics/job/theirs/instance/web2", body.encode())
    receipt = output("prometheus", **where, tags=("jobs=mine", "Instance=web1")).deliver(
        [batch(5, Metric("own", 1))]
    )

    assert 'overruled{job="mine",instance="web1"} 1' in body
    assert 'overruled{instance="web2",job="theirs"} 1' in pushgateway.page()
    assert receipt.error is None
    assert re.search(r'own\{Instance="web1",.*jobs="mine"\} 1', pushgateway.page())
    for tag, source in zip(labels, ("--prometheus-job", "the name of the host"), strict=True):
        name = tag.partition("=")[0]
        with pytest.raises(
            ConfigurationError,
            match=f"--tag '{name}' cannot be: at a Pushgateway the label {name} is {source}. Noth",
        ):
            output("prometheus", **where, tags=(tag,))


def test_page_of_a_killed_run(tmp_path: Path) -> None:
    """What a killed run left stops no later one, and whoever scrapes may read the page."""
    path = tmp_path / "x.prom"
    (tmp_path / f".x.prom.{os.getpid()}").write_text("half a p")
    before = os.umask(0o077)
    try:
        receipt = output("prometheus", prometheus_path=str(path)).deliver(
            [batch(1, Metric("up", 1))]
        )
    finally:
        os.umask(before)

    assert (1, None) == (receipt.delivered, receipt.error)
    assert ["x.prom"] == [each.name for each in tmp_path.iterdir()]
    assert 0o644 == path.stat().st_mode & 0o777


def test_cannot_write(tmp_path: Path) -> None:
    """A folder that is not there leaves the page owed, and no scraps."""
    sender = output("prometheus", prometheus_path=str(tmp_path / "none" / "x.prom"))
    receipt = sender.deliver([batch(5, Metric("up", 1))])

    assert receipt.delivered == 0
    assert str(receipt.error) == "No such file or directory"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given_settings",
    [{}, {"prometheus_path": "x.txt"}, {"prometheus_path": "x.prom", "prometheus_url": "http://h"}],
)
def test_where(given_settings: dict[str, str]) -> None:
    """It wants a file that ends in .prom or a Pushgateway, one of them."""
    with pytest.raises(ConfigurationError, match="--prometheus-path"):
        output("prometheus", **given_settings)


def test_prometheus_has_it(
    node_exporter: NodeExporter, pushgateway: Pushgateway, tmp_path: Path
) -> None:
    """Prometheus gets the figures from both."""
    path = node_exporter.textfiles / "scraped.prom"
    for where in ({"prometheus_path": str(path)}, {"prometheus_url": pushgateway.url}):
        sender = output("prometheus", **where, metric_prefix=f"by_{min(where)[11:]}")
        assert sender.deliver([batch(5, Metric("sent", 42, kind="c"))]).error is None

    with Prometheus(tmp_path, [node_exporter.url, pushgateway.url]) as prometheus:
        assert prometheus.value("by_path_sent_total") == 42
        assert prometheus.value('by_url_sent_total{job="logster"}') == 42

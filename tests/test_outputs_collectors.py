"""collectd and Munin: what is sent decodes back, and the daemons have it."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from outputs import any_metric, any_text, batch, output
from receivers import CollectdDaemon, need, need_file

from logster.metrics import Metric, number
from logster.outputs.collectd import Collectd


NOW = int(time.time())


class TestCollectd:
    """PUTVAL, on the socket and for the Exec plugin."""

    @given(any_metric, any_text)
    def test_nothing_breaks_out(self, metric: Metric, host: str) -> None:
        """A line holds one identifier of three parts, one time and one value."""
        collectd = output("collectd", collectd_host=host)
        line = collectd.encode(metric)

        if line is None:
            return
        command, place, interval, figure = shlex.split(line.decode())
        _, plugin, series = place.split("/")
        assert (command, plugin, interval) == ("PUTVAL", "logster-postfix", "interval=60")
        assert series == f"gauge-{collectd.name_of(metric)}"
        assert number(figure.partition(":")[2]) == float(number(metric.value) or 0)
        assert all(len(part) < 128 for part in place.split("/"))

    def test_collectd_has_it(self, collectd: CollectdDaemon) -> None:
        """Values arrive at a real collectd with their times; bad ones stop nothing."""
        sender = output(
            "collectd", collectd_path=str(collectd.socket), collectd_host="web1", timeout=10
        )
        metrics = [Metric("sent", 42), Metric('odd "1"/\n2', 7), Metric("nan", "nan")]
        many = [Metric(f"m{each}", each) for each in range(200)]
        receipt = sender.deliver([batch(NOW - 60, *metrics), batch(NOW, *metrics, *many)])

        assert tuple(receipt) == (2, 2, None)
        place = "web1/logster-postfix/gauge"
        assert collectd.values(f"{place}-sent", 2) == [(NOW - 60, 42), (NOW, 42)]
        assert collectd.values(f"{place}-odd__1___2") == [(NOW - 60, 7), (NOW, 7)]
        assert collectd.values(f"{place}-m199") == [(NOW, 199)]

    def test_refused(self, collectd: CollectdDaemon) -> None:
        """What collectd answers with an error is counted."""
        lines = [b'PUTVAL "h/logster/nosuchtype-a" N:1\n', b'PUTVAL "h/logster/gauge-a" N:1\n']

        assert Collectd(str(collectd.socket)).send(lines * 40, time.monotonic() + 5) == 40

    def test_away(self, tmp_path: Path) -> None:
        """Without a socket the batch stays owed."""
        sender = output("collectd", collectd_path=str(tmp_path / "none"))

        assert str(sender.deliver([batch(5, Metric("up", 1))]).error) == "No such file or directory"

    def test_exec(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        """As a program of the Exec plugin it prints, with the host and interval collectd says."""
        monkeypatch.setenv("COLLECTD_HOSTNAME", "web1.example")
        monkeypatch.setenv("COLLECTD_INTERVAL", "10.000")
        output("collectd").deliver([batch(5, Metric("up", 1))])

        expected = 'PUTVAL "web1.example/logster-postfix/gauge-up" interval=10 5:1\n'
        assert capfd.readouterr().out == expected


class TestMunin:
    """The protocol of a plugin."""

    @given(any_metric)
    def test_nothing_breaks_out(self, metric: Metric) -> None:
        """Every line is one attribute of one field, whatever the log held."""
        for config in (False, True):
            munin = output("munin", munin_config=config, munin_title="a\nb")
            name = munin.name_of(metric)
            for line in munin.preview([metric]):
                found = re.fullmatch(r"(\w+)(?:\.(value|label|type|info))? (.+)", line, re.ASCII)
                assert found
                assert found[1] in {name, "graph_title", "graph_category"}
                if found[2] == "value":
                    assert number(found[3]) == float(number(metric.value) or 0)

    @pytest.mark.parametrize("config", [False, True])
    def test_one_field(self, config: bool) -> None:
        """Each field is there once: counts add up, and of gauges the first has it."""
        metrics = [
            Metric("user_al.b", 5, kind="c"),
            Metric("user_al-b", 1, kind="c"),
            Metric("req.ms", 5),
            Metric("req_ms", 999),
        ]
        lines, refused = output("munin", munin_config=config).encoded(metrics)
        fields = [line.partition(b".")[0] for line in lines[config:]]

        assert refused == 1
        assert fields == [b"user_al_b", b"req_ms"]
        assert config or lines == [b"user_al_b.value 6\n", b"req_ms.value 5\n"]

    def test_munin_runs_it(self, tmp_path: Path) -> None:
        """A real munin-run takes configuration and values from a plugin that calls this output."""
        need("munin-run")
        plugins = tmp_path / "plugins"
        plugins.mkdir()
        script = (
            "import sys; from outputs import output; from logster.metrics import Metric\n"
            "munin = output('munin', munin_config='config' in sys.argv[1:])\n"
            "metrics = [Metric('5xx rate', 0.5, 'per sec'), Metric('n', 3, kind='c')]\n"
            "print('\\n'.join(munin.preview(metrics)))"
        )
        path = shlex.quote(":".join(sys.path))
        plugin = plugins / "logster"
        plugin.write_text(
            f"#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} -c {shlex.quote(script)} $1\n"
        )
        plugin.chmod(0o755)
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "logster").write_text("[logster]\nuser root\n")
        config = tmp_path / "munin-node.conf"
        config.write_text("log_level 4\nuser root\ngroup root\nhost_name here\n")
        call = [
            need_file(Path("/usr/sbin/munin-run")),
            "--servicedir",
            str(plugins),
            "--sconfdir",
            str(tmp_path / "conf"),
            "--config",
            str(config),
            "logster",
        ]
        pages = [
            subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True
            ).stdout
            for command in ([*call, "config"], call)
        ]

        expected = (
            "graph_title postfix\ngraph_category logs\n"
            "_5xx_rate.label 5xx rate\n_5xx_rate.type GAUGE\n_5xx_rate.info per sec\n"
            "n.label n\nn.type ABSOLUTE\nn.info n\n"
        )
        assert pages == [expected, "_5xx_rate.value 0.5\nn.value 3\n"]

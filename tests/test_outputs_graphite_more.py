"""Graphite beyond plaintext to one host: tags, pickles, several hosts, its web."""

import os
import pickle
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, any_text, batch, output, outputs
from receivers import SERVERS, Carbon, GraphiteWeb, free_ports, need_file
from running import Bench

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.outputs._spread import ring
from logster.outputs.graphite_pickle import framed


NOW = int(time.time())


class TestTags:
    """Tags behind a name."""

    @given(
        any_metric,
        any_text.filter(lambda text: text.strip() and "=" not in text),
        any_text.filter(str.strip),
    )
    def test_nothing_breaks_out(self, metric: Metric, name: str, value: str) -> None:
        """A name has one tag behind it, whatever the tag's name and value held."""
        graphite = output("graphite", graphite_host="h:1", tags=(f"{name}={value}",))
        line = graphite.encode(metric)

        if line is None:
            bad_time = number(metric.timestamp) is None or str(metric.timestamp).startswith("-")
            assert bad_time or number(metric.value) is None or not graphite.name_of(metric)
        else:
            path, _, _ = line.decode().removesuffix("\n").split(" ")
            plain, tag = path.split(";")
            assert plain == graphite.name_of(metric)
            assert all(tag.split("=", 1))
            assert not tag.split("=", 1)[1].startswith("~")

    def test_carbon_has_it(self, carbon: Carbon) -> None:
        """A real carbon files the metric under its tags."""
        graphite = output("graphite", graphite_host=carbon.address, tags=("host=web1", "dc=a b"))
        graphite.deliver([batch(NOW, Metric("tagged.sent", 7))])

        assert carbon.points("tagged.sent;dc=a_b;host=web1") == [(NOW, 7)]


class TestPickle:
    """Pickled lists."""

    @given(st.lists(any_metric, max_size=5))
    def test_decodes_back(self, metrics: list[Metric]) -> None:
        """Python reads the same names, times and values from a pickle written here."""
        sender = output("graphite-pickle", graphite_pickle_host="h:1")
        items, refused = sender.encoded(metrics)
        frame = framed(items)
        taken = [metric for metric in metrics if sender.encode(metric) is not None]

        assert struct.unpack("!L", frame[:4]) == (len(frame) - 4,)
        assert pickle.loads(frame[4:]) == [
            (
                sender.name_of(metric),
                (float(number(metric.timestamp) or 0), float(number(metric.value) or 0)),
            )
            for metric in taken
        ]
        assert len(taken) + refused == len(metrics)

    def test_carbon_has_it(self, carbon: Carbon) -> None:
        """A real carbon takes some thousands in one stream."""
        sender = output(
            "graphite-pickle", graphite_pickle_host=carbon.pickle, metric_prefix="pickled"
        )
        metrics = [Metric(f"m{each}", each) for each in range(2000)]
        receipt = sender.deliver([batch(NOW, *metrics, Metric("bad", "n/a"))])

        assert tuple(receipt) == (1, 1, None)
        assert carbon.points("pickled.m0") == [(NOW, 0)]
        assert carbon.points("pickled.m1999") == [(NOW, 1999)]

    def test_preview(self) -> None:
        """A dry run shows what plaintext would say."""
        sender = output("graphite-pickle", graphite_pickle_host="h:2004")

        assert list(sender.preview([Metric("up", 1, timestamp=5)])) == ["h:2004 up 1 5"]


class TestSeveralHosts:
    """Every metric to each host, or each to one."""

    def test_replicated(self) -> None:
        """Each host is an output of its own, which says nothing of the others."""
        made = outputs("graphite", graphite_host="a:1,[::1]:2", graphite_protocol="udp")
        lines = [each.encoded([Metric("up", 1, timestamp=5)]) for each in made]

        assert ["graphite at a:1 (udp)", "graphite at [::1]:2 (udp)"] == [
            each.target for each in made
        ]
        assert [([b"up 1 5\n"], 0)] * 2 == lines

    @pytest.mark.parametrize("by_url", [True, False])
    def test_command(self, carbon: Carbon, tmp_path: Path, *, by_url: bool) -> None:
        """The command owes only the host that is away, and shows in a dry run what each gets."""
        (port,) = free_ports(1)
        dead, prefix = f"127.0.0.1:{port}", f"command{by_url}"
        hosts = f"{dead},{carbon.address}"
        place = [f"graphite://{hosts}"] if by_url else ["graphite", "--graphite-host", hosts]
        words = ("--from-start", "-p", prefix, "-o", *place, "json-lines")
        bench = Bench(tmp_path)
        bench.append('{"sent": 7}')
        dry = bench.run("--dry-run", *words)
        real = bench.run(*words)

        assert (0, "") == (dry.code, dry.err)
        for host in (dead, carbon.address):
            assert f"{host} {prefix}.sent 7" in dry.out
        assert 1 == real.code
        assert 1 == real.err.count("could not be sent to")
        assert f"could not be sent to graphite at {dead}: Connection refused." in real.err
        assert [7] == [value for _, value in carbon.points(f"{prefix}.sent")]

    def test_not_told_apart(self) -> None:
        """One output for several hosts names them, and pretends to deliver to none."""
        made = output("graphite", graphite_host="a:1,b:2")
        receipt = made.deliver([batch(NOW, Metric("up", 1))])

        assert (0, "graphite at a:1,b:2") == (receipt.delivered, made.target)
        assert "receivers()" in str(receipt.error)

    def test_consistent(self, carbon: Carbon, second_carbon: Carbon) -> None:
        """Each metric is at one of two real carbons, and both have some."""
        hosts = f"{carbon.address},localhost:{second_carbon.line}"
        names = [f"m{each}" for each in range(20)]
        for sender in outputs(
            "graphite", graphite_host=hosts, graphite_spread="consistent", metric_prefix="spread"
        ):
            sender.deliver([batch(NOW, *[Metric(name, 1) for name in names])])
            assert sender.target.endswith(f" (consistent in {hosts})")
        for server in (carbon, second_carbon):
            server.points("spread.last", 0)  # all before are read
        counts = [
            sum(len(server.points(f"spread.{name}", 0)) for name in names)
            for server in (carbon, second_carbon)
        ]

        assert sum(counts) == 20
        assert min(counts) > 0

    def test_pickles(self) -> None:
        """The hosts of plaintext make no more of the output that sends pickles."""
        made = outputs("graphite-pickle", graphite_host="a:1,b:1", graphite_pickle_host="c:1")

        assert ["graphite-pickle at c:1"] == [each.target for each in made]

    @pytest.mark.parametrize("spread", ["replicated", "consistent"])
    def test_bad_host(self, spread: str) -> None:
        """One host that is none is refused, whichever it is."""
        for hosts in ("a:1,b", "a:1,", ",a:1", "a,b:1"):
            with pytest.raises(ConfigurationError, match="--graphite-host takes HOST:PORT"):
                outputs("graphite", graphite_host=hosts, graphite_spread=spread)
            with pytest.raises(ConfigurationError, match="--graphite-host takes HOST:PORT"):
                output("graphite", graphite_host=hosts, graphite_spread=spread)

    def test_ring_of_carbon(self) -> None:
        """The ring is the one that carbon's own code makes."""
        python = need_file(SERVERS / "graphite/bin/python")
        hosts = ["10.0.0.1", "graphite-b.example", "c"]
        code = (
            "from carbon.hashing import ConsistentHashRing\n"
            f"ring = ConsistentHashRing([(host, None) for host in {hosts}])\n"
            f"print([(at, {hosts}.index(node[0])) for at, node in ring.ring])"
        )
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)

        assert str(ring(hosts)) == done.stdout.strip()


class TestGraphiteWeb:
    """What people see of it."""

    def test_rendered(self, graphite_web: GraphiteWeb) -> None:
        """graphite-web draws what was sent, by name and by tags."""
        address = graphite_web.carbon.address
        plain = output("graphite", graphite_host=address, metric_prefix="web")
        tagged = output("graphite", graphite_host=address, tags=("host=web1",))
        batches = [batch(NOW - 60 + each, Metric("seen", each * each)) for each in range(50)]

        assert plain.deliver(batches).error is None
        assert tagged.deliver(batches).error is None
        expected = [(NOW - 60 + each, each * each) for each in range(50)]
        assert graphite_web.render("web.seen") == expected
        assert graphite_web.render("seriesByTag('name=seen', 'host=web1')") == expected

        picture = graphite_web.png("web.seen")
        Path(os.environ.get("LOGSTER_PICTURE") or os.devnull).write_bytes(picture)
        assert picture.startswith(b"\x89PNG")

"""Outputs that a daemon calls or that it reads from a socket, seen from the daemon."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from outputs import batch, output
from receivers import CollectdDaemon, Server, Statsd, free_ports, listens, need, need_file
from running import COMMAND, Bench

from logster.metrics import Metric


def test_statsd_on_its_unix_socket(statsd: Statsd) -> None:
    """The real StatsD takes what is sent to its Unix socket."""
    made = output("statsd", statsd_host=str(statsd.socket), statsd_protocol="unix")

    assert made.deliver([batch(1, Metric("unix.up", 7), Metric("unix.down", -2))]) == (1, 0, None)
    assert {"unix.up": 7, "unix.down": -2}.items() <= statsd.gauges().items()


def test_collectd_calls_logster(tmp_path: Path) -> None:
    """Collectd's Exec plugin reads the lines that a run prints."""
    bench = Bench(tmp_path)
    bench.append('{"n": 12.5}')
    printed = bench.run("--from-start", "-o", "collectd", "-p", "web", "JsonLogster").out
    # The Exec plugin runs nothing as root, and others may not see this folder.
    folder = tmp_path / "open"
    folder.mkdir()
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o755)
    script = folder / "plugin"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}END\nexec sleep 30\n")
    script.chmod(0o755)
    (tmp_path / "collectd").mkdir()
    more = f'LoadPlugin exec\n<Plugin exec>\n  Exec "nobody:nogroup" "{script}"\n</Plugin>\n'

    with CollectdDaemon(tmp_path / "collectd", more) as daemon:
        host, plugin, kind = printed.split('"')[1].split("/")
        values = daemon.values(f"{host}/{plugin}/{kind}")

    assert [12.5] == [value for _, value in values]


class MuninNode(Server):
    """
    munin-node, which calls the plugins of one folder.

    Args:
        folder: A folder of its own.

        plugin: The text of the plugin ``logster``.
    """

    def __init__(self, folder: Path, plugin: str) -> None:
        program = need_file(Path("/usr/sbin/munin-node"))
        (self.port,) = free_ports(1)
        for name in ("plugins", "conf"):
            (folder / name).mkdir()
        (folder / "plugins" / "logster").write_text(plugin)
        (folder / "plugins" / "logster").chmod(0o755)
        (folder / "conf" / "logster").write_text("[logster]\nuser root\n")
        (folder / "node.conf").write_text(
            f"log_level 4\nlog_file {folder}/node.log\npid_file {folder}/node.pid\n"
            "background 0\nsetsid 0\nuser root\ngroup root\nhost_name here\n"
            f"allow ^127\\.0\\.0\\.1$\nhost 127.0.0.1\nport {self.port}\n"
        )
        # It knows no other folder of plugins than this: a mount of our own puts ours there.
        script = (
            f"mount --bind {folder}/plugins /etc/munin/plugins && "
            f"mount --bind {folder}/conf /etc/munin/plugin-conf.d && "
            f"exec {program} --config {folder}/node.conf --foreground"
        )
        super().__init__(
            [need("unshare"), "-m", "sh", "-c", script], folder, ready=lambda: listens(self.port)
        )

    def says(self, *commands: str) -> str:
        """Return all that it answers to *commands*."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as stream:
            stream.sendall("".join(f"{each}\n" for each in (*commands, "quit")).encode())
            return b"".join(iter(lambda: stream.recv(4096), b"")).decode()


@pytest.fixture(name="plugin")
def _plugin(tmp_path: Path) -> str:
    """Return a plugin that calls the command, as the manual of the output says."""
    bench = Bench(tmp_path)
    bench.run("-o", "munin", "JsonLogster")
    bench.append('{"delay": 0.25, "queue": 3}')
    return (
        "#!/bin/sh\n"
        f'[ "$1" = config ] && set -- --munin-config --dry-run || set --\n'
        f"exec {COMMAND} -s {bench.states} -o munin $@ JsonLogster {bench.log}\n"
    )


@pytest.fixture(name="node")
def _node(tmp_path: Path, plugin: str) -> Iterator[MuninNode]:
    folder = tmp_path / "munin"
    folder.mkdir()
    with MuninNode(folder, plugin) as node:
        yield node


def test_munin_node_calls_logster(node: MuninNode) -> None:
    """A real munin-node asks the plugin for its configuration, then for its values."""
    said = node.says("list", "config logster", "fetch logster")

    assert "logster" in said.splitlines()[1]
    assert "delay.label delay\n" in said
    assert "delay.value 0.25\n" in said
    assert "queue.value 3\n" in said

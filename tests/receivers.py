"""
The real receivers that tests send to: started, asked what they have, stopped.

Each runs in the foreground on free loopback ports, in a folder of its own, and
for half an hour at most. `.ci/install-servers` installs them all; where one is
missing its tests are skipped by name, or fail where ``CI=true`` stands in the
environment.
"""

import ast
import os
import pickle
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest


T = TypeVar("T")

#: Where `.ci/install-servers` puts what the distribution does not package.
SERVERS = Path(
    os.environ.get("LOGSTER_SERVERS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "logster-servers"
)


def need(program: str | Path) -> str:
    """Return the path of *program*; without it skip the test, or fail it in CI."""
    found = shutil.which(str(program), path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
    if found:
        return found
    message = f"{program} is not installed; install it with: make servers"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_ports(count: int) -> list[int]:
    """Return *count* ports that nobody uses, neither for TCP nor for UDP."""
    ports: list[int] = []
    held: list[socket.socket] = []
    while len(ports) < count:
        stream, datagram = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        held += (stream, datagram)
        stream.bind(("127.0.0.1", 0))
        port = int(stream.getsockname()[1])
        try:
            datagram.bind(("127.0.0.1", port))
        except OSError:
            continue
        ports.append(port)
    for each in held:
        each.close()
    return ports


def poll(ask: Callable[[], T | None], what: str, timeout: float = 15) -> T:
    """Return what *ask* answers as soon as it is true; fail after *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {timeout:g} s")
        time.sleep(0.02)
    return answer


def listens(port: int) -> bool:
    """Return whether something answers on the TCP *port*."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Server:
    """A program in the foreground; a context manager that ends it."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        folder: Path,
        *,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "output.txt"
        with self.log.open("wb") as log:
            # `timeout` ends it even where the tests themselves were killed.
            self.process = subprocess.Popen(
                ["timeout", "-k", "5", "1800", *argv],
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            poll(lambda: self._ended() or ready(), f"{argv[0]} to be ready")
        except BaseException:
            self.stop()
            raise

    def _ended(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"a server ended at once: {self.log.read_text(errors='replace')[-2000:]}")
        return False

    def stop(self) -> None:
        """End the program and wait until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_CARBON = """
[cache]
STORAGE_DIR = {folder}
CONF_DIR = {folder}
LOG_DIR = {folder}/log
PID_DIR = {folder}
LOCAL_DATA_DIR = {folder}/whisper
USER =
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
ENABLE_UDP_LISTENER = True
UDP_RECEIVER_INTERFACE = 127.0.0.1
UDP_RECEIVER_PORT = {line}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
ENABLE_LOGROTATION = False
ENABLE_TAGS = {tags}
GRAPHITE_URL = {web}
TAG_UPDATE_INTERVAL = 1
LOG_UPDATES = False
CARBON_METRIC_INTERVAL = 0
"""


class Carbon(Server):
    """
    A carbon-cache that keeps a point a second for an hour, then a point a minute.

    Attributes:
        address: Where it takes plaintext over TCP, ``host:port``.

        udp: Where it takes plaintext over UDP.

        pickle: Where it takes pickles.

        query: Port on which it answers what is not on disk yet.

        whisper: Folder of its files.
    """

    def __init__(self, folder: Path, *, web: str = "") -> None:
        program = need(SERVERS / "graphite/bin/carbon-cache.py")
        line, pickles, self.query = free_ports(3)
        self.line = line
        self.address = self.udp = f"127.0.0.1:{line}"
        self.pickle = f"127.0.0.1:{pickles}"
        self.whisper = folder / "whisper"
        (folder / "carbon.conf").write_text(
            _CARBON.format(
                folder=folder,
                line=line,
                pickle=pickles,
                query=self.query,
                web=web or "http://127.0.0.1:1",
                tags=bool(web),
            )
        )
        every = "[all]\npattern = .*\n"
        (folder / "storage-schemas.conf").write_text(f"{every}retentions = 1s:1h,60s:1d\n")
        (folder / "storage-aggregation.conf").write_text(
            f"{every}xFilesFactor = 0\naggregationMethod = last\n"
        )
        self.marks = 0
        super().__init__(
            [program, "--nodaemon", f"--config={folder}/carbon.conf", "start"],
            folder,
            ready=lambda: all(map(listens, (line, pickles, self.query))),
            env={"GRAPHITE_ROOT": str(folder), "GRAPHITE_CONF_DIR": str(folder)},
        )

    def points(self, name: str, count: int = 1, timeout: float = 5) -> list[tuple[int, float]]:
        """
        Return the points of the metric *name*, oldest first, as (timestamp, value).

        What was sent before this call is in the answer: datagrams too.

        Args:
            name: Its path with dots, or with tags as they were sent.

            count: Ask again until there are so many; 0 for a metric that should not exist.

            timeout: Seconds after which the answer is what there is.
        """
        self._settle()
        deadline = time.monotonic() + timeout
        found: dict[int, float] = {}
        while True:
            # On disk, in memory, and on disk again: a point may just be on its way.
            for source in (self._stored, self._cached, self._stored):
                found.update(source(name))
            if len(found) >= count or time.monotonic() > deadline:
                return sorted(found.items())
            time.sleep(0.05)

    def names(self) -> list[str]:
        """Return the names of all metrics on disk."""
        files = (each.relative_to(self.whisper) for each in self.whisper.rglob("*.wsp"))
        return sorted(".".join(each.with_suffix("").parts) for each in files)

    def _settle(self) -> None:
        """Send a datagram and wait until carbon has it: all before it were read then."""
        self.marks += 1
        name = f"settled.mark{self.marks}"
        with socket.socket(type=socket.SOCK_DGRAM) as channel:
            channel.sendto(f"{name} 1 {time.time():.0f}\n".encode(), ("127.0.0.1", self.line))
        poll(lambda: self._cached(name) or self._stored(name), f"{name} at carbon")

    def _cached(self, name: str) -> dict[int, float]:
        request = pickle.dumps({"type": "cache-query", "metric": name}, protocol=2)
        with socket.create_connection(("127.0.0.1", self.query), 5) as channel:
            channel.sendall(struct.pack("!L", len(request)) + request)
            with channel.makefile("rb") as stream:
                (length,) = struct.unpack("!L", stream.read(4))
                answer = pickle.loads(stream.read(length))
        return {int(at): float(value) for at, value in answer["datapoints"]}

    def _stored(self, name: str) -> dict[int, float]:
        if ";" in name:
            from hashlib import sha256

            digest = sha256(name.encode()).hexdigest()
            path = self.whisper / "_tagged" / digest[:3] / digest[3:6] / f"{digest}.wsp"
            if not path.exists():
                path = path.with_name(f"{name.replace('.', '_DOT_')}.wsp")
        else:
            path = self.whisper / f"{name.replace('.', '/')}.wsp"
        return whisper_points(path) if path.exists() else {}


class Stunnel(Server):
    """
    What speaks TLS before a server that does not.

    Args:
        folder: An empty folder.

        certificate: File of the key and the certificate it shows.

        target: The server behind it, ``host:port``.

        port: Where to listen, if not at any port.

    Attributes:
        port: Where it listens on 127.0.0.1.
    """

    def __init__(
        self, folder: Path, certificate: Path, target: str, *, port: int | None = None
    ) -> None:
        program = need("stunnel4")
        self.port = port or free_ports(1)[0]
        (folder / "stunnel.conf").write_text(
            "foreground = yes\npid =\nsyslog = no\n"
            f"[carbon]\naccept = 127.0.0.1:{self.port}\nconnect = {target}\n"
            f"cert = {certificate}\n"
        )
        super().__init__(
            [program, folder / "stunnel.conf"], folder, ready=lambda: listens(self.port)
        )


_NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {target}; }}
  }}
}}
"""


class Nginx(Server):
    """
    An nginx as it is installed, before another server.

    Args:
        folder: An empty folder.

        target: The address of the server behind it, without a path.

    Attributes:
        url: Its address.
    """

    def __init__(self, folder: Path, target: str) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        conf = folder / "nginx.conf"
        conf.write_text(_NGINX.format(folder=folder, port=port, target=target))
        super().__init__(
            [need("nginx"), "-e", "stderr", "-c", conf], folder, ready=lambda: listens(port)
        )


def whisper_points(path: Path) -> dict[int, float]:
    """
    Return all points in the whisper file at *path*, whatever their age.

    Read from the bytes, since whisper itself answers only for the time before now. A
    point of a coarser archive counts where the finer ones have none for its span. A file
    that carbon is still laying out, which takes it several writes, has no points yet.
    """
    data = path.read_bytes()
    found: dict[int, float] = {}
    try:
        (count,) = struct.unpack_from("!L", data, 12)
        archives = [struct.unpack_from("!3L", data, 16 + 12 * each) for each in range(count)]
    except struct.error:
        return found
    if len(data) < sum(12 * length for _, _, length in archives) + 16 + 12 * count:
        return found
    for offset, step, length in archives:
        held = {at - at % step for at in found}
        points = struct.iter_unpack("!Ld", data[offset : offset + 12 * length])
        found.update({at: value for at, value in points if at and at not in held})
    return found


class Statsd(Server):
    """
    The original StatsD, which flushes so rarely that all it ever got can be asked for.

    Attributes:
        address: Where it listens, for UDP and TCP alike, ``host:port``.

        socket: Its Unix socket.
    """

    def __init__(self, folder: Path, *, repeat_to: "Statsd | None" = None) -> None:
        need("node")
        script = need_file(SERVERS / "statsd/node_modules/statsd/stats.js")
        self.port, self.admin = free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self.socket = folder / "socket"
        self.marks = 0
        (folder / "config.js").write_text(
            f"""{{ servers: [
              {{ server: "./servers/udp", address: "127.0.0.1", port: {self.port} }},
              {{ server: "./servers/tcp", address: "127.0.0.1", port: {self.port} }},
              {{ server: "./servers/tcp", socket: "{self.socket}" }} ],
              mgmt_address: "127.0.0.1", mgmt_port: {self.admin},
              flushInterval: 3600000, dumpMessages: true,
              backends: ["./backends/{"repeater" if repeat_to else "console"}"],
              repeater: [{{ host: "127.0.0.1", port: {repeat_to.port if repeat_to else 1} }}],
              repeaterProtocol: "udp4" }}"""
        )
        super().__init__(
            ["node", script, folder / "config.js"],
            folder,
            ready=lambda: listens(self.port) and listens(self.admin),
        )
        self._read = 0

    def gauges(self) -> dict[str, float]:
        """Return every gauge; datagrams sent before this call are in it."""
        return self._figures("gauges")

    def counters(self) -> dict[str, float]:
        """Return every counter; datagrams sent before this call are in it."""
        return {
            name: value
            for name, value in self._figures("counters").items()
            if not name.startswith(("statsd.", "settled."))
        }

    def timers(self) -> dict[str, list[float]]:
        """Return the values of every timer; datagrams sent before this call are in it."""
        return self._figures("timers")

    def lines(self) -> list[str]:
        """Return the lines received since the test began, as they came."""
        self._settle()
        text = self.log.read_text()[self._read :]
        return [line for line in re.findall(r"DEBUG: (.*)", text) if "settled." not in line]

    def clear(self) -> None:
        """Forget every gauge, counter and timer."""
        self._settle()
        for kind in ("gauges", "counters", "timers"):
            names = [name for name in self._ask(kind) if not name.startswith("statsd.")]
            if names:
                self._tell(f"del{kind} {' '.join(names)}")
        self._read = len(self.log.read_text())

    def _figures(self, kind: str) -> dict[str, Any]:
        self._settle()
        return self._ask(kind)

    def _settle(self) -> None:
        """Send a datagram and wait until StatsD counted it: all before it were read then."""
        self.marks += 1
        name = f"settled.mark{self.marks}"
        with socket.socket(type=socket.SOCK_DGRAM) as channel:
            channel.sendto(f"{name}:1|c".encode(), ("127.0.0.1", self.port))
        poll(lambda: self._ask("counters").get(name), f"{name} at statsd")

    def _ask(self, kind: str) -> dict[str, Any]:
        """Return what the admin port answers: an object as node prints it for people."""
        answer = self._tell(kind).removesuffix("END\n\n")
        # Quote bare keys; node writes strings with quotes and numbers plainly.
        return dict(ast.literal_eval(re.sub(r"(?m)([{,]\s*)([A-Za-z_]\w*):", r"\1'\2':", answer)))

    def _tell(self, command: str) -> str:
        with socket.create_connection(("127.0.0.1", self.admin), 5) as channel:
            channel.sendall(f"{command}\n".encode())
            answer = b""
            while not answer.endswith(b"END\n\n"):
                received = channel.recv(65536)
                if not received:
                    break
                answer += received
        return answer.decode()


def need_file(path: Path) -> str:
    """Return *path*; where there is no such file, skip the test, or fail it in CI."""
    if not path.exists():
        need(path)
    return str(path)


_GMOND = """
globals {{
  daemonize = no
  setuid = no
  max_udp_msg_len = 1472
  mute = no
  deaf = no
  allow_extra_data = yes
  host_dmax = 0
  cleanup_threshold = 300
  gexec = no
  send_metadata_interval = 5
}}
cluster {{ name = "logster" owner = "o" latlong = "l" url = "u" }}
host {{ location = "here" }}
udp_send_channel {{ host = 127.0.0.1 port = {port} ttl = 1 }}
udp_recv_channel {{ port = {port} bind = 127.0.0.1 }}
tcp_accept_channel {{ port = {port} bind = 127.0.0.1 }}
modules {{ module {{ name = "core_metrics" }} }}
collection_group {{ collect_once = yes time_threshold = 20 metric {{ name = "heartbeat" }} }}
"""


class Gmond(Server):
    """
    Ganglia's daemon.

    Attributes:
        config: Its configuration, which gmetric reads too.
    """

    def __init__(self, folder: Path) -> None:
        program = need("gmond")
        need("gmetric")
        (self.port,) = free_ports(1)
        self.config = folder / "gmond.conf"
        self.config.write_text(_GMOND.format(port=self.port))
        super().__init__(
            [program, "-c", self.config, "-f"], folder, ready=lambda: listens(self.port)
        )

    def metrics(self, *awaited: str) -> dict[str, dict[str, str]]:
        """Return the attributes of every metric by its name, once the *awaited* are there."""

        def ask() -> dict[str, dict[str, str]]:
            from xml.etree import ElementTree as ET

            with socket.create_connection(("127.0.0.1", self.port), 5) as channel:
                xml = b"".join(iter(lambda: channel.recv(65536), b""))
            found = ET.fromstring(xml).iter("METRIC")
            return {metric.attrib["NAME"]: dict(metric.attrib) for metric in found}

        poll(lambda: set(awaited) <= ask().keys(), f"{awaited} at gmond", 5)
        return ask()


_NSCA = """
pid_file={folder}/nsca.pid
server_port={port}
server_address=127.0.0.1
nsca_user={user}
nsca_group={user}
debug=0
command_file={folder}/nagios.cmd
alternate_dump_file={folder}/nsca.dump
aggregate_writes=0
append_to_file=1
max_packet_age=30
password=secret
decryption_method=3
"""


class Nsca(Server):
    """
    The daemon that takes passive checks for Nagios.

    Attributes:
        address: Where it listens, ``host:port``.

        config: What send_nsca must know of it.
    """

    def __init__(self, folder: Path) -> None:
        program = need("nsca")
        need("send_nsca")
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self.config = folder / "send_nsca.cfg"
        self.config.write_text("password=secret\nencryption_method=3\n")
        self.commands = folder / "nagios.cmd"
        self.commands.touch()
        import getpass

        (folder / "nsca.cfg").write_text(
            _NSCA.format(folder=folder, port=port, user=getpass.getuser())
        )
        super().__init__(
            [program, "-c", folder / "nsca.cfg", "--daemon", "-f"],
            folder,
            ready=lambda: listens(port),
        )

    def results(self, host: str, count: int) -> list[str]:
        """Return the results of *host* once *count* are there: ``HOST;SERVICE;STATUS;TEXT``."""

        def ask() -> list[str]:
            lines = self.commands.read_text().splitlines()
            results = (line.partition(" PROCESS_SERVICE_CHECK_RESULT;")[2] for line in lines)
            return [each for each in results if each.startswith(f"{host};")]

        poll(lambda: len(ask()) >= count, f"{count} results at nsca", 5)
        return ask()


class Moto(Server):
    """
    Amazon's services as moto plays them.

    Attributes:
        url: Where.
    """

    def __init__(self, folder: Path) -> None:
        program = need(SERVERS / "moto/bin/moto_server")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            [program, "-H", "127.0.0.1", "-p", str(port)], folder, ready=lambda: listens(port)
        )


def ask(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> str:
    """Return what the server at *url* answers to a GET, or to a POST of *data*."""
    import urllib.request

    request = urllib.request.Request(url, data, dict(headers or {}))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def answers(url: str) -> bool:
    """Return whether the server at *url* answers with success."""
    try:
        ask(url)
    except OSError:
        return False
    return True


class VictoriaMetrics(Server):
    """
    VictoriaMetrics, which takes what half a dozen other databases take.

    Attributes:
        url: Its own address, for InfluxDB's and Datadog's protocols too.

        opentsdb: Where it takes telnet's put.

        opentsdb_http: Where it takes OpenTSDB's HTTP.
    """

    def __init__(self, folder: Path) -> None:
        program = need("victoria-metrics")
        http, graphite, telnet, tsdb, influx = free_ports(5)
        self.url = f"http://127.0.0.1:{http}"
        self.opentsdb, self.opentsdb_http = f"127.0.0.1:{telnet}", f"127.0.0.1:{tsdb}"
        super().__init__(
            [
                program,
                f"-storageDataPath={folder}/data",
                f"-httpListenAddr=127.0.0.1:{http}",
                f"-graphiteListenAddr=127.0.0.1:{graphite}",
                f"-opentsdbListenAddr=127.0.0.1:{telnet}",
                f"-opentsdbHTTPListenAddr=127.0.0.1:{tsdb}",
                f"-influxListenAddr=127.0.0.1:{influx}",
                "-retentionPeriod=100y",
                "-search.latencyOffset=0s",
                "-loggerLevel=WARN",
            ],
            folder,
            ready=lambda: all(map(listens, (http, telnet, tsdb))),
        )

    def series(self, name: str) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """Return the labels and the points of every series called *name*, once there are any."""
        import json
        from urllib.parse import quote

        match = quote(f'{{__name__="{name}"}}')

        def export() -> list[str]:
            ask(f"{self.url}/internal/force_flush")
            return ask(f"{self.url}/api/v1/export?match[]={match}").splitlines()

        found = map(json.loads, poll(export, f"{name} at VictoriaMetrics", 5))
        return [
            (
                {key: value for key, value in each["metric"].items() if key != "__name__"},
                [(at / 1000, v) for at, v in zip(each["timestamps"], each["values"], strict=True)],
            )
            for each in found
        ]


_INFLUX = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  series-id-set-cache-size = 0
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
[monitor]
  store-enabled = false
[[udp]]
  enabled = true
  bind-address = "127.0.0.1:{udp}"
  database = "udp"
  batch-size = 1
  batch-timeout = "50ms"
"""


class Influxdb(Server):
    """
    InfluxDB, version 1, with the databases `logs` and `udp`.

    Attributes:
        url: Its address.

        udp: Where it takes datagrams, ``udp://host:port``.
    """

    def __init__(self, folder: Path) -> None:
        program = need("influxd")
        rpc, http, udp = free_ports(3)
        self.url, self.udp = f"http://127.0.0.1:{http}", f"udp://127.0.0.1:{udp}"
        (folder / "influx.conf").write_text(
            _INFLUX.format(folder=folder, rpc=rpc, http=http, udp=udp)
        )
        super().__init__(
            [program, "run", "-config", folder / "influx.conf"],
            folder,
            ready=lambda: listens(http),
        )
        for name in ("logs", "udp"):
            ask(f"{self.url}/query", f"q=CREATE DATABASE {name}".encode())

    def points(self, measurement: str, count: int = 1, db: str = "logs") -> list[dict[str, Any]]:
        """Return the points of *measurement*, columns by name, once *count* are there."""
        import json
        from urllib.parse import urlencode

        query = urlencode({"db": db, "q": f'SELECT * FROM "{measurement}"', "epoch": "ns"})

        def found() -> list[dict[str, Any]]:
            (result,) = json.loads(ask(f"{self.url}/query?{query}"))["results"]
            (series,) = result.get("series") or [{"columns": [], "values": []}]
            return [dict(zip(series["columns"], row, strict=True)) for row in series["values"]]

        poll(lambda: len(found()) >= count, f"{count} points of {measurement} at InfluxDB", 5)
        return found()


class Pushgateway(Server):
    """
    Prometheus' Pushgateway.

    Attributes:
        url: Its address.
    """

    def __init__(self, folder: Path) -> None:
        program = need("prometheus-pushgateway")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            # Else it begins with what other tests sent, in the folder of the whole machine.
            [program, f"--web.listen-address=127.0.0.1:{port}", "--persistence.file="],
            folder,
            ready=lambda: listens(port),
        )

    def page(self) -> str:
        """Return what it would give to Prometheus."""
        return ask(f"{self.url}/metrics")


class Prometheus(Server):
    """
    Prometheus, which asks *targets* once a second.

    Attributes:
        url: Its address.
    """

    def __init__(self, folder: Path, targets: Sequence[str]) -> None:
        program = need("prometheus")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        places = ", ".join(f"'{each.removeprefix('http://')}'" for each in targets)
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            "- {job_name: all, honor_labels: true, "
            f"static_configs: [{{targets: [{places}]}}]}}\n"
        )
        super().__init__(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            folder,
            ready=lambda: answers(f"{self.url}/-/ready"),
        )

    def value(self, query: str) -> float:
        """Return what *query* has for an answer, once it has one."""
        import json
        from urllib.parse import urlencode

        url = f"{self.url}/api/v1/query?{urlencode({'query': query})}"

        def answer() -> list[Any]:
            return list(json.loads(ask(url))["data"]["result"])

        (found,) = poll(answer, f"{query} at Prometheus", 20)
        return float(found["value"][1])


class NodeExporter(Server):
    """
    Prometheus' node_exporter with its textfile collector alone.

    Attributes:
        textfiles: The folder it reads.
    """

    def __init__(self, folder: Path) -> None:
        program = need("prometheus-node-exporter")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.textfiles = folder / "textfiles"
        self.textfiles.mkdir()
        super().__init__(
            [
                program,
                f"--web.listen-address=127.0.0.1:{port}",
                "--collector.disable-defaults",
                "--collector.textfile",
                f"--collector.textfile.directory={self.textfiles}",
            ],
            folder,
            ready=lambda: listens(port),
        )

    def page(self) -> str:
        """Return what it would give to Prometheus."""
        return ask(f"{self.url}/metrics")


_COLLECTD = """
Hostname "here"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 1
WriteThreads 1
AutoLoadPlugin false
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File STDOUT
</Plugin>
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "{folder}/socket"
  SocketPerms "0660"
  DeleteSocket true
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
{more}
"""


class CollectdDaemon(Server):
    """
    collectd, which writes what it gets as CSV.

    Attributes:
        socket: Its Unix socket.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        program = need("collectd")
        self.socket = folder / "socket"
        (folder / "collectd.conf").write_text(_COLLECTD.format(folder=folder, more=more))
        super().__init__(
            [program, "-f", "-C", folder / "collectd.conf"], folder, ready=self.socket.exists
        )

    def values(self, place: str, count: int = 1) -> list[tuple[float, float]]:
        """Return times and values of ``HOST/PLUGIN/TYPE``, once *count* are there."""

        def found() -> list[tuple[float, float]]:
            lines = [
                line
                for path in sorted((self.folder / "csv").glob(f"{place}-????-??-??"))
                for line in path.read_text().splitlines()
                if not line.startswith("epoch")
            ]
            pairs = (line.split(",") for line in lines)
            return [(float(at), float(value)) for at, value in pairs]

        poll(lambda: len(found()) >= count, f"{count} values of {place} at collectd", 5)
        return found()


class GraphiteWeb(Server):
    """
    graphite-web over the files of a carbon that tells it tags.

    Attributes:
        url: Its address.

        carbon: The carbon behind it.
    """

    def __init__(self, folder: Path) -> None:
        program = need(SERVERS / "graphite/bin/gunicorn")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        (folder / "carbon").mkdir()
        (folder / "log").mkdir()
        self.carbon = Carbon(folder / "carbon", web=self.url)
        (folder / "logster_settings.py").write_text(
            f"""
SECRET_KEY = "test"
ALLOWED_HOSTS = ["*"]
TIME_ZONE = "UTC"
CARBONLINK_HOSTS = ["127.0.0.1:{self.carbon.query}"]
GRAPHITE_ROOT = STORAGE_DIR = CONF_DIR = "{folder}"
LOG_DIR = "{folder}/log"
WHISPER_DIR = "{self.carbon.whisper}"
STANDARD_DIRS = [WHISPER_DIR]
INDEX_FILE = "{folder}/index"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{folder}/db"}}}}
LOG_FILE_INFO = LOG_FILE_EXCEPTION = LOG_FILE_CACHE = LOG_FILE_RENDERING = "-"
"""
        )
        env = {
            "PYTHONPATH": str(folder),
            "GRAPHITE_SETTINGS_MODULE": "logster_settings",
            "DJANGO_SETTINGS_MODULE": "graphite.settings",
            "HOME": str(folder),
        }
        try:
            subprocess.run(
                [SERVERS / "graphite/bin/django-admin", "migrate", "--run-syncdb"],
                env={**os.environ, **env},
                check=True,
                capture_output=True,
                timeout=60,
            )
            super().__init__(
                [program, "graphite.wsgi", "-b", f"127.0.0.1:{port}", "--threads", "2"],
                folder,
                ready=lambda: listens(port),
                env=env,
            )
        except BaseException:
            self.carbon.stop()
            raise

    def stop(self) -> None:
        """End both programs."""
        super().stop()
        self.carbon.stop()

    def render(self, target: str) -> list[tuple[float, float]]:
        """Return time and value of each point of *target* within the last hour."""
        import json
        from urllib.parse import urlencode

        query = urlencode({"target": target, "from": "-30min", "format": "json"})

        def points() -> list[tuple[float, float]]:
            series = json.loads(ask(f"{self.url}/render?{query}"))
            return [(at, v) for one in series for v, at in one["datapoints"] if v is not None]

        return poll(points, f"{target} at graphite-web", 20)

    def png(self, target: str) -> bytes:
        """Return the picture of *target* over the last half hour."""
        import urllib.request
        from urllib.parse import urlencode

        query = urlencode({"target": target, "from": "-30min", "format": "png"})
        with urllib.request.urlopen(f"{self.url}/render?{query}", timeout=10) as answer:
            return bytes(answer.read())


_GNOCCHI = """
[DEFAULT]
coordination_url = file://{folder}/coordination
parallel_operations = 1
[indexer]
url = postgresql://postgres@127.0.0.1:{database}/gnocchi
[storage]
driver = file
file_basepath = {folder}/data
[metricd]
workers = 1
metric_processing_delay = 1
greedy = true
[api]
auth_mode = basic
host = 127.0.0.1
port = {port}
uwsgi_mode = http
"""


class Gnocchi(Server):
    """
    Gnocchi's API and its PostgreSQL.

    Attributes:
        url: Its address; the user is `admin`, without a password.
    """

    def __init__(self, folder: Path) -> None:
        binaries = SERVERS / "gnocchi/bin"
        api = need(binaries / "gnocchi-api")
        place = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), Path("postgresql"))
        need(place / "initdb")
        port, database = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        data = folder / "postgres"
        for each in (folder, *folder.parents[:2]):
            each.chmod(0o755)  # the database runs as another user
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        data.chmod(0o700)
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._run([*as_owner, place / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N"])
        (folder / "database").mkdir()
        self.database = Server(
            [
                *as_owner,
                place / "postgres",
                "-D",
                data,
                "-p",
                str(database),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "fsync=off",
            ],
            folder / "database",
            ready=lambda: listens(database),
        )
        try:
            config = folder / "gnocchi.conf"
            config.write_text(_GNOCCHI.format(folder=folder, database=database, port=port))
            create = ["createdb", "-h", "127.0.0.1", "-p", str(database), "-U", "postgres"]
            poll(lambda: self._succeeds([*create, "gnocchi"]), "a database")
            self._run([binaries / "gnocchi-upgrade", "--config-file", config])
            super().__init__(
                [api, "--config-file", config],
                folder,
                ready=lambda: listens(port),
                # An environment that is active in the shell would take precedence.
                env={
                    "PATH": f"{binaries}:{os.environ['PATH']}",
                    "VIRTUAL_ENV": f"{binaries.parent}",
                },
            )
        except BaseException:
            self.database.stop()
            raise

    def stop(self) -> None:
        """End both programs."""
        super().stop()
        self.database.stop()

    def measures(self, resource: str, metric: str) -> list[tuple[str, float]]:
        """Return time and value of what *metric* of *resource* measured."""
        import json
        from base64 import b64encode
        from urllib.parse import quote

        login = {"Authorization": f"Basic {b64encode(b'admin:').decode()}"}
        place = f"resource/generic/{quote(resource)}/metric/{quote(metric)}/measures"
        url = f"{self.url}/v1/{place}?aggregation=mean&refresh=true"
        return [(at, value) for at, _, value in json.loads(ask(url, headers=login))]

    @staticmethod
    def _run(argv: Sequence[str | Path]) -> None:
        done = subprocess.run(argv, capture_output=True, timeout=60, check=False, cwd="/")
        if done.returncode:
            pytest.fail(f"{argv[0]}: {done.stderr.decode()[-2000:]}")

    @staticmethod
    def _succeeds(argv: Sequence[str | Path]) -> bool:
        return not subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode

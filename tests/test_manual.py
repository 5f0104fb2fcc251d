"""What the man pages and the README say, tried."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from receivers import free_ports
from running import COMMAND, FIXTURES, Bench, logster


ROOT = Path(__file__).resolve().parent.parent
MANUAL = (ROOT / "man" / "logster.1").read_text(encoding="utf-8")
METRICS = (ROOT / "man" / "logster-metrics.7").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOG = FIXTURES / "squid" / "native.log"


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def lines_read(bench: Bench) -> int:
    """Do a run, and return how many lines it took for new ones."""
    words = ("-o", "stdout", "--format", "json", "--self-metrics", "self", "metric-lines")
    for line in bench.run("--from-start", *words).out.splitlines():
        metric = json.loads(line)
        if metric["name"] == "self.lines_read":
            return int(metric["value"])
    pytest.fail("the run sent no figures of itself")


@pytest.mark.parametrize("page", [MANUAL, README], ids=["manual", "readme"])
def test_crontab(page: str) -> None:
    """A line for cron, whose path is short, has the whole path of the command."""
    lines = re.findall(r"^\* \* \* \* \* .*", page, re.MULTILINE)

    assert lines
    assert all(line.startswith("* * * * * root /usr/local/bin/logster -") for line in lines)


def test_moved_log(bench: Bench) -> None:
    """A log that was moved has another state; with the old one under its name, it goes on."""
    bench.append("one", "two")
    assert lines_read(bench) == 2
    old = bench.state
    bench.log = bench.log.rename(bench.folder / "moved.log")
    assert lines_read(bench) == 2

    bench.append("three")
    old.rename(str(old).replace("app.log", "moved.log"))

    assert lines_read(bench) == 1


def test_removed_state(bench: Bench) -> None:
    """What is owed goes with the state, and the next run is a first one."""
    (port,) = free_ports(1)
    words = ("-o", f"graphite://127.0.0.1:{port}", "squid")
    bench.append("one")
    assert bench.run("--from-start", *words).code == 1

    bench.state.unlink()

    assert bench.run(*words).code == 0
    assert "owed" not in logster("status", "-s", bench.states).out


def test_words_of_the_environment() -> None:
    """An option that may be given more than once takes each word; the longer name counts."""
    outputs = {"LOGSTER_OUTPUT": "graphite://h:1 stdout", "LOGSTER_TAG": "a=b c=d"}
    both = logster("-d", "squid", LOG, env=outputs).out
    formats = {"LOGSTER_STDOUT_FORMAT": "json", "LOGSTER_FORMAT": "csv"}
    formatted = logster("-d", "-o", "stdout", "squid", LOG, env=formats).out

    assert "h:1 requests;a=b;c=d 97 " in both
    assert " requests 97\n" in both
    assert json.loads(formatted.splitlines()[0])["name"] == "requests"


@pytest.mark.parametrize("name", ["version", "help", "list", "parser-help"])
def test_not_of_the_environment(name: str) -> None:
    """What ends a run before it reads must be asked for on the command line."""
    variable = f"LOGSTER_{name.upper().replace('-', '_')}"

    outcome = logster("-d", "squid", LOG, env={variable: "1"})

    assert outcome.out.endswith("97 lines: 97 matched, 0 ignored, 0 unmatched.\n")
    assert f"\\-\\-{name}".replace("r-h", "r\\-h") in MANUAL.partition(".BR LOGSTER_ .")[0]


def test_secrets(bench: Bench) -> None:
    """The query of an address is no part of a message; an option's value in a URL may be."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/hook?T0K3N"
    bench.append("one")
    hook = bench.run("--from-start", "-o", "http", "--http-url", address, "squid")
    url = bench.run("-o", "graphite://h:1?protocol=T0K3N", "squid")

    assert (hook.code, "T0K3N" in hook.err) == (1, False)
    assert (url.code, "T0K3N" in url.err) == (2, True)


def test_figures_of_a_run() -> None:
    """Every figure that a run sends of itself stands in the page of the metrics, and no other."""
    words = ("-o", "stdout", "--format", "json", "--self-metrics", "self", "squid", LOG)
    names = [json.loads(line)["name"] for line in logster("-d", *words).out.splitlines()]
    section = METRICS.partition(".SH FIGURES OF A RUN")[2]

    sent = [name.removeprefix("self.") for name in names if name.startswith("self.")]
    assert sent == re.findall(r'^\.BR "{prefix}\.(\w+)"', section, re.MULTILINE)


def test_completion() -> None:
    """The line for bash lets it complete a parser."""
    line = 'eval "$(_LOGSTER_COMPLETE=bash_source logster)"'
    ask = (
        "COMP_WORDS=(logster squ); COMP_CWORD=1; _logster_completion logster; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", f"{line}; {ask}"],
        env=os.environ | {"PATH": f"{os.path.dirname(COMMAND)}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert line in MANUAL
    assert line in README
    assert done.stdout == "squid\n"


def test_lint() -> None:
    """The section on lint has its arguments, and the one option that no run has."""
    _, _, section = MANUAL.partition(".SS logster lint [OPTIONS] PARSER LOGFILE\n")

    assert ".B \\-\\-step SECONDS" in section.partition(".SS")[0]

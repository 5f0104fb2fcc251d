"""``logster lint``: what a backend would do to the metrics of a log."""

from pathlib import Path

import pytest
from commanding import Outcome, invoke

from logster.commands.lint import command
from logster.metrics import MetricObject


class Counting:
    """A parser of 1.x that counts lines, and breaks at a word."""

    def __init__(self, option_string: str | None = None) -> None:
        self.lines = 0

    def parse_line(self, line: str) -> None:
        """Count a line."""
        self.lines += int(line) if "boom" in line else 1

    def get_state(self, duration: float) -> list[MetricObject]:
        """Return the rate."""
        return [MetricObject("lines", self.lines / duration, metric_type="c")]


class ForeignOutput:
    """An output of a third party."""

    shortname = "foreign"

    def submit(self, metrics: object) -> None:
        """Take *metrics* nowhere."""


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text('{"a b": 1, "a_b": -2}\n')
    return path


def lint(log: Path, *words: object, parser: str = "JsonLogster") -> Outcome:
    """Run the command on *log*."""
    return invoke(command, parser, log, *words)


GRAPHITE = ("-o", "graphite", "--graphite-host", "mx:2003")
STATSD = ("-o", "statsd", "--statsd-host", "mx:8125")
COUNTING = "test_commands_lint.Counting"


def test_nothing_to_warn_of(log: Path) -> None:
    """Metrics that arrive as they are give one line, and exit code 0."""
    outcome = lint(log, *GRAPHITE, *STATSD, parser=COUNTING)

    assert outcome == (
        0,
        "1 metric: nothing to warn of at graphite at mx:2003 or statsd at mx:8125.\n",
        "",
    )


def test_warnings_by_output(log: Path) -> None:
    """Each output warns by its own rules, and the exit code is 1."""
    code, out, _ = lint(log, *GRAPHITE, *STATSD)

    lines = out.splitlines()
    assert code == 1
    assert "graphite at mx:2003: a b and a_b become one: a_b." in lines
    assert any(line.startswith("statsd at mx:8125: a_b is below zero: ") for line in lines)
    assert not any(line.startswith("graphite at mx:2003: a_b is below") for line in lines)


def test_options_of_a_run(log: Path) -> None:
    """The options of a run are taken into account, in any place and abbreviated."""
    out = invoke(command, *GRAPHITE, "--metric-pre", "web", "JsonLogster", log, "-x", "z").out

    assert "a b and a_b become one: web.a_b.z." in out


def test_url(log: Path) -> None:
    """An output may be given as a URL."""
    assert "graphite at mx:2003: " in lint(log, "-o", "graphite://mx:2003?prefix=web").out


def test_step(log: Path) -> None:
    """The step of Graphite is an option."""
    assert "several points within 10 s" in lint(log, *GRAPHITE, "--step", "10").out


def test_whole_log_is_read(log: Path) -> None:
    """The log is read from its start, and nothing is written beside it."""
    log.write_text('{"x y": 1}\n' + '{"x_y": 1, "x y": 1}\n')

    assert "x_y and x y become one" in lint(log, "-o", "stdout").out
    assert [log] == list(log.parent.iterdir())


def test_terminal_is_safe(log: Path) -> None:
    """Nothing that a stranger wrote reaches the terminal as a control character."""
    log.write_text('{"\\u001b[2J": 1, "a\\nb": "x", "a b": 1, "a\\nb": 2}\n')

    out = lint(log, "-o", "stdout").out

    assert out
    assert all(line.isprintable() for line in out.splitlines())


def test_foreign_output(log: Path) -> None:
    """What an output of a third party does to metrics is not known, and that is said."""
    code, _, err = lint(log, "-o", "test_commands_lint.ForeignOutput")

    assert (code, "it is not ours" in err) == (2, True)


def test_usage(log: Path) -> None:
    """Without an output, or a log, there is nothing to do."""
    assert lint(log).code == 2
    assert invoke(command, "JsonLogster", "-o", "stdout").code == 2


def test_missing_log(log: Path) -> None:
    """Of a log that is not there it says so, and speaks of no next run."""
    log.unlink()

    assert lint(log, "-o", "stdout") == (1, "", f"{log} does not exist. Nothing was read or sent.")


def test_parser_that_breaks(log: Path) -> None:
    """An exception of the parser is an error that names it."""
    log.write_text("boom\n")

    code, _, err = lint(log, "-o", "stdout", parser=COUNTING)

    assert (code, "test_commands_lint.Counting raised ValueError" in err) == (1, True)


def test_help() -> None:
    """The help shows the options of a run and of all outputs."""
    code, out, _ = invoke(command, "--help")

    assert code == 0
    assert all(word in out for word in ("Usage: ", "--metric-prefix", "--statsd-host", "--step"))

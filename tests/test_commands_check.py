"""``logster check``: the conformance kit, on any parser."""

import gzip
import os
import subprocess
from pathlib import Path

import pytest
from commanding import Outcome, invoke
from running import COMMAND

from logster._trials import TRIALS
from logster.commands.check import command, sample
from logster.conformance import SAMPLE_BYTES
from logster.metrics import MetricObject


LOG = b"".join(b"%d ok\n" % number for number in range(20))


class Steady:
    """A parser of 1.x that stands everything; its options name its metric."""

    def __init__(self, option_string: str | None = None) -> None:
        self.name = option_string or "lines"
        self.lines = 0

    def parse_line(self, line: str) -> None:
        """Count a line."""
        self.lines += 1

    def get_state(self, duration: float) -> list[MetricObject]:
        """Return the count."""
        return [MetricObject(self.name, self.lines)]


class Fragile(Steady):
    """A parser that expects a number where there may be none."""

    def parse_line(self, line: str) -> None:
        """Add up numbers."""
        self.lines += int(line.split(maxsplit=1)[0])


class Talkative(Steady):
    """A parser that its author forgot to clean up."""

    def parse_line(self, line: str) -> None:
        """Print a line."""
        print(line)
        super().parse_line(line)


class Homeless:
    """A parser that cannot be made."""

    def __init__(self, option_string: str | None = None) -> None:
        if option_string == "exit":
            raise SystemExit("wrong options")
        raise RuntimeError("no database")


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(LOG)
    return path


def check(parser: type, log: Path, *words: str) -> Outcome:
    """Run the command on a parser of this module."""
    return invoke(command, f"test_commands_check.{parser.__name__}", log, *words)


def test_steady_parser(log: Path) -> None:
    """One line is printed for each trial, and the exit code is 0."""
    code, out, err = check(Steady, log)

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert len(lines) == len(TRIALS)
    assert lines[0] == "ok    understands the log"
    assert any(line.startswith("note  keeps to its catalogue: it has no") for line in lines)


def test_fragile_parser(log: Path) -> None:
    """A trial that fails is marked, says why and where, and makes the exit code 1."""
    code, out, _ = check(Fragile, log)

    assert code == 1
    assert "FAIL  stands hostile lines, bad bytes and NUL: IndexError: list index out of" in out
    assert "while it took the line ''" in out


def test_talkative_parser(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What a parser prints does not come between the verdicts."""
    code, out, err = check(Talkative, log)

    assert (code, len(out.splitlines()), err) == (1, len(TRIALS), "")
    assert "FAIL  prints nothing: it prints '0 ok" in out
    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize(
    ("options", "raised"),
    [("", "RuntimeError: no database"), ("exit", "SystemExit: wrong options")],
)
def test_parser_that_cannot_be_made(log: Path, options: str, raised: str) -> None:
    """A parser that raises when it is made is named, with what it raised and where."""
    code, out, err = check(Homeless, log, "--parser-options", options)

    assert (code, out) == (1, "")
    assert f"The parser test_commands_check.Homeless raised {raised} (" in err


def test_closed_output(log: Path) -> None:
    """Where standard output is closed, or all streams are, the exit code tells."""
    words = [COMMAND, "check", "test_commands_check.Steady", str(log)]
    for closed in (">&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *words],
            env=os.environ | {"PYTHONPATH": os.path.dirname(__file__)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_options(log: Path) -> None:
    """The parser gets its options."""
    code, out, _ = check(Steady, log, "--parser-options", "a name")

    assert code == 1
    assert "make names such as 'a name'." in out


def test_empty_log(log: Path) -> None:
    """Without a good line there is nothing to start from."""
    log.write_text("half")

    code, _, err = check(Steady, log)

    assert (code, "holds no whole line" in err) == (1, True)


def test_missing_log(tmp_path: Path) -> None:
    """A log that is not there is an error."""
    code, _, err = check(Steady, tmp_path / "none.log")

    assert (code, "none.log does not exist." in err) == (1, True)


# The reader of compressed files leaves its copy of the descriptor to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_sample_is_the_beginning(tmp_path: Path) -> None:
    """Of a big log, compressed or not, only the beginning is read."""
    for path, write in ((tmp_path / "a.log", open), (tmp_path / "a.log.1.gz", gzip.open)):
        with write(path, "wb") as file:
            file.write(b"line\n" * 1_000_000)

        assert SAMPLE_BYTES <= len(sample(str(path))) < 2 * SAMPLE_BYTES

"""Killed at every system call of a run, one after the other: every line counts once."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from counting import Place
from receivers import Carbon, Statsd, free_ports
from tracing import NAMES, calls_of, killed_at

from logster.cli import main


class Job(Place):
    """
    A job whose runs are whole command lines, and whose receiver is a real carbon.

    Args:
        folder: An empty folder.

        outputs: Options of the command line, which say where to send.

        prefix: Tells its metrics from those of others.
    """

    def __init__(self, folder: Path, outputs: list[str], prefix: str) -> None:
        super().__init__(folder)
        self.prefix = prefix
        self.words = [
            *("-s", str(folder / "state"), "-l", str(folder / "own"), "-p", prefix),
            *outputs,
            *("counting.Numbers", str(self.log)),
        ]
        self.log.touch()
        self.command()

    def command(self, *more: str) -> None:
        """Run the command line to its end."""
        with pytest.raises(SystemExit):
            main([*more, *self.words])


def grown(job: Job) -> None:
    """Let the log grow; a line is not yet whole."""
    job.write(20)
    job.write_half()
    job.written -= 1


def rotated(job: Job) -> None:
    """Let it be rotated twice, compressed once; one writer is late."""
    job.write(20)
    job.command()
    job.write(20)
    first = job.rotate()
    job.write(20)
    job.rotate()
    second = first.with_name("app.log.2")
    first.with_name("app.log.2.gz").write_bytes(gzip.compress(second.read_bytes()))
    second.unlink()
    job.write(20)


def copied(job: Job) -> None:
    """Let it be copied and cut in the middle of a line."""
    job.write(20)
    job.command()
    rest = job.write_half()
    job.copytruncate()
    with job.log.open("ab") as file:
        file.write(rest)
    job.write(300)


def owing(job: Job) -> None:
    """Let two runs find their receiver dead."""
    (port,) = free_ports(1)
    alive = list(job.words)
    job.words = [word if ":" not in word else f"127.0.0.1:{port}" for word in job.words]
    for _ in range(2):
        job.write(20)
        job.command()
    job.words = alive
    job.write(20)
    # What is owed is owed to a name: let it be that of the receiver that lives.
    (state,) = (job.folder / "state").glob("*.state")
    address = next(word for word in alive if word.startswith("127."))
    text = state.read_text().replace(f"127.0.0.1:{port}", address)
    state.write_text(text)


@pytest.mark.parametrize("prepare", [grown, rotated, copied, owing])
def test_graphite(
    tmp_path: Path, carbon: Carbon, prepare: Callable[[Job], None], capfd: Any
) -> None:
    """After the next whole run every figure at the receiver is exact."""

    def job(name: str) -> Job:
        (tmp_path / name).mkdir()
        prefix = f"kill.{prepare.__name__}.{name}"
        job = Job(tmp_path / name, ["-o", "graphite", "--graphite-host", carbon.address], prefix)
        prepare(job)
        return job

    whole = job("whole")
    calls = calls_of(whole.command)
    jobs, reached = [whole], set()
    for number, call in enumerate(calls):
        killed = job(str(number))
        if killed_at(call, killed.command):
            reached.add(call.name)
        killed.command()
        jobs.append(killed)

    wrong = {
        job.prefix: (job.expected, counted)
        for job in jobs
        if (counted := _counted(carbon, job.prefix)) != job.expected
    }
    assert {} == wrong
    phases = {"pread64", "write", "fsync", "rename", "connect", "sendto", "shutdown", "recvfrom"}
    # Where the numbers of the calls have no names, there must be as many at least.
    assert phases <= reached if NAMES else len(phases) <= len(reached)


def test_two_receivers(tmp_path: Path, carbon: Carbon, statsd: Statsd, capfd: Any) -> None:
    """Graphite is exact beside StatsD, whose counters repeat only where it was not yet noted."""

    def job(name: str) -> Job:
        (tmp_path / name).mkdir()
        words = ["-o", "graphite", "--graphite-host", carbon.address]
        words += ["-o", "statsd", "--statsd-host", statsd.address]
        job = Job(tmp_path / name, words, f"killed.two.{name}")
        job.write(10)
        return job

    repeats = []
    for number, call in enumerate(calls_of(job("whole").command)[::3]):
        killed = job(str(number))
        killed_at(call, killed.command)
        killed.command()
        count = statsd.counters()[f"{killed.prefix}.count"]
        assert count in {10, 20}, killed.prefix
        repeats.append(count == 20)
        assert killed.expected == _counted(carbon, killed.prefix), killed.prefix

    # The window is one stretch: from the datagram to the commit that notes it.
    window = "".join("x" if each else "." for each in repeats).strip(".")
    assert window.count("x") < len(repeats) / 3


def _counted(carbon: Carbon, prefix: str) -> tuple[float, float]:
    """Return the sums over all points of both metrics."""
    both = (carbon.points(f"{prefix}.{name}") for name in ("count", "sum"))
    count, total = (sum(value for _, value in points) for points in both)
    return count, total

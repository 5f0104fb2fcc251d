"""Numbered lines, and a job that counts and sums them: both must come out exact."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import zstandard

from logster.errors import OutputError, SkipLine
from logster.job import Job, Report
from logster.journal import Journal, State
from logster.metrics import Batch, Metric
from logster.outputs import Output, Owing, Receipt
from logster.parser import LogsterParser, Tally
from logster.run import run


#: Ending of a compressed file → what makes its content.
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


class Numbers(LogsterParser):
    """Count and sum the numbers of lines such as ``line 17``."""

    def __init__(self, option_string: str | None = None) -> None:
        self.count = self.sum = 0

    def feed(self, block: bytes) -> Tally:
        """Take a block of whole lines."""
        assert block.endswith(b"\n")
        unmatched = 0
        for line in block.split(b"\n")[:-1]:
            words = line.split()
            if len(words) == 2 and words[0] == b"line" and words[1].isdigit():
                self.count += 1
                self.sum += int(words[1])
            else:
                unmatched += 1
        return Tally(block.count(b"\n") - unmatched, 0, unmatched)

    def parse_line(self, line: str) -> None:
        """Take one line."""
        if self.feed(line.encode()).unmatched:
            raise SkipLine(line)

    def get_state(self, duration: float) -> list[Metric]:
        """Return both, as counters."""
        return [Metric("count", self.count, kind="c"), Metric("sum", self.sum, kind="c")]


class Memory(Output):
    """
    An output that keeps points as Graphite does: by name and time, the last one counts.

    Attributes:
        failure: What the receiver does instead of taking anything.

        taken: Metrics taken, repeats included.
    """

    kind = "memory"

    def __init__(self, target: str = "memory", owing: Owing = Owing.EACH) -> None:
        self.target = target
        self._owing = owing
        self.points: dict[tuple[str, float | str | None], Any] = {}
        self.failure: BaseException | None = None
        self.taken: list[Metric] = []

    @property
    def owing(self) -> Owing:  # type: ignore[override]
        """Return what it is owed after an outage."""
        return self._owing

    def deliver(self, batches: Sequence[Batch]) -> Receipt:
        """Take *batches*, or fail."""
        if isinstance(self.failure, OutputError):
            return Receipt(0, 0, self.failure)
        if self.failure:
            raise self.failure
        for batch in batches:
            for metric in batch.metrics:
                self.points[metric.name, metric.timestamp] = metric.value
                self.taken.append(metric)
        return Receipt(len(batches))

    def total(self, name: str) -> Any:
        """Return the sum of all points of the metric *name*."""
        return sum(value for (each, _), value in self.points.items() if each == name)


def lines(numbers: Iterable[int]) -> bytes:
    """Return numbered lines."""
    return b"".join(b"line %d\n" % number for number in numbers)


def pack(path: Path, ending: str = "gz", *, keep_time: bool = True) -> Path:
    """Compress *path* as logrotate does."""
    packed = path.with_name(f"{path.name}.{ending}")
    packed.write_bytes(PACK[ending](path.read_bytes()))
    status = path.stat()
    if keep_time:
        os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()
    return packed


class Place:
    """
    A log with numbered lines, and a job that reads it.

    Args:
        folder: An empty folder.

    Attributes:
        written: How many lines were written since the job began.

        prefix: Under which its metrics are sent, where others send too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "app.log"
        self.state = folder / "job.state"
        self.prefix = ""
        self.output = Memory()
        self.outputs: list[Output] = [self.output]
        self.now = 1_800_000_000.0
        self.written = 0
        self.reports: list[Report] = []

    def begin(self) -> None:
        """Make the log, and let the job take its place in it."""
        self.log.touch()
        self.run()

    def write(self, count: int, path: Path | None = None) -> None:
        """Append *count* numbered lines to the log, or to *path*."""
        with (path or self.log).open("ab") as file:
            file.write(lines(range(self.written, self.written + count)))
        self.written += count

    def write_half(self, path: Path | None = None) -> bytes:
        """Append the first half of the next line and return the second."""
        text = lines([self.written])
        self.written += 1
        with (path or self.log).open("ab") as file:
            file.write(text[:3])
        return text[3:]

    def rotate(self, suffix: str = ".1", *, create: bool = True) -> Path:
        """Rename the log and make a new one; older ones with a number move on."""
        rotated = self.log.with_name(self.log.name + suffix)
        if suffix == ".1":
            self.shift()
        self.log.rename(rotated)
        if create:
            self.log.touch()
        return rotated

    def copytruncate(self) -> Path:
        """Copy the log and cut it."""
        self.shift()
        rotated = self.log.with_name(self.log.name + ".1")
        rotated.write_bytes(self.log.read_bytes())
        os.truncate(self.log, 0)
        return rotated

    def shift(self) -> None:
        """Rename app.log.1 to app.log.2 and so on."""
        old = sorted(self.folder.glob(self.log.name + ".[1-9]*"), key=_number, reverse=True)
        for path in old:
            name, number = self.log.name, _number(path)
            path.rename(
                path.with_name(path.name.replace(f"{name}.{number}", f"{name}.{number + 1}"))
            )

    def job(self, **changes: Any) -> Job:
        """Return the job."""
        values: dict[str, Any] = {
            "log": str(self.log),
            "parser": Numbers,
            "parser_name": "numbers",
            "outputs": self.outputs,
            "state": str(self.state),
        }
        return Job(**(values | changes))

    def run(self, **changes: Any) -> Report:
        """Run the job a minute later."""
        self.now += 60
        report = run(self.job(**changes), clock=lambda: self.now)
        self.reports.append(report)
        return report

    def load(self) -> State:
        """Return the state."""
        state = Journal(str(self.state)).load()
        assert state
        return state

    @property
    def expected(self) -> tuple[float, float]:
        """Return the count and the sum of the lines written."""
        return self.written, sum(range(self.written))

    @property
    def counted(self) -> tuple[float, float]:
        """Return the count and the sum at the receiver."""
        return self.output.total("count"), self.output.total("sum")

    @property
    def notices(self) -> list[str]:
        """Return what all runs said."""
        return [each for report in self.reports for each in (*report.notices, *report.errors)]


def _number(path: Path) -> int:
    return int(path.name.split(".")[2])


def exact(place: Place, **changes: Any) -> None:
    """Run twice more and check that every line counted once, and that nothing was said."""
    place.run(**changes)
    place.run(**changes)

    assert place.expected == place.counted
    assert [] == place.notices

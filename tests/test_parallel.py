"""A catch-up that several processes read: the same figures, to the last digit."""

import contextlib
import gzip
import os
import pickle
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from parsing import use_engine
from running import FIXTURES

from logster import parallel
from logster.errors import LogError, ParserError, SkipLine
from logster.generation import Generation, Position
from logster.job import Job
from logster.journal import State
from logster.metrics import Metric, to_metric
from logster.parser import LogsterParser, Tally
from logster.reading import Reading, read
from logster.registry import load_parser


WHOLE = sorted((FIXTURES / "whole").glob("*.log.gz"))
#: Parser → the whole logs that it understands.
PARSERS = {
    "postfix": "postfix",
    "PostfixLogster": "postfix",
    "squid": "squid",
    "SquidLogster": "squid",
    "apache-access": "apache-combined",
    "SampleLogster": "nginx-combined",
    "json-lines": "nginx-json",
    "JsonLogster": "nginx-json",
    "nginx-error": "nginx-error",
    "apache-error": "nginx-error",
}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share logs that are far too short to be worth it."""
    monkeypatch.setattr(parallel, "WORTH_BYTES", 1000)


def job(log: Path, make_parser: Callable[[], Any], jobs: int) -> Job:
    """Return a job that only reads."""
    return Job(
        log=str(log),
        parser=make_parser,
        parser_name="x",
        outputs=(),
        state=str(log) + ".state",
        jobs=jobs,
    )


def figures(reading: Reading) -> list[Metric]:
    """Return what the parser of *reading* derived."""
    return [to_metric(each, 0) for each in reading.parser.get_state(60)]


def place(reading: Reading) -> list[Position]:
    """Return where *reading* stopped, but for when it looked."""
    return [each._replace(seen_ns=0) for each in reading.tail.cursor]


def whole(name: str) -> bytes:
    """Return a log that the parser *name* understands."""
    return gzip.decompress((FIXTURES / "whole" / f"{PARSERS[name]}.log.gz").read_bytes())


@pytest.mark.parametrize("jobs", [2, 5])
@pytest.mark.parametrize("engine", ["re", "pcre2"])
@pytest.mark.parametrize("name", PARSERS)
def test_equal_figures(tmp_path: Path, name: str, engine: str, jobs: int) -> None:
    """Every shipped parser gives the same figures, account and cursor, however many read."""
    log = tmp_path / "x.log"
    log.write_bytes(whole(name))
    make = load_parser(name)

    with use_engine(engine):
        alone = read(job(log, make, 1), State())
        shared = read(job(log, make, jobs), State())

    assert figures(alone) == figures(shared)
    assert alone.tally == shared.tally
    assert place(alone) == place(shared)
    assert alone.tail.bytes_read == shared.tail.bytes_read == log.stat().st_size


@pytest.mark.parametrize("engine", ["re", "pcre2"])
@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, None) for name in PARSERS), ("postfix", "--top-domains 3 --exclude-relay ::1")],
)
def test_shipped_parsers_cross(name: str, options: str | None, engine: str) -> None:
    """What a shipped parser knows crosses to another process, before and after it read a log."""
    parser = load_parser(name)(options)

    with use_engine(engine):
        for block in (b"", whole(name)):
            parser.feed(block)
            assert vars(parser).keys() == pickle.loads(pickle.dumps(vars(parser))).keys()


class Lines(LogsterParser):
    """Counts lines, and knows which process took them."""

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.lines: list[str] = []
        self.processes = {os.getpid()}

    def parse_line(self, line: str) -> None:
        """Take one line."""
        self.processes.add(os.getpid())
        if "die" in line:
            os._exit(1)
        if "raise" in line:
            raise KeyError(line)
        if "skip" in line:
            raise SkipLine
        self.lines.append(line)

    def merge(self, other: "Lines") -> None:
        """Take over what *other* took; its lines come later."""
        self.lines += other.lines
        self.processes |= other.processes

    def get_state(self, duration: float) -> list[Metric]:
        """Return how many lines there were."""
        return [Metric("lines", len(self.lines))]


class OwnWay(Lines):
    """Counts more than the merge that it inherits knows of."""

    def parse_line(self, line: str) -> None:
        """Take one line."""
        super().parse_line(line)
        self.extra = getattr(self, "extra", 0) + 1


def log_of(folder: Path, count: int, odd: str = "", at: int = 0) -> Path:
    """Write a log of numbered lines, one of them odd."""
    lines = [f"line {number} {'x' * 30}\n" for number in range(count)]
    if odd:
        lines[at] = f"{odd}\n"
    log = folder / "x.log"
    log.write_text("".join(lines))
    return log


def test_order_of_the_file(tmp_path: Path) -> None:
    """Parts are merged in the order of the file, and processes of their own read them."""
    log = log_of(tmp_path, 1000)

    parser = read(job(log, Lines, 4), State()).parser

    assert log.read_text() == "".join(parser.lines)
    assert 4 == len(parser.processes)


class Slow(Lines):
    """Takes its time in any process but one."""

    fast = os.getpid()

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.taken: Counter[bool] = Counter()

    def parse_line(self, line: str) -> None:
        """Take one line."""
        is_fast = os.getpid() == self.fast
        if not is_fast:
            time.sleep(0.002)
        self.taken[is_fast] += 1
        super().parse_line(line)

    def merge(self, other: Lines) -> None:
        """Take over what *other* took."""
        super().merge(other)
        self.taken += cast(Slow, other).taken


@pytest.mark.parametrize("jobs", [2, 3])
def test_who_has_time_takes_more(tmp_path: Path, jobs: int) -> None:
    """A slow process reads the parts that are its own, and others what is left."""
    log = log_of(tmp_path, 1600)

    parser = read(job(log, Slow, jobs), State()).parser

    assert log.read_text() == "".join(parser.lines)
    assert parser.taken[True] > 1600 * (jobs + 1) / (2 * jobs) * 0.9
    assert parser.taken[False] >= 1600 * (jobs - 1) / (2 * jobs) * 0.9


def test_unmatched_lines_count_in_every_part(tmp_path: Path) -> None:
    """A line that is not understood counts once, whoever read it."""
    reading = read(job(log_of(tmp_path, 1000, "skip", at=3), Lines, 3), State())

    assert Tally(999, 0, 1) == reading.tally


def test_overlong_lines_count_in_every_part(tmp_path: Path) -> None:
    """A line too long counts once, whoever passed over it."""
    wanted = job(log_of(tmp_path, 1000, "y" * 500, at=3), Lines, 3)

    reading = read(wanted._replace(max_line=100), State())

    assert (Tally(999, 0, 1), 1) == (reading.tally, reading.tail.overlong)


def test_own_way_is_not_shared(tmp_path: Path) -> None:
    """A subclass that counts more than its merge knows reads everything by itself."""
    parser = read(job(log_of(tmp_path, 1000), OwnWay, 4), State()).parser

    assert (1000, 1) == (parser.extra, len(parser.processes))


def test_what_cannot_cross_is_not_shared(tmp_path: Path) -> None:
    """A parser that holds what cannot go from process to process reads by itself."""

    def make() -> Lines:
        parser = Lines()
        parser.hook = lambda: 0  # type: ignore[attr-defined]
        return parser

    assert 1 == len(read(job(log_of(tmp_path, 1000), make, 4), State()).parser.processes)


def test_parser_that_raises_elsewhere(tmp_path: Path) -> None:
    """What a parser raises in another process ends the run as if it had been here."""
    log = log_of(tmp_path, 1000, "raise", at=2)

    with pytest.raises(ParserError, match="raised KeyError while reading a line"):
        read(job(log, Lines, 3), State())


@pytest.mark.parametrize("jobs", [1, 2])
def test_log_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """A disk that fails is not taken for a fault of the parser, whichever process meets it."""
    log = log_of(tmp_path, 1000)
    size = log.stat().st_size
    real = Generation.read_raw

    def fail(file: Generation, count: int, offset: int) -> bytes:
        if size // 4 < offset < size // 3:
            raise OSError(5, "Input/output error")
        return real(file, count, offset)

    monkeypatch.setattr(Generation, "read_raw", fail)
    monkeypatch.setattr("logster.generation.WINDOW_BYTES", 500)

    with pytest.raises(LogError, match=r"cannot be read at byte \d+: Input/output error"):
        read(job(log, Lines, jobs)._replace(max_line=400), State())


def test_process_that_dies(tmp_path: Path) -> None:
    """A process that dies takes no figure with it: the run ends and the lines stay unread."""
    log = log_of(tmp_path, 1000, "die", at=2)

    with pytest.raises(LogError, match="the next run reads the same lines again"):
        read(job(log, Lines, 3), State())


def test_no_process_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a run, good or bad, none of its processes is left to wait for."""
    forked: list[int] = []
    fork = os.fork

    def noted() -> int:
        forked.append(fork())
        return forked[-1]

    monkeypatch.setattr(os, "fork", noted)
    for odd in ("", "raise", "die"):
        wanted = job(log_of(tmp_path, 1000, odd, at=2), Lines, 3)
        with contextlib.suppress(ParserError, LogError):
            read(wanted, State())

    assert 6 == len(forked)
    for process in forked:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def test_half_line_stays(tmp_path: Path) -> None:
    """Half a line at the end waits, whoever read the rest."""
    log = log_of(tmp_path, 1000)
    with log.open("a") as file:
        file.write("half")

    reading = read(job(log, Lines, 3), State())

    assert 1000 == len(reading.parser.lines)
    assert log.stat().st_size - 4 == reading.tail.cursor[-1].offset


def test_short_deltas_stay_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not worth a second process is read by one."""
    monkeypatch.setattr(parallel, "WORTH_BYTES", 1 << 20)

    assert 1 == len(read(job(log_of(tmp_path, 1000), Lines, 4), State()).parser.processes)


def test_every_whole_log_has_a_parser() -> None:
    """No whole log is left without a parser that reads it in parts."""
    assert {path.name.removesuffix(".log.gz") for path in WHOLE} <= {
        *PARSERS.values(),
        "squid-combined",
        "postfix-rfc3339",
    }

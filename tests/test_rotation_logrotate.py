"""Real logrotate, savelog and Python's handlers, in every mode: count and sum come out exact."""

import itertools
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path

import pytest
from counting import Place, lines
from receivers import need, poll


CREATE = ("create 0644",)
MODES: dict[str, tuple[str, ...]] = {
    "create": CREATE,
    "create-compress": (*CREATE, "compress"),
    "create-delaycompress": (*CREATE, "compress", "delaycompress"),
    "create-dateext": (*CREATE, "dateext", "dateformat -%Y%m%d-%s"),
    "create-dateext-compress": (*CREATE, "dateext", "dateformat -%Y%m%d", "compress"),
    "create-dateext-delaycompress": (*CREATE, "dateext", "compress", "delaycompress"),
    "create-dateext-extension": (*CREATE, "dateext", "extension .log", "compress"),
    "create-dateyesterday": (*CREATE, "dateext", "dateyesterday"),
    "create-start": (*CREATE, "start 0", "compress"),
    "create-olddir": (*CREATE, "olddir {old}", "compress"),
    "create-olddir-dateext": (*CREATE, "olddir {old}", "dateext"),
    "create-bz2": (*CREATE, "compress", "compresscmd {bzip2}", "compressext .bz2"),
    "create-xz": (*CREATE, "compress", "compresscmd {xz}", "compressext .xz"),
    "create-zst": (
        *CREATE, "compress", "compresscmd {zstd}", "compressoptions -q", "compressext .zst",
    ),
    "nocreate": ("nocreate",),
    "nocreate-compress": ("nocreate", "compress"),
    "copytruncate": ("copytruncate",),
    "copytruncate-compress": ("copytruncate", "compress"),
    "copytruncate-delaycompress": ("copytruncate", "compress", "delaycompress"),
    "copytruncate-dateext-compress": ("copytruncate", "dateext", "compress"),
    "copytruncate-olddir": ("copytruncate", "olddir {old}", "compress", "delaycompress"),
    "copytruncate-zst": (
        "copytruncate", "compress", "compresscmd {zstd}", "compressoptions -q", "compressext .zst",
    ),
}  # fmt: skip


class Rotated(Place):
    """
    A log that the real logrotate rotates, a day later each time.

    Args:
        folder: An empty folder.

        mode: Its directives.
    """

    def __init__(self, folder: Path, mode: tuple[str, ...]) -> None:
        super().__init__(folder)
        self.logrotate, self.faketime = need("logrotate"), need("faketime")
        self.old = folder / "old"
        self.old.mkdir()
        tools = {name: need(name) for name in ("bzip2", "xz", "zstd")}
        self.directives = [each.format(old=self.old, **tools) for each in mode]
        self.days = itertools.count(1)
        self.waiting = folder / "waiting"
        self.begin()

    def configure(self, *scripts: str) -> Path:
        """Write the configuration; in each of *scripts* logrotate waits for us."""
        wait = f"touch {self.waiting}; while [ -e {self.waiting} ]; do sleep 0.01; done"
        blocks = [f"{script}\n{wait}\nendscript" for script in scripts]
        path = self.folder / "logrotate.conf"
        text = "\n".join(["rotate 30", "missingok", *self.directives, *blocks])
        path.write_text(f"{self.log} {{\n{text}\n}}\n")
        path.chmod(0o644)
        return path

    def turn(self, *scripts: str) -> None:
        """Rotate the log, with a run in each of *scripts* and half a line written around it."""
        words: list[str | Path] = [self.logrotate, "-f", "-s", self.folder / "logrotate.state"]
        command: list[str | Path] = [
            self.faketime,
            "-f",
            f"+{next(self.days)}d",
            *words,
            self.configure(*scripts),
        ]
        with subprocess.Popen(command, env={**os.environ, "NO_FAKE_STAT": "1"}) as process:
            for _ in scripts:
                poll(self.waiting.exists, "logrotate to wait")
                if self.log.exists():
                    self.write(3)
                self.run()
                self.waiting.unlink()
            assert 0 == process.wait()


@pytest.fixture(name="rotated", params=MODES)
def _rotated(request: pytest.FixtureRequest, tmp_path: Path) -> Rotated:
    """Return a log that is rotated in each of the modes."""
    place = Rotated(tmp_path, MODES[request.param])
    plain = place.job
    place.job = lambda **changes: plain(**changes, log_patterns=[str(place.old)])  # type: ignore[method-assign]
    return place


def test_logrotate(rotated: Rotated) -> None:
    """Runs before, between, during and after rotations, several between two, and half lines."""
    rotated.write(100)
    rotated.run()
    rotated.write(5)
    rotated.turn()
    rotated.write(5)
    rotated.run()
    for count in (7, 0, 600):
        rotated.write(count)
        rotated.turn()
    rotated.write(9)
    rotated.run()
    rotated.turn("prerotate", "postrotate")
    rotated.write(4)
    rotated.turn("postrotate")
    rotated.write(1)
    rotated.turn("prerotate")
    rotated.write(2)
    for _ in range(2):
        rotated.run()

    assert rotated.expected == rotated.counted
    assert [] == rotated.notices


def test_same_lines(rotated: Rotated) -> None:
    """Generations of a log that was empty count, though each holds what the next begins with."""
    for count in (1, 2, 3):
        with rotated.log.open("ab") as log:
            log.write(lines(range(1, count + 1)))
        rotated.turn()
        rotated.log.touch()
    with rotated.log.open("ab") as log:
        log.write(lines([1, 2, 3, 4]))
    for _ in range(2):
        rotated.run()

    assert [10, 20] == list(rotated.counted)
    assert [] == rotated.notices


def test_half_lines(rotated: Rotated) -> None:
    """A line that a rotation falls into counts once, whichever file its writer ends it in."""
    rotated.write(100)
    copied = "copytruncate" in rotated.directives
    for run in (False, True, False):
        with rotated.log.open("ab") as writer:
            writer.write(rotated.write_half()[:0])
            half = rotated.written - 1
            if run:
                rotated.run()
            if not copied and "delaycompress" not in rotated.directives:
                writer.write(b"e %d\n" % half)
                writer.flush()
            rotated.turn()
            if copied or "delaycompress" in rotated.directives:
                writer.write(b"e %d\n" % half)
        rotated.write(3)
    for _ in range(2):
        rotated.run()

    assert rotated.expected == rotated.counted
    assert [] == rotated.notices


@pytest.mark.parametrize("mode", ["create-delaycompress", "create-dateext", "create-compress"])
def test_busy_writer(tmp_path: Path, mode: str) -> None:
    """A writer that never pauses and reopens its log when told; runs and rotations in between."""
    place = Rotated(tmp_path, MODES[mode])
    pid = tmp_path / "pid"
    place.directives += ["postrotate", f"kill -HUP $(cat {pid}); sleep 0.05", "endscript"]
    script = Path(__file__).with_name("writer.py")
    with subprocess.Popen([sys.executable, script, place.log, pid]) as writer:
        while not pid.exists():
            time.sleep(0.01)
        for number in range(6):
            place.run()
            place.turn()
            if number % 2:
                place.run()
        writer.send_signal(signal.SIGTERM)
        assert 0 == writer.wait()
    place.written = int((tmp_path / "pid.count").read_text())
    for _ in range(2):
        place.run()

    assert place.written > 500
    assert place.expected == place.counted
    assert [] == place.notices


@pytest.mark.parametrize(
    "options",
    [["-c", "5"], ["-c", "5", "-t"], ["-c", "5", "-l", "-t"], ["-d", "-l", "-t"]],
    ids=str,
)
def test_savelog(tmp_path: Path, options: list[str]) -> None:
    """Savelog numbers from nought, compresses from one on, and may leave no live file."""
    savelog = need("savelog")
    place = Place(tmp_path)
    place.begin()
    place.write(50)
    place.run()
    stamps = itertools.count(20261121062341)
    for runs in (1, 0, 0, 2):
        place.write(7)
        dated = ["-D", str(next(stamps))] if "-d" in options else []
        subprocess.run([savelog, "-q", *options, *dated, place.log], check=True)
        for _ in range(runs):
            place.run()
    place.write(3)
    for _ in range(2):
        place.run()

    assert place.expected == place.counted
    assert [] == place.notices


@pytest.fixture(name="handler", params=["timed", "sized"])
def _handler(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RotatingFileHandler]:
    """Yield the handlers of Python that rotate their own log."""
    path = tmp_path / "app.log"
    handler = (
        TimedRotatingFileHandler(path, "M", backupCount=9)
        if request.param == "timed"
        else RotatingFileHandler(path, backupCount=9)
    )
    yield handler  # type: ignore[misc]
    handler.close()


def test_handlers_of_python(handler: RotatingFileHandler, tmp_path: Path) -> None:
    """Python's own handlers, which put a time or a number behind the name."""
    place = Place(tmp_path)
    place.run()
    for number, runs in enumerate((1, 0, 0, 2, 1)):
        for _ in range(20):
            record = logging.LogRecord("x", 20, "x", 1, f"line {place.written}", (), None)
            handler.emit(record)
            place.written += 1
        if isinstance(handler, TimedRotatingFileHandler):
            handler.rolloverAt += 60 * number  # it is later than the clock says
        handler.doRollover()
        for _ in range(runs):
            place.run()
    for _ in range(2):
        place.run()

    assert place.expected == place.counted
    assert [] == place.notices

"""Disks that are full or may not be written, at each write, and clocks that are set."""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting import Place
from receivers import need

from logster.errors import StateError
from logster.journal import Journal


#: What a run calls that can fail for the disk's sake.
WRITES = "openat,write,pwrite64,ftruncate,fsync,rename,renameat,renameat2,utimensat"

RUN = """
import sys
from pathlib import Path
from counting import Place
import logster.run, logster.outputs.stdout, logster.cli
from outputs import output
place = Place(Path(sys.argv[1]))
place.outputs = [output("stdout")]
place.now = float(sys.argv[2])
Path("/proc/self/comm").write_text("x")
try:
    report = place.run()
except Exception as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(1)
print(*report.errors, sep="\\n", file=sys.stderr)
sys.exit(bool(report.errors))
"""


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a small disk of its own."""
    if os.geteuid():
        if os.environ.get("CI") == "true":
            pytest.fail("only root may mount a disk")
        pytest.skip("only root may mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    need("mount")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, left: int = 0) -> Path:
    """Fill *disk* up to *left* bytes."""
    path = disk / "full"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    os.truncate(path, max(0, path.stat().st_size - left))
    return path


def at(place: Place, folder: Path) -> Place:
    """Return *place* with its state in *folder*."""
    place.state = folder / "job.state"
    place.begin()
    place.write(5)
    place.run()
    return place


def read_only(disk: Path, *, on: bool) -> None:
    """Allow or forbid to write to *disk*."""
    how = f"remount,{'ro' if on else 'rw'}"
    subprocess.run(["mount", "-o", how, disk], check=True)


def test_full(tmp_path: Path, disk: Path) -> None:
    """A full disk ends the run before anything is sent, and says so; then all is counted."""
    place = at(Place(tmp_path), disk)
    full = fill(disk)
    place.write(5)
    before = place.state.read_bytes()
    for _ in range(2):
        with pytest.raises(StateError) as caught:
            place.run()

        assert str(caught.value) == (
            f"The state {place.state} cannot be written: No space left on device. "
            "Nothing was sent; the lines stay unread for the next run."
        )
    assert before == place.state.read_bytes()
    assert ["full", "job.state", "job.state.lock"] == sorted(os.listdir(disk))
    full.unlink()
    place.run()

    assert place.expected == place.counted


def test_full_after_it_was_sent(tmp_path: Path, disk: Path) -> None:
    """A disk that is full just then makes the figures go out twice, with the same times."""
    place = at(Place(tmp_path), disk)
    deliver = place.output.deliver

    def fill_first(batches: object) -> object:
        fill(disk)
        return deliver(batches)  # type: ignore[arg-type]

    place.output.deliver = fill_first  # type: ignore[assignment,method-assign]
    place.write(5)
    with pytest.raises(StateError, match="What was sent cannot be noted and will be sent once mo"):
        place.run()
    place.output.deliver = deliver  # type: ignore[method-assign]
    (disk / "full").unlink()
    place.run()

    assert place.expected == place.counted


def test_full_for_a_first_run(tmp_path: Path, disk: Path) -> None:
    """A first run on a full disk is a first run again."""
    place = Place(tmp_path)
    place.state = disk / "job.state"
    place.log.touch()
    full = fill(disk)
    with pytest.raises(StateError, match="Nothing was read; the next run is a first run again"):
        place.run()
    full.unlink()

    assert place.run().first


def test_read_only(tmp_path: Path, disk: Path) -> None:
    """So does a disk that may not be written."""
    place = at(Place(tmp_path), disk)
    place.write(5)
    read_only(disk, on=True)
    with pytest.raises(StateError) as caught:
        place.run()
    assert str(caught.value) == (
        f"The lock {place.state}.lock cannot be used: Read-only file system. "
        "Nothing was read or sent."
    )
    read_only(disk, on=False)
    place.run()

    assert place.expected == place.counted


def test_backlog_on_a_small_disk(tmp_path: Path, disk: Path) -> None:
    """An outbox that is bounded keeps a long outage off the disk."""
    place = at(Place(tmp_path), disk)
    place.output.failure = RuntimeError("down")
    for _ in range(300):
        place.run(outbox_bytes=8000)

    assert place.state.stat().st_size < 12_000
    assert place.load().dropped > 200


@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EIO"])
def test_each_write(tmp_path: Path, error: str) -> None:
    """Whichever call fails: the run says so or succeeds, and every line counts once."""
    strace = need("strace")
    place = Place(tmp_path / "job")
    place.folder.mkdir()
    place.begin()
    outcomes = []
    for number in range(1, 60):
        place.write(3)
        place.now += 60
        trace = tmp_path / "trace"
        words = [sys.executable, "-c", RUN, str(place.folder), str(place.now)]
        inject = f"inject={WRITES}:error={error}:when={_before(tmp_path) + number}"
        done = subprocess.run(
            [strace, "-f", "-qq", "-o", trace, "-e", f"trace={WRITES}", "-e", inject, *words],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
        )
        _take(place, done.stdout)
        outcomes.append((done.returncode, done.stderr))
        if "(INJECTED)" not in trace.read_text():
            break
    place.now += 60
    place.outputs[:] = [place.output]
    state = place.load()
    if "stdout" in state.owed:  # the last one was not noted
        state.owed["memory"] = state.owed.pop("stdout")
    Journal(str(place.state)).commit(state)
    place.run()

    assert place.expected == place.counted
    assert {0, 1} == {code for code, _ in outcomes}
    assert all(bool(code) == bool(text.strip()) for code, text in outcomes)
    assert not any("Traceback" in text for _, text in outcomes)


def _environment() -> dict[str, str]:
    """Return what a run finds in its environment: the modules of these tests."""
    ours = {"PYTHONPATH": str(Path(__file__).parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **ours, "NO_FAKE_STAT": "1"}


def _before(folder: Path) -> int:
    """Return how many such calls Python makes before the run begins."""
    known = folder / "before"
    if known.exists():
        return int(known.read_text())
    scratch = folder / "scratch"
    scratch.mkdir()
    trace = folder / "first"
    (scratch / "app.log").touch()
    subprocess.run(
        ["strace", "-f", "-qq", "-o", trace, "-e", f"trace={WRITES}",
         sys.executable, "-c", RUN, scratch, "1800000000"],
        check=True,
        env=_environment(),
    )  # fmt: skip
    lines = trace.read_text().splitlines()
    begin = max(number for number, line in enumerate(lines) if "/proc/self/comm" in line)
    known.write_text(str(begin + 2))  # it is opened, and written to
    shutil.rmtree(scratch)
    return begin + 2


def _take(place: Place, printed: str) -> None:
    """Be Graphite for what a run printed."""
    for when, name, value in re.findall(r"(?m)^(\d+) (\w+) (\d+)$", printed):
        place.output.points[name, int(when)] = int(value)


def test_clock(tmp_path: Path) -> None:
    """A clock that is set back and forth, by faketime, loses and overwrites nothing."""
    faketime = need("faketime")
    place = Place(tmp_path)
    place.begin()
    for offset in ("+0", "-3d", "+400d", "-1y", "+1h", "+0"):
        place.write(3)
        if offset == "+400d":
            place.rotate()
            place.write(3)
        code = RUN.replace("report = place.run()", "report = run(place.job())").replace(
            "import logster.run,", "from logster.run import run\nimport"
        )
        done = subprocess.run(
            [faketime, "-f", offset, sys.executable, "-c", code, place.folder, "0"],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
        )
        assert (0, "") == (done.returncode, done.stderr.strip())
        before = len(place.output.points)
        _take(place, done.stdout)
        assert before + 2 == len(place.output.points)

    assert place.expected == place.counted

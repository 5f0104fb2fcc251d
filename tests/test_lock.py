"""One run for each job: a kernel lock, which nothing can leave behind."""

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from logster.errors import LockedError, StateError
from logster.lock import Lock


HOLD = """
import sys, time
from logster.lock import Lock
with Lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> str:
    """Return where a lock may be."""
    return str(tmp_path / "job.lock")


@pytest.fixture(name="holder")
def _holder(path: str) -> Iterator["subprocess.Popen[str]"]:
    """Yield another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_one_at_a_time(path: str, holder: "subprocess.Popen[str]") -> None:
    """A second run is refused, with a sentence that names the holder and since when."""
    with pytest.raises(LockedError) as caught, Lock(path):
        pass

    assert re.fullmatch(
        rf"Another run of this job is under way \(pid {holder.pid}, since \d{{4}}-\d\d-\d\d "
        rf"\d\d:\d\d:\d\d; it holds {path}\). This run ends without reading; "
        r"the lines wait for the next one\.",
        str(caught.value),
    )


def test_killed_holder(path: str, holder: "subprocess.Popen[str]") -> None:
    """A holder that was killed holds nothing any more, whatever file it left."""
    holder.kill()
    holder.wait()

    with Lock(path):
        assert str(os.getpid()) in Path(path).read_text()


def test_wait(path: str, holder: "subprocess.Popen[str]") -> None:
    """A run that may wait goes on as soon as the other has ended."""
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            holder.kill()
            holder.wait()

    with Lock(path, 60, sleep=sleep):
        assert 3 == len(waits)


def test_wait_in_vain(path: str, holder: "subprocess.Popen[str]") -> None:
    """It gives up when its time is over."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with (
        pytest.raises(LockedError, match=str(holder.pid)),
        Lock(path, 5, sleep=sleep, clock=lambda: now[0]),
    ):
        pass
    assert now[0] == pytest.approx(5, abs=0.1)


def test_kept(path: str) -> None:
    """The file stays, so that a waiting run and a new one lock the same."""
    for _ in range(2):
        with Lock(path):
            pass

    assert 0o600 == os.stat(path).st_mode & 0o777


def test_freed_after_an_error(path: str) -> None:
    """The lock goes with the block, however that ends."""
    with pytest.raises(ZeroDivisionError), Lock(path):
        _ = 1 // 0

    with Lock(path):
        pass


def test_symbolic_link(path: str, tmp_path: Path) -> None:
    """A symbolic link is not followed."""
    os.symlink(tmp_path / "victim", path)

    with pytest.raises(StateError, match=r"job.lock cannot be used: .*Nothing was read or sent\."):
        Lock(path).__enter__()
    assert not (tmp_path / "victim").exists()


def test_no_such_folder(tmp_path: Path) -> None:
    """A lock that cannot be made is an error that says why."""
    with pytest.raises(StateError, match="cannot be used: No such file or directory"):
        Lock(str(tmp_path / "gone" / "job.lock")).__enter__()


def test_no_locks_there(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks is an error, and no run without a lock."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(StateError, match="cannot be used: No locks available"):
        Lock(path).__enter__()


def test_full_disk(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the lock holds without a note, and not with one of another run."""
    with Lock(path):
        pass

    def refuse(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)

    with Lock(path):
        assert b"" == Path(path).read_bytes()


def test_forked_process(path: str) -> None:
    """A process that a run left behind holds no lock."""
    reading, writing = os.pipe()
    with Lock(path):
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)  # until the test ends
            os._exit(0)
    try:
        with Lock(path):
            pass
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)


def test_forked_process_of_a_killed_run(path: str) -> None:
    """One whose run was killed holds none either."""
    script = HOLD.replace("    print", "    import os; child = os.fork()\n    child and print")
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stdout.read(5)
        process.kill()
        process.wait()
        try:
            with Lock(path, wait=5):
                pass
        finally:
            os.killpg(process.pid, 9)

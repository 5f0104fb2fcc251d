"""What a run may not read or write: told in one sentence, and nothing lost."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from counting import Memory, Numbers

from logster.errors import LogError, StateError
from logster.job import Job
from logster.run import run


NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up what root may do for a while; others may do nothing of it anyway."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """Yield a folder that anybody may enter: the usual one is its owner's only."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(name="job")
def _job(folder: Path) -> Job:
    states = folder / "state"
    states.mkdir()
    states.chmod(0o777)
    (folder / "x.log").write_text("line 1\nline 2\n")
    return Job(
        log=str(folder / "x.log"),
        parser=Numbers,
        parser_name="numbers",
        outputs=(Memory(),),
        state=str(states / "x.state"),
        from_start=True,
    )


def test_unreadable_log(job: Job) -> None:
    """A log that may not be read is named, with the reason; readable again it is read whole."""
    os.chmod(job.log, 0)
    with unprivileged(), pytest.raises(LogError) as caught:
        run(job)
    os.chmod(job.log, 0o644)
    with unprivileged():
        report = run(job)

    assert (
        f"{job.log} cannot be read: Permission denied. "
        "Nothing was read or sent; the next run starts where this one did."
    ) == str(caught.value)
    assert 2 == report.tally.matched


def test_unwritable_state_folder(job: Job) -> None:
    """A state directory that may not be written is told before anything is read."""
    os.chmod(os.path.dirname(job.state), 0o555)

    with unprivileged(), pytest.raises(StateError) as caught:
        run(job)

    assert (
        f"The lock {job.state}.lock cannot be used: Permission denied. Nothing was read or sent."
    ) == str(caught.value)


def test_unreadable_state(job: Job) -> None:
    """A state of another user is not taken for a missing one, which would lose its place."""
    run(job)
    os.chmod(job.state, 0)
    os.chmod(job.state + ".lock", 0o666)

    with unprivileged(), pytest.raises(StateError, match="cannot be read: Permission denied"):
        run(job)

"""A log to which nothing was added: told at a glance, and only where a `Tail` says the same."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from counting import lines

from logster.generation import MAX_LINE_BYTES, Position
from logster.tail import Tail
from logster.unchanged import Unchanged, unchanged


def read(log: Path, cursor: tuple[Position, ...] | None = None) -> tuple[Position, ...]:
    """Read *log* to its end and return the cursor."""
    tail = Tail(str(log), cursor)
    for _ in tail.blocks():
        pass
    return tail.cursor


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    """Return a log with another generation beside it."""
    log = tmp_path / "app.log"
    log.write_bytes(lines(range(500)))
    return log


@pytest.fixture(name="cursor")
def _cursor(log: Path) -> tuple[Position, ...]:
    """Return where reading stopped, in two generations."""
    before = read(log)
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(lines(range(500, 900)))
    return read(log, before)


def look(log: Path, cursor: tuple[Position, ...]) -> Unchanged | None:
    """Return what is told of *log*."""
    return unchanged(str(log), cursor, MAX_LINE_BYTES)


class TestUnchanged:
    def test_at_rest(self, log: Path, cursor: tuple[Position, ...]) -> None:
        """All is as a tail would find it, and the time of the look is new."""
        told = look(log, cursor)
        tail = Tail(str(log), cursor)
        assert [] == list(tail.blocks())

        assert told
        assert [each._replace(seen_ns=0) for each in tail.cursor] == [
            each._replace(seen_ns=0) for each in told.cursor
        ]
        figures = ("bytes_read", "bytes_lost", "gaps", "rotations", "overlong", "lag")
        assert [getattr(tail, name) for name in figures] == [
            getattr(told, name) for name in figures
        ]
        assert told.cursor[-1].seen_ns > cursor[-1].seen_ns

    def test_empty(self, tmp_path: Path) -> None:
        """An empty log rests as well."""
        log = tmp_path / "app.log"
        log.touch()

        assert look(log, read(log))

    def test_through_a_link(self, log: Path, cursor: tuple[Position, ...]) -> None:
        """It is known under another name that leads to it."""
        link = log.with_name("current")
        link.symlink_to(log)

        assert look(link, cursor)


def append(log: Path) -> None:
    """Add a line."""
    with log.open("ab") as file:
        file.write(b"line 900\n")


def append_half(log: Path) -> None:
    """Add half a line."""
    with log.open("ab") as file:
        file.write(b"line")


def rewrite(log: Path) -> None:
    """Put as many other bytes in its place, with the time of the old ones."""
    status = log.stat()
    log.write_bytes(log.read_bytes().replace(b"5", b"6"))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(log: Path) -> None:
    """Put the same bytes in its place, in another file."""
    fresh = log.with_name("fresh")
    fresh.write_bytes(log.read_bytes())
    fresh.rename(log)


def cut(log: Path) -> None:
    """Cut it as copytruncate does."""
    os.truncate(log, 0)


def rotate(log: Path) -> None:
    """Rename it, and make a new one."""
    log.rename(log.with_name("app.log.0"))
    log.write_bytes(lines(range(900, 950)))


def move_away(log: Path) -> None:
    """Rename it."""
    log.rename(log.with_name("app.log.0"))


def fifo(log: Path) -> None:
    """Put a FIFO in its place."""
    log.unlink()
    os.mkfifo(log)


def append_to_the_one_before(log: Path) -> None:
    """Let a writer that did not notice the rotation write on."""
    append(log.with_name("app.log.1"))


def remove_the_one_before(log: Path) -> None:
    """Take the file away that is watched."""
    log.with_name("app.log.1").unlink()


class TestChanged:
    @pytest.mark.parametrize(
        "change",
        [
            append,
            append_half,
            rewrite,
            replace,
            cut,
            rotate,
            move_away,
            fifo,
            append_to_the_one_before,
            remove_the_one_before,
            os.utime,
        ],
        ids=lambda each: each.__name__,
    )
    def test_left_to_a_tail(
        self, log: Path, cursor: tuple[Position, ...], change: Callable[[Path], None]
    ) -> None:
        """Whatever is not plain to see is left to a tail."""
        change(log)

        assert look(log, cursor) is None

    def test_half_a_line_read_before(self, log: Path) -> None:
        """So is a log that ends within a line."""
        append_half(log)

        assert look(log, read(log)) is None

    def test_first_run_and_state_of_1x(self, log: Path) -> None:
        """So is one of which little is known."""
        assert look(log, ()) is None
        assert look(log, (Position(log.stat().st_ino, log.stat().st_size),)) is None

    def test_compressed(self, log: Path) -> None:
        """So is one that would have to be decompressed."""
        packed = log.with_name("app.log.gz")
        packed.write_bytes(gzip.compress(log.read_bytes()))

        assert look(packed, read(packed)) is None

    def test_another_file_by_the_link(self, log: Path, cursor: tuple[Position, ...]) -> None:
        """So is a link that leads elsewhere now, though to the same content."""
        other = log.with_name("other.log")
        other.write_bytes(log.read_bytes())
        link = log.with_name("current")
        link.symlink_to(other)

        assert look(link, cursor) is None

"""What plain pygtail loses, beside each part of it that `Tail` replaces."""

import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from counting import lines
from pygtail import Pygtail

from logster.generation import Position
from logster.tail import Tail, end_of


class Both:
    """
    One log, read by pygtail and by `Tail`.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.log = folder / "app.log"
        self.log.touch()
        self.offset = folder / "offset"
        self.cursor: tuple[Position, ...] = end_of(str(self.log))
        self.old: list[bytes] = []
        self.new: list[bytes] = []
        self.run()

    def write(self, text: bytes) -> None:
        """Append to the log."""
        with self.log.open("ab") as file:
            file.write(text)

    def rotate(self) -> Path:
        """Rename the log and make a new one."""
        for number in (2, 1):
            older = self.log.with_name(f"app.log.{number}")
            if older.exists():
                older.rename(self.log.with_name(f"app.log.{number + 1}"))
        rotated = self.log.rename(self.log.with_name("app.log.1"))
        self.log.touch()
        return rotated

    def run(self) -> None:
        """Let both read what is new."""
        for line in Pygtail(str(self.log), str(self.offset)):
            self.old.append(line if isinstance(line, bytes) else line.encode())
        tail = Tail(str(self.log), self.cursor)
        self.new += b"".join(tail.blocks()).splitlines(keepends=True)
        self.cursor = tail.cursor


@pytest.fixture(name="both")
def _both(tmp_path: Path) -> Both:
    """Return a log that both have begun to read."""
    both = Both(tmp_path)
    both.write(lines(range(5)))
    both.run()
    assert both.old == both.new == lines(range(5)).splitlines(keepends=True)
    return both


def expected(count: int) -> list[bytes]:
    """Return the lines that should have been read."""
    return lines(range(count)).splitlines(keepends=True)


def test_two_rotations(both: Both) -> None:
    """Pygtail looks one rotation back, and begins the log anew when that is not enough."""
    both.write(lines(range(5, 10)))
    both.rotate()
    both.write(lines(range(10, 15)))
    both.rotate()
    both.write(lines(range(15, 20)))
    both.run()

    assert expected(20) == both.new
    assert expected(5) + expected(20)[15:] == both.old


def test_compressed(both: Both) -> None:
    """Pygtail knows a rotated file by its inode, which compression changes."""
    both.write(lines(range(5, 10)))
    rotated = both.rotate()
    rotated.with_name("app.log.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    both.write(lines(range(10, 15)))
    both.run()

    assert expected(15) == both.new
    assert len(both.old) < 15


def test_grown_beyond_the_offset(both: Both) -> None:
    """Pygtail notices copytruncate by the size alone."""
    copy = both.log.read_bytes()
    both.log.with_name("app.log.1").write_bytes(copy)
    os.truncate(both.log, 0)
    both.write(lines(range(5, 50)))
    both.run()

    assert expected(50) == both.new
    assert len(both.old) < 50


def test_half_a_line(both: Both) -> None:
    """Pygtail takes half a line for a whole one, and its other half for another."""
    both.write(b"line")
    both.run()
    both.write(b" 5\n")
    both.run()

    assert expected(6) == both.new
    assert [*expected(5), b"line", b" 5\n"] == both.old


def test_late_writer(both: Both) -> None:
    """Pygtail never goes back to a rotated file that grew after it was read."""
    rotated = both.rotate()
    both.run()
    with rotated.open("ab") as late:
        late.write(lines([5]))
    both.run()

    assert expected(6) == both.new
    assert expected(5) == both.old


def test_bytes_that_are_no_text(both: Both) -> None:
    """Pygtail stops at the first byte that is not UTF-8, in every run."""
    both.write(b"\xff\n")

    with pytest.raises(UnicodeDecodeError):
        list(Pygtail(str(both.log), str(both.offset), encoding="utf-8"))

    assert [*expected(5), "\ufffd\n".encode()] == [
        *both.new,
        *(line.encode() for line in Tail(str(both.log), both.cursor)),
    ]


def test_saved_before_it_was_used(both: Both) -> None:
    """Pygtail writes its offset at the last line, whatever becomes of the lines then."""
    both.write(lines(range(5, 10)))
    list(Pygtail(str(both.log), str(both.offset)))  # and the run is killed here
    tail = Tail(str(both.log), both.cursor)
    list(tail.blocks())
    both.run()

    assert expected(10) == both.new
    assert expected(5) == both.old


def test_cut_short_offset(both: Both) -> None:
    """Pygtail writes in place: a full disk leaves an empty file, and it reads all again."""
    both.offset.write_bytes(b"")
    both.run()

    assert expected(5) == both.new
    assert expected(5) * 2 == both.old


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_absent(both: Both) -> None:
    """Pygtail raises while the log is absent, and has not read what was rotated away."""
    both.write(lines(range(5, 10)))
    both.log.rename(both.log.with_name("app.log.1"))

    with pytest.raises(FileNotFoundError):
        list(Pygtail(str(both.log), str(both.offset)))

    assert expected(10)[5:] == [line.encode() for line in Tail(str(both.log), both.cursor)]


def test_chosen_and_gone(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pygtail chooses a file by its name and opens what bears that name later."""
    both.write(lines(range(5, 10)))
    both.rotate()
    both.write(lines(range(10, 15)))
    old = Pygtail(str(both.log), str(both.offset))  # it has chosen app.log.1 …
    both.rotate()  # … which is another file now
    seen = [line.encode() for line in old]
    both.new += b"".join(Tail(str(both.log), both.cursor).blocks()).splitlines(keepends=True)

    assert expected(15) == both.new
    assert expected(15)[5:] != seen


def test_speed(tmp_path: Path) -> None:
    """Pygtail asks for the place after every line, which costs more than all the rest."""
    log = tmp_path / "app.log"
    log.write_bytes(lines(range(300_000)))

    def seconds(read: Callable[[], int]) -> float:
        started = time.process_time()
        assert 300_000 == read()
        return time.process_time() - started

    old = seconds(lambda: sum(1 for _ in Pygtail(str(log), str(tmp_path / "offset"))))
    new = seconds(lambda: sum(block.count(b"\n") for block in Tail(str(log)).blocks()))

    assert new * 5 < old


@pytest.mark.parametrize("read", [list, lambda tail: tail.readlines()])
def test_interface(both: Both, read: Callable[[Tail], list[str]]) -> None:
    """`Tail` is a Pygtail for whoever iterates over it or calls its readers."""
    tail = Tail(str(both.log))

    assert isinstance(tail, Pygtail)
    assert expected(5) == [line.encode() for line in read(tail)]
    assert "".join(read(Tail(str(both.log)))) == Tail(str(both.log)).read()

"""Which files are generations of a log, and which of them came first: each line counts once."""

import gzip
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from counting import Place, exact, lines, pack

from logster.job import Report


#: What some programs write at the start of each file.
HEADER = b"#" * 200 + b"\n"


class Shelved(Place):
    """
    A place with an archive, where time passes between what is done.

    Attributes:
        patterns: Where rotated files are looked for.
    """

    patterns: tuple[str, ...] = ()

    @property
    def archive(self) -> Path:
        """Return the archive, in which rotated files are looked for from now on."""
        folder = self.folder / "archive"
        folder.mkdir(exist_ok=True)
        self.patterns = (str(folder),)
        return folder

    def write(self, count: int, path: Path | None = None) -> None:
        """Append lines; the kernel's clock for files is up to ten milliseconds late."""
        time.sleep(0.03)
        super().write(count, path)
        time.sleep(0.03)

    def run(self, **changes: object) -> Report:
        """Do a run."""
        return super().run(**({"log_patterns": self.patterns} | changes))

    def check(self) -> None:
        """Run twice and check that every line counted once, and that nothing was said."""
        time.sleep(0.03)
        exact(self)


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Shelved:
    """Return a log with a line at whose end a job has taken its place."""
    place = Shelved(tmp_path)
    place.begin()
    return place


class TestDates:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("archive/-20261121", "-20261121"),
            ("archive/-20261121-1530", "-20261121"),
            ("-20261121", "archive/-202611"),
            ("-20261121-1530", "-20261121"),
            ("-20261121", "archive/-20261122"),
        ],
    )
    def test_order(self, place: Shelved, first: str, second: str) -> None:
        """A date tells more than the time of a file only from another date of its kind."""
        archive = place.archive

        def rotate(name: str) -> None:
            folder, _, suffix = name.rpartition("/")
            rotated = place.rotate(suffix)
            if folder:
                rotated.rename(archive / rotated.name)

        place.write(20)
        rotate(first)
        place.run()
        place.write(30)
        rotate(second)
        place.write(5)

        place.check()


class TestPatterns:
    @pytest.mark.parametrize("pattern", ["%s*", "app.log*"])
    @pytest.mark.parametrize("count", [0, 5])
    def test_that_finds_the_log(self, place: Shelved, pattern: str, count: int) -> None:
        """A pattern may be wide enough to find the log itself."""
        place.patterns = (pattern,)
        place.write(count)
        place.run()
        place.write(30)
        place.rotate()
        place.write(2)

        place.check()


def rotate_later(place: Place, path: Path) -> None:
    """Rotate the log to *path*, a minute later as the file's time tells it."""
    place.log.rename(path)
    later = time.time() + 60
    os.utime(path, (later, later))
    place.log.touch()


class TestTwins:
    def test_older_one(self, place: Shelved) -> None:
        """A compressed file is no twin of a later one that got its name."""
        place.write(30)
        first = place.rotate()
        pack(first)
        place.write(10)
        rotate_later(place, first)

        place.check()

    def test_of_an_empty_one(self, place: Shelved) -> None:
        """Nor does it hide that one if it was empty and read already."""
        empty = place.rotate()
        pack(empty, keep_time=False)
        place.run()
        place.write(2)
        rotate_later(place, empty)

        place.check()


class TestHeaders:
    """A header is all that was read: many files begin with it."""

    @pytest.mark.parametrize("keep", [2, 3])
    def test_day_without_lines(self, place: Shelved, keep: int) -> None:
        """A generation that is gone is not found again in a later one."""

        def rotate() -> None:
            place.rotate()
            (place.folder / f"app.log.{keep + 1}").unlink(missing_ok=True)
            place.log.write_bytes(HEADER)
            place.run()

        place.log.write_bytes(HEADER)
        place.run()
        rotate()
        for count in (30, 31, 32, 33):
            place.write(count)
            place.run()
            rotate()

        place.check()

    def test_archived(self, place: Shelved) -> None:
        """An old generation that went into an archive does not make the log another."""
        archive = place.archive
        place.log.write_bytes(HEADER)
        place.run()
        for count in range(7):
            place.write(30 + count)
            place.run()
            place.rotate()
            place.log.write_bytes(HEADER)
            place.run()
        oldest = place.folder / "app.log.7"
        time.sleep(0.03)
        (archive / "app.log.7.gz").write_bytes(gzip.compress(oldest.read_bytes()))
        oldest.unlink()
        place.write(7)

        place.check()

    def test_copytruncate(self, place: Shelved) -> None:
        """Copies count once, though the oldest are deleted meanwhile."""

        def rotate() -> None:
            time.sleep(0.03)
            place.copytruncate()
            (place.folder / "app.log.4").unlink(missing_ok=True)
            time.sleep(0.03)

        place.log.write_bytes(HEADER)
        place.run()
        rotate()
        place.log.write_bytes(HEADER)
        place.write(200)
        rotate()
        rotate()
        place.run()
        place.log.write_bytes(HEADER)
        place.write(100)
        rotate()

        place.check()


class TestBackups:
    @pytest.mark.parametrize(
        "edit",
        [lambda text: text + b"# saved by me\n", lambda text: text.replace(b"line 22", b"line XX")],
        ids=["added", "changed"],
    )
    def test_edited(self, place: Shelved, edit: Callable[[bytes], bytes]) -> None:
        """A backup that somebody edited does not make the log another."""
        place.write(20)
        place.run()
        place.write(5)
        (place.folder / "app.log.old").write_bytes(edit(place.log.read_bytes()))
        place.write(5)

        place.check()

    def test_beside_a_rotation(self, place: Shelved) -> None:
        """It does not hide what was rotated into another directory either."""
        place.log.rename(place.folder / "app.log-20270101")
        place.log.touch()
        place.run()
        place.write(30)
        shutil.copy(place.log, place.folder / "app.log.old")
        (place.archive / "app.log.1.gz").write_bytes(gzip.compress(place.log.read_bytes()))
        os.truncate(place.log, 0)

        place.check()

    @pytest.mark.parametrize("way", ["moved", "copied"])
    def test_log_copied_back(self, place: Shelved, way: str) -> None:
        """A log that came back under another inode goes on, beside the copy it came from."""
        place.write(2000)
        place.run()
        backup = place.folder / "app.log.old"
        if way == "moved":
            place.log.rename(backup)
        else:
            shutil.copy(place.log, backup)
            place.log.rename(place.folder / "gone")
        shutil.copy(backup, place.log)
        place.write(2)

        place.check()
        assert len(lines(range(2000))) > 8 * 1024

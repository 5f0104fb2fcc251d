"""A copy of a log, or of a part of it, is no generation: its lines count once."""

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from counting import Place, lines

from logster.copies import is_part
from logster.generation import Generation


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Place:
    """Return a log of which a job has read a thousand lines."""
    place = Place(tmp_path)
    place.begin()
    place.write(1000)
    place.run()
    return place


def exact(place: Place, **options: object) -> None:
    """Run twice more and check that every line counted once, and that nothing was said."""
    place.run(**options)
    place.run(**options)

    assert place.expected == place.counted
    assert [] == place.notices


def pack(path: Path) -> Path:
    """Compress *path* as logrotate does, which keeps its time."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    shutil.copystat(path, packed)
    path.unlink()
    return packed


class TestOfTheFileReadLast:
    @pytest.mark.parametrize("name", ["app.log.old", "app.log-20261121", "app-20261121.log"])
    @pytest.mark.parametrize("copy", [shutil.copy, shutil.copy2])
    @pytest.mark.parametrize("rotation", ["rename", "gzip", "copytruncate", "copytruncate, gzip"])
    def test_before_a_rotation(
        self, place: Place, name: str, copy: Callable[[Path, Path], Path], rotation: str
    ) -> None:
        """A copy that somebody made of the log before it was rotated is not read."""
        copy(place.log, place.folder / name)
        place.write(100)
        rotated = place.copytruncate() if "copy" in rotation else place.rotate()
        if "gzip" in rotation:
            pack(rotated)
        place.write(5)

        exact(place)

    def test_after_a_rotation(self, place: Place) -> None:
        """Nor is one of the rotated file, also when more was rotated since."""
        place.write(100)
        shutil.copy(place.rotate(), place.folder / "app.log.old")
        place.write(10)
        place.rotate()
        place.write(5)

        exact(place)

    def test_with_more_than_the_rotated_one(self, place: Place) -> None:
        """Of several copies the one that has most is read."""
        place.write(10)
        (place.folder / "app.log-20261121").write_bytes(place.log.read_bytes()[:-50])
        pack(place.rotate())
        place.write(5)

        exact(place)

    def test_half_of_it(self, place: Place) -> None:
        """Nor one that is not yet whole, and it is not once it is whole."""
        archive = place.folder / "archive"
        archive.mkdir()
        options = {"log_patterns": [str(archive)]}
        place.write(10)
        rotated = place.rotate()
        whole = gzip.compress(rotated.read_bytes())
        copy = archive / "app.log.1.gz"
        copy.write_bytes(whole[:1500])
        place.write(5)
        place.run(**options)
        copy.write_bytes(whole)
        rotated.unlink()

        exact(place, **options)


class TestOfTheLog:
    def test_of_the_new_one(self, place: Place) -> None:
        """A copy of the log as it is after a rotation is no generation between the two."""
        place.rotate()
        place.write(10)
        shutil.copy(place.log, place.folder / "app.log.old")
        place.write(5)

        exact(place)

    def test_of_an_empty_one(self, place: Place) -> None:
        """Nor is one of a log that was empty when it was last read."""
        place.rotate()
        place.run()
        place.write(10)
        shutil.copy(place.log, place.folder / "app.log.old")
        place.write(5)

        exact(place)


class TestOfAnother:
    @pytest.mark.parametrize(
        "name",
        ["app.log-20261121", "archive/app.log.1", "archive/app.log.7", "archive/app.log.1.gz"],
    )
    @pytest.mark.parametrize("part", [1, 0.4])
    def test_between(self, place: Place, name: str, part: float) -> None:
        """A generation that is there twice, and be it once in part, counts once."""
        (place.folder / "archive").mkdir()
        place.rotate()
        place.write(1000)
        content = place.rotate().read_bytes()
        if name.endswith("gz"):
            content = gzip.compress(content)
        (place.folder / name).write_bytes(content[: int(len(content) * part)])
        place.write(2)

        exact(place, log_patterns=[str(place.folder / "archive")])

    @pytest.mark.parametrize(("ending", "pack"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
    def test_half_moved(self, place: Place, ending: str, pack: object) -> None:
        """So does one that is on its way to another file system, whatever can be read of it."""
        archive = place.folder / "archive"
        archive.mkdir()
        place.rotate()
        place.write(1000)
        rotated = place.rotate()
        whole = pack.compress(rotated.read_bytes())  # type: ignore[attr-defined]
        rotated.unlink()
        (archive / f"app.log.1.{ending}").write_bytes(whole[: len(whole) // 2])
        (place.folder / f"app.log.1.{ending}").write_bytes(whole)
        place.write(2)
        place.run(log_patterns=[str(archive)])
        (archive / f"app.log.1.{ending}").write_bytes(whole)
        (place.folder / f"app.log.1.{ending}").unlink()

        exact(place, log_patterns=[str(archive)])

    def test_of_one_read_long_ago(self, place: Place) -> None:
        """A copy of a generation that was read many rotations ago is not read either."""
        for _ in range(7):
            place.rotate()
            place.write(20)
            place.run()
        shutil.copy(place.folder / "app.log.6", place.folder / "app.log.old")
        place.rotate()
        place.write(5)

        exact(place)


class TestNoCopies:
    BANNER = b"# fields: time status\n" * 100

    @pytest.mark.parametrize("count", [100, 1000, 3000])
    def test_header(self, tmp_path: Path, count: int) -> None:
        """Generations that begin with the same header, longer than what is compared, all count."""
        place = Place(tmp_path)
        place.log.write_bytes(self.BANNER)
        place.run()
        place.write(1000)
        place.run()
        for name in (".1", "-20261121", ".old"):
            place.rotate(name)
            place.log.write_bytes(self.BANNER)
            place.write(count)

        exact(place)

    @pytest.mark.parametrize("gone", [True, False])
    def test_header_alone_is_left(self, tmp_path: Path, gone: bool) -> None:
        """Nor is a shorter one left out for its header, when the file read last is gone."""
        place = Place(tmp_path)
        place.log.write_bytes(self.BANNER)
        place.run()
        place.write(1000)
        place.run()
        place.rotate()
        place.log.write_bytes(self.BANNER)
        place.write(100)
        place.rotate()
        place.log.write_bytes(self.BANNER)
        place.write(5)
        if gone:
            (place.folder / "app.log.2").unlink()
        place.run()
        place.run()

        assert place.expected == place.counted
        assert gone == len(place.notices)

    def test_same_lines_every_day(self, tmp_path: Path) -> None:
        """Generations of one row that hold the same lines are several, and count each."""
        place = Place(tmp_path)
        place.log.write_bytes(lines([1, 2, 3]))
        place.run()
        for _ in range(3):
            place.rotate()
            place.log.write_bytes(lines([1, 2, 3]))

        place.run()
        place.run()

        assert [] == place.notices
        assert (9, 18) == place.counted


class TestRemnants:
    @pytest.mark.parametrize("size", [1100, 1500, 8000])
    def test_shortened(self, place: Place, size: int) -> None:
        """What is left of the file read last is not read again; what is missing is told."""
        (place.folder / "app.log.1").write_bytes(place.log.read_bytes()[:size])
        fresh = place.folder / "fresh"
        place.write(2, fresh)
        fresh.rename(place.log)
        place.run()
        place.run()

        assert place.expected == place.counted
        (notice,) = place.notices
        assert "is no longer the file that was read" in notice

    def test_several(self, place: Place) -> None:
        """Nor are two such files, one of them compressed."""
        content = place.log.read_bytes()
        (place.folder / "app.log.old").write_bytes(content[:1500])
        (place.folder / "app.log.1.gz").write_bytes(gzip.compress(content)[:1500])
        fresh = place.folder / "fresh"
        place.write(2, fresh)
        fresh.rename(place.log)
        place.run()
        place.run()

        assert place.expected == place.counted
        assert 1 == len(place.notices)

    @pytest.mark.parametrize("how", ["cut", "replaced", "renamed"])
    @pytest.mark.parametrize("ending", ["gz", "bz2"])
    @pytest.mark.parametrize("later", [None, "here", "anew", "moved"])
    @pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
    def test_damaged(
        self, place: Place, how: str, ending: str, later: str | None, part: float
    ) -> None:
        """A damaged file is no shorter copy: the loss is told, and made good once it is whole."""
        place.write(10)
        module = {"gz": gzip, "bz2": bz2}[ending]
        whole = module.compress(place.log.read_bytes())
        packed = place.folder / f"app.log.1.{ending}"
        packed.write_bytes(whole[: int(len(whole) * part)])
        fresh = place.folder / "fresh"
        fresh.touch()
        if how == "cut":
            os.truncate(place.log, 0)
        elif how == "replaced":
            place.log.unlink()
        else:
            fresh.rename(place.log)
        place.write(2)
        place.run()
        before = place.counted
        place.run()
        if later == "anew":
            packed.unlink()
        elif later == "moved":
            packed = packed.rename(place.folder / f"app.log.2.{ending}")
        if later:
            packed.write_bytes(whole)
        place.write(1)
        place.run()
        place.run()

        (notice,) = place.notices
        assert f"app.log.1.{ending} is damaged or not complete. Lines may be lost" in notice
        assert 1 == place.load().summary["gaps"]
        assert not later or place.expected == place.counted
        assert (1002, sum(range(1000)) + 1010 + 1011) == before


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (b"", b"line\n", False),
        (b"line\n", b"line\n", True),
        (b"line\n", b"line\nother\n", True),
        (b"line\nother\n", b"line\n", False),
        (b"line\nx", b"line\nx\n", True),
        (b"x" * 3000 + b"1\n", b"x" * 3000 + b"2\n", False),
        (b"x" * 3000 + b"\n", b"x" * 3000 + b"\n2\n", True),
        (b"half a line", b"half a line\n", False),
    ],
)
@pytest.mark.parametrize("endings", [("", ""), ("", ".gz"), (".gz", ""), (".gz", ".bz2")])
def test_is_part(
    tmp_path: Path, part: bytes, whole: bytes, expected: bool, endings: tuple[str, str]
) -> None:
    """One file is part of another if that begins with all of it, compressed or not."""
    pack: dict[str, Callable[[bytes], bytes]] = {
        "": bytes, ".gz": gzip.compress, ".bz2": bz2.compress,
    }  # fmt: skip
    paths = [tmp_path / f"{name}{ending}" for name, ending in zip("pw", endings, strict=True)]
    for path, content, ending in zip(paths, (part, whole), endings, strict=True):
        path.write_bytes(pack[ending](content))
    files = [Generation(str(path)) for path in paths]

    assert expected == is_part(*files)
    for file in files:
        file.close()

"""A copy of a log, or of a part of it, is no generation: its lines count once."""

import bz2
import gzip
import lzma
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from counting import Place, exact, lines, pack

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

    def test_with_a_finer_date(self, place: Place) -> None:
        """Nor is one with a time of day in its name, beside generations without."""
        shutil.copy(place.log, place.folder / "app.log-20261121-1530")
        place.write(10)
        place.rotate("-20261121")
        place.write(5)

        exact(place)

    def test_with_a_number(self, place: Place) -> None:
        """Nor is one with a number of its own, which the next rotation moves on."""
        shutil.copy(place.log, place.folder / "app.log.9")
        place.write(10)
        place.rotate()
        place.write(5)

        exact(place)

    def test_is_logged(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        """What was left out is said in the log of logster, once."""
        caplog.set_level("INFO", "logster")
        place.write(100)
        shutil.copy(place.rotate(), place.folder / "app.log.old")
        place.write(5)

        exact(place)

        copy = place.folder / "app.log.old"
        assert [f"{copy} is not read: other files hold all of it."] == caplog.messages

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

    @pytest.mark.parametrize("runs", [0, 1])
    def test_got_its_inode(self, tmp_path: Path, runs: int) -> None:
        """Nor is a copy that got the inode of a file which was empty and is gone."""
        place = Place(tmp_path)
        place.begin()
        empty = place.rotate()
        for _ in range(runs):
            place.run()
        place.write(20)
        rotated = place.rotate()
        place.write(2)
        empty = empty.with_name("app.log.2")
        spare = place.folder / "app.log.3"
        shutil.copy2(empty, spare)
        pack(spare).rename(f"{empty}.gz")
        empty.write_bytes(rotated.read_bytes())
        empty.rename(place.folder / "app.log.old")

        exact(place)


class TestAtTheFirstRun:
    """Copies that lie beside the log when a job takes its place."""

    @pytest.mark.parametrize("count", [20, 5000])
    @pytest.mark.parametrize("copy", [shutil.copy, shutil.copy2])
    def test_made_anew(
        self, tmp_path: Path, copy: Callable[[Path, Path], Path], count: int
    ) -> None:
        """A nightly copy under one name is no writer that has not let go of it."""
        place = Place(tmp_path)
        place.write(count)
        copy(place.log, place.folder / "app.log.old")
        place.log.rename(place.folder / "x")
        shutil.copy2(place.folder / "x", place.log)  # any inode but that of the copy
        (place.folder / "x").unlink()
        first = place.written
        place.run()
        for _ in range(3):
            place.write(100)
            place.run()
            copy(place.log, place.folder / "app.log.old")
            place.write(10)
            place.run()

        assert place.written - first == place.counted[0]
        assert [] == place.notices

    def test_deleted_one_by_one(self, tmp_path: Path) -> None:
        """A copy of the next night does not stand in for the one that was deleted."""
        place = Place(tmp_path)
        place.write(1000)
        copies = [Path(shutil.copy2(place.log, place.folder / "app.log-20261101"))]
        place.run()
        for day in range(2, 7):
            place.write(100)
            place.run()
            name = place.folder / f"app.log-202611{day:02}"
            copies.append(Path(shutil.copy2(place.log, name)))
            copies.pop(0).unlink()
            place.run()

        assert (500, []) == (place.counted[0], place.notices)

    def test_empty_generation(self, tmp_path: Path) -> None:
        """Its inode, freed by gzip, may be that of the first copy that copytruncate makes."""
        place = Place(tmp_path)
        place.log.touch()
        empty = place.copytruncate()
        place.run()
        place.write(5)
        place.run()
        place.write(3)
        pack(empty)
        place.copytruncate()
        place.write(2)

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

    def test_archived(self, place: Place) -> None:
        """Nor are old generations that were compressed into an archive, and are new there."""
        archive = place.folder / "archive"
        archive.mkdir()
        options = {"log_patterns": [str(archive)]}
        old = []
        for day in range(10, 20):
            old.append(place.rotate(f"-202611{day}"))
            place.write(50)
            place.run(**options)
        place.write(5)
        place.rotate("-20261120")
        place.write(5)
        for path in old:
            (archive / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()

        exact(place, **options)

    def test_instead_of_the_file_read_last(self, place: Place) -> None:
        """A copy that holds what was read does not hide that the file itself is gone."""
        shutil.copy2(place.log, place.folder / "app.log.old")
        for _ in range(4):
            place.write(500)
            place.rotate()
            for old in place.folder.glob("app.log.[3-9]"):
                old.unlink()
        place.write(5)
        place.run()

        (notice,) = place.notices
        assert f"of it only the copy {place.log}.old was found" in notice
        assert 2005 == place.counted[0]  # a thousand lines of the two generations deleted are not
        assert 1 == place.load().summary["gaps"]


class TestNoCopies:
    BANNER = b"# fields: time status\n" * 100

    @pytest.fixture(name="headed")
    def _headed(self, tmp_path: Path) -> Place:
        """Return a log of which no more than a header was read."""
        place = Place(tmp_path)
        place.log.write_bytes(self.BANNER)
        place.run()
        return place

    @pytest.mark.parametrize("count", [100, 1000, 3000])
    def test_header(self, headed: Place, count: int) -> None:
        """Generations that begin with the same header, longer than what is compared, all count."""
        headed.write(1000)
        headed.run()
        for name in (".1", "-20261121", ".old"):
            headed.rotate(name)
            headed.log.write_bytes(self.BANNER)
            headed.write(count)

        exact(headed)

    @pytest.mark.parametrize("gone", [True, False])
    def test_header_alone_is_left(self, headed: Place, gone: bool) -> None:
        """Nor is a shorter one left out for its header, when the file read last is gone."""
        headed.write(1000)
        headed.run()
        headed.rotate()
        headed.log.write_bytes(self.BANNER)
        headed.write(100)
        headed.rotate()
        headed.log.write_bytes(self.BANNER)
        headed.write(5)
        if gone:
            (headed.folder / "app.log.2").unlink()
        headed.run()
        headed.run()

        assert headed.expected == headed.counted
        assert gone == len(headed.notices)

    @pytest.mark.parametrize("name", [".1", ".old"])
    def test_header_alone_is_whole(self, tmp_path: Path, name: str) -> None:
        """Nor a damaged one of which no more than the header can be read: the loss is told."""
        place = Place(tmp_path)
        archive = place.folder / "archive"
        archive.mkdir()
        banner = self.BANNER * 50
        place.begin()
        place.log.write_bytes(banner)
        place.write(5)
        place.run()
        place.rotate().rename(archive / "app.log-20261120")
        place.log.write_bytes(banner)
        place.write(3)
        packed = pack(place.rotate(name))
        whole = packed.read_bytes()
        packed.write_bytes(whole[: len(whole) // 2])
        place.log.write_bytes(banner)
        place.write(2)
        place.run(log_patterns=[str(archive)])
        place.run(log_patterns=[str(archive)])

        (notice,) = place.notices
        assert f"{packed} cannot be read beyond byte" in notice
        packed.write_bytes(whole)
        place.run(log_patterns=[str(archive)])
        assert place.expected == place.counted

    @pytest.mark.parametrize("count", [0, 3])
    @pytest.mark.parametrize("packed", [[2], [1, 2], [1]])
    @pytest.mark.parametrize("rotation", ["rename", "reused inode", "copytruncate"])
    @pytest.mark.parametrize("header", [BANNER[:22], BANNER])
    def test_header_alone_was_read(
        self, tmp_path: Path, packed: list[int], rotation: str, count: int, header: bytes
    ) -> None:
        """If no more than a header was read, the oldest file that begins so is the one."""
        place = Place(tmp_path)
        place.begin()
        place.log.write_bytes(header)
        place.run()
        for each in (10, 20):
            place.write(each)
            if rotation == "copytruncate":
                place.copytruncate()
            else:
                place.rotate()
            if rotation != "reused inode":
                place.log.write_bytes(header)
                continue
            kept = place.folder / "kept"
            place.log.unlink()
            (place.folder / "app.log.1").rename(kept)
            (place.folder / "app.log.1").write_bytes(kept.read_bytes())
            shutil.copystat(kept, place.folder / "app.log.1")
            os.truncate(kept, 0)
            kept.rename(place.log)
            place.log.write_bytes(header)
        for number in packed:
            pack(place.folder / f"app.log.{number}")
        place.write(count)

        exact(place)

    def test_header_alone_in_the_next(self, headed: Place) -> None:
        """Nor is that a younger one to which the inode of the oldest was given."""
        headed.write(10)
        first = headed.rotate()
        pack(Path(shutil.copy2(first, headed.folder / "app.log.9"))).rename(f"{first}.gz")
        first.write_bytes(self.BANNER)
        headed.shift()
        headed.write(20, headed.folder / "app.log.2")
        (headed.folder / "app.log.2").rename(headed.folder / "app.log.1")

        exact(headed)

    def test_header_alone_beside_a_watched_file(self, headed: Place) -> None:
        """Nor is that a file which was read already, and to which was written since."""
        headed.write(10)
        rotated = headed.rotate()
        headed.log.write_bytes(self.BANNER)
        headed.run()
        headed.write(1, rotated)
        headed.run()
        headed.write(5)
        headed.rotate()
        headed.log.write_bytes(self.BANNER)
        headed.write(2)

        exact(headed)

    def test_header_alone_beside_a_copy(self, headed: Place) -> None:
        """Nor is that a copy of another generation, which goes on after the header."""
        headed.write(10)
        shutil.copy2(headed.rotate(), headed.folder / "app.log.old")
        headed.log.write_bytes(self.BANNER)
        headed.run()
        empty = headed.rotate()
        headed.log.write_bytes(self.BANNER)
        headed.write(1)
        pack(empty)
        headed.rotate(".0")

        exact(headed)

    def test_header_alone_beside_a_damaged_copy(self, tmp_path: Path) -> None:
        """What a rotator numbered is not left out for a copy, and be that damaged."""
        place = Place(tmp_path)
        place.begin()
        place.log.write_bytes(lines(range(500)))
        packed = pack(place.rotate())
        (place.folder / "app.log.old.gz").write_bytes(packed.read_bytes()[:-9])
        place.log.write_bytes(lines(range(3)))
        pack(place.rotate())
        place.run()
        place.run()

        assert [] == place.notices
        assert (503, sum(range(500)) + 3) == place.counted

    def test_not_in_place_of_a_backup(self, place: Place) -> None:
        """If only a backup is left of the file read last, what was rotated since counts."""
        shutil.copy(place.log, place.folder / "app.log.old")
        place.rotate().rename(place.folder / "gone")
        place.log.write_bytes(lines([1]))
        place.rotate()
        place.log.write_bytes(lines([1, 2]))
        place.run()
        place.run()

        assert (1003, sum(range(1000)) + 4) == place.counted

    @pytest.mark.parametrize(
        ("count", "later", "sum_"), [(1, 1, 4), (9999, 30, 2 * sum(range(10000)) + 10000)]
    )
    def test_cut_already(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, later: int, sum_: int
    ) -> None:
        """Nor is a copy left out that copytruncate cut the log for, if it begins so again."""
        place = Place(tmp_path)
        place.begin()
        place.log.write_bytes(lines(range(1, count + 1)))
        place.copytruncate()
        place.log.write_bytes(lines(range(1, count + 2)))
        then = place.log.stat().st_mtime + later
        os.utime(place.log, (then, then))
        now = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: now() + later * 10**9)
        place.run()
        place.run()

        assert [] == place.notices
        assert (2 * count + 1, sum_) == place.counted

    def test_compressed_beside_a_backup(self, place: Place) -> None:
        """A backup is not taken for the file read last while that is there, compressed anew."""
        shutil.copy2(place.log, place.folder / "app.log.old")
        os.utime(pack(place.rotate()))
        place.write(5)

        exact(place)

    @pytest.fixture(name="secret")
    def _secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let no file be opened whose name ends with ".old"."""

        def refuse(path: str) -> Generation:
            if path.endswith(".old"):
                raise PermissionError(13, "Permission denied", path)
            return Generation(path)

        monkeypatch.setattr("logster.shelf.Generation", refuse)

    @pytest.mark.usefixtures("secret")
    def test_unreadable(self, place: Place) -> None:
        """A file that hardly is a generation stops nothing if it cannot be read, and is told."""
        (place.folder / "app.log.old").write_bytes(b"secret\n")
        place.rotate()
        place.write(3)
        place.run()
        place.run()

        assert place.expected == place.counted
        (notice,) = place.notices
        assert f"{place.folder}/app.log.old cannot be read: Permission denied." in notice

    @pytest.mark.usefixtures("secret")
    def test_unreadable_beside_a_header(self, tmp_path: Path) -> None:
        """A file that cannot be read does not keep a small log from being read."""
        place = Place(tmp_path)
        place.begin()
        place.write(2)
        place.run()
        (place.folder / "app.log.old").write_bytes(b"secret\n")
        place.write(2)

        exact(place)

    def test_damaged_beside_a_header(self, tmp_path: Path) -> None:
        """Nor does one that is damaged."""
        place = Place(tmp_path)
        place.begin()
        place.write(2)
        place.run()
        (place.folder / "app.log.1.gz").write_bytes(b"no gzip")
        place.write(2)

        exact(place)

    @pytest.mark.parametrize("name", ["app.log.old", "app.log-20261121", "app.log.1"])
    def test_small(self, tmp_path: Path, name: str) -> None:
        """A copy of a log that is no longer than a header is a copy."""
        place = Place(tmp_path)
        place.begin()
        place.write(2)
        place.run()
        place.write(2)
        shutil.copy(place.log, place.folder / name)
        place.write(2)

        exact(place)

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

    @pytest.mark.parametrize("suffix", [".1", "-20261121", ".old"])
    def test_empty_before(self, tmp_path: Path, suffix: str) -> None:
        """A log that was empty and is rotated counts, though the next begins with its lines."""
        place = Place(tmp_path)
        place.begin()
        place.log.write_bytes(lines([1]))
        place.rotate(suffix)
        place.log.write_bytes(lines([1, 2]))
        place.run()
        place.run()

        assert [] == place.notices
        assert (3, 4) == place.counted

    def test_same_lines_after_empty(self, tmp_path: Path) -> None:
        """So do several generations that hold the same lines."""
        place = Place(tmp_path)
        place.begin()
        for _ in range(2):
            place.log.write_bytes(lines([1, 2]))
            place.rotate()
        place.log.write_bytes(lines([1, 2]))
        place.run()
        place.run()

        assert [] == place.notices
        assert (6, 9) == place.counted

    def test_last_deleted(self, place: Place) -> None:
        """If the file read last is gone, what was rotated after it counts nevertheless."""
        place.rotate()
        place.write(1)
        rotated = place.rotate()
        place.log.write_bytes(rotated.read_bytes())
        place.write(1)
        (place.folder / "app.log.2").unlink()
        place.run()
        place.run()

        assert 1 == len(place.notices)
        assert (1003, sum(range(1002)) + 1000) == place.counted


class TestHalfALine:
    def test_of_the_log(self, tmp_path: Path) -> None:
        """A copy of no more than half a line is a copy, also of a log that was empty."""
        place = Place(tmp_path)
        place.begin()
        place.write(3)
        (place.folder / "app.log.old").write_bytes(place.log.read_bytes()[:3])
        then = place.log.stat().st_mtime + 1
        os.utime(place.log, (then, then))

        exact(place)

    def test_of_a_generation(self, place: Place) -> None:
        """A copy of a generation that is half a line is known by being the same."""
        place.copytruncate()
        place.run()
        rest = place.write_half()
        shutil.copy(place.copytruncate(), place.folder / "app.log.old")
        with place.log.open("ab") as file:
            file.write(rest)
        place.write(3)

        exact(place)


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

    @pytest.mark.parametrize(("age", "told"), [(0, 0), (3600, 1)])
    def test_cut(self, place: Place, age: int, told: int) -> None:
        """A log that was cut has lost what an older copy lacks; copytruncate's is a new one."""
        copy = shutil.copy(place.log, place.folder / "app.log.old")
        then = place.log.stat().st_mtime - age
        os.utime(copy, (then, then))
        place.write(500)
        place.run()
        os.truncate(place.log, 0)
        place.write(3)
        place.run()
        place.run()

        assert place.expected == place.counted
        assert told == len(place.notices)

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
    first, second = (Generation(str(path)) for path in paths)

    assert expected == is_part(first, second)
    first.close()
    second.close()

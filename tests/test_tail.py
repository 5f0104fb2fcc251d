"""The new lines of a log, through every rotation: both count and sum must come out exact."""

import os
import shutil
import time
from pathlib import Path

import pytest
from counting import PACK, Place, exact, lines, pack
from hypothesis import given, settings
from hypothesis import strategies as st

from logster.errors import LogError
from logster.generation import ChangedError, Generation
from logster.journal import Journal
from logster.tail import WATCHED_GENERATIONS, Tail, end_of


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Place:
    """Return a log at whose end a job has taken its place."""
    place = Place(tmp_path)
    place.begin()
    return place


class TestCreate:
    def test_one(self, place: Place) -> None:
        """The rest of a renamed log is read before the new one."""
        place.write(5)
        place.run()
        place.write(5)
        place.rotate()
        place.write(5)

        exact(place)

    @pytest.mark.parametrize("ending", PACK)
    @pytest.mark.parametrize("keep_time", [True, False])
    def test_compressed(self, place: Place, ending: str, keep_time: bool) -> None:
        """So it is when it was compressed meanwhile, whatever time the file bears then."""
        place.write(500)
        place.run()
        place.write(5)
        pack(place.rotate(), ending, keep_time=keep_time)
        place.write(5)

        exact(place)

    @pytest.mark.parametrize("count", [2, 3, 12])
    @pytest.mark.parametrize("compress", [None, 0, 1])
    def test_several(self, place: Place, count: int, compress: int | None) -> None:
        """Several rotations between two runs lose nothing, compressed or not."""
        place.write(50)
        place.run()
        for _ in range(count):
            place.write(50)
            rotated = place.rotate()
            if compress == 0:
                pack(rotated)
            elif compress == 1 and (place.folder / "app.log.2").exists():
                pack(place.folder / "app.log.2")
        place.write(50)

        exact(place)

    def test_never_read(self, place: Place) -> None:
        """A job that took its place in an empty log gets what was rotated away since."""
        for _ in range(3):
            place.write(5)
            pack(place.rotate())

        exact(place)

    def test_empty_generations(self, place: Place) -> None:
        """Empty generations are no trouble."""
        place.write(5)
        for count in (0, 7, 0, 0, 3):
            place.rotate()
            place.write(count)
            place.run()

        exact(place)

    @pytest.mark.parametrize(
        "name", ["app.log-20261121", "app.log-20261121-1795240000", "app.log.0"]
    )
    def test_old_files_lie_about(self, place: Place, name: str) -> None:
        """Files of another scheme that lie about are not taken for new ones."""
        old = place.folder / name
        old.write_bytes(lines(range(10**6, 10**6 + 9)))
        os.utime(old, (1, 1))
        for _ in range(3):
            place.write(5)
            place.rotate()
            place.write(5)
            place.run()

        exact(place)

    @pytest.mark.parametrize("name", ["app-2.log", "app-8080.log", "other.log.1", "app.log.bak"])
    def test_other_logs(self, place: Place, name: str) -> None:
        """The log of another instance is none of ours, busy as it may be."""
        for _ in range(3):
            place.write(5)
            place.rotate()
            (place.folder / name).write_bytes(lines(range(10**6, 10**6 + 9)))
            place.run()

        exact(place)

    def test_directory_among_them(self, place: Place) -> None:
        """A directory with such a name is passed over."""
        (place.folder / "app.log.old").mkdir()
        place.write(5)
        place.rotate()

        exact(place)


class TestNames:
    @pytest.mark.parametrize(
        "suffixes",
        [
            ("-20261119", "-20261120", "-20261121"),
            ("-20261121-1795240000", "-20261121-1795240060", "-20261121-1795240120"),
            (".2026-11-19", ".2026-11-20", ".2026-11-21"),
            (".2026-11-21_10-58", ".2026-11-21_10-59", ".2026-11-21_11-00"),
            ("-1795240000", "-1795240060", "-1795240120"),
            (".20261121062341", ".20261121062342", ".20261121062343"),
        ],
    )
    def test_dates(self, place: Place, suffixes: tuple[str, ...]) -> None:
        """Dates in names, of logrotate, savelog or Python, tell the order."""
        for number, suffix in enumerate(suffixes):
            place.write(5)
            rotated = place.rotate(suffix)
            place.write(5)
            if number == 1:
                os.utime(rotated)  # a late writer: the times tell another order
        place.write(5)

        exact(place)

    def test_before_the_extension(self, place: Place) -> None:
        """Logrotate's `extension` puts the date before it."""
        for day in (19, 20, 21):
            place.write(5)
            place.log.rename(place.folder / f"app-202611{day}.log")
        place.write(5)

        exact(place)

    @pytest.mark.parametrize("pattern", ["{}/old", "{}/old/%s.*", "old/%s.*"])
    def test_elsewhere(self, place: Place, pattern: str) -> None:
        """A directory or a pattern says where else rotated files are."""
        patterns = (pattern.format(place.folder),)
        old = place.folder / "old"
        old.mkdir()
        place.write(5)
        place.run(log_patterns=patterns)
        for number in (2, 1):
            place.write(5)
            place.log.rename(old / f"app.log.{number}")
        place.write(5)
        place.run(log_patterns=patterns)

        exact(place)

    def test_link_is_moved(self, place: Place) -> None:
        """A link that leads to a new dated file each day is followed, over several days too."""
        place.log.unlink()
        for day in range(10, 17):
            target = place.folder / f"access.202611{day}"
            place.write(5, target)
            fresh = place.folder / "fresh"
            fresh.symlink_to(target)
            fresh.rename(place.log)
            if day in {10, 12, 16}:
                place.run()
            place.write(3, target)

        place.run()
        missed = 5  # what stood in the first file before the job knew it
        assert (place.written, place.written - missed) == (
            place.written,
            place.counted[0] - missed + 0,
        )

    def test_hard_link(self, place: Place) -> None:
        """A second name of the live file is no second file."""
        place.write(5)
        os.link(place.log, place.folder / "app.log.1")
        place.run()
        place.write(5)

        exact(place)


class TestCopytruncate:
    def test_one(self, place: Place) -> None:
        """The copy is read to its end, then the log from its start."""
        place.write(50)
        place.run()
        place.write(50)
        place.copytruncate()
        place.write(5)

        exact(place)

    @pytest.mark.parametrize("compress", [False, True])
    def test_regrown(self, place: Place, compress: bool) -> None:
        """A log that grew beyond the old offset is not taken for the old one."""
        place.write(50)
        place.run()
        place.write(50)
        rotated = place.copytruncate()
        if compress:
            pack(rotated)
        place.write(500)

        exact(place)

    def test_several(self, place: Place) -> None:
        """Several of them between two runs lose nothing."""
        place.write(50)
        place.run()
        for _ in range(3):
            place.write(60)
            place.copytruncate()
        place.write(70)

        exact(place)

    def test_read_beyond_the_copy(self, place: Place) -> None:
        """What was read between the copy and the cut is not missed, and nothing is said."""
        place.write(50)
        place.run()
        place.write(50)
        copy = place.log.read_bytes()
        place.write(3)
        place.run()
        (place.folder / "app.log.1").write_bytes(copy)
        os.truncate(place.log, 0)
        place.write(5)

        exact(place)

    def test_not_yet_cut(self, place: Place) -> None:
        """A copy whose original is not yet cut is not read beside it."""
        place.write(50)
        place.run()
        place.write(50)
        place.copytruncate()
        place.write(60)
        (place.folder / "app.log.1").rename(place.folder / "app.log.2")
        shutil.copy(place.log, place.folder / "app.log.1")
        place.run()

        assert place.expected == place.counted

    @pytest.mark.parametrize("runs", [0, 1, 3])
    @pytest.mark.parametrize("compress", [False, True])
    def test_torn_line(self, place: Place, runs: int, compress: bool) -> None:
        """A line torn by the cut counts once it is whole, however many runs that takes."""
        place.write(50)
        place.run()
        rest = place.write_half()
        rotated = place.copytruncate()
        for _ in range(runs):
            place.run()
        if compress:
            pack(rotated)
        with place.log.open("ab") as file:
            file.write(rest)
        place.write(5)

        exact(place)

    def test_torn_overlong_line(self, place: Place) -> None:
        """The end of an overlong line that the cut tore is no line of its own."""
        place.write(50)
        place.run(max_line=1000)
        with place.log.open("ab") as file:
            file.write(b"line " + b"1" * 5000)
        place.copytruncate()
        with place.log.open("ab") as file:
            file.write(b"11\n")
        place.write(5)
        report = place.run(max_line=1000)

        assert (place.expected, 1) == (place.counted, report.tally.unmatched)

    def test_hole(self, place: Place) -> None:
        """A writer who does not append leaves a hole, which is no line."""
        with place.log.open("wb") as file:
            file.write(lines(range(50)))
            file.flush()
            place.written = 50
            place.run()
            place.copytruncate()
            file.write(lines(range(50, 60)))
            place.written = 60

        exact(place)


class TestHalfLines:
    def test_over_a_rotation(self, place: Place) -> None:
        """Half a line in a renamed file waits for its writer, also when runs fall in between."""
        place.write(5)
        rest = place.write_half()
        rotated = place.rotate()
        place.run()
        place.write(5)
        place.run()
        with rotated.open("ab") as file:
            file.write(rest)

        exact(place)

    def test_never_finished(self, place: Place) -> None:
        """Half a line in a compressed file is all there will be of it, and is one line."""
        place.write(5)
        place.run()
        with place.log.open("ab") as file:
            file.write(b"line 5")
        place.written += 1
        pack(place.rotate())
        place.write(5)

        exact(place)

    def test_out_of_sight(self, place: Place) -> None:
        """So it is in a file that is no longer watched."""
        with place.log.open("ab") as file:
            file.write(b"line 0")
        place.written += 1
        for _ in range(WATCHED_GENERATIONS + 2):
            place.rotate()
            place.write(3)
            place.run()

        exact(place)

    def test_gone(self, place: Place) -> None:
        """Half a line that went with its file is lost, and that is said once."""
        place.write_half()
        rotated = place.rotate()
        place.run()
        rotated.unlink()
        place.run()
        place.run()

        (notice,) = place.notices
        assert "app.log.1 is gone with 3 bytes of a line not yet whole. Lines may be lost" in notice
        assert 3 == place.load().summary["bytes_lost"]


class TestStuckWriter:
    @pytest.mark.parametrize("generations", [1, 2, WATCHED_GENERATIONS])
    def test_late_lines(self, place: Place, generations: int) -> None:
        """What is written to a rotated file after runs have gone past it counts too."""
        place.write(5)
        first = place.log.open("ab")
        for _ in range(generations):
            place.rotate()
            place.write(5)
            place.run()
            first.write(lines([place.written]))
            first.flush()
            place.written += 1
            place.run()
        first.close()

        exact(place)

    def test_compressed_late(self, place: Place) -> None:
        """Late lines count even when the file was compressed before the next run."""
        place.write(5)
        rotated = place.rotate()
        place.write(5)
        place.run()
        place.write(5, rotated)
        pack(rotated)

        exact(place)


class TestOneInode:
    def test_reused(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """A new file with the old inode is another file."""
        place.write(50)
        place.run()
        place.write(50)
        pack(place.rotate())  # frees the inode …
        state = place.load()
        last = state.cursor[-1]._replace(inode=place.log.stat().st_ino)  # … which the log now has
        state.cursor = (*state.cursor[:-1], last)
        Journal(str(place.state)).commit(state)
        place.write(500)

        exact(place)

    def test_reused_by_the_next_log(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """A log compressed away, and not cut, does not go on in the file that has its inode."""
        place.write(50)
        place.run()
        place.write(10)
        with place.log.open("ab") as file:
            file.write(lines([place.written])[:-1])  # there its daemon was killed
        place.written += 1
        pack(place.rotate())
        place.write(9)
        state = place.load()
        last = state.cursor[-1]._replace(inode=place.log.stat().st_ino, version=5)
        state.cursor = (*state.cursor[:-1], last)
        Journal(str(place.state)).commit(state)
        monkeypatch.setattr(Generation, "version", 7)

        exact(place)

    def test_empty_log(self, place: Place) -> None:
        """An empty log that was filled, rotated and compressed, and gave its inode away."""
        place.write(5)
        place.rotate()
        place.run()
        place.write(50)
        state = place.load()
        pack(place.rotate())
        last = state.cursor[-1]._replace(inode=place.log.stat().st_ino)
        from logster.journal import Journal

        state.cursor = (*state.cursor[:-1], last)
        Journal(str(place.state)).commit(state)
        place.write(500)

        exact(place)

    def test_empty_log_with_times_of_another_host(self, tmp_path: Path) -> None:
        """What rsync -a brings of a log that was empty is older than the last run, and new."""
        place = Place(tmp_path)
        place.begin()
        seen = time.time_ns()
        time.sleep(0.1)
        place.run()
        brought = place.folder / "brought"
        place.write(50, place.folder / "app.log.1")
        place.write(5, brought)
        for number, path in enumerate((place.folder / "app.log.1", brought)):
            os.utime(path, ns=(seen, seen + number))
        brought.rename(place.log)

        exact(place)

    def test_all_changed(self, place: Place) -> None:
        """A log restored from a backup goes on where it was, under whatever inode."""
        place.write(50)
        place.run()
        copy = place.folder / "copy"
        shutil.copy2(place.log, copy)
        copy.rename(place.log)
        place.write(50)

        exact(place)

    def test_undone(self, place: Place) -> None:
        """A rotation that was undone brings no line twice."""
        place.write(50)
        place.run()
        rotated = place.rotate()
        place.run()
        rotated.rename(place.log)
        place.write(50)

        exact(place)

    def test_all_lines_alike(self, place: Place) -> None:
        """Lines that are all alike are no reason to mistake one file for another."""

        def beat(count: int) -> None:
            with place.log.open("ab") as file:
                file.write(b"line 1\n" * count)

        for count in (300, 400, 500):
            beat(count)
            if count == 300:
                place.run()
            place.rotate()
        beat(600)
        place.run()
        place.run()

        assert (1800, 1800) == place.counted


class TestAbsent:
    def test_for_a_moment(self, place: Place) -> None:
        """A log that is absent at this moment is no error: its last file is read to the end."""
        place.write(5)
        place.run()
        place.write(5)
        place.rotate(create=False)
        place.run()
        place.run()
        place.write(5)

        exact(place)

    def test_late_lines(self, place: Place) -> None:
        """Its writer may go on writing meanwhile, and it may be compressed meanwhile."""
        place.write(5)
        rotated = place.rotate(create=False)
        place.run()
        place.write(5, rotated)
        place.run()
        place.write(5, rotated)
        pack(rotated)
        place.run()
        place.write(5)

        exact(place)

    def test_gone(self, place: Place) -> None:
        """A log that is gone, and nothing in its place, is an error until it is back."""
        place.write(5)
        place.run()
        place.log.unlink()
        for _ in range(2):
            with pytest.raises(
                LogError, match=r"app.log does not exist. Nothing was read or sent; "
            ):
                place.run()


class TestLoss:
    def test_deleted(self, place: Place) -> None:
        """A log that was deleted and made again is a gap, told once and counted."""
        place.write(5)
        place.write_half()
        place.run()
        inode = place.log.stat().st_ino
        place.log.rename(place.folder / "moved-away")
        place.log.write_bytes(lines(range(100, 110)))
        place.run()
        place.run()

        (notice,) = place.notices
        assert (
            f"app.log is no longer the file that was read (inode {inode}), and what stood in it "
            "beyond byte 35 was not found in any rotated file beside it. Lines may be lost there; "
            "reading goes on after them." in notice
        )
        assert (15, 3, 1) == (
            place.counted[0],
            place.load().summary["bytes_lost"],
            place.load().summary["gaps"],
        )

    def test_cut(self, place: Place) -> None:
        """A log that was cut without a copy is a gap, told once; the files looked at are named."""
        place.write(5)
        place.rotate()
        place.write(5)
        place.run()
        os.truncate(place.log, 0)
        place.write(2)

        place.run()
        place.run()
        (notice,) = place.notices
        assert "app.log was cut, and what stood in it beyond byte 35 was not found in " in notice
        assert "app.log.1. Lines may be lost" in notice
        assert place.expected == place.counted

    @pytest.mark.parametrize("way", ["cat", "mv"])
    def test_first_lines_thrown_away(self, place: Place, way: str) -> None:
        """Who keeps the last lines only (tail -n 100 log >new) loses none that is new."""
        place.write(5000)
        place.run()
        place.write(3)
        kept = place.folder / "new"
        kept.write_bytes(b"".join(place.log.read_bytes().splitlines(keepends=True)[-1000:]))
        if way == "mv":
            kept.rename(place.log)
        else:
            place.log.write_bytes(kept.read_bytes())
        place.write(2)

        exact(place)

    def test_first_lines_thrown_away_of_equal_ones(self, place: Place) -> None:
        """Where the lines are all alike nobody can tell which are new: that is told."""
        with place.log.open("ab") as file:
            file.write(b"line 1\n" * 5000)
        place.run()
        place.log.write_bytes(b"line 1\n" * 1000)
        place.run()

        assert 1 == place.load().summary["gaps"]

    def test_too_many_rotations(self, place: Place) -> None:
        """What is still there of several rotations is read, when the first is gone."""
        place.write(5)
        place.run()
        place.rotate()
        place.write(5)
        place.rotate()
        place.write(5)
        (place.folder / "app.log.2").unlink()
        place.run()

        assert (1, place.expected) == (len(place.notices), place.counted)

    def test_damaged(self, place: Place) -> None:
        """What can be read of a damaged file is read, once, and the rest is told, once."""
        place.write(5)
        place.run()
        place.write(100_000)
        packed = pack(place.rotate())
        packed.write_bytes(packed.read_bytes()[:-1000])
        place.run()
        before = place.counted[0]
        place.run()

        (notice,) = place.notices
        assert "app.log.1.gz cannot be read beyond byte " in notice
        assert "its compressed data is damaged or not complete" in notice
        assert 90_000 < before == place.counted[0] < 100_005

    @pytest.mark.parametrize("ending", PACK)
    @pytest.mark.parametrize("content", ["cut", "garbage", "empty"])
    def test_nothing_of_it_can_be_read(self, place: Place, ending: str, content: str) -> None:
        """So it is when nothing can be read; the generations around it count, now and later."""
        place.write(50)
        place.run()
        place.write(50)
        place.rotate()
        place.written += 5
        rotated = place.log.with_name("app.log.1")
        rotated.rename(place.log.with_name("app.log.2"))
        whole = PACK[ending](lines(range(100, 105)))
        damaged = place.folder / f"app.log.1.{ending}"
        damaged.write_bytes(
            {"cut": whole[:12], "garbage": b"\x01 garbage\n" * 99}.get(content, b"")
        )
        place.write(5)
        for _ in range(3):
            place.run()
        damaged = place.folder / f"app.log.2.{ending}"
        place.rotate()
        place.write(5)
        place.run()

        (notice,) = place.notices
        assert f"app.log.1.{ending} cannot be read beyond byte 0: its compressed data" in notice
        assert (1, place.written - 5) == (place.load().summary["gaps"], place.counted[0])

        for part in (-3, None):
            damaged.write_bytes(whole[:part])
            place.run()
            place.run()
        assert place.expected == place.counted

    @pytest.mark.parametrize("ending", PACK)
    def test_being_compressed(self, place: Place, ending: str) -> None:
        """A file that is half compressed is read under its own name, and only there."""
        place.write(5)
        place.run()
        place.write(500)
        place.rotate()
        place.write(500)
        rotated = place.rotate()
        whole = PACK[ending](rotated.read_bytes())
        packed = place.folder / f"app.log.1.{ending}"
        packed.write_bytes(whole[: len(whole) // 2])
        place.write(5)
        place.run()
        packed.write_bytes(whole)
        rotated.unlink()

        exact(place)

    @pytest.mark.parametrize("ending", ["gz", "zst"])
    def test_made_whole(self, place: Place, ending: str) -> None:
        """What could not be read of a damaged file is read once it is whole."""
        place.write(5)
        place.run()
        place.write(50_000)
        packed = pack(place.rotate(), ending)
        whole = packed.read_bytes()
        packed.write_bytes(whole[:-1000])
        place.write(5)
        place.run()
        packed.write_bytes(whole)
        place.run()
        place.run()

        assert (1, place.expected) == (len(place.notices), place.counted)

    @pytest.mark.parametrize("ending", PACK)
    @pytest.mark.parametrize("part", [0, 0.5])
    def test_the_log_itself(self, place: Place, ending: str, part: float) -> None:
        """A compressed log that is damaged is told once; no first run takes its place in it."""
        whole = PACK[ending](lines(range(place.written)) * 50_000)
        log = place.folder / f"old.{ending}"
        log.write_bytes(whole[: int(len(whole) * part)])
        options = {"log": str(log), "state": str(place.folder / "other.state")}
        with pytest.raises(LogError, match=f"old.{ending} cannot be read: its compressed data is"):
            place.run(**options)
        reports = [place.run(**options, from_start=True) for _ in range(3)]

        (notice,) = reports[0].notices
        assert f"old.{ending} cannot be read beyond byte " in notice
        assert [] == reports[1].notices + reports[2].notices
        assert 0 == reports[1].bytes_read == reports[2].bytes_read

    def test_a_fault_of_ours(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever else goes wrong is a sentence, which the state keeps, and reads nothing."""
        place.write(5)

        def fail(_: Tail) -> None:
            raise RuntimeError("no idea")

        with monkeypatch.context() as patch:
            patch.setattr(Tail, "blocks", fail)
            with pytest.raises(
                LogError, match=r"app.log was not read: logster itself raised RuntimeError: no idea"
            ):
                place.run()

        assert "RuntimeError: no idea" in place.load().summary["error"]
        exact(place)

    def test_unreadable(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """A rotated file that may not be read is an error, and read once it may."""
        from logster import shelf

        place.write(5)
        place.run()
        place.write(5)
        pack(place.rotate())

        def refuse(path: str) -> None:
            raise PermissionError(13, "Permission denied", path)

        with monkeypatch.context() as patch:
            patch.setattr(shelf, "Generation", refuse)
            with pytest.raises(
                LogError, match=r"app.log.1.gz, a rotated part of .*app.log, cannot "
            ):
                place.run()

        exact(place)


class TestLegacy:
    @pytest.mark.parametrize("age", [0, 100])
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_compressed_since(self, place: Place, count: int, age: int) -> None:
        """The place of 1.x is found though the file was rotated and compressed since."""
        place.write(50)
        status = place.log.stat()
        place.state.write_text(f"{status.st_ino}\n{status.st_size}\n")
        place.output.points = {("count", 0): 50, ("sum", 0): sum(range(50))}
        if age:
            os.utime(place.log, (time.time() - age, time.time() - age))
            os.utime(place.state, (time.time() - age / 2, time.time() - age / 2))
        else:
            place.write(10)
        for number in range(count):
            pack(place.rotate())
            place.write(20 + number)

        exact(place)


class TestPlan:
    def test_rotated_while_listing(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """A rotation that falls into the planning starts it again; nothing is called lost."""
        place.write(5)
        place.run()
        place.write(5)
        place.rotate()
        place.write(5)
        tail = Tail(str(place.log), place.load().cursor)
        assert tail._shelf.candidates
        place.rotate()

        with pytest.raises(ChangedError):
            list(tail.blocks())
        exact(place)

    def test_watched_file_renamed_while_listing(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Late lines of a file that is renamed just now are not given up."""
        place.write(2000)
        place.rotate()
        place.write(5)
        place.run()
        place.write(3, place.folder / "app.log.1")
        real = os.listdir
        done: list[Path] = []

        def late(path: str) -> list[str]:
            names = real(path)
            if not done:
                done.append(place.rotate())
            return names

        monkeypatch.setattr("logster.shelf.os.listdir", late)

        exact(place)

    def test_first_line_of_a_run(self, tmp_path: Path) -> None:
        """A first run goes to the end, but not past half a line."""
        log = tmp_path / "x"
        log.write_bytes(b"one\ntw")

        (place,) = end_of(str(log))

        assert 4 == place.offset

    def test_first_run_within_an_overlong_line(self, tmp_path: Path) -> None:
        """If that is a line too long, its rest is passed over."""
        log = tmp_path / "x"
        log.write_bytes(b"x" * 5000)
        cursor = end_of(str(log), 1000)
        with log.open("ab") as file:
            file.write(b"xx\nline 1\n")

        assert [b"line 1\n"] == list(Tail(str(log), cursor, max_line=1000).blocks())

    def test_figures(self, place: Place) -> None:
        """The tail says what it read, how many files were new and what is left."""
        place.write(5)
        place.rotate()
        place.write(5)
        place.write_half()
        tail = Tail(str(place.log), place.load().cursor)
        text = b"".join(tail.blocks())

        assert (len(text), 3, 1) == (tail.bytes_read, tail.lag, tail.rotations)

    def test_descriptors(self, place: Place) -> None:
        """No file stays open, whatever happened."""
        before = len(os.listdir("/proc/self/fd"))
        place.write(5)
        for _ in range(3):
            pack(place.rotate())
            place.write(5)
        place.run()
        place.log.unlink()
        for path in place.folder.glob("*.gz"):
            path.unlink()
        with pytest.raises(LogError):
            place.run()

        assert before == len(os.listdir("/proc/self/fd"))


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["write", "half", "create", "gz", "copytruncate", "run", "late"]),
        max_size=25,
    )
)
def test_any_sequence(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """Whatever sequence of writes, rotations and runs: every line counts once."""
    place = Place(tmp_path_factory.mktemp("log"))
    place.begin()
    rest, holder, style = b"", place.log, None
    for step in steps:
        if step == "run":
            place.run()
        elif step == "late" and not rest and style != "copytruncate":
            previous = place.folder / "app.log.1"
            # What was empty, and is compressed as soon as it is not, nothing can know again.
            if previous.exists() and previous.stat().st_size:
                place.write(2, previous)
        elif step in {"create", "gz", "copytruncate"} and style in {None, step}:
            style = step
            _rotate(place, step, holder, rest)
            rest = rest if step == "copytruncate" else b""
        elif step == "half" and not rest:
            rest = place.write_half()
        elif step == "write":
            with place.log.open("ab") as file:
                file.write(rest)
            rest = b""
            place.write(30)
    with place.log.open("ab") as file:
        file.write(rest)

    exact(place)


def _rotate(place: Place, style: str, holder: Path, rest: bytes) -> None:
    if style == "copytruncate":
        place.copytruncate()
        return
    with place.log.open("ab") as file:
        file.write(rest)
    rotated = place.rotate()
    if style == "gz" and rotated.with_name("app.log.2").exists():
        pack(rotated.with_name("app.log.2"))

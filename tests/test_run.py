"""One run: read on, count, write down what is owed, deliver."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from counting import Memory, Numbers, Place

from logster.errors import (
    ConfigurationError,
    LockedError,
    LogError,
    OutputError,
    ParserError,
    StateError,
)
from logster.generation import Generation
from logster.journal import Journal
from logster.lock import Lock
from logster.metrics import Batch, Metric
from logster.outputs import Owing, Receipt
from logster.parser import Tally
from logster.run import FIRST_DURATION, preview
from logster.shelf import Candidate, Shelf


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Place:
    """Return a log at whose end a job has taken its place."""
    place = Place(tmp_path)
    place.begin()
    return place


def times(output: Memory) -> list[Any]:
    """Return the timestamps at the receiver, as they came."""
    return [metric.timestamp for metric in output.taken if metric.name == "count"]


class TestOrder:
    def test_first_run(self, tmp_path: Path) -> None:
        """A first run takes its place at the end, sends nothing and says nothing."""
        place = Place(tmp_path)
        place.log.write_text("line 7\n")
        report = place.run()

        assert (True, [], []) == (report.first, report.notices, place.output.taken)
        assert 7 == place.load().cursor[-1].offset

    def test_from_start(self, tmp_path: Path) -> None:
        """With --from-start it reads all there is."""
        place = Place(tmp_path)
        place.write(9)
        place.run(from_start=True)

        assert place.expected == place.counted

    def test_no_new_lines(self, place: Place) -> None:
        """Without new lines zeros are sent all the same."""
        place.run()

        assert [0, 0] == [metric.value for metric in place.output.taken]

    def test_committed_before_sent(self, place: Place) -> None:
        """When the receiver is called, the journal has both the place and the figures."""
        seen = []

        class Looking(Memory):
            def deliver(self, batches: Sequence[Batch]) -> Receipt:
                state = place.load()
                seen.append((state.cursor[-1].offset, len(state.owed["memory"])))
                return super().deliver(batches)

        place.write(3)
        place.outputs[:] = [Looking()]
        place.run()

        assert [(21, 1)] == seen
        assert {} == place.load().owed

    def test_dry_run(self, place: Place) -> None:
        """A preview shows what the next run sends, twice in a row, and touches nothing."""
        place.write(3)
        before = {path.name: path.stat()[:7] for path in place.folder.iterdir()}
        shown = [preview(place.job())[1]["memory"][0].metrics for _ in range(2)]

        assert [(3, 3), (3, 3)] == [tuple(each.value for each in batch) for batch in shown]
        assert before == {path.name: path.stat()[:7] for path in place.folder.iterdir()}

    def test_time_of_the_state(self, place: Place) -> None:
        """The state's own time is the start of the last run."""
        place.run()

        assert place.now == place.state.stat().st_mtime

    def test_legacy(self, place: Place) -> None:
        """A state of 1.x elsewhere is taken over where it stands, and then left alone."""
        place.write(5)
        old = place.folder / "old.state"
        old.write_text(f"{place.log.stat().st_ino}\n0\n")
        place.state.unlink()
        place.run(legacy_states=[str(place.folder / "none"), str(old)])
        place.write(2)
        place.run(legacy_states=[str(old)])

        assert place.expected == place.counted

    def test_legacy_is_retired(self, place: Place) -> None:
        """Whoever removes the state after a takeover skips the log; the old place is not back."""
        place.write(5)
        names = ("old.state", "older.state", "none.state")
        states = [str(place.folder / name) for name in names]
        for state in states[:2]:
            Path(state).write_text(f"{place.log.stat().st_ino}\n0\n")
        place.state.unlink()
        preview(place.job(legacy_states=states))
        before = [os.path.exists(state) for state in states]
        place.run(legacy_states=states)
        place.state.unlink()
        place.write(2)
        report = place.run(legacy_states=states)

        assert [True, True, False] == before
        assert before == [os.path.exists(f"{state}.taken-over") for state in states]
        assert not any(map(os.path.exists, states))
        assert (5, True) == (place.counted[0], report.first)

    def test_legacy_that_stays(self, place: Place) -> None:
        """A run that cannot rename the old state says nothing of it and reads it no more."""
        old = place.folder / "old.state"
        old.write_text(f"{place.log.stat().st_ino}\n0\n")
        (place.folder / "old.state.taken-over").mkdir()
        place.state.unlink()
        for _ in range(2):
            place.write(5)
            place.run(legacy_states=[str(old)])

        assert old.exists()
        assert (place.expected, []) == (place.counted, place.notices)

    def test_rewound_by_hand(self, place: Place) -> None:
        """Who edits the first two lines rewinds the job."""
        place.write(5)
        place.run()
        _, _, rest = place.state.read_text().split("\n", 2)
        place.state.write_text(f"{place.log.stat().st_ino}\n7\n{rest}")
        place.run()

        assert (5 + 4, 10 + 10) == place.counted


class TestClock:
    def test_behind_for_one_run(self, place: Place) -> None:
        """The run after one whose clock was behind does not divide by the years between."""
        durations = []

        class Timed(Numbers):
            def get_state(self, duration: float) -> list[Metric]:
                durations.append(duration)
                return super().get_state(duration)

        right = place.now
        for now in (right, -1000.0, right + 120, right + 300):
            place.now = now
            place.run(parser=Timed)

        assert [60, FIRST_DURATION, FIRST_DURATION, 180] == durations

    def test_later_than_the_run_before(self, place: Place) -> None:
        """Timestamps grow whatever the clock does: no point overwrites another."""
        for step in (-7200, -60, -59.5, -60, 10**8, -(10**8), -61):
            place.now += step
            place.write(1)
            place.run()

        stamps = times(place.output)
        assert sorted(set(stamps)) == stamps
        assert place.expected == place.counted

    @pytest.mark.parametrize(
        ("step", "duration"), [(0, 60), (-59.9, 1), (-60, 1), (-7260, FIRST_DURATION), (40, 100)]
    )
    def test_duration(self, place: Place, step: float, duration: int) -> None:
        """The duration is never zero or less; a clock set back says nothing of it."""
        seen = []

        class Timed(Numbers):
            def get_state(self, duration: float) -> list[Metric]:
                seen.append(duration)
                return []

        place.now += step
        place.run(parser=Timed)

        assert [duration] == seen

    def test_set_back_is_said_once(self, place: Place) -> None:
        """Points that lie in the future are worth a word, but one."""
        place.run()
        place.now -= 86400
        reports = [place.run() for _ in range(3)]

        assert [1, 0, 0] == [len(report.notices) for report in reports]
        assert "The clock was set back since an earlier run of " in reports[0].notices[0]


class TestParsers:
    @pytest.mark.parametrize(
        ("method", "doing"),
        [
            ("__init__", "being made"),
            ("feed", "reading a line"),
            ("get_state", "deriving its metrics"),
        ],
    )
    @pytest.mark.parametrize("error", [ValueError("oh"), SystemExit("oh"), GeneratorExit("oh")])
    def test_raises(self, place: Place, method: str, doing: str, error: BaseException) -> None:
        """Whatever a parser raises in whatever method: the lines wait, and a sentence says so."""

        def fail(*_: Any, **__: Any) -> Any:
            raise error

        broken = type("Broken", (Numbers,), {method: fail})
        place.write(3)
        with pytest.raises(ParserError) as caught:
            place.run(parser=broken)

        said = str(caught.value)
        assert f"The parser numbers raised {type(error).__name__} while {doing}: oh (" in said
        assert f"the next run reads the same lines of {place.log} again." in said
        assert place.load().summary["error"] == said
        place.run()
        assert place.expected == place.counted
        assert place.load().summary["error"] is None

    def test_usage_error(self, place: Place) -> None:
        """A parser that refuses its options ends the run with the code for wrong use."""

        def refuse() -> None:
            raise ConfigurationError("No.")

        with pytest.raises(ConfigurationError):
            place.run(parser=refuse)

    @pytest.mark.parametrize(
        "metric",
        [Metric("x", 10**5000), Metric("x", 1, extra={"y": 10**5000})],
        ids=["value", "extra"],
    )
    def test_what_json_cannot_hold(self, place: Place, metric: Metric) -> None:
        """Metrics that the journal cannot hold are the parser's fault; nothing is half owed."""

        class Huge(Numbers):
            def get_state(self, duration: float) -> list[Metric]:
                return [metric]

        place.write(3)
        with pytest.raises(ParserError, match="while handing over what the journal shall keep"):
            place.run(parser=Huge)

        place.run()
        assert place.expected == place.counted

    @pytest.mark.parametrize("memory", [object(), {1: object()}, 10**5000], ids=type)
    def test_memory_that_json_cannot_hold(self, place: Place, memory: Any) -> None:
        """So is a memory that JSON cannot hold."""

        class Remembers(Numbers):
            keeps_memory = True

            def get_state(self, duration: float) -> list[Metric]:
                self.memory = memory
                return []

        place.write(3)
        with pytest.raises(ParserError, match="while handing over what the journal shall keep"):
            place.run(parser=Remembers)

        place.run()
        assert place.expected == place.counted

    def test_memory(self, place: Place) -> None:
        """What a parser wants back it has before the first line of the next run."""
        seen = []

        class Remembers(Numbers):
            keeps_memory = True

            def feed(self, block: bytes) -> Tally:
                seen.append(self.memory)
                return super().feed(block)

            def get_state(self, duration: float) -> list[Metric]:
                self.memory = [len(seen), "x"]
                return super().get_state(duration)

        for _ in range(3):
            place.write(1)
            place.run(parser=Remembers)

        assert [None, [1, "x"], [2, "x"]] == seen

    def test_interrupted(self, place: Place) -> None:
        """Whoever interrupts a run loses nothing."""

        class Slow(Numbers):
            def feed(self, block: bytes) -> Tally:
                raise KeyboardInterrupt

        place.write(3)
        with pytest.raises(KeyboardInterrupt):
            place.run(parser=Slow)

        place.run()
        assert place.expected == place.counted


class TestLines:
    def test_overlong(self, place: Place) -> None:
        """A line of 200 MB costs no memory; it is counted, told and passed over."""
        place.write(2)
        with place.log.open("ab") as file:
            file.write(b"x" * (200 << 20) + b"\n")
        place.write(2)
        before = _peak()
        report = place.run()

        assert _peak() - before < 16 << 10
        assert (place.expected, 1) == (place.counted, report.tally.unmatched)
        (notice,) = report.notices
        assert notice == (
            f"1 lines of {place.log} were longer than 1048576 bytes; they were passed over and "
            "count as unmatched. --max-line moves the limit."
        )
        assert [] == place.run().notices

    def test_any_bytes(self, place: Place) -> None:
        """Bytes that are not UTF-8, NUL bytes and carriage returns cost at most their line."""
        with place.log.open("ab") as file:
            file.write(b"line 0\r\n\xff\xfe\0\nline 1\n\0\0line 2\n")
        place.written = 3
        report = place.run()

        assert (place.expected, 1) == (place.counted, report.tally.unmatched)

    def test_flat_memory(self, place: Place) -> None:
        """A long catch-up takes no more memory than a short one."""
        with place.log.open("ab") as file:
            for _ in range(60):
                file.write(b"line 1\n" * 200_000)
        before = _peak()
        report = place.run()

        assert 12_000_000 == report.tally.matched
        assert _peak() - before < 16 << 10


class TestLocking:
    def test_second_run(self, place: Place) -> None:
        """A second run for the same job ends with a sentence that names the holder."""
        with Lock(f"{place.state}.lock"), pytest.raises(LockedError, match=f"pid {os.getpid()},"):
            place.run()

    def test_wait(self, place: Place) -> None:
        """Or it waits, if it may."""
        lock = Lock(f"{place.state}.lock").__enter__()
        timer = threading.Timer(0.2, lock.__exit__)
        timer.start()
        place.write(3)
        place.run(wait=10)
        timer.join()

        assert place.expected == place.counted

    def test_turns(self, place: Place) -> None:
        """Two command lines that take turns on one state are told so, once."""
        other = Memory("elsewhere")
        said = []
        for number in range(8):
            place.write(1)
            place.outputs[:] = [other if number % 2 else place.output]
            said += place.run().notices

        (notice,) = said
        assert notice == (
            f"Another command line with other options takes turns with this one on {place.state}, "
            "so that each misses the lines that the other reads. Give one of them --job NAME."
        )

    def test_changed_once(self, place: Place) -> None:
        """A job that changes its outputs or options keeps its place, and nothing is said."""
        place.write(1)
        place.run(mark="a")
        place.outputs.append(Memory("more"))
        for _ in range(3):
            place.write(1)
            place.run(mark="b")

        assert (place.expected, []) == (place.counted, place.notices)

    def test_remarks(self, place: Place) -> None:
        """What deserves a word is said once, and again when it comes back."""
        said = [place.run(remarks=each).notices for each in (["x"], ["x"], [], ["x"], ["x", "y"])]

        assert [["x"], [], [], ["x"], ["y"]] == said


class TestOwing:
    def test_outage(self, place: Place) -> None:
        """A night without a receiver comes back with its own times, oldest first."""
        place.output.failure = OutputError("Connection refused")
        for _ in range(5):
            place.write(2)
            place.run()
        (error,) = place.reports[-1].errors
        assert error == (
            "10 metrics could not be sent to memory: Connection refused. They are kept in "
            f"{place.state} and the next run sends them, with their own times."
        )
        place.output.failure = None
        place.run()

        stamps = times(place.output)
        assert (6, sorted(stamps)) == (len(set(stamps)), stamps)
        assert place.expected == place.counted

    def test_each_on_its_own(self, place: Place) -> None:
        """A dead receiver neither delays a live one nor makes it get anything twice."""
        released = threading.Event()

        class Hanging(Memory):
            def deliver(self, batches: Sequence[Batch]) -> Receipt:
                released.wait(10)
                return Receipt(0, 0, OutputError("timed out"))

        place.outputs[:] = [Hanging("dead"), place.output]
        place.write(3)
        thread = threading.Thread(target=place.run)
        thread.start()
        deadline = time.monotonic() + 8
        while place.state.read_text().count('"memory":1') or not place.output.taken:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert {"dead"} == place.load().owed.keys()
        released.set()
        thread.join()
        place.write(2)
        place.run()

        assert place.expected == place.counted
        assert len(place.output.taken) == len(place.output.points)
        assert 2 == len(place.load().owed["dead"])

    @pytest.mark.parametrize("count", [1, 2])
    @pytest.mark.parametrize("error", [RuntimeError("oh"), SystemExit(0), SystemExit("bye")])
    def test_third_party(self, place: Place, error: BaseException, count: int) -> None:
        """An exception or an exit from an output means not delivered, and the others go on."""
        place.outputs += [Memory(f"memory {number}") for number in range(1, count)]
        place.output.failure = error
        place.write(3)
        report = place.run()
        place.output.failure = None
        place.run()

        assert place.expected == place.counted
        assert f"to memory: {type(error).__name__}: {error}. They are kept" in report.errors[0]

    def test_same_target(self, place: Place) -> None:
        """Two outputs with one name for their receiver each get everything once."""
        twin = Memory()
        place.outputs.append(twin)
        place.write(3)
        place.output.failure = OutputError("no")
        place.run()
        place.output.failure = None
        place.run()

        assert place.expected == place.counted
        assert place.output.points == twin.points
        assert len(twin.taken) == len(twin.points)

    @pytest.mark.parametrize("owing", [Owing.SUM, Owing.TOTAL])
    def test_without_timestamps(self, place: Place, owing: Owing) -> None:
        """A backend that knows no times is owed one batch, in which no count is missing."""
        output = Memory("plain", owing)
        place.outputs[:] = [output]
        output.failure = OutputError("no")
        for _ in range(3):
            place.write(2)
            place.run()
        assert place.reports[-1].errors[0].endswith(" and the next run sends them.")
        output.failure = None
        place.write(1)
        place.run()

        assert [7, 21] == [metric.value for metric in output.taken]

    def test_forgotten_target(self, place: Place) -> None:
        """What is owed to an output no longer asked for is kept for a while, then given up."""
        gone = Memory("gone")
        gone.failure = OutputError("no")
        place.outputs.append(gone)
        place.run(outbox_age=200)
        del place.outputs[1]
        said = [len(place.run(outbox_age=200).notices) for _ in range(5)]

        assert ([1, 0, 0, 1, 0], 1, {}) == (said, place.load().dropped, place.load().owed)

    def test_forgotten_target_is_told(self, place: Place) -> None:
        """Whoever renames a receiver hears of what the old one lacks, and no run fails for it."""
        place.output.failure = OutputError("no")
        place.run()
        place.outputs[:] = [Memory("new")]
        place.run()

        (notice,) = place.reports[-1].notices
        assert "owed to memory, which is no longer among the outputs" in notice
        assert (["memory"], None) == ([*place.load().owed], place.load().summary["error"])

        place.outputs[:] = [Memory("memory")]
        place.run()

        assert {} == place.load().owed

    def test_full_outbox(self, place: Place) -> None:
        """An outbox that is full gives up its oldest batches, counts them and says so."""
        place.output.failure = OutputError("no")
        for _ in range(10):
            place.run(outbox_bytes=500)

        (notice,) = place.reports[-1].notices
        assert notice == (
            "1 batches that could not be delivered were given up, or their timers to keep the "
            f"rest: the outbox of {place.state} holds 500 bytes and 604800 s at most."
        )
        kept = len(place.load().owed["memory"])
        assert (10 - kept, True) == (place.load().dropped, 1 < kept < 6)

    def test_no_outbox(self, place: Place) -> None:
        """Without an outbox a receiver that lives gets all, and one that does not is told of."""
        place.write(3)
        place.run(outbox_bytes=0, outbox_age=0)
        assert (place.expected, []) == (place.counted, place.reports[-1].notices)

        place.output.failure = OutputError("no")
        place.run(outbox_bytes=0, outbox_age=0)

        (notice,) = place.reports[-1].notices
        assert notice.startswith("1 batches that could not be delivered were given up")
        assert {} == place.load().owed

    def test_a_failing_run_delivers_what_is_owed(self, place: Place) -> None:
        """A log that is gone is no reason to keep back what an earlier run owes."""
        place.output.failure = OutputError("no")
        place.write(3)
        place.run()
        place.output.failure = None
        place.log.unlink()
        with pytest.raises(LogError):
            place.run()

        assert place.expected == place.counted
        assert "does not exist" in place.load().summary["error"]

    def test_one_write_while_nothing_changes(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A receiver that is down all night costs each run one write of the journal."""
        place.output.failure = OutputError("no")
        place.run()
        commits = []
        commit = Journal.commit

        def counted(self: Journal, state: Any) -> None:
            commits.append(state)
            commit(self, state)

        monkeypatch.setattr(Journal, "commit", counted)
        place.run()

        assert 1 == len(commits)
        assert place.load().summary["error"] == "Metrics could not be sent to memory: no."

    def test_large_backlog(self, place: Place) -> None:
        """Ten thousand batches are sent in seconds."""
        state = place.load()
        for number in range(10_000):
            metrics = [Metric("count", number % 7, timestamp=number, kind="c")] * 10
            state.owe_each("memory", Batch(number, tuple(metrics)))
        Journal(str(place.state)).commit(state)
        started = time.process_time()
        place.run(outbox_age=1e10)

        assert time.process_time() - started < 5
        assert 100_002 == len(place.output.taken)


class TestState:
    def test_corrupt(self, place: Place) -> None:
        """A state of which nothing is left is set aside; the job takes its place anew."""
        place.write(3)
        place.state.write_text("rubbish")
        (error,) = place.run().errors
        place.write(2)
        place.run()

        assert error == (
            f"The state {place.state} does not start with an inode and an offset. This run takes "
            f"its place at the end of {place.log}, and lines written since the last good run are "
            f"not counted. It is in {place.state}.corrupt."
        )
        assert (2, "rubbish") == (
            place.counted[0],
            Path(f"{place.state}.corrupt").read_text(),
        )

    def test_damaged(self, place: Place) -> None:
        """A state whose first lines are whole keeps the job's place."""
        place.write(3)
        place.state.write_text(place.state.read_text()[:-9])
        (error,) = place.run().errors
        place.run()

        assert "Its first two lines still tell the place in " in error
        assert (place.expected, 1) == (place.counted, len(place.notices))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"[18", b"[x8"),
            (b"[18", b'["",18'),
            (b"[18", b"[1.8"),
            (b"sum", b"sum\xff"),
            (b',"",', b","),
            (b'"c"', b"7"),
            (b"]]]", b"]"),
        ],
    )
    def test_damaged_batch(self, place: Place, old: bytes, new: bytes) -> None:
        """A damaged batch is set aside, counted as given up and told once; the others are sent."""
        place.output.failure = OutputError("no")
        for _ in range(4):
            place.write(1)
            place.run()
        lines = place.state.read_bytes().split(b"\n")
        lines[4] = lines[4].replace(old, new)
        lines[5] = b""
        place.state.write_bytes(b"\n".join(lines))
        place.output.failure = None

        shown, owed = preview(place.job())
        first, second = place.run(), place.run()

        sentence = (
            f"2 of the batches owed in the state {place.state} are damaged and given up; the "
            f"others are sent. It is in {place.state}."
        )
        assert ([sentence], 3) == (shown.errors, len(owed["memory"]))
        assert ([f"{sentence[:-1]}.corrupt."], []) == (first.errors, second.errors)
        assert lines == Path(f"{place.state}.corrupt").read_bytes().split(b"\n")
        assert (2, 2) == (place.counted[0], place.load().dropped)

    def test_edited_batch(self, place: Place) -> None:
        """A batch that somebody edited and left a batch is sent as it is now."""
        place.output.failure = OutputError("no")
        place.write(1)
        place.run()
        text = place.state.read_text()
        place.state.write_text(text.replace('"count",1,', '"count", 5,'))
        place.output.failure = None

        assert ([], 5) == (place.run().errors, place.counted[0])

    def test_of_another_log(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two logs that give a state the same name are told apart, and nothing is read or sent."""
        place.output.failure = OutputError("no")
        place.write(3)
        place.run()
        place.output.failure = None
        other = place.folder / "other" / "app.log"
        other.parent.mkdir()
        other.write_bytes(place.log.read_bytes())
        before = place.state.read_bytes()
        monkeypatch.chdir(other.parent)

        for refused in (place.run, lambda **changes: preview(place.job(**changes))):
            for log in (str(other), "app.log"):
                with pytest.raises(StateError) as caught:
                    refused(log=log)
                assert str(caught.value) == (
                    f"The state {place.state} is that of the log {place.log}, and {other} gives it "
                    "the same name. Nothing was read or sent; give one of the two --job NAME."
                )
        assert (before, []) == (place.state.read_bytes(), place.output.taken)
        monkeypatch.chdir(place.folder)
        place.run(log="app.log")
        assert place.expected == place.counted

    @pytest.mark.parametrize("way", ["unnormalised", "linked", "tree", "renamed"])
    def test_of_a_moved_log(self, place: Place, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
        """A log that was moved, or is spelled or reached otherwise now, is the same log."""
        place.write(2)
        place.run()
        place.write(3)
        known, log = str(place.log), str(place.log)
        if way == "unnormalised":
            known = f"{place.folder}//app.log"
        elif way == "linked":
            for release in ("1", "2"):
                (place.folder / release).symlink_to(place.folder)
            known, log = (f"{place.folder}/{release}/app.log" for release in "12")
        else:
            log = str(place.folder / "moved.log")
            place.log.rename(log)
        if way == "tree":
            monkeypatch.chdir(place.folder)
            log = "moved.log"
        if way == "renamed":  # and the place it had is taken
            place.log.write_bytes(b"")
        state = place.load()
        state.summary["log"] = known
        Journal(str(place.state)).commit(state)
        place.run(log=log)

        summary = place.load().summary
        assert place.expected == place.counted
        assert (os.path.abspath(log), None) == (summary["log"], summary["error"])

    def test_of_a_log_in_another_place(self, place: Place) -> None:
        """A log that was copied elsewhere, and rotated there, is known by what it holds."""
        place.write(100)
        place.run()
        place.write(5)
        other = place.folder / "other"
        other.mkdir()
        (other / "app.log.1").write_bytes(place.log.read_bytes())
        place.log.unlink()
        place.log = other / "app.log"
        place.write(7)
        place.run(log=str(place.log))

        assert place.expected == place.counted
        assert str(place.log) == place.load().summary["log"]

    @pytest.mark.parametrize("kept", [b"", b"line 0\n"])
    def test_while_its_log_is_absent(self, place: Place, kept: bytes) -> None:
        """Another log does not take the place of one that is absent for a moment."""
        place.log.write_bytes(kept)
        place.written = len(kept.splitlines())
        place.state.unlink()
        place.run()
        place.write(3)
        place.rotate(create=False)
        other = place.folder / "other" / "app.log"
        other.parent.mkdir()
        other.write_bytes(b"line 7\n" * 30)
        with pytest.raises(StateError, match="gives it the same name"):
            place.run(log=str(other))
        place.write(2)
        place.run()

        assert 5 == place.counted[0]

    def test_of_an_unknown_log(self, place: Place) -> None:
        """A state that does not tell its log, or not from the root, is taken as it is."""
        for log in ("app.log", None):
            state = place.load()
            state.summary["log"] = log
            if log is None:
                del state.summary["log"]
            Journal(str(place.state)).commit(state)
            place.write(2)
            place.run()

        assert place.expected == place.counted

    def test_of_a_newer_version(self, place: Place) -> None:
        """A state of a newer version is refused and left as it is."""
        text = '1\n2\n{"format":9}\n'
        place.state.write_text(text)
        with pytest.raises(StateError, match="format 9, this one knows 2"):
            place.run()

        assert text == place.state.read_text()

    def test_summary(self, place: Place) -> None:
        """The summary tells `logster status` of the last run, and of losses since the start."""
        place.write(3)
        place.rotate()
        place.write(2)
        place.write_half()
        place.run()
        summary = place.load().summary
        run_time = summary.pop("run_time")

        assert run_time >= 0
        assert summary == {
            "log": str(place.log),
            "parser": "numbers",
            "outputs": ["memory"],
            "lines": 5,
            "matched": 5,
            "ignored": 0,
            "unmatched": 0,
            "bytes": 35,
            "lag": 3,
            "refused": 0,
            "complaint": None,
            "error": None,
            "undelivered": {},
            "bytes_lost": 0,
            "gaps": 0,
            "rotations": 1,
        }

    def test_rotation_undone(self, place: Place) -> None:
        """A rotation that was undone is no negative one."""
        place.write(3)
        place.rotate()
        place.write(2)
        place.run()
        place.log.unlink()
        place.log.with_name("app.log.1").rename(place.log)
        place.write(1)
        place.run()

        assert 1 == place.load().summary["rotations"]

    def test_too_many_unmatched(self, place: Place) -> None:
        """Lines that are not understood fail the run if asked for, and `logster status` sees it."""
        place.write(1)
        with place.log.open("ab") as file:
            file.write(b"what?\n")
        place.run(max_unmatched=49.0)

        (error,) = place.reports[-1].errors
        assert error.startswith("1 of 2 lines")
        assert (place.expected, error) == (place.counted, place.load().summary["error"])

        place.run(max_unmatched=49.0)

        assert ([], None) == (place.reports[-1].errors, place.load().summary["error"])


class TestAboutItself:
    def test_figures(self, place: Place) -> None:
        """A run sends figures about itself under a prefix of the user's choice."""
        place.write(3)
        with place.log.open("ab") as file:
            file.write(b"what?\n" + b"x" * 2000 + b"\n")
        place.rotate()
        place.write(1)
        place.write_half()
        place.run(self_prefix="me", max_line=1000)
        own = {name: value for (name, _), value in place.output.points.items() if "me." in name}
        run_time = own.pop("me.run_time")

        assert 0 <= run_time < 5
        assert own == {
            "me.lines_read": 6,
            "me.lines_matched": 4,
            "me.lines_ignored": 0,
            "me.lines_unmatched": 1,
            "me.lines_failed": 1,
            "me.bytes_read": 28 + 6 + 2001,
            "me.bytes_lost": 0,
            "me.gaps": 0,
            "me.rotations": 1,
            "me.lag": 3,
            "me.backlog": 0,
            "me.batches_dropped": 0,
            "me.metrics_refused": 0,
        }

    def test_losses(self, place: Place) -> None:
        """Bytes that are truly gone are a metric, once."""
        place.write_half()
        place.run(self_prefix="me")
        place.log.rename(place.folder / "moved away")
        with place.log.open("ab") as file:
            file.write(b"line 1\n")
        for _ in range(2):
            place.run(self_prefix="me")

        assert [0, 3, 0] == [
            each.value for each in place.output.taken if each.name == "me.bytes_lost"
        ]
        assert 1 == len(place.notices)


def _peak() -> int:
    """Return the most memory that this process ever had, in kilobytes, and start over."""
    Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


class TestFirstRun:
    def test_parser_that_refuses(self, tmp_path: Path) -> None:
        """A parser that cannot be made is told at once, and from there on no line is missed."""

        def refuse() -> Numbers:
            raise ConfigurationError("These options are no good.")

        place = Place(tmp_path)
        place.log.touch()
        with pytest.raises(ConfigurationError, match="no good"):
            place.run(parser=refuse)
        assert "These options are no good." == place.load().summary["error"]
        place.write(3)
        place.run()

        assert place.expected == place.counted

    def test_remark(self, tmp_path: Path) -> None:
        """What deserves a word once is said by the first run, and not again by the next."""
        place = Place(tmp_path)
        place.log.touch()
        for _ in range(2):
            place.run(remarks=["Mind the gap."])

        assert ["Mind the gap."] == place.notices


class TestRefused:
    def test_told_once(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Metrics that a receiver cannot take do not vanish without a word; one word is enough."""
        deliver = place.output.deliver
        refused = iter([2, 3, 0, 1])
        monkeypatch.setattr(
            place.output,
            "deliver",
            lambda batches: deliver(batches)._replace(refused=next(refused)),
        )
        for _ in range(4):
            place.run()

        (notice,) = place.notices
        assert notice.startswith(f"2 metrics of {place.log} could not be sent as they are: ")


def test_moved_log_and_a_rotation_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotated file that moves on while a moved log is looked at ends no run in a traceback."""
    place.write(5)
    place.run()
    folder = place.folder / "new"
    folder.mkdir()
    place.log.rename(folder / "app.log.1")
    place.log = folder / "app.log"
    place.log.touch()
    real = Shelf.open

    def late(shelf: Shelf, candidate: Candidate) -> Generation:
        path = Path(candidate.path)
        if path.name == "app.log.1" and path.exists():
            path.rename(path.with_name("app.log.2"))
        return real(shelf, candidate)

    monkeypatch.setattr(Shelf, "open", late)
    place.write(2)
    place.run()

    assert place.expected == place.counted

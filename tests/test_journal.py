"""What a job knows from one run to the next, in one file that is replaced in one step."""

import json
import math
import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logster.errors import StateError
from logster.generation import Position
from logster.journal import Backlog, CorruptStateError, Journal, State
from logster.metrics import Batch, Metric


PLACE = Position(7, 90, 1, 64, 2, "/var/log/x", 95, 3, 4)


def batch(time: int, *values: float, kind: str = "g") -> Batch:
    """Return a batch of metrics named a, b and so on."""
    names = "abcdefgh"
    return Batch(
        time,
        tuple(
            Metric(names[number], value, timestamp=time, kind=kind)
            for number, value in enumerate(values)
        ),
    )


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Journal:
    """Return a journal that has no file yet."""
    return Journal(str(tmp_path / "job.state"))


def reload(journal: Journal, state: State) -> State:
    """Return *state* after it was written and read."""
    journal.commit(state)
    loaded = journal.load()
    assert loaded
    return loaded


class TestJournal:
    def test_nothing_yet(self, journal: Journal) -> None:
        """Without a file there is no state."""
        assert journal.load() is None

    def test_everything_comes_back(self, journal: Journal) -> None:
        """A state is read as it was written, infinities and lone surrogates included."""
        state = State(
            cursor=(PLACE._replace(inode=6, copied=True), PLACE),
            last_run=12.5,
            last_time=13,
            summary={"error": None},
        )
        state.totals = {"t": {"a": 3}}
        state.dropped = 2
        state.memory = {"x": [1, None, "\udc80"]}
        state.callers = ["1", "2"]
        state.said = ["3"]
        state.owe_each("one", batch(1, 1, 2.5, math.inf))
        state.owe_each("one", batch(2, -1))
        state.owe_each("two", Batch(3, (Metric("\udc80\n", "\n[", extra={"tags": ["x"]}),)))

        loaded = reload(journal, state)

        assert state.owed["one"][:] == loaded.owed.pop("one")[:]
        assert state.owed["two"][:] == loaded.owed.pop("two")[:]
        state.owed = {}
        assert vars(state) == vars(loaded)

    def test_not_a_number(self, journal: Journal) -> None:
        """A value that is no number does not make the journal unreadable."""
        state = State(cursor=(PLACE,))
        state.owe_each("one", batch(1, math.nan))

        value = reload(journal, state).owed["one"][0].metrics[0].value

        assert isinstance(value, float)
        assert math.isnan(value)

    def test_lines_of_1x(self, journal: Journal) -> None:
        """The first two lines are those of 1.x."""
        journal.commit(State(cursor=(PLACE._replace(inode=1), PLACE)))

        assert b"7\n90\n" == Path(journal.path).read_bytes()[:5]

    def test_owner_only(self, journal: Journal) -> None:
        """Nobody else may read the state, and its time is that of the last run's start."""
        journal.commit(State(cursor=(PLACE,), last_run=1234.5))
        status = os.stat(journal.path)

        assert (0o600, 1234.5) == (stat.S_IMODE(status.st_mode), status.st_mtime)

    def test_left_by_a_killed_run(self, journal: Journal) -> None:
        """A half-written file that a killed run left is in nobody's way."""
        Path(journal.path + ".new").write_text("half")

        assert (PLACE,) == reload(journal, State(cursor=(PLACE,))).cursor
        assert ["job.state"] == os.listdir(os.path.dirname(journal.path))

    @pytest.mark.parametrize("where", ["job.state", "job.state.new"])
    def test_symbolic_link(self, journal: Journal, tmp_path: Path, where: str) -> None:
        """A symbolic link is never followed: neither read, nor written through."""
        victim = tmp_path / "victim"
        victim.write_text("1\n2\n")
        (tmp_path / where).symlink_to(victim)
        if where == "job.state":
            with pytest.raises(StateError, match="it is a symbolic link, and none is followed"):
                journal.load()

        journal.commit(State(cursor=(PLACE,)))

        assert "1\n2\n" == victim.read_text()

    @pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
    def test_no_file(self, journal: Journal, make: object) -> None:
        """A directory or a FIFO is refused at once."""
        assert callable(make)
        make(journal.path)

        with pytest.raises(StateError, match="cannot be read: it is no regular file"):
            journal.load()

    @pytest.mark.parametrize("text", ["", "x", "7", "7\n", "7\nx\n", "\0\n\0\n", "é\n1\n"])
    def test_rubbish(self, journal: Journal, text: str) -> None:
        """What does not start with two numbers is no state."""
        Path(journal.path).write_text(text)

        with pytest.raises(CorruptStateError, match="does not start with an inode") as caught:
            journal.load()
        assert caught.value.rescued is None

    @given(cut=st.integers(min_value=8))
    def test_cut_short(self, tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
        """A state that is cut short anywhere is damaged, and its first lines tell the place."""
        journal = Journal(str(tmp_path_factory.mktemp("state") / "job.state"))
        state = State(cursor=(PLACE,))
        state.owe_each("one", batch(1, 1, 2))
        journal.commit(state)
        whole = Path(journal.path).read_bytes()
        Path(journal.path).write_bytes(whole[: 6 + cut % (len(whole) - 8)])

        with pytest.raises(CorruptStateError, match="is damaged") as caught:
            journal.load()
        assert caught.value.rescued
        assert (7, 90) == caught.value.rescued.cursor[0][:2]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("summary", "[]"),
            ("summary", '{"undelivered":null}'),
            ("summary", '{"undelivered":{"a":1}}'),
            ("summary", '{"log":7}'),
            ("summary", '{"outputs":7}'),
            ("summary", '{"gaps":"1"}'),
            ("dropped", "null"),
            ("callers", "7"),
            ("said", "[1]"),
            ("totals", '{"a":{"b":"c"}}'),
            ("last_run", "NaN"),
            ("last_run", "1e300"),
            ("last_run", '"1"'),
            ("last_time", "-Infinity"),
            ("last_time", "null"),
            ("owed", '{"a":-1}'),
            ("owed", '{"a":null}'),
            ("cursor", "{}"),
            ("cursor", "[7]"),
            ("cursor", "[[7]]"),
            ("cursor", "[[7,-1]]"),
            ("cursor", '[[7,90,"",0]]'),
        ],
    )
    def test_wrong_types(self, journal: Journal, name: str, text: str) -> None:
        """A state with something else in the place of what runs rely on is damaged."""
        journal.commit(State(cursor=(PLACE,)))
        inode, offset, line, _ = Path(journal.path).read_text().split("\n")
        content = json.loads(line) | {name: json.loads(text)}
        Path(journal.path).write_text(f"{inode}\n{offset}\n{json.dumps(content)}\n")

        part = "last_run" if name == "last_time" else name
        with pytest.raises(CorruptStateError) as caught:
            journal.load()
        assert f"is damaged: its part '{part}' makes no sense." in str(caught.value)
        assert caught.value.rescued
        assert (7, 90) == caught.value.rescued.cursor[0][:2]

    def test_set_aside(self, journal: Journal) -> None:
        """A damaged state is kept for whoever wants to look at it."""
        for text in ("one", "two"):
            Path(journal.path).write_text(text)

            assert text == Path(journal.set_aside()).read_text()

    def test_of_the_future(self, journal: Journal) -> None:
        """A newer format is refused, not guessed at and not set aside."""
        Path(journal.path).write_text('7\n90\n{"format":99}\n')

        with pytest.raises(StateError, match="written by another version of logster") as caught:
            journal.load()
        assert not isinstance(caught.value, CorruptStateError)

    @pytest.mark.parametrize("text", ["7\n90\n", "7\n90"])
    def test_of_1x(self, journal: Journal, text: str) -> None:
        """The two lines of 1.x are a place, and the file's time is that of the last run."""
        Path(journal.path).write_text(text)
        os.utime(journal.path, (5000, 5000))

        state = journal.load()

        assert state
        assert (7, 90, None) == state.cursor[0][:3]
        assert 5000 == state.last_run

    def test_edited(self, journal: Journal) -> None:
        """Whoever edits the first two lines moves the cursor; all else stays."""
        older = PLACE._replace(inode=5, offset=44)
        journal.commit(State(cursor=(older, PLACE), last_time=9))
        path = Path(journal.path)
        path.write_bytes(path.read_bytes().replace(b"7\n90\n", b"7\n10\n", 1))

        state = journal.load()

        assert state
        assert [(5, 44), (7, 10)] == [each[:2] for each in state.cursor]
        assert 9 == state.last_time

    def test_edited_to_an_older_file(self, journal: Journal) -> None:
        """Who goes back to an older file reads that and all after it again."""
        journal.commit(State(cursor=(PLACE._replace(inode=5), PLACE)))
        path = Path(journal.path)
        path.write_bytes(path.read_bytes().replace(b"7\n90\n", b"5\n0\n", 1))

        state = journal.load()

        assert state
        assert [(5, 0)] == [each[:2] for each in state.cursor]

    def test_no_such_folder(self, tmp_path: Path) -> None:
        """A state that cannot be written is an error that says why."""
        journal = Journal(str(tmp_path / "gone" / "job.state"))

        with pytest.raises(StateError, match="cannot be written: No such file or directory"):
            journal.commit(State(cursor=(PLACE,)))

    def test_folder_that_cannot_be_read(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A state that was replaced is not said to stand as it was, synced folder or not."""

        def refuse(path: str) -> None:
            raise PermissionError(13, "Permission denied", path)

        monkeypatch.setattr("logster.journal._sync_folder", refuse)

        assert 7 == reload(journal, State((PLACE,), last_time=7)).last_time

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
    def test_owner_stays(self, journal: Journal) -> None:
        """A run by root, by hand, leaves the state to the user whose job it is."""
        journal.commit(State())
        os.chown(journal.path, 65534, 65534)
        journal.commit(State())

        status = os.stat(journal.path)
        assert (65534, 65534, 0o600) == (status.st_uid, status.st_gid, status.st_mode & 0o777)


class TestState:
    def test_each(self) -> None:
        """Every batch is owed with its own time, oldest first."""
        state = State()
        state.owe_each("one", batch(1, 1))
        state.owe_each("one", batch(2, 2))

        assert [batch(1, 1), batch(2, 2)] == state.owed["one"][:]

    def test_sum(self) -> None:
        """One batch is owed: the newest gauges, counters added up."""
        state = State()
        state.owe_sum("one", batch(1, 5, kind="c"))
        state.owe_sum("one", batch(2, 6, kind="c"))

        assert [batch(2, 11, kind="c")] == state.owed["one"][:]

    def test_total(self) -> None:
        """Counters are owed since the job began, those of no line in this run too."""
        state = State()
        state.owe_total("one", batch(1, 5, 7, kind="c"))
        state.paid("one", 1)
        state.owe_total("one", batch(2, 6, kind="c"))

        (owed,) = state.owed["one"]
        assert {"a": 11, "b": 7} == {each.name: each.value for each in owed.metrics}

    def test_total_of_all_kinds(self) -> None:
        """All values of a timer or set are owed; a gauge and a counter of one name are two."""
        timers = [Metric("t", value, kind="ms") for value in (10, 20, 60)]
        users = [Metric("u", value, kind="s") for value in ("ann", "bob")]
        both = [Metric("n", 1, kind="c"), Metric("n", 5), Metric("n", 2, kind="c")]
        state = State()
        state.owe_total("one", Batch(7, (*timers, *users, *both)))

        (owed,) = state.owed["one"]
        assert [10, 20, 60, "ann", "bob", 3, 5] == [each.value for each in owed.metrics]

    def test_total_of_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond a bound the counters that were silent longest are forgotten."""
        monkeypatch.setattr("logster.journal.MAX_TOTALS", 2)
        state = State()
        state.owe_total("one", batch(1, 5, 7, kind="c"))
        state.owe_total("one", batch(2, 5, kind="c"))
        state.owe_total("one", Batch(3, (Metric("new", 1, timestamp=3, kind="c"),)))

        (owed,) = state.owed["one"]
        assert {"new": 1, "a": 10} == {each.name: each.value for each in owed.metrics}

    def test_paid(self) -> None:
        """What is paid is forgotten, and a receiver that has everything is owed nothing."""
        state = State()
        for number in range(3):
            state.owe_each("one", batch(number, 1))
        state.paid("one", 2)

        assert [batch(2, 1)] == state.owed["one"][:]
        state.paid("one", 1)
        state.paid("two", 1)
        assert ({}, 0) == (state.owed, state.backlog())

    def test_too_old(self) -> None:
        """Batches that are too old are given up and counted."""
        state = State()
        for number in range(10):
            state.owe_each("one", batch(number, 1))
            state.owe_each("two", batch(number + 5, 1))

        assert 8 + 3 == state.trim(8, 10**6)
        assert [8, 8] == [owed.oldest for owed in state.owed.values()]
        assert (11, 9) == (state.dropped, state.backlog())

    @given(room=st.integers(0, 3000), counts=st.lists(st.integers(0, 20), max_size=3))
    def test_too_many(self, room: int, counts: list[int]) -> None:
        """What is kept fits, and is the newest of what there was."""
        state = State()
        for target, count in enumerate(counts):
            for number in range(count):
                state.owe_each(str(target), batch(number, 1, 2))
        before = state.backlog()
        times = sorted(each.time for owed in state.owed.values() for each in owed)

        dropped = state.trim(-1, room)

        kept = [each for owed in state.owed.values() for each in owed]
        size = sum(len(line) for owed in state.owed.values() for line in owed.lines)
        assert size <= room
        assert (before, dropped) == (len(kept) + state.dropped, state.dropped)
        assert dropped == 0 or size + 200 > room
        assert times[dropped:] == sorted(each.time for each in kept)

    def test_timers_go_first(self) -> None:
        """The sum of a whole outage is not given up for the sake of its timers."""
        state = State()
        timers = tuple(Metric("t", number, kind="ms") for number in range(1000))
        for number in range(3):
            state.owe_sum("one", Batch(number, (Metric("n", 5, kind="c"), *timers)))
            assert 1 == state.trim(0, 1000)

        (owed,) = state.owed["one"]
        assert [("n", 15)] == [(each.name, each.value) for each in owed.metrics]
        assert (3, 1) == (state.dropped, state.trim(0, 10))

    def test_large_backlog(self, journal: Journal) -> None:
        """Thousands of batches cost a run milliseconds, since nobody looks into them."""
        state = State(cursor=(PLACE,))
        values = [float(number) for number in range(8)]
        for number in range(10_000):
            state.owe_each("one", batch(number, *values))
        journal.commit(state)
        started = time.process_time()

        loaded = journal.load()
        assert loaded
        loaded.owe_each("one", batch(10_001, 1))
        assert (0, 80_001) == (loaded.trim(0, 1 << 30), loaded.owed["one"].metrics)
        journal.commit(loaded)

        assert time.process_time() - started < 1


def test_backlog_is_decoded_when_asked_for() -> None:
    """A backlog is a sequence of batches, whatever their lines hold."""
    backlog = Backlog()
    backlog.append(batch(1, 1))
    backlog.append(batch(2, 1, 2))

    assert (2, 3, 1) == (len(backlog), backlog.metrics, backlog.oldest)
    assert batch(2, 1, 2) == backlog[-1]
    assert [batch(1, 1), batch(2, 1, 2)] == list(backlog)
    assert [1, 2, json.loads(json.dumps(batch(2, 1, 2).metrics))] == [
        1,
        2,
        json.loads(backlog.lines[1])[2],
    ]

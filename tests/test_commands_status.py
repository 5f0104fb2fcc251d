"""``logster status``: how each job stands."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from commanding import Outcome, invoke
from running import Bench

from logster.commands.status import command
from logster.journal import Journal, State
from logster.metrics import Batch, Metric
from logster.tail import end_of


class Place:
    """A folder with a log and the states of jobs."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "app.log"
        self.log.write_text("one\ntwo\n")
        self.states = folder / "states"
        self.states.mkdir()

    def job(self, name: str = "job", *, ago: float = 90, **changes: Any) -> Path:
        """Write the state of a job whose last run read the log to its end."""
        summary = {"log": str(self.log), "parser": "postfix", "lines": 200, "unmatched": 1}
        state = State(end_of(str(self.log)), last_run=time.time() - ago)
        state.summary = {**summary, **changes.pop("summary", {})}
        for target, batches in changes.pop("owed", {}).items():
            for batch in batches:
                state.owe_each(target, batch)
        for attribute, value in changes.items():
            setattr(state, attribute, value)
        path = self.states / f"{name}.state"
        Journal(str(path)).commit(state)
        return path

    def status(self, *words: object) -> Outcome:
        """Run the command on all states."""
        return invoke(command, "--state-dir", self.states, *words)

    def first(self, *words: object) -> dict[str, Any]:
        """Return the first job that ``--json`` prints."""
        job: dict[str, Any] = json.loads(self.status("--json", *words).out)["jobs"][0]
        return job


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class TestLevels:
    def test_ok(self, place: Place) -> None:
        """Jobs that stand well are listed under one line that Nagios likes, with exit code 0."""
        place.job("a")
        place.job("b")

        code, out, _ = place.status()

        assert code == 0
        assert out.splitlines()[0] == (
            "LOGSTER OK - 2 jobs | jobs=2 age=90s;;;0 lag=0B;;;0 backlog=0;0;;0 lost=0B;;;0"
        )
        assert len(out.splitlines()) == 4

    def test_last_error(self, place: Place) -> None:
        """A job whose last run failed is critical, and its sentence is shown."""
        place.job("a")
        place.job("b", summary={"error": "The disk | is full."})

        code, out, _ = place.status()

        assert code == 2
        assert out.startswith(
            f"LOGSTER CRITICAL - 1 of 2 jobs: {place.log}: The disk / is full. | jobs=2 "
        )
        assert "b.state\n  The disk / is full." in out

    def test_too_old(self, place: Place) -> None:
        """A job whose last run is longer ago than allowed is critical."""
        place.job(ago=7300)

        code, out, _ = place.status("--max-age", 3600)

        assert code == 2
        assert "The last run started 2 h ago, more than 3600 s." in out
        assert place.status("--max-age", 7400).code == 0

    def test_backlog(self, place: Place) -> None:
        """Batches that are owed are a warning, unless as many are allowed."""
        batch = Batch(1, (Metric("up", 1),))
        place.job(owed={"graphite at mx:2003": [batch, batch], "statsd": [batch]})

        code, out, _ = place.status()

        assert code == 1
        assert "Batches are owed: 2 to graphite at mx:2003, 1 to statsd." in out
        assert place.status("--max-backlog", 3).code == 0

    def test_backlog_with_reason(self, place: Place) -> None:
        """Why a receiver did not get what it is owed is said beside it."""
        batch = Batch(1, (Metric("up", 1),))
        reasons = {"undelivered": {"graphite at mx:2003": "Connection refused"}}
        place.job(owed={"graphite at mx:2003": [batch]}, summary=reasons)

        assert "1 to graphite at mx:2003 (Connection refused)." in place.status().out

    def test_lag(self, place: Place) -> None:
        """More unread bytes than allowed are a warning."""
        place.job()
        with place.log.open("a") as log:
            log.write("three\n")

        assert place.status().code == 0
        assert place.status("--max-lag", 6).code == 0
        code, out, _ = place.status("--max-lag", 5)
        assert (code, "6 bytes unread, more than 5." in out) == (1, True)

    def test_unmatched(self, place: Place) -> None:
        """More unmatched lines than allowed are a warning that says what shows them."""
        place.job()

        code, out, _ = place.status("--max-unmatched", 0.4)

        assert code == 1
        assert f"logster why postfix {place.log} shows them." in out
        assert place.status("--max-unmatched", 0.5).code == 0

    def test_worst_counts(self, place: Place) -> None:
        """What is broken outranks what cannot be seen, and that outranks a warning."""
        place.job("a", owed={"statsd": [Batch(1, ())]})
        (place.states / "b.state").write_text("rubbish")

        assert place.status().code == 3
        place.job("c", summary={"error": "It failed."})
        assert place.status().code == 2


class TestUnknown:
    def test_no_state(self, place: Place) -> None:
        """No job at all is unknown."""
        code, out, _ = place.status()

        assert code == 3
        assert out.startswith(f"LOGSTER UNKNOWN - there is no state in {place.states}")

    def test_no_folder(self, tmp_path: Path) -> None:
        """A folder that is not there holds no job."""
        assert invoke(command, "--state-dir", tmp_path / "none").code == 3

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"rubbish",
            b"1\n2\n{",
            b"1\n2\n[]",
            b'1\n2\n{"format":99}',
            b'1\n2\n{"format":2,"cursor":[],"last_run":1,"last_time":1,"owed":{}}',
            b'1\n2\n{"format":2,"cursor":[],"last_run":1,"last_time":1,"owed":{},"totals":0,\
            "dropped":"x","memory":null,"callers":[],"said":[],"summary":7}',
        ],
    )
    def test_damaged(self, place: Place, content: bytes) -> None:
        """A state that makes no sense is unknown, whatever it holds."""
        (place.states / "x.state").write_bytes(content)

        code, out, _ = place.status()

        assert code == 3
        headline, figures = out.splitlines()[0].split(" | ")
        assert headline.startswith("LOGSTER UNKNOWN - 1 of 1 job: x.state: The state ")
        assert figures == "jobs=1 age=U;;;0 lag=U;;;0 backlog=U;0;;0 lost=U;;;0"
        assert out.splitlines()[2].split() == ["UNKNOWN", *"????????"]

    def test_missing_state(self, place: Place) -> None:
        """A state that was named and is not there is unknown."""
        code, out, _ = invoke(command, place.states / "none.state")

        assert (code, "none.state does not exist." in out) == (3, True)

    def test_folder_for_a_state(self, place: Place) -> None:
        """A folder is no state."""
        assert invoke(command, place.states).code == 3

    def test_usage(self, place: Place) -> None:
        """A wrong option is unknown to Nagios, not critical."""
        code, _, err = place.status("--max-lag", "many")

        assert (code, "Invalid value for '--max-lag'" in err) == (3, True)

    @pytest.mark.parametrize("option", ["--max-age", "--max-unmatched"])
    @pytest.mark.parametrize("value", ["nan", "inf"])
    def test_no_limit_at_all(self, place: Place, option: str, value: str) -> None:
        """A limit that nothing exceeds is refused: it would be taken for one."""
        code, _, err = place.status(option, value)

        assert (code, f"{value} is no finite number." in err) == (3, True)


class TestLag:
    def test_rotated(self, place: Place) -> None:
        """After a rotation the rest of the old file counts, and all of the new one."""
        place.job()
        cursor = end_of(str(place.log))[0]._replace(offset=4)
        place.job(cursor=(cursor,))
        place.log.rename(place.log.with_suffix(".log.1"))
        place.log.write_text("new\n")

        assert place.first()["lag"] == 4 + 4

    def test_cut(self, place: Place) -> None:
        """After a truncation all that is there counts."""
        place.job()
        os.truncate(place.log, 0)
        with place.log.open("a") as log:
            log.write("new\n")

        assert place.first()["lag"] == 4

    def test_log_is_gone(self, place: Place) -> None:
        """Without the log the lag is not known."""
        place.job()
        place.log.unlink()

        assert place.first()["lag"] is None
        assert " lag=U;;;0 backlog=0;0;;0 " in place.status().out

    def test_known_among_unknown(self, place: Place) -> None:
        """The figures are those of the jobs that are known, where one is not."""
        place.job("a")
        (place.states / "b.state").write_text("rubbish")

        assert "| jobs=2 age=90s;;;0 lag=0B;;;0 backlog=0;0;;0 " in place.status().out

    def test_relative_log(self, place: Place) -> None:
        """A log that a run was given relative to its own folder is found all the same."""
        place.job(summary={"log": "app.log"})

        assert place.first()["lag"] == 0


class TestViews:
    def test_json(self, place: Place) -> None:
        """Everything known of a job is there for programs."""
        losses = {"refused": 5, "bytes_lost": 7, "gaps": 1}
        path = place.job(dropped=3, owed={"statsd": [Batch(1, ())]}, summary=losses)

        code, out, _ = place.status("--json")

        content = json.loads(out)
        (job,) = content["jobs"]
        assert 90 <= job.pop("age") < 100
        assert abs(time.time() - 90 - job.pop("last_run")) < 10
        assert (code, content["status"]) == (1, "WARNING")
        assert job == {
            "state": str(path),
            "log": str(place.log),
            "parser": "postfix",
            "offset": 8,
            "lag": 0,
            "backlog": {"statsd": 1},
            "undelivered": {},
            "dropped": 3,
            "refused": 5,
            "lines": 200,
            "unmatched": 1,
            "bytes_lost": 7,
            "gaps": 1,
            "error": None,
            "status": "WARNING",
            "problems": ["Batches are owed: 1 to statsd."],
        }

    def test_losses_are_told(self, place: Place) -> None:
        """What was lost is told, and is no alarm, for it never passes."""
        place.job(dropped=3, summary={"refused": 5, "bytes_lost": 7, "gaps": 1})

        code, out, _ = place.status()

        assert code == 0
        assert "Lost since the job began: 7 bytes or more, in 1 gap.\n" in out
        assert "Given up since the job began: 3 batches.\n" in out
        assert "Not taken by an output in the last run: 5 metrics.\n" in out

    def test_terminal_is_safe(self, place: Place) -> None:
        """A log with a name that holds escapes cannot reach the terminal with them."""
        place.job(summary={"log": "/\x1b[2J|x.log", "error": "\x1b]0;x\x07"})

        out = place.status().out

        assert "\x1b" not in out
        assert out.count("|") == 1

    def test_state_of_1x(self, place: Place) -> None:
        """A state that 1.x wrote is shown with what its name and its two lines tell."""
        path = place.states / "logtail-logster.parsers.A.A-etc-passwd.state"
        path.write_text(f"{os.stat('/etc/passwd').st_ino}\n4\n")

        job = place.first()

        assert (job["parser"], job["log"]) == ("logster.parsers.A.A", "/etc/passwd")
        assert (job["offset"], job["lag"]) == (4, os.stat("/etc/passwd").st_size - 4)

    def test_only_those_named(self, place: Place) -> None:
        """Of many jobs only those named are shown."""
        place.job("a")
        path = place.job("b")

        out = invoke(command, "--json", path).out

        assert [str(path)] == [job["state"] for job in json.loads(out)["jobs"]]

    def test_touches_nothing(self, place: Place) -> None:
        """No file is written, made or removed."""
        path = place.job()
        before = [(each, each.stat().st_mtime_ns) for each in place.states.iterdir()]

        place.status()

        assert before == [(path, path.stat().st_mtime_ns)]
        assert before == [(each, each.stat().st_mtime_ns) for each in place.states.iterdir()]


def test_after_real_runs(tmp_path: Path) -> None:
    """What real runs leave behind is understood: first one, then one that cannot deliver."""
    bench = Bench(tmp_path)
    bench.append("{}")
    bench.run("-o", "stdout", "json-lines")
    assert invoke(command, "--state-dir", bench.states).code == 0
    bench.append('{"up": 1}')
    bench.run("-o", "graphite", "--graphite-host", "localhost:1", "json-lines")

    code, out, _ = invoke(command, "--state-dir", bench.states)

    assert code == 2
    assert "could not be sent to graphite at localhost:1" in out
    assert "Batches are owed: 1 to graphite at localhost:1" in out

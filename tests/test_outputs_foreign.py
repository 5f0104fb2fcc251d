"""Outputs of third parties that never come back: they cost a time, and nothing is lost."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from outputs import batch, output, settings
from running import Bench, Outcome, logster

from logster.delivery import _in_parts, _receipt
from logster.errors import OutputError
from logster.foreign import ForeignOutput
from logster.metrics import Metric
from logster.outputs import _patience
from logster.outputs._patience import Overdue, Patience


OWN = """\
from logster.logster_helper import LogsterOutput, LogsterParser, MetricObject

class Own(LogsterParser):
    def parse_line(self, line):
        pass
    def get_state(self, duration):
        return [MetricObject("n", 1)]
"""

HEAD = f"""
import os, sqlite3, sys, time
{OWN}
class Mine(LogsterOutput):
    shortname = "mine"
    @classmethod
    def add_options(cls, group):
        group.add_option("--mine-call", action="callback", callback=cls.called)
        group.add_option("--mine-good", action="store_true", default=False)
    @classmethod
    def called(cls, *arguments):
        sys.exit("no way")
    def __init__(self, parser, options, logger):
        super().__init__(parser, options, logger)
        self.good = options.mine_good
        self.database = sqlite3.connect(":memory:")
    def submit(self, metrics):
        if self.good:
            self.database.execute("create table if not exists met (name)")
            print("mine got", len(metrics), flush=True)
            return
        print("mine waits", flush=True)
"""
SLEEPING = """
        time.sleep(30)
"""
SWALLOWING = """
        while True:
            try:
                time.sleep(30)
            except Exception:
                print("no", flush=True)
"""
#: It catches whatever is raised in it, three times, and then claims to be done.
STUBBORN = """
        for _ in range(3):
            try:
                time.sleep(30)
            except:
                print("no", flush=True)
"""
#: What C code waits for on its own: Python hears of a signal only when it is back.
DEAF = """
        os.system("exec sleep 5 >&- 2>&-")
"""


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def impatient(bench: Bench, *words: str, patience: float = 0.4, grace: float = 20) -> Outcome:
    """Run the command with less patience than a minute."""
    code = (
        "import sys, logster.delivery, logster.foreign, logster.outputs._patience, logster.cli\n"
        f"logster.delivery.PATIENCE = logster.foreign.PATIENCE = {patience}\n"
        f"logster.outputs._patience.GRACE = {grace}\n"
        "logster.cli.main()"
    )
    own = ("-s", bench.states, "-l", bench.folder / "own", "--timeout", "0.1", "--from-start")
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, own), *words, "mine.Own", str(bench.log)],
        env={"PYTHONPATH": str(bench.modules), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


#: An output of today, which waits or raises where the file `bad` is.
NEW = f"""
import asyncio, os, time
from logster.outputs import Output
{OWN}
class Mine(Output):
    kind = "mine"
    def reach(self):
        return "mine", self
    def clean(self, name):
        return name
    def encode(self, metric):
        return b"x"
    def send(self, lines, deadline):
        if os.path.exists("{{folder}}/bad"):
            {{body}}
        return 0
"""


class TestNew:
    """An output derived from `Output` that breaks its promises."""

    @pytest.mark.parametrize("others", [[], ["-o", "stdout"]])
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ("time.sleep(30)", "it did not end within 0.4 s"),
            ("raise asyncio.CancelledError", "CancelledError"),
            ("raise SystemExit('no')", "SystemExit: no"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
        ],
    )
    def test_contained(self, bench: Bench, body: str, why: str, others: list[str]) -> None:
        """Whatever it does, alone or beside others, the run ends and what it lacks stays owed."""
        bench.module("mine", NEW.format(folder=bench.folder, body=body))
        (bench.folder / "bad").touch()

        bad = impatient(bench, "-o", "mine.Mine", *others)
        (bench.folder / "bad").unlink()
        good = impatient(bench, "-o", "mine.Mine", *others)

        assert (1, len(others) // 2) == (bad.code, bad.out.count(" n 1\n"))
        assert f"Error: 1 metrics could not be sent to mine: {why}. They are kept" in bad.err
        assert (0, "") == (good.code, good.err)

    def test_interrupted(self, bench: Bench) -> None:
        """Who presses Ctrl-C means the run; a library that raises the same in a thread does not."""
        bench.module("mine", NEW.format(folder=bench.folder, body="raise KeyboardInterrupt"))
        (bench.folder / "bad").touch()

        alone = impatient(bench, "-o", "mine.Mine")
        beside = impatient(bench, "-o", "mine.Mine", "-o", "stdout")

        assert (130, "Interrupted") == (alone.code, alone.err[:11])
        assert (1, True) == (beside.code, "sent to mine: KeyboardInterrupt. " in beside.err)

    def test_ours_start_no_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An output of ours is called as it is: it has a deadline of its own."""
        monkeypatch.setattr(threading, "Thread", None)
        made = output("graphite", graphite_host="127.0.0.1:1")

        assert "Connection refused" == str(_receipt(made, [batch(5, Metric("n", 1))]).error)


class TestRun:
    """A whole run with such an output."""

    @pytest.mark.parametrize(
        ("body", "line", "said"),
        [(SLEEPING, 31, ""), (SWALLOWING, 33, ""), (STUBBORN, 33, "no\nno\nno\n")],
    )
    def test_never_back(self, bench: Bench, body: str, line: int, said: str) -> None:
        """It is interrupted and told of in one sentence; others get theirs, and it keeps its."""
        bench.module("mine", HEAD + body)
        words = ("-o", "mine.Mine", "-o", "stdout")

        bad = impatient(bench, *words)
        status = logster("status", "-s", bench.states)
        good = bench.run("--mine-good", *words, "mine.Own")

        why = f"it did not end within 0.4 s ({bench.modules}/mine.py:{line})."
        assert 1 == bad.code
        assert bad.out.endswith(f" n 1\nmine waits\n{said}")
        assert (
            f"Error: 1 metrics could not be sent to mine.Mine: {why} "
            f"They are kept in {bench.state} and the next run sends them, with their own times.\n"
        ) == bad.err
        assert (2, True) == (status.code, why in status.out)
        assert (0, "") == (good.code, good.err)
        assert 2 == good.out.count("mine got 1\n")

    def test_never_made(self, bench: Bench) -> None:
        """One that waits for ever while it is made is interrupted as well; others get theirs."""
        waiting = "options.mine_good or time.sleep(30)\n        self.good ="
        bench.module("mine", HEAD.replace("self.good =", waiting))
        words = ("-o", "mine.Mine", "-o", "stdout")

        bad = impatient(bench, *words)
        good = bench.run("--mine-good", *words, "mine.Own")

        assert (1, 1) == (bad.code, bad.out.count(" n 1\n"))
        assert (
            "Error: 1 metrics could not be sent to mine.Mine: it cannot be made, it did not end "
            f"within 0.4 s ({bench.modules}/mine.py:22). They are kept in {bench.state} and the "
            "next run sends them, with their own times.\n"
        ) == bad.err
        assert (0, 2) == (good.code, good.out.count("mine got 1\n"))

    def test_deaf(self, bench: Bench) -> None:
        """One that cannot be interrupted ends the run; what others got was noted before."""
        bench.module("mine", HEAD + DEAF)
        words = ("-o", "mine.Mine", "-o", "stdout")

        bad = impatient(bench, *words, grace=0.4)
        good = bench.run("--mine-good", *words, "mine.Own")

        assert 1 == bad.code
        assert (
            "Error: The output mine.Mine did not end within 0.4 s "
            f"({bench.modules}/mine.py:31) and does not let itself be interrupted, so the run ends "
            "here. Nothing is lost: what it lacks is sent by the next run.\n"
        ) == bad.err
        assert 1 == bad.out.count(" n 1\n")
        assert (0, 1) == (good.code, good.out.count(" n 1\n"))
        assert 2 == good.out.count("mine got 1\n")

    def test_deaf_in_the_middle(self, bench: Bench) -> None:
        """What it took before is noted by the run after, though the fault stays."""
        failing = "\n        raise OSError\n"
        bench.module("mine", HEAD + failing)
        for _ in range(3):
            impatient(bench, "-o", "mine.Mine")
        times = json.loads(bench.state.read_text().splitlines()[3])[0]
        third = f"""
        print(metrics[0].timestamp, flush=True)
        if metrics[0].timestamp >= {times} + 2:{DEAF.replace("        ", "            ")}"""
        bench.module("mine", HEAD + third)

        bad = impatient(bench, "-o", "mine.Mine", grace=0.4)
        again = impatient(bench, "-o", "mine.Mine", grace=0.4)
        status = logster("status", "-s", bench.states)
        good = bench.run("--mine-good", "-o", "mine.Mine", "mine.Own")

        assert (1, 3) == (bad.code, bad.out.count("mine waits"))
        assert (1, 2) == (again.code, again.out.count("mine waits"))
        assert (2, True) == (status.code, "sent to mine.Mine: OSError" in status.out)
        assert 4 == good.out.count("mine got 1\n")

    def test_many_batches(self) -> None:
        """What is owed of many runs is noted a few times, not as often as there are batches."""
        taker = SimpleNamespace(submit=lambda _: None)
        output = ForeignOutput(settings("stdout"), "mine.Taker", taker)
        parts = list(_in_parts("mine", output, [batch(n, Metric("n", n)) for n in range(1000)]))

        assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 489] == [part.delivered for _, part in parts]

    @pytest.mark.parametrize("ending", ["sys.exit()", "sys.exit(3)", "return", "raise OSError"])
    def test_fork_that_goes_on(self, bench: Bench, ending: str) -> None:
        """A process that an output forks ends with its work: it is not a second run."""
        bench.module(
            "mine",
            HEAD
            + f"""
        if not os.fork():
            print("mine forked", flush=True)
            {ending}
        print("mine ended", os.waitstatus_to_exitcode(os.wait()[1]) != 0)
""",
        )
        for _ in range(2):
            outcome = impatient(bench, "-o", "mine.Mine")

            failed = ending in {"sys.exit(3)", "raise OSError"}
            assert (0, "") == (outcome.code, outcome.err)
            assert f"mine waits\nmine forked\nmine ended {failed}\n" == outcome.out

    def test_among_others(self, bench: Bench) -> None:
        """Beside others an output has the thread it was made in, on which a library may insist."""
        bench.module("mine", HEAD)

        outcome = impatient(bench, "-o", "stdout", "-o", "mine.Mine", "--mine-good", "-o", "munin")

        assert (0, "") == (outcome.code, outcome.err)
        assert outcome.out.endswith("mine got 1\n")


def test_options_that_fail(bench: Bench) -> None:
    """What an output's own options end a run with is what `logster status` shows of the job."""
    bench.module("mine", HEAD)
    words = ("--mine-good", "-o", "mine.Mine")
    bench.run(*words, "mine.Own")
    before = bench.state.read_text().split("\n")

    bad = bench.run("--mine-call", *words, "mine.Own")
    shown = logster("status", "-s", bench.states)
    after = bench.state.read_text().split("\n")
    bench.run("--dry-run", "--mine-call", *words, "mine.Own")
    dry = bench.state.read_text().split("\n")
    good = bench.run(*words, "mine.Own")

    sentence = bad.err.removeprefix("Error: ").removesuffix("\n")
    assert sentence.startswith("The output mine.Mine raised SystemExit: no way (")
    assert sentence.endswith("Nothing was read or sent; the next run starts where this one did.")
    assert (1, 2, True) == (bad.code, shown.code, sentence in shown.out)
    assert before[:2] == after[:2]
    assert after == dry
    assert (0, "", "mine got 1\n") == (good.code, good.err, good.out)
    assert 0 == logster("status", "-s", bench.states).code


def test_options_that_fail_at_first(bench: Bench) -> None:
    """A job without a state has none because of that: its first run is still to come."""
    bench.module("mine", HEAD)

    bad = bench.run("--mine-call", "-o", "mine.Mine", "mine.Own")

    assert 1 == bad.code
    assert [] == list(bench.states.glob("*.state"))


class Slow:
    """An output that takes a while for each batch."""

    def __init__(self) -> None:
        self.got = 0

    def submit(self, metrics: list[object]) -> None:
        """Take a fifth of a second."""
        time.sleep(0.2)
        self.got += 1


class TestPatience:
    """The time that a call has."""

    def test_in_time(self) -> None:
        """A call that ends in time leaves no alarm, and no handler but the one before."""
        calls = []

        def handler(*_: object) -> None:
            raise AssertionError

        with handled_by(handler):
            Patience(5, "mine").call(lambda: calls.append(1))

            assert ([1], (0.0, 0.0)) == (calls, signal.getitimer(signal.ITIMER_REAL))
            assert signal.getsignal(signal.SIGALRM) is handler

    def test_what_it_raises(self) -> None:
        """What a call raises in time comes out as it is; a key pressed does so at any time."""
        with pytest.raises(ZeroDivisionError):
            Patience(5, "mine").call(lambda: 1 / 0)

        def pressed() -> None:
            with contextlib.suppress(Overdue):
                time.sleep(5)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Patience(0.05, "mine").call(pressed)

    def test_too_late(self) -> None:
        """What a call raises because of the interruption is told as what it is."""

        def call() -> None:
            try:
                time.sleep(5)
            except Overdue:
                sys.exit("oh")

        began = time.monotonic()
        with pytest.raises(OutputError, match=r"^it did not end within 0\.05 s \(.*_foreign\.py:"):
            Patience(0.05, "mine", __file__).call(call)

        assert time.monotonic() - began < 4

    def test_alarm_of_others(self) -> None:
        """Who runs logster under an alarm of their own keeps it."""
        with handled_by(lambda *_: None):
            signal.setitimer(signal.ITIMER_REAL, 20)
            Patience(0.05, "mine").call(lambda: time.sleep(0.2))
            left = signal.setitimer(signal.ITIMER_REAL, 0)[0]

        assert 15 < left < 20

    def test_in_a_thread(self) -> None:
        """Away from the main thread, where no signal comes, a call has no limit."""
        calls: list[float] = []

        def call() -> None:
            time.sleep(0.2)
            calls.append(1)

        thread = threading.Thread(target=Patience(0.05, "mine").call, args=[call])
        thread.start()
        thread.join()

        assert [1] == calls

    def test_many_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A slow output is not interrupted: after its time it begins with no other batch."""
        monkeypatch.setattr("logster.foreign.PATIENCE", 0.5)
        slow = Slow()
        output = ForeignOutput(settings("stdout", timeout=0.1), "mine.Slow", slow)

        receipt = output.deliver([batch(at, Metric("n", 1)) for at in range(50)])

        assert 1 < receipt.delivered == slow.got < 5
        assert str(receipt.error) == f"it took no more than {slow.got} batches in 0.5 s"

    @pytest.mark.parametrize(("timeout", "seconds"), [(10, 60), (90, 90)])
    def test_how_long(
        self, monkeypatch: pytest.MonkeyPatch, timeout: float, seconds: float
    ) -> None:
        """A call has a minute, or what --timeout gives if that is more."""
        given: list[float] = []
        monkeypatch.setattr(signal, "setitimer", lambda _, first, *__: given.append(first))
        output = ForeignOutput(
            settings("stdout", timeout=timeout), "mine", SimpleNamespace(submit=lambda _: None)
        )

        assert 1 == output.deliver([batch(5, Metric("n", 1))]).delivered
        assert [seconds, 0, 0] == given
        assert 30 == _patience.GRACE


@contextlib.contextmanager
def handled_by(handler: "signal._HANDLER") -> Iterator[None]:
    """Let *handler* have the alarm."""
    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)

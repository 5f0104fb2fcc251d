"""The edges of the command line: users without rights, closed streams, code of third parties."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import COMMAND, Bench, Outcome, logster


NOBODY = 65534

COUNTER = """
from logster.logster_helper import LogsterParser, MetricObject

class Counter(LogsterParser):
    def __init__(self, option_string=None):
        self.lines = 0
    def parse_line(self, line):
        self.lines += 1
    def get_state(self, duration):
        return [MetricObject("lines", self.lines)]
"""

LATE = """
    def parse_line(self, line):
        import logging
        logging.getLogger("logster").warning("saw " + line.strip())
        self.lines += 1
"""

MINE = """
import sys
from logster.logster_helper import LogsterOutput

class Mine(LogsterOutput):
    shortname = "mine"
    def __init__(self, parser, options, logger):
        pass  # made
        super().__init__(parser, options, logger)
    @classmethod
    def add_options(cls, group):
        pass  # added
        group.add_option("--mine-call", action="callback", callback=cls.called)
        group.add_option("--mine-n", type="int", default=3)
        group.add_option("--mine-tag", action="append", dest="mine_tags")
        group.add_option("--mine-loud", action="store_true", default=False)
    @classmethod
    def called(cls, *arguments):
        pass  # called
    def submit(self, metrics):
        sys.stdout.write('mine got %s\\n' % metrics[0].name)
        sys.stdout.flush()
"""


SHARER = """
from logster.logster_helper import LogsterOutput

class Sharer(LogsterOutput):
    @classmethod
    def add_options(cls, group):
        group.add_option("--timeout", type="int", default=3)
        group.add_option("--tag", action="append", default=[])
        group.add_option("--job", "-J", default="nojob")
        group.add_option("--mine-port", "-p", dest="metric_suffix", default="none")
        group.add_option("--graphite-host", default="nowhere")
    def submit(self, metrics):
        o = self.options
        print(o.timeout, o.tag, o.job, o.metric_suffix, o.graphite_host, flush=True)

class Other(Sharer):
    pass

class Bold(Sharer):
    options = None  # no attribute that 1.x knew
    @classmethod
    def add_options(cls, group):
        group.add_option("--debug", dest="loudness", default="yes")
    def submit(self, metrics):
        print(self.options.loudness, flush=True)

class Claimer(Sharer):
    @classmethod
    def add_options(cls, group):
        group.add_option("--timeout", default="5s")
        group.add_option("--tag", "-T", default="none")
        group.add_option("--wait", action="store_true")
        group.add_option("--job", type="int")
        group.add_option("--format")
    def submit(self, metrics):
        o = self.options
        print(o.timeout, o.tag, o.wait, o.job, o.format, flush=True)

class Caller(Sharer):
    @classmethod
    def add_options(cls, group):
        group.add_option("--loud", action="callback", callback=cls.called, type="string")
        group.add_option("--pair", "-P", nargs=2, default="none")
    @staticmethod
    def called(option, flag, value, parser):
        parser.values.loud = [flag, value, parser.rargs, parser.largs]
    def submit(self, metrics):
        print(self.options.loud, self.options.pair, flush=True)
"""


@pytest.fixture(name="bench")
def _bench() -> Iterator[Bench]:
    """Yield a bench in a folder that anybody may use: the usual one is its owner's only."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        bench = Bench(Path(name))
        bench.module("counter", COUNTER)
        yield bench


def counted(out: str) -> list[str]:
    """Return the numbers of lines that the stdout output printed, batch by batch."""
    return [line.split()[2] for line in out.splitlines() if line.split()[1] == "lines"]


def unprivileged(bench: Bench, *words: object) -> Outcome:
    """Run the command with *words* as a user without rights."""
    done = _as_nobody(bench, *words)
    if done.returncode and _as_nobody(bench, "--version").returncode:
        pytest.skip("others may not run the logster under test")
    return Outcome(done.returncode, done.stdout, done.stderr)


def _as_nobody(bench: Bench, *words: object) -> "subprocess.CompletedProcess[str]":
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        [*(() if os.geteuid() else user), COMMAND, *map(str, words)],
        env={"PYTHONPATH": str(bench.modules), "PATH": os.defpath},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestWithoutRights:
    def run(self, bench: Bench, *words: object) -> Outcome:
        """Run the command on the bench as a user without rights."""
        own = ("-s", bench.states, "-l", bench.folder / "own", "-o", "stdout")
        return unprivileged(bench, *own, *words, "counter.Counter", bench.log)

    def test_unlisted_folder(self, bench: Bench) -> None:
        """A rotated file in a directory that may be entered and not listed is waited for."""
        folder = bench.folder / "logs"
        folder.mkdir()
        bench.log = bench.log.rename(folder / "app.log")
        self.run(bench)
        bench.append("one", "two")
        bench.log.rename(folder / "app.log.1")
        bench.append("three")
        folder.chmod(0o711)
        bad = self.run(bench)
        folder.chmod(0o755)
        good = self.run(bench)

        assert 1 == bad.code
        assert bad.err.startswith(
            f"Error: The directory {folder} cannot be searched for rotated files of {bench.log}: "
            "Permission denied."
        )
        assert (0, ["3"]) == (good.code, counted(good.out))

    def test_unreadable_log(self, bench: Bench) -> None:
        """A log that may not be read fails the run like any other log, and all get to know."""
        self.run(bench)
        bench.append("one")
        bench.log.chmod(0)

        bad = self.run(bench)
        noted = json.loads(bench.state.read_text().split("\n")[2])["summary"]["error"]
        bench.log.chmod(0o644)
        good = self.run(bench)

        sentence = (
            f"{bench.log} cannot be read: Permission denied. "
            "Nothing was read or sent; the next run starts where this one did."
        )
        assert Outcome(1, "", f"Error: {sentence}\n") == bad
        assert sentence == noted
        assert f"ERROR    {sentence}" in (bench.folder / "own" / "logster.log").read_text()
        assert ["1"] == counted(good.out)

    @pytest.mark.parametrize("word", ["why", "check"])
    def test_unreadable_log_of_a_command(self, bench: Bench, word: str) -> None:
        """The commands that read a log say the same."""
        bench.log.chmod(0)

        outcome = unprivileged(bench, word, "squid", bench.log)

        assert (1, "") == (outcome.code, outcome.out)
        assert f"Error: {bench.log} cannot be read: Permission denied." in outcome.err

    def test_status_of_an_unreadable_folder(self, bench: Bench) -> None:
        """A state directory that may not be read is not taken for one without states."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.states.chmod(0o700)
        if not os.geteuid():
            os.chown(bench.states, 0, 0)
        else:
            bench.states.chmod(0)

        outcome = unprivileged(bench, "status", "-s", bench.states)

        sentence = f"the states in {bench.states} cannot be read: Permission denied"
        assert Outcome(3, f"LOGSTER UNKNOWN - {sentence}\n", "") == outcome

    @pytest.mark.parametrize("given", ["file", "folder"])
    def test_status_of_an_unreadable_state(self, bench: Bench, given: str) -> None:
        """Neither is a state that may not be read a mistake in the use."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.state.chmod(0)

        words = ("-s", bench.states) if given == "folder" else (bench.state,)
        outcome = unprivileged(bench, "status", *words)

        assert (3, "") == (outcome.code, outcome.err)
        assert f"{bench.state} cannot be read: Permission denied" in outcome.out

    def test_state_folder_that_cannot_be_made(self, bench: Bench) -> None:
        """A state directory that cannot be made is no mistake in the use: the code is 1."""
        bench.folder.chmod(0o755)

        outcome = self.run(bench)

        assert (1, "") == (outcome.code, outcome.out)
        assert (
            f"Error: The state directory {bench.states} cannot be made: Permission denied. "
            "Nothing was read or sent; give another one with --state-dir.\n"
        ) == outcome.err


class TestLateLogging:
    def test_logging_imported_in_a_method(self, bench: Bench) -> None:
        """A parser that imports logging only in its work writes to logster.log from the start."""
        bench.module("counter", COUNTER + LATE)
        bench.append("one", "two")

        outcome = bench.run("--from-start", "-o", "stdout", "counter.Counter")

        text = (bench.folder / "own" / "logster.log").read_text()
        assert (0, ["2"], "") == (outcome.code, counted(outcome.out), outcome.err)
        assert (1, 1) == (text.count("WARNING  saw one"), text.count("WARNING  saw two"))

    def test_logging_imported_elsewhere(self, bench: Bench) -> None:
        """A parser that has left the directory of a relative --log-dir still writes there."""
        leaving = LATE.replace("import", "import os; os.chdir('/'); import")
        bench.module("counter", COUNTER + leaving)
        bench.append("one")
        words = ("-s", bench.states, "-l", "own", "-o", "stdout", "--from-start")

        outcome = logster(
            *words, "counter.Counter", bench.log, path=bench.modules, cwd=bench.folder
        )

        assert (0, ["1"], "") == (outcome.code, counted(outcome.out), outcome.err)
        assert "WARNING  saw one" in (bench.folder / "own" / "logster.log").read_text()

    def test_dry_run_logs_nowhere(self, bench: Bench) -> None:
        """A dry run prints no record of a parser, whenever that imports logging."""
        bench.module("counter", COUNTER + LATE)
        bench.append("one")

        outcome = bench.run("-d", "-o", "stdout", "counter.Counter")

        assert (0, ["1"], "") == (outcome.code, counted(outcome.out), outcome.err)


class TestForeignOutputs:
    @pytest.mark.parametrize("made", ["raise KeyError('oh')", "sys.exit(0)"])
    def test_output_that_cannot_be_made(self, bench: Bench, made: str) -> None:
        """Other outputs get theirs; what the broken one lacks is kept until it works again."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.append("one")
        outputs = ("-o", "mine.Mine", "-o", "stdout")
        bench.module("mine", MINE.replace("pass  # made", made))

        bad = bench.run(*outputs, "counter.Counter")
        status = logster("status", "-s", bench.states)
        bench.module("mine", MINE)
        good = bench.run(*outputs, "counter.Counter")

        assert (1, ["1"]) == (bad.code, counted(bad.out))
        kind = "SystemExit: 0" if "exit" in made else "KeyError: 'oh'"
        why = f"it cannot be made, {kind} ({bench.modules}/mine.py:8)"
        assert (
            f"Error: 1 metrics could not be sent to mine.Mine: {why}. "
            f"They are kept in {bench.state} and the next run sends them, with their own times.\n"
        ) == bad.err
        assert (2, True) == (status.code, "it cannot be made" in status.out)
        assert (0, 2, ["0"]) == (
            good.code,
            good.out.count("mine got lines"),
            counted(good.out.replace("mine got lines\n", "")),
        )

    def test_dry_run_of_one_that_cannot_be_made(self, bench: Bench) -> None:
        """A dry run shows what the others would send, and why nothing is shown of the broken."""
        bench.append("one")
        bench.module("mine", MINE.replace("pass  # made", "sys.exit(0)"))

        outcome = bench.run("-d", "-o", "mine.Mine", "-o", "stdout", "counter.Counter")

        assert (1, ["1"]) == (outcome.code, counted(outcome.out))
        assert (
            "Error: What would be sent to mine.Mine cannot be shown: it cannot be made, "
            f"SystemExit: 0 ({bench.modules}/mine.py:8).\n"
        ) == outcome.err

    def test_dry_run_of_one_that_raises(self, bench: Bench) -> None:
        """What an output raises in a dry run is told in a sentence, and the others are shown."""
        bench.append("one")
        bench.module("mine", MINE.replace("metrics[0]", "metrics[1 / 0]"))

        outcome = bench.run("-d", "-o", "mine.Mine", "-o", "stdout", "counter.Counter")

        assert (1, ["1"]) == (outcome.code, counted(outcome.out))
        assert "cannot be shown: ZeroDivisionError: division by zero (" in outcome.err

    @pytest.mark.parametrize(
        ("place", "doing"),
        [("pass  # added", "adding its options"), ("pass  # called", "reading its options")],
    )
    @pytest.mark.parametrize("raised", ["raise KeyError('oh')", "sys.exit(0)"])
    def test_options_that_raise(self, bench: Bench, place: str, doing: str, raised: str) -> None:
        """Without its options an output says nothing, so the run ends before a line is read."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.append("one")
        bench.module("mine", MINE.replace(place, raised))

        bad = bench.run("-o", "stdout", "-o", "mine.Mine", "--mine-call", "counter.Counter")
        good = bench.run("-o", "stdout", "counter.Counter")

        kind = "SystemExit: 0" if "exit" in raised else "KeyError: 'oh'"
        assert (1, "") == (bad.code, bad.out)
        assert f"Error: The output mine.Mine raised {kind} ({bench.modules}/mine.py:" in bad.err
        assert bad.err.endswith(
            f") while {doing}. Nothing was read or sent; the next run starts where this one did.\n"
        )
        assert ["1"] == counted(good.out)


class TestDamagedBatch:
    """A batch that is none is told of, and kept aside, however the run ends."""

    def damaged(self, bench: Bench) -> str:
        """Leave two batches owed, of which the first is damaged, and return what is said of it."""
        bench.module("mine", MINE)
        bench.run("-o", "mine.Mine", "counter.Counter")
        bench.module("mine", MINE.replace("sys.stdout.write", "raise OSError"))
        for _ in range(2):
            bench.run("-o", "mine.Mine", "counter.Counter")
        bench.module("mine", MINE)
        head, damaged, rest = bench.state.read_text().rsplit("\n", 3)[:3]
        bench.state.write_text(f"{head}\n{{{damaged[1:]}\n{rest}\n")
        return (
            f"Error: 1 of the batches owed in the state {bench.state} are damaged and given up; "
            f"the others are sent. It is in {bench.state}.corrupt.\n"
        )

    def test_with_a_log_that_is_gone(self, bench: Bench) -> None:
        """It is said beside what ends the run, and the other batch is sent."""
        sentence = self.damaged(bench)
        bench.log.rename(bench.folder / "away")

        outcome = bench.run("-o", "mine.Mine", "counter.Counter")

        assert (1, "mine got lines\n") == (outcome.code, outcome.out)
        assert outcome.err.startswith(sentence + "Error: ")
        assert sentence[7:-1] in (bench.folder / "own" / "logster.log").read_text()
        assert Path(f"{bench.state}.corrupt").exists()

    def test_with_an_output_that_fails_before(self, bench: Bench) -> None:
        """A run that ends before it begins leaves it to the next one."""
        sentence = self.damaged(bench)
        before = bench.state.read_bytes()
        bench.module("mine", MINE.replace("pass  # called", "sys.exit()"))

        bad = bench.run("--mine-call", "-o", "mine.Mine", "counter.Counter")
        assert (1, before) == (bad.code, bench.state.read_bytes())

        good = bench.run("-o", "mine.Mine", "counter.Counter")
        assert (1, sentence) == (good.code, good.err)
        assert 2 * "mine got lines\n" == good.out
        assert Path(f"{bench.state}.corrupt").exists()


class TestSharedOptions:
    """Options of third parties under a name that ours or others have as well."""

    def run(self, bench: Bench, *words: object) -> Outcome:
        """Show what an output sees."""
        bench.module("third", SHARER)
        return bench.run("-d", *words, "counter.Counter")

    def test_given(self, bench: Bench) -> None:
        """
        A flag of 1.x reaches all that have it, as each reads it.

        One that 1.x did not have is that of the output written for it alone.
        """
        words = ("--timeout=5", "--tag", "a=b", "--job", "x", "--graphite-h=h:1", "--mine-port=9")
        for outputs in (
            ("-o", "graphite", "-o", "third.Sharer"),
            ("-o", "third.Sharer", "-o", "graphite"),
        ):
            outcome = self.run(bench, *words, *outputs)

            assert (0, "") == (outcome.code, outcome.err)
            assert "5 ['a=b'] x 9 h:1" in outcome.out.splitlines()
            assert "h:1 lines 0 " in outcome.out

    def test_of_another_kind(self, bench: Bench) -> None:
        """An option of an output may be what none of ours of that name could be."""
        words = ("--timeout", "5m", "-Tx", "--tag=web", "--job", "7", "--format", "%d", "--wait")
        for others in ((), ("-o", "stdout")):
            outcome = self.run(bench, "-o", "third.Claimer", *words, *others)

            assert (0, "") == (outcome.code, outcome.err)
            assert "5m web True 7 %d" in outcome.out.splitlines()

        bench.run("-o", "third.Claimer", "--job", "7", "counter.Counter")
        assert bench.state.name.endswith("-app.log.state")  # it is no job's of ours

    def test_ours_from_the_environment(self, bench: Bench) -> None:
        """What gave way on the command line is still to be had in the environment."""
        bench.module("third", SHARER)
        words = ("-d", "-o", "graphite", "--graphite-host", "h:1", "-o", "third.Claimer", "--tag=x")

        outcome = bench.run(*words, "counter.Counter", env={"LOGSTER_TAG": "a=b"})

        assert (0, "") == (outcome.code, outcome.err)
        assert "h:1 lines;a=b 0 " in outcome.out
        assert "5s x None None None" in outcome.out.splitlines()

    def test_callback(self, bench: Bench) -> None:
        """A callback finds the values where optparse keeps them."""
        outcome = self.run(bench, "-o", "third.Caller", "--loud", "yes")

        assert Outcome(0, "['--loud', 'yes', [], []] none\n", "") == outcome

    @pytest.mark.parametrize("words", [("--pair", "1", "2"), ("-P1", "2"), ("--pai=1", "2")])
    def test_two_values(self, bench: Bench, words: tuple[str, ...]) -> None:
        """An option that takes two values may be declared; given it is refused in a sentence."""
        outcome = self.run(bench, "-o", "third.Caller", *words)

        assert 0 == self.run(bench, "-o", "third.Caller", *words, "--help").code
        assert (2, "") == (outcome.code, outcome.out)
        assert (
            "Error: The option -P/--pair of the output third.Caller takes 2 values, and logster "
            "gives an option one. Nothing was read or sent.\n"
        ) == outcome.err

    def test_cluster_and_environment(self, bench: Bench) -> None:
        """Flags of one letter count, its own and shared ones; so does the environment, for ours."""
        bench.module("third", SHARER)
        env = {"LOGSTER_TIMEOUT": "7", "LOGSTER_TAG": "a=b c=d"}

        out = bench.run("-o", "third.Sharer", "-dJx", "-p", "web", "counter.Counter", env=env).out

        assert "3 [] x web nowhere\n" == out

    def test_defaults(self, bench: Bench) -> None:
        """A default of one output is its own; ours and those of others stay as they are."""
        words = ("-o", "graphite", "-o", "third.Sharer", "-o", "third.Other")

        outcome = self.run(bench, *words)
        given = self.run(bench, *words, "--graphite-host", "h:1")

        assert (2, True) == (outcome.code, "You must supply --graphite-host" in outcome.err)
        assert 2 * ["3 [] nojob none h:1"] == [
            line for line in given.out.splitlines() if "nojob" in line
        ]
        assert "h:1 lines 0 " in given.out

    def test_values_like_options(self, bench: Bench) -> None:
        """The word after an option that takes a value is its value, even one that names outputs."""
        for value in ("-foo", "-o", "-ostatsd", "-o=third.None", "--output"):
            words = ("--graphite-host", value, "-o", "third.Sharer", "-J", value)
            outcome = self.run(bench, *words)

            assert Outcome(0, f"3 [] {value} none {value}\n", "") == outcome

        missed = self.run(bench, "-J", "-ostatsd", "-o", "third.Sharer", "-o", "third.None")
        assert (2, True) == (missed.code, "The output third.None cannot be" in missed.err)

    def test_with_and_without_a_value(self, bench: Bench) -> None:
        """A flag cannot both take a value and take none: that is said where it is given."""
        fine = self.run(bench, "-o", "third.Bold")
        bad = self.run(bench, "-o", "third.Bold", "--debug")

        assert Outcome(0, "yes\n", "") == fine
        assert (2, "") == (bad.code, bad.out)
        assert "--debug takes no value here, so that the output third.Bold" in bad.err


class TestEnvironment:
    def test_state_folder_of_commands(self, bench: Bench) -> None:
        """`status` finds the states where runs with the same environment keep them."""
        bench.run("-o", "stdout", "counter.Counter")

        env = {"LOGSTER_STATE_DIR": str(bench.states), "LOGSTER_MAX_AGE": "9", "LOGSTER_JSON": "1"}
        outcome = logster("status", env=env)

        assert 0 == outcome.code
        assert [str(bench.state)] == [job["state"] for job in json.loads(outcome.out)["jobs"]]

    def test_command_line_counts_more(self, bench: Bench) -> None:
        """What the command line of a command says counts more than the environment."""
        bench.run("-o", "stdout", "counter.Counter")

        outcome = logster("status", "-s", bench.states, env={"LOGSTER_STATE_DIR": "/nowhere"})

        assert 0 == outcome.code

    def test_parser_options_of_commands(self, bench: Bench) -> None:
        """A parser gets the same options in `why` as it gets in a run."""
        env = {"LOGSTER_PARSER_OPTIONS": "--nonsense"}

        run = bench.run("-d", "json-lines", env=env)
        why = logster("why", "json-lines", bench.log, env=env)

        assert (run.code, run.err) == (why.code, why.err)
        assert "--nonsense" in why.err

    def test_options_of_foreign_outputs(self, bench: Bench) -> None:
        """Options that a third party's output declares come from the environment as well."""
        show = "options.mine_n, options.mine_tags, options.mine_loud"
        bench.module("mine", MINE.replace("pass  # made", f"print({show}, 'lines')"))
        words = ("-d", "-o", "mine.Mine", "counter.Counter")
        env = {"LOGSTER_MINE_N": "7", "LOGSTER_MINE_TAG": "a b", "LOGSTER_MINE_LOUD": "yes"}

        plain = bench.run(*words)
        given = bench.run(*words, env=env)
        both = bench.run("--mine-n=8", *words, env=env | {"LOGSTER_MINE_LOUD": "0"})
        wrong = bench.run(*words, env={"LOGSTER_MINE_N": "many"})

        assert "3 None False" == plain.out.partition(" lines")[0]
        assert "7 ['a', 'b'] True" == given.out.partition(" lines")[0]
        assert "8 ['a', 'b'] False" == both.out.partition(" lines")[0]
        assert (2, True) == (wrong.code, "invalid integer value: 'many'" in wrong.err)


class TestRotated:
    @pytest.mark.parametrize(
        ("place", "given"),
        [
            ("cwd/old/app.log.sent", "old/%s.sent"),
            ("cwd/old/app.log.sent", "./old/*.sent"),
            ("cwd/old/app.log.1", "old"),
            ("old/app.log.sent", "old/%s.sent"),
            ("app.log.sent", "%s.sent"),
        ],
    )
    def test_relative_place(self, bench: Bench, place: str, given: str) -> None:
        """What is relative starts in the current directory, a pattern in that of the log too."""
        words = ("-s", bench.states, "-l", bench.folder, "-o", "stdout", "--rotated", given)
        here, rotated = bench.folder / "cwd", bench.folder / place
        here.mkdir()
        rotated.parent.mkdir(exist_ok=True)
        line = (*words, "counter.Counter", bench.log)
        logster(*line, path=bench.modules, cwd=here)
        bench.append("one", "two")
        bench.log.rename(rotated)
        bench.append("three")

        outcome = logster(*line, path=bench.modules, cwd=here)

        assert (0, ["3"], "") == (outcome.code, counted(outcome.out), outcome.err)


class TestCompletion:
    @pytest.mark.parametrize(
        ("line", "offered"),
        [
            ("logster squ", ["squid"]),
            ("logster stat", ["status"]),
            ("logster -o graphite --graphite-h", ["--graphite-host"]),
            ("logster squid -o graphite-pick", ["graphite-pickle"]),
            ("logster -o graphite squid --graphite-prot", ["--graphite-protocol"]),
            ("logster -o no-such-output --parser-h", ["--parser-help"]),
            ("logster -o mine.Mine --mine-l", ["--mine-loud"]),
            ("logster --graphite-h", []),
            ("logster status --js", ["--json"]),
            ("logster status --max-", ["--max-age", "--max-lag", "--max-backlog"]),
            ("logster status --parser", []),
            ("logster why squ", ["squid"]),
            ("logster why stat", []),
            ("logster check squ", ["squid"]),
            ("logster metrics squ", ["squid"]),
            ("logster lint -o statsd --statsd-h", ["--statsd-host"]),
            ("logster lint --ste", ["--step"]),
            ("logster new --dir", ["--directory"]),
        ],
    )
    def test_line(self, bench: Bench, line: str, offered: list[str]) -> None:
        """A shell completes what the command, and the outputs that the line names, take."""
        bench.module("mine", MINE)
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}

        outcome = logster(path=bench.modules, env=words | {"_LOGSTER_COMPLETE": "bash_complete"})

        found = [each.removeprefix("plain,") for each in outcome.out.split()]
        assert (0, "") == (outcome.code, outcome.err)
        assert offered == found[: len(offered)]
        assert bool(offered) == bool(found)

    def test_line_of_a_file(self, bench: Bench) -> None:
        """After the parser a shell completes the names of files."""
        words = {"COMP_WORDS": "logster why squid /var", "COMP_CWORD": "3"}

        outcome = logster(env=words | {"_LOGSTER_COMPLETE": "bash_complete"})

        assert outcome.out.startswith("file,")


HOSTILE = "a\x1b[31mred\x1b]0;title\x07\rover"

ANGRY = """
import logging
from logster.logster_helper import LogsterParser, MetricObject

class Angry(LogsterParser):
    def parse_line(self, line):
        logging.getLogger("logster").warning("saw " + line + "2026-01-01 ERROR forged")
        try:
            raise KeyError(line)
        except KeyError:
            logging.getLogger("logster").exception("trouble")
        raise ValueError("cannot parse: " + line)
    def get_state(self, duration):
        return [MetricObject("n", 1)]
"""


class TestHostileText:
    def test_of_a_log(self, bench: Bench) -> None:
        """Text of a log that a parser quotes is obeyed by no terminal and forges no line."""
        bench.module("angry", ANGRY)
        bench.append(HOSTILE)

        outcome = bench.run("--from-start", "-o", "stdout", "angry.Angry")

        shown = r"a\x1b[31mred\x1b]0;title\x07\rover\n"
        text = (bench.folder / "own" / "logster.log").read_text()
        assert outcome.err.startswith("Error: The parser angry.Angry raised ValueError while ")
        assert f": cannot parse: {shown} (" in outcome.err
        assert 1 == outcome.err.count("\n")
        assert (outcome.err + text).replace("\n", "").isprintable()
        assert f"WARNING  saw {shown}2026-01-01 ERROR forged\n" in text
        assert [] == [each for each in text.splitlines() if each[:1] not in "0123456789 "]

    def test_of_a_long_line(self, bench: Bench) -> None:
        """No more of it is quoted than a person reads."""
        bench.module("angry", ANGRY)
        bench.append("x" * 100_000)

        assert len(bench.run("--from-start", "-o", "stdout", "angry.Angry").err) < 1000


class TestClosedStreams:
    def shell(self, bench: Bench, script: str) -> Outcome:
        """Run *script*, in which ``$0`` is the command."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
        done = subprocess.run(
            ["sh", "-c", script, COMMAND],
            env=environment | {"PYTHONPATH": str(bench.modules)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    @pytest.mark.parametrize(
        "words",
        [
            *("--help", "--list", "--version", "metrics squid", "status", "why squid LOG"),
            *("-d squid LOG", "-d -o stdout squid LOG", "-d -o mine.Mine counter.Counter LOG"),
        ],
    )
    def test_full(self, bench: Bench, words: str, unbuffered: str) -> None:
        """A standard output that takes nothing is told in one sentence; Nagios sees UNKNOWN."""
        bench.module("mine", MINE.replace("sys.stdout.flush()", ""))
        line = words.replace("LOG", str(bench.log))

        outcome = self.shell(bench, f'PYTHONUNBUFFERED={unbuffered} "$0" {line} > /dev/full')

        assert (3 if words == "status" else 1) == outcome.code
        assert outcome.err.startswith("Error: ")
        assert "No space left on device" in outcome.err
        assert 1 == outcome.err.count("\n")

    @pytest.mark.parametrize("place", [">&-", "> /dev/full"])
    def test_output_that_prints(self, bench: Bench, place: str) -> None:
        """What an output of a third party cannot print stays owed."""
        bench.module(
            "mine", MINE.replace("sys.stdout.flush()", "").replace("sys.stdout.write", "print")
        )
        bench.module("twin", "from mine import Mine\nclass Twin(Mine):\n    pass\n")
        outputs = ("-o", "mine.Mine", "-o", "twin.Twin", "counter.Counter")
        bench.run(*outputs)
        own = f"-s {bench.states} -l {bench.folder}"

        bad = self.shell(bench, f'"$0" {own} {" ".join(outputs)} {bench.log} {place}')
        good = bench.run(*outputs)

        why = "standard output is closed"
        full = "standard output cannot be written: No space left on device"
        assert (1, "") == (bad.code, bad.out)
        assert f"sent to mine.Mine: {why if '-' in place else full}. They are kept" in bad.err
        assert f"sent to twin.Twin: {why}. They are kept" in bad.err
        assert 2 == bad.err.count("\n")
        assert (0, 4) == (good.code, good.out.count("mine got lines"))

    @pytest.mark.parametrize("place", ["__init__", "submit", "preview"])
    @pytest.mark.parametrize(
        "body",
        [
            "sys.stdout = Tee(); print('mine got %s')",
            "sys.stdout = open(os.devnull, 'w'); sys.stdout.close()",
            "print('mine got %s'); sys.stdout.close()",
        ],
    )
    def test_replaced_by_an_output(self, bench: Bench, body: str, place: str) -> None:
        """What an output makes of standard output undoes no delivery, and ends in no traceback."""
        tee = "class Tee:\n    def write(self, text):\n        sys.__stdout__.write(text)\n\n"
        mine = MINE.replace("import sys\n", "import os, sys\n", 1).replace(
            "class Mine", tee + "class Mine"
        )
        if place == "__init__":
            mine = mine.replace("pass  # made", body)
        mine = mine[: mine.index("        sys.stdout.write")]
        mine += "        pass\n" if place == "__init__" else f"        {body}\n"
        bench.module("mine", mine)
        words = ["-o", "mine.Mine", "counter.Counter"]
        bench.run(*words)

        outcome = bench.run(*(["-d"] if place == "preview" else []), *words)

        assert (0, "") == (outcome.code, outcome.err)
        assert ("mine got %s\n" if "got" in body else "") == outcome.out
        assert '"owed":{}' in bench.state.read_text()

    def test_standard_output(self, bench: Bench) -> None:
        """With standard output closed nothing counts as printed; the next run prints it."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.append("one", "two")
        words = f"-s {bench.states} -l {bench.folder} -o stdout counter.Counter {bench.log}"

        closed = subprocess.run(
            ["sh", "-c", f'"$0" {words} >&-', COMMAND],
            env=os.environ | {"PYTHONPATH": str(bench.modules)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        good = bench.run("-o", "stdout", "counter.Counter")

        assert 1 == closed.returncode
        assert "1 metrics could not be sent to stdout: standard output is closed." in closed.stderr
        assert (0, ["2", "0"]) == (good.code, counted(good.out))

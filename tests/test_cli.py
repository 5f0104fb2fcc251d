"""The command line, to the letter of what users of 1.x rely on."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from running import COMMAND, Bench, logster

from logster import __version__
from logster.cli import main
from logster.logs import Log


COUNTER = """
from logster.logster_helper import LogsterParser, MetricObject

class Counter(LogsterParser):
    def __init__(self, option_string=None):
        self.lines = 0
        self.options_given = option_string
    def parse_line(self, line):
        self.lines += 1
    def get_state(self, duration):
        return [MetricObject("lines", self.lines, "lines", "int32"),
                MetricObject("duration", duration)]
"""


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.module("counter", COUNTER)
    return bench


def figures(out: str) -> dict[str, str]:
    """Return name → value of what the stdout output printed."""
    return {line.split()[1]: line.split()[2] for line in out.splitlines()}


class TestRuns:
    def test_first_run_is_silent(self, bench: Bench) -> None:
        """A first run takes its place at the end of the log, prints nothing and ends with 0."""
        bench.append("old")

        assert bench.run("-o", "stdout", "counter.Counter") == (0, "", "")

    def test_second_run_counts_new_lines(self, bench: Bench) -> None:
        """What came after the first run is counted, what was there before is not."""
        bench.append("old")
        bench.run("-o", "stdout", "counter.Counter")
        bench.append("new", "newer")

        outcome = bench.run("-o", "stdout", "counter.Counter")

        assert figures(outcome.out)["lines"] == "2"
        assert (outcome.code, outcome.err) == (0, "")

    def test_no_new_lines_send_zeros(self, bench: Bench) -> None:
        """Zeros are sent when nothing was written, so that a graph shows a line and no gap."""
        bench.run("-o", "stdout", "counter.Counter")

        assert figures(bench.run("-o", "stdout", "counter.Counter").out)["lines"] == "0"

    def test_from_start_reads_it_all(self, bench: Bench) -> None:
        """With --from-start the first run counts what stands in the log."""
        bench.append("a", "b", "c")

        outcome = bench.run("--from-start", "-o", "stdout", "counter.Counter")

        assert figures(outcome.out)["lines"] == "3"

    def test_stdout_line_has_three_words(self, bench: Bench) -> None:
        """The stdout output prints TIMESTAMP NAME VALUE, prefix and suffix joined with _."""
        outcome = bench.run(
            "--from-start", "-o", "stdout", "-p", "web", "-x", "end", "counter.Counter"
        )

        stamp, name, value = outcome.out.splitlines()[0].split(" ")
        assert (name, value) == ("web_lines_end", "0")
        assert abs(int(stamp) - time.time()) < 10

    def test_duration_is_never_zero(self, bench: Bench) -> None:
        """Two runs within one second do not divide by zero."""
        bench.run("-o", "stdout", "counter.Counter")

        out = [bench.run("-o", "stdout", "counter.Counter").out for _ in range(2)]

        assert all(int(figures(each)["duration"]) >= 1 for each in out)

    def test_no_two_runs_share_a_timestamp(self, bench: Bench) -> None:
        """Runs within one second get timestamps of their own, so that no point is overwritten."""
        bench.run("-o", "stdout", "counter.Counter")

        stamps = [bench.run("-o", "stdout", "counter.Counter").out.split()[0] for _ in range(3)]

        assert sorted(set(stamps)) == stamps

    def test_state_has_the_name_of_1x(self, bench: Bench) -> None:
        """Wrappers find the state under the name that 1.x gave it, with inode and offset first."""
        bench.append("a line")
        bench.run("-o", "stdout", "counter.Counter")

        flat = str(bench.log).replace("/", "-")
        assert f"logtail-counter.Counter{flat}.state" == bench.state.name
        inode, offset = bench.state.read_text().split("\n")[:2]
        assert (bench.log.stat().st_ino, 7) == (int(inode), int(offset))

    def test_state_mtime_is_start_of_run(self, bench: Bench) -> None:
        """The modification time of the state is when the run started."""
        before = time.time()
        bench.run("-o", "stdout", "counter.Counter")

        assert before - 0.01 <= bench.state.stat().st_mtime <= time.time()

    def test_state_is_for_its_owner_only(self, bench: Bench) -> None:
        """Nobody else reads what was counted."""
        bench.run("-o", "stdout", "counter.Counter")

        assert stat.S_IMODE(bench.state.stat().st_mode) == 0o600

    @pytest.mark.parametrize("tailer", ["logtail", "pygtail"])
    def test_state_of_1x_is_taken_over(self, bench: Bench, tailer: str) -> None:
        """A two-line state of 1.x goes on exactly where it stood, whichever tailer wrote it."""
        bench.append("counted by 1.x", "not yet counted")
        bench.states.mkdir()
        flat = str(bench.log).replace("/", "-")
        state = bench.states / f"{tailer}-counter.Counter{flat}.state"
        state.write_text(f"{bench.log.stat().st_ino}\n15\n")
        os.utime(state, (time.time() - 60, time.time() - 60))

        outcome = bench.run("-o", "stdout", "counter.Counter")

        assert figures(outcome.out) | {
            "duration": str(round(int(figures(outcome.out)["duration"]), -1))
        } == {"lines": "1", "duration": "60"}

    def test_state_edited_by_hand_rewinds(self, bench: Bench) -> None:
        """Who sets the offset in the state back has the lines counted again."""
        bench.append("one", "two")
        bench.run("-o", "stdout", "counter.Counter")
        inode, _, rest = bench.state.read_text().split("\n", 2)
        bench.state.write_text(f"{inode}\n0\n{rest}")

        assert figures(bench.run("-o", "stdout", "counter.Counter").out)["lines"] == "2"

    def test_own_log_is_kept(self, bench: Bench) -> None:
        """What a run did stands in logster.log."""
        bench.run("-o", "stdout", "counter.Counter")

        text = (bench.folder / "own" / "logster.log").read_text()
        assert "INFO     Executing parser counter.Counter on logfile" in text

    def test_own_log_cannot_be_renamed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full logster.log that cannot be moved away is written on, and stops nothing."""

        def refuse(log: Log) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Log, "_roll", refuse)
        monkeypatch.setattr("logster.logs.LOG_BYTES", 3)
        path = tmp_path / "logster.log"
        path.write_text("full")
        log = Log(str(tmp_path))
        log.write("INFO", "on and on")

        assert log.complaint
        assert path.read_text().endswith(" INFO     on and on\n")

    def test_configured_log(self, bench: Bench) -> None:
        """What logster says of its runs goes where --log-conf says, too, as in 1.x."""
        (bench.folder / "log.conf").write_text(
            "[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n"
            "[logger_root]\nlevel=INFO\nhandlers=file\n"
            f"[handler_file]\nclass=FileHandler\nargs=({str(bench.folder / 'other')!r},)\n"
        )
        bench.run("--log-conf", bench.folder / "log.conf", "-o", "stdout", "counter.Counter")
        other = (bench.folder / "other").read_text()
        own = (bench.folder / "own" / "logster.log").read_text()

        assert f"Executing parser counter.Counter on logfile {bench.log}" in other
        assert 1 == own.count("Executing")

    def test_configuration_missing(self, bench: Bench) -> None:
        """A logging configuration that is not there is told by the very first run."""
        outcome = bench.run("--log-conf", "/nowhere", "-o", "stdout", "counter.Counter")

        assert (0, "") == (outcome.code, outcome.out)
        assert outcome.err == (
            "Warning: The logging configuration /nowhere cannot be read: "
            "No such file or directory.\n"
        )

    def test_own_log_without_permission(self, bench: Bench) -> None:
        """A log directory that cannot be written is said once and stops nothing."""
        (bench.folder / "file").touch()
        words = ("-s", bench.states, "-l", bench.folder / "file", "-o", "stdout")

        first, second, third = (
            logster(*words, "counter.Counter", bench.log, path=bench.modules) for _ in range(3)
        )

        assert [0, 0, 0] == [first.code, second.code, third.code]
        assert "lines" in second.out
        assert 1 == (first.err + second.err + third.err).count("logster's own log")


class TestDryRun:
    def test_touches_nothing(self, bench: Bench) -> None:
        """A dry run writes no state, no lock and no log, and reads a fresh log from its start."""
        bench.append("a", "b")
        before = sorted(bench.folder.rglob("*"))

        outcome = bench.run("-d", "-o", "stdout", "counter.Counter")

        assert figures(outcome.out)["lines"] == "2"
        assert before == [
            each for each in sorted(bench.folder.rglob("*")) if "__pycache__" not in each.parts
        ]

    def test_shows_the_next_run(self, bench: Bench) -> None:
        """With a state it shows what the next run would send, as often as it is asked."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.append("x")

        out = [bench.run("-d", "-o", "stdout", "counter.Counter").out for _ in range(2)]

        assert [figures(each)["lines"] for each in out] == ["1", "1"]

    def test_shows_what_is_owed(self, bench: Bench) -> None:
        """What an earlier run could not deliver is part of what the next one sends."""
        dead = ("-o", "graphite", "--graphite-host", "127.0.0.1:1", "counter.Counter")
        bench.run(*dead)
        bench.append("x")
        bench.run(*dead)

        out = bench.run("-d", *dead).out.splitlines()

        assert [line.split()[2] for line in out if " lines " in line] == ["1", "0"]

    def test_without_output_is_a_table(self, bench: Bench) -> None:
        """Without an output a dry run prints a table and how the lines were taken."""
        bench.append("x")

        out = bench.run("-d", "counter.Counter").out

        assert out.splitlines()[:2] == ["metric    value  unit", "lines         1  lines"]
        assert out.splitlines()[-1] == "1 lines: 1 matched, 0 ignored, 0 unmatched."

    def test_graphite_line(self, bench: Bench) -> None:
        """Graphite's dry run prints HOST:PORT NAME VALUE TIMESTAMP, joined with dots."""
        bench.append("x")
        words = ("-d", "-o", "graphite", "--graphite-host", "g:2003", "-p", "a.", "counter.Counter")

        host, name, value, stamp = bench.run(*words).out.splitlines()[0].split(" ")

        assert (host, name, value) == ("g:2003", "a..lines", "1")
        assert stamp.isdigit()

    def test_statsd_line(self, bench: Bench) -> None:
        """StatsD's dry run prints HOST:PORT NAME:VALUE|TYPE."""
        words = ("-d", "-o", "statsd", "--statsd-host", "s:8125", "counter.Counter")

        assert bench.run(*words).out.splitlines()[0] == "s:8125 lines:0|g"

    def test_ganglia_command(self, bench: Bench) -> None:
        """Ganglia's dry run prints the exact command."""
        out = bench.run("-d", "-o", "ganglia", "-p", "a", "counter.Counter").out

        assert (
            out.splitlines()[0]
            == "/usr/bin/gmetric -d 180 -c /etc/ganglia/gmond.conf --name a_lines --value 0 "
            '--type int32 --units "lines"'
        )

    def test_broken_pipe_is_success(self, bench: Bench) -> None:
        """Who reads only the first line of a dry run, as head does, gets no traceback."""
        bench.module(
            "many",
            "from logster.logster_helper import *\n"
            "class Many(LogsterParser):\n"
            "    def get_state(self, duration):\n"
            "        return [MetricObject(f'm{i}' * 50, i) for i in range(5000)]\n",
        )
        script = f'"$0" -d -s {bench.states} -o stdout many.Many {bench.log} | head -n 1'

        done = _shell("set -o pipefail; " + script, bench)

        assert (done.stderr, done.returncode) == ("", 0)

    @pytest.mark.parametrize(
        "words", ["--help", "--list", "metrics postfix", "why squid {log}", "-d squid {log}"]
    )
    def test_nobody_reads(self, bench: Bench, words: str) -> None:
        """Whoever reads us may stop at any time, whatever they asked for."""
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [COMMAND, *words.format(log=bench.log).split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        os.close(writing)

        assert (b"", 0) == (done.stderr, done.returncode)


@pytest.mark.parametrize(
    ("word", "consequence"),
    [
        ("squid", "What was read but not yet noted is read again."),
        ("why", "Nothing was sent, and the place of no job changed."),
    ],
)
def test_interrupted(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    word: str,
    consequence: str,
) -> None:
    """Ctrl-C ends with 130, and one sentence that says what becomes of the lines."""

    def interrupt(_: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("logster.cli._called", interrupt)
    with pytest.raises(SystemExit) as caught:
        main([word, "app.log"])

    assert (130, f"Interrupted: {consequence}\n") == (caught.value.code, capsys.readouterr().err)


class TestOptions:
    @pytest.mark.parametrize(
        "words",
        [
            ("-o", "statsd", "--statsd-host", "s:1", "PARSER", "LOG"),
            ("PARSER", "LOG", "-o", "statsd", "--statsd-host=s:1"),
            ("PARSER", "-o", "statsd", "LOG", "--statsd-host", "s:1"),
            ("--statsd-host", "s:1", "-o", "statsd", "PARSER", "LOG"),
            ("--statsd-host", "s:1", "PARSER", "LOG", "--outp=statsd"),
            ("-ostatsd", "--statsd-h", "s:1", "PARSER", "LOG"),
            ("-o", "statsd", "-o", "statsd", "--statsd-host", "s:1", "PARSER", "LOG"),
        ],
    )
    def test_any_order_and_abbreviation(self, bench: Bench, words: tuple[str, ...]) -> None:
        """Options stand anywhere, an output's on either side of its -o, long ones cut short."""
        place = {"PARSER": "counter.Counter", "LOG": str(bench.log)}
        line = [place.get(word, word) for word in words]

        outcome = logster("-d", "-s", bench.states, *line, path=bench.modules)

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.splitlines()[0] == "s:1 lines:0|g"

    @pytest.mark.parametrize(
        "words",
        [
            ("--out", "stdout"),
            ("--o=stdout", "--ta", "pygtail"),
            ("--stdout=_", "-o", "stdout"),
            ("--t", "logtail", "--statsd", "s:1", "-o", "statsd"),
        ],
    )
    def test_abbreviations_of_1x(self, bench: Bench, words: tuple[str, ...]) -> None:
        """What was the beginning of one option of 1.x alone still stands for it."""
        assert 0 == bench.run("-d", *words, "counter.Counter").code

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("-o", "ganglia", "--gmetric-options", "-c /opt/gmond.conf"), "-c /opt/gmond.conf"),
            (("--gmetric-options", "-g group", "-o", "ganglia"), "-g group"),
            (("--gmetric-o", "-D foo", "-oganglia"), "-D foo"),
            (("--nsca-host", "h:1", "--nsca-service-h", "-o", "-onsca"), "-o\t"),
            (("-o", "influxdb", "--influxdb-url", "http://h", "--influxdb-db", "-foo"), "lines"),
        ],
    )
    def test_values_like_options(self, bench: Bench, words: tuple[str, ...], told: str) -> None:
        """The word after an option of an output is its value, whatever it begins with."""
        outcome = bench.run("-d", *words, "counter.Counter")

        assert (0, "") == (outcome.code, outcome.err)
        assert told in outcome.out

    def test_parser_options_are_verbatim(self, bench: Bench) -> None:
        """What --parser-options holds reaches the parser as it is, dashes and blanks included."""
        bench.module(
            "echo",
            "from logster.logster_helper import *\n"
            "class Echo(LogsterParser):\n"
            "    def __init__(self, option_string=None):\n"
            "        print(repr(option_string))\n"
            "    def get_state(self, duration):\n"
            "        return []\n",
        )
        given = [" --separator /  x", "-k /", "", "^a|b$"]

        out = [
            bench.run("-d", "-o", "stdout", "--parser-options", each, "echo.Echo").out
            for each in given
        ]

        assert [repr(each) + "\n" for each in given] == out

    def test_environment(self, bench: Bench) -> None:
        """Every option may come from LOGSTER_… in the environment."""
        env = {
            "LOGSTER_OUTPUT": "statsd stdout",
            "LOGSTER_STATSD_HOST": "s:1",
            "LOGSTER_METRIC_PREFIX": "env",
            "LOGSTER_DRY_RUN": "1",
        }

        out = bench.run("counter.Counter", env=env).out.splitlines()

        assert out[0] == "s:1 env.lines:0|g"
        assert out[2].split()[1] == "env_lines"

    @pytest.mark.parametrize("name", ["VERSION", "HELP", "LIST", "PARSER_HELP"])
    @pytest.mark.parametrize("value", ["1", "2.0.0"])
    def test_environment_ends_no_run(self, bench: Bench, name: str, value: str) -> None:
        """What an image of a container sets is no wish for something else than a run."""
        env = {f"LOGSTER_{name}": value}

        assert "lines 0" in bench.run("-d", "-o", "stdout", "counter.Counter", env=env).out

    def test_environment_is_checked(self, bench: Bench) -> None:
        """A number out of its range ends the run wherever it comes from."""
        outcome = bench.run("-d", "counter.Counter", env={"LOGSTER_MAX_LINE": "-5"})

        assert (2, "") == (outcome.code, outcome.out)
        assert "--max-line takes a whole number of at least 1, and not -5." in outcome.err

    def test_command_line_beats_environment(self, bench: Bench) -> None:
        """What the command line says counts more than the environment."""
        env = {"LOGSTER_METRIC_PREFIX": "env", "LOGSTER_OUTPUT": "statsd"}

        out = bench.run("-d", "-o", "stdout", "-p", "own", "counter.Counter", env=env).out

        assert out.split()[1] == "own_lines"

    def test_accepted_and_not_used(self, bench: Bench) -> None:
        """The options of 1.x that have lost their meaning are still taken."""
        words = ("--locker", "portalocker", "--logtail", "/usr/sbin/logtail2", "-t", "pygtail")

        assert bench.run("-d", *words, "-o", "stdout", "counter.Counter").code == 0

    def test_version(self) -> None:
        """--version prints the version."""
        assert (0, f"logster {__version__}\n", "") == logster("--version")

    @pytest.mark.parametrize("flag", ["-h", "--help"])
    def test_help(self, flag: str) -> None:
        """Help goes to standard output and ends with 0."""
        outcome = logster(flag)

        assert (outcome.code, outcome.err) == (0, "")
        assert all(each in outcome.out for each in ("--graphite-host", "--nsca-host", "status"))

    def test_braces_in_a_name(self, bench: Bench) -> None:
        """Prefix and suffix hold the host, parser, log and tags where braces ask for them."""
        words = ("-p", "{host_short}.{env}.{log}", "-x", "{parser}.{x}", "--tag", "env=a.b")
        host = os.uname().nodename.partition(".")[0]

        out = bench.run("-d", "-o", "statsd://h:1", *words, "counter.Counter").out

        assert out.split()[1] == f"{host}.a_b.app_log.lines.counter_Counter.x:0|g"

    def test_list(self) -> None:
        """--list names every parser and output with its first sentence."""
        outcome = logster("--list")

        assert (outcome.code, outcome.err) == (0, "")
        assert "squid" in outcome.out
        assert "graphite" in outcome.out

    def test_completion(self) -> None:
        """A shell completes parsers and options."""
        env = {"_LOGSTER_COMPLETE": "bash_complete", "COMP_WORDS": "logster squ", "COMP_CWORD": "1"}

        assert logster(env=env).out == "plain,squid\n"


class TestUsageErrors:
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ((), "Supply two arguments: parser and logfile."),
            (("squid",), "Supply two arguments: parser and logfile."),
            (("squid", "LOG"), "Supply where the data should be sent with -o (or --output)."),
            (("-d", "squidd", "LOG"), "no parser called squidd. Did you mean squid?"),
            (("-d", "PostfixLogger", "LOG"), "Did you mean PostfixLogster?"),
            (("-d", "-o", "graphitte", "squid", "LOG"), "Did you mean graphite?"),
            (("--metric-prefx", "x", "squid", "LOG"), "--metric-prefix"),
            (
                ("-o", "stdout", "--event", "x", "squid", "LOG"),
                "--event belongs to the output graphite-events: add -o graphite-events.",
            ),
            (
                ("-d", "--influxdb-url=http://h", "squid", "LOG"),
                "--influxdb-url belongs to the output influxdb: add -o influxdb.",
            ),
            (("lint", "--statsd-h", "h:1", "squid", "LOG"), "belongs to the output statsd"),
            (
                ("-d", "--statd-host=x:1", "squid", "LOG"),
                "Did you mean '--statsd-host', with -o statsd?",
            ),
            (("-d", "--grahpite-host", "x:1", "squid", "LOG"), "'--graphite-host', with -o graph"),
            (("-d", "--state-dri", "x", "squid", "LOG"), "'--state-dir'?)"),
            (
                ("-d", "-o", "influxdb", "--influxdb-token", "s3cret", "squid", "LOG"),
                "No such option '--influxdb-token'.",
            ),
            (
                ("-d", "-o", "graphite", "--graphite", "h:1", "squid", "LOG"),
                "--graphite is ambiguous: --graphite-host, --graphite-protocol.",
            ),
            (
                ("-d", "--outbox", "1", "squid", "LOG"),
                "--outbox is ambiguous: --outbox-age, --outbox-bytes.",
            ),
            (("-d", "--graphite-hots", "h:1", "squid", "LOG"), "No such option"),
            *(
                (("-d", f"{flag}={text}", "squid", "LOG"), f"Error: {flag} takes {kind}, and not")
                for flag, kind, texts in (
                    ("--max-unmatched", "a number from 0 to 100", "-1 101 nan"),
                    ("--max-line", "a whole number of at least 1", "-5 0"),
                    ("--jobs", "a whole number of at least 1", "-1 0"),
                    ("--outbox-bytes", "a whole number of at least 0", "-1"),
                    ("--outbox-age", "a number of at least 0", "nan inf -1"),
                    ("--wait", "a number of at least 0", "nan inf -1"),
                    ("--timeout", "a number from 0.001 to 86400", "nan inf 0 -1 1e300"),
                )
                for text in texts.split()
            ),
            (("-d", "-o", "graphite://h:1?timeout=nan", "squid", "LOG"), "--timeout takes a numb"),
            (("-d", "a.b.C", "squid"), "The parser a.b.C cannot be loaded"),
            (("-d", "-o", "a.b.C", "squid", "LOG"), "The output a.b.C cannot be loaded"),
            *(
                (("-d", "-o", each, "squid", "LOG"), f"Error: {each} is no output, since it has no")
                for each in ("logster.logster_helper.LogsterParser", "os.path", "os.sep")
            ),
            (("-d", "-o", "statsd", "squid", "LOG"), "--statsd-host"),
            (
                ("-d", "-o", "graphite", "--graphite-host", "host:notaport", "squid", "LOG"),
                "--graphite-host takes HOST:PORT",
            ),
            (
                ("-d", "-o", "graphite", "--graphite-host", "no port", "squid", "LOG"),
                "--graphite-host takes HOST:PORT",
            ),
            (("-d", "--parser-options", "--nonsense", "JsonLogster", "LOG"), "--nonsense"),
        ],
    )
    def test_exit_code_and_sentence(
        self, bench: Bench, words: tuple[str, ...], sentence: str
    ) -> None:
        """A wrong command line ends with 2, says what is wrong and prints nothing else."""
        line = [str(bench.log) if word == "LOG" else word for word in words]

        outcome = logster(*line)

        assert (outcome.code, outcome.out) == (2, "")
        assert sentence in outcome.err
        assert "s3cret" not in outcome.err
        assert "Traceback" not in outcome.err

    def test_ipv6_host(self, bench: Bench) -> None:
        """An IPv6 address in brackets is a host."""
        words = ("-d", "-o", "graphite", "--graphite-host", "[::1]:2003", "counter.Counter")

        assert bench.run(*words).out.split()[0] == "[::1]:2003"


class TestBadInput:
    def test_missing_log(self, bench: Bench) -> None:
        """A log that does not exist is an error, and nothing is sent."""
        bench.log.unlink()

        outcome = bench.run("-o", "stdout", "counter.Counter")

        assert (outcome.code, outcome.out) == (1, "")
        assert f"Error: {bench.log} does not exist. Nothing was read or sent" in outcome.err

    def test_directory(self, bench: Bench) -> None:
        """A directory is no log."""
        bench.log.unlink()
        bench.log.mkdir()

        outcome = bench.run("-o", "stdout", "counter.Counter")

        assert outcome.code == 1
        assert "is a directory, and only a regular file can be read" in outcome.err

    def test_fifo(self, bench: Bench) -> None:
        """A FIFO is no log, and does not hang the run."""
        bench.log.unlink()
        os.mkfifo(bench.log)

        outcome = bench.run("-o", "stdout", "counter.Counter")

        assert outcome.code == 1
        assert "is a FIFO" in outcome.err

    def test_state_folder_is_a_file(self, bench: Bench) -> None:
        """A state directory that cannot be made is told, with what to do."""
        bench.states.touch()

        outcome = bench.run("-o", "stdout", "counter.Counter")

        assert outcome.code == 1
        assert f"The state directory {bench.states} cannot be made" in outcome.err
        assert "--state-dir" in outcome.err

    def test_corrupt_state(self, bench: Bench) -> None:
        """A state that makes no sense is set aside, told once, and the job goes on."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.state.write_text("rubbish")
        bench.append("while the state was bad")

        first = bench.run("-o", "stdout", "counter.Counter")
        bench.append("good again")
        second = bench.run("-o", "stdout", "counter.Counter")

        assert (first.code, first.out) == (1, "")
        assert "does not start with an inode and an offset" in first.err
        assert ".corrupt" in first.err
        assert (second.code, figures(second.out)["lines"], second.err) == (0, "1", "")

    def test_unresolvable_host(self, bench: Bench) -> None:
        """A name that cannot be looked up loses no line and no figure."""
        dead = ("-o", "graphite", "--graphite-host", "no-such-host.invalid:2003")
        bench.run(*dead, "counter.Counter")
        bench.append("x")

        outcome = bench.run(*dead, "counter.Counter")

        assert outcome.code == 1
        assert "2 metrics could not be sent to graphite" in outcome.err
        assert "no-such-host.invalid:2003" in outcome.err
        assert "the next run sends them, with their own times." in outcome.err
        shown = bench.run("-d", *dead, "counter.Counter").out
        assert "lines 1 " in shown

    def test_library_that_quotes_a_secret(self, bench: Bench) -> None:
        """A header that a library refuses reaches neither cron's mail nor log nor state."""
        bench.module(
            "sender",
            "class Sender:\n"
            "    shortname = 'sender'\n"
            "    def __init__(self, parser, options, logger): pass\n"
            "    def submit(self, metrics):\n"
            "        raise ValueError(\"Invalid header value b's3cret\\\\nmore'\")\n",
        )

        outcome = bench.run("--from-start", "-o", "sender.Sender", "counter.Counter")

        kept = [
            each.read_text() for each in (*bench.states.iterdir(), bench.folder / "own/logster.log")
        ]
        assert (
            "sender.Sender: ValueError: Invalid header value (not shown). They are kept"
            in outcome.err
        )
        assert "s3cret" not in "".join((outcome.err, *kept))

    def test_half_a_url(self, bench: Bench) -> None:
        """Of a mistyped URL no more is shown than what can be no secret."""
        outcome = bench.run("-o", "http:/me:s3cret@h/in?key=s3cret", "counter.Counter")

        assert outcome.code == 2
        assert outcome.err.startswith("Error: http… is no output: -o takes a name")
        assert "s3cret" not in outcome.err

    @pytest.mark.parametrize("method", ["__init__", "parse_line", "get_state"])
    def test_parser_that_raises(self, bench: Bench, method: str) -> None:
        """Whatever a parser raises, the run ends with 1 and the lines are read again."""
        bench.run("-o", "stdout", "counter.Counter")
        bench.append("x")
        bench.module(
            "counter", COUNTER + f"    def {method}(self, *a, **k): raise KeyError('oh')\n"
        )
        bad = bench.run("-o", "stdout", "counter.Counter")
        bench.module("counter", COUNTER)

        good = bench.run("-o", "stdout", "counter.Counter")

        assert (bad.code, bad.out) == (1, "")
        assert "The parser counter.Counter raised KeyError" in bad.err
        assert figures(good.out)["lines"] == "1"

    @pytest.mark.parametrize("method", ["__init__", "parse_line", "get_state"])
    @pytest.mark.parametrize("raised", ["SystemExit(0)", "SystemExit(3)", "GeneratorExit"])
    def test_parser_that_exits(self, bench: Bench, method: str, raised: str) -> None:
        """A parser that ends the process is told like any other that raises."""
        bench.module("counter", COUNTER + f"    def {method}(self, *a, **k): raise {raised}\n")
        bench.append("x")

        bad = bench.run("--from-start", "-o", "stdout", "counter.Counter")

        assert (bad.code, bad.out) == (1, "")
        assert f"The parser counter.Counter raised {raised.partition('(')[0]} while" in bad.err
        assert "Nothing was sent; the next run reads the same lines" in bad.err

    def test_bad_bytes(self, bench: Bench) -> None:
        """Invalid UTF-8, NUL bytes and CRLF cost no line."""
        with bench.log.open("wb") as file:
            file.write(b"caf\xe9\n\xff\xfe\n\0\0\0nul\nwindows\r\nlast\n")

        outcome = bench.run("--from-start", "-o", "stdout", "counter.Counter")

        assert (outcome.code, figures(outcome.out)["lines"], outcome.err) == (0, "5", "")

    def test_max_unmatched(self, bench: Bench) -> None:
        """Too many lines unmatched fail the run loudly, after its figures were sent."""
        bench.append("no squid line", "nor this")

        outcome = bench.run("--from-start", "--max-unmatched", "50", "-o", "stdout", "squid")

        assert outcome.code == 1
        assert outcome.out
        assert "2 of 2 lines" in outcome.err
        assert f"logster why squid {bench.log}" in outcome.err


def _shell(script: str, bench: Bench) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", script, COMMAND],
        env=os.environ | {"PYTHONPATH": str(bench.modules)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

"""Parsers, metrics and outputs written for 1.x: one test for each thing their authors rely on."""

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from running import Bench, Outcome

from logster import logster_helper, stats
from logster.logster_helper import (
    LockingError,
    LogsterOutput,
    LogsterParser,
    LogsterParsingException,
    MetricObject,
)


#: Module of 1.x → what its users import from it.
MODULES = {
    "SampleLogster": ["SampleLogster"],
    "ErrorLogLogster": ["ErrorLogLogster", "LogsterParsingException"],
    "Log4jLogster": ["Log4jLogster"],
    "MetricLogster": ["MetricLogster"],
    "PostfixLogster": ["PostfixLogster"],
    "SquidLogster": ["SquidLogster"],
    "JsonLogster": ["JsonLogster"],
}

#: The attributes that tests written for 1.x read from a fresh parser.
ATTRIBUTES = {
    "SampleLogster": ["http_1xx", "http_2xx", "http_3xx", "http_4xx", "http_5xx"],
    "SquidLogster": ["http_1xx", "http_5xx", "squid_codes", "size_transferred"],
    "ErrorLogLogster": ["notice", "warn", "error", "crit", "other"],
    "Log4jLogster": ["WARN", "ERROR", "FATAL"],
    "JsonLogster": ["key_separator", "metrics"],
}


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def parser(bench: Bench, body: str, *words: object, lines: tuple[str, ...] = ("a", "b")) -> Outcome:
    """Run a third party's parser with *body* over *lines*."""
    text = "from logster.logster_helper import *\nclass Own(LogsterParser):\n"
    bench.module("own", text + textwrap.indent(textwrap.dedent(body), "    "))
    bench.append(*lines)
    return bench.run("--from-start", "-o", "stdout", *words, "own.Own")


def values(outcome: Outcome) -> dict[str, str]:
    """Return name → value of what was printed, if all went well."""
    assert (0, "") == (outcome.code, outcome.err)
    return {line.split()[1]: line.split()[2] for line in outcome.out.splitlines()}


class TestImports:
    @pytest.mark.parametrize("name", MODULES)
    def test_modules_of_1x(self, name: str) -> None:
        """Each module of 1.x holds its class, and it is the class of the modern module."""
        module = importlib.import_module(f"logster.parsers.{name}")

        for attribute in MODULES[name]:
            found = getattr(module, attribute)
            home = importlib.import_module(found.__module__)
            assert getattr(home, found.__name__) is found
        assert set(MODULES[name]) == set(module.__all__)

    @pytest.mark.parametrize("name", MODULES)
    def test_parsers_take_their_options_by_keyword(self, name: str) -> None:
        """Parsers of 1.x are made with option_string by keyword, None included."""
        parser_class = getattr(importlib.import_module(f"logster.parsers.{name}"), name)

        assert isinstance(parser_class(option_string=None), LogsterParser)
        assert isinstance(parser_class(), LogsterParser)

    @pytest.mark.parametrize("name", ATTRIBUTES)
    def test_attributes_of_fresh_parsers(self, name: str) -> None:
        """What tests written for 1.x look at is there."""
        made = getattr(importlib.import_module(f"logster.parsers.{name}"), name)()

        assert [] == [each for each in ATTRIBUTES[name] if not hasattr(made, each)]

    def test_layout_of_2011(self) -> None:
        """`import logster_helper` gives the names of logster.logster_helper."""
        old = importlib.import_module("logster_helper")

        assert set(logster_helper.__all__) == set(old.__all__)
        assert all(getattr(old, each) is getattr(logster_helper, each) for each in old.__all__)

    def test_stats_helper(self) -> None:
        """The statistics of 1.x are where they were."""
        helper = importlib.import_module("logster.parsers.stats_helper")

        assert helper.find_percentile is stats.find_percentile
        assert helper.find_mean([1, 2, 3]) == 2
        assert helper.find_median([3, 1]) == 2
        assert helper.find_percentile([], 90) is None

    def test_percentile_sorts_in_place(self) -> None:
        """find_percentile interpolates over (n-1)*p/100 and leaves the list sorted."""
        numbers: list[float] = [5, 1, 3]

        assert 4.6 == pytest.approx(stats.find_percentile(numbers, 90))
        assert [1, 3, 5] == numbers

    def test_exceptions_are_exceptions(self) -> None:
        """The exceptions of 1.x can be raised and caught under their names."""
        assert issubclass(LogsterParsingException, Exception)
        assert issubclass(LockingError, Exception)

    @pytest.mark.parametrize("python", ["-W", "-X"])
    def test_no_warning_on_import(self, python: str) -> None:
        """Nothing of ours warns, whichever way warnings are asked for."""
        flags = {"-W": ["-W", "error"], "-X": ["-X", "dev"]}[python]
        code = "import logster.logster_helper, logster_helper, logster.cli, logster.run"

        done = subprocess.run(
            [sys.executable, *flags, "-c", code], capture_output=True, check=True, text=True
        )

        assert ("", "") == (done.stdout, done.stderr)


class TestMetricObject:
    def test_positional_and_keywords(self) -> None:
        """Two, three or four arguments by position, or all by keyword."""
        made = [
            MetricObject("n", 1),
            MetricObject("n", 1, "u"),
            MetricObject("n", 1, "u", "int32"),
            MetricObject(name="n", value=1, units="u", type="int32", timestamp=5, metric_type="c"),
        ]

        assert ["", "u", "u", "u"] == [each.units for each in made]
        assert ["float", "float", "int32", "int32"] == [each.type for each in made]
        assert ["g", "g", "g", "c"] == [each.metric_type for each in made]

    def test_open_to_change(self) -> None:
        """Attributes are rewritten and added, and unknown keywords kept."""
        metric = MetricObject("n", 1, slope="both")
        metric.value += 1
        metric.tags = {"a": "b"}

        assert (2, "both", {"a": "b"}) == (metric.value, metric.slope, metric.tags)

    def test_subclass_without_init(self) -> None:
        """A subclass may skip our __init__ and still has what 1.x gave a default."""

        class Bare(MetricObject):
            def __init__(self) -> None:
                self.name, self.value = "n", 1

        assert ("", "float", "g") == (Bare().units, Bare().type, Bare().metric_type)

    def test_metrics_of_one_run_share_their_time(self) -> None:
        """The default timestamp is the same for every metric of one run."""
        assert MetricObject("a", 1).timestamp == MetricObject("b", 2).timestamp

    def test_base_classes_ask_to_be_filled(self) -> None:
        """The base methods raise RuntimeError."""
        with pytest.raises(RuntimeError, match="Implement me!"):
            LogsterParser().parse_line("x")
        with pytest.raises(RuntimeError, match="Implement me!"):
            LogsterParser().get_state(1)
        assert hasattr(LogsterOutput, "submit")


class TestParsers:
    def test_line_keeps_its_newline(self, bench: Bench) -> None:
        """parse_line gets each line with its newline."""
        body = """
        lines = []
        def parse_line(self, line): self.lines.append(line)
        def get_state(self, duration):
            return [MetricObject("ends", sum(x[-1] == "\\n" for x in self.lines))]
        """

        assert {"ends": "2"} == values(parser(bench, body))

    def test_generator_reaches_every_output(self, bench: Bench) -> None:
        """get_state may be a generator, and each of several outputs gets all of it."""
        body = """
        def parse_line(self, line): pass
        def get_state(self, duration):
            yield MetricObject("one", 1)
            yield MetricObject("two", 2)
        """

        outcome = parser(bench, body, "-d", "-o", "statsd", "--statsd-host", "s:1")

        assert {"one", "two"} == {line.split()[1] for line in outcome.out.splitlines()[:2]}
        assert ["s:1 one:1|g", "s:1 two:2|g"] == outcome.out.splitlines()[2:]

    @pytest.mark.parametrize("raised", ["LogsterParsingException", "LogsterParsingException('x')"])
    def test_exception_skips_the_line(self, bench: Bench, raised: str) -> None:
        """LogsterParsingException, as class or instance, skips the line and is not shown."""
        body = f"""
        good = 0
        def parse_line(self, line):
            if "bad" in line: raise {raised}
            self.good += 1
        def get_state(self, duration): return [MetricObject("good", self.good)]
        """

        assert {"good": "2"} == values(parser(bench, body, lines=("a", "bad", "b")))

    def test_values_of_any_kind(self, bench: Bench) -> None:
        """Values may be text, int, float or bool."""
        body = """
        def parse_line(self, line): pass
        def get_state(self, duration):
            return [MetricObject("s", "12"), MetricObject("i", 3), MetricObject("f", 0.5),
                    MetricObject("b", True), MetricObject("t", 1, timestamp="99.5")]
        """

        outcome = parser(bench, body)

        assert {"s": "12", "i": "3", "f": "0.5", "b": "1", "t": "1"} == values(outcome)
        assert "99.5 t 1" == outcome.out.splitlines()[-1]

    def test_rewritten_metrics(self, bench: Bench) -> None:
        """Metrics that are changed after they were made are sent as they are then."""
        body = """
        def __init__(self, option_string=None): self.metric = MetricObject("n", 0)
        def parse_line(self, line):
            self.metric.value += 1
            self.metric.timestamp = 77
            self.metric.metric_type = "c"
        def get_state(self, duration): return [self.metric]
        """

        outcome = parser(bench, body, "-d", "-o", "statsd", "--statsd-host", "s:1")

        assert ["77 n 2", "s:1 n:2|c"] == outcome.out.splitlines()

    def test_own_classes(self, bench: Bench) -> None:
        """A parser that derives from nothing of ours and metrics of its own class will do."""
        bench.module(
            "duck",
            "class M:\n    name, value = 'n', 4\n"
            "class Duck:\n"
            "    def __init__(self, option_string=None): pass\n"
            "    def parse_line(self, line): pass\n"
            "    def get_state(self, duration): return (M(),)\n",
        )

        assert {"n": "4"} == values(bench.run("--from-start", "-o", "stdout", "duck.Duck"))

    def test_logger_warn(self, bench: Bench) -> None:
        """Parsers call logger.warn of logging.getLogger('logster'); it reaches logster.log only."""
        bench.module(
            "own",
            "import logging\nfrom logster.logster_helper import *\n"
            "logger = logging.getLogger('logster')\n"
            "class Own(LogsterParser):\n"
            "    def parse_line(self, line): logger.warn('saw %s', line.strip())\n"
            "    def get_state(self, duration): return [MetricObject('n', 1)]\n",
        )
        bench.append("it")

        outcome = bench.run("--from-start", "-o", "stdout", "own.Own")

        assert {"n": "1"} == values(outcome)
        assert "WARNING  saw it" in (bench.folder / "own" / "logster.log").read_text()

    def test_invalid_escapes_are_not_mailed(self, bench: Bench) -> None:
        """A pattern with an invalid escape, as many third-party files have, warns nobody."""
        bench.module(
            "own",
            "import re\nfrom logster.logster_helper import *\n"
            "class Own(LogsterParser):\n"
            "    def __init__(self, option_string=None): self.reg = re.compile('\\d+')\n"
            "    def parse_line(self, line): self.reg.match(line)\n"
            "    def get_state(self, duration): return [MetricObject('n', 1)]\n",
        )

        assert {"n": "1"} == values(bench.run("--from-start", "-o", "stdout", "own.Own"))

    def test_parser_help_of_third_parties(self, bench: Bench) -> None:
        """--parser-help gives a parser of 1.x the -h that it answers itself."""
        bench.module(
            "own",
            "import optparse\nfrom logster.logster_helper import *\n"
            "class Own(LogsterParser):\n"
            "    def __init__(self, option_string=None):\n"
            "        parser = optparse.OptionParser(prog='own')\n"
            "        parser.add_option('--fields', help='Which fields.')\n"
            "        parser.parse_args(args=option_string.split(' '))\n",
        )

        outcome = bench.run("--parser-help", "own.Own")

        assert (0, "") == (outcome.code, outcome.err)
        assert "Which fields." in outcome.out

    def test_options_a_parser_refuses(self, bench: Bench) -> None:
        """A parser of 1.x says itself what is wrong with its options, and ends with 2."""
        bench.module(
            "own",
            "import optparse\nfrom logster.logster_helper import *\n"
            "class Own(LogsterParser):\n"
            "    def __init__(self, option_string=None):\n"
            "        optparse.OptionParser().parse_args(args=option_string.split(' '))\n",
        )

        outcome = bench.run(
            "-o", "stdout", "--from-start", "--parser-options", "--no-such", "own.Own"
        )

        assert outcome.code == 2
        own, _, ours = outcome.err.partition("error: no such option: --no-such\n")
        assert own.startswith("Usage: ")
        assert ours == (
            "Error: The parser own.Own refused its options. "
            f"Nothing was sent; the lines of {bench.log} stay unread until it takes them.\n"
        )

    def test_file_dropped_into_the_installation(self, bench: Bench) -> None:
        """A file dropped into the installed logster/parsers/ is found by its bare name."""
        import logster.parsers

        dropped = Path(next(iter(logster.parsers.__path__))) / "DroppedLogster.py"
        dropped.write_text(
            "from logster.logster_helper import *\n"
            "class DroppedLogster(LogsterParser):\n"
            "    def parse_line(self, line): pass\n"
            "    def get_state(self, duration): return [MetricObject('dropped', 1)]\n"
        )
        try:
            outcome = bench.run("--from-start", "-o", "stdout", "DroppedLogster")
        finally:
            dropped.unlink()

        assert {"dropped": "1"} == values(outcome)

    def test_current_directory_is_not_searched(self, bench: Bench) -> None:
        """A dotted name is found on PYTHONPATH, and not in the current directory."""
        from running import logster

        bench.module("own", "class Own: pass")

        outcome = logster("-d", "own.Own", bench.log, cwd=bench.modules)

        assert 2 == outcome.code
        assert "No module named 'own'" in outcome.err


OUTPUT = """
import sys
from logster.logster_helper import LogsterOutput

class Mine(LogsterOutput):
    shortname = "mine"

    @classmethod
    def add_options(cls, group):
        group.add_option("--mine-file", "-m", action="store", dest="target", metavar="FILE",
                         help="Where to. Default is %default", default="/dev/null")
        group.add_option("--mine-level", type="int", default=3)
        group.add_option("--mine-mode", type="choice", choices=("a", "b"), default="a")
        group.add_option("--mine-loud", action="store_true", default=False)
        group.add_option("--mine-tag", action="append", dest="mine_tags")

    def __init__(self, parser, options, logger):
        super(Mine, self).__init__(parser, options, logger)
        if options.mine_level > 9:
            parser.print_help()
            parser.error("The level is too high: %d" % options.mine_level)
        self.seen = (options.target, options.mine_level, options.mine_mode, options.mine_loud,
                     options.mine_tags, options.metric_suffix)

    def submit(self, metrics):
        if self.options.target == "raise":
            raise IOError("nobody there")
        if self.options.target == "exit":
            sys.exit(3)
        for metric in metrics:
            text = "%s=%s" % (self.get_metric_name(metric, "/"), metric.value)
            self.logger.debug("sending %s" % text)
            print(("would send " if self.dry_run else "sent ") + text, self.seen)
            sys.stdout.flush()
"""


@pytest.fixture(name="mine")
def _mine(bench: Bench) -> Bench:
    bench.module("mine", OUTPUT)
    bench.module(
        "own",
        "from logster.logster_helper import *\n"
        "class Own(LogsterParser):\n"
        "    def parse_line(self, line): pass\n"
        "    def get_state(self, duration): return [MetricObject('n', 1)]\n",
    )
    return bench


class TestOutputs:
    def test_options_and_submit(self, mine: Bench) -> None:
        """An output of a third party declares optparse options and gets them in one namespace."""
        words = ("-p", "pre", "-m", "x", "--mine-level=5", "--mine-mode", "b", "--mine-loud")
        tags = ("--mine-tag", "q", "--mine-tag", "r")

        outcome = mine.run("--from-start", *words, *tags, "-o", "mine.Mine", "own.Own")

        assert (0, "") == (outcome.code, outcome.err)
        assert "sent pre/n=1 ('x', 5, 'b', True, ['q', 'r'], None)\n" == outcome.out

    def test_defaults(self, mine: Bench) -> None:
        """What the command line leaves out has the default that the class declared."""
        outcome = mine.run("--from-start", "-o", "mine.Mine", "own.Own")

        assert "sent n=1 ('/dev/null', 3, 'a', False, None, None)\n" == outcome.out

    def test_help_shows_its_options(self, mine: Bench) -> None:
        """Its options stand in --help, with the default in the place of %default."""
        out = mine.run("-o", "mine.Mine", "--help").out

        assert "-m, --mine-file FILE" in " ".join(out.split())
        assert "Where to. Default is /dev/null" in " ".join(out.split())

    def test_wrong_value(self, mine: Bench) -> None:
        """A value that optparse refuses is a usage error."""
        outcome = mine.run("--mine-level", "high", "-o", "mine.Mine", "own.Own")

        assert 2 == outcome.code
        assert "invalid integer value: 'high'" in outcome.err

    def test_print_help_and_error(self, mine: Bench) -> None:
        """parser.print_help() prints to stdout, parser.error() to stderr and ends with 2."""
        outcome = mine.run("--mine-level", "10", "-o", "mine.Mine", "own.Own")

        assert 2 == outcome.code
        assert "Usage: logster" in outcome.out
        assert "The level is too high: 10" in outcome.err

    def test_dry_run(self, mine: Bench) -> None:
        """In a dry run the output is told so and prints for itself."""
        outcome = mine.run("-d", "-o", "mine.Mine", "own.Own")

        assert outcome.out.startswith("would send n=1")

    @pytest.mark.parametrize(
        ("target", "why"), [("raise", "nobody there"), ("exit", "SystemExit: 3")]
    )
    def test_failure_is_not_delivered(self, mine: Bench, target: str, why: str) -> None:
        """An exception or an exit from submit keeps the metrics for the next run."""
        failed = mine.run("--from-start", "-m", target, "-o", "mine.Mine", "own.Own")

        again = mine.run("-m", "fine", "-o", "mine.Mine", "own.Own")

        assert 1 == failed.code
        assert f"1 metrics could not be sent to mine.Mine: {why}" in failed.err.replace(
            "OSError: ", ""
        )
        assert 2 == again.out.count("sent n=1")

    def test_foreign_attributes_survive(self, mine: Bench) -> None:
        """Attributes that a parser adds to its metrics reach an output that reads them."""
        mine.module(
            "own",
            "from logster.logster_helper import *\n"
            "class Own(LogsterParser):\n"
            "    def parse_line(self, line): pass\n"
            "    def get_state(self, duration):\n"
            "        return [MetricObject('n', 1, slope='both', tags={'a': 'b'})]\n",
        )
        mine.module(
            "reader",
            "from logster.logster_helper import *\n"
            "class Reader(LogsterOutput):\n"
            "    def submit(self, metrics):\n"
            "        print([(m.slope, m.tags, m.units, m.metric_type) for m in metrics])\n",
        )

        outcome = mine.run("--from-start", "-o", "reader.Reader", "own.Own")

        assert "[('both', {'a': 'b'}, '', 'g')]\n" == outcome.out

"""From a name on the command line to a class, wherever it comes from."""

from pathlib import Path

import pytest
from running import Bench, logster

from logster.errors import ConfigurationError
from logster.registry import load_output, load_parser, names


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    """Return a place where a package of a third party is installed."""
    bench = Bench(tmp_path)
    bench.module(
        "acme",
        "from logster.logster_helper import *\n"
        "from logster.outputs.stdout import StdoutOutput\n"
        "class Shop(LogsterParser):\n"
        "    def parse_line(self, line): pass\n"
        "    def get_state(self, duration): return [MetricObject('orders', 3)]\n"
        "class Pager(StdoutOutput):\n"
        "    def encode(self, metric): return b'page: ' + super().encode(metric)\n",
    )
    package = bench.modules / "acme-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[logster.parsers]\nshop = acme:Shop\nbroken = acme:Nothing\n"
        "[logster.outputs]\npager = acme:Pager\n"
    )
    return bench


def test_installed_packages(bench: Bench) -> None:
    """A package registers a parser and an output by entry points, and both are called by name."""
    outcome = bench.run("--from-start", "-o", "pager", "shop")

    assert (0, "") == (outcome.code, outcome.err)
    assert outcome.out.startswith("page: ")
    assert outcome.out.endswith(" orders 3\n")


def test_did_you_mean_knows_them(bench: Bench) -> None:
    """A mistyped name of a registered parser is answered with the right one."""
    outcome = bench.run("-d", "shpo")

    assert 2 == outcome.code
    assert "There is no parser called shpo. Did you mean shop?" in outcome.err


def test_broken_entry_point(bench: Bench) -> None:
    """An entry point that leads nowhere is told with the place it names."""
    outcome = bench.run("-d", "broken")

    assert 2 == outcome.code
    assert "The parser broken of acme:Nothing cannot be loaded" in outcome.err


def test_place_of_a_mistake(bench: Bench) -> None:
    """What a module raises while it is imported is told with its line, wherever it was raised."""
    bench.module(
        "mine",
        "from logster.regex_parser import *\n\n"
        "class Mine(RegexParser):\n    metrics = (\n        Percentiles('ms', 50),\n    )\n",
    )

    outcome = bench.run("-d", "mine.Mine")

    assert 2 == outcome.code
    assert "TypeError: percentiles are listed, as in (50, 95), and not 50 (" in outcome.err
    assert "mine.py:5). Nothing was read or sent." in outcome.err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("5", "are 5, and not a tuple such as"),
        ("Option('--min', 'Least.')", "are a single one, and not a tuple such as"),
        ("(Option('--min', 'Least.'),)", "hold one with the flags '--min'"),
        ("('--min',)", "hold '--min', which is none"),
    ],
)
def test_mistaken_options(bench: Bench, options: str, problem: str) -> None:
    """Options that are none are told as a mistake of the parser, in its help as in a run."""
    bench.module(
        "mine",
        "from logster.logster_helper import *\nfrom logster.options import Option\n\n"
        f"class Mine(LogsterParser):\n    options = {options}\n",
    )

    for words in (("-d", "mine.Mine"), ("--parser-help", "mine.Mine")):
        outcome = bench.run(*words)
        assert 2 == outcome.code
        assert f" {problem}" in outcome.err
        assert "Traceback" not in outcome.err


def test_list_shows_packages(bench: Bench) -> None:
    """--list names what packages register, and what of it nobody can call."""
    points = bench.modules / "acme-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text().replace("broken", "postfix"))

    listed = logster("--list", path=bench.modules).out.splitlines()

    assert ["shop", "Of the package acme."] in [line.split(maxsplit=1) for line in listed]
    assert ["pager", "Of the package acme."] in [line.split(maxsplit=1) for line in listed]
    assert "postfix          Of the package acme; logster's own hides it." in listed


@pytest.mark.parametrize("name", names("logster.outputs"))
def test_every_output_has_a_class(name: str) -> None:
    """The class of an output follows from the name of its module."""
    assert name == load_output(name).kind


@pytest.mark.parametrize("name", names("logster.parsers"))
def test_every_parser_is_called_by_either_dash(name: str) -> None:
    """Dashes and underscores in a name mean the same."""
    assert load_parser(name) is load_parser(name.replace("-", "_"))


@pytest.mark.parametrize("name", ["", ".", "..", "a..b", "-", "os", "stats_helper", "a/b", "ä"])
def test_what_is_no_parser(name: str) -> None:
    """Whatever else is given is a mistake of the command line, told as one."""
    with pytest.raises(ConfigurationError, match="Nothing was read or sent"):
        load_parser(name)


def test_unknown_first_word_is_a_parser(tmp_path: Path) -> None:
    """A first word that is no command is taken for a parser, and answered as one."""
    outcome = logster("statsu", tmp_path / "x")

    assert 2 == outcome.code

"""The rules of the house: who imports whom, what is installed, what is documented."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from running import logster

import logster as package
from logster import errors
from logster.command_line import COMMANDS, RUN_OPTIONS
from logster.options import Option
from logster.registry import load_output, load_parser, names


ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "logster"
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: Layers from the bottom up; a module may import from its own layer and those before.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    (
        "stats",
        "metrics",
        "table",
        "arguments",
        "places",
        "logs",
        "shapes",
        "labels",
        "linear",
        "patterns",
        "pcre2",
        "_hostile",
        "moments",
    ),
    ("options", "sample", "compressed", "generation", "lock", "transport"),
    (
        "parser",
        "blocks",
        "accumulators",
        "shelf",
        "copies",
        "tail",
        "unchanged",
        "journal",
        "outputs",
    ),
    ("regex_parser", "parsers", "foreign", "parallel"),
    ("registry", "job", "delivery", "reading", "run", "_child", "_trials", "conformance"),
    ("command_line", "commands"),
    ("cli",),
    ("__main__",),
)
#: Names of 1.x: nothing of ours may need them.
OLD_NAMES = {"logster_helper", "_top_level"}


def imports(path: Path) -> set[str]:
    """Return the modules of logster that the file at *path* imports, by their first part."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = {name for layer in LAYERS for name in layer} | OLD_NAMES
    parts = (name.split(".") for name in found if name.startswith("logster."))
    return {part[1] for part in parts if part[1] in known}


def modules() -> list[tuple[str, Path]]:
    """Return each module of ours with the first part of its name."""
    own = [(path.stem, path) for path in SOURCES.glob("*.py") if path.stem != "__init__"]
    for folder in ("outputs", "commands"):
        own += [(folder, path) for path in (SOURCES / folder).glob("*.py")]
    return [*own, *(("parsers", path) for path in (ROOT / "parsers").glob("*.py"))]


class TestImports:
    @pytest.mark.parametrize(
        ("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else ""
    )
    def test_arrows_point_down(self, name: str, path: Path) -> None:
        """A module imports only from its own layer and those below, and never the names of 1.x."""
        if name in OLD_NAMES:
            return
        below = {each for layer in LAYERS[: _layer(name) + 1] for each in layer}

        assert set() == imports(path) - below

    def test_every_module_has_a_layer(self) -> None:
        """A new module takes its place in the order."""
        known = {name for layer in LAYERS for name in layer} | OLD_NAMES

        assert set() == {name for name, _ in modules()} - known

    def test_parsers_need_little(self) -> None:
        """A parser knows parsers, metrics and statistics, and nothing of runs or outputs."""
        allowed = {
            "parser", "parsers", "metrics", "stats", "options", "errors",
            "blocks", "labels", "moments", "patterns", "pcre2", "sample", "regex_parser",
        }  # fmt: skip

        used = {each for path in (ROOT / "parsers").glob("*.py") for each in imports(path)}

        assert set() == used - allowed

    def test_an_empty_run_imports_little(self, tmp_path: Path) -> None:
        """A run imports neither regex nor entry points, nor an output or parser it does not use."""
        log = tmp_path / "x.log"
        log.touch()
        words = ["-s", str(tmp_path), "-l", str(tmp_path), "-o", "stdout", "SquidLogster", str(log)]
        code = (
            "import sys\nfrom logster.cli import main\n"
            "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
            "print(*sorted(sys.modules), file=sys.stderr)"
        )
        first, second = (
            subprocess.run(
                [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
            )
            for _ in range(2)
        )

        loaded = set(first.stderr.split()) | set(second.stderr.split())
        unwanted = {"regex", "importlib.metadata", "logging", "threading.local", "boto3", "orjson"}
        assert set() == loaded & unwanted
        assert set() == set(second.stderr.split()) & {"pygtail", "logster.tail", "logster.shelf"}
        assert {"logster.outputs.stdout"} == {
            each
            for each in loaded
            if each.startswith("logster.outputs.") and not each.split(".")[2].startswith("_")
        }
        assert {"logster.parsers.SquidLogster"} == {
            each
            for each in loaded
            if each.startswith("logster.parsers.") and not each.split(".")[2].startswith("_")
        }


class TestPackaging:
    def test_packages_are_listed(self) -> None:
        """The list of packages in pyproject.toml is complete."""
        found = {f"logster.{path.parent.name}" for path in SOURCES.glob("*/__init__.py")}

        assert {"logster", "logster_helper", *found} == set(
            CONFIGURATION["tool"]["setuptools"]["packages"]
        )

    def test_link_to_the_parsers(self) -> None:
        """`logster/parsers` is a link, for those who read files and no build configuration."""
        listing = subprocess.run(
            ["git", "ls-files", "-s", "logster/parsers"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert listing.stdout.startswith("120000 ")

    def test_version_is_one(self) -> None:
        """The command says the version of the package."""
        assert f"logster {package.__version__}\n" == logster("--version").out


class TestDocumentation:
    manual = (ROOT / "man" / "logster.1").read_text(encoding="utf-8")

    def test_manual_is_up_to_date(self) -> None:
        """The man page is what its template and the options make of it."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "man" / "build.py"), "--check"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert (0, "") == (done.returncode, done.stderr)

    @pytest.mark.parametrize("page", ["logster.1", "logster-metrics.7"])
    def test_manual_is_clean(self, page: str) -> None:
        """Groff has nothing to say about the man pages."""
        done = subprocess.run(
            ["groff", "-man", "-ww", "-z", str(ROOT / "man" / page)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert ("", "") == (done.stdout, done.stderr)

    @pytest.mark.parametrize("option", RUN_OPTIONS, ids=lambda option: option.name)
    def test_options_of_a_run(self, option: Option) -> None:
        """Every option of a run stands in the man page and has a sentence of help."""
        assert all(flag.replace("-", "\\-") in self.manual for flag in option.flags)
        assert option.help.endswith(".")

    @pytest.mark.parametrize("name", names("logster.outputs"))
    def test_options_of_outputs(self, name: str) -> None:
        """Every output stands in the man page with its options, and so it does in --list."""
        assert f".SS {name}".replace("-", "\\-") in self.manual
        for option in load_output(name).options:
            assert all(flag.replace("-", "\\-") in self.manual for flag in option.flags)
            assert option.help.endswith(".")

    @pytest.mark.parametrize("word", ["{hostname}", "{host_short}", "{parser}", "{log}"])
    def test_braces(self, word: str) -> None:
        """What braces stand for is told in the help, the README and the man page."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")

        assert all(word in page for page in (readme, self.manual, logster("--help").out))

    @pytest.mark.parametrize("word", COMMANDS)
    def test_commands(self, word: str) -> None:
        """Every command has help, and stands in the man page."""
        outcome = logster(word, "--help")

        assert (0, "") == (outcome.code, outcome.err)
        assert f"Usage: logster {word}" in outcome.out
        assert f".SS logster {word}" in self.manual

    def test_exit_codes(self) -> None:
        """The exit codes of all errors stand in the man page."""
        section = self.manual.partition(".SH EXIT STATUS")[2].partition(".SH")[0]
        documented = {int(each) for each in re.findall(r"^\.B (\d+)$", section, re.MULTILINE)}
        codes = {
            each.exit_code
            for each in vars(errors).values()
            if isinstance(each, type) and issubclass(each, errors.LogsterError)
        }

        assert codes | {0, 130} == documented

    @pytest.mark.parametrize("name", [each for each in names("logster.parsers") if each.islower()])
    def test_parsers_say_what_they_measure(self, name: str) -> None:
        """The docstring of a modern parser has a summary and tells of its metrics."""
        module = sys.modules[load_parser(name).__module__]
        text = module.__doc__ or ""

        assert text.strip().partition("\n")[0].endswith(".")
        assert "Metrics:" in text

    def test_readme_opens_with_demo_and_tests(self) -> None:
        """The README opens with the two commands of a newcomer, and what the first prints."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        printed = logster("--dry-run", "postfix", ROOT / "fixtures" / "postfix" / "demo.log").out

        assert readme.index("make demo") < readme.index("make test") < readme.index("## ")
        assert set(printed.splitlines()[:12]) <= set(readme.splitlines())


def _layer(name: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if name in layer)

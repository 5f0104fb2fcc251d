"""``logster new``: a parser of one's own, with a log and a test that passes."""

import keyword
import os
import re
import shlex
import sys
from importlib.util import find_spec

import click

from logster.command_line import COMMANDS
from logster.commands._reading import CONTEXT
from logster.errors import ConfigurationError
from logster.registry import names


_PARSER = r'''"""
Count the requests that NAME answers, by status, and say how long they take.

Lines it reads::

    2026-11-21T06:21:32 GET /cart 200 12ms
"""

from logster.regex_parser import Count, Percentiles, RegexParser


class CLASS(RegexParser):
    """Count the requests that NAME answers."""

    # Possessive quantifiers (++) keep a line made to be slow from being slow.
    pattern = r"^\S++ (?P<method>[A-Z]++) \S++ (?P<status>\d{3}) (?P<ms>\d++)ms$"
    metrics = (
        Count("requests", units="Requests", help="Requests answered."),
        Count("status", by="status", units="Requests", help="Requests by status."),
        Percentiles("time", (50, 75), of="ms", units="ms", help="How long a request takes."),
    )
'''

_LOG = """\
2026-11-21T06:21:32 GET /cart 200 12ms
2026-11-21T06:21:33 GET /cart 200 14ms
2026-11-21T06:21:33 POST /order 201 120ms
2026-11-21T06:21:34 GET /nothing 404 3ms
a line that the parser does not understand
2026-11-21T06:21:36 POST /order 500 2004ms
"""

_TEST = '''"""The parser of MODULE.py."""

from pathlib import Path

from MODULE import CLASS

from logster.conformance import problems


LOG = Path(__file__).with_name("MODULE.log").read_bytes()


def test_figures() -> None:
    """The lines of the log give the figures that they should."""
    parser = CLASS()
    tally = parser.feed(LOG)
    figures = {metric.name: metric.value for metric in parser.get_state(duration=60)}

    assert (tally.matched, tally.ignored, tally.unmatched) == (5, 0, 1)
    assert figures == {
        "requests": 5,
        "status_200": 2,
        "status_201": 1,
        "status_404": 1,
        "status_500": 1,
        "time_p50": 14,
        "time_p75": 120,
    }


def test_conformance() -> None:
    """The parser stands what a stranger may write into a log."""
    assert problems(CLASS, LOG) == []
'''

_NEXT = """\
Wrote FILES.

Try it, see what it derives, and which lines of a log it does not understand yet:

    CDpython -m pytest test_MODULE.py
    PYTHONPATH=. logster --dry-run MODULE.CLASS MODULE.log
    PYTHONPATH=. logster why MODULE.CLASS MODULE.log

Then change the pattern, the metrics and the log to yours. Once installed as a package with
the entry point NAME = "MODULE:CLASS" in the group logster.parsers, it is called NAME.
"""


@click.command("new", context_settings=CONTEXT)
@click.argument("name")
@click.option(
    "--directory",
    metavar="DIR",
    default=".",
    show_default="the current one",
    help="Where to write; it is made if it is missing.",
)
def command(name: str, directory: str) -> None:
    """
    Write a parser called NAME, a log for it and a test that passes.

    NAME is made of small letters, digits and dashes: my-shop gives my_shop.py with
    MyShopParser, my_shop.log and test_my_shop.py. No file is overwritten.
    """
    module = name.replace("-", "_")
    _refuse(name, module)
    words = {
        "CLASS": "".join(word.capitalize() for word in module.split("_")) + "Parser",
        "MODULE": module,
        "NAME": name,
    }
    files = {f"{module}.py": _PARSER, f"{module}.log": _LOG, f"test_{module}.py": _TEST}
    _write(directory, {file: _filled(text, words) for file, text in files.items()})
    first, second, third = (os.path.normpath(os.path.join(directory, file)) for file in files)
    words["FILES"] = f"{first}, {second} and {third}"
    words["CD"] = "" if directory == "." else f"cd {shlex.quote(directory)}\n    "
    click.echo(_filled(_NEXT, words), nl=False)


def _refuse(name: str, module: str) -> None:
    """
    Refuse a *name* that cannot be that of a module, hides another one, or is hidden itself.

    Raises:
        ConfigurationError: If it is such a name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise ConfigurationError(
            f"A parser cannot be called {name!r}: small letters, digits and dashes make a name, "
            "such as my-shop. Nothing was written."
        )
    if name in COMMANDS or module.replace("_", "-") in names("logster.parsers"):
        kind = "command" if name in COMMANDS else "parser"
        raise ConfigurationError(
            f"logster has a {kind} {name} of its own, which would hide yours. "
            "Choose another name. Nothing was written."
        )
    if module in sys.stdlib_module_names or _is_installed(module):
        raise ConfigurationError(
            f"A parser called {name} would hide the Python module {module}. "
            "Choose another name. Nothing was written."
        )


def _is_installed(module: str) -> bool:
    spec = find_spec(module)
    # A folder of that name somewhere on the path is no module yet.
    return bool(spec and spec.origin and os.path.dirname(spec.origin) != os.getcwd())


def _write(directory: str, files: dict[str, str]) -> None:
    """
    Write *files* into *directory*: all of them, or none.

    Raises:
        ConfigurationError: If one is there already, or cannot be written.
    """
    taken = [file for file in files if os.path.lexists(os.path.join(directory, file))]
    if taken:
        raise ConfigurationError(
            f"{os.path.join(directory, taken[0])} is there already. Nothing was written."
        )
    made: list[str] = []
    path = directory
    try:
        os.makedirs(directory, exist_ok=True)
        for file, text in files.items():
            path = os.path.join(directory, file)
            with open(path, "x", encoding="utf-8") as target:
                made.append(path)
                target.write(text)
    except OSError as error:
        for each in made:  # half of them would stand in the way of the next try
            os.remove(each)
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}. No file was written."
        ) from error


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text

"""
Write ``man/logster.1`` from ``man/template.1`` and the options themselves.

``--check`` writes nothing and ends with 1 if the page is not what it would write.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from logster import __version__
from logster.command_line import COMMANDS, RUN_OPTIONS
from logster.options import Option
from logster.registry import load_output, names


HERE = Path(__file__).parent


def page() -> str:
    """Return the whole page."""
    text = (HERE / "template.1").read_text(encoding="utf-8")
    for mark, part in {
        "VERSION": __version__,
        "COMMAND_SYNOPSIS": "\n.br\n".join(f".B logster {word}\n.RI [ ... ]" for word in COMMANDS),
        "PARSERS": "\n".join(map(_parser, names("logster.parsers"))),
        "OPTIONS": "\n".join([*map(_option, RUN_OPTIONS), *map(_plain, _BUILT_IN)]),
        "OUTPUTS": "\n".join(map(_output, names("logster.outputs"))),
        "COMMANDS": "\n".join(map(_command, COMMANDS)),
    }.items():
        text = text.replace(f"@{mark}@", part)
    return text


_BUILT_IN = (
    ("--version", "Print the version and exit."),
    ("-h, --help", "Print a summary of the options and exit."),
)


def _parser(name: str) -> str:
    module = import_module(f"logster.parsers.{name.replace('-', '_')}")
    return f".TP\n.B {_escaped(name)}\n{_escaped(_summary(module))}"


def _output(name: str) -> str:
    output = load_output(name)
    head = f".SS {_escaped(name)}\n{_escaped(_summary(import_module(output.__module__)))}"
    return "\n".join([head, *map(_option, output.options)])


def _command(word: str) -> str:
    command: click.Command = import_module(f"logster.commands.{word}").command
    context = click.Context(command, info_name=f"logster {word}")
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f".SS logster {word} {_escaped(usage)}", _escaped(_joined(command.help or ""))]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record:
            parts.append(_plain(record))
    return "\n".join(parts)


def _option(option: Option) -> str:
    flags = ", ".join(option.flags)
    if option.type is not bool:
        metavar = "|".join(option.choices) or option.metavar or option.name.upper()
        flags += f" {metavar}"
    text = option.help
    if option.default not in (None, "", (), False):
        shown = f"{option.default:g}" if isinstance(option.default, float) else option.default
        text += f" Default: {shown}."
    return _plain((flags, text))


def _plain(record: tuple[str, str]) -> str:
    flags, text = record
    return f".TP\n.B {_escaped(flags)}\n{_escaped(_joined(text))}"


def _summary(module: Any) -> str:
    return str(module.__doc__ or "").strip().partition("\n")[0]


def _joined(text: str) -> str:
    return " ".join(text.replace("\b", "").split())


def _escaped(text: str) -> str:
    """Return *text* so that roff takes none of it for itself."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace("`", "\\(ga")
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def main() -> int:
    """Write the page, or check it."""
    target = HERE / "logster.1"
    if "--check" in sys.argv[1:]:
        same = target.read_text(encoding="utf-8") == page()
        if not same:
            print("man/logster.1 is not what its sources say: make man", file=sys.stderr)
        return 0 if same else 1
    target.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

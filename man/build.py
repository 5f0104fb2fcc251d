"""
Write the man pages and the marked parts of the README from the program itself.

``logster.1`` is ``template.1`` with the options and commands filled in,
``logster-metrics.7`` what ``logster metrics`` prints of each parser. ``--check`` writes
nothing and ends with 1 if a file is not what it would write.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from logster import __version__
from logster.command_line import COMMANDS, RUN_OPTIONS
from logster.commands.metrics import KIND_NAMES
from logster.metrics import MetricInfo
from logster.options import Option
from logster.registry import load_output, load_parser, names


HERE = Path(__file__).parent

#: Lines of the demo's table that the README shows.
DEMO_ROWS = 20

#: What the figures of ``--self-metrics`` mean.
OF_A_RUN = {
    "lines_read": "Lines that the run read.",
    "lines_matched": "Lines that the parser understood.",
    "lines_ignored": "Lines that it knows and passes over.",
    "lines_unmatched": "Lines that it did not understand.",
    "lines_failed": "Lines that were longer than --max-line, and not read.",
    "bytes_read": "Bytes that the run read.",
    "bytes_lost": "Bytes known to be out of reach for good; a lower bound.",
    "gaps": "Times that something since the last run could not be found, or not be read.",
    "rotations": "Files of the log that are new since the last run.",
    "lag": "Bytes at the end of the log that are not read yet, such as half a line.",
    "backlog": "Batches that earlier runs owe to receivers, before this run delivers.",
    "batches_dropped": "Batches given up since the job began.",
    "metrics_refused": "Metrics of the last run before this one that an output could not take.",
    "run_time": "Time until the metrics were derived; sending comes after that.",
}


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


def metrics_page() -> str:
    """Return the page of all metrics, as ``logster metrics`` knows them."""
    head = f"""\
.\\" Written by man/build.py from the catalogues of the parsers.
.TH LOGSTER\\-METRICS 7 "" "logster {__version__}" "Metrics"
.SH NAME
logster\\-metrics \\- what the parsers of logster derive
.SH DESCRIPTION
Each parser of
.BR logster (1)
derives these metrics.
A part of a name that varies stands in braces.
Counters are what one run counted; a rate is per second of the time since the last run.
Parsers whose metrics the log or an option names
.RB ( pattern ,
.BR json-lines ,
.BR JsonLogster )
have only those of their own here.
The figures of a run itself come last.
"""
    return head + "\n".join([*map(_catalogue, names("logster.parsers")), _own_figures()]) + "\n"


def _catalogue(name: str) -> str:
    heading = _escaped(name).upper() if name.islower() else _escaped(name)
    summary = _escaped(_parser_summary(name))
    return "\n".join([f".SH {heading}", summary, *map(_metric, load_parser(name).catalogue())])


def _metric(info: MetricInfo) -> str:
    kind = KIND_NAMES.get(info.kind, info.kind)
    unit = f", {info.units}" if info.units else ""
    head = f'.TP\n.BR {_quoted(info.name)} " ({kind}{_escaped(unit)})"'
    return f"{head}\n{_escaped(_joined(info.help))}"


def _own_figures() -> str:
    """Return the section on ``--self-metrics``: what a run sends, in its order."""
    words = ["--self-metrics", "{prefix}", "-o", "stdout", "--format", "json"]
    metrics = [json.loads(line) for line in _dry_run(*words).splitlines()]
    text = """\
.SH FIGURES OF A RUN
What a run says of itself with the option
.BR \\-\\-self\\-metrics ,
under the prefix given there, which the prefix of all metrics precedes."""
    parts = [
        _metric(MetricInfo(each["name"], each["units"], each["kind"], OF_A_RUN[word]))
        for each in metrics
        if (word := each["name"].removeprefix("{prefix}.")) != each["name"]
    ]
    return "\n".join([text, *parts])


def _quoted(text: str) -> str:
    return '"' + _escaped(text) + '"'


_BUILT_IN = (
    ("--version", "Print the version and exit."),
    ("-h, --help", "Print a summary of the options and exit."),
)


def _parser(name: str) -> str:
    return f".TP\n.B {_escaped(name)}\n{_escaped(_parser_summary(name))}"


def _output(name: str) -> str:
    head = f".SS {_escaped(name)}\n{_escaped(_output_summary(name))}"
    return "\n".join([head, *map(_option, load_output(name).options)])


def _command(word: str) -> str:
    command: click.Command = import_module(f"logster.commands.{word}").command
    context = click.Context(command, info_name=f"logster {word}")
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f".SS logster {word} {_escaped(usage)}", _escaped(_joined(command.help or ""))]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option):
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
    return str(module.__doc__ or "").strip().partition("\n")[0].replace("``", "`")


def _joined(text: str) -> str:
    return " ".join(text.replace("\b", "").split())


def _escaped(text: str) -> str:
    """Return *text* so that roff takes none of it for itself."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace("`", "\\(ga")
    text = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def readme(text: str) -> str:
    """Return the README *text* with its marked parts written anew."""
    for mark, part in {
        "demo": f"```\n{_demo()}\n```",
        "parsers": _markdown("parser", "what it does", names("logster.parsers"), _parser_row),
        "outputs": _markdown("output", "what it does", names("logster.outputs"), _output_summary),
    }.items():
        pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
        text = pattern.sub(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
    return text


def _dry_run(*words: str) -> str:
    """Return what a dry run on the log of the demo prints."""
    demo = ("--dry-run", *words, "postfix", "fixtures/postfix/demo.log")
    done = subprocess.run(
        [sys.executable, "-m", "logster", *demo],
        cwd=HERE.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def _demo() -> str:
    *rows, blank, account = _dry_run().rstrip("\n").split("\n")
    return "\n".join([*rows[:DEMO_ROWS], f"… and {len(rows) - DEMO_ROWS} more", blank, account])


def _markdown(head: str, other: str, rows: list[str], summary: Callable[[str], str]) -> str:
    lines = [f"| {head} | {other} |", "|---|---|"]
    lines += [f"| `{each}` | {summary(each)} |" for each in rows]
    return "\n".join(lines)


def _parser_row(name: str) -> str:
    infos = load_parser(name).catalogue()
    return _parser_summary(name) + (f" {len(infos)} metrics." if len(infos) > 1 else "")


def _parser_summary(name: str) -> str:
    return _summary(import_module(f"logster.parsers.{name.replace('-', '_')}"))


def _output_summary(name: str) -> str:
    return _summary(import_module(load_output(name).__module__))


def main() -> int:
    """Write the files, or check them."""
    readme_file = HERE.parent / "README.md"
    made = {HERE / "logster.1": page(), HERE / "logster-metrics.7": metrics_page()}
    made[readme_file] = readme(readme_file.read_text(encoding="utf-8"))
    for path, text in made.items():
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} is not what its sources say: make docs", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

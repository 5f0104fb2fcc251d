"""``logster metrics``: the catalogue of the metrics that a parser derives."""

import ast
import json
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.metadata import entry_points

import click

from logster.commands._reading import CONTEXT, complete_parser
from logster.metrics import MetricInfo
from logster.parser import catalogue_of
from logster.registry import load_parser, names
from logster.table import table


#: Metric kinds in words.
KIND_NAMES = {"g": "gauge", "c": "counter", "ms": "timer", "h": "histogram", "s": "set"}

_PACKAGE = "logster.parsers"


@click.command("metrics", context_settings=CONTEXT)
@click.argument("parser", required=False, shell_complete=complete_parser)
@click.option(
    "--json", "as_json", envvar="LOGSTER_JSON", is_flag=True, help="Print JSON, for programs."
)
def command(parser: str | None, *, as_json: bool) -> None:
    """
    Show every metric that PARSER derives: its name, unit, kind and meaning.

    A part of a name that varies stands in braces, as in status_{code}. Without
    PARSER, the parsers there are and what each does.
    """
    if parser is None:
        parsers = [{"parser": name, "summary": text} for name, text in summaries()]
        if as_json:
            click.echo(json.dumps(parsers, indent=2))
        else:
            click.echo(table(("parser", ""), [tuple(each.values()) for each in parsers]))
        return
    metrics = catalogue_of(parser, load_parser(parser))
    if as_json:
        content = {"parser": parser, "metrics": [_words(metric) for metric in metrics]}
        click.echo(json.dumps(content, indent=2))
    elif metrics:
        rows = [tuple(_words(metric).values()) for metric in metrics]
        click.echo(table(("metric", "unit", "kind", ""), rows))
    else:
        click.echo(
            f"The parser {parser} has no catalogue: it says nothing of its metrics beforehand. "
            f"logster --dry-run {parser} LOGFILE shows those that it derives from a log."
        )


def summaries(package: str = _PACKAGE) -> Iterator[tuple[str, str]]:
    """
    Yield each parser, or what else there is in *package*, with the line that says what it does.

    None is imported for that: one of them might lack what it needs.
    """
    own = names(package)
    for name in own:
        yield name, _summary(package, name.replace("-", "_"))
    for point in sorted(entry_points(group=package)):
        origin = f"Of the package {point.dist.name if point.dist else point.value}"
        hidden = point.name.replace("_", "-") in own
        yield point.name, f"{origin}; logster's own hides it." if hidden else f"{origin}."


def _summary(package: str, module: str) -> str:
    """Return the first line of the docstring of a *module*."""
    spec = PathFinder.find_spec(f"{package}.{module}", import_module(package).__path__)
    try:
        source = spec.loader.get_source(spec.name) if spec else None  # type: ignore[union-attr]
        text = ast.get_docstring(ast.parse(source or ""))
    except (OSError, SyntaxError, ValueError) as error:
        return f"Cannot be read: {error}."
    return (text or "").partition("\n")[0].replace("`", "")


def _words(metric: MetricInfo) -> dict[str, str]:
    return {
        "name": metric.name,
        "unit": metric.units,
        "kind": KIND_NAMES.get(metric.kind, metric.kind),
        "help": metric.help,
    }

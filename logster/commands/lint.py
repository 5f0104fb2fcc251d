"""``logster lint``: what a backend would do to the metrics of a log, before anything is sent."""

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import click

from logster.command_line import RunCommand
from logster.commands._reading import blocks, counted, maker, parser_error
from logster.metrics import Metric, set_run_time, to_metric
from logster.outputs import Output, describe
from logster.outputs._lint import STEP_SECONDS, lint
from logster.parser import feeder
from logster.shapes import printable
from logster.tail import Tail


#: Seconds that the lines of the log are taken to cover: cron's minute.
DURATION = 60

_HELP = """
Warn of what an output would do to the metrics of LOGFILE.

Take the command line of a run and put lint in front: all options but --step are those
of a run. LOGFILE is read from its start, and what PARSER makes of it is compared with
the rules of each output: names that become one, are cut, are changed in more than dots
and dashes or cannot be sent at all, tags that get another name, two points in one step
of Graphite or at one time, gauges that StatsD repeats or takes for changes.
Nothing is sent, and the place of no job changes.

The exit code is 0 if there is nothing to warn of, and 1 if there is.
"""


_STEP = click.Option(
    ["--step"],
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=STEP_SECONDS,
    show_default=True,
    help="Seconds between two points that Graphite keeps.",
)


class _Lint(click.Command):
    """A command with the options of a run, which depend on the outputs that are named."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        run = RunCommand(args, _lint)
        run.help, run.epilog = _HELP, None
        run.params.insert(-2, _STEP)
        return run.make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        return ctx.command.invoke(ctx)


# Of the parameters only the manual knows: a command line is read with those of its run.
command = _Lint(
    "lint",
    help=_HELP,
    params=[
        _STEP,
        click.Argument(["parser"], metavar="PARSER"),
        click.Argument(["log"], metavar="LOGFILE"),
    ],
)


def _lint(**values: Any) -> int:
    """Warn; every option is in *values*."""
    if values["log"] is None:
        raise click.UsageError("Supply two arguments: parser and logfile.")
    if not values["output"]:
        raise click.UsageError("Supply where the data would be sent with -o (or --output).")
    run = cast("RunCommand", click.get_current_context().command)
    outputs = _outputs(run, values)
    metrics = _metrics(values["parser"], values["parser_options"], values["log"])
    warnings = 0
    for output in outputs:
        for sentence in lint(output, metrics, values["step"]):
            warnings += 1
            click.echo(f"{describe(output)}: {printable(sentence)}")
    if not warnings:
        names = " or ".join(map(describe, outputs))
        click.echo(f"{counted(len(metrics), 'metric')}: nothing to warn of at {names}.")
    return 1 if warnings else 0


def _outputs(run: RunCommand, values: dict[str, Any]) -> list[Output]:
    """Return the outputs of ours; of the rules of third parties nothing is known."""
    settings = SimpleNamespace(**values, confirm=not values["no_confirm"], tags=values["tag"])
    outputs: list[Output] = []
    for name in dict.fromkeys(values["output"]):
        if name in run.foreign:
            raise click.UsageError(f"What {name} does to a metric is not known: it is not ours.")
        output_class = run.outputs[name]
        by_url = output_class.from_url(name) if "://" in name else {}
        outputs.append(output_class(SimpleNamespace(**(vars(settings) | by_url))))
    return outputs


def _metrics(name: str, option_string: str | None, log: str) -> Sequence[Metric]:
    """
    Return what the parser *name* makes of the whole log.

    Raises:
        LogsterError: If the log cannot be read or the parser breaks.
    """
    parser = maker(name, option_string)()
    feed = feeder(parser)
    now = int(time.time())
    set_run_time(now)
    for block in blocks(Tail(log)):
        try:
            feed(block)
        except (Exception, SystemExit) as error:
            raise parser_error(name, error) from error
    try:
        return [to_metric(each, now) for each in parser.get_state(DURATION)]
    except (Exception, SystemExit) as error:
        raise parser_error(name, error, "deriving its metrics") from error

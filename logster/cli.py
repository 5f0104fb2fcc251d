"""
The command line; the only place that prints or exits.

``logster [OPTIONS] PARSER LOGFILE`` is one run. A first word such as
``status`` is a command of its own, found in `COMMANDS`; any other first word is
what it was in 1.x.
"""

import os
import sys
import warnings
import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from logster import __version__
from logster.arguments import expanded, values_of
from logster.errors import ConfigurationError, LogsterError
from logster.options import Option, click_option
from logster.registry import load_output, load_parser, names, parser_path


if TYPE_CHECKING:
    import optparse

    from logster.metrics import Batch
    from logster.outputs import Output
    from logster.run import Job, Report


#: Commands beside the run: word → one line of help. Each is `logster.commands.<word>`.
COMMANDS = {
    "status": "Show each job: its log, place, lag, backlog and last error.",
    "why": "Show the lines of a log that a parser does not understand.",
    "metrics": "Show the metrics a parser derives.",
}

#: The options of a run, beside those of its outputs.
RUN_OPTIONS: tuple[Option, ...] = (
    Option(
        ("-o", "--output"),
        "Where to send the metrics: the name of an output, or a dotted Python class. "
        "May be given more than once.",
        metavar="OUTPUT",
        multiple=True,
    ),
    Option(
        ("-d", "--dry-run"), "Print what would be sent; send and keep nothing.", False, type=bool
    ),
    Option(("-p", "--metric-prefix"), "Put PREFIX before every metric name.", "", metavar="PREFIX"),
    Option(("-x", "--metric-suffix"), "Put SUFFIX after every metric name.", metavar="SUFFIX"),
    Option(
        ("--parser-options",),
        "Options of the parser, handed to it verbatim.",
        metavar="STRING",
    ),
    Option(("--parser-help",), "Print the options of the parser and exit.", False, type=bool),
    Option(
        ("-s", "--state-dir"),
        "Where to keep the state of the job. Default: /var/lib/logster for root, "
        "$XDG_STATE_HOME/logster for others.",
        metavar="DIR",
    ),
    Option(
        ("--job",),
        "Keep this job apart from others with the same parser and log.",
        metavar="NAME",
    ),
    Option(("--from-start",), "Let a first run read the log from its start.", False, type=bool),
    Option(
        ("--rotated",),
        "Where rotated files of the log are, beside its own directory: another directory, or a "
        "pattern in which %s stands for the log's name. May be given more than once.",
        metavar="DIR|PATTERN",
        multiple=True,
    ),
    Option(
        ("--wait",),
        "Wait for another run of this job to end, instead of ending at once.",
        0.0,
        metavar="SECONDS",
        type=float,
    ),
    Option(("--timeout",), "How long a receiver may take.", 10.0, metavar="SECONDS", type=float),
    Option(
        ("--no-confirm",),
        "Do not wait for a TCP receiver to close its side, for one that never does.",
        False,
        type=bool,
    ),
    Option(
        ("--outbox-bytes",),
        "What undelivered metrics may take up on disk; the oldest are given up beyond it.",
        16 << 20,
        metavar="BYTES",
        type=int,
    ),
    Option(
        ("--outbox-age",),
        "How long undelivered metrics are kept.",
        7 * 86400.0,
        metavar="SECONDS",
        type=float,
    ),
    Option(("--max-line",), "The longest line that is read.", 1 << 20, metavar="BYTES", type=int),
    Option(
        ("--max-unmatched",),
        "Fail, after sending, if more than PERCENT of the lines went unmatched.",
        metavar="PERCENT",
        type=float,
    ),
    Option(
        ("--self-metrics",),
        "Also send figures about the run itself, under PREFIX.",
        metavar="PREFIX",
    ),
    Option(
        ("-l", "--log-dir"),
        "Where logster keeps its own log. Default: /var/log/logster, if that can be written.",
        metavar="DIR",
    ),
    Option(("--log-conf",), "A logging configuration file.", metavar="FILE"),
    Option(("-D", "--debug"), "Log more.", False, type=bool),
    Option(("--list",), "List the parsers and outputs and exit.", False, type=bool),
    Option(
        ("-t", "--tailer"),
        "Name that the state file starts with; both resume from the same state.",
        "logtail",
        choices=("logtail", "pygtail"),
    ),
    Option(("--logtail",), "Accepted and not used.", metavar="PATH"),
    Option(("--locker",), "Accepted and not used.", "fcntl", choices=("fcntl", "portalocker")),
)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line *args*, or that of the process, and exit."""
    words = list(sys.argv[1:] if args is None else args)
    if not sys.warnoptions:
        # An invalid escape in a third party's pattern is a warning that cron would mail.
        warnings.simplefilter("ignore")
    try:
        if words and words[0] in COMMANDS:
            code = _command(words[0]).main(words[1:], f"logster {words[0]}", standalone_mode=False)
        else:
            code = RunCommand(words).main(words, "logster", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except LogsterError as error:
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted. What was read but not yet noted is read again.", err=True)
        code = 130
    except BrokenPipeError:
        # Whoever read us has seen enough; let the interpreter's last flush not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code or 0)


class RunCommand(click.Command):
    """
    The run, with the options of the outputs that the command line names.

    Args:
        words: The command line; its ``-o`` say which outputs' options there are.
    """

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(
            "logster",
            callback=_run,
            context_settings={
                "help_option_names": ["-h", "--help"],
                "auto_envvar_prefix": "LOGSTER",
                "max_content_width": 100,
            },
            help="Feed the new lines of LOGFILE to PARSER and send the metrics it derives.",
            epilog="Commands: "
            + "; ".join(
                f"logster {word} ({text[0].lower()}{text[1:].rstrip('.')})"
                for word, text in COMMANDS.items()
            )
            + ". See also logster(1).",
        )
        self.params = [
            click_option(RUN_OPTIONS[0], shell_complete=_complete_output),
            *map(click_option, RUN_OPTIONS[1:]),
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help="Print the version and exit.",
            ),
            click.Argument(
                ["parser"], metavar="PARSER", required=False, shell_complete=_complete_parser
            ),
            click.Argument(["log"], metavar="LOGFILE", required=False, type=click.Path()),
        ]
        self.foreign: dict[str, list[optparse.Option]] = {}
        self.outputs = self._load_outputs(words)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args* after writing out abbreviated options."""
        return super().parse_args(ctx, expanded(args, self._takes_value()))

    def _load_outputs(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the class of every output that *words* name, and add its options."""
        flags = self._takes_value()
        wanted = values_of(("-o", "--output"), words, flags)
        wanted = wanted or os.environ.get("LOGSTER_OUTPUT", "").split()
        if {"-h", "--help"} & set(words):
            wanted = [*wanted, *names("logster.outputs")]
        classes = {name: load_output(name) for name in wanted}
        for name, output_class in classes.items():
            self._add_options(name, output_class)
        return classes

    def _add_options(self, name: str, output_class: Any) -> None:
        """Add the options of one output, but for those that another brought already."""
        present = {flag for param in self.params for flag in param.opts}
        if hasattr(output_class, "options"):
            fresh = [click_option(o) for o in output_class.options if not present & set(o.flags)]
        else:
            from logster.foreign import declared_options

            self.foreign[name] = declared_options(output_class)
            fresh = [_foreign_option(o) for o in self.foreign[name]]
            fresh = [param for param in fresh if not present & set(param.opts)]
        self.params[-2:-2] = fresh

    def _takes_value(self) -> dict[str, bool]:
        """Return every flag and whether a value follows it."""
        flags = {"-h": False, "--help": False}
        for param in self.params:
            if isinstance(param, click.Option):
                flags |= dict.fromkeys(param.opts, not (param.is_flag or param.count))
        return flags


def _run(**values: Any) -> int:
    """Do what the command line says; every option is in *values*."""
    context = click.get_current_context()
    command = cast("RunCommand", context.command)
    if values["list"]:
        return _print_list()
    if values["parser"] is None:
        raise click.UsageError("Supply two arguments: parser and logfile.")
    if values["parser_help"]:
        return _print_parser_help(values["parser"])
    if values["log"] is None:
        raise click.UsageError("Supply two arguments: parser and logfile.")
    settings = SimpleNamespace(**values, confirm=not values["no_confirm"], log_file=values["log"])
    settings.output = list(dict.fromkeys(values["output"]))
    if not settings.output and not settings.dry_run:
        raise click.UsageError("Supply where the data should be sent with -o (or --output).")
    complaint = None if settings.dry_run else _open_log(settings)
    job = _job(command, settings, context)
    if settings.dry_run:
        return _dry_run(job, settings)
    from logster.run import run

    report = run(job)
    if complaint:
        report.notices.append(complaint)
    return _conclude(report, settings)


def _job(command: RunCommand, settings: SimpleNamespace, context: click.Context) -> "Job":
    """Return the job that *settings* describe."""
    from logster.places import state_places
    from logster.run import Job

    parser_class = load_parser(settings.parser)
    places = state_places(
        settings.state_dir,
        settings.tailer,
        parser_path(settings.parser),
        settings.log,
        settings.job,
    )
    if not settings.dry_run:
        _make_folder(os.path.dirname(places.path))
    mark = repr((settings.parser_options, settings.metric_prefix, settings.metric_suffix))
    return Job(
        log=settings.log,
        parser=lambda: parser_class(option_string=settings.parser_options),
        parser_name=settings.parser,
        outputs=_outputs(command, settings, context),
        state=places.path,
        legacy_states=places.legacy,
        from_start=settings.from_start,
        mark=f"{zlib.crc32(mark.encode('utf-8', 'replace')):08x}",
        wait=settings.wait,
        log_patterns=settings.rotated,
        max_line=settings.max_line,
        outbox_bytes=settings.outbox_bytes,
        outbox_age=settings.outbox_age,
        self_prefix=settings.self_metrics,
    )


def _outputs(
    command: RunCommand, settings: SimpleNamespace, context: click.Context
) -> "list[Output]":
    """Return the outputs, made from the settings that all of them share."""
    for declared in command.foreign.values():
        from logster.foreign import longest_flag, read_options

        given = {longest_flag(o): _texts(settings, o) for o in declared}
        vars(settings).update(read_options(declared, given))
    outputs: list[Output] = []
    for name in settings.output:
        output_class = command.outputs[name]
        if name not in command.foreign:
            outputs.append(output_class(settings))
            continue
        from logster.foreign import CommandLine, ForeignOutput
        from logster.logs import quiet_logger

        parser = CommandLine(lambda: click.echo(command.get_help(context)), _fail)
        instance = output_class(parser, settings, quiet_logger())
        outputs.append(ForeignOutput(settings, name, instance))
    return outputs


def _dry_run(job: "Job", settings: SimpleNamespace) -> int:
    """Print what the next run would send, output by output; a table where there is none."""
    from logster.run import preview

    report, owed = preview(job)
    if not job.outputs:
        _print_table(report)
    for output in job.outputs:
        for batch in owed.get(output.target, ()):
            _print_lines(output, batch)
    return _conclude(report, settings)


def _print_lines(output: "Output", batch: "Batch") -> None:
    for line in output.preview(batch.metrics):
        click.echo(line)


def _print_table(report: "Report") -> None:
    from logster.table import table

    rows = [(each.name, _short(each.value), each.units) for each in report.metrics]
    click.echo(table(("metric", "value", "unit"), rows, right=[1]))
    click.echo(
        f"\n{sum(report.tally)} lines: {report.tally.matched} matched, "
        f"{report.tally.ignored} ignored, {report.tally.unmatched} unmatched."
    )


def _short(value: object) -> str:
    """Return a float with as many digits as a person reads."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _conclude(report: "Report", settings: SimpleNamespace) -> int:
    """Print what went wrong, and return the exit code."""
    lines = sum(report.tally)
    limit = settings.max_unmatched
    if limit is not None and lines and report.tally.unmatched * 100 > limit * lines:
        report.errors.append(
            f"{report.tally.unmatched} of {lines} lines of {settings.log} went unmatched, more "
            f"than {limit:g} %. The metrics were sent all the same; "
            f"logster why {settings.parser} {settings.log} shows the lines."
        )
    for sentence in report.notices:
        click.echo(f"Warning: {sentence}", err=True)
    for sentence in report.errors:
        click.echo(f"Error: {sentence}", err=True)
    if not settings.dry_run:
        _log(report)
    return 1 if report.errors else 0


def _log(report: "Report") -> None:
    from logster.logs import quiet_logger

    logger = quiet_logger()
    for sentence in report.notices:
        logger.warning("%s", sentence)
    for sentence in report.errors:
        logger.error("%s", sentence)
    logger.info("%s lines read, %s metrics", sum(report.tally), len(report.metrics))


def _open_log(settings: SimpleNamespace) -> str | None:
    """Start logster's own log; return a complaint only about what the user asked for."""
    from logster.logs import DEFAULT_FOLDER, open_log, quiet_logger

    folder = settings.log_dir or DEFAULT_FOLDER
    complaint = open_log(folder, settings.log_conf, debug=settings.debug)
    quiet_logger().info("Executing parser %s on logfile %s", settings.parser, settings.log)
    return complaint if settings.log_dir or settings.log_conf else None


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The state directory {folder} cannot be made: {error.strerror}. "
            "Nothing was read or sent; give another one with --state-dir."
        ) from error


def _command(word: str) -> click.Command:
    """Return the command behind *word*; its module is imported only now."""
    from importlib import import_module

    command: click.Command = import_module(f"logster.commands.{word}").command
    return command


def _foreign_option(option: "optparse.Option") -> click.Option:
    """Return a click option that collects the texts given to an option of optparse."""
    from optparse import SUPPRESS_HELP

    from logster.foreign import longest_flag

    default = option.default if option.default != ("NO", "DEFAULT") else None
    text = (option.help or "").replace("%default", str(default))
    flags = [*option._short_opts, *option._long_opts]  # noqa: SLF001
    name = _foreign_name(longest_flag(option))
    hidden = option.help is SUPPRESS_HELP
    if not option.takes_value():
        return click.Option([*flags, name], count=True, help=text, hidden=hidden)
    metavar = option.metavar or (option.dest or name).upper()
    return click.Option([*flags, name], multiple=True, help=text, hidden=hidden, metavar=metavar)


def _texts(settings: SimpleNamespace, option: "optparse.Option") -> list[Any]:
    from logster.foreign import longest_flag

    given = getattr(settings, _foreign_name(longest_flag(option)), ())
    return [""] * given if isinstance(given, int) else list(given)


def _foreign_name(flag: str) -> str:
    """Return the parameter under which click collects an option of a third party."""
    return "foreign_" + flag.lstrip("-").replace("-", "_").lower()


def _print_list() -> int:
    import importlib

    from logster.table import table

    for kind in ("parsers", "outputs"):
        package = f"logster.{kind}"
        rows = []
        for name in names(package):
            module = importlib.import_module(f"{package}.{name.replace('-', '_')}")
            summary = (module.__doc__ or "").strip().partition("\n")[0]
            rows.append((name, summary))
        click.echo(table((kind, ""), rows) + "\n")
    return 0


def _print_parser_help(name: str) -> int:
    """Print the options of a parser; one of 1.x prints them itself when given ``-h``."""
    parser_class = load_parser(name)
    options: Any = getattr(parser_class, "options", ())
    if not options and "__init__" in vars(parser_class):
        parser_class(option_string="-h")
        return 0
    from logster.options import help_text

    click.echo(help_text(name, options, (parser_class.__doc__ or "").strip().partition("\n")[0]))
    return 0


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"logster {__version__}")
        context.exit()


def _complete_parser(_: click.Context, __: click.Parameter, word: str) -> list[str]:
    return [each for each in (*COMMANDS, *names("logster.parsers")) if each.startswith(word)]


def _complete_output(_: click.Context, __: click.Parameter, word: str) -> list[str]:
    return [each for each in names("logster.outputs") if each.startswith(word)]


def _fail(message: str) -> NoReturn:
    raise click.UsageError(message)

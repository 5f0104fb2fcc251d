"""
The command line; the only place that prints or exits.

``logster [OPTIONS] PARSER LOGFILE`` is one run. A first word such as
``status`` is a command of its own, found in `COMMANDS`; any other first word is
what it was in 1.x.
"""

import contextlib
import gc
import io
import os
import sys
import warnings
import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from logster.command_line import COMMANDS, RunCommand
from logster.errors import LogsterError, OutputError, ParserError, StateError
from logster.logs import DEFAULT_FOLDER, Log, foreign_logger, one_line
from logster.registry import load_parser, parser_path


if TYPE_CHECKING:
    from logster.metrics import Batch
    from logster.outputs import Output
    from logster.run import Job, Report


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line *args*, or that of the process, and exit."""
    words = list(sys.argv[1:] if args is None else args)
    if not sys.warnoptions:
        # An invalid escape in a third party's pattern is a warning that cron would mail.
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A character of a log must not end a run on a terminal that cannot show it.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _called(words)
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # where no message can be written the exit code tells
            error.show()
        code = error.exit_code
    except LogsterError as error:
        code = _confess(error)
    except (KeyboardInterrupt, click.Abort):
        code = _interrupted(words)
    except BrokenPipeError:
        # Whoever read us has seen enough; let the interpreter's last flush not complain.
        _forget_output()
        code = 0
    except OSError as error:
        if not _came_of_printing(error):
            raise
        _forget_output()
        _complain("Error", f"Standard output cannot be written: {error.strerror}.")
        # To Nagios 1 is a warning, and 3 that nothing is known.
        code = 3 if words[:1] == ["status"] else 1
    sys.exit(code or 0)


def _called(words: list[str]) -> Any:
    """Do what *words* ask for, and return what it comes to."""
    if not words and "_LOGSTER_COMPLETE" in os.environ:
        from logster.commands._completion import Completion

        code = Completion("logster").main([], "logster", standalone_mode=False)
    elif words and words[0] in COMMANDS:
        code = _invoked(_command(words[0]), f"logster {words[0]}", words[1:])
    else:
        code = _invoked(RunCommand(words, _run), "logster", words)
    _flush_output()
    return code


def _invoked(command: click.Command, name: str, words: list[str]) -> Any:
    """Do what *command* does with *words*; its own `main` exits where nobody reads the output."""
    try:
        with command.make_context(name, words) as context:
            return command.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


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
    settings = _settings(values)
    log = Log(None if settings.dry_run else settings.log_dir or DEFAULT_FOLDER)
    try:
        job = _job(command, settings, context, log)
        _look_for_garbage()
        if log.complaint and (settings.log_dir or settings.log_conf):
            job = job._replace(remarks=[log.complaint])
        if settings.dry_run:
            return _dry_run(job)
        return _real_run(job, settings, log)
    except LogsterError as error:
        for sentence in _sentences(error):
            log.write("ERROR", sentence)
        raise


def _settings(values: dict[str, Any]) -> SimpleNamespace:
    """Return what the command line says of a run, under the names that outputs know too."""
    settings = SimpleNamespace(**values, confirm=not values["no_confirm"], log_file=values["log"])
    settings.output = list(dict.fromkeys(values["output"]))
    settings.tags = values["tag"]
    if not settings.output and not settings.dry_run:
        raise click.UsageError("Supply where the data should be sent with -o (or --output).")
    return settings


def _real_run(job: "Job", settings: SimpleNamespace, log: Log) -> int:
    """Do the run and say in logster's own log what it did."""
    from logster.run import run

    log.write("INFO", f"Executing parser {settings.parser} on logfile {settings.log}")
    report = run(job)
    for metric in report.metrics if settings.debug else ():
        log.write("DEBUG", f"{metric.name} {metric.value}")
    for sentence in report.notices:
        log.write("WARNING", sentence)
    for sentence in report.errors:
        log.write("ERROR", sentence)
    log.write("INFO", f"{sum(report.tally)} lines read, {len(report.metrics)} metrics")
    return _conclude(report)


def _job(command: RunCommand, settings: SimpleNamespace, context: click.Context, log: Log) -> "Job":
    """Return the job that *settings* describe."""
    from logster.parser import catalogue_of
    from logster.places import state_places
    from logster.run import Job, note

    parser_class = load_parser(settings.parser)
    # Whoever imports logging wants to log: a parser or an output of a third party.
    if settings.debug or settings.log_conf or "logging" in sys.modules:
        log.connect_logging(settings.log_conf, debug=settings.debug)
    else:
        log.await_logging()
    settings.catalogue = lambda: catalogue_of(settings.parser, parser_class)
    places = state_places(
        settings.state_dir,
        settings.tailer,
        parser_path(settings.parser),
        settings.log,
        settings.job,
    )
    if not settings.dry_run:
        _make_folder(os.path.dirname(places.path))
    try:
        outputs = _outputs(command, settings, context)
    except (OutputError, ParserError) as error:
        if not settings.dry_run:
            note(places.path, settings.log, str(error), settings.rotated)
        raise
    mark = repr((settings.parser_options, settings.metric_prefix, settings.metric_suffix))
    return Job(
        log=settings.log,
        parser=lambda: parser_class(option_string=settings.parser_options),
        parser_name=settings.parser,
        outputs=outputs,
        state=places.path,
        legacy_states=places.legacy,
        from_start=settings.from_start,
        mark=f"{zlib.crc32(mark.encode('utf-8', 'replace')):08x}",
        wait=settings.wait,
        log_patterns=settings.rotated,
        max_line=settings.max_line,
        jobs=settings.jobs,
        outbox_bytes=settings.outbox_bytes,
        outbox_age=settings.outbox_age,
        max_unmatched=settings.max_unmatched,
        self_prefix=settings.self_metrics,
    )


def _outputs(
    command: RunCommand, settings: SimpleNamespace, context: click.Context
) -> "list[Output]":
    """Return the outputs, made from the settings that all of them share."""
    foreign = _foreign_settings(command, settings)
    outputs: list[Output] = []
    for name in settings.output:
        output_class = command.outputs[name]
        if name not in command.foreign:
            by_url = output_class.from_url(name) if "://" in name else {}
            own = SimpleNamespace(**(vars(settings) | by_url))
            outputs += map(output_class, output_class.receivers(own))
            continue
        from logster.foreign import CommandLine, ForeignOutput, made

        parser = CommandLine(lambda: click.echo(command.get_help(context)), _fail)
        instance = made(
            output_class,
            name,
            parser,
            foreign[name],
            foreign_logger(),
            timeout=settings.timeout,
        )
        outputs.append(ForeignOutput(settings, name, instance))
    return outputs


def _foreign_settings(command: RunCommand, settings: SimpleNamespace) -> dict[str, SimpleNamespace]:
    """
    Return the settings of each output of a third party: its own options, and those of all.

    Where two outputs declare the same option, each sees its own value. An output that
    does not declare it sees one of them, as in 1.x.
    """
    own: dict[str, dict[str, Any]] = {}
    for name, declared in command.foreign.items():
        from logster.foreign import blaming, longest_flag, read_options

        given = {longest_flag(option): command.texts_of(name, option) for option in declared}
        with blaming(name, command.outputs[name], "reading its options"):
            own[name] = read_options(declared, given)
    for values in own.values():
        vars(settings).update({k: v for k, v in values.items() if not hasattr(settings, k)})
    return {name: SimpleNamespace(**(vars(settings) | values)) for name, values in own.items()}


def _dry_run(job: "Job") -> int:
    """Print what the next run would send, output by output; a table where there is none."""
    from logster.run import preview

    report, owed = preview(job)
    if not job.outputs:
        _print_table(report)
    for output in job.outputs:
        try:
            for batch in owed.get(output.target, ()):
                _print_lines(output, batch)
        except OutputError as error:
            report.errors.append(str(error))
    return _conclude(report)


def _print_lines(output: "Output", batch: "Batch") -> None:
    for line in output.preview(batch.metrics):
        click.echo(line)


def _print_table(report: "Report") -> None:
    from logster.table import table

    rows = [tuple(map(one_line, (m.name, _short(m.value), m.units))) for m in report.metrics]
    click.echo(table(("metric", "value", "unit"), rows, right=[1]))
    click.echo(
        f"\n{sum(report.tally)} lines: {report.tally.matched} matched, "
        f"{report.tally.ignored} ignored, {report.tally.unmatched} unmatched."
    )


def _short(value: object) -> str:
    """Return a float with as many digits as a person reads."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _conclude(report: "Report") -> int:
    """Print what went wrong, and return the exit code."""
    for sentence in report.notices:
        _complain("Warning", sentence)
    for sentence in report.errors:
        _complain("Error", sentence)
    return 1 if report.errors else 0


def _confess(error: LogsterError) -> int:
    """Print what ended the run, and return the exit code."""
    for sentence in _sentences(error):
        _complain("Error", sentence)
    return error.exit_code


def _interrupted(words: list[str]) -> int:
    """Print what becomes of what was begun, and return the exit code."""
    if words and words[0] in COMMANDS:
        _complain("Interrupted", "Nothing was sent, and the place of no job changed.")
    else:
        _complain("Interrupted", "What was read but not yet noted is read again.")
    return 130


def _sentences(error: LogsterError) -> list[str]:
    """Return what went wrong before *error* ended the run, and *error*."""
    return [*getattr(error, "__notes__", ()), str(error)]


def _complain(kind: str, sentence: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(f"{kind}: {one_line(sentence)}", err=True)


def _came_of_printing(error: OSError) -> bool:
    """Return whether *error* was raised by `click.echo` or by `_flush_output`."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals["__name__"] in {"click.utils", __name__}


def _flush_output() -> None:
    """Write out what was printed, whatever a third party's code made of standard output."""
    if not hasattr(sys.stdout, "flush"):
        sys.stdout = sys.__stdout__
    if sys.stdout is not None and not getattr(sys.stdout, "closed", False):
        sys.stdout.flush()


def _forget_output() -> None:
    """Let the interpreter's last flush of standard output not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"The state directory {folder} cannot be made: {error.strerror}. "
            "Nothing was read or sent; give another one with --state-dir."
        ) from error


def _command(word: str) -> click.Command:
    """Return the command behind *word*; its module is imported only now."""
    from importlib import import_module

    command: click.Command = import_module(f"logster.commands.{word}").command
    _look_for_garbage()
    return command


def _look_for_garbage() -> None:
    """Undo what `logster.__main__` did for start-up, but leave out what is loaded by now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _print_list() -> int:
    from logster.commands.metrics import summaries
    from logster.table import table

    for kind in ("parsers", "outputs"):
        click.echo(table((kind, ""), list(summaries(f"logster.{kind}"))) + "\n")
    return 0


def _print_parser_help(name: str) -> int:
    """Print the options of a parser; one of 1.x prints them itself when given ``-h``."""
    parser_class = load_parser(name)
    options: Any = getattr(parser_class, "options", ())
    if not options and "__init__" in vars(parser_class):
        parser_class(option_string="-h")  # ends the process if that is an option
    from logster.options import help_text

    click.echo(help_text(name, options, (parser_class.__doc__ or "").strip().partition("\n")[0]))
    return 0


def _fail(message: str) -> NoReturn:
    raise click.UsageError(message)

"""
Outputs of third parties, written for 1.x and optparse, as outputs of ours.

Such a class declares its options on an optparse group, is made with
``(parser, options, logger)`` and takes metrics by ``submit``. optparse itself
reads what the class declares, so that every action and type means what it meant.
"""

import io
import optparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import click

from logster.errors import ConfigurationError, LogsterError, OutputError, line_of
from logster.metrics import Batch, Metric, MetricObject, to_object
from logster.options import MAX_TIMEOUT
from logster.outputs import PATIENCE, Output, Receipt
from logster.outputs._patience import Patience


class CommandLine(optparse.OptionParser):
    """
    What an output of 1.x is given as its ``parser``.

    Args:
        show_help: Prints the help page.

        fail: Ends the run over a usage error with the sentence given.
    """

    def __init__(self, show_help: Callable[[], None], fail: Callable[[str], NoReturn]) -> None:
        super().__init__(add_help_option=False, usage="logster [options] PARSER LOGFILE")
        self._show_help, self._fail = show_help, fail

    def print_help(self, file: Any = None) -> None:
        """Print the help page of the whole command to standard output."""
        self._show_help()

    def error(self, msg: str) -> NoReturn:
        """End the run with *msg* and exit code 2."""
        self._fail(msg)


def declared_options(output_class: Any) -> list[optparse.Option]:
    """Return the options that *output_class* adds to an optparse group."""
    parser = optparse.OptionParser(add_help_option=False)
    group = optparse.OptionGroup(parser, f"{output_class.__name__} options")
    add_options = getattr(output_class, "add_options", None)
    if callable(add_options):
        add_options(group)
    return list(group.option_list)


def read_options(
    declared: Iterable[optparse.Option], given: dict[str, list[Any]]
) -> dict[str, Any]:
    """
    Return the values of *declared* options as optparse itself computes them.

    Args:
        declared: The options of `declared_options`.

        given: The texts that the command line gives each of them, by its longest
            flag; an empty text for an option without a value.

    Raises:
        ConfigurationError: If optparse refuses a value.
    """
    parser = _Strict(add_help_option=False)
    # The parser itself would refuse two options of one name; each has one of its own.
    options = list(declared)
    for option in options:
        parser.option_list.append(option)
        if option.dest is not None and option.default is not optparse.NO_DEFAULT:
            parser.defaults[option.dest] = option.default
        elif option.dest is not None:
            parser.defaults.setdefault(option.dest, None)
    values = parser.get_default_values()
    # What a callback may look at; the words around its own are none of its business here.
    parser.values, parser.rargs, parser.largs = values, [], []
    for option in options:
        flag = longest_flag(option)
        for text in given.get(flag, ()):
            value = text if option.takes_value() else None
            try:
                option.process(flag, value, values, parser)
            except optparse.OptionValueError as error:
                parser.error(str(error))
    return dict(vars(values))


def longest_flag(option: optparse.Option) -> str:
    """Return the flag under which the values of *option* are collected."""
    return max((*option._long_opts, *option._short_opts), key=len)  # noqa: SLF001 - its only place


@contextmanager
def blaming(name: str, output_class: Any, doing: str) -> Iterator[None]:
    """
    Tell in a sentence what an output raises before a run has begun.

    Args:
        name: The dotted name it was given by.

        output_class: Its class.

        doing: What it does meanwhile.

    Raises:
        OutputError: If it raises something or exits.
    """
    try:
        yield
    except (click.ClickException, LogsterError):  # a usage error, told as such
        raise
    except (Exception, SystemExit) as error:
        raise OutputError(
            f"The output {name} raised {_described(error, output_class)} while {doing}. "
            "Nothing was read or sent; the next run starts where this one did."
        ) from error


@contextmanager
def _contained(stdout: Any) -> Iterator[None]:
    """
    Contain what a third party's code does to the process; what it prints goes to *stdout*.

    Standard output is ours again afterwards, whatever it made of that. A process that it
    forks and lets run on is ended: only its parent is the run.
    """
    process, code = os.getpid(), 1
    with redirect_stdout(stdout):
        try:
            yield
            code = 0
        except SystemExit as error:
            code = 1 if error.code else 0
            raise
        finally:
            if os.getpid() != process:
                with suppress(Exception):
                    sys.stdout.flush()
                os._exit(code)


def made(
    output_class: Any,
    name: str,
    parser: CommandLine,
    settings: SimpleNamespace,
    logger: Any,
    *,
    timeout: float,
) -> Any:
    """
    Return an output, or what delivers nothing if it cannot be made, in time.

    Args:
        output_class: Its class.

        name: The dotted name it was given by.

        parser: What it gets as its parser.

        settings: Values of all options, with its own where a name is that of another.

        logger: What it gets as its logger.

        timeout: Seconds that a receiver may take.
    """
    instances: list[Any] = []
    patience = Patience(_seconds(timeout), name, _file_of(output_class))
    try:
        with _contained(sys.stdout):
            patience.call(lambda: instances.append(output_class(parser, settings, logger)))
        return instances[0]
    except OutputError as error:
        return _Unmade(f"it cannot be made, {error}")
    except (click.ClickException, LogsterError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the others get theirs all the same
        return _Unmade(f"it cannot be made, {_described(error, output_class)}")


class _Unmade:
    """Stands for an output that cannot be made, so that what it should send stays owed."""

    def __init__(self, why: str) -> None:
        self._why = why

    def submit(self, metrics: object) -> NoReturn:
        """Deliver nothing and say why."""
        raise OutputError(self._why)


class ForeignOutput(Output):
    """
    Hands metrics to an output class of a third party, in the main thread as 1.x did.

    Args:
        settings: Values of all options; the class reads its own from it.

        name: The dotted name it was given by.

        instance: The output, made.
    """

    side_by_side = False

    def __init__(self, settings: SimpleNamespace, name: str, instance: Any) -> None:
        super().__init__(settings, encode_only=True)
        self.target = name
        self.instance = instance
        self._deadline: float | None = None
        self._taken = 0

    def deliver(self, batches: Sequence[Batch]) -> Receipt:
        """
        Hand over batch by batch; an exception or an exit means not delivered.

        Each call has a time to end in, and none begins when that time has passed since
        the first of the run began.
        """
        seconds = _seconds(self.timeout)
        self._deadline = self._deadline or time.monotonic() + seconds
        patience = Patience(seconds, self.target, _file_of(self.instance))
        for count, batch in enumerate(batches):
            if time.monotonic() >= self._deadline:
                said = f"it took no more than {self._taken} batches in {seconds:g} s"
                return Receipt(count, 0, OutputError(said))
            metrics = [to_object(metric) for metric in batch.metrics]
            try:
                patience.call(partial(self._submit, metrics))
            except KeyboardInterrupt:
                raise
            except OutputError as error:
                return Receipt(count, 0, error)
            except BaseException as error:  # noqa: BLE001 - sys.exit() included, as in 1.x
                return Receipt(count, 0, OutputError.because(error))
            self._taken += 1
        return Receipt(len(batches))

    def _submit(self, metrics: list[MetricObject]) -> None:
        """Hand over *metrics*; what the output prints is delivered once it can be written."""
        before = sys.stdout
        # Without one print() would say nothing and print nothing.
        with _contained(_ClosedOutput() if before is None else before):
            self.instance.submit(metrics)
        try:
            if hasattr(before, "flush") and not getattr(before, "closed", False):
                before.flush()
        except OSError as error:
            # What is left in its buffer would fail once more at the end.
            sys.stdout = _ClosedOutput()
            said = f"standard output cannot be written: {error.strerror}"
            raise OutputError(said) from error

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """
        Let the output print what it would send: ``options.dry_run`` tells it so.

        Raises:
            OutputError: If it raises something or exits.
        """
        try:
            with _contained(sys.stdout):
                self.instance.submit([to_object(metric) for metric in metrics])
        except (BrokenPipeError, click.ClickException):  # who reads has seen enough; bad usage
            raise
        except (Exception, SystemExit) as error:
            known = isinstance(error, OutputError)
            why = error if known else _described(error, self.instance)
            raise OutputError(
                f"What would be sent to {self.target} cannot be shown: {why}."
            ) from error
        return iter(())


def _seconds(timeout: float) -> float:
    """Return the time an output has: a minute, or *timeout* if that is more."""
    return min(max(PATIENCE, timeout), MAX_TIMEOUT)


def _described(error: BaseException, owner: Any) -> str:
    """Return kind, text and place of *error*: where in the module of *owner* it came from."""
    return f"{type(error).__name__}: {error}{line_of(error, _file_of(owner))}"


def _file_of(owner: Any) -> str | None:
    """Return the file of the module that *owner*, a class or an instance of it, comes from."""
    module = sys.modules.get(getattr(owner, "__module__", ""))
    return getattr(module, "__file__", None)


class _ClosedOutput(io.StringIO):
    """Stands for a standard output that nothing can be written to."""

    def write(self, _: str) -> NoReturn:
        raise OutputError("standard output is closed")


class _Strict(optparse.OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise ConfigurationError(f"{msg[:1].upper()}{msg[1:]}. Nothing was read or sent.")

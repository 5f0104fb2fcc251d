"""
One declaration of an option, for parsers and outputs alike.

A parser or an output lists its options as `Option` records; the command line,
``--parser-help``, the man page and the shell completion are all made from them.
"""

import math
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

from logster.errors import ConfigurationError


#: The longest time that a receiver may be given, in seconds; sockets take no infinite one.
MAX_TIMEOUT = 86400


class Option(NamedTuple):
    """
    An option of a parser or an output.

    Attributes:
        flags: All its names, for example ``("-k", "--key-separator")``.

        help: One sentence.

        default: Value where the option is not given.

        metavar: Placeholder of the value in help; None makes it upper case of the name.

        type: Conversion of the text given; ``bool`` makes it a switch without a value.

        multiple: Whether it may be given more than once; the value is then a tuple.

        choices: The values allowed, or none for any.

        secret: Whether its value must never be shown or logged.

        least: The least number allowed; None allows any value at all.

        most: The greatest, likewise.
    """

    flags: tuple[str, ...]
    help: str
    default: Any = None
    metavar: str | None = None
    type: type = str
    multiple: bool = False
    choices: tuple[str, ...] = ()
    secret: bool = False
    least: float | None = None
    most: float | None = None

    @property
    def name(self) -> str:
        """Return the name under which the value is found: ``--key-separator`` → key_separator."""
        longest = max(self.flags, key=len)
        return longest.lstrip("-").replace("-", "_")

    def complaint(self, value: Any) -> str | None:
        """
        Return what is wrong with the number *value*, or None if it is in the range.

        >>> Option(("--jobs",), "", type=int, least=1).complaint(0)
        '--jobs takes a whole number of at least 1, and not 0.'
        """
        if value is None or self.least is None:
            return None
        if self.least <= value < math.inf and (self.most is None or value <= self.most):
            return None
        kind = "a whole number" if self.type is int else "a number"
        bounds = f"of at least {self.least:g}"
        if self.most is not None:
            bounds = f"from {self.least:g} to {self.most:g}"
        return f"{max(self.flags, key=len)} takes {kind} {bounds}, and not {value}."


def click_option(option: Option, **arguments: Any) -> Any:
    """Return *option* as the click option that reads it; click takes *arguments* as they are."""
    import click  # noqa: PLC0415

    def checked(context: click.Context, _: click.Parameter, value: Any) -> Any:
        complaint = option.complaint(value)
        if complaint:
            raise click.UsageError(complaint, context)
        return value

    is_flag = option.type is bool
    if option.least is not None:
        arguments["callback"] = checked
    return click.Option(
        [*option.flags, option.name],
        help=option.help,
        default=() if option.multiple and option.default is None else option.default,
        metavar=None if is_flag else option.metavar,
        type=click.Choice(option.choices) if option.choices else None if is_flag else option.type,
        multiple=option.multiple,
        is_flag=is_flag,
        show_default=not is_flag and option.default not in (None, "", ()),
        **arguments,
    )


def declared(owner: str, options: Any) -> tuple[Option, ...]:
    """
    Return *options* as *owner* declares them.

    Raises:
        ConfigurationError: If they are no options.
    """
    if options is None:
        return ()
    example = '(Option(("-k", "--key"), "What it does."),)'
    if not isinstance(options, tuple | list) or isinstance(options, Option):
        shown = "a single one" if isinstance(options, Option) else repr(options)
        raise _undeclared(owner, f"are {shown}, and not a tuple such as {example}")
    for option in options:
        if not isinstance(option, Option):
            raise _undeclared(owner, f"hold {option!r}, which is none; this is one: {example}")
        flags: Any = option.flags
        if not (isinstance(flags, tuple | list) and flags and all(map(_is_flag, flags))):
            raise _undeclared(owner, f"hold one with the flags {flags!r}; this is one: {example}")
    return tuple(options)


def _is_flag(flag: Any) -> bool:
    return isinstance(flag, str) and flag.startswith("-") and flag.strip("-") != ""


def _undeclared(owner: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"The options of {owner} {problem}. Nothing was read or sent.")


def parse_options(
    owner: str, text: str | None, options: Iterable[Option], summary: str = ""
) -> SimpleNamespace:
    """
    Return the values that *text* gives to *options*.

    Args:
        owner: Whose options they are, for messages.

        text: As a shell would take it, for example ``"-k / --percentiles 50,90"``.

        options: The options known.

        summary: One line for the help text.

    Raises:
        ConfigurationError: If *text* holds an unknown option or a bad value, or if *options*
            are none.

    >>> parse_options("json", "-k /", [Option(("-k", "--key-separator"), "Joins keys.", ".")])
    namespace(key_separator='/')
    """
    options = declared(owner, options)
    if not text or not text.strip():
        return SimpleNamespace(
            **{o.name: () if o.multiple and o.default is None else o.default for o in options}
        )
    import shlex  # noqa: PLC0415

    import click  # noqa: PLC0415

    command = _command(owner, options, summary)
    try:
        context = command.make_context(owner, shlex.split(text))
    except (click.UsageError, ValueError) as error:
        message = error.format_message() if isinstance(error, click.UsageError) else str(error)
        raise ConfigurationError(
            f"The options {text!r} for {owner} cannot be used: {message.rstrip('.')}. "
            "Nothing was read or sent."
        ) from error
    return SimpleNamespace(**context.params)


def help_text(owner: str, options: Iterable[Option], summary: str = "") -> str:
    """
    Return the help page of *options*, for ``--parser-help``.

    Raises:
        ConfigurationError: If *options* are none.
    """
    import click  # noqa: PLC0415

    command = _command(owner, declared(owner, options), summary)
    return str(command.get_help(click.Context(command, info_name=owner)))


def _command(owner: str, options: Iterable[Option], summary: str) -> Any:
    import click  # noqa: PLC0415

    return click.Command(
        owner,
        params=[click_option(option) for option in options],
        help=summary,
        add_help_option=False,
    )

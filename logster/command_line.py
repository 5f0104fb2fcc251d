"""
The options of a run, and the click command that reads them.

Two habits of optparse, which 1.x used, are kept: options may be abbreviated, and
those of an output may stand on either side of its ``-o``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from logster import __version__
from logster.arguments import (
    OF_1X,
    OF_OUTPUTS_OF_1X,
    expanded,
    meant,
    values_of,
    walk,
    written_out,
)
from logster.errors import ConfigurationError, LogsterError
from logster.options import MAX_TIMEOUT, Option, click_option
from logster.registry import load_output, names


if TYPE_CHECKING:
    import optparse

    from click.shell_completion import CompletionItem


#: Commands beside the run: word → one line of help. Each is `logster.commands.<word>`.
COMMANDS = {
    "status": "Show each job: its log, place, lag, backlog and last error.",
    "why": "Show the lines of a log that a parser does not understand.",
    "metrics": "Show the metrics a parser derives.",
    "lint": "Warn of what an output would do to the metrics of a log.",
    "check": "Try a parser on hostile lines.",
    "new": "Write a parser of your own, with a fixture and a test.",
}

# They must be asked for: what a container's image sets for reasons of its own ends no run.
_INSTEAD_OF_A_RUN = frozenset(("list", "parser_help"))

#: The options of a run, beside those of its outputs.
RUN_OPTIONS: tuple[Option, ...] = (
    Option(
        ("-o", "--output"),
        "Where to send the metrics: the name of an output, a URL such as "
        "graphite://metrics.example:2003, or a dotted Python class. May be given more than once.",
        metavar="OUTPUT",
        multiple=True,
    ),
    Option(
        ("-d", "--dry-run"), "Print what would be sent; send and keep nothing.", False, type=bool
    ),
    Option(
        ("-p", "--metric-prefix"),
        "Put PREFIX before every metric name. In it {hostname}, {host_short}, {parser} and {log} "
        "stand for what they name, and {KEY} for the value of --tag KEY=VALUE.",
        "",
        metavar="PREFIX",
    ),
    Option(
        ("-x", "--metric-suffix"),
        "Put SUFFIX after every metric name; braces stand for the same as in PREFIX.",
        metavar="SUFFIX",
    ),
    Option(
        ("--tag",),
        "Tag every metric, for outputs that have tags; for others put {KEY} into the prefix. "
        "May be given more than once.",
        metavar="KEY=VALUE",
        multiple=True,
    ),
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
        "pattern in which %s stands for the log's name. A relative one starts in the current "
        "directory; a pattern also in that of the log, and without a slash only there. May be "
        "given more than once.",
        metavar="DIR|PATTERN",
        multiple=True,
    ),
    Option(
        ("--wait",),
        "Wait for another run of this job to end, instead of ending at once.",
        0.0,
        metavar="SECONDS",
        type=float,
        least=0,
    ),
    Option(
        ("--timeout",),
        "How long a receiver may take, at most a day.",
        10.0,
        metavar="SECONDS",
        type=float,
        least=0.001,
        most=MAX_TIMEOUT,
    ),
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
        least=0,
    ),
    Option(
        ("--outbox-age",),
        "How long undelivered metrics are kept.",
        7 * 86400.0,
        metavar="SECONDS",
        type=float,
        least=0,
    ),
    Option(
        ("--jobs",),
        "How many processes may read a long catch-up; a short one is read by one.",
        1,
        metavar="N",
        type=int,
        least=1,
    ),
    Option(
        ("--max-line",),
        "The longest line that is read.",
        1 << 20,
        metavar="BYTES",
        type=int,
        least=1,
    ),
    Option(
        ("--max-unmatched",),
        "Fail, after sending, if more than PERCENT of the lines, 0 to 100, went unmatched.",
        metavar="PERCENT",
        type=float,
        least=0,
        most=100,
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


def _run_params() -> list[click.Parameter]:
    """Return what a run takes whatever its outputs are."""
    options = [
        click_option(option, allow_from_autoenv=option.name not in _INSTEAD_OF_A_RUN)
        for option in RUN_OPTIONS[1:]
    ]
    return [
        click_option(RUN_OPTIONS[0], shell_complete=_complete_output),
        *options,
        _eager("--version", then=_print_version, text="Print the version and exit."),
        click.Argument(
            ["parser"], metavar="PARSER", required=False, shell_complete=_complete_parser
        ),
        # Whether it can be read the run finds out, and says so as of any other log.
        click.Argument(["log"], metavar="LOGFILE", required=False, shell_complete=_complete_file),
    ]


def _eager(*flags: str, then: Callable[..., None], text: str) -> click.Option:
    """Return a flag that is seen before all others, and only on the command line."""
    return click.Option(
        [*flags],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=then,
        help=text,
        allow_from_autoenv=False,
    )


class RunCommand(click.Command):
    """
    The run, with the options of the outputs that the command line names.

    Args:
        words: The command line; its ``-o`` say which outputs' options there are.

        callback: Does the run; it is called with every option.

    Attributes:
        outputs: The class of each output that the command line names.

        foreign: The options of those that third parties wrote, by their names.
    """

    def __init__(self, words: Sequence[str], callback: Callable[..., int] | None = None) -> None:
        super().__init__(
            "logster",
            callback=callback,
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
        self.params = _run_params()
        self._help = _eager("-h", "--help", then=_print_help, text="Show this message and exit.")
        self.foreign: dict[str, list[optparse.Option]] = {}
        self._words = words
        self._given_way: set[str] = set()
        self.outputs = self._load_outputs(words)

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return the option that click would make, having loaded `locale` to translate it."""
        return self._help

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args* after writing out abbreviated options."""
        # click looks for a short option among the long ones first, and makes up its
        # mind with `difflib` and `gettext`: more work than all the rest of its parsing.
        try:
            return super().parse_args(ctx, expanded(args, self._takes_value(), self._long_flags()))
        except click.NoSuchOption as error:
            raise self._answer(error, ctx) from error

    def _answer(self, error: click.NoSuchOption, ctx: click.Context) -> click.UsageError:
        """Return what to say of an option that is not known, though an output may have it."""
        name = error.option_name
        own = self._long_flags()
        fitting = sorted(meant(name, own, own))
        if len(fitting) > 1:
            message = f"{name} is ambiguous: {', '.join(fitting)}."
            return click.UsageError(message, ctx)
        owners = {
            flag: output
            for output in names("logster.outputs")
            for option in getattr(load_output(output), "options", ())
            for flag in option.flags
        }
        if owner := owners.get(written_out(name, owners)):
            message = f"{name} belongs to the output {owner}: add -o {owner}."
            return click.UsageError(message, ctx)
        from difflib import get_close_matches

        near = get_close_matches(name, owners.keys() | own, n=1)
        if not near or near[0] in own:
            return error
        owner = owners[near[0]]
        message = f"No such option {name!r}. Did you mean {near[0]!r}, with -o {owner}?"
        return click.UsageError(message, ctx)

    def _load_outputs(self, words: Sequence[str]) -> dict[str, Any]:
        """
        Return the class of every output that *words* name, and add its options.

        What looks like ``-o`` may be the value of another option: of one that 1.x had, or
        of one that is known once its output is. So *words* are read again until the outputs
        they name no longer change; one that is unknown is reported only then.
        """
        own, takes_value = self.params, dict.fromkeys(OF_OUTPUTS_OF_1X, True) | self._takes_value()
        seen: list[list[str]] = []
        classes: dict[str, Any] = {}
        errors: list[LogsterError] = []
        while (wanted := _outputs_wanted(words, takes_value)) not in seen:
            seen.append(wanted)
            classes, errors, self.foreign = {}, [], {}
            for name in wanted:
                try:
                    classes[name] = load_output(output_kind(name))
                    if not _is_ours(classes[name]):
                        self._declare(name, classes[name])
                except LogsterError as error:
                    errors.append(error)
            self.params = [*own]
            self._add_options_of(classes)
            takes_value |= self._takes_value()
        if errors:
            raise errors[0]
        if not _asks_for_help(words):
            self._refuse_pairs()
        return classes

    def _add_options_of(self, classes: Mapping[str, Any]) -> None:
        """Add the options of all outputs, and let ours give way to those of third parties."""
        for output_class in filter(_is_ours, classes.values()):
            self._add_options(output_class)
        if self.foreign:
            self._give_way()
        for name in self.foreign:
            self._add_foreign_options(name)

    def _add_options(self, output_class: Any) -> None:
        """Add the options of one output, but for those that another brought already."""
        present = {flag for param in self.params for flag in param.opts}
        self.params[-2:-2] = [
            click_option(o) for o in output_class.options if not present & set(o.flags)
        ]

    def _declare(self, name: str, output_class: Any) -> None:
        """Let a third party's output declare its options."""
        if not callable(getattr(output_class, "submit", None)):
            raise ConfigurationError(
                f"{name} is no output, since it has no method submit. Nothing was read or sent."
            )
        from logster.foreign import blaming, declared_options

        with blaming(name, output_class, "adding its options"):
            self.foreign[name] = declared_options(output_class)

    def _give_way(self) -> None:
        """
        Take from ours each flag that 1.x did not have and that an output written for it has.

        What a command line of 1.x gives to it was meant for that output alone.
        """
        claimed = {flag for each in self.foreign.values() for o in each for flag in _flags(o)}
        for place, param in enumerate(self.params):
            flags = {*param.opts}
            if isinstance(param, click.Option) and flags & claimed and not flags & OF_1X:
                from copy import copy

                self._given_way |= flags & claimed
                self.params[place] = ours = copy(param)
                ours.opts = [flag for flag in param.opts if flag not in claimed]
                ours.hidden = not ours.opts

    def _add_foreign_options(self, name: str) -> None:
        """Let click take the options of a third party's output; `texts_of` reads their values."""
        for option in self.foreign[name]:
            present = {flag for param in self.params for flag in param.opts}
            flags = [flag for flag in _flags(option) if flag not in present]
            if flags:
                self.params.insert(-2, _foreign_option(option, flags))

    def _refuse_pairs(self) -> None:
        """Refuse options of third parties that take several values, where one is given."""
        given = {flag for flag, _ in walk(self._words, self._takes_value())}
        for name, options in self.foreign.items():
            for option in options:
                if (option.nargs or 1) > 1 and given & {*_flags(option)}:
                    raise ConfigurationError(
                        f"The option {option} of the output {name} takes {option.nargs} values, "
                        "and logster gives an option one. Nothing was read or sent."
                    )

    def texts_of(self, name: str, option: "optparse.Option") -> list[str]:
        """
        Return the texts that the command line, or else the environment, gives to *option*.

        Args:
            name: The output that declares it, maybe under a flag that others have too.

            option: One of its options.

        Raises:
            ConfigurationError: If one flag would have a value and not have one.
        """
        from logster.foreign import longest_flag

        flags = _flags(option)
        texts = []
        for flag, text in walk(self._words, self._takes_value(), self._long_flags()):
            if flag == "--":
                break
            if flag in flags and text is None and option.takes_value():
                raise ConfigurationError(
                    f"{flag} takes no value here, so that the output {name}, which wants one, "
                    "cannot have an option of that name. Nothing was read or sent."
                )
            if flag in flags:
                texts.append(text or "")
        flag = longest_flag(option)
        return texts or ([] if flag in self._given_way else _texts_of_environment(flag, option))

    def _long_flags(self) -> dict[str, str]:
        """Return every flag with the longest of the same option."""
        return {flag: max(each.opts, key=len) for each in self.params for flag in each.opts}

    def _takes_value(self) -> dict[str, bool]:
        """Return every flag and whether a value follows it."""
        flags = {"-h": False, "--help": False}
        for param in self.params:
            if isinstance(param, click.Option):
                flags |= dict.fromkeys(param.opts, not (param.is_flag or param.count))
        return flags


def _outputs_wanted(words: Sequence[str], takes_value: Mapping[str, bool]) -> list[str]:
    """Return every output that *words*, or else the environment, ask for."""
    wanted = values_of(("-o", "--output"), words, takes_value)
    wanted = wanted or os.environ.get("LOGSTER_OUTPUT", "").split()
    if _asks_for_help(words):
        wanted = [*wanted, *names("logster.outputs")]
    return wanted


def _asks_for_help(words: Sequence[str]) -> bool:
    return bool({"-h", "--help"} & set(words))


def output_kind(given: str) -> str:
    """
    Return the name of the output that ``-o`` *given* asks for.

    Raises:
        ConfigurationError: If it is half a URL, whose other half may hold a secret.

    >>> output_kind("graphite"), output_kind("statsd+tcp://metrics.example:8125")
    ('graphite', 'statsd')
    """
    scheme, separator, _ = given.partition("://")
    if separator:
        return scheme.partition("+")[0]
    head = given
    for mark in ":/?@":
        head = head.partition(mark)[0]
    if head != given:
        raise ConfigurationError(
            f"{head}… is no output: -o takes a name, a dotted Python class, or a URL such as "
            "graphite://metrics.example:2003. Nothing was read or sent."
        )
    return given


def _is_ours(output_class: Any) -> bool:
    """Return whether an output is made as ours are, and not as those of 1.x."""
    from logster.outputs import Output

    return isinstance(output_class, type) and issubclass(output_class, Output)


def _flags(option: "optparse.Option") -> list[str]:
    return [*option._short_opts, *option._long_opts]  # noqa: SLF001


def _foreign_option(option: "optparse.Option", flags: Sequence[str]) -> click.Option:
    """Return a click option that lets the command line hold an option of optparse."""
    from optparse import SUPPRESS_HELP

    default = option.default if option.default != ("NO", "DEFAULT") else None
    text = (option.help or "").replace("%default", str(default))
    takes_value = option.takes_value()
    name = "foreign_" + max(flags, key=len).lstrip("-").replace("-", "_").lower()
    return click.Option(
        [*flags, name],
        count=not takes_value,
        multiple=takes_value,
        metavar=(option.metavar or (option.dest or name).upper()) if takes_value else None,
        help=text,
        hidden=option.help is SUPPRESS_HELP,
        expose_value=False,
        allow_from_autoenv=False,
    )


def _texts_of_environment(flag: str, option: "optparse.Option") -> list[str]:
    """Return the texts of ``LOGSTER_MINE_HOST`` for ``--mine-host``."""
    variable = "LOGSTER_" + flag.lstrip("-").replace("-", "_").upper()
    text = os.environ.get(variable)
    if not text:
        return []
    if not option.takes_value():
        return [""] * click.BOOL.convert(text, None, None)
    return text.split() if option.action == "append" else [text]


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"logster {__version__}")
        context.exit()


def _print_help(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


def _complete_parser(_: click.Context, __: click.Parameter, word: str) -> list[str]:
    return [each for each in (*COMMANDS, *names("logster.parsers")) if each.startswith(word)]


def _complete_file(_: click.Context, __: click.Parameter, word: str) -> list["CompletionItem"]:
    from click.shell_completion import CompletionItem

    # click.Path would do, but loads `locale` to translate its name.
    return [CompletionItem(word, type="file")]


def _complete_output(_: click.Context, __: click.Parameter, word: str) -> list[str]:
    return [each for each in names("logster.outputs") if each.startswith(word)]

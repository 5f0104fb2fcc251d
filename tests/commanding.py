"""What the tests of the commands beside the run share."""

from typing import NamedTuple

import click
from click.testing import CliRunner

from logster.errors import LogsterError


class Outcome(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def invoke(command: click.Command, *words: object) -> Outcome:
    """Run *command* in this process as `logster.cli.main` does."""
    result = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    error = result.exception
    if isinstance(error, click.ClickException):
        return Outcome(error.exit_code, result.stdout, error.format_message())
    if isinstance(error, LogsterError):
        return Outcome(error.exit_code, result.stdout, str(error))
    if error is not None:
        raise error
    return Outcome(result.return_value or 0, result.stdout, result.stderr)

"""What a shell asks when somebody presses the tabulator: how the line so far may go on."""

from importlib import import_module
from typing import Any

import click

from logster.command_line import COMMANDS, RunCommand
from logster.errors import LogsterError


class Completion(click.Command):
    """
    Stands for the command whose line a shell completes.

    A shell calls ``logster`` without words, and click takes the line from the
    environment only when the command is made. Which it is, and which outputs'
    options it has, depends on that line.
    """

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the command that *args* name; an output half typed has none."""
        try:
            if args and args[0] in COMMANDS:
                command: click.Command = import_module(f"logster.commands.{args[0]}").command
                return command.make_context(info_name, args[1:], parent, **extra)
            return RunCommand(args).make_context(info_name, args, parent, **extra)
        except LogsterError:
            return RunCommand([]).make_context(info_name, args, parent, **extra)

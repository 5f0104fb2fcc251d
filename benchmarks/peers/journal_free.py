"""
Run logster with its journal, or as 1.x kept its place: ``journal_free.py with|without ARGUMENTS``.

Without the journal two numbers are written over those before: nothing is owed,
and a crash or a power cut may leave half of them.
"""

import os
import sys

from logster.cli import main
from logster.generation import Position
from logster.journal import Journal, State


def load(journal: Journal) -> State | None:
    """Return the place as 1.x read it."""
    try:
        with open(journal.path, encoding="ascii") as file:
            inode, offset = int(file.readline()), int(file.readline())
            mtime = os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    return State(cursor=(Position(inode, offset),), last_run=mtime)


def commit(journal: Journal, state: State) -> None:
    """Write the place as 1.x wrote it."""
    with open(journal.path, "w", encoding="ascii") as file:
        file.write("{}\n{}\n".format(*state.cursor[-1][:2]))


if sys.argv.pop(1) == "without":
    Journal.load, Journal.commit = load, commit  # type: ignore[method-assign]
main()

"""
Run logster with its journal, or as 1.x kept its place: ``journal_free.py with|without ARGUMENTS``.

Without the journal the place is written over the one before: nothing is owed, and
a crash or a power cut may leave half of it. It is all of the place, so that both
ways of keeping it read the log in the same way.
"""

import json
import os
import sys

from logster.cli import main
from logster.generation import Position
from logster.journal import Journal, State


def load(journal: Journal) -> State | None:
    """Return the place as it stands in the file."""
    try:
        with open(journal.path, encoding="utf-8") as file:
            cursor = tuple(Position(*place) for place in json.load(file))
            mtime = os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    return State(cursor=cursor, last_run=mtime)


def commit(journal: Journal, state: State) -> None:
    """Write the place as 1.x wrote it."""
    with open(journal.path, "w", encoding="utf-8") as file:
        file.write(json.dumps(state.cursor))


if sys.argv.pop(1) == "without":
    Journal.load, Journal.commit = load, commit  # type: ignore[method-assign]
main()

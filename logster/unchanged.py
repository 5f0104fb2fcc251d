"""
How to see, without a `Tail`, that nothing was added to a log since the last run.

Most logs of a machine rest for most minutes. To follow one through its rotations takes
more code than to see that there is nothing to follow, and loading it a twelfth of an
empty run.
"""

from collections.abc import Sequence

from logster.errors import LogError
from logster.generation import Generation, Position, Reader


class Unchanged:
    """
    What a `Tail` tells once all is read, of a log without new lines.

    Args:
        cursor: Where reading stopped, as before; only the time is new.
    """

    bytes_read = bytes_lost = gaps = rotations = overlong = lag = 0
    notices: tuple[str, ...] = ()

    def __init__(self, cursor: tuple[Position, ...]) -> None:
        self.cursor = cursor


def unchanged(filename: str, cursor: Sequence[Position], max_line: int) -> Unchanged | None:
    """
    Return what there is to tell of a log to which nothing was added, or None of any other.

    Only what is plain to see counts: the file that was read to its last byte is there
    under the log's own name, as it was, and so are the files before it that are watched.

    Args:
        filename: The log.

        cursor: Positions of the last run, oldest first.

        max_line: Bytes a line may have.
    """
    if not cursor or any(position.size != position.offset for position in cursor):
        return None
    # For most logs that have grown this shows it, before any file is opened.
    if not all(position.is_untouched() for position in reversed(cursor)):
        return None
    *watched, last = cursor
    try:
        live = Generation(filename)
    except (OSError, LogError):
        return None
    try:
        if live.stream or not live.is_at(last):
            return None
        now = Reader(live, last, max_line).position()
    except OSError:
        return None
    finally:
        live.close()
    return Unchanged((*watched, now)) if now._replace(seen_ns=last.seen_ns) == last else None

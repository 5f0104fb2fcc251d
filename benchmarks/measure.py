"""
Processes and what they cost: wall-clock time and CPU time, in pairs.

Other work on the machine slows both of a pair down alike, so that their ratio
holds where seconds do not. CPU time (user and system, children included) hardly
sees other work at all; wall-clock time is what somebody waits for.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


#: Seconds after which a figure ends with fewer pairs than asked for, but `FEWEST`.
PATIENCE = 45.0
FEWEST = 3

# Files in memory: grep stops at the first match if it prints to nowhere.
_OUT, _ERR = os.memfd_create("out"), os.memfd_create("err")


class CommandError(Exception):
    """A command did not end well; the text is what it wrote to standard error."""


class Cost(NamedTuple):
    """Seconds that a process took."""

    wall: float
    cpu: float


class Command(NamedTuple):
    """
    A process to start.

    Attributes:
        words: The command line.

        env: Set in its environment, beside the benchmark's own.

        prepare: Called before each start, outside the time taken.
    """

    words: tuple[str, ...]
    env: Mapping[str, str] = {}
    prepare: Callable[[], object] = lambda: None


class Pair(NamedTuple):
    """What two commands cost that ran in turns."""

    first: list[Cost]
    second: list[Cost]

    def ratio(self, kind: str) -> float:
        """Return the ratio of the medians of ``wall`` or ``cpu``."""
        return median(self.first, kind) / median(self.second, kind)


def median(costs: list[Cost], kind: str) -> float:
    """Return the median of the ``wall`` or ``cpu`` of *costs*."""
    return statistics.median(getattr(cost, kind) for cost in costs)


def run(command: Command) -> Cost:
    """
    Run *command* to its end and return what it cost.

    Raises:
        CommandError: If it ends with anything but 0; with its last words.
    """
    command.prepare()
    for each in (_OUT, _ERR):
        os.ftruncate(each, 0)
        os.lseek(each, 0, os.SEEK_SET)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, _OUT, 1),
        (os.POSIX_SPAWN_DUP2, _ERR, 2),
    ]
    environment = {**os.environ, **command.env}
    started = time.perf_counter()
    process = os.posix_spawnp(command.words[0], command.words, environment, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    if status:
        said = _text(_ERR).strip().splitlines()
        code = os.waitstatus_to_exitcode(status)
        raise CommandError(said[-1] if said else f"{command.words[0]} ended with {code}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def output(command: Command) -> str:
    """
    Run *command* once and return what it prints.

    Raises:
        CommandError: If it ends with anything but 0; with its last words.
    """
    run(command)
    return _text(_OUT)


def paired(first: Command, second: Command, runs: int) -> Pair:
    """Run *first* and *second* in turns, *runs* times each, or until patience ends."""
    pair = Pair([], [])
    began = time.monotonic()
    for count in range(runs):
        # Who goes first alternates, in case the one leaves something to the other.
        turns = ((first, pair.first), (second, pair.second))
        for command, costs in turns if count % 2 == 0 else reversed(turns):
            costs.append(run(command))
        if count + 1 >= FEWEST and time.monotonic() - began > PATIENCE:
            break
    return pair


def _text(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

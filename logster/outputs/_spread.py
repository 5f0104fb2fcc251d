"""Several receivers of one kind, each with an output of its own."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NoReturn

from logster.errors import OutputError


class Several:
    """Stands for the way to receivers that `Output.receivers` was not asked to tell apart."""

    def send(self, lines: Sequence[bytes], deadline: float) -> NoReturn:
        """Deliver nothing and say why."""
        raise OutputError("each of several hosts takes an output of its own, by receivers()")


class Share:
    """
    The lines that carbon-relay would give to one of several receivers.

    Args:
        hosts: Names of the receivers, as carbon's own configuration has them.

        number: Which of them is meant, from 0 on.
    """

    def __init__(self, hosts: Sequence[str], number: int) -> None:
        self.ring, self.number = ring(hosts), number
        self.positions = [position for position, _ in self.ring]

    def of(self, lines: Iterable[bytes]) -> list[bytes]:
        """Return those of *lines* that belong to it."""
        return [line for line in lines if self._owner(line) == self.number]

    def _owner(self, line: bytes) -> int:
        place = bisect_left(self.positions, _position(line.partition(b" ")[0]))
        return self.ring[place % len(self.ring)][1]


def ring(hosts: Sequence[str]) -> list[tuple[int, int]]:
    """
    Return carbon's ring of *hosts*: a hundred positions each, with the host's number.

    >>> len(ring(["a", "b"])), ring(["a", "b"]) == sorted(ring(["a", "b"]))
    (200, True)
    """
    taken: dict[int, int] = {}
    for number, host in enumerate(hosts):
        for replica in range(100):
            position = _position(f"('{host}', None):{replica}".encode())
            while position in taken:
                position += 1
            taken[position] = number
    return sorted(taken.items())


def _position(key: bytes) -> int:
    from hashlib import md5  # noqa: PLC0415 - carbon's choice, and no secret

    return int(md5(key, usedforsecurity=False).hexdigest()[:4], 16)

"""Several receivers of one kind: every line to each, or each line to one."""

from bisect import bisect_left
from collections.abc import Sequence

from logster.errors import OutputError
from logster.transport import Transport


class Replicated:
    """
    Hands every line to each receiver; delivered when all have it.

    A receiver that was away gets the lines again with the others: for Graphite the
    same name, value and time once more change nothing.
    """

    def __init__(self, ways: Sequence[Transport]) -> None:
        self.ways = ways

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines* to each, and complain at the end."""
        return _each([(way, lines) for way in self.ways], deadline)


class Consistent:
    """
    Hands each line to one receiver, the one that carbon-relay would choose.

    Args:
        hosts: Names of the receivers, as carbon's own configuration has them.

        ways: The way to each.
    """

    def __init__(self, hosts: Sequence[str], ways: Sequence[Transport]) -> None:
        self.ways = ways
        self.ring = ring(hosts)
        self.positions = [position for position, _ in self.ring]

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over each of *lines* to its receiver."""
        shares: list[list[bytes]] = [[] for _ in self.ways]
        for line in lines:
            place = bisect_left(self.positions, _position(line.partition(b" ")[0]))
            shares[self.ring[place % len(self.ring)][1]].append(line)
        pairs = zip(self.ways, shares, strict=True)
        return _each([(way, share) for way, share in pairs if share], deadline)


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


def _each(pairs: Sequence[tuple[Transport, Sequence[bytes]]], deadline: float) -> int:
    failures, refused = [], 0
    for way, lines in pairs:
        try:
            refused += way.send(lines, deadline)
        except OutputError as error:
            failures.append(error)
    if failures:
        said = f"{len(failures)} of {len(pairs)} receivers: {failures[0]}"
        raise OutputError(said) from failures[0]
    return refused

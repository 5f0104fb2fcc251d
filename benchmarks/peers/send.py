"""
Print the seconds that sending 10,000 metrics takes: ``send.py OUTPUT HOST:PORT``.

Prints the medians, wall and CPU, how many calls sent something, and of how many
sends that is; for ``onex`` the way 1.x has: a datagram and a look-up of the host
for each metric.
"""

import socket
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from logster.metrics import Batch, Metric
from logster.registry import load_output


COUNT = 10_000
calls = [0]


class Counting(socket.socket):
    """A socket that counts what is sent."""

    def send(self, *arguments: Any) -> int:
        """Send and count."""
        calls[0] += 1
        return super().send(*arguments)

    def sendall(self, *arguments: Any) -> None:
        """Send and count."""
        calls[0] += 1
        super().sendall(*arguments)

    def sendto(self, *arguments: Any) -> int:
        """Send and count."""
        calls[0] += 1
        return super().sendto(*arguments)

    def sendmsg(self, *arguments: Any) -> int:
        """Send and count."""
        calls[0] += 1
        return super().sendmsg(*arguments)


def onex(port: int, metrics: tuple[Metric, ...]) -> None:
    """Send as 1.x does."""
    for metric in metrics:
        line = f"{metric.name}:{metric.value}|{metric.kind}"
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.sendto(line.encode("ascii"), ("localhost", port))
        sender.close()


def ours(name: str, address: str, metrics: tuple[Metric, ...]) -> Callable[[], None]:
    """Return what sends with the output *name*."""
    output_class = load_output(name)
    settings = {option.name: option.default for option in output_class.options}
    settings |= {"metric_prefix": "", "metric_suffix": None, f"{name}_host": address}
    output = output_class(SimpleNamespace(**settings))

    def send() -> None:
        receipt = output.deliver([Batch(1_795_241_700, metrics)])
        if receipt.error or receipt.delivered != 1:
            sys.exit(str(receipt))

    return send


def main() -> None:
    """Send, again and again."""
    name, address = sys.argv[1:]
    time_of_run = 1_795_241_700
    metrics = tuple(
        Metric(f"servers.mx{n % 9}.postfix.metric{n}", n, "", "float", time_of_run)
        for n in range(COUNT)
    )
    if name == "onex":
        port = int(address.rpartition(":")[2])

        def send() -> None:
            onex(port, metrics)
    else:
        send = ours(name, address, metrics)
    socket.socket = Counting  # type: ignore[misc]
    walls, cpus = [], []
    for _ in range(11):
        calls[0], began, used = 0, time.perf_counter(), time.process_time()
        send()
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - used)
    print(statistics.median(walls), statistics.median(cpus), calls[0], len(walls))


main()

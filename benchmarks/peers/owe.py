"""Put batches of nine metrics, a minute apart, into an outbox: ``owe.py STATE TARGET COUNT``."""

import sys
import time

from logster.journal import Journal
from logster.metrics import Batch, Metric


def main() -> None:
    """Owe them."""
    path, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    journal = Journal(path)
    state = journal.load()
    if state is None:
        sys.exit(f"{path} is no state")
    first = int(time.time()) - 60 * count
    for now in range(first, first + 60 * count, 60):
        metrics = tuple(Metric(f"metric{n}", n, "", "float", now) for n in range(9))
        state.owe_each(target, Batch(now, metrics))
    journal.commit(state)


main()

"""A writer that never pauses: numbered lines, and a new file when it is told by SIGHUP."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def main(log: Path, note: Path) -> None:
    """
    Write until SIGTERM comes.

    Args:
        log: Where to.

        note: Holds the process's number once it writes; its twin ``.count`` how many lines.
    """
    told: list[int] = []

    def tell(number: int, _: Any) -> None:
        told.append(number)

    signal.signal(signal.SIGHUP, tell)
    signal.signal(signal.SIGTERM, tell)
    file = log.open("ab", buffering=0)
    half = note.with_suffix(".half")
    half.write_text(str(os.getpid()))
    half.rename(note)
    count = 0
    while signal.SIGTERM not in told:
        if signal.SIGHUP in told:
            told.remove(signal.SIGHUP)
            file.close()
            file = log.open("ab", buffering=0)
        file.write(b"line ")
        file.write(b"%d\n" % count)
        count += 1
        if count % 5 == 0:
            time.sleep(0.001)
    file.close()
    note.with_suffix(".count").write_text(str(count))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

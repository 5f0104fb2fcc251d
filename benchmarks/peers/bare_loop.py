"""
Print the CPU seconds of a bare loop that calls `onex.OnexLogster` for each line of a log.

Reading, decoding and splitting are not counted: ``bare_loop.py LOG``.
"""

import sys
import time
from itertools import islice

from onex import OnexLogster


def main() -> None:
    """Feed the log to the parser, line by line."""
    parser = OnexLogster()
    parse_line = parser.parse_line
    spent = 0.0
    with open(sys.argv[1], encoding="utf-8", errors="replace", newline="\n") as log:
        while lines := list(islice(log, 1000)):
            started = time.process_time()
            for line in lines:
                parse_line(line)
            spent += time.process_time() - started
    print(spent)
    for metric in parser.get_state(60):
        print(metric.name, metric.value)


main()

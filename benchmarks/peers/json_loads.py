"""Read every line of a log with the standard library's JSON decoder, and do nothing else."""

import json
import sys


def main() -> None:
    """Decode line by line."""
    loads = json.loads
    with open(sys.argv[1], "rb") as log:
        for line in log:
            loads(line)


main()

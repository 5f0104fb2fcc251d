"""Print how many objects the standard library's JSON decoder finds in a log, line by line."""

import json
import sys


def main() -> None:
    """Decode, and do nothing else; `json.loads` takes a sixth longer for bytes."""
    with open(sys.argv[1], encoding="utf-8", newline="\n") as log:
        print("json_records", sum(map(bool, map(json.loads, log))))


main()

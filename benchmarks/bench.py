"""
How fast logster is, as ratios to other tools on the same machine.

``make bench`` prints a table for people; ``--json FILE`` writes one for programs.
README.md beside this file says what each figure means.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from costs import costs
from figures import Row, races
from workshop import CHECKOUT, HERE, Workshop, distributions_python, version_of


def main() -> None:
    """Take the figures that the command line asks for."""
    given = _arguments()
    if given.install_peers:
        subprocess.run([os.path.join(HERE, "install-peers")], check=True)
    shop = Workshop(
        os.path.abspath(given.cache),
        given.lines,
        given.runs,
        large=given.large,
        interpreter=given.python,
    )
    todo = [(name, take) for name, take in (*races(shop), *costs(shop)) if _wanted(name, given)]
    if not todo:
        sys.exit(f"There is no figure called {' or '.join(given.only)}.")
    if given.list:
        print("\n".join(dict.fromkeys(name for name, _ in todo)))
        return
    began = time.time()
    print(_heading(given), _line("figure", "value", "target", "", "wall", "cpu", "runs"), sep="\n")
    rows = list(_taken(todo))
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(_document(given, rows, began), file, indent=1, ensure_ascii=False)
    short = [row.name for row in rows if row.verdict == "short"]
    if short:
        print(f"\nShort of their targets: {', '.join(short)}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of each log")
    parser.add_argument("--runs", type=int, default=7, help="pairs that a figure is the median of")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="beginnings of names")
    parser.add_argument("--json", metavar="FILE", help="where to write all numbers")
    parser.add_argument("--large", action="store_true", help="also logs of 10 million lines")
    parser.add_argument(
        "--python", default=distributions_python(), help="to measure with (default: %(default)s)"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the figures")
    parser.add_argument("--install-peers", action="store_true", help="install other tools (root)")
    parser.add_argument("--cache", default=os.path.join(CHECKOUT, ".cache", "benchmarks"))
    return parser.parse_args()


def _wanted(name: str, given: argparse.Namespace) -> bool:
    return not given.only or name.startswith(tuple(given.only))


def _taken(todo: Iterable[tuple[str, Callable[[], Row]]]) -> Iterator[Row]:
    """Yield each figure, and print it as soon as it is there."""
    for name, take in todo:
        try:
            row = take()
        except Exception as error:  # noqa: BLE001 - one figure must not cost all others
            row = Row(name, name, remark=f"failed: {type(error).__name__}: {error}"[:200])
        _print(row)
        yield row


def _print(row: Row) -> None:
    unit = row.unit if row.unit in {"", "x", "%"} else f" {row.unit}"
    value = "-" if row.value is None else f"{row.value:.3g}{unit}"
    ratios = [row.detail.get(f"ratio_{kind}") for kind in ("wall", "cpu")]
    wall, cpu = ("" if ratio is None else f"{ratio:.3g}" for ratio in ratios)
    runs = str(row.detail.get("runs", ""))
    print(_line(row.what, value, str(row.target or ""), row.verdict, wall, cpu, runs, row.remark))
    sys.stdout.flush()


def _line(*cells: str) -> str:
    what, value, target, verdict, wall, cpu, runs, *remark = cells
    text = f"{what:<58} {value:>9} {target:>7} {verdict:<6} {wall:>6} {cpu:>6} {runs:>4}  "
    return (text + "".join(remark)).rstrip()


def _heading(given: argparse.Namespace) -> str:
    load = os.getloadavg()[0]
    return (
        f"{given.lines:,} lines, medians of so many runs as the last column says, {given.python} "
        f"{version_of(given.python).partition(' ')[0]}, {os.cpu_count()} cores, load {load:.1f}.\n"
        "The value is a ratio of CPU times, but where processes or threads share the work, "
        "of\nwall-clock times; both stand beside it.\n"
    )


def _document(given: argparse.Namespace, rows: Iterable[Row], began: float) -> dict[str, Any]:
    return {
        "lines": given.lines,
        "runs": given.runs,
        "python": version_of(given.python),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "began": began,
        "took_s": round(time.time() - began, 1),
        "figures": [
            {
                "name": row.name,
                "what": row.what,
                "value": row.value,
                "unit": row.unit,
                "target": row.target and row.target.limit,
                "at_least": bool(row.target and row.target.at_least),
                "verdict": row.verdict,
                "remark": row.remark,
                **row.detail,
            }
            for row in rows
        ],
    }


if __name__ == "__main__":
    main()

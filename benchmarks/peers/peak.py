"""
Print the most memory, in KiB, that this process had: ``peak.py [ARGUMENTS OF logster]``.

`wait4` and ``/usr/bin/time`` also count what the parent had at the fork.
"""

import os
import sys


def main() -> None:
    """Run logster, or nothing without arguments, and print the peak to standard output."""
    if len(sys.argv) > 1:
        from logster.cli import main as logster

        try:
            logster()
        except SystemExit as end:
            if end.code:
                raise
    with open("/proc/self/status", "rb") as status:
        peak = next(line for line in status if line.startswith(b"VmHWM:"))
    os.write(1, b"peak %d\n" % int(peak.split()[1]))


main()

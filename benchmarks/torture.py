"""
Torture a job for as long as you like: is every line counted once?

A writer that never pauses and holds its files longer than it should, rotations of
every kind, runs that are killed at any moment, a receiver that comes and goes. In
the end the count and the sum of the lines at the receiver are compared with what
was written.

    python benchmarks/torture.py --seconds 600
"""

import argparse
import contextlib
import gzip
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path


PARSER = """
from logster.logster_helper import LogsterParser, MetricObject

class Numbers(LogsterParser):
    def __init__(self, option_string=None):
        self.count = self.sum = 0

    def parse_line(self, line):
        word, number = line.split()
        assert word == "line" and line.endswith("\\n")
        self.count += 1
        self.sum += int(number)

    def get_state(self, duration):
        return [MetricObject("count", self.count), MetricObject("sum", self.sum)]
"""

WRITER = """
import os, random, signal, sys, time
log, note = sys.argv[1:]
told = []
for each in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(each, lambda number, frame: told.append(number))
file, count = open(log, "ab", buffering=0), 0
while signal.SIGTERM not in told:
    if signal.SIGHUP in told and random.random() < 0.02:
        told.clear()
        file.close()
        file = open(log, "ab", buffering=0)
    file.write(b"line ")
    if random.random() < 0.01:
        time.sleep(random.random() / 50)
    file.write(b"%d\\n" % count)
    count += 1
    if count % 20 == 0:
        time.sleep(0.001)
open(note, "w").write(str(count))
"""


class Receiver:
    """
    Keeps points as Graphite does, and goes away at times.

    Attributes:
        points: Value by name and time; the last one counts.

        up: Whether it answers.
    """

    def __init__(self) -> None:
        self.points: dict[tuple[str, str], float] = {}
        self.up = True
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def total(self, name: str) -> int:
        """Return the sum of all points of the metric *name*."""
        return int(sum(value for (each, _), value in self.points.items() if each == name))

    def _serve(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            with contextlib.suppress(OSError), stream:
                data = stream.recv(random.choice([5, 65536]))
                while more := stream.recv(65536):
                    data += more
                if not self.up:
                    # A clean end would say that all is well.
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    for line in data.splitlines():
                        name, value, at = line.decode().split()
                        self.points[name, at] = float(value)


class Torture:
    """
    One job and what is done to it.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "app.log"
        self.done: Counter[str] = Counter()
        self.receiver = Receiver()
        (folder / "torture_parser.py").write_text(PARSER)
        (folder / "writer.py").write_text(WRITER)
        self.log.touch()
        self.words = [
            *(sys.executable, "-m", "logster", "-s", str(folder / "state"), "-l", str(folder)),
            *("-o", "graphite", "--graphite-host", self.receiver.address, "--timeout", "5"),
            *("torture_parser.Numbers", str(self.log)),
        ]
        self.run()
        note = str(folder / "count")
        self.writer = subprocess.Popen([sys.executable, folder / "writer.py", self.log, note])

    def run(self, *, kill: bool = False) -> str:
        """Run the job; perhaps kill it at any moment. Return what it said."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        process = subprocess.Popen(self.words, stderr=subprocess.PIPE, text=True, env=environment)
        if kill:
            time.sleep(random.uniform(0.05, 0.25))
            self.done["kills"] += process.poll() is None
            process.kill()
        self.done["runs"] += 1
        said = process.communicate()[1]
        if "Lines may be lost" in said or "Traceback" in said or "raised" in said:
            print(said, file=sys.stderr)
        return said

    def rotate(self) -> None:
        """Rotate the log as logrotate does with delaycompress; its writer may be late."""
        self.done["rotations"] += 1
        for number in range(19, 0, -1):
            for ending in ("", ".gz"):
                path = self.folder / f"app.log.{number}{ending}"
                if path.exists():
                    path.rename(self.folder / f"app.log.{number + 1}{ending}")
        self.log.rename(self.folder / "app.log.1")
        if random.random() < 0.9:
            self.log.touch()
        self.writer.send_signal(signal.SIGHUP)
        for path in self.folder.glob("app.log.[3-9]"):
            packed = path.with_name(f"{path.name}.gz")
            with gzip.open(packed, "wb") as file:
                file.write(path.read_bytes())
            status = path.stat()
            os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
            path.unlink()

    def step(self) -> None:
        """Do one thing or another."""
        lot = random.random()
        if lot < 0.25:
            self.run()
        elif lot < 0.65:
            self.run(kill=True)
        elif lot < 0.75:
            self.receiver.up = not self.receiver.up
        else:
            # A writer that is told lets go within two rotations: it is compressed then.
            self.rotate()
            time.sleep(0.15)

    def end(self) -> int:
        """Let the writer end and two runs come through; print the figures."""
        self.writer.terminate()
        self.writer.wait()
        self.receiver.up = True
        for _ in range(3):
            self.run()
        written = int((self.folder / "count").read_text())
        count, total = self.receiver.total("count"), self.receiver.total("sum")
        exact = (count, total) == (written, written * (written - 1) // 2)
        figures = {
            "lines written": written,
            **self.done,
            "lost": max(0, written - count),
            "twice": max(0, count - written),
            "sum": "exact" if exact else "WRONG",
        }
        print(", ".join(f"{name}: {value}" for name, value in figures.items()))
        return 0 if exact else 1


def main() -> int:
    """Torture for the time that the command line gives."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**6)
    random.seed(seed)
    print(f"seed: {seed}")
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    torture = Torture(folder)
    try:
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            torture.step()
        code = torture.end()
    finally:
        torture.writer.kill()
    if code:
        print(f"The files are in {folder}.")
    else:
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())

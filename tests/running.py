"""Calls the command as a shell would."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


#: The installed command, beside the interpreter that runs the tests.
COMMAND = str(Path(sys.executable).parent / "logster")

#: Where the fixtures lie: in the checkout, whichever logster is under test.
FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


class Outcome(NamedTuple):
    """What a command printed and ended with."""

    code: int
    out: str
    err: str


def logster(
    *words: object,
    path: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Outcome:
    """
    Run ``logster`` with *words*.

    Args:
        words: The command line.

        path: A folder of third parties' modules, for ``PYTHONPATH``.

        cwd: Where to run.

        env: More environment.
    """
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("LOGSTER_")
    }
    environment |= {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [COMMAND, *map(str, words)],
        cwd=cwd,
        env=environment | dict(env or {}),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode())


class Bench:
    """
    A log, a state directory, and the command with both: what most tests need.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "app.log"
        self.log.touch()
        self.states = folder / "state"
        self.modules = folder / "modules"
        self.modules.mkdir()

    def module(self, name: str, text: str) -> None:
        """Write a third party's module."""
        (self.modules / f"{name}.py").write_text(text)

    def append(self, *lines: str) -> None:
        """Let the log grow."""
        with self.log.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def run(self, *words: object, env: Mapping[str, str] | None = None) -> Outcome:
        """Run the command in this place; *words* end with the parser."""
        own = ("-s", self.states, "-l", self.folder / "own")
        return logster(*own, *words, self.log, path=self.modules, env=env)

    @property
    def state(self) -> Path:
        """Return the only state file there is."""
        (state,) = self.states.glob("*.state")
        return state

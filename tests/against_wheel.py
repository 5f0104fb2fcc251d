"""
Run the suite against the installed wheel, the source folders out of reach.

What is tested then is what users install: the wheel has its own packages, its
own man page, and no link.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent

#: What the tests need of the checkout; neither logster/ nor parsers/.
NEEDED = ("tests", "fixtures", "pyproject.toml", "README.md", "CHANGELOG.md")

#: Tests that look at the checkout itself, which is not there.
LEFT_OUT = ("tests/test_house.py", "tests/test_manual.py")


def main() -> int:
    """Build, install elsewhere, copy the tests, run them there."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)  # tests run the command as a user without rights, too
        python = place / "venv" / "bin" / "python"
        run(sys.executable, "-m", "venv", place / "venv")
        run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
        run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", place / "wheel", ROOT)
        (wheel,) = (place / "wheel").glob("*.whl")
        tests = configuration["dependency-groups"]["tests"]
        wanted = [each for each in tests if isinstance(each, str)]
        run(python, "-m", "pip", "install", "--quiet", f"{wheel}", *wanted)
        manual = place / "venv" / "share" / "man"
        if not all(
            (manual / page).exists() for page in ("man1/logster.1", "man7/logster-metrics.7")
        ):
            print("The wheel does not install the man pages.", file=sys.stderr)
            return 1
        work = place / "work"
        work.mkdir()
        for each in NEEDED:
            copy = shutil.copytree if (ROOT / each).is_dir() else shutil.copy
            copy(ROOT / each, work / each)
        options = [f"--ignore={each}" for each in LEFT_OUT]
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "tests", *options, *sys.argv[1:]],
            cwd=work,
            env=os.environ | {"PYTHONSAFEPATH": "1"},
            check=False,
        )
        return done.returncode


def run(*words: object) -> None:
    """Run a command that must succeed."""
    subprocess.run([str(word) for word in words], check=True)


if __name__ == "__main__":
    sys.exit(main())

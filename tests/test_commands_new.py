"""``logster new``: a parser of one's own, with a log and a test that passes."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from commanding import Outcome, invoke
from running import logster

from logster.commands.new import command


def new(folder: Path, name: str = "my-shop") -> Outcome:
    """Run the command in *folder*."""
    return invoke(command, name, "--directory", folder)


def test_files(tmp_path: Path) -> None:
    """Three files are written, and the command says which, and what to do next."""
    code, out, _ = new(tmp_path / "fresh")

    folder = tmp_path / "fresh"
    assert code == 0
    assert {each.name for each in folder.iterdir()} == {
        "my_shop.py",
        "my_shop.log",
        "test_my_shop.py",
    }
    assert f"Wrote {folder}/my_shop.py, {folder}/my_shop.log and {folder}/test_my_shop.py." in out
    assert f"    cd {folder}\n    python -m pytest test_my_shop.py\n" in out
    assert "logster --dry-run my_shop.MyShopParser my_shop.log" in out


def test_nothing_is_left_to_fill(tmp_path: Path) -> None:
    """No placeholder is left in what is written or said."""
    out = new(tmp_path).out

    for text in (out, *(each.read_text() for each in tmp_path.iterdir())):
        assert not {"NAME", "CLASS", "MODULE", "FILES", "CD"} & set(text.split())


def test_the_test_passes(tmp_path: Path) -> None:
    """The test that is written passes, run as the command says."""
    new(tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_shop.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 passed" in done.stdout
    assert done.returncode == 0


def test_the_parser_works(tmp_path: Path) -> None:
    """A dry run prints the figures of the log that is written."""
    new(tmp_path)

    outcome = logster("--dry-run", "my_shop.MyShopParser", tmp_path / "my_shop.log", path=tmp_path)

    assert (outcome.code, outcome.err) == (0, "")
    assert "requests        5  Requests" in outcome.out
    assert "6 lines: 5 matched, 0 ignored, 1 unmatched." in outcome.out


def test_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a directory the files are written here, and nobody is told to go elsewhere."""
    monkeypatch.chdir(tmp_path)

    out = invoke(command, "shop").out

    assert (tmp_path / "shop.py").exists()
    assert "Wrote shop.py, shop.log and test_shop.py." in out
    assert "cd " not in out


@pytest.mark.parametrize("taken", ["my_shop.py", "my_shop.log", "test_my_shop.py"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    """A file that is there already stays as it is, and no other is written."""
    (tmp_path / taken).symlink_to("nowhere")

    code, _, err = new(tmp_path)

    assert code == 2
    assert f"{tmp_path / taken} is there already. Nothing was written." in err
    assert [taken] == os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["", "My-shop", "3com", "a b", "../x", "a--b", "-a", "class", "é"])
def test_bad_names(tmp_path: Path, name: str) -> None:
    """A name that is none of a module is refused, with what makes one."""
    code, _, err = invoke(command, "--directory", tmp_path, "--", name)

    assert code == 2
    assert "small letters, digits and dashes make a name" in err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["json", "logster", "pytest", "test"])
def test_hidden_modules(tmp_path: Path, name: str) -> None:
    """A name that would hide a module from Python is refused."""
    code, _, err = new(tmp_path, name)

    assert code == 2
    assert f"would hide the Python module {name}." in err


@pytest.mark.parametrize(
    ("name", "kind"), [("postfix", "parser"), ("json_lines", "parser"), ("status", "command")]
)
def test_hidden_by_our_own(tmp_path: Path, name: str, kind: str) -> None:
    """A name under which nobody could call the parser is refused."""
    code, _, err = new(tmp_path, name)

    assert code == 2
    assert f"logster has a {kind} {name} of its own, which would hide yours." in err
    assert os.listdir(tmp_path) == []


def test_unwritable(tmp_path: Path) -> None:
    """A place that cannot be written to is an error, not a traceback."""
    (tmp_path / "file").touch()

    code, _, err = new(tmp_path / "file")

    assert code == 2
    assert f"{tmp_path / 'file'} cannot be written: File exists. No file was written." in err


@pytest.mark.parametrize("room", [100, 800])
def test_full_disk(tmp_path: Path, room: int) -> None:
    """What finds no room is removed again, so that the next try succeeds."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        code, _, err = new(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    file = "my_shop.py" if room == 100 else "test_my_shop.py"
    assert code == 2
    assert err == f"{tmp_path / file} cannot be written: File too large. No file was written."
    assert os.listdir(tmp_path) == []
    assert new(tmp_path).code == 0

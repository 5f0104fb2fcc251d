"""Where the state of a job is looked for, under all the names it may have had."""

from pathlib import Path

import pytest
from running import Bench

from logster import places
from logster.places import default_folder, state_places


PARSER = "logster.parsers.SampleLogster.SampleLogster"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> str:
    return str(tmp_path)


def test_name_of_1x(folder: str) -> None:
    """The name is the tailer, the parser's path and the log's, with dashes for slashes."""
    place = state_places(folder, "pygtail", PARSER, "/var/log/x.log")

    assert (f"{folder}/pygtail-{PARSER}-var-log-x.log.state", ()) == place


def test_relative_log(folder: str) -> None:
    """A relative log gives the name that it gave in 1.x, without a dash."""
    assert state_places(folder, "logtail", "a.B", "x.log").path.endswith("/logtail-a.Bx.log.state")


@pytest.mark.parametrize(
    "existing",
    [
        f"logtail-{PARSER}-var-log-x.log.state",
        f"pygtail-{PARSER}-var-log-x.log.state",
        "logtail-SampleLogster-var-log-x.log.state",
    ],
)
@pytest.mark.parametrize("tailer", ["logtail", "pygtail"])
def test_what_is_there_is_used(folder: str, tailer: str, existing: str) -> None:
    """A state under any of its names is used in its place, whichever tailer is asked for."""
    (Path(folder) / existing).write_text("1\n2\n")

    assert f"{folder}/{existing}" == state_places(folder, tailer, PARSER, "/var/log/x.log").path


def test_job_keeps_apart(folder: str) -> None:
    """--job gives a state of its own, whose name stays one file name."""
    (Path(folder) / f"logtail-{PARSER}-x.state").write_text("1\n2\n")

    place = state_places(folder, "logtail", PARSER, "/x", "a/b")

    assert f"{folder}/logtail-{PARSER}-x.a-b.state" == place.path


def test_state_of_1x_in_var_run(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the new default directory has no state, that of 1.x in /var/run is taken over."""
    monkeypatch.setattr(places, "default_folder", lambda: folder)
    monkeypatch.setattr(places, "LEGACY_FOLDER", str(tmp_path / "run"))
    name = f"logtail-{PARSER}-x.state"

    fresh = state_places(None, "logtail", PARSER, "/x")
    (tmp_path / name).write_text("1\n2\n")
    later = state_places(None, "logtail", PARSER, "/x")

    assert f"{folder}/{name}" == fresh.path == later.path
    assert str(tmp_path / "run" / name) == fresh.legacy[0]
    assert () == later.legacy


def test_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's state outlives a reboot; that of others is where the XDG rules say."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "/var/lib/logster" == default_folder()

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert "/x/logster" == default_folder()

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert "/home/me/.local/state/logster" == default_folder()


def test_both_tailers_share_a_state(tmp_path: Path) -> None:
    """A job that changes its tailer goes on where the other one stopped."""
    bench = Bench(tmp_path)
    words = ("-o", "stdout", "JsonLogster")
    bench.run("-t", "pygtail", *words)
    bench.append('{"n": 1}')
    second = bench.run("-t", "logtail", *words)
    bench.append('{"n": 2}')
    third = bench.run("-t", "pygtail", *words)

    assert ["n 1\n", "n 2\n"] == [each.out.partition(" ")[2] for each in (second, third)]
    assert bench.state.name.startswith("pygtail-")

"""``logster metrics``: the catalogue of the metrics that a parser derives."""

import json
from pathlib import Path

import pytest
from commanding import invoke

import logster.parsers
from logster.commands.metrics import KIND_NAMES, command
from logster.metrics import KINDS, MetricInfo
from logster.registry import load_parser, names


class Silent:
    """A parser of 1.x, which has no catalogue."""


class Telling:
    """A parser of a third party that has one."""

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known of the metrics."""
        return (
            MetricInfo("status_{code}", "Replies", "c", "Replies with that status."),
            MetricInfo("ms", "milliseconds", "ms", "Time of a reply."),
        )


class Mute:
    """A parser of a third party whose catalogue cannot be read."""

    def catalogue(self) -> tuple[MetricInfo, ...]:
        """Ask for what nobody made."""
        return ()


def test_broken_catalogue() -> None:
    """A parser that raises is told apart from a fault of ours, in one sentence."""
    code, out, err = invoke(command, "test_commands_metrics.Mute")

    assert (code, out) == (1, "")
    assert err.startswith("The parser test_commands_metrics.Mute raised TypeError: ")
    assert err.endswith(" while its catalogue was read. Nothing was read or sent.")


def test_catalogue() -> None:
    """Name, unit, kind as a word and meaning stand in columns."""
    code, out, _ = invoke(command, "test_commands_metrics.Telling")

    assert code == 0
    assert out.splitlines() == [
        "metric         unit          kind",
        "status_{code}  Replies       counter  Replies with that status.",
        "ms             milliseconds  timer    Time of a reply.",
    ]


def test_json() -> None:
    """The same is there for programs."""
    out = invoke(command, "--json", "test_commands_metrics.Telling").out

    assert json.loads(out) == {
        "parser": "test_commands_metrics.Telling",
        "metrics": [
            {
                "name": "status_{code}",
                "unit": "Replies",
                "kind": "counter",
                "help": "Replies with that status.",
            },
            {"name": "ms", "unit": "milliseconds", "kind": "timer", "help": "Time of a reply."},
        ],
    }


def test_no_catalogue() -> None:
    """For a parser without a catalogue a sentence says so, and what to do instead."""
    code, out, _ = invoke(command, "test_commands_metrics.Silent")

    assert code == 0
    assert out.startswith("The parser test_commands_metrics.Silent has no catalogue: ")
    assert json.loads(invoke(command, "--json", "test_commands_metrics.Silent").out) == {
        "parser": "test_commands_metrics.Silent",
        "metrics": [],
    }


@pytest.mark.parametrize("name", names("logster.parsers"))
def test_every_parser_has_a_catalogue(name: str) -> None:
    """Every parser of ours says of each metric what it means, in a kind that there is."""
    catalogue = load_parser(name).catalogue()

    assert catalogue
    assert all(each.name and each.help.endswith(".") for each in catalogue)
    assert {each.kind for each in catalogue} <= set(KINDS)
    assert len({each.name for each in catalogue}) == len(catalogue)


def test_every_kind_has_a_word() -> None:
    """There is a word for each kind of metric."""
    assert set(KINDS) == set(KIND_NAMES)


def test_list() -> None:
    """Without a parser the command lists them all, each with what it does."""
    listed = {each["parser"]: each["summary"] for each in json.loads(invoke(command, "--json").out)}

    assert set(names("logster.parsers")) <= set(listed)
    assert "The 1.x name of logster.parsers.json_lines." == listed["JsonLogster"]
    assert all(listed[name] for name in names("logster.parsers"))
    assert "JsonLogster" in invoke(command).out


def test_list_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that somebody dropped among the parsers is listed even if it cannot be imported."""
    (tmp_path / "DroppedLogster.py").write_text('"""Count drops."""\nraise RuntimeError\n')
    (tmp_path / "BrokenLogster.py").write_text("def :\n")
    monkeypatch.setattr(logster.parsers, "__path__", [*logster.parsers.__path__, str(tmp_path)])
    monkeypatch.setattr(
        "logster.commands.metrics.names", lambda _: ["DroppedLogster", "BrokenLogster"]
    )

    out = invoke(command).out

    assert "DroppedLogster  Count drops." in out
    assert "BrokenLogster   Cannot be read: invalid syntax" in out


def test_unknown_parser() -> None:
    """A parser that is not there is an error of usage."""
    assert invoke(command, "squidd").code == 2

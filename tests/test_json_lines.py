"""Lines of JSON."""

from typing import Any

import pytest
from parsing import fed, figures, metrics

from logster.parser import Tally
from logster.parsers.json_lines import MAX_LEAVES, MAX_PATH, JsonLogster


class TestJsonLogster:
    def test_last_line(self) -> None:
        """The numbers of the last line are taken by their path, as they stand."""
        parser = fed(JsonLogster(option_string=None), '{"a": 9, "z": 9}\n{"a": {"b": [1, 2.5]}}\n')

        assert figures(parser) == {"a.b.0": 1, "a.b.1": 2.5}

    def test_leaves_that_are_no_numbers(self) -> None:
        """A bool counts 0 or 1; text, null, NaN and infinity are no figures."""
        parser = fed(
            JsonLogster(), '{"s": "1", "t": true, "f": false, "n": null, "x": NaN, "i": 1e999}\n'
        )

        assert figures(parser) == {"t": 1, "f": 0}
        assert parser.metrics["s"] == "1"

    @pytest.mark.parametrize("options", ["-k /", "--key-separator /", "--key-separator=/"])
    def test_separator(self, options: str) -> None:
        """The separator may be chosen."""
        parser = fed(JsonLogster(option_string=options), '{"a": {"b": 1}}\n')

        assert figures(parser) == {"a/b": 1}
        assert parser.key_separator == "/"

    @pytest.mark.parametrize("line", ["oops", '{"a":', "7", '"a"', "null", "[" * 100_000])
    def test_not_understood(self, line: str) -> None:
        """A line that is no object and no list is skipped; the last good one stays."""
        parser = JsonLogster()

        assert Tally(1, 0, 1) == parser.feed(f'{{"a": 1}}\n{line}\n'.encode())
        assert figures(parser) == {"a": 1}

    def test_key_filter(self) -> None:
        """A subclass drops and renames keys of objects and lists."""

        class Own(JsonLogster):
            def key_filter(self, key: Any) -> Any:
                return {"drop": False, "old": "new", 1: "one"}.get(key, key)

        parser = fed(Own(), '{"drop": {"x": 1}, "old": 2, "list": [3, 4]}\n')

        assert figures(parser) == {"new": 2, "list.0": 3, "list.one": 4}

    def test_flatten_object(self) -> None:
        """Subclasses call flatten_object, with or without filter and parents."""
        parser = JsonLogster()
        node = {"a": {"b": 1}, "c": "x"}

        assert parser.flatten_object(node) == {"a.b": 1, "c": "x"}
        assert parser.flatten_object(
            node, "_", lambda key: key if key == "c" else False, ["p"]
        ) == {"p_c": "x"}

    def test_override_of_flatten_object(self) -> None:
        """A subclass that overrides flatten_object sees every line, as in 1.x."""
        seen = []

        class Own(JsonLogster):
            def flatten_object(self, node: Any, *arguments: Any) -> dict[str, Any]:
                seen.append(node)
                return super().flatten_object(node, *arguments)

        fed(Own(), '{"a": 1}\n{"a": 2}\n')

        assert seen == [{"a": 1}, {"a": 2}]

    def test_types(self) -> None:
        """The figures carry the type that 1.x gave them."""
        (metric,) = metrics(fed(JsonLogster(), '{"a": 1}\n'))

        assert (*metric[:4], metric.kind) == ("a", 1, "", "int", "g")

    def test_bounded(self) -> None:
        """Keys that a stranger writes name a bounded number of metrics of bounded length."""
        keys = ",".join(f'"k{number}": 1' for number in range(MAX_LEAVES + 50))
        parser = fed(JsonLogster(), f'{{"{"x" * (MAX_PATH + 1)}": 1, {keys}}}\n')

        assert len(figures(parser)) == MAX_LEAVES

    def test_deep(self) -> None:
        """What is nested too deep is passed over, not fatal."""
        parser = fed(JsonLogster(), '{"top": 1, "deep": ' + '{"a":' * 500 + "1" + "}" * 501 + "\n")

        assert figures(parser) == {"top": 1}

    def test_bad_bytes(self) -> None:
        """Bytes that are not UTF-8 and a byte order mark cost nothing but themselves."""
        parser = JsonLogster()

        assert Tally(2, 0, 0) == parser.feed(
            b'\xef\xbb\xbf{"a": 1}\n{"b": 2, "c": "\xff\\ud800"}\n'
        )
        assert figures(parser) == {"b": 2}

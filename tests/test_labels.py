"""Labels that would forge the name of another metric."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logster.labels import OTHER, Forged, Shape, alike


SHAPES = [
    Shape("ms_", ""),
    Shape("ms_", "_p50"),
    Shape("ms_avg_", ""),
    Shape("ms_p50_", ""),
    Shape("ms_avg_", "_p50"),
]
LABELS = st.lists(st.sampled_from(["a", "avg", "p50", "other", "_", ".", "-", "total"]), max_size=6)


@pytest.mark.parametrize(
    ("names", "gauges", "counts"),
    [
        (("a.b", "a-b", "a_b", "a:b"), 1, 4),
        (("größe", "gr.ße"), 1, 2),
        (("5xx", "_5xx"), 1, 2),
        (("a", "a.", "a.."), 1, 1),
        (("a", "a_total"), 2, 2),
    ],
)
def test_alike(names: tuple[str, ...], gauges: int, counts: int) -> None:
    """Two gauges are one where any output has but one name for them, two counts at Graphite."""
    assert gauges == len({alike(name, "g") for name in names})
    assert counts == len({alike(name, "c") for name in names})


class TestForged:
    @given(LABELS.map("".join), LABELS.map("".join))
    def test_no_name_twice(self, one: str, other: str) -> None:
        """Two labels that are let through never give one name in two shapes."""
        named = {
            (shape, shape.named(label))
            for shape in SHAPES
            for label in (one, other)
            if label and label not in Forged([shape], [], SHAPES)
        }

        assert len(named) == len({name for _, name in named})

    @given(LABELS.map("".join))
    def test_fixed_names(self, label: str) -> None:
        """No label gives a name that is fixed."""
        fixed = ["ms_a", "ms_total", *(shape.named(OTHER) for shape in SHAPES)]
        names = {
            shape.named(label) for shape in SHAPES if label not in Forged([shape], fixed, SHAPES)
        }

        assert set() == names & set(fixed)

    @pytest.mark.parametrize("label", ["sum", "sum.", "sum_total", "-sum"])
    def test_as_written(self, label: str) -> None:
        """Names are told apart as the outputs write them that tell fewest apart."""
        forged = Forged([Shape("ms_", "")], ["ms_sum", "ms__sum"], [Shape("ms_", "")])

        assert label in forged
        assert "summa" not in forged

    def test_alike_but_for_dots(self) -> None:
        """Two shapes that differ in a dot only leave each other their labels."""
        shapes = [Shape("a.b_", ""), Shape("a_b_", "")]

        assert all("x" not in Forged([shape], [], shapes) for shape in shapes)

    def test_crosses_processes(self) -> None:
        """What a label may not be is known to those who read a part of the log, too."""
        forged = pickle.loads(pickle.dumps(Forged(SHAPES[:1], [], SHAPES)))

        assert "avg_a" in forged
        assert "a" not in forged

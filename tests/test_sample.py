"""Exact sums and bounded distributions."""

import tracemalloc
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logster import sample
from logster.sample import LIMIT, Distribution, Kept, Total
from logster.stats import percentile


numbers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(-LIMIT, LIMIT, allow_nan=False),
    st.floats(-1e3, 1e3, allow_nan=False),
)


class TestTotal:
    @given(st.lists(numbers), st.lists(numbers))
    @example([], [2**53 + 1, 0.0])
    def test_exact(self, one: list[float], other: list[float]) -> None:
        """The sum is the float nearest to the true one, however it was split."""
        total, rest = Total(), Total()
        total.add(one)
        rest.add(other)
        total.merge(rest)
        true = sum(map(Fraction, one + other), Fraction())

        assert total.count == len(one + other)
        if all(isinstance(value, int) for value in one + other):
            assert true == total.value
        else:
            assert float(true) == float(total.value)

    @given(st.dictionaries(numbers, st.integers(1, 2**40)))
    def test_counts(self, counts: dict[float, int]) -> None:
        """A value that comes many times is added exactly so often."""
        total = Total()
        total.add_counts(counts)
        true = sum((Fraction(value) * times for value, times in counts.items()), Fraction())

        assert float(true) == pytest.approx(total.value, rel=1e-15)
        assert sum(counts.values()) == total.count

    def test_integers_stay(self) -> None:
        """The sum of integers is an integer of any size."""
        total = Total()
        total.add([2**70, 1])

        assert total.value == 2**70 + 1


class TestDistribution:
    @given(st.lists(numbers, min_size=1), st.floats(0, 100))
    def test_percentile(self, values: list[float], percent: float) -> None:
        """Up to the bound a percentile is that of the list."""
        seen = Distribution()
        seen.add(values)

        assert percentile(values, percent) == pytest.approx(seen.percentile(percent), rel=1e-12)

    def test_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond the bound values are rounded, alike in whatever order and split they come."""
        monkeypatch.setattr(sample, "DISTINCT", 100)
        values = [1 + number / 1000 for number in range(1000)]
        whole, one, other = Distribution(), Distribution(), Distribution()
        whole.add(reversed(values))
        one.add(values[:50])
        other.add(values[50:])
        one.merge(other)

        assert len(whole.counts) <= 100
        assert whole.counts == one.counts
        assert whole.percentile(50) == pytest.approx(1.5, rel=0.05)

    def test_precision(self) -> None:
        """Values that fill four powers of ten are known to eight in a thousand."""
        seen = Distribution()
        values = [10 ** (4 * number / 50_000) for number in range(50_000)]
        seen.add(values)

        for percent in (1, 50, 95, 99.9):
            assert percentile(values, percent) == pytest.approx(seen.percentile(percent), rel=8e-3)

    def test_memory(self) -> None:
        """Percentiles of twenty groups of continuous values take few megabytes."""
        tracemalloc.start()
        try:
            held = [Distribution() for _ in range(20)]
            for block in range(10):
                for group, seen in enumerate(held):
                    seen.add([(block * 5000 + number) / 7 + group for number in range(5000)])
            assert tracemalloc.get_traced_memory()[1] < 6 << 20
        finally:
            tracemalloc.stop()


class TestKept:
    @given(st.permutations(["a", "b", "cc", "ddd"]))
    def test_barred(self, names: list[str]) -> None:
        """A name that is barred never comes in, and takes the room of no other."""
        kept = Kept(2, barred={"a"})
        gone = {name for name in map(kept.offer, names) if name}

        assert {"b", "cc"} == {name for name in names if name in kept}
        assert {"a", "ddd"} == gone

    @given(st.lists(st.text("abc", max_size=4)), st.integers(0, 5))
    def test_any_order(self, names: list[str], limit: int) -> None:
        """The same names stay in whatever order they come, and none that stays was ever gone."""
        kept = Kept(limit)
        gone = {kept.offer(name) for name in names}

        assert {name for name in names if name in kept} == set(
            sorted(set(names), key=lambda name: (len(name), name))[:limit]
        )
        assert not {name for name in names if name in kept} & gone
        assert len(kept) == min(limit, len(set(names)))

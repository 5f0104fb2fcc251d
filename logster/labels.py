"""
Which texts of a log may become part of a name, and which would forge another one.

A parser gives one list of metrics to outputs of which some tell fewer names apart
than others. Where two names become one there, counts add up (`logster.outputs._names`),
and nothing is lost; of all else only one figure can have the name, and `alike` tells
a parser beforehand.

>>> user, mean = Shape("ms_", ""), Shape("ms_avg_", "")
>>> forged = Forged([user], ["ms_other", "ms_sum"], [user, mean])
>>> "alice" in forged, "sum" in forged, "avg_alice" in forged, "other." in forged
(False, True, True, True)
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple


#: The label of all labels that are not told apart.
OTHER = "other"

_ODD = re.compile(r"[^A-Za-z0-9]")


class Shape(NamedTuple):
    """
    The names of the metrics that a label tells apart.

    Attributes:
        before: What stands before the label.

        after: What stands after it.
    """

    before: str
    after: str

    def named(self, label: str) -> str:
        """Return the name for *label*."""
        return self.before + label + self.after

    def fits(self, name: str) -> bool:
        """Return whether there is a label for which this gives *name*."""
        fixed = len(self.before) + len(self.after)
        return len(name) > fixed and name.startswith(self.before) and name.endswith(self.after)


class Forged:
    """
    The labels for which a metric would be called as another one.

    A label may name neither what has a fixed name, nor what the label of another
    shape may name. Of two shapes for one name it is the one with more fixed text
    that has it, and of two with as much the first: whatever the log holds, and in
    whatever order. Names are compared as the strictest outputs write them.

    Args:
        own: The shapes that the label takes part in.

        fixed: The names that no label may make.

        shapes: All shapes there are, *own* among them.
    """

    def __init__(self, own: Sequence[Shape], fixed: Iterable[str], shapes: Sequence[Shape]) -> None:
        self._fixed = {form for name in fixed for form in _forms(name)}
        self._own = [(shape, _stronger(shape, shapes)) for shape in own]

    def __contains__(self, label: object) -> bool:
        for shape, stronger in self._own:
            for form in _forms(shape.named(str(label))):
                if form in self._fixed or any(other.fits(form) for other in stronger):
                    return True
        return False


def alike(name: str, kind: str) -> str:
    """
    Return the same for two names under which some output could keep but one figure of *kind*.

    For counts that is so where Graphite writes them alike; any output that tells fewer
    names apart adds them up.

    >>> alike("user_alice.b", "g"), alike("5xx-rate.", "g"), alike("user_alice.b.", "c")
    ('user_alice_b', '_5xx_rate', 'user_alice.b')
    """
    name = name.rstrip(".")
    if kind == "c":
        return name
    name = _plain(name)
    return f"_{name}" if name[:1].isdigit() else name


def _stronger(shape: Shape, shapes: Sequence[Shape]) -> list[Shape]:
    """Return those of *shapes*, as outputs write them, that have a name before *shape* has it."""
    place = shapes.index(shape)
    written = Shape(*map(_plain, shape))
    found = []
    for other_place, other in enumerate(shapes):
        longer = len("".join(other)) - len("".join(shape))
        if longer > 0 or (longer == 0 and other_place < place):
            found.append(Shape(*map(_plain, other)))
    return [other for other in found if other != written]


def _forms(name: str) -> set[str]:
    """
    Return what outputs may make of *name*.

    Prometheus and Munin have no dots and dashes, Graphite and StatsD none at the end,
    and counts end in ``_total`` at Prometheus.

    >>> sorted(_forms("ms-sum."))
    ['ms_sum', 'ms_sum_']
    """
    forms = {_plain(name), _plain(name.rstrip("."))}
    return forms | {form.removesuffix("_total") for form in forms}


def _plain(text: str) -> str:
    return _ODD.sub("_", text)

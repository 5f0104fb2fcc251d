"""
The names that no number of a log may get: the parser's own, and those of counted values.

Backends tell fewer names apart than a parser does: ``level.ERROR`` and
``level_ERROR`` are one to Prometheus, and a count ends there in ``_total``. So
names are compared as the strictest backend would write them.
"""

import re
from collections.abc import Iterable
from fnmatch import translate


#: The counters of the parser itself.
OWN = ("json_records", "json_keys_dropped")

_ODD = re.compile(r"[^A-Za-z0-9]+")
_BEGINNING = re.compile(r"\A[^A-Za-z*]+")
_ANY = re.compile(r"\[!?\]?[^\]]*\]|\?")
_ODD_IN_GLOB = re.compile(r"[^A-Za-z0-9*]+")


def folded(name: str) -> str:
    """
    Return what is left of *name* at the backend that tells fewest names apart.

    >>> folded("level.ERROR"), folded("5level__ERROR_total"), folded("jsön.")
    ('level_ERROR', 'level_ERROR', 'js_n')
    """
    return _trimmed(_ODD.sub("_", name))


class Reserved:
    """
    Whether a name is taken.

    Args:
        globs: What names that are taken look like, with ``*``, ``?`` and ``[…]``.

    >>> taken = Reserved(["json_records", "*.ERROR"])
    >>> taken("json-records"), taken("level_ERROR"), taken("level.INFO"), taken("ERROR")
    (True, True, False, False)
    """

    def __init__(self, globs: Iterable[str]) -> None:
        shapes = {_trimmed(_ODD_IN_GLOB.sub("_", _ANY.sub("*", glob))) for glob in globs}
        self._whole = {shape for shape in shapes if "*" not in shape}
        self._shapes = [re.compile(translate(shape)) for shape in shapes - self._whole]

    def __call__(self, name: str) -> bool:
        """Return whether *name* is taken."""
        short = folded(name)
        return short in self._whole or any(shape.match(short) for shape in self._shapes)


def _trimmed(name: str) -> str:
    return _BEGINNING.sub("", name).rstrip("_").removesuffix("_total")

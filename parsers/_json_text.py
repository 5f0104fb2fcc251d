"""Numbers that JSON holds as text."""

import re
from collections.abc import Callable

from logster.errors import ConfigurationError
from logster.metrics import number
from logster.sample import LIMIT


_SCALE = {
    "": 1, "%": 1,
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1,
    "m": 60, "min": 60, "h": 3600,
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_QUANTITY = re.compile(
    r"([+-]?+[\d.]{1,40}+(?:e[+-]?+\d{1,40}+)?+) ?+([a-zµμ%]{0,3}+)\Z", re.ASCII | re.IGNORECASE
)

#: Texts longer than this are no numbers.
_LONGEST = 100


def converter(numeric_strings: bool, units: bool) -> Callable[[str], float | None] | None:
    """Return what makes a number of a text, as the two options say; None for nothing."""
    if units:
        return quantity
    return plain if numeric_strings else None


def plain(text: str) -> float | None:
    """
    Return the number that *text* is, or None.

    >>> plain("12.5"), plain("7"), plain("7 ms"), plain("--7"), plain("1e300")
    (12.5, 7, None, None, None)
    """
    value = number(text) if len(text) <= 40 else None
    if value is None or not -LIMIT < value < LIMIT:
        return None
    return int(text) if text.lstrip("+-").isdigit() else value


def quantity(text: str) -> float | None:
    """
    Return *text* as a number of seconds or bytes, or None.

    >>> quantity("12.5ms"), quantity("3 kB"), quantity("2KiB"), quantity("1e5"), quantity("7 x")
    (0.0125, 3000, 2048, 100000.0, None)
    """
    match = _QUANTITY.match(text.strip()) if len(text) <= _LONGEST else None
    scale = _SCALE.get(match[2].lower()) if match else None
    value = plain(match[1]) if match else None
    if value is None or scale is None:
        return None
    value *= scale
    return value if -LIMIT < value < LIMIT else None


def lists_option(text: str) -> str:
    """
    Return what ``--lists`` says.

    Raises:
        ConfigurationError: If it is nothing that there is.
    """
    if text not in {"index", "length", "skip"} and not (text.startswith("by:") and text[3:]):
        raise ConfigurationError(
            f"--lists {text!r} is not index, length, skip or by:FIELD. Nothing was read or sent."
        )
    return text

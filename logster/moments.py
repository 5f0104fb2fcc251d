"""The times that lines of a log hold; pure."""

from datetime import UTC, datetime
from typing import Any

from logster.metrics import number


#: Epoch times beyond these are milliseconds, microseconds, nanoseconds.
_EPOCHS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))


def seconds(value: Any) -> float | None:
    """
    Return the time that *value* stands for, in seconds since the epoch, or None.

    Numbers are seconds, milliseconds, microseconds or nanoseconds, whichever
    makes a time of our days. ISO 8601 without a zone is UTC.

    >>> seconds(1795242092502), seconds("2026-11-21T06:21:32+00:00"), seconds("soon")
    (1795242092.502, 1795242092.0, None)
    """
    if isinstance(value, str):
        amount = number(value)
        if amount is None:
            return _iso(value)
        value = amount
    if isinstance(value, bool) or number(value) is None:
        return None
    return next((value / scale for bound, scale in _EPOCHS if value >= bound), float(value))


def _iso(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text[:40])
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

"""The percentiles that an option lists."""

from logster.errors import ConfigurationError
from logster.metrics import number


def percents(text: str) -> tuple[float, ...]:
    """
    Return the percentiles that *text* lists, each once.

    Raises:
        ConfigurationError: If one is no number between 0 and 100.

    >>> percents("50, 99.9,50"), percents("")
    ((50.0, 99.9), ())
    """
    found = [number(part.strip()) for part in text.split(",")] if text.strip() else []
    known = [each for each in found if each is not None and 0 <= each <= 100]
    if len(known) < len(found):
        raise ConfigurationError(
            f"The percentiles {text!r} are not numbers between 0 and 100, separated by commas. "
            "Nothing was read or sent."
        )
    return tuple(dict.fromkeys(known))

"""The 1.x names of parsers, metrics and outputs."""

from types import SimpleNamespace
from typing import Any

from logster.errors import LockedError as LockingError
from logster.errors import SkipLine as LogsterParsingException
from logster.metrics import MetricObject, joined
from logster.parser import LogsterParser


__all__ = [
    "LockingError",
    "LogsterOutput",
    "LogsterParser",
    "LogsterParsingException",
    "MetricObject",
]


class LogsterOutput:
    """
    Base class of outputs written for 1.x.

    Args:
        parser: Answers ``print_help()`` and ``error(message)`` as an optparse parser does.

        options: The values of all options.

        logger: The logger called ``logster``.
    """

    def __init__(self, parser: Any, options: SimpleNamespace, logger: Any) -> None:
        self.options = options
        self.logger = logger
        self.dry_run = options.dry_run

    def get_metric_name(self, metric: MetricObject, separator: str = ".") -> str:
        """Return the name of *metric* with the prefix and suffix of the command line."""
        options = self.options
        return joined(options.metric_prefix, metric.name, options.metric_suffix, separator)

    def submit(self, metrics: Any) -> None:
        """Send *metrics*; an exception means that they were not delivered."""
        raise RuntimeError("Implement me!")

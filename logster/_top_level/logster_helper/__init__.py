"""The import name of 2011 for `logster.logster_helper`."""

from logster.logster_helper import (
    LockingError,
    LogsterOutput,
    LogsterParser,
    LogsterParsingException,
    MetricObject,
)


__all__ = [
    "LockingError",
    "LogsterOutput",
    "LogsterParser",
    "LogsterParsingException",
    "MetricObject",
]

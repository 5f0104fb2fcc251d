"""The 1.x name of `logster.parsers.apache_error`."""

from logster.errors import SkipLine as LogsterParsingException
from logster.parsers.apache_error import ErrorLogLogster


__all__ = ["ErrorLogLogster", "LogsterParsingException"]

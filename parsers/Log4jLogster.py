"""The 1.x name of `logster.parsers.log4j`."""

from logster.parsers.log4j import Log4jLogster


__all__ = ["Log4jLogster"]

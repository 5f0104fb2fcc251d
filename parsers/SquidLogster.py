"""Squid's access log with the metrics of 1.x; `logster.parsers.squid` has the parser."""

from logster.parsers.squid import SquidLogster


__all__ = ["SquidLogster"]

"""Web access logs with the metrics of 1.x; the parser is in `logster.parsers.apache_access`."""

from logster.parsers.apache_access import SampleLogster


__all__ = ["SampleLogster"]

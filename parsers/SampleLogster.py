"""The 1.x name of `logster.parsers.apache_access`."""

from logster.parsers.apache_access import SampleLogster


__all__ = ["SampleLogster"]

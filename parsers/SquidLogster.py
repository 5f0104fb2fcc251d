"""The 1.x name of `logster.parsers.squid`."""

from logster.parsers.squid import SquidLogster


__all__ = ["SquidLogster"]

"""The 1.x name of `logster.parsers.squid`."""

from logster.parsers._squid_classic import SquidLogster


__all__ = ["SquidLogster"]

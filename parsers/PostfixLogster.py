"""The 1.x name of `logster.parsers.postfix`."""

from logster.parsers.postfix import PostfixLogster


__all__ = ["PostfixLogster"]

"""The 1.x name of `logster.parsers.postfix`."""

from logster.parsers._postfix_classic import PostfixLogster


__all__ = ["PostfixLogster"]

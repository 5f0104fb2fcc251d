"""The 1.x name of `logster.parsers.json_lines`."""

from logster.parsers.json_lines import JsonLogster


__all__ = ["JsonLogster"]

"""Turn the new lines of a log file into metrics."""

__version__ = "2.0.0.dev0"

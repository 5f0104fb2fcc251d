"""
Every error a run can end with.

A message is one sentence or two for the person who reads cron's mail: what
happened to which thing and why, then what happens next. Library code raises;
only `logster.cli` prints and exits.
"""


class LogsterError(Exception):
    """
    Superclass of all errors that end a run.

    Attributes:
        exit_code: What the process ends with.
    """

    exit_code = 1


class ConfigurationError(LogsterError):
    """The command line asks for something that cannot be: an unknown parser, a bad host:port."""

    exit_code = 2


class StateError(LogsterError):
    """The state of a job cannot be read or written."""


class LogError(LogsterError):
    """The log is missing or cannot be read."""


class ParserError(LogsterError):
    """A parser raised something other than `SkipLine`."""


class LockedError(LogsterError):
    """Another run holds the lock of this job."""


class OutputError(LogsterError):
    """Metrics were not delivered."""

    @classmethod
    def because(cls, error: BaseException) -> "OutputError":
        """Return what tells of the *error* that somebody else's code raised."""
        return cls(f"{type(error).__name__}: {error}".rstrip(": "))


class SkipLine(Exception):  # noqa: N818 - a signal, not an error
    """
    Raised by a parser for a line it does not understand.

    Not an error: the line is counted as unmatched and the run goes on. Parsers
    of 1.x know it as `LogsterParsingException`.
    """


def raised_at(error: BaseException) -> str:
    """Return in parentheses, behind a blank, the line of code that raised *error*."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""


def described(error: BaseException) -> str:
    """Return kind, text and place of *error*: ``ValueError: no number (my.py:12)``."""
    return f"{type(error).__name__}: {error}{raised_at(error)}"


def line_of(error: BaseException, file: str | None) -> str:
    """Return in parentheses which line of *file* raised *error*; nothing if none of it did."""
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" ({file}:{line})" if line else ""

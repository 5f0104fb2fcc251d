"""logster's own log, for the person who wonders what the runs of last night did."""

import logging
import os


LOG_BYTES = 100 << 20
LOG_FILES = 5

#: Where 1.x logs, and so do we.
DEFAULT_FOLDER = "/var/log/logster"


def open_log(folder: str, configuration: str | None, *, debug: bool) -> str | None:
    """
    Send the records of the logger ``logster`` to *folder*.

    Args:
        folder: Holds ``logster.log``; made if it is missing.

        configuration: A file for `logging.config.fileConfig`, or None.

        debug: Whether to log every metric.

    Returns:
        Why the log cannot be written, or None if it can.
    """
    logger = quiet_logger()
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    complaint = None
    try:
        os.makedirs(folder, exist_ok=True)
        handler = _handler(os.path.join(folder, "logster.log"))
    except OSError as error:
        complaint = f"logster's own log in {folder} cannot be written: {error.strerror}."
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s %(message)s"))
        logger.addHandler(handler)
    if configuration:
        from logging.config import fileConfig  # noqa: PLC0415

        try:
            fileConfig(configuration, disable_existing_loggers=False)
        except Exception as error:  # noqa: BLE001 - it raises a dozen kinds
            complaint = f"The logging configuration {configuration} cannot be used: {error}."
    return complaint


def quiet_logger() -> logging.Logger:
    """Return the logger ``logster``, which never prints to standard error of its own accord."""
    logger = logging.getLogger("logster")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if not hasattr(logger, "warn"):
        logger.warn = logger.warning  # type: ignore[method-assign] # parsers of 1.x call it
    return logger


def _handler(path: str) -> logging.Handler:
    """Return a handler for *path*; the one that rotates is imported only when it is time to."""
    if os.path.exists(path) and os.path.getsize(path) > LOG_BYTES:
        from logging.handlers import RotatingFileHandler  # noqa: PLC0415

        return RotatingFileHandler(path, "a", LOG_BYTES, LOG_FILES, encoding="utf-8")
    return logging.FileHandler(path, "a", encoding="utf-8")

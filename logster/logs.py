"""
logster's own log, for the person who wonders what the runs of last night did.

Most runs write two lines, which is no reason to import `logging`: only code of
third parties, ``--debug`` and ``--log-conf`` get the real logger.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    import logging


LOG_BYTES = 100 << 20
LOG_FILES = 5

# Marks records that stand in the file already.
_WRITTEN = "written"

#: Where 1.x logs, and so do we.
DEFAULT_FOLDER = "/var/log/logster"


class Log:
    """
    The file ``logster.log``.

    Args:
        folder: Holds it; made if it is missing. None keeps no log.

    Attributes:
        complaint: Why it cannot be written, or None if it can.
    """

    def __init__(self, folder: str | None) -> None:
        self.complaint: str | None = None
        self._descriptor = -1
        self._logger: logging.Logger | None = None
        if folder is None:
            return
        self.path = os.path.join(folder, "logster.log")
        try:
            os.makedirs(folder, exist_ok=True)
            self._descriptor = self._open()
            if os.fstat(self._descriptor).st_size > LOG_BYTES:
                self._roll()
                os.close(self._descriptor)
                self._descriptor = -1
                self._descriptor = self._open()
        except OSError as error:
            self.complaint = f"logster's own log {self.path} cannot be written: {error.strerror}."

    def write(self, level: str, sentence: str) -> None:
        """Append *sentence*; a full disk must not stop a run that sends figures about it."""
        sentence = one_line(sentence)
        if self._logger:
            self._logger.log(getattr(sys.modules["logging"], level), sentence, extra={_WRITTEN: 1})
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        line = f"{stamp},{int(now % 1 * 1000):03d} {level:<8} {sentence}\n"
        if self._descriptor >= 0:
            try:
                os.write(self._descriptor, line.encode("utf-8", "replace"))
            except OSError as error:
                self.complaint = (
                    f"logster's own log {self.path} cannot be written: {error.strerror}."
                )

    def connect_logging(self, configuration: str | None, *, debug: bool) -> None:
        """
        Send what third parties write to the logger ``logster`` to this file.

        Args:
            configuration: A file for `logging.config.fileConfig`, or None. Its handlers get
                what logster itself says, too.

            debug: Whether to take records of every level.
        """
        import logging  # noqa: PLC0415

        logger = foreign_logger()
        logger.setLevel(logging.DEBUG if debug else logging.INFO)
        if self._descriptor >= 0:
            # The file that is open: a parser may have changed the directory since.
            file = os.fdopen(self._descriptor, "a", -1, "utf-8", "replace", closefd=False)
            handler = logging.StreamHandler(file)
            handler.setFormatter(_formatter())
            handler.addFilter(lambda record: not hasattr(record, _WRITTEN))
            logger.addHandler(handler)
        if configuration:
            from logging.config import fileConfig  # noqa: PLC0415

            try:
                with open(configuration, "rb"):
                    pass  # for what the system says: `fileConfig` takes it for an empty one
                fileConfig(configuration, disable_existing_loggers=False)
                self._logger = logger
            except OSError as error:
                self.complaint = (
                    f"The logging configuration {configuration} cannot be read: {error.strerror}."
                )
            except Exception as error:  # noqa: BLE001 - it raises a dozen kinds
                self.complaint = f"The logging configuration {configuration} is no good: {error}."

    def await_logging(self) -> None:
        """Do `connect_logging` once somebody imports `logging`, such as a parser in its work."""
        sys.meta_path.insert(0, _Awaiting("logging", self._connect_late))

    def _connect_late(self) -> None:
        self.connect_logging(None, debug=False)

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _roll(self) -> None:
        """Make room, in the rare run that finds the file full."""
        from logging.handlers import RotatingFileHandler  # noqa: PLC0415

        handler = RotatingFileHandler(self.path, "a", LOG_BYTES, LOG_FILES, delay=True)
        handler.doRollover()
        handler.close()


def one_line(text: str) -> str:
    r"""
    Return *text* in one line that no terminal obeys, whatever of a log it quotes.

    >>> one_line("größe"), one_line("a\x1b]0;b\x07\n")
    ('größe', 'a\\x1b]0;b\\x07\\n')
    """
    if text.isprintable():
        return text
    from logster.shapes import printable  # noqa: PLC0415 - few texts need it

    return printable(text)


def _formatter() -> "logging.Formatter":
    """Return what writes a record in one line; a traceback's look like none, being indented."""
    import logging  # noqa: PLC0415

    class Formatter(logging.Formatter):
        def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name
            return one_line(super().formatMessage(record))

        def formatException(self, ei: Any) -> str:  # noqa: N802
            lines = super().formatException(ei).split("\n")
            return "\n".join(f"    {one_line(line)}" for line in lines)

    return Formatter("%(asctime)s %(levelname)-8s %(message)s")


class _Awaiting:
    """
    A finder that finds nothing itself, and calls back once a module has been imported.

    Args:
        name: The module awaited.

        then: Called when it is there, before those who import it go on.
    """

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name, self._then = name, then

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Return how others would load *name*, with the call added, or None for other modules."""
        if name != self._name:
            return None
        from importlib.util import find_spec  # noqa: PLC0415

        sys.meta_path.remove(self)
        spec: Any = find_spec(name)
        load = spec.loader.exec_module

        def load_and_call(module: object) -> None:
            del spec.loader.exec_module
            load(module)
            self._then()

        spec.loader.exec_module = load_and_call
        return spec


def foreign_logger() -> "logging.Logger":
    """Return the logger ``logster``, which never prints to standard error of its own accord."""
    import logging  # noqa: PLC0415

    logger = logging.getLogger("logster")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if sys.version_info >= (3, 13):
        # Parsers of 1.x call it, and a Python to come may not have it.
        logger.warn = logger.warning  # type: ignore[method-assign]
    return logger

"""Where the state of a job lives, under the names that 1.x gave it; pure but for `os.path`."""

import os
from collections.abc import Sequence
from typing import NamedTuple


#: Where 1.x kept its state, until the next reboot.
LEGACY_FOLDER = "/var/run"


class StatePlaces(NamedTuple):
    """
    The state file of a job.

    Attributes:
        path: The file to use.

        legacy: Files of earlier versions elsewhere, to take over while *path* is missing.
    """

    path: str
    legacy: tuple[str, ...]


def default_folder() -> str:
    """Return where state is kept unless ``--state-dir`` says otherwise."""
    if os.geteuid() == 0:
        return "/var/lib/logster"
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(home, "logster")


def state_places(
    folder: str | None, tailer: str, parser_path: str, log: str, job: str | None = None
) -> StatePlaces:
    """
    Return where the state of a job is.

    Args:
        folder: The directory of ``--state-dir``, or None for the default.

        tailer: ``logtail`` or ``pygtail``: the name that 1.x starts the file name with.

        parser_path: Dotted path of the parser class.

        log: Path of the log, as given.

        job: The name that ``--job`` gave.

    >>> state_places("/s", "logtail", "logster.parsers.A.A", "/var/log/x").path
    '/s/logtail-logster.parsers.A.A-var-log-x.state'
    """
    place = folder or default_folder()
    files = _names(tailer, parser_path, log, job)
    existing = [name for name in files if os.path.lexists(os.path.join(place, name))]
    path = os.path.join(place, existing[0] if existing else files[0])
    if folder or existing:
        return StatePlaces(path, ())
    return StatePlaces(path, tuple(os.path.join(LEGACY_FOLDER, name) for name in files))


def _names(tailer: str, parser_path: str, log: str, job: str | None) -> Sequence[str]:
    """Return the file names that earlier versions and ours may have used, the best first."""
    other = "pygtail" if tailer == "logtail" else "logtail"
    flat = log.replace("/", "-")
    if job:
        return [f"{tailer}-{parser_path}{flat}.{job.replace('/', '-')}.state"]
    short = parser_path.rpartition(".")[2]
    return [
        f"{tailer}-{parser_path}{flat}.state",
        f"{other}-{parser_path}{flat}.state",
        f"logtail-{short}{flat}.state",  # 0.0.1
    ]

"""Secrets come from a file or the environment, and go into no message."""

import os
from collections.abc import Iterable

from logster.errors import ConfigurationError


def read_secret(name: str, path: str | None, *, encoded: bool) -> str | None:
    """
    Return the secret *name*, or None if there is none.

    Args:
        name: As in ``--NAME-file`` and ``LOGSTER_NAME``, with underscores.

        path: What ``--NAME-file`` says; without it the environment is asked.

        encoded: Whether it is sent in base64, so that it may hold letters beyond ASCII.

    Raises:
        ConfigurationError: If it cannot be read, or is not one line that a header could hold.
    """
    if path:
        holder = f"--{name.replace('_', '-')}-file {path}"
        text = secret_text(holder, path)
    else:
        holder = f"LOGSTER_{name.upper()} in the environment"
        text = os.environ.get(f"LOGSTER_{name.upper()}", "")
    text = text.strip()
    if not text and not path:
        return None
    if not text or not text.isprintable() or not (encoded or text.isascii()):
        wanted = "printable characters" if encoded else "printable ASCII"
        raise ConfigurationError(
            f"{holder} must hold one line of {wanted} and nothing else. Nothing was read or sent."
        )
    return text


def secret_text(holder: str, path: str) -> str:
    """
    Return what the file at *path* holds.

    Args:
        holder: Names option and file, for the message.

        path: The file.

    Raises:
        ConfigurationError: If it cannot be read or is no text; an error of the codec
            would quote it.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        why = error.strerror
    except (UnicodeDecodeError, ValueError):
        why = "it is no text"
    raise ConfigurationError(f"{holder} cannot be read: {why}. Nothing was read or sent.")


def without(text: str, secrets: Iterable[str]) -> str:
    """
    Return *text* with ``…`` for each of *secrets*, the longest first.

    What is shorter than four characters guards nothing and stays.

    >>> without("no such token: t0psecret (t0psecret!)", ["t0psecret", "to"])
    'no such token: … (…!)'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "…")
    return text

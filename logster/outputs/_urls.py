"""An output as a URL: ``statsd+tcp://metrics.example:8125?prefix=web``."""

from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from logster.errors import ConfigurationError
from logster.options import MAX_TIMEOUT, Option
from logster.transport import shown_place


_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}

_SHARED = (
    Option(("--metric-prefix",), ""),
    Option(("--metric-suffix",), ""),
    Option(("--timeout",), "", type=float, least=0.001, most=MAX_TIMEOUT),
    Option(("--confirm",), "", type=bool),
    Option(("--tags",), "", multiple=True),
)
_ALIASES = {"prefix": "metric_prefix", "suffix": "metric_suffix", "tag": "tags"}


def settings_of(url: str, kind: str, options: Sequence[Option], stem: str = "") -> dict[str, Any]:
    """
    Return the settings that *url* stands for.

    Args:
        url: ``KIND[+PROTOCOL]://[HOST[:PORT]][/PATH][?OPTION=VALUE&...]``.

        kind: Name of the output.

        options: Its options.

        stem: What their names begin with, where it is not *kind*.

    Raises:
        ConfigurationError: If *url* asks for what the output does not know.

    >>> settings_of("demo://h:1?prefix=a", "demo", [Option(("--demo-host",), "")])
    {'demo_host': 'h:1', 'metric_prefix': 'a'}
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        _refuse(url, "is no URL")
    stem = stem or kind.replace("-", "_")
    known = {option.name: option for option in (*_SHARED, *options)}
    if "@" in parts.netloc:
        _refuse(url, "takes no password; give it in a file or in the environment")
    found = _place_of(url, stem, known)
    for key, text in parse_qsl(parts.query, keep_blank_values=True):
        name = _ALIASES.get(key, key.replace("-", "_"))
        option = known.get(f"{stem}_{name}") or known.get(name)
        if option is None:
            # A key without a value may be half of a password with an & in it.
            _refuse(url, f"names no option of {kind}: {key if text else '…'}")
        value = _converted(url, option, text)
        found[option.name] = (*found.get(option.name, ()), value) if option.multiple else value
    return found


def _place_of(url: str, stem: str, known: dict[str, Option]) -> dict[str, Any]:
    """Return the settings for protocol, host and path."""
    parts = urlsplit(url)
    protocol = parts.scheme.partition("+")[2]
    found: dict[str, Any] = {}
    web = f"{stem}_url" in known and protocol in {"", "http", "https"}
    if protocol and not web:
        option = known.get(f"{stem}_protocol")
        if option is None or protocol not in option.choices:
            _refuse(url, f"speaks no protocol {protocol}")
        found[option.name] = protocol
    if f"{stem}_url" in known and parts.netloc:
        path = parts.path if web else ""
        found[f"{stem}_url"] = urlunsplit((protocol or "http", parts.netloc, path, "", ""))
        return found
    place = parts.netloc or parts.path
    kinds = (f"{stem}_host", f"{stem}_path")
    kinds = kinds if parts.netloc else kinds[::-1]
    holder = next((known[name] for name in kinds if name in known), None)
    if place and holder is None:
        _refuse(url, "takes no host or path")
    if place and holder is not None:
        found[holder.name] = place
    return found


def _converted(url: str, option: Option, text: str) -> Any:
    try:
        value = _SWITCH[text.lower()] if option.type is bool else option.type(text)
    except (KeyError, ValueError):
        _refuse(url, f"gives {option.name} no value it can take: {text}")
    if complaint := option.complaint(value):
        _refuse(url, f"gives {option.name} {text}: {complaint.rstrip('.')}")
    if option.choices and value not in option.choices:
        _refuse(url, f"gives {option.name} {text}, which is none of {', '.join(option.choices)}")
    return value


def _refuse(url: str, why: str) -> NoReturn:
    raise ConfigurationError(f"The output {shown_place(url)} {why}. Nothing was read or sent.")

"""
From a name on the command line to a class.

A name with a dot is an import path, as in 1.x. A name without is a module of
`logster.parsers` or `logster.outputs`, whose class follows from the name:
``json-lines`` is `logster.parsers.json_lines.JsonLinesParser`, and a file
``MyLogster.py`` that somebody dropped there holds a class ``MyLogster``, as in
1.x. A name that is neither is looked up among the entry points of installed
packages, which costs a scan of all of them and is therefore last.
"""

import os
from importlib import import_module
from typing import Any

from logster.errors import ConfigurationError, line_of


def load_parser(name: str) -> Any:
    """
    Return the parser class called *name*.

    Raises:
        ConfigurationError: If there is none, or its module cannot be imported.

    >>> load_parser("json-lines").__name__
    'JsonLinesParser'
    """
    return _load(name, "parser", "logster.parsers")


def load_output(name: str) -> Any:
    """
    Return the output class called *name*.

    Raises:
        ConfigurationError: If there is none, or its module cannot be imported.

    >>> load_output("statsd").__name__
    'StatsdOutput'
    """
    return _load(name, "output", "logster.outputs")


def parser_path(name: str) -> str:
    """
    Return the dotted path of the parser *name*, as 1.x writes it into state file names.

    >>> parser_path("PostfixLogster"), parser_path("json-lines"), parser_path("a.b.C")
    ... # doctest: +NORMALIZE_WHITESPACE
    ('logster.parsers.PostfixLogster.PostfixLogster',
     'logster.parsers.json_lines.JsonLinesParser', 'a.b.C')
    """
    if "." in name:
        return name
    module, attribute = _own_place(name, "parser")
    return f"logster.parsers.{module}.{attribute}"


def names(package: str) -> list[str]:
    """
    Return the names of the modules in *package* that a person may give.

    >>> "statsd" in names("logster.outputs"), "graphite" in names("logster.outputs")
    (True, True)
    """
    found = {
        entry.removesuffix(".py")
        for place in import_module(package).__path__
        for entry in os.listdir(place)
        if entry.endswith(".py") and not entry.startswith("_")
    }
    return sorted(
        name.replace("_", "-") if name.islower() else name
        for name in found
        if name != "stats_helper"
    )


def _load(name: str, kind: str, package: str) -> Any:
    if "." in name:
        module, _, attribute = name.rpartition(".")
        return _attribute(name, kind, module, attribute)
    module, attribute = _own_place(name, kind)
    try:
        return _attribute(name, kind, f"{package}.{module}", attribute)
    except ConfigurationError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name == f"{package}.{module}":
            return _entry_point(name, kind, package)
        raise


def _own_place(name: str, kind: str) -> tuple[str, str]:
    """Return module and class of a name without a dot."""
    module = name.replace("-", "_")
    if module != module.lower():
        return module, module
    camel = "".join(word.capitalize() for word in module.split("_"))
    return module, camel + kind.capitalize()


def _attribute(name: str, kind: str, module: str, attribute: str) -> Any:
    try:
        return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # a script without a guard ends the process
        raise ConfigurationError(
            f"The {kind} {name} cannot be loaded: {type(error).__name__}: {error}{_place(error)}. "
            "Nothing was read or sent."
        ) from error


def _place(error: BaseException) -> str:
    """Return which line of the module being imported raised *error*, in parentheses."""
    module, trace = None, error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        module = code.co_filename if code.co_name == "<module>" else module
        trace = trace.tb_next
    return line_of(error, module)


def _entry_point(name: str, kind: str, package: str) -> Any:
    from importlib.metadata import entry_points  # noqa: PLC0415

    offered = {point.name: point for point in entry_points(group=package)}
    if name in offered:
        try:
            return offered[name].load()
        except (Exception, SystemExit) as error:
            raise ConfigurationError(
                f"The {kind} {name} of {offered[name].value} cannot be loaded: "
                f"{type(error).__name__}: {error}{_place(error)}. Nothing was read or sent."
            ) from error
    from difflib import get_close_matches  # noqa: PLC0415

    known = [*names(package), *offered]
    by_fold = {each.lower().replace("_", "-"): each for each in known}
    near = get_close_matches(name.lower().replace("_", "-"), by_fold, n=1)
    hint = f" Did you mean {by_fold[near[0]]}?" if near else f" There are: {', '.join(known)}."
    raise ConfigurationError(f"There is no {kind} called {name}.{hint} Nothing was read or sent.")

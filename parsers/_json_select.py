"""Which paths of JSON objects are measured, how, and under which names."""

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

from logster.errors import ConfigurationError
from logster.metrics import plain_name
from logster.parsers._json_names import OWN, Reserved
from logster.parsers._json_records import Record, find
from logster.parsers._json_text import plain


#: What `--aggregate` knows, besides percentiles such as ``p95``.
AGGREGATES = ("last", "sum", "count", "avg", "min", "max", "median", "delta", "rate")

#: The value, or the group, that stands for all others.
OTHER = "other"

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)\Z")
_CONDITION = re.compile(r"(.+?)(!=|>=|<=|=|>|<|~)(.*)\Z", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    ">": gt,
    "<": lt,
    ">=": ge,
    "<=": le,
}

#: Seconds that a regular expression of the user may take for one path; less each time.
_PATIENCE = 0.1
_LEAST_PATIENCE = 0.0005

Matcher = Callable[[str], bool]


class Selection:
    """
    What to make of a path.

    Args:
        aggregate: Texts ``GLOB[,GLOB]=AGGREGATE[,AGGREGATE]``.

        include: Globs, or regular expressions between slashes; none for all paths.

        exclude: The same; what they match is left out.

        count: Texts ``GLOB=VALUE[,VALUE]``.

        rename: Texts ``PATH=NAME``; stands for all paths below as well.

        separator: Joins the keys of a path.

        grouped: Whether a group stands in front of the names.

    Raises:
        ConfigurationError: If one of the texts says nothing.
    """

    def __init__(
        self,
        aggregate: Iterable[str],
        include: Iterable[str],
        exclude: Iterable[str],
        count: Iterable[str],
        rename: Iterable[str],
        separator: str,
        grouped: bool = False,
    ) -> None:
        self._separator = separator
        self._aggregates = [
            (AnyOf(_listed(globs)), _checked(_listed(names)))
            for globs, names in _pairs(aggregate, "--aggregate")
        ]
        counts = [(glob, _listed(values)) for glob, values in _pairs(count, "--count")]
        self._counts = [(matcher(glob), values) for glob, values in counts]
        self._include, self._exclude = AnyOf(include), AnyOf(exclude)
        self._all = not list(include)
        self._renames = _pairs(rename, "--rename")
        wanted = [glob for text in aggregate for glob in _listed(_pair(text, "")[0])]
        wanted = wanted or list(include) or ["*"]
        self._starts = [_literal(glob) for glob in wanted]
        self._starts += [_literal(glob) for glob, _ in counts]
        self._targets = [(self._plain(old), self._plain(new)) for old, new in self._renames]
        own = Reserved(OWN)
        for name in (new for _, new in self._targets if own(new)):
            raise _unusable("--rename", name, "a free name: the parser itself has it")
        taken = [*OWN, *(name for glob, values in counts for name in self._counted(glob, values))]
        self._is_taken = Reserved([*taken, *(f"*.{name}" for name in taken if grouped)])

    @property
    def plain(self) -> bool:
        """Return whether every figure is the last value of its path, named as the path."""
        return not self._aggregates

    def aggregates(self, path: str) -> tuple[str, ...]:
        """Return how the numbers at *path* are aggregated; nothing if they are not."""
        if self._exclude(path) or not (self._all or self._include(path)):
            return ()
        if self.plain:
            return ("last",) if not self._counts or not self.counted(path) else ()
        found = (name for match, names in self._aggregates if match(path) for name in names)
        return tuple(dict.fromkeys(found))

    def counted(self, path: str) -> tuple[str, ...]:
        """Return the values that are counted at *path*."""
        found = (value for match, values in self._counts if match(path) for value in values)
        return tuple(dict.fromkeys(found))

    def forges(self, path: str) -> bool:
        """Return whether a number at *path* would get a name that is taken."""
        name = self.name(path)
        if self.plain:
            return self._is_taken(name)
        made = (f"{name}{self._separator}{each}" for each in self.aggregates(path))
        return any(map(self._is_taken, made))

    def intrudes(self, path: str) -> bool:
        """
        Return whether *path* has of itself a name, or one below it, that another is renamed to.

        Not so if that other one is below that name, too: who writes the one
        writes the other.
        """
        if not self._targets or self._renamed(path) is not None:
            return False
        name = self._plain(path)
        return any(
            self._within(name, new) and not self._within(old, new) for old, new in self._targets
        )

    def reaches(self, path: str) -> bool:
        """Return whether anything below *path* may be wanted."""
        return _may_hold(path + self._separator, self._starts)

    def may_want(self, path: str) -> bool:
        """Return whether what begins with *path* may be wanted, as far as that tells."""
        return self.reaches(path) and not self._exclude(path)

    def name(self, path: str) -> str:
        """Return the name under which *path* is measured, each of its keys a `plain_name`."""
        renamed = self._renamed(path)
        return self._plain(path if renamed is None else renamed)

    def _renamed(self, path: str) -> str | None:
        """Return what `--rename` makes of *path*; None if it has nothing to say."""
        for old, new in self._renames:
            if self._within(path, old):
                return new + path[len(old) :]
        return None

    def _within(self, path: str, above: str) -> bool:
        return path == above or path.startswith(above + self._separator)

    def _plain(self, path: str) -> str:
        return self._separator.join(map(plain_name, path.split(self._separator)))

    def _counted(self, glob: str, values: Iterable[str]) -> Iterator[str]:
        """Yield globs of the names that counts of *values* get at the paths of *glob*."""
        start = _literal(glob)
        names = ["*" if _is_expression(glob) else glob]
        if start == glob:
            names = [self.name(glob)]
        else:
            below = [old + self._separator for old, _ in self._renames]
            renamed = zip(self._targets, below, strict=True)
            names += [f"{new}*" for (_, new), inside in renamed if _may_hold(inside, [start])]
        for name in names:
            yield from (f"{name}.{plain_name(value)}" for value in (*values, OTHER))


class Condition(NamedTuple):
    """What ``--where`` asks of a record."""

    path: str
    operator: str
    wanted: str
    bound: float | None
    matches: Matcher
    separator: str

    def __call__(self, record: Record) -> bool:
        """Return whether *record* meets the condition."""
        value = find(record, self.path, self.separator)
        if value is None:
            return self.operator == "!="
        if self.operator == "~":
            return self.matches(shown(value))
        measured = plain(value) if isinstance(value, str) else value
        if isinstance(measured, int | float) and type(value) is not bool and self.bound is not None:
            return _COMPARE[self.operator](measured, self.bound)
        return _COMPARE[self.operator](shown(value), self.wanted)


def condition(text: str, separator: str) -> Condition:
    """
    Return the condition that *text* states: ``status>=500``, ``level=ERROR``, ``path~/shop/*``.

    Numbers are compared as numbers, quoted or not, and all else as text.

    Raises:
        ConfigurationError: If it states none.

    >>> slow = condition("request.ms>=100", ".")
    >>> slow({"request": {"ms": 250}}), slow({"request": {"ms": "3.5"}}), slow({})
    (True, False, False)
    """
    match = _CONDITION.match(text)
    if not match:
        raise _unusable("--where", text, "PATH=VALUE, with one of = != > < >= <= ~")
    path, operator, wanted = match.groups()
    return Condition(path, operator, wanted, plain(wanted), matcher(wanted), separator)


def shown(value: Any) -> str:
    """
    Return *value* as JSON shows it, text without quotes.

    >>> shown(True), shown(200), shown("GET")
    ('true', '200', 'GET')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def percent(aggregate: str) -> float | None:
    """
    Return which percentile *aggregate* is, or None.

    >>> percent("p99.9"), percent("median"), percent("sum")
    (99.9, 50, None)
    """
    if aggregate == "median":
        return 50
    match = _PERCENTILE.match(aggregate)
    return float(match[1]) if match else None


def matcher(pattern: str) -> Matcher:
    """
    Return what tells whether a text matches *pattern*: a glob, or a regular expression.

    >>> matcher("queue.*")("queue.in"), matcher("/[io]n$/")("queue.in"), matcher("a")("ab")
    (True, True, False)
    """
    if _is_expression(pattern):
        return Expression(pattern)
    return Glob(pattern)


class Glob:
    """Whether a text matches a glob."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(translate(pattern))

    def __call__(self, text: str) -> bool:
        """Return whether *text* matches."""
        return self.pattern.match(text) is not None


class AnyOf:
    """Whether a text matches any of several patterns."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.matchers = [matcher(pattern) for pattern in patterns]

    def __call__(self, text: str) -> bool:
        """Return whether *text* matches."""
        return any(matches(text) for matches in self.matchers)


class Expression:
    """
    Whether a regular expression of the user, between slashes, is found in a text.

    Raises:
        ConfigurationError: If it is none.
    """

    def __init__(self, pattern: str) -> None:
        import regex  # noqa: PLC0415

        from logster.patterns import refuse_endless  # noqa: PLC0415 - only for patterns of users

        refuse_endless(pattern)
        self.timeouts = 0
        try:
            self.pattern: Any = regex.compile(pattern[1:-1])
        except regex.error as error:
            raise _unusable("The pattern", pattern, f"a regular expression ({error})") from error

    def __call__(self, text: str) -> bool:
        """Return whether the expression is found, in good time."""
        patience = max(_PATIENCE / (1 + self.timeouts), _LEAST_PATIENCE)
        try:
            return self.pattern.search(text, timeout=patience) is not None
        except TimeoutError:
            self.timeouts += 1
            return False


def _literal(pattern: str) -> str:
    """Return what every text that *pattern* matches begins with."""
    if _is_expression(pattern):
        return ""
    return re.split(r"[*?[]", pattern, maxsplit=1)[0]


def _is_expression(pattern: str) -> bool:
    return len(pattern) > 2 and pattern[0] == pattern[-1] == "/"


def _checked(names: list[str]) -> list[str]:
    for name in names:
        if name not in AGGREGATES and percent(name) is None:
            known = ", ".join(AGGREGATES)
            raise _unusable("--aggregate", name, f"one of {known} or a percentile such as p95")
    return names


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _may_hold(inside: str, starts: Iterable[str]) -> bool:
    """Return whether texts with one of *starts* may begin with *inside*, or it with them."""
    return any(inside.startswith(start) or start.startswith(inside) for start in starts)


def _pairs(texts: Iterable[str], option: str) -> list[tuple[str, str]]:
    return [_pair(text, option) for text in texts]


def _pair(text: str, option: str) -> tuple[str, str]:
    left, found, right = text.rpartition("=")
    if not (found and _listed(left) and _listed(right)):
        raise _unusable(option, text, "of the form PATH=…")
    return left, right


def _unusable(option: str, text: str, form: str) -> ConfigurationError:
    return ConfigurationError(f"{option} {text!r} is not {form}. Nothing was read or sent.")

"""
Command lines as optparse took them in 1.x, put into the words that click takes.

Pure: lists of words in, lists of words out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType


def expanded(
    words: Sequence[str],
    takes_value: Mapping[str, bool],
    long_flags: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """
    Return *words* with every abbreviated long option written out.

    An abbreviation that fits several options, or none, is left for click to
    complain about.

    Args:
        words: The command line without the program's name.

        takes_value: Every flag, ``-o`` and ``--output`` alike, and whether a value follows it.

        long_flags: The long flag to put in place of a short one.

    >>> expanded(["--metric-p", "x", "--outp=statsd"], {"--metric-prefix": True, "--output": True})
    ['--metric-prefix=x', '--output=statsd']
    >>> expanded(["-d", "--", "-d"], {"-d": False}, {"-d": "--dry-run"})
    ['--dry-run', '--', '-d']
    """
    result: list[str] = []
    for given, value in _walk(words, takes_value):
        flag = given if "--" in result else long_flags.get(given, given)
        if not flag.startswith("--") or flag == "--":
            result += [flag] if value is None else [flag, value]
        else:
            result.append(flag if value is None else f"{flag}={value}")
    return result


def values_of(
    flags: Sequence[str], words: Sequence[str], takes_value: Mapping[str, bool]
) -> list[str]:
    """
    Return every value that *words* give to one of *flags*.

    >>> known = {"-o": True, "--output": True, "-d": False}
    >>> values_of(["-o", "--output"], ["-do", "statsd", "--out=a.B"], known)
    ['statsd', 'a.B']
    """
    return [
        value for flag, value in _walk(words, takes_value) if flag in flags and value is not None
    ]


def _walk(
    words: Sequence[str], takes_value: Mapping[str, bool]
) -> Iterator[tuple[str, str | None]]:
    """Yield each option with its value, and each other word with None."""
    left = iter(words)
    for word in left:
        if word == "--":
            yield from ((each, None) for each in (word, *left))
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            flag = written_out(name, takes_value)
            if equals:
                yield flag, value
            else:
                yield flag, next(left, None) if takes_value.get(flag) else None
        elif word.startswith("-") and len(word) > 1:
            yield from _cluster(word, left, takes_value)
        else:
            yield word, None


def _cluster(
    word: str, left: Iterator[str], takes_value: Mapping[str, bool]
) -> Iterator[tuple[str, str | None]]:
    """Yield the options of ``-dDo statsd``; the first that takes a value takes all the rest."""
    for place, letter in enumerate(word[1:], start=1):
        flag = "-" + letter
        if takes_value.get(flag):
            rest = word[place + 1 :]
            yield flag, rest or next(left, None)
            return
        yield flag, None


def written_out(name: str, known: Iterable[str]) -> str:
    """
    Return the one flag of *known* of which *name* is the beginning, or *name* itself.

    >>> written_out("--metric-p", ["--metric-prefix"]), written_out("--token", ["--token-file"])
    ('--metric-prefix', '--token')
    """
    if name in known:
        return name
    matches = [flag for flag in known if flag.startswith(name)]
    # A secret given to --token would become the name of a file, which messages show.
    return matches[0] if len(matches) == 1 and matches[0] != f"{name}-file" else name

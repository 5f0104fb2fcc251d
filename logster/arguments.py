"""
Command lines as optparse took them in 1.x, put into the words that click takes.

Pure: lists of words in, lists of words out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType


#: The options of the outputs of 1.x. Each takes a value.
OF_OUTPUTS_OF_1X = frozenset(
    {
        *("--graphite-host", "--graphite-protocol", "--statsd-host", "--gmetric-options"),
        *("--nsca-host", "--nsca-service-hostname", "--aws-key", "--aws-secret-key"),
        "--stdout-separator",
    }
)

#: The long options of 1.x, whose abbreviations no option since takes away.
OF_1X = OF_OUTPUTS_OF_1X | {
    *("--tailer", "--logtail", "--locker", "--state-dir", "--log-dir", "--log-conf"),
    *("--metric-prefix", "--metric-suffix", "--parser-help", "--parser-options", "--output"),
    *("--dry-run", "--debug", "--help"),
}


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

        long_flags: The flag to put in place of each: of a short one the long, of several
            the longest.

    >>> expanded(["--metric-p", "x", "--outp=statsd"], {"--metric-prefix": True, "--output": True})
    ['--metric-prefix=x', '--output=statsd']
    >>> expanded(["-d", "--", "-d"], {"-d": False}, {"-d": "--dry-run"})
    ['--dry-run', '--', '-d']
    """
    result: list[str] = []
    for name, value in walk(words, takes_value, long_flags):
        flag = name if "--" in result else long_flags.get(name, name)
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
        value for flag, value in walk(words, takes_value) if flag in flags and value is not None
    ]


def walk(
    words: Sequence[str],
    takes_value: Mapping[str, bool],
    long_flags: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[str, str | None]]:
    """Yield each option with its value, and each other word with None."""
    left = iter(words)
    for word in left:
        if word == "--":
            yield from ((each, None) for each in (word, *left))
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            flag = written_out(name, takes_value, long_flags)
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


def written_out(
    name: str, known: Iterable[str], long_flags: Mapping[str, str] = MappingProxyType({})
) -> str:
    """
    Return the one flag of *known* of which *name* is the beginning, or *name* itself.

    An option of 1.x comes before later ones. A second name of an option counts only
    where no first one fits: it takes no abbreviation away from another option.

    Args:
        name: What the command line gives.

        known: Every flag.

        long_flags: The first name of each, where it has several.

    >>> written_out("--metric-p", ["--metric-prefix"]), written_out("--token", ["--token-file"])
    ('--metric-prefix', '--token')
    >>> written_out("--f", ["--from-start", "--format"], {"--format": "--stdout-format"})
    '--from-start'
    >>> written_out("--ta", ["--tag", "--tailer"])
    '--tailer'
    """
    if name in known:
        return name
    matches = meant(name, known, long_flags)
    # A secret given to --token would become the name of a file, which messages show.
    return matches[0] if len(matches) == 1 and matches[0] != f"{name}-file" else name


def meant(
    name: str, known: Iterable[str], long_flags: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Return the flags of *known* that *name* may be the beginning of, as in `written_out`."""
    matches = [flag for flag in known if flag.startswith(name)]
    first = [flag for flag in matches if long_flags.get(flag, flag) == flag]
    return [flag for flag in matches if flag in OF_1X] or first or matches

r"""
A pattern that is written for one line, on a whole block of them.

`Pattern` finds, in one call, the first match on every line of a block. For that
the pattern must not reach over the end of a line: `within_line` rewrites what
could (``\s``, ``[^"]``, ``\A``); where it cannot, lines are searched one by one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import compress
from threading import current_thread, main_thread
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

from logster.errors import ConfigurationError
from logster.linear import is_linear


#: Seconds of processor time for a block: so many, and so many for each of its characters.
BLOCK_BUDGET = 0.25
CHARACTER_BUDGET = 2e-6

#: Characters from which on setting an alarm costs less than many looks at the clock.
ALARM_AT = 2048

#: Seconds for a line, once a block took too long; less and less the more lines do.
LINE_BUDGET = 0.02
LEAST_BUDGET = 0.0005

#: How many steps the counted repeats of a pattern may stand for: `regex` writes them out.
MAX_STEPS = 10_000

_FLAGS = re.compile(r"\s*\(\?([aimx]+)\)")

# Escapes that cannot match the end of a line, and those rewritten so that they cannot.
_SAFE = frozenset("SwdbBtfvra123456789kg")
_REWRITTEN = {"s": r"[^\S\n]", "W": r"[^\w\n]", "D": r"[^\d\n]", "A": "^", "Z": "$"}


class Rows(NamedTuple):
    """
    What was found in a block.

    Attributes:
        columns: For each group of the pattern what it captured, line by line.

        matched: How many lines matched.

        unmatched: How many did not.

        misfits: These lines, where they were asked for.

        runaway: How many of them were given up because they took too long.
    """

    columns: Sequence[Sequence[str]]
    matched: int
    unmatched: int
    misfits: Sequence[str] = ()
    runaway: int = 0


class Pattern:
    """
    A pattern for lines.

    Args:
        text: The pattern; it matches anywhere in a line unless it begins with ``^``.

        limited: Whether it runs on `regex`, with a budget of time, instead of `re`; unless it
            needs none, which `is_linear` tells.

        misfits: Whether the lines that do not match are wanted.

    Attributes:
        text: The pattern as it was given.

        groups: The place of each named group in `Rows.columns`.

        sample: The beginning of the first line that took too long.

    Raises:
        ConfigurationError: If *text* is no pattern, or one beyond `MAX_STEPS`.
    """

    def __init__(self, text: str, *, limited: bool = False, misfits: bool = False) -> None:
        if not isinstance(text, str):
            raise ConfigurationError(f"The pattern {text!r} is no text. Nothing was read or sent.")
        if limited:
            refuse_endless(text)
        self.text = text
        self.sample: str | None = None
        self._limited = limited
        self._runaways = 0
        self._text_for_blocks, self._every_line = _for_blocks(text, misfits=misfits)
        self._linear: re.Pattern[str] | None = None
        known = _read_by_re(text) if limited else None
        if known and self._text_for_blocks and is_linear(text):
            self._linear = re.compile(self._text_for_blocks, re.MULTILINE | re.ASCII)
        known = known or self._line
        self.groups = {name: place - 1 for name, place in known.groupindex.items()}
        self._width: int = known.groups

    @cached_property
    def matches_blank(self) -> bool:
        """Whether a line without a character matches."""
        return bool(self.find(b"\n").matched)

    @cached_property
    def _line(self) -> Any:
        """The pattern for one line."""
        return self._compiled(self.text)

    @cached_property
    def _block(self) -> Any:
        """The pattern for blocks; only where there is one."""
        return self._compiled(self._text_for_blocks or "", re.MULTILINE)

    def _compiled(self, text: str, flags: int = 0) -> Any:
        """
        Return *text* compiled, with `regex` where there is a limit.

        That takes longer to import than a run without new lines: it is done for the
        first block that needs it, or where `re` does not know the pattern.
        """
        engine: Any = re
        if self._limited:
            import regex  # noqa: PLC0415

            engine = regex
        try:
            return engine.compile(text, flags)
        except (engine.error, OverflowError, RecursionError) as error:
            raise ConfigurationError(
                f"The pattern {self.text!r} is not a regular expression: {error}. "
                "Nothing was read or sent."
            ) from error

    def find(self, block: bytes) -> Rows:
        """Return what the first match on every line of *block* captured."""
        text = block.decode("utf-8", "replace")
        if text[-1:] not in {"", "\n"}:
            text += "\n"
        if self._text_for_blocks is None or self._runaways:
            return self._find_by_line(text)
        try:
            parts = self._split(text)
        except TimeoutError:
            return self._find_by_line(text)
        return self._rows(parts, text)

    def _rows(self, parts: list[Any], text: str) -> Rows:
        """Return what the *parts* of *text* that `_split` gave tell."""
        step = 1 + self._width + self._every_line
        columns = [parts[place::step] for place in range(1, step)]
        if not self._every_line:
            matched = (len(parts) - 1) // step
            return Rows(_texts(columns), matched, text.count("\n") - matched)
        lasts = columns.pop()  # the line, where it did not match
        matched = lasts.count(None)
        if matched < len(lasts):
            fits = [line is None for line in lasts]
            columns = [list(compress(column, fits)) for column in columns]
        return Rows(_texts(columns), matched, len(lasts) - matched, list(filter(None, lasts)))

    def _split(self, text: str) -> list[Any]:
        """Return *text* split at the matches, and what their groups captured in between."""
        if self._linear and text.isascii():
            return self._linear.split(text)
        split: Callable[..., list[Any]] = self._block.split
        if not self._limited:
            return split(text)
        budget = BLOCK_BUDGET + len(text) * CHARACTER_BUDGET
        if len(text) < ALARM_AT or current_thread() is not main_thread():
            return split(text, timeout=budget)
        with _alarm(budget):
            return split(text, concurrent=False)

    def _find_by_line(self, text: str) -> Rows:
        lines = text.split("\n")
        lines.pop()
        rows: list[tuple[str, ...]] = []
        misfits: list[str] = []
        runaway = 0
        for line in lines:
            try:
                match = self._line.search(line, **self._line_budget())
            except TimeoutError:
                self._runaways += 1
                runaway += 1
                self.sample = self.sample or line[:200]
            else:
                if match:
                    rows.append(match.groups(""))
                else:
                    misfits.append(line + "\n")
        columns = list(zip(*rows, strict=True)) or [()] * self._width
        return Rows(columns, len(rows), len(lines) - len(rows), misfits, runaway)

    def _line_budget(self) -> dict[str, float]:
        if not self._limited:
            return {}
        return {"timeout": max(LINE_BUDGET / (1 + self._runaways / 10), LEAST_BUDGET)}


def refuse_endless(text: str) -> None:
    """
    Refuse a pattern that takes too long, and too much memory, before it even meets a line.

    Raises:
        ConfigurationError: If *text* repeats something too often.
    """
    if _repeated(text) > MAX_STEPS:
        raise ConfigurationError(
            f"The pattern {text!r} repeats something too often: all together no more than "
            f"{MAX_STEPS} times. Nothing was read or sent."
        )


_STEP = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^]\\])*\]|\((?:\?(?:P?<\w+>|\W))?|\{0*(\d+)[\d,]*\}|.", re.DOTALL
)


def _repeated(text: str) -> int:
    r"""
    Return about how many steps the counted repeats of *text* add to it, written out.

    >>> _repeated(r"(?:\d{3}x){100,}"), _repeated(r"[{9}]x{0,9}")
    (398, 0)
    """
    groups = [0]  # steps of each group that is open
    last = added = 0
    for step in _STEP.finditer(text):
        if step[1] is not None:
            more = last * max(int(step[1][:9]) - 1, 0)
            last += more
            added += more
            groups[-1] += more
        elif step[0][0] == "(":
            groups.append(0)
        elif step[0] == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        else:
            last = 1
            groups[-1] += 1
    return added


def within_line(text: str, *, verbose: bool = False) -> str | None:
    r"""
    Return a pattern that matches as *text* does, but never the end of a line.

    Args:
        text: A pattern without flags.

        verbose: Whether blanks and comments are no part of it.

    Returns:
        None if that cannot be said for certain.

    >>> within_line(r'(?P<user>[^"]+)\s(\d+)')
    '(?P<user>[^\\n"]+)[^\\S\\n](\\d+)'
    >>> within_line(r"a\nb")
    """
    parts: list[str] = []
    place = 0
    while place < len(text):
        token = _token(text, place, verbose)
        new = token and _rewritten(token)
        if not token or new is None:
            return None
        parts.append(new)
        place += len(token)
    return "".join(parts)


_TOKEN = re.compile(
    r"""
      (?P<escape> \\ (?: x[0-9a-f]{2} | u[0-9a-f]{4} | . ) )
    | (?P<set> \[ \^?+ \]?+ (?: \\. | [^\]\\\n] )*+ \] )
    | (?P<group> \( (?: \? (?: P?<[=!]?\w*>? | P[=>]\w+\) | [:=!>|(] | \#[^)]*\) ) | (?![?*]) ) )
    | (?P<count> \{ \d*+ ,?+ \d*+ \} )
    | (?P<other> [^\\\[({\n] )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _token(text: str, place: int, verbose: bool) -> str:
    """Return the part of a pattern that begins at *place*; nothing if it is not known."""
    if verbose:
        blank = re.compile(r"\s++|#[^\n]*+").match(text, place)
        if blank:
            return blank[0]
    match = _TOKEN.match(text, place)
    return match[0] if match else ""


def _rewritten(token: str) -> str | None:
    """Return *token* so that it cannot match the end of a line, or None."""
    if token[0] == "[":
        return _set(token)
    if token[0] != "\\" or token[1] in _SAFE or not token[1].isalnum():
        return token
    if token[1] in "xu" and len(token) > 2:
        return None if token[2:].lstrip("0").lower() == "a" else token
    return _REWRITTEN.get(token[1])


def _set(token: str) -> str | None:
    """Return a set of characters without the end of a line."""
    if "[:" in token or "\\n" in token or re.search(r"\\[^\WSwdtfvrbsWD]", token):
        return None
    if token.startswith("[^") and token[2] not in "]-":
        return r"[^\n" + token[2:]
    if token[1] == "^" or re.search(r"\\[sWD]", token):
        return rf"(?:(?!\n){token})"
    if re.search(r"[\x00-\x0a]-|\\[tab]-", token):
        return None
    return token


def _texts(columns: list[list[str | None]]) -> list[Sequence[Any]]:
    """Return *columns* with "" where a group took no part."""
    return [column if all(column) else [text or "" for text in column] for column in columns]


def _read_by_re(text: str) -> re.Pattern[str] | None:
    """Return *text* compiled with `re`, or None where `re` and `regex` may not agree on it."""
    with catch_warnings():
        simplefilter("error", FutureWarning)  # what `re` may read in another way one day
        try:
            return re.compile(text)
        except (re.error, FutureWarning, OverflowError, RecursionError):
            return None


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """
    Raise a `TimeoutError` after so many *seconds* of processor time; for the main thread.

    `regex` looks for signals whenever it looks at a time limit of its own. But for that
    it asks the kernel for the time, line by line, which takes as long as the match.
    """
    import signal  # noqa: PLC0415 - only for patterns of users

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGVTALRM})  # as a parent left it
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _for_blocks(text: str, *, misfits: bool) -> tuple[str | None, bool]:
    """
    Return the pattern for blocks, and whether it finds every line.

    A match takes the rest of its line with it. Where the lines that do not
    match are wanted, and where the pattern begins with ``^``, a second branch
    finds them: that is faster than to look for the next start of a line.
    """
    flags = _FLAGS.match(text)
    letters = flags[1] if flags else ""
    body = text[flags.end() :] if flags else text
    verbose = "x" in letters
    inner = within_line(body, verbose=verbose)
    if inner is None:
        return None, False
    start = f"(?{letters})" if letters else ""
    inner = f"(?:{inner}\n)" if verbose else f"(?:{inner})"
    if "|" not in body and re.match(r"\s*\^" if verbose else r"\^", body):
        return rf"{start}{inner}.*+\n|(.*+\n)", True
    if misfits:
        return rf"{start}.*?{inner}.*+\n|(.*+\n)", True
    return rf"{start}(?!\Z){inner}.*+\n", False

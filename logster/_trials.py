"""The trials of `logster.conformance`: each returns what is wrong, or nothing."""

import json
import math
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from logster._child import Note, Printed
from logster._hostile import (
    ALONE,
    alike,
    forged,
    kinds,
    long_lines,
    renumbered,
    replaced,
    variants,
)
from logster.metrics import KINDS, Metric, number, to_metric
from logster.parser import Tally, feed_lines, feeder
from logster.shapes import printable


#: A line as long as a run hands over at most.
HUGE = (1 << 20) - 1

#: Metrics that a stranger may make before it is asked whether there is an end to it.
FEW_METRICS = 300

#: Lines, ever twice as many, until they do not make more metrics than half of them.
DOUBLED = (1_875, 3_750, 7_500, 15_000, 30_000)

#: Names of metrics, and their endings, that are tried as a field of a line.
MANY_NAMES = 60

#: Kinds of which several may have one name: each is one event, or one member.
REPEATED = ("ms", "h", "s")

#: Fields found to have a limit after which the others are believed.
ENOUGH = 4

Values = dict[tuple[str, str], list[float | str]]


class Remark(Exception):  # noqa: N818 - no error
    """Raised by a trial for what is worth knowing and no fault."""


class Subject:
    """
    A parser on trial.

    Args:
        make: Makes a fresh one.

        block: Lines that it understands.

    Attributes:
        note: What is being tried at this moment, for messages and for who watches.

        slow: Whether long lines have shown to take too long.

        stuck: The last trial that did not come to an end; empty if all did.

        printed: The beginning of what the parser printed in the trials before this one.
    """

    def __init__(self, make: Callable[[], Any], block: bytes) -> None:
        self._make = make
        self.block = block if not block or block.endswith(b"\n") else block + b"\n"
        self.lines = self.block.split(b"\n")[:-1]
        self.note = Note()
        self.slow = False
        self.stuck = ""
        self.printed = ""

    @property
    def doing(self) -> str:
        """Return what is being tried at this moment."""
        return self.note.text

    @doing.setter
    def doing(self, text: str) -> None:
        self.note.set(text)

    @property
    def during(self) -> str:
        """Return when it happened, to follow a problem."""
        return f" - while it took {self.doing}" if self.doing else ""

    def make(self) -> Any:
        """Return a fresh parser, with which something new begins."""
        self.note.step()
        return self._make()

    def prepare(self) -> None:
        """Make the lines that several trials need."""
        _ = self.samples, self.hostile, self.everything

    @cached_property
    def samples(self) -> list[bytes]:
        """Return good lines, few of one shape."""
        return kinds(self.lines, 20)

    @cached_property
    def hostile(self) -> list[bytes]:
        """Return lines that a stranger may write."""
        lines = dict.fromkeys(ALONE)
        for sample in self.samples:
            lines |= dict.fromkeys(variants(sample))
        return list(lines)

    @property
    def everything(self) -> bytes:
        """Return good lines and hostile ones that are text, if it came to an end with those."""
        return self.block if self.stuck else self.block + self._texts

    @cached_property
    def _texts(self) -> bytes:
        texts = [line for line in self.hostile if line and _is_text(line)]
        return b"".join(line + b"\n" for line in texts)

    def fed(self, *blocks: bytes) -> Any:
        """Return a fresh parser that took *blocks*."""
        parser = self.make()
        feed = feeder(parser)
        for block in blocks:
            feed(block)
        return parser

    def fed_singly(self, lines: Iterable[bytes]) -> Any:
        """Return a fresh parser that took *lines* one by one, so that a culprit is known."""
        parser = self.make()
        feed = feeder(parser)
        for line in lines:
            self.doing = f"the line {_shown(line)}"
            feed(line + b"\n")
        self.doing = ""
        return parser


def understands(subject: Subject) -> str:
    """Return a problem if the parser matches no line of the log."""
    subject.doing = "the log itself"
    tally = feeder(subject.make())(subject.block)
    lines = len(subject.lines)
    if not tally[0]:
        return f"it matches none of the {lines} lines, so that the other trials mean little"
    if tally[2]:
        raise Remark(f"lines unmatched: {tally[2]} of {lines}; logster why shows them")
    return ""


def accounts(subject: Subject) -> str:
    """Return a problem if matched, ignored and unmatched do not add up to the lines."""
    whole = subject.everything
    for what, block in (
        ("the log", subject.block),
        ("hostile lines", whole),
        ("half a line at the end", subject.lines[0] if subject.lines else b"x"),
        ("an empty line", b"\n"),
        ("no line", b""),
    ):
        subject.doing = what
        tally = Tally(*feeder(subject.make())(block))
        lines = block.count(b"\n") + (block[-1:] not in {b"", b"\n"})
        if sum(tally) != lines or min(tally) < 0:
            return f"it reports {tally} of {what}, and the right sum is {lines}"
    return ""


def no_lines(subject: Subject) -> str:
    """Return a problem if a parser that took nothing derives bad metrics."""
    return _bad(_metrics(subject.make(), 60))


def durations(subject: Subject) -> str:
    """Return a problem if the figures of one second, or of a day, cannot be derived."""
    for duration in (1, 86400):
        subject.doing = f"a duration of {duration} s"
        if problem := _bad(_metrics(subject.fed(subject.block), duration)):
            return problem + subject.during
    try:
        problem = _bad(_metrics(subject.fed(subject.block), 0))
    except Exception as error:
        problem = type(error).__name__
        raise Remark(f"a duration of 0 s, which logster never hands over: {problem}") from error
    if problem:
        raise Remark(f"a duration of 0 s, which logster never hands over: {problem}")
    return ""


def twice(subject: Subject) -> str:
    """Return a problem if deriving the metrics changes them."""
    parser = subject.fed(subject.everything)
    return _difference(
        _values(parser), _values(parser), "the first time", "the second, from the same lines"
    )


def apart(subject: Subject) -> str:
    """Return a problem if what one parser took shows in another."""
    before = _values(subject.make())
    bystander = subject.make()
    subject.fed(subject.everything)
    return _difference(before, _values(bystander), "at first", "after another one took lines")


def line_by_line(subject: Subject) -> str:
    """Return a problem if `feed` and `parse_line` differ."""
    lines, blocks = subject.make(), subject.make()
    by_line = feed_lines(lines, subject.everything)
    by_block = Tally(*feeder(blocks)(subject.everything))
    if by_line.unmatched != by_block.unmatched:
        return (
            f"lines that parse_line does not understand: {by_line.unmatched}; "
            f"that feed does not, of the same lines: {by_block.unmatched}"
        )
    return _difference(_values(lines), _values(blocks), "by parse_line", "by feed")


def cut_anywhere(subject: Subject) -> str:
    """Return a problem if it matters how lines are cut into blocks."""
    whole = subject.fed(subject.everything)
    parts = subject.fed(*(line + b"\n" for line in subject.everything.split(b"\n")[:-1]))
    return _difference(_values(whole), _values(parts), "in one block", "in many")


def merges(subject: Subject) -> str:
    """Return a problem if parts that are merged differ from the whole."""
    if not hasattr(subject.make(), "merge"):
        raise Remark("it has no merge, so that one process reads the log")
    whole = subject.everything
    middle = whole.find(b"\n", len(whole) // 2) + 1
    first, second = subject.fed(whole[:middle]), subject.fed(whole[middle:])
    first.merge(second)
    return _difference(_values(subject.fed(whole)), _values(first), "in one go", "merged of two")


def hostile_lines(subject: Subject) -> str:
    """Return a problem if a line makes it raise, or derive what is no metric."""
    parser = subject.fed_singly(subject.hostile)
    subject.doing = "hostile lines"
    return _bad(_metrics(parser, 60))


def huge_lines(subject: Subject) -> str:
    """Return a problem if a line of a megabyte makes it raise, or derive what is no metric."""
    if subject.slow:
        raise Remark("not tried, since shorter lines take too long")
    for what, line in long_lines(subject.samples[:1], HUGE - 8192):
        subject.doing = f"{what} ({len(line)} bytes)"
        if problem := _bad(_metrics(subject.fed(line + b"\n"), 60)):
            return problem + subject.during
    return ""


def line_time(subject: Subject) -> str:
    """Return a problem if a line four times as long takes far more than four times as long."""
    if subject.stuck:
        subject.slow = True
        return f"some lines take for ever; see '{subject.stuck}'"
    slow = {}
    sizes = (2048, 8192, 32768, 131072)
    trials = zip(*(long_lines(subject.samples[:3], size) for size in sizes), strict=True)
    for growing in trials:
        what = growing[0][0]
        seconds = 0.0
        for _, line in growing:
            subject.doing = f"{what} ({len(line)} bytes)"
            before, seconds = seconds, _time_of(subject, line + b"\n")
            if seconds > 0.05 and seconds > 9 * max(before, 0.002):
                slow[what] = f"{len(line)} bytes take {seconds:.2f} s, a quarter {before:.2f} s"
                break
        if len(slow) >= 3:
            break
    subject.doing, subject.slow = "", bool(slow)
    return "; ".join(f"{what}: {problem}" for what, problem in slow.items())


def log_time(subject: Subject) -> str:
    """Return a problem if a log four times as long takes far more than four times as long."""
    before = 0.0
    for count in (2000, 8000, 32000):
        block = b"".join(_renumbered_lines(subject.samples, count))
        subject.doing = f"{count} lines that all differ"
        seconds = _time_of(subject, block)
        if seconds > 0.2 and seconds > 9 * max(before, 0.005):
            return f"{count} lines take {seconds:.2f} s, a quarter {before:.2f} s"
        if seconds > 2:
            break
        before = seconds
    return ""


def bounded(subject: Subject) -> str:
    """Return a problem if a stranger can make metrics without end."""
    usual, capped = len(_metrics(subject.fed(subject.block), 60)), 0
    for sample in subject.samples[:5]:
        for place in alike(sample) if capped < ENOUGH else ():
            subject.doing = f"lines like {_shown(renumbered(sample, place, 1))}"
            made = _made(subject, sample, place, 2 * FEW_METRICS)
            if made < usual + FEW_METRICS:
                continue
            capped += 1
            before, made = made, _made(subject, sample, place, DOUBLED[0])
            for count in DOUBLED[1:]:
                before, made = made, _made(subject, sample, place, count)
                if made <= 1.2 * before:
                    break
            else:
                return (
                    f"{count} lines make {made} metrics, "
                    f"half as many lines {before}{subject.during}"
                )
    return ""


def _made(subject: Subject, sample: bytes, place: tuple[int, int], count: int) -> int:
    """Return how many metrics *count* lines make that differ in one *place*."""
    lines = (renumbered(sample, place, each) + b"\n" for each in range(count))
    return sum(1 for _ in subject.fed(b"".join(lines)).get_state(60))


def safe_names(subject: Subject) -> str:
    """Return a problem if a name could break out of its place in what is sent."""
    bad: set[str] = set()
    lines = (line + b"\n" for sample in subject.samples[:5] for line in forged(sample))
    for block in (subject.block, *lines):
        subject.doing = f"the line {_shown(block)}" if block is not subject.block else "the log"
        for metric in _metrics(subject.fed(block), 60):
            name = metric.name
            if not name or not name.isprintable() or set(name) & set(" |:"):
                bad.add(name)
    if not bad:
        return ""
    names = ", ".join(f"'{printable(name, 60)}'" for name in sorted(bad)[:3])
    return (
        f"a log can hold lines that make names such as {names}. The outputs of logster replace "
        "what their backend would mistake; those of third parties may not"
    )


def names_once(subject: Subject) -> str:
    """Return a problem if two metrics have one name, whatever the lines hold."""
    parsers = subject.make(), subject.fed(subject.block)
    names = [metric.name for parser in parsers for metric in _metrics(parser, 60)]
    texts = list(dict.fromkeys(_endings(names)))
    forging = [
        line + b"\n"
        for sample in subject.samples[:5]
        for line in replaced(sample, [text.encode() for text in texts[:MANY_NAMES]])
    ]
    for what, lines in (("the log", []), ("lines that hold its names", forging)):
        subject.doing = what
        counts = Counter(
            (metric.name, metric.timestamp)
            for metric in _metrics(subject.fed(subject.everything, *lines), 60)
            if metric.kind not in REPEATED
        )
        twice = [printable(name, 60) for (name, _), count in counts.items() if count > 1]
        if twice:
            shown = ", ".join(f"'{name}'" for name in twice[:3])
            return f"it derives more than one metric called {shown}{subject.during}"
    return ""


def keeps_catalogue(subject: Subject) -> str:
    """Return a problem if the parser derives what its catalogue does not know."""
    say = getattr(subject.make(), "catalogue", None)
    infos = say() if callable(say) else ()
    if not infos:
        raise Remark("it has no catalogue, so that nobody knows its metrics beforehand")
    for metric in _metrics(subject.fed(subject.everything), 60):
        found = {info.kind for info in infos if info.describes(metric.name)}
        name = printable(metric.name, 60)
        if not found:
            return f"{name} is not in it"
        if metric.kind not in found:
            return f"{name} is of kind {metric.kind}, there {', '.join(sorted(found))}"
    silent = [info.name for info in infos if info.kind not in KINDS or not info.help]
    return f"it lacks the kind or the help of {', '.join(silent[:3])}" if silent else ""


def silence(subject: Subject) -> str:
    """Return a problem if the parser prints: cron would mail it."""
    _metrics(subject.fed(subject.everything), 60)
    now = sys.stdout.beginning if isinstance(sys.stdout, Printed) else ""
    printed = subject.printed or now
    return f"it prints {_shown(printed.encode('utf-8', 'replace'))}" if printed else ""


def keeps_memory(subject: Subject) -> str:
    """Return a problem if what it wants back in the next run cannot be kept."""
    parser = subject.fed(subject.everything)
    if not getattr(parser, "keeps_memory", False):
        return ""
    _metrics(parser, 60)
    again = subject.make()
    again.memory = json.loads(json.dumps(parser.memory))
    feeder(again)(subject.block)
    return _bad(_metrics(again, 60))


#: What a parser shall do, and what tries it.
TRIALS: tuple[tuple[str, Callable[[Subject], str]], ...] = (
    ("understands the log", understands),
    ("accounts for every line", accounts),
    ("stands no lines at all", no_lines),
    ("stands any duration", durations),
    ("derives the same figures twice", twice),
    ("keeps instances apart", apart),
    ("takes blocks as it takes lines", line_by_line),
    ("takes lines in any blocks", cut_anywhere),
    ("merges parts into the whole", merges),
    ("stands hostile lines, bad bytes and NUL", hostile_lines),
    ("takes linear time for a line", line_time),
    ("stands lines of a megabyte", huge_lines),
    ("takes linear time for a log", log_time),
    ("makes a bounded number of metrics", bounded),
    ("gives names that no backend mistakes", safe_names),
    ("gives each name once", names_once),
    ("keeps to its catalogue", keeps_catalogue),
    ("remembers what JSON can hold", keeps_memory),
    ("prints nothing", silence),
)


def _metrics(parser: Any, duration: float) -> list[Metric]:
    return [to_metric(each, 0) for each in parser.get_state(duration)]


def _endings(names: Iterable[str]) -> Iterator[str]:
    """Yield each of *names*, and what may stand behind a label in it."""
    for name in names:
        if name.isprintable():
            yield name
            yield from (name[mark.end() :] for mark in re.finditer(r"[._-](?=.)", name))


def _values(parser: Any) -> Values:
    """Return the values of *parser* by name and kind; of one name there may be several."""
    values: Values = defaultdict(list)
    for metric in _metrics(parser, 60):
        values[metric.name, metric.kind].append(metric.value)
    return values


def _bad(metrics: Iterable[Metric]) -> str:
    """Return what is wrong with the first of *metrics* that no backend could take."""
    for metric in metrics:
        name, value = printable(metric.name, 60), metric.value
        if metric.kind not in KINDS:
            return f"{name} is of kind {metric.kind!r}, and not of {', '.join(KINDS)}"
        if isinstance(value, str):
            if not value or not value.isprintable() or " " in value:
                return f"{name} is the text {_shown(value.encode('utf-8', 'replace'))}"
        elif number(value) is None:
            return f"{name} is {str(value)[:40]}, which is no finite number"
        if isinstance(metric.timestamp, float) and not math.isfinite(metric.timestamp):
            return f"{name} has the time {metric.timestamp}"
    return ""


def _difference(first: Values, second: Values, one: str, other: str) -> str:
    """Return the first figure in which the two differ by more than rounding."""
    for key in sorted({*first, *second}):
        left, right = first.get(key, []), second.get(key, [])
        if not _equal(left, right):
            name = printable(key[0], 60)
            return f"{name} is {_listed(left)} {one} and {_listed(right)} {other}"
    return ""


def _equal(left: Sequence[float | str], right: Sequence[float | str]) -> bool:
    if len(left) != len(right):
        return False
    return all(
        a == b
        or (not isinstance(a, str) and not isinstance(b, str) and math.isclose(a, b, rel_tol=1e-9))
        for a, b in zip(left, right, strict=True)
    )


def _listed(values: Sequence[float | str]) -> str:
    return printable(", ".join(map(str, values)), 60) or "not there"


def _is_text(line: bytes) -> bool:
    """Return whether *line* reads the same as bytes and as text."""
    if b"\r" in line or b"\0" in line:
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(line: bytes) -> str:
    return f"'{printable(line[:400].decode('utf-8', 'replace'), 120)}'"


def _time_of(subject: Subject, block: bytes) -> float:
    """Return the seconds that *block* takes; the better of two if the first seems slow."""
    best = math.inf
    for _ in range(2):
        started = time.process_time()
        _metrics(subject.fed(block), 60)
        best = min(best, time.process_time() - started)
        if best < 0.02 or best > 2:
            break
    return best


def _renumbered_lines(samples: Sequence[bytes], count: int) -> Iterator[bytes]:
    """Yield *count* lines that all differ, in one place after the other."""
    places = [(sample, place) for sample in samples[:3] for place in alike(sample)]
    for each in range(count if places else 0):
        sample, place = places[each % len(places)]
        yield renumbered(sample, place, each) + b"\n"

"""The conformance kit: it finds what it is there to find, and our parsers stand it."""

import glob
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, ClassVar

import pytest
from parsing import ROOT, fixtures

from logster.conformance import Verdict, examine, problems
from logster.errors import SkipLine
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.parser import LogsterParser, Tally
from logster.registry import load_parser


LOG = b"".join(b"%d GET /page/%d 200 some words\n" % (1000 + n, n) for n in range(50))

LINE = re.compile(r"(\d{1,9}) ([A-Z]{1,9}) (\S{1,99}) (\d{3})\b", re.ASCII)


class Good(LogsterParser):
    """A parser as it should be."""

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.seen: Counter[str] = Counter()

    def parse_line(self, line: str) -> None:
        """Count one line."""
        match = LINE.match(line)
        if match is None:
            raise SkipLine
        self.take(match)

    def take(self, match: "re.Match[str]") -> None:
        """Count what was found."""
        self.seen[f"status_{match[4][0]}xx"] += 1

    def merge(self, other: "Good") -> None:
        """Add what *other* counted."""
        self.seen += other.seen

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return the counts."""
        return [Metric(name, count, kind="c") for name, count in self.seen.items()]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what there can be."""
        return (MetricInfo("status_{class}", "", "c", "Replies of that class."),)


class Raising(Good):
    def take(self, match: "re.Match[str]") -> None:
        """Break at a method that nobody thought of."""
        {"GET": 1}[match[2]]
        super().take(match)


class Exiting(Good):
    def parse_line(self, line: str) -> None:
        """End the process, as careless parsers do."""
        if "\x1b" in line:
            sys.exit("what is that?")
        super().parse_line(line)


class Recursive(Good):
    def parse_line(self, line: str) -> None:
        """Go one call deeper for each bracket."""
        self.descend(line.count("["))
        super().parse_line(line)

    def descend(self, levels: int) -> None:
        """Go down."""
        if levels:
            self.descend(levels - 1)


class Quadratic(Good):
    PATTERN = re.compile(r"\s+$")

    def parse_line(self, line: str) -> None:
        """Look for blanks at the end the slow way."""
        self.PATTERN.search(line.rstrip("\n") + ".")
        super().parse_line(line)


class SlowWithLines(Good):
    def take(self, match: "re.Match[str]") -> None:
        """Look through all lines for each line."""
        lines = self.__dict__.setdefault("lines", [])
        if match[0] not in lines:
            lines.append(match[0])
        super().take(match)


class Unbounded(Good):
    def take(self, match: "re.Match[str]") -> None:
        """Make a metric of each method there is."""
        self.seen[f"status_{match[2]}"] += 1


class Forgeable(Good):
    def take(self, match: "re.Match[str]") -> None:
        """Let a path name a metric, but for the many."""
        if len(self.seen) < 100:
            self.seen[f"status_{match[3]}"] += 1


class Twofold(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return the number of metrics under a name that a status may have."""
        return [*super().get_state(duration), Metric("status_2xx", len(self.seen), kind="c")]


class Infinite(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return what is no number."""
        return [Metric("status_x", float("nan"), kind="c")]


class BadKind(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return a metric of a kind that there is not."""
        return [MetricObject("status_x", 1, metric_type="gauge")]


class Empty(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Divide by what is 0 without lines."""
        return [Metric("status_x", 1 / self.seen.total(), kind="c")]


class Hourly(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Divide by full minutes."""
        return [Metric("status_x", self.seen.total() / (duration // 60), kind="c")]


class Resetting(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Forget what was returned."""
        found = list(super().get_state(duration))
        self.seen.clear()
        return found


class Shared(Good):
    everything: ClassVar[Counter[str]] = Counter()

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.seen = self.everything


class OtherBlocks(Good):
    def feed(self, block: bytes) -> Tally:
        """Count all lines of a block the same."""
        lines = block.count(b"\n") + (block[-1:] not in {b"", b"\n"})
        self.seen["status_2xx"] += lines
        return Tally(lines)


class FirstOfBlock(Good):
    def feed(self, block: bytes) -> Tally:
        """Count blocks, too."""
        self.seen["status_blocks"] += 1
        return super().feed(block)


class Miscounting(Good):
    def feed(self, block: bytes) -> Tally:
        """Forget the lines that are not understood."""
        return super().feed(block)._replace(unmatched=0)


class BadMerge(Good):
    def merge(self, other: Good) -> None:
        """Forget what was counted before."""
        self.seen = other.seen


class Unlisted(Good):
    def take(self, match: "re.Match[str]") -> None:
        """Count what the catalogue does not know."""
        self.seen["surprise"] += 1


class OtherKind(Good):
    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return gauges where the catalogue promises counters."""
        return [metric._replace(kind="g") for metric in super().get_state(duration)]


class Talking(Good):
    def take(self, match: "re.Match[str]") -> None:
        """Print what cron would mail."""
        super().take(match)
        print("found", match[0])


class Remembering(Good):
    keeps_memory = True

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Keep what JSON cannot hold."""
        self.memory = {1, 2}
        return super().get_state(duration)


class Blind(Good):
    def parse_line(self, line: str) -> None:
        """Understand nothing."""
        raise SkipLine


def failures(parser: Any) -> dict[str, str]:
    """Return the trials that *parser* fails, and why."""
    return {each.trial: each.problem for each in examine(parser, LOG) if each.fails}


def test_good_parser() -> None:
    """A parser as it should be fails nothing."""
    assert problems(Good, LOG) == []


@pytest.mark.parametrize(
    ("parser", "trial", "problem"),
    [
        (Blind, "understands the log", "matches none of the 50 lines"),
        (Raising, "stands hostile lines, bad bytes and NUL", "KeyError"),
        (Exiting, "stands hostile lines, bad bytes and NUL", "SystemExit: what is that?"),
        (Recursive, "stands lines of a megabyte", "RecursionError"),
        (Quadratic, "takes linear time for a line", "' ' again and again"),
        (SlowWithLines, "takes linear time for a log", "lines take"),
        (Unbounded, "makes a bounded number of metrics", "30000 lines make 30"),
        (Forgeable, "gives names that no backend mistakes", "status_a|b:1|c"),
        (Twofold, "gives each name once", "called 'status_2xx' - while it took the log"),
        (Infinite, "stands hostile lines, bad bytes and NUL", "nan, which is no finite number"),
        (BadKind, "stands no lines at all", "status_x is of kind 'gauge'"),
        (Empty, "stands no lines at all", "ZeroDivisionError"),
        (Hourly, "stands any duration", "ZeroDivisionError"),
        (Resetting, "derives the same figures twice", "not there the second"),
        (Shared, "keeps instances apart", "after another one took lines"),
        (OtherBlocks, "takes blocks as it takes lines", "parse_line does not understand"),
        (FirstOfBlock, "takes lines in any blocks", "status_blocks is 1 in one block and"),
        (Miscounting, "accounts for every line", "it reports Tally("),
        (BadMerge, "merges parts into the whole", "merged of two"),
        (Unlisted, "keeps to its catalogue", "surprise is not in it"),
        (OtherKind, "keeps to its catalogue", "status_2xx is of kind g, there c"),
        (Talking, "prints nothing", "it prints 'found "),
        (Remembering, "remembers what JSON can hold", "not JSON serializable"),
    ],
)
def test_faults_are_found(parser: type[Good], trial: str, problem: str) -> None:
    """Each fault fails the trial that is there for it, which says why."""
    verdict = next(each for each in examine(parser, LOG) if each.trial == trial)

    assert verdict.fails
    assert problem in verdict.problem


def test_faults_are_told_apart() -> None:
    """A fault does not fail what has nothing to do with it."""
    assert {"keeps to its catalogue"} == set(failures(OtherKind))


def test_names_that_a_line_forges() -> None:
    """A name that comes out twice only where a line holds it is found as well."""

    class Labelled(Good):
        def take(self, match: "re.Match[str]") -> None:
            self.seen[f"status_{match[3].strip('/')}"] += 1

        def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
            return [*super().get_state(duration), Metric("status_all", 1, kind="c")]

    problem = failures(Labelled)["gives each name once"]

    assert "called 'status_all' - while it took lines that hold its names" in problem


def test_timers_may_repeat_their_name() -> None:
    """Several times of one name are several events, and no fault."""

    class Timing(Good):
        def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
            return [Metric("status_ms", value, kind="ms") for value in (1, 2)]

        @classmethod
        def catalogue(cls) -> tuple[MetricInfo, ...]:
            return (MetricInfo("status_ms", "", "ms", "How long it took."),)

    assert problems(Timing, LOG) == []


def test_culprit_is_shown() -> None:
    """A line that makes a parser raise is shown, without what a terminal would obey."""
    problem = failures(Exiting)["stands hostile lines, bad bytes and NUL"]

    assert problem.endswith(r" - while it took the line '\x1b[31m GET /page/0 200 some words'")
    assert "(test_conformance.py" in problem.replace(os.path.dirname(__file__) + os.sep, "")


def test_parser_of_1x() -> None:
    """A parser that derives from nothing, and has neither feed nor catalogue, can be tried."""

    class Old:
        def __init__(self, option_string: str | None = None) -> None:
            self.lines = 0

        def parse_line(self, line: str) -> None:
            self.lines += 1

        def get_state(self, duration: float) -> list[MetricObject]:
            return [MetricObject("lines", self.lines / duration)]

    verdicts = {verdict.trial: verdict for verdict in examine(Old, LOG)}

    assert not [verdict for verdict in verdicts.values() if verdict.fails]
    assert "has no catalogue" in verdicts["keeps to its catalogue"].problem
    assert "never hands over: ZeroDivisionError" in verdicts["stands any duration"].problem


def test_endless_parser_is_stopped() -> None:
    """A parser that does not come to an end fails, and the other trials go on."""

    class Endless(Good):
        def parse_line(self, line: str) -> None:
            while "\0" in line:
                pass
            super().parse_line(line)

    verdicts = {each.trial: each for each in examine(Endless, LOG, patience=0.5)}

    problem = verdicts["stands hostile lines, bad bytes and NUL"].problem
    assert "did not end within 0.5 s - while it took the line" in problem
    assert Verdict("prints nothing") == verdicts["prints nothing"]


class Runaway(Good):
    """A parser whose pattern runs away, where no signal reaches it."""

    PATTERN = re.compile(r"(\S+\s?)+ words$")

    def parse_line(self, line: str) -> None:
        """Look at a line, and never come back from some."""
        if not self.PATTERN.match(line):
            raise SkipLine


def test_runaway_pattern_is_stopped() -> None:
    """A pattern that runs away fails the trials in which it does, and that of linear time."""
    started = time.monotonic()
    failed = {
        each.trial: each.problem for each in examine(Runaway, LOG, patience=0.5) if each.fails
    }

    assert (
        "did not end within 0.5 s - while it took hostile lines"
        in (failed["accounts for every line"])
    )
    assert "while it took the line '" in failed["stands hostile lines, bad bytes and NUL"]
    assert "see 'stands hostile lines" in failed["takes linear time for a line"]
    assert time.monotonic() - started < 20


def test_runaway_from_the_start() -> None:
    """If a parser comes to no end with the log itself, nothing else is tried."""
    log = b"many-words-without-an-end-in-one-line 1 2 3 4 5 6 7 word\n"
    verdicts = list(examine(Runaway, log, patience=0.5))

    assert ["understands the log", "takes linear time for a line"] == [
        each.trial for each in verdicts if each.fails
    ]
    assert "not tried" in verdicts[1].problem


def test_end_of_the_process() -> None:
    """A parser that ends its process fails, and the other trials go on."""

    class Killing(Good):
        def parse_line(self, line: str) -> None:
            if "\x1b" in line:
                os.kill(os.getpid(), 9)
            if "PURGE" in line:
                os._exit(3)
            super().parse_line(line)

    failed = failures(Killing)

    assert (
        "(3)" in failed["accounts for every line"] or "signal" in failed["accounts for every line"]
    )
    assert (
        "signal 9 ended the process - while it took the line '\\x1b[31m"
        in (failed["stands hostile lines, bad bytes and NUL"])
    )
    assert "takes linear time for a log" not in failed


def test_what_is_printed_is_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    """What a parser prints in any trial is said once, and does not come through."""

    class Loud(Good):
        def parse_line(self, line: str) -> None:
            os.write(2, b"to the file")
            if len(line) > 100_000:
                print("how long!", file=sys.stderr)
            super().parse_line(line)

    failed = failures(Loud)

    assert ["prints nothing"] == list(failed)
    assert failed["prints nothing"].startswith("it prints 'how long!")
    assert ("", "") == capfd.readouterr()


def test_in_a_thread() -> None:
    """Away from the main thread the kit works as well."""
    found: list[str] = ["not done"]
    thread = threading.Thread(target=lambda: found.__setitem__(slice(None), problems(Good, LOG)))
    thread.start()
    thread.join()

    assert found == []


def test_only_so_much_of_a_log_is_used() -> None:
    """A big log takes no longer than its first part."""
    started = time.process_time()

    assert problems(Good, LOG * 10_000) == []
    assert time.process_time() - started < 30


#: So much of a fixture is tried: more lines of the same shapes take longer and find no more.
ENOUGH_BYTES = 4096

#: Bounds that are reached sooner.
OPTIONS = {"MetricLogster": "--max-names 1000"}

#: What our own parsers are known to fail, how, and why that stands.
KNOWN = {
    # 1.x names a metric as the log does. What is no harm to Graphite stays, and every output
    # replaces what its own backend would mistake; no control character gets into a name.
    ("JsonLogster", "gives names that no backend mistakes"): ("a b", "a|b:1|c"),
    ("MetricLogster", "gives names that no backend mistakes"): ("a|b:1|c",),
    # A count of 1.x may be called as a figure of a time.
    ("MetricLogster", "gives each name once"): (".mean", ".median", "th_percentile"),
}


def largest_fixture(parser: str) -> tuple[str, str | None, bytes]:
    """Return the case of *parser* with the longest log, and the beginning of that."""
    name, options, log = max(fixtures(parser), key=lambda case: len(case[2]))
    if parser in OPTIONS:
        options = f"{options or ''} {OPTIONS[parser]}"
    return name, options, log[: log.rfind(b"\n", 0, ENOUGH_BYTES) + 1]


def excused(parser: str, verdict: Verdict) -> bool:
    """Return whether *verdict* names no other faults than those known of *parser*."""
    shown = re.findall(r"'([^']*)'", verdict.problem)
    known = KNOWN.get((parser, verdict.trial), ())
    return bool(known) and all(any(each in name for each in known) for name in shown)


LOGS = glob.glob(f"{ROOT}/fixtures/*/*.log")
SHIPPED = sorted({os.path.basename(os.path.dirname(path)) for path in LOGS})


def faults(parser: str) -> list[Verdict]:
    """Return what *parser* fails on its largest fixture and has no excuse for."""
    name, options, log = largest_fixture(parser)
    parser_class = load_parser(name)
    return [
        verdict
        for verdict in examine(lambda: parser_class(option_string=options), log)
        if verdict.fails and not excused(parser, verdict)
    ]


@pytest.fixture(scope="module", autouse=True)
def trials(request: pytest.FixtureRequest) -> Iterator[dict[str, "Future[list[Verdict]]"]]:
    """Return the faults of all parsers that are asked for, tried side by side meanwhile."""
    asked = [getattr(item, "callspec", None) for item in request.session.items]
    names = {each.params.get("shipped") for each in asked if each}
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        yield {name: pool.submit(faults, name) for name in SHIPPED if name in names}


@pytest.mark.parametrize("shipped", SHIPPED)
def test_our_parsers(shipped: str, trials: dict[str, "Future[list[Verdict]]"]) -> None:
    """Every parser of ours stands all trials on its own fixtures."""
    assert trials[shipped].result() == []

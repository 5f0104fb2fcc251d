"""
The figures about lines: logster against other tools on the same log.

Each compares what two commands cost that found the same counts.
"""

import csv
import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from measure import Command, CommandError, Pair, median, output, paired, run
from workshop import PEERS, Workshop, installed


Counts = Mapping[str, float]

_MISSING = ("No such option", "There is no parser", "has no attribute", "no such option")


class Target(NamedTuple):
    """What a figure shall be: at most or at least *limit*."""

    limit: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def met(self, value: float) -> bool:
        """Tell whether *value* reaches the target."""
        return value >= self.limit if self.at_least else value <= self.limit


class Row(NamedTuple):
    """
    One line of the table.

    Attributes:
        name: The figure's name, for ``--only``.

        what: What it says, for people.

        value: The figure, or None if it could not be taken.

        unit: Of the figure; ``x`` for a ratio.

        target: What it shall be, or None where it only informs.

        remark: Why there is no value, or what else is to be known.

        detail: More numbers, for programs; ``runs`` is how many pairs, or runs where nothing
            runs beside, the figure is the median of.
    """

    name: str
    what: str
    value: float | None = None
    unit: str = "x"
    target: Target | None = None
    remark: str = ""
    detail: Mapping[str, Any] = MappingProxyType({})

    @property
    def verdict(self) -> str:
        """Return ``ok``, ``short``, or nothing where there is nothing to judge."""
        if self.target is None:
            return ""
        if self.value is None:
            return "-"
        return "ok" if self.target.met(self.value) else "short"


class Peer(NamedTuple):
    """
    Another tool, and what it is asked.

    Attributes:
        tool: The program.

        words: Its command line; the log follows.

        read: Turns what it prints into counts, or None if it prints none to compare.
    """

    tool: str
    words: tuple[str, ...]
    read: Callable[[str], Counts] | None


class Race(NamedTuple):
    """
    logster against a peer.

    Attributes:
        name: Of the figure.

        what: For people.

        options: Options and parser of logster.

        kind: The log.

        peer: The other tool.

        target: What the ratio shall be.

        basis: ``cpu`` or ``wall``: which ratio is the figure.

        faster: Whether the ratio is how many times faster logster is, and not its time.
    """

    name: str
    what: str
    options: tuple[str, ...]
    kind: str
    peer: Peer
    target: Target | None = None
    basis: str = "cpu"
    faster: bool = False


def names_and_numbers(text: str) -> dict[str, float]:
    """Return what ``NAME VALUE`` lines say; a time of logster may stand before the name."""
    found = {}
    for line in text.splitlines():
        *_, name, value = line.split()
        found[name] = float(value)
    return found


def counts(text: str) -> dict[str, float]:
    """
    Return the counts behind what logster prints.

    The figures of 1.x per second become counts again: a first run covers 60 seconds.
    """
    found = names_and_numbers(text)
    if "squid_OTHER" in found and "requests" not in found:
        found = {name: round(value * 60) for name, value in found.items()}
        found["requests"] = sum(found[name] for name in found if name.startswith("squid_"))
    if "avgDelay" in found:
        found["delay"] = found["avgDelay"] * found["numSent"]
        found["attempts"] = sum(found[f"num{how}"] for how in ("Sent", "Deferred", "Bounced"))
    return found


def _mtail(text: str) -> dict[str, float]:
    """Return what mtail prints in Prometheus' format, under the names of logster."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        series, value = line.rsplit(" ", 1)
        name, _, labels = series.rstrip("}").partition("{")
        other = [part for part in labels.split(",") if not part.startswith("prog=")]
        label = other[0].partition("=")[2].strip('"') if other else ""
        attempts = f"num{label.capitalize()}"
        key = {"http": f"http_{label}xx", "size": "size", "attempts": attempts}.get(name)
        if key and key != "http_0xx":
            found[key] = float(value)
    return found


def _goaccess(text: str) -> dict[str, float]:
    """Return what stands at the top of goaccess' table."""
    rows = csv.reader(text.splitlines())
    found = {row[-1]: row[-2] for row in rows if row[2] == "general"}
    return {"requests": float(found["total_requests"]), "size": float(found["bandwidth"])}


def _pflogsumm(text: str) -> dict[str, float]:
    """Return the totals of pflogsumm, but those that it rounds to thousands."""
    names = {"received": "numReceived", "delivered": "numSent", "bounced": "numBounced"}
    found = re.findall(rf"^ +(\d+) +({'|'.join(names)})\b", text, re.MULTILINE)
    return {names[name]: float(value) for value, name in found}


def _first_number(name: str) -> Callable[[str], dict[str, float]]:
    return lambda text: {name: float(text.split()[0])}


def _only(*prefixes: str) -> Callable[[str], dict[str, float]]:
    def read(text: str) -> dict[str, float]:
        found = names_and_numbers(text)
        return {name: value for name, value in found.items() if name.startswith(prefixes)}

    return read


def _awk(program: str, tool: str = "mawk", *, keep: tuple[str, ...] = ("",)) -> Peer:
    return Peer(tool, (tool, "-f", f"{PEERS}/{program}.awk"), _only(*keep))


def _mtail_peer(program: str) -> Peer:
    words = ("mtail", "--one_shot", "--one_shot_format=prometheus", "--progs")
    return Peer("mtail", (*words, f"{PEERS}/{program}.mtail", "--logs"), _mtail)


_SQUID = (r"^[0-9.]+ +[0-9]+ [^ ]+ [A-Z_]+/[0-9]{3} [0-9]+ ", "requests")
_POSTFIX = (r" status=(sent|deferred|bounced) \(", "attempts")
_JSON = ("--parser-options", "-a *=sum,avg", "json_lines")
_GROUPS = (
    "--pattern '^[0-9.]+ +[0-9]+ [^ ]+ (?P<code>[A-Z_]+)/(?P<status>[0-9]{3}) (?P<size>[0-9]+) '"
    " --count code --count status --sum size"
)
_PATTERN = ("--parser-options", _GROUPS, "pattern")
#: What built-in parsers call that which the pattern finds too.
_SAME = {
    "SquidLogster": {
        "squid_TCP_MISS": "code_TCP_MISS",
        "squid_TCP_MEM_HIT": "code_TCP_MEM_HIT",
        "size": "size_sum",
    },
    "squid": {"requests": "lines", "http_200": "status_200", "size": "size_sum"},
}


def _grep(pattern: str, name: str) -> Peer:
    return Peer("grep", ("grep", "-cE", pattern), _first_number(name))


RACES: tuple[Race, ...] = (
    *(
        race
        for old, kind, grep in (
            ("SquidLogster", "squid", _SQUID),
            ("PostfixLogster", "postfix", _POSTFIX),
        )
        for race in (
            Race(f"{kind}-1x", f"{old} / mawk", (old,), kind, _awk(kind), Target(1.2)),
            Race(f"{kind}-1x-tuned", f"{old} / mawk, tuned", (old,), kind, _awk(f"{kind}-tuned")),
            Race(f"{kind}-1x-gawk", f"{old} / gawk", (old,), kind, _awk(kind, "gawk")),
            Race(f"{kind}-1x-grep", f"{old} / grep -cE", (old,), kind, _grep(*grep)),
            Race(
                f"{kind}-1x-jobs",
                f"{old} --jobs 2 / mawk",
                ("--jobs", "2", old),
                kind,
                _awk(kind),
                Target(0.75),
                "wall",
            ),
            Race(
                f"{kind}-1x-jobs-grep",
                f"{old} --jobs 2 / grep -cE",
                ("--jobs", "2", old),
                kind,
                _grep(*grep),
                basis="wall",
            ),
        )
    ),
    Race(
        "squid-full",
        "squid / mawk",
        ("squid",),
        "squid",
        _awk("squid", keep=("http_", "size")),
        Target(2.5),
    ),
    Race(
        "postfix-full",
        "postfix / mawk",
        ("postfix",),
        "postfix",
        _awk("postfix"),
        Target(2.5),
    ),
    Race(
        "access-full",
        "apache_access / mawk",
        ("apache_access",),
        "apache",
        _awk("access"),
        Target(2.5),
    ),
    *(
        Race(
            f"{program}-mtail",
            f"mtail / {parser}",
            (parser,),
            kind,
            _mtail_peer(program),
            Target(8, at_least=True),
            "wall",
            faster=True,
        )
        for program, parser, kind in (
            ("squid", "squid", "squid"),
            ("postfix", "postfix", "postfix"),
            ("access", "apache_access", "apache"),
        )
    ),
    Race(
        "json-jq",
        "jq / json_lines, six sums and means",
        _JSON,
        "json",
        Peer("jq", ("jq", "-n", "-r", "-f", f"{PEERS}/leaves.jq"), names_and_numbers),
        Target(5, at_least=True),
        faster=True,
    ),
    Race(
        "json-loads",
        "json_lines / json.loads alone",
        _JSON,
        "json",
        Peer("python", ("python", f"{PEERS}/json_loads.py"), names_and_numbers),
        Target(1.0),
    ),
    Race(
        "squid-wc",
        "SquidLogster / wc -l",
        ("SquidLogster",),
        "squid",
        Peer("wc", ("wc", "-l"), _first_number("requests")),
    ),
    Race(
        "postfix-pflogsumm",
        "pflogsumm / postfix",
        ("postfix",),
        "postfix",
        Peer("pflogsumm", ("pflogsumm",), _pflogsumm),
        faster=True,
    ),
    Race(
        "access-goaccess",
        "goaccess / apache_access",
        ("apache_access",),
        "apache",
        Peer(
            "goaccess",
            ("goaccess", "--log-format=COMBINED", "-o", "csv", "--no-progress"),
            _goaccess,
        ),
        faster=True,
    ),
    Race(
        "postfix-logtail2",
        "logtail2, reading only / PostfixLogster",
        ("PostfixLogster",),
        "postfix",
        Peer("logtail2", ("logtail2", "-o", "/dev/null", "-f"), None),
        faster=True,
    ),
)


def differing(ours: Counts, theirs: Counts) -> str:
    """Return what of *theirs* is otherwise in *ours*, or an empty text."""
    wrong = [
        f"{name} {ours.get(name, 'missing')} and {value}"
        for name, value in theirs.items()
        if abs(ours.get(name, -1.0) - value) > 1e-6 * abs(value)
    ]
    return "; ".join(wrong)


def race(shop: Workshop, this: Race) -> Row:
    """Return the row of *this* race."""
    blank = Row(this.name, this.what, target=this.target)
    if this.peer.tool != "python" and not installed(this.peer.tool):
        return blank._replace(remark=f"{this.peer.tool} is not installed")
    log = shop.log(this.kind)
    words = tuple(shop.python if word == "python" else word for word in this.peer.words)
    ours, theirs = shop.logster(*this.options, log), shop.peer(*words, log)
    try:
        found = counts(output(ours))
        if this.peer.read:
            other = this.peer.read(output(theirs))
            if wrong := differing(found, other) or not other:
                return blank._replace(remark=f"counts differ: {wrong}"[:200])
        pair = paired(ours, theirs, shop.runs)
    except CommandError as error:
        return blank._replace(remark=excuse(error))
    return of_pair(blank, pair, this.basis, shop.lines, faster=this.faster)


def excuse(error: CommandError) -> str:
    """Return why a command could not be measured."""
    text = str(error)
    return "not there yet" if any(part in text for part in _MISSING) else f"failed: {text}"[:200]


def of_pair(blank: Row, pair: Pair, basis: str, lines: int, *, faster: bool = False) -> Row:
    """
    Return *blank* with the figure that *pair* gives.

    Args:
        blank: The row.

        pair: What logster and the other cost.

        basis: ``cpu`` or ``wall``.

        lines: How many lines logster read, for the cost of one; 0 for none.

        faster: Whether to give how many times faster logster is.
    """
    ratios = {kind: pair.ratio(kind) ** (-1 if faster else 1) for kind in ("wall", "cpu")}
    detail: dict[str, Any] = {
        "basis": basis,
        "runs": len(pair.first),
        "ratio_wall": ratios["wall"],
        "ratio_cpu": ratios["cpu"],
    }
    for name, costs in (("logster", pair.first), ("other", pair.second)):
        for kind in ("wall", "cpu"):
            detail[f"{name}_{kind}_s"] = median(costs, kind)
            if lines:
                detail[f"{name}_{kind}_ns_a_line"] = median(costs, kind) / lines * 1e9
    return blank._replace(value=ratios[basis], detail=detail)


def races(shop: Workshop) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the name of each race and what runs it."""
    for each in RACES:
        yield each.name, lambda each=each: race(shop, each)
    yield "pattern", lambda: _pattern(shop, "pattern", "SquidLogster", Target(2.5))
    yield "pattern-squid", lambda: _pattern(shop, "pattern-squid", "squid")
    yield "parse-line", lambda: _parse_line(shop)


def _pattern(shop: Workshop, name: str, parser: str, target: Target | None = None) -> Row:
    """Return what a pattern with three groups costs, against a built-in on the same lines."""
    blank = Row(name, f"pattern, three groups / {parser}", target=target)
    log = shop.log("squid")
    ours, theirs = shop.logster(*_PATTERN, log), shop.logster(parser, log)
    try:
        found = names_and_numbers(output(ours))
        known = {other: found[own] for other, own in _SAME[parser].items()}
        if wrong := differing(counts(output(theirs)), known):
            return blank._replace(remark=f"counts differ: {wrong}"[:200])
        return of_pair(blank, paired(ours, theirs, shop.runs), "cpu", shop.lines)
    except CommandError as error:
        return blank._replace(remark=excuse(error))


def _parse_line(shop: Workshop) -> Row:
    """Return what a line costs beyond a bare loop over a parser in the style of 1.x."""
    blank = Row("parse-line", "a 1.x-style parse_line, less a bare loop", None, "µs", Target(0.25))
    log = shop.log("postfix")
    ours = shop.logster("onex.OnexLogster", log, PYTHONPATH=PEERS)
    bare = Command((shop.python, f"{PEERS}/bare_loop.py", log))
    ours_counts = names_and_numbers(output(ours))
    spent, _, rest = output(bare).partition("\n")
    if wrong := differing(ours_counts, names_and_numbers(rest)):
        return blank._replace(remark=f"counts differ: {wrong}"[:200])
    whole, own = [run(ours).cpu], [float(spent)]
    while len(own) < shop.runs:
        whole.append(run(ours).cpu)
        own.append(float(output(bare).split()[0]))
    value = statistics.median(a - b for a, b in zip(whole, own, strict=True)) / shop.lines * 1e6
    detail = {
        "runs": len(own),
        "bare_loop_cpu_s": statistics.median(own),
        "logster_cpu_s": statistics.median(whole),
    }
    return blank._replace(value=value, detail=detail)

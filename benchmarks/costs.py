"""The figures beside lines: starting, memory, sending, the journal, many jobs, long logs."""

import glob
import os
import shlex
import shutil
from collections.abc import Callable, Iterator

from figures import Row, Target, counts, differing, excuse, of_pair
from measure import Command, CommandError, median, output, paired, run
from workshop import PEERS, Sink, Workshop, installed


#: New lines that a cron job finds every minute.
DELTA = 50

_PARSER = "PostfixLogster"


def costs(shop: Workshop) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the name of each figure and what takes it."""
    yield "start", lambda: _start(shop, "pass", Target(5))
    yield "start-click", lambda: _start(shop, "import click", Target(1.5))
    yield "start-statsd", lambda: _start_statsd(shop)
    yield "journal", lambda: _journal(shop)
    yield "backlog", lambda: _backlog(shop)
    yield "send-statsd", lambda: _send_statsd(shop)
    yield "send-graphite", lambda: _send_graphite(shop)
    yield "cron-50", lambda: _cron(shop)
    yield "memory", lambda: _memory(shop)
    sizes = (10_000, 100_000, 1_000_000, *([10_000_000] if shop.large else []))
    for lines in sizes:
        yield "per-line", lambda lines=lines: _per_line(shop, lines)
    yield "jobs-cores", lambda: _cores(shop)
    yield "jobs-1gb", lambda: _jobs(shop)


def _idle(shop: Workshop, *words: str) -> Command:
    """Return a run that finds nothing new; its state is at the end of the log already."""
    command = shop.logster(*words, shop.log("postfix", 10_000), keep=True)
    run(command)
    return command


def _start(shop: Workshop, code: str, target: Target) -> Row:
    name = "start" if code == "pass" else "start-click"
    blank = Row(name, f"a run without new lines / python -c '{code}'", target=target)
    python = Command((shop.python, "-c", code))
    return of_pair(blank, paired(_idle(shop, _PARSER), python, 3 * shop.runs), "cpu", 0)


def _start_statsd(shop: Workshop) -> Row:
    """Return what a minute of cron costs that sends to StatsD."""
    what = f"a run over {DELTA} lines to StatsD / python -c pass"
    blank = Row("start-statsd", what, target=Target(6))
    sink = Sink("udp")
    command = _minute(shop, "-o", "statsd", "--statsd-host", sink.address, _PARSER)
    pair = paired(command, Command((shop.python, "-c", "pass")), 3 * shop.runs)
    if not sink.received:
        return blank._replace(remark="StatsD received nothing")
    return of_pair(blank, pair, "cpu", 0)


def _minute(shop: Workshop, *words: str) -> Command:
    """Return a run that finds a minute's lines each time: its state is put back before it."""
    log = os.path.join(shop.scratch, "minute.log")
    command = shop.logster(*words, log, keep=True)
    folder = shop.state((*words, log))
    shutil.rmtree(folder, ignore_errors=True)
    with open(shop.log("postfix", 10_000), "rb") as file:
        lines = file.readlines()
    with open(log, "wb") as file:
        file.writelines(lines[:-DELTA])
    run(command)
    with open(log, "ab") as file:
        file.writelines(lines[-DELTA:])
    (state,) = glob.glob(f"{folder}/*.state")
    saved = os.path.join(folder, "before")
    shutil.copy2(state, saved)
    return command._replace(prepare=lambda: shutil.copy2(saved, state))


def _journal(shop: Workshop) -> Row:
    what = "a run without new lines: journal / a place as 1.x kept it"
    blank = Row("journal", what, target=Target(1.15))
    log = shop.log("postfix", 10_000)
    commands = []
    for kind in ("with", "without"):
        folder = os.path.join(shop.scratch, f"journal-{kind}")
        words = ("-o", "stdout", "-s", folder, "--log-dir", folder, "--from-start", _PARSER, log)
        command = Command((shop.python, f"{PEERS}/journal_free.py", kind, *words))
        run(command)
        commands.append(command)
    # Most of what durability costs is waiting for the disk, which is no CPU time.
    return of_pair(blank, paired(commands[0], commands[1], 5 * shop.runs), "wall", 0)


def _backlog(shop: Workshop) -> Row:
    blank = Row("backlog", "10,000 owed batches to Graphite", None, "s", Target(10))
    sink = Sink("tcp")
    log = shop.log("postfix", 10_000)
    words = ("-o", "graphite", "--graphite-host", sink.address, "--timeout", "60", _PARSER, log)
    command = shop.logster(*words, keep=True)
    run(command)
    (path,) = glob.glob(f"{shop.state(words)}/*.state")
    target = f"graphite at {sink.address}"
    run(Command((shop.python, f"{PEERS}/owe.py", path, target, "10000")))
    sink.newlines = 0
    cost = run(command)
    if sink.newlines < 90_000:
        return blank._replace(remark=f"only {sink.newlines} of 90,000 metrics came")
    detail = {"runs": 1, "wall_s": cost.wall, "cpu_s": cost.cpu}
    return blank._replace(value=cost.wall, detail=detail)


def _sending(shop: Workshop, name: str, sink: Sink) -> list[float]:
    """Return wall-clock and CPU seconds and calls for sending 10,000 metrics, and how often."""
    command = Command((shop.python, f"{PEERS}/send.py", name, sink.address))
    return [float(word) for word in output(command).split()]


def _send_statsd(shop: Workshop) -> Row:
    what = "10,000 metrics: a datagram and look-up each / statsd"
    blank = Row("send-statsd", what, target=Target(10, at_least=True))
    sink = Sink("udp")
    theirs, ours = _sending(shop, "onex", sink), _sending(shop, "statsd", sink)
    detail = {"basis": "cpu", "ratio_wall": theirs[0] / ours[0], "ratio_cpu": theirs[1] / ours[1]}
    detail |= {"other_wall_s": theirs[0], "logster_wall_s": ours[0], "datagrams": ours[2]}
    detail["runs"] = int(ours[3])
    return blank._replace(value=theirs[1] / ours[1], detail=detail)


def _send_graphite(shop: Workshop) -> Row:
    blank = Row("send-graphite", "writes for 10,000 metrics to Graphite", None, "", Target(1))
    wall, cpu, calls, runs = _sending(shop, "graphite", Sink("tcp"))
    detail = {"runs": int(runs), "logster_wall_s": wall, "logster_cpu_s": cpu}
    return blank._replace(value=calls, detail=detail)


def _cron(shop: Workshop) -> Row:
    what = f"50 jobs a minute, {DELTA} new lines each: share of one core"
    sink = Sink("udp")
    command = _minute(shop, "-o", "statsd", "--statsd-host", sink.address, _PARSER)
    spent = [run(command) for _ in range(50)]
    cpu, wall = sum(cost.cpu for cost in spent), sum(cost.wall for cost in spent)
    detail = {"runs": len(spent), "cpu_s": cpu, "wall_s": wall}
    return Row("cron-50", what, cpu / 60 * 100, "%", None, "", detail)


def _memory(shop: Workshop) -> Row:
    """Return the most memory above the interpreter's, over logs of growing size."""
    blank = Row("memory", "memory above the interpreter's", None, "MiB", Target(24))
    sizes = (10_000, 100_000, 1_000_000, *([10_000_000] if shop.large else []))
    empty = _peak(shop)
    detail = {}
    kinds = {_PARSER: "postfix", "postfix": "postfix", "squid": "squid", "apache_access": "apache"}
    for parser, kind in kinds.items():
        for lines in sizes:
            peak = _peak(shop, parser, shop.log(kind, lines))
            detail[f"{parser} {lines}"] = round(peak - empty, 2)
    grown = max(detail[f"{_PARSER} {sizes[-1]}"] - detail[f"{_PARSER} {sizes[1]}"], 0)
    remark = f"PostfixLogster grows by {grown:.1f} MiB from {sizes[1]:,} to {sizes[-1]:,} lines"
    return blank._replace(value=max(detail.values()), remark=remark, detail={"runs": 1} | detail)


def _peak(shop: Workshop, *words: str) -> float:
    """Return the most MiB that a run had."""
    command = Command((shop.python, f"{PEERS}/peak.py"))
    if words:
        whole = shop.logster(*words).words[1:]
        command = command._replace(words=(*command.words, *whole), prepare=_forget(shop, words))
    found = output(command).rsplit("peak ", 1)[1]
    return int(found) / 1024


def _forget(shop: Workshop, words: tuple[str, ...]) -> Callable[[], None]:
    return lambda: shutil.rmtree(shop.state(words), ignore_errors=True)


def _per_line(shop: Workshop, lines: int) -> Row:
    """Return what a line costs of all that a run costs."""
    what = f"PostfixLogster, {lines:,} lines: CPU time a line, start included"
    command = shop.logster(_PARSER, shop.log("postfix", lines))
    spent = [run(command) for _ in range(3 if lines > 1_000_000 else shop.runs)]
    value = median(spent, "cpu") / lines * 1e9
    detail = {
        "lines": lines,
        "runs": len(spent),
        "cpu_s": median(spent, "cpu"),
        "wall_s": median(spent, "wall"),
    }
    return Row("per-line", what, value, "ns", None, "", detail)


def _cores(shop: Workshop) -> Row:
    """Return what the machine's cores give to work that shares nothing: the most to hope for."""
    what = "two mawk one after the other / side by side: what two cores give here"
    blank = Row("jobs-cores", what)
    words = ("mawk", "-f", f"{PEERS}/postfix.awk", shop.log("postfix"))
    if not installed("mawk"):
        return blank._replace(remark="mawk is not installed")
    both = (f"{{ {shlex.join(words)}; }} {mark} {shlex.join(words)}; wait" for mark in "&;")
    pair = paired(*(shop.peer("sh", "-c", each) for each in both), shop.runs)
    return of_pair(blank, pair, "wall", 0, faster=True)


def _jobs(shop: Workshop) -> Row:
    """Return how much faster two processes are than one."""
    lines = 8_000_000 if shop.large else max(shop.lines, 1_000_000)
    log = shop.log("postfix", lines)
    size = os.stat(log).st_size / 1e9
    what = f"a catch-up of {size:.2g} GB: one process / --jobs 2"
    blank = Row("jobs-1gb", what, target=Target(1.8, at_least=True))
    one, two = shop.logster(_PARSER, log), shop.logster("--jobs", "2", _PARSER, log)
    try:
        single, double = counts(output(one)), counts(output(two))
        if wrong := differing(double, single):
            return blank._replace(remark=f"counts differ: {wrong}"[:200])
        pair = paired(two, one, shop.runs)
    except CommandError as error:
        return blank._replace(remark=excuse(error))
    remark = "" if shop.large else "a log of 1 GB needs --large"
    return of_pair(blank, pair, "wall", lines, faster=True)._replace(remark=remark)

r"""
Count what Postfix sent, put off, bounced, received and refused, and how long it took.

Reads Postfix's own log and syslog's, in the formats of RFC 3164, RFC 3339 and
RFC 5424 and those akin to them, BusyBox's among them, of any instance and service;
lines of other programs are passed over. A delivery behind a header that is not
understood is reported, not passed over. So is one that docker's driver for syslog
wrote with the id of a container for a tag: any program in a container could forge
it. Lines it reads:

>>> parser = PostfixParser()
>>> parser.parse_line(
...     "Oct 11 22:14:15 mx postfix/smtp[9]: 3A1B2C3D4E: to=<a@b.example>, relay=b[192.0.2.1]:25, "
...     "delay=0.4, delays=0.1/0/0.1/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)"
... )
>>> parser.parse_line("2026-10-11T22:14:16Z mx postfix/smtps/smtpd[9]: connect from unknown[::1]")
>>> [metric.value for metric in parser.get_state(60) if metric.name in {"numSent", "numConnect"}]
[1, 1]

Percentiles of delays are exact below 1,000 s and rounded to three digits above.
A message is told by its queue id: however often it becomes active in a run, it
counts once. In a run of more than 50,000 messages retries count again, so that
the memory of a run has a bound and its figures do not depend on how the log was
cut into parts. Of more than 20,000 next hops or domains in a run those with the
shortest names are told apart, for the same reason.

Addresses are read as Postfix 3.5 and later write them, with odd local parts in
quotes (``info_log_address_format = external``). Without, a recipient may be
made to look like the end of its record.

Metrics:
    numSent, numDeferred, numBounced, pctSent, pctDeferred, pctBounced, mailTxnsSec, mailSentSec,
        mailDeferredSec, mailBouncedSec, avgDelay: Delivery attempts; always given.

    numSent.<agent> …, numSoftBounced, numReused, numVerifyDeliverable, numVerifyUndeliverable:
        Where there were any.

    minDelay, maxDelay, medianDelay, p90Delay, p95Delay, p99Delay, avgDelayBeforeQmgr,
        avgDelayQmgr, avgDelayConn, avgDelayTransmission, p95DelayBeforeQmgr …: Seconds, where
        anything was sent; avgDelayDeferred where anything was put off.

    dsn2xx, dsn4xx, dsn5xx, dsn_<code>, deferTimeout … deferOther: What deliveries ended with.

    numReceived, numPickup, numQueued, numRecipients, bytesQueued, numRemoved, numExpired:
        Messages; always given. avgMsgSize, maxMsgSize, numHeld, numDiscarded …: where any.

    numRejected, pctRejected, rejectSec, reject4xx, reject5xx: Always given; reject_<code>,
        rejectRcpt …, rejectRbl …: where there were any.

    numConnect, connectSec, numLostConnection, numAuthFailed: Always given; lostAfter_<stage>,
        cmd_<command>, cmdFail_<command>, numAuth, tlsIn …, psConnect …: where there were any.

    numWarning, numError, numFatal, numPanic: Messages by severity; always given.

    numSent.instance.<name>, numSent.relay.<host>, numSent.domain.<name> …: As options ask for.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import ClassVar

from logster.blocks import BlockParser
from logster.labels import OTHER
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.options import Option
from logster.parser import Tally
from logster.parsers._postfix_catalogue import ALWAYS, CATALOGUE
from logster.parsers._postfix_classic import PostfixLogster, mean_delay, microseconds, percent
from logster.parsers._postfix_events import (
    COMMANDS,
    DAEMONS,
    DISCONNECTED,
    EVENT,
    PICKUP,
    Event,
    Restriction,
    counters,
    ended,
    peak,
    restricted,
)
from logster.parsers._postfix_lines import (
    ADRIFT,
    DELAY,
    FACILITY,
    HOST,
    ID,
    SECOND_HEADER,
    SOLARIS,
    TAG,
    TIME,
    WORD,
    Rows,
    Walk,
    compiled,
    plain,
)
from logster.parsers._postfix_records import USUAL_TAG, Found, find_targets, records
from logster.sample import Kept
from logster.stats import weighted_percentile


__all__ = ["PostfixLogster", "PostfixParser"]

# First way through: messages that are the same each time, as they stand; all
# others with a blank before them, and nothing for a line without a header. Of
# the most frequent one byte is taken, which costs nothing to make or to count.
_HEAD = (
    rb"{TIME}" + HOST + rb"(?: (?:[!-\xff]*/(?:"
    rb"smtpd\[\d++\]: (?:connect fro(?=m )|disconnect from " + WORD + rb" (?=[a-z_]++=\d)"
    rb"|" + ID + rb": client(?==" + WORD + rb"(?!.))|(?=lost |timeout ))"
    rb"|qmgr\[\d++\]: " + ID + rb": (?=removed(?!.))"
    rb"|cleanup\[\d++\]: " + ID + rb": message(?=-id=)"
    rb"|bounce\[\d++\]: " + ID + rb": (?=sender |postmaster )"
    rb")|[!-.0-9;-\xff]++(?=: )(?!: (?:" + SECOND_HEADER + rb")?+(?:[^ ]++ ){1,5}?to=<))|)"
)
_LONG = rb" [!-\xff]"
_SHORT = (
    rb"[a-z_]++=\d.*+|[m=r-]"
    rb"|(?:lost connection|timeout) after [A-Z][A-Z-]{2,13}+(?= )"
    rb"|(?:sender|postmaster) (?:non-delivery|delay|delivery status) notification(?=: )"
    rb"|:(?= )"
)
_WALK = Walk(
    rb"\n(?:" + _HEAD + rb"(" + _LONG + rb".*+|" + _SHORT + rb")|)",
    # What is long stays where it is, which costs less than to take it out.
    rb"\n(?:" + _HEAD + rb"(?:(?=" + _LONG + rb")|(" + _SHORT + rb").*+)|.*+)",
    b"\n$1",
    keep=True,
)
_OTHER_PROGRAM = b":"
_ODD = Walk(rb"\n(?!{TIME}" + HOST + rb" [!-\xff])(.*)")
_HEADER = TIME + rb"(?:" + HOST + rb" ([!-\xff].*)?|(" + WORD + rb"(?<=\]:) .+))"
_USUAL_HEADER = b"Jan 01 00:00:00 localhost "


# Second way: `Records`. Third: all else that Postfix says.
@cache
def _events() -> Callable[[bytes], Rows]:
    return re.compile(rb"\n(?: " + EVENT + rb"|(.*))").findall


_KNOWN = Event._fields.index("known")
_KNOWN_OF_MESSAGE = Event._fields.index("known_of_message")
_TABS = len(Restriction._fields) - 1
_OURS = rb" (?>[!-\xff]*/)(?:" + DAEMONS + rb")[\[:]"
_UNREAD = _OURS + rb"| " + ADRIFT
_MARKED = rb" (?:" + FACILITY + rb"(?=" + TAG + rb")|(" + TAG + rb")" + SOLARIS + rb")(.++)"

_COUNT = rb"(?<![a-z_])([a-z_]++)=(\d{1,9}+)(?:/(\d{1,9}+))?+"
_REGISTERED = (
    r"[45]\.(?:0\.0|1\.(?:\d|10)|2\.[0-4]|3\.[0-6]|4\.[0-7]|5\.[0-6]"
    r"|6\.(?:\d|10)|7\.(?:[12]?\d|30))\Z"
)
# The cause of a deferral: Postfix's own words first, a remote server's after them.
_CAUSES = (
    rb"\n(?:delivery temporarily suspended: )?+(?:"
    rb"(?P<deferTimeout>connect to "
    + WORD
    + rb" (?:Connection|Operation) timed out|conversation with "
    rb"" + WORD + rb" timed out)"
    rb"|(?P<deferRefused>connect to " + WORD + rb" Connection refused)"
    rb"|(?P<deferNoRoute>connect to "
    + WORD
    + rb" (?:No route to host|Network is unreachable|Host is "
    rb"(?:unreachable|down)))"
    rb"|(?P<deferHostNotFound>Host (?:or domain name )?not found|Name service error"
    rb"|unable to look up)"
    rb"|(?P<deferTLS>TLS |Cannot start TLS|Server certificate|host "
    + WORD
    + rb" (?:offered|did not))"
    rb"|host " + WORD + rb" (?:said|refused to talk to me): .{0,500}?"
    rb"(?:(?P<deferGreylist>[Gg]r[ae]y-?list)|(?P<deferRateLimit>[Rr]ate.?limit"
    rb"|[Tt]oo (?:many|much|fast)|[Tt]hrottl|limit exceeded))|)"
)

_AGENTS = ("smtp", "lmtp", "local", "virtual", "pipe")
_WORDS = {"sent": "numSent", "deferred": "numDeferred", "bounced": "numBounced"}
_OUTCOMES = {
    "SOFTBOUNCE": "numSoftBounced",
    "deliverable": "numVerifyDeliverable",
    "undeliverable": "numVerifyUndeliverable",
}
_STAGE_NAMES = ("BeforeQmgr", "Qmgr", "Conn", "Transmission")
_MICROSECONDS = 1_000_000
_MAX_KEYS = 20_000
_MAX_MESSAGES = 50_000
_MAX_SHOWN = 50
_MAX_TARGETS = 20_000


class PostfixParser(BlockParser):
    """
    All that Postfix's log tells.

    Equal messages are counted as they stand and looked at once; `_fold` turns
    them into counters.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--exclude-relay",),
            "Leave deliveries to this next hop out, so that mail that passes a content filter "
            "counts once.",
            metavar="HOST:PORT",
            multiple=True,
        ),
        Option(
            ("--per-instance",), "Count deliveries of each instance of Postfix.", False, type=bool
        ),
        Option(("--top-relays",), "Count deliveries to this many next hops.", 0, "N", int),
        Option(("--top-domains",), "Count deliveries to this many recipient domains.", 0, "N", int),
    )

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self._short: Counter[bytes] = Counter()
        self._attempts: Counter[bytes] = Counter()
        self._restrictions: Counter[bytes] = Counter()
        self._events: Counter[tuple[bytes, ...]] = Counter()
        self._raw_stages: tuple[Counter[bytes], ...] = tuple(Counter() for _ in _STAGE_NAMES)
        self._totals: Counter[str] = Counter()
        self._peaks: dict[str, int] = {}
        self._delays: Counter[float] = Counter()
        self._stages: tuple[Counter[float], ...] = tuple(Counter() for _ in _STAGE_NAMES)
        self._messages: dict[bytes, bytes] | None = {}
        self._targets = {kind: _Targets() for kind in ("instance", "relay", "domain")}
        self._excluded = b"|".join(map(_next_hop, self.option.exclude_relay))
        self._before_hop = rb"(?!(?:" + self._excluded + rb"),)" if self._excluded else b""
        self._wants_targets = self.option.top_relays > 0 or self.option.top_domains > 0

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        if not block:
            return Tally()
        if block.startswith(b"<"):
            block = plain(block)
        found: list[bytes] = _WALK.rows(block)
        short = [text for text in found if text > b"!"]
        self._short.update(short)
        ignored = self._short.pop(_OTHER_PROGRAM, 0)
        unmatched = 0
        if len(short) < len(found):
            long = [text for text in found if text < b"!"]
            if b"" in long:
                long = list(filter(None, long))
                ignored, unmatched = _sum((ignored, 0), self._take_odd(_ODD.rows(block)))
            ignored, unmatched = _sum((ignored, unmatched), self._take_long(long))
        keys = len(self._short) + len(self._attempts) + len(self._restrictions) + len(self._events)
        if keys > _MAX_KEYS:
            self._fold()
        return Tally(len(found) - ignored - unmatched, ignored, unmatched)

    def _take_odd(self, lines: list[bytes]) -> tuple[int, int]:
        """Count *lines* with another header than the first; return how many ignored, unmatched."""
        headers = [compiled(_HEADER).match(plain(line)) for line in lines]
        messages = [header[header.lastindex] for header in headers if header and header.lastindex]
        tally = self.take(b"\n".join(_USUAL_HEADER + message for message in messages))
        unmatched = headers.count(None)
        ignored = len(headers) - unmatched - len(messages)
        return ignored + tally.ignored, unmatched + tally.unmatched

    def _take_long(self, messages: list[bytes]) -> tuple[int, int]:
        """Count messages that are not short; return how many are ignored, and unmatched."""
        found = records(self._before_hop).read(messages)
        if found.attempts:
            self._take_deliveries(found)
            if self._wants_targets:
                self._take_targets(find_targets(self._before_hop)(messages))
        if found.queue_ids:
            self._take_queued(found)
        self._restrictions.update(found.restrictions)
        return self._take_rest(found.rest) if found.rest else (0, 0)

    def _take_deliveries(self, found: Found) -> None:
        self._attempts.update(found.attempts)
        if stages := found.stages:
            parts = b"/".join(stages).split(b"/")
            if len(parts) != len(stages) * len(_STAGE_NAMES):
                whole = [text for text in stages if text.count(b"/") == len(_STAGE_NAMES) - 1]
                parts = b"/".join(whole).split(b"/") if whole else []
            for index, counts in enumerate(self._raw_stages):
                counts.update(parts[index::4])
        if found.reasons:
            self._totals.update(_causes(found.reasons))

    def _take_queued(self, found: Found) -> None:
        sizes, recipients = _numbers(found.sizes)
        self._totals["numQueued"] += len(sizes)
        self._totals["numRecipients"] += sum(recipients)
        self._totals["bytesQueued"] += sum(sizes)
        self._peaks["maxMsgSize"] = max(*sizes, self._peaks.get("maxMsgSize", 0))
        self._remember(found.queue_ids, found.sizes)

    def _remember(self, queue_ids: Iterable[bytes], texts: Iterable[bytes]) -> None:
        """Keep what is not known yet of these messages, or nothing if they are too many."""
        known = self._messages
        if known is not None:
            deque(map(known.setdefault, queue_ids, texts), maxlen=0)
            if len(known) > _MAX_MESSAGES:
                self._messages = None

    def _take_rest(self, lines: Sequence[bytes]) -> tuple[int, int]:
        rows = _events()(b"\n" + b"\n".join(lines))
        events = [row for row in rows if row[0]]
        self._events.update(events)
        known = [row[_KNOWN] or row[_KNOWN_OF_MESSAGE] for row in events]
        ignored = len(known) - sum(map(known.count, (b"", PICKUP, DISCONNECTED)))
        marked = []
        unread = []
        for row in rows:
            if not row[0]:
                if mark := compiled(_MARKED).match(row[-1]):
                    marked.append(_USUAL_HEADER + (mark[1] or b"") + mark[2])
                elif compiled(_UNREAD).match(row[-1]):
                    unread.append(row[-1])
                else:
                    ignored += 1
        excluded = len(records().read(unread).attempts) if self._excluded and unread else 0
        tally = self.take(b"\n".join(marked))
        return ignored + excluded + tally.ignored, len(unread) - excluded + tally.unmatched

    def _fold(self) -> None:
        """Turn what was counted as it stood into counters."""
        totals = self._totals
        for name, number in self._named():
            totals[name] += number
        for row in self._events:
            height = peak(Event(*row[:-1]))
            if height:
                self._peaks[height[0]] = max(height[1], self._peaks.get(height[0], 0))
        for attempt, times in self._attempts.items():
            self._fold_attempt(attempt, times)
        self._fold_stages()
        for counted in (self._short, self._restrictions, self._events, self._attempts):
            counted.clear()

    def _named(self) -> Iterator[tuple[str, int]]:
        """Yield the counters that messages add to, and by how much."""
        for key, times in self._short.items():
            for name, number in _short_counters(key):
                yield name, number * times
        for fields, times in self._restrictions.items():
            for name, number in restricted(Restriction(*fields.split(b"\t", _TABS))):
                yield name, number * times
        for row, times in self._events.items():
            for name, number in counters(Event(*row[:-1])):
                yield name, number * times

    def _fold_stages(self) -> None:
        totals = self._totals
        for index, (raw, stages) in enumerate(zip(self._raw_stages, self._stages, strict=True)):
            for text, times in raw.items():
                if compiled(DELAY + rb"\Z").match(text):
                    delay = microseconds(text)
                    totals[f"~stage{index}"] += delay * times
                    stages[_rounded(delay)] += times
            raw.clear()

    def _fold_attempt(self, attempt: bytes, times: int) -> None:
        tag, reuse, delay_text, code, word = attempt.split(b" ")
        totals, status, code_text = self._totals, word.decode(), code.decode()
        delay = microseconds(delay_text)
        name = _WORDS.get(status, "")
        totals[name or _OUTCOMES[status]] += times
        if not name:
            return
        *instance, daemon = (tag or USUAL_TAG).decode("utf-8", "replace").split("/")
        agent = "relay" if instance[1:] and instance[-1] == "relay" else daemon
        if agent == "relay" or agent in _AGENTS:
            totals[f"{name}.{agent}"] += times
        if reuse:
            totals["numReused"] += times
        elif daemon in {"smtp", "lmtp"}:
            totals["~fresh"] += times
        if self.option.per_instance:
            self._targets["instance"].add(instance[0], name, times)
        if code_text:
            totals[f"dsn{code_text[0]}xx"] += times
            if code_text[0] != "2":
                known = compiled(_REGISTERED).match(code_text)
                totals[f"dsn_{code_text.replace('.', '_') if known else 'other'}"] += times
        if status == "sent":
            totals["~delay"] += delay * times
            self._delays[_rounded(delay)] += times
            self._peaks["~maxDelay"] = max(delay, self._peaks.get("~maxDelay", 0))
            self._peaks["~minDelay"] = max(-delay, self._peaks.get("~minDelay", -delay))
        elif status == "deferred":
            totals["~delayDeferred"] += delay * times

    def _take_targets(self, rows: Rows) -> None:
        wanted = Counter((row[0], row[1], row[3].decode()) for row in rows)
        for (domain, relay, status), times in wanted.items():
            if status in _WORDS:
                if self.option.top_relays > 0:
                    self._targets["relay"].add(relay.decode(), _WORDS[status], times)
                if self.option.top_domains > 0:
                    self._targets["domain"].add(domain.decode(), _WORDS[status], times)

    def merge(self, other: "PostfixParser") -> None:
        """Add what *other* counted."""
        other._fold()  # noqa: SLF001 - one of us
        self._fold()
        self._totals.update(other._totals)  # noqa: SLF001
        self._delays.update(other._delays)  # noqa: SLF001
        for mine, others in zip(self._stages, other._stages, strict=True):  # noqa: SLF001
            mine.update(others)
        for name, height in other._peaks.items():  # noqa: SLF001
            self._peaks[name] = max(height, self._peaks.get(name, height))
        for kind, targets in other._targets.items():  # noqa: SLF001
            self._targets[kind].merge(targets)
        if other._messages is None:  # noqa: SLF001
            self._messages = None
        else:
            self._remember(other._messages, other._messages.values())  # noqa: SLF001

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return the figures in the order of the catalogue."""
        self._fold()
        values = self._values(duration)
        for info in CATALOGUE:
            if "{" in info.name:
                prefix, _, _ = info.name.partition("{")
                names = sorted(name for name in values if _is_of(name, prefix))
            else:
                names = [info.name]
            for name in names:
                value = values.get(name, 0)
                if value or name in ALWAYS or (info.units == "Seconds" and name in values):
                    yield Metric(name, value, info.units, kind=info.kind)

    def _values(self, duration: float) -> dict[str, float]:
        """Return all figures by name."""
        totals = self._totals.copy()
        if self._messages:
            sizes, recipients = _numbers(self._messages.values())
            totals["numQueued"] = len(sizes)
            totals["numRecipients"] = sum(recipients)
            totals["bytesQueued"] = sum(sizes)
        sent, deferred, bounced = (totals[name] for name in _WORDS.values())
        tried = sent + deferred + bounced
        received, rejected = totals["numReceived"], totals["numRejected"]
        told = sum(number for name, number in totals.items() if name.startswith("defer"))
        failed = totals["numAuthFailed"]
        values: dict[str, float] = {
            **totals,
            **self._peaks,
            "pctSent": percent(sent, tried),
            "pctDeferred": percent(deferred, tried),
            "pctBounced": percent(bounced, tried),
            "mailTxnsSec": tried / duration,
            "mailSentSec": sent / duration,
            "mailDeferredSec": deferred / duration,
            "mailBouncedSec": bounced / duration,
            "avgDelay": mean_delay(totals["~delay"], sent),
            "deferOther": deferred - told,
            "numAuth": totals["cmd_auth"],
            "pctRejected": percent(rejected, rejected + received),
            "rejectSec": rejected / duration,
            "connectSec": totals["numConnect"] / duration,
            "pctAuthFailed": percent(failed, failed + totals["cmd_auth"]),
            "pctTlsIn": percent(totals["tlsIn"], totals["numConnect"]),
            "pctTlsOut": percent(totals["tlsOut"], totals["~fresh"]),
            "avgMsgSize": _mean(totals["bytesQueued"], totals["numQueued"]),
            "avgCommandsPerSession": _mean(totals["~commands"], totals["numDisconnect"]),
            "avgDnsblRank": _mean(totals["~dnsblRank"], totals["psDnsbl"]),
        }
        values.update(self._delay_values())
        values.update(self._target_values())
        return values

    def _delay_values(self) -> Iterator[tuple[str, float]]:
        totals = self._totals
        if self._delays:
            yield "minDelay", -self._peaks["~minDelay"] / _MICROSECONDS
            yield "maxDelay", self._peaks["~maxDelay"] / _MICROSECONDS
            for name, share in (
                ("medianDelay", 50),
                ("p90Delay", 90),
                ("p95Delay", 95),
                ("p99Delay", 99),
            ):
                yield name, weighted_percentile(self._delays, share) / _MICROSECONDS
        if totals["numDeferred"]:
            total = totals["~delayDeferred"]
            yield "avgDelayDeferred", mean_delay(total, totals["numDeferred"])
        for index, (name, stages) in enumerate(zip(_STAGE_NAMES, self._stages, strict=True)):
            if stages:
                yield f"avgDelay{name}", mean_delay(totals[f"~stage{index}"], stages.total())
                yield f"p95Delay{name}", weighted_percentile(stages, 95) / _MICROSECONDS

    def _target_values(self) -> Iterator[tuple[str, float]]:
        shown = {
            "instance": _MAX_SHOWN,
            "relay": self.option.top_relays,
            "domain": self.option.top_domains,
        }
        for kind, targets in self._targets.items():
            for place, counts in targets.top(shown[kind]).items():
                for name, times in counts.items():
                    yield f"{name}.{kind}.{place}", times

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return every metric there can be."""
        return CATALOGUE


class _Targets:
    """
    What became of the mail to each instance, next hop or domain, and to all others together.

    Far more are kept than shown, and the same of them in whatever order they come:
    no flood of new ones hides those with the most mail.
    """

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._kept = Kept(_MAX_TARGETS, {OTHER})

    def add(self, place: str, name: str, times: int) -> None:
        """Count *times* more deliveries to *place* under *name*."""
        place = "".join(c if c.isalnum() or c == "-" else "_" for c in place.lower()) or OTHER
        self._add(place, Counter({name: times}))

    def _add(self, place: str, counts: Counter[str]) -> None:
        gone = self._kept.offer(place)
        if gone == place:
            place = OTHER
        elif gone is not None:
            self._add(OTHER, self._counts.pop(gone))
        if place in self._counts:
            self._counts[place].update(counts)
        else:
            self._counts[place] = counts

    def merge(self, other: "_Targets") -> None:
        """Count all that *other* counted."""
        for place, counts in other._counts.items():  # noqa: SLF001 - one of us
            self._add(place, counts.copy())

    def top(self, number: int) -> dict[str, Counter[str]]:
        """Return the counts of the *number* places with the most mail, and of all others."""
        totals = {place: counts.total() for place, counts in self._counts.items()}
        others = totals.pop(OTHER, 0)
        names = sorted(totals, key=lambda place: (-totals[place], place))[:number]
        shown = {place: self._counts[place] for place in names}
        if others or len(totals) > len(names):
            rest: Counter[str] = Counter()
            for place in self._counts.keys() - shown.keys():
                rest.update(self._counts[place])
            shown[OTHER] = rest
        return shown


def _sum(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return first[0] + second[0], first[1] + second[1]


def _short_counters(key: bytes) -> Iterator[tuple[str, int]]:
    """
    Yield the counters that a short message adds to, and by how much.

    >>> dict(_short_counters(b"ehlo=1 rcpt=0/2 commands=1/3"))
    {'numDisconnect': 1, 'cmd_ehlo': 1, 'cmdFail_rcpt': 2, '~commands': 3}
    """
    if key in _SHORT_NAMES:
        yield _SHORT_NAMES[key], 1
        return
    if key.startswith((b"sender ", b"postmaster ")):
        yield "numDelayNotice" if key.endswith(b" delay notification") else "numBounceNotice", 1
        return
    if key.startswith((b"lost connection after ", b"timeout after ")):
        ending, _, stage = key.partition(b" after ")
        yield from ended(ending, stage)
        return
    yield "numDisconnect", 1
    for word, good, total in compiled(_COUNT).findall(key):
        command = word.decode()
        if command == "commands":
            yield "~commands", int(total or good)
        elif command in COMMANDS:
            if int(good):
                yield f"cmd_{command}", int(good)
            if total:
                yield f"cmdFail_{command}", int(total) - int(good)
    if b"notes=" in key and b"bare_lf" in key:
        yield "numBareLf", 1


def _numbers(texts: Iterable[bytes]) -> tuple[list[int], list[int]]:
    """
    Return sizes and numbers of recipients, as queue entries tell them.

    >>> _numbers([b"1234, nrcpt=2", b"1000, nrcpt=1"])
    ([1234, 1000], [2, 1])
    """
    numbers = list(map(int, b", nrcpt=".join(texts).split(b", nrcpt=")))
    return numbers[::2], numbers[1::2]


def _causes(reasons: Sequence[bytes]) -> list[str]:
    """
    Return the classes of the *reasons* for deferrals, as far as they have one.

    >>> _causes([b"connect to b[192.0.2.1]:25: Connection refused)", b"mail loops)"])
    ['deferRefused']
    """
    found = compiled(_CAUSES).finditer(b"\n" + b"\n".join(reasons))
    return [match.lastgroup for match in found if match.lastgroup]


def _next_hop(text: str) -> bytes:
    """
    Return the pattern of the next hop *text*: HOST:PORT, HOST or the name of a service.

    >>> bool(re.match(_next_hop("127.0.0.1:10024"), b"localhost[127.0.0.1]:10024"))
    True
    >>> bool(re.match(_next_hop("::1"), b"localhost[::1]:10024"))
    True
    """
    host, _, port = text.rpartition(":")
    if not port.isdigit() or (":" in host and not host.endswith("]")):
        # No port: without brackets, that is the end of an address.
        host, port = text, ""
    name = re.escape(host.strip("[]").encode())
    place = rb"(?:" + name + rb"(?:\[[^\],\n]*\])?|[^\[,\n]*\[" + name + rb"\])"
    return place + (b":" + port.encode() if port else rb"(?::\d+)?")


def _is_of(name: str, prefix: str) -> bool:
    """Return whether *name* is one that the template with this *prefix* stands for."""
    if prefix.count(".") == 1 and prefix.startswith("num"):
        return name.startswith(prefix) and name.count(".") == 1
    return name.startswith(prefix)


def _mean(total: float, count: int) -> float:
    return total / count if count else 0


def _rounded(delay: int) -> int:
    """
    Return *delay* as percentiles tell it: from 1,000 s on by its first three digits.

    >>> _rounded(999_000_000), _rounded(123_456_000_000)
    (999000000, 123000000000)
    """
    return delay if delay < 1000 * _MICROSECONDS else round(delay, 3 - len(str(delay)))


_SHORT_NAMES = {
    b"m": "numConnect",
    b"=": "numReceived",
    b"r": "numRemoved",
    b"-": "numMessageId",
}

"""Postfix's mail log."""

import gzip
import re
import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import (
    ROOT,
    by_line,
    count_lines,
    fed,
    figures,
    fixtures,
    lines,
    metrics,
    read,
    use_engine,
)
from receivers import need

from logster.errors import SkipLine
from logster.parser import Tally
from logster.parsers.postfix import PostfixLogster, PostfixParser
from logster.registry import load_parser


PARSERS = ("PostfixLogster", "postfix")
CASES = fixtures(*PARSERS)


@pytest.fixture(scope="module", params=["re", "pcre2"], autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have everything here read by `re`, and then by PCRE2, which large blocks are read with."""
    with use_engine(request.param):
        yield


TRUE = "relay=mx.b.test[192.0.2.1]:25, delay=0.5, delays=0.1/0/0.1/0.3, dsn=2.0.0, status=sent (ok)"
FORGED = "relay=none, delay=9, delays=9/0/0/0, dsn=5.0.0, status=bounced (no)"


def line(message: str, tag: str = "postfix/smtp") -> str:
    """Return a line of *message*, as syslog writes it."""
    return f"Nov 21 06:15:08 mx {tag}[27656]: {message}\n"


def delivery(record: str = TRUE, to: str = "a@b.test") -> str:
    """Return the line of a delivery."""
    return line(f"3096226E7EA: to=<{to}>, {record}")


def fits(template: str, name: str) -> bool:
    """Return whether *name* is what *template* stands for."""
    return re.fullmatch(re.sub(r"\\{[a-z]+\\}", r"[\\w.-]+", re.escape(template)), name) is not None


class TestPostfixLogster:
    def test_no_mail(self) -> None:
        """Without mail every figure is zero, and a percentage is a float."""
        assert figures(PostfixLogster(option_string=None)) == {
            "numSent": 0,
            "pctSent": 0.0,
            "numDeferred": 0,
            "pctDeferred": 0.0,
            "numBounced": 0,
            "pctBounced": 0.0,
            "mailTxnsSec": 0.0,
            "mailSentSec": 0.0,
            "avgDelay": 0,
        }

    def test_thousand(self) -> None:
        """A count is an integer: dashboards read 1000, not 1000.0."""
        assert str(figures(fed(PostfixLogster(), delivery() * 1000))["numSent"]) == "1000"

    def test_attributes(self) -> None:
        """The attributes of 1.x follow the lines and may be changed."""
        parser = fed(PostfixLogster(), delivery() * 2)
        parser.numSent += 1

        assert parser.numSent == 3
        assert figures(parser)["numSent"] == 3

    def test_subclass(self) -> None:
        """A subclass that overrides parse_line gets every line."""

        class Loud(PostfixLogster):
            def parse_line(self, line: str) -> None:
                super().parse_line(line.replace("status=bounced", "status=sent"))

        assert figures(fed(Loud(), delivery(FORGED)))["numSent"] == 1

    @pytest.mark.parametrize("status", ["SOFTBOUNCE", "deliverable", "undeliverable"])
    def test_no_mail_at_all(self, status: str) -> None:
        """Address probes and soft bounces are none of the three."""
        parser = PostfixLogster()

        assert Tally(1) == parser.feed(delivery(TRUE.replace("sent", status)).encode())
        assert figures(fed(PostfixLogster(), "")) == figures(parser)


@pytest.mark.parametrize("name", PARSERS)
class TestGrammar:
    @pytest.mark.parametrize(
        "header",
        [
            "Nov 21 06:15:08 mx postfix/smtp[1]: ",
            "Nov  1 06:15:08 mx postfix/smtp[1]: ",
            "Feb 29 06:15:08 mx postfix/smtp[1]: ",
            "Απρ 15 06:15:08 mx postfix/smtp[1]: ",
            "<22>Nov 21 06:15:08 mx postfix/smtp[1]: ",
            "2026-11-21T06:15:08.745300+00:00 mx postfix/smtp[1]: ",
            "2026-11-21T06:15:08Z mx postfix/smtp[1]: ",
            "<22>1 2026-11-21T06:15:08.745300+00:00 mx postfix/smtp 1 - - ",
            '<22>1 2026-11-21T06:15:08Z mx postfix/smtp 1 ID [x@1 y="z"] \ufeff',
            "Nov 21 06:15:08 eugeni/eugeni postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx postfix-mx/content-filter/smtp[1]: ",
            "Nov 21 06:15:08 mx mailout/relay/smtp[1]: ",
            "Nov 21 06:15:08 mx postfix/smtp: ",
            "Nov 21 06:15:08.745300 mx postfix/smtp[1]: ",
            "Nov 21 2026 06:15:08 mx postfix/smtp[1]: ",
            "2026-11-21 06:15:08 mx postfix/smtp[1]: ",
            "2026-11-21 06:15:08.745 +0100 mx postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx postfix/smtp[1]: [ID 197553 mail.info] ",
            "2026-11-21 06:15:08 mx postfix/smtp[1]: [ID 197553 mail.info] ",
            # BusyBox's syslogd, and with -S.
            "Nov 21 06:15:08 mx mail.info postfix/smtp[1]: ",
            "Nov 21 06:15:08 postfix/smtp[1]: ",
        ],
    )
    @pytest.mark.parametrize("before", ["", "Nov 21 06:15:08 mx postfix/master[1]: reload\n"])
    def test_header(self, name: str, header: str, before: str) -> None:
        """Every form of header is read, in a block of its own form and of another."""
        text = f"{before}{header}3096226E7EA: to=<a@b.test>, {TRUE}\n"

        assert figures(fed(load_parser(name)(), text))["numSent"] == 1

    @pytest.mark.parametrize(
        "header",
        [
            "postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx smtp[1]: ",
            "Nov 21 06:15:08 mx smtp[1]: [ID 197553 mail.info] ",
            "Nov 21 06:15:08 mx docker/mail[2]: postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx docker[2]: postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx docker[2]: postfix/smtp[1]: [ID 197553 mail.info] ",
            # Docker's driver for syslog.
            "Nov 21 06:15:08 mx 3a1b2c3d4e5f[2]: Nov 21 06:15:08 mail postfix/smtp[1]: ",
            "Nov  1 06:15:08 mx 3a1b2c3d4e5f[2]: Nov  1 06:15:08 mail postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx docker/3a1b2c3d4e5f[2]: Nov 21 06:15:08 mail postfix/smtp[1]: ",
            "2026-11-21T06:15:08Z mx 3a1b2c3d4e5f[2]: Nov 21 06:15:08 mail postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx mail.info smtp[1]: ",
            "Nov 21 06:15:08 smtp[1]: ",
            "Nov 21 06:15:08 2026 mx postfix/smtp[1]: ",
        ],
    )
    @pytest.mark.parametrize("before", ["", "Nov 21 06:15:08 mx dovecot: hello\n"])
    def test_other_header(self, name: str, header: str, before: str) -> None:
        """A delivery behind any other header is reported, lest its zero be believed."""
        parser = load_parser(name)()
        text = f"{before}{header}3096226E7EA: to=<a@b.test>, {TRUE}\n"

        assert Tally(0, before.count("\n"), 1) == parser.feed(text.encode())
        assert figures(parser)["numSent"] == 0

    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-21 06:15:08 INFO  [main] server started\n",
            "2026-11-21 06:15:08,745 mx postfix/smtp[1]: 3096226E7EA: removed\n",
            "2026-11-21 06:15:08 mx started\n",
        ],
    )
    def test_no_syslog(self, name: str, text: str) -> None:
        """A line that is not syslog's is reported, so that a wrong file is not all zeros."""
        assert load_parser(name)().feed(text.encode()) == Tally(0, 0, 1)

    @pytest.mark.parametrize("queue_id", ["C3CD21F3E90", "3Pt2mN2VXxznjll", "ABCDEF"])
    def test_queue_id(self, name: str, queue_id: str) -> None:
        """Short and long queue ids are read."""
        text = delivery().replace("3096226E7EA", queue_id)

        assert figures(fed(load_parser(name)(), text))["numSent"] == 1

    @pytest.mark.parametrize(
        "record",
        [
            TRUE.replace(", delay=", ", conn_use=3, delay="),
            TRUE.replace(", dsn=", ", tls=verified/TLSv1.3, dsn="),
            TRUE.replace(", dsn=", ", new_field=x, other=y, dsn="),
            "orig_to=<c@d.test>, " + TRUE,
            'orig_to=<"c >, d"@d.test>, ' + TRUE,
            TRUE.replace("mx.b.test[192.0.2.1]:25", "mx.b.test[private/dovecot-lmtp]"),
            TRUE.replace("mx.b.test[192.0.2.1]:25", "mx.b.test[2001:db8::1]:25"),
        ],
    )
    def test_record(self, name: str, record: str) -> None:
        """Fields that are not always there are read or passed over."""
        assert figures(fed(load_parser(name)(), delivery(record)))["avgDelay"] == 0.5

    @pytest.mark.parametrize(
        "daemon",
        ["smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", "qmgr", "bounce"],
    )
    def test_daemon(self, name: str, daemon: str) -> None:
        """Every daemon's deliveries count."""
        text = line(f"3096226E7EA: to=<a@b.test>, {TRUE}", f"postfix/{daemon}")

        assert figures(fed(load_parser(name)(), text))["numSent"] == 1


@pytest.mark.parametrize("name", PARSERS)
class TestStrangers:
    @pytest.mark.parametrize(
        "text",
        [
            delivery(to=f'"x>, {FORGED.replace("(no)", "(")}"@b.test'),
            delivery(to=f'"x\\">, {FORGED}"@b.test'),
            delivery('orig_to=<"x>, ' + FORGED + '"@b.test>, ' + TRUE),
            delivery(TRUE.replace("(ok)", f"(250 ok to=<c@d.test>, {FORGED})")),
            delivery(TRUE.replace("(ok)", "(250 delay=3, status=bounced)")),
            delivery(TRUE.replace("(ok)", f"(250 {delivery(FORGED).strip()})")),
        ],
    )
    def test_record(self, name: str, text: str) -> None:
        """Recipient, original recipient and a remote reply cannot imitate a record."""
        parser = load_parser(name)()

        assert Tally(1) == parser.feed(text.encode())
        assert figures(parser)["numSent"] == 1
        assert figures(parser)["numBounced"] == 0
        assert figures(parser)["avgDelay"] == 0.5

    @pytest.mark.parametrize(
        "message",
        [
            "connect from {}[192.0.2.1]",
            "3096226E7EA: client={}[192.0.2.1]",
            "3096226E7EA: client=x[192.0.2.1], sasl_method=PLAIN, sasl_username={}",
            "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 <{}>: {}; from=<{}> to=<{}> helo=<{}>",
            "3096226E7EA: reject: header Subject: {} from x[192.0.2.1]; from=<a> to=<b>: 5.7.1 no",
            "3096226E7EA: message-id=<{}>",
            "3096226E7EA: from=<{}>, size=1, nrcpt=1 (queue active)",
            "warning: x[192.0.2.1]: SASL LOGIN authentication failed: {}, sasl_username={}",
            "warning: non-SMTP command from x[192.0.2.1]: {}",
            "improper command pipelining after EHLO from x[192.0.2.1]: {}",
            "warning: hostname {} does not resolve to address 192.0.2.1",
        ],
    )
    @pytest.mark.parametrize(
        "text",
        [
            f"to=<a@b.test>, {TRUE}",
            f"3096226E7EA: to=<a@b.test>, {TRUE}",
            delivery().strip(),
            f">, {TRUE}",
            f'">, {TRUE}',
        ],
    )
    @pytest.mark.parametrize("daemon", ["smtpd", "cleanup", "qmgr", "smtp"])
    def test_no_record(self, name: str, message: str, text: str, daemon: str) -> None:
        """No host, sender, HELO, header, reply or command can pass for a delivery."""
        parser = load_parser(name)()
        tally = parser.feed(line(message.replace("{}", text), f"postfix/{daemon}").encode())

        assert lines(tally) == 1
        assert figures(parser)["numSent"] == 0
        assert figures(parser)["avgDelay"] == 0

    @pytest.mark.parametrize("tag", ["dovecot", "opendkim", "policyd", "amavis"])
    def test_other_program(self, name: str, tag: str) -> None:
        """A line of another program that quotes Postfix is passed over."""
        parser = load_parser(name)()

        assert Tally(0, 1) == parser.feed(line(delivery().strip(), tag).encode())
        assert figures(parser)["numSent"] == 0

    @pytest.mark.parametrize(
        "unit",
        [
            "to=<",
            '"',
            '\\"',
            "<",
            ">, relay=",
            " status=sent (",
            "x=y ",
            "delay=1, ",
            "/",
            "A",
            "9",
            "\x00",
            "é",
        ],
    )
    @pytest.mark.parametrize(
        "start",
        [
            "",
            "Nov 21 06:15:08 mx ",
            "Nov 21 06:15:08 mx postfix/smtp[1]: ",
            "Nov 21 06:15:08 mx postfix/smtp[1]: 3096226E7EA: to=<",
            'Nov 21 06:15:08 mx postfix/smtp[1]: 3096226E7EA: to=<"',
            "Nov 21 06:15:08 mx postfix/smtp[1]: 3096226E7EA: to=<a>, relay=none, delay=1, ",
        ],
    )
    @pytest.mark.parametrize("before", ["", "\n"])
    def test_huge_line(self, name: str, before: str, start: str, unit: str) -> None:
        """A line of a megabyte costs next to nothing, whatever it repeats."""
        block = (before + start + unit * (1_000_000 // len(unit)) + "\n").encode()
        begin = time.process_time()
        tally = load_parser(name)().feed(block)

        assert time.process_time() - begin < 0.5
        assert count_lines(block) == lines(tally)


pieces = st.one_of(
    st.sampled_from(
        [
            "\n",
            "\n\n",
            " ",
            delivery(),
            delivery(FORGED),
            "Nov 21 06:15:08 mx ",
            "2026-11-21T06:15:08Z mx ",
            "<22>1 ",
            "postfix/smtp[1]: ",
            "3096226E7EA: ",
            "to=<",
            "a@b>, ",
            "relay=none",
            ", delay=0.5, ",
            "delays=1/1/1/1, ",
            "dsn=2.0.0, ",
            "status=sent (",
            "status=x (",
            "postfix/smtpd[1]: ",
            "postfix/qmgr[1]: ",
            "postfix/cleanup[1]: ",
            "connect from ",
            "disconnect from x[::1] ",
            "ehlo=1 rcpt=0/2",
            "lost connection after RCPT from x",
            "client=x[::1]",
            "message-id=<x>",
            "removed",
            "from=<",
            ">, size=1, nrcpt=1 (queue active)",
            "NOQUEUE: reject: RCPT from x[::1]: 550 5.1.1 ",
            "warning: ",
            "dovecot: ",
            "[ID 1 mail.info] ",
            "2026-11-21 06:15:08 mx ",
        ]
    ),
    st.text(max_size=8),
)
texts = st.lists(pieces, max_size=30).map("".join)


@pytest.mark.parametrize("name", PARSERS)
class TestAnyText:
    @given(text=texts)
    @settings(max_examples=200, deadline=None)
    def test_block_equals_lines(self, name: str, text: str) -> None:
        """A block and its lines one by one give equal figures, and every line is accounted for."""
        block = text.encode("utf-8", "surrogatepass")
        parser = load_parser(name)()
        tally = parser.feed(block)
        slow, skipped = by_line(load_parser(name)(), block)

        assert metrics(slow) == metrics(parser)
        assert skipped == tally.unmatched
        assert count_lines(block) == lines(tally)

    @given(text=st.text())
    @settings(max_examples=100, deadline=None)
    def test_line(self, name: str, text: str) -> None:
        """A line that is not understood is skipped; nothing else is raised."""
        parser = load_parser(name)()
        try:
            parser.parse_line(text)
        except SkipLine:
            return
        assert metrics(parser)

    @given(cuts=st.lists(st.floats(0, 1), max_size=4))
    @settings(max_examples=50, deadline=None)
    @pytest.mark.parametrize(("case", "options", "log"), CASES)
    def test_merge(
        self, name: str, cuts: list[float], case: str, options: str | None, log: bytes
    ) -> None:
        """Parts of a log, read apart and merged in any number, give the figures of the whole."""
        ends = sorted({log.find(b"\n", int(len(log) * cut)) + 1 for cut in cuts} | {0, len(log)})
        parser = load_parser(name)()
        for start, end in pairwise(ends):
            parser.merge(fed(load_parser(name)(), log[start:end]))

        assert metrics(fed(load_parser(name)(), log)) == metrics(parser)


@pytest.mark.parametrize(("name", "options", "log"), CASES)
class TestFixtures:
    def test_accounting(self, name: str, options: str | None, log: bytes) -> None:
        """Every line of a real log is understood."""
        tally = load_parser(name)(option_string=options).feed(log)

        assert lines(tally) == count_lines(log)
        assert tally.unmatched == 0 or b"no Postfix writes" in log

    def test_catalogue(self, name: str, options: str | None, log: bytes) -> None:
        """The catalogue knows every metric, with its unit and kind."""
        parser = load_parser(name)
        known = {info.name: (info.units, info.kind) for info in parser.catalogue()}

        for metric in metrics(fed(parser(option_string=options), log)):
            assert (metric.units, metric.kind) in {
                value for name, value in known.items() if fits(name, metric.name)
            }


@pytest.fixture(scope="module", name="whole")
def _whole() -> bytes:
    """Return the whole log of a Postfix 3.7 under varied traffic."""
    with gzip.open(f"{ROOT}/fixtures/whole/postfix.log.gz") as file:
        return file.read()


def fields(log: bytes) -> list[tuple[str, list[str]]]:
    """Return daemon and words of every line, taken apart without a pattern."""
    rows = []
    for text in log.decode().splitlines():
        words = text.split()
        rows.append((words[4].split("/")[-1].split("[")[0], words[5:]))
    return rows


class TestTruth:
    def test_deliveries(self, whole: bytes) -> None:
        """Deliveries equal a count by words; grep is wrong about the lines that imitate some."""
        parser = fed(PostfixParser(), whole)
        ends = [
            next(word for word in words if word.startswith("status="))
            for _, words in fields(whole)
            if words[1:] and words[1].startswith("to=<")
        ]

        assert whole.count(b"status=sent") == 562
        assert ends.count("status=sent") == figures(parser)["numSent"] == 542
        assert ends.count("status=deferred") == figures(parser)["numDeferred"] == 217
        assert ends.count("status=bounced") == figures(parser)["numBounced"] == 269

    def test_delays(self, whole: bytes) -> None:
        """The mean and the longest delay equal those of the fields."""
        delays = [
            float(word[6:-1])
            for _, words in fields(whole)
            if words[1:] and words[1].startswith("to=<") and "status=sent" in words
            for word in words
            if word.startswith("delay=")
        ]
        told = figures(fed(PostfixParser(), whole))

        assert told["avgDelay"] == pytest.approx(sum(delays) / len(delays), rel=1e-12)
        assert told["maxDelay"] == max(delays)
        assert told["minDelay"] == min(delays)
        assert told["medianDelay"] == sorted(delays)[len(delays) // 2]

    def test_messages(self, whole: bytes) -> None:
        """Messages are told by queue id, however often a message became active."""
        active = [
            (words[0], int(words[-4][5:-1]), int(words[-3][6:]))
            for daemon, words in fields(whole)
            if daemon == "qmgr" and words[-1] == "active)"
        ]
        first = {queue_id: (size, rcpt) for queue_id, size, rcpt in reversed(active)}
        told = figures(fed(PostfixParser(), whole))

        assert len(active) == 854
        assert told["numQueued"] == len(first)
        assert told["bytesQueued"] == sum(size for size, _ in first.values())
        assert told["numRecipients"] == sum(rcpt for _, rcpt in first.values())
        assert told["maxMsgSize"] == max(size for size, _ in first.values())

    @pytest.mark.parametrize(
        ("name", "daemon", "start"),
        [
            ("numConnect", "smtpd", ["connect", "from"]),
            ("numDisconnect", "smtpd", ["disconnect", "from"]),
            ("numLostConnection", "smtpd", ["lost", "connection", "after"]),
            ("lostAfter_RSET", "smtpd", ["lost", "connection", "after", "RSET"]),
            ("numWarning", "smtpd", ["warning:"]),
            ("tlsIn_TLSv1.3", "smtpd", ["Anonymous", "TLS", "connection", "established"]),
            ("masterStart", "master", ["daemon", "started"]),
        ],
    )
    def test_starts(self, whole: bytes, name: str, daemon: str, start: list[str]) -> None:
        """Messages without a queue id equal a count by their first words."""
        expected = sum(
            who == daemon and words[: len(start)] == start for who, words in fields(whole)
        )

        assert expected == figures(fed(PostfixParser(), whole))[name]

    @pytest.mark.parametrize(
        ("name", "daemon", "word"),
        [
            ("numReceived", "smtpd", "client="),
            ("numMessageId", "cleanup", "message-id="),
            ("numRemoved", "qmgr", "removed"),
            ("numBounceNotice", "bounce", "sender"),
            ("numHeld", "smtpd", "hold:"),
            ("numDiscarded", "smtpd", "discard:"),
            ("rejectEom", "cleanup", "reject:"),
        ],
    )
    def test_seconds(self, whole: bytes, name: str, daemon: str, word: str) -> None:
        """Messages of a queue id equal a count by the word behind it."""
        expected = sum(
            who == daemon and words[1:] != [] and words[1].startswith(word)
            for who, words in fields(whole)
        )

        assert expected == figures(fed(PostfixParser(), whole))[name]

    def test_commands(self, whole: bytes) -> None:
        """The commands of all sessions equal those added up word by word."""
        good = bad = 0
        for who, words in fields(whole):
            for word in words if who == "smtpd" and words[0] == "disconnect" else ():
                if word.startswith("rcpt="):
                    first, _, total = word[5:].partition("/")
                    good += int(first)
                    bad += int(total or first) - int(first)
        told = figures(fed(PostfixParser(), whole))

        assert (good, bad) == (told["cmd_rcpt"], told["cmdFail_rcpt"])

    def test_pflogsumm(self, whole: bytes) -> None:
        """
        The totals equal those of pflogsumm.

        But for two: it takes a header check that only warns for a
        refusal with a warning, which numRejectWarning does not; and its bytes
        leave the bounces out that Postfix itself wrote, which bytesQueued has.
        """
        text = subprocess.run(
            [need("pflogsumm")], input=whole, capture_output=True, check=True
        ).stdout.decode()
        totals = {
            name: int(number)
            for number, name in re.findall(r"^ +(\d+) +([a-z ]+?)(?: +\(|$)", text, re.MULTILINE)
        }
        deferrals = re.search(r"deferred +\((\d+) +deferrals\)", text)
        told = figures(fed(PostfixParser(), whole))

        assert totals["received"] == told["numReceived"]
        assert totals["delivered"] == told["numSent"]
        assert deferrals is not None
        assert int(deferrals[1]) == told["numDeferred"]
        assert totals["bounced"] == told["numBounced"]
        assert totals["rejected"] == told["numRejected"]
        assert totals["held"] == told["numHeld"]
        assert totals["discarded"] == told["numDiscarded"]
        assert totals["reject warnings"] == whole.count(b": warning: header ")
        assert "numRejectWarning" not in told

    @pytest.mark.parametrize("name", PARSERS)
    def test_all_lines(self, name: str, whole: bytes) -> None:
        """Not one line of the whole log is unmatched."""
        tally = load_parser(name)().feed(whole)

        assert (lines(tally), tally.unmatched) == (6318, 0)

    def test_same_figures(self, whole: bytes) -> None:
        """What both parsers count is equal."""
        old = figures(fed(PostfixLogster(), whole))
        new = figures(fed(PostfixParser(), whole))

        assert old == {name: new[name] for name in old}

    @pytest.mark.parametrize(
        ("name", "number"),
        [
            ("psConnect", 58),
            ("psPassNew", 5),
            ("psPassOld", 4),
            ("psPregreet", 6),
            ("psHangup", 16),
            ("psDnsbl", 4),
            ("avgDnsblRank", (5 + 3 + 3 + 3) / 4),
            ("psPipelining", 3),
            ("psNonSmtp", 3),
            ("psBareNewline", 3),
            ("psLimit", 4),
            ("psAllowlisted", 2),
            ("psDenylisted", 2),
            ("psReject", 18 + 5),
            ("reject_450", 5 + 2),
            ("rejectConnect", 2 + 5),
            ("numRbl", 3),
            ("numSent", 5),
        ],
    )
    def test_postscreen(self, name: str, number: float) -> None:
        """What clients did to a real postscreen is what its log gives."""
        log = read(f"{ROOT}/fixtures/postfix/postscreen.log")

        assert figures(fed(PostfixParser(), log))[name] == number

    @pytest.mark.parametrize(
        ("name", "number"),
        [
            ("numConnect", 73),
            ("rateLimit_conn", 13 - 10),
            ("rateLimit_concurrency", 6 - 4),
            ("rateLimit_msg", 5 - 3),
            ("rateLimit_rcpt", 7 - 5),
            ("rateLimit_auth", 6 - 4),
            ("rateLimit_tls", 3 + 1),
            ("anvilMaxConnRate", 13),
            ("anvilMaxConnCount", 5),
            ("authFailed_PLAIN", 4),
            ("authFailed_LOGIN", 1),
            ("authFailed_CRAM-MD5", 1),
            ("authFailed_other", 1),
            ("numAuthAborted", 1),
            ("numReceived", 12),
            ("numReceivedSasl", 1),
            ("lostAfter_CONNECT", 5),
            ("lostAfter_DATA", 1),
            ("lostAfter_BDAT", 1),
            ("lostAfter_STARTTLS", 1),
            ("lostAfter_AUTH", 1),
            ("lostAfter_UNKNOWN", 1),
            ("numTimeout", 3),
            ("numTooManyErrors", 4),
            ("numPipelining", 3),
            ("numRejected", 8),
            ("rejectUnknownUser", 4),
            ("numFcrdnsError", 2),
            ("tlsIn", 6),
            ("tlsError", 2),
            ("processLimit", 1),
            ("masterReload", 1),
            ("numFatal", 1),
        ],
    )
    def test_limits(self, name: str, number: int) -> None:
        """What clients did beyond the limits of a real smtpd is what its log gives."""
        log = read(f"{ROOT}/fixtures/postfix/limits.log")

        assert figures(fed(PostfixParser(), log))[name] == number

    @pytest.mark.parametrize(
        ("name", "number"),
        [
            ("rejectEom", 8 + 2),
            ("numMilterReject", 2),
            ("numHeld", 3 + 1),
            ("numDiscarded", 3 + 1),
            ("numRedirected", 1),
            ("numFiltered", 1),
            ("numRejected", 10 + 5),
            ("rejectRbl", 1),
            ("numRejectWarning", 1),
            ("numRbl", 2),
            ("rejectUnknownHelo", 1),
            ("rejectGreylist", 1),
            ("rejectRelayDenied", 1),
            ("numPickup", 4),
            ("numVerifyDeliverable", 1 + 1),
            ("numVerifyUndeliverable", 1),
            ("numForceExpired", 1),
            ("numDelayNotice", 3),
            ("tlsIn", 13),
            ("tlsOut", 13),
            ("cmd_starttls", 13),
            ("masterReload", 5),
        ],
    )
    def test_checks_and_more(self, name: str, number: int) -> None:
        """What a real Postfix was made to find in messages is what its log gives."""
        log = read(f"{ROOT}/fixtures/postfix/checks.log")

        assert figures(fed(PostfixParser(), log))[name] == number


class TestPostfixParser:
    def test_no_mail(self) -> None:
        """Without mail the core figures are zero, and none is given that has no meaning."""
        told = figures(PostfixParser())

        assert set(told.values()) == {0}
        assert "medianDelay" not in told
        assert "avgMsgSize" not in told

    def test_kinds(self) -> None:
        """Counts are counters, all that is derived is a gauge."""
        kinds = {metric.name: metric.kind for metric in metrics(fed(PostfixParser(), delivery()))}

        assert kinds["numSent"] == "c"
        assert {kinds["pctSent"], kinds["mailSentSec"], kinds["p99Delay"]} == {"g"}

    def test_percentiles(self) -> None:
        """Percentiles lie between the delays, as in a list of them."""
        text = "".join(
            delivery(TRUE.replace("delay=0.5", f"delay={delay}")) for delay in (10, 20, 20, 40)
        )
        told = figures(fed(PostfixParser(), text))

        assert (told["medianDelay"], told["p90Delay"]) == (20, 34)

    def test_stages(self) -> None:
        """The four stages of a delay are told apart."""
        told = figures(fed(PostfixParser(), delivery().replace("0.1/0/0.1/0.3", "1/2/3/4")))

        assert [
            told[f"avgDelay{stage}"] for stage in ("BeforeQmgr", "Qmgr", "Conn", "Transmission")
        ] == [1, 2, 3, 4]

    def test_retries(self) -> None:
        """A message counts once however often it becomes active, in two parts of a log, too."""
        text = line("3096226E7EA: from=<a@b.test>, size=5, nrcpt=1 (queue active)", "postfix/qmgr")
        parser = fed(PostfixParser(), text * 2)
        parser.merge(fed(PostfixParser(), text))

        assert figures(parser)["numQueued"] == 1
        assert figures(parser)["bytesQueued"] == 5

    @pytest.mark.parametrize(("messages", "expected"), [(50_000, 50_000), (50_001, 100_002)])
    def test_many_messages(self, messages: int, expected: int) -> None:
        """With more messages than are remembered retries count, however the log is cut."""
        text = "".join(
            line(f"{number:010X}: from=<>, size=2, nrcpt=3 (queue active)", "postfix/qmgr")
            for number in range(messages)
        )
        parser, half = fed(PostfixParser(), text * 2), text.find("\n", len(text) // 2) + 1
        parts = PostfixParser()
        for part in (text[:half], text[half:], text[:half], text[half:]):
            parts.merge(fed(PostfixParser(), part))

        assert (expected, expected * 3) == tuple(
            figures(parser)[name] for name in ("numQueued", "numRecipients")
        )
        assert metrics(parser) == metrics(parts)

    @pytest.mark.parametrize(
        ("relay", "option"),
        [
            ("127.0.0.1[127.0.0.1]:10024", "127.0.0.1:10024"),
            ("localhost[127.0.0.1]:10024", "127.0.0.1:10024"),
            ("localhost[127.0.0.1]:10024", "localhost:10024"),
            ("localhost[::1]:10024", "[::1]:10024"),
            ("localhost[::1]:10024", "::1"),
            ("localhost[2001:db8::25]:10024", "2001:db8::25"),
            ("dovecot", "dovecot"),
        ],
    )
    def test_excluded(self, relay: str, option: str) -> None:
        """A delivery to a content filter is left out, that of a longer name is not."""
        text = delivery(TRUE.replace("mx.b.test[192.0.2.1]:25", relay))
        other = relay.replace("]", "0]") if option.endswith(("::1", "::25")) else relay + "0"
        longer = delivery(TRUE.replace("mx.b.test[192.0.2.1]:25", other))
        parser = PostfixParser(option_string=f"--exclude-relay {option}")

        assert Tally(2, 1) == parser.feed((text + delivery() + longer).encode())
        assert figures(parser)["numSent"] == 2

    @pytest.mark.parametrize("before", ["", "Nov 21 06:15:08 mx postfix/master[1]: reload -- x\n"])
    @pytest.mark.parametrize("front", ["Nov 21 06:15:08 ", "Nov 21 06:15:08 mx mail.info "])
    def test_busybox(self, front: str, before: str) -> None:
        """All is read of what BusyBox writes, with and without host, and of nobody else."""
        tails = (
            "postfix/smtpd[9]: connect from x[192.0.2.1]",
            "postfix/smtpd[9]: lost connection after RCPT from x[192.0.2.1]",
            "postfix/smtpd[9]: warning: x[192.0.2.1]: SASL LOGIN authentication failed: x",
            "postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <a@b>: no",
            "postfix/qmgr[9]: 3096226E7EA: removed",
            "dropbear[9]: Child connection from 192.0.2.1",
        )
        parser = PostfixParser()
        text = before + "".join(f"{front}{tail}\n" for tail in tails)

        assert Tally(5 + before.count("\n"), 1) == parser.feed(text.encode())
        assert all(
            figures(parser)[name] == 1
            for name in ("numConnect", "numLostConnection", "numAuthFailed", "numRejected")
        )
        assert figures(parser)["numRemoved"] == 1

    def test_end_of_a_session_before_postfix_3(self) -> None:
        """Where a session ends without counts of commands, it has ended."""
        parser = PostfixParser()

        assert Tally(1) == parser.feed(
            line("disconnect from x[192.0.2.9]", "postfix/smtpd").encode()
        )
        assert figures(parser)["numDisconnect"] == 1
        assert "avgCommandsPerSession" not in figures(parser)

    def test_filter_before_the_queue(self) -> None:
        """What a filter before the queue refused is refused, though it has no queue id."""
        end = "from=<a@b.test> to=<c@d.test> proto=ESMTP helo=<x>"
        text = line(
            f"proxy-accept: END-OF-MESSAGE: 250 2.5.0 OK (2C225C6817C7EEE1481); {end}",
            "postfix/smtpd",
        ) + line(
            f"proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject, id=04113-03-4 - SPAM; {end}",
            "postfix/smtpd",
        )
        parser = PostfixParser()

        assert Tally(2) == parser.feed(text.encode())
        told = figures(parser)
        assert told["numRejected"] == told["reject5xx"] == told["rejectEom"] == 1
        assert told["reject_554"] == told["rejectOther"] == 1

    def test_instances(self) -> None:
        """Deliveries of each instance are counted where asked for."""
        text = delivery() + delivery().replace("postfix/smtp", "postfix-out/relay/smtp")
        told = figures(fed(PostfixParser(option_string="--per-instance"), text))

        assert told["numSent.instance.postfix-out"] == 1
        assert told["numSent.instance.postfix"] == 1
        assert (told["numSent.relay"], told["numSent.smtp"]) == (1, 1)

    def test_top(self) -> None:
        """The most frequent next hops and domains are told, the others together."""
        text = delivery() * 2 + delivery(to='"@x, y"@C.test') + delivery(to="nobody")
        told = figures(fed(PostfixParser(option_string="--top-domains 1 --top-relays 1"), text))

        assert told["numSent.domain.b_test"] == 2
        assert told["numSent.domain.other"] == 2
        assert told["numSent.relay.mx_b_test"] == 4

    def test_top_of_other_daemon(self) -> None:
        """A line that is no delivery is none to a next hop or domain either."""
        other = line(f"3096226E7EA: to=<a@c.test>, {TRUE}", "postfix/SMTP")
        told = figures(fed(PostfixParser(option_string="--top-domains 9"), delivery() + other))

        assert {name for name in told if ".domain." in name} == {"numSent.domain.b_test"}

    def test_words_of_session(self) -> None:
        """Words in the account of a session that are no commands are passed over."""
        message = "disconnect from x[192.0.2.1] ehlo=1 lost after commands=1 notification"
        told = figures(fed(PostfixParser(), line(message, "postfix/smtpd")))

        assert (told["numDisconnect"], told["cmd_ehlo"]) == (1, 1)

    @pytest.mark.parametrize("daemon", ["proxymap", "trivial-rewrite", "sendmail", "tlsmgr"])
    def test_troubles_of_all(self, daemon: str) -> None:
        """A daemon whose other lines are passed over counts where it fails."""
        start = f"Nov 21 15:01:30 mx postfix/{daemon}[9]: "
        parser = PostfixParser()

        tally = parser.feed(f"{start}fatal: no memory\n{start}fatal-ish: text\n".encode())

        assert (tally, figures(parser)["numFatal"]) == ((1, 1, 0), 1)

    def test_end_of_stress(self) -> None:
        """What postscreen says when the rush is over is known."""
        line = "Nov 21 15:01:30 mx postfix/postscreen[9]: leaving STRESS mode with 7 connections\n"

        assert PostfixParser().feed(line.encode()) == (0, 1, 0)

    def test_malformed_delays(self) -> None:
        """Delays that are not four numbers are left out of the stages, not the delivery."""
        start = (
            "Nov 21 15:01:30 mx postfix/smtp[9]: 3A1B2C3D4E: to=<a@b>, relay=c, delay=6, delays="
        )
        lines = [
            f"{start}{delays}, dsn=2.0.0, status=sent (ok)\n"
            for delays in ("1/2/3/4", "1/2/3/4/5", "1.2.3/2/3/4")
        ]
        parser = PostfixParser()
        parser.feed("".join(lines).encode())

        assert (figures(parser)["numSent"], figures(parser)["avgDelayBeforeQmgr"]) == (3, 1)

    def test_short_messages_need_their_daemon(self) -> None:
        """What is counted as it stands counts only behind what its daemon writes before it."""
        tails = ("connect from x[::1]", "client=x[::1]", "removed", "message-id=<a>")
        text = "".join(
            line(f"disconnect from x[192.0.2.1] {tail}", "postfix/smtpd") for tail in tails
        )

        assert PostfixParser().feed(text.encode()) == Tally(0, 0, len(tails))

    def test_bounded(self) -> None:
        """Strangers' domains make no more metrics than asked for, and take bounded memory."""
        text = "".join(delivery(to=f"a@b{number}.test") for number in range(60_000))
        tracemalloc.start()
        parser = fed(PostfixParser(option_string="--top-domains 3"), text)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        names = [name for name in figures(parser) if name.startswith("numSent.domain.")]

        assert len(names) == 4
        assert figures(parser)["numSent.domain.other"] == 60_000 - 3
        assert size < 20 << 20

    @pytest.mark.parametrize("option", ["relays", "domains"])
    def test_flood_of_targets(self, option: str) -> None:
        """A flood of names hides none of those with much mail, and no cut of the log does."""
        status = TRUE.replace("mx.b.test", "{}")
        flood = "".join(
            delivery(status.format(f"backscatter{number}.test"), f"a@backscatter{number}.test")
            for number in range(60_000)
        )
        blocks = [flood, delivery(status.format("mail.test"), "a@mail.test") * 18]
        whole, parts = (PostfixParser(option_string=f"--top-{option} 1") for _ in range(2))
        for block in blocks:
            fed(whole, block)
        for block in reversed(blocks):
            parts.merge(fed(PostfixParser(option_string=f"--top-{option} 1"), block))
        kind = option.removesuffix("s")

        assert figures(whole)[f"numSent.{kind}.mail_test"] == 18
        assert figures(whole)[f"numSent.{kind}.other"] == 60_000
        assert figures(whole) == figures(parts)

    def test_solaris(self) -> None:
        """What Solaris marks its messages with is passed over, before any message."""
        text = line("[ID 197553 mail.info] connect from x[192.0.2.1]", "postfix/smtpd")
        other = line("[ID 197553 mail.info] connect from x[192.0.2.1]", "dovecot")
        parser = PostfixParser()

        assert Tally(1, 1) == parser.feed((text + other).encode())
        assert figures(parser)["numConnect"] == 1

    @pytest.mark.parametrize(
        ("reason", "name"),
        [
            ("connect to b[192.0.2.1]:25: Connection timed out", "deferTimeout"),
            (
                "conversation with b[192.0.2.1] timed out while sending message body",
                "deferTimeout",
            ),
            ("connect to b[192.0.2.1]:25: Connection refused", "deferRefused"),
            ("connect to b[192.0.2.1]:25: No route to host", "deferNoRoute"),
            (
                "delivery temporarily suspended: connect to b[192.0.2.1]:25: Connection refused",
                "deferRefused",
            ),
            (
                "Host or domain name not found. Name service error for name=b type=MX",
                "deferHostNotFound",
            ),
            ("TLS is required, but was not offered by host b[192.0.2.1]", "deferTLS"),
            ("Cannot start TLS: handshake failure", "deferTLS"),
            ("host b[192.0.2.1] said: 450 4.2.0 Greylisted, try later", "deferGreylist"),
            ("host b[192.0.2.1] said: 421 4.7.0 too many connections", "deferRateLimit"),
            ("host b[192.0.2.1] said: 450 Connection refused", "deferOther"),
            ("mail for b loops back to myself", "deferOther"),
        ],
    )
    def test_causes(self, reason: str, name: str) -> None:
        """A deferral is told by Postfix's words, and by a remote reply only where there is one."""
        record = TRUE.replace("sent (ok)", f"deferred ({reason})")
        told = figures(fed(PostfixParser(), delivery(record)))

        assert {key for key in told if key.startswith("defer")} == {name}

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("<c@d.test>: Relay access denied", "rejectRelayDenied"),
            ("<c@d.test>: Recipient address rejected: User unknown", "rejectUnknownUser"),
            ("Client host rejected: cannot find your hostname, [192.0.2.1]", "rejectUnknownClient"),
            ("<x>: Helo command rejected: Host not found", "rejectUnknownHelo"),
            ("<a@b.test>: Sender address rejected: Domain not found", "rejectUnknownSender"),
            ("<c@d.test>: Recipient address rejected: Greylisted", "rejectGreylist"),
            (
                "<c@d.test>: Recipient address rejected: Greylisting in effect, please come back",
                "rejectGreylist",
            ),
            ("<END-OF-MESSAGE>: End-of-data rejected: Greylist-ed", "rejectGreylist"),
            ("Greylisting in action, please come back in 00:05:00", "rejectGreylist"),
            ("Temporarily greylisted", "rejectGreylist"),
            ("no grey-listing here", "rejectOther"),
            ("<c@d.test>: Recipient address rejected: SPF fail", "rejectSpf"),
            ("<c@d.test>: Recipient address rejected: Access denied", "rejectPolicy"),
            ("Service unavailable; Client host [x] blocked using zen.test", "rejectRbl"),
            ("<c@d.test>: Recipient address rejected: go away", "rejectOther"),
            ("<x>: Relay access denied; y>: Client host rejected: no", "rejectOther"),
            ("<Relay access denied>: Client host rejected: no", "rejectOther"),
        ],
    )
    def test_reasons(self, text: str, name: str) -> None:
        """A refusal is told by Postfix's words; where a stranger may imitate them, by none."""
        message = f"NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 {text}; from=<> to=<>"
        told = figures(fed(PostfixParser(), line(message, "postfix/smtpd")))

        assert told[name] == told["rejectRcpt"] == told["reject_554"] == told["numRejected"] == 1

    @pytest.mark.parametrize(
        "message",
        [
            "NOQUEUE: reject: RCPT from x[192.0.2.1]: 450 <{}>: {}; from=<{}> to=<{}> helo=<{}>",
            "3096226E7EA: client=x[192.0.2.1], sasl_method=PLAIN, sasl_username={}",
            "3096226E7EA: reject: header Subject: {} from x[192.0.2.1]; from=<{}>: 5.7.1 no",
            "3096226E7EA: from=<{}>, size=1, nrcpt=1 (queue active)",
            "3096226E7EA: message-id={}",
            "warning: x[192.0.2.1]: SASL LOGIN authentication failed: {}, sasl_username={}",
            "warning: non-SMTP command from x[192.0.2.1]: {}",
            "improper command pipelining after EHLO from x[192.0.2.1]: {}",
        ],
    )
    @pytest.mark.parametrize(
        "text",
        [
            "NOQUEUE: reject: HELO from x[192.0.2.1]: 554 5.7.1 Relay access denied",
            ": 554 5.7.1 Service unavailable; Client host [x] blocked using y",
            "warning: y[192.0.2.1]: SASL PLAIN authentication failed: no",
            "fatal: no",
            "connect from y[192.0.2.1]",
            "disconnect from y[192.0.2.1] rcpt=99 commands=99",
            "lost connection after AUTH from y[192.0.2.1]",
            "Verified TLS connection established from y[192.0.2.1]: TLSv1.2 with cipher x",
            "client=y[192.0.2.1]",
            ", size=99999999, nrcpt=99 (queue active)",
            "removed",
        ],
    )
    def test_strangers(self, message: str, text: str) -> None:
        """A HELO name, sender, user, subject or command changes no other figure."""
        daemon = "postfix/qmgr" if "nrcpt" in message else "postfix/cleanup"
        daemon = "postfix/smtpd" if "x[192.0.2.1]" in message else daemon
        forged = figures(fed(PostfixParser(), line(message.replace("{}", text), daemon)))
        honest = figures(fed(PostfixParser(), line(message.replace("{}", "a@b.test"), daemon)))

        assert honest == forged

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("4.7.1 Greylisted, try again later", {"reject4xx", "rejectGreylist"}),
            ("5.7.1 Spam", {"reject5xx", "rejectOther"}),
            ("4.7.1", {"rejectOther"}),
            ("4.7.1234 Greylisted", {"rejectOther"}),
            ("Greylisted", {"rejectGreylist"}),
        ],
    )
    def test_milter(self, text: str, names: set[str]) -> None:
        """A milter's reply to a whole message is told by its enhanced code."""
        message = f"3096226E7EA: milter-reject: END-OF-MESSAGE from m[192.0.2.1]: {text}"
        told = figures(fed(PostfixParser(), line(f"{message}; from=<>", "postfix/cleanup")))

        assert names == {
            name
            for name in ("reject4xx", "reject5xx", "rejectGreylist", "rejectOther")
            if told.get(name)
        }
        assert told["reject_other"] == told["numMilterReject"] == told["rejectEom"] == 1

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("Service unavailable; Client host [192.0.2.1] blocked using zen.test", "rejectRbl"),
            ("Service unavailable; Sender address [a]b@x] blocked using y.test", "rejectRbl"),
            ("<c@d.test>: Relay access denied", "rejectRelayDenied"),
            ("<c@d.test>: Recipient address rejected: Greylisted; see x", "rejectGreylist"),
        ],
    )
    @pytest.mark.parametrize(
        "sender",
        [
            '"a>: b"@x.test',
            '"a>: Relay access denied; from=<b> to=<c> proto=SMTP helo=<d"@x.test',
            '"; from=<>: "@x.test',
            '"\\"> to=<>: "@x.test',
            '"' + "a>: " * 150 + '"@x.test',
        ],
    )
    @pytest.mark.parametrize("end", ["", " to=<c@d.test>"])
    def test_hidden(self, text: str, name: str, sender: str, end: str) -> None:
        """A sender cannot hide why the message was refused."""
        message = (
            f"NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 {text}; from=<{sender}>{end} "
            "proto=ESMTP helo=<x>"
        )
        told = figures(fed(PostfixParser(), line(message, "postfix/smtpd")))

        assert told.get(name) == 1

    @pytest.mark.parametrize(
        "local",
        [
            "x>: Relay access denied",
            "x>: Relay access denied; y",
            "x>: Relay access denied; from=<a> to=<b> proto=SMTP helo=<c",
            "x>: Relay access denied; from=<a> to=<b> proto=SMTP",
            'x>: Relay access denied; from=<"a',
            'x>: Relay access denied; from=<"a"@b> to=<"c',
            "x>: Relay access denied; proto=SMTP helo=<c",
            "x>: Relay access denied; " + "y" * 600,
            "y" * 400 + ">: Relay access denied; " + "y" * 600,
            "x>: Service unavailable; Client host [x] blocked using y",
        ],
    )
    @pytest.mark.parametrize(
        "sender", ["", '"> to=<b> proto=SMTP helo=<"@x', '"y> to=<"@x', '"' + "a" * 600 + '"@x']
    )
    @pytest.mark.parametrize("size", [1024, 2000])
    def test_forged(self, local: str, sender: str, size: int) -> None:
        """A recipient in bare words cannot pass for a reason, wherever the line is cut."""
        quoted = re.sub(r'(["\\])', r"\\\1", local)
        text = f"554 5.7.1 <{local}@d.test>: Recipient address rejected: no"[:510]
        message = (
            f"NOQUEUE: reject: RCPT from x[192.0.2.1]: {text}; from=<{sender}> "
            f'to=<"{quoted}"@d.test> proto=ESMTP helo=<x>'
        )
        told = figures(fed(PostfixParser(), line(message[:size], "postfix/smtpd")))

        assert told["rejectOther"] == told["reject_554"] == 1

    @pytest.mark.parametrize("start", ["body", "header", "mime-error", "body:", "nested header"])
    @pytest.mark.parametrize(
        "text",
        [
            "from x 450 4.7.1 Relay access denied viagra",
            "from : 450 4.7.1 Relay access denied",
            "from x: 554 5.7.1 <a>: Relay access denied",
            ": 554 5.7.1 Greylisted",
            "554 5.7.1 Greylisted",
            "from x: 4.7.1 Greylisted",
        ],
    )
    def test_checks(self, start: str, text: str) -> None:
        """A header or a line of a body has no code and no reason, whatever it says."""
        message = (
            f"3096226E7EA: reject: {start} {text} from localhost[127.0.0.1]; from=<a@b.test> "
            "to=<c@d.test> proto=ESMTP helo=<x>"
        )
        for end in ("", ": 5.7.1 spam"):
            told = figures(fed(PostfixParser(), line(message + end, "postfix/cleanup")))

            assert {name for name in told if name.startswith("reject") and told[name]} == {
                "rejectEom",
                "rejectOther",
                "rejectSec",
                "reject_other",
            }

    def test_values(self) -> None:
        """Delays beyond all reason are taken as they stand, not as an error."""
        text = delivery(TRUE.replace("delay=0.5", "delay=432001.123456"))
        told = figures(fed(PostfixParser(), text))

        assert told["maxDelay"] == 432001.123456
        assert told["medianDelay"] == 432000


def test_long_words_of_a_session_cost_linear_time() -> None:
    """A command of a megabyte in the account of a session is passed over in one go."""
    line = (
        b"Nov 21 06:15:44 mx postfix/smtpd[27768]: disconnect from localhost[127.0.0.1] "
        b"ehlo=1 " + b"a" * (1 << 20) + b" rcpt=0/2 commands=1/3\n"
    )
    parser = PostfixParser()
    started = time.process_time()

    parser.feed(line)
    list(parser.get_state(60))

    assert time.process_time() - started < 2

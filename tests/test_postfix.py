"""Postfix's mail log."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import by_line, count_lines, fed, figures, fixtures, lines, metrics

from logster.errors import SkipLine
from logster.parser import Tally
from logster.parsers.postfix import PostfixLogster
from logster.registry import load_parser


PARSERS = ("PostfixLogster", "postfix")
CASES = fixtures(*PARSERS)

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
        ],
    )
    @pytest.mark.parametrize("before", ["", "Nov 21 06:15:08 mx postfix/master[1]: reload\n"])
    def test_header(self, name: str, header: str, before: str) -> None:
        """Every form of header is read, in a block of its own form and of another."""
        text = f"{before}{header}3096226E7EA: to=<a@b.test>, {TRUE}\n"

        assert figures(fed(load_parser(name)(), text))["numSent"] == 1

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

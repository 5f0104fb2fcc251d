r"""
What Postfix's daemons log besides deliveries: the grammar, and the counters it feeds.

Every group of `EVENT` and `RESTRICTION` holds one of few values, none of them
chosen by a stranger, so that equal events are counted first and looked at once.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from logster.parsers._postfix_lines import ADDRESS, ID, WORD


class Restriction(NamedTuple):
    """The groups of `RESTRICTION`, in order; those that a line does not have are empty."""

    daemon: bytes
    action: bytes
    stage: bytes
    code: bytes
    reason: bytes


class Event(NamedTuple):
    """The groups of `EVENT`, in order; those that a line does not have are empty."""

    daemon: bytes
    notice: bytes
    client: bytes
    sasl: bytes
    expired: bytes
    known_of_message: bytes
    trust: bytes
    session: bytes
    direction: bytes
    version: bytes
    screen: bytes
    rank: bytes
    ending: bytes
    ending_stage: bytes
    peak: bytes
    height: bytes
    master: bytes
    severity: bytes
    method: bytes
    outcome: bytes
    trouble: bytes
    limit: bytes
    known: bytes


PICKUP = b"uid="

#: The end of a session that Postfix before 3.0 writes, without counts of commands.
DISCONNECTED = b"disconnect from "

#: Commands whose outcome is counted, as they stand in a line about the end of a session.
COMMANDS = frozenset(
    ("ehlo", "helo", "starttls", "auth", "mail", "rcpt", "data", "bdat", "rset", "noop", "unknown")
)
_STAGES = {
    b"CONNECT": "Connect",
    b"EHLO": "Helo",
    b"HELO": "Helo",
    b"MAIL": "Mail",
    b"RCPT": "Rcpt",
    b"DATA": "Data",
    b"BDAT": "Data",
    b"END-OF-MESSAGE": "Eom",
    b"header": "Eom",
    b"body": "Eom",
    b"mime-error": "Eom",
}
_ENDINGS = {
    b"lost connection": "numLostConnection",
    b"timeout": "numTimeout",
    b"too many errors": "numTooManyErrors",
    b"improper command pipelining": "numPipelining",
}
_LOST_STAGES = (
    "CONNECT",
    "EHLO",
    "HELO",
    "STARTTLS",
    "AUTH",
    "MAIL",
    "RCPT",
    "DATA",
    "BDAT",
    "END-OF-MESSAGE",
    "RSET",
    "NOOP",
    "QUIT",
    "UNKNOWN",
)
_CODES = tuple(b"450 451 454 501 503 504 521 530 550 552 553 554 571".split())
_METHODS = (
    b"PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM GSSAPI SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER"
    b" EXTERNAL"
).split()
_REJECTED = rb"(?:(?:[A-Z][a-z]++ [a-z]++|End-of-data) rejected: )?+"
_REASONS = (
    ("Rbl", rb"Service unavailable; [A-Za-z ]++\[(?:[^]\n]*+\]){1,500}? blocked using"),
    ("RelayDenied", rb"Relay access denied"),
    ("UnknownUser", rb"Recipient address rejected: User unknown"),
    ("UnknownClient", rb"Client host rejected: cannot find your"),
    ("UnknownHelo", rb"Helo command rejected: (?:Host not found|need fully-qualified|[Ii]nvalid)"),
    ("UnknownSender", rb"Sender address rejected: (?:Domain not found|User unknown|unverified)"),
    ("Greylist", _REJECTED + rb"(?:[Tt]emporarily )?+[Gg]r[ae]y-?list(?:-?ed|ing)"),
    ("Spf", _REJECTED + rb"(?:SPF|Message rejected due to: SPF)"),
    ("Policy", _REJECTED + rb"(?:Access denied|[Pp]olicy)"),
)
#: What postscreen says, and nothing else of it, when it has no process for a client.
_BUSY = b"reject: connect from"
_SCREEN = {
    b"CONNECT": "psConnect",
    b"PASS NEW": "psPassNew",
    b"PASS OLD": "psPassOld",
    b"FAIL": "psFail",
    b"DROP": "psDrop",
    b"ENFORCE": "psEnforce",
    b"PREGREET": "psPregreet",
    b"HANGUP": "psHangup",
    b"DNSBL": "psDnsbl",
    b"ALLOWLISTED": "psAllowlisted",
    b"WHITELISTED": "psAllowlisted",
    b"ALLOWLIST VETO": "",
    b"WHITELIST VETO": "",
    b"DENYLISTED": "psDenylisted",
    b"BLACKLISTED": "psDenylisted",
    b"BARE NEWLINE": "psBareNewline",
    b"NON-SMTP COMMAND": "psNonSmtp",
    b"COMMAND PIPELINING": "psPipelining",
    b"COMMAND TIME LIMIT": "psLimit",
    b"COMMAND COUNT LIMIT": "psLimit",
    b"COMMAND LENGTH LIMIT": "psLimit",
    b"DISCONNECT": "",
    b"SKIP": "",
    b"UNPASS": "",
    b"UNFAIL": "",
    _BUSY: "",
}
_TROUBLES = {
    b"Connection rate limit exceeded": "rateLimit_conn",
    b"Connection concurrency limit exceeded": "rateLimit_concurrency",
    b"Message delivery request rate limit exceeded": "rateLimit_msg",
    b"Recipient address rate limit exceeded": "rateLimit_rcpt",
    b"AUTH command rate limit exceeded": "rateLimit_auth",
    b"New TLS session rate limit exceeded": "rateLimit_tls",
    b"Refusing STARTTLS request from": "rateLimit_tls",
    b"Refusing TLS service request from": "rateLimit_tls",
    b"does not resolve to address": "numFcrdnsError",
    b"TLS library problem": "tlsError",
    b"process limit": "processLimit",
}
_SEVERITIES = {
    b"warning": "numWarning",
    b"error": "numError",
    b"fatal": "numFatal",
    b"panic": "numPanic",
}
_ACTIONS = {
    b"reject_warning": "numRejectWarning",
    b"hold": "numHeld",
    b"milter-hold": "numHeld",
    b"discard": "numDiscarded",
    b"milter-discard": "numDiscarded",
    b"redirect": "numRedirected",
    b"filter": "numFiltered",
}
_MASTER = {
    b"daemon started": "masterStart",
    b"reload": "masterReload",
    b"terminating": "masterStop",
}
_PEAKS = {b"connection rate": "anvilMaxConnRate", b"connection count": "anvilMaxConnCount"}

#: Daemons whose every line is read; those of others are passed over.
DAEMONS = (
    b"smtpd|smtp|lmtp|local|virtual|pipe|error|retry|discard|relay|[on]?qmgr|cleanup|bounce|defer|"
    b"trace|pickup|postscreen|tlsproxy|master|anvil"
)

#: Daemons and commands that are read where they warn or fail.
_OTHERS = (
    b"proxymap|proxywrite|trivial-rewrite|tlsmgr|flush|scache|showq|spawn|verify|dnsblog|qmqpd|"
    b"sendmail|postlogd?|postdrop|postqueue|postsuper|postalias|postmap|postmulti|postfix-script"
)

_ANY_REASON = b"|".join(pattern for _, pattern in _REASONS)
_DETAIL = rb"\.\d{1,3}+\.\d{1,3}+ "
_STAGE = rb"[A-Z][A-Z-]{2,13}+"
# What was refused comes before the reason, in the bare words of a stranger, who
# may imitate a reason in them. He is found out by what follows, where the same
# words stand in quotes: no other `>: ` is there, or none before the addresses,
# which have to end the line. Where Postfix (at 510 bytes) or syslog (at 1,024)
# may have cut the line only the latter will do.
_REFUSED = (
    rb"<(?:(?!.{600})[^<>\n]*+>: (?!.*>: )"
    rb"|(?=(?=.{0,450}?; (?:from=<|proto=))[^<>\n]*+>: (?:(?!>: |; (?:from=<|proto=)).)*+;"
    rb"(?: from=<" + ADDRESS + rb")?+(?: to=<" + ADDRESS + rb")?+"
    rb" proto=[A-Z]++(?: helo=<[^<>\"\n]*+>)?+(?: sasl_username=<[^<>\"\n]*+>)?+(?!.))"
    rb"[^<>\n]*+>: )"
)
_ACTION = (
    rb"((?:milter-|proxy-)?+[a-z][a-z_-]{1,14}+): "
    rb"(" + _STAGE + rb"|(?:mime-|nested )?+header|body|mime-error)[ :]"
    # Behind a header or a line of the body there is only what its sender wrote.
    rb"(?:(?:(?<=[A-Z] )from " + WORD + rb" |(?<=-MESSAGE:) )"
    # A milter's reply to cleanup has the enhanced code alone: of it, the class.
    rb"(?:([245]\d\d(?= )|[45](?=" + _DETAIL + rb")) ?+(?:[245]?+" + _DETAIL + rb")?+)?+"
    rb"(?:" + _REFUSED + rb")?+(" + _ANY_REASON + rb")?+)?+"
)
_TLS = (
    rb"(Anonymous|Untrusted|Trusted|Verified) TLS connection (established|reused) (from|to) "
    rb"" + WORD + rb" (?:to " + WORD + rb" )?+(?:(TLSv1(?:\.[1-3])?+)|" + WORD + rb") with"
)
_SEVERE = (
    rb"(warning|error|fatal|panic): (?:"
    rb"" + WORD + rb" SASL (?:(" + b"|".join(_METHODS) + rb") |" + WORD + rb" )"
    rb"authentication (failed|aborted)"
    rb"|(?:hostname " + WORD + rb" )?+(" + b"|".join(_TROUBLES) + rb")"
    rb"|service " + WORD + rb" \([^)\n]{1,99}+\) has reached its (process limit))?+"
)
# Nothing to count: what became of the mail stands in a delivery record, and
# what became of a session where it ends.
_KNOWN_OF_MESSAGE = (
    rb"uid=|resent-message-id=|removed \(|host |lost connection |conversation |enabling "
    rb"|skipped, |status=deferred |TLS |Cannot start TLS|[Ss]erver certificate |replac|prepend"
    rb"|sending |queue file |breaking line|moved |no trace |postmaster notice|undeliverable "
    rb"|not sending |save |passing |from=|abort: |Host offered |table |Untrusted "
)
_KNOWN = (
    rb"connect to |disconnect from (?=" + WORD + rb"(?!.))|SSL_(?:accept|connect) error "
    rb"|statistics: |setting up TLS |table |using |non-SMTP |discarding EHLO |Host offered "
    rb"|reject: ETRN |(?:DATA|BDAT) without |certificate |[Ss]erver certificate "
    rb"|cache |close database |lost connection with |refreshing |warning |unable to "
    rb"|Wrapper-mode |Refusing |throttl|entering |leaving |start "
)


def _tag(daemons: bytes) -> bytes:
    return rb"(?>[!-\xff]*/)(" + daemons + rb")(?:\[" + WORD + rb"|:) "


_FAILING = rb"(?:" + _OTHERS + rb")(?=(?:\[" + WORD + rb"|:) (?:warning|error|fatal|panic): )"
_MESSAGE = rb"(?:NOQUEUE|" + ID + rb"): "

#: What a restriction, check or milter did: of all these lines the most frequent.
#: That of a filter before the queue has no queue id.
RESTRICTION = _tag(DAEMONS) + rb"(?:NOQUEUE: |" + ID + rb": |(?=proxy-))" + _ACTION

#: All else.
EVENT = (
    _tag(DAEMONS + b"|" + _FAILING) + rb"(?:" + _MESSAGE + rb"(?:"
    rb"(?:sender|postmaster) (non-delivery|delay|delivery status) notification: |"
    rb"(client=)" + WORD + rb"(?: (sasl_method)=)?+|"
    rb"from=<" + ADDRESS + rb", status=((?:force-)?+expired),|"
    rb"(" + _KNOWN_OF_MESSAGE + rb"))|"
    rb"" + _TLS + rb"|"
    rb"(" + b"|".join(_SCREEN) + rb")(?: rank (\d{1,6}+))?+ |"
    rb"(" + b"|".join(_ENDINGS) + rb") after (" + _STAGE + rb") |"
    rb"statistics: max (connection (?:rate|count)) (\d{1,9}+)|"
    rb"(daemon started|reload|terminating) |"
    rb"" + _SEVERE + rb"|"
    rb"(" + _KNOWN + rb"))"
)


def counters(event: Event) -> Iterator[tuple[str, int]]:
    """
    Yield the counters that *event* adds to, and by how much.

    >>> blank = Event(*[b""] * len(Event._fields))
    >>> list(counters(blank._replace(client=b"client=")))
    [('numReceived', 1)]
    """
    if event.trust:
        yield from _tls(event)
    elif event.screen:
        yield from _screen(event)
    elif event.ending:
        yield from ended(event.ending, event.ending_stage)
    elif event.severity:
        yield from _severe(event)
    else:
        yield from _message(event)


def peak(event: Event) -> tuple[str, int] | None:
    """Return the name of the highest value that *event* tells of, and the value."""
    return (_PEAKS[event.peak], int(event.height)) if event.peak else None


def restricted(restriction: Restriction) -> Iterator[tuple[str, int]]:
    """
    Yield the counters that *restriction* adds to, and by how much.

    >>> list(restricted(Restriction(b"smtpd", b"hold", b"RCPT", b"", b"")))
    [('numHeld', 1)]
    """
    daemon, action, stage, code, reason = restriction
    if action.endswith(b"reject"):
        yield "numRejected", 1
        yield f"reject_{code.decode() if code in _CODES else 'other'}", 1
        if code:
            yield f"reject{code[:1].decode()}xx", 1
        if stage in _STAGES or stage.endswith(b"header"):
            yield f"reject{_STAGES.get(stage, 'Eom')}", 1
        yield f"reject{_reason(reason)}", 1
        if action.startswith(b"milter-"):
            yield "numMilterReject", 1
        if daemon == b"postscreen":
            yield "psReject", 1
    elif action in _ACTIONS:
        yield _ACTIONS[action], 1
    if action.startswith(b"reject") and _reason(reason) == "Rbl":
        yield "numRbl", 1


def _reason(text: bytes) -> str:
    """Return the class of a reason for a refusal."""
    for name, pattern in _REASONS:
        if text and re.match(pattern, text):
            return name
    return "Other"


def _tls(event: Event) -> Iterator[tuple[str, int]]:
    if event.daemon == b"tlsproxy" and event.direction == b"to":
        return  # the client that uses the session says so itself
    side = "tlsIn" if event.direction == b"from" else "tlsOut"
    yield side, 1
    if event.session == b"reused":
        yield "tlsReused", 1
    if side == "tlsIn":
        yield f"tlsIn_{event.version.decode() or 'other'}", 1
    yield f"tls{event.trust.decode()}", 1


def _message(event: Event) -> Iterator[tuple[str, int]]:
    if event.client:
        yield "numReceived", 1
        if event.sasl:
            yield "numReceivedSasl", 1
    elif event.expired:
        yield "numExpired" if event.expired == b"expired" else "numForceExpired", 1
    elif event.notice:
        yield "numDelayNotice" if event.notice == b"delay" else "numBounceNotice", 1
    elif event.master:
        yield _MASTER[event.master], 1
    elif event.known_of_message == PICKUP:
        yield "numPickup", 1
    elif event.known == DISCONNECTED:
        yield "numDisconnect", 1


def _screen(event: Event) -> Iterator[tuple[str, int]]:
    if event.daemon == b"postscreen":
        if event.screen == _BUSY:
            yield from restricted(Restriction(event.daemon, b"reject", b"CONNECT", b"421", b""))
        elif _SCREEN[event.screen]:
            yield _SCREEN[event.screen], 1
        if event.rank:
            yield "~dnsblRank", int(event.rank)


def ended(ending: bytes, stage: bytes) -> Iterator[tuple[str, int]]:
    """Yield the counters that a session's bad end adds to."""
    yield _ENDINGS[ending], 1
    if ending == b"lost connection":
        name = stage.decode()
        yield f"lostAfter_{name if name in _LOST_STAGES else 'other'}", 1


def _severe(event: Event) -> Iterator[tuple[str, int]]:
    yield _SEVERITIES[event.severity], 1
    if event.outcome == b"failed":
        yield "numAuthFailed", 1
        yield f"authFailed_{event.method.decode() or 'other'}", 1
    elif event.outcome == b"aborted":
        yield "numAuthAborted", 1
    if event.trouble or event.limit:
        yield _TROUBLES[event.trouble or event.limit], 1

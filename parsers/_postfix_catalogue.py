"""Every metric of the Postfix parser: name, unit, kind and help."""

from logster.metrics import MetricInfo


def _counts(units: str, *rows: tuple[str, str]) -> tuple[MetricInfo, ...]:
    return tuple(MetricInfo(name, units, "c", text) for name, text in rows)


def _gauges(units: str, *rows: tuple[str, str]) -> tuple[MetricInfo, ...]:
    return tuple(MetricInfo(name, units, "g", text) for name, text in rows)


_DELIVERIES = (
    *_counts("Total Sent", ("numSent", "Deliveries.")),
    *_gauges(
        "Percentage Sent", ("pctSent", "Share of those sent in those sent, put off and failed.")
    ),
    *_counts("Total Deferred", ("numDeferred", "Deliveries put off.")),
    *_gauges("Percentage Deferred", ("pctDeferred", "Their share.")),
    *_counts("Total Bounced", ("numBounced", "Deliveries that failed for good.")),
    *_gauges("Percentage Bounced", ("pctBounced", "Their share.")),
    *_gauges(
        "Transactions per sec", ("mailTxnsSec", "Delivery attempts: sent, deferred, bounced.")
    ),
    *_gauges("Sends per sec", ("mailSentSec", "Deliveries.")),
    *_gauges(
        "Average Sending Delay", ("avgDelay", "Seconds from arrival to delivery; those sent.")
    ),
    *_gauges(
        "Deliveries per sec",
        ("mailDeferredSec", "Deliveries put off."),
        ("mailBouncedSec", "Deliveries that failed for good."),
    ),
    *_counts(
        "Deliveries",
        ("numSent.{agent}", "Deliveries by smtp, lmtp, local, virtual, pipe or the relay service."),
        ("numDeferred.{agent}", "The same, of those put off."),
        ("numBounced.{agent}", "The same, of those that failed for good."),
        ("numSoftBounced", "Deliveries that would have failed, without soft_bounce."),
        ("numReused", "Deliveries over a connection that was open already."),
        ("numVerifyDeliverable", "Address probes that found the address good; no mail."),
        ("numVerifyUndeliverable", "Address probes that found it bad; no mail."),
    ),
    *_counts(
        "Messages",
        ("numExpired", "Messages given up, being too old."),
        ("numForceExpired", "Messages given up on command."),
    ),
)
_DELAYS = _gauges(
    "Seconds",
    ("minDelay", "Shortest delay of a message sent."),
    ("maxDelay", "Longest delay of a message sent."),
    ("medianDelay", "Median of the delays of those sent."),
    ("p90Delay", "90th percentile."),
    ("p95Delay", "95th percentile."),
    ("p99Delay", "99th percentile."),
    ("avgDelayDeferred", "Mean age of messages put off."),
    ("avgDelayBeforeQmgr", "Mean time until the queue manager had those sent."),
    ("avgDelayQmgr", "Mean time in the queue manager."),
    ("avgDelayConn", "Mean time to connect: DNS, TCP, TLS, HELO."),
    ("avgDelayTransmission", "Mean time to transmit."),
    ("p95DelayBeforeQmgr", "95th percentile of the time until the queue manager."),
    ("p95DelayQmgr", "95th percentile of the time in the queue manager."),
    ("p95DelayConn", "95th percentile of the time to connect."),
    ("p95DelayTransmission", "95th percentile of the time to transmit."),
)
_STATUS = _counts(
    "Deliveries",
    ("dsn2xx", "Delivery attempts by class of status code: success."),
    ("dsn4xx", "Delivery attempts by class of status code: for now."),
    ("dsn5xx", "Delivery attempts by class of status code: for good."),
    ("dsn_{code}", "Attempts by registered status code of class 4 or 5: dsn_5_1_1 …, dsn_other."),
    ("deferTimeout", "Deliveries put off: a connection or conversation timed out."),
    ("deferRefused", "Deliveries put off: connection refused."),
    ("deferNoRoute", "Deliveries put off: host or network not reachable."),
    ("deferHostNotFound", "Deliveries put off: no such host, for now."),
    ("deferTLS", "Deliveries put off: TLS."),
    ("deferGreylist", "Deliveries put off: greylisted."),
    ("deferRateLimit", "Deliveries put off: too much at once."),
    ("deferOther", "Deliveries put off for any other reason."),
)
_INTAKE = (
    *_counts(
        "Messages",
        ("numReceived", "Messages that came by SMTP."),
        ("numReceivedSasl", "Those of clients that had logged in."),
        ("numPickup", "Messages that came by the sendmail command."),
        ("numMessageId", "Messages that cleanup saw."),
        ("numQueued", "Messages that became active; retries count once (to 50,000)."),
    ),
    *_counts("Recipients", ("numRecipients", "Their recipients.")),
    *_counts("Bytes", ("bytesQueued", "Their sizes together.")),
    *_gauges("Bytes", ("avgMsgSize", "Their mean size."), ("maxMsgSize", "The largest.")),
    *_counts(
        "Messages",
        ("numRemoved", "Messages done with."),
        ("numHeld", "Put on hold by a restriction, check or milter."),
        ("numDiscarded", "Discarded by a restriction, check or milter."),
        ("numRedirected", "Redirected by a restriction or check."),
        ("numFiltered", "Sent to a filter by a restriction or check."),
    ),
)
_REJECTS = (
    *_counts("Rejects", ("numRejected", "Commands, recipients and messages refused.")),
    *_gauges("Percent", ("pctRejected", "Share of those in those and the messages received.")),
    *_gauges("Rejects per sec", ("rejectSec", "Refused per second.")),
    *_counts(
        "Rejects",
        ("reject4xx", "Refused for now."),
        ("reject5xx", "Refused for good."),
        ("reject_{code}", "Refused by reply code; reject_other for none or a rare one."),
        ("rejectConnect", "Refused at connection."),
        ("rejectHelo", "Refused at HELO or EHLO."),
        ("rejectMail", "Refused at MAIL FROM."),
        ("rejectRcpt", "Refused at RCPT TO."),
        ("rejectData", "Refused at DATA or BDAT."),
        ("rejectEom", "Refused at the end of the message, content checks included."),
        ("rejectRbl", "Refused because of a block list."),
        ("rejectRelayDenied", "Refused to relay."),
        ("rejectUnknownUser", "Refused: no such user."),
        ("rejectUnknownClient", "Refused: client without a host name."),
        ("rejectUnknownHelo", "Refused: bad HELO name."),
        ("rejectUnknownSender", "Refused: bad sender domain or address."),
        ("rejectGreylist", "Refused by greylisting."),
        ("rejectSpf", "Refused by SPF."),
        ("rejectPolicy", "Refused by an access table or policy without a text of its own."),
        ("rejectOther", "Refused for any other reason."),
        ("numRejectWarning", "Not refused only because of warn_if_reject."),
        ("numMilterReject", "Refused by a milter."),
        ("numRbl", "Block list hits, refused or with a warning."),
    ),
)
_SESSIONS = (
    *_counts("Sessions", ("numConnect", "SMTP sessions begun."), ("numDisconnect", "And ended.")),
    *_gauges("Sessions per sec", ("connectSec", "Begun per second.")),
    *_counts(
        "Sessions",
        ("numLostConnection", "Sessions that the client broke off."),
        ("lostAfter_{stage}", "The same by the last command: lostAfter_RCPT …, lostAfter_other."),
        ("numTimeout", "Sessions that timed out."),
        ("numTooManyErrors", "Sessions ended for too many errors."),
        ("numPipelining", "Sessions with commands sent ahead of time."),
        ("numFcrdnsError", "Clients whose name does not lead back to their address."),
        ("numBareLf", "Sessions with bare line feeds."),
    ),
    *_counts(
        "Commands",
        ("cmd_{command}", "Commands that succeeded: cmd_ehlo …, of sessions that ended."),
        ("cmdFail_{command}", "Commands that failed."),
    ),
    *_gauges("Commands", ("avgCommandsPerSession", "Commands per session that ended.")),
)
_SECURITY = (
    *_counts(
        "Logins",
        ("numAuth", "Logins of sessions that ended."),
        ("numAuthFailed", "Logins that failed."),
    ),
    *_gauges("Percent", ("pctAuthFailed", "Their share.")),
    *_counts(
        "Logins",
        ("authFailed_{method}", "Logins that failed, by SASL mechanism; authFailed_other."),
        ("numAuthAborted", "Logins that the client broke off."),
    ),
    *_counts(
        "Sessions",
        ("tlsIn", "TLS sessions of clients."),
        ("tlsIn_{version}", "The same by protocol: tlsIn_TLSv1.3 …, tlsIn_other."),
        ("tlsOut", "TLS sessions with other servers."),
        ("tlsReused", "TLS connections used again."),
        ("tlsAnonymous", "TLS sessions by what is known of the peer: no certificate."),
        ("tlsUntrusted", "A certificate that nobody vouches for."),
        ("tlsTrusted", "A trusted certificate."),
        ("tlsVerified", "A trusted certificate with the right name."),
    ),
    *_gauges(
        "Percent",
        ("pctTlsIn", "TLS sessions per SMTP session begun."),
        ("pctTlsOut", "TLS sessions per delivery attempt over a new connection."),
    ),
    *_counts("Errors", ("tlsError", "Errors of the TLS library.")),
)
_SCREEN = (
    *_counts(
        "Clients",
        ("psConnect", "postscreen: connections."),
        ("psPassNew", "postscreen: passed all tests."),
        ("psPassOld", "postscreen: passed before."),
        ("psFail", "postscreen: FAIL."),
        ("psDrop", "postscreen: DROP."),
        ("psEnforce", "postscreen: ENFORCE."),
        ("psPregreet", "postscreen: spoke before the greeting."),
        ("psHangup", "postscreen: hung up in a test."),
        ("psDnsbl", "postscreen: listed."),
    ),
    *_gauges("Rank", ("avgDnsblRank", "Mean rank of those listed.")),
    *_counts(
        "Clients",
        ("psAllowlisted", "postscreen: on the allow list."),
        ("psDenylisted", "postscreen: on the deny list."),
        ("psReject", "postscreen: recipients and connections refused."),
        ("psBareNewline", "postscreen: bare line feed."),
        ("psNonSmtp", "postscreen: not an SMTP command."),
        ("psPipelining", "postscreen: commands sent ahead of time."),
        ("psLimit", "postscreen: time, count or length limit of commands."),
    ),
)
_HEALTH = (
    *_counts(
        "Messages",
        ("numWarning", "Warnings logged."),
        ("numError", "Errors logged."),
        ("numFatal", "Fatal errors logged."),
        ("numPanic", "Panics logged."),
        ("rateLimit_{limit}", "Limits hit by clients: conn, concurrency, msg, rcpt, auth, tls."),
        ("processLimit", "A service had as many processes as it may."),
        ("masterStart", "Starts of Postfix."),
        ("masterReload", "Reloads."),
        ("masterStop", "Stops."),
        ("numBounceNotice", "Notices of delivery or non-delivery sent."),
        ("numDelayNotice", "Notices of delay sent."),
    ),
    *_gauges(
        "Connections",
        ("anvilMaxConnRate", "Highest connection rate of one client."),
        ("anvilMaxConnCount", "Most connections of one client at a time."),
    ),
)
_BY = tuple(
    MetricInfo(f"{what}.{place}", "Deliveries", "c", text)
    for place, text in (
        ("instance.{instance}", "Of one instance of Postfix (--per-instance)."),
        ("relay.{host}", "To one next hop (--top-relays); dots become underscores."),
        ("domain.{domain}", "To one recipient domain (--top-domains); dots become underscores."),
    )
    for what in ("numSent", "numDeferred", "numBounced")
)

CATALOGUE = (
    *_DELIVERIES,
    *_DELAYS,
    *_STATUS,
    *_INTAKE,
    *_REJECTS,
    *_SESSIONS,
    *_SECURITY,
    *_SCREEN,
    *_HEALTH,
    *_BY,
)

#: Given by every run, zeros included. All others only where there is something to tell.
ALWAYS = frozenset(
    (
        "numSent",
        "pctSent",
        "numDeferred",
        "pctDeferred",
        "numBounced",
        "pctBounced",
        "mailTxnsSec",
        "mailSentSec",
        "avgDelay",
        "mailDeferredSec",
        "mailBouncedSec",
        "numExpired",
        "numReceived",
        "numPickup",
        "numQueued",
        "numRecipients",
        "bytesQueued",
        "numRemoved",
        "numRejected",
        "pctRejected",
        "rejectSec",
        "reject4xx",
        "reject5xx",
        "numConnect",
        "connectSec",
        "numLostConnection",
        "numAuthFailed",
        "numWarning",
        "numError",
        "numFatal",
        "numPanic",
    )
)

"""
Logs for the benchmark: any number of lines, the same ones each time.

What daemons write is modelled on logs that real ones wrote: the share of each
kind of line, of each status and result, and the values that vary. Lengths are
those of busy servers: some 150 bytes a line of Postfix or Squid, 300 of JSON.

>>> lines("squid", 3) == lines("squid", 3)
True
"""

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator


#: 21 November 2026, 06:15 UTC.
START = 1_795_241_700

#: Lines a second in the logs.
RATE = 40

Draw = random.Random
_Kinds = list[tuple[int, Callable[[Draw], str]]]


def write(kind: str, count: int, path: str) -> None:
    """
    Write *count* lines of *kind* to *path*, unless they are there already.

    Args:
        kind: One of `KINDS`.

        count: How many lines.

        path: The file; it appears when it is whole.
    """
    if os.path.exists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as file:
        file.writelines(_chunks(kind, count))
    os.replace(path + ".new", path)


def lines(kind: str, count: int) -> list[str]:
    """Return the first *count* lines of a log of *kind*."""
    return b"".join(_chunks(kind, count)).decode().splitlines()


def _chunks(kind: str, count: int) -> Iterator[bytes]:
    """Yield the lines of a log, those of one second at a time."""
    kinds, stamp = KINDS[kind]
    draw = Draw(f"logster {kind}")
    for second in range((count + RATE - 1) // RATE):
        taken = _mixed(draw, kinds)[: count - second * RATE]
        yield stamp(START + second, taken).encode()


def _mixed(draw: Draw, kinds: _Kinds) -> list[str]:
    """Return what is logged in a second; each of *kinds* has its share of a long log."""
    makers = draw.choices([make for _, make in kinds], [share for share, _ in kinds], k=RATE)
    return [make(draw) for make in makers]


def _pick(draw: Draw, shares: dict[str, int]) -> str:
    return draw.choices(list(shares), list(shares.values()))[0]


def _syslog_lines(now: int, bodies: list[str]) -> str:
    stamp = time.strftime("%b %d %H:%M:%S mx1 postfix/", time.gmtime(now))
    return "".join([f"{stamp}{body}\n" for body in bodies])


def _squid_lines(now: int, bodies: list[str]) -> str:
    step = 1000 // RATE
    return "".join([f"{now}.{n * step:03d} {body}\n" for n, body in enumerate(bodies)])


def _apache_lines(now: int, bodies: list[str]) -> str:
    stamp = time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime(now))
    return "".join([f"{body.replace('@', stamp, 1)}\n" for body in bodies])


def _json_lines(now: int, bodies: list[str]) -> str:
    stamp, step = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)), 1000 // RATE
    return "".join(
        [f'{{"time":"{stamp}.{n * step:03d}Z",{body}\n' for n, body in enumerate(bodies)]
    )


def _id(draw: Draw) -> str:
    return f"{draw.randrange(1 << 40, 1 << 44):X}"


def _address(draw: Draw) -> str:
    return f"user{draw.randrange(9000)}@dept{draw.randrange(40)}.example.com"


def _client(draw: Draw) -> str:
    host = draw.randrange(250)
    return draw.choice(("localhost[127.0.0.1]", f"mail{host}.example.net[203.0.113.{host}]"))


def _delivery(draw: Draw) -> str:
    """Return a delivery attempt; of those of the model 53 % went well."""
    status = _pick(draw, {"sent": 53, "bounced": 27, "deferred": 20})
    delay = draw.choice((0.01, 0.02, 0.05, 0.5, 4.0)) * draw.randrange(1, 100)
    relay = f"mx{draw.randrange(9)}.example.org[198.51.100.{draw.randrange(250)}]:25"
    text = {
        "sent": "250 2.0.0 Ok: queued as " + _id(draw),
        "bounced": f"host {relay[:-3]} said: 500 5.3.0 Error: command failed"
        " (in reply to RCPT TO command)",
        "deferred": f"connect to {relay}: Connection refused",
    }[status]
    reuse = "conn_use=2, " if draw.random() < 0.03 else ""
    code = {"sent": "2.0.0", "bounced": "5.3.0", "deferred": "4.4.1"}[status]
    return (
        f"smtp[{draw.randrange(30000)}]: {_id(draw)}: to=<{_address(draw)}>, relay={relay}, {reuse}"
        f"delay={delay:.4g}, delays={_two(delay / 2)}/0.01/{_two(delay / 4)}/{_two(delay / 4)}, "
        f"dsn={code}, status={status} ({text})"
    )


def _two(seconds: float) -> str:
    """
    Return *seconds* with two digits, as Postfix writes them.

    >>> _two(230.0), _two(0.0123)
    ('230', '0.012')
    """
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"


def _reject(draw: Draw) -> str:
    client, sender = _client(draw), _address(draw)
    return (
        f"smtpd[{draw.randrange(30000)}]: NOQUEUE: reject: RCPT from {client}: 554 5.7.1 "
        f"<{sender}>: Relay access denied; from=<{sender}> to=<{_address(draw)}> proto=ESMTP "
        f"helo=<{client.partition('[')[0]}>"
    )


def _disconnect(draw: Draw) -> str:
    what = "ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
    return f"smtpd[{draw.randrange(30000)}]: disconnect from {_client(draw)} {what}"


_POSTFIX: _Kinds = [
    (135, lambda draw: f"smtpd[{draw.randrange(30000)}]: connect from {_client(draw)}"),
    (
        135,
        lambda draw: (
            f"qmgr[801]: {_id(draw)}: from=<{_address(draw)}>, "
            f"size={draw.randrange(400, 90000)}, nrcpt=1 (queue active)"
        ),
    ),
    (
        118,
        lambda draw: (
            f"cleanup[{draw.randrange(30000)}]: {_id(draw)}: "
            f"message-id=<{draw.randrange(10**12)}.{draw.randrange(10**6)}@mua.example.com>"
        ),
    ),
    (104, lambda draw: f"qmgr[801]: {_id(draw)}: removed"),
    (101, lambda draw: f"smtpd[{draw.randrange(30000)}]: {_id(draw)}: client={_client(draw)}"),
    (140, _disconnect),
    (167, _delivery),
    (50, _reject),
    (33, lambda draw: f"smtpd[{draw.randrange(9999)}]: lost connection after RSET from host[::1]"),
    (
        23,
        lambda draw: (
            f"bounce[{draw.randrange(30000)}]: {_id(draw)}: "
            f"sender non-delivery notification: {_id(draw)}"
        ),
    ),
    (
        5,
        lambda draw: (
            f"smtpd[{draw.randrange(30000)}]: Anonymous TLS connection established from "
            f"{_client(draw)}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
        ),
    ),
]

_RESULTS = {
    "TCP_MEM_HIT/200": 1435,
    "TCP_MISS/200": 440,
    "TCP_DENIED/403": 287,
    "TCP_MISS/201": 159,
    "TCP_IMS_HIT/304": 141,
    "TCP_TUNNEL/200": 126,
    "TCP_REFRESH_UNMODIFIED/200": 69,
    "NONE_NONE/400": 48,
    "TCP_MISS_ABORTED/000": 46,
    "TCP_MISS/503": 43,
    "TCP_REFRESH_MODIFIED/200": 29,
    "TCP_MISS/501": 27,
    "TCP_MISS/302": 17,
    "TCP_MISS/404": 14,
    "TCP_HIT/200": 11,
}
_TYPES = {"text/plain": 60, "text/html": 13, "image/jpeg": 10, "application/json": 9, "-": 8}
_AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": 5,
    "curl/8.14.1": 2,
    "-": 2,
    r"agent\\back\\slash": 1,
    r"Mozilla/5.0 (X11; Linux) \"quoted\"": 1,
}


def _request(draw: Draw, result: str) -> str:
    """Return a line of Squid behind its time."""
    elapsed = int(draw.paretovariate(0.5)) % 90_000 if draw.random() < 0.4 else draw.randrange(2)
    size = int(draw.lognormvariate(8, 1.5)) if not result.endswith("000") else 0
    client = f"10.1.{draw.randrange(8)}.{draw.randrange(250)}"
    host = f"www{draw.randrange(400)}.example.com"
    source = "HIER_NONE/-"
    if "MISS" in result or "TUNNEL" in result:
        source = f"HIER_DIRECT/198.51.{draw.randrange(99)}.{draw.randrange(250)}"
    method, target = _pick(draw, {"GET": 85, "POST": 5, "HEAD": 5, "PUT": 5}), f"http://{host}/"
    kind = _pick(draw, _TYPES)
    if "TUNNEL" in result:
        method, target, kind = "CONNECT", f"{host}:443", "-"
    elif "NONE_NONE" in result:
        method, target, kind = "-", "error:invalid-request", "-"
    else:
        target += f"static/assets/{draw.randrange(9999)}/file{draw.randrange(99999)}.txt?"
    return f"{elapsed:6d} {client} {result} {size} {method} {target} - {source} {kind}"


_SQUID: _Kinds = [
    (count, lambda draw, result=result: _request(draw, result))
    for result, count in _RESULTS.items()
]


_STATUSES = {"200": 932, "404": 349, "403": 76, "302": 72, "206": 39, "304": 30, "500": 6}


def _hit(draw: Draw, request: str = "") -> str:
    """Return a line of Apache's combined format, with @ in place of its time."""
    client = f"10.1.{draw.randrange(8)}.{draw.randrange(250)}"
    status = "400" if request == "GARBAGE" else _pick(draw, _STATUSES)
    size = "-" if status == "304" else str(int(draw.lognormvariate(8, 1.5)))
    request = request or f"GET /shop/{draw.randrange(999)}/item{draw.randrange(9999)} HTTP/1.1"
    referer = draw.choice(("-", "https://www.example.com/shop/"))
    return f'{client} - - @ "{request}" {status} {size} "{referer}" "{_pick(draw, _AGENTS)}"'


def _quoted(draw: Draw) -> str:
    return _hit(draw, rf"GET /missing/{draw.randrange(99)}?a=\"b\"&c=%22 HTTP/1.1")


_APACHE: _Kinds = [(97, _hit), (1, lambda draw: _hit(draw, "GARBAGE")), (2, _quoted)]


def _object(draw: Draw) -> str:
    """Return an object behind its time: 300 bytes with six numbers."""
    seconds = draw.expovariate(20)
    body = (
        f'"level":"info","service":"checkout","host":"web{draw.randrange(20):02d}.example.com",'
        f'"request":{{"method":"GET","path":"/api/v1/orders/{draw.randrange(10**6)}",'
        f'"bytes":{draw.randrange(80, 900)}}},'
        f'"response":{{"status":{_pick(draw, _STATUSES)},'
        f'"bytes":{int(draw.lognormvariate(8, 1.5))},"seconds":{seconds:.4f}}},'
        f'"upstream":{{"name":"db-{draw.randrange(4)}","seconds":{seconds * 0.8:.4f}}},'
        f'"queue":{draw.randrange(12)},"message":"'
    )
    return body + "served as asked "[: max(1, 266 - len(body))].ljust(266 - len(body), "x") + '"}'


#: Kind of log → its kinds of line, and what puts a time to them.
KINDS: dict[str, tuple[_Kinds, Callable[[int, list[str]], str]]] = {
    "postfix": (_POSTFIX, _syslog_lines),
    "squid": (_SQUID, _squid_lines),
    "apache": (_APACHE, _apache_lines),
    "json": ([(1, _object)], _json_lines),
}


def main() -> None:
    """Write the log that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("lines", type=int)
    parser.add_argument("path")
    given = parser.parse_args()
    write(given.kind, given.lines, os.path.abspath(given.path))


if __name__ == "__main__":
    main()

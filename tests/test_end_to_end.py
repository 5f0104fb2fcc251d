"""The main job, from a growing log to real receivers, called as cron calls it."""

import subprocess
from pathlib import Path

import pytest
from receivers import Carbon, Statsd
from running import COMMAND, logster


DELIVERY = (
    "Nov 21 06:15:43 mx postfix/smtp[27761]: {queue_id:X}: to=<b@sink.test>, "
    "relay=127.0.0.1[127.0.0.1]:25, delay={delay}, delays=0/0/0/{delay}, dsn={dsn}, "
    "status={status} (250 2.0.0 Ok)\n"
)


def deliveries(count: int, status: str = "sent", delay: int = 1, start: int = 0) -> str:
    """Return so many lines of deliveries."""
    dsn = {"sent": "2.0.0", "deferred": "4.0.0", "bounced": "5.0.0"}[status]
    return "".join(
        DELIVERY.format(queue_id=0x1000000000 + start + i, status=status, delay=delay, dsn=dsn)
        for i in range(count)
    )


def cron(words: str) -> subprocess.CompletedProcess[str]:
    """Run a command line the way cron does: a bare environment, a shell, no terminal."""
    return subprocess.run(
        ["env", "-i", "PATH=/usr/bin:/bin", "HOME=/", "sh", "-c", words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.touch()
    return path


def test_the_line_of_the_issue(log: Path) -> None:
    """A dry run over 1,000 deliveries shows the line that 1.x showed, as often as it is asked."""
    log.write_text(deliveries(1000))
    words = "--dry-run -p servers.proxy01b.postfix --output=statsd --statsd-host=statsd:8125"

    outcomes = [logster(*words.split(), "PostfixLogster", log) for _ in range(2)]

    for outcome in outcomes:
        assert (0, "") == (outcome.code, outcome.err)
        assert "statsd:8125 servers.proxy01b.postfix.numSent:1000|g" in outcome.out.splitlines()


def test_three_runs_by_cron(tmp_path: Path, log: Path, carbon: Carbon, statsd: Statsd) -> None:
    """Three runs over a growing log: carbon has a point for each, StatsD the last gauges."""
    line = (
        f"{COMMAND} -s {tmp_path}/state -l {tmp_path}/log -p cron.mail"
        f" -o graphite --graphite-host {carbon.address} -o statsd --statsd-host {statsd.address}"
        f" PostfixLogster {log}"
    )
    runs = [cron(line)]
    for sent, deferred in ((10, 0), (4, 1), (0, 3)):
        with log.open("a") as file:
            file.write(deliveries(sent) + deliveries(deferred, "deferred", start=5000))
        runs.append(cron(line))

    assert [(0, "", "")] * 4 == [(run.returncode, run.stdout, run.stderr) for run in runs]
    assert [10, 4, 0] == [value for _, value in carbon.points("cron.mail.numSent", count=3)]
    assert [0, 1, 3] == [value for _, value in carbon.points("cron.mail.numDeferred", count=3)]
    assert 100 == statsd.gauges()["cron.mail.pctDeferred"]
    assert 0 == statsd.gauges()["cron.mail.numSent"]

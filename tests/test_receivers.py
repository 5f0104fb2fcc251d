"""The real receivers answer what was sent to them."""

import socket
import time

import pytest
from receivers import Carbon, Statsd, need


def test_carbon_over_tcp_and_udp(carbon: Carbon) -> None:
    """What plaintext brings, over TCP or UDP, can be read back at once, and later from disk."""
    now = int(time.time())
    with socket.create_connection(("127.0.0.1", carbon.line)) as stream:
        stream.sendall(f"kept.tcp 42.5 {now}\nkept.tcp 43 {now + 7200}\n".encode())
        stream.shutdown(socket.SHUT_WR)
        stream.recv(1)
    with socket.socket(type=socket.SOCK_DGRAM) as channel:
        channel.sendto(f"kept.udp 7 {now - 1}\n".encode(), ("127.0.0.1", carbon.line))

    assert [(now, 42.5), (now + 7200, 43)] == carbon.points("kept.tcp", 2)
    assert [(now - 1, 7)] == carbon.points("kept.udp")
    assert [] == carbon.points("kept.nothing", 0)


def test_statsd_answers(statsd: Statsd) -> None:
    """Gauges, counters, timers and the very lines are read back, and forgotten on request."""
    with socket.socket(type=socket.SOCK_DGRAM) as channel:
        for line in (b"a.b:3|c\na.b:4|c", b"g:8|g", b"t:5|ms"):
            channel.sendto(line, ("127.0.0.1", statsd.port))

    assert {"g": 8} == statsd.gauges()
    assert {"a.b": 7} == statsd.counters()
    assert {"t": [5]} == statsd.timers()
    assert ["a.b:3|c", "a.b:4|c", "g:8|g", "t:5|ms"] == statsd.lines()

    statsd.clear()

    assert ({}, {}, []) == (statsd.gauges(), statsd.counters(), statsd.lines())


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server a test is skipped by name and says what to do; in CI it fails."""
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match=r"nowhere is not installed.*make servers"):
        need("nowhere")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"nowhere is not installed.*make servers"):
        need("nowhere")

"""Error logs of nginx."""

import gzip
from collections import Counter

import pytest
from parsing import ROOT, figures, read

from logster.errors import SkipLine
from logster.parser import Tally
from logster.parsers.nginx_error import EVENTS, LEVELS, NginxErrorParser, events


HEAD = "2026/11/21 06:21:32 [error] 9#9: *5 "


class TestNginxErrorParser:
    @pytest.mark.parametrize(
        ("message", "event"),
        [
            ('open() "/srv/x" failed (2: No such file or directory)', "open_failed"),
            ("connect() failed (111: Connection refused) while connecting", "upstream_unreachable"),
            ('directory index of "/srv/" is forbidden', "forbidden"),
            ('user "bob": password mismatch', "auth_failed"),
            ("client prematurely closed connection", "client_closed"),
            ("client sent invalid method while reading client request line", "client_invalid"),
        ],
    )
    def test_events(self, message: str, event: str) -> None:
        """What happened is told by how the message begins."""
        assert {"error": 1, event: 1} == events(f"{HEAD}{message}, client: 192.0.2.7\n")

    @pytest.mark.parametrize(
        "text",
        ["no live upstreams", "\\n2026/11/21 06:21:32 [crit] 9#9: x", '", client: x, [crit] 1#1: '],
    )
    @pytest.mark.parametrize("field", ["client: {}", 'request: "GET {}"', 'referrer: "{}"'])
    def test_strangers(self, field: str, text: str) -> None:
        """Neither a request, a host nor a referrer can pass for a level or an event."""
        line = f'{HEAD}open() "/x" failed (2: No such file), {field.format(text)}\n'

        assert {"error": 1, "open_failed": 1} == events(line)

    @pytest.mark.parametrize(
        "text", ["no live upstreams", '" failed', "[crit] 9#9: limiting requests"]
    )
    def test_path(self, text: str) -> None:
        """Nor can the path that is opened, which nginx writes as it came."""
        assert {"error": 1, "open_failed": 1} == events(f'{HEAD}open() "/{text}" failed (2: x)\n')

    def test_other_message(self) -> None:
        """A message that is not known counts for its level."""
        assert {"error": 1} == events(f"{HEAD}something else\n")

    @pytest.mark.parametrize(
        "line", ["nginx: [emerg] bind() failed\n", "PHP message: x\n", "[x] [error] y\n"]
    )
    def test_not_understood(self, line: str) -> None:
        """Lines without a time and a level are not counted."""
        with pytest.raises(SkipLine):
            events(line)

    def test_whole_log(self) -> None:
        """On a real log the levels are those that the third word of each line says."""
        log = gzip.decompress(read(f"{ROOT}/fixtures/whole/nginx-error.log.gz"))
        lines = log.decode().splitlines()
        words = Counter(line.split()[2].strip("[]") for line in lines)
        parser = NginxErrorParser()
        tally = parser.feed(log)

        assert Tally(len(lines), 0, 0) == tally
        assert words == parser.levels
        assert log.count(b" open() ") == figures(parser)["open_failed"]

    def test_catalogue(self) -> None:
        """The catalogue names every metric there is."""
        assert [*LEVELS, *EVENTS, "errors_per_second"] == [
            info.name for info in NginxErrorParser.catalogue()
        ]

"""Ganglia and NSCA: programs get arguments and input, never a shell; the daemons have it."""

import shlex

import pytest
from hypothesis import given
from outputs import any_metric, batch, output
from receivers import Gmond, Nsca

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.outputs.nsca import SendNsca


LOCAL = {"nsca_host": "mon:5667", "nsca_service_hostname": "web1"}


class TestGanglia:
    """One call of gmetric a metric."""

    @given(any_metric)
    def test_nothing_breaks_out(self, metric: Metric) -> None:
        """A command holds the same eight words, and a shell would read the preview so too."""
        ganglia = output("ganglia")
        line = ganglia.encode(metric)
        shown = list(ganglia.preview([metric]))

        if line is None:
            assert shown == []
            assert (
                number(metric.value) is None or not ganglia.name_of(metric) or not str(metric.value)
            )
            return
        words = line.decode().split("\0")
        assert words[:5] == ["/usr/bin/gmetric", "-d", "180", "-c", "/etc/ganglia/gmond.conf"]
        assert words[5::2] == ["--name", "--value", "--type", "--units"]
        name, value, kind, _ = words[6::2]
        assert name == ganglia.name_of(metric)
        assert kind == "string" or number(value) == float(number(metric.value) or 0)
        assert [words] == [shlex.split(each) for each in shown]

    @pytest.mark.parametrize(
        ("metric", "expected"),
        [
            (Metric("sent", 5, type="int32"), "int32"),
            (Metric("sent", 2**31, type="int32"), "double"),
            (Metric("sent", -1, type="uint8"), "double"),
            (Metric("sent", 0.5, type="int32"), "double"),
            (Metric("sent", 0.5, type="odd; id"), "float"),
            (Metric("sent", "up", type="string"), "string"),
        ],
    )
    def test_types(self, metric: Metric, expected: str) -> None:
        """A type that the value does not have gives way, since gmetric would refuse it."""
        line = output("ganglia").encode(metric)

        assert line is not None
        assert line.decode().split("\0")[-3] == expected

    def test_preview(self) -> None:
        """A dry run shows the command as 1.x printed it."""
        ganglia = output("ganglia", metric_prefix="web")
        shown = ganglia.preview([Metric("http_5xx", 0.5, "Responses per sec")])

        assert "\n".join(shown) == (
            "/usr/bin/gmetric -d 180 -c /etc/ganglia/gmond.conf --name web_http_5xx --value 0.5 "
            '--type float --units "Responses per sec"'
        )

    def test_gmond_has_it(self, gmond: Gmond) -> None:
        """Names, values, types and units arrive at a real gmond; hostile ones harm nothing."""
        ganglia = output("ganglia", gmetric_options=f"-d 60 -c {gmond.config}")
        metrics = (
            Metric("numSent", 42, "mails", "int32"),
            Metric("cold", -0.5, "50% & <b>"),
            Metric("$(touch x)`id`", 1),
            Metric("nan", float("nan")),
        )

        assert tuple(ganglia.deliver([batch(5, *metrics)])) == (1, 1, None)
        found = gmond.metrics("numSent", "cold", "__touch_x__id_")
        assert (found["numSent"]["VAL"], found["numSent"]["TYPE"]) == ("42", "int32")
        assert (found["cold"]["VAL"], found["cold"]["UNITS"]) == ("-0.5", "50% _ _b_")
        assert found["numSent"]["DMAX"] == "60"

    def test_gmetric_fails(self) -> None:
        """What gmetric complains of is passed on, and the batch stays owed."""
        ganglia = output("ganglia", gmetric_options="-c /nonexistent/gmond.conf")
        receipt = ganglia.deliver([batch(5, Metric("up", 1))])

        assert receipt.delivered == 0
        assert "gmetric" in str(receipt.error)

    def test_bad_options(self) -> None:
        """Options with an open quote are refused before anything is read."""
        with pytest.raises(ConfigurationError, match="--gmetric-options"):
            output("ganglia", gmetric_options="-c 'x")


class TestNsca:
    """All results in one call of send_nsca."""

    @given(any_metric)
    def test_nothing_breaks_out(self, metric: Metric) -> None:
        """A result has four fields, whatever the log held, and fits one echo of a shell."""
        nsca = output("nsca", **LOCAL)
        line = nsca.encode(metric)

        if line is None:
            assert number(metric.value) is None or not nsca.name_of(metric)
            return
        host, name, status, said = line.decode().split("\t")
        assert (host, name) == ("web1", nsca.name_of(metric))
        assert number(status) == float(number(metric.value) or 0)
        assert not set(line.decode()) & set("\x17\n\r\0;|'")
        assert len(name.encode()) < 128
        shown = "\n".join(nsca.preview([metric]))
        command = "/usr/sbin/send_nsca -H mon -p 5667"
        assert shown == f"echo '{host}\t{name}\t{status}\t{said}' | {command}"

    def test_nsca_has_it(self, nsca: Nsca) -> None:
        """Several results go in one call and arrive as several."""
        sender = output(
            "nsca",
            nsca_host=nsca.address,
            nsca_service_hostname="web1",
            nsca_config=str(nsca.config),
            metric_prefix="mail",
        )
        metrics = (
            Metric("queue", 2, "too long"),
            Metric("bad", "n/a"),
            Metric("odd;1\n2'$(id)", 1, "a\x17web2\tup\t0\tfine"),
            Metric("delay", 0, "OK"),
        )

        assert tuple(sender.deliver([batch(5, *metrics)])) == (1, 1, None)
        assert sorted(nsca.results("web1", 3)) == [
            "web1;mail_delay;0;OK",
            "web1;mail_odd_1_2___id_;1;a_web2_up_0_fine",
            "web1;mail_queue;2;too long",
        ]

    def test_perfdata(self, nsca: Nsca) -> None:
        """On request the figure goes as performance data, with status 0."""
        sender = output(
            "nsca",
            nsca_host=nsca.address,
            nsca_service_hostname="web2",
            nsca_config=str(nsca.config),
            nsca_perfdata=True,
        )
        sender.deliver([batch(5, Metric("numSent", 42, "mails"))])

        assert nsca.results("web2", 1) == ["web2;numSent;0;numSent 42 mails|numSent=42"]

    def test_daemon_away(self) -> None:
        """Without a daemon the batch stays owed, and send_nsca's word is passed on."""
        sender = output("nsca", nsca_host="127.0.0.1:1")
        receipt = sender.deliver([batch(5, Metric("up", 1))])

        assert receipt.delivered == 0
        assert "send_nsca" in str(receipt.error)

    def test_complaint_of_several_lines(self) -> None:
        """What send_nsca complains of in several lines is one sentence, without another Error:."""
        sender = output("nsca", **LOCAL)
        complaint = "echo 'connect: refused.' >&2; echo 'Error: No way to mon.' >&2; exit 2"
        sender.transport = SendNsca(["sh", "-c", complaint])
        receipt = sender.deliver([batch(5, Metric("up", 1))])

        assert str(receipt.error) == "sh ended with 2: connect: refused; No way to mon"

    def test_host_missing(self) -> None:
        """Without a host it says which option is missing, in the words of 1.x."""
        with pytest.raises(ConfigurationError, match="You must supply --nsca-host when using 'nsc"):
            output("nsca")

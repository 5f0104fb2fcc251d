"""What the tests of all outputs share: settings, metrics, strategies."""

from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from logster.metrics import Batch, Metric
from logster.outputs import Output
from logster.registry import load_output


#: Any text at all: blanks, quotes, control characters, lone surrogates.
any_text = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from("a.b_ |:;,#@=\"'`$(){}/\\\t\r\n\0\x17\x85\u2028é\udc80"), max_size=40),
    st.text("ab.", min_size=200, max_size=3000),
)

#: Any value that a parser may give.
any_value = st.one_of(
    st.integers(),
    st.floats(),
    any_text,
    st.sampled_from([10**400, "+5", "1e400", "nan", "-0", "1|c", True, -5.5, "12.50"]),
)

#: Any metric that a parser may give.
any_metric = st.builds(
    Metric,
    name=any_text,
    value=any_value,
    units=any_text,
    type=st.one_of(st.sampled_from(["float", "int32", "uint8", "string"]), any_text),
    timestamp=st.one_of(st.just(1_800_000_000), any_value),
    kind=st.one_of(st.sampled_from(["g", "c", "ms", "h", "s"]), any_text),
    extra=st.none(),
)


def settings(name: str, **given: Any) -> SimpleNamespace:
    """Return settings for the output *name*: its defaults, and what is *given*."""
    shared: dict[str, Any] = {
        "metric_prefix": "",
        "metric_suffix": None,
        "timeout": 5.0,
        "confirm": True,
        "dry_run": False,
        "parser": "postfix",
        "log": "/var/log/mail.log",
        "tags": (),
    }
    own = {
        option.name: () if option.multiple and option.default is None else option.default
        for option in load_output(name).options
    }
    return SimpleNamespace(**(shared | own | given))


def output(name: str, **given: Any) -> Output:
    """Return the output *name* with the settings *given*."""
    made: Output = load_output(name)(settings(name, **given))
    return made


def batch(time: int, *metrics: Metric) -> Batch:
    """Return a batch of *metrics* that all bear its *time*."""
    return Batch(time, tuple(metric._replace(timestamp=time) for metric in metrics))

"""The encoder of one output in the hands of another."""

from importlib import import_module
from types import SimpleNamespace

from logster.outputs import Output


#: Outputs whose lines are text that means something without their receiver.
TEXTS = ("graphite", "statsd", "prometheus", "influxdb", "opentsdb", "collectd", "munin")


def borrowed(name: str, settings: SimpleNamespace) -> Output:
    """Return the output *name* as an encoder only, with *settings* and its own defaults."""
    kind = getattr(import_module(f"logster.outputs.{name}"), f"{name.capitalize()}Output")
    defaults = {option.name: option.default for option in kind.options}
    made: Output = kind(SimpleNamespace(**(defaults | vars(settings))), encode_only=True)
    return made

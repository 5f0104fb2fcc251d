"""The 1.x name of `logster.parsers.metric_lines`."""

from logster.parsers.metric_lines import MetricLogster


__all__ = ["MetricLogster"]

"""The 1.x name of `logster.stats`."""

from logster.stats import find_mean, find_median, find_percentile


__all__ = ["find_mean", "find_median", "find_percentile"]

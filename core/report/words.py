"""Numbers and dates as a report prints them."""

from __future__ import annotations

import time

from ..metric_table import BY_KEY
from ..units import interval


def moment(seconds: float) -> str:
    """Return seconds since the epoch as '2026-11-28 04:10 UTC'."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def span(found: tuple[float, float] | None) -> str:
    """Return a 95 % interval as it is printed in a table; '-' if there is none."""
    return interval(found) or "-"


def figure(key: str, value: float | None) -> str:
    """Return a metric's value with the digits that the metric table gives for `key`."""
    return "-" if value is None else f"{value:.{BY_KEY[key].digits}f}"

"""Bars and sparklines drawn with block characters."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """Return a bar of `share` (in [0, 1]) of `width` cells, exact to an eighth of a cell and padded with spaces."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def sparkline(values: Sequence[float], width: int, highest: float) -> str:
    """Return the newest `width` values as columns from 0 to `highest`, padded on the left."""
    top = highest or 1.0
    kept = values[-width:] if width > 0 else ()
    return "".join(_LEVELS[min(7, max(0, int(value / top * 8)))] for value in kept).rjust(width)

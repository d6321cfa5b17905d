"""Formats numbers with their units."""

from __future__ import annotations

from collections.abc import Mapping


def count(number: int, noun: str) -> str:
    """Return '1 row', '1,620 rows'."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def duration(seconds: float) -> str:
    """Return '0.4 s', '42 s', '3 min 05 s' or '2 h 10 min'."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def precisions(device: Mapping[str, object]) -> str:
    """Return the precision of runs on a device of DoctorAnswer: 'bf16', or 'float32, baselines bf16'."""
    train, baseline = (str(device.get(name, "")) for name in ("train", "baseline"))
    return train if train == baseline else f"{train}, baselines {baseline}"


def age(seconds: float) -> str:
    """Return how long ago something was, roughly: 'now', '5 min', '3 h', '12 d'."""
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400):,} d"


def size(number: float) -> str:
    """Return a number of bytes in powers of 1,000: '512 B', '45.1 MB'."""
    if number < 1000:
        return f"{int(number)} B"
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:,.1f} TB"


def percent(share: float) -> str:
    """Return a share in [0, 1] as '3.6 %'."""
    return f"{100 * share:.1f} %"


def score(value: float | None, digits: int = 4) -> str:
    """Return a metric or a loss with fixed digits; '-' where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval(span: tuple[float, float] | None) -> str:
    """Return a 95 % interval as in a table; '' where there is none."""
    return f"{span[0]:.3f} to {span[1]:.3f}" if span else ""

"""The settings of a run, with its own choices for those left open, as a model card and a report show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ..events import Started
from ..specs import RunSpec


def settings(spec: RunSpec, started: Started | None) -> dict[str, Any]:
    """Return the settings by name, without those of the data; None or '' means not used."""
    found: dict[str, Any] = msgspec.to_builtins(spec.job)
    del found["data"]
    found["model"] = public(found["model"])
    if started is not None:
        found |= {**started.settings, "device": started.device_name, "precision": started.precision}
    return {name: value for name, value in found.items() if value not in (None, "")}


def public(source: str) -> str:
    """Return a data set's or model's name without folders of this machine."""
    return Path(source).name if Path(source).is_absolute() else source

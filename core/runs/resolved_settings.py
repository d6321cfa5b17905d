"""What a run was asked for, and what it took in place of what was left open: as a model card and a report tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ..events import Started
from ..specs import RunSpec


def settings(spec: RunSpec, started: Started | None) -> dict[str, Any]:
    """Return the settings by name, those of the data left out; what is None or '' was not used."""
    found: dict[str, Any] = msgspec.to_builtins(spec.job)
    del found["data"]
    found["model"] = public(found["model"])
    if started is not None:
        found |= {**started.settings, "device": started.device_name, "precision": started.precision}
    return {name: value for name, value in found.items() if value not in (None, "")}


def public(source: str) -> str:
    """Return a data set's or model's name without the folders of this machine."""
    return Path(source).name if Path(source).is_absolute() else source

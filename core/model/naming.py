"""Resolves the names by which a user gives a checkpoint."""

from __future__ import annotations

import re

from .. import paths
from ..errors import UserError
from ..safe_text import safe_line


def resolve(name: str) -> str:
    """Return a model as specs store it: 'starter', an id, or an absolute folder. Raises UserError if there is no such model."""
    if name == "starter" or re.fullmatch(r"(ms|hf):[\w.-]+/[\w.-]+", name):
        return name
    try:
        folder = paths.expand(name)
        there = bool(name) and (folder / "config.json").is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"cannot read {safe_line(name, 60)}: {safe_line(str(error), 80)}") from error
    if not there:
        raise UserError("not a model: choose starter, a folder with config.json, ms:OWNER/NAME or hf:OWNER/NAME")
    return str(folder)

"""Checks the user's keys in the table [keys] of config.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.binding import Binding

from ..core.errors import UserError
from ..core.safe_text import safe_line


def keymap(keys: dict[str, Any], file: Path, ids: Callable[[], set[str]]) -> dict[str, str]:
    """Return keys by binding id; `ids` returns the existing ids, and `file` is where `keys` come from.

    An entry is `ID = "KEY"` or `ID = "KEY,KEY"`, as in `quit = "Q"`. Raises UserError for an unknown id or an invalid key.
    """
    known = ids() if keys else set[str]()
    for name, key in keys.items():
        if name not in known:
            raise UserError(f"{file}: there is no action '{safe_line(name, 60)}' in [keys]", f"The actions are: {', '.join(sorted(known))}")
        if not isinstance(key, str) or not key.strip():
            raise UserError(f'{file}: the key of \'{name}\' must be a string, such as "Q" or "ctrl+g"')
    return dict(keys)


def binding_ids(*classes: type) -> set[str]:
    """Return the ids of all bindings that the classes declare."""
    return {
        binding.id
        for each in classes
        for binding in getattr(each, "BINDINGS", ())
        if isinstance(binding, Binding) and binding.id is not None
    }

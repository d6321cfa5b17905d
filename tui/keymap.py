"""Reads the user's own keys from the table [keys] of config.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

from textual.binding import Binding

from ..core.errors import UserError


def read_keymap(file: Path, ids: Callable[[], set[str]]) -> dict[str, str]:
    """Return keys by binding id; `ids` tells which there are. Empty where the file or its table is missing.

    A line is `ID = "KEY"` or `ID = "KEY,KEY"`, as in `quit = "Q"`. Raises UserError for what is none of the application's.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read {file}: {error}. Correct the file or move it away") from error
    table = content.get("keys", {})
    if not isinstance(table, dict):
        raise UserError(f'{file}: keys must be a table, such as:\n[keys]\nquit = "Q"')
    known = ids() if table else set()
    for name, key in table.items():
        if name not in known:
            raise UserError(f"{file}: there is no action '{name}' in [keys]. There are: {', '.join(sorted(known))}")
        if not isinstance(key, str) or not key.strip():
            raise UserError(f'{file}: the key of \'{name}\' must be text, such as "Q" or "ctrl+g"')
    return dict(table)


def binding_ids(*classes: type) -> set[str]:
    """Return the ids of all bindings that the classes declare."""
    return {
        binding.id
        for each in classes
        for binding in getattr(each, "BINDINGS", ())
        if isinstance(binding, Binding) and binding.id is not None
    }

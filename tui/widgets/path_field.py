"""A field for the path of a file or folder."""

from __future__ import annotations

import os

from textual.suggester import Suggester

from .text_field import LineField


class PathField(LineField):
    """A LineField that completes paths; → accepts the suggestion."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(value, placeholder=placeholder, id=id, suggester=_Paths())


class _Paths(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        folder, _, start = value.rpartition("/")
        if not start and not folder:
            return None
        try:
            with os.scandir(os.path.expanduser(folder) if folder else ("/" if value.startswith("/") else ".")) as entries:
                names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in entries if entry.name.startswith(start))
        except OSError:
            return None
        safe = [name for name in names if name.isprintable() and (start or not name.startswith("."))]
        return value[: len(value) - len(start)] + safe[0] if safe else None

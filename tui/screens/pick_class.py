"""Asks for a class by a part of its name, because there may be more classes than keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from ...core.safe_text import safe_line
from ..widgets.text_field import LineField
from .dialog import Dialog, line

_SHOWN = 5
"""Matching names that are listed, at most."""


class PickClass(Dialog):
    """Enter chooses the matching class and closes."""

    def __init__(self, names: Sequence[str], give: Callable[[str], None]) -> None:
        """Prepare to ask for one of `names`, with which `give` is called."""
        super().__init__("a class by its name", f"a part of the name of one of {len(names):,} classes\n\nenter gives it")
        self._names = names
        self._give = give

    def compose_fields(self) -> ComposeResult:
        yield line("class", LineField(id="name", placeholder="its name"))

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        self.show_status(Text(listed(matching(message.value, self._names)), "dim"))

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        found = matching(message.value, self._names)
        if len(found) == 1:
            self.dismiss()
            self._give(found[0])
        elif found:
            self.show_wrong(f"{len(found):,} classes match: {listed(found)}")
        else:
            self.show_wrong("no class matches this")


def listed(names: Sequence[str]) -> str:
    """Return the first names, safe to show."""
    return ", ".join(safe_line(name, 24) for name in names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def matching(typed: str, names: Sequence[str]) -> list[str]:
    """Return the names that match, ignoring case: an equal one, or else those that begin with `typed`, or else those that contain it."""
    folded = typed.strip().casefold()
    found: list[str] = []
    ways: tuple[Callable[[str], bool], ...] = (folded.__eq__, lambda name: name.startswith(folded), lambda name: folded in name)
    for way in ways if folded else ():
        found = found or [name for name in names if way(name.casefold())]
    return found

"""The texts that limits shorter than the model's would truncate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from ...core.safe_text import cell_width, safe_line
from .label_look import LabelLook

_WIDE = 48
"""Width in cells from which on each limit also names a class."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What truncation at `length` tokens affects: shares in [0, 1] of all texts, and of the class with the largest share."""

    length: int
    share: float
    label: str
    most: float


class CutTable(Static):
    """Shows one line per limit, or one line for all if it is narrow; hidden if nothing is known."""

    DEFAULT_CSS = """
    CutTable { display: none; height: auto; }
    CutTable.-known { display: block; }
    """
    shown: reactive[tuple[tuple[Cut, ...], tuple[LabelLook, ...]]] = reactive(((), ()), layout=True)

    def watch_shown(self) -> None:
        self.set_class(bool(self.shown[0]), "-known")

    def render(self) -> Text:
        return cut_lines(*self.shown, self.size.width)


def cut_lines(cuts: Sequence[Cut], looks: Sequence[LabelLook], width: int) -> Text:
    """Return what shorter limits would truncate: one line if it is narrow; with the most affected class if it is wide."""
    if not cuts:
        return Text()
    if width < _WIDE:
        line = Text("cut at", "dim", no_wrap=True)
        for each in cuts:
            more = Text.assemble((f"  {each.length}: ", "dim"), f"{100 * each.share:.1f} %")
            if line.cell_len + more.cell_len <= width:
                line.append_text(more)
        return line
    text = Text(no_wrap=True, overflow="ellipsis")
    by_name = {look.name: look for look in looks}
    for each in cuts:
        text.append(f"{each.length:>4} tokens cut ", "dim").append(f"{100 * each.share:>4.1f} %")
        if each.most and each.label in by_name:
            look = by_name[each.label]
            text.append("  most: ", "dim").append_text(look.text(min(18, cell_width(safe_line(look.name, 18)) + 2)))
            text.append(f" {100 * each.most:.1f} %")
        text.append("\n")
    text.rstrip()
    return text

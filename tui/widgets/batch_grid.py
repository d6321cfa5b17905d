"""Texts padded to one length: which cells of the batch are text, and which are padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from rich.text import Text
from textual.geometry import Size
from textual.reactive import reactive
from textual.widgets import Static

from ...core.safe_text import pad, safe_line

View = Literal["grid", "tokens", "ids", "mask"]
VIEWS: tuple[View, ...] = get_args(View)
_CELLS: dict[View, int] = {"tokens": 9, "ids": 7, "mask": 2}
"""Cells per token in each view but the grid."""
_NUMBER = 3
"""Cells of a row's number."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One text of the batch; `tokens`, `ids` and `mask` have the length of the batch."""

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    mask: tuple[int, ...]
    length: int
    full_length: int
    """Tokens before truncation."""


@dataclass(frozen=True, slots=True)
class Batch:
    rows: tuple[BatchRow, ...] = ()
    padded_to: int = 0
    waste: float = 0.0
    """Share of padding, in [0, 1]."""
    fixed_length: int = 0
    waste_fixed: float = 0.0
    """The share of padding if all texts were padded to `fixed_length`."""
    view: View = "grid"
    with_tokens: bool = False
    """Whether the tokens are listed below the grid."""


class BatchGrid(Static):
    """Shows one line per text, then the share of padding."""

    DEFAULT_CSS = """
    BatchGrid { width: auto; min-width: 100%; height: auto; }
    """
    shown: reactive[Batch] = reactive(Batch(), layout=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 Textual names it
        """Return the cells needed to show every token of the batch, and at least the width of the container."""
        view = "tokens" if self.shown.with_tokens and self.shown.view == "grid" else self.shown.view
        return max(container.width, _NUMBER + self.shown.padded_to * _CELLS.get(view, 0))

    def render(self) -> Text:
        return batch_lines(self.shown, self.size.width, self.app.theme_variables, sight=self.container_size.width)


def batch_lines(batch: Batch, width: int, colors: dict[str, str], *, sight: int | None = None) -> Text:
    """Return the batch in lines of at most `width` cells: ▉ is a token (mask 1), ░ is padding (mask 0), ✂ marks a truncated text.

    The grid and the shares take at most `sight` cells; tokens, ids and mask may be wider and are scrolled.
    """
    text = Text(no_wrap=True)
    seen = min(width, sight or width)
    real, waste = colors.get("primary", ""), colors.get("warning", "")
    for number, row in enumerate(batch.rows):
        text.append(f"{number + 1:>2} ", "dim")
        if batch.view == "grid":
            _draw_grid(text, row, batch.padded_to, seen - 9, real, waste)
        else:
            _draw_cells(text, row, batch.view, (width - _NUMBER) // _CELLS[batch.view], real, waste)
        text.append("\n")
    if batch.view == "tokens" and batch.with_tokens:
        return text
    if batch.rows:
        padded_to = "padded to" if seen >= 36 else "to"
        text.append(f"{padded_to} {batch.padded_to}: ", "dim").append(f"{100 * batch.waste:.0f} % padding\n", f"bold {waste}")
        text.append(f"{padded_to} {batch.fixed_length:,}: ", "dim").append(f"{100 * batch.waste_fixed:.0f} % padding", "bold")
        if batch.with_tokens and batch.view == "grid":
            text.append("\n\n").append_text(batch_lines(replace(batch, view="tokens"), width, colors))
    return text


def _draw_grid(text: Text, row: BatchRow, padded_to: int, room: int, real: str, waste: str) -> None:
    cells = max(4, min(padded_to, room))
    full = min(cells, max(1, round(row.length / max(1, padded_to) * cells)))
    text.append("▉" * full, real).append("░" * (cells - full), waste)
    text.append(f" {row.length:>3}", "dim")
    if row.full_length > row.length:
        text.append("✂", f"bold {waste}")


def _draw_cells(text: Text, row: BatchRow, view: View, columns: int, real: str, waste: str) -> None:
    values: Sequence[object] = {"tokens": row.tokens, "ids": row.ids, "mask": row.mask}.get(view, ())
    cells = _CELLS[view]
    for value, mask in list(zip(values, row.mask, strict=False))[: max(1, columns)]:
        shown = pad(safe_line(str(value), cells - 1), cells - 1)
        text.append(shown, real if mask else f"dim {waste}").append(" ")
    if len(row.mask) > columns:
        text.right_crop(1)
        text.append("…", "dim")

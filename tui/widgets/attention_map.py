"""The attention weights of one head as a heatmap with a cursor; only the visible part is drawn, so that many tokens cost no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.widget import Widget

from ...core.safe_text import cell_width, pad, safe_line

LEAST = 0.02
"""Weights below this are not drawn."""
_BELOW = 3
"""Lines below the map: what the token under the cursor attends to, what attends to it, and the legend of the digits."""


@dataclass(frozen=True)
class Looks:
    """What each token attends to."""

    tokens: tuple[str, ...] = ()
    weights: Any = None
    """Attention weights, float64, shape [tokens, tokens]; each row sums to 1."""


class Window(NamedTuple):
    """The visible part: the first line and column, and how many."""

    top: int
    rows: int
    left: int
    columns: int
    cells: int
    """Cells of a column."""
    named: int
    """Cells for the names of the lines."""
    heads: int
    """Lines for the names of the columns, which are written downwards."""


def window(looks: Looks, cursor: tuple[int, int], before: tuple[int, int], width: int, height: int) -> Window:
    """Return the visible part for `width` x `height` cells, scrolled from `before` (line, column) only as far as the cursor needs."""
    count = len(looks.tokens)
    named = min(max((cell_width(safe_line(each, 14)) for each in looks.tokens), default=4), 14 if width >= 60 else 9) + 1
    longest = max((cell_width(safe_line(each, 8)) for each in looks.tokens), default=1)
    heads = max(1, min(longest, (height - _BELOW) // 4))
    cells = 3 if count * 3 <= width - named else 2
    columns, rows = max(1, min(count, (width - named) // cells)), max(1, min(count, height - _BELOW - heads))
    first = [max(0, min(at, count - room)) for at, room in zip(before, (rows, columns), strict=True)]
    top, left = (max(at - room + 1, min(at, start)) for at, start, room in zip(cursor, first, (rows, columns), strict=True))
    return Window(top, rows, left, columns, cells, named, heads)


def tenth(share: float) -> str:
    """Return the digit of a weight: its tenths; '·' for less than one tenth, a space for less than LEAST."""
    return str(min(9, int(share * 10 + 1e-6))) if share >= 0.1 else "·" if share >= LEAST else " "


def map_lines(looks: Looks, cursor: tuple[int, int], part: Window, back: Color, strong: Color, front: Color) -> list[Text]:
    """Return the visible lines: the names of the columns downwards, then one line per token with each weight as a shaded digit."""
    end = part.left + part.columns
    lines = [_head(looks.tokens[part.left : end], cursor[1] - part.left, part, number) for number in range(part.heads)]
    for at in range(part.top, part.top + part.rows):
        name = pad(safe_line(looks.tokens[at], part.named - 1), part.named - 1)
        line = Text(no_wrap=True).append(name, "bold reverse" if at == cursor[0] else "").append(" ")
        for column in range(part.left, end):
            share = float(looks.weights[at, column])
            shade = back.blend(strong, 0.9 * share**0.5) if share >= LEAST else back
            style = Style(color=front.rich_color, bgcolor=shade.rich_color)
            if (at, column) == cursor:
                style += Style(bold=True, underline=True, reverse=True)
            line.append(tenth(share).rjust(part.cells), style)
        lines.append(line)
    return lines


def _head(tokens: Sequence[str], cursor: int, part: Window, number: int) -> Text:
    """Return line `number` of the names of the columns, which are aligned to the bottom."""
    line = Text(" " * part.named, no_wrap=True)
    for at, token in enumerate(tokens):
        name = _cells(safe_line(token, 24))[: part.heads]
        skip = part.heads - len(name)
        character = name[number - skip] if number >= skip else ""
        line.append(" " * (part.cells - max(1, cell_width(character))) + (character or " "), "bold reverse" if at == cursor else "dim")
    return line


def _cells(name: str) -> list[str]:
    """Return the characters of a name, each with its combining marks."""
    found: list[str] = []
    for character in name:
        if found and not cell_width(character):
            found[-1] += character
        else:
            found.append(character)
    return found


def description(looks: Looks, cursor: tuple[int, int], width: int) -> list[Text]:
    """Return lines on what the token under the cursor attends to, what attends to it, and how to read the map."""
    import numpy as np

    row, column = cursor
    name, other = (safe_line(looks.tokens[at], 14) for at in cursor)
    to, of = looks.weights[row], looks.weights[:, column]
    lines = [
        Text.assemble((f"{name} looks at ", "bold"), _best(looks.tokens, to, np.argsort(-to, kind="stable")[:5])),
        Text.assemble((f"{other} is looked at by ", "bold"), _best(looks.tokens, of, np.argsort(-of, kind="stable")[:5])),
        Text(f"{name} to {other} {100 * to[column]:.1f} %   4 is 40 %, · 2 %   {len(to):,} tokens", "dim"),
    ]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
        line.no_wrap = True
    return lines


def _best(tokens: Sequence[str], shares: Any, order: Any) -> str:
    return ", ".join(f"{safe_line(tokens[at], 14)} {100 * float(shares[at]):.0f} %" for at in map(int, order))


class AttentionMap(Widget, can_focus=True):
    """Shows the attention weights of one head: lines are queries, columns are keys. The arrows move the cursor and scroll with it."""

    DEFAULT_CSS = "AttentionMap { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1, 0)", "down", show=False, id="attention.down"),
        Binding("up,k", "move(-1, 0)", "up", show=False, id="attention.up"),
        Binding("right", "move(0, 1)", "right", show=False, id="attention.right"),
        Binding("left", "move(0, -1)", "left", show=False, id="attention.left"),
        Binding("pagedown", "move(10, 0)", "page down", show=False, id="attention.page_down"),
        Binding("pageup", "move(-10, 0)", "page up", show=False, id="attention.page_up"),
        Binding("home,g", "move(-1_000_000, -1_000_000)", "first", show=False, id="attention.first"),
        Binding("end,G", "move(1_000_000, 1_000_000)", "last", show=False, id="attention.last"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.looks = Looks()
        self.cursor = (0, 0)
        """The indices of the query token and of the key token."""
        self._before = (0, 0)

    def show(self, looks: Looks) -> None:
        """Show another head or another text; the cursor stays if it is still within the text."""
        self.looks = looks
        most = max(0, len(looks.tokens) - 1)
        self.cursor = min(self.cursor[0], most), min(self.cursor[1], most)
        self.refresh()

    @property
    def _window(self) -> Window:
        found = window(self.looks, self.cursor, self._before, self.content_size.width, self.content_size.height)
        self._before = found.top, found.left
        return found

    def render(self) -> Text:
        if not self.looks.tokens:
            return Text()
        theme, front = self.app.theme_variables, self.background_colors[1]
        part = self._window
        lines = map_lines(self.looks, self.cursor, part, front, Color.parse(theme["primary"]), Color.parse(theme["foreground"]))
        return Text("\n", no_wrap=True, end="").join([*lines, *description(self.looks, self.cursor, self.content_size.width)])

    def action_move(self, down: int, right: int) -> None:
        most = len(self.looks.tokens) - 1
        if most >= 0:
            row, column = self.cursor
            self.cursor = max(0, min(most, row + down)), max(0, min(most, column + right))
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        if not self.looks.tokens:
            return
        at, part = event.get_content_offset_capture(self), self._window
        row, column = at.y - part.heads, (at.x - part.named) // part.cells
        if 0 <= row < part.rows and 0 <= column < part.columns:
            self.cursor = part.top + row, part.left + column
            self.refresh()

"""Rows of a split with a run's prediction for each: loss, true class, predicted class and text; only visible lines are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ...core.data.table import Split
from ...core.safe_text import cut, safe_line
from .label_look import LabelLook

_LONGEST = 2_000
"""Characters of a text that are used to draw its line, at most."""
_NUMBERED, _NAMED = 60, 90
"""Widths in cells from which on a line shows the row's number, and the names of its classes."""


def _digits(split: Split) -> int:
    return max(4, len(str(len(split))))


class Said(Protocol):
    """A run's predictions for the rows of a split; arrays of shape [rows]."""

    @property
    def truth(self) -> Any: ...
    @property
    def predicted(self) -> Any: ...
    @property
    def confidence(self) -> Any: ...
    @property
    def loss(self) -> Any: ...


class JudgedList(ScrollView, can_focus=True):
    """A list of any number of rows, with a cursor that arrows, j and k move."""

    DEFAULT_CSS = """
    JudgedList { height: 1fr; background: transparent; overflow-x: hidden; scrollbar-size-vertical: 1; }
    JudgedList > .judged--cursor { background: $block-cursor-blurred-background; }
    JudgedList:focus > .judged--cursor { background: $block-cursor-background; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"judged--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="judged.down"),
        Binding("up,k", "move(-1)", "up", show=False, id="judged.up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="judged.page_down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="judged.page_up"),
        Binding("home,g", "move(-1_000_000_000)", "first", show=False, id="judged.first"),
        Binding("end,G", "move(1_000_000_000)", "last", show=False, id="judged.last"),
    ]

    row: var[int | None] = var(None, always_update=True)
    """The position in the split of the row under the cursor; None if there are no rows. Meant to be watched."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._split: Split | None = None
        self._said: Said | None = None
        self._rows: Any = ()
        self._looks: Sequence[LabelLook] = ()
        self._cursor = 0
        self.mark: Callable[[int], Text | None] | None = None
        """Returns the mark before the text of a row, given its position in the split; None for no mark."""

    @property
    def rows(self) -> Any:
        """The listed rows, int64 positions in the split, in order."""
        return self._rows

    def show(self, split: Split | None, said: Said | None, rows: Any, looks: Sequence[LabelLook], *, keep: bool = False) -> None:
        """List `rows` (int64, positions in the split) in order. The cursor moves to the first one, or with `keep` stays on its row."""
        was = self.row if keep and split is self._split else None
        self._split, self._said, self._rows, self._looks = split, said, rows, looks
        found = 0
        if was is not None and len(rows):
            at: Any = (rows == was).nonzero()[0]
            found = int(at[0]) if len(at) else 0
        self._cursor = found
        self.virtual_size = Size(0, len(rows))
        self._reveal()
        self.refresh()
        self.row = int(rows[found]) if len(rows) else None

    def texts_after(self, count: int) -> tuple[str, ...]:
        """Return up to `count` texts below the cursor."""
        if self._split is None:
            return ()
        return tuple(self._split.row(int(row)).text for row in self._rows[self._cursor + 1 : self._cursor + 1 + count])

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if self._split is None or self._said is None or not 0 <= at < len(self._rows):
            return Strip.blank(width, self.rich_style)
        line = self._line(self._split, self._said, int(self._rows[at]), width)
        style = self.rich_style
        if at == self._cursor:
            style += self.get_component_rich_style("judged--cursor")
        strip = Strip(line.render(self.app.console, ""), line.cell_len)
        return strip.apply_style(style).extend_cell_length(width, style).crop(0, width)

    def heads(self) -> Text:
        """Return the heads of the columns; '' if there are no rows."""
        width, line = self.scrollable_content_region.width, Text(no_wrap=True, end="")
        if self._split is None or not len(self._rows):
            return line
        line.append(" loss ")
        if width >= _NUMBERED:
            line.append(f"{'row':>{_digits(self._split)}} ")
        line.append(f"{'true':<13}{'predicted':<12}  sure " if width >= _NAMED else "t→p  sure ").append("text")
        line.truncate(width)
        return line

    def _line(self, split: Split, said: Said, row: int, width: int) -> Text:
        """Return a line of loss, true class, predicted class with its probability, and text; with the row's number if there is room."""
        true, predicted = self._looks[int(said.truth[row])], self._looks[int(said.predicted[row])]
        named = 10 if width >= _NAMED else 0
        line = Text(f"{min(said.loss[row], 99.99):5.2f} ", no_wrap=True, end="")
        if width >= _NUMBERED:
            line.append(f"{row:>{_digits(split)}} ", "dim")
        line.append_text(true.text(named + 2) if named else Text(true.glyph, true.color))
        line.append("→" if said.truth[row] != said.predicted[row] else "=", "dim")
        line.append_text(predicted.text(named + 2) if named else Text(predicted.glyph, predicted.color))
        line.append(f"{100 * said.confidence[row]:4.0f} % ", predicted.color)
        if self.mark is not None and (mark := self.mark(row)) is not None:
            line.append_text(mark).append(" ")
        room = max(0, width - line.cell_len)
        return line.append(cut(safe_line(split.row(row).text[:_LONGEST], room), room))

    def _reveal(self) -> None:
        height = self.scrollable_content_region.height
        if height:
            self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)

    def action_move(self, by: int) -> None:
        if not len(self._rows):
            return
        at = max(0, min(len(self._rows) - 1, self._cursor + by))
        if at != self._cursor:
            self._cursor = at
            self._reveal()
            self.refresh()
            self.row = int(self._rows[at])

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.scrollable_content_region.height - 1))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if 0 <= at < len(self._rows):
            self.action_move(at - self._cursor)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class JudgedHeads(Widget):
    """The line above a JudgedList with the heads of its columns."""

    DEFAULT_CSS = "JudgedHeads { height: 1; color: $text-muted; }"

    def __init__(self, rows: JudgedList, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows = rows

    def on_mount(self) -> None:
        self.watch(self._rows, "row", self._rows_changed, init=False)

    def _rows_changed(self) -> None:
        self.refresh()

    def render(self) -> Text:
        return self._rows.heads()

"""A confusion matrix with a cursor: rows are true classes, columns predicted ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from ...core.safe_text import pad, safe_line
from .label_look import LabelLook

Mode = Literal["row %", "column %", "counts"]
MODES: tuple[Mode, ...] = ("row %", "column %", "counts")
_AXES = "true \\ predicted"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts of one run on one split; one row a true class, one column a predicted class."""

    title: str
    labels: tuple[LabelLook, ...]
    counts: tuple[tuple[int, ...], ...]


def share(counts: tuple[tuple[int, ...], ...], row: int, column: int, mode: Mode) -> float:
    """Return a cell's share in [0, 1] of its row, or of its column where `mode` says so; 0 of nothing is 0."""
    total = sum(each[column] for each in counts) if mode == "column %" else sum(counts[row])
    return counts[row][column] / total if total else 0.0


class Confusion(Widget, can_focus=True):
    """Shows a Matrix. Arrows move the cursor, enter asks for the rows of its cell; more classes than fit are scrolled."""

    DEFAULT_CSS = """
    Confusion {
        width: 1fr; height: 1fr;
        border: round $border-blurred;
        border-title-color: $text;
        border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    Confusion:focus { border: round $primary; }
    Confusion > .confusion--right { background: $success; }
    Confusion > .confusion--wrong { background: $error; }
    Confusion > .confusion--ground { background: $surface; color: $foreground; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"confusion--right", "confusion--wrong", "confusion--ground"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "rows", tooltip="the texts of this cell, worst first", id="confusion.choose"),
        Binding("v", "mode", "counts or %", tooltip="counts, share of the row or share of the column", id="confusion.mode"),
        Binding("left,h", "move(0,-1)", "left", show=False, id="confusion.left"),
        Binding("right,l", "move(0,1)", "right", show=False, id="confusion.right"),
        Binding("up,k", "move(-1,0)", "up", show=False, id="confusion.up"),
        Binding("down,j", "move(1,0)", "down", show=False, id="confusion.down"),
        Binding("home", "move(-1000,-1000)", "first", show=False, id="confusion.first"),
        Binding("end", "move(1000,1000)", "last", show=False, id="confusion.last"),
    ]

    @dataclass
    class Chosen(Message):
        """The rows of one cell were asked for, by the indices of its classes."""

        confusion: Confusion
        true: int
        predicted: int

        @property
        def control(self) -> Confusion:
            return self.confusion

    @dataclass
    class Changed(Message):
        """The mode or the cursor changed."""

        confusion: Confusion

    def __init__(self, *, empty: str = "no predictions yet", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._matrix: Matrix | None = None
        self._empty = empty
        self.mode: Mode = "row %"
        self.cursor = (0, 0)
        self._first = (0, 0)
        self._frame: tuple[int, int] = (0, 0)
        """Cells before the first column, and of one column, as drawn last."""
        self.border_title = Text("confusion matrix")

    @property
    def matrix(self) -> Matrix | None:
        return self._matrix

    def show(self, matrix: Matrix | None) -> bool:
        """Show `matrix` and return whether it differs from the one shown."""
        if matrix == self._matrix:
            return False
        if matrix is None or self._matrix is None or len(matrix.labels) != len(self._matrix.labels):
            self.cursor = _worst_cell(matrix)
            self._first = (0, 0)
        self._matrix = matrix
        self._say()
        return True

    def look(self, mode: Mode, cursor: tuple[int, int]) -> None:
        """Take another matrix's mode and cursor, so that two stand side by side."""
        if (mode, cursor) != (self.mode, self.cursor) and self._matrix is not None:
            self.mode = mode
            last = len(self._matrix.labels) - 1
            self.cursor = (min(cursor[0], last), min(cursor[1], last))
            self._say()

    def _say(self) -> None:
        title = "confusion matrix" if self._matrix is None else f"confusion matrix, {self.mode}: {safe_line(self._matrix.title)}"
        self.border_title = Text(title)
        self.border_subtitle = Text(self._sentence())
        self.refresh()

    def _sentence(self) -> str:
        if self._matrix is None or not self._matrix.labels:
            return ""
        true, predicted = self.cursor
        count, labels = self._matrix.counts[true][predicted], self._matrix.labels
        name = safe_line(labels[true].name, 20)
        verdict = "taken for itself" if true == predicted else f"taken for {safe_line(labels[predicted].name, 20)}"
        return f"{count:,} {name} {verdict}"

    def render(self) -> Text:
        width, height = self.content_size
        if self._matrix is None or not self._matrix.labels:
            return Text(self._empty, "dim", no_wrap=True)
        labels = self._matrix.labels
        named = max(min(max(len(safe_line(each.name)) for each in labels) + 2, 16, width // 4), 6 if width < 60 else len(_AXES))
        total = 8 if width - named >= 9 * len(labels) + 8 else 0
        column = max(6, min(12, (width - named - total) // max(1, len(labels))))
        across, down = max(1, (width - named - total) // column), max(1, height - 1)
        self._first = tuple(
            max(0, min(max(first, cursor - room + 1), cursor, max(0, len(labels) - room)))
            for first, cursor, room in zip(self._first, self.cursor, (down, across), strict=True)
        )
        self._frame = (named, column)
        rows = range(self._first[0], min(len(labels), self._first[0] + down))
        columns = range(self._first[1], min(len(labels), self._first[1] + across))
        lines = [self._header(named, column, columns, total)]
        lines += [self._line(row, named, column, columns, total) for row in rows]
        hidden = len(labels) - len(rows), len(labels) - len(columns)
        if any(hidden):
            self.border_subtitle = Text(f"{self._sentence()}, {max(hidden)} more classes")
        return Text("\n").join(lines)

    def _header(self, named: int, column: int, columns: range, total: int) -> Text:
        assert self._matrix is not None  # noqa: S101 - render has seen it
        line = Text.assemble((pad(_AXES if named >= len(_AXES) else "true \\", named), "dim"), no_wrap=True)
        for index in columns:
            look = self._matrix.labels[index]
            style = "reverse" if self.has_focus and index == self.cursor[1] else ""
            line.append(" ").append_text(look.text(column - 1, style=style))
        if total:
            line.append("rows".rjust(total), "dim")
        return line

    def _line(self, row: int, named: int, column: int, columns: range, total: int) -> Text:
        assert self._matrix is not None  # noqa: S101 - render has seen it
        counts = self._matrix.counts
        style = "reverse" if self.has_focus and row == self.cursor[0] else ""
        line = self._matrix.labels[row].text(named, style=style)
        line.no_wrap = True
        for index in columns:
            part = share(counts, row, index, self.mode)
            shown = f"{counts[row][index]:,}" if self.mode == "counts" else f"{100 * part:.1f}" if column > 6 else f"{100 * part:.0f}"
            here = self.has_focus and (row, index) == self.cursor
            text = f"▸{shown}◂".rjust(column - 1) if here else shown.rjust(column - 2)
            line.append(" ").append(pad(text, column - 1), self._heat(part, row == index, counts[row][index], here))
        if total:
            line.append(f"{sum(counts[row]):,}".rjust(total), "dim")
        return line

    def _heat(self, part: float, right: bool, count: int, here: bool) -> str:
        """Return the style of a cell: the larger its share, the stronger its background."""
        ground = self.get_component_styles("confusion--ground")
        strong = self.get_component_styles("confusion--right" if right else "confusion--wrong").background
        back = ground.background.blend(strong, 0.85 * part**0.6)
        front = ground.color if count else ground.background.blend(ground.color, 0.35)
        if part > 0.25:
            front = back.get_contrast_text(1.0)
        return f"{'bold ' if right or here else ''}{front.hex6} on {back.hex6}"

    # --- keys ------------------------------------------------------------------------------------------------

    def action_move(self, down: int, right: int) -> None:
        if self._matrix is None or not self._matrix.labels:
            return
        last = len(self._matrix.labels) - 1
        self.cursor = (min(last, max(0, self.cursor[0] + down)), min(last, max(0, self.cursor[1] + right)))
        self._say()
        self.post_message(self.Changed(self))

    def action_mode(self) -> None:
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self._say()
        self.post_message(self.Changed(self))

    def action_choose(self) -> None:
        if self._matrix is not None and self._matrix.labels:
            self.post_message(self.Chosen(self, *self.cursor))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if self._matrix is None:
            return
        offset, (named, column) = event.get_content_offset_capture(self), self._frame
        row, index = offset.y - 1 + self._first[0], (offset.x - named) // max(1, column) + self._first[1]
        last = len(self._matrix.labels) - 1
        if offset.x >= named and 0 <= row <= last and 0 <= index <= last:
            again = (row, index) == self.cursor
            self.cursor = (row, index)
            self._say()
            self.post_message(self.Changed(self))
            if again:
                self.action_choose()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(1, 0)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-1, 0)


def _worst_cell(matrix: Matrix | None) -> tuple[int, int]:
    """Return the cell of the most frequent mistake, which is what one looks for first."""
    if matrix is None or not matrix.labels:
        return (0, 0)
    cells = [(count, -row, -column) for row, each in enumerate(matrix.counts) for column, count in enumerate(each) if row != column]
    if not cells or max(cells)[0] == 0:
        return (0, 0)
    _, row, column = max(cells)
    return (-row, -column)

"""A confusion matrix with a cursor: rows are true classes, columns are predicted ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from ...core.safe_text import cell_width, cut, pad, safe_line
from .confusion_places import AXES, BRACKETED, MODES, Matrix, Mode, Places, places, share


class Confusion(Widget, can_focus=True):
    """Shows a Matrix. Arrows move the cursor, Enter asks for the rows of its cell; it scrolls if not all classes fit."""

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
        """The rows of one cell, given by the indices of its classes, were asked for."""

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
        self.empty = empty
        """Shown while there is no matrix."""
        self.mode: Mode = "row %"
        self.cursor = (0, 0)
        self._chosen = False
        """Whether the user chose the cell under the cursor."""
        self._first = (0, 0)
        self._shown = Places()
        self.border_title = Text("confusion matrix")

    @property
    def matrix(self) -> Matrix | None:
        return self._matrix

    def show(self, matrix: Matrix | None) -> bool:
        """Show `matrix` and return whether it differs from the shown one. Until moved, the cursor is at the most frequent mistake."""
        if matrix == self._matrix:
            return False
        if matrix is None or self._matrix is None or len(matrix.labels) != len(self._matrix.labels):
            self._chosen = False
            self._first = (0, 0)
        if not self._chosen:
            self.cursor = _worst_cell(matrix)
        self._matrix = matrix
        self._draw_titles()
        return True

    def match_view(self, mode: Mode, cursor: tuple[int, int]) -> None:
        """Take the mode and cursor of another matrix that is shown side by side."""
        if (mode, cursor) != (self.mode, self.cursor) and self._matrix is not None:
            self.mode, self._chosen = mode, True
            last = len(self._matrix.labels) - 1
            self.cursor = (min(cursor[0], last), min(cursor[1], last))
            self._draw_titles()

    def _draw_titles(self) -> None:
        self._place()
        if self._matrix is None:
            self.border_title = Text("confusion matrix")
        else:
            title = safe_line(self._matrix.title)
            whole = f"confusion matrix, {self.mode}: {title}"
            self.border_title = Text(whole if cell_width(whole) + 4 <= self.size.width else f"{title}, {self.mode}")
        self.border_subtitle = Text(self._sentence())
        self.refresh()

    def _sentence(self) -> str:
        if self._matrix is None or not self._matrix.labels:
            return ""
        true, predicted = self.cursor
        count, labels = self._matrix.counts[true][predicted], self._matrix.labels
        name = cut(labels[true].short(20), 20)
        verdict = "predicted right" if true == predicted else f"predicted as {cut(labels[predicted].short(20), 20)}"
        (down, right), shown = self._first, self._shown
        part = ""
        if min(shown.down, shown.across) < len(labels):
            part = f"{down + 1}-{down + shown.down} by {right + 1}-{right + shown.across} of {len(labels)}: "
        if not _mistakes(self._matrix):
            part += "nothing is confused: "
        return f"{part}{count:,} {name} {verdict}"

    def _place(self) -> None:
        """Choose widths for the available room, and scroll to the cursor."""
        if self._matrix is None or not self._matrix.labels:
            return
        self._shown = places(self._matrix, self.mode, *self.content_size)
        self._first = tuple(
            max(0, min(max(first, cursor - room + 1), cursor, max(0, len(self._matrix.labels) - room)))
            for first, cursor, room in zip(self._first, self.cursor, (self._shown.down, self._shown.across), strict=True)
        )

    def render(self) -> Text:
        if self._matrix is None or not self._matrix.labels:
            return Text(self.empty, "dim", no_wrap=True)
        number, shown = len(self._matrix.labels), self._shown
        rows = range(self._first[0], min(number, self._first[0] + shown.down))
        columns = range(self._first[1], min(number, self._first[1] + shown.across))
        lines = [Text("true ↓   predicted →", "dim", no_wrap=True)] if shown.above else []
        lines += [*self._heads(columns), *(self._line(row, columns) for row in rows)]
        return Text("\n").join(lines)

    def _heads(self, columns: range) -> list[Text]:
        return [self._header(columns)] if self._shown.heads == 1 else self._heads_in_turns(columns)

    def _heads_in_turns(self, columns: range) -> list[Text]:
        """Return two lines with every second name each: whole names over columns that are too narrow for them."""
        assert self._matrix is not None  # noqa: S101 - render has seen it
        shown, lines = self._shown, [Text(no_wrap=True), Text(no_wrap=True)]
        end = shown.named + shown.column * len(columns) + shown.total if shown.total else self.content_size.width
        for place, index in enumerate(columns):
            look, line = self._matrix.labels[index], lines[place % 2]
            start, room = shown.named + shown.column * place + 1, 2 * shown.column - 1
            wide = min(cell_width(safe_line(look.name)) + 2, room if place + 2 < len(columns) else end - shown.total - line.cell_len - 1)
            start = max(line.cell_len + 1, min(start, end - shown.total - wide))
            line.append(" " * (start - line.cell_len))
            line.append_text(look.text(wide, style="reverse" if self.has_focus and index == self.cursor[1] else ""))
        if shown.total:
            lines[1].append("rows".rjust(end - lines[1].cell_len), "dim")
        return lines

    def _header(self, columns: range) -> Text:
        assert self._matrix is not None  # noqa: S101 - render has seen it
        shown = self._shown
        axes = "" if shown.above else next((words for words in AXES if len(words) <= shown.named), "")
        line = Text.assemble((pad(axes, shown.named), "dim"), no_wrap=True)
        for index in columns:
            look = self._matrix.labels[index]
            style = "reverse" if self.has_focus and index == self.cursor[1] else ""
            line.append(" ")
            if shown.column < BRACKETED:
                short = pad(f"{look.glyph}{cut(look.short(shown.column - 2), shown.column - 2)}", shown.column - 1)
                line.append(short, f"{look.color} {style}".strip())
            else:
                line.append_text(look.text(shown.width(index) - 1, style=style))
        if shown.total:
            line.append("rows".rjust(shown.total), "dim")
        return line

    def _line(self, row: int, columns: range) -> Text:
        assert self._matrix is not None  # noqa: S101 - render has seen it
        counts, shown = self._matrix.counts, self._shown
        style = "reverse" if self.has_focus and row == self.cursor[0] else ""
        line = self._matrix.labels[row].text(shown.named, style=style, numbered=True)
        line.no_wrap = True
        for index in columns:
            part = share(counts, row, index, self.mode)
            value = f"{counts[row][index]:,}" if self.mode == "counts" else f"{100 * part:.{int(shown.column > BRACKETED)}f}"
            here = self.has_focus and (row, index) == self.cursor
            heat = self._heat(part, row == index, counts[row][index], here)
            if shown.column < BRACKETED:
                line.append(" ").append(pad(value.rjust(shown.column - 1), shown.column - 1), f"{heat} reverse" if here else heat)
                continue
            wide = shown.width(index)
            text = f"▸{value}◂".rjust(wide - 1) if here else value.rjust(wide - 2)
            line.append(" ").append(pad(text, wide - 1), heat)
        if shown.total:
            line.append(f"{sum(counts[row]):,}".rjust(shown.total), "dim")
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
        self._chosen = True
        self.cursor = (min(last, max(0, self.cursor[0] + down)), min(last, max(0, self.cursor[1] + right)))
        self._draw_titles()
        self.post_message(self.Changed(self))

    def action_mode(self) -> None:
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self._draw_titles()
        self.post_message(self.Changed(self))

    def action_choose(self) -> None:
        if self._matrix is not None and self._matrix.labels:
            self.post_message(self.Chosen(self, *self.cursor))

    def on_resize(self) -> None:
        self._draw_titles()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if self._matrix is None:
            return
        offset, shown = event.get_content_offset_capture(self), self._shown
        row, index = offset.y - shown.heads - shown.above + self._first[0], self._first[1]
        end = shown.named + shown.width(index)
        while offset.x >= end and index < len(self._matrix.labels):
            index += 1
            end += shown.width(min(index, len(self._matrix.labels) - 1))
        last = len(self._matrix.labels) - 1
        if offset.x >= shown.named and 0 <= row <= last and 0 <= index <= last:
            again = (row, index) == self.cursor
            self.cursor, self._chosen = (row, index), True
            self._draw_titles()
            self.post_message(self.Changed(self))
            if again:
                self.action_choose()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(1, 0)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-1, 0)


def _worst_cell(matrix: Matrix | None) -> tuple[int, int]:
    """Return the cell of the most frequent mistake, which users look for first; the first cell if there are no mistakes."""
    _, row, column = max(_mistakes(matrix), default=(0, 0, 0))
    return (-row, -column)


def _mistakes(matrix: Matrix | None) -> list[tuple[int, int, int]]:
    """Return (count, -row, -column) of each cell with mistakes, so that the maximum is the most frequent one, topmost first."""
    rows = enumerate(matrix.counts if matrix is not None else ())
    return [(count, -row, -column) for row, each in rows for column, count in enumerate(each) if count and row != column]

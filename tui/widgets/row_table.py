"""A table of any number of labelled texts: only visible rows are read, made safe and drawn."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget
from textual_fastdatatable import ArrowBackend, DataTable

from ...core.data.arrays import numbers, texts_of
from ...core.data.table import Split
from ...core.safe_text import cut, safe_line
from .label_look import LabelLook

_CELL_PADDING = 2
_WORDS_FROM = 56
"""Width of the table from which on it has a column for the number of words."""
_STRIPS = 500
"""Drawn lines that are cached, at most."""
_LONGEST = 2_000
"""Characters of a text that are used to draw its line, at most."""


class RowBackend(ArrowBackend):
    """Rows of a split as cells: number, label, words and text. Nothing is copied or measured in advance."""

    def __init__(self, split: Split, indices: Any, looks: Sequence[LabelLook], width: int, marked: Container[int] = ()) -> None:
        """Show `split`, or its rows at `indices` (int64, shape [n], or None for all), in `width` cells.

        The texts of rows whose position in the split is in `marked` get a *.
        """
        table = split.table.select(["label", "text"])
        self._indices = indices
        self._looks = looks
        self._marked = marked
        with_words = width >= _WORDS_FROM
        number = max(3, len(f"{max(0, len(split) - 1):,}"))
        label = min(max([len("label"), *(Text(safe_line(look.name, 20)).cell_len + 2 for look in looks)]), 22 if with_words else 12)
        head = [number, label, *([5] if with_words else [])]
        text = max(4, width - sum(head) - _CELL_PADDING * (len(head) + 1))
        self._widths = [*head, text]
        super().__init__(table if indices is None else table.take(numbers(indices, "int64")))

    @property
    def columns(self) -> Sequence[str]:
        return ["#", "label", *(["words"] if len(self._widths) == 4 else []), "text"]

    @property
    def column_content_widths(self) -> list[int]:
        return self._widths

    def index_of(self, row: int) -> int:
        """Return the position in the split of the table's row `row`."""
        return row if self._indices is None else int(self._indices[row])

    def get_row_at(self, index: int) -> Sequence[Any]:
        return [self.get_cell_at(index, column) for column in range(len(self._widths))]

    def get_cell_at(self, row_index: int, column_index: int) -> Text:
        if not 0 <= row_index < self.row_count:
            raise IndexError(row_index)
        width = self._widths[column_index]
        match self.columns[column_index]:
            case "#":
                return Text(f"{self.index_of(row_index):,}".rjust(width), style="dim")
            case "label":
                return self._label_look(row_index).text(width)
            case "words":
                return Text(str(len(self._value("text", row_index).split())).rjust(width), style="dim")
            case _:
                mark = Text("* ", "bold") if self.index_of(row_index) in self._marked else Text()
                text = safe_line(self._value("text", row_index)[:_LONGEST], width)
                return mark.append(cut(text, width - mark.cell_len), "not bold") if mark else Text(cut(text, width), no_wrap=True)

    def labelling_of(self, row: int) -> tuple[int, bool]:
        """Return what labelling may change about a row: its label, and whether it is marked."""
        return self._value("label", row), self.index_of(row) in self._marked

    def _label_look(self, row: int) -> LabelLook:
        label: int = self._value("label", row)
        return self._looks[label]

    def _value(self, column: str, row: int) -> Any:
        return self.data.column(column)[row].as_py()


class RowTable(DataTable):
    """The rows, with a cursor that arrows, j and k move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g,home", "first", "first row", show=False, id="first_row"),
        Binding("G,end", "last", "last row", show=False, id="last_row"),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    RowTable { height: 1fr; background: transparent; scrollbar-gutter: stable; overflow-x: hidden; }
    RowTable:dark { background: transparent; }
    RowTable > .datatable--header { background: transparent; color: $text-muted; text-style: none; }
    RowTable > .datatable--even-row, RowTable > .datatable--odd-row, RowTable:dark > .datatable--even-row { background: transparent; }
    RowTable > .datatable--cursor { background: $block-cursor-blurred-background; color: $foreground; }
    RowTable:focus > .datatable--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    RowTable > .datatable--hover { background: $block-hover-background; }
    """

    index: var[int | None] = var(None, always_update=True)
    """The position in the split of the row under the cursor; None if the table is empty.

    Meant to be watched: a message would arrive after the cursor is drawn, and what depends on it would be drawn a frame later.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(cursor_type="row", cursor_foreground_priority="renderable", render_markup=False, id=id)
        self._shown: tuple[Split, Any, Sequence[LabelLook]] | None = None
        self._marked: Container[int] = ()
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(_STRIPS)
        self._generation = 0
        """Counts changes of which rows are shown and how, other than changed labels."""

    def show(
        self,
        split: Split,
        indices: Any,
        looks: Sequence[LabelLook],
        *,
        at: int | None = None,
        marked: Container[int] = (),
        stay: bool = False,
    ) -> None:
        """Show a split, or its rows at `indices`, with the cursor on the row at position `at` of the split if it is among them.

        With `stay` the rows around it keep their positions on the screen. Rows at the positions `marked` get a *.
        """
        before, self._shown, self._marked = self._shown, (split, indices, looks), marked
        self._rebuild(same_rows=stay and before is not None and _are_same_rows(before, self._shown))
        row = self._row_of(at) if at is not None else 0
        self.move_cursor(row=row, column=0)
        if not stay:
            self.scroll_to(y=max(0, row - self.size.height // 2), animate=False)
        self.index = self._index

    def go_to(self, index: int) -> bool:
        """Move the cursor to the row at this position in the split; return whether it is among the shown ones."""
        row = self._row_of(index)
        if not isinstance(self.backend, RowBackend) or not 0 <= row < self.backend.row_count or self.backend.index_of(row) != index:
            return False
        self.move_cursor(row=row)
        return True

    @property
    def next_index(self) -> int | None:
        """The position in the split of the row below the cursor, or above it at the end; None for a single row."""
        if not isinstance(self.backend, RowBackend):
            return None
        rows = [row for row in (self.cursor_row + 1, self.cursor_row - 1) if 0 <= row < self.backend.row_count]
        return self.backend.index_of(rows[0]) if rows else None

    @property
    def _index(self) -> int | None:
        if not isinstance(self.backend, RowBackend) or not 0 <= self.cursor_row < self.backend.row_count:
            return None
        return self.backend.index_of(self.cursor_row)

    def texts_after(self, count: int) -> tuple[str, ...]:
        """Return up to `count` texts below the cursor."""
        if not isinstance(self.backend, RowBackend):
            return ()
        return tuple(texts_of(self.backend.data.column("text").slice(self.cursor_row + 1, count)))

    def _row_of(self, index: int) -> int:
        if self._shown is None or self._shown[1] is None:
            return index
        import numpy as np

        same = np.flatnonzero(np.asarray(self._shown[1]) == index)  # rows ordered by doubt are not in ascending order
        return int(same[0]) if len(same) else min(int(np.searchsorted(self._shown[1], index)), max(0, len(self._shown[1]) - 1))

    def _rebuild(self, *, same_rows: bool = False) -> None:
        """Redraw the table; for the `same_rows` only those whose label or mark has changed."""
        if self._shown is None:
            return
        before = [self._labelling_at(y) for y in range(self.size.height)] if same_rows else []
        self._generation += not same_rows
        # Before the table is laid out, its container gives the width; otherwise the first rows would be drawn in four cells.
        around = self.parent.content_size.width - self.styles.scrollbar_size_vertical if isinstance(self.parent, Widget) else 0
        self.backend = RowBackend(*self._shown, width=self.scrollable_content_region.width or around, marked=self._marked)
        self.backend.render_markup = False
        self._ordered_columns = None
        self._update_count += 1
        if not same_rows:
            self._clear_caches()
            self._require_update_dimensions = True
            self.refresh(layout=True)
            return
        for cache in (self._row_render_cache, self._cell_render_cache, self._line_cache, self._tooltip_cache):
            cache.clear()  # all but that of the lines as they are drawn
        for y, was in enumerate(before):
            if self._labelling_at(y) != was:
                self.refresh(Region(0, y, self.size.width, 1))

    def _labelling_at(self, y: int) -> tuple[int, bool] | None:
        """Return what labelling changes of the row on the line `y`; None where there is no row."""
        row = y - self.header_height + self.scroll_offset.y if y >= self.header_height else -1
        if not isinstance(self.backend, RowBackend) or not 0 <= row < self.backend.row_count:
            return None
        return self.backend.labelling_of(row)

    def _on_resize(self, _: events.Resize) -> None:
        super()._on_resize(_)
        self._rebuild()

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Return a line, from the cache if possible: a DataTable redraws all visible lines at each move of the cursor, in 30 ms."""
        row = y - self.header_height + self.scroll_offset.y if y >= self.header_height else -1
        is_pointed_at = self._show_hover_cursor and row == self.hover_row
        looks = (row == self.cursor_row, is_pointed_at, self.show_cursor, self._show_hover_cursor, self._pseudo_class_state)
        rows = self.backend if isinstance(self.backend, RowBackend) and not self.scroll_offset.x else None
        if rows is not None and not 0 <= row < rows.row_count:
            rows = None
        state: object = rows.labelling_of(row) if rows is not None else self._update_count
        key = (row, self.scroll_offset.x, self.size.width, self._generation, state, *looks)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._drawn(rows, row, is_pointed_at) if rows is not None else super().render_line(y)
        return strip

    def _drawn(self, backend: RowBackend, row: int, is_pointed_at: bool) -> Strip:
        """Draw a row as a DataTable does, in a fifth of the time, because its cells are one line each and of known width."""
        ground = self._get_row_style(row, self.rich_style)
        with_foreground, with_background = (each == "css" for each in (self.cursor_foreground_priority, self.cursor_background_priority))
        before, after = self._get_styles_to_render_cell(
            False, False, False, is_pointed_at, row == self.cursor_row, False, self.show_cursor, self._show_hover_cursor, False,
            with_foreground, with_background,
        )  # fmt: skip
        segments: list[Segment] = []
        for column, cell in enumerate(backend.get_row_at(row)):
            style = ground + Style.from_meta({"row": row, "column": column}) + before
            pad = Segment(" ", style + after)
            cell.end = ""
            inside = Segment.apply_style(cell.render(self.app.console), style + self.app.console.get_style(cell.style), after)
            segments += [pad, *Segment.adjust_line_length(list(inside), backend.column_content_widths[column], style + after), pad]
        return Strip(segments).adjust_cell_length(self.size.width, ground).simplify()

    def watch_cursor_coordinate(self, old_coordinate: Any, new_coordinate: Any) -> None:
        super().watch_cursor_coordinate(old_coordinate, new_coordinate)
        if old_coordinate.row != new_coordinate.row:
            self.index = self._index

    def action_first(self) -> None:
        self.move_cursor(row=0)

    def action_last(self) -> None:
        self.move_cursor(row=max(0, self.row_count - 1))

    def action_cursor_left(self, select: bool = False) -> None:
        """Do nothing: the whole row is under the cursor."""

    def action_cursor_right(self, select: bool = False) -> None:
        """Do nothing: the whole row is under the cursor."""


def _are_same_rows(one: tuple[Split, Any, Sequence[LabelLook]], other: tuple[Split, Any, Sequence[LabelLook]]) -> bool:
    """Whether two states of a data set, before and after decisions, show the same texts in the same lines and colours."""
    if tuple(one[2]) != tuple(other[2]) or (one[1] is None) != (other[1] is None):
        return False
    if not one[0].table.column("text").equals(other[0].table.column("text")):
        return False
    return one[1] is None or (len(one[1]) == len(other[1]) and bool((one[1] == other[1]).all()))

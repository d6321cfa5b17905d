"""The subwords of a text as a table with a cursor; only visible rows are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...core.safe_text import pad, safe_line


@dataclass(frozen=True, slots=True)
class Subword:
    token: str
    id: int
    start: int
    stop: int
    """The end of its span in the text, in characters; start and stop are 0 for special tokens."""
    special: bool
    mask: int
    unknown: bool = False


class SubwordTable(ScrollView, can_focus=True):
    """Shows one row per subword, below a header."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home,g", "move(-1000000)", show=False),
        Binding("end,G", "move(1000000)", show=False),
    ]
    DEFAULT_CSS = """
    SubwordTable { height: 1fr; background: transparent; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    cursor: reactive[int] = reactive(0)

    @dataclass
    class Moved(Message):
        """The cursor moved to another subword; -1 for none."""

        index: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: tuple[Subword, ...] = ()

    def show(self, rows: tuple[Subword, ...]) -> None:
        self._rows = rows
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        self.cursor = min(self.cursor, max(0, len(rows) - 1))
        self.refresh()

    def watch_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor + (1 if self.cursor else 0), 1, 1), animate=False, force=True)
        self.post_message(self.Moved(self.cursor if self._rows else -1))
        self.refresh()

    def action_move(self, by: int) -> None:
        self.cursor = min(max(0, self.cursor + by), max(0, len(self._rows) - 1))

    def on_click(self, event: events.Click) -> None:
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y - 1
        if 0 <= row < len(self._rows):
            self.cursor = row

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        colors = self.app.theme_variables
        row = y + self.scroll_offset.y - 1
        if y == 0:
            line = subword_line(None, 0, width)
            line.stylize("dim")
        elif row + 0 < len(self._rows):
            line = subword_line(self._rows[row], row, width)
            if self._rows[row].unknown:
                line.stylize(f"bold {colors['error']}")
            elif self._rows[row].special:
                line.stylize("dim")
            if row == self.cursor:
                line.stylize(
                    Style.parse(
                        f"bold {colors['block-cursor-foreground']} on {colors['block-cursor-background']}"
                        if self.has_focus
                        else f"on {colors['block-cursor-blurred-background']}"
                    )
                )
        else:
            return Strip.blank(width, self.rich_style)
        segments = [Segment(part.text, part.style, part.control) for part in line.render(self.app.console, end="")]
        return Strip(segments).adjust_cell_length(width, self.rich_style).apply_style(self.rich_style)


def subword_line(row: Subword | None, index: int, width: int) -> Text:
    """Return one row in at most `width` cells, or the header for None. In narrow tables the position and 'special' are left out."""
    wide, widest = width >= 34, width >= 44
    token = max(5, min(20, width - (37 if widest else 29 if wide else 20)))
    if row is None:
        named = {"i": "  i", "token": pad("token", token), "id": "    id", "offset": " offset", "special": "special", "mask": "mask"}
    else:
        named = {
            "i": f"{index:>3}",
            "token": pad(safe_line(row.token, token), token),
            "id": f"{row.id:>6}",
            "offset": f"{'' if row.special and row.start == row.stop else f'{row.start}-{row.stop}':>7}",
            "special": f"{'yes' if row.special else '':>7}",
            "mask": f"{row.mask:>4}",
        }
    columns = ("i", "token", "id", "offset", "special", "mask") if widest else ("i", "token", "id", "offset", "mask")
    return Text(" ".join(named[name] for name in (columns if wide else ("token", "id", "offset", "mask"))), no_wrap=True)

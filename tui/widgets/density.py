"""Points in a plane, such as projected hidden states, as one density plot per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from ...core.safe_text import pad
from .label_look import LabelLook

if TYPE_CHECKING:
    import numpy as np

_SHADES = " ·░▒▓█"
_PANEL = (16, 5)
"""Smallest panel in cells (width, height), including its title."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points by class: `x` and `y` are float arrays of shape [n], `label` int of the same shape, an index into `looks`."""

    x: np.ndarray
    y: np.ndarray
    label: np.ndarray
    looks: tuple[LabelLook, ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """The layout of panels: their number in all, per line and visible at once, and the size of one in cells."""

    panels: int
    across: int
    shown: int
    wide: int
    high: int


def counts(cloud: Cloud, columns: int, rows: int, label: int | None = None) -> np.ndarray:
    """Return the number of points in each cell, int, shape [rows, columns], the largest y first; of one class, or of all.

    The limits exclude the outermost 0.5 % of all points on each side, which would squeeze the rest.
    """
    import numpy as np

    limits = [np.quantile(axis, (0.005, 0.995)) if len(axis) else (0.0, 1.0) for axis in (cloud.x, cloud.y)]
    limits = [(low, high) if high > low else (low - 0.5, low + 0.5) for low, high in limits]
    kept = slice(None) if label is None else cloud.label == label
    found, _, _ = np.histogram2d(cloud.y[kept], cloud.x[kept], bins=(rows, columns), range=(limits[1], limits[0]))
    return found[::-1].astype(int)


def shades(cells: np.ndarray) -> list[str]:
    """Return one line per row: the more points, the darker the character, from a space for none to █ for the most."""
    import numpy as np

    top = max(1, int(cells.max())) if cells.size else 1
    levels = np.ceil(np.sqrt(cells / top) * (len(_SHADES) - 1)).astype(int)
    return ["".join(_SHADES[level] for level in row) for row in levels]


class Density(Widget, can_focus=True):
    """Shows a Cloud as small panels: first all classes together, each cell with the glyph of its most common class, then one per class."""

    DEFAULT_CSS = """
    Density {
        width: 1fr; height: 1fr;
        border: round $border-blurred;
        border-title-color: $text;
        border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    Density:focus { border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", "other classes", key_display="←→", id="density.left"),
        Binding("right,l", "turn(1)", "other classes", show=False, id="density.right"),
    ]

    def __init__(self, title: str, *, empty: str, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._cloud: Cloud | None = None
        self._empty = empty
        self._first = 0
        self.border_title = Text(title)

    @property
    def cloud(self) -> Cloud | None:
        return self._cloud

    def show(self, cloud: Cloud | None, *, empty: str = "", title: str = "") -> None:
        """Show a cloud under a `title`, or the text `empty` if it is None; '' keeps the former title or text."""
        if title:
            self.border_title = Text(title)
        if cloud is not self._cloud or empty not in ("", self._empty):
            self._cloud, self._empty = cloud, empty or self._empty
            self._first = 0
            self._draw_subtitle()

    def on_resize(self) -> None:
        self._draw_subtitle()

    def _draw_subtitle(self) -> None:
        """Show below which panels are visible, if not all are."""
        grid = self._grid()
        self.border_subtitle = Text("")
        if grid is not None and grid.shown < grid.panels:
            self.border_subtitle = Text(f"{self._first + 1}-{self._first + grid.shown} of {grid.panels}, ←→ turns")
        self.refresh()

    def _grid(self) -> _Grid | None:
        """Return the layout of panels; None if there is nothing to show, or no room."""
        width, height = self.content_size
        if self._cloud is None or width < _PANEL[0] or height < 3:
            return None
        panels = len(self._cloud.looks) + 1
        across = max(1, min(panels, (width + 1) // (_PANEL[0] + 1)))
        down = max(1, min(height // _PANEL[1], -(-panels // across)))
        across = min(across, -(-panels // down))
        self._first = max(0, min(self._first, panels - across * down))
        return _Grid(panels, across, min(panels, across * down), (width + 1) // across - 1, height // down)

    def render(self) -> Text:
        grid = self._grid()
        if grid is None:
            return Text(self._empty, "dim")
        lines: list[Text] = []
        last = self._first + grid.shown
        for start in range(self._first, last, grid.across):
            blocks = [self._panel(index, grid.wide, grid.high) for index in range(start, min(start + grid.across, last))]
            lines += [Text(" ").join(parts) for parts in zip(*blocks, strict=True)]
        return Text("\n").join(lines)

    def _panel(self, index: int, width: int, height: int) -> list[Text]:
        assert self._cloud is not None  # noqa: S101 - render has seen it
        if index == 0:
            title = Text(pad(f"all {len(self._cloud.x):,}", width), "bold", no_wrap=True)
            return [title, *self._together(width, height - 1)]
        look = self._cloud.looks[index - 1]
        cells = counts(self._cloud, width, height - 1, index - 1)
        number = f" {int((self._cloud.label == index - 1).sum()):,}"
        title = look.text(max(1, width - len(number)), style="bold").append(number, "dim")
        return [title, *(Text(line, look.color, no_wrap=True) for line in shades(cells))]

    def _together(self, width: int, height: int) -> list[Text]:
        """Return each cell with the glyph and colour of its most common class, relative to the size of the class."""
        import numpy as np

        assert self._cloud is not None  # noqa: S101 - render has seen it
        cloud = self._cloud
        sizes = [max(1, int((cloud.label == index).sum())) for index in range(len(cloud.looks))]
        stacked = np.stack([counts(cloud, width, height, index) / size for index, size in enumerate(sizes)])
        best, some = stacked.argmax(0), stacked.sum(0) > 0
        lines: list[Text] = []
        for row in range(height):
            line = Text(no_wrap=True)
            for column in range(width):
                look = cloud.looks[int(best[row, column])]
                line.append(look.glyph if some[row, column] else " ", look.color if some[row, column] else "")
            lines.append(line)
        return lines

    def action_turn(self, panels: int) -> None:
        self._first = max(0, self._first + panels)
        self._draw_subtitle()

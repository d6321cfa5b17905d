"""A live line chart with smoothing, a logarithmic scale, zoom and a cross-hair, controlled by keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from .chart import Chart, View, seen_in, x_range
from .chart_drawing import Drawing, Inks, draw

SMOOTHING = (0.0, 0.6, 0.9, 0.97)


class Plot(Widget, can_focus=True):
    """Shows a Chart; redraws only if the chart, the view or the size has changed."""

    DEFAULT_CSS = """
    Plot {
        width: 1fr; height: 1fr;
        border: round $border-blurred;
        border-title-color: $text;
        border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    Plot:focus { border: round $primary; }
    Plot > .plot--text { color: $foreground; }
    Plot > .plot--faint { color: $foreground 45%; }
    Plot > .plot--cursor { color: $accent; }
    Plot > .plot--error { color: $error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--text", "plot--faint", "plot--cursor", "plot--error"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "cross-hair", key_display="←→", tooltip="read values at a step", id="plot.left"),
        Binding("right,l", "move(1)", "cross-hair right", show=False, id="plot.right"),
        Binding("shift+left,H", "move(-10)", "cross-hair 10 left", show=False, id="plot.left10"),
        Binding("shift+right,L", "move(10)", "cross-hair 10 right", show=False, id="plot.right10"),
        Binding("plus,equals_sign", "zoom(0.5)", "zoom", key_display="+-", tooltip="show half as many steps", id="plot.zoom_in"),
        Binding("minus", "zoom(2.0)", "zoom out", show=False, id="plot.zoom_out"),
        Binding("0", "whole", "whole", show=False, tooltip="the whole run, without the cross-hair", id="plot.whole"),
        Binding("m", "smooth", "smooth", tooltip="moving average: none, 0.6, 0.9, 0.97", id="plot.smooth"),
        Binding("g", "log", "log", tooltip="logarithmic scale", id="plot.log"),
        Binding("z", "enlarge", "enlarge", tooltip="one plot large, and back", id="plot.enlarge"),
    ]

    @dataclass
    class Enlarge(Message):
        """A plot was asked to be enlarged, or restored."""

        plot: Plot

        @property
        def control(self) -> Plot:
            return self.plot

    @dataclass
    class Looked(Message):
        """The visible part of the x axis, or the cross-hair, was moved by a key or the mouse."""

        plot: Plot

    def __init__(self, chart: Chart, *, hint: str = "", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Prepare the plot; `hint` is shown on the border as long as the view is the default."""
        super().__init__(id=id, classes=classes)
        self._hint = hint
        self.border_subtitle = Text(hint)
        self._chart = chart
        self._view = View()
        self._drawing: Drawing | None = None
        self._drawn_for: object = None
        self._ready = False
        self.border_title = Text(chart.title)

    def on_mount(self) -> None:
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        # It takes a third of a second, which would block the event loop.
        import_module("plotext")

        self.app.call_from_thread(self._loaded)

    def _loaded(self) -> None:
        self._ready = True
        self.refresh()

    @property
    def chart(self) -> Chart:
        return self._chart

    def show(self, chart: Chart) -> bool:
        """Show `chart` and return whether it differs from the shown one."""
        if chart == self._chart:
            return False
        self._chart = chart
        self.border_title = Text(chart.title)
        if (view := seen_in(chart, self._view)) != self._view:
            self._set_view(view)
        self.refresh()
        return True

    @property
    def view(self) -> View:
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        moved = (view.window, view.cursor) != (self._view.window, self._view.cursor)
        self._set_view(view)
        if moved:
            self.post_message(self.Looked(self))

    def match_view(self, window: tuple[float, float] | None, cursor: float | None) -> None:
        """Show the same part of the x axis and the same cross-hair as another plot."""
        if (window, cursor) != (self._view.window, self._view.cursor):
            self._set_view(replace(self._view, window=window, cursor=cursor))

    def _set_view(self, view: View) -> None:
        self._view = view
        parts = [f"average {view.smoothing:g}" if view.smoothing else "", "log" if view.log else "", "zoomed" if view.window else ""]
        self.border_subtitle = Text(", ".join(word for word in parts if word) or self._hint)
        self.refresh()

    @property
    def _inks(self) -> Inks:
        ground = self.background_colors[1]

        def ink(name: str) -> str:
            color = self.get_component_styles(f"plot--{name}").color
            # Rich has no transparency.
            return ground.blend(color, color.a, 1.0).hex6

        return Inks(ink("text"), ink("faint"), ink("cursor"), ink("error"))

    def render(self) -> Text:
        if not self._ready:
            return Text("…")
        size, inks = self.content_size, self._inks
        wanted = (self._chart, self._view, size, inks)
        if self._drawing is None or self._drawn_for != wanted:
            self._drawing = draw(self._chart, self._view, size.width, size.height, inks)
            self._drawn_for = wanted
        return Text("\n").join(self._drawing.lines)

    # --- keys ------------------------------------------------------------------------------------------------

    def action_move(self, cells: int) -> None:
        """Move the cross-hair by columns of the screen, at least by one step; if there is none, show it at the newest values."""
        if self._drawing is None or (scale := self._drawing.x) is None:
            return
        if self._view.cursor is None:
            cursor = scale.high
        else:
            column = scale.cell(self._view.cursor)
            column = (scale.cells - 1 if column is None else column) + cells
            cursor = scale.value(column + 0.5)
            if self._snapped(cursor) == self._view.cursor:  # a step is wider than a column
                cursor = self._view.cursor + (1 if cells > 0 else -1)
        self.view = replace(self._view, cursor=self._snapped(cursor))

    def _snapped(self, x: float) -> float:
        """Return the nearest whole step to `x` within the visible part."""
        limits = self._view.window or x_range(self._chart) or (x, x)
        return min(limits[1], max(limits[0], float(round(x))))

    def action_zoom(self, factor: float) -> None:
        """Show `factor` times as many steps, around the cross-hair or at the newest end."""
        if (whole := x_range(self._chart)) is None:
            return
        low, high = self._view.window or whole
        span = max(4.0, (high - low) * factor)
        if span >= whole[1] - whole[0]:
            self.view = replace(self._view, window=None)
            return
        middle = self._view.cursor if self._view.cursor is not None else whole[1]
        low = min(max(whole[0], middle - span / 2), whole[1] - span)
        self.view = replace(self._view, window=(low, low + span))

    def action_whole(self) -> None:
        self.view = replace(self._view, window=None, cursor=None)

    def action_smooth(self) -> None:
        self.view = replace(self._view, smoothing=SMOOTHING[(SMOOTHING.index(self._view.smoothing) + 1) % len(SMOOTHING)])

    def action_log(self) -> None:
        self.view = replace(self._view, log=not self._view.log)

    def action_enlarge(self) -> None:
        self.post_message(self.Enlarge(self))

    def on_click(self, event: events.Click) -> None:
        if self._drawing is None or (scale := self._drawing.x) is None:
            return
        column = event.get_content_offset_capture(self).x - self._drawing.left
        if 0 <= column < scale.cells:
            self.view = replace(self._view, cursor=self._snapped(scale.value(column + 0.5)))

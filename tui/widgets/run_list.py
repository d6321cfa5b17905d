"""The list of runs with state, data, model, score and age; several can be marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ...core.safe_text import pad, safe_line

_SIGNS = {
    "starting": ("◌", "$primary"),
    "running": ("▶", "$primary"),
    "finished": ("✓", "$success"),
    "stopped": ("■", "$warning"),
    "failed": ("✗", "$error"),
    "lost": ("?", "$error"),
    "unreadable": ("!", "$text"),
}


_TWO_COLUMNS = 24
"""Width in cells from which on a run's score is beside its name, and its age beside its data."""


@dataclass(frozen=True, slots=True)
class RunItem:
    """One line of the list."""

    key: str
    """Identifies the run, for example its folder."""
    id: str
    task: str
    state: str
    data: str
    model: str
    score: str
    """'F1 0.914', '64 %' or a word for the state."""
    age: str
    marked: bool = False
    color: str = ""
    """The colour of its curve; '' if it has none on the chart."""
    pinned: bool = False
    tags: tuple[str, ...] = ()


class RunList(OptionList):
    """Shows RunItems. The highlighted run is the selected one; Space marks others to compare."""

    DEFAULT_CSS = """
    RunList {
        border: round $border-blurred;
        border-title-color: $text;
        border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    RunList:focus { border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False, id="runs.down"),
        Binding("k", "cursor_up", "up", show=False, id="runs.up"),
        Binding("space", "mark", "mark", tooltip="compare this run with others", id="runs.mark"),
    ]

    @dataclass
    class Looked(Message):
        """A run was highlighted."""

        key: str

    @dataclass
    class Marked(Message):
        """Space was pressed to mark or unmark a run."""

        key: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self._items: tuple[RunItem, ...] = ()
        self.border_title = Text("runs")

    @property
    def items(self) -> tuple[RunItem, ...]:
        return self._items

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "mark":
            return bool(self._items)
        return super().check_action(action, parameters)

    def show(self, items: tuple[RunItem, ...], looked_at: str | None) -> None:
        """Show `items` with `looked_at` highlighted; only changed lines are redrawn."""
        if [item.key for item in items] == [item.key for item in self._items]:
            for index, (new, old) in enumerate(zip(items, self._items, strict=True)):
                if new != old:
                    self.replace_option_prompt_at_index(index, self._prompt(new))
            self._items = items
        else:
            first = not self._items
            self._items = items
            if first and self.is_attached:
                self.screen.refresh_bindings()
            with self.prevent(OptionList.OptionHighlighted):
                self.clear_options()
                self.add_options([Option(self._prompt(item)) for item in items])
        index = next((index for index, item in enumerate(items) if item.key == looked_at), 0 if items else None)
        if index != self.highlighted:
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = index
        self._draw_subtitle()

    def _prompt(self, item: RunItem) -> Text:
        width = self._width
        sign, variable = _SIGNS.get(item.state, ("·", "$text"))
        color = self.app.theme_variables.get(variable.removeprefix("$"), "")
        color = color if color.startswith("#") else ""
        strong = "dim" if item.state == "unreadable" else "bold"
        mark = ("● " if item.marked else "  ") if not item.color else ("● " if item.marked else "━ ")
        age = safe_line(item.age, 10)
        called = f"{'↑ ' if item.pinned else ''}{safe_line(item.id, 8)} {safe_line(item.task)}"
        tags = _tags(item)
        if width < _TWO_COLUMNS:  # data and model of the highlighted run are on the border
            first = Text.assemble((f"{sign} ", color), (pad(called, width - 2), strong), no_wrap=True, overflow="crop")
            score = pad(f"{safe_line(item.score.removeprefix('F1 '))} {tags}", max(1, width - 3 - len(age)))
            return Text("\n").join([first, Text.assemble((mark, item.color), (score, strong), " ", (age, "dim"), no_wrap=True)])
        score = safe_line(item.score, width - 8)
        name = pad(called, max(1, width - 3 - len(score)))
        first = Text.assemble((f"{sign} ", color), (name, strong), " ", (score, strong), no_wrap=True, overflow="crop")
        about = pad(f"{tags} {_about(item)}" if tags else _about(item), max(1, width - 3 - len(age)))
        return Text("\n").join([first, Text.assemble((mark, item.color), (about, "dim"), " ", (age, "dim"), no_wrap=True, overflow="crop")])

    def _draw_subtitle(self) -> None:
        """Show below how many runs are marked; in a narrow list, the data and model of the highlighted run."""
        marked = sum(item.marked for item in self._items)
        words = f"{marked} marked" if marked else "space overlays" if len(self._items) > 1 else ""
        if self._width < _TWO_COLUMNS and self.highlighted is not None and self.highlighted < len(self._items):
            item = self._items[self.highlighted]
            words = f"{_tags(item)} {_about(item)}".strip()
        self.border_subtitle = Text(words)

    @property
    def _width(self) -> int:
        return max(16, self.content_size.width - 2 or 24)

    def on_resize(self) -> None:
        self.draw_anew()

    def draw_anew(self) -> None:
        """Redraw every line in the present width and colours."""
        for index, item in enumerate(self._items):
            self.replace_option_prompt_at_index(index, self._prompt(item))
        self._draw_subtitle()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._draw_subtitle()
        if event.option_index < len(self._items):
            self.post_message(self.Looked(self._items[event.option_index].key))

    def action_mark(self) -> None:
        if self.highlighted is not None and self._items:
            self.post_message(self.Marked(self._items[self.highlighted].key))


def _tags(item: RunItem) -> str:
    return safe_line(" ".join(f"#{tag}" for tag in item.tags))


def _about(item: RunItem) -> str:
    return f"{safe_line(item.data)} · {safe_line(item.model)}"

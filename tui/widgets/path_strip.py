"""The strip below the top line: the tutorial's path, its finished steps, and the next key to press."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path."""

    name: str
    mark: str
    """'done', 'now' or 'later'."""
    key: str
    """The key of the step's screen; '' if the step before has the same screen."""
    here: bool
    """Whether the step's screen is in front."""


@dataclass(frozen=True, slots=True)
class Path:
    steps: tuple[Step, ...] = ()
    hints: tuple[str, ...] = ("",)
    """The same hint in several lengths, from long to short; each names a key."""


_MARKS = {"done": "✓", "now": "●", "later": "○"}


class PathStrip(Widget):
    """Shows the path on one line; a click on a step goes to its screen."""

    DEFAULT_CSS = """
    PathStrip { height: 1; background: $surface; color: $foreground; }
    """
    path: reactive[Path] = reactive(Path())

    @dataclass
    class Chosen(Message):
        """A step was clicked; `key` is the key of its screen."""

        key: str

    def render(self) -> Text:
        return path_text(self.path, self.size.width, self.app.theme_variables)

    def on_click(self, event: events.Click) -> None:
        column = event.get_content_offset_capture(self).x
        line, key = self.render().plain, ""
        for step in self.path.steps:
            key = step.key or key
            start = line.index(f"{_MARKS[step.mark]} {step.name}")
            if start - 2 <= column <= start + 2 + len(step.name):
                self.post_message(self.Chosen(key))


def path_text(path: Path, width: int, colors: dict[str, str]) -> Text:
    """Return the strip for `width` cells: all steps, and at the right the longest hint that fits."""
    accent = colors.get("accent", "")
    for gap in (3, 2, 1):
        steps = _steps(path, gap, colors)
        for hint in path.hints:
            if 1 + steps.cell_len + gap + 1 + len(hint) <= width:
                steps.append(" " * (width - 2 - steps.cell_len - len(hint)))
                return Text(" ", no_wrap=True) + steps + Text(hint, style=f"bold {accent}")
    line = Text(" ", no_wrap=True) + _steps(path, 1, colors)
    line.truncate(max(0, width), overflow="ellipsis")
    return line


def _steps(path: Path, gap: int, colors: dict[str, str]) -> Text:
    line = Text(no_wrap=True)
    for step in path.steps:
        style = {"done": colors.get("success", ""), "now": colors.get("accent", ""), "later": "dim"}[step.mark]
        if line:
            line.append(" " * gap)
        label = f"{step.key} " if step.key else ""
        start = len(line)
        line.append(f"{label}{_MARKS[step.mark]} {step.name}", style=style)
        if step.here:
            line.stylize("bold reverse", start + len(label) + 2)
    return line

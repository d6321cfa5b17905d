"""The path of a text through a model: the shape after each stage, and the norms of the hidden states."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from ...core.safe_text import cut, pad, safe_line
from .bars import bar
from .label_look import LabelLook


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    shape: tuple[int, ...]
    norm: float | None
    """Mean L2 norm over the tokens, or that of the token under the cursor; None for a stage without hidden states."""


@dataclass(frozen=True, slots=True)
class Way:
    stages: tuple[Stage, ...] = ()
    first: tuple[float, ...] = ()
    """The first values of the [CLS] hidden state."""
    logits: tuple[tuple[LabelLook, float], ...] = ()
    without: str = ""
    """Shown instead of logits if there are none."""


class ModelPath(Static):
    """Shows one line per stage, with a bar for the norm if there is room."""

    DEFAULT_CSS = """
    ModelPath { height: auto; }
    """
    way: reactive[Way] = reactive(Way(), layout=True)

    def render(self) -> Text:
        return way_lines(self.way, self.size.width, self.app.theme_variables)


def way_lines(way: Way, width: int, colors: dict[str, str]) -> Text:
    """Return the path in lines of at most `width` cells."""
    text = Text(no_wrap=True)
    named = [(_short(stage.name) if width < 32 else stage.name, stage) for stage in way.stages]
    names = max((len(name) for name, _ in named), default=0)
    room = max((len(str(list(stage.shape))) for stage in way.stages if stage.norm is not None), default=0)
    largest = max((stage.norm for stage in way.stages if stage.norm is not None), default=0.0) or 1.0
    cells = min(24, width - names - room - 10)
    for name, stage in named:
        line = Text(no_wrap=True).append(pad(safe_line(name), names + 1), "bold").append(str(list(stage.shape)).ljust(room + 1))
        if stage.norm is not None:
            line.append(f"{stage.norm:>5.1f}", colors.get("accent", ""))
            if cells >= 4:
                line.append(" " + bar(stage.norm / largest, cells).rstrip(), colors.get("primary", ""))
        line.truncate(width, overflow="ellipsis")
        text.append_text(line).append("\n")
    if way.first:
        text.append(cut("[CLS] = " + " ".join(f"{value:.2f}" for value in way.first) + " …", width) + "\n", "dim")
    for look, logit in sorted(way.logits, key=lambda each: -each[1]):
        text.append_text(look.text(min(14, width - 8))).append(f" {logit:>6.2f}\n")
    if way.without and not way.logits:
        text.append(cut(way.without, width), "dim")
    text.rstrip()
    return text


def _short(name: str) -> str:
    return "embed" if name == "embeddings" else name

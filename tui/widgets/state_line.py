"""The top line: data set, model, device, and the live run."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from ...core.safe_text import safe_line


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts of the live run that the line shows."""

    task: str
    name: str
    share: float | None
    """The share that is done, in [0, 1]; None if unknown."""
    left: str = ""
    """Time left in words; '' if unknown."""
    loss: float | None = None
    f1: float | None = None
    phase: str = ""
    """What the run does while it does not train, such as 'load' or 'extract'."""
    on_cpu: bool = False
    others: int = 0
    """The number of other live runs."""


@dataclass(frozen=True, slots=True)
class StateFacts:
    """Everything that the line shows."""

    data: str = "no data"
    rows: str = ""
    model: str = ""
    model_size: str = ""
    device: str = ""
    device_detail: str = ""
    run: RunFacts | None = None


def bar(share: float, width: int) -> str:
    """Return a line of `width` cells that is heavy up to `share` (in [0, 1]) and light after it, exact to half a cell."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    full, half = divmod(halves, 2)
    return "━" * full + "╸" * half + "─" * (width - full - half)


class StateLine(Widget):
    """One line that drops details as it gets narrower; the run's progress and time left go last."""

    DEFAULT_CSS = """
    StateLine { height: 1; background: $panel; color: $foreground; }
    """
    facts: reactive[StateFacts] = reactive(StateFacts())

    def render(self) -> Text:
        colors = self.app.theme_variables
        return state_text(self.facts, self.size.width, colors)


def state_text(facts: StateFacts, width: int, colors: dict[str, str]) -> Text:
    """Return the line in the longest form that fits `width` cells; `colors` are the theme's variables."""
    data, model = safe_line(facts.data, 32), safe_line(facts.model, 28)
    accent, muted, warning = colors.get("accent", ""), colors.get("text-muted", "dim"), colors.get("warning", "")
    muted = "dim" if muted.startswith("auto") else muted
    runs = _run_forms(facts.run, colors) if facts.run else [Text()]
    lefts = [
        [
            ("emotui", f"bold {accent}"),
            (data, "bold"),
            (facts.rows, ""),
            (model, ""),
            (facts.model_size, muted),
            _device(facts, warning, True),
        ],
        [("emotui", f"bold {accent}"), (data, "bold"), (facts.rows, ""), (model, ""), _device(facts, warning, False)],
        [("emotui", f"bold {accent}"), (data, "bold"), (model, ""), _device(facts, warning, False)],
        [(safe_line(data, 16), "bold"), (safe_line(model, 16), ""), _device(facts, warning, False)],
        [(safe_line(data, 10), "bold"), _device(facts, warning, False)],
    ]
    # Shorten the left part, as long as some of it remains, before the run loses a number.
    for right in runs:
        for left in lefts:
            line = _joined(left)
            if 1 + line.cell_len + 2 + right.cell_len + 1 <= width:
                return _spread(line, right, width)
    line = Text(" ") + _joined(lefts[-1])
    return line[: max(0, width - 1)]


def _device(facts: StateFacts, warning: str, long: bool) -> tuple[str, str]:
    if facts.run and facts.run.on_cpu:
        return ("training on CPU", f"bold {warning}")
    return (safe_line(facts.device + (f" {facts.device_detail}" if long and facts.device_detail else ""), 40), "")


def _joined(parts: list[tuple[str, str]]) -> Text:
    return Text("   ").join(Text(text, style) for text, style in parts if text)


def _spread(left: Text, right: Text, width: int) -> Text:
    line = Text(" ", no_wrap=True) + left
    line.append(" " * (width - 1 - line.cell_len - right.cell_len))
    return line + right


def _run_forms(run: RunFacts, colors: dict[str, str]) -> list[Text]:
    """Return the forms of the run's part, from long to short."""
    good = f"bold {colors.get('success', '')}"
    name = safe_line(run.name, 12)
    share = f"{100 * run.share:.0f} %" if run.share is not None else safe_line(run.phase, 12)
    loss = f"loss {run.loss:.3f}" if run.loss is not None else ""
    f1 = f"F1 {run.f1:.3f}" if run.f1 is not None else ""
    more = f"+{run.others}" if run.others else ""
    forms = [
        (f"▶ {run.task} {name}", 14, share, f"{run.left} left" if run.left else "", loss, f1, more),
        (f"▶ {run.task} {name}", 8, share, run.left, loss, f1, more),
        (f"▶ {name}", 6, share, run.left, loss, f1, more),
        (f"▶ {name}", 0, share, run.left, loss, f1, ""),
        (f"▶ {name}", 0, share, run.left, "", f1, ""),
        ("▶", 0, share, run.left, "", "", ""),
    ]
    texts: list[Text] = []
    for head, cells, *rest in forms:
        text = Text(head, style=good)
        if cells and run.share is not None:
            text.append(" " + bar(run.share, cells), style=good)
        for part in rest:
            if part:
                text.append("  " if cells else " ")
                text.append(part)
        texts.append(text)
    return texts

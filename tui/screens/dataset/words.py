"""Texts of the dataset browser about a data set and a row. It knows no screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ....core.safe_text import cell_width, safe_line, safe_text
from ....core.sentences import Words
from ...facts import Loading
from ...field_names import by_fields
from ...widgets.label_look import LabelLook

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ....core.data.table import Dataset, Split

SHOWN = 4_000
"""Characters of a text that are shown below the table, at most."""
_PHASES = {"read": "reading the data set", "download": "downloading the data set"}


def waiting(error: Words, loading: Loading | None) -> Text:
    """Return the text shown in place of rows while there are none: the error, the progress, or what to do."""
    if error:
        text = Text("cannot open the data set\n\n", "bold").append(safe_text(by_fields(error)), "")
        text.append("\n\nPress o to read it otherwise, or to open another one.", "dim")
        if "label" in str(error):
            text.append("\nPress l to label its texts by hand.", "dim")
        return text
    if loading is not None:
        share = f"  {100 * loading.done / loading.total:.0f} %" if loading.total else ""
        return Text(f"{_PHASES.get(loading.phase, loading.phase)}{share}")
    return Text((files("emotui.tui.text") / "dataset_empty.md").read_text("utf-8"))


def split_names(dataset: Dataset, here: str, found: Mapping[str, Any] | None, room: int, color: str) -> Text:
    """Return the splits with their numbers of rows, and of those `found` in each, in `room` cells.

    Figures of other splits are dropped first, and never those of the shown one, `here`.
    """

    def titled(form: int) -> Text:
        title = Text()
        for name, split in dataset.splits.items():
            rows = f"{len(split):,}"
            if found is not None:
                met = f"{len(found.get(name, ())):,}"
                rows = f"{met} of {rows}" if form == 0 or name == here else met
            title.append(" ─ " if title else "")
            is_here = name == here
            title.append(
                f" {name} {rows} " if is_here else name if form == 2 else f"{name} {rows}", f"bold reverse {color}" if is_here else "dim"
            )
        return title

    return next((title for title in map(titled, range(3)) if title.cell_len <= room), titled(2))


def features(dataset: Dataset) -> str:
    """Return the first columns with their types."""
    return ", ".join(f"{safe_line(name, 20)} {safe_line(kind, 24)}" for name, kind in list(dataset.features.items())[:3])


def row_title(dataset: Dataset, part: Split, index: int, look: LabelLook, suggested: Callable[[], tuple[str, float, str] | None]) -> Text:
    """Return a row's number and label, with the decision about it, or otherwise the suggested label."""
    row = part.row(index)
    room = min(28, cell_width(look.name) + look.id_cells + 2)
    title = Text(f"row {row.index:,}: ").append_text(look.text(room, numbered=True))
    decision = dataset.overlay.decision(part.name, index) if dataset.overlay is not None else None
    if decision is not None:
        was = f"was {safe_line(decision.old, 24)}" if decision.old else "had no label"
        title.append(f", {was} ({decision.by})" if decision.old != row.name else ", confirmed")
    elif (other := suggested()) is not None:
        title.append(f", rather {safe_line(other[0], 24)}? {100 * other[1]:.0f} % (L, 0: yes)")
    return title


def row_text(text: str) -> Text:
    """Return the shown part of a row's text."""
    shown = Text(safe_text(text[:SHOWN]).expandtabs(4))
    if len(text) > SHOWN:
        shown.append(f"\n… and {len(text) - SHOWN:,} more characters", "dim")
    return shown

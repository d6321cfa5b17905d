"""The sections of a report on the run itself: settings, versions and notes."""

from __future__ import annotations

from .. import hyperparameters
from ..runs import resolved_settings
from ..units import count, duration, size
from .content import Block, Column, Section, Words, table
from .data_sections import enumerated
from .material import Material
from .words import moment


def settings(of: Material) -> Section:
    view, spec = of.view, of.view.spec
    finished, started = view.finished, view.started
    facts: list[tuple[str, str]] = [
        ("run", view.id),
        ("task", view.task),
        ("state", view.state + (f": {view.reason}" if view.reason else "")),
        ("made", moment(spec.created)),
        ("ended", moment(view.ended) if view.ended is not None else ""),
        ("data", resolved_settings.public(spec.job.data.source)),
        ("sha256 of the data", spec.data_hash),
        ("labels", ", ".join(spec.labels)),
        ("steps", f"{view.step:,} of {view.steps:,}" if view.steps else ""),
        ("time", duration(finished.seconds) if finished is not None else ""),
        (
            "rows trained on a second",
            f"{finished.examples_per_second:,.0f}" if finished is not None and finished.examples_per_second else "",
        ),
        ("highest memory", size(finished.peak_memory) if finished is not None and finished.peak_memory else ""),
        ("parameters", f"{started.parameters:,}" if started is not None and started.parameters else ""),
        ("tags", ", ".join(of.note.tags)),
    ]
    blocks: list[Block] = [table("The run", ("what", Column("value", "text")), [fact for fact in facts if fact[1]])]
    rows = [(name, hyperparameters.shown(value)) for name, value in resolved_settings.settings(spec, started).items()]
    blocks.append(table("Settings, as they were resolved", ("setting", Column("value", "text")), rows))
    data = _reading(of)
    if data:
        blocks.append(table("How the data was read", ("option", Column("value", "text")), data))
    versions = list(spec.versions.items())
    if versions:
        blocks.append(table("Versions", ("program or library", Column("version", "text")), versions))
    else:
        blocks.append(Words("The run keeps no versions.", "missing"))
    return Section("settings", "Settings and versions", tuple(blocks))


def _reading(of: Material) -> list[tuple[str, str]]:
    """Return the reading options of the data that differ from the defaults, as pairs of name and value."""
    data = of.view.spec.job.data
    found = [
        ("text column", data.text_column),
        ("label column", data.label_column),
        ("label names", ", ".join(data.labels)),
        ("label names in one case", "yes" if data.fold_case else None),
        ("bad rows", "left out" if data.skip_bad_rows else None),
        ("seed of the split", str(data.seed) if data.seed else None),
        *((f"{split} file", resolved_settings.public(file)) for split, file in data.files),
        *((name, str(getattr(data.reading, name))) for name in data.reading.__struct_fields__ if getattr(data.reading, name) is not None),
    ]
    return [(name, value) for name, value in found if value]


def notes(of: Material) -> Section | None:
    """Return the notes that the run logged, and which of its files could not be read; None if there are none."""
    view = of.view
    blocks: list[Block] = []
    if view.notes:
        rows = [(note.level, note.message) for note in view.notes]
        blocks.append(table("What the run said", ("level", Column("note", "text")), rows))
    damaged = (*view.faults, *of.missing)
    if damaged:
        blocks.append(Words(f"{count(len(damaged), 'file')} or part of the run could not be read.", "warning"))
        blocks.append(table("What could not be read", (Column("number"), Column("fault", "text")), enumerated(damaged)))
    return Section("notes", "Notes", tuple(blocks)) if blocks else None

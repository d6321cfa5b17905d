"""The sections of a report on the data: rows, classes, problems, faults, and manual changes."""

from __future__ import annotations

from collections import Counter

from ..runs.data_record import DataRecord
from ..units import count, percent
from .content import Bar, Bars, Block, Column, Section, Words, table
from .material import Material
from .words import day

MOST_BARS = 40
"""Classes that a chart shows, at most."""


def data(of: Material) -> Section:
    blocks: list[Block] = []
    started, record = of.view.started, of.data
    blocks += [Words(f"Results on this data cannot be trusted: {each}.", "warning") for each in (started.untrustworthy if started else ())]
    if record is None:
        if started is not None and started.rows:
            rows = [(name, f"{number:,}") for name, number in started.rows.items()]
            blocks.append(table("Rows of each split", ("split", "rows"), rows))
        blocks.append(
            Words(
                "The run keeps no description of its data: it was made by an earlier version, or ended before the data was read. "
                "Describe the data with: emotui data DATASET",
                "missing",
            )
        )
        return Section("data", "Data", tuple(blocks))
    columns = f"Texts are in the column {record.text_column}, labels in {record.label_column}."
    blocks += [Words(columns), _splits(record), *_classes(record)]
    blocks += [Words(_sentence(each)) for each in record.drifts]
    blocks += _problems(record)
    if record.notes:
        blocks.append(
            table("What was decided while the data was read", (Column("number"), Column("note", "text")), list(enumerated(record.notes)))
        )
    return Section("data", "Data", tuple(blocks))


def enumerated(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return pairs of number and text, counting from 1."""
    return [(str(number), text) for number, text in enumerate(texts, 1)]


def _splits(record: DataRecord) -> Block:
    unit = "characters" if record.unspaced else "words"
    rows: list[tuple[str, ...]] = []
    for name, split in record.splits.items():
        lengths = list((split.characters if record.unspaced else split.words).values())
        longest = f"{max(each.max for each in lengths):,.0f}" if lengths else "-"
        rows.append((name, f"{split.rows:,}", longest, f"{record.skipped.get(name, 0):,}", ""))
    rows += [(name, f"{number:,}", "-", "-", "unlabelled, not used") for name, number in record.unlabelled.items()]
    heads = ("split", "rows", f"longest text ({unit})", "rows left out", Column("remark", "name"))
    if not record.unlabelled:
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return table("Rows of each split", heads, rows)


def _classes(record: DataRecord) -> list[Block]:
    names = list(record.splits)
    unit = "characters" if record.unspaced else "words"
    rows: list[tuple[str, ...]] = []
    for label in record.labels:
        cells = [_share(split.classes.get(label, 0), split.rows) for split in record.splits.values()]
        box = (record.splits[names[0]].characters if record.unspaced else record.splits[names[0]].words).get(label)
        rows.append((label, *cells, f"{box.median:,.0f}" if box is not None else "-"))
    found: list[Block] = [table("Rows of each class", ("class", *names, f"median {unit} in {names[0]}"), rows)]
    first = record.splits[names[0]]
    counts = Counter({label: first.classes.get(label, 0) for label in record.labels})
    shown = counts.most_common(MOST_BARS)
    (largest, most), (smallest, fewest) = shown[0], counts.most_common()[-1]
    text = (
        f"The largest class of {names[0]}, {largest}, has {count(most, 'row')} ({percent(most / max(1, first.rows))}); the smallest, "
        f"{smallest}, has {count(fewest, 'row')} ({percent(fewest / max(1, first.rows))})."
    )
    if len(shown) < len(counts):
        text += f" The {len(shown)} largest of {len(counts):,} classes are drawn."
    bars = tuple(Bar(label, number, _share(number, first.rows)) for label, number in shown)
    return [Bars(f"Classes of {names[0]}", text, bars, float(max(1, most))), *found]


def _share(number: int, total: int) -> str:
    return f"{number:,} ({percent(number / total)})" if total else "0"


def _problems(record: DataRecord) -> list[Block]:
    blocks: list[Block] = []
    if record.problems:
        rows = [
            (each.split, "yes" if each.untrustworthy else "no", _sentence(each.message), each.examples[0] if each.examples else "")
            for each in record.problems
        ]
        heads = ("split", Column("results not trusted", "name"), Column("problem", "text"), Column("for instance", "text"))
        blocks.append(table("Problems of the data", heads, rows))
    else:
        blocks.append(Words("No problems were found in the data."))
    blocks.append(Words("Near-duplicates are not searched for when a run starts. Look for them with: emotui check DATASET", "missing"))
    return blocks


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def faults(of: Material, rows: int) -> Section:
    found = of.faults
    if found is None:
        hint = "Wrong labels, outliers and cut texts were not looked for in this data. Look for them with: emotui check DATASET --faults"
        return Section("faults", "Faults of the rows", (Words(hint, "missing"),))
    blocks: list[Block] = [Words(f"Looked for on {day(found.when)} with emotui check --faults.")]
    if not found.faults:
        blocks.append(Words("No faults of the rows were found."))
    blocks += [Words(f"{sentence[:1].upper()}{sentence[1:]}.") for sentence in found.not_searched]
    for each in found.faults:
        blocks.append(Words(f"{_sentence(each.message)} How: {_sentence(each.how)}"))
        shown = each.rows[:rows]
        suggests = any(row.suggested for row in shown)
        body = [
            (
                f"{row.row:,}",
                row.label,
                *([f"{row.suggested} ({percent(row.confidence)})" if row.confidence is not None else "-"] if suggests else []),
                row.text,
            )
            for row in shown
        ]
        if body:
            caption = f"{each.split}, {_FAULTS.get(each.kind, each.kind)}: {_first(len(body), each.count, 'row')}"
            heads = (
                Column("row"),
                Column("label", "name"),
                *([Column("suggested", "name")] if suggests else []),
                Column("text", "text"),
            )
            blocks.append(table(caption, heads, body))
    return Section("faults", "Faults of the rows", tuple(blocks))


def _first(shown: int, every: int, noun: str) -> str:
    return f"the first {shown} of {count(every, noun)}" if shown < every else count(every, noun)


_FAULTS = {
    "label": "labels probably wrong",
    "near_conflict": "nearly the same text under another label",
    "outlier": "outliers",
    "small_class": "classes too small",
    "cut": "truncated texts",
}


def overlay(of: Material, rows: int) -> Section:
    record = of.data
    applied = record.overlay if record is not None else of.view.started.overlay if of.view.started is not None else ""
    if not applied:
        return Section("overlay", "Changed by hand", (Words("No label was changed and no row left out by hand."),))
    blocks: list[Block] = [Words(f"Overlay applied to the data: {applied}. The source is unchanged.")]
    if record is not None and record.decisions:
        shown = record.decisions[:rows]
        body = [
            (each.split, f"{each.number:,}", each.old, "left out" if each.new is None else each.new, each.by, day(each.when), each.text)
            for each in shown
        ]
        heads = (
            "split",
            "row in the source",
            Column("was", "name"),
            Column("is", "name"),
            Column("by", "name"),
            Column("on", "name"),
            Column("text", "text"),
        )
        blocks.append(table(f"Decisions about rows: {_first(len(shown), record.decided, 'decision')}", heads, body))
    return Section("overlay", "Changed by hand", tuple(blocks))

"""Loads a data set: the starter, a file, a folder, or a download from a hub."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .. import paths
from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from ..shell import quote
from ..specs import DataSpec, Reading
from ..units import count
from . import columns, layout, naming, overlay, partly_labelled, readers, schema, splitting, unlabelled
from .arrays import to_numpy
from .batches import Progress
from .faults import SKIP_BAD_ROWS, BadRowError, Faults, shown, summarize_causes
from .rows import Rows
from .table import Dataset, Split

STARTER = Path(__file__).parent / "starter"
_HUB = re.compile(r"(ms|hf):([\w.-]+)/([\w.-]+)")
MOST_LEFT_OUT = 0.1
"""Share of rows up to which leaving them out is offered."""
REFUSED_ALL = "Prodigy's column answer accepts none"
_WHOLE = "all"
"""Stands for the rows of a single file, before they are split."""


class NotDownloaded(UserError):  # noqa: N818 a fact that callers act on
    """A hub's data set that is not downloaded yet; `id` is what to download."""

    def __init__(self, source: str) -> None:
        place = safe_line(str(folder_of(source)), 200)
        super().__init__(
            f"{safe_line(source, 120)} has not been downloaded yet",
            f"Fetch it with: emotui download {quote(source)}, or put its train, validation and test files into {place}",
        )
        self.id = source


def resolve(source: str) -> str:
    """Return 'starter', a hub's id as it is, or the absolute path of a file or folder. Raises UserError where there is nothing."""
    if source == "starter" or _is_hub(source):
        return source
    if source.startswith(("ms:", "hf:")):
        raise UserError(f"{shown(source)} is not the id of a data set: write {source[:3]}OWNER/NAME")
    try:
        path = paths.expand(source) if source else Path()
        there = bool(source) and path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"cannot read {shown(source)}: {safe_line(str(error), 120)}") from error
    if not there:
        raise UserError(
            f"there is no file or folder called '{safe_line(source, 120)}'",
            "A data set is 'starter', a folder, a file, ms:OWNER/NAME (ModelScope) or hf:OWNER/NAME (Hugging Face)",
        )
    return str(path)


def named_files(source: str | None, files: dict[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the source, and each split with the absolute path of its file, where files are named one by one.

    A file beside `source`, when this is a file, is the training split; in a folder, names may be relative to it. Raises UserError
    for a file that is not there, and where there is no training split.
    """
    resolved = resolve(source) if source is not None else ""
    if not files:
        return resolved, ()
    if source is not None and "train" not in files and Path(resolved).is_file():
        files = {"train": resolved, **files}
    if "train" not in files:
        raise UserError("files of other splits are named, but no training file", phrase("Name it with ", Setting("train", example="FILE")))
    found: dict[str, str] = {}
    for split, name in files.items():
        inside = Path(resolved) / name
        is_inside = bool(resolved) and bool(name) and Path(resolved).is_dir() and "\0" not in name and inside.exists()
        found[split] = str(inside) if is_inside else _resolve_file(name)
    return resolved or found["train"], tuple(found.items())


def _resolve_file(name: str) -> str:
    path = paths.expand(name)
    if not path.exists():
        raise UserError(f"there is no file called '{safe_line(name, 120)}'")
    return str(path)


def _is_hub(source: str) -> bool:
    match = _HUB.fullmatch(source)
    return bool(match) and not {match[2], match[3]} & {".", ".."}


def folder_of(source: str) -> Path:
    """Return where a hub's data set lies once it was downloaded."""
    hub, _, name = source.partition(":")
    owner, _, name = name.partition("/")
    return paths.downloads_folder() / "datasets" / hub / owner / name


def load(spec: DataSpec, *, progress: Progress | None = None, first: int | None = None) -> Dataset:
    """Return the data set with every row checked; its `spec` is the one given, with what was guessed and told of its files.

    What was decided about its rows by hand, its overlay, is laid over it as the spec says, and told; the spec that is returned names it.
    `progress` is called with a phase, how much of it is done and how much it is in all (bytes, or rows of a Parquet file).
    Where splits are drawn at random, they are drawn from the `first` rows alone, if that is given: as they were before more came.
    Raises UserError naming file and row of the first fault, and NotDownloaded for a hub's data set that is not on the disk.
    """
    try:
        return _load(spec, progress, first)
    except BadRowError as error:
        raise BadRowError(error.problem, _remedy(spec)) from error


def _remedy(spec: DataSpec) -> Words:
    """Return what helps against a row that cannot be used: leaving such rows out only where enough is left then."""
    try:
        left = _load(msgspec.structs.replace(spec, skip_bad_rows=True), None)
    except UserError:
        return "Correct it: without such rows too little data would be left"
    out = sum(left.skipped.values())
    total = out + sum(map(len, left.splits.values()))
    share = f"{out:,} of {count(total, 'row')}"
    if out > total * MOST_LEFT_OUT:
        return f"Correct it: {share} are like this, too many to skip. Is it the right column, encoding and delimiter?"
    return phrase("Correct it, or skip such rows with ", SKIP_BAD_ROWS, f" ({share})")


def load_source(spec: DataSpec, *, progress: Progress | None = None) -> Dataset:
    """Return the data set as its source has it, without its overlay; rows that are to get a label by hand have UNLABELLED.

    Raises UserError and NotDownloaded as `load` does.
    """
    return _source(spec, progress)


def _load(spec: DataSpec, progress: Progress | None, first_rows: int | None = None) -> Dataset:
    return overlay.apply(_source(spec, progress, first_rows), spec)


def _source(spec: DataSpec, progress: Progress | None, first_rows: int | None = None) -> Dataset:
    source = resolve(spec.source)
    place = STARTER if source == "starter" else folder_of(source) if _is_hub(source) else Path(source)
    if _is_hub(source) and not place.is_dir():
        raise NotDownloaded(source)
    notes: list[Words] = []
    if spec.files:
        named = dict(spec.files)
        files = {split: [Path(named[split])] for split in layout.SPLITS if split in named}
    elif place.is_dir():
        files, notes = layout.split_files(place)
    else:
        files = {_WHOLE: [place]}
    opened = {split: [readers.open_file(path, spec.reading) for path in part] for split, part in files.items()}
    first = next(iter(opened.values()))[0]
    sample = readers.sample(first)
    classes = partly_labelled.classes_of(source, spec)
    if classes is not None:
        text, label = spec.text_column or classes.text_column, spec.label_column or classes.label_column
        columns.check_shared(sample, first.table.name, text, "texts")
        spec = msgspec.structs.replace(spec, labels=spec.labels or classes.labels)
    else:
        text, label, guessed = columns.choose(sample, first.table.name, spec.text_column, spec.label_column)
        notes += guessed
    without = unlabelled.find(opened, text, label)
    notes += [each.note(split) for split, each in without.items()]
    opened = {split: part for split, part in opened.items() if split not in without}
    read, faults, bare = _read(opened, text, label, spec, progress, partly=classes is not None)
    notes += dict.fromkeys(note for part in opened.values() for each in part for note in each.notes())
    known = source if source == "starter" or _is_hub(source) else ""
    about = naming.Source(known, _folders(source, files), text, label, partly_labelled=classes is not None)
    flat = [each for part in read.values() for each in part]
    if classes is not None and not any(map(len, flat)):
        named, more = schema.Named(classes.labels, [[]], integers=False), []
    else:
        named, more = naming.name(
            about,
            [each for part in opened.values() for each in part],
            flat,
            next(iter(read.values())),
            [each for part in faults.values() for each in part],
            spec,
        )
    refused = sum((rows.refused for rows in flat), Counter[str]())
    if refused:
        notes.append(f"skipped {count(refused.total(), 'row')} because of Prodigy's column answer ({summarize_causes(refused)})")
    notes += more
    splits, skipped = _splits(read, faults, named, bare)
    if classes is None:
        _check_classes(next(iter(splits.values())), next(iter(files.values()))[0].name)
    if first_rows is not None:
        splits = {split: _first(part, first_rows) if split in (_WHOLE, "train") else part for split, part in splits.items()}
    before = splits
    splits, more = _complete(splits, spec.seed, without)
    notes += more
    skipped = {"train" if split == _WHOLE else split: number for split, number in skipped.items() if number}
    if skipped:
        first = next(each.first for part in faults.values() for each in part if each.first)
        causes = summarize_causes(sum((each.causes for part in faults.values() for each in part), Counter[str]()))
        notes.append(f"skipped {count(sum(skipped.values()), 'row')} that cannot be used ({causes}), for example {first}")
    return Dataset(
        name=_name_of(source, place),
        source=source,
        splits=splits,
        labels=named.labels,
        columns=tuple(sample.columns),
        text_column=text,
        label_column=label,
        features={**sample.types, label: f"ClassLabel({len(named.labels)})"},
        skipped=skipped,
        notes=tuple(notes),
        values=named.values,
        drawn=tuple(name for name, split in splits.items() if split is not before.get(name)),
        unlabelled={split: each.rows for split, each in without.items()},
        spec=msgspec.structs.replace(spec, reading=_resolved_reading(spec.reading, [each for part in opened.values() for each in part])),
    )


def _resolved_reading(asked: Reading, opened: list[readers.OpenedFile]) -> Reading:
    """Return how the files were read, so that they are read so again: what was guessed, where it is the same for all files of text."""
    found = [each.reading for each in opened if each.reading is not None]
    guesses = {name: {getattr(each, name) for each in found} for name in Reading.__struct_fields__}
    same = {name: next(iter(values)) for name, values in guesses.items() if len(values) == 1}
    return msgspec.structs.replace(asked, **{name: value for name, value in same.items() if getattr(asked, name) is None})


def _name_of(source: str, place: Path) -> str:
    if source == "starter" or _is_hub(source):
        return source
    if place.is_dir():
        return (place.parent if place.name == "data" and place.parent.name else place).name or str(place)
    return place.name.split(".")[0] or place.name


def _read(
    opened: dict[str, list[readers.OpenedFile]], text: str, label: str, spec: DataSpec, progress: Progress | None, *, partly: bool
) -> tuple[dict[str, list[Rows]], dict[str, list[Faults]], dict[str, list[Rows]]]:
    """Return the rows of each file and their faults, and, of a `partly` labelled one, the rows without a label."""
    read: dict[str, list[Rows]] = {}
    faults: dict[str, list[Faults]] = {}
    bare: dict[str, list[Rows]] = {}
    for split, parts in opened.items():
        for each in parts:
            here = readers.sample(each)
            columns.check_shared(here, each.table.name, text, "texts")
            found = Faults(skip=spec.skip_bad_rows)
            faults.setdefault(split, []).append(found)
            if partly:
                labelled, others = partly_labelled.read(each, text, label, found, progress)
                read.setdefault(split, []).append(labelled)
                bare.setdefault(split, []).append(others)
                continue
            columns.check_shared(here, each.table.name, label, "labels")
            read.setdefault(split, []).append(readers.read(each, text, label, found, progress))
    return read, faults, bare


def _folders(source: str, files: dict[str, list[Path]]) -> tuple[Path, ...]:
    """Return the folders whose metadata may speak of files: their own, the data set's, and the one above a data/."""
    root = folder_of(source) if _is_hub(source) else Path(source)
    folder = next(iter(files.values()))[0].parent
    return (folder, *([root] if root.is_dir() else []), *([folder.parent] if folder.name == "data" else []))


def _splits(
    read: dict[str, list[Rows]], faults: dict[str, list[Faults]], named: schema.Named, bare: dict[str, list[Rows]]
) -> tuple[dict[str, Split], dict[str, int]]:
    import pyarrow as pa

    splits: dict[str, Split] = {}
    ids = iter(named.ids)
    for split, part in read.items():
        tables: list[pa.Table] = []
        for rows, others in zip(part, bare.get(split) or [None] * len(part), strict=True):
            tables.append(partly_labelled.table([rows, *([others] if others is not None else [])], next(ids)))
        table = pa.concat_tables(tables).combine_chunks()
        if not table.num_rows:
            raise UserError(f"{safe_line(part[0].file, 80)}: no row is usable", f"The first fault: {faults[split][0].first or REFUSED_ALL}")
        splits[split] = Split(split, table, named.labels)
    return splits, {split: sum(each.count for each in part) for split, part in faults.items()}


def _complete(splits: dict[str, Split], seed: int, without: Container[str]) -> tuple[dict[str, Split], list[Words]]:
    """Make the splits that are missing: all three of a single file, and a validation split beside train. One `without` labels is not
    made up for, but the validation split, without which nothing can be trained."""
    if list(splits) in ([_WHOLE], ["train"]) and "test" not in without:
        whole = next(iter(splits.values()))
        validation, test, train = _parts(whole, (0.1, 0.1), seed)
        made = {"train": train, "validation": validation, "test": test}
        if not all(map(len, made.values())):
            raise UserError(
                f"{len(whole)} rows are too few for a training, a validation and a test split",
                "Give more rows, or a folder with train, validation and test files",
            )
        note = f"split {len(whole):,} rows 80/10/10 by class with seed {seed}, identical texts kept together"
        return {name: Split(name, part.table, part.labels) for name, part in made.items()}, [note]
    if "validation" not in splits:
        whole = splits["train"]
        validation, train = _parts(whole, (0.1,), seed)
        if len(validation):
            note = (
                f"there is no validation split{' with labels' if 'validation' in without else ''}: took {len(validation):,} of the "
                f"{len(whole):,} rows of train for it (10 %, by class, seed {seed})"
            )
            return {"train": train, "validation": Split("validation", validation.table, validation.labels), **_after(splits)}, [note]
    return splits, []


def _after(splits: dict[str, Split]) -> dict[str, Split]:
    return {name: split for name, split in splits.items() if name != "train"}


def _first(split: Split, rows: int) -> Split:
    return Split(split.name, split.table.slice(0, rows), split.labels)


def _parts(split: Split, shares: Sequence[float], seed: int) -> list[Split]:
    return [split.take(rows) for rows in splitting.stratified(split.table.column("text"), split.label_ids(), shares, seed)]


def _check_classes(train: Split, file: str) -> None:
    """Raise UserError where the rows to train on cannot teach anything: one class, or nearly as many classes as rows."""
    import numpy as np

    present = np.unique(train.label_ids())
    if len(present) == 1:
        raise UserError(
            f"{safe_line(file, 80)}: every label is {shown(train.labels[int(present[0])])}. Training needs at least two classes; "
            "is it the right column?",
            phrase("Name one with ", columns.LABEL_COLUMN),
        )
    if len(train) >= 100 and 2 * len(present) > len(train):
        raise UserError(
            f"{safe_line(file, 80)}: {count(len(present), 'different label')} in {count(len(train), 'row')}. Is it the right column?",
            phrase("Name one with ", columns.LABEL_COLUMN),
        )


def fingerprint(dataset: Dataset) -> str:
    """Return a sha256 in hex over splits, texts, labels and label names; the same whatever the file format."""
    digest = hashlib.sha256()

    def add(raw: Any) -> None:
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)

    for name in dataset.labels:
        add(name.encode())
    for split in dataset.splits.values():
        add(split.name.encode())
        add(split.label_ids().astype("<i8").tobytes())
        _add_texts(split, digest)
    return digest.hexdigest()


def _add_texts(split: Split, digest: Any) -> None:
    """Add the length in bytes of every text, then the texts."""
    import pyarrow.compute as pc

    texts = split.table.column("text")
    digest.update(to_numpy(pc.call_function("binary_length", [texts])).astype("<i8").tobytes())
    for chunk in texts.chunks:
        for part in _slices(chunk):
            digest.update("".join(part.to_pylist()).encode())


def _slices(chunk: Any) -> list[Any]:
    return [chunk.slice(start, 10_000) for start in range(0, len(chunk), 10_000)]

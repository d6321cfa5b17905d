"""Finds which files of a folder hold which split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..json_kinds import is_array, is_object
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from . import limits, metadata
from .class_folders import is_class_folder
from .formats import ENDINGS

SPLITS = ("train", "validation", "test")
_SPLIT_OF = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
}
_ENDING = "|".join(re.escape(ending[1:]) for ending in sorted(ENDINGS, key=len, reverse=True))
_PART = r"(?P<part>-\d{5}-of-\d{5}(-\w+)?)?"
_FILE = re.compile(rf"(?P<split>{'|'.join(_SPLIT_OF)}){_PART}\.(?P<ending>{_ENDING})", re.IGNORECASE)
_NAMED = re.compile(rf"(?P<stem>.+?){_PART}\.(?P<ending>{_ENDING})", re.IGNORECASE)
_METADATA = {"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "config.json"}
_TRAIN, _VALIDATION, _TEST = (Setting(split, example="FILE") for split in SPLITS)
_WHICH = phrase("name the files with ", _TRAIN, ", ", _VALIDATION, " and ", _TEST)
_LONGEST_PATTERN = 200

Found = dict[str, list[Path]]


def split_files(folder: Path) -> tuple[Found, list[Words]]:
    """Return the files of each split, in the order train, validation, test, and notes on what was decided.

    They are called by their split, in the folder or in its data/; or were written by `datasets` with save_to_disk; or are folders of
    classes; or lie in folders that are called by their split; or are what the default configuration in its README.md says; or have
    their split's name before or after another. A
    folder that is a split itself stands for the texts in its class folders. Raises UserError where there is no training split, or a
    split has two files of which one must be chosen.
    """
    where = safe_line(str(folder), 120)
    places = [folder, folder / "data"]
    try:
        listed = {place: _listed(place) for place in places if place.is_dir()}
        folders = sorted(entry.name for entry in limits.entries(folder) if entry.is_dir() and not entry.name.startswith("."))
        found = _first(_by_name(place, names) for place, names in listed.items())
        if "train" not in found:
            found = (
                _saved(folder)
                or _of_classes(folder)
                or _first(_by_folder(place) for place in listed)
                or _by_card(folder)
                or _first(found | _by_affix(place, names) for place, names in listed.items())
                or ({"train": [folder]} if is_class_folder(folder) else {})
                or found
            )
    except OSError as error:
        raise UserError(f"cannot read the folder {where}: {error.strerror or error}") from error
    used = {path for files in found.values() for path in files}
    others = [path.name for names in listed.values() for path in names if path not in used]
    if "train" not in found:
        raise _no_training_split(where, found, others, folders)
    notes: list[Words] = [
        f"read {safe_line(_within(files[0], places), 80) if len(files) == 1 else f'{len(files)} files'} as the {split} split"
        for split, files in found.items()
        if _stem(files[0]) != split or len(files) > 1 or _within(files[0], places) != files[0].name
    ]
    if others:
        named = (Setting("train"), ", ", Setting("validation"), " and ", Setting("test"))
        notes.append(phrase(f"not used: {_some(others)} (", *named, " choose other files)"))
    return {split: found[split] for split in SPLITS if split in found}, notes


def split_of(name: str) -> str:
    """Return the split that a file is called by, as train.csv and val-00000-of-00002.parquet are; '' for none."""
    match = _FILE.fullmatch(name)
    return _SPLIT_OF[match["split"].lower()] if match else ""


def split_within(name: str) -> str:
    """Return the split with whose name that of a file begins or ends, as emotion_train.csv does; '' for none, or two."""
    match = _NAMED.fullmatch(name)
    words = re.findall(r"[a-z]+", match["stem"].lower()) if match else []
    ends = {_SPLIT_OF[word] for word in (words[:1] + words[-1:]) if word in _SPLIT_OF}
    return ends.pop() if len(ends) == 1 else ""


def split_of_folder(name: str) -> str:
    """Return the split that a folder is called by; '' for none."""
    return _SPLIT_OF.get(name.lower(), "")


def _no_training_split(where: str, found: Found, others: list[str], folders: list[str]) -> UserError:
    none, have = f"there is no training split in {where}", f"it has only {' and '.join(found)}"
    if others:
        its = f"{have}. Its files are" if found else "its files are"
        return UserError(phrase(f"{none}: {its} {_some(others)}; ", _WHICH))
    if folders and not found:
        return UserError(f"{none}: it has no readable files, but the folders {_some(folders)}", "Give one of these")
    also = ", ".join(ENDINGS[1:8])
    return UserError(f"{none}: {have}" if found else none, f"Put train.jsonl there (and validation.jsonl, test.jsonl; also {also})")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(safe_line(name, 60) for name in names[:5]) + more


def _within(path: Path, places: Sequence[Path]) -> str:
    """Return a file's name, with that of its folder where it lies in none of `places`."""
    return path.name if path.parent in places else f"{path.parent.name}/{path.name}"


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _listed(place: Path) -> list[Path]:
    """Return the files of a folder that may hold rows, by name."""
    names = sorted(
        entry.name
        for entry in limits.entries(place)
        if entry.name.lower().endswith(ENDINGS) and entry.name not in _METADATA and not entry.name.startswith(".") and entry.is_file()
    )
    return [place / name for name in names]


def _first(found: Iterable[Found]) -> Found:
    nothing: Found = {}
    return next((each for each in found if each), nothing)


def _by_name(place: Path, files: list[Path]) -> Found:
    groups: dict[str, dict[tuple[str, str], list[Path]]] = {}
    for path in files:
        match = _FILE.fullmatch(path.name)
        if match:
            word = match["split"].lower()
            kind = (word + ("-parts" if match["part"] else ""), match["ending"].lower())
            groups.setdefault(_SPLIT_OF[word], {}).setdefault(kind, []).append(path)
    return _one_each(place, groups)


def _by_affix(place: Path, files: list[Path]) -> Found:
    """Return files whose names begin or end with a split's name, as emotion_train.csv does; nothing without a training one."""
    groups: dict[str, dict[tuple[str, str], list[Path]]] = {}
    for path in files:
        match, split = _NAMED.fullmatch(path.name), split_within(path.name)
        if match and split:
            kind = (match["stem"].lower() + ("-parts" if match["part"] else ""), match["ending"].lower())
            groups.setdefault(split, {}).setdefault(kind, []).append(path)
    return _one_each(place, groups) if "train" in groups else {}


def _one_each(place: Path, groups: dict[str, dict[tuple[str, str], list[Path]]]) -> Found:
    for split, kinds in groups.items():
        if len(kinds) > 1:
            names = " and ".join(safe_line(files[0].name, 60) for files in islice(kinds.values(), 5))
            raise UserError(
                f"{safe_line(str(place), 120)} has more than one {split} split: {names}",
                phrase("Move all but one of them away, or ", _WHICH),
            )
    return {split: next(iter(kinds.values())) for split, kinds in groups.items()}


def _by_folder(place: Path) -> Found:
    """Return the files of folders that are called by their split, as in train/0000.parquet; nothing without a training one."""
    found: Found = {}
    folders = sorted(entry.name for entry in limits.entries(place) if split_of_folder(entry.name) and entry.is_dir())
    for name in folders:
        files = _listed(place / name)
        split = split_of_folder(name)
        if not files:
            continue
        if split in found or len({path.suffix.lower() for path in files}) > 1:
            raise UserError(
                f"{safe_line(str(place), 120)} has {split} rows in several folders or formats", phrase("Leave one, or ", _WHICH)
            )
        found[split] = files
    return found if "train" in found else {}


def _saved(folder: Path) -> Found:
    """Return the files of a folder that `datasets` wrote with save_to_disk: of its splits, or of the one data set that it is."""
    if (folder / "dataset_dict.json").is_file():
        found: Found = {}
        for name in sorted(entry.name for entry in limits.entries(folder)):
            split = split_of_folder(name)
            if split and split not in found and (files := _saved_files(folder / name)):
                found[split] = files
        return found
    files = _saved_files(folder)
    return {"train": files} if files else {}


def _saved_files(folder: Path) -> list[Path]:
    """Return the files that a saved data set's state.json lists. Raises UserError where it keeps a selection of their rows beside them."""
    state = metadata.json_object(folder / "state.json")
    if state.get("_indices_files"):
        raise UserError(
            f"{safe_line(str(folder), 120)} stores a selection of rows apart from the rows",
            "Save it again with a newer version of datasets, or after flatten_indices()",
        )
    entries = state.get("_data_files")
    names = [each.get("filename") for each in entries if is_object(each)] if is_array(entries) else []
    plain = [name for name in names if isinstance(name, str) and name and "/" not in name and "\0" not in name and name not in (".", "..")]
    return [folder / name for name in plain[: limits.COLUMNS] if (folder / name).is_file()]


def _of_classes(folder: Path) -> Found:
    """Return the splits of a folder that are folders with a folder for each class, as in train/LABEL/*.txt."""
    found: Found = {}
    for word, split in _SPLIT_OF.items():
        if split not in found and is_class_folder(folder / word):
            found[split] = [folder / word]
    return found if "train" in found else {}


def _by_card(folder: Path) -> Found:
    """Return the files that the default configuration of a data set's README.md names."""
    configs = [each for each in _list(metadata.card(folder).get("configs")) if is_object(each)]
    default = [each for each in configs if each.get("default") == "true"] or [
        each for each in configs if each.get("config_name") == "default"
    ]
    found: Found = {}
    for config in (default or configs)[:1]:
        for entry in _list(config.get("data_files"))[: limits.COLUMNS]:
            split = split_of_folder(str(entry.get("split"))) if is_object(entry) else ""
            if split:
                files = [path for pattern in _list(entry.get("path"))[:100] for path in _matching(folder, str(pattern))]
                if files:
                    found[split] = files
    return found


def _list(value: Any) -> list[Any]:
    return value if is_array(value) else [] if value is None else [value]


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Return the readable files that a relative pattern matches inside the folder."""
    if pattern.startswith("/") or ".." in Path(pattern).parts or len(pattern) > _LONGEST_PATTERN or pattern.count("**") > 1:
        return []
    try:
        paths = sorted(limits.counted(folder.glob(pattern), folder))
    except (ValueError, NotImplementedError):
        return []
    return [path for path in paths if path.name.lower().endswith(ENDINGS) and path.is_file()]

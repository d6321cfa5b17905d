"""Finds which files of a folder hold which split."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..safe_text import safe_line
from .metadata import card
from .readers import ENDINGS

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
_ENDING = "|".join(re.escape(ending[1:]) for ending in ENDINGS)
_FILE = re.compile(rf"(?P<split>{'|'.join(_SPLIT_OF)})(?P<part>-\d{{5}}-of-\d{{5}}(-\w+)?)?\.(?P<ending>{_ENDING})", re.IGNORECASE)


def split_files(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the files of each split, in the order train, validation, test, and notes on what was decided.

    They lie in the folder, in its data/, or where the default configuration in its README.md says.
    Raises UserError where there is no training split, or a split has two files of which one must be chosen.
    """
    try:
        for place in (folder, folder / "data"):
            found = _in_folder(place) if place.is_dir() else {}
            if found:
                break
        else:
            found = _by_card(folder)
    except OSError as error:
        raise UserError(f"cannot read the folder {safe_line(str(folder), 120)}: {error.strerror or error}") from error
    where = safe_line(str(folder), 120)
    if "train" not in found:
        have = f"it has {' and '.join(found)} only. " if found else ""
        raise UserError(
            f"there is no training split in {where}: {have}"
            "Put train.jsonl there (and validation.jsonl, test.jsonl; also .jsonl.gz, .csv, .tsv, .parquet)"
        )
    notes = [
        f"read {files[0].name if len(files) == 1 else f'{len(files)} files'} as the {split} split"
        for split, files in found.items()
        if _stem(files[0]) != split or len(files) > 1
    ]
    return {split: found[split] for split in SPLITS if split in found}, notes


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _in_folder(folder: Path) -> dict[str, list[Path]]:
    groups: dict[str, dict[tuple[str, str], list[Path]]] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match and path.is_file():
            word = match["split"].lower()
            kind = (word + ("-parts" if match["part"] else ""), match["ending"].lower())
            groups.setdefault(_SPLIT_OF[word], {}).setdefault(kind, []).append(path)
    for split, kinds in groups.items():
        if len(kinds) > 1:
            names = " and ".join(safe_line(files[0].name, 60) for files in kinds.values())
            raise UserError(f"{safe_line(str(folder), 120)} has more than one {split} split: {names}. Move all but one of them away")
    return {split: next(iter(kinds.values())) for split, kinds in groups.items()}


def _by_card(folder: Path) -> dict[str, list[Path]]:
    """Return the files that the default configuration of a data set's README.md names."""
    configs = [each for each in _list(card(folder).get("configs")) if isinstance(each, dict)]
    default = [each for each in configs if each.get("default")] or [each for each in configs if each.get("config_name") == "default"]
    found: dict[str, list[Path]] = {}
    for config in (default or configs)[:1]:
        for entry in _list(config.get("data_files")):
            split = _SPLIT_OF.get(str(entry.get("split")).lower()) if isinstance(entry, dict) else None
            if split:
                files = [path for pattern in _list(entry.get("path")) for path in _matching(folder, str(pattern))]
                if files:
                    found[split] = files
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Return the readable files that a relative pattern matches inside the folder."""
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        return []
    try:
        paths = sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError):
        return []
    return [path for path in paths if path.is_file() and path.name.lower().endswith(ENDINGS)]

"""The label names that a data set's own metadata gives to integer labels."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LARGEST = 1 << 22
"""Bytes of a metadata file, at most."""


def label_names(folders: Iterable[Path], files: Iterable[Path], label_column: str) -> tuple[tuple[str, ...], str]:
    """Return the names of a label column and the file that gives them; ((), '') where none does.

    Looked at, in this order: the Parquet files' own schema, then in each folder README.md (dataset_info),
    dataset_infos.json and dataset_info.json. A file that cannot be parsed gives no names.
    """
    for file in files:
        if file.name.lower().endswith(".parquet"):
            names = _class_label(_parquet_features(file), label_column)
            if names:
                return names, file.name
    for folder in dict.fromkeys(folders):
        for info in _list(card(folder).get("dataset_info")):
            names = _class_label(info.get("features"), label_column) if isinstance(info, dict) else ()
            if names:
                return names, "README.md"
        infos = _json(folder / "dataset_infos.json")
        for info in infos.values():
            names = _class_label(info.get("features"), label_column) if isinstance(info, dict) else ()
            if names:
                return names, "dataset_infos.json"
        names = _class_label(_json(folder / "dataset_info.json").get("features"), label_column)
        if names:
            return names, "dataset_info.json"
    return (), ""


def card(folder: Path) -> dict[Any, Any]:
    """Return the YAML block that heads a folder's README.md; empty where there is none that can be parsed."""
    text = _text(folder / "README.md")
    if not text.startswith("---"):
        return {}
    block = text[3:].split("\n---", 1)[0]
    import yaml

    try:
        parsed = yaml.load(block, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _class_label(features: Any, column: str) -> tuple[str, ...]:
    """Return the names of one column in any of the forms in which `datasets` writes its features."""
    if isinstance(features, list):
        features = {each.get("name"): each for each in features if isinstance(each, dict) and isinstance(each.get("name"), str)}
    feature = features.get(column) if isinstance(features, dict) else None
    if not isinstance(feature, dict):
        return ()
    dtype = feature.get("dtype")
    names = dtype["class_label"] if isinstance(dtype, dict) and "class_label" in dtype else feature
    names = names.get("names") if isinstance(names, dict) else None
    if isinstance(names, dict):
        try:
            names = [names[key] for key in sorted(names, key=int)]
        except (TypeError, ValueError):
            return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _parquet_features(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        raw = (pq.read_schema(file).metadata or {}).get(b"huggingface", b"{}")
        parsed = json.loads(raw)
    except (pa.ArrowException, OSError, ValueError, RecursionError):
        return None
    info = parsed.get("info") if isinstance(parsed, dict) else None
    return info.get("features") if isinstance(info, dict) else None


def _json(path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(_text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(LARGEST).decode("utf-8", "replace").replace("\r\n", "\n")
    except (OSError, ValueError):
        return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

"""The label names that a data set's own metadata gives to integer labels."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..json_kinds import is_array, is_object
from ..plain_files import open_plain

LARGEST = 1 << 22
"""Bytes of a metadata file, at most; of a larger one nothing is taken."""
_DEEPEST = 50
"""Levels of YAML, at most."""
_MOST_NAMES = 100_000


def label_names(
    folders: Iterable[Path], schemas: Iterable[tuple[str, dict[bytes, bytes]]], label_column: str
) -> tuple[tuple[str, ...], str]:
    """Return the names of a label column and the file that gives them; ((), '') where none does.

    Looked at, in this order: the metadata in the schemas of Parquet and Arrow files, each with its file's name, then in each folder
    README.md (dataset_info), dataset_infos.json and dataset_info.json. A file that cannot be parsed gives no names.
    """
    for name, inside in schemas:
        names = _class_label(_features_of(inside), label_column)
        if names:
            return names, name
    for folder in dict.fromkeys(folders):
        for info in _list(card(folder).get("dataset_info")):
            names = _class_label(info.get("features"), label_column) if is_object(info) else ()
            if names:
                return names, "README.md"
        infos = json_object(folder / "dataset_infos.json")
        for info in infos.values():
            names = _class_label(info.get("features"), label_column) if is_object(info) else ()
            if names:
                return names, "dataset_infos.json"
        names = _class_label(json_object(folder / "dataset_info.json").get("features"), label_column)
        if names:
            return names, "dataset_info.json"
    return (), ""


def card(folder: Path) -> dict[str, Any]:
    """Return the YAML block that heads a folder's README.md, every value a text; empty where there is none that can be parsed.

    A block with aliases is none: a few of them can stand for gigabytes.
    """
    text = _text(folder / "README.md")
    if not text.startswith("---"):
        return {}
    block = text[3:].split("\n---", 1)[0]
    import yaml

    # It makes texts of all values: nothing in a card may choose a type, and a class called 'no' is no false.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        if not _is_plain(yaml.parse(block, loader)):
            return {}
        parsed = yaml.load(block, loader)  # noqa: S506 a base loader makes only texts, lists and dicts
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return parsed if is_object(parsed) else {}


def _is_plain(events: Any) -> bool:
    """Return whether a YAML document has no aliases and is not nested deep."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        if kind == "AliasEvent":
            return False
        depth += kind in ("MappingStartEvent", "SequenceStartEvent")
        depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
        if depth > _DEEPEST:
            return False
    return True


def _class_label(features: Any, column: str) -> tuple[str, ...]:
    """Return the names of one column in any of the forms in which `datasets` writes its features."""
    if is_array(features):
        features = {each["name"]: each for each in features if is_object(each) and isinstance(each.get("name"), str)}
    feature = features.get(column) if is_object(features) else None
    if not is_object(feature):
        return ()
    dtype = feature.get("dtype")
    names: Any = dtype["class_label"] if is_object(dtype) and "class_label" in dtype else feature
    names = names.get("names") if is_object(names) else None
    if is_object(names):
        try:
            names = [names[key] for key in sorted(names, key=int)]
        except (TypeError, ValueError):
            return ()
    if not is_array(names) or len(names) > _MOST_NAMES or not all(isinstance(name, str | int | float) for name in names):
        return ()
    found = tuple(map(str, names))
    return found if _is_unicode(found) else ()


def _is_unicode(names: Iterable[str]) -> bool:
    """Return whether names can be written in UTF-8: JSON and YAML can escape halves of characters."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return False
    return True


def _features_of(schema: dict[bytes, bytes]) -> Any:
    """Return the features that `datasets` writes into a schema's metadata."""
    raw = schema.get(b"huggingface", b"")
    try:
        parsed = json.loads(raw if 0 < len(raw) <= LARGEST else b"{}")
    except (ValueError, RecursionError):
        return None
    info = parsed.get("info") if is_object(parsed) else None
    return info.get("features") if is_object(info) else None


def json_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds; empty where there is none."""
    try:
        parsed = json.loads(_text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return parsed if is_object(parsed) else {}


def _text(path: Path) -> str:
    try:
        with open_plain(path, follow=True) as file:
            raw = file.read(LARGEST + 1)
    except (OSError, UserError):
        return ""
    return raw.decode("utf-8", "replace").replace("\r\n", "\n") if len(raw) <= LARGEST else ""


def _list(value: Any) -> list[Any]:
    return value if is_array(value) else [] if value is None else [value]

"""Which files of a model or a data set are needed, where they are stored, and which are missing."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .. import paths
from ..data import layout, metadata
from ..data.readers import ENDINGS
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from . import hub_names

MANIFEST = ".emotui.json"
"""The file of a downloaded folder that lists what it must contain."""
CARD = ("README.md", "dataset_infos.json", "dataset_info.json")
INDEX = "model.safetensors.index.json"
LARGEST_INDEX = 64 << 20
"""Bytes of an index of weights, at most; a model with a million tensors needs fewer."""

_LARGEST_MANIFEST = 64 << 20
_PATTERNS = 1000
_WEIGHTS = "model.safetensors"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_PICKLED = "pytorch_model.bin"
_TOKENIZER = {"tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model"}
_MODEL = {"config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt"} | _TOKENIZER
_ID = re.compile(r"(ms|hf):(\w[\w.-]{0,95})/(\w[\w.-]{0,95})")


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


class Manifest(msgspec.Struct, frozen=True):
    """What was downloaded: sizes in bytes and, if the hub gives them, sha256 in hex."""

    id: str
    what: str
    revision: str
    sizes: dict[str, int]
    sha256: dict[str, str]


def parse(id: str) -> tuple[str, str]:  # noqa: A002 - the protocol's word
    """Return the hub, 'ms' or 'hf', and OWNER/NAME. Raises UserError for an id of another form."""
    match = _ID.fullmatch(id)
    if match is None:
        raise UserError(f"{safe_line(id, 80)} is not the name of a download", "Write ms:OWNER/NAME or hf:OWNER/NAME")
    return match[1], f"{match[2]}/{match[3]}"


def folder_of(id: str, what: str) -> Path:  # noqa: A002
    """Return the folder for the files of 'ms:OWNER/NAME' or 'hf:OWNER/NAME'; `what` is 'model' or 'dataset'.

    Raises UserError for an id of another form.
    """
    hub, repo = parse(id)
    return paths.downloads_folder() / f"{what}s" / hub / repo


def read_manifest(folder: Path) -> Manifest | None:
    """Return what was downloaded to `folder`; None if its files did not come from a download of emotui."""
    try:
        manifest = msgspec.json.decode(read_plain(folder / MANIFEST, _LARGEST_MANIFEST), type=Manifest)
    except (OSError, UserError, ValueError, RecursionError, msgspec.MsgspecError):  # UnicodeDecodeError is a ValueError
        return None
    plain = all(hub_names.fault(name) is None and hub_names.oddity(name) is None and size >= 0 for name, size in manifest.sizes.items())
    return manifest if plain else None


def missing_files(folder: Path, what: str) -> list[str]:
    """Return the names of the files that are missing in `folder` for a complete model or data set."""
    manifest = read_manifest(folder)
    if manifest is not None:
        return [name for name, size in manifest.sizes.items() if not (folder / name).is_file() or (folder / name).stat().st_size != size]
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if what == "dataset":
        return [] if split_files(names, card(folder)) else ["train.jsonl"]
    missing = [] if "config.json" in names else ["config.json"]
    if not _TOKENIZER & set(names):
        missing.append("tokenizer.json")
    if INDEX in names and _WEIGHTS not in names:
        index = read_plain(folder / INDEX, LARGEST_INDEX, follow=True)
        return missing + [shard for shard in shards(index, str(folder / INDEX)) if shard not in names]
    return missing if {_WEIGHTS, _PICKLED} & set(names) else [*missing, _WEIGHTS]


def model_files(names: set[str], where: str) -> list[str]:
    """Return which files of a repository make up a model: configuration, tokenizer and weights, preferably safetensors.

    Raises UserError, in which `where` names the repository, if one of the three is missing.
    """
    if "config.json" not in names:
        raise UserError(f"{where} has no config.json, so it is not a transformers model", "Choose another one")
    if not _TOKENIZER & names:
        raise UserError(f"{where} has no tokenizer.json or vocab.txt", "Choose another model")
    parts = {name for name in names if _SHARD.fullmatch(name)}
    if _WEIGHTS in names:
        weights = {_WEIGHTS}
    elif INDEX in names and parts:
        weights = {INDEX} | parts
    elif _PICKLED in names:  # loaded without executing anything in it
        weights = {_PICKLED}
    else:
        raise UserError(f"{where} has no model.safetensors or pytorch_model.bin", "Choose another model")
    return sorted((names & _MODEL) | weights)


def split_files(names: list[str], card: dict[str, Any] | None) -> list[str]:
    """Return the names of the files of splits, in the order of the folder reader: files named after a split, then files in folders
    named after one, at the top or in data/; otherwise those of the card's default configuration; otherwise files whose names begin or
    end with a split's name.

    If several formats contain the same splits, one is chosen. Empty if there is no train file, or if an unread card (None) may name
    the files. Raises UserError for a pattern of the card that points outside the data set.
    """
    found = _called(names, _by_name) or _called(names, _by_folder)
    return found if found or card is None else _by_card(names, card) or _called(names, _by_affix)


def _called(names: list[str], split: Callable[[str], str]) -> list[str]:
    """Return the names in which `split` finds a split, at the top or otherwise in data/; none without a training split."""
    for place in ("", "data/"):
        here = [(name, split(name[len(place) :])) for name in names if name.startswith(place)]
        by_ending = [[(name, found) for name, found in here if found and name.lower().endswith(ending)] for ending in ENDINGS]
        best = max(by_ending, key=lambda each: len({found for _, found in each}))
        if any(found == "train" for _, found in best):
            return [name for name, _ in best]
    return []


def _by_name(name: str) -> str:
    return "" if "/" in name else layout.split_of(name)


def _by_affix(name: str) -> str:
    return "" if "/" in name else layout.split_within(name)


def _by_folder(name: str) -> str:
    folder, _, file = name.partition("/")
    return layout.split_of_folder(folder) if file and "/" not in file else ""


def _by_card(names: list[str], card: dict[str, Any]) -> list[str]:
    configurations = [each for each in _listed(card.get("configs")) if isinstance(each, dict)]
    default = [each for each in configurations if each.get("default") or each.get("config_name") == "default"] or configurations
    entries = [each for each in _listed(default[0].get("data_files")) if isinstance(each, dict)] if default else []
    patterns = [_pattern(pattern) for each in entries for pattern in _listed(each.get("path")) if isinstance(pattern, str)]
    if len(patterns) > _PATTERNS:
        raise UserError(f"README.md names more than {_PATTERNS:,} patterns of files", "Choose another data set")
    return [name for name in names if name.lower().endswith(ENDINGS) and any(fnmatch.fnmatchcase(name, each) for each in patterns)]


def _pattern(pattern: str) -> str:
    """Return a card's pattern. Raises UserError if it points outside the data set."""
    pattern = pattern.removeprefix("./")
    words = hub_names.fault(pattern)
    if words is not None:
        raise UserError(f"README.md names the files '{safe_line(pattern, 60)}', {words}", "Choose another data set")
    return pattern


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def card(folder: Path) -> dict[str, Any]:
    """Return the YAML header of a data set's README.md; empty if there is none."""
    return metadata.card(folder) if (folder / "README.md").is_file() else {}


def shards(index: bytes, where: str) -> list[str]:
    """Return the files that a safetensors index names. Raises UserError, in which `where` names the index, if it is not a valid index."""
    remedy = "Remove it and download the model again"
    if len(index) > LARGEST_INDEX:
        raise UserError(f"{where} is larger than an index of weights can be", remedy)
    try:
        names = set(msgspec.json.decode(index, type=_Index).weight_map.values())
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UserError(f"{where} is not an index of weights", remedy) from error
    for name in names:
        words = hub_names.fault(name) or hub_names.oddity(name)
        if words is not None:
            raise UserError(f"{where} names the file '{safe_line(name, 60)}', {words}", remedy)
    return sorted(names)

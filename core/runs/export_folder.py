"""Checks the target folder of an export: which folders may be filled, and which replaced."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import msgspec

from .. import targets
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from ..sentences import Setting, phrase
from .folder import RunFolder

MARK = "emotui-export.json"
"""The file that marks a folder as an export; it lists the names of the others."""
_LARGEST = 1 << 20
_KNOWN = re.compile(
    r"(adapter_config|added_tokens|chat_template|config|config_sentence_transformers|generation_config|merges|model\.safetensors\.index|"
    r"modules|preprocessor_config|pytorch_model\.bin\.index|sentence_bert_config|special_tokens_map|tokenizer|tokenizer_config|vocab)\.json|"
    r"(model|adapter_model)(-\d{5}-of-\d{5})?\.safetensors|pytorch_model(-\d{5}-of-\d{5})?\.bin|"
    r"(spm|spiece|sentencepiece\.bpe|tokenizer)\.model|(vocab|merges|bpe\.codes)\.txt|bpe\.codes|"
    r"head\.safetensors|README\.md|LICENSE|\.gitattributes"
)
"""Names of the files of models."""


_OVERWRITE = Setting("overwrite", True)


class _Mark(msgspec.Struct, frozen=True):
    run: str
    files: tuple[str, ...]


def checked(typed: str, run: RunFolder, *, overwrite: bool) -> Path:
    """Return the target of an export: a path where nothing exists, an empty folder, or with `overwrite` an earlier export or a model.

    Raises UserError for anything else, before anything is written.
    """
    target = targets.checked(typed, "FOLDER", folder=True, sources=[str(run.path)])
    if targets.is_new(target):
        return target
    if not overwrite:
        where = safe_line(str(target), 120)
        raise UserError(f"{where} already exists and is not empty", phrase("Choose another folder, or replace it: ", _OVERWRITE))
    check_replaceable(target, target)
    return target


def check_replaceable(folder: Path, called: Path) -> None:
    """Raise UserError if a folder contains anything but plain files that its mark lists or that models consist of.

    The error names one of the others, and calls the folder `called`.
    """
    where = safe_line(str(called), 120)
    files = {path.name: path.lstat().st_mode for path in folder.iterdir()}
    listed = _listed(folder) if MARK in files else None
    for name, mode in sorted(files.items()):
        known = name == MARK or name in (listed or ()) or bool(_KNOWN.fullmatch(name))
        if not known or not stat.S_ISREG(mode):
            what = f"{safe_line(name, 60)}, which is not part of a model"
            raise UserError(phrase(f"{where} holds {what}, and ", _OVERWRITE, " would delete it"), "Choose another folder")
    if listed is None and "config.json" not in files:
        raise UserError(phrase(f"{where} holds no model, and ", _OVERWRITE, " replaces nothing else"), "Choose another folder")


def _listed(target: Path) -> tuple[str, ...] | None:
    try:
        return msgspec.json.decode(read_plain(target / MARK, _LARGEST), type=_Mark).files
    except (OSError, UserError, ValueError, RecursionError):
        return None


def mark(folder: Path, run: RunFolder) -> None:
    """Write the file that lists the files of an export. Raises OSError."""
    names = sorted(path.name for path in folder.iterdir())
    (folder / MARK).write_bytes(msgspec.json.format(msgspec.json.encode(_Mark(run.id, tuple(names))), indent=1))

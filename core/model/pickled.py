"""Pickled weights of torch, loaded without executing anything in them, and only if they contain nothing but tensors."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import torch

from ..errors import UserError
from ..safe_text import safe_line

REMEDY = "Choose a model with model.safetensors"
_TENSORS = 50_000
_SHARED = 4
"""Limit of the tensors' total size, as a multiple of the file's: tied weights share their bytes."""


def load(path: Path, name: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a pickled file by name; errors call the model `name`.

    torch's unpickler for weights builds tensors, containers and numbers, and refuses to call anything else
    (https://docs.pytorch.org/docs/stable/notes/serialization.html#weights-only). Raises UserError for what it refuses.
    """
    shown = f"{safe_line(path.name, 80)} of {name}"
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _check_archive(path, shown)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        raise UserError(f"{shown} contains more than tensors, which could run code, so it is not loaded", REMEDY) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if "can't allocate memory" in str(error):
            raise
        raise UserError(f"{shown} is damaged: {safe_line(str(error), 120)}", REMEDY) from error
    if not isinstance(found, dict) or not found or len(found) > _TENSORS:
        raise UserError(f"{shown} is not a table of tensors", REMEDY)
    total = 0
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_meta:
            raise UserError(f"{shown} contains something that is not a tensor, {safe_line(str(key), 60)}", REMEDY)
        size = value.numel() * value.element_size()
        total += size
        if size > value.untyped_storage().nbytes():
            raise UserError(f"{shown} is damaged: {safe_line(key, 60)} is larger than what is kept of it", REMEDY)
    if total > _SHARED * path.stat().st_size:
        raise UserError(f"{shown} is damaged: its tensors are larger than the file", REMEDY)
    return {key: value.detach() for key, value in found.items()}


def _check_archive(path: Path, shown: str) -> None:
    """Raise UserError for a compressed archive; torch stores its own uncompressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(f"{shown} is damaged: {safe_line(str(error), 120)}", REMEDY) from error
    if any(each.compress_type != zipfile.ZIP_STORED for each in entries) or sum(each.file_size for each in entries) > path.stat().st_size:
        raise UserError(f"{shown} is compressed, which torch's own files are not", REMEDY)

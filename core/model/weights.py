"""The tensors of a checkpoint from the headers of its safetensors files, checked before a library maps them.

If there are only pickled weights, their files are found here; their tensors are unknown until they are loaded.
"""

from __future__ import annotations

import math
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import bounded_json
from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from .model_config import REMEDY

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_HEADER, _HEADER_VALUES = 8 << 20, 1_000_000
_TENSORS = 50_000
_SHARDS = {INDEX: re.compile(r"\w[\w.-]{0,200}\.safetensors", re.ASCII), PICKLED_INDEX: re.compile(r"\w[\w.-]{0,200}\.bin", re.ASCII)}
_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 2),
    **dict.fromkeys(("I32", "U32", "F32"), 4),
    **dict.fromkeys(("I64", "U64", "F64"), 8),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file."""

    dtype: str
    """The type as safetensors writes it, such as 'F32'."""
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of a checkpoint's weights, and their tensors by name; for pickled files no tensors are known."""

    files: tuple[Path, ...]
    tensors: dict[str, Tensor]
    size: int
    """Bytes of all files."""
    pickled: bool = False

    @property
    def parameters(self) -> int:
        """Elements of all tensors; for pickled files as many float32 numbers as fit into them."""
        return self.size // 4 if self.pickled else sum(each.elements for each in self.tensors.values())

    def rows(self, *names: str) -> int | None:
        """Return the first dimension of the tensor whose name ends with one of `names`; None if there is none."""
        endings = tuple(f".{name}" for name in names)
        found = [each.shape[0] for name, each in self.tensors.items() if each.shape and f".{name}".endswith(endings)]
        return found[0] if found else None


def read(folder: Path, *, follow: bool = True) -> Weights | None:
    """Return the weights in model.safetensors or in the files of its index, otherwise pickled ones; None if there are none.

    With `follow` the files may be symbolic links. Raises UserError for damaged files and for headers that do not fit the file.
    """
    if os.path.lexists(folder / WEIGHTS):
        files = (folder / WEIGHTS,)
    elif os.path.lexists(folder / INDEX):
        files = _shards(folder, INDEX, follow=follow)
    else:
        return _pickled(folder, follow=follow)
    tensors: dict[str, Tensor] = {}
    size = 0
    for path in files:
        here, bytes_here = _read_header(path, follow=follow)
        if twice := here.keys() & tensors.keys():
            raise _damaged(path, f"the tensor {safe_line(min(twice), 60)} is in another file too")
        tensors |= here
        size += bytes_here
    return Weights(files, tensors, size)


def _pickled(folder: Path, *, follow: bool) -> Weights | None:
    """Return pytorch_model.bin, or the files that its index names; None if there is neither."""
    if os.path.lexists(folder / PICKLED):
        files = (folder / PICKLED,)
    elif os.path.lexists(folder / PICKLED_INDEX):
        files = _shards(folder, PICKLED_INDEX, follow=follow)
    else:
        return None
    size = 0
    for path in files:
        try:
            with open_plain(path, follow=follow) as file:
                size += os.fstat(file.fileno()).st_size
        except OSError as error:
            raise UserError(f"the weights {safe_line(str(path), 200)} cannot be read: {error.strerror or error}", REMEDY) from error
    return Weights(files, {}, size, pickled=True)


def _shards(folder: Path, name: str, *, follow: bool) -> tuple[Path, ...]:
    """Return the files that an index names; they must be in its own folder."""
    path = folder / name
    index = bounded_json.read_object(path, size=_HEADER, values=_HEADER_VALUES, remedy=REMEDY, follow=follow) or {}
    names = index.get("weight_map")
    if not isinstance(names, dict) or not names:
        raise _damaged(path, "it has no weight_map")
    found = sorted({each if isinstance(each, str) else "" for each in names.values()})
    if len(found) > 1_000:
        raise _damaged(path, f"it names {len(found):,} files")
    for each in found:
        if not _SHARDS[name].fullmatch(each):
            raise _damaged(path, f"{safe_line(each, 60)!r} is not the name of a weights file beside it")
    return tuple(folder / each for each in found)


def _read_header(path: Path, *, follow: bool) -> tuple[dict[str, Tensor], int]:
    """Return the tensors of a safetensors file, and its size in bytes, by the rules of the format.

    The format: https://github.com/huggingface/safetensors#format
    """
    try:
        with open_plain(path, follow=follow) as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(_HEADER, size - 8):
                raise _damaged(path, f"it has {size:,} bytes and says that its header has {length:,}")
            raw = file.read(length)
    except OSError as error:
        raise UserError(f"the weights {safe_line(str(path), 200)} cannot be read: {error.strerror or error}", REMEDY) from error
    header = bounded_json.decode_object(raw, f"the header of {safe_line(str(path), 200)}", values=_HEADER_VALUES, remedy=REMEDY)
    header.pop("__metadata__", None)
    if not header:
        raise _damaged(path, "it holds no tensor")
    if len(header) > _TENSORS:
        raise _damaged(path, f"it names {len(header):,} tensors")
    spans: list[tuple[int, int]] = []
    tensors: dict[str, Tensor] = {}
    for name, entry in header.items():
        tensors[name], span = _tensor(path, name, entry)
        spans.append(span)
    end = 0
    for first, last in sorted(spans):
        if first != end:
            raise _damaged(path, "its tensors overlap or leave a gap")
        end = last
    if 8 + length + end != size:
        raise _damaged(path, f"its tensors end at byte {8 + length + end:,} and it has {size:,}")
    return tensors, size


def _tensor(path: Path, name: str, entry: Any) -> tuple[Tensor, tuple[int, int]]:
    """Return the tensor of a header entry, and the range of its data as first byte and end (exclusive)."""
    shown = safe_line(name, 60)
    if not isinstance(entry, dict):
        raise _damaged(path, f"the tensor {shown} is not described")
    dtype, shape, offsets = entry.get("dtype"), _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise _damaged(path, f"the tensor {shown} is of an unknown type, {safe_line(repr(dtype), 20)}")
    if shape is None or len(shape) > 8 or offsets is None or len(offsets) != 2:
        raise _damaged(path, f"the tensor {shown} has no shape or place")
    tensor = Tensor(dtype, shape)
    if offsets[0] + tensor.elements * _BYTES[dtype] != offsets[1]:
        raise _damaged(path, f"the tensor {shown} has {offsets[1] - offsets[0]:,} bytes, which its shape {tensor.shape} does not fill")
    return tensor, (offsets[0], offsets[1])


def _sizes(value: Any) -> tuple[int, ...] | None:
    """Return a list of sizes as a tuple; None if it is not one."""
    if not isinstance(value, list) or not all(type(each) is int and 0 <= each < 1 << 48 for each in value):
        return None
    return tuple(value)


def _damaged(path: Path, fault: str) -> UserError:
    return UserError(f"the weights {safe_line(str(path), 200)} are damaged: {fault}", REMEDY)

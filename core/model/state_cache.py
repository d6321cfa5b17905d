"""The cache of hidden states: arrays on disk, shared by all runs; the least recently used are removed when it grows too large.

Each array is a file, with a note beside it that describes it. Both are written under another name and then renamed, so that a process
killed while writing, or two that write the same array, leave a complete file or none. Needs no model library.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from .. import config, paths, writing
from ..errors import UserError
from ..plain_files import read_plain
from ..specs import Pooling

_LARGEST_NOTE = 1 << 16


class Note(msgspec.Struct, frozen=True):
    """A description, for people, of what an array was computed from."""

    model: str = ""
    data: str = ""
    """The data set, and the split if there are several."""
    features: str = ""
    """'[CLS]', 'mean' or 'token vectors'."""


class Entry(msgspec.Struct, frozen=True):
    """One array of the cache."""

    key: str
    model: str
    data: str
    features: str
    rows: int | None
    """None for a damaged file."""
    width: int | None
    size: int
    """Bytes on disk."""
    used: float
    """When it was last used, in seconds since the epoch."""


def texts_hash(texts: Sequence[str]) -> str:
    """Return a sha256 in hex of the texts in order, each with its length, so that moving a boundary between texts changes it."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()


def key_of(texts: str, model: str, pooling: Pooling, limit: int, precision: str, device: str, layer: int | None = None) -> str:
    """Return the cache key, which is a file name, of one array of hidden states."""
    return hashlib.sha256(f"1 {texts} {model} {pooling} {limit} {precision} {device} {layer or 'last'}".encode()).hexdigest()[:32]


def cached(key: str) -> np.ndarray | None:
    """Return the array cached under `key`, memory-mapped, and mark it as used; None if there is none or it is incomplete."""
    path = _file(key)
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return found


def keep(key: str, states: np.ndarray, note: Note | None = None) -> None:
    """Cache an array under `key`; if the cache is full, the least recently used arrays are removed.

    An array larger than the whole cache is not stored. Neither that nor a full disk is an error: it is computed again next time.
    """
    most = limit()
    if states.nbytes > most:
        return
    path = _file(key)
    paths.make_private(path.parent)
    with contextlib.suppress(OSError):
        with writing.replacing(path, private=True) as file:
            np.save(file, states, allow_pickle=False)
        writing.write_private(path.with_suffix(".json"), msgspec.json.encode(note or Note()))
        _make_room(path, most)


def limit() -> int:
    """Return the bytes that the cache may take: `cache_mib` in config.toml, or its default if that file cannot be read."""
    try:
        return config.read(paths.config_file()).cache_mib << 20
    except UserError:  # the application and `doctor` report its faults
        return config.CACHE << 20


def entries() -> list[Entry]:
    """Return the arrays of the cache, the most recently used first. Raises UserError if its folder cannot be read."""
    found = [_entry(path, status) for path, status in _arrays()]
    return sorted(found, key=lambda each: (-each.used, each.key))


def size() -> int:
    """Return the bytes that the cache takes. Raises UserError if its folder cannot be read."""
    return sum(status.st_size for _, status in _arrays())


def clear() -> tuple[int, int]:
    """Remove all arrays, and return their number and their bytes. Raises UserError.

    A process that is reading an array keeps its mapping.
    """
    removed = freed = 0
    for path, status in _arrays():
        try:
            _remove(path)
        except OSError as error:
            raise UserError(f"{path} cannot be removed: {error.strerror or error}", exit_code=1) from error
        removed, freed = removed + 1, freed + status.st_size
    if folder().is_dir():
        writing.sweep(folder())
    return removed, freed


def _make_room(newest: Path, most: int) -> None:
    """Remove the least recently used arrays until the cache takes at most `most` bytes; `newest` stays."""
    found = sorted(_arrays(), key=lambda each: (each[0] == newest, each[1].st_mtime_ns))
    taken = sum(status.st_size for _, status in found)
    for path, status in found:
        if taken <= most or path == newest:
            return
        with contextlib.suppress(OSError):
            _remove(path)
        taken -= status.st_size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)


def _arrays() -> list[tuple[Path, os.stat_result]]:
    found: list[tuple[Path, os.stat_result]] = []
    try:
        with os.scandir(folder()) as listed:
            for each in listed:
                if each.name.endswith(".npy"):
                    with contextlib.suppress(FileNotFoundError):  # another process made room meanwhile
                        found.append((Path(each.path), each.stat(follow_symlinks=False)))
    except FileNotFoundError:
        return []
    except OSError as error:
        problem = f"cannot read the folder {folder()}: {error.strerror or error}"
        raise UserError(problem, "Set EMOTUI_HOME to a folder of your own") from error
    return found


def _entry(path: Path, status: os.stat_result) -> Entry:
    note, shape = Note(), (None, None)
    with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
        note = msgspec.json.decode(read_plain(path.with_suffix(".json"), _LARGEST_NOTE), type=Note)
    with contextlib.suppress(OSError, ValueError):
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    rows, width = shape if len(shape) == 2 else (None, None)
    return Entry(path.stem, note.model, note.data, note.features, rows, width, status.st_size, min(status.st_mtime, time.time()))


def folder() -> Path:
    """Return the folder of the cache, which may not exist."""
    return paths.cache_folder() / "hidden_states"


def _file(key: str) -> Path:
    return folder() / f"{key}.npy"

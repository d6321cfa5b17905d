"""Precision, threads and tokens a part of a batch, chosen by timing them on this machine with this model, and kept in the cache.

A processor's name decides nothing: on two machines of one name bf16 took half as long as float32, and as long.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch

from .. import paths, writing
from ..cores import cores
from ..errors import UserError
from ..plain_files import read_plain
from ..units import count
from . import device

Clock = Callable[[], float]
Kind = Literal["train", "forward"]
ROUNDS = 2
HOPELESS = 3.0
"""Times as long as the fastest: not worth another try."""
PROBE_ROWS = 128
PROBES = 3
_MOST_KEPT, _LARGEST = 200, 1 << 20
_VERSIONS = ("emotui", "torch", "transformers", "numpy")


class Choice(msgspec.Struct, frozen=True):
    """How a model is computed on the CPU."""

    precision: Literal["float32", "bf16"]
    threads: int
    tokens: int
    """Tokens of a part of a batch, padding included."""

    def __str__(self) -> str:
        return f"{self.precision}, {count(self.threads, 'thread')}, {self.tokens:,} tokens at once"


class Timing(msgspec.Struct, frozen=True):
    """What was chosen for a model, and what it was chosen from."""

    kind: Kind
    model: str
    choice: Choice
    seconds: dict[str, float]
    """Of one batch, by the choice that was timed."""
    at: float
    """Seconds since the epoch."""


def fastest(
    ways: Mapping[Choice, Callable[[], object]], *, worth: float = math.inf, rounds: int = ROUNDS, clock: Clock = time.perf_counter
) -> tuple[Choice, dict[str, float]]:
    """Return the way that takes the least time, and the least seconds of each that was timed; the first one is warm already.

    One that takes HOPELESS times as long as another is timed once. The others take turns, so that what else the machine does meets all
    alike. No other call begins once all have taken `worth` times as long as the fastest.
    """
    seconds: dict[Choice, float] = {}
    spent = 0.0
    for number in range(1 + rounds):
        best = min(seconds.values(), default=math.inf)
        for choice, run in ways.items():
            if (number and seconds.get(choice, math.inf) > HOPELESS * best) or (seconds and spent > worth * min(seconds.values())):
                continue
            begun = clock()
            run()
            taken = clock() - begun
            spent += taken
            seconds[choice] = min(seconds.get(choice, math.inf), taken)
    return min(seconds, key=lambda each: seconds[each]), {str(each): taken for each, taken in seconds.items()}


def is_bf16_hopeless(width: int, *, clock: Clock = time.perf_counter) -> bool:
    """Whether a small product of matrices [128, width] [width, width] takes HOPELESS times as long in bf16 as in float32.

    A processor without its instructions computes it hundreds of times as slowly; a whole batch would take minutes.
    """
    taken: dict[torch.dtype, float] = {}
    for kind, tries in ((torch.float32, 2 * PROBES), (torch.bfloat16, PROBES)):
        left, right = torch.ones(PROBE_ROWS, width, dtype=kind), torch.ones(width, width, dtype=kind)
        for _ in range(tries):
            begun = clock()
            torch.mm(left, right)
            taken[kind] = min(taken.get(kind, math.inf), clock() - begun)
    return taken[torch.bfloat16] > HOPELESS * taken[torch.float32]


def key_of(kind: Kind, config: Any, *more: object) -> str:
    """Return what stands for a machine, the shape of a model by its configuration, the versions, and whatever else the speed depends on."""
    shape = {name: value for name, value in config.to_dict().items() if isinstance(value, int) and not isinstance(value, bool)}
    versions = [importlib.metadata.version(name) for name in _VERSIONS]
    parts = [kind, device.cpu_name(), cores(), type(config).__name__, sorted(shape.items()), versions, [str(each) for each in more]]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def kept() -> dict[str, Timing]:
    """Return all that was chosen on this machine, the oldest first; {} where the file is not there or is damaged."""
    try:
        return msgspec.json.decode(read_plain(_file(), _LARGEST), type=dict[str, Timing])
    except (OSError, UserError, ValueError, msgspec.MsgspecError):
        return {}


def keep(key: str, timing: Timing) -> None:
    """Keep a choice. A full disk is no error: it is timed again next time."""
    every = {**{name: each for name, each in kept().items() if name != key}, key: timing}
    newest = dict(list(every.items())[-_MOST_KEPT:])
    try:
        paths.make_private(paths.cache_folder())
        writing.write_private(_file(), msgspec.json.encode(newest))
    except (OSError, UserError):
        return


def latest(kind: Kind) -> Choice | None:
    """Return what was chosen last, of whatever model."""
    found = [each.choice for each in kept().values() if each.kind == kind]
    return found[-1] if found else None


def _file() -> Path:
    return paths.cache_folder() / "timed.json"

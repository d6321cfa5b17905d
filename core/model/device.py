"""Chooses the device and the precision for computing."""

from __future__ import annotations

import platform
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from ..sentences import Setting, phrase
from ..specs import Precision

CPU_TOKENS = 1_024
"""Tokens per batch on the CPU; larger batches exceed its cache and are slower."""
GPU_TOKENS = 65_536
CPUINFO = Path("/proc/cpuinfo")
ONE_THREAD_TOKENS = 128
"""Tokens up to which one thread is as fast as several on idle cores, and far faster on busy ones, where layers wait for the last."""


@dataclass(frozen=True, slots=True)
class Compute:
    """The device and the precision for computing."""

    device: torch.device
    name: str
    """The name for people, that of the GPU or the processor."""
    precision: str
    """'float32' or 'bf16'."""
    is_open: bool = False
    """Whether nobody has named a precision, so that timing may choose another."""

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context for a model's forward pass."""
        if self.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    @property
    def tokens(self) -> int:
        """Tokens per batch of a forward pass, padding included."""
        return CPU_TOKENS if self.device.type == "cpu" else GPU_TOKENS


@contextmanager
def threads_for(tokens: int) -> Generator[None]:
    """Use one CPU thread within the context for at most ONE_THREAD_TOKENS tokens, otherwise all threads."""
    threads = torch.get_num_threads()
    if tokens > ONE_THREAD_TOKENS or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def choose(device: str, precision: Precision) -> Compute:
    """Return the device and precision to use, resolving 'auto'. Raises UserError for a device or precision that is not available.

    'auto' takes the CUDA device with the most free memory, and bf16 where a card has it. On a CPU it is float32 until a few batches are
    timed: `trials`.
    """
    if precision not in ("auto", "float32", "bf16"):
        raise UserError(f"unknown precision {precision!r}", "Choose auto, float32 or bf16")
    chosen = _device(device)
    if chosen.type == "cpu":
        taken = "float32" if precision == "auto" else precision
        return Compute(chosen, f"{cpu_name()}, {torch.get_num_threads()} threads", taken, is_open=precision == "auto")
    native, name = torch.cuda.is_bf16_supported(including_emulation=False), torch.cuda.get_device_name(chosen)
    if precision == "bf16" and not native:
        raise UserError(f"{name} has no bf16", phrase("Choose ", Setting("precision", "float32")))
    return Compute(chosen, name, ("bf16" if native else "float32") if precision == "auto" else precision)


def _device(device: str) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        if not count:
            return torch.device("cpu")
        return torch.device("cuda", max(range(count), key=lambda index: torch.cuda.mem_get_info(index)[0]))
    if device == "cpu":
        return torch.device("cpu")
    kind, _, index = device.partition(":")
    if kind != "cuda" or (index and not index.isdigit()):
        raise UserError(f"there is no device {device!r}", "Choose auto, cpu, cuda or cuda:N")
    if int(index or 0) >= count:
        have = f"there are {count} CUDA devices" if count else "torch sees no CUDA device"
        raise UserError(f"the device {device} is not there: {have}", phrase("Choose ", Setting("device", "cpu"), ", or see: emotui doctor"))
    return torch.device("cuda", int(index or 0))


def cpu_name() -> str:
    """Return the processor's name as the system reports it."""
    try:
        for line in CPUINFO.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

"""Emits the worker's use of CPU, memory and GPU every two seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import psutil

from ..events import Event, Telemetry

INTERVAL = 2.0


class Telemeter:
    """A thread that emits the load of this process and its children, within the context."""

    def __init__(self, emit: Callable[[Event], None], interval: float = INTERVAL) -> None:
        """Pass the load to `emit` every `interval` seconds."""
        self._emit = emit
        self._interval = interval
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._known: dict[int, psutil.Process] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        self.read()  # the first reading of a process is always 0
        while not self._end.wait(self._interval):
            self._emit(self.read())

    def read(self) -> Telemetry:
        """Return the load since the last reading."""
        me = psutil.Process()
        self._known = {each.pid: self._known.get(each.pid, each) for each in (me, *me.children(recursive=True))}
        percent, memory = 0.0, 0
        for process in self._known.values():
            with contextlib.suppress(psutil.Error):
                percent += process.cpu_percent()
                memory += process.memory_info().rss
        return Telemetry(percent, memory, psutil.virtual_memory().total, *_gpu())


def _gpu() -> tuple[float | None, int | None, int | None]:
    """Return the GPU's load in percent, its used memory and its total memory in bytes; None for unknown figures."""
    torch: Any = sys.modules.get("torch")
    # Querying an unused GPU would create a context on it, which takes memory.
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_initialized():
        return None, None, None
    free, total = torch.cuda.mem_get_info()
    try:
        percent = float(torch.cuda.utilization())
    except (ModuleNotFoundError, RuntimeError):
        percent = None
    return percent, total - free, total

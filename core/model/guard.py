"""Limits the CPU time and the memory of work on files from elsewhere; exceeding them ends this process.

A process that dies of it cannot report that, so a listener is told beforehand what the process is about to do.
"""

from __future__ import annotations

import re
import resource
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from ..cores import cores

SLACK, SLACK_PER_CORE = 1 << 30, 160 << 20
"""Bytes of address space that the libraries map beyond what they need: an arena and a stack per thread."""


class _Announcement:
    """The listener that is told what this process is about to do; none until `to` is set."""

    to: Callable[[str], None] | None = None


def announce_to(listener: Callable[[str], None]) -> None:
    """Have `listener` called with what is about to be done, such as 'load the model X', and with '' when it is done."""
    _Announcement.to = staticmethod(listener)


@contextmanager
def limited(what: str, *, seconds: float, memory: int | None = None) -> Generator[None]:
    """Limit the work of the context: after `seconds` of CPU time, over all threads together, SIGPROF ends the process.

    `memory` is the number of bytes that it may map beyond what is mapped now and SLACK. Asking for more raises MemoryError or
    RuntimeError, or, in libraries that do not expect that, SIGABRT. These contexts cannot be nested.
    """
    listener = _Announcement.to or (lambda _: None)
    listener(what)
    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = _mapped()
    if memory is not None and mapped is not None:
        wanted = mapped + memory + SLACK + SLACK_PER_CORE * cores()
        soft = wanted if before[0] == resource.RLIM_INFINITY else min(wanted, before[0])
        resource.setrlimit(resource.RLIMIT_AS, (soft, before[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        listener("")


def _mapped() -> int | None:
    """Return the bytes of address space that this process maps; None if the system does not report it."""
    try:
        found = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    except OSError:
        return None
    return int(found[1]) << 10 if found else None

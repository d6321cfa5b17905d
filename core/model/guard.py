"""Bounds the computing time and the memory of work on files from elsewhere: what goes beyond them ends this process.

A process that dies of it cannot say so, hence whoever waits for it is told beforehand, by `announce`, what it is about to do.
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
"""Bytes of address space that the libraries map beside what they need: for each thread an arena and a stack."""


class _Announcement:
    """To whom it is said what this process is about to do; nobody, until `to` is set."""

    to: Callable[[str], None] | None = None


def announce_to(listener: Callable[[str], None]) -> None:
    """Have `listener` called with what is begun, such as 'load the model X', and with '' when it is done."""
    _Announcement.to = staticmethod(listener)


@contextmanager
def limited(what: str, *, seconds: float, memory: int | None = None) -> Generator[None]:
    """Do work that ends the process, by SIGPROF, after `seconds` of computing, waiting not counted, on all threads together.

    `memory` is how many bytes it may map beyond what is mapped now and SLACK. Where it asks for more it gets MemoryError, RuntimeError,
    or, in libraries that do not expect that, SIGABRT. One cannot stand within another.
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
    """Return the bytes of address space that this process maps; None where the system does not tell."""
    try:
        found = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    except OSError:
        return None
    return int(found[1]) << 10 if found else None

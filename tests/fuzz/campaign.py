"""Tries many contents on each reader, in a process that may hang or die without harm."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from readers import READERS
from trial import content_of

HERE = Path(__file__).parent
TIMEOUT = 120.0
"""Seconds for one try, in which other programs may compute, too."""
MOST_BROKEN = 5
"""Of one reader, after which it is tried no more."""


@dataclass
class Outcome:
    """What came of one reader."""

    name: str
    tries: int = 0
    broken: list[tuple[int, str, bytes]] = field(default_factory=list)
    """Seed, what happened, and the content."""


class _Child:
    """A process that carries out tries. A context manager."""

    def __enter__(self) -> _Child:
        self._place = tempfile.TemporaryDirectory(prefix="emotui-fuzz-")  # a try that is ended leaves its files there
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._place.cleanup()

    def _start(self) -> None:
        path = os.pathsep.join((str(HERE), str(HERE.parent / "harness")))
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "trial.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "TMPDIR": self._place.name},
            start_new_session=True,
        )
        self._started = True

    def _end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def attempt(self, name: str, which: str) -> str:
        """Return 'held', or what happened."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{name}\t{which}\n".encode())
            stdin.flush()
            if not select.select([stdout], [], [], TIMEOUT)[0]:
                answer = f"does not end within {TIMEOUT:.0f} s"
            else:
                answer = stdout.readline().decode().rstrip("\n")
        except BrokenPipeError:
            answer = ""
        if not answer or answer.startswith("does not end"):
            code = self.process.wait() if not answer else 0
            self._end()
            self._start()
            if READERS[name].heavy and code in (-signal.SIGPROF, -signal.SIGABRT):
                return "held"
            answer = answer or f"ends the process with {signal.Signals(-code).name if code < 0 else code}"
        return answer


def campaign(names: Sequence[str], *, seconds: float, seed: int) -> Iterator[Outcome]:
    """Yield what came of each reader; each gets its share of the time, and at least one try."""
    with _Child() as child:
        for name in names:
            outcome = Outcome(name)
            child.attempt(name, str(seed - 1))  # what is imported, and made once, is not to take from the time
            until = time.monotonic() + seconds / len(names)
            while (not outcome.tries or time.monotonic() < until) and len(outcome.broken) < MOST_BROKEN:
                number = seed + outcome.tries
                answer = child.attempt(name, str(number))
                outcome.tries += 1
                if answer != "held":
                    outcome.broken.append((number, answer, content_of(name, number)))
            yield outcome


def tried(name: str, file: Path) -> str:
    """Return what came of one file: 'held', or what happened."""
    with _Child() as child:
        return child.attempt(name, str(file))

"""One try of a reader: it ends in time and in little memory, in a value or a UserError, says nothing that acts, and writes nowhere else."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from emotui.core.cli.output import Output
from emotui.core.errors import UserError
from mutation import mutate
from readers import READERS, Reader

SECONDS = 10.0
"""Of computing; waiting, and other programs' computing, are not counted."""
MEMORY = 500 << 20
"""Bytes of resident memory beside what there was before."""
HARD_MEMORY = 6 << 30
"""Bytes of address space beside what there was: the machine is not to suffer."""
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
"""What must be in no output: C0 but tab and newline, C1, what turns the direction of writing, and halves of characters."""
LONGEST = 4_000
"""Characters of a sentence."""


class Broken(Exception):
    """A promise that was not kept, in words."""


class _TooLong(BaseException):
    """Raised where a try computes for too long; no `except Exception` catches it."""


def content_of(name: str, seed: int) -> bytes:
    """Return what the try `seed` of a reader reads."""
    reader = READERS[name]
    examples = reader.examples()
    chooser = random.Random(seed)
    return mutate(chooser, chooser.choice(examples), reader.kind)


def attempt(name: str, content: bytes) -> None:
    """Try one content. Raises Broken where a promise is not kept."""
    reader = READERS[name]
    with place() as (root, given):
        before = tree(root)
        cost = _Cost()
        out, err = io.StringIO(), io.StringIO()
        try:
            with cost, redirect_stdout(out), redirect_stderr(err):
                shown = _shown(reader, given, content)
        except _TooLong:
            raise Broken(f"computes for more than {SECONDS:.0f} s") from None
        except MemoryError:
            raise Broken("takes all memory that there is") from None
        except AssertionError as error:
            raise Broken(f"an assertion: {error}") from error
        except Exception as error:
            raise Broken(f"{type(error).__name__}: {str(error)[:300]!r}") from error
        _check_text(out.getvalue(), "stdout")
        if not reader.heavy:  # the libraries' own words go to the engine's log, which is made safe
            _check_text(err.getvalue(), "stderr")
        _check_text(shown, "what is shown")
        cost.check()
        if tree(root) != before:
            raise Broken("writes outside of its folder")


def _shown(reader: Reader, given: Path, content: bytes) -> str:
    """Return what a command prints of what is read."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    output = Output(out, out)
    try:
        found = reader.read(given, content)
        output.lines([str(line) for line in found] if isinstance(found, list) else [str(found)])
    except UserError as error:
        sentence = str(error)
        if not sentence.strip():
            raise Broken("an empty sentence") from error
        if "\n" in sentence and not reader.says_lines:
            raise Broken(f"a sentence of several lines: {sentence[:200]!r}") from error
        if len(sentence) > LONGEST:
            raise Broken(f"a sentence of {len(sentence):,} characters: {sentence[:200]!r}") from error
        if error.exit_code not in (1, 2):
            raise Broken(f"exit code {error.exit_code}") from error
        output.message(f"emotui: {sentence}")
    output.flush()
    out.seek(0)
    return out.read()


def _check_text(text: str, where: str) -> None:
    if found := ACTS.search(text):
        raise Broken(f"{where} holds {found[0]!r}: {text[max(0, found.start() - 60) : found.end() + 60]!r}")


class _Cost:
    """Bounds what a block takes, and remembers it. A context manager."""

    def __enter__(self) -> _Cost:
        self._before = _memory("VmRSS")
        self._limit = resource.getrlimit(resource.RLIMIT_AS)
        _reset_peak()
        mapped = _memory("VmSize")
        if mapped:
            resource.setrlimit(resource.RLIMIT_AS, (mapped + HARD_MEMORY, self._limit[1]))
        self._handler = signal.signal(signal.SIGVTALRM, self._ring)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        self._began = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._handler)
        resource.setrlimit(resource.RLIMIT_AS, self._limit)
        self.seconds = time.process_time() - self._began
        self.memory = _memory("VmHWM") - self._before

    def check(self) -> None:
        if self.memory > MEMORY:
            raise Broken(f"takes {self.memory >> 20:,} MiB")
        if self.seconds > SECONDS:
            raise Broken(f"computes for {self.seconds:.1f} s")

    def _ring(self, *_: object) -> None:
        raise _TooLong


def _memory(name: str) -> int:
    """Return a figure of this process's memory in bytes; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return 0
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) << 10 if found else 0


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


@contextmanager
def place() -> Iterator[tuple[Path, Path]]:
    """Yield a folder in which nothing may change, and the folder in it that may be filled; the home lies there as well."""
    root = Path(tempfile.mkdtemp(prefix="emotui-fuzz-"))
    saved = {name: os.environ.get(name) for name in ("EMOTUI_HOME", "EMOTUI_CONFIG", "HOME")}
    cwd = os.getcwd()
    try:
        given = root / "given"
        given.mkdir(mode=0o700)
        (root / "victim").write_text("ten years of work")
        (root / "work").mkdir()
        (root / "work" / "victim.csv").write_text("a,b\n")
        os.environ |= {"EMOTUI_HOME": str(given / "home"), "EMOTUI_CONFIG": str(given / "config.toml"), "HOME": str(root)}
        os.chdir(root / "work")
        yield root, given
    finally:
        os.chdir(cwd)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(root, ignore_errors=True)


def tree(root: Path) -> str:
    """Return a hash over the names, kinds, modes and contents below a folder, but for what is in its folder `given`."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.relative_to(root).parts[0] != "given":
            status = path.lstat()
            digest.update(f"{path} {status.st_mode} {status.st_ino} {status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
            if path.is_file() and not path.is_symlink():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def serve() -> None:
    """Carry out the tries that stdin names, a reader and a seed or a file a line, and answer each with a line on stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, _, which = line.rstrip("\n").partition("\t")
        content = content_of(name, int(which)) if which.isdigit() else Path(which).read_bytes()
        try:
            attempt(name, content)
            answers.write("held\n")
        except Broken as broken:
            cause = broken.__cause__
            at = ""
            while cause is not None and cause.__traceback__ is not None:
                trace = cause.__traceback__
                while trace.tb_next is not None:
                    trace = trace.tb_next
                at = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
                break
            answers.write(f"{broken}{at}\n".encode("unicode_escape").decode() + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()

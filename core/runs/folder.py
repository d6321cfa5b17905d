"""The paths within a run; creating, finding and listing runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths, writing
from ..errors import UserError
from ..json_kinds import is_object
from ..plain_files import read_plain
from ..safe_text import safe_line

if TYPE_CHECKING:  # the supervisor, which imports this module, loads no library
    from ..events import Result
    from ..specs import Job, RunSpec

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""No vowels, so that no id is a word, and no characters that are easily confused."""

_LARGEST_SPEC, _LARGEST_RESULT, _LARGEST_PROC = 4 << 20, 16 << 20, 1 << 16
"""Limits in bytes of spec.json, of result.json, which may contain large matrices, and of proc.json."""

COPY = "Copy it, and look at the copy: cp -r"
"""The remedy for a run of another user, whose files could change at any moment."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run on disk, which need not exist."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def spec_file(self) -> Path:
        return self.path / "spec.json"

    @property
    def proc_file(self) -> Path:
        return self.path / "proc.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def events_file(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def journal_file(self) -> Path:
        """What the worker of the attempt has sent; needed only if supervisor and worker are killed at once."""
        return self.path / "sent.jsonl"

    @property
    def log_file(self) -> Path:
        return self.path / "worker.log"

    @property
    def control(self) -> Path:
        return self.path / "control"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def result_file(self) -> Path:
        return self.path / "result.json"

    def predictions_file(self, split: str) -> Path:
        return self.path / "predictions" / f"{split}.parquet"

    def read_spec(self) -> RunSpec:
        """Return the run's spec. Raises UserError if it cannot be read, or if other users may write to the folder."""
        return self.read_spec_and_rest()[0]

    def read_spec_and_rest(self) -> tuple[RunSpec, tuple[str, ...]]:
        """Return the run's spec, and the names of ignored settings: those unknown to this version or out of bounds.

        Raises UserError as `read_spec` does.
        """
        from . import records

        self.check()
        try:
            content = read_plain(self.spec_file, _LARGEST_SPEC)
        except OSError as error:
            raise UserError(f"{_shown(self.path)} is no run: {error.strerror or error} ({self.spec_file.name})") from error
        try:
            return records.spec(content)
        except UserError as error:
            raise UserError(f"{_shown(self.spec_file)} is damaged: {error}", "Start a new run") from error

    def read_result(self, labels: tuple[str, ...] = ()) -> Result | None:
        """Return the result of the run, which has these labels; None if it has not ended. Raises UserError if it cannot be read."""
        from . import records

        try:
            content = read_plain(self.result_file, _LARGEST_RESULT)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{_shown(self.result_file)} cannot be read: {error.strerror or error}") from error
        try:
            return records.result(content, labels)
        except UserError as error:
            raise UserError(f"{_shown(self.result_file)} is damaged: {error}") from error

    def read_processes(self) -> dict[str, Any]:
        """Return proc.json: the identities of launcher, supervisor and worker, and batch_split; {} if there is none.

        Raises UserError if something else is in its place.
        """
        try:
            value = json.loads(read_plain(self.proc_file, _LARGEST_PROC))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UserError(f"{_shown(self.proc_file)} cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError):
            return {}
        return value if is_object(value) else {}

    @property
    def has_private_folder(self) -> bool:
        """Whether `check` passes."""
        try:
            self.check()
        except UserError:
            return False
        return True

    def check(self) -> None:
        """Raise UserError unless this is a folder, not a link, that belongs to this user and that nobody else may write to."""
        if self.path.is_symlink():
            raise UserError(f"{_shown(self.path)} is a symbolic link", "Name the folder that it leads to")
        paths.check_private(self.path, COPY)

    def write_processes(self, value: dict[str, Any]) -> None:
        """Replace proc.json. Raises OSError."""
        writing.write_private(self.proc_file, json.dumps(value, indent=1).encode())


def create(
    job: Job, *, data_hash: str, labels: tuple[str, ...], versions: dict[str, str], clock: Callable[[], float] = time.time
) -> RunFolder:
    """Create a run's folder, private to its user, with its spec. Raises UserError if it cannot be written."""
    import msgspec

    from ..specs import RunSpec, task_of
    from . import identity

    runs = paths.make_private(paths.runs_folder())
    run = None
    try:
        run = _make_folder(runs, task_of(job))
        spec = RunSpec(run.id, clock(), job, data_hash, labels, versions)
        for folder in (run.control, run.checkpoints):
            paths.make_private(folder)
        launcher = identity.of(os.getpid())
        run.write_processes({"launcher": launcher.to_json() if launcher else None})
        # The spec is written last: a folder without one is not a run.
        writing.write_private(run.spec_file, msgspec.json.format(msgspec.json.encode(spec), indent=1))
    except BaseException as error:
        if run is not None:
            shutil.rmtree(run.path, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise UserError(f"cannot create a run in {runs}: {error.strerror or error}", "Free some space or set EMOTUI_HOME") from error
    return run


def _make_folder(runs: Path, task: str) -> RunFolder:
    while True:
        path = runs / f"{''.join(secrets.choice(_LETTERS) for _ in range(4))}-{task}"
        try:
            path.mkdir(mode=paths.PRIVATE_FOLDER)
        except FileExistsError:
            continue
        path.chmod(paths.PRIVATE_FOLDER)
        return RunFolder(path)


def list_runs(known: dict[tuple[str, int], float] | None = None) -> list[RunFolder]:
    """Return the runs of this user, the newest first, and then those that cannot be read, by name.

    `known` remembers between calls when each run was created, since specs never change; without it every spec is read.
    """
    runs = paths.runs_folder()
    known = {} if known is None else known
    try:
        with os.scandir(runs) as entries:
            found = [(entry.name, entry.inode()) for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read the folder {runs}: {error.strerror or error}", "Set EMOTUI_HOME to a folder of your own") from error
    dated: list[tuple[float, RunFolder]] = []
    unreadable: list[RunFolder] = []
    for name, inode in found:
        run = RunFolder(runs / name)
        created = known.get((name, inode))
        try:
            if created is None:
                created = run.read_spec().created
            else:
                run.check()
        except UserError:
            if _is_begun(run):
                unreadable.append(run)
            continue
        known[name, inode] = created
        dated.append((created, run))
    for gone in known.keys() - set(found):
        del known[gone]
    newest_first = [run for _, run in sorted(dated, key=lambda each: (each[0], each[1].id), reverse=True)]
    return newest_first + sorted(unreadable, key=lambda run: run.id)


def find(ref: str, *, readable: bool = True) -> RunFolder:
    """Return the run that `ref` names: an id, a unique prefix of one, 'last', or a path. Raises UserError.

    Without `readable` it may be a run whose spec cannot be read; 'last' is always a readable one.
    """
    run = _find(ref)
    if readable:
        run.read_spec()
    return run


def _find(ref: str) -> RunFolder:
    if not ref:
        raise UserError("a run's id cannot be empty", "List them with: emotui runs")
    shown = safe_line(repr(ref), 100)
    if os.sep in ref or ref in (".", "..") or ref.startswith("~"):
        try:
            return _checked(RunFolder(paths.expand(ref).resolve()))
        except (OSError, RuntimeError, ValueError) as error:  # a link to itself, the home of an unknown user, a NUL
            raise UserError(f"there is no run {shown}: {error}") from error
    exact = RunFolder(paths.runs_folder() / ref)
    if not paths.is_too_long(ref) and exact.path.is_dir():
        return _checked(exact)
    runs = list_runs()
    if ref == "last":
        if not runs:
            raise UserError("there are no runs yet", "Start one with: emotui train starter")
        runs[0].read_spec()
        return runs[0]
    matching = [run for run in runs if run.id.startswith(ref)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(safe_line(run.id, 40) for run in matching[:5])
        raise UserError(f"{shown} is the start of {len(matching)} runs: {names}", "Type more of the id")
    raise UserError(f"there is no run {shown}", "List them with: emotui runs")


def _checked(run: RunFolder) -> RunFolder:
    if not _is_begun(run):
        paths.check_private(run.path, COPY)
        raise UserError(f"{_shown(run.path)} is not a run: it has no spec.json", "List the runs with: emotui runs")
    return run


def _is_begun(run: RunFolder) -> bool:
    """Whether the folder contains a file that only a run has, its spec or one written later, or cannot be searched."""
    try:
        return any(os.path.lexists(file) for file in (run.spec_file, run.events_file, run.result_file)) or not os.access(run.path, os.R_OK)
    except ValueError:
        return False


def _shown(path: Path) -> str:
    return safe_line(str(path), 160)

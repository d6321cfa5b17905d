"""Every path inside one run; making, finding and listing runs."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths, writing
from ..errors import UserError

if TYPE_CHECKING:  # the supervisor, which imports this module, loads no library
    from ..events import Result
    from ..specs import Job, RunSpec

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""No vowels, so that no id becomes a word, and nothing that is easily misread."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk. It need not exist."""

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
        """What the worker of the attempt has sent; needed only where supervisor and worker are killed at once."""
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
        """Return the run's spec. Raises UserError where it cannot be read."""
        import msgspec

        from ..specs import RunSpec

        try:
            return msgspec.json.decode(self.spec_file.read_bytes(), type=RunSpec)
        except OSError as error:
            raise UserError(f"{self.path} is no run: {error.strerror or error} ({self.spec_file.name})") from error
        except msgspec.MsgspecError as error:
            raise UserError(f"{self.spec_file} is damaged: {error}. Start the run anew") from error

    def read_result(self) -> Result | None:
        """Return how the run ended, None where it has not, or where what is there cannot be read."""
        import msgspec

        from ..events import Result

        try:
            return msgspec.json.decode(self.result_file.read_bytes(), type=Result)
        except (OSError, msgspec.MsgspecError):
            return None

    def read_processes(self) -> dict[str, Any]:
        """Return proc.json: the identities of launcher, supervisor and worker, and batch_split; {} where there is none."""
        try:
            value = json.loads(self.proc_file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def write_processes(self, value: dict[str, Any]) -> None:
        """Replace proc.json. Raises OSError."""
        writing.write_private(self.proc_file, json.dumps(value, indent=1).encode())


def create(
    job: Job, *, data_hash: str, labels: tuple[str, ...], versions: dict[str, str], clock: Callable[[], float] = time.time
) -> RunFolder:
    """Make a run's folder, private to its user, with its spec. Raises UserError where the disk does not take it."""
    import msgspec

    from ..specs import RunSpec, task_of
    from . import identity

    runs = paths.make_private(paths.runs_folder())
    try:
        run = _make_folder(runs, task_of(job))
        spec = RunSpec(run.id, clock(), job, data_hash, labels, versions)
        for folder in (run.control, run.checkpoints):
            paths.make_private(folder)
        launcher = identity.of(os.getpid())
        run.write_processes({"launcher": launcher.to_json() if launcher else None})
        # The spec comes last: a folder without one is no run.
        writing.write_private(run.spec_file, msgspec.json.format(msgspec.json.encode(spec), indent=1))
    except OSError as error:
        raise UserError(f"cannot make a run in {runs}: {error.strerror or error}. Free some space or set EMOTUI_HOME") from error
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
    """Return the runs of this user, the newest first; damaged ones, and folders that others own or may write in, are left out.

    `known` keeps when the runs were made between two calls, since a spec never changes; without it every spec is read.
    """
    runs = paths.runs_folder()
    known = {} if known is None else known
    try:
        with os.scandir(runs) as entries:
            found = [(entry.name, entry.inode()) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read the folder {runs}: {error.strerror or error}. Set EMOTUI_HOME to a folder of your own") from error
    dated: list[tuple[float, RunFolder]] = []
    for name, inode in found:
        run = RunFolder(runs / name)
        created = known.get((name, inode))
        if created is None:
            created = _created(run)
        if created is not None and _is_private(run):
            known[name, inode] = created
            dated.append((created, run))
    for gone in known.keys() - set(found):
        del known[gone]
    return [run for _, run in sorted(dated, key=lambda each: (each[0], each[1].id), reverse=True)]


def find(ref: str) -> RunFolder:
    """Return the run that `ref` names: an id, the unique start of one, 'last', or a path. Raises UserError."""
    if os.sep in ref or ref in (".", "..") or ref.startswith("~"):
        return _checked(RunFolder(paths.expand(ref).resolve()))
    if not ref:
        raise UserError("a run's id cannot be empty. See them with: emotui runs")
    exact = RunFolder(paths.runs_folder() / ref)
    if exact.spec_file.is_file():
        return _checked(exact)
    runs = list_runs()
    if ref == "last":
        if not runs:
            raise UserError("there are no runs yet. Make one with: emotui train starter")
        return runs[0]
    matching = [run for run in runs if run.id.startswith(ref)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(run.id for run in matching[:5])
        raise UserError(f"{ref!r} is the start of {len(matching)} runs: {names}. Write more of the id")
    raise UserError(f"there is no run {ref!r}. See them with: emotui runs")


def _checked(run: RunFolder) -> RunFolder:
    paths.check_private(run.path)
    if not run.spec_file.is_file():
        raise UserError(f"{run.path} is no run: it has no spec.json. See the runs with: emotui runs")
    return run


def _is_private(run: RunFolder) -> bool:
    try:
        paths.check_private(run.path)
    except UserError:
        return False
    return True


def _created(run: RunFolder) -> float | None:
    try:
        return run.read_spec().created
    except UserError:
        return None

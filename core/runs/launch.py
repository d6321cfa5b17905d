"""Starts, stops, kills and resumes runs; the supervisor does the rest."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .. import child_processes, class_weights, config, paths
from ..errors import UserError
from ..shell import quote
from ..specs import Job, TrainSpec
from . import endings, folder, identity, links, lock, logout
from .folder import RunFolder

if TYPE_CHECKING:
    from ..specs import RunSpec

SUPERVISOR = (sys.executable, "-P", "-m", "emotui.core.runs.supervise")
START_TIMEOUT = 120.0
"""Seconds that a supervisor gets to start; it takes 0.1 s unless it waits for an orphaned worker."""
DYING = 0.5
"""Seconds for which a killed supervisor may still hold the lock."""
LIBRARIES = ("emotui", "torch", "transformers", "accelerate", "scikit-learn", "tokenizers", "numpy")


def start(
    job: Job,
    *,
    data_hash: str,
    labels: tuple[str, ...],
    scope: bool = False,
    supervisor: Sequence[str] = SUPERVISOR,
    clock: Callable[[], float] = time.time,
) -> RunFolder:
    """Create a run of `job` and start it as a process that continues when this one ends.

    `data_hash` is sources.fingerprint of the data set and `labels` are its label names; a resumed run must find the same.
    With `scope` the process leaves the login session's scope, which logind may kill at logout.
    Raises UserError if the run cannot be created or started, or if config.toml or the job's class weights are invalid.
    """
    if isinstance(job, TrainSpec):
        class_weights.resolve(job.class_weights, labels, [1] * len(labels))
    config.read(paths.config_file())
    command = logout.in_scope(supervisor) if scope else supervisor
    run = folder.create(job, data_hash=data_hash, labels=labels, versions=versions(), clock=clock)
    try:
        _supervise(run, command, offline=job.data.offline)
    except UserError:
        if lock.holder(run.lock_file) is None:
            shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def stop(run: RunFolder) -> None:
    """Ask a run to save after its current step and end. Asking twice, or asking a run that has ended, does no harm."""
    _request(run, "stop")


def kill(run: RunFolder) -> None:
    """Kill a run at once; work after its last checkpoint is lost."""
    _request(run, "kill")


def resume(run: RunFolder, *, scope: bool = False, supervisor: Sequence[str] = SUPERVISOR) -> None:
    """Resume a run from its last complete checkpoint, or from the beginning if it has none; `scope` as for `start`.

    Raises UserError if the run is still going or finished, or if its data set, labels or settings have changed.
    """
    paths.check_private(run.path, folder.COPY)
    links.check(run)
    config.read(paths.config_file())
    command = logout.in_scope(supervisor) if scope else supervisor
    spec, rest = run.read_spec_and_rest()
    if rest:
        raise UserError(
            f"cannot resume {run.id}: it was made by another version of emotui, with settings that this one does not know: "
            f"{', '.join(rest)}"
        )
    deadline = time.monotonic() + DYING
    while lock.holder(run.lock_file) is not None and not _is_orphaned(run):
        if time.monotonic() > deadline:
            raise UserError(f"the run {run.id} is already running", f"Follow it with: emotui watch {quote(run.id)}")
        time.sleep(0.02)
    result = run.read_result()
    if result is not None and result.state == "finished":
        raise UserError(f"the run {run.id} is finished, so there is nothing to resume", "Train again with: emotui train")
    _check_unchanged(run, spec)
    _supervise(run, command, offline=spec.job.data.offline)


def versions() -> dict[str, str]:
    """Return the versions of Python, emotui and the libraries that affect a run, by name."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _supervise(run: RunFolder, supervisor: Sequence[str], *, offline: bool) -> None:
    """Start the run's supervisor and wait until it has taken over the run."""
    source, sink = os.pipe()
    try:
        output = os.open(
            run.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, paths.PRIVATE_FILE
        )
        try:
            starter = subprocess.Popen(
                [*supervisor, str(run.path), "--ready", str(sink)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=run.path,
                env=child_processes.environment(offline=offline) | {"PYTHONUNBUFFERED": "1"} | _places(),
                pass_fds=[sink],
                start_new_session=True,
            )
        finally:
            os.close(output)
    except OSError as error:
        os.close(source)
        raise UserError(f"the run {run.id} cannot be started: {error.strerror or error} ({error.filename})", exit_code=1) from error
    finally:
        os.close(sink)
    try:
        answer = _answer(source)
    finally:
        os.close(source)
        if starter.poll() is None:
            starter.kill()  # it has left a child behind and is ending, or it hangs
        starter.wait()
    if answer != "ok":
        why = answer or endings.last_line(run.log_file) or "its supervisor ended before it started"
        raise UserError(why, exit_code=1)


def _places() -> dict[str, str]:
    """Return the environment variables of folders with absolute paths, because the run has a working folder of its own."""
    return {"EMOTUI_HOME": str(paths.home().absolute()), "EMOTUI_CONFIG": str(paths.config_file().absolute())}


def _answer(source: int) -> str:
    """Return the line that a supervisor sends; '' if it ends without one."""
    answer = b""
    deadline = time.monotonic() + START_TIMEOUT
    while not answer.endswith(b"\n"):
        if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return f"the run's supervisor did not start within {START_TIMEOUT:g} s"
        chunk = os.read(source, 4096)
        if not chunk:
            break
        answer += chunk
    return answer.decode("utf-8", "replace").strip()


def _request(run: RunFolder, what: str) -> None:
    """Leave a request for the supervisor, if there is one."""
    paths.check_private(run.path)
    links.check(run, run.control)
    holder = lock.holder(run.lock_file)
    worker = identity.from_json(run.read_processes().get("worker"))
    if holder is None or _is_orphaned(run):
        # The worker of a killed supervisor saves and ends without being asked.
        if what == "kill":
            _kill_group(worker)
        return
    try:
        os.close(os.open(run.control / what, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, paths.PRIVATE_FILE))
    except OSError as error:
        # On a full disk no request can be written, but a signal reaches the supervisor, which sees the worker end.
        who = identity.from_json(run.read_processes().get("supervisor"))
        if who is None or who.pid != holder or not who.is_alive():
            raise UserError(f"the run {run.id} cannot be asked to {what}: {error.strerror or error} ({run.control})") from error
        os.kill(who.pid, signal.SIGTERM)
        if what == "kill":
            _kill_group(worker)


def _kill_group(worker: identity.Identity | None) -> None:
    if worker is not None and worker.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)


def _is_orphaned(run: RunFolder) -> bool:
    """Whether the worker itself holds the lock, because its supervisor was killed."""
    worker = identity.from_json(run.read_processes().get("worker"))
    return worker is not None and lock.holder(run.lock_file) == worker.pid


def _check_unchanged(run: RunFolder, spec: RunSpec) -> None:
    """Raise UserError if the data set, the labels or the settings have changed since the run began, naming what changed."""
    from ..data import sources
    from . import state

    job = spec.job
    if spec.data_hash:
        data = sources.load(job.data)
        if data.labels != spec.labels:
            was, now = ", ".join(spec.labels), ", ".join(data.labels)
            raise UserError(f"cannot resume {run.id}: the labels have changed since it started, from {was} to {now}", "Start a new run")
        if sources.fingerprint(data) != spec.data_hash:
            raise UserError(
                f"cannot resume {run.id}: the texts or labels in {job.data.source} have changed since it started",
                "Restore the data set, or start a new run",
            )
    began = state.view_of(run).started
    if began is None:
        return
    # Runs of earlier versions do not record their model.
    for name, was in [("model", began.model or job.model), *began.settings.items()]:
        now = getattr(job, name, None)
        if now is not None and name != "processes" and now != was:
            raise UserError(f"cannot resume {run.id}: {name} was {was} when it started, but is {now} in spec.json now", "Restore it")

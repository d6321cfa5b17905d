"""emotui download and emotui doctor: what this machine has, and what is missing."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec

from .. import config, paths
from ..errors import UserError
from ..questions import AskDoctor, AskDownload, DoctorAnswer, DownloadAnswer
from ..runs import logout
from ..safe_text import safe_line
from ..units import count, duration, precisions, size
from . import options, render
from .output import Output
from .progress import Progress

LITTLE_SPACE = 5_000_000_000
"""Free bytes below which a disk may be too full for a few runs of a base-sized model."""


class Finding(msgspec.Struct, frozen=True):
    """Something that is missing or wrong, and its remedy."""

    level: str
    """'error' if nothing works until it is mended, otherwise 'warning'."""
    message: str
    remedy: str


class Folder(msgspec.Struct, frozen=True):
    """A folder that emotui writes to."""

    path: str
    exists: bool
    free_bytes: int | None


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "download",
        run_download,
        description="Fetch a data set or a model from ModelScope (ms:) or Hugging Face (hf:): only the files that are needed, and only "
        "what is not here yet.",
        examples=["emotui download ms:AI-ModelScope/distilbert-base-uncased", "emotui download hf:dair-ai/emotion --what dataset"],
    )
    parser.add_argument("id", metavar="ID", help="ms:OWNER/NAME or hf:OWNER/NAME")
    parser.add_argument("--what", choices=("auto", "model", "dataset"), default="auto", help="the kind of download (default: auto)")
    parser.add_argument("--offline", action="store_true", help="only check whether it is complete; open no network connection")

    options.command(
        commands,
        "doctor",
        run_doctor,
        description="Show versions, devices and folders, what is missing and how to get it.",
        examples=["emotui doctor"],
    )


def run_download(arguments: argparse.Namespace, output: Output) -> int:
    """Download a model's or data set's files through the engine."""
    from ..engine.client import ask_once

    if not arguments.id.startswith(("ms:", "hf:")):
        raise UserError(f"{safe_line(arguments.id, 80)!r} is not the id of a download: write ms:OWNER/NAME or hf:OWNER/NAME")
    ask = AskDownload(id=arguments.id, what=arguments.what, offline=arguments.offline)
    with Progress(output.stderr) as progress:
        progress.update("download", 0, None, "files")
        answer: DownloadAnswer = ask_once(ask, progress.engine, offline=arguments.offline)
    if arguments.json:
        output.json({"id": answer.id, "what": answer.what, "folder": answer.folder, "files": answer.files, "seconds": answer.seconds})
    else:
        output.line(answer.folder)
    total = sum(answer.files.values())
    output.message(f"{answer.what}: {count(len(answer.files), 'file')}, {size(total)} in {duration(answer.seconds)}")
    return 0


def run_doctor(arguments: argparse.Namespace, output: Output) -> int:
    """Check libraries, devices, folders and settings."""
    from ..engine.client import ask_once

    unanswered = ""
    answer: DoctorAnswer | None = None
    try:
        with Progress(output.stderr) as progress:
            progress.update("look", 0, None, "devices")
            answer = ask_once(AskDoctor())
    except UserError as error:
        unanswered = f"the models' libraries cannot be loaded: {error}"
    folders = {name: folder_state(path) for name, path in places().items()}
    problems = findings(folders, answer)
    # Without a home nothing can be loaded, so the libraries are not to blame.
    if unanswered and not any(each.level == "error" for each in problems):
        problems.append(Finding("error", unanswered, "Install emotui again in a fresh environment"))
    problems += settings_problems()
    settings = paths.config_file()
    if arguments.json:
        seen = msgspec.to_builtins(answer) if answer is not None else msgspec.to_builtins(DoctorAnswer({}, (), 0, ""))
        output.json(
            {
                "python": sys.version.split()[0],
                **seen,
                "folders": folders,
                "config_file": {"path": str(settings), "exists": settings.is_file()},
                "problems": problems,
            }
        )
    else:
        output.lines(doctor_report(answer, folders, settings, problems))
    return 1 if any(each.level == "error" for each in problems) else 0


def places() -> dict[str, Path]:
    """Return the folders that emotui writes to, by purpose."""
    return {"home": paths.home(), "runs": paths.runs_folder(), "downloads": paths.downloads_folder(), "cache": paths.cache_folder()}


def folder_state(path: Path) -> Folder:
    """Return a folder's state; the free space is that of its nearest existing parent."""
    nearest = next((each for each in (path, *path.parents) if each.exists()), None)
    try:
        free = shutil.disk_usage(nearest).free if nearest is not None else None
    except OSError:
        free = None
    return Folder(str(path), path.exists(), free)


def findings(folders: dict[str, Folder], answer: DoctorAnswer | None) -> list[Finding]:
    """Return what is missing or wrong."""
    found: list[Finding] = []
    home = Path(folders["home"].path)
    nearest = next((each for each in (home, *home.parents) if each.exists()), home)
    if home.exists():
        try:
            paths.check_private(home)
        except UserError as error:
            found.append(Finding("error", str(error.problem), str(error.remedy)))
    if not os.access(nearest, os.W_OK):
        found.append(Finding("error", f"emotui cannot write to {nearest}", "Set EMOTUI_HOME to a folder you can write to"))
    free = folders["home"].free_bytes
    if free is not None and free < LITTLE_SPACE:
        found.append(Finding("warning", f"only {size(free)} are free in {home}", "Free some space, or set EMOTUI_HOME to another disk"))
    if answer is None:
        return found
    missing = [name for name, version in answer.versions.items() if not version]
    if missing:
        found.append(Finding("error", f"not installed: {', '.join(missing)}", "Install emotui again: pip install emotui"))
    if not answer.starter_model:
        found.append(Finding("warning", "the starter model is not installed", "Get it with: pip install 'emotui[starter]'"))
    if not any(str(each.get("device", "")).startswith("cuda") for each in answer.devices):
        found.append(
            Finding(
                "warning",
                "there is no GPU that torch can use: training runs on the CPU",
                "A small encoder such as the starter is fast enough",
            )
        )
    return found


def settings_problems() -> list[Finding]:
    """Return the faults of config.toml, and system settings that harm runs."""
    found: list[Finding] = []
    try:
        config.read(paths.config_file())
    except UserError as error:
        found.append(Finding("error", str(error.problem), str(error.remedy) or "Correct it"))
    threat = logout.threat()
    if threat is not None:
        cause, remedy = threat
        found.append(Finding("warning", cause, str(remedy)))
    return found


def doctor_report(answer: DoctorAnswer | None, folders: dict[str, Folder], settings: Path, problems: list[Finding]) -> list[str]:
    """Return the whole report as lines of text."""
    from ..model import state_cache

    lines: list[str] = []
    if answer is not None:
        lines += ["Devices", *(f"  {_device(each)}" for each in answer.devices), f"  {count(answer.threads, 'thread')} for the CPU", ""]
        if answer.timed:
            lines += ["The fastest of what was timed on this CPU", *(f"  {safe_line(each)}" for each in answer.timed), ""]
        versions = [["Python", sys.version.split()[0]], *([name, version or "missing"] for name, version in answer.versions.items())]
        lines += ["Versions", *render.indented(render.table(versions, "ll")), ""]
    rows = [[name, each.path, f"{size(each.free_bytes)} free" if each.free_bytes is not None else ""] for name, each in folders.items()]
    with contextlib.suppress(UserError):
        rows.append(["hidden states", str(state_cache.folder()), f"{size(state_cache.size())} of at most {size(state_cache.limit())}"])
    rows.append(["settings", str(settings), "" if settings.is_file() else "absent; not needed"])
    if answer is not None:
        rows.append(["starter model", answer.starter_model or "not installed", ""])
    lines += ["Folders and files", *render.indented(render.table(rows, "lll")), ""]
    if problems:
        return [*lines, "Findings", *(f"  {each.level}: {safe_line(each.message)}. {safe_line(each.remedy)}" for each in problems)]
    return [*lines, "Nothing is missing."]


def _device(device: dict[str, str | int | float | bool | None]) -> str:
    parts = [str(device.get("name") or "unknown")]
    if cores := device.get("cores"):
        parts.append(f"{cores} cores")
    free, total = device.get("memory_free"), device.get("memory_total")
    if isinstance(free, int) and isinstance(total, int):
        parts.append(f"{size(free)} of {size(total)} free")
    parts.append(precisions(device))
    return f"{device.get('device')}: {', '.join(parts)}"

"""Downloads the needed files of models and data sets from ModelScope and the Hugging Face hub."""

from __future__ import annotations

import fcntl
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .. import paths, writing
from ..data.readers import ENDINGS
from ..errors import UserError
from ..questions import AskDownload, DownloadAnswer
from ..safe_text import safe_line
from . import hub_names
from .hub_clients import Hub, Listing, connect
from .hub_errors import explain
from .hub_fetch import Fetch
from .hub_files import (
    CARD,
    INDEX,
    LARGEST_INDEX,
    MANIFEST,
    Manifest,
    card,
    folder_of,
    missing_files,
    model_files,
    parse,
    read_manifest,
    shards,
    split_files,
)
from .hub_staging import Staging, cannot_keep

__all__ = ["download", "folder_of", "missing_files"]

Report = Callable[[str, int, int | None, str], None]
T = TypeVar("T")

TIMEOUT = 60.0
"""Seconds without a byte after which a download fails, unless EMOTUI_DOWNLOAD_TIMEOUT sets another number."""
_LOOK = 0.2
_LISTING = 10
"""Limit of the total time of a listing, in multiples of the time-out."""


def download(ask: AskDownload, report: Report) -> DownloadAnswer:
    """Download the missing files of `ask.id`; with `offline` only check whether all are there.

    Files are downloaded to a hidden folder beside the target, checked by size and sha256, and then renamed, so that a
    folder of that name is complete. `report` gets the phases 'listing', 'downloading' and 'checking', in bytes.
    Raises UserError with host, cause and remedy.
    """
    started = time.monotonic()
    hub, repo = parse(ask.id)
    if ask.what not in ("auto", "model", "dataset"):
        raise UserError(f"{safe_line(ask.what, 40)} cannot be downloaded", "Ask for 'model', 'dataset' or 'auto'")
    kinds = ("model", "dataset") if ask.what == "auto" else (ask.what,)
    for kind in kinds:
        if not missing_files(folder_of(ask.id, kind), kind):
            return _answer(ask.id, kind, started)
    if ask.offline or os.environ.get("HF_HUB_OFFLINE") == "1":
        raise _absent(ask.id, kinds)
    timeout = _timeout()
    report("connecting", 0, None, "files")
    client = connect(hub, timeout / 2)  # so that a dead connection is opened once more before we give up
    fetch = _Fetch(ask.id, repo, client, timeout, report)
    kind, listing, names = fetch.choose(kinds)
    fetch.run(kind, listing, names)
    return _answer(ask.id, kind, started)


class _Fetch:
    """One download from one hub."""

    def __init__(self, source: str, repo: str, hub: Hub, timeout: float, report: Report) -> None:
        self._source = source
        self._repo = repo
        self._hub = hub
        self._timeout = timeout
        self._report = report
        self._host = hub.gate.host

    def choose(self, kinds: tuple[str, ...]) -> tuple[str, Listing, list[str]]:
        """Return the first of `kinds` that the hub has, its listing, and the files to download; none if a card must be read first."""
        errors: list[UserError] = []
        for kind in kinds:
            self._report("listing", 0, None, "files")
            try:
                listing = self._call(lambda kind=kind: self._hub.list_files(self._repo, kind), lambda: self._hub.gate.received)
                return kind, listing, self._needed(kind, listing)
            except UserError as error:
                if error.exit_code != 2:  # the hub cannot be reached, so the next kind need not be tried
                    raise
                errors.append(error)
        if len({str(error) for error in errors}) > 1:
            raise UserError(
                f"{self._source} is neither a usable model nor a usable data set. As a model: {errors[0]}. As a data set: {errors[1]}"
            )
        raise errors[0]

    def _needed(self, kind: str, listing: Listing) -> list[str]:
        names = list(listing.files)
        if kind == "model":
            return model_files(set(names), f"{self._source} on {self._host}")
        found = split_files(names, None if "README.md" in names else {})
        if not found and "README.md" not in names:
            raise self._no_splits()
        return sorted({*found, *(name for name in CARD if name in names)}) if found else []

    def _no_splits(self) -> UserError:
        return UserError(
            f"{self._source} on {self._host} has no readable train file ({', '.join(ENDINGS)}) "
            "at its top level, in data/ or named in its README.md",
            "Choose another data set",
        )

    def run(self, kind: str, listing: Listing, names: list[str]) -> None:
        """Download the files, check them, and give the folder its final name."""
        folder = folder_of(self._source, kind)
        paths.make_private(folder.parent)
        part = folder.with_name(f".{folder.name}.part")
        with _locked(folder.with_name(f".{folder.name}.lock"), self._source), _keeping(part):
            if not part.is_symlink():
                paths.make_private(part)
            with Staging(part) as staging:
                if not names:
                    names = self._files_by_card(listing, staging, part)
                self._fetch(kind, listing, names, staging, part)
                if INDEX in names:
                    self._need_all_shards(names, staging)
                self._check(listing, names, staging)
                sizes = {name: listing.files[name].size for name in names}
                sha256 = {name: sha for name in names if (sha := listing.files[name].sha256) is not None}
                _give_name(part, folder, Manifest(self._source, kind, listing.revision, sizes, sha256), staging)

    def _need_all_shards(self, names: list[str], staging: Staging) -> None:
        where = f"{INDEX} of {self._source} on {self._host}"
        lacking = [shard for shard in shards(staging.read(INDEX, LARGEST_INDEX + 1), where) if shard not in names]
        if lacking:
            raise UserError(
                f"{self._source} on {self._host} lacks a part of its weights: {safe_line(lacking[0], 80)}", "Choose another model"
            )

    def _fetch(self, kind: str, listing: Listing, names: list[str], staging: Staging, part: Path) -> None:
        self._refuse_odd(listing, names)
        fetch = Fetch(self._hub, self._repo, kind, listing.revision, {name: listing.files[name] for name in names}, staging)
        left, free = fetch.total - fetch.done, shutil.disk_usage(part).free
        if left > free:
            raise UserError(
                f"{self._source} needs {_megabytes(left)} and only {_megabytes(free)} are free in {part.parent}",
                "Free some space or set EMOTUI_HOME to another disk",
                exit_code=1,
            )
        self._report("downloading", fetch.done, fetch.total, "bytes")
        try:
            self._call(fetch.run, lambda: fetch.done, lambda done: self._report("downloading", done, fetch.total, "bytes"), listed=True)
        finally:
            fetch.stop.set()
        self._report("downloading", fetch.total, fetch.total, "bytes")

    def _refuse_odd(self, listing: Listing, names: list[str]) -> None:
        """Raise UserError if a needed file cannot be stored under its name."""
        odd = next((name for name in names if name in listing.odd), None)
        if odd is not None:
            raise self._hub.gate.unreadable(f"a listing with the name '{safe_line(odd, 60)}', {listing.odd[odd]}")
        clash = hub_names.clash(names)
        if clash is not None:
            one, two = (safe_line(name, 60) for name in clash)
            raise self._hub.gate.unreadable(f"a listing with both '{one}' and '{two}', which cannot be kept beside each other")

    def _call(
        self, work: Callable[[], T], measure: Callable[[], int], report: Callable[[int], None] = lambda _: None, *, listed: bool = False
    ) -> T:
        """Run work() in a thread of its own and return its result, calling `report` with the results of `measure` meanwhile.

        Raises UserError for what the client raises, and if `measure` does not change for the time-out. The thread is
        then abandoned: a library's call cannot be ended from outside, and it ends with the process.
        """
        outcome: list[Any] = []
        thread = threading.Thread(target=_into(outcome, work), name="hub", daemon=True)
        thread.start()
        seen, since = measure(), time.monotonic()
        end = math.inf if listed else since + _LISTING * self._timeout
        while thread.is_alive():
            thread.join(_LOOK)
            now = measure()
            report(now)
            if now != seen:
                seen, since = now, time.monotonic()
            if thread.is_alive() and time.monotonic() > end:
                raise UserError(
                    f"{self._host} did not finish its listing of {self._source} after {_LISTING * self._timeout:g} s", exit_code=1
                )
            if thread.is_alive() and time.monotonic() - since > self._timeout:
                raise UserError(
                    f"{self._host} sent nothing for {self._timeout:g} s",
                    f"What arrived of {self._source} is kept: run it again to continue. EMOTUI_DOWNLOAD_TIMEOUT=SECONDS waits longer",
                    exit_code=1,
                )
        result, error = outcome
        if error is None:
            return result
        hub = self._hub
        sentence = explain(error, host=hub.gate.asked, source=self._source, token_variable=hub.token_variable, listed=listed)
        if sentence is None:
            raise error
        raise sentence from error

    def _files_by_card(self, listing: Listing, staging: Staging, part: Path) -> list[str]:
        cards = [name for name in CARD if name in listing.files]
        self._fetch("dataset", listing, cards, staging, part)
        found = split_files(list(listing.files), card(part))
        if not found:
            raise self._no_splits()
        return sorted({*found, *cards})

    def _check(self, listing: Listing, names: list[str], staging: Staging) -> None:
        total, done = sum(listing.files[name].size for name in names), 0
        for name in names:
            self._report("checking", done, total, "bytes")
            file = listing.files[name]
            if staging.size(name) != file.size or (file.sha256 is not None and staging.sha256(name) != file.sha256):
                staging.remove(name)
                raise UserError(f"{name} of {self._source} arrived damaged from {self._host} and was removed", "Run it again", exit_code=1)
            done += file.size
        self._report("checking", total, total, "bytes")


def _into(outcome: list[Any], work: Callable[[], Any]) -> Callable[[], None]:
    """Return a function that appends the result and the error of work() to `outcome`."""

    def run() -> None:
        try:
            outcome.extend((work(), None))
        except BaseException as error:  # passed to the waiting thread, which raises it
            outcome.extend((None, error))

    return run


@contextmanager
def _locked(path: Path, source: str) -> Generator[None]:
    """Hold a lock file within the context. Raises UserError if another process holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, paths.PRIVATE_FILE)
    try:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"{source} is being downloaded by another emotui", "Wait for it", exit_code=1) from error
        yield
    finally:
        os.close(lock)


@contextmanager
def _keeping(part: Path) -> Generator[None]:
    """Turn an OSError within the context into a UserError."""
    try:
        yield
    except OSError as error:
        raise cannot_keep(error, part) from error


def _give_name(part: Path, folder: Path, manifest: Manifest, staging: Staging) -> None:
    """Remove everything but the downloaded files, and move them to `folder`."""
    staging.keep_only(manifest.sizes)
    if folder.exists():
        staging.move_to(folder, manifest.sizes)
        shutil.rmtree(part)
        writing.write_private(folder / MANIFEST, msgspec.json.encode(manifest))
    else:
        writing.write_private(part / MANIFEST, msgspec.json.encode(manifest))
        part.rename(folder)


def _answer(id: str, kind: str, started: float) -> DownloadAnswer:  # noqa: A002
    folder = folder_of(id, kind)
    manifest = read_manifest(folder)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    files = manifest.sizes if manifest is not None else {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}
    return DownloadAnswer(id, kind, str(folder), files, time.monotonic() - started)


def _absent(id: str, kinds: tuple[str, ...]) -> UserError:  # noqa: A002
    places = [f"{', '.join(missing_files(folder_of(id, kind), kind))} in {folder_of(id, kind)}" for kind in kinds]
    return UserError(f"{id} is not complete on this machine, and this is offline mode", f"Put {' or '.join(places)}, or go online once")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def _timeout() -> float:
    given = os.environ.get("EMOTUI_DOWNLOAD_TIMEOUT")
    try:
        seconds = float(given) if given else TIMEOUT
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise UserError(f"EMOTUI_DOWNLOAD_TIMEOUT={safe_line(given or '', 40)} is not a number of seconds", "Set it to 60, for example")
    return seconds

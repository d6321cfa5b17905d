"""Downloads the files of a listing: never more bytes than listed, and resuming an interrupted download."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from io import FileIO

from ..errors import UserError
from .hub_clients import Content, Hub, ListedFile
from .hub_errors import status_of
from .hub_staging import Staging

_TRIES = 5
"""Attempts in a row to reopen a broken connection without receiving a byte."""
_PAUSE = 1.0
"""Seconds before each attempt."""
_BUSY = {408, 429, 500, 502, 503, 504}


class StoppedError(Exception):
    """Raised when nobody waits for the files any more."""


class Fetch:
    """The download of one repository's files to a staging folder."""

    def __init__(self, hub: Hub, repo: str, kind: str, revision: str, files: Mapping[str, ListedFile], staging: Staging) -> None:
        self._hub = hub
        self._repo = repo
        self._kind = kind
        self._revision = revision
        self._files = files
        self._staging = staging
        self.total = sum(file.size for file in files.values())
        self.done = sum(self._there(name, file) for name, file in files.items())
        """Bytes received so far, including those of earlier downloads."""
        self.stop = threading.Event()

    def _there(self, name: str, file: ListedFile) -> int:
        if self._staging.size(name) == file.size:
            return file.size
        size = self._staging.part_size(name)
        return size if size <= file.size else 0

    def run(self) -> None:
        """Download the missing files. Raises UserError, StoppedError, OSError and what the hub's client raises."""
        for name, file in self._files.items():
            if self._staging.size(name) == file.size:
                continue
            with self._staging.part(name, file.size) as part:
                if file.size:
                    self._complete(name, file, part)
                else:
                    self._ask_for_nothing(name, file, part)
            self._staging.finish(name)

    def _ask_for_nothing(self, name: str, file: ListedFile, part: FileIO) -> None:
        """Download a file that is listed with a size of 0; raise UserError if it has bytes, since the listing then lacks its size."""
        with self._hub.open(self._repo, self._kind, self._revision, name, 0) as content:
            self._append_answer(content, name, file, part)

    def _complete(self, name: str, file: ListedFile, part: FileIO) -> None:
        tries = 0
        while (start := part.tell()) < file.size:
            error: Exception | None = None
            try:
                with self._hub.open(self._repo, self._kind, self._revision, name, start) as content:
                    self._append_answer(content, name, file, part)
            except self._hub.broken as broken:
                error = broken
            except Exception as refused:
                if status_of(refused) == 416:
                    self._staging.remove_part(name)
                    raise self._sends("fewer", name, file.size) from refused
                if status_of(refused) not in _BUSY:
                    raise
                error = refused
            tries = 0 if part.tell() > start else tries + 1
            if tries == _TRIES and error is not None:
                raise error
            if tries == _TRIES:
                raise UserError(f"the connection to {self._hub.gate.host} broke before {name} came", "Run it again to go on", exit_code=1)
            if part.tell() < file.size and self.stop.wait(_PAUSE):
                raise StoppedError

    def _append_answer(self, content: Content, name: str, file: ListedFile, part: FileIO) -> None:
        """Append one answer to the received bytes if it continues them; otherwise replace them."""
        gate, start = self._hub.gate, part.tell()
        if content.status == 206:
            begins = re.match(r"bytes (\d+)-", content.headers.get("Content-Range", ""))
            if begins is None or int(begins[1][:20]) != start:
                raise gate.refused(f"answers with another part of {name} than it was asked for")
        elif content.status != 200:
            raise gate.refused(f"answers with nothing ({content.status}) in place of {name}")
        elif start:
            part.seek(0)
            part.truncate()
            self.done -= start
        announced = content.headers.get("Content-Length", "")
        if re.fullmatch(r"\d{1,20}", announced) and part.tell() + int(announced) != file.size:
            if "html" in content.headers.get("Content-Type", "").lower():
                raise gate.web_page(name)
            raise self._sends("more" if part.tell() + int(announced) > file.size else "fewer", name, file.size)
        for block in content.blocks:
            if self.stop.is_set():
                raise StoppedError
            if part.tell() + len(block) > file.size:
                self._staging.remove_part(name)
                raise self._sends("more", name, file.size)
            _write(part, block)
            self.done += len(block)

    def _sends(self, how: str, name: str, size: int) -> UserError:
        return self._hub.gate.refused(f"sends {how} bytes of {name} than the {size:,} that it lists")


def _write(file: FileIO, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]

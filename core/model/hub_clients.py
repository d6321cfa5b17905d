"""Lists and downloads files of the two hubs through their own client libraries; every request passes the Gate."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import msgspec

from .. import paths, writing
from ..errors import UserError
from ..safe_text import safe_line
from . import hub_names
from .hub_gate import LISTING_ENTRIES, Gate

HF_HOST = "huggingface.co"
_BLOCK = 1 << 15
"""Bytes read at a time, and lost when the connection breaks."""
_LARGEST = 1 << 60
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REVISION = re.compile(r"[\w.-]{1,100}", re.ASCII)
_ODD = (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError)
"""Raised by the libraries if an answer has an unexpected form."""


class ListedFile(msgspec.Struct, frozen=True):
    """A file as a hub lists it."""

    size: int
    """Bytes."""
    sha256: str | None = None
    """In hex; None if the hub does not give it."""


class Listing(msgspec.Struct, frozen=True):
    """All files of a repository at one revision, by their path in it."""

    revision: str
    files: dict[str, ListedFile]
    odd: dict[str, str] = {}
    """Files that cannot be stored under their name, with the reason."""


class Content(msgspec.Struct, frozen=True):
    """The answer to a request for a file, or for the rest of one."""

    status: int
    headers: Mapping[str, str]
    """Headers, whose names may be in any case."""
    blocks: Iterator[bytes]
    """The bytes, as they arrive."""


class Hub(Protocol):
    """One hub. Its methods raise UserError, and what the client library raises."""

    gate: Gate
    token_variable: str

    @property
    def broken(self) -> tuple[type[Exception], ...]:
        """The exceptions of a broken connection, which may be opened once more."""
        ...

    def list_files(self, repo: str, kind: str) -> Listing:
        """Return the files of OWNER/NAME; `kind` is 'model' or 'dataset'. All names have been checked (hub_names.fault)."""
        ...

    def open(self, repo: str, kind: str, revision: str, name: str, start: int) -> AbstractContextManager[Content]:
        """Request a file from byte `start` on."""
        ...


def connect(hub: str, timeout: float) -> Hub:
    """Return the client of 'ms' or 'hf'; it waits at most `timeout` seconds for each answer of a server.

    Importing the libraries takes seconds. Their settings are environment variables, which are set for this process.
    """
    return ModelScope(timeout) if hub == "ms" else HuggingFace(timeout)


class ModelScope:
    """modelscope.cn, or the server that MODELSCOPE_ENDPOINT names."""

    token_variable = "MODELSCOPE_API_TOKEN"  # noqa: S105 - the name of a variable

    def __init__(self, timeout: float) -> None:
        home = paths.make_private(paths.cache_folder() / "modelscope")
        _write_nobody(home)
        seconds = str(max(1, int(timeout)))
        os.environ.update(
            {
                "MODELSCOPE_CACHE": str(home),
                "MODELSCOPE_HOME": str(home),
                "MODELSCOPE_API_TIMEOUT": seconds,
                "MODELSCOPE_API_CONNECT_TIMEOUT": seconds,
                "MODELSCOPE_DOWNLOAD_TIMEOUT": seconds,
                "MODELSCOPE_REPO_TREE_PAGE_TIMEOUT_SECONDS": seconds,
                "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "2",
            }
        )
        import requests
        from modelscope_hub import HubApi
        from urllib3.exceptions import HTTPError

        self.broken = (requests.ConnectionError, requests.Timeout, HTTPError)
        self._api = HubApi()
        self._legacy = self._api.legacy
        self.gate = Gate(self._legacy.endpoint, "MODELSCOPE_ENDPOINT")
        sessions = [each for each in vars(self._legacy).values() if isinstance(each, requests.Session)]
        if not sessions:
            raise UserError("this version of modelscope is not known: install modelscope 1.40", exit_code=1)
        for session in sessions:
            session.adapters.clear()
            session.mount("", _adapter(self.gate))

    def list_files(self, repo: str, kind: str) -> Listing:
        self.gate.begin(file=False)
        try:
            entries = self._api.list_repo_files(repo, kind)
            found = [(each.path, each.size, each.sha256) for each in entries if each.type != "tree"]
        except _ODD as error:
            raise self.gate.unreadable() from error
        return _listing(self.gate, "master", found)

    @contextmanager
    def open(self, repo: str, kind: str, revision: str, name: str, start: int) -> Generator[Content]:
        self.gate.begin(file=True)
        try:
            response = self._legacy.download_stream(repo, kind, name, revision, _range(start))
        except ValueError as error:  # from a malformed redirect, which the library parses
            raise self.gate.no_address() from error
        with response:
            yield Content(response.status_code, response.headers, _raw_blocks(response.raw))


def _adapter(gate: Gate) -> Any:
    """Return the transport adapter, for a session of the `requests` library, that passes everything through the gate."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse

    class Adapter(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *arguments: Any, **keywords: Any) -> requests.Response:
            gate.request(request.url or "", request.headers)
            return super().send(request, *arguments, **keywords)

        def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
            status: int = resp.status
            if status < 300:
                gate.headers(resp.headers)
            if not gate.is_content(status):
                resp = read(resp, status)
            return super().build_response(req, resp)

    def read(resp: Any, status: int) -> HTTPResponse:
        """Return the answer, read up to its end or the limit."""
        limit, body = gate.limit(status), bytearray()
        try:
            for block in _raw_blocks(resp):
                body += block
                if len(body) > limit:
                    break
        finally:
            resp.close()
        if status < 300:
            if len(body) > limit:
                raise gate.too_long()
            gate.listing(status, resp.headers, bytes(body))
        return HTTPResponse(io.BytesIO(body), resp.headers, status, reason=resp.reason, preload_content=False, enforce_content_length=False)

    return Adapter(pool_maxsize=16)


def _raw_blocks(raw: Any) -> Iterator[bytes]:
    """Yield the bytes of a urllib3 response as they arrive."""
    while block := raw.read1(_BLOCK, decode_content=False):
        yield block


def _write_nobody(home: Any) -> None:
    """Give the client a constant installation id; it would otherwise create one and send it with every request."""
    session = paths.make_private(home / "credentials") / "session"
    if not session.exists():
        writing.write_private(session, b"0" * 32)


class HuggingFace:
    """huggingface.co, or the server that HF_ENDPOINT names."""

    token_variable = "HF_TOKEN"  # noqa: S105 - the name of a variable

    def __init__(self, timeout: float) -> None:
        import httpx2
        import huggingface_hub
        from huggingface_hub import constants

        # Set here and not in the environment, because transformers may already have imported the library.
        constants.HF_HUB_DOWNLOAD_TIMEOUT = constants.HF_HUB_ETAG_TIMEOUT = max(1, int(timeout))
        constants.HF_HUB_DISABLE_XET = True
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self.broken = (httpx2.TransportError,)
        self._library = huggingface_hub
        self._timeout = timeout
        self._endpoint: str = constants.ENDPOINT
        self.gate = Gate(self._endpoint, "HF_ENDPOINT")
        # The token that `hf auth login` stored is for the hub alone: another server gets one only from HF_TOKEN.
        self._token: Any = None if self.gate.origin[1] == HF_HOST else os.environ.get("HF_TOKEN") or False
        self._api = huggingface_hub.HfApi(endpoint=self._endpoint, token=self._token)
        huggingface_hub.set_client_factory(lambda: _client(self.gate, timeout))

    def list_files(self, repo: str, kind: str) -> Listing:
        self.gate.begin(file=False)
        try:
            revision = self._api.repo_info(repo, repo_type=kind, timeout=self._timeout).sha
            if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
                raise self.gate.unreadable("no revision, or one that is none")
            entries = self._api.list_repo_tree(repo, repo_type=kind, revision=revision, recursive=True)
            return _listing(self.gate, revision, self._found(entries))
        except _ODD as error:
            raise self.gate.unreadable() from error

    def _found(self, entries: Iterable[Any]) -> Iterator[tuple[Any, Any, Any]]:
        for entry in entries:
            if isinstance(entry, self._library.RepoFile):
                yield entry.path, entry.size, entry.lfs.sha256 if entry.lfs is not None else None

    @contextmanager
    def open(self, repo: str, kind: str, revision: str, name: str, start: int) -> Generator[Content]:
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        self.gate.begin(file=True)
        url = self._library.hf_hub_url(repo, name, repo_type=kind, revision=revision, endpoint=self._endpoint)
        headers = build_hf_headers(token=self._token, headers=_range(start))
        with get_session().stream("GET", url, headers=headers, timeout=self._timeout) as response:
            hf_raise_for_status(response)
            yield Content(response.status_code, response.headers, response.iter_raw())


def _client(gate: Gate, timeout: float) -> Any:
    """Return the HTTP client that huggingface_hub creates, with the gate in its hooks."""
    import httpx2

    class Limited(httpx2.SyncByteStream):
        """An answer up to the limit; beyond it, a success raises an error and any other answer ends."""

        def __init__(self, stream: Any, status: int) -> None:
            self._stream = stream
            self._status = status

        def __iter__(self) -> Iterator[bytes]:
            left = gate.limit(self._status)
            for block in self._stream:
                if len(block) > left:
                    if self._status < 300:
                        raise gate.too_long()
                    return
                left -= len(block)
                yield block

        def close(self) -> None:
            self._stream.close()

    def ask(request: httpx2.Request) -> None:
        gate.request(str(request.url), request.headers)
        limits = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {name: limits.get(name) or timeout for name in ("connect", "read", "write", "pool")}

    def answer(response: httpx2.Response) -> None:
        status = response.status_code
        if status < 300:
            gate.headers(response.headers)
        if gate.is_content(status):
            return
        response.stream = Limited(response.stream, status)
        response.read()
        if status < 300:
            gate.listing(status, response.headers, response.content)
            gate.next_page(response.links.get("next", {}).get("url"))

    return httpx2.Client(event_hooks={"request": [ask], "response": [answer]}, follow_redirects=True, timeout=timeout)


def _range(start: int) -> dict[str, str]:
    return {"Range": f"bytes={start}-"} if start else {}


def _listing(gate: Gate, revision: str, entries: Iterable[tuple[Any, Any, Any]]) -> Listing:
    """Return the checked listing of entries, each a path, a size and a sha256 as the server sent them. Raises UserError."""
    files: dict[str, ListedFile] = {}
    for path, size, digest in entries:
        words = hub_names.fault(path)
        shown = safe_line(str(path), 60)
        if words is not None:
            raise gate.unreadable(f"a listing with the name '{shown}', {words}")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST:
            raise gate.unreadable(f"a listing with {safe_line(repr(size)[:60], 40)} as the size of '{shown}'")
        if digest is not None and not isinstance(digest, str):
            raise gate.unreadable(f"a listing with a sha256 of '{shown}' that is no text")
        digest = digest.lower() if digest else None
        file = ListedFile(size, digest if digest is not None and _SHA256.fullmatch(digest) else None)
        if files.setdefault(path, file) != file:
            raise gate.unreadable(f"a listing with two different files '{shown}'")
        if len(files) > LISTING_ENTRIES:
            raise gate.too_many()
    if not files:
        raise gate.unreadable("a listing without any file")
    return Listing(revision, files, {name: words for name in files if (words := hub_names.oddity(name)) is not None})

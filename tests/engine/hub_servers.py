"""Small servers on loopback that speak as much of the two hubs as their client libraries ask for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 4096
"""Bytes from which on a file is stored apart (LFS) and listed with its sha256."""


class Request:
    """One request as a server saw it."""

    def __init__(self, method: str, path: str, headers: dict[str, str]) -> None:
        self.method = method
        self.path = path
        self.headers = headers

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class HubServer(ThreadingHTTPServer):
    """Repositories by (kind, 'OWNER/NAME'), and what goes wrong with them."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.repositories: dict[tuple[str, str], dict[str, bytes]] = {}
        self.requests: list[Request] = []
        self.cut_once: dict[str, int] = {}
        """After how many bytes the first answer with a file is cut; removed when it was."""
        self.stall: dict[str, int] = {}
        """At which byte of a file every answer stalls."""
        self.slow: dict[str, float] = {}
        """Seconds between two blocks of a file."""
        self.refuse: dict[str, int] = {}
        """Status to answer with for a repository."""
        self.missing: set[str] = set()
        """Files that are listed and not there."""
        self.scripts: dict[str, Callable[[Handler, str | None], bool]] = {}
        """By repository, what answers in place of this server, given the file's name or None for a listing; False where it does not."""
        self.stopping = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def paths(self, method: str | None = None) -> list[str]:
        return [each.path for each in self.requests if method in (None, each.method)]

    def ranges(self, name: str) -> list[str]:
        return [each.range for each in self.requests if name in unquote(each.path) and each.method == "GET" and each.range is not None]


class Handler(BaseHTTPRequestHandler):
    """What both hubs share: JSON, and files in blocks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it makes every answer of two parts wait for 40 ms
    server: HubServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        return

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_HEAD(self) -> None:
        self._take()

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        self.server.requests.append(Request(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
        url = urlsplit(self.path)
        path, query = unquote(url.path), {key: values[0] for key, values in parse_qs(url.query).items()}
        match = re.match(r"/(?:api/(?:v1/)?)?(?:(?:models|datasets)/)?([^/]+/[^/]+)(?:/resolve/[^/]+/(.+))?", path, re.DOTALL)
        script = self.server.scripts.get(match[1]) if match is not None else None
        if script is None or match is None or not script(self, match[2] or query.get("FilePath")):
            self.answer(path, query)

    def answer(self, path: str, query: dict[str, str]) -> None:
        raise NotImplementedError

    def send_json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for key, text in (headers or {}).items():
            self.send_header(key, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_raw(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send what is given and nothing else, as long as the caller says no length."""
        self.send_response(status)
        for key, text in (headers or {}).items():
            self.send_header(key, text)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_content(self, name: str, content: bytes, headers: dict[str, str]) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        part = content[start:]
        self.send_response(206 if match else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for key, text in headers.items():
            self.send_header(key, text)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.server.cut_once.pop(name, None)
        stall = self.server.stall.get(name)
        sent = 0
        for at in range(0, len(part), 1024):
            block = part[at : at + 1024]
            if cut is not None and sent >= cut:
                self.wfile.flush()
                self.close_connection = True
                return
            if stall is not None and start + sent >= stall:
                self.wfile.flush()
                self.server.stopping.wait(60)
                return
            self.wfile.write(block)
            sent += len(block)
            if name in self.server.slow:
                self.wfile.flush()
                time.sleep(self.server.slow[name])


class ModelScopeHandler(Handler):
    """/api/v1/models/O/N/repo/files, /api/v1/datasets/O/N/repo/tree and /api/v1/KIND/O/N/repo?FilePath=…"""

    def answer(self, path: str, query: dict[str, str]) -> None:
        match = re.fullmatch(r"/api/v1/(models|datasets)/([^/]+/[^/]+)(/repo/files|/repo/tree|/repo)?", path)
        if match is None:
            return self.send_json({"Code": 404, "Message": "no such page", "Success": False}, 404)
        repository = self.server.repositories.get((match[1][:-1], match[2]))
        refused = self.server.refuse.get(match[2])
        if refused is not None or repository is None:
            return self.send_json({"Code": 10010205001, "Message": "repository not found", "Success": False}, refused or 404)
        if match[3] is None:
            return self.send_json({"Code": 200, "Data": {"Name": match[2]}, "Success": True})
        if match[3] == "/repo":
            name = query["FilePath"]
            if name not in repository or name in self.server.missing:
                return self.send_json({"Code": 404, "Message": "file not found", "Success": False}, 404)
            return self.send_content(name, repository[name], {})
        root = query.get("Root", "")
        files = [
            {
                "Path": name,
                "Name": name.rsplit("/", 1)[-1],
                "Size": len(content),
                "Sha256": hashlib.sha256(content).hexdigest(),
                "Type": "blob",
            }
            for name, content in repository.items()
            if not root or name.startswith(f"{root}/")
        ]
        return self.send_json({"Code": 200, "Data": {"Files": files}, "Success": True, "TotalCount": len(files)})


class HuggingFaceHandler(Handler):
    """/api/KIND/O/N, /api/KIND/O/N/tree/COMMIT and /O/N/resolve/COMMIT/FILE"""

    def answer(self, path: str, query: dict[str, str]) -> None:
        if match := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/[^/]+)?", path):
            repository = self._repository(match[1][:-1], match[2])
            if repository is not None:
                self.send_json({"id": match[2], "sha": COMMIT, "siblings": [{"rfilename": name} for name in repository]})
        elif match := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)/tree/[^/]+/?", path):
            repository = self._repository(match[1][:-1], match[2])
            if repository is not None:
                self.send_json([self._entry(name, content) for name, content in repository.items()])
        elif match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            repository = self._repository("dataset" if match[1] else "model", match[2])
            if repository is not None:
                self._file(repository, match[3])
        else:
            self.send_json({"error": "no such page"}, 404)

    def _repository(self, kind: str, name: str) -> dict[str, bytes] | None:
        repository = self.server.repositories.get((kind, name))
        refused = self.server.refuse.get(name)
        if refused == 403:
            self.send_json({"error": "gated"}, 403, {"X-Error-Code": "GatedRepo"})
            return None
        if refused is not None or repository is None:
            self.send_json({"error": "Repository not found"}, refused or 404, {} if refused else {"X-Error-Code": "RepoNotFound"})
            return None
        return repository

    def _file(self, repository: dict[str, bytes], name: str) -> None:
        if name not in repository or name in self.server.missing:
            return self.send_json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        content = repository[name]
        headers = {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": COMMIT}
        if len(content) >= LARGE:
            headers |= {"X-Linked-Etag": f'"{_etag(content)}"', "X-Linked-Size": str(len(content))}
        return self.send_content(name, content, headers)

    @staticmethod
    def _entry(name: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "oid": _etag(content)[:40], "size": len(content), "path": name}
        if len(content) >= LARGE:
            entry["lfs"] = {"oid": _etag(content), "size": len(content), "pointerSize": 134}
        return entry


def _etag(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return digest if len(content) >= LARGE else digest[:40]

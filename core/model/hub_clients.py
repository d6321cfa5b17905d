"""The two hubs, asked and fetched from through their own client libraries."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from .. import paths, writing

HF_HOST = "huggingface.co"
_SMALL_CHUNK = 1 << 15
_WEEK = 7 * 24 * 3600


class ListedFile(msgspec.Struct, frozen=True):
    """A file as a hub lists it."""

    size: int
    """Bytes."""
    sha256: str | None = None
    """In hex; None where the hub does not say."""


class Listing(msgspec.Struct, frozen=True):
    """All files of a repository at one revision, by their path in it."""

    revision: str
    files: dict[str, ListedFile]


class Hub(Protocol):
    """One hub. Its methods raise what the client library raises."""

    host: str
    token_variable: str

    def list_files(self, repo: str, kind: str) -> Listing:
        """Return the files of OWNER/NAME; `kind` is 'model' or 'dataset'."""
        ...

    def fetch(self, repo: str, kind: str, listing: Listing, names: list[str], folder: Path) -> None:
        """Put the named files into `folder`, going on where an earlier fetch was cut."""
        ...


def connect(hub: str, timeout: float) -> Hub:
    """Return the client of 'ms' or 'hf'; it waits at most `timeout` seconds for a server to say something.

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
                "MODELSCOPE_DOWNLOAD_TOTAL_TIMEOUT": str(_WEEK),  # the default of an hour is too short for a slow line
                "MODELSCOPE_DOWNLOAD_INTRA_CLOUD": "false",  # asks where this machine stands
            }
        )
        from modelscope.hub.snapshot_download import snapshot_download
        from modelscope_hub import HubApi

        self._download = snapshot_download
        self._api = HubApi()
        self._endpoint: str = self._api.legacy.endpoint
        self.host = urlsplit(self._endpoint).netloc

    def list_files(self, repo: str, kind: str) -> Listing:
        entries = self._api.list_repo_files(repo, kind)
        files = {each.path: ListedFile(each.size or 0, _sha256(each.sha256)) for each in entries if each.path and each.type != "tree"}
        return Listing("master", files)

    def fetch(self, repo: str, kind: str, listing: Listing, names: list[str], folder: Path) -> None:
        self._download(
            repo,
            revision=listing.revision,
            repo_type=kind,
            local_dir=str(folder),
            cache_dir=os.environ["MODELSCOPE_CACHE"],
            allow_patterns=[glob.escape(name) for name in names],
            endpoint=self._endpoint,
        )


def _write_nobody(home: Path) -> None:
    """Give the client an install number without meaning, which it would otherwise make up and send along for ever."""
    session = paths.make_private(home / "credentials") / "session"
    if not session.exists():
        writing.write_private(session, b"0" * 32)


class HuggingFace:
    """huggingface.co, or the server that HF_ENDPOINT names."""

    token_variable = "HF_TOKEN"  # noqa: S105 - the name of a variable

    def __init__(self, timeout: float) -> None:
        import huggingface_hub
        from huggingface_hub import constants

        # Set here and not in the environment, because transformers may have imported the library long ago.
        constants.HF_HUB_DOWNLOAD_TIMEOUT = constants.HF_HUB_ETAG_TIMEOUT = max(1, int(timeout))
        constants.DOWNLOAD_CHUNK_SIZE = _SMALL_CHUNK  # of 10 MiB at a time, up to 10 MiB are lost when the line breaks
        constants.HF_HUB_DISABLE_XET = True
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self._library = huggingface_hub
        self._timeout = timeout
        self._endpoint: str = constants.ENDPOINT
        self.host = urlsplit(self._endpoint).netloc
        # The token that `hf auth login` stored is for the hub alone: another server gets one only from HF_TOKEN.
        self._token: Any = None if self.host == HF_HOST else os.environ.get("HF_TOKEN") or False
        self._api = huggingface_hub.HfApi(endpoint=self._endpoint, token=self._token)

    def list_files(self, repo: str, kind: str) -> Listing:
        revision = self._api.repo_info(repo, repo_type=kind, timeout=self._timeout).sha
        files: dict[str, ListedFile] = {}
        for entry in self._api.list_repo_tree(repo, repo_type=kind, revision=revision, recursive=True):
            if isinstance(entry, self._library.RepoFile):
                files[entry.path] = ListedFile(entry.size, _sha256(entry.lfs.sha256 if entry.lfs is not None else None))
        return Listing(revision or "main", files)

    def fetch(self, repo: str, kind: str, listing: Listing, names: list[str], folder: Path) -> None:
        for name in names:
            file = listing.files[name]
            if file.sha256 is not None and not (folder / name).exists():
                self._fetch_large(repo, kind, listing.revision, name, file, folder)
        self._library.snapshot_download(
            repo,
            repo_type=kind,
            revision=listing.revision,
            local_dir=folder,
            cache_dir=paths.cache_folder() / "huggingface",
            allow_patterns=[glob.escape(name) for name in names],
            endpoint=self._endpoint,
            token=self._token,
            etag_timeout=self._timeout,
            max_workers=4,
        )

    def _fetch_large(self, repo: str, kind: str, revision: str, name: str, file: ListedFile, folder: Path) -> None:
        """Fetch one large file, from the byte on where an earlier process stopped.

        snapshot_download begins such a file anew in every process; it accepts what lies there with the right sha256.
        """
        from huggingface_hub.file_download import get_hf_file_metadata, hf_hub_url, http_get
        from huggingface_hub.utils import build_hf_headers

        url = hf_hub_url(repo, name, repo_type=kind, revision=revision, endpoint=self._endpoint)
        metadata = get_hf_file_metadata(url, token=self._token, timeout=self._timeout, endpoint=self._endpoint)
        headers = build_hf_headers(token=self._token)
        if urlsplit(metadata.location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # a storage server elsewhere must not see the token
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.incomplete")
        with part.open("ab") as output:
            if output.tell() > file.size:
                output.truncate(0)
            http_get(metadata.location, output, resume_size=output.tell(), headers=headers, expected_size=file.size)
        part.replace(target)


def _sha256(value: str | None) -> str | None:
    return value.lower() if value and len(value) == 64 else None

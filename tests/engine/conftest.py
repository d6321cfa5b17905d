"""Fake hubs for the tests of downloads, and the variables that lead the client libraries to them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def load(name: str) -> Any:
    """Return the module NAME.py of this folder; tests are no package that could import it."""
    full = f"emotui_tests_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[full]


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead nothing but the tests' own servers to the client libraries."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in (
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
        "HF_HOME",
        "MODELSCOPE_API_TOKEN",
        "MODELSCOPE_DOMAIN",
        "MODELSCOPE_HOME",
        "MODELSCOPE_CACHE",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ms_server(emotui_home: Path, no_proxy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A ModelScope of the test's own, which the engine's children are led to."""
    servers = load("hub_servers")
    server = servers.HubServer(servers.ModelScopeHandler)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    yield server
    server.stop()


@pytest.fixture
def hf_server(emotui_home: Path, no_proxy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A Hugging Face hub of the test's own, which the engine's children are led to."""
    servers = load("hub_servers")
    server = servers.HubServer(servers.HuggingFaceHandler)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    yield server
    server.stop()

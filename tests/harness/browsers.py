"""A headless browser, where the machine has one: what it makes of a page, what it says of it and what it asks for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
Theme = Literal["light", "dark"]
_SCHEMES = {"dark": "0", "light": "1"}
"""Chromium's numbers of what a page is told that its reader prefers."""


@cache
def found() -> str | None:
    """Return the path of a browser that starts; None where the machine has none. (Some systems have a script that only names a shop.)"""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None and _starts(path)), None)


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of opening a page."""

    document: str
    """The document as the browser has it, as HTML."""
    console: tuple[str, ...]
    """What it said to the developer: errors, and what the page's policy refused."""
    asked_for: tuple[str, ...]
    """Every address that the page asked for over a network."""


def _call(browser: str, folder: Path, page: Path, *options: str, theme: Theme = "light") -> subprocess.CompletedProcess[bytes]:
    profile = folder / "profile"
    words = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    words += ["--disable-dev-shm-usage", f"--user-data-dir={profile}", f"--blink-settings=preferredColorScheme={_SCHEMES[theme]}"]
    words += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    words += ["--no-sandbox"] if os.geteuid() == 0 else []
    environ = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    return subprocess.run([browser, *words, *options, page.as_uri()], capture_output=True, timeout=240, env=environ, check=True)


def opened(browser: str, folder: Path, page: Path) -> Opened:
    """Open a page in a browser whose own files go into `folder`."""
    log = folder / "net.json"
    answer = _call(browser, folder, page, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}", "--dump-dom")
    console = tuple(line for line in answer.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line)
    return Opened(answer.stdout.decode("utf-8"), console, _asked_for(log))


def _asked_for(log: Path) -> tuple[str, ...]:
    """Return the addresses in a log of the network that a page asked for; what the browser asks for on its own has no origin."""
    events = [event.get("params", {}) for event in json.loads(log.read_text("utf-8"))["events"]]
    return tuple(str(each["url"]) for each in events if "url" in each and each.get("initiator", "not an origin") != "not an origin")


def drawn(browser: str, folder: Path, page: Path, theme: Theme, size: tuple[int, int] = (1000, 1400)) -> Path:
    """Return a picture, PNG, of the top of a page as a reader of this theme sees it."""
    picture = folder / f"{theme}.png"
    _call(
        browser,
        folder,
        page,
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        f"--window-size={size[0]},{size[1]}",
        f"--screenshot={picture}",
        theme=theme,
    )
    return picture


def printed(browser: str, folder: Path, page: Path) -> bytes:
    """Return the PDF that a browser prints."""
    _call(browser, folder, page, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'page.pdf'}", theme="dark")
    return (folder / "page.pdf").read_bytes()

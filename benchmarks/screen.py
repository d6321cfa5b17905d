"""What the application costs in a terminal of 120x40: first paint, memory, output and processor time."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tests.harness.terminals import EMOTUI, Terminal

HELLO = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        yield Static("hello")
Hello().run()
"""
PAGE_DOWN = "\x1b[6~"
ROW_TITLE = r"─ row ([0-9,]+)[: ]"
"""The title of the row under the cursor, on every list of rows."""
KEYS = 100
"""Keys whose answers are timed while a fine-tuning uses every core."""
OPEN = 60.0
"""Seconds in which a data set must be open."""


def wait(shown: Terminal, text: str) -> float:
    """Return the seconds from the start until `text` was on the screen; ends the benchmark after OPEN."""
    while text not in shown.text:
        if time.perf_counter() - shown.started > OPEN:
            raise SystemExit(f"'{text}' was not on the screen in {OPEN:.0f} s")
        shown.read_some(0.05)
    return time.perf_counter() - shown.started


def measure(*, quick: bool) -> dict[str, Any]:
    """Return the figures; runs a fine-tuning on the starter for as long as it watches it."""
    source = os.environ.get("EMOTUI_REAL_DATA", "starter")
    repeats, watched = (3, 15.0) if quick else (7, 60.0)
    hello = statistics.median(first_paint("hello", sys.executable, "-c", HELLO) for _ in range(repeats))
    ours = statistics.median(first_paint("emotui", EMOTUI, source) for _ in range(repeats))
    figures: dict[str, Any] = {
        "screen, first paint, s": ours,
        "screen, first paint of a Textual hello-world, s": hello,
        "screen, first paint, ratio": ours / hello,
    }
    return figures | open_and_idle(source, watched) | live(watched)


def first_paint(text: str, *command: str) -> float:
    """Return the seconds from exec until `text` is written."""
    shown = Terminal(*command)
    try:
        return wait(shown, text)
    finally:
        shown.close()


def open_and_idle(source: str, seconds: float) -> dict[str, Any]:
    """Memory with the data set open, whether torch is in the process, and what an idle screen writes."""
    shown = Terminal(EMOTUI, source)
    try:
        wait(shown, " rows ")
        shown.read(15)  # lengths and problems are counted
        process = psutil.Process(shown.process.pid)
        before, busy = len(shown.raw), sum(process.cpu_times()[:2])
        shown.read(seconds)
        idle = sum(process.cpu_times()[:2]) - busy
        return {
            "screen, memory with the data set open, MiB": process.memory_info().rss / 2**20,
            "screen, torch is in the process": "libtorch" in Path(f"/proc/{process.pid}/maps").read_text("utf-8"),
            "screen, idle, bytes a minute": (len(shown.raw) - before) * 60 / seconds,
            "screen, idle, share of a core, %": 100 * idle / seconds,
        }
    finally:
        shown.close()


def key_answers(shown: Terminal) -> list[float]:
    """Return the seconds from each `j` in the dataset browser until the title of the row under the cursor is written anew."""
    shown.send("1")
    shown.read(2)
    for _ in range(30):
        shown.send(PAGE_DOWN)
        shown.read(0.2)
    shown.read(2)
    row = _row(shown)
    answers = []
    for number in range(row + 1, row + 1 + KEYS):
        pressed = came = time.perf_counter()
        shown.send("j")
        while _row(shown) != number:
            shown.read_some(0.05)
            came = shown.came
            if time.perf_counter() - pressed > OPEN:
                raise SystemExit(f"row {number} was not shown in {OPEN:.0f} s")
        answers.append(came - pressed)
        shown.read(0.15)
    return answers


def _row(shown: Terminal) -> int:
    """Return the number of the row whose text is shown."""
    return int(re.findall(ROW_TITLE, shown.text)[-1].replace(",", ""))


def live(seconds: float) -> dict[str, Any]:
    """What it costs to watch a fine-tuning."""
    subprocess.run([EMOTUI, "train", "starter", "--epochs", "50", "--detach"], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    shown = Terminal(EMOTUI, "starter")
    try:
        wait(shown, " rows ")
        shown.send("3")
        wait(shown, "loss")
        shown.read(20)  # the first steps are there
        process = psutil.Process(shown.process.pid)
        before, busy = len(shown.raw), sum(process.cpu_times()[:2])
        shown.read(seconds)
        used = sum(process.cpu_times()[:2]) - busy
        figures = {
            "screen, a live run, kB a minute": (len(shown.raw) - before) * 60 / seconds / 1e3,
            "screen, a live run, share of a core, %": 100 * used / seconds,
        }
        answers = key_answers(shown)
        return figures | {
            "screen, a key while training, median, ms": 1e3 * statistics.median(answers),
            "screen, a key while training, p95, ms": 1e3 * statistics.quantiles(answers, n=20)[-1],
        }
    finally:
        shown.close()
        subprocess.run([EMOTUI, "stop", "last"], check=True, stdin=subprocess.DEVNULL, capture_output=True)

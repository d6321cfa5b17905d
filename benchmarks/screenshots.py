"""`make screenshots`: draws the application on real runs over the starter data into screenshots/, as SVG.

The runs are made by the command line where the home has none yet: $EMOTUI_SCREENSHOT_HOME, else a folder among the temporary files.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from emotui.core.data import labelling, overlay_log, sources
from emotui.core.engine.client import Engine
from emotui.core.runs import cases
from emotui.core.runs.folder import list_runs
from emotui.core.runs.state import glance
from emotui.core.specs import DataSpec, task_of
from emotui.tui.app import EmotuiApp
from emotui.tui.run_watch import RunWatch
from emotui.tui.screens.label_queue import LabelQueue
from textual import constants
from textual.pilot import Pilot
from textual.widgets import Input

FOLDER = Path(__file__).parent.parent / "screenshots"
SENTENCE = "I saw a movie today and it was really good."
FILTER = "label:joy morning"
ERRORS = ("errors", "errors-against", "errors-calibration")
BY_KEY = ("label-list", "label-name", "run-form", "cases", "compare")
LABELS_GIVEN = 24
CASES = {
    SENTENCE: "joy",
    "I am not happy at all today.": "sadness",
    "Who would have thought it!": "surprise",
    "He lied to me again, and I am done with it.": "anger",
}
LIMIT = 60.0
"""Seconds in which a screen must show what it is to show."""
AFTER = 240.0
"""Seconds between the start of the newest run and the time that the pictures show."""


def main() -> None:
    home = Path(os.environ.get("EMOTUI_SCREENSHOT_HOME") or Path(tempfile.gettempdir()) / "emotui-screenshots")
    os.environ["EMOTUI_HOME"] = str(home)
    os.environ["EMOTUI_CONFIG"] = str(home / "config.toml")
    os.environ.pop("NO_COLOR", None)
    constants.COLOR_SYSTEM = "truecolor"  # whatever the terminal that make was called in
    make_runs()
    FOLDER.mkdir(exist_ok=True)
    add_cases()
    asyncio.run(draw((120, 36), ("dataset", "dataset-filtered", "tokens", "training", *ERRORS, "why", "classify", *BY_KEY)))
    asyncio.run(draw((80, 24), ("dataset", "training", "errors", "why", *BY_KEY)))
    for size in ((120, 36), (80, 24)):
        asyncio.run(draw_queue(size, home / "texts.jsonl"))


def make_runs() -> None:
    """Make a baseline and a fine-tuning on the starter where there is no finished one."""
    finished = {task_of(view.spec.job) for view in map(glance, list_runs()) if view.state == "finished"}
    command = Path(sys.executable).with_name("emotui")
    for task, verb in (("baseline", "baseline"), ("fine-tune", "train")):
        if task not in finished:
            subprocess.run([command, verb, "starter"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def add_cases() -> None:
    """Save sentences as test cases of the starter."""
    data = DataSpec("starter")
    labels = sources.load(data).labels
    for text, label in CASES.items():
        cases.add(data, text, label, labels)


async def draw_queue(size: tuple[int, int], file: Path) -> None:
    """Write the starter's training texts to a file without labels, and a picture of their queue with the first labels given by key."""
    data = sources.load(DataSpec("starter"))
    rows = data.splits["train"].rows(0, len(data.splits["train"]))
    truth = {row.text: row.name for row in rows}
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in truth), "utf-8")
    overlay_log.file_of(str(file)).unlink(missing_ok=True)
    spec = labelling.begin(DataSpec(str(file)), data.labels)
    app = EmotuiApp(to_label=spec, engine=Engine(offline=True), runs=RunWatch())
    async with app.run_test(size=size) as pilot:
        await settled(pilot, ("ordered anew",))
        for _ in range(LABELS_GIVEN):
            queue = app.screen
            assert isinstance(queue, LabelQueue) and queue._given is not None
            await pilot.press(str(1 + data.labels.index(truth[queue._given.texts[queue._rows.in_hand or 0]])))
            await pilot.pause(0.1)
        await save(pilot, FOLDER / f"label-queue-{size[0]}x{size[1]}.svg", ("macro-F1 0",))


async def draw(size: tuple[int, int], names: Sequence[str]) -> None:
    """Walk through the application by keys in `size` (columns, rows), and write the pictures that `names` wants."""
    newest = max(glance(folder).spec.created for folder in list_runs())
    app = EmotuiApp(spec=DataSpec("starter"), engine=Engine(offline=True), runs=RunWatch(), clock=lambda: newest + AFTER)
    async with app.run_test(size=size) as pilot:

        async def picture(name: str, *wanted: str) -> None:
            if name in names:
                await save(pilot, FOLDER / f"{name}-{size[0]}x{size[1]}.svg", wanted)

        await picture("dataset", "512 tokens", "none found")
        await pilot.press("L")
        await picture("label-list", "leave out")
        await pilot.press("equals_sign", "s")
        await picture("label-name", "sadness, surprise")
        await pilot.press("escape", "L")
        await pilot.press("slash", *FILTER, "enter")
        await picture("dataset-filtered", " of 1,312")
        await pilot.press("escape", "t")
        await picture("tokens", r"\[CLS\]", "layer")
        await pilot.press("escape", "3")
        await picture("training", "F1")
        if {*ERRORS, "why"} & {*names}:
            await pilot.press("w")
            await settled(pilot, ("the highest loss first",))
            await picture("errors", "the highest loss first", "F1")
            await pilot.press("right_square_bracket", "right_square_bracket", "down", "down")
            await picture("errors-against", "McNemar", "only this right")
            await pilot.press("right_square_bracket", "right_square_bracket", "down", "down", "down", "down")
            await picture("errors-calibration", "ECE", "sure")
        if "why" in names:
            await pilot.press(*["left_square_bracket"] * 4, "escape", "w")
            await picture("why", "completeness gap", "both ways share", "layer" if size[0] > 100 else "left out")
            await pilot.press("escape")
        await pilot.press("4")
        if "classify" in names:
            await pilot.press(*SENTENCE)
            await settled(pilot, (" tokens", " ms.* ms"))
            # The first answer waited for the models.
            await pilot.press("backspace", SENTENCE[-1])
            await picture("classify", " tokens", " ms.* ms", "J O Y")
        if {*BY_KEY} & {*names}:
            await pilot.press("escape", "6", "m")
            await picture("cases", "of 4 cases|4 cases", "passed")
            await pilot.press("3", "n")
            await picture("run-form", "Learning rate|learning rate")
            await pilot.press("escape", "space", "down", "space", "C")
            await picture("compare", "beyond chance|differ")


async def save(pilot: Pilot[int], path: Path, wanted: Sequence[str]) -> None:
    """Write what the screen shows once it has `wanted` on it."""
    picture = await settled(pilot, wanted)
    for private in (str(Path.home()) + "/", os.environ["EMOTUI_HOME"], str(Path.cwd()), tempfile.gettempdir() + "/"):
        if private in text_of(picture):
            raise SystemExit(f"{path.name} shows a path of this machine: {private}")
    path.write_text(trimmed(picture), "utf-8")
    print(path.relative_to(FOLDER.parent))


def trimmed(picture: str) -> str:
    """Return the SVG with leading and trailing spaces of its texts turned into places: some renderers collapse them."""

    def place(found: re.Match[str]) -> str:
        head, x, middle, length, tail, text = found.groups()
        cells = len(html.unescape(text))
        cell = float(length) / cells
        bare = text
        while bare.startswith("&#160;"):
            bare = bare.removeprefix("&#160;")
        left = cells - len(html.unescape(bare))
        while bare.endswith("&#160;"):
            bare = bare.removesuffix("&#160;")
        if not bare:
            return ""
        return f"{head}{float(x) + left * cell:g}{middle}{len(html.unescape(bare)) * cell:g}{tail}{bare}</text>"

    return re.sub(r'(<text [^>]*x=")([\d.]+)("[^>]*textLength=")([\d.]+)("[^>]*>)([^<\n]*)</text>', place, picture)


async def settled(pilot: Pilot[int], wanted: Sequence[str]) -> str:
    """Return the screen as SVG once every pattern of `wanted` is on it and it stands still for a second; end where it never is."""
    until = time.monotonic() + LIMIT
    before, still = "", 0.0
    while True:
        await pilot.pause(0.1)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        picture = pilot.app.export_screenshot(title="emotui")
        if picture != before:
            before, still = picture, time.monotonic()
        missing = [text for text in wanted if not re.search(text, text_of(picture), re.DOTALL)]
        if not missing and time.monotonic() - still > 1:
            return picture
        if time.monotonic() > until:
            raise SystemExit(f"after {LIMIT:.0f} s the screen still moves or lacks {missing}:\n{text_of(picture)}")


def text_of(picture: str) -> str:
    """Return the words of an SVG, lines by newlines."""
    body = re.sub(r"<style.*?</style>|<defs.*?</defs>", "", picture, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", body)).replace("\xa0", " ")


if __name__ == "__main__":
    main()

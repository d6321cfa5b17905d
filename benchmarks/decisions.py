"""How long a label given by key takes from the key to the new screen, among 16,000 rows: on a list of rows and in the queue."""

from __future__ import annotations

import json
import re
import statistics
import time
from pathlib import Path
from typing import Any

from emotui.core.data import sources
from emotui.core.specs import DataSpec

from tests.harness.terminals import EMOTUI, Terminal

from .screen import OPEN, ROW_TITLE, wait

ROWS = 16_000


def measure(scratch: Path, *, quick: bool) -> dict[str, Any]:
    """Return the figures; writes two files of 16,000 rows, the starter's texts with a number each, with and without labels."""
    keys = 20 if quick else 60
    data = sources.load(DataSpec("starter"))
    rows = list(data.splits["train"].rows(0, ROWS))
    numbered = [{"text": f"{rows[at % len(rows)].text} {at}", "label": rows[at % len(rows)].name} for at in range(ROWS)]
    labelled, texts = scratch / "labelled.jsonl", scratch / "texts.jsonl"
    labelled.write_text("".join(json.dumps(row) + "\n" for row in numbered), "utf-8")
    texts.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in numbered), "utf-8")

    with_list = Terminal(EMOTUI, str(labelled))
    try:
        wait(with_list, "16,000 rows")
        with_list.read(15)  # lengths and problems are counted
        with_list.send("L")
        wait(with_list, "leave out")
        with_list.read(2)
        on_list = _answers(with_list, keys)
    finally:
        with_list.close()
    queue = Terminal(EMOTUI, "label", str(texts), "--labels", ",".join(data.labels))
    try:
        wait(queue, "leave out")
        queue.read(5)
        queue.send("c")  # the hidden states of so many texts take minutes, and the keys do not wait for them
        queue.read(5)
        in_queue = _answers(queue, keys)
    finally:
        queue.close()
    figures: dict[str, Any] = {}
    for where, answers in (("on a list", on_list), ("in the queue", in_queue)):
        figures[f"decision {where}, median, ms"] = 1e3 * statistics.median(answers)
        figures[f"decision {where}, p95, ms"] = 1e3 * statistics.quantiles(answers, n=20)[-1]
    return figures


def _answers(shown: Terminal, keys: int) -> list[float]:
    """Return the seconds from each key of a label until another row is in hand."""
    answers: list[float] = []
    for number in range(keys):
        before = _row(shown)
        pressed = came = time.perf_counter()
        shown.send(str(1 + number % 3))
        while _row(shown) in (before, -1):
            shown.read_some(0.05)
            came = shown.came
            if time.perf_counter() - pressed > OPEN:
                raise SystemExit(f"row {before} was not decided in {OPEN:.0f} s:\n{shown.text}")
        answers.append(came - pressed)
        shown.read(3.0 if number % 10 == 9 else 0.3)  # each tenth time a person pauses, and figures are counted anew
    return answers


def _row(shown: Terminal) -> int:
    """Return the number of the row in hand; -1 where its title is being drawn."""
    found = re.findall(ROW_TITLE, shown.text)
    return int(found[-1].replace(",", "")) if found else -1

"""Puts the application's state into words: the facts of the top line, and the path with its next key."""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from ..core.runs.state import RunView
from ..core.units import precisions
from .facts import PARTS, Facts, Part
from .screen_table import KEY_OF
from .widgets.path_strip import Path, Step
from .widgets.state_line import RunFacts, StateFacts

SCREEN_OF: dict[Part, str] = {
    "data": "dataset",
    "tokens": "tokens",
    "baseline": "training",
    "fine-tune": "training",
    "classify": "classify",
    "errors": "errors",
}
_ADVICE: dict[Part, tuple[str, ...]] = {
    "data": ("next: press o and open a data set", "next: o opens data", "next: o"),
    "tokens": ("next: press t and see how a text becomes tokens", "next: t shows a text's tokens", "next: t"),
    "baseline": ("next: press 3, then n, and fit the baselines to beat", "next: 3, then n: a baseline", "next: 3 n"),
    "fine-tune": ("next: press 3, then n, and fine-tune the model", "next: 3, then n: fine-tune", "next: 3 n"),
    "classify": ("next: press 4 and try a sentence of your own", "next: 4, try a sentence", "next: 4"),
    "errors": ("next: press 5 and see which rows the model gets wrong", "next: 5, its errors", "next: 5"),
}
"""Hints from long to short; the last fits beside all steps at 80 columns."""
_WATCH = ("next: press 3 and watch it learn, or 4 and try a sentence", "next: 3, watch it learn", "next: 3")
_WATCHING = ("next: press 4 and try a sentence meanwhile", "next: 4, try a sentence", "next: 4")
_ALL_DONE = ("all done: ? shows every key", "? shows every key", "?: keys")
_LOADING = ("the data set is being read; ? shows every key", "reading the data set", "reading…")
_TYPING = "next: esc"


def facts_of(state: Facts) -> StateFacts:
    """Return the facts that the top line shows."""
    data, rows = "no data set", ""
    if state.dataset is not None:
        data = state.dataset.name
        rows = "/".join(f"{len(split):,}" for split in state.dataset.splits.values())
    elif state.spec is not None:
        data = _short(state.spec.source)
    run = state.live_run
    device, detail = device_of(state)
    return StateFacts(
        data=data,
        rows=rows,
        model=_short(state.model) if state.model != "starter" else "starter model",
        device=device,
        device_detail=detail,
        run=run_facts(run, others=sum(view.is_live for view in state.runs) - 1) if run else None,
    )


def device_of(state: Facts) -> tuple[str, str]:
    """Return the device that models run on, and a detail, from what is already known."""
    cores = os.cpu_count() or 1
    if state.machine is None:
        if FilePath("/dev/nvidiactl").exists() and os.environ.get("CUDA_VISIBLE_DEVICES") != "":
            return "GPU", ""
        return f"CPU {cores} cores", ""
    for device in state.machine.devices:
        if str(device.get("device", "")).startswith("cuda"):
            return "GPU", str(device.get("name", ""))
    unknown: dict[str, object] = {}
    cpu = next((device for device in state.machine.devices if device.get("device") == "cpu"), unknown)
    return f"CPU {state.machine.threads} cores", precisions(cpu)


def run_facts(view: RunView, *, others: int = 0) -> RunFacts:
    """Return the facts of a run that the top line shows; `others` is the number of other live runs."""
    share, phase = None, view.progress.phase if view.progress else ""
    if view.steps:
        share = min(1.0, view.step / view.steps)
    elif view.progress and view.progress.total:
        share = min(1.0, view.progress.done / view.progress.total)
    if view.state == "starting":
        phase = "starting"
    losses = [step.loss for step in view.curve[-1:] if step.loss is not None]
    return RunFacts(
        task=view.task,
        name=view.id.partition("-")[0],
        share=share,
        left=duration(view.seconds_left) if view.seconds_left is not None else "",
        loss=losses[0] if losses else None,
        f1=view.score("f1_weighted"),
        phase=phase or "running",
        on_cpu=view.started is not None and view.started.device == "cpu",
        others=others,
    )


def duration(seconds: float) -> str:
    """Return seconds as '0:07', '1:12' (minutes and seconds) or '2:05:00'."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def path_of(state: Facts, mode: str, *, typing: bool = False) -> Path:
    """Return the path as shown on the screen `mode`; with `typing`, its key works only after Esc."""
    live = state.live_run
    going = live.task if live else None
    todo: Part | None = next((part for part in PARTS if part not in state.done), None)
    steps: list[Step] = []
    last = None
    for part in PARTS:
        screen = SCREEN_OF[part]
        mark = "now" if part == going else "done" if part in state.done else "now" if part == todo and going is None else "later"
        steps.append(Step(part, mark, KEY_OF[screen] if screen != last else "", screen == mode))
        last = screen
    hints = _hints(state, todo, mode, running=going is not None)
    return Path(tuple(steps), (*map(_after_escape, hints), _TYPING) if typing else hints)


def _after_escape(hint: str) -> str:
    for start, instead in (("next: press ", "next: press esc, then "), ("next: ", "next: esc, ")):
        if hint.startswith(start):
            return instead + hint.removeprefix(start)
    return hint


def _hints(state: Facts, todo: Part | None, mode: str, *, running: bool) -> tuple[str, ...]:
    if state.loading is not None and state.dataset is None:
        return _LOADING
    if running:
        return _WATCHING if mode == SCREEN_OF["fine-tune"] else _WATCH
    return _ADVICE[todo] if todo else _ALL_DONE


def _short(source: str) -> str:
    return source if source.startswith(("ms:", "hf:")) else FilePath(source).name or source

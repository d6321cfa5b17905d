"""Texts of the training monitor about a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.text import Text

from ....core import hyperparameters
from ....core.events import Padding, Step
from ....core.json_kinds import is_sequence
from ....core.runs.state import RunView
from ....core.safe_text import safe_line
from ....core.units import count, duration, size
from ...field_names import by_fields
from ...frame import duration as clock
from ...widgets.bars import sparkline

QUIET = 20.0
"""Seconds without an event after which a live run counts as making no progress."""
RECENT = 20
"""Steps over which speeds are averaged."""
_BAR = 12


def share_done(view: RunView) -> float | None:
    """Return the share of the run, or of its current phase, that is done, in [0, 1]; None if unknown."""
    if view.progress is not None:
        return min(1.0, view.progress.done / view.progress.total) if view.progress.total else None
    return min(1.0, view.step / view.steps) if view.steps else None


def speed(curve: Sequence[Step]) -> tuple[float, float] | None:
    """Return steps and tokens per second over the newest steps; None before there are two."""
    if len(curve) < 2:
        return None
    newest = curve[-RECENT - 1 :]
    seconds = sum(step.seconds for step in newest[1:])
    if seconds <= 0:
        return None
    return (newest[-1].step - newest[0].step) / seconds, sum(step.tokens for step in newest[1:]) / seconds


def progress_line(view: RunView, now: float, width: int, colors: dict[str, str]) -> Text:
    """Return one line with progress, time left and speed of a live run, or with how and why it ended."""
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    if not view.is_live:
        sign, color = {"finished": ("✓", "success"), "stopped": ("■", "warning")}.get(view.state, ("✗", "error"))
        line.append(f"{sign} {view.state}", f"bold {colors[color]}")
        if view.finished is not None and view.state == "finished":
            line.append(f" in {duration(view.finished.seconds)}")
            if view.finished.steps:
                line.append(f", {count(view.finished.steps, 'step')}")
            if view.finished.peak_memory:
                line.append(f", at most {size(view.finished.peak_memory)} memory")
        elif view.steps:
            line.append(f" at step {view.step:,} of {view.steps:,}")
        if view.reason:
            line.append(f": {safe_line(by_fields(view.reason))}", colors[color])
        return line
    for compact in (False, True):
        line = _going_line(view, now, colors, compact=compact)
        if line.cell_len <= width:
            break
    line.truncate(width, overflow="ellipsis")
    return line


def _going_line(view: RunView, now: float, colors: dict[str, str], *, compact: bool) -> Text:
    """Return progress, time left and speeds of a live run; `compact` leaves out the bar, which the top line also has."""
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    share = share_done(view)
    if view.progress is not None:
        total = f" of {view.progress.total:,}" if view.progress.total else ""
        phase = safe_line(f"{view.progress.phase} {view.progress.detail}".strip())
        line.append(f"▶ {phase} {view.progress.done:,}{total} {safe_line(view.progress.unit)}", "bold")
    elif view.steps:
        line.append(f"▶ {view.step:,}/{view.steps:,}" if compact else f"▶ {view.step:,} of {count(view.steps, 'step')}", "bold")
    else:
        line.append("▶ starting", "bold")
    if share is not None:
        full = round(share * _BAR)
        if not compact:
            line.append(" ").append("━" * full, colors["success"]).append("─" * (_BAR - full), "dim")
        line.append(f" {100 * share:.0f} %")
    if view.reason:
        line.append(f"  {safe_line(by_fields(view.reason))}", f"bold {colors['warning']}")
    if view.seconds_left is not None:
        line.append(f"  {(clock if compact else duration)(view.seconds_left)} left", "bold")
    quiet = now - view.last_event if view.last_event is not None else 0.0
    if quiet > QUIET:
        line.append(f"  no progress for {duration(quiet)}", f"bold {colors['warning']}")
    rates = speed(view.curve)
    if rates is not None and view.progress is None:
        line.append(f"  {rates[0]:.2g} steps/s  {rates[1]:,.0f} tokens/s")
    if view.curve:
        newest = view.curve[-1]
        line.append(f"  lr {newest.learning_rate:.2g}")
        if newest.gradient_norm is not None:
            line.append(f"  {'grad' if compact else 'gradient'} {newest.gradient_norm:.2g}")
    return line


def machine_line(view: RunView, width: int, colors: dict[str, str]) -> Text:
    """Return one line: the device, and the load of processor, memory and GPU over the newest readings.

    It also shows the share of padding in the tokens of all steps.
    """
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    if view.started is not None:
        where = "training on CPU" if view.is_live else "ran on CPU"
        if view.started.device != "cpu":
            where = safe_line(f"{view.started.device} {view.started.device_name}")
        badge = f"bold reverse {colors['warning']}" if view.started.device == "cpu" else f"bold {colors['success']}"
        line.append(f" {where} ", badge).append(f" {safe_line(view.started.precision)}", "dim")
    if view.telemetry:
        room = max(6, min(24, (width - line.cell_len - 50) // 2))
        newest = view.telemetry[-1]
        processor = [each.cpu_percent for each in view.telemetry]
        memory = [float(each.memory) for each in view.telemetry]
        line.append("  CPU ").append(sparkline(processor, min(room, len(processor)), max(100.0, *processor)), colors["primary"])
        line.append(f" {newest.cpu_percent:.0f} %")
        line.append("  memory ").append(sparkline(memory, min(room, len(memory)), max(1.0, 1.2 * max(memory))), colors["secondary"])
        line.append(f" {size(newest.memory)}")
        if newest.gpu_percent is not None:
            load = [each.gpu_percent or 0.0 for each in view.telemetry]
            line.append("  GPU ").append(sparkline(load, min(room, len(load)), 100.0), colors["success"])
            line.append(f" {newest.gpu_percent:.0f} %")
        if newest.gpu_memory is not None and newest.gpu_memory_total:
            line.append(f" {size(newest.gpu_memory)} of {size(newest.gpu_memory_total)}")
    padding = view.of_step(Padding)
    if places := sum(each.places for each in padding):
        line.append(f"  padding {100 * sum(each.empty for each in padding) / places:.0f} %")
    line.truncate(width, overflow="ellipsis")
    return line


def spec_rows(view: RunView) -> list[tuple[str, str]]:
    """Return the requested and the resolved settings of the run, as names and values."""
    job = view.spec.job
    rows = [("run", view.id), ("folder", view.folder), ("task", view.task)]
    rows += [("damaged", fault) for fault in view.faults]
    if not view.has_spec:
        return [("run", view.id), ("folder", view.folder), ("unreadable", by_fields(view.reason))]
    unset = {name: "(chosen by the preset)" if row.by_preset else f"({row.unset})" for name, row in hyperparameters.rows(type(job)).items()}
    rows += [(name, _shown(value, unset.get(name, ""))) for name, value in msgspec.structs.asdict(job).items() if name != "data"]
    rows += [(f"data {name}", _shown(value, "(from the data)")) for name, value in msgspec.structs.asdict(job.data).items()]
    rows += [("labels", ", ".join(view.spec.labels)), ("data hash", view.spec.data_hash[:16])]
    if view.started is not None:
        rows += [("device used", f"{view.started.device} {view.started.device_name}, {view.started.precision}")]
        rows += [("parameters", f"{view.started.parameters:,}")] if view.started.parameters else []
        rows += [(f"rows {split}", f"{number:,}") for split, number in view.started.rows.items()]
        rows += [(f"set {name}", _shown(value, "(none)")) for name, value in view.started.settings.items()]
    rows += [(f"version of {name}", version) for name, version in view.spec.versions.items()]
    rows += [("supervisor", f"process {view.supervisor_pid}")] if view.supervisor_pid else []
    return rows


def _shown(value: Any, unset: str) -> str:
    if value is None or value == ():
        return unset
    return ", ".join(str(each) for each in value) if is_sequence(value) else str(value)

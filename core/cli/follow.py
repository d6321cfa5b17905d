"""Follows a run from the command line: its progress, and its results at the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import alerts, config, paths
from ..errors import UserError
from ..events import EpochRow
from ..metric_table import HEADLINE
from ..runs import learning_curve, rungs
from ..runs.folder import RunFolder
from ..runs.state import RunView
from ..safe_text import safe_line
from ..shell import quote
from ..specs import BaselineSpec, Job
from ..units import count, duration, score
from . import curve, render, shapes
from .output import UNICODE, Output
from .progress import Progress

_SENTENCE = "I saw a movie today and it was really good."
ENDED = ("stopped", "finished", "failed", "lost", "unreadable")
POLL = 0.2
"""Seconds between two polls of a run."""
INTERRUPTED = 130


def how_to_stop(job: Job) -> str:
    """Return a sentence, without a full stop, on what ctrl+C does to the job that is followed."""
    return "Ctrl+C stops it; the rungs measured so far are kept" if isinstance(job, BaselineSpec) else "Ctrl+C stops it and saves"


def to_the_end(run: RunFolder, output: Output, *, ctrl_c: CtrlC | None = None, sleep: Callable[[float], None] = time.sleep) -> RunView:
    """Show the progress of a run until it ends and return its last view.

    `ctrl_c` is passed by whoever started the run, and counts presses from before the start: the first asks the run to save and stop, the
    second kills it, and the third raises KeyboardInterrupt. Without `ctrl_c` the first press raises KeyboardInterrupt.
    """
    from ..runs import launch, state

    reader = state.RunReader(run)
    reader.poll()
    ring = _Ring(output)
    if ctrl_c is not None:
        ring.alerts.expect(str(run.path))
    with Progress(output.stderr) as progress:
        narrator = _Narrator(progress)
        answered = 0
        while True:
            narrator.narrate(reader.view)
            ring.notice(reader.view)
            if reader.view.state in ENDED:
                return reader.view
            if ctrl_c is not None and ctrl_c.presses > answered:
                answered += 1
                if answered == 1:
                    progress.message(f"saving and stopping {run.id}. Press Ctrl+C again to kill it")
                    launch.stop(run)
                elif answered == 2:
                    progress.message(f"killing {run.id}. Press Ctrl+C again to stop waiting for it")
                    launch.kill(run)
                else:
                    raise KeyboardInterrupt
            sleep(POLL)
            reader.poll()


def detach(run: RunFolder, output: Output, ctrl_c: CtrlC, *, json: bool, note: str = "") -> int:
    """Print the id of a run that was just started, and `note`, and return the exit code; the run continues."""
    from ..runs import launch

    if json:
        output.json({"run": run.id, "folder": str(run.path)})
    else:
        output.line(run.id)
    if ctrl_c.presses:
        launch.stop(run)
        output.message(f"run {run.id} was told to stop")
        return INTERRUPTED
    if note:
        output.message(note)
    return 0


def warn_of_logout(output: Output, *, scope: bool) -> None:
    """Warn if a run that was just started would be killed when the user logs out."""
    from ..runs import logout

    warning = logout.warning(scope=scope)
    if warning:
        output.message(str(warning))


class CtrlC:
    """Counts presses of ctrl+C in place of raising KeyboardInterrupt."""

    def __init__(self) -> None:
        self.presses = 0
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _press(self, *_: object) -> None:
        self.presses += 1


class _Ring:
    """Rings the terminal's bell if stderr is a terminal."""

    def __init__(self, output: Output) -> None:
        self._stderr = output.stderr
        self._is_terminal = output.stderr.isatty()
        try:
            settings = config.read(paths.config_file())
        except UserError as error:
            settings = config.Config()
            output.message(f"the settings are ignored: {error}")
        self.alerts = alerts.Alerts(settings)

    def notice(self, view: RunView) -> None:
        for news in self.alerts.notice([view]):
            if self._is_terminal:
                encoding = self._stderr.encoding or "ascii"
                self._stderr.write(alerts.sequence(str(news), os.environ).encode(encoding, "replace").decode(encoding))
                self._stderr.flush()


class _Narrator:
    """Prints what is new in a view since the one before."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._notes = self._epochs = self._rungs = 0
        self._attempts = 1
        self._reason = ""

    def narrate(self, view: RunView) -> None:
        for attempt in view.attempts[self._attempts :]:
            self._progress.message(f"attempt {attempt.number}: {attempt.reason}")
        for note in view.notes[self._notes :]:
            if note.level != "error":  # an error ends the run, and the closing sentence repeats it
                self._progress.message(note.message if note.level == "info" else f"{note.level}: {note.message}")
        for row in view.epochs[self._epochs :]:
            self._progress.message(_epoch(row))
        for rung in view.rungs[self._rungs :]:
            name = rungs.title(rung.name)
            self._progress.message(f"{name}: F1 {score(rung.metrics.f1_weighted)} (weighted, validation) after {duration(rung.seconds)}")
        self._attempts = max(self._attempts, len(view.attempts))
        self._notes, self._epochs, self._rungs = len(view.notes), len(view.epochs), len(view.rungs)
        if view.state not in ENDED:
            if view.reason and view.reason != self._reason:
                self._progress.message(str(view.reason))
            self._reason = view.reason
            self._bar(view)

    def _bar(self, view: RunView) -> None:
        phase = view.progress
        if phase is not None:
            self._progress.update(phase.phase, phase.done, phase.total, phase.unit, phase.detail)
        elif view.steps and view.started is not None:
            self._progress.update("train", view.step, view.steps, "steps", training_detail(view))
        elif view.started is None:
            self._progress.update("start", 0, None, "steps")


def training_detail(view: RunView) -> str:
    """Return the newest loss, validation F1 and time left, as far as they are known."""
    parts: list[str] = []
    if view.curve:
        parts.append(f"loss {score(view.curve[-1].loss, 3)}")
    if view.evaluations:
        parts.append(f"validation F1 {score(view.evaluations[-1].metrics.f1_weighted, 3)}")
    if view.seconds_left:
        parts.append(f"{duration(view.seconds_left)} left")
    return ", ".join(parts)


def _epoch(row: EpochRow) -> str:
    return f"epoch {row.epoch}: training loss {score(row.train_loss, 3)}, validation loss {score(row.eval_loss, 3)}, " + ", ".join(
        f"{metric.short} {metric.text(row)}" for metric in HEADLINE
    )


def exit_code(run: RunFolder, view: RunView) -> int:
    """Return 0 for a finished run, 130 for a stopped one, 2 if its input was bad or it cannot be read, 1 otherwise."""
    if view.state == "finished":
        return 0
    if view.state == "unreadable":
        return 2
    if view.state == "stopped":
        return INTERRUPTED
    result = run.read_result()
    return 2 if result is not None and result.cause == "bad_input" else 1


def conclude(run: RunFolder, view: RunView, output: Output, *, json: bool) -> int:
    """Print the results of a run that has ended and return the exit code."""
    ladder = isinstance(view.spec.job, BaselineSpec)
    if json:
        output.json(shapes.baseline(view, learning_curve.read(run)) if ladder else shapes.training(view))
    elif ladder:
        output.lines(baseline_report(view, output))
    else:
        output.lines(training_report(view, output))
    output.flush()
    output.message(ending(view))
    return exit_code(run, view)


def ending(view: RunView) -> str:
    """Return a sentence on how a run ended and what can be done next."""
    name = safe_line(view.id, 80)
    if view.state == "unreadable":
        return f"run {name} is unreadable: {safe_line(str(view.reason), 1_000).rstrip('.')}"
    if view.state == "finished":
        took = f" in {duration(view.finished.seconds)}" if view.finished else ""
        return f"run {name} is finished{took}. Try it: emotui predict {quote(name)} '{_SENTENCE}'"
    if view.state == "stopped":
        at = f" at step {view.step:,} of {view.steps:,}" if view.steps else ""
        why = f": {safe_line(str(view.reason), 1_000).rstrip('.')}" if view.reason else ""
        again = f"Continue with: emotui resume {quote(name)}"
        if view.finished is not None:
            again += f", or try it as it is: emotui predict {quote(name)} '{_SENTENCE}'"
        return f"run {name} was stopped{at}{why}. {again}"
    if view.state not in ENDED:
        return f"run {name} is {view.state}"
    reason = safe_line(str(view.reason) or "no reason is known", 1_000).rstrip(".")
    return f"run {name} {'failed' if view.state == 'failed' else 'was lost'}: {reason}. Its log: {view.folder}/worker.log"


def baseline_report(view: RunView, output: Output) -> list[str]:
    """Return the ladder as a table, the confusion matrix of each rung, and the learning curve where one was measured."""
    if not view.rungs:
        return []
    split = view.rungs[0].metrics
    lines = [f"Baselines, measured on {split.split} ({count(split.rows, 'row')})", *render.ladder(view.rungs, output.width)]
    for rung in view.rungs:
        lines += ["", f"Confusion matrix of {rungs.title(rung.name)}, share of each true class"]
        lines += render.confusion(rung.metrics, output.width)
    try:
        kept = learning_curve.read(RunFolder(Path(view.folder)))
    except UserError as error:
        return [*lines, "", f"The learning curve cannot be shown: {safe_line(str(error), 300)}"]
    return [*lines, "", *curve.report(kept, output.width, unicode=output.glyphs is UNICODE)] if kept is not None else lines


def training_report(view: RunView, output: Output) -> list[str]:
    """Return the epoch table, the metrics of each class and the confusion matrix."""
    lines: list[str] = []
    if view.epochs:
        lines += ["Epochs, measured on validation", *render.epochs(view.epochs, output.width)]
    if view.finished is None:
        return lines
    metrics = view.finished.metrics
    lines += ["", f"Metrics on {metrics.split} ({count(metrics.rows, 'row')})", *render.metric_rows(metrics)]
    lines += ["", "Classes", *render.per_class(metrics.per_class)]
    lines += ["", "Confusion matrix, share of each true class"]
    lines += render.confusion(metrics, output.width)
    lines += ["", _speed(view)]
    return lines


def _speed(view: RunView) -> str:
    finished, started = view.finished, view.started
    parts: list[str] = []
    if finished is not None:
        parts.append(f"{count(finished.steps, 'step')} in {duration(finished.seconds)}")
        if finished.examples_per_second is not None:
            parts.append(f"{count(round(finished.examples_per_second), 'example')} a second")
    if started is not None:
        parts.append(f"on {started.device_name or started.device} in {started.precision}")
    return ", ".join(parts)

"""emotui runs, show, watch, stop, resume and export: commands for existing runs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import UserError
from ..metric_table import FIGURE_TERMS, HEADLINE
from ..questions import AskExport, ExportAnswer, MeasuredModel
from ..runs import notes
from ..runs.state import RunReader, RunView
from ..safe_text import cell_width, safe_line
from ..shell import quote
from ..units import age, count, duration, score, size
from . import follow, options, render, shapes
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from ..runs.folder import RunFolder

_NOTED = 24
"""Cells of the column of tags and pins, at most."""
_LONGEST = 2_000
"""Cells of a value or a note in `emotui show`, at most."""
NARROW = 100
"""Terminal width in cells below which the list of runs leaves out columns."""


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "runs",
        run_runs,
        description="List every run with its state and its scores, the newest first, or those that meet a filter of terms: words of the "
        f"id, data, model, task, state and tags, state:failed, task:baseline, data:NAME, model:NAME, tag:WORD, id:START, {FIGURE_TERMS}. "
        "A leading - negates. Quote a term with <, > or - and put a space before the -.",
        examples=["emotui runs", "emotui runs task:fine-tune 'f1>0.9'", "emotui runs ' -state:failed' --json"],
    )
    parser.add_argument("filter", metavar="FILTER", nargs="*", default=(), help="a filter term; runs must meet all terms")
    parser.add_argument("--limit", metavar="N", type=options.positive, help="only the newest N")

    parser = options.command(
        commands,
        "show",
        run_show,
        description="Show one run: its state and why, its folder and processes, its settings and its scores.",
        examples=["emotui show last", "emotui show last --json"],
    )
    options.add_run(parser)

    parser = options.command(
        commands,
        "watch",
        run_watch,
        description="Follow a run until it ends. Any number may watch; ctrl+C ends the watching, and the run goes on. "
        "With --json each event is printed as one JSON object a line.",
        examples=["emotui watch last"],
    )
    options.add_run(parser)

    parser = options.command(
        commands,
        "stop",
        run_stop,
        description="Ask a run to save after its step, evaluate its model and stop; wait until it has. The model can then be used, "
        "evaluated and exported, and the run resumed. Asking twice does no harm. --kill does not wait for the step: what came after the "
        "last checkpoint of a fine-tuning, or the last measured rung of a baseline, is lost.",
        examples=["emotui stop last"],
    )
    options.add_run(parser)
    parser.add_argument("--kill", action="store_true", help="end it at once, without saving")
    parser.add_argument("--no-wait", action="store_true", help="send the request and exit")

    parser = options.command(
        commands,
        "resume",
        run_resume,
        description="Resume a run from its last complete checkpoint, as if it had not been interrupted, and follow it.",
        examples=["emotui resume last", "emotui resume last --detach"],
    )
    options.add_run(parser)
    options.add_detach(parser)

    parser = options.command(
        commands,
        "export",
        run_export,
        description="Write a run's model into a folder that AutoModelForSequenceClassification and pipeline load by themselves, with the "
        "label names in its config and a model card of the measured figures. --format onnx or onnx-int8 writes ONNX, which emotui predict "
        "and onnxruntime run without torch: what was written is evaluated on validation beside the original, and removed again where its "
        "macro-F1 is lower by more than --most-loss.",
        examples=["emotui export last my-classifier", "emotui export last small --format onnx-int8"],
    )
    options.add_run(parser, rungs=True)
    parser.add_argument("folder", metavar="FOLDER", help="a new or empty folder")
    parser.add_argument("--overwrite", action="store_true", help="replace a folder that holds an export or a model, and nothing else")
    parser.add_argument(
        "--format",
        choices=("transformers", "onnx", "onnx-int8"),
        default="transformers",
        help="transformers, ONNX, or ONNX with weights in 8 bits (default: transformers); ONNX needs emotui[onnx]",
    )
    parser.add_argument(
        "--most-loss",
        metavar="X",
        type=options.share,
        default=0.005,
        help="macro-F1 on validation that an export in ONNX may lose, at most (default: 0.005)",
    )


def run_runs(arguments: argparse.Namespace, output: Output) -> int:
    """List the runs."""
    from ..runs import filters, folder, state

    meets, noted = filters.parse(" ".join(arguments.filter)), notes.read()
    views: list[RunView] = []
    for run in folder.list_runs():
        if arguments.limit is not None and len(views) == arguments.limit:
            break
        try:
            view = state.glance(run)
        except UserError:  # removed since it was listed
            continue
        if meets(view, noted.get(view.id, notes.NOTHING)):
            views.append(view)
    if arguments.json:
        output.json({"runs": [{**shapes.summary(view), **msgspec.to_builtins(noted.get(view.id, notes.NOTHING))} for view in views]})
    elif views:
        readable = [view for view in views if view.state != "unreadable"]
        output.lines(runs_table(readable, time.time(), output.width, noted) if readable else [])
        output.lines([_unreadable_line(view) for view in views if view.state == "unreadable"])
    elif arguments.filter:
        output.message("no run meets the filter. See all with: emotui runs")
    else:
        output.message("there are no runs yet. Start one with: emotui train starter")
    return 0


def _unreadable_line(view: RunView) -> str:
    """Return the line of a run that cannot be read: the reason, and its folder unless the reason names it."""
    place = "" if view.folder in str(view.reason) else f" (folder: {safe_line(view.folder)})"
    return f"{safe_line(view.id, 40)}  unreadable: {safe_line(str(view.reason), 600)}{place}"


def runs_table(views: list[RunView], now: float, width: int, noted: Mapping[str, notes.RunNote] = MappingProxyType({})) -> list[str]:
    """Return one line per run; `now` in seconds since the epoch.

    Below NARROW cells, the columns that the id or F1 makes redundant are left out. Tags and pins are in a last column, if there are any.
    """
    words = [_noted(noted.get(view.id, notes.NOTHING)) for view in views]
    beside = max((cell_width(safe_line(each)) for each in words), default=0)
    beside = min(beside, _NOTED) + 2 if beside else 0
    listed = HEADLINE[::-1]  # a narrow table drops the last of them
    rows = [["run", "task", "state", "step", *(metric.short for metric in listed), "data", "model", "age"]]
    for view in views:
        rows.append(
            [
                safe_line(view.id, 60),
                view.task,
                view.state,
                f"{view.step:,}/{view.steps:,}" if view.steps else "",
                *(score(view.score(metric.key), metric.digits) for metric in listed),
                short_name(view.spec.job.data.source),
                short_name(view.spec.job.model),
                age(now - view.spec.created),
            ]
        )
    if width < NARROW:
        room = max(6, (width - beside - 60) // 2)
        rows = [[row[at] for at in (0, 2, 3, 4, 6, 7, 8)] for row in rows]
        align, caps = "llrrllr", [None, None, None, None, room, room, None]
    else:
        room = max(12, (width - beside - 80) // 2)
        align, caps = "lllrrrllr", [None, None, None, None, None, None, room, room, None]
    if beside:
        rows = [[*row, word] for row, word in zip(rows, ["noted", *words], strict=True)]
        align, caps = f"{align}l", [*caps, _NOTED]
    return render.table(rows, align, caps)


def _noted(note: notes.RunNote) -> str:
    return " ".join((["pinned"] if note.pinned else []) + [f"#{tag}" for tag in note.tags])


def short_name(source: str) -> str:
    """Return the last part of a local path; anything else unchanged."""
    if not source.startswith("/"):
        return source
    path = Path(source)
    return f"{path.parent.name}/data" if path.name == "data" else path.name


def run_show(arguments: argparse.Namespace, output: Output) -> int:
    """Show one run."""
    from ..runs import folder, state

    run = folder.find(arguments.run, readable=False)
    view = state.view_of(run)
    if arguments.json:
        output.json(shapes.detail(view))
    else:
        output.lines(run_report(view, output))
    return 0


def run_report(view: RunView, output: Output) -> list[str]:
    """Return a run's state, settings and scores."""
    job = view.spec.job
    rows = [
        ("state", view.state + (f": {view.reason}" if view.reason else "")),
        ("task", view.task),
        ("data", job.data.source),
        ("model", job.model),
        ("labels", ", ".join(view.spec.labels)),
        ("made", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.spec.created))),
        ("folder", view.folder),
    ]
    if view.steps:
        rows.append(("step", f"{view.step:,} of {view.steps:,}"))
    if view.attempt > 1:
        rows.append(("attempt", str(view.attempt)))
    if view.is_live:
        rows.append(("processes", f"supervisor {view.supervisor_pid}, worker {view.worker_pid}"))
        if view.seconds_left is not None:
            rows.append(("left", duration(view.seconds_left)))
    if view.started is not None:
        rows.append(("device", f"{view.started.device_name or view.started.device}, {view.started.precision}"))
        rows.append(("settings", ", ".join(f"{name} {value}" for name, value in view.started.settings.items() if value is not None)))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in view.spec.versions.items())))
    wide = max(len(name) for name, _ in rows)
    lines = [f"Run {safe_line(view.id, 80)}", *(f"  {name:<{wide}}  {safe_line(value, _LONGEST)}" for name, value in rows if value)]
    lines += [f"  damaged: {safe_line(fault, _LONGEST)}" for fault in view.faults]
    for note in view.notes:
        lines.append(f"  {safe_line(note.level)}: {safe_line(note.message, _LONGEST)}")
    report = follow.training_report(view, output) if not view.rungs else follow.baseline_report(view, output)
    return [*lines, "", *report] if report else lines


def run_watch(arguments: argparse.Namespace, output: Output) -> int:
    """Follow a run without stopping it on ctrl+C."""
    from ..runs import folder

    run = folder.find(arguments.run, readable=False)
    if arguments.json:
        return _watch_events(run, output)
    try:
        view = follow.to_the_end(run, output)
    except KeyboardInterrupt:
        output.message(f"run {run.id} goes on. See it again with: emotui watch {quote(run.id)}")
        return follow.INTERRUPTED
    return follow.conclude(run, view, output, json=False)


def _watch_events(run: RunFolder, output: Output) -> int:
    """Print each event of the run as one JSON line, from the first to its end."""
    from ..runs import log, state

    reader, events = state.RunReader(run), log.Reader(run.events_file)
    while True:
        reader.poll()
        ended = reader.view.state in follow.ENDED
        try:
            lines = events.read() if reader.view.has_spec else []
        except (OSError, UserError):  # the view reports it
            lines, ended = [], True
        for line in lines:
            output.json(line)
        output.flush()
        if not output.is_read:
            return 0
        if ended:
            for problem in (events.fault, follow.ending(reader.view) if reader.view.state == "unreadable" else ""):
                if problem:
                    output.message(problem)
            return follow.exit_code(run, reader.view)
        time.sleep(follow.POLL)


def _has_ended(reader: RunReader) -> bool:
    return reader.view.state in follow.ENDED


def run_stop(arguments: argparse.Namespace, output: Output) -> int:
    """Ask a run to stop, and wait until it has."""
    from ..runs import folder, launch, state

    run = folder.find(arguments.run, readable=False)
    reader = state.RunReader(run)
    reader.poll()
    if reader.view.state == "unreadable":
        return _stop_unreadable(run, reader.view, arguments, output)
    if not _has_ended(reader):
        if arguments.kill:
            launch.kill(run)
        else:
            launch.stop(run)
        with Progress(output.stderr) as progress:
            while not arguments.no_wait and not _has_ended(reader):
                progress.update("stop", reader.view.step, reader.view.steps or None, "steps")
                time.sleep(follow.POLL)
                reader.poll()
    view = reader.view
    if arguments.json:
        output.json({**shapes.outcome(view), "step": view.step, "steps": view.steps})
    if arguments.no_wait and view.state not in follow.ENDED:
        output.message(f"run {run.id} was asked to stop")
    else:
        output.message(follow.ending(view))
    return 0


def _stop_unreadable(run: RunFolder, view: RunView, arguments: argparse.Namespace, output: Output) -> int:
    """Ask a run that cannot be read to stop if its supervisor is alive. Raises UserError if there is nothing to stop."""
    from ..runs import launch, lock

    if not run.has_private_folder or lock.holder(run.lock_file) is None:
        raise UserError(follow.ending(view))
    (launch.kill if arguments.kill else launch.stop)(run)
    if arguments.json:
        output.json({**shapes.outcome(view), "step": view.step, "steps": view.steps})
    output.message(f"{follow.ending(view)}. It still runs, and was asked to stop")
    return 0


def run_resume(arguments: argparse.Namespace, output: Output) -> int:
    """Resume a run from its last checkpoint and follow it."""
    from ..runs import folder, launch

    run = folder.find(arguments.run)
    with follow.CtrlC() as ctrl_c:
        launch.resume(run, scope=arguments.scope)
        follow.warn_of_logout(output, scope=arguments.scope)
        if arguments.detach:
            return follow.detach(run, output, ctrl_c, json=arguments.json)
        output.message(f"run {run.id} goes on. {follow.how_to_stop(run.read_spec().job)}")
        view = follow.to_the_end(run, output, ctrl_c=ctrl_c)
    return follow.conclude(run, view, output, json=arguments.json)


def measured_table(measured: Sequence[MeasuredModel]) -> list[str]:
    """Return an export beside the original: scores on validation, latency of a text and size."""
    rows = [["validation, CPU", "accuracy", "F1", "macro-F1", "latency", "size"]]
    for each in measured:
        scores = [f"{value:.4f}" for value in (each.accuracy, each.f1_weighted, each.f1_macro)]
        rows.append([each.name, *scores, f"{1000 * each.latency:.1f} ms", size(each.size)])
    return render.indented(render.table(rows, "lrrrrr"))


def run_export(arguments: argparse.Namespace, output: Output) -> int:
    """Export a run's model through the engine."""
    from .. import writing
    from ..engine.client import ask_once
    from ..runs import export_folder, links, rungs

    run, rung = rungs.find(arguments.run)
    links.check(run)
    written, best = rungs.exported(run, rung), rungs.chosen(run, rung)
    if best != written:
        output.message(f"the best rung of {run.id} is {best}, which no class of transformers loads: its rung {written} is exported")
    target = export_folder.checked(arguments.folder, run, overwrite=arguments.overwrite)
    ask = AskExport(
        run=str(run.path),
        folder=str(target),
        overwrite=arguments.overwrite,
        rung=written,
        format=arguments.format,
        most_loss=arguments.most_loss,
    )
    with Progress(output.stderr) as progress:
        progress.update("export", 0, None, "files")
        try:
            answer: ExportAnswer = ask_once(ask, progress.engine)
        finally:
            writing.sweep(target.parent)
    if arguments.json:
        output.json({"run": run.id, "folder": answer.folder, "files": answer.files, "measured": answer.measured or None})
    else:
        output.line(answer.folder)
        output.lines(measured_table(answer.measured) if answer.measured else [])
    how = f"pipeline('text-classification', model={answer.folder!r})"
    if answer.measured:
        how = f"emotui predict {quote(answer.folder)} TEXT"
    output.message(f"{count(len(answer.files), 'file')} written. Load them with: {how}")
    return 0

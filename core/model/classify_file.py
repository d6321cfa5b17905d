"""Classifies a file of any size part by part; finished parts are stored, so that an interrupted call resumes where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import torch

from .. import writing
from ..data import answers, table_file
from ..data.text_files import Part, TextFile
from ..errors import UserError
from ..questions import UNSURE, AskClassifyFile, AskClassifyParts, FileAnswer, PartsAnswer, Prediction
from ..runs import rungs
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from . import classify, saved
from .tokenizer import well_formed

Report = Callable[[str, int, int | None, str], None]
PART = 1_024
"""Rows of a file held in memory at once, and repeated after an interruption."""


def classify_file(ask: AskClassifyFile, report: Report) -> FileAnswer:
    """Write one answer per row of a file to another file, in order; neither is ever completely in memory.

    The target gets its name only when it is complete. Raises UserError if a file cannot be read or written.
    """
    started = time.monotonic()
    target = Path(ask.target)
    table_file.check_name(target)
    file = _opened(ask)
    carried = None if ask.only_answers else answers.carried(file, target)
    wanted = tuple(carried or ())
    classifier = classify.load(ask.run, rung=ask.rung)
    classify.check_threshold(ask.threshold, classifier.labels)
    rung = rungs.chosen(RunFolder(Path(ask.run)), ask.rung)
    heat = classify.heat_of(RunFolder(Path(ask.run)), rung)
    done, skipped, kept, unanswered, unsure = 0, 0, 0, 0, 0
    with answers.AnswerWriter(target, classifier.labels, carried, numbered=len(wanted) < 2) as writer:
        for number, part in enumerate(file.parts(PART, wanted, skip_bad_rows=ask.skip_bad_rows)):
            predictions = _stored(ask, number, part.texts)
            if predictions is None:
                predictions = _predicted(ask, number, part, classifier, heat)
            else:
                kept += len(part.rows)
            predictions = [classify.apply_threshold(each, ask.threshold) for each in predictions]
            unsure += sum(each.label == UNSURE for each in predictions) if ask.threshold is not None else 0
            writer.answer(part.rows, predictions)
            done += len(part.rows)
            skipped += part.skipped
            unanswered += len(part.rows) - len(predictions)
            report("classify", done, file.total, "rows")
        if not done and not skipped:
            raise UserError(f"{safe_line(file.path.name, 80)} has no rows")
    renamed = [f"the answers' column {name} is called {own}" for name, own in writer.names.items() if own != name and name != "row"]
    return FileAnswer(
        run=Path(ask.run).name,
        target=str(target),
        rows=done,
        seconds=time.monotonic() - started,
        skipped=skipped,
        unanswered=unanswered,
        kept=kept,
        text_column=file.column,
        rung=rung,
        notes=(*map(str, file.notes()), *renamed),
        unsure=unsure,
        temperature=heat,
    )


def classify_parts(ask: AskClassifyParts, report: Report) -> PartsAnswer:
    """Classify one process's share of a file, storing each part in a file of its own. Raises UserError as `classify_file` does.

    Parts and batches are the same as with one process, and so are the answers.
    """
    table_file.check_name(Path(ask.file.target))  # refuse an unwritable format before any work
    file = _opened(ask.file)
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    classifier = classify.load(ask.file.run, f"cuda:{ask.index % cards}" if cards else "cpu", ask.file.rung)
    run = RunFolder(Path(ask.file.run))
    heat = classify.heat_of(run, rungs.chosen(run, ask.file.rung))
    rows, kept = 0, 0
    for number, part in enumerate(file.parts(PART, skip_bad_rows=ask.file.skip_bad_rows)):
        if number % ask.of != ask.index:
            continue
        if _stored(ask.file, number, part.texts) is not None:
            kept += len(part.rows)
        else:
            _predicted(ask.file, number, part, classifier, heat)
        rows += len(part.rows)
        report("classify", rows, file.total, "rows")
    return PartsAnswer(rows, kept)


def _opened(ask: AskClassifyFile) -> TextFile:
    run = RunFolder(Path(ask.run))
    note = saved.read(rungs.folder_of(run, rungs.chosen(run, ask.rung)))
    return TextFile(Path(ask.source), ask.text_column, own=note.text_column, reading=ask.reading)


def _predicted(ask: AskClassifyFile, number: int, part: Part, classifier: classify.Classifier, heat: float) -> list[Prediction]:
    """Return the predictions of a part, and store them if parts are stored."""
    predictions = classify.predict(classifier, part.texts, heat)
    if ask.parts:
        try:
            writing.write_private(_part_file(ask, number), msgspec.json.encode(predictions))
        except OSError as error:
            raise UserError(f"cannot write into {safe_line(ask.parts)}: {error.strerror}", exit_code=1) from error
    return predictions


def _part_file(ask: AskClassifyFile, number: int) -> Path:
    return Path(ask.parts) / f"{number:06d}.json"


def _stored(ask: AskClassifyFile, number: int, texts: Sequence[str]) -> list[Prediction] | None:
    """Return the stored predictions of a part; None if there are none, or they are of other texts."""
    if not ask.parts:
        return None
    try:
        found = msgspec.json.decode(_part_file(ask, number).read_bytes(), type=list[Prediction])
    except (OSError, msgspec.MsgspecError):
        return None
    return found if [each.text for each in found] == [well_formed(text) for text in texts] else None

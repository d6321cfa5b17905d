"""emotui predict and emotui evaluate: a run's predictions, and how good they are."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from .. import targets
from ..data import encodings
from ..data.formats import WRITABLE
from ..errors import UserError
from ..questions import AskClassify, AskClassifyFile, AskEvaluate, EvaluateAnswer, Prediction
from ..safe_text import safe_line
from ..sentences import Setting
from ..units import count, duration, percent
from . import fetch, inputs, options, render, shapes
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from ..runs.folder import RunFolder

BATCH = 256
"""Lines of stdin classified at once, at most."""
CHUNK = 1 << 16
LONGEST = 1 << 20
"""Bytes of the longest line that is accepted as one text."""

Ask = Callable[[list[str]], tuple[Prediction, ...]]


def add(commands: Any) -> None:
    evaluate = options.command(
        commands,
        "evaluate",
        run_evaluate,
        description="Evaluate a run on a split of its data, or on a new labelled file: accuracy and F1 with 95 % bootstrap intervals, each "
        "class, the confusion matrix, and the rows with the highest and the lowest loss.",
        examples=["emotui evaluate last", "emotui evaluate last --split validation --json", "emotui evaluate last --file new.csv"],
    )
    options.add_run(evaluate, rungs=True)
    evaluate.add_argument("--split", choices=("train", "validation", "test"), default=None, help="which rows (default: test)")
    evaluate.add_argument(
        "--resamples", metavar="N", type=options.positive, default=1000, help="resamples of the bootstrap (default: 1000)"
    )
    evaluate.add_argument(
        "--worst", metavar="N", type=options.natural, default=10, help="rows to show with the highest and the lowest loss (default: 10)"
    )
    group = evaluate.add_argument_group("a new labelled file")
    group.add_argument("--file", metavar="FILE", help="evaluate the run on this file, in any data format, with the run's labels")
    group.add_argument("--text-column", metavar="NAME", help="the column of the texts in --file (default: guessed)")
    group.add_argument("--label-column", metavar="NAME", help="the column of the labels in --file (default: guessed)")
    group.add_argument("--skip-bad-rows", action="store_true", help="skip rows of --file that cannot be used, and report how many")
    options.add_reading(group)

    predict = options.command(
        commands,
        "predict",
        run_predict,
        description="Classify texts with a run. Without TEXT and --file, each line of stdin is a text, answered in order as it comes. "
        "OUT gets one answer for each row of IN, in order, beside its own columns; a row without a text gets an empty one and, in the "
        "column error, the reason. What an interrupted call has done is kept, and the same command goes on there.",
        examples=[
            "emotui predict last 'I saw a movie today and it was really good.'",
            "emotui predict last --file tweets.csv --out answers.csv",
            "cat texts.txt | emotui predict last --jsonl",
        ],
    )
    predict.add_argument("run", metavar="RUN", help=f"{options.RUNG_HELP}; or a folder that emotui export --format onnx wrote")
    predict.add_argument("texts", metavar="TEXT", nargs="*", default=(), help="a text")
    predict.add_argument("--file", metavar="IN", help="a file of texts in any data format, or txt (one text per line); - is stdin")
    predict.add_argument("--out", metavar="OUT", help=f"where to write the answers to --file: {WRITABLE}")
    predict.add_argument("--text-column", metavar="NAME", help="the column of the texts in --file (default: guessed)")
    options.add_reading(predict.add_argument_group("how --file is read"))
    predict.add_argument(
        "--threshold",
        metavar="T",
        type=options.share,
        help="call an answer less probable than T 'unsure': a share from 0 to 1, which emotui errors RUN helps to choose",
    )
    predict.add_argument("--only-answers", action="store_true", help="write only the texts and their answers, without IN's other columns")
    predict.add_argument("--skip-bad-rows", action="store_true", help="skip rows without a text, and report how many")
    predict.add_argument(
        "--processes",
        metavar="N",
        type=options.positive,
        default=1,
        help="split --file among N processes, each on its own GPU (default: 1)",
    )
    predict.add_argument("--jsonl", action="store_true", help="print one JSON object per text, as soon as it is classified")


def run_evaluate(arguments: argparse.Namespace, output: Output) -> int:
    """Evaluate a run through the engine."""
    from ..runs import links, rungs

    run, rung = rungs.find(arguments.run)
    links.check(run)
    _check_labelled_file(arguments)
    with inputs.named(arguments.file) if arguments.file is not None else nullcontext() as file:
        return _evaluate(arguments, output, run, rung, str(file or ""))


def _evaluate(arguments: argparse.Namespace, output: Output, run: RunFolder, rung: str, file: str) -> int:
    from ..engine.client import ask_once

    ask = AskEvaluate(
        run=str(run.path),
        rung=rung,
        split=arguments.split or "test",
        resamples=arguments.resamples,
        worst=arguments.worst,
        file=file,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        reading=fetch.reading(arguments),
        skip_bad_rows=arguments.skip_bad_rows,
    )
    with Progress(output.stderr) as progress:
        progress.update("evaluate", 0, None, "rows")
        answer: EvaluateAnswer = ask_once(ask, progress.engine)
    for note in answer.notes:
        output.message(note)
    if arguments.json:
        output.json(
            {
                "run": run.id,
                "rung": answer.rung,
                "notes": answer.notes,
                **shapes.metrics(answer.metrics),
                "intervals": answer.metrics.intervals,
                "highest_loss": answer.highest_loss,
                "lowest_loss": answer.lowest_loss,
                "predictions": answer.predictions,
                "seconds": answer.seconds,
            }
        )
        return 0
    output.lines(evaluation_report(answer, output.width))
    output.message(f"every row's prediction is in {answer.predictions}")
    return 0


def _check_labelled_file(arguments: argparse.Namespace) -> None:
    """Raise UserError if --file is combined with an option that excludes it, or an option that needs --file is given without it."""
    if arguments.file is None:
        if given := fetch.data_options(arguments):
            raise UserError(f"{given[0]} says how --file is read: name a FILE, or leave it out (a split is read as the run read it)")
    elif arguments.split is not None:
        raise UserError("give --split or --file, not both")


def evaluation_report(answer: EvaluateAnswer, width: int) -> list[str]:
    """Return metrics with intervals, each class, the confusion matrix, and the rows of highest and lowest loss."""
    metrics = answer.metrics
    rung = f" by its rung {answer.rung}" if answer.rung else ""
    lines = [f"Run {answer.run}{rung} on {safe_line(answer.split, 80)} ({count(metrics.rows, 'row')})", *render.metric_rows(metrics)]
    lines += ["", "Classes", *render.per_class(metrics.per_class, metrics.intervals)]
    lines += ["", "Confusion matrix, share of each true class"]
    lines += render.confusion(metrics, width)
    for title, rows in (("Highest loss", answer.highest_loss), ("Lowest loss", answer.lowest_loss)):
        if rows:
            lines += ["", f"{title} (nats)", *render.scored_rows(rows, width)]
    return lines


def run_predict(arguments: argparse.Namespace, output: Output) -> int:
    """Classify the given texts, a file, or the lines of stdin."""
    if arguments.json and arguments.jsonl:
        raise UserError("--json prints one object for all texts and --jsonl one a text: give only one of them")
    if arguments.file is not None or arguments.out is not None:
        return _predict_file(arguments, output)
    for name in ("delimiter", "header", "quotes", "text_column"):
        if getattr(arguments, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} says how --file is read, and a line of stdin is a text: give --file - for a table")
    if arguments.processes > 1:
        raise UserError("--processes divides a file: give --file IN and --out OUT, or leave it out")
    from ..engine.client import Session
    from ..runs import rungs

    run, rung = rungs.find_model(arguments.run)
    rung = rungs.chosen(run, rung)
    _tell_rung(output, run, rung)
    with Session() as engine:

        def ask(texts: list[str]) -> tuple[Prediction, ...]:
            return engine.ask(AskClassify(run=str(run.path), rung=rung, texts=tuple(texts), threshold=arguments.threshold)).predictions

        if arguments.texts:
            return _predict_texts(arguments, output, run.id, ask)
        return _predict_lines(arguments, output, run.id, ask)


def _tell_rung(output: Output, run: RunFolder, rung: str) -> None:
    """Print which rung of a baseline predicts, or the step at which a fine-tuning was stopped, and the temperature in use."""
    from ..model import saved
    from ..runs import rungs, temperature

    if rung:
        output.message(f"the rung {rung} of {run.id} answers (RUN:RUNG names one: {', '.join(rungs.kept(run))})")
    elif note := saved.read(rungs.folder_of(run, rung)).stopped_note(run.id):
        output.message(note)
    if (kept := temperature.read(run, rung)) is not None:
        output.message(kept.sentence)


def _predict_texts(arguments: argparse.Namespace, output: Output, run: str, ask: Ask) -> int:
    for position, text in enumerate(arguments.texts, 1):
        if not text.strip():
            raise UserError(f"text {position} is empty")
    with Progress(output.stderr) as progress:
        progress.update("classify", 0, len(arguments.texts), "texts")
        predictions = ask(arguments.texts)
    if arguments.json:
        output.json({"run": run, "predictions": predictions})
    elif len(predictions) == 1 and not arguments.jsonl:
        output.lines(prediction_report(predictions[0], output))
    else:
        _write(predictions, output, jsonl=arguments.jsonl)
    return 0


def _predict_lines(arguments: argparse.Namespace, output: Output, run: str, ask: Ask) -> int:
    if sys.stdin.isatty():
        output.message("one text per line; Ctrl+D ends")
    lines = _Lines(skip=arguments.skip_bad_rows)
    kept: list[Prediction] = []
    done = 0
    # Progress bars would flicker between answers, and on a terminal overwrite the text being typed.
    quiet = not arguments.json or sys.stdin.isatty()
    with nullcontext() if quiet else Progress(output.stderr) as progress:
        for texts in lines.batches(encodings.of_stream(iter(_read_stdin, b""), arguments.encoding)):
            predictions = ask(texts)
            done += len(texts)
            if arguments.json:
                kept += predictions
            else:
                _write(predictions, output, jsonl=arguments.jsonl)
                output.flush()
                if not output.is_read:
                    break
            if progress is not None:
                progress.update("classify", done, None, "texts")
    if arguments.json:
        output.json({"run": run, "predictions": kept})
    if lines.skipped:
        output.message(f"skipped {count(lines.skipped, 'line')} without a text")
    return 0


def _read_stdin() -> bytes:
    """Return the bytes that stdin has now, waiting for the first; empty at its end. Raises UserError if it cannot be read."""
    try:
        return sys.stdin.buffer.read1(CHUNK)  # type: ignore[union-attr]  (a stream replaced in tests has it, too)
    except OSError as error:
        raise UserError(
            f"stdin cannot be read: {error.strerror or error}", "Give it one text a line, or write a TEXT after the run"
        ) from error


class _Lines:
    """Splits a stream of bytes into texts, one per line."""

    def __init__(self, *, skip: bool) -> None:
        self.skipped = 0
        self._skip = skip
        self._number = 0

    def batches(self, chunks: Iterable[bytes]) -> Iterator[list[str]]:
        """Yield the texts of the lines read so far, at most BATCH at once.

        Raises UserError for a line that is not text, after yielding those before it.
        """
        rest = b""
        texts: list[str] = []
        for chunk in self._sound(chunks):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST:
                raise UserError(f"line {self._number + len(whole) + 1} of stdin is longer than {LONGEST:,} bytes", "Give one text a line")
            for line in whole:
                yield from self._add_line(line, texts)
            if texts:
                yield texts[:]
                texts.clear()
        if rest:
            yield from self._add_line(rest, texts)
        if texts:
            yield texts

    def _sound(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except UnicodeDecodeError as error:
            raise UserError(
                f"stdin is not valid {error.encoding} after line {self._number}", "Name its encoding with --encoding"
            ) from error

    def _add_line(self, line: bytes, texts: list[str]) -> Iterator[list[str]]:
        self._number += 1
        text, problem = "", ""
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            problem = "is not valid UTF-8"
        if not problem and not text.strip():
            problem = "is empty"
        if not problem:
            texts.append(text)
        elif self._skip:
            self.skipped += 1
        else:
            if texts:
                yield texts[:]
                texts.clear()
            raise UserError(f"line {self._number} of stdin {problem}", "Correct it, or skip such lines with --skip-bad-rows")
        if len(texts) == BATCH:
            yield texts[:]
            texts.clear()


def _write(predictions: tuple[Prediction, ...], output: Output, *, jsonl: bool) -> None:
    if jsonl:
        for each in predictions:
            output.json(each)
        return
    for each in predictions:
        output.line(f"{safe_line(each.label)}\t{percent(max(each.probabilities.values()))}\t{safe_line(each.text)}")


def prediction_report(prediction: Prediction, output: Output) -> list[str]:
    """Return the label of one text, and all probabilities as bars."""
    sure = percent(max(prediction.probabilities.values()))
    lines = [safe_line(prediction.text, output.width), "", f"{safe_line(prediction.label)}  {sure}"]
    lines += render.probability_bars(list(prediction.probabilities.items()), output.width, output.glyphs)
    cut = f", cut at {prediction.tokens:,}" if prediction.truncated else ""
    return [*lines, f"  {count(prediction.tokens, 'token')}{cut}"]


def _predict_file(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.texts:
        raise UserError("give texts or --file, not both")
    if arguments.file is None or arguments.out is None:
        raise UserError("--file IN and --out OUT go together: IN is read part by part and the answers are written to OUT")
    if arguments.jsonl:
        raise UserError("--jsonl is for texts and stdin", "With --file, name OUT with the ending .jsonl")
    with inputs.named(arguments.file) as source:
        return _predict_source(arguments, output, source)


def _predict_source(arguments: argparse.Namespace, output: Output, source: Path) -> int:
    target = targets.checked(arguments.out, Setting("out"), sources=[str(source)])
    from ..runs import rungs
    from . import parts

    run, rung = rungs.find_model(arguments.run)
    rung = rungs.chosen(run, rung)
    _tell_rung(output, run, rung)
    ask = AskClassifyFile(
        run=str(run.path),
        rung=rung,
        source=str(source),
        target=str(target),
        text_column=arguments.text_column,
        skip_bad_rows=arguments.skip_bad_rows,
        only_answers=arguments.only_answers,
        reading=fetch.reading(arguments),
        threshold=arguments.threshold,
    )
    started = time.monotonic()
    answer = parts.classify(ask, run, arguments.processes, output)
    for note in answer.notes:
        output.message(note)
    if arguments.json:
        output.json({**msgspec.to_builtins(answer), "run": run.id})
    else:
        output.line(str(target))
    if answer.unanswered:
        output.message(f"{count(answer.unanswered, 'row')} without a text: an empty answer, and the reason in the column error")
    if arguments.threshold is not None:
        output.message(f"{count(answer.unsure, 'row')} less probable than {arguments.threshold:g}: unsure")
    left_out = f", {answer.skipped:,} left out" if answer.skipped else ""
    output.message(f"{count(answer.rows, 'row')} classified in {duration(time.monotonic() - started)}{left_out}")
    return 0

"""emotui tokens: the tokens of a text, and several texts padded to a batch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import msgspec

from ..data.spaces import without_spaces
from ..errors import UserError
from ..questions import AskBatch, AskTokenize, AskTokens, BatchAnswer, Lane, Shapes, Subwords, TokenizeAnswer, TokensAnswer
from ..safe_text import cell_width, pad, safe_line
from ..sentences import Setting
from ..units import count, percent
from . import fetch, options, render
from .output import Output
from .progress import Progress

TOKEN_WIDTH = 24


def add(commands: Any) -> None:
    parser = options.command(
        commands,
        "tokens",
        run_tokens,
        description="Show a text as characters, words and the model's own subwords with their ids, and the shapes that the model turns "
        "them into. Several texts are shown as one padded batch as well.",
        examples=[
            "emotui tokens 'Tokenizing text is a core task of NLP.'",
            "emotui tokens 'a short text' 'and one that is a bit longer'",
            "emotui tokens --data starter --save tokenized",
        ],
    )
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=(), help="a text; several texts form a batch")
    parser.add_argument("--data", metavar="DATASET", dest="dataset", help="tokenize a whole data set instead of a TEXT")
    parser.add_argument("--save", metavar="FOLDER", help="with --data: keep the result for datasets.load_from_disk")
    options.add_model(parser)
    parser.add_argument("--max-length", metavar="N", type=options.positive, help="truncate to N tokens (default: the model's limit)")
    options.add_data_options(parser, "--data")


def run_tokens(arguments: argparse.Namespace, output: Output) -> int:
    """Show the tokens of each text, and the padded batch if there are several texts."""
    from ..engine.client import Session

    if arguments.dataset is not None or arguments.train is not None:
        return _run_data(arguments, output)
    if given := fetch.data_options(arguments):
        raise UserError(f"{given[0]} says how a data set is read", "Name one with --data DATASET")
    if not arguments.texts or arguments.save is not None:
        raise UserError("give a TEXT, or --data DATASET and, if you like, --save FOLDER")
    model = fetch.model(arguments.model, output, offline=arguments.offline)
    texts = tuple(arguments.texts)
    batch: BatchAnswer | None = None
    with Session(offline=arguments.offline) as engine, Progress(output.stderr) as progress:
        progress.update("tokenize", 0, len(texts), "texts")
        answers: list[TokensAnswer] = [
            engine.ask(AskTokens(text=text, model=model, max_length=arguments.max_length, shapes=True, offline=arguments.offline))
            for text in texts
        ]
        if len(texts) > 1:
            batch = engine.ask(AskBatch(texts=texts, model=model, max_length=arguments.max_length, offline=arguments.offline))
    if arguments.json:
        output.json(answers[0] if batch is None else {"texts": answers, "batch": _batch_json(batch)})
        return 0
    for number, answer in enumerate(answers):
        if number:
            output.line()
        output.lines(report(answer, output.width))
    if batch is not None:
        output.line()
        output.lines(batch_report(batch))
    return 0


def _run_data(arguments: argparse.Namespace, output: Output) -> int:
    """Tokenize a whole data set, show its columns and the time taken, and save it if asked to."""
    from .. import targets
    from ..engine.client import Session

    if arguments.texts:
        raise UserError("give either a TEXT or --data DATASET, not both")
    spec = fetch.data_spec(arguments)
    folder = "" if arguments.save is None else str(targets.checked_new_folder(arguments.save, Setting("save"), sources=[spec.source]))
    fetch.dataset(spec, output)
    model = fetch.model(arguments.model, output, offline=arguments.offline)
    with Session(offline=arguments.offline) as engine, Progress(output.stderr) as progress:
        ask = AskTokenize(data=spec, model=model, max_length=arguments.max_length, folder=folder)
        answer: TokenizeAnswer = engine.ask(ask, lambda line: progress.update(line.phase, line.done, line.total, line.unit))
    if arguments.json:
        output.json(answer)
        return 0
    rows = [["split", "rows", "tokens", "tokens a row"]]
    for name, number in answer.rows.items():
        rows.append([name, f"{number:,}", f"{answer.tokens[name]:,}", f"{answer.tokens[name] / max(1, number):.1f}"])
    output.lines(render.table(rows, "lrrr"))
    output.line()
    output.lines(render.table([["column", "type"], *([name, answer.features[name]] for name in answer.columns)], "ll"))
    output.line()
    output.line(f"tokenized in {answer.seconds:.2f} s; {count(answer.truncated, 'text')} cut at {answer.max_length:,} tokens")
    if folder:
        output.line(f"kept in {safe_line(folder)}: datasets.load_from_disk reads it")
    return 0


def _batch_json(batch: BatchAnswer) -> dict[str, Any]:
    return {**msgspec.to_builtins(batch), "shape": [len(batch.ids), batch.padded_to]}


def report(answer: TokensAnswer, width: int) -> list[str]:
    """Return the token lanes, the table of subwords and the tensor shapes of one text."""
    lines = [safe_line(answer.text, width), ""]
    words = "words (the text has no spaces between them)" if without_spaces(answer.text) else "words"
    for title, lane in (("characters", answer.characters), (words, answer.words)):
        lines += _lane(title, lane, width)
    lines += _subwords(answer.text, answer.subwords)
    if answer.shapes is not None:
        lines += ["", "Shapes, measured on the model", *_shapes(answer.shapes)]
    return lines


def _lane(title: str, lane: Lane, width: int) -> list[str]:
    head = f"{title}: {count(len(lane.tokens), 'token')}, {len(lane.vocabulary):,} different, one-hot {list(lane.one_hot)}"
    return [head, *tokens_over_ids(lane.tokens, lane.ids, width), ""]


def tokens_over_ids(tokens: Sequence[str], ids: Sequence[int], width: int) -> list[str]:
    """Return tokens above their ids in aligned columns: pairs of lines, wrapped at `width` cells."""
    lines: list[str] = []
    upper = lower = " "
    for token, number in zip(tokens, ids, strict=True):
        shown = safe_line(token, TOKEN_WIDTH).replace(" ", "␣")
        cells = max(cell_width(shown), len(str(number)))
        if len(lower) + 1 + cells > width and lower.strip():
            lines += [upper.rstrip(), lower.rstrip()]
            upper = lower = " "
        upper += " " + pad(shown, cells)
        lower += " " + pad(str(number), cells)
    return [*lines, upper.rstrip(), lower.rstrip()] if lower.strip() else lines


def _subwords(text: str, subwords: Subwords) -> list[str]:
    rows = [["position", "token", "id", "from", "to", "source", "special", "mask"]]
    for index, token in enumerate(subwords.tokens):
        start, end = subwords.offsets[index]
        special = bool(subwords.special[index])
        span = ["", "", ""] if special else [str(start), str(end), text[start:end]]
        rows.append([str(index), token, str(subwords.ids[index]), *span, "yes" if special else "", str(subwords.attention_mask[index])])
    lines = [
        f"subwords: {len(subwords.tokens):,} of at most {subwords.model_max_length:,} tokens, "
        f"vocabulary {subwords.vocab_size:,}, inputs {', '.join(subwords.input_names)}"
    ]
    lines += render.indented(render.table(rows, "rlrrrllr", [None, TOKEN_WIDTH, None, None, None, TOKEN_WIDTH]))
    lines.append(f"  back to text: {safe_line(subwords.round_trip)}")
    if subwords.unknown:
        lines.append(f"  {count(subwords.unknown, 'token')} unknown to the model")
    if subwords.cut_at is not None:
        lines.append(
            f"  cut: the text has {subwords.full_length:,} tokens, and the model sees nothing from character {subwords.cut_at:,} on"
        )
    return lines


def _shapes(shapes: Shapes) -> list[str]:
    rows = [
        ["what", "shape"],
        ["input ids", str(list(shapes.input_ids))],
        ["one-hot", str(list(shapes.one_hot))],
        ["embeddings", str(list(shapes.embeddings))],
        ["hidden state", str(list(shapes.hidden_state))],
    ]
    return render.indented(render.table(rows, "ll"))


def batch_report(batch: BatchAnswer) -> list[str]:
    """Return the padded batch: the tokens and the attention mask of each text, and the share of padding."""
    lines = [
        f"batch [{len(batch.ids)}, {batch.padded_to}]: {percent(batch.padding_share)} padding; "
        f"with every text padded to {batch.fixed_length:,} it would be {percent(batch.padding_share_fixed)}"
    ]
    for row, mask in enumerate(batch.attention_mask):
        cut = f", cut from {batch.full_lengths[row]:,}" if batch.full_lengths[row] > batch.lengths[row] else ""
        lines.append(f"  text {row + 1}: {count(batch.lengths[row], 'token')}{cut}")
        lines.append("    tokens  " + " ".join(safe_line(token, TOKEN_WIDTH) for token in batch.tokens[row]))
        lines.append("    ids     " + " ".join(str(number) for number in batch.ids[row]))
        lines.append("    mask    " + " ".join(str(bit) for bit in mask))
    return lines

"""emotui why: word attributions, nearest training rows and attention of a text, and the typical words of misclassified rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..questions import AskAttention, AskNeighbours, AskWhy, AttentionAnswer, NeighboursAnswer, WhyAnswer, WhyMethod
from ..runs.explained import (
    TITLES,
    agreement_of,
    attention_shape,
    describe_cell,
    describe_chance,
    describe_head,
    describe_search,
    gap_of,
    score_name,
    touched,
)
from ..safe_text import safe_line
from ..units import count, percent
from . import options, render
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from ..figures.agreement import Agreement
    from ..runs.cell_words import CellWords
    from ..runs.folder import RunFolder

METHODS: dict[str, tuple[WhyMethod, ...]] = {
    "gradients": ("integrated_gradients",),
    "leave-out": ("leave_out",),
    "both": ("integrated_gradients", "leave_out"),
}
BAR = 12
"""Cells of the longest bar."""


def add(commands: Any) -> None:
    why = options.command(
        commands,
        "why",
        run_why,
        description="Explain why a run gives a text its label: the weight of each word for a class by integrated gradients and by "
        "leaving it out, for the rungs TF-IDF and static embeddings the exact contributions; the nearest training rows; the attention of "
        "a head. With --cell, the words that are more frequent in the wrong rows of a cell of the confusion matrix.",
        examples=[
            "emotui why last 'I feel romantic too'",
            "emotui why last 'I feel romantic too' --class joy --neighbours 5",
            "emotui why last --cell love,joy --split test",
        ],
    )
    options.add_run(why, rungs=True)
    why.add_argument("text", metavar="TEXT", nargs="?", help="the text to explain")
    why.add_argument("--class", dest="label", metavar="LABEL", default="", help="the class to explain (default: the most probable one)")
    why.add_argument("--method", choices=tuple(METHODS), default="both", help="how words are weighted (default: both methods, compared)")
    why.add_argument("--neighbours", metavar="K", type=options.natural, default=0, help="also show the K nearest training rows")
    why.add_argument("--distance", choices=("cosine", "euclidean"), default="cosine", help="distance between rows (default: cosine)")
    why.add_argument(
        "--attention",
        metavar="L.H",
        type=_head,
        help="also show what each token attends to most in layer L, head H; L.0 is the mean of all heads",
    )
    why.add_argument("--cell", metavar="TRUE,PREDICTED", help="instead of a TEXT: the words of the rows in this cell")
    why.add_argument(
        "--split", choices=("train", "validation", "test"), default="validation", help="the rows of --cell (default: validation)"
    )
    why.add_argument("--words", metavar="N", type=options.positive, default=15, help="words of --cell to show (default: 15)")


def _head(text: str) -> tuple[int, int]:
    layer, _, head = text.partition(".")
    if not (layer.isascii() and layer.isdecimal()) or (head and not (head.isascii() and head.isdecimal())) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{safe_line(text, 40)!r} must be a layer, or a layer and a head, such as 3 or 3.2")
    return int(layer), int(head or 0)


def run_why(arguments: argparse.Namespace, output: Output) -> int:
    """Explain a text, or the rows of a cell of the confusion matrix."""
    from ..runs import rungs

    run, rung = rungs.find(arguments.run)
    rung = rungs.chosen(run, rung)
    if (arguments.text is None) == (arguments.cell is None):
        raise UserError("give a TEXT to explain, or --cell TRUE,PREDICTED for the words of wrong rows")
    if arguments.cell is not None:
        return _cell(arguments, output, run, rung)
    from ..engine.client import Session

    text = arguments.text
    answers: list[WhyAnswer] = []
    near: NeighboursAnswer | None = None
    attention: AttentionAnswer | None = None
    with Session() as engine, Progress(output.stderr) as progress:
        for method in METHODS[arguments.method]:
            if not answers or answers[0].method != "exact":
                ask = AskWhy(run=str(run.path), rung=rung, text=text, label=arguments.label, method=method)
                answers.append(engine.ask(ask, progress.engine))
        if arguments.neighbours:
            asked = AskNeighbours(run=str(run.path), rung=rung, text=text, rows=arguments.neighbours, distance=arguments.distance)
            near = engine.ask(asked, progress.engine)
        if arguments.attention is not None:
            layer, head = arguments.attention
            attention = engine.ask(AskAttention(run=str(run.path), rung=rung, text=text, layer=layer, head=head), progress.engine)
    agreed = agreement_of(answers)
    if arguments.json:
        output.json(
            {
                "run": run.id,
                "rung": rung,
                "explanations": answers,
                "agreement": agreed._asdict() if agreed is not None else None,
                "neighbours": near,
                "attention": None if attention is None else attention_shape(attention),
            }
        )
        return 0
    output.lines(report(answers, agreed, output))
    if near is not None:
        output.lines(["", *near_report(near, output.width)])
    if attention is not None:
        output.lines(["", *attention_report(attention)])
    return 0


def report(answers: Sequence[WhyAnswer], agreed: Agreement | None, output: Output) -> list[str]:
    """Return the words of a text with their weights, one line per word, and the sum of the weights."""
    first = answers[0]
    kind = score_name(first)
    who = f"{first.run}:{first.rung}" if first.rung else first.run
    lines = [safe_line(first.text, output.width), ""]
    lines.append(f"{safe_line(first.label)} {percent(first.probabilities[first.label])} by {who}: {kind} {first.score:+.3f}")
    lines += ["", *_words(answers, output)]
    for answer in answers:
        if sentence := added_up(answer):
            lines.append(f"  {sentence}")
    if agreed is not None:
        lines.append(f"  {describe_agreement(agreed)}")
    if first.cut_at is not None:
        lines.append(f"  cut at {first.tokens:,} tokens: the model sees nothing from character {first.cut_at:,} on")
    return lines


def _words(answers: Sequence[WhyAnswer], output: Output) -> list[str]:
    text = answers[0].text
    rows = [["word", *(cell for answer in answers for cell in (TITLES[answer.method], ""))]]
    largest = [max((abs(each.weight) for each in (*answer.words, *answer.rest)), default=0.0) for answer in answers]
    for at, word in enumerate(answers[0].words):
        cells = [signed_bar(answer.words[at].weight, most, output) for answer, most in zip(answers, largest, strict=True)]
        rows.append([text[word.start : word.stop], *(each for pair in cells for each in pair)])
    for answer, most in zip(answers, largest, strict=True):
        for each in answer.rest:
            if each.weight:
                empty = ["", ""] * answers.index(answer)
                after = ["", ""] * (len(answers) - 1 - answers.index(answer))
                rows.append([each.token, *empty, *signed_bar(each.weight, most, output), *after])
    return render.indented(render.table(rows, "l" + "rl" * len(answers), [24]))


def signed_bar(value: float, largest: float, output: Output) -> tuple[str, str]:
    """Return a weight in digits and as a bar whose character shows the sign without colour."""
    full, glyph = output.glyphs.bar[-1], ("-" if value < 0 else "+")
    cells = round(abs(value) / largest * BAR) if largest else 0
    return f"{value:+.3f}", f"{glyph}{full * cells}" if cells else ""


def added_up(answer: WhyAnswer) -> str:
    """Return a sentence on what the weights add up to; '' for a method whose weights need not add up."""
    found = gap_of(answer)
    if found is None:
        return ""
    if answer.method == "exact":
        return f"together with the intercept {answer.baseline:+.3f} they are the score itself"
    share = f" ({percent(found.share)})" if found.share is not None else ""
    return (
        f"integrated gradients in {answer.steps} steps add up to {found.whole + found.gap:+.3f} of {found.whole:+.3f}, "
        f"the score less that of padding: completeness gap {found.gap:+.4f}{share}"
    )


def describe_agreement(agreed: Agreement) -> str:
    """Return a sentence on how far the two methods agree."""
    ranks = "cannot be ranked" if agreed.rank_correlation is None else f"rank correlation {agreed.rank_correlation:+.2f} (Spearman)"
    return f"the two ways share {agreed.shared} of their {count(agreed.top, 'weightiest word')}; {ranks}"


def near_report(near: NeighboursAnswer, width: int) -> list[str]:
    """Return the nearest training rows, the nearest first."""
    rows = [["row", "distance", "label", "by hand", "text"]]
    rows += [[f"{each.row:,}", f"{each.distance:.4f}", each.label, touched(each), each.text] for each in near.rows]
    return [describe_search(near), *render.indented(render.table(rows, "rrlll", [None, None, 16, 36, max(20, width - 50)]))]


def attention_report(answer: AttentionAnswer) -> list[str]:
    """Return for each token the three tokens with the highest attention weights."""
    weights = attention_shape(answer)["weights"]
    rows = [["token", "looks at", "", ""]]
    for token, shares in zip(answer.tokens, weights, strict=True):
        best = sorted(range(len(shares)), key=lambda at: -shares[at])[:3]
        cells = [f"{safe_line(answer.tokens[at], 16)} {100 * shares[at]:.0f} %" for at in best]
        rows.append([token, *cells, *[""] * (3 - len(cells))])
    lines = [f"Attention in layer {answer.layer} of {answer.layers}, {describe_head(answer)}"]
    lines += render.indented(render.table(rows, "llll", [16]))
    if answer.full_length > len(answer.tokens):
        lines.append(f"  cut at {len(answer.tokens):,} of {count(answer.full_length, 'token')}")
    return lines


# --- the words of a cell --------------------------------------------------------------------------------------


def _cell(arguments: argparse.Namespace, output: Output, run: RunFolder, rung: str) -> int:
    from ..runs import cell_words
    from . import errors

    found = errors.examined_of(run, rung, arguments.split, output)
    labels = found.judged.labels
    names = _names(arguments.cell, labels)
    words = cell_words.of_cell(found, *(labels.index(each) for each in names))
    if arguments.json:
        output.json(
            {
                "run": run.id,
                "rung": found.predictions.rung,
                "split": arguments.split,
                "true": names[0],
                "predicted": names[1],
                "rows": words.rows,
                "others": words.others,
                "against": words.against,
                "words": [each._asdict() for each in words.words],
            }
        )
        return 0
    output.lines(cell_report(words, names, arguments.split, arguments.words))
    return 0


def _names(cell: str, labels: Sequence[str]) -> tuple[str, str]:
    """Return the true and the predicted class of a cell. Class names may contain commas."""
    for at in (at for at, character in enumerate(cell) if character == ","):
        if cell[:at] in labels and cell[at + 1 :] in labels:
            return cell[:at], cell[at + 1 :]
    raise UserError(
        f"--cell {safe_line(cell, 60)} names no cell: give the true and the predicted class, with a comma between them, of "
        f"{safe_line(', '.join(labels), 160)}"
    )


def cell_report(words: CellWords, names: tuple[str, str], split: str, most: int) -> list[str]:
    """Return the words that are typical of the rows in a cell."""
    title = describe_cell(words, names, split)
    if not words.rows:
        return [title]
    rows = [["word", "in them", "in the others", "log-odds", "z"]]
    rows += [[each.word, f"{each.first:,}", f"{each.second:,}", f"{each.log_odds:+.2f}", f"{each.z:+.2f}"] for each in words.words[:most]]
    return [title, *render.indented(render.table(rows, "lrrrr", [24])), f"  {describe_chance(words)}"]

"""Turns the nearest training rows, and the words of a cell's rows, into lines of text for the available room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from ....core.questions import NeighboursAnswer
from ....core.runs.cell_words import CellWords
from ....core.runs.explained import LIKELY, describe_cell, describe_chance, describe_search, touched
from ....core.safe_text import pad, safe_line
from ...widgets.label_look import LabelLook

Lines = tuple[Text, list[Text], Text]
"""A heading, lines, and text below them."""


def near_lines(
    near: NeighboursAnswer, looks: Mapping[str, LabelLook], width: int, mark: Callable[[int], Text | None] = lambda _: None
) -> Lines:
    """Return the nearest training rows, the nearest first: distance, label, row, what was decided by hand, and text.

    `mark` returns what was decided about a training row since the answer came; None: nothing.
    """
    named = 14 if width >= 70 else 11
    lines: list[Text] = []
    for each in near.rows:
        look = looks.get(each.label)
        line = Text(f"{each.distance:.4f} ", no_wrap=True)
        line.append_text(look.text(named) if look is not None else Text(pad(safe_line(each.label), named)))
        line.append(f"{each.row:>7,} ", "dim")
        if (mark_now := mark(each.row)) is not None:
            line.append_text(mark_now).append(": ", "bold")
        elif told := touched(each):
            line.append(f"* {safe_line(told, 48)}: ", "bold")
        lines.append(line.append(safe_line(each.text, max(20, width))))
    head = Text(f"{describe_search(near)}\n").append(f"{'dist.':<6} {pad('label', named)}{'row':>7} text", "dim")
    by_hand = sum(bool(touched(each)) or mark(each.row) is not None for each in near.rows)
    foot = f"* decided by hand: {by_hand} of {len(near.rows)}" if by_hand else "none of them was decided by hand"
    same = ", ".join(f"{number} {safe_line(name, 16)}" for name, number in _counted([each.label for each in near.rows]))
    return head, lines, Text(f"{same}; {foot}. enter: why this row", "dim")


def _counted(labels: Sequence[str]) -> list[tuple[str, int]]:
    """Return each label with its count, the most frequent first."""
    return sorted(((name, labels.count(name)) for name in dict.fromkeys(labels)), key=lambda each: -each[1])


def cell_lines(words: CellWords, names: tuple[str, str], split: str, width: int, colors: Mapping[str, str]) -> Lines:
    """Return the words that are more frequent in a cell's rows than in others; those beyond chance are marked."""
    named = max(10, min(24, width - 40))
    head = Text(f"{describe_cell(words, names, split)}\n")
    if not words.rows:
        return head, [], Text()
    head.append(f"  {pad('word', named)}{'in them':>8}{'in others':>10}{'log-odds':>10}{'z':>8}", "dim")
    lines: list[Text] = []
    for each in words.words:
        if each.z <= 0:
            break  # the remaining words are more frequent in the other rows
        is_sure = each.z > LIKELY
        line = Text.assemble(("▲ " if is_sure else "  ", f"bold {colors['warning']}"), no_wrap=True)
        line.append(pad(safe_line(each.word, named), named), "bold" if is_sure else "")
        lines.append(line.append(f"{each.first:>8,}{each.second:>10,}{each.log_odds:>+10.2f}{each.z:>+8.2f}"))
    return head, lines, Text(describe_chance(words))

"""Draws the weights of a text's words for a class: the text with signs below it, a table of weights, and the classes.

A weight is shown by its sign and digits, and also by a colour and the length of a bar; nothing is shown by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from ....core.figures.agreement import Agreement
from ....core.questions import WhyAnswer
from ....core.runs.explained import FAIR_GAP, TITLES, gap_of
from ....core.safe_text import cell_width, cut, pad, safe_line
from ....core.units import percent
from ...widgets.label_look import LabelLook

LEVELS = ((2 / 3, "▇", "bold reverse"), (1 / 3, "▄", "bold"), (0.1, "▁", ""))
"""The share of the largest weight from which on a word gets a glyph after its sign, and a style."""
_LONGEST = 120
"""Cells of a word in the text, at most."""
_UNSEEN = 300
"""Characters shown of the part that the model does not see, at most."""
_MOST_LINES = 400
_NUMBER = 8
"""Cells of a weight in digits."""


def color_of(weight: float, colors: Mapping[str, str]) -> str:
    """Return the colour of a weight, one of two that are also distinct for red-green colour blindness."""
    return colors["warning"] if weight < 0 else colors["primary"]


def largest_of(answer: WhyAnswer) -> float:
    """Return the size of the largest weight."""
    return max((abs(each.weight) for each in (*answer.words, *answer.rest)), default=0.0)


def signed(weight: float, largest: float, cells: int) -> tuple[str, str]:
    """Return the text below a word of `cells` cells, and the style of both; empty for a small weight."""
    share = abs(weight) / largest if largest else 0.0
    for least, glyph, style in LEVELS:
        if share >= least:
            return ("-" if weight < 0 else "+") + glyph * (cells - 1), style
    return "", ""


# --- the text -------------------------------------------------------------------------------------------------


def signed_text(answer: WhyAnswer, width: int, colors: Mapping[str, str]) -> Text:
    """Return the text in lines of at most `width` cells, with the sign and size of each word's weight below it."""
    upper, lower, lines = Text(no_wrap=True), Text(no_wrap=True), Text(no_wrap=True)
    written = 0

    def end_line() -> None:
        nonlocal upper, lower, written
        if upper.cell_len:
            upper.rstrip()
            lower.rstrip()
            lines.append_text(upper).append("\n").append_text(lower).append("\n")
            written += 1
        upper, lower = Text(no_wrap=True), Text(no_wrap=True)

    for shown, sign, style in _pieces(answer, min(width, _LONGEST), colors):
        if upper.cell_len and upper.cell_len + cell_width(shown.rstrip()) > width:
            end_line()
        if written >= _MOST_LINES:
            break
        part = shown if upper.cell_len else shown.lstrip()
        upper.append(part, style)
        lower.append(pad(sign, cell_width(part)), style.replace("reverse", "").strip())
    end_line()
    lines.rstrip()
    return lines


def _pieces(answer: WhyAnswer, width: int, colors: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the text part by part: the shown text, the text below it, and the style."""
    text, largest, at = answer.text, largest_of(answer), 0
    for word in answer.words:
        if word.start > at:
            yield cut(safe_line(text[at : word.start][:width]), width), "", ""
        shown = safe_line(text[word.start : word.stop], width)
        sign, style = signed(word.weight, largest, max(1, cell_width(shown)))
        yield shown, sign, f"{style} {color_of(word.weight, colors)}".strip() if sign else ""
        at = word.stop
    if at < len(text):
        end = len(text) if answer.cut_at is None else answer.cut_at
        yield cut(safe_line(text[at:end][:width]), width), "", ""
    if answer.cut_at is not None:
        yield from ((f"{safe_line(part, width - 1)} ", "", "dim") for part in text[answer.cut_at : answer.cut_at + _UNSEEN].split())


# --- the table ------------------------------------------------------------------------------------------------


def table_lines(answers: Sequence[WhyAnswer | None], ways: Sequence[str], width: int, colors: Mapping[str, str], *, by_size: bool) -> Text:
    """Return a line per word, with its weight by each of the `ways` in digits and as a bar to the left or right of zero.

    The column of an answer that is None is empty. With `by_size` the largest weights of the first answer come first, else text order.
    """
    known = next((each for each in answers if each is not None), None)
    if known is None:
        return Text()
    named, half = _columns(width, len(ways))
    largest = [largest_of(each) if each is not None else 0.0 for each in answers]
    order = list(range(len(known.words)))
    if by_size:
        order.sort(key=lambda at: -abs(known.words[at].weight))
    lines: list[Text] = []
    for at in order:
        word = known.words[at]
        line = Text(pad(safe_line(known.text[word.start : word.stop], named), named), no_wrap=True)
        for answer, most in zip(answers, largest, strict=True):
            _append_weight(line, answer.words[at].weight if answer is not None else None, most, half, colors)
        lines.append(line)
    for at, (answer, most) in enumerate(zip(answers, largest, strict=True)):
        for rest in answer.rest if answer is not None else ():
            line = Text(pad(safe_line(rest.token, named), named), "dim", no_wrap=True)
            for column in range(len(answers)):
                _append_weight(line, rest.weight if column == at else None, most, half, colors)
            lines.append(line)
    return Text("\n", no_wrap=True).join(lines)


def heading(ways: Sequence[str], width: int) -> Text:
    """Return the heads of the table's columns."""
    named, half = _columns(width, len(ways))
    cells = _NUMBER + 2 * half + 1
    return Text(pad("word", named) + "".join(pad(TITLES[way], cells) for way in ways), no_wrap=True)


def _columns(width: int, ways: int) -> tuple[int, int]:
    """Return the cells for a word, and for half of a bar."""
    named = max(8, min(18, width // 5))
    return named, max(2, min(16, ((width - named) // ways - _NUMBER - 1) // 2))


def _append_weight(line: Text, weight: float | None, largest: float, half: int, colors: Mapping[str, str]) -> None:
    """Append a weight in digits and as a bar that extends from the zero line, to the left if it is negative."""
    if weight is None:
        line.append(" " * (_NUMBER + 2 * half + 1))
        return
    color = color_of(weight, colors)
    full = round(abs(weight) / largest * half) if largest else 0
    sign = signed(weight, largest, 1)[1] if largest else ""
    line.append(f"{weight:+{_NUMBER - 1}.3f} "[-_NUMBER:], f"{color} {'bold' if 'bold' in sign else ''}".strip())
    drawn = "█" * full
    line.append(f"{drawn if weight < 0 else '':>{half}}", color).append("│", "dim").append(f"{drawn if weight >= 0 else '':<{half}}", color)


def foot(answers: Sequence[WhyAnswer | None], agreed: Agreement | None, width: int, warning: str) -> Text:
    """Return the sum of the weights, how far two methods agree, and where the text is truncated; a large gap is a warning."""
    lines: list[Text] = []
    known = next((each for each in answers if each is not None), None)
    for answer in answers:
        if answer is not None and (told := _added_up(answer)):
            gap = gap_of(answer)
            lines.append(Text(told, warning if gap is not None and (gap.share or 0) > FAIR_GAP else ""))
    if agreed is not None:
        ranks = f"ranks correlate {agreed.rank_correlation:+.2f}" if agreed.rank_correlation is not None else "no ranks"
        lines.append(Text(f"both ways share {agreed.shared} of {agreed.top} top words, {ranks}"))
    if known is not None and known.cut_at is not None:
        lines.append(Text(f"✂ cut at {known.tokens:,} tokens: the model does not see the rest", warning))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines)


def _added_up(answer: WhyAnswer) -> str:
    gap = gap_of(answer)
    if gap is None:
        return ""
    if answer.method == "exact":
        return f"words {gap.whole:+.3f}, intercept {answer.baseline:+.3f}: score {answer.score:+.3f}, exactly"
    share = f" ({percent(gap.share)})" if gap.share is not None else ""
    return f"completeness gap {gap.gap:+.4f}{share} of {gap.whole:+.3f}, {answer.steps} steps"


# --- the classes ----------------------------------------------------------------------------------------------


def class_line(looks: Sequence[LabelLook], shares: Mapping[str, float], label: str, true: str, width: int) -> Text:
    """Return the classes with their probabilities in one line, the one that is explained reversed, and the text's own label marked.

    Where there is no room for all of them even with short names, as many as fit around the one that is explained, and at an end the
    most probable one.
    """
    for longest in (20, 12, 8, 5):
        cells = [_class_cell(look, number, shares, label, true, longest) for number, look in enumerate(looks)]
        if sum(each.cell_len + 1 for each in cells) <= width:
            return Text(" ", no_wrap=True, end="").join(cells)
    cells = [_class_cell(look, number, shares, label, true, 12) for number, look in enumerate(looks)]
    at = next((number for number, look in enumerate(looks) if look.name == label), 0)
    best = max(range(len(looks)), key=lambda number: shares.get(looks[number].name, 0.0))
    room = width - 6 - (cells[best].cell_len + 1 if best != at else 0)
    line, before = Text(no_wrap=True, overflow="ellipsis", end=""), -1
    for number in sorted({best, *_around(cells, at, room)}):
        line.append("… " if number > before + 1 else "", "dim").append_text(cells[number]).append(" ")
        before = number
    return line.append("…" if before + 1 < len(cells) else "", "dim")


def _around(cells: Sequence[Text], at: int, room: int) -> range:
    """Return the numbers of the cells that fit around the one `at`, which is always among them."""
    first = last = at
    room -= cells[at].cell_len
    while True:
        wider = False
        if last + 1 < len(cells) and cells[last + 1].cell_len < room:
            last, wider = last + 1, True
            room -= cells[last].cell_len + 1
        if first > 0 and cells[first - 1].cell_len < room:
            first, wider = first - 1, True
            room -= cells[first].cell_len + 1
        if not wider:
            return range(first, last + 1)


def _class_cell(look: LabelLook, number: int, shares: Mapping[str, float], label: str, true: str, longest: int) -> Text:
    """Return a class with a name of at most so many cells; the shorter it is, the closer all stands together."""
    is_short, is_chosen, share = longest < 20, look.name == label, shares.get(look.name, 0.0)
    key = (f"{number + 1}" if number < 9 else "") + (" " if longest >= 12 and number < 9 else "")
    mark = "" if look.name != true else "=label" if is_short else " (its label)"
    name = cut(safe_line(look.name, longest + 1), longest)
    told = f" {key}{look.glyph} {name} {f'{100 * share:.0f}%' if is_short else percent(share)}{mark} "
    return Text(told if is_chosen else told[1:-1], f"bold reverse {look.color}" if is_chosen else look.color)

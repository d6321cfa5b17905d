"""How explanations are drawn: signs and digits without colour, as much as fits, and only what is in sight."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core.data.words import spans
from emotui.core.figures.log_odds import WordOdds
from emotui.core.questions import NearRow, NeighboursAnswer, Rest, WhyAnswer, WordWeight
from emotui.core.runs.cell_words import CellWords
from emotui.core.safe_text import cell_width
from emotui.tui.ascii_only import replaced
from emotui.tui.screens.why.row_lines import cell_lines, near_lines
from emotui.tui.screens.why.word_lines import class_line, foot, signed_text, table_lines
from emotui.tui.theme import class_looks
from emotui.tui.widgets.attention_map import Looks, description, map_lines, tenth, window
from hostile import HOSTILE, RAW
from textual.color import Color

COLORS = {"primary": "#7aa9f7", "warning": "#f0a05a", "error": "#ee6a5f"}
BLACK, WHITE = Color.parse("#000000"), Color.parse("#ffffff")


def answer(text: str, weights: tuple[float, ...], **more: object) -> WhyAnswer:
    words = tuple(WordWeight(*span, weight) for span, weight in zip(spans(text), weights, strict=False))
    return WhyAnswer(text=text, method="integrated_gradients", words=words, score=1.0, tokens=9, **more)  # type: ignore[arg-type]


def test_each_sign_stands_below_its_word_and_says_its_size() -> None:
    upper, lower = signed_text(answer("so happy or 难过, not", (0.05, 1.0, -0.5, 0.0, -0.2, 0.0, -0.8)), 60, COLORS).plain.split("\n")
    assert upper == "so happy or 难过, not"
    assert lower == "   +▇▇▇▇ -▄   -▁  -▇▇"
    assert replaced(lower, "ascii").startswith("   +#### -=")


def test_the_text_is_broken_between_words_and_what_is_not_seen_is_told_apart() -> None:
    text = "one two three four five six"
    lines = signed_text(answer(text, (1, -1, 1, -1), cut_at=18), 10, COLORS)
    plain = lines.plain.split("\n")
    assert plain[0::2] == ["one two", "three four", "five six"] and all(cell_width(each) <= 10 for each in plain)
    assert plain[1] == "+▇▇ -▇▇" and len(plain) == 5
    assert [lines.plain[span.start : span.end].strip() for span in lines.spans if span.style == "dim"] == ["five", "six"]


@pytest.mark.parametrize("text", [each for each in HOSTILE if "\udc80" not in each])
@pytest.mark.parametrize("width", [20, 76])
def test_no_text_leaves_its_room_or_acts(text: str, width: int) -> None:
    found = answer(f"a {text} b", tuple((-1.0) ** at for at in range(5_000)), rest=(Rest(text, 0.5),))
    shown = signed_text(found, width, COLORS).plain.split("\n")
    table = table_lines((found, None), ("integrated_gradients", "leave_out"), width, COLORS, by_size=True).plain.split("\n")
    assert not any(RAW.search(line) for line in (*shown, *table))
    assert max(map(cell_width, shown)) <= width


def test_weights_stand_in_digits_and_on_their_side_of_zero() -> None:
    first = answer("good bad", (2.0, -1.0), rest=(Rest("[CLS]", 0.5),))
    second = answer("good bad", (0.5, 0.25))
    lines = table_lines((first, second), ("integrated_gradients", "leave_out"), 60, COLORS, by_size=False).plain.split("\n")
    good, bad, rest = ([part.strip() for part in line.split("│")] for line in lines)
    assert good[0] == "good         +2.000" and good[1].startswith("█") and good[1].endswith("+0.500") and set(good[2]) == {"█"}
    assert bad[0].startswith("bad") and "-1.000" in bad[0] and bad[0].endswith("█") and bad[1] == "+0.250"
    assert bad[0].count("█") == round(good[1].count("█") / 2)
    assert rest[0].startswith("[CLS]") and "+0.500" in rest[0]
    by_size = table_lines((second, first), ("leave_out", "integrated_gradients"), 60, COLORS, by_size=True).plain.split("\n")
    assert [line.split()[0] for line in by_size] == ["good", "bad", "[CLS]"]


def test_a_gap_is_told_and_a_large_one_warned_of() -> None:
    small = foot((answer("a b", (1, 2), baseline=-2.0, gap=0.03, steps=32),), None, 80, "#ffaa00")
    assert small.plain == "completeness gap +0.0300 (1.0 %) of +3.000, 32 steps" and "#ffaa00" not in str(small.spans)
    large = foot((answer("a b", (1, 2), baseline=-2.0, gap=-0.3, steps=128),), None, 80, "#ffaa00")
    assert "(10.0 %)" in large.plain and "#ffaa00" in str(large.spans)
    assert foot((answer("a b", (1, 2), cut_at=1),), None, 80, "").plain.startswith("✂ cut at 9 tokens")


def test_the_class_that_is_explained_is_in_sight_however_many_there_are() -> None:
    looks = class_looks([f"class {number}" for number in range(70)])
    shares = dict.fromkeys((look.name for look in looks), 1 / 70)
    for at in (0, 35, 69):
        line = class_line(looks, shares, f"class {at}", "class 35", 60)
        assert f"class {at} " in line.plain and line.cell_len <= 60
        sure = class_line(looks, {**shares, "class 50": 0.9}, f"class {at}", "class 35", 60)
        assert "class 50 90%" in sure.plain and f"class {at} " in sure.plain and sure.cell_len <= 60
    six = class_looks(("sadness", "joy", "love", "anger", "fear", "surprise"))
    for label in ("sadness", "surprise"):
        line = class_line(six, {"joy": 0.9, "love": 0.04}, label, "joy", 78)
        assert [look.glyph for look in six if look.glyph not in line.plain] == [] and line.cell_len <= 78 and "90%=label" in line.plain
    few = class_line(looks[:3], shares, "class 1", "class 2", 100).plain
    assert few == "1 ● class 0 1.4 %  2 ◆ class 1 1.4 %  3 ♥ class 2 1.4 % (its label)"


def test_what_the_overlay_touched_is_told_of_a_near_row() -> None:
    rows = (NearRow(5, 6, "one", "joy", 0.1, source_label="anger", later=""), NearRow(6, 7, "two", "joy", 0.25))
    head, lines, below = near_lines(NeighboursAnswer(rows, 90, "mean", "cosine"), {look.name: look for look in class_looks(["joy"])}, 80)
    assert head.plain.startswith("Nearest of 90 training rows, by mean (cosine distance)")
    assert lines[0].plain == "0.1000 ● joy               5 * was anger in the source, has been left out since: one"
    assert lines[1].plain == "0.2500 ● joy               6 two" and below.plain.startswith("2 joy; * decided by hand: 1 of 2")


def test_only_words_that_stand_more_often_in_the_cell_are_listed() -> None:
    words = [WordOdds("late", 5, 1, 1.5, 2.5), WordOdds("so", 3, 2, 0.4, 0.9), WordOdds("well", 0, 9, -2.0, -3.0)]
    head, lines, below = cell_lines(CellWords(5, 9, "of joy that are right", words), ("joy", "love"), "test", 70, COLORS)
    assert "5 rows of joy predicted as love on test, against 9 rows of joy that are right" in head.plain
    assert [line.plain.split() for line in lines] == [["▲", "late", "5", "1", "+1.50", "+2.50"], ["so", "3", "2", "+0.40", "+0.90"]]
    assert below.plain.startswith("1 word beyond 1.96 standard errors")


# --- attention --------------------------------------------------------------------------------------------------


def test_a_share_is_a_digit_of_its_tenths() -> None:
    assert [tenth(share) for share in (0.0, 0.019, 0.02, 0.099, 0.1, 0.49, 0.5, 0.99, 1.0)] == [" ", " ", "·", "·", "1", "4", "5", "9", "9"]


def test_each_share_stands_in_the_line_of_who_looks() -> None:
    looks = Looks(("[CLS]", "so", "good"), np.array([[0.5, 0.3, 0.2], [0.05, 0.95, 0.0], [0.0, 0.4, 0.6]]))
    part = window(looks, (0, 0), (0, 0), 40, 20)
    lines = [line.plain for line in map_lines(looks, (0, 0), part, BLACK, WHITE, WHITE)]
    assert lines[part.heads :] == ["[CLS]   5  3  2", "so      ·  9   ", "good       4  6"]
    under_cursor = map_lines(looks, (0, 0), part, BLACK, WHITE, WHITE)[part.heads]
    assert not under_cursor.style and next(str(span.style) for span in under_cursor.spans) == "bold reverse"
    assert "".join(line[8] for line in lines[: part.heads]).strip() == "[CLS"[: part.heads] and lines[part.heads - 1][11] in "so"
    looked, looked_at, pair = (line.plain for line in description(looks, (1, 2), 60))
    assert looked == "so looks at so 95 %, [CLS] 5 %, good 0 %" and looked_at == "good is looked at by good 60 %, [CLS] 20 %, so 0 %"
    assert pair.startswith("so to good 0.0 %")


def test_what_is_in_sight_follows_the_cursor_and_no_more_is_drawn() -> None:
    looks = Looks(tuple(f"t{number}" for number in range(512)), np.full((512, 512), 1 / 512))
    part = window(looks, (0, 0), (0, 0), 60, 24)
    assert part.top == part.left == 0 and part.rows < 24 and part.columns <= 28
    moved = window(looks, (300, 511), (part.top, part.left), 60, 24)
    assert moved.top + moved.rows == 301 and moved.left + moved.columns == 512
    back = window(looks, (moved.top, moved.left), (moved.top, moved.left), 60, 24)
    assert (back.top, back.left) == (moved.top, moved.left)
    lines = map_lines(looks, (300, 511), moved, BLACK, WHITE, WHITE)
    assert len(lines) == moved.heads + moved.rows and all(line.cell_len <= 60 for line in lines)


def test_wide_and_hostile_tokens_keep_the_map_in_shape() -> None:
    tokens = ("难过", "\x1b[2J", "é\u0301\u0301", "##ing", "\u202ex", "🙂")
    looks = Looks(tokens, np.full((6, 6), 1 / 6))
    part = window(looks, (2, 2), (0, 0), 50, 20)
    lines = map_lines(looks, (2, 2), part, BLACK, WHITE, WHITE)
    assert not any(RAW.search(line.plain) for line in (*lines, *description(looks, (1, 4), 50)))
    assert {cell_width(line.plain) for line in lines} == {part.named + 6 * part.cells}

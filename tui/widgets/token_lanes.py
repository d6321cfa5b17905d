"""Characters, words and subwords of one text, aligned one above the other."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from ...core.safe_text import cell_width, pad, safe_line

_MARGIN = 12
"""Cells for the names of the lanes."""
_MOST_GROUPS = 60
"""Groups of lines that are drawn, at most; the part of a text that a model sees hardly fills more."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One subword with its characters; characters between subwords have no token."""

    characters: str
    token: str = ""
    id: int | None = None
    special: bool = False
    unknown: bool = False
    word_starts: bool = False
    """Whether a word of the text starts here; `word` is then that word."""
    word: str = ""
    cut: bool = False
    """Whether it was truncated, so that the model does not see it."""
    index: int | None = None
    """The position of the token; None for characters without one."""


@dataclass(frozen=True, slots=True)
class Lanes:
    pieces: tuple[Piece, ...] = ()
    cursor: int | None = None
    """Position of the token that is highlighted together with its characters."""


class TokenLanes(Static):
    """Shows the lanes in groups of four lines, as wide as the widget."""

    DEFAULT_CSS = """
    TokenLanes { height: auto; }
    """
    lanes: reactive[Lanes] = reactive(Lanes(), layout=True)

    @property
    def lines_needed(self) -> int:
        """The number of lines that the lanes need at the present width."""
        return lane_lines(self.lanes, self.size.width, self.app.theme_variables).plain.count("\n") + 1

    def line_of(self, index: int) -> int:
        """Return the first line of the group that contains the token `index`; 0 if there is none."""
        groups = _groups(self.lanes.pieces, max(8, self.size.width - _MARGIN))
        return next((5 * number for number, group in enumerate(groups) if any(piece.index == index for piece, _ in group)), 0)

    def render(self) -> Text:
        return lane_lines(self.lanes, self.size.width, self.app.theme_variables)


def lane_lines(lanes: Lanes, width: int, colors: dict[str, str]) -> Text:
    """Return the lanes in lines of at most `width` cells; a group of lines ends before a subword that does not fit."""
    styles = _Styles(colors)
    text = Text(no_wrap=True)
    room = max(8, width - _MARGIN)
    for number, group in enumerate(_groups(lanes.pieces, room)):
        if number == _MOST_GROUPS:
            text.append("…", "dim")
            break
        lines = [Text(no_wrap=True).append(f"{name:<{_MARGIN}}", "dim") for name in ("characters", "words", "subwords", "ids")]
        # A word may be wider than its first subword, so it is written over all of its pieces in the group.
        words = [" "] * room
        at = 0
        for piece, cells in group:
            style = styles.of(piece, lanes.cursor)
            lines[0].append_text(_characters(piece, cells, styles, style))
            lines[2].append(pad(safe_line(piece.token, cells - 1), cells - 1), style).append(" ")
            lines[3].append(pad(str(piece.id) if piece.id is not None else "", cells - 1), style + Style(bold=False)).append(" ")
            if piece.word_starts:
                words[at:] = [" "] * (room - at)
                shown = _fit(safe_line(piece.word, room - at), room - at)
                words[at : at + cell_width(shown)] = _cells(shown)
            elif not piece.word and piece.index is None:
                words[at:] = [" "] * (room - at)
            at += cells
        lines[1].append("".join(words).rstrip(), styles.word)
        for line in lines:
            line.rstrip()
            text.append_text(line).append("\n")
        text.append("\n")
    text.rstrip()
    return text


def _groups(pieces: tuple[Piece, ...], room: int) -> list[list[tuple[Piece, int]]]:
    groups: list[list[tuple[Piece, int]]] = []
    used = room + 1
    for piece in pieces:
        cells = min(room, _piece_cells(piece, room))
        if used + cells > room:
            if len(groups) > _MOST_GROUPS:
                break
            groups.append([])
            used = 0
        groups[-1].append((piece, cells))
        used += cells
    return groups


def _piece_cells(piece: Piece, room: int) -> int:
    characters = safe_line(piece.characters[:room])
    spread = cell_width(characters) + max(0, len(characters) - 1)
    return 1 + max(spread, min(cell_width(safe_line(piece.token, room)), room - 1), len(str(piece.id)) if piece.id is not None else 0)


def _characters(piece: Piece, cells: int, styles: _Styles, style: Style) -> Text:
    shown = safe_line(piece.characters[:cells]).replace(" ", "␣")
    if piece.index is None:
        style = styles.between
    return Text(pad(" ".join(shown), cells - 1), style).append(" ")


def _cells(line: str) -> list[str]:
    """Return one entry per cell: a wide character is followed by an empty one, a combining mark belongs to the character before it."""
    found: list[str] = []
    for character in line:
        width = cell_width(character)
        if width == 0 and found:
            found[-1] += character
        else:
            found += [character, *[""] * (width - 1)]
    return found


def _fit(line: str, width: int) -> str:
    return line if cell_width(line) <= width else pad(line, width)


class _Styles:
    def __init__(self, colors: dict[str, str]) -> None:
        self.word = Style(color=colors.get("secondary"))
        self.between = Style(dim=True)
        self._even, self._odd = Style(color=colors.get("primary")), Style(color=colors.get("accent"))
        self._special = Style(dim=True)
        self._unknown = Style(color=colors.get("error"), bold=True)
        self._cut = Style(dim=True, strike=True)

    def of(self, piece: Piece, cursor: int | None) -> Style:
        """Return the style of a token and its characters; neighbours differ, so that the boundary is visible."""
        if piece.cut:
            return self._cut
        if piece.index is None:
            return self.between
        style = self._unknown if piece.unknown else self._special if piece.special else (self._even, self._odd)[piece.index % 2]
        return style + Style(reverse=True, bold=True) if piece.index == cursor else style

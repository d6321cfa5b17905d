"""Keeps classes distinct on terminals with 16 colours, where the nearest colour of three of them would be the same white."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as Background
from textual.filter import LineFilter

from . import theme

_DARK = (12, 11, 13, 9, 5, 14, 3, 10)
_LIGHT = (4, 3, 13, 1, 5, 6, 9, 2)
NUMBERS = {
    theme.class_color(index, dark=dark): numbers[index]
    for dark, numbers in ((True, _DARK), (False, _LIGHT))
    for index in range(len(numbers))
}
"""The terminal colour (0 to 15) for each class colour."""


class SixteenColors(LineFilter):
    """Draws class colours, which are also those of the theme, in colours of the terminal."""

    def apply(self, segments: list[Segment], background: Background) -> list[Segment]:  # noqa: ARG002 Textual names it
        return [Segment(text, standard(style) if style is not None else None, control) for text, style, control in segments]


@lru_cache(2048)
def standard(style: Style) -> Style:
    """Return `style` with class colours, in foreground or background, replaced by one of the terminal's 16."""
    return style + Style(color=_number(style.color), bgcolor=_number(style.bgcolor))


def _number(color: Color | None) -> Color | None:
    number = NUMBERS.get(color.triplet.hex) if color is not None and color.triplet is not None else None
    return Color.from_ansi(number) if number is not None else None

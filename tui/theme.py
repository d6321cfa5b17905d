"""Colours and glyphs: two themes, and one colour and one glyph per class on all screens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.style import Style
from textual.theme import Theme

from .widgets.label_look import LabelLook

# Chosen to be distinct in 16 colours and for red-green colour blindness; the glyph carries the same information.
_CLASSES_DARK = ("#7aa9f7", "#e8c15a", "#f08fb8", "#ee6a5f", "#b79df2", "#55d0b8", "#f0a05a", "#97cf63")
_CLASSES_LIGHT = ("#1d5fc4", "#7d5c00", "#b3246f", "#b3261e", "#6a3fb8", "#006e5b", "#9c4a00", "#3d6b10")
_GLYPHS = ("●", "◆", "♥", "▲", "■", "★", "▼", "✚", "◉", "◇", "▶")

DARK = Theme(
    name="emotui-dark",
    dark=True,
    primary="#7aa9f7",
    secondary="#55d0b8",
    accent="#e8c15a",
    warning="#f0a05a",
    error="#ee6a5f",
    success="#97cf63",
    foreground="#d9dce3",
    background="#14161b",
    surface="#191c22",
    panel="#23272f",
    variables={
        "border": "#3a404c",
        "border-blurred": "#2e333d",
        "block-cursor-background": "#2c3f5e",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#262c37",
        "input-selection-background": "#7aa9f7 35%",
        "scrollbar-background": "#14161b",
        "scrollbar-background-hover": "#191c22",
        "scrollbar-background-active": "#191c22",
        "footer-background": "#191c22",
        "footer-key-foreground": "#e8c15a",
    },
)
LIGHT = Theme(
    name="emotui-light",
    dark=False,
    primary="#1d5fc4",
    secondary="#006e5b",
    accent="#7d5c00",
    warning="#9c4a00",
    error="#b3261e",
    success="#3d6b10",
    foreground="#22252b",
    background="#fbfaf7",
    surface="#f4f2ed",
    panel="#e8e5dd",
    variables={
        "border": "#b9b4a7",
        "border-blurred": "#d3cfc4",
        "block-cursor-background": "#cfe0fb",
        "block-cursor-foreground": "#10141b",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#e2e6ee",
        "input-selection-background": "#1d5fc4 25%",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-background-hover": "#f4f2ed",
        "scrollbar-background-active": "#f4f2ed",
        "footer-background": "#f4f2ed",
        "footer-key-foreground": "#7d5c00",
    },
)
THEMES = {"dark": DARK, "light": LIGHT}


def class_color(index: int, *, dark: bool = True) -> str:
    """Return the colour of class `index` (0-based, in label order) as '#rrggbb'; they repeat after 8."""
    colors = _CLASSES_DARK if dark else _CLASSES_LIGHT
    return colors[index % len(colors)]


def class_style(index: int, *, dark: bool = True, bold: bool = False) -> Style:
    """Return the text style of class `index`. Widgets pass `dark=self.app.current_theme.dark`."""
    return Style(color=class_color(index, dark=dark), bold=bold or None)


def class_glyph(index: int) -> str:
    """Return the one-cell glyph of class `index`; glyph and colour together are unique among the first 88 classes."""
    return _GLYPHS[index % len(_GLYPHS)]


ALIKE = 3
"""Length of a common prefix from which on two truncated names could be confused."""


def class_looks(labels: Sequence[str], *, dark: bool = True) -> tuple[LabelLook, ...]:
    """Return the look of each class, in label order."""
    begun = Counter(name[:ALIKE] for name in labels)
    return tuple(
        LabelLook(name, class_glyph(index), class_color(index, dark=dark), index, begun[name[:ALIKE]] > 1)
        for index, name in enumerate(labels)
    )

"""How a class looks: one colour and one glyph, the same on all screens."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ...core.safe_text import cell_width, pad, safe_line


@dataclass(frozen=True, slots=True)
class LabelLook:
    """A label's name as it is in the data, its glyph (one cell) and its colour, a Rich colour such as '#rrggbb'."""

    name: str
    glyph: str
    color: str
    number: int = 0
    """Counted from 1 in the order of the labels, where another name begins like this one; 0: the name says enough."""

    def text(self, width: int, *, style: str = "", numbered: bool = False) -> Text:
        """Return glyph and name in exactly `width` cells.

        The number stands before the name where `numbered`, and where the name would be cut and look like another one.
        """
        glyph = Text.assemble((f"{self.glyph} ", f"bold {self.color} {style}".strip())) if width > 2 else Text()
        name = self.short(width - glyph.cell_len, numbered=numbered)
        return glyph.append(pad(name, width - glyph.cell_len), f"{self.color} {style}".strip())

    def short(self, width: int, *, numbered: bool = False) -> str:
        """Return the name, or as much of it as tells it from others, in at most `width` cells where that is possible."""
        name = safe_line(self.name, max(width, 1) + 1)
        if self.number and (numbered or cell_width(name) > width):
            number = str(self.number)
            return f"{number} {name}" if width > len(number) + 3 else number
        return name

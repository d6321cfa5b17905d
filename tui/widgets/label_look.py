"""How a class looks: one colour and one glyph, the same on all screens."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ...core.safe_text import pad, safe_line


@dataclass(frozen=True, slots=True)
class LabelLook:
    """A label's name as it is in the data, its glyph (one cell) and its colour, a Rich colour such as '#rrggbb'."""

    name: str
    glyph: str
    color: str

    def text(self, width: int, *, style: str = "") -> Text:
        """Return glyph and name in exactly `width` cells."""
        glyph = Text.assemble((f"{self.glyph} ", f"bold {self.color} {style}".strip())) if width > 2 else Text()
        return glyph.append(pad(safe_line(self.name, width), width - glyph.cell_len), f"{self.color} {style}".strip())

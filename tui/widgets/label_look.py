"""The look of a class: one colour and one glyph, the same on all screens."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from ...core.safe_text import cell_width, pad, safe_line


@dataclass(frozen=True, slots=True)
class LabelLook:
    """A label's name as in the data, its glyph (one cell) and its colour, a Rich colour such as '#rrggbb'."""

    name: str
    glyph: str
    color: str
    id: int | None = None
    """The integer of the class in data and models; None if unknown."""
    alike: bool = False
    """Whether another name begins like this one, so that the two could be confused if truncated."""

    def text(self, width: int, *, style: str = "", numbered: bool = False) -> Text:
        """Return glyph and name in exactly `width` cells.

        The id precedes the name if `numbered`, or if the truncated name would look like another one.
        """
        glyph = Text.assemble((f"{self.glyph} ", f"bold {self.color} {style}".strip())) if width > 2 else Text()
        name = self.short(width - glyph.cell_len, numbered=numbered)
        return glyph.append(pad(name, width - glyph.cell_len), f"{self.color} {style}".strip())

    def short(self, width: int, *, numbered: bool = False) -> str:
        """Return the name in at most `width` cells, if possible truncated such that it differs from other names."""
        name = safe_line(self.name, max(width, 1) + 1)
        if (numbered and self.needs_id) or (self.alike and self.id is not None and cell_width(name) > width):
            return f"{self.id} {name}" if width > len(str(self.id)) + 3 else str(self.id)
        return name

    @property
    def needs_id(self) -> bool:
        """Whether the id is known and differs from the name."""
        return self.id is not None and self.name.lstrip("0") != str(self.id).lstrip("0")

    @property
    def id_cells(self) -> int:
        """Cells of the id and the space after it; 0 if the name is the id."""
        return len(str(self.id)) + 1 if self.needs_id else 0

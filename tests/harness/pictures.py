"""Compares what an application draws with a stored picture of it, as text."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from hostile import drawn

FOLDER = Path(__file__).parents[1] / "tui" / "pictures"
REWRITE = "EMOTUI_REWRITE_PICTURES"
"""Set this variable to store what is drawn now; look at the difference before it is committed."""
SIZES = [(80, 24), (120, 36), (200, 60)]
"""Columns and rows: the smallest, an ordinary and a large terminal."""


def check_picture(app: object, name: str, *, skip: int = 0) -> None:
    """Compare the screen with pictures/NAME-WIDTHxHEIGHT.txt, spaces at the ends of lines and the first `skip` lines aside."""
    width, height = getattr(app, "size")  # noqa: B009
    file = FOLDER / f"{name}-{width}x{height}.txt"
    lines = [line.rstrip() for line in drawn(app)[skip:]]
    text = "\n".join(lines) + "\n"
    if os.environ.get(REWRITE):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.is_file(), f"there is no picture {file.name}: store it with {REWRITE}=1"
    stored = file.read_text("utf-8")
    change = "\n".join(difflib.unified_diff(stored.splitlines(), lines, "stored", "drawn", lineterm="", n=1))
    assert text == stored, f"{file.name} differs: store the new one with {REWRITE}=1 and look at it\n{change}"

"""Compares what an application draws with a stored picture of it, as text."""

from __future__ import annotations

import os
from pathlib import Path

from hostile import drawn

FOLDER = Path(__file__).parent / "pictures"
REWRITE = "EMOTUI_REWRITE_PICTURES"
"""Set this variable to store what is drawn now; look at the difference before it is committed."""


def check_picture(app: object, name: str) -> None:
    """Compare the screen with pictures/NAME-WIDTHxHEIGHT.txt, spaces at the ends of lines aside."""
    width, height = getattr(app, "size")  # noqa: B009
    file = FOLDER / f"{name}-{width}x{height}.txt"
    text = "\n".join(line.rstrip() for line in drawn(app)) + "\n"
    if os.environ.get(REWRITE):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.is_file(), f"there is no picture {file.name}: store it with {REWRITE}=1"
    assert text == file.read_text("utf-8"), f"{file.name} differs: store the new one with {REWRITE}=1 and look at it"

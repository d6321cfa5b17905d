"""Updates widgets only where their content changes, and the layout only where their size does.

In Textual a border title repaints its widget with all that is in it, and a text that is set lays out the whole screen.
That was most of what a key costs.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from .reading import Reading


def set_titles(widget: Widget, title: Text, subtitle: Text | None = None) -> None:
    """Set the border titles of a widget; without `subtitle` the lower one stays as it is."""
    if not _is_shown(widget._border_title, title):  # pyright: ignore[reportPrivateUsage] - what is public is markup
        widget.border_title = title
    if subtitle is not None and not _is_shown(widget._border_subtitle, subtitle):  # pyright: ignore[reportPrivateUsage]
        widget.border_subtitle = subtitle


def set_text(place: Static, text: Text) -> None:
    """Show a text. In a Reading, whose height is fixed, the layout changes only where the text is, or was, higher than the Reading."""
    if are_same(place.content, text):
        return
    before, around = place.size.height, place.parent
    place.update(text, layout=False)
    if not isinstance(around, Widget) or not before:
        place.refresh(layout=True)
        return
    room = around.content_size.height if isinstance(around, Reading) else 0
    height = place.get_content_height(around.size, place.screen.size, place.size.width)
    if height != before and max(before, height) > room:
        place.refresh(layout=True)


def are_same(one: object, other: Text) -> bool:
    """Return whether two texts look the same: Rich's own comparison ignores the base style."""
    return isinstance(one, Text) and one == other and one.style == other.style


def _is_shown(shown: Content | None, wanted: Text) -> bool:
    return shown is not None and shown.is_same(Content.from_rich_text(wanted))

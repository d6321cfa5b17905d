"""Updates widgets only where their content changes, and the layout only where their size does.

In Textual a border title repaints its widget with all that is in it, and a text that is set lays out the whole screen.
That was most of what a key costs.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

from .reading import Reading


def set_titles(widget: Widget, title: Text, subtitle: Text | None = None) -> None:
    """Set the border titles of a widget; without `subtitle` the lower one stays as it is. Only the lines of the border are repainted."""
    top, bottom, gutter = _content(title), _content(subtitle) if subtitle is not None else None, widget.gutter
    left, width = -gutter.left, widget.outer_size.width
    if not _is_shown(widget._border_title, top):  # pyright: ignore[reportPrivateUsage] - the public one repaints all
        widget._border_title = top  # pyright: ignore[reportPrivateUsage]
        widget.refresh(Region(left, -gutter.top, width, 1))
    if bottom is not None and not _is_shown(widget._border_subtitle, bottom):  # pyright: ignore[reportPrivateUsage]
        widget._border_subtitle = bottom  # pyright: ignore[reportPrivateUsage]
        widget.refresh(Region(left, widget.outer_size.height - gutter.top - 1, width, 1))


def _content(title: Text) -> Content:
    """Return a title as Textual keeps it: its first line."""
    return Content.from_rich_text(title).expand_tabs(4).split()[0]


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


def _is_shown(shown: Content | None, wanted: Content) -> bool:
    return shown is not None and shown.is_same(wanted)

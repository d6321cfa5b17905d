"""Makes pilot tests quick: the application is drawn where a test looks at it, and its style sheets are parsed once for all tests.

Both are more than half of such a test's time. A test that is about frames is marked `every_frame`.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import pytest
from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen

_draw = Screen._compositor_refresh
_parse = Stylesheet._parse_rules
_parsed: dict[tuple[object, ...], Any] = {}
_drawn: WeakSet[Screen[Any]] = WeakSet()


def _keep(screen: Screen[Any]) -> None:
    """Leave what changed to be drawn with a later frame."""
    if screen is screen.app.screen:
        screen._dirty_widgets.clear()  # the compositor has their regions
    else:
        _draw(screen)


def _parse_once(sheet: Stylesheet, css: str, **source: Any) -> Any:
    key = (css, *source.items(), *sorted(sheet._variables.items()))
    if key not in _parsed:
        _parsed[key] = _parse(sheet, css, **source)
    return _parsed[key]


def skip(patch: pytest.MonkeyPatch) -> None:
    """Draw nothing by itself from here on, and parse nothing twice, until the patch is undone."""
    patch.setattr(Screen, "_compositor_refresh", _keep)
    patch.setattr(Stylesheet, "_parse_rules", _parse_once)


def draw_first(app: App[int]) -> None:
    """Draw the screen in front where it was not drawn yet: a screen that cannot be drawn is found so."""
    if app.screen not in _drawn:
        _drawn.add(app.screen)
        draw(app)


def draw(app: App[int]) -> None:
    """Draw what has changed since the last frame, as the application would have."""
    _draw(app.screen)

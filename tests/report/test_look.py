"""Every text of a report can be read: in both themes its contrast is at least 4.5 to 1, and lines are told apart without colour."""

from __future__ import annotations

import pytest
from emotui.core.report import look
from emotui.core.report.look import DARK, LIGHT, Look


def luminance(color: str) -> float:
    """Return the relative luminance of '#rrggbb', as WCAG 2.2 defines it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_each_text_can_be_read(theme: Look) -> None:
    for behind in (theme.page, theme.panel):
        for text in (theme.ink, theme.soft, theme.series[0]):  # the first series is the colour of links
            assert contrast(text, behind) >= 4.5, (text, behind)
    assert contrast(theme.warning, theme.warning_panel) >= 4.5
    for shade in theme.shades:
        assert contrast(theme.ink, shade) >= 4.5, shade
    for color in theme.series:
        assert contrast(color, theme.page) >= 3, color  # graphics: WCAG 2.2, 1.4.11


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_shades_go_one_way_without_colour(theme: Look) -> None:
    seen = [luminance(each) for each in theme.shades]
    assert seen in (sorted(seen), sorted(seen, reverse=True)) and len(set(seen)) == look.STEPS
    assert contrast(theme.shades[0], theme.shades[-1]) >= 1.8


def test_lines_differ_in_more_than_colour() -> None:
    assert len(set(look.DASHES)) == len(look.DASHES) == len(LIGHT.series) == len(DARK.series)
    sheet = look.sheet()
    for at, dash in enumerate(look.DASHES):
        assert f".s{at}{{" in sheet and (not dash or f"stroke-dasharray:{dash}" in sheet)


def test_both_themes_and_paper_define_every_colour_that_is_used() -> None:
    import re

    sheet = look.sheet()
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", sheet))
    blocks = re.findall(r":root\{([^}]*)\}", sheet)
    assert len(blocks) == 3
    for block in blocks:
        assert used <= set(re.findall(r"--([a-z0-9-]+):", block))

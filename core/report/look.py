"""The colours and the style sheet of a report, for a light theme, a dark theme and print; nothing in it comes from outside."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = 10
"""Shades of cell backgrounds, from none to the strongest."""


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a theme as '#rrggbb'. All text has a contrast of at least 4.5:1 with its background (WCAG 2.2, 1.4.3)."""

    page: str
    panel: str
    ink: str
    soft: str
    """For secondary text: captions, axes, remarks."""
    rule: str
    series: tuple[str, ...]
    """For lines and bars; they also differ in lightness, and lines in dashes and markers."""
    warning: str
    warning_panel: str
    deepest: str
    """The background of a cell whose share is 1."""

    @property
    def shades(self) -> tuple[str, ...]:
        """The backgrounds of shaded cells, in equal steps from the panel to `deepest`."""
        return tuple(mixed(self.page, self.deepest, at / (STEPS - 1)) for at in range(STEPS))


LIGHT = Look(
    page="#ffffff",
    panel="#f4f5f7",
    ink="#1b1f24",
    soft="#555d68",
    rule="#cfd4db",
    series=("#1d5fc4", "#9c4a00", "#006e5b", "#6a3fb8"),
    warning="#8a1f17",
    warning_panel="#fdecea",
    deepest="#86b3f2",
)
DARK = Look(
    page="#14161b",
    panel="#1d2027",
    ink="#dfe2e8",
    soft="#a5adba",
    rule="#3a404c",
    series=("#7aa9f7", "#f0a05a", "#55d0b8", "#b79df2"),
    warning="#ffb3ab",
    warning_panel="#3b1d1b",
    deepest="#2d5aa6",
)
DASHES = ("", "7 4", "2 3", "9 3 2 3")
"""SVG dash patterns of the lines of a chart, in the order of the series."""


def mixed(first: str, second: str, share: float) -> str:
    """Return the colour at `share` of the way from `first` to `second`."""
    parts = ((int(first[at : at + 2], 16), int(second[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _variables(look: Look) -> str:
    named = {
        "page": look.page,
        "panel": look.panel,
        "ink": look.ink,
        "soft": look.soft,
        "rule": look.rule,
        "warning": look.warning,
        "warning-panel": look.warning_panel,
        **{f"series{at}": color for at, color in enumerate(look.series)},
        **{f"shade{at}": color for at, color in enumerate(look.shades)},
    }
    return "".join(f"--{name}:{color};" for name, color in named.items())


def sheet() -> str:
    """Return the style sheet."""
    lines = "".join(
        f".s{at}{{stroke:var(--series{at});{f'stroke-dasharray:{dash};' if dash else ''}}}.m{at}{{fill:var(--series{at})}}\n"
        for at, dash in enumerate(DASHES)
    )
    shades = "".join(f"td.h{at}{{background:var(--shade{at})}}\n" for at in range(STEPS))
    return f"""
:root{{color-scheme:light dark;{_variables(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;padding:1.5rem;max-width:64rem;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}}
h1,h2{{line-height:1.25;overflow-wrap:anywhere}}
h1{{margin:0 0 .5rem;font-size:1.75rem}}
h2{{margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--rule);font-size:1.3rem}}
p{{margin:.5rem 0;max-width:48rem;overflow-wrap:anywhere}}
header p,.note{{color:var(--soft)}}
a{{color:var(--series0)}}
a:focus-visible,.wide:focus-visible{{outline:2px solid var(--series0);outline-offset:2px}}
nav ol{{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1rem 0;padding:0;list-style:none}}
.headlines{{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}}
.headlines div{{flex:1 1 9rem;padding:.75rem 1rem;border:1px solid var(--rule);border-radius:.5rem;background:var(--panel)}}
.headlines dt{{color:var(--soft)}}
.headlines dd{{margin:0;font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}}
.headlines dd.span{{color:var(--soft);font-size:.875rem;font-weight:400}}
.warning{{padding:.6rem 1rem;border-left:.3rem solid var(--warning);background:var(--warning-panel);color:var(--warning)}}
.missing{{padding:.6rem 1rem;border-left:.3rem solid var(--rule);background:var(--panel);color:var(--soft)}}
.wide{{margin:1rem 0;overflow-x:auto}}
table{{border-collapse:collapse;font-size:.9rem;min-width:min(100%,30rem)}}
caption{{padding:.25rem 0;color:var(--soft);text-align:left}}
th,td{{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}}
thead th{{background:var(--panel);vertical-align:bottom}}
th[scope=row]{{font-weight:500}}
.n{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
thead .n{{white-space:normal}}
.t{{min-width:16rem;max-width:40rem;overflow-wrap:anywhere;white-space:pre-wrap}}
.l{{min-width:12rem;max-width:20rem;overflow-wrap:anywhere}}
{shades}td[class^=h]{{white-space:nowrap;print-color-adjust:exact;-webkit-print-color-adjust:exact}}
figure{{margin:1rem 0}}
figcaption{{max-width:48rem;color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}}
figcaption strong{{color:var(--ink)}}
svg{{display:block;width:100%;max-width:46rem;height:auto;font:13px system-ui,sans-serif}}
svg text{{fill:var(--ink)}}
svg .axis{{fill:var(--soft)}}
svg .grid{{stroke:var(--rule);stroke-width:1}}
svg .ideal{{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:4 4}}
svg .line{{fill:none;stroke-width:2}}
svg .span{{stroke:var(--ink);stroke-width:2}}
{lines}footer{{margin-top:3rem;color:var(--soft);font-size:.875rem}}
@media print{{
:root{{color-scheme:light;{_variables(LIGHT)}}}
@page{{margin:1.5cm}}
body{{max-width:none;padding:0;font-size:10pt}}
nav{{display:none}}
h2,caption,figcaption,section>p{{break-after:avoid}}
figure,tr,.headlines,.warning,.missing{{break-inside:avoid}}
.wide{{overflow:visible}}
.t{{min-width:0}}
}}
"""

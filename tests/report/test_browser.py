"""The page of a report in a real browser: it draws, in both themes and on paper, runs nothing and asks for nothing."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from pathlib import Path

import browsers
import pytest
from emotui.core.report import as_html, build, look, material
from html_pages import found as elements
from justhtml import JustHTML
from PIL import Image
from report_runs import write_whole_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
LABELS = ["<script>document.title='ran'</script>", '"><img src=http://127.0.0.1:9/label.png>', "joy", "anger"]
TEXTS = [
    "<script>document.body.innerHTML='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\"><iframe src=http://127.0.0.1:9/frame></iframe>",
    "</td></table></style><link rel=stylesheet href=http://127.0.0.1:9/sheet.css><base href=http://127.0.0.1:9/>",
    "<svg onload=alert(1)><use href=http://127.0.0.1:9/x.svg#y></svg> javascript:alert(1)",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "العربية ثم עברית ثم 漢字 and 🙂",
]


@pytest.fixture
def browser() -> str:
    path = browsers.found()
    if path is None:
        pytest.skip(f"there is no browser that starts: none of {', '.join(browsers.NAMES)} is on PATH, or what is there does not work")
    return path


@pytest.fixture
def page(emotui_home: Path, tmp_path: Path) -> Path:
    run = write_whole_run(emotui_home, tmp_path / "data", labels=LABELS, texts=TEXTS, rows=48)
    path = tmp_path / "report.html"
    path.write_text(as_html.page(build.report(material.gather(run, "", "validation"))), "utf-8")
    return path


def test_a_hostile_report_runs_nothing_and_asks_for_nothing(browser: str, page: Path, tmp_path: Path) -> None:
    opened = browsers.opened(browser, tmp_path, page)
    assert opened.console == () and opened.asked_for == ()
    document, written = JustHTML(opened.document, sanitize=False), JustHTML(page.read_text("utf-8"), sanitize=False)
    for selector in ("table", "caption", "td", "th", "svg", "section", "h2", "a", "script", "img", "iframe", "link", "base"):
        assert len(elements(document, selector)) == len(elements(written, selector)), selector
    assert elements(document, "title")[0].to_text() == "Run fine77" and not elements(document, "script")
    assert len(elements(document, "svg")) >= 6 and len(elements(document, "table")) >= 12
    text = elements(document, "#rows")[0].to_text()
    assert all(each[:20] in text for each in TEXTS)


def test_what_would_run_or_be_fetched_is_refused_and_seen(browser: str, tmp_path: Path) -> None:
    """What the test above looks at does tell: the same page with a script, an image and an own style says so."""
    from emotui.core.report.content import Report

    page = as_html.page(Report("bad", (), (), ()))
    added = "<script>document.title='ran'</script><p style='color:red'>x</p><img src=http://127.0.0.1:9/x.png>"
    path = tmp_path / "bad.html"
    path.write_text(page.replace("</main>", f"</main>{added}"), "utf-8")
    opened = browsers.opened(browser, tmp_path, path)
    assert len(opened.console) >= 3 and all("Content Security Policy" in line for line in opened.console)
    assert elements(JustHTML(opened.document, sanitize=False), "title")[0].to_text() == "bad"
    path.write_text(re.sub(r"<meta http-equiv[^>]*>", "", page).replace("</main>", f"</main>{added}"), "utf-8")
    opened = browsers.opened(browser, tmp_path, path)
    assert elements(JustHTML(opened.document, sanitize=False), "title")[0].to_text() == "ran"
    assert any(url == "http://127.0.0.1:9/x.png" for url in opened.asked_for)


def test_both_themes_are_drawn_in_their_colours(browser: str, page: Path, tmp_path: Path) -> None:
    themes: list[tuple[browsers.Theme, look.Look]] = [("light", look.LIGHT), ("dark", look.DARK)]
    for theme, expected in themes:
        with Image.open(browsers.drawn(browser, tmp_path, page, theme)) as opened:
            picture = opened.convert("RGB")
        raw = picture.tobytes()
        colors = Counter(f"#{raw[at : at + 3].hex()}" for at in range(0, len(raw), 3))
        total = picture.width * picture.height
        assert colors.most_common(1)[0][0] == expected.page
        assert 0.4 < colors[expected.page] / total < 0.99  # it is not blank
        assert colors[expected.ink] > 500 and colors[expected.panel] > 5_000, theme
        assert len(colors) > 50


def test_it_prints_in_the_light_theme_on_several_pages(browser: str, page: Path, tmp_path: Path) -> None:
    pdf = browsers.printed(browser, tmp_path, page)
    assert pdf.startswith(b"%PDF-") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
    streams = b"".join(_inflated(each) for each in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL))
    dark = " ".join(f"{int(look.DARK.page[at : at + 2], 16) / 255:.3g}".lstrip("0") for at in (1, 3, 5))
    ink = " ".join(f"{int(look.LIGHT.ink[at : at + 2], 16) / 255:.3g}".lstrip("0") for at in (1, 3, 5))
    drawn = streams.decode("latin-1")
    assert _has(drawn, ink) and not _has(drawn, dark)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def _has(drawn: str, color: str) -> bool:
    """Whether a PDF's drawing sets a colour: its parts have more digits there than are compared."""
    parts = [float(each) for each in color.split()]
    found = re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) rg", drawn)
    return any(all(abs(float(a) - b) < 0.003 for a, b in zip(each, parts, strict=True)) for each in found)

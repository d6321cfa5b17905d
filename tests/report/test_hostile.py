"""Whatever a row, a class, a run or a message says stands in a report as text, in HTML and in Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest
from emotui.core.report import as_html, as_markdown, build, look, material
from emotui.core.report.content import Bar, Bars, Column, Headline, Lines, Report, Section, Series, Shaded, Table, Words
from hostile import HOSTILE, RAW
from html_pages import check_tables_and_charts, found, parsed
from markdown_it import MarkdownIt
from report_runs import write_whole_run

TEXTS = (
    *HOSTILE,
    "<script>alert(1)</script>",
    "</style></title></svg></table><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
    "[link](javascript:alert(1)) ![image](http://example.org/x.png)",
    "<a href=javascript:alert(1)>x</a> http://example.org www.example.org",
    "]]> <![CDATA[ --> <!-- <?xml?>",
    "&lt;b&gt; &amp; &#0; &#x1b; &notit; &",
    "# heading\n- item\n1. item\n---\n> quote\n| a | b |\n|---|---|",
    "*strong* _emphasis_ `code` ~~struck~~ $x$ @user \\| \\",
    "{{ 7 * 7 }} {% raw %} ${x}",
    "noncharacters \ufffe \uffff \ufdd0 \U0001fffe",
    "a\u0301" + "\u0301" * 500,
    "العربية ثم עברית ثم 漢字",
    "",
    " ",
)


def whole(text: str) -> Report:
    """Return a report with a text in each place that there is."""
    name = text if text.strip() else "-"
    columns = (Column(name, "name"), Column(name), Column(name, "text"), Column("share"))
    row = (text, text, text, Shaded(text, 0.5))
    series = (Series(text, ((0.0, 1.0), (1.0, 0.5))), Series(text, ((0.5, 0.5),)))
    blocks = (
        Words(text, "warning"),
        Words(text, "missing"),
        Table(name, columns, (row, row)),
        Lines(name, name, text, text, series, has_diagonal=True),
        Bars(name, name, (Bar(text, 0.5, text, (0.4, 0.6)), Bar(text, 0.5, text)), 1.0),
        Bars(name, name, (Bar(text, 0.5, text),), 1.0),
    )
    return Report(name, (text, text), (Headline(text, text, text),), (Section("one", text, blocks),))


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:20]).encode("ascii", "backslashreplace").decode())
def test_text_is_text_in_every_place_of_a_page(text: str) -> None:
    page = as_html.page(whole(text))
    document = parsed(page)
    check_tables_and_charts(document)
    assert len(page) < 100_000 + len(look.sheet())
    if text:
        assert [each.name for each in found(document, "*")] == [each.name for each in found(parsed(as_html.page(whole("plain"))), "*")]
    expected = as_html.safe(text, as_html.LONGEST_NAME)
    if expected.strip() and "&" not in expected:
        assert found(document, "h1")[0].to_text().split() == expected.split()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:20]).encode("ascii", "backslashreplace").decode())
def test_text_is_text_in_every_place_of_a_markdown_file(text: str) -> None:
    content = as_markdown.page(whole(text))
    assert not RAW.search(content.replace("\n", " "))
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shown = [token.type for token in reader.parse(content)]
    assert shown.count("table_open") == 2 and shown.count("heading_open") == 2 and "html_block" not in shown
    assert not {"bullet_list_open", "ordered_list_open", "blockquote_open", "hr", "code_block", "fence"} & set(shown)
    inline = {child.type for token in reader.parse(content) for child in token.children or ()}
    assert inline <= {"text", "text_special", "strong_open", "strong_close"}
    strong = sum(child.type == "strong_open" for token in reader.parse(content) for child in token.children or ())
    assert strong == 6  # two levels, a caption and three charts


def test_a_hostile_run_makes_a_page_of_text(emotui_home: Path, tmp_path: Path) -> None:
    texts = [each for each in TEXTS if each.strip() and each.isprintable() and "\udc80" not in each and len(each) < 5_000] + ["x" * 90_000]
    labels = ["<script>alert(1)</script>", "a|b *c*", "javascript:alert(1)", "right\u202eleft", "&amp;", "]]></style>"]
    run = write_whole_run(emotui_home, tmp_path / "<b>data</b>", "run <img src=x> `a`", labels=labels, texts=texts, rows=48)
    report = build.report(material.gather(run, "", "validation"), 48)
    document = parsed(as_html.page(report))
    check_tables_and_charts(document)
    assert "run <img src=x> `a`" in found(document, "h1")[0].to_text()
    cells = " ".join(each.to_text() for each in found(document, "td"))
    assert "<script>alert(1)</script>" in cells and "(90,000 characters)" in cells
    heads = [each.to_text() for each in found(document, "th")]
    assert "right\ufffdleft" in heads and "a|b *c*" in heads
    content = as_markdown.page(report)
    assert not RAW.search(content.replace("\n", " ")) and "<script" not in content


def test_a_policy_lets_nothing_run_and_nothing_be_fetched() -> None:
    (policy,) = (each.attrs["content"] or "" for each in found(parsed(as_html.page(whole("x"))), "meta") if "http-equiv" in each.attrs)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "style-src", "img-src", "base-uri", "form-action"}
    assert rules["style-src"].startswith("'sha256-") and rules["img-src"] == "data:"

"""Reads a page of HTML as strictly as the standard has it, and looks for all that could act or be fetched."""

from __future__ import annotations

import re

from hostile import RAW
from justhtml import Element, JustHTML

_TAGS = """html head meta title style body header nav main section h1 h2 p a ol li dl div dt dd table caption thead tbody tr th td
figure figcaption strong svg desc line text polyline polygon circle rect path"""
_ATTRIBUTES = """lang charset http-equiv content name id class href role scope dir tabindex aria-label aria-labelledby aria-describedby
xmlns viewBox x y x1 y1 x2 y2 cx cy r d width height points text-anchor transform"""
TAGS, ATTRIBUTES = frozenset(_TAGS.split()), frozenset(_ATTRIBUTES.split())


def parsed(page: str) -> JustHTML:
    """Return a page that has no error at all and nothing in it that could act. Raises AssertionError and StrictModeError."""
    document = JustHTML(page, strict=True, sanitize=False)
    ids: list[str] = []
    links: list[str] = []
    for element in elements(document):
        assert element.name in TAGS, element.name
        attributes = {name: value or "" for name, value in element.attrs.items()}
        assert set(attributes) <= ATTRIBUTES, (element.name, attributes)
        ids += [attributes["id"]] if "id" in attributes else []
        links += [attributes["href"]] if "href" in attributes else []
        links += [f"#{each}" for key in ("aria-labelledby", "aria-describedby") for each in attributes.get(key, "").split()]
    assert len(ids) == len(set(ids))
    assert {link[:1] for link in links} == {"#"} and {link[1:] for link in links} <= set(ids)
    text = page.replace("\n", " ")
    assert not RAW.search(text), repr(RAW.search(text))
    assert not any(ord(each) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(each) <= 0xFDEF for each in text)  # the standard's noncharacters
    assert not re.search(r"(?i)url\(|@import|expression\(", "".join(each.to_text() for each in found(document, "style")))
    return document


def elements(document: JustHTML) -> list[Element]:
    return found(document, "*")


def found(document: JustHTML, selector: str) -> list[Element]:
    return [each for each in document.query(selector) if isinstance(each, Element)]


def check_tables_and_charts(document: JustHTML) -> None:
    """Raise AssertionError unless each table has its caption and heads, and each chart says what it is."""
    for table in found(document, "table"):
        assert [each for each in table.query("caption") if each.to_text().strip()]
        assert all((each.attrs or {}).get("scope") in ("col", "row") and each.to_text().strip() for each in table.query("thead th"))
        rows = table.query("tbody tr")
        heads = len(table.query("thead th"))
        assert all(len(row.query("th")) == 1 and len(row.query("th")) + len(row.query("td")) == heads for row in rows)
    for chart in found(document, "svg"):
        assert chart.attrs["role"] == "img"
        for tag in ("title", "desc"):
            assert next(iter(chart.query(tag))).to_text().strip()

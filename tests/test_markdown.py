"""What is written into a model card is read as the text that it is."""

from __future__ import annotations

import pytest
import yaml
from emotui.core import markdown
from emotui.core.safe_text import safe_line
from hostile import HOSTILE, RAW
from markdown_it import MarkdownIt
from markdown_it.token import Token

TEXTS = (
    *HOSTILE[:-1],
    "learning_rate",
    "snake_case_name",
    "_emphasis_",
    "*strong*",
    "**both**",
    "~~struck~~",
    "`code`",
    "``a`",
    "a|b",
    "\\",
    "\\|",
    "\\*",
    "[link](http://x)",
    "![image](http://x/y.png)",
    "<script>alert(1)</script>",
    "<http://x>",
    "&lt;",
    "&amp",
    "&#27;",
    "http://evil.example/a",
    "www.evil.example",
    "https://x",
    "@user",
    "$x$ $$y$$",
    "# heading",
    "- item",
    "1. item",
    "---",
    "===",
    "> quote",
    "--- | ---",
    "    code",
    "",
    "1e-05",
    "hf:owner/name",
    "C:\\dir",
    "a__b__c",
    "x_",
    "_x",
    "[^1]",
    "[x]: http://y",
    "<!-- -->",
    "]]>",
    "{{a}}",
    "\U0001f642",
    "日本|語",
)


def _inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens if token.type == "inline" for child in token.children or ()]


@pytest.mark.parametrize("text", TEXTS)
def test_a_reader_of_markdown_sees_the_text_and_nothing_else(text: str) -> None:
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shown = safe_line(text).strip()
    card = "\n".join([f"# {markdown.escape(text)}: kind", "", *markdown.table(("a", "b"), [(text, text), ("x", text)]), ""])
    assert not RAW.search(card.replace("\n", " "))
    tokens = reader.parse(card)
    assert sum(token.type == "td_open" for token in tokens) == 4
    children = _inline(tokens)
    assert {child.type for child in children} <= {"text", "text_special"}
    cells = ["".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"]
    assert cells == [f"{shown}: kind" if shown else ": kind", "a", "b", shown, shown, "x", shown]


@pytest.mark.parametrize("text", TEXTS)
def test_code_is_the_text(text: str) -> None:
    children = _inline(MarkdownIt("commonmark").parse(f"Made as {markdown.code(text)}."))
    shown = safe_line(text)
    if shown.strip() and shown.strip("`"):
        assert next(child.content for child in children if child.type == "code_inline").strip() == shown.strip()


def test_what_heads_a_card_is_yaml_without_outside_text() -> None:
    from emotui.core.model import export

    assert yaml.safe_load("\n".join(export.HEAD)) == {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["text-classification", "emotui"],
    }

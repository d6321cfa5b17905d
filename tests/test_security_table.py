"""Each promise in docs/security.md names tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_each_promise_is_held_by_a_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    table = text.partition("| promise | tests |\n| --- | --- |\n")[2].partition("\n\n")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in table.splitlines()]
    assert len(rows) > 15
    for promise, held in rows:
        named = [each.strip().split("::") for each in held.split(",")]
        assert promise.strip()
        for file, name in named:
            tree = ast.parse((ROOT / file).read_text("utf-8"))
            defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in defined, f"{file} has no {name}"

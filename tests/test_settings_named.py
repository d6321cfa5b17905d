"""Errors and notes name settings, not options: the command line and the application each have words of their own for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import emotui.core
import pytest
from emotui.core import hyperparameters
from emotui.core.cli import build_parser, options
from emotui.core.sentences import Setting, option
from emotui.core.specs import BaselineSpec, TrainSpec

CORE = Path(emotui.core.__file__).parent
_PASSED = ("sentences.py", "report/look.py")
"""The table of options, and a style sheet, whose properties begin with two hyphens too."""
MODULES = sorted(
    name for path in CORE.rglob("*.py") if (name := path.relative_to(CORE).as_posix()) not in _PASSED and not name.startswith("cli/")
)
_OPTION = re.compile(r"--[a-z]")
_COMMAND = re.compile(r"\b(?:emotui|pip|loginctl) [^,;()]*")
"""What a user is to type in a shell as it is."""
_OF_OTHERS = ("--ready", "--query-gpu=", "--query-compute-apps=")
"""Options of the supervisor and of nvidia-smi, which no user reads."""


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string, with … for what is put into it; docstrings and words of a command's list are none."""
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(each) for each in node.values}
        if isinstance(node, ast.List | ast.Tuple):
            passed |= {id(each) for each in node.elts}
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)


def names_an_option(text: str) -> bool:
    return bool(_OPTION.search(_COMMAND.sub("", text))) and not text.startswith(_OF_OTHERS)


def test_no_sentence_outside_the_command_line_names_an_option() -> None:
    found = [
        f"{module}, line {line}: {text}"
        for module in MODULES
        for line, text in literals(ast.parse((CORE / module).read_text("utf-8")))
        if names_an_option(text)
    ]
    assert not found, "name the setting by sentences.Setting, or the whole command: " + "; ".join(found)


@cache
def all_options() -> frozenset[str]:
    found: set[str] = {"--offline"}
    for command in options.COMMANDS:
        parsers = build_parser(command)._subparsers
        assert parsers is not None
        waiting = [each for action in parsers._group_actions for each in dict(action.choices or {}).values()]
        for parser in waiting:
            found |= set(parser._option_string_actions)
    return frozenset(found)


def named_settings() -> Iterator[tuple[str, Setting]]:
    """Yield each setting that a module names literally."""
    for module in MODULES:
        for node in ast.walk(ast.parse((CORE / module).read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Setting" and node.args:
                name, *value = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
                if isinstance(name, str):
                    yield module, Setting(name, value[0] if value and isinstance(value[0], bool) else None)


def test_each_setting_that_is_named_has_an_option() -> None:
    found = list(named_settings())
    assert len(found) > 40
    assert not [(module, setting) for module, setting in found if str(setting) not in all_options()]


@pytest.mark.parametrize("spec", [TrainSpec, BaselineSpec])
def test_each_hyperparameter_has_an_option(spec: type) -> None:
    assert not [name for name in hyperparameters.rows(spec) if option(name) not in all_options()]

"""Private names of Textual, its table and rich that the application relies on: a version without one of them is told by name."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from emotui import tui
from emotui.tui.terminal_input import InputParser
from emotui.tui.widgets.row_table import RowTable
from rich.style import Style
from textual import events
from textual.app import App
from textual.binding import BindingsMap
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widgets import Input

FOLDER = Path(inspect.getfile(tui)).parent
APP, TABLE = "the application", "a table"
LABELLED = "a row that is labelled by key is drawn anew"
RELIED_ON: dict[str, tuple[str, str]] = {
    "_bindings": (APP, "help and the palette list the keys of each screen"),
    "_cell_render_cache": (TABLE, LABELLED),
    "_check_action_state": (APP, "help and the palette leave out what cannot be done now"),
    "_clear_caches": (TABLE, "a table shows the rows of the filter before"),
    "_close_messages_no_wait": (APP, "the application ends after a crash"),
    "_compositor": ("a screen", "after a resize the frame that is still of the former size is not taken for the new one"),
    "_debug": ("a driver", "keys are parsed by the application's own parser"),
    "_app": ("a driver", "keys reach the application"),
    "_driver": (APP, "alerts ring the bell, and ctrl+l draws anew"),
    "_exception": (APP, "tests see the first error"),
    "_exception_event": (APP, "tests see the first error"),
    "_exit_renderables": (APP, "no traceback is printed"),
    "_filters": (APP, "what is drawn is cleaned, in 16 colours and in ASCII where a terminal has no more"),
    "_get_row_style": (TABLE, "rows have the colours of a table"),
    "_get_styles_to_render_cell": (TABLE, "the row of the cursor and that below the mouse stand out"),
    "_handle_exception": (APP, "a crash is one sentence"),
    "_keymap": (APP, "help shows the keys of config.toml"),
    "_on_paste": ("a field", "all lines of a paste are taken"),
    "_on_resize": (TABLE, "a table's columns follow its width"),
    "_line_cache": (TABLE, LABELLED),
    "_ordered_columns": (TABLE, "a table shows the columns of the data set before"),
    "_parent": (APP, "keys of one burst go one after the other"),
    "_print_error_renderables": (APP, "no traceback is printed"),
    "_prune": (APP, "work goes on whose widgets are gone"),
    "_pseudo_class_state": (TABLE, "a row is drawn anew when the focus leaves the table"),
    "_require_update_dimensions": (TABLE, "a table is as long as its rows"),
    "_return_code": (APP, "the exit code after a crash is 1"),
    "_row_render_cache": (TABLE, LABELLED),
    "_run_input_thread": ("a driver", "an error while keys are read ends the application"),
    "_show_hover_cursor": (TABLE, "the row below the mouse is drawn"),
    "_tooltip_cache": (TABLE, LABELLED),
    "_update_count": (TABLE, "a row is drawn anew when its text changed"),
    "_workers": (APP, "work goes on whose widgets are gone"),
}
"""Name: who has it, and what breaks without it."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(FOLDER)], "emotui.tui."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def trees() -> Iterator[ast.Module]:
    for path in FOLDER.rglob("*.py"):
        yield ast.parse(path.read_text("utf-8"))


def own_names() -> set[str]:
    """Return the private names that the application gives itself."""
    names: set[str] = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {each.id for each in targets if isinstance(each, ast.Name)}
    return names


def taken_names() -> set[str]:
    """Return the private names that are read and are not the application's own, and those of libraries that its classes replace."""
    read = {node.attr for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Attribute) and private(node.attr)}
    replaced = set[str]()
    for module in modules():
        for _, kind in inspect.getmembers(module, inspect.isclass):
            bases = [base for base in kind.__mro__ if base.__module__.partition(".")[0] in ("textual", "textual_fastdatatable", "rich")]
            if kind.__module__.startswith("emotui."):
                replaced |= {name for name in vars(kind) if private(name) and any(name in vars(base) for base in bases)}
    from_others = {"_asdict", "_replace", "_make", "_fields", "_exit"}  # of named tuples and of os
    generated = {"_decorated_handlers", "_inherit_bindings", "_inherit_component_classes", "_inherit_css", "_merged_bindings", "_reactives"}
    generated |= {"_abc_impl", "_computes", "_css_type_name", "_css_type_names", "_css_bases"}  # Textual gives them to each class
    return (read - own_names() - from_others) | (replaced - generated)


def test_every_private_name_of_a_library_is_in_the_table() -> None:
    assert taken_names() <= set(RELIED_ON)


async def test_libraries_have_the_private_names_that_are_relied_on() -> None:
    class Small(App[None]):
        def compose(self) -> Iterator[RowTable]:
            yield RowTable()

    app = Small()
    async with app.run_test():
        holders: dict[str, object] = {
            APP: app,
            TABLE: app.query_one(RowTable),
            "a screen": app.screen,
            "a style": Style(),
            "a field": Input(),
        }
        holders["a driver"] = LinuxDriver(app)
        lost = {name: why for name, (holder, why) in RELIED_ON.items() if not hasattr(holders[holder], name)}
    assert lost == {}, "this version of a library lacks private names, and with them this breaks"


def test_bindings_are_copied_and_changed_as_help_does() -> None:
    assert isinstance(Screen()._bindings, BindingsMap)
    assert callable(BindingsMap.copy) and callable(BindingsMap.apply_keymap)


@pytest.mark.parametrize(
    ("sent", "typed"),
    [("\x1b[0;;20320u", "你"), ("\x1b[0;;20320:22909u", "你好"), ("\x1b[97;;97u", "a"), ("\x1b[0;;128578u", "🙂")],
    ids=["one", "two", "a letter", "an emoji"],
)
def test_chinese_input_in_kittys_protocol(sent: str, typed: str) -> None:
    """An input method commits text without a key: the key is 0, and colons join the code points, which Textual 8.2.7 lost."""
    told = [*(parser := InputParser()).feed(sent), *parser.tick()]
    assert "".join(each.character or "" for each in told if isinstance(each, events.Key)) == typed

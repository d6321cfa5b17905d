"""Outside text in every place of the application: words, never markup, and never bytes that act on the terminal."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import emotui.tui
import msgspec
import pytest
from emotui.core.questions import AskTokens, ProgressLine, Question
from emotui.core.specs import DataSpec
from emotui.tui.app import EmotuiApp
from emotui.tui.screens.tokens import TokensScreen
from hostile import RAW, drawn
from inspector import Inspector
from monitor import settle
from terminals import Terminal, terminal
from variants import mostly_slow, sizes

SOURCES = sorted(Path(emotui.tui.__file__).parent.rglob("*.py"))
TITLES = ("border_title", "border_subtitle", "tooltip", "sub_title", "title")
MARKED_UP = ("Static", "Label", "OptionList")
"""Widgets of Textual's that take a string for markup unless they are told not to."""
OWN = re.compile(
    rb"\x1b\[\d+;\d+H|\x1b\[[\d;]*m|\x1b\[\?[\d;]+(?:[hl]|\$p)|\x1b\[[<>=?][\d;]*u|\x1b\]22;[a-z-]*\x07|\x1b\]52;c;[A-Za-z0-9+/=]*\x07|\r?\n|\x07"
)


def strays(written: bytes) -> set[str]:
    """Return the characters of all that a terminal was sent that act on it, without the application's own sequences."""
    return set(
        re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", OWN.sub(b"", written).decode("utf-8", "replace"))
    )


@functools.cache
def _makers() -> set[str]:
    """Return the names of the functions of the screens' words that are declared to return a Text; the type checker holds them to it."""
    paths = [path for path in SOURCES if path.name == "words.py"]
    functions = [node for path in paths for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if isinstance(node.returns, ast.Name) and node.returns.id == "Text"}


def _is_text(value: ast.expr) -> bool:
    """Whether an expression makes a Text, or is None."""
    if isinstance(value, ast.IfExp):
        return _is_text(value.body) and _is_text(value.orelse)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _makers():
        return True
    while isinstance(value, ast.Call | ast.Attribute):
        value = value.func if isinstance(value, ast.Call) else value.value
    names = ("Text", "title", "subtitle")
    return (isinstance(value, ast.Constant) and value.value is None) or (isinstance(value, ast.Name) and value.id in names)


def _is_of_state(function: ast.expr) -> bool:
    """Whether a method is one of the application's State, whose `notify` takes no markup, and not Textual's own."""
    of = function.value if isinstance(function, ast.Attribute) else None
    of = of.func if isinstance(of, ast.Call) else of
    return (of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else "").endswith(("state", "state_of"))


def _is_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _faults(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and not _is_text(node.value):
            named = [each.attr for each in node.targets if isinstance(each, ast.Attribute) and each.attr in TITLES]
            found += [f"line {node.lineno}: {each} is no Text" for each in named]
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
            given = {word.arg: word.value for word in node.keywords}
            if (name in MARKED_UP or (name == "notify" and not _is_of_state(node.func))) and not _is_false(given.get("markup")):
                found.append(f"line {node.lineno}: {name} without markup=False")
            if name == "from_markup" or not _is_false(given.get("render_markup", ast.Constant(False))):
                found.append(f"line {node.lineno}: {name} reads markup")
    return found


def test_no_title_and_no_words_are_taken_for_markup() -> None:
    assert {file.name: found for file in SOURCES if (found := _faults(file.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "source",
    ['w.border_title = f"{name}"', "w.border_subtitle = safe_line(x)", "Static(name)", "Label(x)", "app.notify(x)", "Text.from_markup(x)"],
)
def test_the_look_through_the_sources_sees_faults(source: str) -> None:
    assert _faults(source)


MARKUP = ("[@click=app.quit]x[/]", "[/]", "[red]", "[link=http://x]y[/link]", "[", "]", "[[]", "\\[/]", "$x[b", "[@click=app.bell('a')]")
BYTES = ("\x1b]52;c;YQ==\x07", "\x1b]0;title\x07", "\x9b31m", "\u202eleft", "new\nline", "a\tb", "\x1b[2J", "\udcff"[:0] + "\x7f")


class Misnaming(Inspector):
    """Answers with a name of the model's inputs that acts on a terminal."""

    def __init__(self, model: Path, name: str) -> None:
        super().__init__(model)
        self.name = name

    async def ask(self, ask: Question, on_progress: Callable[[ProgressLine], None] | None = None) -> Any:
        answer = await super().ask(ask, on_progress)
        if isinstance(ask, AskTokens):
            subwords = msgspec.structs.replace(answer.subwords, input_names=("input_ids", "attention_mask", self.name))
            return msgspec.structs.replace(answer, subwords=subwords)
        return answer


@pytest.mark.slow
@pytest.mark.parametrize("size", sizes([(120, 36), (80, 24)]))
async def test_an_engine_that_names_inputs_with_hostile_words(emotui_home: Path, tiny_model: Path, size: tuple[int, int]) -> None:
    for name in (*MARKUP, *BYTES):
        app = EmotuiApp(engine=Misnaming(tiny_model, name))
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await pilot.press("2")
            await settle(pilot)
            assert isinstance(app.screen, TokensScreen)
            lines = drawn(app)
            assert not [line for line in lines if RAW.search(line)]
            styles = [segment.style for strip in app.screen._compositor.render_strips() for segment in strip if segment.style]
            assert not [style for style in styles if style.link or any(each.startswith("@") for each in style.meta)]
            if size[0] == 120 and name in MARKUP[:2]:
                assert name in "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    mostly_slow(['te\\xt "quoted"\n\x1b]52;c;YQ==\x07', "[@click=app.quit]x[/]", "te\nxt", "te\x9b31mxt", "te\u202ext"], 2),
)
async def test_a_data_set_whose_column_has_a_hostile_name(emotui_home: Path, tiny_model: Path, tmp_path: Path, name: str) -> None:
    for split in ("train", "validation", "test"):
        rows = [{name: f"{split} row {number} [/] \x1b[2J", "label": ["joy", "sad"][number % 2]} for number in range(12)]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    app = EmotuiApp(engine=Inspector(tiny_model), spec=DataSpec(str(tmp_path)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for key in ("down", "t", "1", "o", "escape", "3", "4", "question_mark", "escape"):
            await pilot.press(key)
            await settle(pilot)
            assert not [line for line in drawn(app) if RAW.search(line)], key


CRASHING = """
import sys
from emotui.tui import app
from emotui.tui.screens import dataset

HOSTILE = "\\x1b]52;c;YQ==\\x07 \\x9b31m \\u202e [/] value of a local"

def fail(*_, **__):
    secret = "the value of a local variable"
    raise ValueError(HOSTILE) if sys.argv[1] != "deep" else RecursionError(HOSTILE)

async def fail_later(*_, **__):
    fail()

where = sys.argv[1]
if where in ("render", "deep"):
    from emotui.tui.widgets.path_strip import PathStrip
    PathStrip.render = fail
elif where == "mount":
    dataset.DatasetScreen.on_mount = fail
elif where == "action":
    app.EmotuiApp.action_theme = fail
elif where == "worker":
    app.EmotuiApp.action_theme = lambda self: self.run_worker(fail_later(), exit_on_error=True) and None
elif where == "timer":
    app.EmotuiApp.action_theme = lambda self: self.set_timer(0.01, fail) and None
elif where == "thread":
    import threading
    app.EmotuiApp.action_theme = lambda self: threading.Thread(target=fail).start()
elif where == "task":
    import asyncio
    def lose(self):
        task = asyncio.get_running_loop().create_task(fail_later())
        del task
    app.EmotuiApp.action_theme = lose
elif where == "input":
    from emotui.tui import terminal_input
    terminal_input.InputParser.feed = fail
elif where == "begin":
    app.RunWatch = fail
elif where == "style":
    app.EmotuiApp.CSS = "this is { no: style"
from emotui.tui.__main__ import main
sys.argv = ["emotui", sys.argv[2]]
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", mostly_slow(["render", "worker", "deep", "mount", "action", "timer", "thread", "task", "input", "begin", "style"], 2)
)
def test_an_error_that_nobody_expected_is_one_sentence_and_a_private_file(
    where: str, emotui_home: Path, tiny_data: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(CRASHING)
    with terminal(str(program), where, str(tiny_data), command=sys.executable) as shown:
        if where in ("action", "worker", "timer", "thread", "task", "input"):
            shown.see("train 90")
            shown.press("T")
        if where in ("thread", "task"):
            shown.press("q")
        assert shown.ended() == 1
    assert strays(shown.raw) == set()
    after = OWN.sub(b"", shown.raw.rpartition(b"\x1b[?1004l")[2]).decode()
    assert "Traceback" not in shown.raw.decode()
    (file,) = (emotui_home / "logs").glob("crash-*.txt")
    said = [line for line in shown.raw.rpartition(b"\x1b[?1004l")[2].splitlines() if line.strip()]
    assert len(said) == 1, after
    assert after.startswith("emotui: unexpected error:")
    assert str(file) in after
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_text("utf-8")
    if where != "style":
        assert "in fail" in kept
    assert not RAW.search(kept.replace("\n", " "))
    assert "the value of a local variable" not in kept.replace('secret = "the value of a local variable"', "")
    if where != "begin":
        assert shown.raw.rindex(b"\x1b[?1049l") > shown.raw.rindex(b"\x1b[?1049h")


@pytest.mark.slow
def test_a_paste_is_text_on_a_real_terminal(emotui_home: Path, tiny_data: Path) -> None:
    with terminal(str(tiny_data)) as shown:
        shown.see("train 90")
        shown.send("\x1b[200~\x1bq\x1b3\x1bn q 3 \x1b[201~q\x1b[201~")
        shown.stand_still()
        shown.press("/")
        _paste(shown, "joy\x1b3\x1bq")
        shown.see("joy␛3␛q")
        assert "train" in shown.text
        shown.press("escape", "escape", "q")
        assert shown.ended() == 0
    assert strays(shown.raw) == set()


@pytest.mark.slow
def test_bytes_that_are_no_unicode_end_nothing(emotui_home: Path, tiny_data: Path) -> None:
    with terminal(str(tiny_data)) as shown:
        shown.see("train 90")
        os.write(shown.main, b"\xff\xfe\xc3\xed\xa0\x80\xf8")
        shown.press("/")
        os.write(shown.main, b"\x1b[200~m\xfcde\xff\x1b[201~")
        shown.see("m\ufffd?de")
        shown.press("escape", "escape", "q")
        assert shown.ended() == 0


def _paste(shown: Terminal, text: str) -> None:
    shown.stand_still()
    shown.send(f"\x1b[200~{text}\x1b[201~")

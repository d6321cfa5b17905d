"""The command line as a whole: help, exit codes, and what a user sees when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from emotui.core.cli import COMMANDS, build_parser, data, main
from emotui.core.errors import UserError

HEAVY = ("torch", "transformers", "sklearn", "datasets", "modelscope", "accelerate", "textual", "rich")
COMMAND = (sys.executable, "-P", "-m", "emotui.tui")


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, **options)


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_explains_with_an_example(command, capsys):
    assert main([command, "--help"] if command else ["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"emotui {command or 'train'} " in out.rpartition("example")[2].replace("\n", " \n")
    assert all(len(line) <= 130 for line in out.splitlines())


def test_help_names_every_command(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"\n    {name}{end}" in out for name in COMMANDS for end in (" " if len(name) < 9 else "\n"))  # a long one has its own line


@pytest.mark.parametrize("command", [(), ("data",), ("train",), ("predict",), ("runs",), ("doctor",)])
def test_help_loads_nothing_heavy(command):
    """So that it answers in 0.3 s, which the bench measures."""
    code = (
        "import sys\n"
        f"sys.argv = ['emotui', *{list(command)!r}, '--help']\n"
        "from emotui.tui.__main__ import main\n"
        "assert main() == 0\n"
        "sys.stderr.write(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    loaded = result.stderr.split()
    assert "argparse" in loaded
    assert not {*HEAVY, "numpy", "pyarrow", "asyncio"} & set(loaded)


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["last", "--json", "one", "two"], ["one", "two"]),
        (["--json", "last", "one", "--debug", "two"], ["one", "two"]),
        (["last", "--json", "--", "--text", "-1"], ["--text", "-1"]),
        (["last", "--json"], []),
    ],
)
def test_options_may_stand_between_a_run_and_its_texts(words, texts):
    arguments = build_parser("predict").parse_args(["predict", *words])
    assert (arguments.run, list(arguments.texts), arguments.json) == ("last", texts, True)


@pytest.mark.parametrize(("words", "name"), [(["--out=--"], "out"), (["--filter=--"], "filter"), (["--model=--"], "model")])
def test_an_option_may_be_two_dashes(words, name):
    assert getattr(build_parser("data").parse_args(["data", "starter", *words]), name) == "--"
    assert build_parser("export").parse_args(["export", "last", "--", "--"]).folder == "--"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "a", "b"], "unrecognized arguments: b. For usage: emotui show --help"),
        (["runs", "--jsn"], "unrecognized arguments: --jsn. For usage: emotui runs --help"),
        (["predict", "--json"], "the following arguments are required: RUN. For usage: emotui predict --help"),
    ],
)
def test_a_wrong_word_names_the_command_whose_help_is_needed(words, message, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err == f"emotui: {message}\n"


def test_a_locale_without_the_letters_of_an_argument_is_named_as_the_cause():
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = run("predict", "last", "caf\u00e9", env=ascii_only)
    assert result.returncode == 2
    assert result.stderr.startswith("emotui: argument 3 is not valid ASCII: caf")
    assert result.stderr.endswith(". Set PYTHONUTF8=1 or another locale\n")


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("emotui ")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["trian"], "Did you mean: emotui train"),
        (["no-such-thing"], "there is no command and no data set 'no-such-thing'"),
        (["starter"], "opening starter needs a terminal"),
        (["train"], "DATASET"),
        (["train", "starter", "--epochs", "0"], "--epochs: '0' is not a whole number from 1 to 1,000"),
        (["train", "starter", "--lr", "nan"], "--lr"),
        (["train", "starter", "--device", "gpu"], "--device"),
        (["train", "starter", "--precision", "int8"], "--precision"),
        (["train", "starter", "--ep", "3"], "--ep"),
        (["data", "/no/such/place"], "/no/such/place"),
        (["data", "starter", "--labels", "a,a"], "different names"),
        (["data", "starter", "--no-tokens", "--model", "starter"], "--no-tokens"),
        (["train", "starter", "--model", "/no/such/model"], "/no/such/model"),
        (["train", "starter", "--model", "/"], "config.json"),
        (["predict", "last", "a", "--json", "--jsonl"], "--jsonl"),
        (["predict", "last", "a", "--file", "x.csv", "--out", "y.csv"], "not both"),
        (["predict", "last", "--file", "x.csv"], "--out"),
        (["show", "nope"], "there is no run"),
        (["evaluate", "last", "--split", "nope"], "--split"),
        (["tokens", "a\udc80b"], "not valid UTF-8"),
        (["tokens", "a", "--model\x1b[2J"], "␛"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(argv, sentence, emotui_home, capsys):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
    assert err.startswith("emotui: ")
    assert "\x1b" not in err
    assert not emotui_home.exists() or not any(emotui_home.glob("runs/*"))


def fail_unexpectedly(*_):
    raise ZeroDivisionError("division by \x1b zero")


def test_an_unexpected_error_is_a_sentence_and_a_traceback_only_with_debug(monkeypatch, capsys, emotui_home):
    monkeypatch.setattr(data, "describe", fail_unexpectedly)
    assert main(["data", "starter"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "ZeroDivisionError: division by ␛ zero" in err
    (file,) = (emotui_home / "logs").glob("crash-*.txt")
    assert f"The details are in {file}" in err
    assert "fail_unexpectedly" in file.read_text("utf-8")
    assert "\x1b" not in file.read_text("utf-8")
    assert "Traceback" not in err
    assert main(["data", "starter", "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "fail_unexpectedly" in err
    assert "\x1b" not in err


def interrupt(*_):
    raise KeyboardInterrupt


def refuse(*_):
    raise UserError("the check failed", exit_code=1)


@pytest.mark.parametrize(("failure", "code"), [(interrupt, 130), (refuse, 1)])
def test_exit_codes(failure, code, monkeypatch, capsys, emotui_home):
    monkeypatch.setattr(data, "describe", failure)
    assert main(["data", "starter"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error(emotui_home):
    script = f"{sys.executable} -P -m emotui.tui data starter --no-tokens --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
    assert result.stdout == "{0\n"
    assert result.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_cannot_be_written_is_a_sentence(emotui_home):
    with open("/dev/full", "w") as full:
        result = subprocess.run([*COMMAND, "check", "starter"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "emotui: stdout cannot be written: No space left on device"


def test_output_in_ascii_where_the_terminal_has_nothing_else(emotui_home):
    result = run("data", "starter", "--no-tokens", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "###" in result.stdout
    assert "=#=" in result.stdout

"""A command that is printed or copied is, in bash and in zsh, the words that it was made of."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from emotui.core import shell
from emotui.core.cli import build_parser
from emotui.core.safe_text import safe_text
from emotui.core.specs import BaselineSpec, DataSpec, TrainSpec
from emotui.tui.screens.run_command import command_of, words_of

WORDS = (
    "plain",
    "two words",
    " in front",
    "behind ",
    "'",
    "''",
    "it's",
    '"',
    "\\",
    "\\'",
    "\\n",
    "$HOME",
    "${HOME}",
    "$(id)",
    "`id`",
    "$((1+1))",
    "!",
    "!!",
    "!-1",
    "'!'",
    "a!\tb",
    "#c",
    "~",
    "~root",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "a;b",
    "a&b",
    "a|b",
    "<a",
    ">a",
    "(a)",
    "-",
    "--",
    "-x",
    "--model",
    "--labels=a,b",
    "=ls",
    "a=b",
    "A=b",
    "^a^b",
    "%1",
    "@",
    ":",
    ",",
    "",
    "new\nline",
    "\n",
    "tab\t",
    "\r",
    "\x1b]52;c;YQ==\x07",
    "\x01\x02\x7f",
    "\x80\x9b",
    "\u202e",
    "\u2028",
    "\ufeff",
    "\udcff\udc80",
    "a\udce9b'!",
    "日本",
    "🙂",
    "👩\u200d👧",
    "e\u0301",
    "$'a'",
    "a\\\n",
    "\x1b1",
    "\x01f",
    "\udcffab",
    "x" * 5_000,
)
SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")) for name in ("bash", "zsh")
]


def given_to(name: str, commands: list[str], folder: Path) -> list[list[str]]:
    """Return the words that a shell makes of each command."""
    program = folder / "show"
    program.write_text('#!/bin/sh\nprintf "%s\\0" "$@" >> "$OUT"\nprintf "\\1\\0" >> "$OUT"\n')
    program.chmod(0o755)
    script = folder / "script"
    script.write_text("".join(f"{program} {each}\n" for each in commands), "utf-8", newline="")
    out = folder / "out"
    flags = ["--norc", "--noprofile"] if name == "bash" else ["-f"]
    environment = {"PATH": os.environ["PATH"], "OUT": str(out), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run([name, *flags, str(script)], env=environment, check=True, timeout=120)
    parts = out.read_bytes().split(b"\0\1\0")[:-1] if commands else []
    return [[os.fsdecode(word) for word in part.split(b"\0")] for part in parts]


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_takes_a_quoted_word_for_the_word(name: str, tmp_path: Path) -> None:
    draw = random.Random(7)
    mixed = ["".join(draw.choices((*WORDS[:-1], "a", "0", "f"), k=4)) for _ in range(300)]
    words = [*WORDS, *mixed]
    given = given_to(name, [f"x {shell.quote(word)} y" for word in words], tmp_path)
    assert given == [["x", word, "y"] for word in words]


@pytest.mark.parametrize("name", SHELLS)
def test_an_interactive_shell_with_a_history_does_too(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [word for word in WORDS if len(word) < 1_000]
    typed = "".join(f"printf '%s\\0' {shell.quote(word)} >> {out}\n" for word in words) + "exit\n"
    flags = ["--norc", "--noprofile", "-i"] if name == "bash" else ["-f", "-i"]
    if name == "bash":
        typed = "set -o history -o histexpand\n" + typed
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(tmp_path), "TERM": "dumb", "HISTFILE": "/dev/null"}
    subprocess.run([name, *flags], input=os.fsencode(typed), env=environment, capture_output=True, timeout=120, start_new_session=True)
    assert [os.fsdecode(word) for word in out.read_bytes().split(b"\0")[:-1]] == words


def test_a_quoted_word_is_one_line_that_acts_on_no_terminal() -> None:
    for word in WORDS:
        quoted = shell.quote(word)
        assert safe_text(quoted) == quoted
        assert "\n" not in quoted
        assert "\t" not in quoted


@pytest.mark.parametrize("name", SHELLS)
def test_the_copied_command_is_the_job(name: str, tmp_path: Path) -> None:
    jobs = [
        make(DataSpec(word, text_column=word, label_column=word, labels=("a" + word.replace(",", "."), "b")), model=word)
        for word in WORDS
        if word and word != "--" and len(word) < 1_000  # of which argparse makes nothing, as the value of an option too
        for make in (TrainSpec, BaselineSpec)
    ]
    given = given_to(name, [command_of(job) for job in jobs], tmp_path)
    for job, words in zip(jobs, given, strict=True):
        assert words == words_of(job)
        arguments = build_parser(words[1]).parse_args(words[1:])
        assert arguments.dataset == ("./" if job.data.source.startswith("-") else "") + job.data.source
        assert arguments.model == job.model
        assert (arguments.text_column, arguments.label_column) == (job.data.text_column, job.data.label_column)

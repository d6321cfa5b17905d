"""Commands are run only where nobody else can change them, their scripts, or the folders on the way to them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from emotui.core import config, ownership
from emotui.core.errors import UserError

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")
OTHER = 54_321


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for folder in ("a/b/config", "a/b/scripts"):
        (tmp_path / folder).mkdir(parents=True, mode=0o755)
    script = tmp_path / "a/b/scripts/notify.sh"
    script.write_text("#!/bin/sh\ntrue\n")
    script.chmod(0o755)
    return tmp_path / "a" / "b"


def read(place: Path, command: str) -> config.Config:
    file = place / "config" / "config.toml"
    file.write_text(f"on_event = '''{command}'''\n")
    file.chmod(0o644)
    return config.read(file)


COMMANDS = {
    "whole path": "{scripts}/notify.sh",
    "relative path": "../scripts/notify.sh --loud",
    "by sh": "sh {scripts}/notify.sh",
    "by python": "python3 -u {scripts}/notify.sh",
    "with variables": "A=1 nohup env B=2 {scripts}/notify.sh",
    "with a time": "timeout 20 bash -e {scripts}/notify.sh",
    "sourced": ". {scripts}/notify.sh",
    "quoted": '"{scripts}/notify.sh" x',
    "by a link": "{scripts}/link",
    "after another": "true; {scripts}/notify.sh",
    "without a space": "true;{scripts}/notify.sh&",
    "on a line of its own": "true\n{scripts}/notify.sh",
    "where another succeeds": "true && sh {scripts}/notify.sh",
    "where another fails": "false || {scripts}/notify.sh",
    "in a pipe": "cat | {scripts}/notify.sh | cat",
    "in parentheses": "(cd / && {scripts}/notify.sh)",
    "in braces": "{{ {scripts}/notify.sh; }}",
    "in a substitution": "echo $({scripts}/notify.sh)",
    "in quoted backticks": 'echo "`{scripts}/notify.sh`"',
    "in a condition": "if {scripts}/notify.sh; then true; fi",
    "in a branch": "if true; then {scripts}/notify.sh; fi",
    "by a shell's -c": 'sh -c "true; {scripts}/notify.sh"',
    "by xargs": "xargs -n 1 {scripts}/notify.sh",
    "by another program": "flock /dev/null {scripts}/notify.sh",
    "by a variable": "$SCRIPTS/notify.sh",
    "by a variable in braces": '"${{SCRIPTS}}/notify.sh"',
    "behind a file": "true < /dev/null; {scripts}/notify.sh",
    "behind a number sign": "echo run#1; {scripts}/notify.sh",
    "bad quoting": '{scripts}/notify.sh "',
}
CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "script for the group": (lambda place: (place / "scripts/notify.sh").chmod(0o775), "other users may write to .*notify.sh"),
    "script for all": (lambda place: (place / "scripts/notify.sh").chmod(0o777), "other users may write to .*notify.sh"),
    "its folder": (lambda place: (place / "scripts").chmod(0o777), "other users may write to the folder .*scripts"),
    "the folder above": (lambda place: place.chmod(0o777), "other users may write to the folder .*b. "),
    "two above": (lambda place: place.parent.chmod(0o777), "other users may write to the folder .*a. "),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_script_that_others_may_change_is_refused(place: Path, command: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTS", str(place / "scripts"))
    (place / "scripts" / "link").symlink_to("notify.sh")
    words = COMMANDS[command].format(scripts=place / "scripts")
    assert read(place, words).on_event == words
    make, sentence = CHANGES[change]
    make(place)
    with pytest.raises(UserError, match=f"^on_event.*{sentence}"):
        read(place, words)


def test_the_folder_of_the_settings_counts_too(place: Path) -> None:
    (place / "config").chmod(0o777)
    with pytest.raises(UserError, match=r"other users may write to the folder .*config"):
        read(place, "true")
    (place / "config").chmod(0o1777)  # nobody can put another file in the place of ours there
    assert read(place, "true").on_event == "true"
    (place / "config").chmod(0o755)
    (place / "elsewhere").mkdir()
    (place / "elsewhere").chmod(0o777)
    (place / "elsewhere" / "link").symlink_to(place / "config" / "config.toml")
    with pytest.raises(UserError, match=r"other users may write to the folder .*elsewhere"):
        config.read(place / "elsewhere" / "link")


@AS_ROOT
@pytest.mark.parametrize("path", ["config/config.toml", "config", "scripts/notify.sh", "scripts", ""])
def test_what_belongs_to_another_user_is_refused(place: Path, path: str) -> None:
    assert read(place, "../scripts/notify.sh")
    os.chown(place / path, OTHER, OTHER)
    with pytest.raises(UserError, match="belongs to another user"):
        config.read(place / "config" / "config.toml")


@pytest.mark.parametrize(
    "command", ["true", "echo x > /dev/null", "no-such-command", "if true; then :; fi", "{ :; }", "cat | mail -s hi me"]
)
def test_usual_commands_pass(place: Path, command: str) -> None:
    assert read(place, command).on_event == command


def test_a_file_that_a_command_only_reads_or_writes_may_be_everybodys(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDLESS", "$ENDLESS again")
    (place / "log").write_text("")
    (place / "log").chmod(0o666)
    for command in (f"cat >> {place}/log", f"mail -s x me < {place}/log 2>&1", f"cp /dev/stdin {place}/log", "echo $ENDLESS"):
        assert read(place, command).on_event == command


def test_a_program_of_the_path_is_found_there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{place / 'scripts'}:{os.environ['PATH']}")
    assert read(place, "notify.sh").on_event
    (place / "scripts").chmod(0o777)
    with pytest.raises(UserError, match=r"other users may write to the folder .*scripts"):
        ownership.check_command("notify.sh", place, "on_event:")

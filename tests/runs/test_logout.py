"""Where logind would end a run at logout it is said, and --scope keeps the run."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from emotui.core.cli import follow, machine, main
from emotui.core.cli.output import Output
from emotui.core.errors import UserError
from emotui.core.runs import launch, logout

from .conftest import SUPERVISOR, Runs

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
MANAGER = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/terminal.scope\n"
KILLS = "[Login]\nKillUserProcesses=yes\n"


def system(root: Path, files: dict[str, str], group: str = SESSION, *, lingers: bool = False) -> Path:
    """Write the files of a machine that systemd started, below `root`."""
    (root / "run/systemd/system").mkdir(parents=True)
    for name, content in {**files, "proc/self/cgroup": group}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    if lingers:
        (root / "var/lib/systemd/linger").mkdir(parents=True)
        (root / "var/lib/systemd/linger/ada").touch()
    return root


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        ({}, False),
        ({"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\n"}, False),
        ({"etc/systemd/logind.conf": KILLS}, True),
        ({"etc/systemd/logind.conf": "[Login]\nKillUserProcesses = True\n"}, True),
        ({"etc/systemd/logind.conf": "[Other]\nKillUserProcesses=yes\n"}, False),
        ({"usr/lib/systemd/logind.conf": KILLS}, True),
        ({"usr/lib/systemd/logind.conf": KILLS, "etc/systemd/logind.conf": "[Login]\n"}, False),
        ({"usr/lib/systemd/logind.conf.d/10-a.conf": KILLS, "etc/systemd/logind.conf": "[Login]\n"}, True),
        ({"etc/systemd/logind.conf": KILLS, "usr/lib/systemd/logind.conf.d/10-a.conf": "[Login]\nKillUserProcesses=no"}, False),
        ({"etc/systemd/logind.conf.d/10-a.conf": KILLS, "usr/lib/systemd/logind.conf.d/20-b.conf": "[Login]\nKillUserProcesses=no"}, False),
        ({"usr/lib/systemd/logind.conf.d/10-a.conf": KILLS, "etc/systemd/logind.conf.d/10-a.conf": ""}, False),
        ({"etc/systemd/logind.conf": KILLS + "KillOnlyUsers=bob\n"}, False),
        ({"etc/systemd/logind.conf": KILLS + "KillOnlyUsers=bob ada\n"}, True),
        ({"etc/systemd/logind.conf": KILLS + "KillOnlyUsers=bob\nKillOnlyUsers=\n"}, True),
        ({"etc/systemd/logind.conf": KILLS + "KillExcludeUsers=root ada\n"}, False),
    ],
)
def test_the_last_setting_counts(tmp_path: Path, files: dict[str, str], kills: bool) -> None:
    assert (logout.threat(system(tmp_path, files), "ada") is not None) == kills


def test_root_is_left_alone_and_so_is_a_machine_without_systemd(tmp_path: Path) -> None:
    root = system(tmp_path, {"etc/systemd/logind.conf": KILLS})
    assert logout.threat(root, "root") is None
    (root / "run/systemd/system").rmdir()
    assert logout.threat(root, "ada") is None


@pytest.mark.parametrize(
    ("group", "lingers", "remedy"),
    [
        (SESSION, False, "Start runs with --scope, after: loginctl enable-linger"),
        (SESSION, True, "Start runs with --scope"),
        ("3:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n", True, "Start runs with --scope"),
        (MANAGER, False, "Keep them with: loginctl enable-linger"),
        (MANAGER, True, None),
        ("0::/system.slice/cron.service\n", False, None),
        ("0::/\n", False, None),
    ],
)
def test_the_remedy_is_for_where_one_is(tmp_path: Path, group: str, lingers: bool, remedy: str | None) -> None:
    root = system(tmp_path, {"etc/systemd/logind.conf": KILLS}, group, lingers=lingers)
    found = logout.threat(root, "ada")
    assert (str(found[1]) if found else None) == remedy
    said = logout.warning(scope=False, root=root, user="ada")
    assert str(said) == (f"logind ends the processes of ada at logout (KillUserProcesses=yes), including runs. {remedy}" if remedy else "")
    with_scope = logout.warning(scope=True, root=root, user="ada")
    assert ("loginctl enable-linger" in str(with_scope)) == (not lingers)


def test_doctor_and_the_start_say_it(monkeypatch: pytest.MonkeyPatch, emotui_home: Path) -> None:
    monkeypatch.setattr(logout, "threat", lambda *_: ("logind ends it", "Start runs with --scope"))
    assert [(each.level, each.message, each.remedy) for each in machine.settings_problems()] == [
        ("warning", "logind ends it", "Start runs with --scope")
    ]
    said = io.StringIO()
    follow.warn_of_logout(Output(io.StringIO(), said), scope=False)
    assert said.getvalue() == "logind ends it. Start runs with --scope\n"


def systemd_run(folder: Path) -> Path:
    """Write a systemd-run that notes its arguments and becomes the command after them; return where it notes them."""
    noted = folder / "noted.json"
    script = folder / "bin" / "systemd-run"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        f"open({str(noted)!r}, 'w').write(json.dumps(sys.argv[1:]))\n"
        "at = sys.argv.index('--') + 1\n"
        "os.execv(sys.argv[at], sys.argv[at:])\n"
    )
    script.chmod(0o755)
    return noted


def test_a_run_in_a_scope_is_started_under_systemd_run(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = systemd_run(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    run = launch.start(runs.job(accident="crash"), data_hash="", labels=("a", "b"), scope=True, supervisor=SUPERVISOR)
    runs.made.append(run)
    assert runs.end(run).state == "failed"
    arguments = json.loads(noted.read_text())
    assert arguments[:5] == ["--user", "--scope", "--quiet", "--collect", "--"]
    assert arguments[5 : 6 + len(SUPERVISOR)] == [*SUPERVISOR, str(run.path)]
    noted.unlink()
    launch.resume(run, scope=True, supervisor=SUPERVISOR)
    assert runs.end(run).state == "finished"
    assert noted.exists()


def test_a_systemd_run_that_fails_is_said(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd_run(tmp_path)
    (tmp_path / "bin/systemd-run").write_text("#!/bin/sh\necho 'Failed to connect to user scope bus' >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(UserError, match="Failed to connect to user scope bus"):
        launch.start(runs.job(), data_hash="", labels=("a", "b"), scope=True, supervisor=SUPERVISOR)


@pytest.mark.parametrize("command", ["train", "baseline"])
def test_without_systemd_run_a_scope_is_refused(
    command: str, tiny_data: Path, tiny_model: Path, emotui_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([command, str(tiny_data), "--model", str(tiny_model), "--scope"]) == 2
    assert "--scope needs systemd-run, which is not installed" in capsys.readouterr().err
    assert not list((emotui_home / "runs").glob("*"))


def test_without_systemd_run_resuming_in_a_scope_is_refused(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    run = runs.start(accident="crash")
    runs.end(run)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["resume", run.id, "--scope"]) == 2
    assert "--scope needs systemd-run" in capsys.readouterr().err

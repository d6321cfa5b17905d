"""Names that must not be written to, given to every command that writes: a sentence each, and nothing anywhere is touched."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from emotui.core import paths
from emotui.core.cli import main
from emotui.core.engine import client
from emotui.core.runs import folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec


@dataclass
class Place:
    """A home, a working folder, a data set, texts and a run, all below `root`."""

    root: Path
    work: Path
    data: Path
    texts: Path
    run: RunFolder

    def tree(self) -> str:
        """Return a hash over every name, kind, mode, inode, link and content below the root."""
        digest = hashlib.sha256()
        for path in sorted(self.root.rglob("*")):
            status = path.lstat()
            digest.update(f"{path} {status.st_mode} {status.st_ino} {status.st_nlink}\n".encode("utf-8", "surrogateescape"))
            if path.is_symlink():
                digest.update(os.fsencode(os.readlink(path)))
            elif path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()


@pytest.fixture
def place(emotui_home: Path, tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    work = tmp_path / "user" / "work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "i feel great"}\n')
    run = folder.create(TrainSpec(DataSpec("starter"), "starter"), data_hash="", labels=("a", "b"), versions={})
    for path in (run.path / "events.jsonl", run.model / "config.json", run.model / "model.safetensors", run.predictions_file("test")):
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_bytes(b"{}")
    elsewhere = tmp_path / "elsewhere" / "run-from-a-tarball"
    shutil.copytree(run.path, elsewhere)
    for own in (paths.downloads_folder() / "models", paths.cache_folder(), paths.home() / "logs"):
        own.mkdir(parents=True, mode=0o700)
    (paths.home() / "run-notes.json").write_text("{}")
    (tmp_path / "config.toml").write_text("alerts = false\n")
    (work / "to-run").symlink_to(run.path)
    (work / "to-model").symlink_to(run.model)
    (work / "to-home").symlink_to(tmp_path / "user")
    (work / "to-texts").symlink_to(texts)
    (work / "to-data").symlink_to(data)
    (work / "loop").symlink_to("loop")
    (work / "to-device").symlink_to("/dev/null")
    os.link(texts, work / "hard-texts")
    os.mkfifo(work / "pipe")
    (work / "full").mkdir()
    (work / "full" / "thesis.tex").write_text("ten years")
    (work / "full" / "config.json").write_text("{}")
    (work / "listed").mkdir()
    (work / "listed" / "thesis.tex").write_text("ten years")
    (work / "listed" / "emotui-export.json").write_text('{"run": "x", "files": ["README.md"]}')

    def no_engine(*_: object, **__: object) -> None:
        raise AssertionError("the name went as far as to the engine")

    monkeypatch.setattr(client, "ask_once", no_engine)
    monkeypatch.setattr(client.Session, "ask", no_engine)
    return Place(tmp_path, work, data, texts, run)


ANY: dict[str, Callable[[Place], str]] = {
    "empty": lambda place: "",
    "a space": lambda place: "  ",
    "working folder": lambda place: ".",
    "working folder with a slash": lambda place: "./",
    "working folder spelled out": lambda place: str(place.work),
    "folder above": lambda place: "..",
    "two above": lambda place: "../..",
    "root": lambda place: "/",
    "thousands of folders": lambda place: "x/" * 1_500 + "out.csv",
    "root with dots": lambda place: "/../..",
    "home": lambda place: "~",
    "home by a link": lambda place: "to-home",
    "unknown home": lambda place: "~nosuchuser",
    "below an unknown home": lambda place: "~nosuchuser/out.csv",
    "emotui's folder": lambda place: str(paths.home()),
    "above emotui's folder": lambda place: str(paths.home().parent),
    "runs": lambda place: str(paths.runs_folder()),
    "new in runs": lambda place: str(paths.runs_folder() / "out.csv"),
    "new in downloads": lambda place: str(paths.downloads_folder() / "out.csv"),
    "new below downloads": lambda place: str(paths.downloads_folder() / "models" / "out.csv"),
    "new in the cache": lambda place: str(paths.cache_folder() / "out.csv"),
    "new in the logs": lambda place: str(paths.home() / "logs" / "out.csv"),
    "new in the overlays": lambda place: str(paths.home() / "overlays" / "out.csv"),
    "new in the faults": lambda place: str(paths.home() / "faults" / "out.csv"),
    "notes": lambda place: str(paths.home() / "run-notes.json"),
    "config": lambda place: str(paths.config_file()),
    "run": lambda place: str(place.run.path),
    "run by a link": lambda place: "to-run",
    "run with dots": lambda place: f"{place.run.model}/../../{place.run.id}",
    "new in the run": lambda place: str(place.run.path / "out.csv"),
    "new in the run by a link": lambda place: "to-run/out.csv",
    "model": lambda place: str(place.run.model),
    "model by a link": lambda place: "to-model",
    "new in the model": lambda place: "to-model/out.csv",
    "file of the model": lambda place: str(place.run.model / "config.json"),
    "predictions": lambda place: str(place.run.predictions_file("test")),
    "checkpoints": lambda place: str(place.run.checkpoints),
    "control": lambda place: str(place.run.control / "stop"),
    "run elsewhere": lambda place: str(place.root / "elsewhere" / "run-from-a-tarball"),
    "in a run elsewhere": lambda place: str(place.root / "elsewhere" / "run-from-a-tarball" / "model" / "out.csv"),
    "link that leads nowhere": lambda place: "loop",
    "through such a link": lambda place: "loop/out.csv",
    "device": lambda place: "/dev/null",
    "device by a link": lambda place: "to-device",
    "pipe": lambda place: "pipe",
    "too long": lambda place: "x" * 300 + ".csv",
    "below a file": lambda place: str(place.texts / "out.csv"),
    "NUL": lambda place: "out\0.csv",
}
FILE: dict[str, Callable[[Place], str]] = {
    "name of a folder": lambda place: "out.csv/",
    "folder": lambda place: "full",
    "no such folder": lambda place: "missing/out.csv",
}
FOLDER: dict[str, Callable[[Place], str]] = {
    "file": lambda place: str(place.texts),
    "folder with other things": lambda place: "full",
    "marked folder with other things": lambda place: "listed",
}
COMMANDS: dict[str, tuple[Callable[[Place, str], list[str]], dict[str, Callable[[Place], str]]]] = {
    "predict": (
        lambda place, name: ["predict", place.run.id, "--file", str(place.texts), f"--out={name}"],
        FILE | {"source": lambda place: str(place.texts), "source by a link": lambda p: "to-texts", "hard link": lambda p: "hard-texts"},
    ),
    "data": (
        lambda place, name: ["data", str(place.data), "--filter", "label:joy", f"--out={name}"],
        FILE
        | {"source": lambda p: str(p.data / "train.jsonl"), "in the source": lambda p: "to-data/out.csv", "whole": lambda p: "to-data"},
    ),
    "overlay": (
        lambda place, name: ["overlay", "export", str(place.data), f"--out={name}"],
        FILE
        | {"source": lambda p: str(p.data / "train.jsonl"), "in the source": lambda p: "to-data/out.csv", "whole": lambda p: "to-data"},
    ),
    "tokens": (
        lambda place, name: ["tokens", "--data", str(place.data), f"--save={name}"],
        FOLDER | {"source": lambda place: str(place.data), "in the source": lambda place: "to-data/tokens"},
    ),
    "report": (lambda place, name: ["report", place.run.id, "--format=html", f"--out={name}"], {"no such folder": FILE["no such folder"]}),
    "export": (lambda place, name: ["export", place.run.id, name], FOLDER),
    "overwrite": (lambda place, name: ["export", place.run.id, name, "--overwrite"], FOLDER),
}
INTO = {"root", "root with dots", "home", "home by a link", "folder above", "two above", "emotui's folder", "above emotui's folder"}
INTO |= {"working folder", "working folder with a slash", "working folder spelled out"}
"""Folders that a report may be put into."""
TRIES = [(command, what) for command, (_, more) in COMMANDS.items() for what in (ANY | more)]


def test_there_are_many_tries() -> None:
    assert len(TRIES) >= 240


@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_name_gets_a_sentence_and_nothing_is_touched(place: Place, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, more = COMMANDS[command]
    before = place.tree()
    for what, name in (ANY | more).items():
        if command == "report" and what in INTO:
            continue
        code = main(words(place, name(place)))
        said = capsys.readouterr()
        assert code == 2, (what, said)
        assert said.out == "" and said.err.startswith("emotui: ") and said.err.count("\n") == 1, (what, said)
        assert "did not expect" not in said.err and "Traceback" not in said.err, what
        assert place.tree() == before, what


def test_a_good_name_is_taken(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", str(place.data), "--filter", "label:joy", "--out", "joy.csv"])
    assert (place.work / "joy.csv").read_text().startswith("split,text,label\n")
    (place.work / "latest.csv").symlink_to("january.csv")
    assert main(["data", str(place.data), "--filter", "label:joy", "--out", "~/work/latest.csv"]) == 0
    assert (place.work / "latest.csv").is_symlink() and (place.work / "january.csv").is_file()
    assert main(["export", place.run.id, "exported"]) == 1  # the engine is asked, which is not there
    assert main(["predict", place.run.id, "--file", str(place.texts), "--out", "answers.csv"]) == 2
    assert "has no model yet" in capsys.readouterr().err
    assert not [path for path in place.work.iterdir() if path.name.startswith(".")]


NOBODY = "~nosuchuser/x"


@pytest.mark.parametrize(
    "words",
    [
        ["data", NOBODY],
        ["data", NOBODY + ".csv", "--no-tokens"],
        ["check", NOBODY],
        ["data", "starter", "--model", NOBODY],
        ["tokens", "a", "--model", NOBODY],
        ["tokens", "--data", NOBODY],
        ["tokens", "--data", "starter", "--save", NOBODY],
        ["train", NOBODY],
        ["train", "starter", "--model", NOBODY],
        ["baseline", NOBODY],
        ["baseline", "starter", "--model", NOBODY],
        ["predict", "last", "--file", NOBODY, "--out", "out.csv"],
        ["predict", "RUN", "--file", "TEXTS", "--out", NOBODY],
        ["export", "RUN", NOBODY],
        ["report", "RUN", "--out", NOBODY],
        ["report", NOBODY],
        *([each, NOBODY] for each in ("show", "watch", "stop", "resume", "evaluate", "predict")),
        ["show", "~nosuchuser"],
        ["export", NOBODY, "out"],
    ],
    ids=" ".join,
)
def test_a_home_of_nobody_gets_a_sentence(place: Place, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = place.tree()
    code = main([{"RUN": place.run.id, "TEXTS": str(place.texts)}.get(word, word) for word in words])
    said = capsys.readouterr().err
    assert code == 2 and "~nosuchuser has no home folder" in said, said
    assert place.tree() == before


@pytest.mark.parametrize("variable", ["EMOTUI_HOME", "EMOTUI_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"])
def test_a_home_of_nobody_in_a_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    for each in ("EMOTUI_HOME", "EMOTUI_CONFIG"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(variable, "~nosuchuser")
    read = paths.home if "CONFIG" not in variable else paths.config_file
    with pytest.raises(paths.UserError, match=f"{variable}: ~nosuchuser has no home folder"):
        read()
    if "CONFIG" not in variable:
        assert main(["runs"]) == 2
        assert variable in capsys.readouterr().err

"""emotui overlay, and the overlay in the commands that read a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emotui.core.cli import main
from emotui.core.data import sources
from emotui.core.data.overlay import Place
from emotui.core.data.overlay_edit import Editor
from emotui.core.specs import DataSpec
from hostile import HOSTILE, RAW

Capture = pytest.CaptureFixture[str]


def answer(capsys: Capture, *words: str) -> tuple[dict[str, Any], str]:
    assert main([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


@pytest.fixture
def decided(tiny_data: Path, emotui_home: Path) -> Path:
    """The tiny data with two labels changed and a row left out."""
    editor = Editor(sources.load(DataSpec(str(tiny_data))), clock=lambda: 1_000.0)
    editor.decide([Place("train", 0)], "anger")
    editor.decide([Place("train", 3)], None)
    editor.decide([Place("test", 1)], "joy", by="accepted", run="confident learning")
    return tiny_data


def test_data_and_check_tell_it_and_can_leave_it_aside(decided: Path, capsys: Capture) -> None:
    told = "overlay: 2 labels changed, 1 row left out; --no-overlay reads the source as it is"
    found, err = answer(capsys, "data", str(decided), "--no-tokens")
    assert told in err and found["splits"]["train"]["rows"] == 89
    assert (found["overlay"]["changed"], found["overlay"]["left_out"], found["overlay"]["lines"]) == (2, 1, 4)
    assert sum(split["rows"] for split in found["splits"].values()) + found["overlay"]["left_out"] == 150
    found, err = answer(capsys, "data", str(decided), "--no-tokens", "--no-overlay")
    assert err == "" and found["splits"]["train"]["rows"] == 90 and found["overlay"] is None
    main(["check", str(decided)])
    assert told in capsys.readouterr().err


def test_show_lists_every_decision(decided: Path, capsys: Capture) -> None:
    assert main(["overlay", "show", str(decided)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["train", "0", "sadness", "anger"],
        ["train", "-", "sadness", "left"],
        ["test", "1", "sadness", "joy"],
    ]
    assert "accepted, confi" in lines[3]
    found, _ = answer(capsys, "overlay", "show", str(decided))
    assert [(each["split"], each["index"], each["old"], each["new"]) for each in found["decisions"]] == [
        ("train", 0, "sadness", "anger"),
        ("train", None, "sadness", None),
        ("test", 1, "sadness", "joy"),
    ]
    assert all(each["when"] == 1_000.0 for each in found["decisions"])
    every, _ = answer(capsys, "overlay", "show")
    assert [(each["source"], each["decisions"]) for each in every["overlays"]] == [(str(decided), 3)]


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv", "tsv", "parquet"])
def test_the_mended_data_set_is_written_in_every_format(decided: Path, capsys: Capture, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"mended.{ending}"
    assert main(["overlay", "export", str(decided), "--out", str(target)]) == 0
    assert "149 rows written to" in capsys.readouterr().err
    mended, again = sources.load(DataSpec(str(decided))), sources.load(DataSpec(str(target)))

    def rows(data: Any) -> list[tuple[str, str]]:
        return sorted((row.text, row.name) for split in data.splits.values() for row in split.rows(0, 1_000))

    assert rows(again) == rows(mended)


def test_undo_takes_back_one_after_the_other(decided: Path, capsys: Capture) -> None:
    assert main(["overlay", "undo", str(decided)]) == 0
    out, err = capsys.readouterr()
    assert (
        out.startswith("undone: row 2 was joy, and sadness in the source: ") and "the overlay now: 1 label changed, 1 row left out" in err
    )
    found, _ = answer(capsys, "overlay", "undo", str(decided), "--last", "5")
    assert [each["new"] for each in found["undone"]] == [None, "anger"] and found["overlay"]["changed"] == 0
    assert main(["overlay", "undo", str(decided)]) == 0
    assert capsys.readouterr().out == "There is nothing to undo\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["overlay", "export", "starter"], "export needs --out FILE"),
        (["overlay", "show", "starter", "--out", "a.csv"], "--out is for export"),
        (["overlay", "undo", "starter", "--no-overlay"], "leave it out"),
        (["overlay", "undo"], "name a DATASET"),
        (["overlay", "nothing", "starter"], "invalid choice"),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(words: list[str], said: str, emotui_home: Path, capsys: Capture) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_hostile_texts_and_labels_are_shown_safely(tmp_path: Path, emotui_home: Path, capsys: Capture) -> None:
    path = tmp_path / "hostile.jsonl"
    names = (f"a{HOSTILE[0]}", "b")
    texts = [text for text in HOSTILE if not any("\ud800" <= each <= "\udfff" for each in text)]
    rows = [{"text": f"{number} {texts[number % len(texts)]}", "label": names[number % 2]} for number in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = sources.load(DataSpec(str(path)))
    Editor(dataset).decide([Place("train", at) for at in range(10)], dataset.labels[0])
    for words in (["overlay", "show", str(path)], ["overlay", "show"], ["overlay", "undo", str(path), "--last", "9"]):
        assert main(words) == 0
        out, err = capsys.readouterr()
        assert not RAW.search(out + err)

"""Rows without a label are given one in the overlay, and whatever reads the file takes it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from emotui.core.data import labelling, overlay_log, sources
from emotui.core.data.labelling import Labelling
from emotui.core.data.overlay import LEFT_OUT
from emotui.core.data.table import UNLABELLED
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec

NAMES = ("joy", "anger")


@pytest.fixture
def home(emotui_home: Path) -> Path:
    return emotui_home


def texts(count: int = 100) -> list[str]:
    return [f"text {n} {'smile' if n % 3 else 'shout'}" for n in range(count)]


def bare(folder: Path, count: int = 100) -> Path:
    path = folder / "bare.jsonl"
    path.write_text("".join(json.dumps({"text": text, "id": n}) + "\n" for n, text in enumerate(texts(count))), "utf-8")
    return path


def opened(path: Path, labels: tuple[str, ...] = NAMES) -> Labelling:
    return Labelling(sources.load_source(labelling.begin(DataSpec(str(path)), labels)))


def label(given: Labelling, rows: range | list[int]) -> None:
    for row in rows:
        given.decide(row, "joy" if "smile" in given.texts[row] else "anger")


def loaded(path: Path, overlay: int | None = None) -> dict[str, str]:
    data = sources.load(DataSpec(str(path), overlay=overlay))
    return {row.text: row.name for split in data.splits.values() for row in split.rows(0, len(split))}


def test_what_is_labelled_is_what_is_loaded(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    before = path.read_bytes()
    given = opened(path)
    assert given.texts == texts() and given.open.tolist() == list(range(100)) and given.names == NAMES
    label(given, range(60))
    given.decide(7, None)
    assert given.labels[7] == LEFT_OUT and given.labels[60] == UNLABELLED and given.given == 59
    expected = {text: "joy" if "smile" in text else "anger" for text in texts()[:60] if text != texts()[7]}
    assert loaded(path) == expected and path.read_bytes() == before
    data = sources.load(DataSpec(str(path)))
    assert data.overlay is not None and data.overlay.summary == "59 rows labelled, 1 row left out"
    assert "40 rows without a label are not used; emotui label continues with them" in data.notes
    again = Labelling(sources.load_source(DataSpec(str(path))))
    assert (again.labels == given.labels).all()


def test_more_labels_move_no_row_to_another_split(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path, 300)
    given = opened(path)
    rows = list(range(300))
    random.Random(1).shuffle(rows)
    label(given, rows[:80])
    first = {row.text: name for name, split in sources.load(DataSpec(str(path))).splits.items() for row in split.rows(0, 300)}
    label(given, rows[80:])
    last = {row.text: name for name, split in sources.load(DataSpec(str(path))).splits.items() for row in split.rows(0, 300)}
    assert len(first) == 80 and len(last) == 300 and all(last[text] == split for text, split in first.items())


def test_a_run_reads_the_labels_that_there_were(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    given = opened(path)
    label(given, range(50))
    spec = sources.load(DataSpec(str(path))).spec
    label(given, range(50, 100))
    assert spec is not None and sum(map(len, sources.load(spec).splits.values())) == 50


def test_undo_goes_back_without_end_and_over_sessions(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    label(opened(path), range(3))
    given = opened(path)
    given.decide(1, "anger")
    undone = given.undo()
    assert undone is not None and undone[1] == 1 and given.names[given.labels[1]] == "joy"
    rows = [found[1] for found in iter(given.undo, None) if found is not None]
    assert rows == [2, 1, 0] and len(given.open) == 100 and given.undo() is None


def test_the_overlay_command_tells_that_there_was_no_label(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from emotui.core.cli import main

    path = bare(tmp_path)
    label(opened(path), range(60))
    assert main(["overlay", "show", str(path)]) == 0
    assert [line.split()[2:4] for line in capsys.readouterr().out.splitlines() if "text 3 " in line] == [["-", "anger"]]
    out = tmp_path / "mended.jsonl"
    assert main(["overlay", "export", str(path), "--out", str(out)]) == 0
    assert {row["text"]: row["label"] for row in map(json.loads, out.read_text().splitlines())} == loaded(path)
    assert main(["overlay", "undo", str(path)]) == 0
    assert "undone: row 60 was joy, and without a label in the source: text 59 smile" in capsys.readouterr().out


def test_what_another_process_decides_is_taken_up(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    one, other = opened(path), opened(path)
    other.decide(5, "anger")
    one.decide(6, "joy")
    assert one.names[one.labels[5]] == "anger" and one.given == 2


def test_equal_texts_are_rows_of_their_own(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.txt"
    path.write_text("the same\n" * 4 + "".join(f"another {n}\n" for n in range(30)), "utf-8")
    given = opened(path)
    given.decide(2, "anger")
    assert (opened(path).labels == given.labels).all() and given.labels.tolist()[:4] == [-1, -1, 1, -1]


@pytest.mark.parametrize("empty", ["", " ", "NULL"])
def test_rows_with_a_label_keep_theirs(home: Path, tmp_path: Path, empty: str) -> None:
    rows = [
        {"text": text, "label": ("anger" if n % 2 else "joy") if n < 50 else None if empty == "NULL" else empty}
        for n, text in enumerate(texts())
    ]
    path = tmp_path / "part.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with pytest.raises(UserError, match="row 51: the label is"):
        sources.load(DataSpec(str(path)))
    given = opened(path, ())
    assert given.names == ("anger", "joy") and given.open.tolist() == list(range(50, 100)) and len(given.labelled) == 50
    given.decide(70, "joy")
    found = loaded(path)
    assert len(found) == 51 and found[texts()[70]] == "joy" and found[texts()[1]] == "anger"
    with pytest.raises(UserError, match="row 51: the label is"):
        loaded(path, overlay=0)


def test_integers_keep_their_names(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("text,label\n" + "".join(f"{text},{n % 2 if n % 3 == 0 else ''}\n" for n, text in enumerate(texts())), "utf-8")
    given = opened(path)
    given.decide(91, "anger")
    assert loaded(path)[texts()[3]] == "anger" and loaded(path)[texts()[91]] == "anger" and len(loaded(path)) == 35
    for split in given.source.splits.values():  # in the order of the file, with a label or without
        numbers = [row.number for row in split.rows(0, 100)]
        assert numbers == sorted(numbers) and {row.name for row in split.rows(0, 100)} == {"", "joy", "anger"}


def test_decisions_follow_rows_that_move_and_yield_to_the_source(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    label(opened(path), range(60))
    lines = path.read_text("utf-8").splitlines()[::-1]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert len(loaded(path)) == 60 and loaded(path)[texts()[3]] == "anger"
    rows = [json.loads(line) for line in lines]
    for row in rows:
        if row["text"] == texts()[3]:
            row["label"] = "joy"  # the source has another label by now, which stays
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    data = sources.load(DataSpec(str(path)))
    assert loaded(path)[texts()[3]] == "joy" and data.overlay is not None and len(data.overlay.lost) == 1


def test_labels_are_kept_between_sessions_and_may_be_added(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    with pytest.raises(UserError, match=r"no labels to choose from are known for bare\.jsonl"):
        opened(path, ())
    opened(path).decide(0, "anger")
    assert opened(path, ()).names == NAMES
    more = opened(path, (*NAMES, "fear"))
    assert more.names == (*NAMES, "fear") and more.names[more.labels[0]] == "anger"
    with pytest.raises(UserError, match="rows already have the label anger, which --labels does not list"):
        opened(path, ("joy", "fear"))
    lines = overlay_log.read(more.file).lines
    opened(path, ())
    assert overlay_log.read(more.file).lines == lines


def test_what_cannot_be_labelled(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only single files can be labelled"):
        labelling.begin(DataSpec("starter"), NAMES)
    full = tmp_path / "full.jsonl"
    full.write_text("".join(json.dumps({"text": text, "label": "joy"}) + "\n" for text in texts()), "utf-8")
    with pytest.raises(UserError, match=r"every row of full\.jsonl has a label in its column 'label'"):
        labelling.begin(DataSpec(str(full)), NAMES)
    part = tmp_path / "part.jsonl"
    part.write_text('{"text": "a", "label": "fear"}\n{"text": "b", "label": null}\n', "utf-8")
    with pytest.raises(UserError, match=r"part\.jsonl, row 1: the label 'fear' is not among joy, anger"):
        labelling.begin(DataSpec(str(part)), NAMES)
    assert not overlay_log.folder().is_dir() or not list(overlay_log.folder().iterdir())


def test_too_few_labels_are_told(home: Path, tmp_path: Path) -> None:
    path = bare(tmp_path)
    given = opened(path)
    with pytest.raises(UserError, match=r"bare has 0 labels for 100 rows, and none in its train split.*emotui label"):
        loaded(path)
    rows = [row for row in range(100) if given.places[row].split == "train"]
    label(given, rows[:9])
    with pytest.raises(UserError, match="and none in its validation split"):
        loaded(path)
    label(given, [row for row in range(100) if given.places[row].split == "validation"])
    assert list(sources.load(DataSpec(str(path))).splits) == ["train", "validation"]  # no row of test has a label
    assert np.isin(given.labels, [UNLABELLED, 0, 1]).all()

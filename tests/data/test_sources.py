"""Data sets are found, read and split the same way from every place and format."""

from __future__ import annotations

import collections
import dataclasses
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ENDINGS = ["jsonl", "jsonl.gz", "csv", "tsv", "parquet"]
HARD = ["plain", 'a "quote", a comma', "two\nlines", "tab\there", "中文 👩‍👩‍👧 é", "\ufeffmark", "a\x00b", "'", "NA", "{}"]


def load(place: Path, **settings: object) -> sources.Dataset:
    return sources.load(DataSpec(str(place), **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_same_data(tmp_path: Path, write, ending: str) -> None:
    rows = [{"text": text, "label": ("no", "yes")[number % 2], "id": number} for number, text in enumerate(HARD)]
    write(tmp_path / "reference" / "train.jsonl", rows)
    write(tmp_path / "reference" / "validation.jsonl", rows[:4])
    write(tmp_path / "other" / f"train.{ending}", rows)
    write(tmp_path / "other" / f"validation.{ending}", rows[:4])
    reference, other = load(tmp_path / "reference"), load(tmp_path / "other")
    assert other.split("train").texts() == HARD
    assert other.labels == ("no", "yes")
    assert other.split("train").label_ids().tolist() == [0, 1] * 5
    assert other.columns == ("text", "label", "id")
    assert other.features["label"] == "ClassLabel(2)"
    assert sources.fingerprint(other) == sources.fingerprint(reference)


@pytest.mark.parametrize("ending", ENDINGS)
def test_integer_labels_are_the_same_in_every_format(tmp_path: Path, write, ending: str) -> None:
    rows = [{"text": f"text {number}", "label": number % 3} for number in range(30)]
    write(tmp_path / f"train.{ending}", rows)
    write(tmp_path / f"test.{ending}", rows)
    dataset = load(tmp_path, labels=("x", "y", "z"))
    assert dataset.labels == ("x", "y", "z")
    assert dataset.split("test").label_ids().tolist() == [0, 1, 2] * 10
    assert load(tmp_path).labels == ("0", "1", "2")


def test_the_fingerprint_changes_with_every_part(tmp_path: Path, write, rows) -> None:
    def of(name: str, train: list, labels: tuple[str, ...] = ()) -> str:
        write(tmp_path / name / "train.jsonl", train)
        write(tmp_path / name / "validation.jsonl", rows[:4])
        return sources.fingerprint(load(tmp_path / name, labels=labels))

    other_text = [{**rows[0], "text": "another"}, *rows[1:]]
    moved_border = [{**rows[0], "text": rows[0]["text"] + "x"}, {**rows[1], "text": rows[1]["text"][1:]}, *rows[2:]]
    other_label = [{**rows[0], "label": "bad"}, *rows[1:]]
    prints = [of("a", rows), of("b", other_text), of("c", moved_border), of("d", other_label), of("e", rows[::-1])]
    prints.append(of("f", rows, ("good", "bad")))
    assert len(set(prints)) == len(prints)
    assert of("again", rows) == prints[0]


def test_the_fingerprint_does_not_depend_on_the_chunks(tmp_path: Path, write, rows) -> None:
    write(tmp_path / "train.jsonl", rows)
    write(tmp_path / "validation.jsonl", rows)
    dataset = load(tmp_path)
    halves = [sources.Split(name, pa.concat_tables([s.table[:7], s.table[7:]]), s.labels) for name, s in dataset.splits.items()]
    assert halves[0].table.column("text").num_chunks == 2
    again = dataclasses.replace(dataset, splits={h.name: h for h in halves})
    assert sources.fingerprint(again) == sources.fingerprint(dataset)


def test_splits_lie_in_the_folder_or_in_its_data(tmp_path: Path, write, rows) -> None:
    for split in ("train", "validation", "test"):
        write(tmp_path / "mine" / "data" / f"{split}.jsonl.gz", rows)
    for place in (tmp_path / "mine", tmp_path / "mine" / "data"):
        dataset = load(place)
        assert list(dataset.splits) == ["train", "validation", "test"]
        assert dataset.name == "mine"
        assert dataset.notes == ()


@pytest.mark.parametrize("name", ["valid", "val", "dev", "eval", "Validation", "validation-00000-of-00001"])
def test_other_names_of_a_split_are_known_and_noted(tmp_path: Path, write, rows, name: str) -> None:
    write(tmp_path / "train.jsonl", rows)
    write(tmp_path / f"{name}.jsonl", rows[:10])
    dataset = load(tmp_path)
    assert len(dataset.split("validation")) == 10
    assert f"read {name}.jsonl as the validation split" in dataset.notes


def test_parts_of_a_split_are_joined_in_order(tmp_path: Path, write, rows) -> None:
    write(tmp_path / "data" / "train-00000-of-00002.parquet", rows[:25])
    write(tmp_path / "data" / "train-00001-of-00002.parquet", rows[25:])
    write(tmp_path / "data" / "validation-00000-of-00001.parquet", rows)
    dataset = load(tmp_path)
    assert dataset.split("train").texts() == [row["text"] for row in rows]
    assert "read 2 files as the train split" in dataset.notes


def test_the_card_of_a_data_set_names_its_files(tmp_path: Path, write, rows) -> None:
    for split in ("train", "validation", "test"):
        write(tmp_path / "split" / f"{split}-00000-of-00001.parquet", rows)
    write(tmp_path / "unsplit" / "train-00000-of-00001.parquet", rows[:2])
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: unsplit\n  data_files:\n  - split: train\n    path: unsplit/train-*\n"
        "- config_name: split\n  default: true\n  data_files:\n"
        + "".join(f"  - {{split: {split}, path: split/{split}-*}}\n" for split in ("train", "validation", "test"))
        + "---\n# A data set\n"
    )
    assert [len(split) for split in load(tmp_path).splits.values()] == [40, 40, 40]


def test_a_card_cannot_point_outside_its_folder(tmp_path: Path, write, rows) -> None:
    write(tmp_path / "secret" / "train.jsonl", rows)
    (tmp_path / "set").mkdir()
    for path in ("../secret/train.jsonl", str(tmp_path / "secret" / "train.jsonl")):
        (tmp_path / "set" / "README.md").write_text(f"---\nconfigs:\n- data_files:\n  - {{split: train, path: {path}}}\n---\n")
        with pytest.raises(UserError, match="no training split"):
            load(tmp_path / "set")


def test_two_files_for_one_split_are_an_error(tmp_path: Path, write, rows) -> None:
    write(tmp_path / "train.jsonl", rows)
    write(tmp_path / "train.csv", rows)
    with pytest.raises(UserError, match=r"more than one train split: train\.csv and train\.jsonl"):
        load(tmp_path)


def test_a_folder_without_a_training_split_is_an_error(tmp_path: Path, write, rows) -> None:
    with pytest.raises(UserError, match=r"there is no training split in .*Put train\.jsonl there"):
        load(tmp_path)
    write(tmp_path / "test.jsonl", rows)
    with pytest.raises(UserError, match="it has only test"):
        load(tmp_path)


def test_validation_is_taken_from_train_where_only_test_is_there(tmp_path: Path, write) -> None:
    rows = [{"text": f"text {number}", "label": ("a", "b", "b", "b")[number % 4]} for number in range(400)]
    write(tmp_path / "train.jsonl", rows)
    write(tmp_path / "test.jsonl", rows[:20])
    dataset = load(tmp_path)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 360, "validation": 40, "test": 20}
    assert np.bincount(dataset.split("validation").label_ids()).tolist() == [10, 30]
    assert any("took 40 of the 400 rows of train for it (10 %" in note for note in map(str, dataset.notes))
    assert set(dataset.split("train").texts()).isdisjoint(dataset.split("validation").texts())


def test_a_test_split_is_not_required_beside_validation(tmp_path: Path, write, rows) -> None:
    write(tmp_path / "train.jsonl", rows)
    write(tmp_path / "validation.jsonl", rows)
    assert list(load(tmp_path).splits) == ["train", "validation"]


def test_a_single_file_is_split_80_10_10_by_class(tmp_path: Path, write) -> None:
    counts = {"a": 503, "b": 251, "c": 87, "d": 13}
    rows = [{"text": f"{label} {number}", "label": label} for label, count in counts.items() for number in range(count)]
    file = write(tmp_path / "all.csv", rows)
    dataset = load(file)
    sizes = {name: len(split) for name, split in dataset.splits.items()}
    assert sizes == {"train": 684, "validation": 85, "test": 85}
    for name in ("validation", "test"):
        by_class = np.bincount(dataset.split(name).label_ids(), minlength=4)
        assert np.abs(by_class - 0.1 * np.array(list(counts.values()))).max() < 1
    numbers = [row.number for split in dataset.splits.values() for row in split.rows(0, len(split))]
    assert sorted(numbers) == list(range(1, len(rows) + 1))
    assert all(np.all(np.diff(split.table.column("number").to_numpy()) > 0) for split in dataset.splits.values())
    assert any("80/10/10 by class with seed 0" in note for note in map(str, dataset.notes))


def test_the_split_of_a_file_follows_its_seed(tmp_path: Path, write) -> None:
    rows = [{"text": f"text {number}", "label": "ab"[number % 2]} for number in range(200)]
    file, other = write(tmp_path / "all.csv", rows), write(tmp_path / "all.parquet", rows)
    assert load(file).split("test").texts() == load(other).split("test").texts()
    assert load(file).split("test").texts() != load(file, seed=1).split("test").texts()
    assert load(file, seed=1).split("test").texts() == load(file, seed=1).split("test").texts()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("pqrstuvwxyz"), st.sampled_from("abc")), min_size=60, max_size=200), st.integers(0, 5))
def test_identical_texts_stay_in_one_split(tmp_path: Path, pairs: list[tuple[str, str]], seed: int) -> None:
    pairs = [*pairs, *((f"own {number}", "abc"[number % 3]) for number in range(30))]
    file = tmp_path / "all.jsonl"
    file.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in pairs))
    dataset = load(file, seed=seed)
    texts = [set(split.texts()) for split in dataset.splits.values()]
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
    kept = [(row.text, row.name) for split in dataset.splits.values() for row in split.rows(0, len(split))]
    assert collections.Counter(kept) == collections.Counter(pairs)


def test_a_file_with_too_few_rows_is_an_error(tmp_path: Path, write, rows) -> None:
    with pytest.raises(UserError, match="2 rows are too few"):
        load(write(tmp_path / "all.jsonl", rows[:2]))


def test_a_folder_with_train_only_is_split_like_a_file(tmp_path: Path, write, rows) -> None:
    file = write(tmp_path / "train.jsonl", rows)
    alone, folder = load(file), load(tmp_path)
    assert list(folder.splits) == ["train", "validation", "test"]
    assert sources.fingerprint(alone) == sources.fingerprint(folder)


def test_rows_can_be_asked_for_in_parts(tmp_path: Path, write, rows) -> None:
    write(tmp_path / "train.jsonl", rows)
    write(tmp_path / "validation.jsonl", rows)
    split = load(tmp_path).split("train")
    assert [row.text for row in split.rows(38, 99)] == [row["text"] for row in rows[38:]]
    assert split.row(3) == sources.Split.row(split, 3)
    assert (split.row(3).name, split.row(3).number, split.row(3).index) == ("bad", 4, 3)
    assert [row.text for row in split.take(np.array([5, 2])).rows(0, 2)] == [rows[5]["text"], rows[2]["text"]]


def test_progress_ends_with_the_whole_of_each_file(tmp_path: Path, write, rows) -> None:
    seen: dict[str, tuple[int, int | None]] = {}
    for split in ("train", "validation"):
        write(tmp_path / f"{split}.jsonl.gz", rows)
    sources.load(DataSpec(str(tmp_path)), progress=lambda phase, done, total: seen.update({phase: (done, total)}))
    assert list(seen) == ["read train.jsonl.gz", "read validation.jsonl.gz"]
    for phase, (done, total) in seen.items():
        assert done == total == (tmp_path / phase.split()[1]).stat().st_size


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("nowhere", "there is no file or folder called 'nowhere'"),
        ("", "there is no file or folder"),
        ("owner/name", "ms:OWNER/NAME"),
        ("ms:name", "'ms:name' is not the id of a data set: write ms:OWNER/NAME"),
        ("hf:../..", "'hf:../..' is not the id of a data set"),
        ("hf:a/b/c", "is not the id of a data set"),
        ("x" * 5000, "is not a path"),
        ("a\0b", "is not a path: it contains a NUL character"),
    ],
)
def test_a_source_that_is_not_there_is_one_sentence(source: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        sources.resolve(source)
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 400


def test_sources_are_resolved_to_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert sources.resolve("mine") == str(tmp_path / "mine")
    assert sources.resolve("starter") == "starter"
    assert sources.resolve("ms:jieshenai/dair-ai_emotion") == "ms:jieshenai/dair-ai_emotion"


def test_a_hubs_data_set_is_read_from_where_it_was_downloaded(emotui_home: Path, write, rows) -> None:
    source = "ms:someone/emotion"
    with pytest.raises(sources.NotDownloaded, match="emotui download ms:someone/emotion") as caught:
        sources.load(DataSpec(source))
    assert caught.value.id == source
    assert str(emotui_home / "downloads" / "datasets" / "ms" / "someone" / "emotion") in str(caught.value)
    numbered = [{"text": row["text"], "label": number % 6} for number, row in enumerate(rows)]
    for split in ("train", "validation"):
        write(emotui_home / "downloads" / "datasets" / "ms" / "someone" / "emotion" / "data" / f"{split}.jsonl", numbered)
    dataset = sources.load(DataSpec(source))
    assert dataset.name == source
    assert dataset.labels == tuple("012345")


def test_a_format_that_is_not_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"rows\.xlsx is a zip file \(as .xlsx and .npz are\)\. Unpack it, or save the table as csv"):
        load(tmp_path / "rows.xlsx")
    (tmp_path / "rows.bin").write_bytes(b"\x00\x01\x02")
    with pytest.raises(UserError, match=r"rows\.bin is in an unknown format"):
        load(tmp_path / "rows.bin")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")
    with pytest.raises(UserError, match="is a named pipe, not a regular file"):
        load(tmp_path / "rows.jsonl")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, write, rows) -> None:
    file = write(tmp_path / "rows.jsonl", rows)
    file.chmod(0)
    with pytest.raises(UserError, match=r"cannot read rows\.jsonl: Permission denied"):
        load(file)


def test_gzip_of_several_members_and_windows_line_ends_are_read(tmp_path: Path, rows) -> None:
    parts = [gzip.compress((json.dumps(row) + "\r\n").encode()) for row in rows]
    (tmp_path / "train.jsonl.gz").write_bytes(b"".join(parts))
    (tmp_path / "validation.jsonl").write_bytes(b"\xef\xbb\xbf" + b"".join((json.dumps(row) + "\r\n").encode() for row in rows))
    dataset = load(tmp_path)
    for split in dataset.splits.values():
        assert split.texts() == [row["text"] for row in rows]


def test_reading_does_not_import_pandas(tmp_path: Path, write, rows) -> None:
    import subprocess
    import sys

    for split in ("train", "validation"):
        write(tmp_path / f"{split}.jsonl", rows)
    code = (
        "import sys; from emotui.core.data import checks, filters, sources, stats; from emotui.core.specs import DataSpec\n"
        f"d = sources.load(DataSpec({str(tmp_path)!r})); sources.fingerprint(d); stats.describe(d); checks.find_problems(d)\n"
        "filters.select(d, filters.parse('text -label:good len>2 chars>3 regex:^t'))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'pandas', 'torch', 'sklearn', 'transformers', 'datasets'}))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_row_order_survives_parquet_row_groups(tmp_path: Path) -> None:
    table = pa.table({"text": [f"t{n}" for n in range(25_000)], "label": [n % 2 for n in range(25_000)]})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=1000)
    pq.write_table(table.slice(0, 10), tmp_path / "validation.parquet")
    split = load(tmp_path).split("train")
    assert split.texts() == table.column("text").to_pylist()
    assert split.row(24_999).number == 25_000


@pytest.mark.parametrize(
    ("train", "test", "what"),
    [
        ("text,label\n", "sentence,label\n", "texts"),
        ("text,label\n", "text,class\n", "labels"),
        ("text,label\n", "", "texts"),
        ("", "foo,bar\n", "texts"),
        ("", "text,label\n", "texts"),
    ],
)
def test_files_that_call_their_columns_otherwise_are_told_what_helps(tmp_path: Path, train: str, test: str, what: str) -> None:
    for name, header in (("train", train), ("test", test)):
        rows = "".join(f"a text that says number {number},{('neg', 'pos')[number % 2]}\n" for number in range(40))
        (tmp_path / f"{name}.csv").write_text(header + rows)
    with pytest.raises(UserError, match=rf"test\.csv has no column .* Give the {what} the same name in every file"):
        sources.load(DataSpec(str(tmp_path), skip_bad_rows=True))


def test_a_folder_of_data_sets_names_them(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.csv").write_text("text,label\n")
    with pytest.raises(UserError, match=r"has no readable files, but the folders one, two\. Give one of these"):
        sources.load(DataSpec(str(tmp_path)))

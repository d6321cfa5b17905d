"""Classes get their names from the user, the data set's metadata, the emotion data's shape, or the labels themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec

NAMES = ("zero", "one", "two")
EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")


def numbered(classes: int, count: int = 60) -> list[dict]:
    return [{"text": f"text number {number}", "label": number % classes} for number in range(count)]


def fill(folder: Path, write, rows: list[dict]) -> Path:
    for split in ("train", "validation"):
        write(folder / f"{split}.jsonl", rows)
    return folder


README = "---\nlicense: mit\ndataset_info:\n{info}\n---\n# Title\n"
ONE = "  features:\n  - name: text\n    dtype: string\n  - name: label\n    dtype:\n      class_label:\n        names:\n"
QUOTED = ONE + "".join(f"          '{number}': {name}\n" for number, name in enumerate(NAMES))
PLAIN = ONE + "".join(f"          {number}: {name}\n" for number, name in enumerate(NAMES))
CONFIGS = "- config_name: default\n" + QUOTED
INFOS = json.dumps({"default": {"features": {"label": {"num_classes": 3, "names": NAMES, "_type": "ClassLabel"}}}})


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("README.md", README.format(info=QUOTED)),
        ("README.md", README.format(info=PLAIN)),
        ("README.md", README.format(info=CONFIGS).replace("\n", "\r\n")),
        ("dataset_infos.json", INFOS),
        ("dataset_info.json", json.dumps({"features": {"label": {"names": NAMES, "_type": "ClassLabel"}}})),
    ],
)
@pytest.mark.parametrize("inside", ["", "data"])
def test_names_come_from_the_data_sets_metadata(tmp_path: Path, write, file: str, content: str, inside: str) -> None:
    fill(tmp_path / inside, write, numbered(3))
    (tmp_path / file).write_text(content)
    dataset = sources.load(DataSpec(str(tmp_path)))
    assert dataset.labels == NAMES
    assert f"took the 3 label names from {file} (--labels names them otherwise)" in dataset.notes
    assert sources.load(DataSpec(str(tmp_path), labels=("a", "b", "c"))).labels == ("a", "b", "c")


def test_names_come_from_parquets_own_schema(tmp_path: Path) -> None:
    features = {"text": {"dtype": "string", "_type": "Value"}, "feeling": {"names": NAMES, "_type": "ClassLabel"}}
    table = pa.table({"text": [f"text {n}" for n in range(60)], "feeling": [n % 3 for n in range(60)]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, tmp_path / "all.parquet")
    assert sources.load(DataSpec(str(tmp_path / "all.parquet"), label_column="feeling")).labels == NAMES


@pytest.mark.parametrize("content", ["---\n{[\n---\n", "---\ndataset_info: [1, {features: 3}]\n---\n", "no card", "---\n- a\n---", "\xff"])
def test_metadata_that_cannot_be_read_gives_no_names(tmp_path: Path, write, content: str) -> None:
    fill(tmp_path, write, numbered(3))
    (tmp_path / "README.md").write_bytes(content.encode("latin-1"))
    (tmp_path / "dataset_infos.json").write_text(content)
    assert sources.load(DataSpec(str(tmp_path))).labels == ("0", "1", "2")


def test_a_row_beyond_the_names_is_out_of_range(tmp_path: Path, write) -> None:
    fill(tmp_path, write, numbered(4))
    (tmp_path / "dataset_infos.json").write_text(INFOS)
    with pytest.raises(UserError, match=r"train\.jsonl, row 4: the label 3 is out of range \(there are 3 label names, for 0 to 2\)"):
        sources.load(DataSpec(str(tmp_path)))


def test_integers_without_names_keep_their_own(tmp_path: Path, write) -> None:
    stars = [{"text": f"text {number}", "label": (1, 5, 3)[number % 3]} for number in range(60)]
    dataset = sources.load(DataSpec(str(fill(tmp_path, write, stars))))
    assert dataset.labels == ("1", "3", "5")
    assert dataset.split("train").label_ids()[:3].tolist() == [0, 2, 1]
    assert any("--labels a,b,c" in note for note in dataset.notes)


def test_integers_sort_as_numbers(tmp_path: Path, write) -> None:
    assert sources.load(DataSpec(str(fill(tmp_path, write, numbered(12))))).labels == tuple(map(str, range(12)))


def test_a_negative_label_is_out_of_range_without_names_too(tmp_path: Path, write) -> None:
    fill(tmp_path, write, [*numbered(3), {"text": "hidden", "label": -1}])
    with pytest.raises(UserError, match=r"train\.jsonl, row 61: the label -1 is out of range \(labels start at 0"):
        sources.load(DataSpec(str(tmp_path)))


def test_text_labels_are_sorted_and_the_same_for_every_split(tmp_path: Path, write) -> None:
    labels = {"train": ["pear", "apple", "fig"], "validation": ["fig", "quince"], "test": ["apple"]}
    for split, names in labels.items():
        write(tmp_path / f"{split}.jsonl", [{"text": f"text {n}", "label": names[n % len(names)]} for n in range(30)])
    dataset = sources.load(DataSpec(str(tmp_path)))
    assert dataset.labels == ("apple", "fig", "pear", "quince")
    for split, names in labels.items():
        assert {row.name for row in dataset.split(split).rows(0, 30)} == set(names)
        assert dataset.split(split).labels == dataset.labels


def test_named_text_labels_keep_the_users_order(tmp_path: Path, write, rows) -> None:
    fill(tmp_path, write, rows)
    assert sources.load(DataSpec(str(tmp_path))).labels == ("bad", "good")
    assert sources.load(DataSpec(str(tmp_path), labels=("good", "bad"))).labels == ("good", "bad")
    with pytest.raises(UserError, match=r"train\.jsonl, row 2: the label 'bad' is not among good, fine"):
        sources.load(DataSpec(str(tmp_path), labels=("good", "fine")))


@pytest.mark.parametrize("labels", [("a", "a", "b"), ("a", "", "b")])
def test_label_names_must_differ(tmp_path: Path, write, labels: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="the label names hold"):
        sources.load(DataSpec(str(fill(tmp_path, write, numbered(3))), labels=labels))


def test_true_and_false_are_classes(tmp_path: Path, write) -> None:
    rows = [{"text": f"text {number}", "label": number % 3 == 0} for number in range(60)]
    dataset = sources.load(DataSpec(str(fill(tmp_path, write, rows))))
    assert dataset.labels == ("false", "true")
    assert dataset.split("train").label_ids()[:3].tolist() == [1, 0, 0]


def test_spaces_around_a_label_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("text,label\n" + "".join(f"text {n}, {'joy' if n % 2 else 'fear'} \n" for n in range(40)))
    assert sources.load(DataSpec(str(tmp_path / "all.csv"))).labels == ("fear", "joy")


def test_a_few_labels_of_another_type_are_mixed_types(tmp_path: Path) -> None:
    for name, body in {"all.jsonl": '{"text": "t %d", "label": %s}\n', "all.csv": "t %d,%s\n"}.items():
        head, quote = ("text,label\n", "") if name.endswith("csv") else ("", '"')
        (tmp_path / name).write_text(head + "".join(body % (n, "7" if n == 5 else f"{quote}{'ab'[n % 2]}{quote}") for n in range(30)))
        with pytest.raises(UserError, match=r"row 6.*: the label 7 is an integer where others are texts \(mixed types\)"):
            sources.load(DataSpec(str(tmp_path / name)))


def test_the_emotion_data_is_known_by_its_id(tmp_path: Path, write) -> None:
    for folder in ("emotion", "dair-ai_emotion", "emotion/data"):
        dataset = sources.load(DataSpec(str(fill(tmp_path / folder, write, numbered(6)))))
        assert dataset.labels == EMOTIONS
        assert any(note.startswith("took the integer labels for the emotion data's: sadness, joy") for note in dataset.notes)
    assert sources.load(DataSpec(str(fill(tmp_path / "other", write, numbered(6))))).labels == tuple("012345")
    assert sources.load(DataSpec(str(fill(tmp_path / "seven" / "emotion", write, numbered(7))))).labels == tuple("0123456")


def test_the_emotion_data_is_known_by_its_shape(tmp_path: Path, write) -> None:
    for split, count in (("train", 16_000), ("validation", 2_000), ("test", 2_000)):
        write(tmp_path / "tweets" / f"{split}.jsonl", numbered(6, count))
    assert sources.load(DataSpec(str(tmp_path / "tweets"))).labels == EMOTIONS

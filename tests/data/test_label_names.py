"""Classes get their names from the user, the data set's metadata, the emotion data's shape, or the labels themselves."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emotui.core.data import naming, sources
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
    assert f"using the 3 label names in {file} (--labels overrides them)" in map(str, dataset.notes)
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
    assert any("--labels a,b,c" in note for note in map(str, dataset.notes))


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
    with pytest.raises(UserError, match="the label names contain"):
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
        with pytest.raises(UserError, match=r"row 6.*: the label 7 is an integer where others are text \(mixed types\)"):
            sources.load(DataSpec(str(tmp_path / name)))


def test_a_folder_called_emotion_is_not_the_emotion_data(tmp_path: Path, write) -> None:
    for folder, classes in (("emotion", 4), ("dair-ai/emotion", 6), ("dair-ai_emotion", 6), ("emotion/data", 6)):
        dataset = sources.load(DataSpec(str(fill(tmp_path / folder, write, numbered(classes)))))
        assert dataset.labels == tuple(map(str, range(classes)))


def test_the_emotion_data_is_known_by_its_id_on_a_hub(tmp_path: Path, write, emotui_home: Path) -> None:
    for source, classes in (
        ("hf:dair-ai/emotion", 6),
        ("ms:jieshenai/dair-ai_emotion", 6),
        ("hf:someone/emotion", 6),
        ("ms:dair-ai/emotion", 5),
    ):
        fill(sources.folder_of(source), write, numbered(classes))
        dataset = sources.load(DataSpec(source))
        known = classes == 6 and "dair-ai" in source
        assert dataset.labels == (EMOTIONS if known else tuple(map(str, range(classes))))
        assert (
            any(note.startswith("using the emotion data's names of the integer labels: sadness, joy") for note in map(str, dataset.notes))
            == known
        )


def test_the_emotion_data_is_known_by_its_rows(tmp_path: Path, write, monkeypatch: pytest.MonkeyPatch) -> None:
    for split, count in (("train", 16_000), ("validation", 2_000), ("test", 2_000)):
        write(tmp_path / "tweets" / f"{split}.jsonl", numbered(6, count))
    assert sources.load(DataSpec(str(tmp_path / "tweets"))).labels == tuple("012345")
    digest = naming.rows_hash((row["text"], row["label"]) for row in reversed(numbered(6, 16_000)))
    monkeypatch.setattr(naming, "EMOTION_HASHES", (digest,))
    assert sources.load(DataSpec(str(tmp_path / "tweets"))).labels == EMOTIONS


@pytest.mark.parametrize("value", ["%d.0", "%d", "+%d", "%d."])
def test_whole_numbers_are_the_same_classes_in_every_format(tmp_path: Path, value: str) -> None:
    numbers = [(0, 2, 10)[n % 3] for n in range(60)]
    (tmp_path / "all.csv").write_text("text,label\n" + "".join(f"text {n},{value % number}\n" for n, number in enumerate(numbers)))
    (tmp_path / "all.jsonl").write_text("".join(f'{{"text": "text {n}", "label": {number}.0}}\n' for n, number in enumerate(numbers)))
    texts = [f"text {n}" for n in range(60)]
    pq.write_table(pa.table({"text": texts, "label": pa.array(numbers, pa.float64())}), tmp_path / "all.parquet")
    found = [sources.load(DataSpec(str(tmp_path / f"all.{ending}"))) for ending in ("csv", "jsonl", "parquet")]
    assert [each.labels for each in found] == [("0", "2", "10")] * 3
    assert len({sources.fingerprint(each) for each in found}) == 1


def test_half_stars_are_texts_in_csv_and_one_stray_is_a_fault(tmp_path: Path) -> None:
    halves = "".join(f"text {n},{('1.0', '1.5', '2.0')[n % 3]}\n" for n in range(60))
    (tmp_path / "all.csv").write_text("text,label\n" + halves)
    assert sources.load(DataSpec(str(tmp_path / "all.csv"))).labels == ("1.0", "1.5", "2.0")
    stray = "".join(f"text {n},{'1.5' if n == 3 else n % 3}\n" for n in range(60))
    (tmp_path / "all.csv").write_text("text,label\n" + stray)
    with pytest.raises(UserError, match=r"row 4.*: the label '1\.5' is text where others are integers"):
        sources.load(DataSpec(str(tmp_path / "all.csv")))


@pytest.mark.parametrize("values", [(-1, 0, 1), (-1, 1), (-2, -1, 0, 1, 2), (1, 3, 5), (1, 2, 3, 4, 5), (-5, 7)])
def test_integers_are_classes_and_are_named_in_ascending_order(tmp_path: Path, write, values: tuple[int, ...]) -> None:
    rows = [{"text": f"text {n}", "label": values[::-1][n % len(values)]} for n in range(100)]
    spec = DataSpec(str(fill(tmp_path, write, rows)))
    dataset = sources.load(spec)
    assert dataset.labels == tuple(map(str, values)) and dataset.values == values
    names = tuple("abcdefg"[: len(values)])
    named = sources.load(msgspec.structs.replace(spec, labels=names))
    assert named.labels == names
    assert named.split("train").row(0).name == names[-1]
    assert f"named the labels in ascending order: {values[0]} a, " in " ".join(map(str, named.notes))
    for wrong in (names[:-1], (*names, "x", "y", "z")):
        with pytest.raises(UserError, match="--labels gives") as caught:
            sources.load(msgspec.structs.replace(spec, labels=wrong))
        assert f"{len(values)} different integers: {', '.join(map(str, values))}. Name each" in str(caught.value)


def test_a_fourth_class_without_a_name_is_told_with_its_values(tmp_path: Path, write) -> None:
    fill(tmp_path, write, numbered(4))
    with pytest.raises(UserError, match="gives 3 names, but the labels are 4 different integers: 0, 1, 2, 3"):
        sources.load(DataSpec(str(tmp_path), labels=("a", "b", "c")))


def test_a_name_that_no_row_bears_is_told_first(tmp_path: Path, write) -> None:
    spec = DataSpec(str(fill(tmp_path, write, numbered(3))), labels=("a", "b", "c", "d"))
    assert (
        str(sources.load(spec).notes[0])
        == "warning: no row has the label 'd', which --labels names; are the names right for this data set?"
    )
    assert not any("warning" in note for note in map(str, sources.load(msgspec.structs.replace(spec, labels=("a", "b", "c"))).notes))
    (tmp_path / "dataset_info.json").write_text('{"features": {"label": {"names": ["a", "b", "c", "z"], "_type": "ClassLabel"}}}')
    assert any(
        "no row has the label 'z', which dataset_info.json names" in note for note in map(str, sources.load(DataSpec(str(tmp_path))).notes)
    )


@pytest.mark.parametrize("column", ["label_text", "label_name", "label_names", "class_name"])
def test_a_column_beside_the_integers_names_them(tmp_path: Path, write, column: str) -> None:
    names = {3: "good", 1: "bad", 9: "a mix"}
    rows = [{"text": f"text {n}", "label": (number := (3, 1, 9)[n % 3]), column: f" {names[number]} "} for n in range(60)]
    dataset = sources.load(DataSpec(str(fill(tmp_path, write, rows))))
    assert dataset.labels == ("bad", "good", "a mix")
    assert dataset.split("train").row(0).name == "good"
    assert f"using the label names in the column '{column}': 1 bad, 3 good, 9 a mix (--labels overrides them)" in map(str, dataset.notes)
    assert sources.load(DataSpec(str(tmp_path), labels=("x", "y", "z"))).labels == ("x", "y", "z")


@pytest.mark.parametrize(("at", "said"), [(0, "3 with 'good' and 'other'"), (1, "'other' with 1 and 3")])
def test_a_column_that_is_not_one_to_one_names_nothing(tmp_path: Path, write, at: int, said: str) -> None:
    rows = [{"text": f"text {n}", "label": (3, 1)[n % 2], "label_text": ("good", "bad")[n % 2]} for n in range(60)]
    if at:
        rows = [{**row, "label_text": "other"} for row in rows[1:] + rows[:1]]
    else:
        rows[8]["label_text"] = "other"
    dataset = sources.load(DataSpec(str(fill(tmp_path, write, rows))))
    assert dataset.labels == ("1", "3")
    assert f"the column 'label_text' does not name the labels: it has {said} (--labels a,b,c names them)" in map(str, dataset.notes)


@pytest.mark.parametrize("shape", ["list", "cats", "cats with null", "csv list"])
def test_a_list_of_one_label_is_that_label(tmp_path: Path, shape: str) -> None:
    names = [("joy", "fear")[n % 2] for n in range(60)]
    cells = {
        "list": lambda name: {"label": [name]},
        "cats": lambda name: {"cats": {"joy": float(name == "joy"), "fear": float(name == "fear")}},
        "cats with null": lambda name: {"cats": {"joy": None, "fear": None, name: True}},
    }
    path = tmp_path / ("all.csv" if shape == "csv list" else "all.jsonl")
    if shape == "csv list":
        path.write_text("text,label\n" + "".join(f"text {n},['{name}']\n" for n, name in enumerate(names)))
    else:
        path.write_text("".join(json.dumps({"text": f"text {n}", **cells[shape](name)}) + "\n" for n, name in enumerate(names)))
    dataset = sources.load(DataSpec(str(path)))
    assert dataset.labels == ("fear", "joy")
    found = {row.text: row.name for split in dataset.splits.values() for row in split.rows(0, 60)}
    assert found == {f"text {n}": name for n, name in enumerate(names)}


@pytest.mark.parametrize("shape", ["list", "cats", "csv list"])
def test_several_labels_are_a_sentence(tmp_path: Path, shape: str) -> None:
    several = {"list": '["joy", "fear"]', "cats": '{"joy": 1, "fear": 1}', "csv list": "\"['joy', 'fear']\""}[shape]
    one = {"list": '["joy"]', "cats": '{"joy": 1, "fear": 0}', "csv list": "['joy']"}[shape]
    other = {"list": '"fear"', "cats": '{"joy": 0, "fear": 1}', "csv list": "fear"}[shape]
    labels = [several if n == 4 else (one, other)[n % 2] for n in range(60)]
    path = tmp_path / ("all.csv" if shape == "csv list" else "all.jsonl")
    if shape == "csv list":
        path.write_text("text,label\n" + "".join(f"text {n},{label}\n" for n, label in enumerate(labels)))
    else:
        path.write_text("".join(f'{{"text": "text {n}", "label": {label}}}\n' for n, label in enumerate(labels)))
    with pytest.raises(
        UserError, match=r"row 5.*: the row has 2 labels, but a text can have only one \(multi-label is not supported yet\)"
    ):
        sources.load(DataSpec(str(path)))
    dataset = sources.load(DataSpec(str(path), skip_bad_rows=True))
    assert dataset.labels == ("fear", "joy") and dataset.skipped == {"train": 1}


def test_one_hot_columns_are_named_with_a_remedy_that_works(tmp_path: Path) -> None:
    rows = [
        {"id": n, "text": f"text {n}", **{name: int(n % 3 == at) for at, name in enumerate(("joy", "fear", "an 'ire'"))}} for n in range(60)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "all.csv", index=False)
    with pytest.raises(UserError, match=r"has a column for each class .* with a single 1 in each row") as caught:
        sources.load(DataSpec(str(tmp_path / "all.csv")))
    df = pd.read_csv(tmp_path / "all.csv")
    exec(str(caught.value).split("pandas: ")[1].split(", or choose")[0], {"df": df})
    df.to_csv(tmp_path / "all.csv", index=False)
    assert sources.load(DataSpec(str(tmp_path / "all.csv"))).labels == ("an 'ire'", "fear", "joy")
    df.drop(columns="label").assign(joy=1).to_csv(tmp_path / "all.csv", index=False)
    with pytest.raises(UserError, match="multi-label\\) are not supported yet"):
        sources.load(DataSpec(str(tmp_path / "all.csv")))


def test_rows_that_prodigy_refuses_are_left_out_and_told(tmp_path: Path, write) -> None:
    answers = ("accept", "reject", "accept", "ignore", "accept")
    rows = [{"text": f"text {n}", "label": ("a", "b")[n % 2], "answer": answers[n % 5]} for n in range(100)]
    dataset = sources.load(DataSpec(str(fill(tmp_path, write, rows))))
    kept = {row["text"] for row in rows if row["answer"] == "accept"}
    assert {text for split in dataset.splits.values() for text in split.texts()} == kept
    assert {row.name for row in dataset.split("train").rows(0, 100)} == {"a", "b"}
    assert "skipped 80 rows because of Prodigy's column answer (40 reject; 40 ignore)" in map(str, dataset.notes)
    write(tmp_path / "train.jsonl", [{**row, "answer": "yes" if n == 7 else row["answer"]} for n, row in enumerate(rows)])
    assert sum(map(len, sources.load(DataSpec(str(tmp_path))).splits.values())) == 100 + 60

"""emotui data, check and tokens, over real files and a real tokenizer."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from emotui.core.cli import main


def read_json(capsys) -> dict:
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


def test_data_gives_every_field_of_the_contract(tiny_data, tiny_model, emotui_home, capsys):
    assert main(["data", str(tiny_data), "--model", str(tiny_model), "--max-length", "12", "--json"]) == 0
    answer = read_json(capsys)
    assert answer["labels"] == ["anger", "joy", "sadness"]
    assert answer["columns"] == ["text", "label"]
    assert answer["max_length"] == 12
    assert list(answer["splits"]) == ["train", "validation", "test"]
    rows = [json.loads(line) for line in (tiny_data / "train.jsonl").read_text().splitlines()]
    train = answer["splits"]["train"]
    assert train["rows"] == len(rows) == 90
    assert train["classes"] == dict(Counter(row["label"] for row in rows))
    lengths = sorted(len(row["text"].split()) for row in rows if row["label"] == "joy")
    joy = train["words"]["joy"]
    assert set(joy) == {"min", "q1", "median", "q3", "max", "whisker_low", "whisker_high"}
    assert (joy["min"], joy["max"]) == (lengths[0], lengths[-1])
    # Every word of the tiny data is one token of the tiny model, and there are two special tokens.
    assert train["tokens"]["joy"]["max"] == lengths[-1] + 2
    cut = sum(1 for length in lengths if length + 2 > 12) / len(lengths)
    assert answer["truncated"]["train"]["joy"] == pytest.approx(cut)
    assert 0 < cut < 1
    assert {each["kind"] for each in answer["problems"]} == {"near_duplicate"}  # its sentences differ by the place at their end


def test_data_as_text_shows_head_bars_boxes_and_the_cut(tiny_data, tiny_model, emotui_home, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["data", str(tiny_data), "--model", str(tiny_model), "--max-length", "12"]) == 0
    out = capsys.readouterr().out
    assert "  train         90  text, label" in out
    first = json.loads((tiny_data / "train.jsonl").read_text().splitlines()[0])
    assert any(line.split()[:3] == ["0", "2", "sadness"] and first["text"][:20] in line for line in out.splitlines())
    assert "Words per text of train" in out
    assert "cut at 12" in out
    assert "A limit of 12 tokens cuts" in out
    assert "nearly the same as a text of train" in out
    assert all(len(line) <= 100 for line in out.splitlines())


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv", "tsv", "parquet"])
def test_the_rows_of_a_filter_are_a_data_set_again(tiny_data, emotui_home, capsys, tmp_path, ending):
    target = tmp_path / f"found.{ending}"
    assert main(["data", str(tiny_data), "--filter", "label:joy,anger split:train -lied", "--out", str(target)]) == 0
    out, err = capsys.readouterr()
    train = [json.loads(line) for line in (tiny_data / "train.jsonl").read_text().splitlines()]
    expected = [row for row in train if row["label"] in ("joy", "anger") and "lied" not in row["text"]]
    assert 0 < len(expected) < 60
    assert f"  train {len(expected)} of 90 rows" in out
    assert "  test 0 of 30 rows" in out
    assert f"{len(expected)} rows written to {target}" in err
    assert main(["data", str(target), "--no-tokens", "--json"]) == 0
    answer = read_json(capsys)
    assert answer["columns"] == ["split", "text", "label"]
    assert sum(split["rows"] for split in answer["splits"].values()) == len(expected)
    assert main(["data", str(tiny_data), "--out", str(target)]) == 2
    assert "already exists" in capsys.readouterr().err


def test_a_filter_gives_the_rows_it_found(tiny_data, tiny_model, emotui_home, capsys):
    assert main(["data", str(tiny_data), "--model", str(tiny_model), "--filter", "tokens>11 label:joy", "--json"]) == 0
    answer = read_json(capsys)
    rows = [json.loads(line) for line in (tiny_data / "train.jsonl").read_text().splitlines()]
    # Every word of the tiny data is one token of the tiny model, and there are two special tokens.
    found = [index for index, row in enumerate(rows) if row["label"] == "joy" and len(row["text"].split()) + 2 > 11]
    assert found
    assert answer["splits"]["train"] == {"rows": 90, "found": found}
    assert main(["data", str(tiny_data), "--filter", "label:nothing"]) == 2
    assert "there is no label 'nothing'" in capsys.readouterr().err


def test_without_the_starter_model_the_words_are_still_counted(tiny_data, emotui_home, capsys):
    assert main(["data", str(tiny_data), "--no-tokens", "--json"]) == 0
    answer = read_json(capsys)
    assert answer["max_length"] is None
    assert answer["truncated"] == {}
    assert answer["splits"]["test"]["tokens"] == {}
    assert answer["splits"]["test"]["words"]["joy"]["median"] > 0


def write_splits(folder: Path, train: list[tuple[str, str]], test: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    for name, rows in (("train", train), ("validation", test), ("test", test)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return folder


def test_check_fails_where_a_result_could_not_be_trusted(tmp_path, emotui_home, capsys):
    train = [(f"text {number}", "ab"[number % 2]) for number in range(20)]
    folder = write_splits(tmp_path / "leaky", train, train[:4])
    assert main(["check", str(folder), "--json"]) == 1
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["trustworthy"] is False
    leaks = [each for each in answer["problems"] if each["kind"] == "leakage"]
    assert {(each["earlier"], each["split"], each["count"]) for each in leaks} == {
        ("train", "validation", 4),
        ("train", "test", 4),
        ("validation", "test", 4),
    }
    assert leaks[0]["examples"][0] == "text 0"
    assert "cannot be trusted" in err
    assert main(["check", str(folder)]) == 1
    assert "! validation: 4 rows" in capsys.readouterr().out


def test_check_passes_on_good_data(tiny_data, emotui_home, capsys):
    assert main(["check", str(tiny_data), "--json"]) == 0
    answer = read_json(capsys)
    assert (answer["name"], answer["trustworthy"]) == (tiny_data.name, True)
    assert [each["untrustworthy"] for each in answer["problems"]] == [False] * 3


def test_a_bad_row_is_named_and_can_be_skipped(tmp_path, emotui_home, capsys):
    folder = write_splits(tmp_path / "bad", [("a", "x"), ("b", "y"), ("", "x"), ("c", "y")], [("d", "x"), ("e", "y")])
    assert main(["check", str(folder)]) == 2
    err = capsys.readouterr().err
    assert "train.jsonl" in err
    assert "row 3" in err
    assert main(["data", str(folder), "--no-tokens", "--skip-bad-rows", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["splits"]["train"]["skipped"] == 1
    assert "skipped 1 row" in err


def test_a_hostile_text_is_shown_harmless(tmp_path, emotui_home, capsys):
    hostile = "\x1b]52;c;AA==\x07 [/] \u202e\x9b2J"
    folder = write_splits(tmp_path / "hostile", [(hostile, "x\x1b"), ("b", "y")], [("c", "x\x1b"), ("d", "y")])
    assert main(["data", str(folder), "--no-tokens"]) == 0
    out = capsys.readouterr().out
    assert not any(each in out for each in "\x1b\x07\u202e\x9b")
    assert "␛]52" in out


def test_tokens_gives_every_field_of_the_contract(tiny_model, emotui_home, capsys):
    text = "Tokenizing text is a core task of NLP."
    assert main(["tokens", text, "--model", str(tiny_model), "--json"]) == 0
    answer = read_json(capsys)
    assert answer["characters"]["tokens"] == list(text)
    assert answer["characters"]["one_hot"] == [38, 20]
    assert answer["words"]["tokens"] == text.split()
    assert [answer["words"]["vocabulary"][word] for word in text.split()] == answer["words"]["ids"]
    subwords = answer["subwords"]
    assert subwords["tokens"][:4] == ["[CLS]", "token", "##izing", "text"]
    assert subwords["offsets"][2] == [5, 10]
    assert subwords["special"][0] == subwords["special"][-1] == 1
    assert set(subwords["attention_mask"]) == {1}
    assert subwords["model_max_length"] == 48
    assert subwords["input_names"][0] == "input_ids"
    assert subwords["round_trip"].startswith("tokenizing text is a core task")
    length = len(subwords["ids"])
    assert answer["shapes"] == {
        "input_ids": [1, length],
        "one_hot": [1, length, subwords["vocab_size"]],
        "embeddings": [1, length, 32],
        "hidden_state": [1, length, 32],
    }


def test_several_texts_make_a_batch(tiny_model, emotui_home, capsys):
    assert main(["tokens", "i feel great", "i cry", "--model", str(tiny_model), "--json"]) == 0
    answer = read_json(capsys)
    assert [each["text"] for each in answer["texts"]] == ["i feel great", "i cry"]
    batch = answer["batch"]
    assert batch["shape"] == [2, 5]
    assert batch["attention_mask"] == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]
    assert batch["padding_share"] == pytest.approx(0.1)
    assert main(["tokens", "i feel great", "i cry", "--model", str(tiny_model)]) == 0
    out = capsys.readouterr().out
    assert "batch [2, 5]: 10.0 % padding" in out
    assert "mask    1 1 1 1 0" in out


@pytest.mark.real_data
def test_the_emotion_tweets(emotui_home, capsys):
    assert main(["data", os.environ["EMOTUI_REAL_DATA"], "--no-tokens", "--json"]) == 0
    splits = read_json(capsys)["splits"]
    assert {name: split["rows"] for name, split in splits.items()} == {"train": 16000, "validation": 2000, "test": 2000}
    assert splits["train"]["classes"] == {"sadness": 4666, "joy": 5362, "love": 1304, "anger": 2159, "fear": 1937, "surprise": 572}


def write_reviews(folder: Path, *, case: bool = False) -> Path:
    """Write a data set in Chinese, whose classes differ by their words; with `case`, an English one that leaks but for case."""
    folder.mkdir()
    for name, rows in (("train", 60), ("validation", 20), ("test", 20)):
        lines = []
        for number in range(rows):
            good, digit = number % 2, chr(0x4E00 + 37 * number + len(name))
            text = f"这家店{'很好吃服务热情' if good else '太难吃态度恶劣'}{digit}{chr(0x5000 + 91 * number + len(name))}"
            if case:
                text = (
                    f"A Text Of Row {number} here"
                    if name == "train"
                    else f"a text of row {number} here"
                    if name == "test"
                    else f"v {number} w"
                )
            lines.append(json.dumps({"text": text, "label": "pos" if good else "neg"}) + "\n")
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    return folder


def test_check_finds_leakage_that_only_case_hides(tmp_path: Path, capsys: pytest.CaptureFixture[str], emotui_home: Path) -> None:
    folder = write_reviews(tmp_path / "leaky", case=True)
    assert main(["check", str(folder), "--offline", "--json"]) == 1
    answer = read_json(capsys)
    (leak,) = [each for each in answer["problems"] if each["kind"] == "leakage"]
    assert (leak["split"], leak["count"], leak["exact"], leak["untrustworthy"]) == ("test", 20, 0, True)
    assert "(100.0 %), 0 of them exactly" in leak["message"]


def test_tokens_that_the_model_does_not_know_are_a_problem(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], emotui_home: Path
) -> None:
    import tokenizers

    folder = write_reviews(tmp_path / "chinese")
    assert main(["check", str(folder), "--model", str(tiny_model), "--json"]) == 1
    (train, *others) = [each for each in read_json(capsys)["problems"] if each["kind"] == "unknown_tokens"]
    assert [train["split"], *(each["split"] for each in others)] == ["train", "validation", "test"]
    assert "AI-ModelScope/bert-base-chinese" in train["message"]

    tokenizer = tokenizers.Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text("utf-8").splitlines()]
    counts: dict[str, list[int]] = {"pos": [0, 0], "neg": [0, 0]}
    for row in rows:
        tokens = tokenizer.encode(row["text"], add_special_tokens=False).tokens
        counts[row["label"]][0] += tokens.count("[UNK]")
        counts[row["label"]][1] += len(tokens)
    assert main(["data", str(folder), "--model", str(tiny_model), "--json"]) == 0
    told = read_json(capsys)["unknown"]["train"]
    assert told["classes"] == pytest.approx({label: unknown / tokens for label, (unknown, tokens) in counts.items()})
    assert told["share"] == pytest.approx(sum(each[0] for each in counts.values()) / sum(each[1] for each in counts.values()))
    assert told["share"] > 0.5


def test_lengths_of_texts_without_spaces_are_told_in_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], emotui_home: Path
) -> None:
    folder = write_reviews(tmp_path / "chinese")
    assert main(["data", str(folder), "--no-tokens"]) == 0
    out = capsys.readouterr().out
    assert "Characters per text of train" in out
    assert "Words per text" not in out
    assert "the class shares match train" in out


def test_tokens_reads_a_data_set_as_the_other_commands_do(tiny_model, emotui_home, tmp_path, capsys):
    rows = "".join(f"été numéro {number};{number % 2};x\n" for number in range(40))
    (tmp_path / "rows.txt").write_bytes(f"what;klass;other\n{rows}".encode("cp850"))
    how = ["--encoding", "cp850", "--delimiter", "semicolon", "--text-column", "what", "--label-column", "klass", "--labels", "no,yes"]
    command = ["tokens", "--data", str(tmp_path / "rows.txt"), "--model", str(tiny_model), *how]
    assert main([*command, "--json"]) == 0
    assert sum(read_json(capsys)["rows"].values()) == 40
    assert main(["tokens", "a text", "--encoding", "cp850"]) == 2
    assert "--encoding says how a data set is read. Name one with --data DATASET" in capsys.readouterr().err

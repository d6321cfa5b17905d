"""What was once read wrongly without a word is read for what it is, or refused with a remedy that works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emotui.core.data import sources
from emotui.core.data.table import Dataset
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec, Reading

ROWS = [(f"a text, number {n}", ("neg", "neu", "pos")[n % 3]) for n in range(60)]


def _pairs(data: Dataset) -> list[tuple[str, str]]:
    splits = data.splits.values()
    return sorted((text, data.labels[label]) for each in splits for text, label in zip(each.texts(), each.label_ids(), strict=True))


def _load(path: Path, content: str | bytes, **how: object) -> Dataset:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sources.load(DataSpec(str(path), **how))  # type: ignore[arg-type]


def test_a_space_before_a_quote_is_no_part_of_the_field(tmp_path: Path) -> None:
    after = _load(tmp_path / "a.csv", '"text", "label"\n' + "".join(f'"{text}", "{label}"\n' for text, label in ROWS))
    assert _pairs(after) == sorted(ROWS)
    before = _load(tmp_path / "b.csv", "label, text\n" + "".join(f'{label}, "{text}"\n' for text, label in ROWS))
    assert _pairs(before) == sorted(ROWS)


def test_a_sep_line_in_capitals_is_no_header(tmp_path: Path) -> None:
    assert _pairs(_load(tmp_path / "a.csv", "SEP=;\ntext;label\n" + "".join(f"{text};{label}\n" for text, label in ROWS))) == sorted(ROWS)


def test_a_file_divided_by_unit_separators_is_a_sentence_and_can_be_read(tmp_path: Path) -> None:
    content = "text\x1flabel\n" + "".join(f"{text}\x1f{label}\n" for text, label in ROWS)
    with pytest.raises(UserError, match="--delimiter"):
        _load(tmp_path / "a.csv", content)
    assert _pairs(_load(tmp_path / "a.csv", content, reading=Reading(delimiter="\x1f"))) == sorted(ROWS)


def test_a_file_half_in_utf_8_and_half_in_windows_1252_is_refused(tmp_path: Path) -> None:
    parts = [f"{text} été,{label}\n".replace("text,", "text") for text, label in ROWS]
    with pytest.raises(UserError, match="not valid UTF-8"):
        _load(tmp_path / "a.csv", b"text,label\n" + "".join(parts[:30]).encode() + "".join(parts[30:]).encode("cp1252"))


POLISH = ("Bardzo dobra książka, polecam każdemu", "Źle wykonany produkt, żałuję zakupu", "Średnia jakość za tę cenę, dostałem w terminie")
FRENCH = ("Très bon film, l'été passé était drôle où", "Je suis déçu, la qualité n'est pas là", "C'est correct, le délai était élevé")
GERMAN = ("Sehr schönes Gerät, günstig für alle", "Leider müde nach zwei Wochen, fürchterlich", "Über die Größe kann man streiten")
HEBREW = ("ספר טוב מאוד, אני ממליץ לכולם", "איכות גרועה לא עובד חבל", "בסדר בינוני ביחס למחיר")
SPANISH = ("Muy buena película, el niño está contento", "Qué mala atención, no volveré más", "Está bien, aunque más caro de lo que pensé")


def _encoded(said: tuple[str, ...], encoding: str) -> tuple[list[tuple[str, str]], bytes]:
    """Return labelled rows of these texts, and them as csv."""
    rows = [(f"{said[n % 3]} {n}", ("neg", "neu", "pos")[n % 3]) for n in range(60)]
    return rows, ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows)).encode(encoding)


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (GERMAN, "cp850"),
        (GERMAN, "mac-roman"),
        (SPANISH, "cp850"),
        (("El señor Núñez", "Señor Núñez", "El Núñez"), "cp1252"),
        (HEBREW, "cp1255"),
        (FRENCH, "cp1252"),
        (GERMAN, "cp1252"),
        (SPANISH, "cp1252"),
    ],
)
def test_letters_say_which_of_several_encodings_it_is(tmp_path: Path, said: tuple[str, ...], encoding: str) -> None:
    rows, content = _encoded(said, encoding)
    found = _load(tmp_path / "a.csv", content)
    assert _pairs(found) == sorted(rows)
    assert any("since it is not UTF-8 (--encoding chooses another)" in note for note in map(str, found.notes))


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        (FRENCH, "cp850"),
        (FRENCH, "mac-roman"),
        (("很好", "差评", "很好"), "gb18030"),
        (("Дуже гарний фільм", "Жахлива якість", "Нормально"), "koi8-u"),
    ],
)
def test_an_encoding_that_cannot_be_told_is_asked_for(tmp_path: Path, said: tuple[str, ...], encoding: str) -> None:
    rows, content = _encoded(said, encoding)
    with pytest.raises(UserError, match=r"its encoding is not clear\. Name it with --encoding, such as"):
        _load(tmp_path / "a.csv", content)
    assert _pairs(_load(tmp_path / "a.csv", content, reading=Reading(encoding=encoding))) == sorted(rows)


@pytest.mark.parametrize(("encoding", "mark"), [("cp932", "①"), ("cp949", "똠"), ("big5hkscs", "嘅")])
def test_the_wider_form_of_an_encoding_is_guessed(tmp_path: Path, encoding: str, mark: str) -> None:
    text = {
        "cp932": "この映画は本当に面白かったです",
        "cp949": "정말 재미있는 영화였어요 추천합니다",
        "big5hkscs": "這家酒店的服務態度非常好",
    }
    rows = [(f"{text[encoding]}{mark} {n}", ("neg", "pos")[n % 2]) for n in range(40)]
    found = _load(tmp_path / "a.csv", ("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)).encode(encoding))
    assert _pairs(found) == sorted(rows)


@pytest.mark.parametrize("other", ["cafe\u0301", "café\u200b", "\ufeffcafé", "caf\uff45\u0301"])
def test_labels_that_look_the_same_are_not_two_classes(tmp_path: Path, other: str) -> None:
    rows = [{"text": text, "label": ("the", "café", other)[n % 3]} for n, (text, _) in enumerate(ROWS)]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    with pytest.raises(UserError, match=r"differ only by case, spacing, invisible characters or Unicode form\. Join them with --fold-case"):
        _load(tmp_path / "a.jsonl", content)
    assert _load(tmp_path / "a.jsonl", content, fold_case=True).labels == ("café", "the")


def test_minus_100_is_no_class(tmp_path: Path) -> None:
    content = "".join(json.dumps({"text": text, "label": -100 if n % 10 == 0 else n % 3}) + "\n" for n, (text, _) in enumerate(ROWS))
    with pytest.raises(UserError, match="the label -100 is out of range"):
        _load(tmp_path / "a.jsonl", content)
    assert _load(tmp_path / "a.jsonl", content, skip_bad_rows=True).labels == ("0", "1", "2")


def test_what_prodigy_made_of_a_row_is_no_label(tmp_path: Path) -> None:
    rows = [{"text": text, "accept": [label], "answer": "accept" if n % 4 else "ignore"} for n, (text, label) in enumerate(ROWS)]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    with pytest.raises(UserError, match="not clear which column"):
        _load(tmp_path / "a.jsonl", content)
    found = _load(tmp_path / "a.jsonl", content, label_column="accept")
    assert _pairs(found) == sorted(pair for n, pair in enumerate(ROWS) if n % 4)


def test_files_of_class_folders_are_never_read_with_replaced_characters(tmp_path: Path) -> None:
    for text, label in ROWS:
        folder = tmp_path / "train" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{text[-2:].strip()}.txt").write_bytes(f"{text} été".encode("utf-16"))
    assert _pairs(sources.load(DataSpec(str(tmp_path)))) == sorted((f"{text} été", label) for text, label in ROWS)
    for file in tmp_path.rglob("*.txt"):
        file.write_bytes(file.read_bytes().decode("utf-16").encode("cp1252"))
    with pytest.raises(UserError, match=r"cannot be read \(it is not valid utf-8"):
        sources.load(DataSpec(str(tmp_path), reading=Reading(encoding="utf-8")))


@pytest.mark.parametrize("encoding", ["cp866", "iso8859-5"])
def test_letters_of_another_language_are_not_guessed_to_be_western(tmp_path: Path, encoding: str) -> None:
    said = ("Очень хороший фильм, смотреть всем", "Ужасное кино, жалко времени", "Актёры играют отлично, неплохо")
    rows = [(f"{said[n % 3]} {n}", ("neg", "neu", "pos")[n % 3]) for n in range(60)]
    content = ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows)).encode(encoding)
    with pytest.raises(UserError, match=r"its encoding is not clear\. Name it with --encoding"):
        _load(tmp_path / "a.csv", content)
    assert _pairs(_load(tmp_path / "a.csv", content, reading=Reading(encoding=encoding))) == sorted(rows)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_key_that_comes_twice_is_no_choice(tmp_path: Path, name: str) -> None:
    lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
    lines[6] = '{"text": "one", "label": "neg", "text": "two"}'
    lines[7] = '{"label": "neg", "text": "label", "label": "neg"}'
    content = "\n".join(lines) if name == "a.jsonl" else f"[{', '.join(lines)}]"
    with pytest.raises(UserError, match=r"row 7: the key 'text' occurs twice, with different values\. Correct it"):
        _load(tmp_path / name, content)
    found = _load(tmp_path / name, content, skip_bad_rows=True)
    assert _pairs(found) == sorted([*ROWS[:6], ("label", "neg"), *ROWS[8:]])


@pytest.mark.parametrize("name", ["text_label", "label_text", "labelName", "Label Names"])
def test_a_column_beside_the_labels_names_them_whatever_the_order_of_its_words(tmp_path: Path, name: str) -> None:
    ids = {"neg": 0, "neu": 1, "pos": 2}
    content = "".join(json.dumps({"text": text, "label": ids[label], name: f"{label}ative"}) + "\n" for text, label in ROWS)
    found = _load(tmp_path / "a.jsonl", content, text_column="text", label_column="label")
    assert _pairs(found) == sorted((text, f"{label}ative") for text, label in ROWS)


def test_a_list_of_one_label_is_it_where_it_is_written_as_a_text_too(tmp_path: Path) -> None:
    content = "".join(json.dumps({"text": text, "label": f"['{label}']"}) + "\n" for text, label in ROWS)
    assert _pairs(_load(tmp_path / "a.jsonl", content)) == sorted(ROWS)


@pytest.mark.parametrize(("name", "line"), [("a.txt", "__label__{1} {0}\n"), ("a.jsonl", '{{"text": "{0}", "label": "{1}"}}\n')])
def test_empty_lines_between_rows_are_counted(tmp_path: Path, name: str, line: str) -> None:
    lines = [line.format(text, label) for text, label in ROWS]
    found = _load(tmp_path / name, "".join([*lines[:9], "\n", " \n", *lines[9:], "\n\n"]))
    assert _pairs(found) == sorted(ROWS)
    assert f"skipped 2 empty lines of {name}" in found.notes


@pytest.mark.parametrize("word", ["nan", "NA", "null"])
def test_a_class_that_is_called_as_a_missing_value_is_told(tmp_path: Path, word: str) -> None:
    content = "text,label\n" + "".join(f'"{text}",{word if n % 10 == 0 else label}\n' for n, (text, label) in enumerate(ROWS))
    notes = [str(note) for note in _load(tmp_path / "a.csv", content).notes]
    assert any(f"warning: 6 rows have the label '{word}', which often stands for a missing value" in note for note in notes)
    named = _load(tmp_path / "a.csv", content, labels=(word, "neg", "neu", "pos"))
    assert not any("often stands for a missing" in note for note in map(str, named.notes))


def test_a_line_drawn_below_a_header_is_no_row(tmp_path: Path) -> None:
    content = "| text | label |\n|:--|--:|\n" + "".join(f"| {text} | {label} |\n" for text, label in ROWS)
    with pytest.raises(UserError, match=r"row 1 \(line 2\): the line is a rule below the header"):
        _load(tmp_path / "a.md", content)
    assert _load(tmp_path / "a.md", content, skip_bad_rows=True).labels == ("neg", "neu", "pos")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "git lfs pull"),
        ("<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    ],
)
def test_what_came_in_the_place_of_a_file_is_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        _load(tmp_path / "a.csv", content)

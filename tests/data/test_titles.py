"""Lines above a table are no rows of it, single quotes and escaped ones stand around fields, and a header may lack a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from emotui.core.data import sources
from emotui.core.data.table import Dataset
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec, Reading

ROWS = [(f"a text that says number {n}", ("neg", "neu", "pos")[n % 3]) for n in range(60)]
PLAIN = "".join(f"{text},{label}\n" for text, label in ROWS)


def _load(path: Path, content: str, **how: object) -> Dataset:
    path.write_bytes(content.encode())
    found = sources.load(DataSpec(str(path), **how))  # type: ignore[arg-type]
    assert found.spec is not None
    again = sources.load(found.spec)
    assert sources.fingerprint(again) == sources.fingerprint(found)  # what was guessed is kept, and reads the same
    return found


def _pairs(data: Dataset) -> list[tuple[str, str]]:
    splits = data.splits.values()
    return sorted((text, data.labels[label]) for each in splits for text, label in zip(each.texts(), each.label_ids(), strict=True))


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("# made in 2020\n", "the first line"),
        ("# made in 2020\n# by us, with care, and thanks\n\n", "the first 3 lines"),
        ("Results of the survey\n", "the first line"),
        ("Results of the survey, 2020\n", "the first line"),
        ("Results of the survey,\n\n", "the first 2 lines"),
        ("# one, two\n", "the first line"),
        ("\ufeffSentiment\n", "the first line"),
    ],
)
def test_titles_and_comments_above_a_header_are_no_rows(tmp_path: Path, above: str, lines: str) -> None:
    found = _load(tmp_path / "a.csv", f"{above}text,label\n{PLAIN}")
    assert _pairs(found) == sorted(ROWS)
    assert any(f"skipped {lines} of a.csv, above its header" in note and "--skip-lines 0" in note for note in map(str, found.notes))


@pytest.mark.parametrize("above", ["# made in 2020\n", "Results\n", "Results, by us, of 2020\n", "# one, two\n"])
def test_a_header_of_unusual_names_is_found_below_a_title(tmp_path: Path, above: str) -> None:
    found = _load(tmp_path / "a.csv", f"{above}what,klass\n{PLAIN}", text_column="what", label_column="klass")
    assert _pairs(found) == sorted(ROWS)


def test_a_comment_above_rows_without_a_header_is_no_row(tmp_path: Path) -> None:
    found = _load(tmp_path / "a.tsv", "# made in 2020\n" + PLAIN.replace(",", "\t"))
    assert _pairs(found) == sorted(ROWS)
    assert any("above its first row: '# made in 2020'" in note for note in map(str, found.notes))


def test_lines_above_can_be_named(tmp_path: Path) -> None:
    content = f"one,two\nthree,four\nwhat,klass\n{PLAIN}"
    found = _load(tmp_path / "a.csv", content, reading=Reading(skip=2), text_column="what", label_column="klass")
    assert _pairs(found) == sorted(ROWS)
    with pytest.raises(UserError):
        _load(tmp_path / "b.csv", f"Results\ntext,label\n{PLAIN}", reading=Reading(skip=0))


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_file_of_fewer_lines_than_are_passed_over_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"is empty after its first 100 lines"):
        _load(tmp_path / name, f"text,label\n{PLAIN}", reading=Reading(skip=100))


@pytest.mark.parametrize("first", ["#happy and so glad", "# happy"])
def test_texts_that_begin_with_a_hash_are_rows(tmp_path: Path, first: str) -> None:
    rows = [(first, "neg"), *ROWS]
    content = "".join(f"{text}\t{label}\n" for text, label in rows)
    assert _pairs(_load(tmp_path / "a.tsv", content)) == sorted(rows)
    assert _pairs(_load(tmp_path / "b.tsv", "text\tlabel\n" + content)) == sorted(rows)


def test_faults_below_titles_are_named_by_their_lines(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"row 61 \(line 64\)"):
        _load(tmp_path / "a.csv", f"# a\n# b\ntext,label\n{PLAIN}one field\n")


@pytest.mark.parametrize("quoted", ["'{}'", "'{}, and so on'", "'it''s {}'"])
def test_single_quotes_stand_around_fields(tmp_path: Path, quoted: str) -> None:
    content = "".join(f"{quoted.format(text)},'{label}'\n" for text, label in ROWS)
    found = _load(tmp_path / "a.csv", f"text,label\n{content}")
    assert _pairs(found) == sorted((quoted[1:-1].format(text).replace("''", "'"), label) for text, label in ROWS)
    assert any("single quotes enclose the fields of a.csv (--no-quotes" in note for note in map(str, found.notes))


def test_single_quotes_can_be_refused_and_an_apostrophe_is_none(tmp_path: Path) -> None:
    content = "text,label\n" + "".join(f"'{text}','{label}'\n" for text, label in ROWS)
    assert _pairs(_load(tmp_path / "a.csv", content, reading=Reading(quotes=False))) == sorted((f"'{t}'", f"'{s}'") for t, s in ROWS)
    rows = [(f"'tis {text}", label) for text, label in ROWS]
    assert _pairs(_load(tmp_path / "b.csv", "text,label\n" + "".join(f"{t},{s}\n" for t, s in rows))) == sorted(rows)


def test_a_backslash_before_a_quote_within_a_field_is_no_end_of_it(tmp_path: Path) -> None:
    content = "text,label\n" + "".join(f'"he said \\"{text}, C:\\new\\"",{label}\n' for text, label in ROWS)
    found = _load(tmp_path / "a.csv", content)
    assert _pairs(found) == sorted((f'he said "{text}, C:\\new"', label) for text, label in ROWS)
    assert any("a backslash before a quote" in note for note in map(str, found.notes))


def test_a_header_may_lack_the_name_of_row_numbers_or_of_a_last_empty_column(tmp_path: Path) -> None:
    numbered = "".join(f'"{n}","{text}","{label}"\n' for n, (text, label) in enumerate(ROWS, 1))
    found = _load(tmp_path / "a.csv", f'"text","label"\n{numbered}')
    assert _pairs(found) == sorted(ROWS)
    assert any("has one name too few: the first column is called 'column 1'" in note for note in map(str, found.notes))
    found = _load(tmp_path / "b.csv", "text,label\n" + PLAIN.replace("\n", ",\n"))
    assert _pairs(found) == sorted(ROWS)
    with pytest.raises(UserError, match="3 fields where the header names 2"):
        _load(tmp_path / "c.csv", "text,label\n" + "".join(f"so,{text},{label}\n" for text, label in ROWS))


def test_a_header_that_comes_again_is_no_row(tmp_path: Path) -> None:
    content = f"text,label\n{PLAIN}text,label\n{PLAIN.replace('text', 'word')}"
    with pytest.raises(UserError, match="the line repeats the header"):
        _load(tmp_path / "a.csv", content)
    assert _load(tmp_path / "a.csv", content, skip_bad_rows=True).labels == ("neg", "neu", "pos")

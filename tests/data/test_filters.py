"""A filter line selects the rows that a loop in Python selects."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from emotui.core.data import filters, sources
from emotui.core.data.table import Row, Split
from emotui.core.errors import UserError
from emotui.core.specs import DataSpec
from hypothesis import given
from hypothesis import strategies as st

TEXTS = [
    "I am so happy today",
    "so happy, so very HAPPY",
    "unhappiness is not a number",
    "happy is what I am not",
    "im tired - very tired",
    "a label:joy in the text",
    'she said "go" and left',
    "ÉCOLE is école in French",
    "one",
    "regex: [a-z]+ looks odd",
    "tab\tand\nline and   spaces",
]


@pytest.fixture
def dataset(tmp_path: Path, write) -> sources.Dataset:
    rows = [
        {"text": f"{text} {'x ' * repeat}".strip(), "label": ("joy", "very sad", "fear, or so")[repeat]}
        for text in TEXTS
        for repeat in range(3)
    ]
    for split, part in (("train", rows), ("validation", rows[::2]), ("test", rows[::-1])):
        write(tmp_path / f"{split}.jsonl", part)
    return sources.load(DataSpec(str(tmp_path)))


CASES: list[tuple[str, Callable[[Row], bool]]] = [
    ("", lambda row: True),
    ("   ", lambda row: True),
    ("happy", lambda row: "happy" in row.text.lower()),
    ("HAPPY so", lambda row: "happy" in row.text.lower() and "so" in row.text.lower()),
    ('"so happy"', lambda row: "so happy" in row.text.lower()),
    ('-"so happy" happy', lambda row: "so happy" not in row.text.lower() and "happy" in row.text.lower()),
    ("-happy", lambda row: "happy" not in row.text.lower()),
    ('"- very"', lambda row: "- very" in row.text),
    ("-", lambda row: "-" in row.text),
    ('"\\"go\\""', lambda row: '"go"' in row.text),
    ("école", lambda row: "école" in row.text.lower()),
    ("[a-z]+", lambda row: "[a-z]+" in row.text),
    ("regex:^im", lambda row: row.text.startswith("im")),
    ('regex:"^so h"', lambda row: row.text.startswith("so h")),
    ('"regex:so (very|happy)"', lambda row: re.search("so (very|happy)", row.text) is not None),
    ("regex:HAPPY", lambda row: "HAPPY" in row.text),
    ("regex:(?i)HAPPY", lambda row: "happy" in row.text.lower()),
    ("-regex:[.,-]", lambda row: re.search("[.,-]", row.text) is None),
    ("label:joy", lambda row: row.name == "joy"),
    ("label:JOY", lambda row: row.name == "joy"),
    ('label:"very sad"', lambda row: row.name == "very sad"),
    ('label:"joy, very sad"', lambda row: row.name in ("joy", "very sad")),
    ('label:"fear, or so"', lambda row: row.name == "fear, or so"),
    ("-label:joy happy", lambda row: row.name != "joy" and "happy" in row.text.lower()),
    ('"label:joy"', lambda row: "label:joy" in row.text),
    ("split:test", lambda row: row.split == "test"),
    ("-split:test,train", lambda row: row.split == "validation"),
    ("len>5", lambda row: len(row.text.split()) > 5),
    ("words<=3", lambda row: len(row.text.split()) <= 3),
    ("len=1", lambda row: len(row.text.split()) == 1),
    ("-len>5", lambda row: len(row.text.split()) <= 5),
    ("len>=3 len<5", lambda row: 3 <= len(row.text.split()) < 5),
    ("chars>=20", lambda row: len(row.text) >= 20),
    ("chars<10 label:joy", lambda row: len(row.text) < 10 and row.name == "joy"),
    (
        "happy label:joy split:train len<6",
        lambda row: "happy" in row.text.lower() and row.name == "joy" and row.split == "train" and len(row.text.split()) < 6,
    ),
]


@pytest.mark.parametrize(("line", "wanted"), CASES, ids=[line or "empty" for line, _ in CASES])
def test_a_line_selects_what_a_loop_selects(dataset: sources.Dataset, line: str, wanted: Callable[[Row], bool]) -> None:
    query = filters.parse(line)
    found = filters.select(dataset, query)
    assert list(found) == ["train", "validation", "test"]
    for name, split in dataset.splits.items():
        assert found[name].dtype == np.int64
        assert found[name].tolist() == [row.index for row in split.rows(0, len(split)) if wanted(row)]
        assert filters.select(dataset, query, split=name)[name].tolist() == found[name].tolist()


def test_every_case_selects_some_rows(dataset: sources.Dataset) -> None:
    for line, _ in CASES:
        assert sum(map(len, filters.select(dataset, filters.parse(line)).values())) > 0, line


def test_tokens_are_filtered_once_they_are_counted(dataset: sources.Dataset) -> None:
    query = filters.parse("tokens>12")
    with pytest.raises(UserError, match="the tokens have not been counted yet"):
        filters.select(dataset, query)
    tokens = {name: tuple(range(len(split))) for name, split in dataset.splits.items()}
    assert filters.select(dataset, query, tokens=tokens)["train"].tolist() == list(range(13, 33))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('say "so', "an unclosed quotation mark"),
        ('""', "empty pair of quotation marks"),
        ("label:", "label: needs something after it"),
        ("len>", "len> needs something after it"),
        ("len>many", "needs a whole number after it, not 'many'"),
        ("chars<1.5", "needs a whole number"),
        ("regex:(", "the filter's pattern '(' is not valid"),
        ('"regex:"', "needs a pattern after it"),
    ],
)
def test_a_line_that_cannot_be_read_is_one_sentence(line: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        filters.parse(line)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("label:anger", "there is no label 'anger': choose from fear, or so, joy, very sad"),
        ("label:joy,anger", "there is no label 'anger'"),
        ("split:dev", "there is no split 'dev': choose from train, validation, test"),
        ("label:,", "there is no label ','"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_those_that_are(dataset: sources.Dataset, line: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        filters.select(dataset, filters.parse(line))
    assert expected in str(caught.value)


@given(st.text(max_size=40))
def test_any_line_is_a_query_or_a_user_error(line: str) -> None:
    try:
        query = filters.parse(line)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert all(term.value for term in query.terms)


class _Verdicts:
    labels = ("a", "b")
    predicted = np.array([0, 1, 1])
    right = np.array([True, False, True])
    loss = np.array([0.1, 2.5, 0.4])
    confidence = np.array([0.9, 0.8, 0.6])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("wrong", [1]),
        ("-wrong", [0, 2]),
        ("WRONG loss>2", [1]),
        ('"wrong"', [2]),
        ("predicted:b", [1, 2]),
        ("predicted:B,A", [0, 1, 2]),
        ("loss<=0.4", [0, 2]),
        ("loss>.3 confidence<0.7", [2]),
        ("-confidence>=0.8", [2]),
        ("wrongly", []),
    ],
)
def test_rows_are_found_by_what_a_run_says_of_them(line: str, expected: list[int]) -> None:
    table = pa.table({"text": ["one", "two", "all wrong"], "label": pa.array([0, 0, 1], pa.int32()), "number": [1, 2, 3]})
    part = Split("test", table, ("a", "b"))
    query = filters.parse(line)
    assert filters.rows(part, query, ("test",), verdicts=_Verdicts()).tolist() == expected
    assert query.is_of_run == (line not in ('"wrong"', "wrongly"))


@pytest.mark.parametrize("line", ["wrong", "predicted:b", "loss>1", "confidence<0.5"])
def test_what_only_a_run_knows_is_told_where_there_is_none(line: str) -> None:
    table = pa.table({"text": ["one"], "label": pa.array([0], pa.int32()), "number": [1]})
    with pytest.raises(UserError, match="is about a run's predictions, and no run is open here"):
        filters.rows(Split("test", table, ("a", "b")), filters.parse(line), ("test",))


@pytest.mark.parametrize("line", ["loss>", "loss>high", "confidence<80%", "confidence<nan", "predicted:"])
def test_a_term_on_a_run_without_its_value_is_refused(line: str) -> None:
    with pytest.raises(UserError, match="after it"):
        filters.parse(line)

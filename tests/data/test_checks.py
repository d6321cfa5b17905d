"""Problems are counted as a plain loop over the rows counts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emotui.core.data import checks, sources
from emotui.core.specs import DataSpec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Pairs = list[tuple[str, str]]


def load(folder: Path, **splits: Pairs) -> sources.Dataset:
    for name, pairs in splits.items():
        folder.mkdir(exist_ok=True)
        lines = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in pairs)
        (folder / f"{name}.jsonl").write_text(lines, "utf-8")
    return sources.load(DataSpec(str(folder)))


def own(name: str, count: int, labels: str = "ab") -> Pairs:
    return [(f"{name} {number}", labels[number % len(labels)]) for number in range(count)]


def found(dataset: sources.Dataset, kind: str) -> list[checks.Problem]:
    return [problem for problem in checks.find_problems(dataset) if problem.kind == kind]


def distrusted(dataset: sources.Dataset) -> tuple[str, ...]:
    return checks.distrusted(checks.find_problems(dataset, near=False))


def test_sound_data_has_no_problems(tmp_path: Path) -> None:
    assert checks.find_problems(load(tmp_path, train=own("t", 40), validation=own("v", 20), test=own("x", 20))) == ()


def test_rows_that_repeat_an_earlier_one_are_duplicates(tmp_path: Path) -> None:
    train = [*own("t", 10), ("t 0", "a"), ("t 0", "a"), ("t 1", "b"), ("T  2", "a")]
    (problem,) = found(load(tmp_path, train=train, validation=own("v", 10)), "duplicate")
    assert (problem.split, problem.count, problem.exact, problem.rows) == ("train", 4, 3, (10, 11, 12, 13))
    assert problem.examples == ("t 0", "t 1", "T  2")
    said = "3 of them exactly, the others except for case, spacing and Unicode form"
    assert problem.message == f"train: 4 rows repeat the text and label of an earlier one, {said}"
    assert not problem.untrustworthy


def test_texts_under_two_labels_are_conflicts_and_no_duplicates(tmp_path: Path) -> None:
    train = [*own("t", 10), ("t 0", "b"), ("t 3", "a"), ("t 3", "a")]
    dataset = load(tmp_path, train=train, validation=own("v", 10))
    (problem,) = found(dataset, "conflicting_labels")
    assert (problem.split, problem.count, problem.rows) == ("train", 2, (0, 3, 10, 11, 12))
    assert problem.examples == ("t 0", "t 3")
    assert problem.message == "train: 2 texts under more than one label (5 rows)"
    assert [(each.count, each.rows) for each in found(dataset, "duplicate")] == [(1, (12,))]


def test_leakage_is_named_for_each_pair_of_splits(tmp_path: Path) -> None:
    train = own("t", 400)
    validation = [*own("v", 300), ("t 0", "a"), ("t 0", "a"), ("t 1", "a")]
    test = [*own("x", 50), ("t 5", "b"), ("v 0", "a"), ("V\u00a01", "b")]
    problems = found(load(tmp_path, train=train, validation=validation, test=test), "leakage")
    by_pair = {(each.earlier, each.split): each for each in problems}
    assert {pair: (each.count, each.untrustworthy) for pair, each in by_pair.items()} == {
        ("train", "validation"): (3, False),
        ("train", "test"): (1, True),
        ("validation", "test"): (2, True),
    }
    assert by_pair["train", "validation"].rows == (300, 301, 302)
    assert by_pair["train", "validation"].examples == ("t 0", "t 1")
    assert by_pair["train", "validation"].message == "validation: 3 rows have their texts in train too (1.0 %)"
    said = "1 of them exactly, the others except for case, spacing and Unicode form"
    assert by_pair["validation", "test"].message == f"test: 2 rows have their texts in validation too (3.8 %), {said}"
    assert by_pair["validation", "test"].exact == 1
    assert [each.untrustworthy for each in problems] == [True, True, False]


@pytest.mark.parametrize(("leaked", "untrustworthy"), [(2, False), (3, True)])
def test_more_than_one_percent_of_leakage_cannot_be_trusted(tmp_path: Path, leaked: int, untrustworthy: bool) -> None:
    train = own("t", 100)
    dataset = load(tmp_path, train=train, validation=[*own("v", 200 - leaked), *train[:leaked]])
    assert [each.untrustworthy for each in found(dataset, "leakage")] == [untrustworthy]


def test_a_class_without_rows_cannot_be_trusted(tmp_path: Path) -> None:
    dataset = load(tmp_path, train=own("t", 40, "ab"), validation=own("v", 20, "ac"))
    problems = found(dataset, "missing_class")
    assert [(each.split, each.count, each.examples, each.untrustworthy) for each in problems] == [
        ("train", 1, ("c",), True),
        ("validation", 1, ("b",), True),
    ]
    assert problems[0].message == "train: no row of 'c'"


def test_small_classes_are_an_imbalance_of_the_training_split(tmp_path: Path) -> None:
    train = [(f"t {n}", "a") for n in range(61)] + [(f"u {n}", "b") for n in range(21)] + [(f"w {n}", "c") for n in range(20)]
    (problem,) = found(load(tmp_path, train=train, validation=own("v", 30, "aaaaaaaabc")), "imbalance")
    assert (problem.split, problem.count, problem.examples, problem.untrustworthy) == ("train", 1, ("c",), False)
    assert problem.message.startswith("train: 'a' has 3.0 times the rows of 'c' (61 and 20)")


COUNTED = {"duplicate", "conflicting_labels", "missing_class", "leakage"}
TEXTS = st.sampled_from(["p", "q", "r", "s", "P", "p ", "t u", "T  U", "t\u00a0u"])
PAIRS = st.lists(st.tuples(TEXTS, st.sampled_from("abc")), max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PAIRS, PAIRS, PAIRS)
def test_counts_equal_a_loop_over_the_rows(tmp_path: Path, train: Pairs, validation: Pairs, test: Pairs) -> None:
    splits = {"train": [*train, *own("t", 3, "abc")], "validation": [*validation, *own("v", 3, "abc")], "test": [*test, ("x", "a")]}
    problems = checks.find_problems(load(tmp_path / "set", **splits))
    expected: dict[tuple[str, str, str], int] = {}
    exact: dict[tuple[str, str, str], int] = {}
    as_written = splits
    splits = {name: [(" ".join(text.lower().split()), label) for text, label in pairs] for name, pairs in splits.items()}
    for name, pairs in as_written.items():
        exact["duplicate", name, ""] = sum(pair in pairs[:at] for at, pair in enumerate(pairs))
        for earlier in list(splits)[: list(splits).index(name)]:
            exact["leakage", name, earlier] = sum(text in {t for t, _ in as_written[earlier]} for text, _ in pairs)
    for name, pairs in splits.items():
        expected["duplicate", name, ""] = sum(pair in pairs[:at] for at, pair in enumerate(pairs))
        texts = {text for text, _ in pairs}
        expected["conflicting_labels", name, ""] = sum(len({label for t, label in pairs if t == text}) > 1 for text in texts)
        expected["missing_class", name, ""] = len(set("abc") - {label for _, label in pairs})
        for earlier in list(splits)[: list(splits).index(name)]:
            expected["leakage", name, earlier] = sum(text in {t for t, _ in splits[earlier]} for text, _ in pairs)
    counted = {(each.kind, each.split, each.earlier): each.count for each in problems if each.kind in COUNTED}
    assert counted == {key: count for key, count in expected.items() if count}
    for problem in problems:
        if problem.kind in ("duplicate", "leakage"):
            assert len(problem.rows) == problem.count
            assert problem.exact == exact[problem.kind, problem.split, problem.earlier]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A Cafe", "a  cafe "),
        ("caf\u00e9 noir", "CAFE\u0301 noir"),
        ("\uff46\uff55\uff4c\uff4c width", "full width"),
        ("\ufb01ne lines", "fine lines"),
        ("tab\tand\u00a0space\u3000here", "tab and space here"),
        ("Stra\u00dfe am See", "STRASSE am see"),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 x", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3 x"),
    ],
)
def test_texts_that_a_model_cannot_tell_apart_leak(tmp_path: Path, one: str, other: str) -> None:
    dataset = load(tmp_path, train=[*own("t", 10), (one, "a")], validation=[*own("v", 10), (other, "a")])
    (problem,) = found(dataset, "leakage")
    assert (problem.count, problem.exact, problem.rows, problem.untrustworthy) == (1, 0, (10,), True)
    assert "1 row has its text in train too (9.1 %), 0 of them exactly" in problem.message


def test_what_is_grave_is_told_for_a_run(tmp_path: Path) -> None:
    assert distrusted(load(tmp_path / "sound", train=own("t", 40), validation=own("v", 20))) == ()
    (reason,) = distrusted(load(tmp_path / "leaky", train=own("t", 40), validation=[*own("v", 20), *own("t", 2)]))
    assert reason == "validation: 2 rows have their texts in train too (9.1 %)"

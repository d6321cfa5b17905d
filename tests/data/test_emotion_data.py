"""The real tweets: counts as published, problems as known, and read fast."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from emotui.core.data import checks, filters, sources, stats
from emotui.core.specs import DataSpec

FOLDER = os.environ.get("EMOTUI_REAL_DATA", "")
pytestmark = pytest.mark.real_data

LABELS = ("sadness", "joy", "love", "anger", "fear", "surprise")
COUNTS = {
    "train": (4666, 5362, 1304, 2159, 1937, 572),
    "validation": (550, 704, 178, 275, 212, 81),
    "test": (581, 695, 159, 275, 224, 66),
}


@pytest.fixture(scope="module")
def tweets() -> sources.Dataset:
    return sources.load(DataSpec(FOLDER))


def test_rows_and_classes_are_those_published(tweets: sources.Dataset) -> None:
    assert {name: len(split) for name, split in tweets.splits.items()} == {"train": 16_000, "validation": 2_000, "test": 2_000}
    described = stats.describe(tweets)
    for name, counts in COUNTS.items():
        assert described[name].classes == dict(zip(LABELS, counts, strict=True))


def test_the_known_problems_are_found(tweets: sources.Dataset) -> None:
    problems = {(each.kind, each.split, each.earlier): each.count for each in checks.find_problems(tweets)}
    assert problems == {
        ("leakage", "validation", "train"): 5,
        ("leakage", "test", "train"): 11,
        ("leakage", "test", "validation"): 3,
        ("conflicting_labels", "train", ""): 30,
        ("conflicting_labels", "validation", ""): 2,
        ("duplicate", "train", ""): 1,
        ("near_duplicate", "train", "train"): 5,
        ("near_duplicate", "validation", "train"): 3,
        ("near_duplicate", "test", "train"): 5,
        ("near_duplicate", "test", "validation"): 1,
        ("imbalance", "train", ""): 2,
    }
    assert not any(each.untrustworthy for each in checks.find_problems(tweets))


def test_a_single_file_gets_the_names_by_its_folder(tweets: sources.Dataset) -> None:
    file = next(path for path in Path(FOLDER).rglob("train.jsonl.gz"))
    dataset = sources.load(DataSpec(str(file)))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 12_800, "validation": 1_600, "test": 1_600}


def test_a_word_is_found_where_it_is(tweets: sources.Dataset) -> None:
    query = filters.parse("happy label:joy")
    found = filters.select(tweets, query)
    assert len(found["train"]) == 145

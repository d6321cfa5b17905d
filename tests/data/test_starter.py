"""The starter data keeps its promises: enough of it, real language, neither noise nor a giveaway."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
from emotui.core.data import checks, sources
from emotui.core.data.table import Dataset, Row
from emotui.core.specs import DataSpec

LABELS = ("sadness", "joy", "love", "anger", "fear", "surprise")
OWN_NAMES = {
    "sadness": r"\bsad(ness|der|dest|ly|den\w*)?\b",
    "joy": r"\bjoy\w*",
    "love": r"\b(un)?lov(e|ed|es|ely|ing|able|er|ers|ingly)\b",
    "anger": r"\b(anger\w*|angr\w+)\b",
    "fear": r"\bfear\w*",
    "surprise": r"\bsurpris\w*",
}


@pytest.fixture(scope="module")
def starter() -> Dataset:
    return sources.load(DataSpec("starter"))


@pytest.fixture(scope="module")
def rows(starter: Dataset) -> list[Row]:
    return [row for split in starter.splits.values() for row in split.rows(0, len(split))]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower().replace("’", "'"))


def test_it_is_large_enough_and_every_label_has_its_share(starter: Dataset, rows: list[Row]) -> None:
    assert starter.labels == LABELS
    assert len(rows) >= 1500
    assert min(Counter(row.name for row in rows).values()) >= 200
    assert {name: len(split) for name, split in starter.splits.items()} == {"train": 1312, "validation": 270, "test": 270}
    for split in starter.splits.values():
        counts = np.bincount(split.label_ids(), minlength=6)
        assert counts.max() <= 1.25 * counts.min()


def test_the_files_hold_texts_and_labels_by_name() -> None:
    for split in ("train", "validation", "test"):
        with gzip.open(sources.STARTER / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                assert set(row) == {"text", "label"}
                assert row["label"] in LABELS


def test_its_licence_lies_beside_it() -> None:
    assert "CC0" in (sources.STARTER / "LICENSE").read_text(encoding="utf-8")


def test_it_has_no_problems(starter: Dataset) -> None:
    assert checks.find_problems(starter) == ()


def test_lengths_are_3_to_60_words_and_varied(rows: list[Row]) -> None:
    lengths = [len(row.text.split()) for row in rows]
    assert min(lengths) >= 3
    assert max(lengths) <= 60
    assert np.percentile(lengths, 10) <= 8
    assert np.percentile(lengths, 90) >= 30


def test_no_text_is_there_twice(rows: list[Row]) -> None:
    assert len({" ".join(words(row.text)) for row in rows}) == len(rows)


def test_no_text_is_nearly_another(rows: list[Row]) -> None:
    grams = [{tuple(each[at : at + 3]) for at in range(max(1, len(each) - 2))} for each in (words(row.text) for row in rows)]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, each in enumerate(grams):
        for gram in each:
            holders[gram].append(index)
    shared = Counter(pair for indices in holders.values() for pair in combinations(indices, 2))
    worst = max(shared, key=lambda pair: shared[pair] / len(grams[pair[0]] | grams[pair[1]]))
    jaccard = shared[worst] / len(grams[worst[0]] | grams[worst[1]])
    assert jaccard < 0.5, f"{rows[worst[0]].text!r} and {rows[worst[1]].text!r}"


def test_its_vocabulary_is_large(rows: list[Row]) -> None:
    assert len({word for row in rows for word in words(row.text)}) >= 5000


@pytest.mark.parametrize("label", LABELS)
def test_the_emotions_own_name_is_in_under_a_third(rows: list[Row], label: str) -> None:
    texts = [row.text.lower() for row in rows if row.name == label]
    assert sum(bool(re.search(OWN_NAMES[label], text)) for text in texts) < len(texts) / 3


def test_no_word_gives_more_than_a_third_of_a_class_away(rows: list[Row]) -> None:
    """A word in more than a third of a class, and with three of four of its texts there, would make the task a look-up."""
    size = Counter(row.name for row in rows)
    holds = Counter((word, row.name) for row in rows for word in set(words(row.text)))
    total = Counter(word for row in rows for word in set(words(row.text)))
    giveaways = [(word, label) for (word, label), count in holds.items() if count > size[label] / 3 and 4 * count > 3 * total[word]]
    assert giveaways == []


@pytest.mark.parametrize("split", ["validation", "test"])
def test_counting_words_learns_something_but_not_all(starter: Dataset, split: str) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    train, held_out = starter.split("train"), starter.split(split)
    vectorizer = TfidfVectorizer()
    model = LogisticRegression(C=10, max_iter=1000).fit(vectorizer.fit_transform(train.texts()), train.label_ids())
    predicted = model.predict(vectorizer.transform(held_out.texts()))
    assert 0.45 <= f1_score(held_out.label_ids(), predicted, average="weighted") <= 0.85

"""Counts and boxes equal those computed another way: pandas, and sorted lists by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emotui.core.data import sources, stats
from emotui.core.questions import LengthsAnswer
from emotui.core.specs import DataSpec
from hypothesis import given
from hypothesis import strategies as st

TEXTS = ["one", "two words", "  padded   with\tmany \n spaces ", "中文 字", "a\u00a0b\u2003c", "x" * 500, "a b c d e f g h i j k l m n o p"]


@pytest.fixture
def dataset(tmp_path: Path, write) -> sources.Dataset:
    random = np.random.default_rng(3)
    names = ["joy", "anger", "fear"]
    for split, count in (("train", 300), ("validation", 50)):
        rows = [{"text": " ".join(["word"] * int(random.gamma(2, 9) + 1)), "label": names[int(random.integers(3))]} for _ in range(count)]
        write(tmp_path / f"{split}.jsonl", rows + [{"text": text, "label": "joy"} for text in TEXTS])
    write(tmp_path / "test.jsonl", [{"text": "only joy here", "label": "joy"}])
    return sources.load(DataSpec(str(tmp_path)))


def frame(split: sources.Split) -> pd.DataFrame:
    return pd.DataFrame([{"text": row.text, "label": row.name} for row in split.rows(0, len(split))])


def expected_box(values: pd.Series) -> dict[str, float]:
    """As Matplotlib's boxplot_stats: whiskers at the furthest values inside 1.5 IQR, and never inside the box."""
    q1, median, q3 = (values.quantile(share) for share in (0.25, 0.5, 0.75))
    low = values[values >= q1 - 1.5 * (q3 - q1)].min()
    high = values[values <= q3 + 1.5 * (q3 - q1)].max()
    return {
        "min": values.min(),
        "q1": q1,
        "median": median,
        "q3": q3,
        "max": values.max(),
        "whisker_low": low if low <= q1 else q1,
        "whisker_high": high if high >= q3 else q3,
    }


def assert_box(found: stats.Quantiles, values: pd.Series) -> None:
    for name, value in expected_box(values).items():
        assert getattr(found, name) == pytest.approx(float(value)), name


def test_counts_and_lengths_equal_pandas(dataset: sources.Dataset) -> None:
    described = stats.describe(dataset)
    for name, split in dataset.splits.items():
        table = frame(split)
        assert described[name].rows == len(table)
        assert described[name].classes == {label: int((table.label == label).sum()) for label in dataset.labels}
        for measure, lengths in (("words", table.text.str.split().apply(len)), ("characters", table.text.apply(len))):
            boxes = getattr(described[name], measure)
            assert set(boxes) == set(table.label)
            for label, box in boxes.items():
                assert_box(box, lengths[table.label == label])


def test_a_class_without_rows_counts_zero_and_has_no_box(dataset: sources.Dataset) -> None:
    described = stats.describe(dataset)["test"]
    assert described.classes == {"anger": 0, "fear": 0, "joy": 1}
    assert list(described.words) == ["joy"]
    assert described.words["joy"].max == 3


def test_words_are_counted_where_the_table_has_no_column_for_them(dataset: sources.Dataset) -> None:
    split = dataset.split("train")
    bare = sources.Split(split.name, split.table.drop_columns(["words"]), split.labels)
    assert stats.word_counts(bare).tolist() == stats.word_counts(split).tolist() == [len(text.split()) for text in split.texts()]


def test_a_part_of_a_split_is_described_alone(dataset: sources.Dataset) -> None:
    split, indices = dataset.split("train"), np.array([5, 7, 100, 303])
    part = frame(split).iloc[indices]
    described = stats.describe_split(split, indices)
    assert described.rows == 4
    assert {label: count for label, count in described.classes.items() if count} == part.label.value_counts().to_dict()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_boxes_equal_pandas(values: list[float]) -> None:
    assert_box(stats.quantiles(values), pd.Series(values))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60))
def test_a_box_is_in_order(values: list[int]) -> None:
    box = stats.quantiles(values)
    assert box.min <= box.whisker_low <= box.q1 <= box.median <= box.q3 <= box.whisker_high <= box.max


def test_no_values_have_no_box() -> None:
    with pytest.raises(ValueError, match="no values"):
        stats.quantiles([])


def test_token_boxes_and_truncation_equal_pandas(dataset: sources.Dataset) -> None:
    random = np.random.default_rng(1)
    tokens = {name: tuple(random.integers(3, 90, len(split)).tolist()) for name, split in dataset.splits.items()}
    lengths = LengthsAnswer(model_max_length=64, tokens=tokens)
    boxes, cut = stats.token_quantiles(dataset, lengths), stats.truncated(dataset, lengths, 64)
    for name, split in dataset.splits.items():
        table = frame(split).assign(tokens=tokens[name])
        for label in dataset.labels:
            of_label = table[table.label == label].tokens
            if len(of_label):
                assert_box(boxes[name][label], of_label)
                assert cut[name][label] == pytest.approx((of_label > 64).mean())
            else:
                assert label not in boxes[name]
                assert cut[name][label] == 0
    assert not any(math.isnan(share) for shares in cut.values() for share in shares.values())

"""The training rows nearest to a text, against a search of its own, and what was decided about them by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emotui.core.data import overlay_edit, sources
from emotui.core.data.overlay import Place
from emotui.core.errors import UserError
from emotui.core.model import baseline, checkpoint, device, encode, near_rows
from emotui.core.model.batches import tokenize
from emotui.core.questions import AskNeighbours, NeighboursAnswer
from emotui.core.runs import folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import pairwise_distances

TEXT = "i feel alone at work"


def ladder(data: Path, model: Path) -> RunFolder:
    known = sources.load(DataSpec(str(data)))
    assert known.spec is not None
    job = BaselineSpec(known.spec, str(model), device="cpu", precision="float32")
    run = folder.create(job, data_hash=sources.fingerprint(known), labels=known.labels, versions={})
    assert baseline.fit(job, run, lambda _: None, lambda: False)
    return run


def find(run: RunFolder, text: str, **more: Any) -> NeighboursAnswer:
    return near_rows.find(AskNeighbours(run=str(run.path), text=text, **{"rung": "cls", "rows": 7, **more}), lambda *_: None)


def states(model: Path, texts: list[str]) -> dict[Any, np.ndarray]:
    found = checkpoint.find(str(model))
    ids = tokenize(found.tokenizer, texts, 48)
    made = encode.hidden_states(found.encoder(), ids, 0, device.choose("cpu", "float32"))
    assert made is not None
    return made


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_rows_are_those_of_a_search_of_its_own(emotui_home: Path, tiny_model: Path, tiny_data: Path, distance: Any) -> None:
    run = ladder(tiny_data, tiny_model)
    texts = sources.load(DataSpec(str(tiny_data))).splits["train"].texts()
    vectorizer = TfidfVectorizer().fit(texts)
    ways: list[tuple[str, str, Any, Any]] = [
        ("tfidf", "TF-IDF", vectorizer.transform(texts).toarray(), vectorizer.transform([TEXT]).toarray()),
        *(
            (rung, called, states(tiny_model, texts)[rung], states(tiny_model, [TEXT])[rung])
            for rung, called in (("cls", "[CLS]"), ("mean", "mean"))
        ),
    ]
    for rung, called, all_rows, query in ways:
        far = pairwise_distances(all_rows, query, metric=distance)[:, 0]
        found = find(run, TEXT, rung=rung, distance=distance)
        assert (found.features, found.searched, found.distance) == (called, 90, distance)
        assert [each.distance for each in found.rows] == pytest.approx(sorted(far)[:7], abs=2e-3)
        assert [each.distance for each in found.rows] == pytest.approx(far[[each.row for each in found.rows]], abs=2e-3)
        assert all(each.text == texts[each.row] for each in found.rows)


def test_a_training_row_is_nearest_to_itself(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    run = ladder(tiny_data, tiny_model)
    row = sources.load(DataSpec(str(tiny_data))).splits["train"].row(31)
    first = find(run, row.text).rows[0]
    assert (first.row, first.number, first.label, first.distance) == (31, row.number, row.name, pytest.approx(0, abs=1e-5))


def test_what_the_overlay_has_touched_is_told(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    spec = DataSpec(str(tiny_data))
    editor = overlay_edit.Editor(sources.load(spec))
    row = sources.load(spec).splits["train"].row(31)
    other, third = [name for name in editor.dataset.labels if name != row.name]
    editor.decide([Place("train", 5)], None)  # rows after it move up
    editor.decide([Place("train", 31)], other)
    run = ladder(tiny_data, tiny_model)
    first = find(run, row.text).rows[0]
    assert (first.row, first.label, first.source_label, first.later) == (30, other, row.name, None)
    assert all(each.source_label is None and each.later is None for each in find(run, row.text, rows=9).rows[1:])
    editor.decide([Place("train", 31)], third)
    assert find(run, row.text).rows[0].later == third
    editor.decide([Place("train", 31)], None)
    assert (find(run, row.text).rows[0].label, find(run, row.text).rows[0].later) == (other, "")


def test_what_has_no_neighbours_is_refused(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    run = ladder(tiny_data, tiny_model)
    with pytest.raises(UserError, match="treats all texts alike"):
        find(run, TEXT, rung="most_frequent")
    with pytest.raises(UserError, match="empty"):
        find(run, "  ")
    assert [each.distance for each in find(run, "qqq zzz", rung="tfidf").rows] == [1.0] * 7  # it has none of the terms

"""A learning curve fits each rung on nested draws of ever fewer rows, is kept with the run, and is shown and reported."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from emotui.core.cli import curve as curves
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.events import Event, Note, Rung, RungDone
from emotui.core.figures.scores import measure
from emotui.core.model import baseline, learning_curve
from emotui.core.model.extractor import StopRequestedError
from emotui.core.runs import folder
from emotui.core.runs import learning_curve as kept_curve
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

LABELS = ("a", "b", "c")


def test_sizes_are_halves_of_all_rows_down_to_a_few() -> None:
    assert learning_curve.sizes(16_000, 6) == [125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000]
    assert learning_curve.sizes(90, 3) == [22, 45, 90]
    assert learning_curve.sizes(90, 30) == [90]


def test_all_rungs_see_the_same_nested_draws_and_what_is_measured_is_not_fitted_again() -> None:
    truth, validation = np.tile([0, 1, 2], 32), np.array([0, 1, 2])
    seen: dict[str, list[frozenset[int]]] = {"x": [], "y": []}

    def fit(name: str, rows: np.ndarray, seed: int) -> np.ndarray:
        seen[name].append(frozenset(rows.tolist()))
        return np.eye(3)

    fits = {name: lambda rows, seed, name=name: fit(name, rows, seed) for name in seen}
    known = Rung("x", measure("validation", validation, np.eye(3)[[0, 0, 2]], LABELS), 1.0)
    found = learning_curve.compute(fits, [known], truth, validation, LABELS, 5, lambda _: None, lambda: False)
    assert found is not None and [len(point.f1_weighted) for point in found.curves[0].points] == [3, 3, 1]
    assert [len(rows) for rows in seen["x"]] == [24] * 3 + [48] * 3
    assert seen["y"][:6] == seen["x"] and len(seen["y"]) == 7 and len(seen["y"][-1]) == 96
    for small, large in zip(seen["x"][:3], seen["x"][3:], strict=True):
        assert small < large
    assert len(set(seen["x"])) == 6
    assert found.curves[0].points[-1].f1_weighted == (known.metrics.f1_weighted,)
    assert found.curves[1].points[-1].f1_weighted == (1.0,)


def test_a_draw_of_one_class_answers_with_it() -> None:
    truth, validation = np.zeros(64, np.int64), np.array([0, 1])
    truth[:1] = 1
    found = learning_curve.compute(
        {"x": lambda rows, seed: np.eye(2)[[0, 1]]}, [], truth, validation, ("a", "b"), 0, lambda _: None, lambda: False
    )
    assert found is not None
    scores = found.curves[0].points[0].f1_weighted
    alone = f1_score([0, 1], [0, 0], average="weighted")
    assert all(score in (pytest.approx(1.0), pytest.approx(alone)) for score in scores) and min(scores) < 1


def test_too_few_rows_are_said_and_a_stop_is_heard() -> None:
    events: list[Event] = []
    few = learning_curve.compute({}, [], np.zeros(20, np.int64), np.zeros(2, np.int64), ("a", "b"), 0, events.append, lambda: False)
    assert few is None and isinstance(events[-1], Note) and "too few for a learning curve" in events[-1].message
    with pytest.raises(StopRequestedError):
        learning_curve.compute(
            {"x": lambda rows, seed: np.eye(2)}, [], np.tile([0, 1], 40), np.array([0, 1]), ("a", "b"), 0, events.append, lambda: True
        )


@pytest.fixture
def run(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> tuple[RunFolder, list[Event]]:
    spec = DataSpec(str(tiny_data))
    job = BaselineSpec(spec, str(tiny_model), pooling="mean", device="cpu", precision="float32", curve=True)
    made = folder.create(job, data_hash="", labels=sources.load(spec).labels, versions={})
    events: list[Event] = []
    assert baseline.fit(job, made, events.append, lambda: False)
    return made, events


def test_it_is_kept_with_the_run_and_its_scores_are_those_of_scikit_learn(run: tuple[RunFolder, list[Event]], tiny_data: Path) -> None:
    found = kept_curve.read(run[0])
    assert found is not None
    assert [each.rung for each in found.curves] == ["tfidf", "static", "mean"]
    data = sources.load(DataSpec(str(tiny_data)))
    train, validation = data.splits["train"], data.splits["validation"]
    order = np.random.default_rng([0, 1]).permutation(90)[:45]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=baseline.TFIDF_C, max_iter=baseline.ITERATIONS))
    model.fit([train.texts()[row] for row in order], train.label_ids()[order])
    expected = f1_score(validation.label_ids(), model.predict(validation.texts()), average="weighted")
    assert found.curves[0].points[1].f1_weighted[1] == pytest.approx(expected)
    measured = {event.rung.name: event.rung.metrics.f1_weighted for event in run[1] if isinstance(event, RungDone)}
    assert all(each.points[-1].f1_weighted == (measured[each.rung],) for each in found.curves)
    lines = curves.report(found, 80, unicode=False)
    assert all(line.isascii() and len(line) <= 80 for line in lines)
    assert "What more labels would bring" in lines and "180 labels" in " ".join(lines)


def test_a_damaged_file_is_named(run: tuple[RunFolder, list[Event]]) -> None:
    path = kept_curve.file_of(run[0])
    kept = json.loads(path.read_text())
    kept["curves"][0]["points"][0]["f1_weighted"] = [7]
    path.write_text(json.dumps(kept))
    with pytest.raises(UserError, match=r"learning-curve\.json"):
        kept_curve.read(run[0])


def point(labels: int, *scores: float) -> kept_curve.Point:
    return kept_curve.Point(labels, scores, scores)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (kept_curve.Gain(0.0123, 0.01, 0.015, 0.02, 0.018), "2,000 labels would bring TF-IDF about +0.012 weighted F1 (+0.010 to +0.015"),
        (kept_curve.Gain(0.0123, 0.01, 0.015, 0.02, 0.018), "for the last doubling this way foretold +0.020, and +0.018 came"),
        (kept_curve.Gain(-0.01, -0.02, 0.0), "would bring TF-IDF next to nothing"),
        (None, ""),
    ],
)
def test_what_more_labels_would_bring_is_said(more: kept_curve.Gain | None, said: str) -> None:
    curve = kept_curve.Curve("tfidf", (point(500, 0.5), point(1_000, 0.6)), more)
    assert said in kept_curve.in_words(curve) and (more is not None or kept_curve.in_words(curve) == "")
    assert msgspec.json.decode(msgspec.json.encode(curve), type=kept_curve.Curve) == curve


@pytest.mark.slow
def test_fine_tuning_is_measured_too_where_that_is_asked_for(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    spec = DataSpec(str(tiny_data))
    job = BaselineSpec(spec, str(tiny_model), pooling="mean", device="cpu", precision="float32", curve=True, curve_fine_tuned=True)
    made = folder.create(job, data_hash="", labels=sources.load(spec).labels, versions={})
    assert baseline.fit(job, made, lambda _: None, lambda: False)
    found = kept_curve.read(made)
    assert found is not None and found.curves[-1].rung == kept_curve.FINE_TUNED
    assert [len(each.f1_weighted) for each in found.curves[-1].points] == [3, 3, 1]
    assert not (made.path / "curve").exists()

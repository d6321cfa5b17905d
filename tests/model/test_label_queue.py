"""Hidden states of a file's rows, the rows near a text and the rows that runs disagree on, against brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from emotui.core.data import labelling
from emotui.core.errors import UserError
from emotui.core.model import checkpoint, classify, device, label_queue, state_cache
from emotui.core.model.extractor import Extractor
from emotui.core.questions import AskClassify, AskDisagreement, AskNear, AskStates, ClassifyAnswer, Prediction, StatesAnswer
from emotui.core.specs import DataSpec
from scipy.spatial.distance import cosine, jensenshannon

NAMES = ("joy", "anger")
TEXTS = [
    f"i {verb} my {thing} {place}"
    for verb in ("miss", "won", "broke")
    for thing in ("dog", "game", "bike")
    for place in ("today", "again", "in town")
]


def nothing(*_: object) -> None:
    """Take no notice of progress."""


@pytest.fixture
def spec(emotui_home: Path, tmp_path: Path) -> DataSpec:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), "utf-8")
    return labelling.begin(DataSpec(str(path)), NAMES)


def states(spec: DataSpec, model: Path) -> StatesAnswer:
    return label_queue.states(AskStates(spec, str(model)), nothing)


def test_the_states_are_those_of_the_rows_in_the_order_of_the_file(spec: DataSpec, tiny_model: Path) -> None:
    found = states(spec, tiny_model)
    model = checkpoint.find(str(tiny_model))
    extractor = Extractor(model, model.checked_length(None), device.choose("auto", "auto"))
    for row in (0, 9, 26):
        alone = extractor.states([TEXTS[row]], ("mean",), use_cache=False)[0]["mean"][0]
        kept = state_cache.cached(found.key)
        assert kept is not None and kept.shape == (27, 32) and kept[row] == pytest.approx(alone, abs=0.05)
    names = state_cache.cached(found.names)
    assert names is not None and names.shape == (2, 32) and not found.cached and found.drawn == ()
    assert states(spec, tiny_model).cached


def test_near_rows_are_those_of_brute_force(spec: DataSpec, tiny_model: Path) -> None:
    found = states(spec, tiny_model)
    answer = label_queue.near(AskNear(text=TEXTS[13], states=found.key, model=str(tiny_model), count=10))
    kept = np.asarray(state_cache.cached(found.key), np.float64)
    mean = kept.mean(0)
    far = [cosine(row - mean, kept[13] - mean) for row in kept]
    assert answer.order[0] == 13 and answer.distance == pytest.approx([far[row] for row in answer.order], abs=0.02)
    assert max(far[row] for row in answer.order) <= sorted(far)[9] + 0.02


def test_of_many_rows_some_are_drawn(spec: DataSpec, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_queue, "MOST", 12)
    drawn = label_queue.drawn_rows(27, 12)
    assert len(set(drawn.tolist())) == 12 and drawn.tolist() == sorted(drawn.tolist()) and len(label_queue.drawn_rows(12, 12)) == 0
    monkeypatch.setattr(label_queue, "drawn_rows", lambda rows: drawn)
    found = states(spec, tiny_model)
    kept = state_cache.cached(found.key)
    assert found.drawn == tuple(drawn.tolist()) and kept is not None and len(kept) == 12
    at = found.drawn[5]
    assert label_queue.near(AskNear(text=TEXTS[at], states=found.key, model=str(tiny_model), drawn=found.drawn)).order[0] == at


def test_rows_on_which_runs_disagree_come_first(spec: DataSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {run: np.random.default_rng(seed).dirichlet((1, 1), 27) for seed, run in enumerate(("one", "other"))}

    def answers(ask: AskClassify) -> ClassifyAnswer:
        rows = [shares[ask.run][TEXTS.index(text)] for text in ask.texts]
        found = [Prediction("", "joy", dict(zip(NAMES, map(float, row), strict=True)), 3, truncated=False) for row in rows]
        return ClassifyAnswer(ask.run, tuple(found))

    monkeypatch.setattr(classify, "classify", answers)
    monkeypatch.setattr(label_queue, "PART", 4)
    rows = tuple(range(3, 25))
    found = label_queue.disagreement(AskDisagreement(spec, ("one", "other"), rows), nothing)
    far = {row: jensenshannon(shares["one"][row], shares["other"][row]) ** 2 for row in rows}
    assert found.order == tuple(sorted(rows, key=lambda row: -far[row]))
    assert found.divergence == pytest.approx([far[row] for row in found.order], abs=1e-4)
    monkeypatch.setattr(
        classify, "classify", lambda ask: ClassifyAnswer(ask.run, (Prediction("", "x", {ask.run: 1.0}, 1, truncated=False),))
    )
    with pytest.raises(UserError, match="the runs have different labels"):
        label_queue.disagreement(AskDisagreement(spec, ("one", "other"), (1,)), nothing)

"""The supervisor, which has no libraries, and the readers of a run agree on what it came to."""

from __future__ import annotations

import json

import msgspec
from emotui.core.events import Metrics, Rung
from emotui.core.runs import on_event, rungs
from emotui.core.runs.tally import Tally
from hypothesis import given
from hypothesis import strategies as st


def tally_of(ladder: list[Rung]) -> Tally:
    tally = Tally()
    for rung in ladder:
        tally.add({"kind": "rung_done", "rung": json.loads(msgspec.json.encode(rung))})
    if ladder:
        tally.add({"kind": "finished", "metrics": json.loads(msgspec.json.encode(ladder[-1].metrics))})
    return tally


# Few values, so that rungs are equal now and then.
SCORES = st.lists(st.tuples(st.sampled_from((0.0, 0.57, 0.8)), st.sampled_from((0.0, 0.5, 0.7))), max_size=len(rungs.NAMES))


@given(SCORES)
def test_the_event_of_a_baseline_tells_the_score_of_its_best_rung(scores: list[tuple[float, float]]) -> None:
    ladder = [
        Rung(name, Metrics("validation", 4, 0.5, weighted, macro, {}, ((1,),)), 1.0)
        for name, (weighted, macro) in zip(rungs.NAMES, scores, strict=False)
    ]
    best = rungs.best(ladder)
    assert on_event._f1(tally_of(ladder)) == (best.metrics.f1_weighted if best is not None else None)


def test_a_rung_without_metrics_is_no_best_rung() -> None:
    tally = Tally()
    for rung in ({"name": "encoder"}, {"name": "tfidf", "metrics": {"f1_macro": 0.0, "f1_weighted": 0.1}}, {"metrics": None}):
        tally.add({"kind": "rung_done", "rung": rung})
    assert on_event._f1(tally) == 0.1

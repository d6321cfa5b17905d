"""What is wrong with rows: planted wrong labels are found, and each figure against an independent computation."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from emotui.core.data import sources
from emotui.core.data.overlay_edit import Editor
from emotui.core.model import faults
from emotui.core.questions import AskFaults, Fault, FaultsAnswer
from emotui.core.specs import DataSpec

LABELS = ("anger", "joy", "sadness")
WORDS = {"anger": "furious shout hate lied broke", "joy": "smile won danced laughed happy", "sadness": "cry alone empty miss grave"}


def said(*_: object) -> None: ...


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))


def sentences(number: int, seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    common = [f"word{at}" for at in range(400)]
    rows = []
    for at in range(number):
        label = LABELS[at % 3]
        rows.append((" ".join([*rng.sample(WORDS[label].split(), 2), *rng.sample(common, 6)]), label))
    return rows


@pytest.fixture
def planted(tmp_path: Path, emotui_home: Path) -> tuple[Path, set[int]]:
    """450 rows of which 15 have a wrong label."""
    rows = sentences(450, 1)
    wrong = set(range(7, 450, 30))
    folder = tmp_path / "planted"
    folder.mkdir()
    write(folder / "train.jsonl", [(t, LABELS[(LABELS.index(l) + 1) % 3] if at in wrong else l) for at, (t, l) in enumerate(rows)])
    write(folder / "validation.jsonl", sentences(60, 2))
    return folder, wrong


def of(answer: FaultsAnswer, kind: str, split: str = "train") -> Fault | None:
    return next((each for each in answer.faults if (each.kind, each.split) == (kind, split)), None)


def test_planted_labels_are_found_and_the_right_one_is_suggested(planted: tuple[Path, set[int]], tiny_model: Path) -> None:
    folder, wrong = planted
    seen: list[str] = []
    answer = faults.find(AskFaults(DataSpec(str(folder)), str(tiny_model)), lambda phase, *_: seen.append(phase))
    assert len(wrong & set(answer.ranking["train"][:23])) >= 13 and len(answer.ranking["train"]) == 450
    fault = of(answer, "label")
    assert fault is not None and len(wrong & set(fault.rows)) >= 10 and len(fault.rows) <= 25
    right = dict(enumerate(label for _, label in sentences(450, 1)))
    assert all(label == right[row] for row, label in zip(fault.rows, fault.suggested, strict=True) if row in wrong)
    assert answer.features == max(answer.f1_macro, key=lambda name: answer.f1_macro[name]) and set(answer.f1_macro) == {
        "tfidf",
        "cls",
        "mean",
    }
    assert "fit" in seen and any(phase.startswith("extract") for phase in seen)


def test_rows_that_were_decided_are_not_doubted_again(planted: tuple[Path, set[int]], tiny_model: Path) -> None:
    folder, _ = planted
    ask = AskFaults(DataSpec(str(folder)), str(tiny_model))
    first = of(faults.find(ask, said), "label")
    assert first is not None
    editor = Editor(sources.load(DataSpec(str(folder))))
    editor.decide([editor.place("train", first.rows[0])], sources.load(ask.data).splits["train"].row(first.rows[0]).name)  # it is right
    editor.decide([editor.place("train", first.rows[1])], None)
    second = faults.find(ask, said)
    rows = sources.load(ask.data).splits["train"]
    told = of(second, "label")
    assert told is not None and len(second.ranking["train"]) == 448
    texts = sources.load(DataSpec(str(folder), overlay=0)).splits["train"].texts()
    assert not {texts[first.rows[0]], texts[first.rows[1]]} & {rows.row(row).text for row in told.rows}


def test_the_ranking_is_that_of_cleanlab_on_probabilities_of_rows_that_were_not_seen(
    planted: tuple[Path, set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleanlab.rank import get_label_quality_scores
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    folder, _ = planted
    monkeypatch.setattr(faults, "_model", lambda _: None)
    answer = faults.find(AskFaults(DataSpec(str(folder))), said)
    data = sources.load(DataSpec(str(folder)))
    validation = data.splits["validation"]
    counted = TfidfVectorizer(sublinear_tf=True)
    fitted = LogisticRegression(C=10, max_iter=300, tol=1e-3, random_state=0).fit(
        counted.fit_transform(data.splits["train"].texts()), data.splits["train"].label_ids()
    )
    shares = fitted.predict_proba(counted.transform(validation.texts()))
    quality = get_label_quality_scores(validation.label_ids(), shares, adjust_pred_probs=False)
    assert answer.ranking["validation"] == tuple(np.argsort(quality, kind="stable").tolist())
    assert answer.features == "tfidf" and of(answer, "outlier") is None and of(answer, "cut") is None


def test_equal_and_nearly_equal_texts_under_two_labels_small_classes_and_cuts(tmp_path: Path, emotui_home: Path, tiny_model: Path) -> None:
    rows = sentences(90, 3)
    text = "i feel great and we danced all day long in the park with my sister today"
    rows += [(text, "joy"), (text.upper(), "anger"), (text + " again", "sadness"), ("a rare one", "fear")]
    rows += [(" ".join(["miss"] * 70), "sadness")]
    path = tmp_path / "data"
    path.mkdir()
    write(path / "train.jsonl", rows)
    write(path / "validation.jsonl", sentences(30, 4))
    answer = faults.find(AskFaults(DataSpec(str(path)), str(tiny_model)), said)
    conflict, small, cut = of(answer, "near_conflict"), of(answer, "small_class"), of(answer, "cut")
    assert conflict is not None and conflict.rows == (90, 91, 92)
    assert small is not None and small.rows == (93,) and "fear (1)" in small.message
    assert cut is not None and cut.rows[0] == 94 and f"{len(cut.rows)} texts cut at 48 tokens" in cut.message


def test_distances_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    reference, others = faults._unit(rng.normal(size=(60, 8))), faults._unit(rng.normal(size=(9, 8)))
    own = {at: at for at in range(60)}
    for rows, skip in ((reference, own), (others, {})):
        found = faults._distances(rows, reference, skip)
        for at, row in enumerate(rows):
            far = sorted(1 - float(row @ other) for number, other in enumerate(reference) if skip.get(at) != number)
            assert found[at] == pytest.approx(np.mean(far[: faults.NEIGHBOURS]), abs=1e-5)


def test_a_row_unlike_all_others_is_an_outlier() -> None:
    rng = np.random.default_rng(1)
    from emotui.core.data.arrays import numbers, strings
    from emotui.core.data.table import Dataset, Split

    way = np.sign(rng.normal(size=24))
    states = rng.choice([-1, 1], size=(200, 1)) * way + 0.2 * rng.normal(size=(200, 24))  # two groups
    states[17] = rng.permutation(way)
    import pyarrow as pa

    columns = {
        "text": strings([f"{at}" for at in range(200)]),
        "label": numbers([0, 1] * 100, "int32"),
        "number": numbers(range(200), "int64"),
    }
    split = Split("train", pa.table(columns), ("a", "b"))
    data = Dataset("x", "x", {"train": split}, ("a", "b"), ("text",), "text", "label", {}, {})
    found = faults._outliers(data, {"train": states.astype(np.float32)})
    assert len(found) == 1 and found[0].rows[0] == 17 and len(found[0].rows) <= 3


@pytest.mark.real_data
@pytest.mark.timeout(1_800)
def test_three_percent_planted_wrong_labels_are_among_the_first_five_percent(tmp_path: Path, emotui_home: Path) -> None:
    data = sources.load(DataSpec(os.environ["EMOTUI_REAL_DATA"]))
    rng = np.random.default_rng(7)
    folder = tmp_path / "planted"
    folder.mkdir()
    sizes = {name: round(0.03 * len(data.splits[name])) if name == "train" else 0 for name in ("train", "validation")}
    planted: set[int] = set()
    for name, size in sizes.items():
        split = data.splits[name]
        labels = split.label_ids()
        wrong = rng.choice(len(split), size, replace=False)
        labels[wrong] = (labels[wrong] + rng.integers(1, len(data.labels), len(wrong))) % len(data.labels)
        write(folder / f"{name}.jsonl", [(text, data.labels[label]) for text, label in zip(split.texts(), labels, strict=True)])
        planted |= set(wrong.tolist())
    answer = faults.find(AskFaults(DataSpec(str(folder), offline=True), os.environ.get("EMOTUI_REAL_MODEL", "starter")), said)
    ranking = answer.ranking["train"]
    share = len(planted & set(ranking[: round(0.05 * len(ranking))])) / len(planted)
    print(
        f"{share:.3f} of {len(planted)} planted labels in the first 5 %, from {answer.features}, {answer.f1_macro}, {answer.seconds:.0f} s"
    )
    assert share >= 0.6

"""emotui why on a real run of the tiny model: the figures that are printed are those of the engine, and what is wrong gets a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emotui.core import cli
from emotui.core.data import sources
from emotui.core.figures.log_odds import compare
from emotui.core.model import baseline
from emotui.core.runs import cell_words, examined, folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec

pytestmark = pytest.mark.slow
TEXT = "i feel great and he lied"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_model: Path) -> Iterator[RunFolder]:
    """A baseline with all its rungs."""
    place = tmp_path_factory.mktemp("why") / "home"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("EMOTUI_HOME", str(place)), ("EMOTUI_CONFIG", str(place / "none")), ("OMP_NUM_THREADS", "1")):
            patch.setenv(name, value)
        data = DataSpec(str(tiny_data))
        found = sources.load(data)
        job = BaselineSpec(data, str(tiny_model), device="cpu", precision="float32")
        made = folder.create(job, data_hash=sources.fingerprint(found), labels=found.labels, versions={})
        baseline.fit(job, made, lambda _: None, lambda: False)
        yield made


def ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.main(["why", *arguments]) == code
    return capsys.readouterr()


def test_a_text_is_explained_in_both_ways(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    words_of = (f"{run.id}:cls", TEXT, "--class", "joy")
    found: Any = json.loads(ask(capsys, *words_of, "--json", "--neighbours", "3", "--attention", "2.1")[0])
    first, second = found["explanations"]
    assert (first["method"], second["method"], first["label"]) == ("integrated_gradients", "leave_out", "joy")
    assert len(first["words"]) == len(second["words"]) == 6
    weights = np.array(found["attention"]["weights"])
    assert weights.shape == (8, 8) and weights.sum(1) == pytest.approx(1, abs=0.01)
    assert [each["distance"] for each in found["neighbours"]["rows"]] == sorted(each["distance"] for each in found["neighbours"]["rows"])
    shown = ask(capsys, *words_of)[0]
    assert "completeness gap" in shown and f"logit {first['score']:+.3f}" in shown
    for at, word in enumerate(TEXT.split()):
        line = next(line for line in shown.splitlines() if line.startswith("  ") and line.split()[0] == word)
        for answer in (first, second):
            assert f"{answer['words'][at]['weight']:+.3f}" in line


def test_a_linear_rung_is_explained_exactly_and_without_color(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ask(capsys, f"{run.id}:tfidf", TEXT)[0]
    assert "weight x value" in shown and "together with the intercept" in shown and "left out" not in shown
    assert any("+█" in line for line in shown.splitlines()) and "\x1b" not in shown


def test_a_cut_text_says_so(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cut at 48 tokens: the model sees nothing from character 229 on" in ask(capsys, f"{run.id}:mean", "good " * 90)[0]


def test_the_words_of_a_cell_are_those_of_its_rows(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    found = examined.examine(run, "mean", "validation")
    assert found is not None
    names = found.judged.labels
    texts = found.predictions.rows.split.texts()
    for true in range(3):
        for predicted in range(3):
            said: Any = json.loads(ask(capsys, f"{run.id}:mean", "--cell", f"{names[true]},{names[predicted]}", "--json")[0])
            inside = [
                text
                for text, label, given in zip(texts, found.judged.truth, found.judged.predicted, strict=True)
                if (label, given) == (true, predicted)
            ]
            assert said["rows"] == len(inside)
            if true != predicted and inside and "are right" in said["against"]:
                right = [texts[row] for row in found.judged.cell(true, true)]
                counts = [Counter(word for text in some for word in text.lower().split()) for some in (inside, right, texts)]
                assert said["words"] == [each._asdict() for each in compare(counts[0], counts[1], counts[2])]
                assert said["others"] == len(right)


def test_a_cell_of_a_class_that_is_never_right_has_others_to_compare_with(run: RunFolder) -> None:
    found = examined.examine(run, "most_frequent", "validation")
    assert found is not None
    best = int(found.judged.predicted[0])
    other = next(label for label in range(3) if label != best)
    words_of = cell_words.of_cell(found, other, best)
    assert words_of.against == "of other cells"
    assert words_of.others == int((found.judged.truth != other).sum())
    assert cell_words.of_cell(found, best, other).words == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["RUN"], "give a TEXT to explain, or --cell"),
        (["RUN", "a", "--cell", "joy,anger"], "give a TEXT to explain, or --cell"),
        (["RUN:tfidf", "  "], "the text is empty"),
        (["RUN:most_frequent", "a"], "the most frequent class, whatever its words"),
        (["RUN:tfidf", "a", "--class", "nonsense"], "has no class nonsense"),
        (["RUN:tfidf", "a", "--attention", "1"], "no attention"),
        (["RUN:tfidf", "a", "--attention", "x.y"], "must be a layer"),
        (["RUN:tfidf", "--cell", "joy,nonsense"], "names no cell"),
    ],
)
def test_what_cannot_be_explained_gets_a_sentence(
    run: RunFolder, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    shown = ask(capsys, *(each.replace("RUN", run.id) for each in arguments), code=2)
    assert shown[0] == "" and sentence in shown[1] and shown[1].count("\n") == 1


def test_a_hostile_text_stays_text(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ask(capsys, f"{run.id}:tfidf", "\x1b]52;c;YQ==\x07 [bold]great[/] \u202egreat 我喜欢 😀")[0]
    assert "\x1b" not in shown and "\u202e" not in shown and "[bold]" in shown

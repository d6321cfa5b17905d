"""emotui behaviour on a real baseline of the tiny data, against what predict says of both versions of each text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from emotui.core import cli
from emotui.core.data import edits, sources
from emotui.core.model import baseline, classify
from emotui.core.runs import behaviour, folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from statsmodels.stats.proportion import proportion_confint

pytestmark = pytest.mark.xdist_group("behaviour command")  # they share a trained run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("behaviour") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTUI_HOME", str(place))
        patch.setenv("EMOTUI_CONFIG", str(place / "none"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield place


@pytest.fixture(scope="module")
def run(home: Path, tiny_data: Path, tiny_model: Path) -> RunFolder:
    data = DataSpec(str(tiny_data))
    found = sources.load(data)
    job = BaselineSpec(data, str(tiny_model), pooling="mean", device="cpu", precision="float32")
    made = folder.create(job, data_hash=sources.fingerprint(found), labels=found.labels, versions={"emotui": "0"})
    events: list = []
    baseline.fit(job, made, events.append, lambda: False)
    lines = [{"kind": "line", "seq": n, "time": 1.0, "attempt": 1, "event": msgspec.to_builtins(each)} for n, each in enumerate(events, 1)]
    made.events_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.main(arguments) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def test_failures_are_those_of_predict_on_both_versions(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{run.id}:tfidf"
    answer = json.loads(asked(capsys, "behaviour", name, "--json")[0])
    assert (answer["rung"], answer["split"], answer["rows"], answer["of"]) == ("tfidf", "validation", 30, 30)
    assert [each["edit"] for each in answer["tests"]] == list(edits.BY_NAME)
    texts = sources.load(run.read_spec().job.data).splits["validation"].texts()
    classifier = classify.load(str(run.path), rung="tfidf")
    for test in answer["tests"]:
        pairs = []
        for text in texts:
            try:
                pairs.append((text, edits.edited(edits.BY_NAME[test["edit"]], text)))
            except edits.NotApplicableError:
                continue
        assert test["rows"] == len(pairs) == 30 - sum(test["left_out"].values())
        if not pairs:
            assert test["rate"] is None and test["interval"] is None
            continue
        said = classify.predict(classifier, [each for pair in pairs for each in pair])
        failed = 0
        for before, after in zip(said[::2], said[1::2], strict=True):
            if test["expectation"] == "invariance":
                failed += before.label != after.label
            else:
                failed += after.probabilities[before.label] >= before.probabilities[before.label]
        assert test["failures"] == failed and test["rate"] == pytest.approx(failed / len(pairs))
        assert test["interval"] == pytest.approx(proportion_confint(failed, len(pairs), method="wilson"))
        for example in test["examples"]:
            assert texts[example["row"]] == example["text"]


def test_a_class_that_is_always_the_same_fails_every_negation_and_no_other(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = asked(capsys, "behaviour", f"{run.id}:most_frequent", "--fail-above", "0.5", code=1)
    line = next(line for line in out.splitlines() if "negation" in line)
    assert "its probability falls" in line and "100.0 %" in line and "negation" in err and "typo" not in err
    assert "name left out 30 rows: no first name of the list" in out
    kept = behaviour.read(run, "validation", "most_frequent")
    assert kept is not None and [each.failures for each in kept.tests[:-1]] == [0] * 5
    before = out
    assert asked(capsys, "behaviour", f"{run.id}:most_frequent", "--kept")[0] == before


def test_rows_are_drawn_and_edits_chosen(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("behaviour", f"{run.id}:tfidf", "--split", "test", "--rows", "7", "--edit", "typo", "--seed", "3")
    out, _ = asked(capsys, *arguments)
    assert "7 of 30 rows, drawn at random; seed 3" in out and "negation" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--edit", "rage"), "invalid choice: 'rage'"),
        (("--kept", "--split", "train"), "Leave --kept out to test it"),
    ],
)
def test_bad_input_is_one_sentence(run: RunFolder, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str) -> None:
    assert words in asked(capsys, "behaviour", f"{run.id}:tfidf", *arguments, code=2)[1]

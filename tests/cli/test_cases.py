"""emotui cases on a real baseline of the tiny data: kept, run, written as JUnit XML and read back."""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
import run_folders as folders
from emotui.core import cli
from emotui.core.cli import junit
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.model import baseline
from emotui.core.questions import ClassifyAnswer, Prediction
from emotui.core.runs import case_results, cases, folder
from emotui.core.runs.cases import Case, Outcome
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from hostile import HOSTILE, RAW

pytestmark = pytest.mark.xdist_group("cases command")  # they share a trained run
DATA = DataSpec("starter")
LABELS = ("joy", "sadness")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("cases") / "home"
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


@pytest.fixture
def asked(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> Iterator:
    def ask(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert cli.main(("cases", *arguments)) == code
        shown = capsys.readouterr()
        return shown.out, shown.err

    yield ask
    cases.file_of(run.read_spec().job.data).unlink(missing_ok=True)


def test_cases_are_added_listed_run_and_removed(run: RunFolder, asked, tmp_path: Path) -> None:
    name = f"{run.id}:tfidf"
    assert "there is no case for" in asked(name, code=2)[1]
    assert "the case is kept" in asked("add", name, "we danced all day and i feel great", "--label", "joy")[1]
    assert "the case is kept" in asked("add", name, "he lied to me again", "--label", "sadness")[1]
    out, _ = asked("list", name)
    assert out.splitlines()[1].split()[:2] == ["1", "joy"] and "he lied to me again" in out
    file = tmp_path / "cases.xml"
    out, _ = asked(name, "--junit", str(file), code=1)
    assert "1 of 2 cases passed, 1 failed" in out and out.count("FAIL") == 1
    root = ElementTree.parse(file).getroot()
    assert {key: root.attrib[key] for key in ("tests", "failures", "errors")} == {"tests": "2", "failures": "1", "errors": "0"}
    failure = root.findall(".//failure")
    assert len(failure) == 1 and failure[0].text == "he lied to me again" and "predicted anger" in failure[0].attrib["message"]
    said = "its label was sadness before"
    assert said in asked("add", name, "he lied to me again", "--label", "anger")[1]
    assert "existed already" in asked("add", name, "he lied to me again", "--label", "anger")[1]
    found = json.loads(asked(name, "--json")[0])
    assert (found["passed"], found["failed"], found["rung"]) == (2, 0, "tfidf")
    assert [each["predicted"] for each in found["cases"]] == ["joy", "anger"]
    kept = case_results.read(run, "tfidf")
    assert kept is not None and [(each.case.text, each.label) for each in kept.passed] == [
        ("we danced all day and i feel great", "joy"),
        ("he lied to me again", "anger"),
    ]
    assert [each.probability for each in kept.outcomes] == [each["probability"] for each in found["cases"]]
    assert "1 case removed" in asked("remove", name, "1")[1]
    assert json.loads(asked("list", name, "--json")[0])["cases"][0]["text"] == "he lied to me again"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "which run?"),
        (("add", "last", "a text"), "add takes a run, one text in quotes and its label"),
        (("add", "last", "a text", "--label", "rage"), "there is no label 'rage'. Choose from: "),
        (("add", "last", "  ", "--label", "joy"), "a case needs a text"),
        (("last", "a text"), "a text is too much"),
        (("last", "--label", "joy"), "--label is for add"),
        (("list", "last", "--junit", "x"), "--junit is for running the cases"),
        (("remove", "last", "7"), "there is no case '7'"),
        (("remove", "last"), "which case?"),
    ],
)
def test_bad_input_is_one_sentence(asked, arguments: tuple[str, ...], words: str) -> None:
    assert words in asked(*arguments, code=2)[1]


def test_a_label_that_the_run_does_not_know_is_an_error_and_no_pass(run: RunFolder, asked, tmp_path: Path) -> None:
    cases.add(run.read_spec().job.data, "what a surprise", "surprise", ("surprise",))
    out, _ = asked(f"{run.id}:tfidf", "--junit", str(tmp_path / "c.xml"), code=1)
    assert "the run has no label surprise" in out and "0 of 1 case passed" in out
    assert ElementTree.parse(tmp_path / "c.xml").getroot().attrib["errors"] == "1"


def test_cases_belong_to_the_data_set_and_not_to_the_run(emotui_home: Path) -> None:
    assert cases.add(DATA, "so good", "joy", LABELS, lambda: 1.0) is None
    options = msgspec.structs.replace(DATA, seed=4, skip_bad_rows=True)
    assert [case.text for case in cases.read(options).cases] == ["so good"]
    assert cases.read(DataSpec("/another/file.csv")).cases == ()
    assert cases.file_of(DATA).stat().st_mode & 0o777 == 0o600


def test_what_is_torn_or_damaged_spoils_no_other_line(emotui_home: Path) -> None:
    cases.add(DATA, "one", "joy", LABELS)
    with cases.file_of(DATA).open("ab") as file:
        file.write(b'{"kind": "case", "text": 1}\n\xff\n{"kind": "ca')
    cases.add(DATA, "two", "sadness", LABELS)
    kept = cases.read(DATA)
    assert [(case.text, case.label) for case in kept.cases] == [("one", "joy"), ("two", "sadness")] and kept.damaged == 3


def test_several_at_once_lose_nothing(emotui_home: Path) -> None:
    threads = [threading.Thread(target=cases.add, args=(DATA, f"text {number}", "joy", LABELS)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = cases.read(DATA)
    assert {case.text for case in kept.cases} == {f"text {number}" for number in range(12)} and not kept.damaged


def test_one_waits_for_another_that_writes(emotui_home: Path) -> None:
    cases.add(DATA, "one", "joy", LABELS)
    with cases.file_of(DATA).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        thread = threading.Thread(target=cases.add, args=(DATA, "two", "joy", LABELS))
        thread.start()
        thread.join(1.0)  # it would have written by now
        assert thread.is_alive() and len(cases.read(DATA).cases) == 1
    thread.join()
    assert len(cases.read(DATA).cases) == 2


def test_a_case_too_long_or_too_many_are_refused(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="at most 20,000"):
        cases.add(DATA, "a" * 20_001, "joy", LABELS)
    monkeypatch.setattr(cases, "MOST", 1)
    cases.add(DATA, "one", "joy", LABELS)
    with pytest.raises(UserError, match="there are 1 cases already"):
        cases.add(DATA, "two", "joy", LABELS)
    assert cases.add(DATA, "one", "sadness", LABELS) is not None  # another label takes no more room


def test_more_cases_than_one_question_takes_are_asked_in_parts(run: RunFolder) -> None:
    asked = [Case(f"text {number}", "joy", 1.0) for number in range(2 * case_results.PART + 1)]
    questions = case_results.questions(run, "tfidf", asked)
    assert [len(each.texts) for each in questions] == [case_results.PART, case_results.PART, 1]
    answers = [ClassifyAnswer(run.id, tuple(Prediction(text, "joy", {"joy": 0.6}, 3, False) for text in each.texts)) for each in questions]
    results = case_results.collect(run, asked, answers, 2.0, 1.0)
    assert [each.case for each in results.outcomes] == asked and len(results.passed) == len(asked)


@pytest.mark.parametrize("text", [*HOSTILE, "\x00\x0b\x1f\ufffe\uffff]]><&\"'", "<!DOCTYPE a [<!ENTITY b 'c'>]>&b;"])
def test_hostile_text_in_the_document_is_made_safe_and_parsed_back(text: str) -> None:
    case = Case(text, f"{text}label", folders.STARTED)
    content = junit.document([Outcome(case, "joy", 0.5), Outcome(case, text, None, f"no label {text}")], text, text, 1.0)
    root = ElementTree.fromstring(content)
    assert RAW.search(content.decode().replace("\t", "")) is None
    assert (root.attrib["failures"], root.attrib["errors"], len(root.findall(".//testcase"))) == ("1", "1", 2)
    if text.isprintable():
        assert root.findall(".//failure")[0].text == text

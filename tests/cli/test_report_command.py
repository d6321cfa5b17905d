"""emotui report: where its files go, what they are called, and what is not replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emotui.core import cli
from emotui.core.data import kept_faults, sources
from emotui.core.questions import Fault, FaultsAnswer
from emotui.core.report import files
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec
from html_pages import found, parsed
from report_runs import write_whole_run


@pytest.fixture
def run(emotui_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    made = write_whole_run(emotui_home, tmp_path / "data", rows=18)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return made


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]):
    def ask(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert cli.main(arguments) == code
        shown = capsys.readouterr()
        return shown.out, shown.err

    return ask


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_both_files_are_written_here_and_their_paths_are_printed(run: RunFolder, asked) -> None:
    out, err = asked("report", "last")
    assert names(Path()) == ["report-fine77.html", "report-fine77.md"] and err == ""
    assert out.splitlines() == [str(Path.cwd() / name) for name in names(Path())]
    assert "Run fine77" in found(parsed(Path("report-fine77.html").read_text("utf-8")), "title")[0].to_text()
    assert Path("report-fine77.md").read_text("utf-8").startswith("# Run fine77\n")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--out", "."], {"html": "report-fine77.html", "md": "report-fine77.md"}),
        (["--format", "md"], {"md": "report-fine77.md"}),
        (["--out", "a.html"], {"html": "a.html"}),
        (["--out", "a.HTM"], {"html": "a.HTM"}),
        (["--out", "a.md"], {"md": "a.md"}),
        (["--out", "a.html", "--format", "both"], {"html": "a.html", "md": "a.md"}),
        (["--out", "a", "--format", "both"], {"html": "a.html", "md": "a.md"}),
        (["--out", "a", "--format", "html"], {"html": "a"}),
    ],
    ids=" ".join,
)
def test_out_and_format_say_what_goes_where(run: RunFolder, asked, given: list[str], expected: dict[str, str]) -> None:
    told = json.loads(asked("report", run.id, *given, "--json")[0])
    assert told["files"] == {each: str(Path.cwd() / name) for each, name in expected.items()}
    assert (told["run"], told["rung"], told["split"]) == ("fine77", "", "validation")
    assert names(Path()) == sorted(expected.values())


def test_nothing_is_replaced_unless_that_is_asked_for(run: RunFolder, asked) -> None:
    Path("report-fine77.md").write_text("mine")
    _, err = asked("report", run.id, code=2)
    assert "report-fine77.md already exists" in err and "--overwrite" in err
    assert names(Path()) == ["report-fine77.md"] and Path("report-fine77.md").read_text() == "mine"
    asked("report", run.id, "--overwrite")
    assert Path("report-fine77.md").read_text("utf-8").startswith("# Run")
    Path("mine.html").write_text("mine")
    Path("link.html").symlink_to("mine.html")
    assert "already exists" in asked("report", run.id, "--out", "link.html", code=2)[1]
    assert Path("mine.html").read_text() == "mine"


def test_what_cannot_be_done_is_said(run: RunFolder, asked) -> None:
    assert "there is no folder" in asked("report", run.id, "--out", "new/", code=2)[1]
    assert "ends in .html or .md" in asked("report", run.id, "--out", "report.pdf", code=2)[1]
    assert "unclosed quotation mark" in asked("report", run.id, "--slice", '"half', code=2)[1]
    assert "there is no run" in asked("report", "nosuch", code=2)[1]
    (run.path / "spec.json").write_text("{")
    assert "spec.json is damaged" in asked("report", run.id, code=2)[1]
    assert names(Path()) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("fine77", "", "validation"), "report-fine77"),
        (("base22", "tfidf", "test"), "report-base22-tfidf-test"),
        (("../../etc/x y\n\x1b[31m'\"<b>", "", "validation"), "report-etc-x-y-31m-b"),
        (("漢字", "", "validation"), "report-run"),
        (("..", "", "validation"), "report-run"),
        (("x" * 300, "", "validation"), "report-" + "x" * 80),
    ],
)
def test_files_have_plain_names(given: tuple[str, str, str], expected: str) -> None:
    assert files.stem(*given) == expected


def test_faults_that_were_looked_for_stand_in_the_report(run: RunFolder, asked, tmp_path: Path) -> None:
    data = sources.load(DataSpec(str(tmp_path / "data")))
    fault = Fault(
        "label",
        "train",
        (4, 2),
        "train: the labels of 2 rows are probably wrong (11.1 %)",
        "confident learning",
        ("joy", "fear"),
        (0.9, 0.8),
    )
    kept_faults.save(sources.fingerprint(data), data, "starter", FaultsAnswer((fault,), "tfidf", {}), clock=lambda: 86_400.0)
    asked("report", run.id)
    page = parsed(Path("report-fine77.html").read_text("utf-8"))
    told = found(page, "#faults")[0].to_text()
    assert "Looked for on 1970-01-02" in told and "the labels of 2 rows are probably wrong (11.1 %). How: confident learning." in told
    rows = [[cell.to_text() for cell in row.query("th, td")] for row in found(page, "#faults tbody tr")]
    assert [row[0] for row in rows] == ["4", "2"] and rows[0][2] == "joy (90.0 %)" and rows[0][3] == data.splits["train"].row(4).text

"""The report of a run in which a file is somebody else's: a page without an error, or a sentence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import html_pages
import report_runs
from emotui.core import paths
from emotui.core.report import as_html, as_markdown, build, material
from emotui.core.runs import behaviour, case_results
from emotui.core.runs.behaviour import Behaviour, EditTest, Example
from emotui.core.runs.case_results import CaseResults
from emotui.core.runs.cases import Case, Outcome
from emotui.core.runs.folder import RunFolder
from hostile import RAW


@cache
def _files() -> dict[str, bytes]:
    """Return the files of a run that keeps all that a report shows, by their paths in its folder."""
    with tempfile.TemporaryDirectory() as place:
        run = report_runs.write_whole_run(Path(place) / "home", Path(place) / "data", "r1", rows=12)
        failed = Example(1, "so good", "so godo", "joy", "love", 0.9, 0.2)
        tests = (EditTest("typo", "invariance", 12, 1, (0.0, 0.3), (failed,), {"too short": 2}),)
        behaviour.write(run, Behaviour(run.id, "", "validation", run.read_spec().data_hash, 1.0, 12, 12, 0, 1.0, tests))
        outcomes = (Outcome(Case("so bad", "anger", 1.0), "joy", 0.2), Outcome(Case("so good", "joy", 1.0), "joy", 0.9))
        case_results.write(run, CaseResults(run.id, "", "starter", 1.0, outcomes))
        return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def example(name: str) -> Callable[[], list[bytes]]:
    """Return what makes the valid content of one file of such a run."""
    return lambda: [_files()[name]]


def reported(name: str) -> Callable[[Path, bytes], list[str]]:
    """Return what `emotui report` does with a run in which the file `name` is replaced."""

    def read(place: Path, content: bytes) -> list[str]:
        run = RunFolder(paths.make_private(paths.runs_folder()) / "r1")
        for each, known in _files().items():
            path = run.path / each
            paths.make_private(path.parent)
            path.write_bytes(content if each == name else known)
        made = build.report(material.gather(run, "", "validation", {"wrong": "wrong"}, resamples=5), 5)
        html_pages.parsed(as_html.page(made))
        written = as_markdown.page(made)
        assert not RAW.search(written.replace("\n", " "))
        return [line[:500] for line in written.splitlines()]

    return read

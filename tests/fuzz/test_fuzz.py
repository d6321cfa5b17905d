"""Every reader of what others wrote keeps its promises on hostile files, and the harness sees where one does not."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import trial
from campaign import campaign, tried
from emotui.core.errors import UserError
from hypothesis import given, settings
from hypothesis import strategies as st
from mutation import mutate
from readers import READERS, Reader
from variants import mostly_slow

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*/*"))
LIGHT = [name for name, reader in READERS.items() if not reader.heavy]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")


@pytest.mark.parametrize("name", READERS)
def test_the_examples_are_read(name: str) -> None:
    """Otherwise all that is made of them would be refused at the door."""
    reader = READERS[name]
    values = 0
    for example in reader.examples():
        trial.attempt(name, example)
        with trial.place() as (_, given_folder):
            try:
                reader.read(given_folder, example)
                values += 1
            except UserError:
                assert reader.refuses
    assert values


@pytest.mark.parametrize("name", mostly_slow(LIGHT, quick=len(LIGHT) // 3))
def test_a_few_hostile_files(name: str) -> None:
    reader = READERS[name]
    examples = reader.examples()

    @settings(max_examples=12, deadline=None, database=None, derandomize=True)
    @given(chooser=st.randoms(use_true_random=False), example=st.sampled_from(examples))
    def holds(chooser, example) -> None:
        trial.attempt(name, mutate(chooser, example, reader.kind))

    holds()


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_what_once_broke_a_promise(file: Path) -> None:
    name = next(name for name in READERS if name.replace(" ", "-") == file.parent.name)
    if READERS[name].heavy:
        assert tried(name, file) == "held"
    else:
        trial.attempt(name, file.read_bytes())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_minute_of_hostile_files() -> None:
    """The seed is the day's, so that every day tries others and a failure can be had again."""
    seed = int(time.time()) // 86_400 * 1_000_000
    broken = [each for outcome in campaign(list(READERS), seconds=60, seed=seed) for each in [(outcome.name, *it) for it in outcome.broken]]
    assert not broken


def _loop(place: Path, content: bytes) -> object:
    while True:
        pass


def _fail(place: Path, content: bytes) -> object:
    return {}[content]


def _fill(place: Path, content: bytes) -> object:
    return [len(bytearray(b"x" * (700 << 20)))]


def _speak(place: Path, content: bytes) -> object:
    print("\x1b]0;title\x07")
    return []


def _write(place: Path, content: bytes) -> object:
    (place.parent / "work" / "victim.csv").write_text("gone")
    return []


def _mode(place: Path, content: bytes) -> object:
    os.chmod(place.parent / "victim", 0o777)
    return []


def _several_lines(place: Path, content: bytes) -> object:
    raise UserError("one\ntwo")


def _endless(place: Path, content: bytes) -> object:
    raise UserError("x" * 100_000)


def _no_reason(place: Path, content: bytes) -> object:
    raise UserError(" ")


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (_loop, "computes"),
        (_fail, "KeyError"),
        (_fill, "takes"),
        (_speak, "stdout holds"),
        (_write, "writes outside"),
        (_mode, "writes outside"),
        (_several_lines, "several lines"),
        (_endless, "100,000 characters"),
        (_no_reason, "empty"),
    ],
)
def test_a_broken_promise_is_seen(read, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "bad", Reader("bytes", lambda: [b"x"], read))
    monkeypatch.setattr(trial, "SECONDS", 10.0 if read is not _loop else 0.5)
    with pytest.raises(trial.Broken, match=words):
        trial.attempt("bad", b"x")


def test_a_process_that_hangs_or_dies_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import campaign as campaigns

    monkeypatch.setattr(campaigns, "TIMEOUT", 0.01)
    assert "does not end" in campaigns.tried("csv", tmp_path / "none")
    monkeypatch.setattr(campaigns, "TIMEOUT", 120.0)
    assert "ends the process" in campaigns.tried("csv", tmp_path / "none")

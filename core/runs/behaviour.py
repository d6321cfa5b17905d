"""The behavioural tests of a run, after CheckList: how small edits of a split's texts change its answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..events import Count, Share
from ..specs import Moment
from . import kept_json, rungs
from .folder import RunFolder

_LARGEST = 16 << 20
"""Bytes of a file that is read."""
MOST_EXAMPLES = 20
"""Rows that failed a test that are kept."""
LONGEST_TEXT = 2_000
"""Characters of a text that is kept as an example."""
Expectation = Literal["invariance", "direction"]
"""invariance: the predicted class stays. direction: the probability of the class that was predicted falls."""

EXPECTED: dict[Expectation, str] = {"invariance": "the class stays", "direction": "its probability falls"}
"""In words."""


class Example(msgspec.Struct, frozen=True):
    """One row on which a run failed a test."""

    row: Count
    """0-based position in the split."""
    text: str
    edited: str
    before: str
    """The label predicted for `text`."""
    after: str
    """The label predicted for `edited`."""
    probability_before: Share
    """Of the label `before`, for `text`."""
    probability_after: Share
    """Of the same label, for `edited`."""


class EditTest(msgspec.Struct, frozen=True):
    """The effect of one kind of edit on the answers of a run."""

    edit: str
    """Its name in core.data.edits: 'typo', 'case', 'negation', 'name', …"""
    expectation: Expectation
    rows: Count
    """Rows of the split to which the edit applies."""
    failures: Count
    interval: tuple[Share, Share] | None = None
    """Of the failure rate, by Wilson's method, 95 %; None without rows."""
    examples: tuple[Example, ...] = ()
    """Rows that failed, the worst first, at most MOST_EXAMPLES."""
    left_out: dict[str, Count] = {}
    """Rows to which it does not apply, by the reason in words, such as 'not in English'."""

    def __post_init__(self) -> None:
        if self.failures > self.rows:
            raise ValueError(f"{self.edit}: {self.failures} of {self.rows} rows cannot have failed")

    @property
    def rate(self) -> float | None:
        """The share of rows that failed; None without rows."""
        return self.failures / self.rows if self.rows else None


class Behaviour(msgspec.Struct, frozen=True):
    """The behaviour tests of a run, or of a rung of a baseline, on a split."""

    run: str
    rung: str
    """'' of another run than a baseline."""
    split: str
    data: str
    """The fingerprint of the data set whose rows were edited."""
    when: Moment
    rows: Count
    """That were edited."""
    of: Count
    """Rows of the split: more than `rows` where these were drawn at random."""
    seed: Annotated[int, Meta(ge=0, lt=2**32)]
    """Of the edits that draw at random."""
    temperature: Annotated[float, Meta(gt=0, le=1e6)]
    """At which the probabilities are."""
    tests: tuple[EditTest, ...]
    notes: tuple[str, ...] = ()
    """Sentences on what has changed in the data since the run was made."""
    seconds: Annotated[float, Meta(ge=0, le=1e10)] = 0.0


def file_of(run: RunFolder, split: str, rung: str) -> Path:
    """Return where the tests of a run on a split are kept."""
    return run.path / "behaviour" / f"{rungs.predicted(split, rung)}.json"


def write(run: RunFolder, kept: Behaviour) -> Path:
    """Keep the tests with the run, in the place of earlier ones on the same split. Raises UserError where they cannot be written."""
    return kept_json.write(file_of(run, kept.split, kept.rung), kept)


def read(run: RunFolder, split: str, rung: str = "") -> Behaviour | None:
    """Return the tests that are kept of a run on a split; None where there are none. `rung` is '' for the best one of a baseline.

    It reads files: not for the event loop. Raises UserError for a file that is damaged.
    """
    return kept_json.read(file_of(run, split, rungs.chosen(run, rung)), Behaviour, _LARGEST, "emotui behaviour")


def shown(text: str) -> str:
    """Return as much of a text as an example keeps, ? in the place of half a character, which UTF-8 cannot write."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def worst(failed: Sequence[Example], expectation: Expectation) -> tuple[Example, ...]:
    """Return those of the rows that failed that are kept, the worst first, of equals the first row of the split.

    Where the class should have stayed, that is the largest fall of its probability; where it should have fallen, the largest rise.
    """
    sign = 1 if expectation == "invariance" else -1
    return tuple(sorted(failed, key=lambda each: (sign * (each.probability_after - each.probability_before), each.row)))[:MOST_EXAMPLES]

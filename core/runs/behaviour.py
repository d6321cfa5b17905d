"""Behavioural tests of a run, after CheckList (Ribeiro et al., 2020): how small edits of a split's texts change its predictions."""

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
"""Bytes of a file that is read, at most."""
MOST_EXAMPLES = 20
"""Failed rows that are stored per test, at most."""
LONGEST_TEXT = 2_000
"""Characters of a text stored as an example, at most."""
Expectation = Literal["invariance", "direction"]
"""invariance: the predicted class stays the same. direction: the probability of the predicted class falls."""

EXPECTED: dict[Expectation, str] = {"invariance": "the class stays", "direction": "its probability falls"}
"""Expectations in words."""


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
    """The probability of the label `before` for `text`."""
    probability_after: Share
    """The probability of the same label for `edited`."""


class EditTest(msgspec.Struct, frozen=True):
    """The effect of one kind of edit on the predictions of a run."""

    edit: str
    """The name of the edit in core.data.edits: 'typo', 'case', 'negation', 'name', …"""
    expectation: Expectation
    rows: Count
    """Rows of the split to which the edit applies."""
    failures: Count
    interval: tuple[Share, Share] | None = None
    """The 95 % interval of the failure rate by Wilson's method; None without rows."""
    examples: tuple[Example, ...] = ()
    """Failed rows, the worst first, at most MOST_EXAMPLES."""
    left_out: dict[str, Count] = {}
    """The number of rows to which the edit does not apply, by the reason in words, such as 'not in English'."""

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
    """The rung of a baseline; '' for other runs."""
    split: str
    data: str
    """The fingerprint of the data set whose rows were edited."""
    when: Moment
    rows: Count
    """Rows that were edited."""
    of: Count
    """Rows of the split: more than `rows` if those are a random sample."""
    seed: Annotated[int, Meta(ge=0, lt=2**32)]
    """The seed of edits that are random."""
    temperature: Annotated[float, Meta(gt=0, le=1e6)]
    """The temperature of the probabilities."""
    tests: tuple[EditTest, ...]
    notes: tuple[str, ...] = ()
    """Sentences on what has changed in the data since the run was made."""
    seconds: Annotated[float, Meta(ge=0, le=1e10)] = 0.0


def file_of(run: RunFolder, split: str, rung: str) -> Path:
    """Return the path of a run's test results on a split."""
    return run.path / "behaviour" / f"{rungs.predicted(split, rung)}.json"


def write(run: RunFolder, kept: Behaviour) -> Path:
    """Store the results with the run, replacing earlier ones on the same split. Raises UserError if they cannot be written."""
    return kept_json.write(file_of(run, kept.split, kept.rung), kept)


def read(run: RunFolder, split: str, rung: str = "") -> Behaviour | None:
    """Return the stored results of a run on a split; None if there are none. `rung` is '' for the best one of a baseline.

    It reads files, so do not call it on the event loop. Raises UserError for a damaged file.
    """
    remedy = "Remove it and run the tests again with: emotui behaviour"
    return kept_json.read(file_of(run, split, rungs.chosen(run, rung)), Behaviour, _LARGEST, remedy)


def shown(text: str) -> str:
    """Return a text as an example stores it: cut to LONGEST_TEXT characters, with ? for lone surrogates, which UTF-8 cannot encode."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def worst(failed: Sequence[Example], expectation: Expectation) -> tuple[Example, ...]:
    """Return the MOST_EXAMPLES worst of the failed rows, the worst first; ties are in the order of the split.

    The worst is the largest fall of the probability for 'invariance', and the largest rise for 'direction'.
    """
    sign = 1 if expectation == "invariance" else -1
    return tuple(sorted(failed, key=lambda each: (sign * (each.probability_after - each.probability_before), each.row)))[:MOST_EXAMPLES]

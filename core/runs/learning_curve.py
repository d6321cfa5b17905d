"""The learning curve of a baseline: the scores of its rungs for different numbers of labels, stored with the run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ..events import Count, Share
from ..units import count
from . import kept_json, rungs
from .folder import RunFolder

_LARGEST = 1 << 20
"""Bytes of a file that is read, at most."""
FINE_TUNED = "fine-tuned"
"""Used in place of a rung's name for fine-tuning."""
Change = Annotated[float, Meta(ge=-1, le=1)]


class Point(msgspec.Struct, frozen=True):
    """The scores of one rung for one number of labels."""

    labels: Count
    f1_weighted: tuple[Share, ...]
    """One score per draw of the rows; a single one for all rows."""
    f1_macro: tuple[Share, ...]
    interval: tuple[Share, Share] | None = None
    """The 95 % interval of the mean of f1_weighted, by Student's t over the draws; None for a single score."""

    @property
    def mean(self) -> float:
        """The mean of f1_weighted."""
        return sum(self.f1_weighted) / max(1, len(self.f1_weighted))


class Gain(msgspec.Struct, frozen=True):
    """The expected gain in weighted F1 from twice as many labels."""

    gain: Change
    low: Change
    high: Change
    """The lowest and the highest of the draws."""
    foretold: Change | None = None
    """The gain that the same method predicted for the last doubling; None if unknown."""
    came: Change | None = None
    """The real gain of the last doubling; None if unknown."""


class Curve(msgspec.Struct, frozen=True):
    """One rung's scores, from the fewest labels to the most."""

    rung: str
    points: tuple[Point, ...]
    more: Gain | None = None


class LearningCurve(msgspec.Struct, frozen=True):
    """The learning curves measured with --curve."""

    split: str
    """The split on which the scores are measured."""
    rows: Count
    """Rows of that split."""
    draws: Count
    """Draws of rows for each size but the largest."""
    curves: tuple[Curve, ...]
    seconds: Annotated[float, Meta(ge=0, le=1e10)] = 0.0


METHOD = "the error, 1 - F1, taken for a power of the number of labels, fitted to the last four sizes and carried on by one doubling"
"""How the gain is predicted."""


def file_of(run: RunFolder) -> Path:
    """Return the path of a run's learning curve."""
    return run.path / "learning-curve.json"


def write(run: RunFolder, kept: LearningCurve) -> Path:
    """Store a learning curve with the run. Raises UserError if it cannot be written."""
    return kept_json.write(file_of(run), kept)


def read(run: RunFolder) -> LearningCurve | None:
    """Return the learning curve of a run; None if it has none. Raises UserError for a damaged file."""
    remedy = "Remove it and run the tests again with: emotui baseline DATASET --curve"
    return kept_json.read(file_of(run), LearningCurve, _LARGEST, remedy)


def title(name: str) -> str:
    """Return the name of a curve as it is written in sentences."""
    return "fine-tuning" if name == FINE_TUNED else rungs.title(name)


def in_words(curve: Curve) -> str:
    """Return a sentence, without a full stop, on the gain from more labels; '' if too few sizes were measured."""
    more = curve.more
    if more is None or not curve.points:
        return ""
    labels = count(2 * curve.points[-1].labels, "label")
    if more.gain < 0.0005:
        said = f"more labels than these would bring {title(curve.rung)} next to nothing"
    else:
        said = f"{labels} would bring {title(curve.rung)} about {more.gain:+.3f} weighted F1 ({more.low:+.3f} to {more.high:+.3f} by draw)"
    if more.foretold is not None and more.came is not None:
        said += f"; for the last doubling this way foretold {more.foretold:+.3f}, and {more.came:+.3f} came"
    return said

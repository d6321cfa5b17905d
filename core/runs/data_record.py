"""Describes the data of a run at its start; stored in the run's folder, so that a report needs nothing else."""

from __future__ import annotations

import msgspec

from .. import writing
from ..data import drift, kept_faults, stats
from ..data.checks import Problem
from ..data.kept_faults import KeptFaults
from ..data.stats import SplitStats
from ..data.table import Dataset
from ..errors import UserError
from ..events import Count
from ..plain_files import read_plain
from ..safe_text import safe_line
from ..specs import Moment
from .folder import RunFolder

FILE = "data.json"
_LARGEST = 32 << 20
_MOST = 2**53
DECISIONS = 500
"""Decisions about rows that are stored, at most."""
LONGEST = 300
"""Characters of a text that are stored, at most."""


class KeptProblem(msgspec.Struct, frozen=True):
    """One kind of problem in one split, as core.data.checks found it."""

    kind: str
    split: str
    count: Count
    message: str
    untrustworthy: bool = False
    examples: tuple[str, ...] = ()


class Decided(msgspec.Struct, frozen=True):
    """A row whose label was changed by hand, or that was left out by hand."""

    split: str
    number: Count
    """1-based row number in the source."""
    old: str
    new: str | None
    """The new label; None if the row was left out."""
    by: str
    when: Moment
    text: str


class DataRecord(msgspec.Struct, frozen=True):
    """data.json of a run. `problems` has no near-duplicates, because searching for them takes long."""

    name: str
    data_hash: str
    text_column: str
    label_column: str
    labels: tuple[str, ...]
    splits: dict[str, SplitStats]
    unspaced: bool = False
    """Whether lengths are given in characters, because the texts have no spaces between words."""
    skipped: dict[str, Count] = {}
    unlabelled: dict[str, Count] = {}
    notes: tuple[str, ...] = ()
    problems: tuple[KeptProblem, ...] = ()
    drifts: tuple[str, ...] = ()
    overlay: str = ""
    """A summary of manual changes, such as '12 labels changed, 3 rows left out'."""
    decisions: tuple[Decided, ...] = ()
    decided: Count = 0
    """The number of all decisions, of which at most DECISIONS are stored."""
    faults: KeptFaults | None = None
    """What an earlier `emotui check --faults` found in the same data; None if it was not run."""


def keep(run: RunFolder, data: Dataset, data_hash: str, problems: tuple[Problem, ...]) -> None:
    """Write the description of the data to the run's folder, unless it exists, as in a resumed run. Raises OSError."""
    path = run.path / FILE
    if not path.exists():
        writing.write_private(path, msgspec.json.encode(_record(data, data_hash, problems)))


def _record(data: Dataset, data_hash: str, problems: tuple[Problem, ...]) -> DataRecord:
    decisions = _decisions(data)
    return DataRecord(
        name=safe_line(data.name),
        data_hash=data_hash,
        text_column=data.text_column,
        label_column=data.label_column,
        labels=data.labels,
        splits=stats.describe(data),
        unspaced=stats.unspaced(data),
        skipped=data.skipped,
        unlabelled=data.unlabelled,
        notes=tuple(map(str, data.notes)),
        problems=tuple(_keep_problem(each) for each in problems),
        drifts=tuple(
            f"{each.split}: {sentence}" for each in drift.between(data) for sentence in (each.classes_sentence, each.lengths_sentence)
        ),
        overlay=data.overlay.summary if data.overlay is not None else "",
        decisions=decisions[:DECISIONS],
        decided=len(decisions),
        faults=kept_faults.read(data_hash),
    )


def _keep_problem(problem: Problem) -> KeptProblem:
    examples = tuple(each[:LONGEST] for each in problem.examples)
    return KeptProblem(problem.kind, problem.split, problem.count, problem.message, problem.untrustworthy, examples)


def _decisions(data: Dataset) -> tuple[Decided, ...]:
    laid = data.overlay
    if laid is None:
        return ()
    order = {name: at for at, name in enumerate(laid.source.splits)}
    found = sorted(laid.decided.items(), key=lambda each: (order[each[0].split], each[0].at))
    return tuple(
        Decided(place.split, decision.number, decision.old, decision.new, decision.by, decision.when, decision.excerpt[:LONGEST])
        for place, decision in found
    )


def read(run: RunFolder) -> DataRecord | None:
    """Return the description of a run's data; None if there is none, as in runs of earlier versions. Raises UserError if it is damaged."""
    path = run.path / FILE
    try:
        found = msgspec.json.decode(read_plain(path, _LARGEST), type=DataRecord)
        _check(found)
        return found
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{safe_line(str(path), 160)} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UserError(f"{safe_line(str(path), 160)} is damaged: {safe_line(str(error), 120)}") from error


def _check(record: DataRecord) -> None:
    """Raise ValueError for impossible figures."""
    if not record.splits or not record.labels:
        raise ValueError("it has no split or no label")
    for split in record.splits.values():
        if not all(0 <= number <= _MOST for number in (split.rows, *split.classes.values())):
            raise ValueError("it counts rows that cannot be")
        for box in (*split.words.values(), *split.characters.values()):
            if not all(abs(value) <= _MOST for value in msgspec.structs.astuple(box)):
                raise ValueError("it has lengths that cannot be")

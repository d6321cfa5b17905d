"""The application's state as facts that screens watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from textual.dom import DOMNode
from textual.reactive import var

from ..core.questions import DoctorAnswer
from ..core.runs.state import RunView
from ..core.sentences import Words
from ..core.specs import DataSpec

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ..core.data.table import Dataset

Part = Literal["data", "tokens", "baseline", "fine-tune", "classify", "errors"]
PARTS: tuple[Part, ...] = get_args(Part)
"""The steps of the path, in order."""


class Loading(NamedTuple):
    """The progress of loading something."""

    phase: str
    done: int = 0
    total: int | None = None


class Facts(DOMNode):
    """Facts as reactive attributes, and what follows from them. It is a node only because Textual can watch only nodes.

    The facts are `var`s, which draw nothing. Screens derive from `page.Page`, which calls their `show_…` methods on changes.
    """

    spec: var[DataSpec | None] = var(None)
    """The data set that is open or being opened."""
    dataset: var[Dataset | None] = var(None, always_update=True)
    """The open data set; the last one stays until another is read."""
    distrust: var[tuple[str, ...]] = var(())
    """Sentences on why results on the open data set cannot be trusted; empty if they can, or if that is not known yet."""
    loading: var[Loading | None] = var(None)
    """The progress of reading the data set; None if nothing is being read."""
    data_error: var[Words] = var("")
    """A sentence on why the data set could not be read; '' if it could."""
    model: var[str] = var("starter")
    """The checkpoint that tokens, baselines and fine-tuning start from: 'starter', a folder or an id."""
    machine: var[DoctorAnswer | None] = var(None)
    """Devices as reported by the engine; None until it has answered."""
    runs: var[tuple[RunView, ...]] = var((), always_update=True)
    """All runs, newest first. Only runs that are alive or followed have curves and events."""
    done: var[frozenset[Part]] = var(frozenset())
    """Steps of the path that are done."""

    @property
    def offline(self) -> bool:
        """Whether the open data set was opened with the option to download nothing."""
        return self.spec is not None and self.spec.offline

    @property
    def live_run(self) -> RunView | None:
        """The newest run that is starting or running."""
        return next((view for view in self.runs if view.is_live), None)

    def is_of_open_data(self, view: RunView) -> bool:
        """Whether a run is of the open data set, with the same labels; True if none is open or being opened."""
        source, labels = view.spec.job.data.source, view.spec.labels
        if self.dataset is not None:
            return source == self.dataset.source and labels in ((), self.dataset.labels)
        return self.spec is None or source == self.spec.source

    def mark_done(self, *parts: Part) -> None:
        """Mark steps of the path as done."""
        self.done = self.done | set(parts)

    def tick_runs(self) -> None:
        """Mark the steps of the path that finished runs of the open data set complete."""
        finished = {view.task for view in self.runs if view.state == "finished" and self.is_of_open_data(view)}
        done: set[Part] = set(self.done)
        for part in PARTS:
            if part in ("baseline", "fine-tune"):
                (done.add if part in finished else done.discard)(part)
        self.done = frozenset(done)

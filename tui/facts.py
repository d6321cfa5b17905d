"""What the application knows, as facts that screens watch."""

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
"""The parts of the path, in order."""


class Loading(NamedTuple):
    """How far something has come that is being loaded."""

    phase: str
    done: int = 0
    total: int | None = None


class Facts(DOMNode):
    """Facts as reactives, and what follows from them. It stands in no screen: it is a node because only nodes are watched.

    The facts are `var`s, which draw nothing. Screens derive from `page.Page`, which calls their `show_…` methods when one changes.
    """

    spec: var[DataSpec | None] = var(None)
    """The data set that is open or being opened."""
    dataset: var[Dataset | None] = var(None, always_update=True)
    """The open data set; the last one stays until another is read."""
    distrust: var[tuple[str, ...]] = var(())
    """Why results on the open data set cannot be trusted, in sentences; empty where they can, or where that is not known yet."""
    loading: var[Loading | None] = var(None)
    """How far the reading of the data set is; None: nothing is being read."""
    data_error: var[Words] = var("")
    """Why the data set could not be read, as a sentence."""
    model: var[str] = var("starter")
    """The checkpoint that tokens, baselines and fine-tuning start from: 'starter', a folder or an id."""
    machine: var[DoctorAnswer | None] = var(None)
    """Devices as the engine sees them; None until it was asked."""
    runs: var[tuple[RunView, ...]] = var((), always_update=True)
    """Every run, newest first. Curves and events are there for runs that are alive or followed."""
    done: var[frozenset[Part]] = var(frozenset())
    """Parts of the path that are done."""

    @property
    def offline(self) -> bool:
        """Whether nothing may be downloaded, as was said of the data set that is open."""
        return self.spec is not None and self.spec.offline

    @property
    def live_run(self) -> RunView | None:
        """The newest run that is starting or running."""
        return next((view for view in self.runs if view.is_live), None)

    def is_of_open_data(self, view: RunView) -> bool:
        """Whether a run was made of the data set that is open, with its labels; of any, where none is open or being opened."""
        source, labels = view.spec.job.data.source, view.spec.labels
        if self.dataset is not None:
            return source == self.dataset.source and labels in ((), self.dataset.labels)
        return self.spec is None or source == self.spec.source

    def mark_done(self, *parts: Part) -> None:
        """Tick parts of the path."""
        self.done = self.done | set(parts)

    def tick_runs(self) -> None:
        """Tick the parts of the path that finished runs of the open data set stand for."""
        finished = {view.task for view in self.runs if view.state == "finished" and self.is_of_open_data(view)}
        done: set[Part] = set(self.done)
        for part in PARTS:
            if part in ("baseline", "fine-tune"):
                (done.add if part in finished else done.discard)(part)
        self.done = frozenset(done)

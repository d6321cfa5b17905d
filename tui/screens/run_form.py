"""The form of a new run, checked while typing, with its command line and the estimated time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from ...core import hyperparameters
from ...core.errors import UserError
from ...core.hyperparameters import DeviceName, Hyperparameter, OneOf
from ...core.questions import AskDownload, AskEstimate, EstimateAnswer, ProgressLine
from ...core.runs import launch, logout, neighbours
from ...core.runs.folder import RunFolder
from ...core.runs.state import RunView
from ...core.safe_text import safe_line
from ...core.specs import BaselineSpec, DataSpec, Job, TrainSpec
from ...core.units import duration
from ..field_names import by_fields
from ..state import State, state_of
from ..widgets.choice import Choice
from ..widgets.text_field import TextField
from .run_command import command_of, shown_command
from .run_entries import TASKS, estimate, fields, hints, parse, same_speed, trained_epochs

if TYPE_CHECKING:  # Arrow is imported after the first paint
    from ...core.data.table import Dataset

_TEXTS = {"data": "data set", "model": "model"}
_DEVICES = ("auto", "cpu", "cuda")
FOOT = 8
"""Lines of the form's border, command, estimated time and keys."""
REST = 1.0
"""Seconds without a change before a few steps are timed."""


class RunForm(ModalScreen[RunFolder | None]):
    """Returns the run that was started; None if the user left."""

    CSS_PATH = "run_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", id="form.leave"),
        Binding("down", "app.focus_next", "next field", show=False, id="form.next"),
        Binding("up", "app.focus_previous", "field before", show=False, id="form.before"),
        Binding("enter", "start", "start", id="form.start"),
        Binding("y,ctrl+y", "copy", "copy command", id="form.copy"),
    ]

    def __init__(self, state: State, example: RunView | None = None) -> None:
        """Prepare the form for the open data set; `example` is a run whose settings are filled in."""
        super().__init__()
        self._base = state.spec or DataSpec("starter")
        self._first = _first_entries(state, self._base, example)
        self._job: Job | None = None
        self._starting = False
        self._cards = neighbours.Reading()
        self._measured: dict[bytes, EstimateAnswer | str] = {}
        """Timings, or why there are none, by the key of `same_speed`."""
        self._rest: Timer | None = None

    @property
    def state(self) -> State:
        return state_of(self)

    def compose(self) -> ComposeResult:
        first = self._first
        with Vertical(id="form"):
            with VerticalScroll(id="fields", can_focus=False):
                yield _field("task", "task", Choice(tuple(TASKS), first["task"], id="task"))
                for name, title in _TEXTS.items():
                    yield _field(name, title, TextField(id=name))
                for name, row in fields().items():
                    yield _field(name, row.title, _entry(name, row, first[name]))
            yield Static(id="command", markup=False)
            yield Static(id="estimate", markup=False)
            yield Static(
                Text.assemble((" enter ", "bold reverse"), " start  ", (" y ", "bold reverse"), " copy the command (ctrl+y while typing)  ")
                + Text.assemble((" esc ", "bold reverse"), " leave"),
                id="form-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        self.query_one("#form").border_title = Text("new run")
        for field in self.query(TextField):
            field.text = self._first[field.id or ""]
        self.query_one("#task").focus()
        self._check()
        self._read_cards()

    @work(exclusive=True, group="cards")
    async def _read_cards(self) -> None:
        """Offer each GPU, and show who uses the chosen one."""
        self._cards = await asyncio.to_thread(neighbours.read)
        if len(self._cards.cards) > 1:
            self.query_one("#device", Choice).offer(("auto", "cpu", *(card.device for card in self._cards.cards)))
        if not self._starting:
            self._check()

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "-narrow")
        self.set_class(self.size.height < 32, "-short")
        # The command and time of the job stay visible, however many fields there are.
        self.query_one("#fields").styles.max_height = max(3, self.size.height - FOOT)

    # --- checking ---------------------------------------------------------------------------------------

    @property
    def entries(self) -> dict[str, str]:
        """The content of the fields by name."""
        chosen = {choice.id or "": choice.value for choice in self.query(Choice)}
        return chosen | {field.id or "": field.text for field in self.query(TextField)}

    @on(TextField.Edited)
    @on(Choice.Changed)
    def _changed(self) -> None:
        self._check()

    def _check(self) -> None:
        """Show for each field its error or its default, and show the command and the time."""
        entries = self.entries
        asked = hyperparameters.rows(TASKS[entries["task"]])
        for name in fields():
            self.query_one(f"#field-{name}").set_class(name not in asked, "-hidden")
        self._job, problems = parse(entries, self._base)
        rows, validation = self._rows(entries)
        shown = hints(entries, rows, validation)
        for hint in self.query(".hint").results(Static):
            name = (hint.id or "").removeprefix("hint-")
            hint.set_class(name in problems, "-wrong")
            default = shown.get(name, "") if not entries.get(name, "").strip() else ""
            hint.update(Text(f"✗ {problems[name]}" if name in problems else default, no_wrap=True, overflow="ellipsis"))
        self._show_command(rows, shown)

    def _rows(self, entries: dict[str, str]) -> tuple[int | None, int]:
        """Return the number of rows of the training and validation splits; None for training if the data set is not the open one."""
        dataset = self.state.dataset
        if dataset is None or entries["data"].strip() not in (self._base.source, dataset.source) or self.state.spec != self._base:
            return None, 0
        return tuple(len(dataset.splits[name]) if name in dataset.splits else 0 for name in ("train", "validation"))  # type: ignore[return-value]

    def _show_command(self, rows: int | None, shown: dict[str, str]) -> None:
        command, time = self.query_one("#command", Static), self.query_one("#estimate", Static)
        if self._job is None:
            command.update(Text("the command line appears when all fields are right", "dim"))
            time.update("")
            return
        command.update(Text.assemble(("$ ", "bold"), shown_command(self._job)))
        words = self._time(self._job, trained_epochs(self._job, rows, shown), rows)
        if users := neighbours.describe_gpu_users(self._cards, self._job.device):
            words.append(f"\n{users}", self.app.theme_variables["warning"])
        time.update(words)

    def _time(self, job: Job, epochs: float | None, rows: int | None) -> Text:
        """Return the estimated time of the job, from a similar earlier run, or from a few steps that are timed after a pause."""
        if self._rest is not None:
            self._rest.stop()
        found = estimate(job, epochs, rows, self.state.runs)
        if found is not None:
            return Text.assemble(("about ", "dim"), (duration(found[0]), "bold"), (f", as fast as run {found[1]} was here", "dim"))
        if rows is None or job.model.startswith(("ms:", "hf:")):
            return Text("time estimate: once the data and the model are here", "dim")
        measured = self._measured.get(same_speed(job))
        if isinstance(measured, str):
            return Text(f"time estimate failed: {safe_line(measured)}", "dim")
        if measured is not None:
            what = "" if isinstance(job, TrainSpec) else " for the hidden states"
            seconds = measured.before + measured.epoch * (epochs or 1)
            by = f"{what}, from {measured.measured} {measured.unit} measured just now"
            return Text.assemble(("about ", "dim"), (duration(seconds), "bold"), (by, "dim"))
        if self.state.live_run is not None:
            return Text("time estimate: not while another run is going", "dim")
        self._rest = self.set_timer(REST, partial(self._measure, job))
        return Text("time estimate: running a few steps…", "dim")

    @work(exclusive=True, group="measure")
    async def _measure(self, job: Job) -> None:
        try:
            self._measured[same_speed(job)] = await self.state.ask(AskEstimate(job=job))
        except UserError as error:
            self._measured[same_speed(job)] = by_fields(error)
        if not self._starting:
            self._check()

    # --- keys -------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        if self._job is None:
            self.state.notify("correct the fields in red first", problem=True)
            return
        self.app.copy_to_clipboard(command_of(self._job))
        self.state.notify("copied the command line")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        if self._job is None:
            wrong = next((hint for hint in self.query(".hint") if hint.has_class("-wrong")), None)
            if wrong is not None:
                self.query_one(f"#{(wrong.id or '').removeprefix('hint-')}").focus()
        elif not self._starting:
            self._starting = True
            if self._rest is not None:
                self._rest.stop()
            self.workers.cancel_group(self, "measure")
            self._start(self._job)

    @work(exclusive=True)
    async def _start(self, job: Job) -> None:
        try:
            await self._fetch_model(job)
            data = await self._dataset(job)
            self._show_estimate("starting…")
            run = await asyncio.to_thread(_launch, job, data)
        except UserError as error:
            self._show_estimate(by_fields(error), wrong=True)
            self._starting = False
        else:
            if threat := logout.warning(scope=False):
                self.state.notify(by_fields(threat), problem=True)
            self.dismiss(run)

    async def _fetch_model(self, job: Job) -> None:
        if job.model.startswith(("ms:", "hf:")):
            self._show_estimate("fetching the model…")
            ask = AskDownload(id=job.model, what="model", offline=job.data.offline)
            await self.state.ask(ask, lambda line: self._show_progress("model", line))

    async def _dataset(self, job: Job) -> Dataset:
        """Return the data set of the job: the open one, or another one, downloaded first if necessary."""
        from ...core.data import sources

        if self.state.dataset is not None and job.data == self.state.spec and self.state.loading is None:
            return self.state.dataset
        self._show_estimate("reading the data set…")
        try:
            return await asyncio.to_thread(sources.load, job.data)
        except sources.NotDownloaded as missing:
            ask = AskDownload(id=missing.id, what="dataset", offline=job.data.offline)
            await self.state.ask(ask, lambda line: self._show_progress("data set", line))
            return await asyncio.to_thread(sources.load, job.data)

    def _show_progress(self, what: str, line: ProgressLine) -> None:
        total = f" of {line.total:,}" if line.total else ""
        self._show_estimate(f"fetching the {what}: {line.done:,}{total} {line.unit}")

    def _show_estimate(self, words: str, *, wrong: bool = False) -> None:
        color = self.app.theme_variables["error" if wrong else "accent"]
        self.query_one("#estimate", Static).update(Text(safe_line(words), color))


def _launch(job: Job, data: Dataset) -> RunFolder:
    from ...core.data import sources
    from ...core.model import limits

    limits.check(job)
    if data.spec is not None:  # later decisions must not change the run's data
        job = msgspec.structs.replace(job, data=msgspec.structs.replace(job.data, overlay=data.spec.overlay))
    return launch.start(job, data_hash=sources.fingerprint(data), labels=data.labels)


def _entry(name: str, row: Hyperparameter, first: str) -> Widget:
    """Return the field or the choice of a hyper-parameter."""
    if not _is_choice(row):
        return TextField(id=name)
    return Choice(row.kind.words if isinstance(row.kind, OneOf) else _DEVICES, first, id=name)


def _is_choice(row: Hyperparameter) -> bool:
    return isinstance(row.kind, OneOf | DeviceName)


def _field(name: str, title: str, widget: Widget) -> Horizontal:
    hint = [] if isinstance(widget, Choice) else [Static(id=f"hint-{name}", classes="hint", markup=False)]
    return Horizontal(Static(title, classes="name", markup=False), widget, *hint, id=f"field-{name}", classes="field")


def _first_entries(state: State, base: DataSpec, example: RunView | None) -> dict[str, str]:
    """Return the initial entries: a baseline until there is one, then a fine-tuning with the settings of the last one."""
    has_baseline = any(isinstance(view.spec.job, BaselineSpec) and view.spec.job.data.source == base.source for view in state.runs)
    chosen = {"task": "fine-tune" if has_baseline else "baseline", "data": base.source, "model": state.model}
    for spec in TASKS.values():
        defaults = hyperparameters.defaults(spec)
        # An empty field means its default; a choice has no empty option.
        chosen |= {name: str(defaults[name]) if _is_choice(row) else "" for name, row in hyperparameters.rows(spec).items()}
    if example is not None and isinstance(example.spec.job, TrainSpec) and _is_same_source(example.spec.job.data, base):
        job, defaults = example.spec.job, hyperparameters.defaults(TrainSpec)
        values = {name: getattr(job, name) for name in hyperparameters.rows(TrainSpec)}
        chosen |= {"model": job.model} | {name: str(value) for name, value in values.items() if value not in (None, defaults[name])}
    return chosen


def _is_same_source(one: DataSpec, other: DataSpec) -> bool:
    """Whether two specs read the same data in the same way, apart from decisions about rows."""
    return msgspec.structs.replace(one, overlay=None) == msgspec.structs.replace(other, overlay=None)

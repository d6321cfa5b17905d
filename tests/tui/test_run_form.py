"""The form of a new run: what it checks, the command that it shows, and the run that it starts."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import msgspec
import pytest
import run_folders as folders
from emotui.core import hyperparameters, specs
from emotui.core.cli import build_parser, fetch, options
from emotui.core.data import sources
from emotui.core.model import hub_files
from emotui.core.runs import launch, neighbours
from emotui.core.runs.folder import RunFolder
from emotui.tui.screens import run_form
from emotui.tui.screens.run_command import command_of
from emotui.tui.screens.run_entries import estimate, hints, parse, trained_epochs
from emotui.tui.screens.run_form import RunForm
from emotui.tui.widgets.choice import Choice
from emotui.tui.widgets.text_field import TextField
from hostile import HOSTILE, RAW, drawn
from monitor import Classifier, application, settle
from textual.app import App, ComposeResult
from variants import mostly_slow, sizes

IDLE = Classifier(folders.LABELS, {})
ENTRIES = {
    "task": "fine-tune",
    "data": "starter",
    "model": "starter",
    "preset": "auto",
    "device": "auto",
    "precision": "auto",
    "pooling": "both",
}


def another_value(name: str, row: hyperparameters.Hyperparameter, default: object) -> object:
    """Return a value that differs from the default, whatever hyper-parameters there will be."""
    candidates = {
        hyperparameters.Whole: ["3", "48"],
        hyperparameters.Real: ["0.015", "0.5"],
        hyperparameters.OneOf: [*getattr(row.kind, "words", ())],
        hyperparameters.DeviceName: ["cuda:1"],
    }.get(type(row.kind), ["a=1,b c=2", "all-but-head"])
    for text in candidates:
        try:
            value = row.kind.parse(text)
        except ValueError:
            continue
        if value != default:
            return value
    raise AssertionError(f"no value for {name}")


def full(spec: type[specs.TrainSpec] | type[specs.BaselineSpec]) -> specs.Job:
    """Return a job in which nothing is left at its default."""
    data = specs.DataSpec("ms:owner/name", "my text", "label", ("a b", "c"), True, True, 7)
    defaults = hyperparameters.defaults(spec)
    values = {name: another_value(name, row, defaults[name]) for name, row in hyperparameters.rows(spec).items()}
    return spec(data, "ms:owner/model", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "job",
    [
        specs.TrainSpec(specs.DataSpec("starter")),
        full(specs.TrainSpec),
        specs.TrainSpec(specs.DataSpec("starter"), processes=2, nodes=3, node_rank=0, master="10.0.0.1:1234"),
        full(specs.BaselineSpec),
    ],
)
def test_the_command_line_describes_the_same_job(job: specs.Job) -> None:
    words = shlex.split(command_of(job))
    assert words[0] == "emotui"
    arguments = build_parser(words[1]).parse_args(words[1:])
    assert fetch.data_spec(arguments) == job.data
    assert arguments.model == job.model
    assert options.hyperparameters_of(arguments, type(job)) == {name: getattr(job, name) for name in hyperparameters.rows(type(job))}
    if isinstance(job, specs.TrainSpec) and job.nodes > 1:
        for field in ("processes", "nodes", "node_rank", "master"):
            assert getattr(arguments, field) == getattr(job, field)


@pytest.mark.parametrize("job", [full(specs.TrainSpec), full(specs.BaselineSpec)])
def test_the_form_has_a_field_for_each_hyperparameter_that_takes_what_the_command_line_takes(job: specs.Job) -> None:
    rows = {name: row for name, row in hyperparameters.rows(type(job)).items() if row.in_form}
    entries = {name: str(getattr(job, name)) for name in rows} | {"task": specs.task_of(job), "data": "starter", "model": "starter"}
    made, problems = parse(entries, specs.DataSpec("starter"))
    assert problems == {}
    assert made is not None
    assert {name: getattr(made, name) for name in rows} == {name: getattr(job, name) for name in rows}


def test_entries_become_a_job() -> None:
    job, problems = parse(ENTRIES | {"epochs": "3", "learning_rate": "5e-5", "seed": " 4 "}, specs.DataSpec("starter", offline=True))
    assert problems == {}
    assert job == specs.TrainSpec(specs.DataSpec("starter", offline=True), epochs=3, learning_rate=5e-5, seed=4)
    job, _ = parse(ENTRIES | {"task": "baseline", "pooling": "mean", "epochs": "3"}, specs.DataSpec("starter"))
    assert job == specs.BaselineSpec(specs.DataSpec("starter"), pooling="mean")
    both = {"patience": "2", "layer": " 4 "}
    job, _ = parse(ENTRIES | both, specs.DataSpec("starter"))
    assert job == specs.TrainSpec(specs.DataSpec("starter"), patience=2)
    job, _ = parse(ENTRIES | both | {"task": "baseline"}, specs.DataSpec("starter"))
    assert job == specs.BaselineSpec(specs.DataSpec("starter"), layer=4)


def test_what_is_wrong_in_a_field_that_is_not_shown_stops_nothing() -> None:
    job, problems = parse(ENTRIES | {"layer": "x"}, specs.DataSpec("starter"))
    assert (job, problems) == (specs.TrainSpec(specs.DataSpec("starter")), {})
    job, problems = parse(ENTRIES | {"task": "baseline", "patience": "x"}, specs.DataSpec("starter"))
    assert (job, problems) == (specs.BaselineSpec(specs.DataSpec("starter")), {})
    job, problems = parse(ENTRIES | {"task": "baseline", "layer": "0"}, specs.DataSpec("starter"))
    assert job is None and list(problems) == ["layer"]


def test_the_length_is_one_that_the_model_takes(emotui_home: Path, tiny_model: Path) -> None:
    def wrong(length: str, model: str | Path = tiny_model) -> dict[str, str]:
        return parse(ENTRIES | {"model": str(model), "max_length": length}, specs.DataSpec("starter"))[1]

    assert wrong("49") == wrong("1000") == {"max_length": "this model takes 3 to 48 tokens"}
    assert wrong("48") == wrong("3") == wrong("") == wrong("49", "hf:not/downloaded") == {}


def test_the_layer_is_one_that_the_model_has(emotui_home: Path, tiny_model: Path, tmp_path: Path) -> None:
    def wrong(layer: str, model: str | Path = tiny_model, task: str = "baseline") -> dict[str, str]:
        return parse(ENTRIES | {"task": task, "model": str(model), "layer": layer}, specs.DataSpec("starter"))[1]

    assert wrong("3") == {"layer": "this model has layers 1 to 2"}
    assert wrong("1") == wrong("2") == wrong("3", task="fine-tune") == {}
    assert wrong("3", "hf:not/downloaded") == {}
    here = hub_files.folder_of("hf:owner/name", "model")
    here.mkdir(parents=True)
    (here / "config.json").write_text('{"model_type": "bert", "num_hidden_layers": 4}')
    assert wrong("4", "hf:owner/name") == {}
    assert wrong("5", "hf:owner/name") == {"layer": "this model has layers 1 to 4"}
    for config in ("{", '{"model_type": "bert"}', '{"model_type": "bert", "num_hidden_layers": "four"}'):
        (tmp_path / "config.json").write_text(config)
        assert wrong("3", tmp_path) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", "0"),
        ("epochs", "two"),
        ("epochs", "1001"),
        ("learning_rate", "nan"),
        ("learning_rate", "2"),
        ("batch_size", "-1"),
        ("batch_size", "70000"),
        ("patience", "0"),
        ("seed", "1.5"),
        ("max_length", "x"),
        ("data", "/no/such/data"),
        ("data", ""),
        ("model", "/no/such/model"),
        ("model", "ms:broken"),
        ("device", "tpu"),
    ],
)
def test_each_wrong_entry_has_a_sentence(field: str, value: str) -> None:
    job, problems = parse(ENTRIES | {field: value}, specs.DataSpec("starter"))
    assert job is None
    assert list(problems) == [field]
    assert len(problems[field]) > 10


def test_empty_fields_say_what_they_stand_for() -> None:
    assert hints(ENTRIES, 1_000, 100)["epochs"] == "4"
    assert hints(ENTRIES | {"preset": "tutorial"}, 1_000, 100)["batch_size"] == "64 rows per step"
    assert hints(ENTRIES, None, 0)["epochs"] == "by the size of the data"


def test_the_estimate_comes_from_measured_steps(emotui_home: Path) -> None:
    from emotui.core.runs.state import glance

    job = specs.TrainSpec(specs.DataSpec("starter"))
    assert estimate(job, 2, 1_600, ()) is None
    view = glance(RunFolder(folders.write_train_run(emotui_home / "runs")))
    found = estimate(job, 2, 1_600, (view,))
    assert found is not None
    assert found[0] == pytest.approx(2 * 1_600 / 160.0)
    assert estimate(specs.TrainSpec(job.data, max_length=32), 2, 1_600, (view,)) is None


def test_the_estimate_is_of_the_steps_that_are_taken() -> None:
    """An epoch has 16 steps; no more epochs are counted where more steps are allowed than there are."""
    job, shown = specs.TrainSpec(specs.DataSpec("starter")), {"epochs": "4", "batch_size": "64 rows per step"}
    assert trained_epochs(job, 1_000, shown) == 4
    assert trained_epochs(msgspec.structs.replace(job, max_steps=8), 1_000, shown) == 0.5
    assert trained_epochs(msgspec.structs.replace(job, max_steps=8, batch_size=1_000, epochs=20), 1_000, shown) == 8
    assert trained_epochs(msgspec.structs.replace(job, max_steps=1_000), 1_000, shown) == 4
    assert trained_epochs(job, None, {"epochs": "by the size of the data", "batch_size": ""}) is None
    assert trained_epochs(specs.BaselineSpec(job.data), 1_000, shown) is None


@pytest.mark.slow
async def test_the_form_checks_while_one_types_and_copies_the_command(emotui_home: Path) -> None:
    async with application(IDLE, "3", spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        form = app.screen
        assert isinstance(form, RunForm)
        assert "$ emotui baseline starter" in "\n".join(drawn(app))
        await pilot.press("right")
        epochs = form.query_one("#epochs")
        epochs.focus()
        await pilot.press("0")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "✗ '0' is not a whole number from 1 to 1,000" in text
        assert "the command line appears when all fields are right" in text
        await pilot.press("backspace", "3")
        form.query_one("#patience").focus()
        await pilot.press("2", "ctrl+y")
        await settle(pilot)
        assert "$ emotui train starter --epochs=3 --patience=2" in "\n".join(drawn(app))
        assert app.clipboard == "emotui train starter --epochs=3 --patience=2"
        await pilot.press("escape")
        await settle(pilot)
        assert not isinstance(app.screen, RunForm)


@pytest.mark.slow
async def test_without_an_earlier_run_a_few_steps_are_measured(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_form, "REST", 0.01)
    folders.write_baseline_run(emotui_home / "runs")
    engine = Classifier(folders.LABELS, {})
    async with application(engine, "3", spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        for text in ("about 1 min 23 s, from 5 steps measured just now", "about 43 s, from 5 steps"):  # 4 epochs, then 2
            async with asyncio.timeout(60):
                while text not in "\n".join(drawn(app)):
                    await pilot.pause(0.05)
            app.screen.query_one("#epochs").focus()
            await pilot.press("2")
        assert [ask.job for ask in engine.measured] == [specs.TrainSpec(specs.DataSpec("starter", overlay=0))]


@pytest.mark.slow
@pytest.mark.parametrize("size", sizes([(80, 24), (120, 36)]))
async def test_all_fields_are_seen(emotui_home: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_form, "REST", 3600.0)  # nothing is measured, however slow the test is
    folders.write_baseline_run(emotui_home / "runs")
    async with application(IDLE, "3", size=size, spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        text = "\n".join(drawn(app))
        for words in ("task", "data set", "model", "$ emotui train starter", " enter ", "time estimate: "):
            assert words in text, words
        for name, row in hyperparameters.rows(specs.TrainSpec).items():
            if row.in_form:
                app.screen.query_one(f"#{name}").focus()
                await settle(pilot)
                text += "\n".join(drawn(app))
        assert "$ emotui train starter" in "\n".join(drawn(app))
        for name, row in hyperparameters.rows(specs.TrainSpec).items():
            assert row.title in text or not row.in_form, name


@pytest.mark.slow
async def test_the_layer_belongs_to_a_baseline(emotui_home: Path) -> None:
    async with application(IDLE, "3", size=(80, 24), spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        assert app.screen.query_one("#field-layer").display and not app.screen.query_one("#field-patience").display
        app.screen.query_one("#layer").focus()
        await pilot.press("2")
        await settle(pilot)
        assert "$ emotui baseline starter --layer=2" in "\n".join(drawn(app))
        app.screen.query_one("#task").focus()
        await pilot.press("right")
        await settle(pilot)
        assert "$ emotui train starter" in "\n".join(drawn(app)) and "--layer" not in "\n".join(drawn(app))
        assert app.screen.query_one("#field-patience").display and not app.screen.query_one("#field-layer").display


async def test_the_form_says_who_is_on_the_card_and_offers_another(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = (neighbours.Card("cuda:0", "a", "H100", 20 << 30, 80 << 30), neighbours.Card("cuda:1", "b", "H100", 60 << 30, 80 << 30))
    taken = (neighbours.Neighbour("cuda:0", 7, "ada", "python", 20 << 30, "3f9x-fine-tune"),)
    monkeypatch.setattr(neighbours, "read", lambda: neighbours.Reading(cards, taken))
    async with application(IDLE, "3", spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        said = "cuda:0 (H100, 64.4 GB of 85.9 GB free) is in use: run 3f9x-fine-tune of ada with 21.5 GB"
        assert said in "\n".join(drawn(app))
        app.screen.query_one("#device").focus()
        await pilot.press("right", "right", "right")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "● cuda:1" in text and "--device=cuda:1" in text
        assert "is in use" not in text


async def test_enter_starts_the_run_of_the_form(emotui_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(job: specs.Job, *, data_hash: str, labels: tuple[str, ...]) -> RunFolder:
        started.append((job, data_hash, labels))
        return RunFolder(folders.write_run(emotui_home / "runs", "new999", job, [], state=None, labels=labels))

    monkeypatch.setattr(launch, "start", start)
    async with application(IDLE, "3", spec=specs.DataSpec("starter")) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await settle(pilot)
        loaded = sources.load(specs.DataSpec("starter"))
        assert started == [(specs.BaselineSpec(specs.DataSpec("starter", overlay=0)), sources.fingerprint(loaded), loaded.labels)]
        assert app.screen.query_one("RunList").items[0].id == "new999"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", mostly_slow(HOSTILE))
async def test_hostile_entries(emotui_home: Path, text: str) -> None:
    async with application(IDLE, "3", size=(80, 24)) as (app, pilot):
        await pilot.press("n")
        await settle(pilot)
        for field in app.screen.query(TextField):
            field.text = text
        await settle(pilot)
        assert not any(RAW.search(line) for line in drawn(app))


@pytest.mark.parametrize("chosen", ["train 16,000", "test 2,000", "all splits 20,000"])
async def test_a_choice_is_one_line_with_the_chosen_option_in_it(chosen: str) -> None:
    options = ("train 16,000", "validation 2,000", "test 2,000", "all splits 20,000")

    class Alone(App[None]):
        CSS = "Choice { width: 40; }"

        def compose(self) -> ComposeResult:
            yield Choice(options, chosen)

    app = Alone()
    async with app.run_test(size=(80, 24)):
        first, second, *_ = drawn(app)
        assert f"● {chosen}" in first
        assert not second.strip()

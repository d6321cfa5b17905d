"""The training monitor on run folders that the tests write."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import msgspec
import numpy as np
import pytest
import run_folders as folders
from emotui.core import events, specs
from emotui.core.data import sources
from emotui.core.runs.folder import RunFolder
from emotui.core.runs.state import glance, view_of
from emotui.core.safe_text import cell_width
from emotui.core.units import duration
from emotui.tui.app import EmotuiApp
from emotui.tui.screens.confirm import Confirm
from emotui.tui.screens.training import TrainingScreen
from emotui.tui.screens.training.charts import READING, Palette, loss_chart, score_chart
from emotui.tui.screens.training.files import read_log
from emotui.tui.screens.training.requests import lost_by_killing
from emotui.tui.screens.training.tables import class_table, ladder_table
from emotui.tui.screens.training.words import machine_line
from emotui.tui.theme import class_looks
from emotui.tui.widgets.confusion import Confusion
from emotui.tui.widgets.density import Density
from emotui.tui.widgets.plot import Plot
from emotui.tui.widgets.run_list import RunList
from hostile import HOSTILE, RAW, drawn
from monitor import Classifier, application, settle
from textual.pilot import Pilot
from variants import mostly_slow, sizes

IDLE = Classifier(folders.LABELS, {})
SIZES = [(80, 24), (120, 36), (200, 60)]


@pytest.fixture
def runs(emotui_home: Path) -> Path:
    return emotui_home / "runs"


def screen_of(app: object) -> TrainingScreen:
    screen = getattr(app, "screen")  # noqa: B009
    assert isinstance(screen, TrainingScreen)
    return screen


async def test_without_runs_the_screen_names_the_key(runs: Path) -> None:
    async with application(IDLE, "3") as (app, _):
        text = "\n".join(drawn(app))
        assert "n   starts one" in text


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_a_live_run_shows_curves_rungs_progress_and_load(runs: Path, size: tuple[int, int]) -> None:
    folders.write_baseline_run(runs, created=folders.STARTED - 500)
    live = folders.write_run(runs, "live88", folders.train_spec(), folders.train_events(upto=312), state=None)
    with folders.held(live):
        async with application(IDLE, "3", size=size) as (app, pilot):
            assert "no progress for 27 s" in "\n".join(drawn(app))
            app.state.clock = lambda: folders.STARTED + 145
            screen_of(app).draw()
            await settle(pilot)
            text = "\n".join(drawn(app))
    for words in (
        "312/500" if size[0] < 100 else "312 of 500 steps",
        "62 %",
        "left",
        "training on CPU",
        "CPU ",
        "memory ",
        "0.880 TF-IDF",
        "LR on mean",
        "train 0.",
        "● ",
    ):
        assert words in text, words
    for words in ("2.5 steps/s", "3,560 tokens/s", "lr 0.00011", "grad", "live88 fine-tune", "w worst rows"):
        assert words in text, words
    if size[0] >= 120:
        for words in ("Epoch", "0.201 most frequent"):
            assert words in text, words


async def test_new_events_are_drawn_and_the_end_too(runs: Path) -> None:
    happened = folders.train_events()
    cut = next(index for index, event in enumerate(happened) if isinstance(event, events.Step) and event.step == 200)
    live = folders.write_run(runs, "live88", folders.train_spec(), happened[:cut], state=None)
    async with application(IDLE, "3") as (app, pilot):
        with folders.held(live):
            app.state.poll_runs()
            folders.append_events(live, happened[cut:])
            app.state.poll_runs()
            await settle(pilot)
            screen_of(app).draw()
            await settle(pilot)
            assert "500 of 500 steps" in "\n".join(drawn(app))
        folders.write_result(live, "finished", "", happened)
        app.state.poll_runs()
        screen_of(app).draw()
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "✓ finished in 3 min 32 s, 500 steps" in text
        assert len(app.screen.query_one("#loss", Plot).chart.series[0].x) == 500


@pytest.mark.slow
async def test_opening_again_shows_the_whole_history(runs: Path) -> None:
    folders.write_train_run(runs)
    for _ in range(2):
        async with application(IDLE, "3") as (app, _):
            assert app.screen.query_one("#loss", Plot).chart.series[0].x[-1] == 500
            assert len(app.screen.query_one("#score", Plot).chart.series[0].x) == 8


async def test_marked_runs_are_laid_over_each_other_in_colours_of_their_own(runs: Path) -> None:
    folders.write_train_run(runs, "aaa111")
    folders.write_train_run(runs, "bbb222", created=folders.STARTED - 10)
    async with application(IDLE, "3") as (app, pilot):
        await pilot.press("down", "space", "up")
        await settle(pilot)
        series = app.screen.query_one("#score", Plot).chart.series
        assert [each.name for each in series] == ["aaa111", "bbb222"]
        assert len({each.color for each in series}) == 2
        assert len({each.glyph for each in series}) == 2
        assert app.screen.query_one("#second", Confusion).display
        assert [item.marked for item in app.screen.query_one(RunList).items] == [False, True]


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_two_confusion_matrices_stand_side_by_side_whole_and_named(runs: Path, size: tuple[int, int]) -> None:
    folders.write_train_run(runs, "aaa1-fine-tune")
    folders.write_train_run(runs, "bbb2-fine-tune", created=folders.STARTED - 10)
    async with application(IDLE, "3", size=size) as (app, pilot):
        await pilot.press("down", "space", "up", "x")
        await settle(pilot)
        lines = drawn(app)
        last = next(line for line in lines if "★ 5 surprise" in line)
        share = "93" if size[0] < 100 else "92.9"
        assert last.count(share) == 2, last
        assert any("aaa1 fine-tune" in line and "bbb2 fine-tune" in line and "row %" in line for line in lines)
        assert any(line.count("predicted") == 2 or line.count("pred.") == 2 for line in lines)


async def test_plot_keys(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(IDLE, "3") as (app, pilot):
        plot = app.screen.query_one("#loss", Plot)
        plot.focus()
        await pilot.press("left", "left", "m", "g", "plus")
        view = plot.view
        assert view.smoothing == 0.6
        assert view.log
        assert view.cursor is not None
        assert view.cursor < 500
        assert view.window is not None
        assert view.window[1] - view.window[0] == pytest.approx(249.5)
        await settle(pilot)
        assert any(f"step {view.cursor:,.6g}" in line for line in drawn(app))
        await pilot.press("z")
        assert app.screen.has_class("-large")
        assert not app.screen.query_one("#score", Plot).display
        await pilot.press("z", "0", "minus")
        assert not app.screen.has_class("-large")
        assert (plot.view.window, plot.view.cursor) == (None, None)


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_f_turns_the_scores_to_macro_f1_and_to_the_f1_of_each_class(runs: Path, size: tuple[int, int]) -> None:
    folders.write_train_run(runs, "aaa111")
    folders.write_baseline_run(runs, created=folders.STARTED - 500)
    async with application(IDLE, "3", size=size) as (app, pilot):
        score = app.screen.query_one("#score", Plot)
        evaluated = app.state.runs[0].evaluations
        assert "f score" in "\n".join(drawn(app))
        await pilot.press("f")
        await settle(pilot)
        assert [(each.name, each.y) for each in score.chart.series] == [("macro-F1", tuple(each.metrics.f1_macro for each in evaluated))]
        assert [level.y for level in score.chart.levels] == [rung.metrics.f1_macro for rung in app.state.runs[1].rungs]
        await pilot.press("f")
        await settle(pilot)
        assert [each.name for each in score.chart.series] == list(folders.LABELS)
        assert score.chart.series[1].y == tuple(each.metrics.per_class["joy"].f1 for each in evaluated)
        assert [(each.color, each.glyph) for each in score.chart.series] == [
            (look.color, look.glyph) for look in class_looks(folders.LABELS)
        ]
        assert score.chart.levels == ()
        await pilot.press("tab", "tab", "z") if size[0] < 100 else None
        await settle(pilot)
        text = "\n".join(drawn(app))
        for words in ("F1 of each class", *(f"{look.glyph} {look.name} 0." for look in class_looks(folders.LABELS))):
            assert words in text, words
        await pilot.press("f")
        await settle(pilot)
        assert [each.name for each in score.chart.series] == ["F1", "accuracy"]
        await pilot.press("question_mark")
        await settle(pilot)
        assert size[1] < 30 or "the next metric on the chart, then F1 by class" in "\n".join(drawn(app))


async def test_f_turns_to_each_metric_that_the_run_has(runs: Path) -> None:
    figures = {"balanced_accuracy": 0.7, "mcc": -0.1, "ece": 0.05}
    logged = [
        msgspec.structs.replace(each, metrics=msgspec.structs.replace(each.metrics, others=figures))
        if isinstance(each, events.Evaluated)
        else each
        for each in folders.train_events()
    ]
    folders.write_run(runs, "aaa111", folders.train_spec(), logged)
    async with application(IDLE, "3") as (app, pilot):
        score, titles = app.screen.query_one("#score", Plot), []
        for _ in range(6):
            titles.append((score.chart.title, score.chart.series[0].y[-1], score.chart.bounds))
            await pilot.press("f")
            await settle(pilot)
        assert [each[1:] for each in titles[2:5]] == [(0.7, (0.0, 1.0)), (-0.1, (-1.0, 1.0)), (0.05, (0.0, 1.0))]
        assert titles[4][0] == "expected calibration error, validation, lower is better"
        assert score.chart.title == "weighted F1 and accuracy, validation"


async def test_overlaid_runs_differ_by_name_and_glyph_in_the_scores_of_each_kind(runs: Path) -> None:
    folders.write_train_run(runs, "aaa111")
    folders.write_train_run(runs, "bbb222", created=folders.STARTED - 10)
    async with application(IDLE, "3") as (app, pilot):
        score = app.screen.query_one("#score", Plot)
        await pilot.press("down", "space", "up", "f")
        await settle(pilot)
        assert [each.name for each in score.chart.series] == ["aaa111", "bbb222"]
        await pilot.press("f")
        await settle(pilot)
        assert [each.name for each in score.chart.series] == [*folders.LABELS, *(f"bbb222 {label}" for label in folders.LABELS)]
        assert [each.color for each in score.chart.series[:6]] == [each.color for each in score.chart.series[6:]]
        assert all(each.glyph for each in score.chart.series[:6]) and not any(each.glyph for each in score.chart.series[6:])


def with_predictions(runs: Path, tmp_path: Path) -> specs.DataSpec:
    """Write a run over 60 validation rows of which two of joy were predicted as love, and return its data."""
    data = folders.write_data(tmp_path / "data")
    spec = specs.DataSpec(str(data), labels=folders.LABELS)
    truth = [index % 6 for index in range(60)]
    probabilities = np.full((60, 6), 0.1)
    probabilities[np.arange(60), truth] = 0.5
    for row, share in ((7, 0.9), (13, 0.7)):  # two rows of joy that were predicted as love
        probabilities[row] = (1 - share) / 5
        probabilities[row, 2] = share
    loaded = sources.load(spec)
    order = [loaded.labels.index(name) for name in folders.LABELS]
    assert order == list(range(6))
    assert loaded.spec is not None  # as runs keep it
    made = folders.train_spec(data=loaded.spec)
    folder = folders.write_run(runs, "fine77", made, folders.train_events(), data_hash=sources.fingerprint(loaded))
    folders.write_predictions(folder, truth, probabilities)
    return spec


async def test_the_keys_of_the_plots_work_from_the_list_of_runs_and_move_both_cross_hairs(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(IDLE, "3") as (app, pilot):
        loss, score = app.screen.query_one("#loss", Plot), app.screen.query_one("#score", Plot)
        assert "m smooth g log z large" in "\n".join(drawn(app))
        await pilot.press("left", "left", "m", "plus")
        await settle(pilot)
        assert app.screen.query_one(RunList).has_focus
        assert loss.view.smoothing == 0.6
        assert loss.view.cursor is not None
        assert (score.view.cursor, score.view.window) == (loss.view.cursor, loss.view.window)
        assert sum(line.count(f"step {loss.view.cursor:,.6g} ") for line in drawn(app)) == 2
        await pilot.press("0", "z", "question_mark")
        await settle(pilot)
        assert app.screen_stack[-2].query_one(RunList).has_class("-large")
        text = "\n".join(drawn(app))
        for words in ("moving average", "logarithmic scale", "read values at a step", "the rows with the highest"):
            assert words in text, words


async def test_confusion_modes_and_the_rows_of_a_cell(runs: Path, tmp_path: Path) -> None:
    spec = with_predictions(runs, tmp_path)
    async with application(IDLE, "3", spec=spec) as (app, pilot):
        await pilot.press("x")
        confusion = app.screen.query_one("#first", Confusion)
        assert confusion.has_focus
        modes = []
        for _ in range(3):
            modes.append(confusion.mode)
            await pilot.press("v")
        assert modes == ["row %", "column %", "counts"]
        confusion.cursor = (1, 2)
        await pilot.press("enter")
        await settle(pilot)
        assert app.current_mode == "errors"
        text = "\n".join(drawn(app))
        assert "2 rows: joy predicted as love, the highest loss first" in text
        assert text.index("validation 7") < text.index("validation 13")
        assert "90.0 %" in text
        await pilot.press("p")
        await settle(pilot)
        assert app.current_mode == "classify"
        assert app.screen.query_one("#sentence").text == "i feel happy and loved validation 7"  # type: ignore[attr-defined]


async def open_the_wrong_joys(app: EmotuiApp, pilot: Pilot[int]) -> None:
    """Open the rows of joy that were predicted as love from the matrix."""
    await pilot.press("x")
    app.screen.query_one("#first", Confusion).cursor = (1, 2)
    await pilot.press("enter")
    await settle(pilot)


@pytest.mark.slow
async def test_the_rows_of_a_cell_by_their_loss_from_both_ends(runs: Path, tmp_path: Path) -> None:
    spec = with_predictions(runs, tmp_path)
    async with application(IDLE, "3", spec=spec) as (app, pilot):
        await open_the_wrong_joys(app, pilot)
        text = "\n".join(drawn(app))
        title = "row 7: ◆ joy, predicted as ♥ love"
        for words in ("2 rows: joy predicted as love", title, "i feel happy and loved validation 7", "90.0 %"):
            assert words in text, words
        await pilot.press("e")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "2 rows: joy predicted as love, the lowest loss first" in text
        assert "row 13:" in text
        await pilot.press("t")
        await settle(pilot)
        assert app.current_mode == "tokens"


@pytest.mark.slow
async def test_another_cell_is_looked_at_after_a_filter(runs: Path, tmp_path: Path) -> None:
    spec = with_predictions(runs, tmp_path)
    async with application(IDLE, "3", spec=spec) as (app, pilot):
        await open_the_wrong_joys(app, pilot)
        await pilot.press("slash", *"nothing", "enter")
        await settle(pilot)
        await pilot.press("3")
        await open_the_wrong_joys(app, pilot)
        assert "2 rows: joy predicted as love" in "\n".join(drawn(app)) and "nothing" not in "\n".join(drawn(app))


@pytest.mark.slow
async def test_worst_rows_get_labels_by_key_which_the_open_data_set_follows(runs: Path, tmp_path: Path) -> None:
    spec = with_predictions(runs, tmp_path)
    async with application(IDLE, "3", spec=spec) as (app, pilot):
        await open_the_wrong_joys(app, pilot)
        await pilot.press("L", "3", "x")
        await settle(pilot)
        now = sources.load(spec).splits["validation"]
        assert len(now) == 59 and now.row(7).name == "love" and "validation 13" not in " ".join(now.texts())
        assert app.state.dataset is not None and sources.fingerprint(app.state.dataset) == sources.fingerprint(sources.load(spec))
        assert app.state.spec is not None and app.state.spec.overlay == 3
        text = "\n".join(drawn(app))
        assert "* ♥ love i feel happy and" in text and "* left out i feel happy and" in text
        await pilot.press("u", "u")
        await settle(pilot)
        assert "* " not in "\n".join(drawn(app)) and sources.fingerprint(sources.load(spec)) == sources.fingerprint(app.state.dataset)
        await pilot.press("g", "0")  # as the run predicted
        await settle(pilot)
        laid = sources.load(spec).overlay
        assert laid is not None and [(each.new, each.by, each.run) for each in laid.decided.values()] == [("love", "accepted", "fine77")]
        assert laid.decided[next(iter(laid.decided))].excerpt.endswith("validation 7")
        await pilot.press("escape", "0")
        await settle(pilot)
        again = sources.load(spec).overlay
        assert again is not None and len(again.decided) == 1  # escape ended labelling


async def test_rows_before_the_end_of_a_run_say_when_they_come(runs: Path) -> None:
    live = folders.write_train_run(runs, state=None)
    with folders.held(live):
        async with application(IDLE, "3") as (app, pilot):
            await pilot.press("x", "enter")
            await settle(pilot)
            text = "\n".join(drawn(app))
            assert "was not measured on validation yet" in text and "known when it has finished" in text


async def test_a_baseline_shows_its_ladder_and_the_hidden_states(runs: Path) -> None:
    folders.write_projection(folders.write_baseline_run(runs))
    async with application(IDLE, "3") as (app, pilot):
        await settle(pilot)
        cloud = app.screen.query_one(Density).cloud
        assert cloud is not None
        assert len(cloud.x) == 900
        text = "\n".join(drawn(app))
        for words in (
            "most frequent",
            "TF-IDF",
            "static",
            "token vectors (16000, 256)",
            "LR on [CLS]",
            "LR on mean",
            "(16000, 384), cached",
            "6.2 s",
            "all 900",
        ):
            assert words in text, words
        assert "hidden states in two dimensions, mean of the tokens" in text
        await pilot.press("b", "b")
        await settle(pilot)
        assert "this baseline has kept no picture of its hidden states" in "\n".join(drawn(app))  # none was written of [CLS]


async def test_the_hidden_states_of_a_run_of_version_0_1_0_are_shown(runs: Path) -> None:
    happened = folders.baseline_events()
    old = [*happened[:5], events.RungDone(events.Rung("encoder", folders.metrics(0.63), 31.0, 212)), happened[-1]]
    run = folders.write_run(runs, "base11", specs.BaselineSpec(specs.DataSpec("starter"), pooling="cls"), old)
    folders.write_projection(run).rename(run / "projection.parquet")
    async with application(IDLE, "3") as (app, pilot):
        await settle(pilot)
        text = "\n".join(drawn(app))
        for words in ("LR on states", "all 900", "hidden states in two dimensions ─"):
            assert words in text, words


async def test_a_narrow_terminal_says_which_classes_of_the_projection_are_seen(runs: Path) -> None:
    folders.write_projection(folders.write_baseline_run(runs))
    async with application(IDLE, "3", size=(80, 24)) as (app, pilot):
        await settle(pilot)
        assert "1-3 of 7, ←→ turns" in "\n".join(drawn(app))
        app.screen.query_one(Density).focus()
        await pilot.press("right")
        await settle(pilot)
        assert "2-4 of 7, ←→ turns" in "\n".join(drawn(app))


async def test_the_projection_takes_the_colours_of_another_theme(runs: Path) -> None:
    folders.write_projection(folders.write_baseline_run(runs))
    async with application(IDLE, "3") as (app, pilot):
        await settle(pilot)
        density = app.screen.query_one(Density)
        assert density.cloud is not None
        before = [look.color for look in density.cloud.looks]
        app.theme = "emotui-light"
        await settle(pilot)
        assert density.cloud is not None
        assert [look.color for look in density.cloud.looks] != before


async def test_a_failed_run_pins_its_error(runs: Path) -> None:
    folders.write_failed_run(runs)
    async with application(IDLE, "3") as (app, pilot):
        text = "\n".join(drawn(app))
        assert "✗ failed at step 100 of 500: the disk is full: 0.2 GB are left" in text
        assert "the run ended before its first epoch did" in text
        await pilot.press("e")
        await settle(pilot)
        lines = drawn(app)
        pinned = next(index for index, line in enumerate(lines) if "│ ✗ the disk is full" in line)
        assert any("No space left on device" in line for line in lines[pinned:])


async def test_stop_leaves_a_request_and_kill_asks_first(runs: Path) -> None:
    live = folders.write_run(runs, "live88", folders.train_spec(), folders.train_events(upto=100), state=None)
    with folders.held(live):
        async with application(IDLE, "3") as (app, pilot):
            await pilot.press("K")
            await pilot.pause()
            assert isinstance(app.screen, Confirm)
            await pilot.press("n")
            await settle(pilot)
            assert not list((live / "control").iterdir())
            await pilot.press("s")
            await settle(pilot)
            assert [each.name for each in (live / "control").iterdir()] == ["stop"]
            await pilot.press("K", "y")
            await settle(pilot)
            assert sorted(each.name for each in (live / "control").iterdir()) == ["kill", "stop"]


async def test_keys_for_what_a_run_cannot_do_are_not_offered(runs: Path) -> None:
    folders.write_train_run(runs)
    async with application(IDLE, "3") as (app, _):
        screen = screen_of(app)
        assert [screen.check_action(action, ()) for action in ("stop", "kill", "resume", "new")] == [False, False, False, True]


@pytest.mark.parametrize("text", mostly_slow(HOSTILE))
async def test_hostile_labels_reasons_notes_and_logs(runs: Path, text: str) -> None:
    labels = ("calm", text.encode("utf-8", "replace").decode()[:300], "[/]")
    happened = folders.train_events(upto=260, labels=labels)
    happened.append(events.Note("error", labels[1]))
    folders.write_run(
        runs, "bad333", folders.train_spec(), happened, state="failed", reason=labels[1], labels=labels, log=f"{text}\n{text}\n"
    )
    async with application(IDLE, "3") as (app, pilot):
        for key in ("x", "e", "right_square_bracket", "right_square_bracket", "K"):
            await pilot.press(key)
            await settle(pilot)
            lines = drawn(app)
            assert not any(RAW.search(line) for line in lines)


def test_the_log_is_read_again_only_when_it_grew(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    found = read_log(log)
    assert found is not None and found == ((0, 0), "")
    log.write_text("one\n" * 30_000, "utf-8")
    found = read_log(log, found[0])
    assert found is not None
    assert found[1].startswith("(the last 64 KiB of")
    assert read_log(log, found[0]) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", sizes(SIZES))
async def test_z_enlarges_the_panel_that_has_the_focus(runs: Path, size: tuple[int, int]) -> None:
    folders.write_train_run(runs)
    async with application(IDLE, "3", size=size) as (app, pilot):
        for keys, panel in ((("x",), "#first"), (("e",), "#log"), ((), "#runs")):
            await pilot.press(*keys)
            if panel == "#runs":
                app.screen.query_one(panel).focus()
            await settle(pilot)
            await pilot.press("z")
            await settle(pilot)
            large = app.screen.query_one(panel)
            assert large.region.width > size[0] - 10, panel
            assert large.region.height > size[1] - 12, panel
            assert not app.screen.query_one("#loss", Plot).is_on_screen
            await pilot.press("escape")
            await settle(pilot)
            assert app.screen.query_one("#loss", Plot).is_on_screen


@pytest.mark.parametrize("size", sizes(SIZES))
async def test_the_log_has_no_colours_and_scrolls_sideways(runs: Path, size: tuple[int, int]) -> None:
    long = "the end of a long line".rjust(400)
    folder = folders.write_train_run(runs, log=f"\x1b[1mDistilBert\x1b[0m loads\nbar 10%\rbar 20%\ncolumn\tof tabs\n{long}\n")
    assert (folder / "worker.log").is_file()
    async with application(IDLE, "3", size=size) as (app, pilot):
        await pilot.press("e")
        await settle(pilot)
        text = "\n".join(drawn(app))
        assert "DistilBert loads" in text
        assert "[1m" not in text
        assert "bar 20%" in text
        assert "the end of a long line" not in text
        await pilot.press("end", *["right"] * 9)
        await settle(pilot)
        log = app.screen.query_one("#log")
        assert 0 < log.scroll_x < log.max_scroll_x > 100
        log.scroll_to(x=log.max_scroll_x, animate=False)
        await settle(pilot)
        assert "the end of a long line" in "\n".join(drawn(app))


async def test_the_hidden_states_are_never_those_of_another_run(runs: Path) -> None:
    folders.write_projection(folders.write_baseline_run(runs, "old", created=folders.STARTED - 500))
    with folders.held(
        folders.write_run(
            runs, "new", specs.BaselineSpec(specs.DataSpec("starter")), folders.baseline_events()[:4], state=None, created=folders.STARTED
        )
    ):
        async with application(IDLE, "3") as (app, pilot):
            density = app.screen.query_one(Density)
            app.screen.query_one(RunList).focus()
            await pilot.press("j")
            await settle(pilot)
            assert density._cloud is not None
            await pilot.press("k")
            await settle(pilot)
            assert density._cloud is None


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        (0, "It has measured no rung yet. s stops it as well."),
        (1, "The 1 rung that it has measured stays"),
        (2, "The 2 rungs that it has measured stay. "),
    ],
)
def test_what_killing_a_baseline_loses_is_said_of_rungs(runs: Path, rungs: int, said: str) -> None:
    view = view_of(RunFolder(folders.write_baseline_run(runs)))
    words = lost_by_killing(msgspec.structs.replace(view, rungs=view.rungs[:rungs]))
    assert words.startswith(said)
    assert "saves" not in words


def test_what_killing_a_fine_tuning_loses_is_said_of_its_checkpoint(runs: Path) -> None:
    view = view_of(RunFolder(folders.write_train_run(runs)))
    assert lost_by_killing(msgspec.structs.replace(view, by_step={})).startswith("It has no checkpoint: all is lost. s saves")
    saved = msgspec.structs.replace(view, by_step={events.CheckpointSaved: (events.CheckpointSaved(250, 1.0),)})
    assert lost_by_killing(saved).startswith("What came after its checkpoint of step 250 is lost. s saves")


def test_the_padding_of_all_steps_has_room_in_the_line_of_the_machine(runs: Path) -> None:
    view = view_of(RunFolder(folders.write_train_run(runs)))
    assert "padding" not in machine_line(view, 200, defaultdict(str)).plain
    padding = (events.Padding(1, 100, 40), events.Padding(2, 900, 60))
    padded = msgspec.structs.replace(view, by_step={**view.by_step, events.Padding: padding})
    assert machine_line(padded, 80, defaultdict(str)).plain.endswith("  padding 10 %")


def test_nothing_is_said_to_be_absent_before_the_events_of_a_run_were_read(runs: Path) -> None:
    folder = RunFolder(folders.write_train_run(runs))
    before, after = glance(folder), view_of(folder)
    palette = Palette.of(defaultdict(lambda: "#000000"))
    assert not before.curve
    for chart in (loss_chart([before], palette), score_chart([before], (), palette)):
        assert chart.empty == READING
    whole = msgspec.structs.replace(after, by_step={})
    assert loss_chart([whole], palette).empty == "this run has no loss"


@pytest.mark.slow
async def test_b_turns_the_rungs_of_a_baseline_and_the_best_one_is_shown_first(runs: Path) -> None:
    folders.write_baseline_run(runs)
    async with application(IDLE, "3", size=(200, 60)) as (app, pilot):
        seen = []
        for _ in range(6):
            text = "\n".join(drawn(app))
            title = next(line for line in text.splitlines() if "confusion matrix, row %" in line)
            score = next(line for line in text.splitlines() if "base22 baseline" in line)
            seen.append((title.partition("base22 ")[2].partition(",")[0], score.partition("F1 ")[2][:5]))
            await pilot.press("b")
            await settle(pilot)
    view = view_of(RunFolder(runs / "base22"))
    f1 = {rung.name: f"{rung.metrics.f1_weighted:.3f}" for rung in view.rungs}
    first = ("TF-IDF", f1["tfidf"])
    others = [("static", f1["static"]), ("LR on [CLS]", f1["cls"]), ("LR on mean", f1["mean"]), ("most frequent", f1["most_frequent"])]
    assert seen == [first, *others, first]


@pytest.mark.parametrize("width", [44, 58, 63, 76, 116])
@pytest.mark.parametrize("others", [0, 1, 2, 3])
def test_the_table_of_classes_is_never_wider_than_its_panel(width: int, others: int) -> None:
    looks = class_looks(["sadness", "joy", "love", "anger", "fear", "surprise"])
    metrics = folders.metrics(0.9)
    table = class_table(metrics, [(f"run{number}", metrics) for number in range(others)], (), looks, width)
    rows = table.plain.splitlines()
    assert all(cell_width(line) <= max(width, 56) for line in rows[:7])
    shown = sum(f"run{number}" in rows[0] for number in range(others))
    assert next(line.count(f"{metrics.per_class['joy'].f1:.3f}") for line in rows if "1 joy" in line) >= 1 + shown
    assert ("no room for" in table.plain) == (shown < others)


def test_a_run_that_was_stopped_has_a_point_where_it_was_measured(runs: Path) -> None:
    finished = events.Finished(folders.metrics(0.5), seconds=4.0, steps=100)
    happened = [*folders.train_events(upto=100), events.Stopped(100, finished)]
    view = view_of(RunFolder(folders.write_run(runs, "half11", folders.train_spec(), happened, state="stopped")))
    palette = Palette.of(defaultdict(lambda: "#000000"))
    chart = score_chart([view], (), palette)
    assert (chart.series[0].x[-1], chart.series[0].y[-1]) == (100.0, finished.metrics.f1_weighted)


@pytest.mark.parametrize("width", [44, 51, 63, 76, 116])
@pytest.mark.parametrize("seconds", [0.1, 59.0, 1281.0, 3599.0, 86_340.0, 359_000.0])
def test_the_columns_of_the_ladder_stay_apart(width: int, seconds: float) -> None:
    rungs = [events.Rung(name, folders.metrics(0.646), seconds) for name in ("most_frequent", "tfidf", "cls", "mean")]
    lines = ladder_table(rungs, [("fine77", 0.9, 0.9)], width, defaultdict(lambda: "")).plain.splitlines()
    accuracy = f"{rungs[0].metrics.accuracy:.3f}"
    assert all(cell_width(line) <= width for line in lines)
    for line in lines[1:5]:
        assert "accuracy" not in lines[0] or re.search(rf" {re.escape(accuracy)}( |$)", line)
        assert "time" not in lines[0] or f" {duration(seconds)}" in line


async def test_without_a_run_no_key_that_needs_one_is_offered(runs: Path) -> None:
    async with application(IDLE, "3", size=(80, 24)) as (app, pilot):
        await settle(pilot)
        lines = drawn(app)
        assert "n new run" in lines[-1]
        assert "mark" not in lines[-1] and "panel" not in lines[-1]
        said = [line.strip() for line in lines[2:-1] if line.strip()]
        assert all(len(line) > 50 for line in said[2:-1] if not line.endswith("."))  # no line ends early
        folders.write_train_run(runs)
        await pilot.pause(1.0)
        await settle(pilot)
        for words in ("space mark", "[ ] panel"):
            assert words in drawn(app)[-1], words

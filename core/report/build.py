"""Builds the report of a run from what is known about it."""

from __future__ import annotations

from ..metric_table import BY_KEY
from ..runs import resolved_settings, rungs
from ..runs.state import RunView
from ..units import count, duration
from . import about_sections, behaviour_section, cases_section, data_sections, result_sections, training_sections
from .content import Headline, Report
from .material import Material
from .words import figure, moment, span

ROWS = 20
"""Default of the rows listed in each table of rows."""
_TASKS = {"baseline": "A ladder of baselines", "fine-tune": "A fine-tuning"}
_HEADLINES = ("accuracy", "f1_weighted", "f1_macro")


def report(of: Material, rows: int = ROWS) -> Report:
    """Return the report, with at most `rows` rows in each table of rows."""
    made = (
        result_sections.results(of),
        result_sections.classes(of),
        result_sections.matrix(of),
        result_sections.worst(of, rows),
        result_sections.calibration(of),
        result_sections.slices(of),
        behaviour_section.behaviour(of, rows),
        cases_section.cases(of, rows),
        training_sections.curves(of),
        training_sections.ladder(of),
        data_sections.data(of),
        data_sections.faults(of, rows),
        data_sections.overlay(of, rows),
        about_sections.settings(of),
        about_sections.notes(of),
    )
    view, job = of.view, of.view.spec.job
    model, data = resolved_settings.public(job.model), resolved_settings.public(job.data.source)
    rung = f", by its rung {rungs.title(of.rung)}" if of.rung else ""
    lead = (
        f"{_TASKS.get(view.task, 'A run')} of the model {model} on the data {data}{rung}.",
        _state(view),
        f"Written on {moment(of.written)} by emotui {of.version} from what the run's folder keeps.",
    )
    return Report(f"Run {of.name}", lead, _headlines(of), tuple(section for section in made if section is not None))


def _state(view: RunView) -> str:
    words = {"starting": "It is starting", "running": "It is running", "lost": "It was lost"}.get(view.state, f"It {view.state}")
    if view.state in ("finished", "stopped", "failed"):
        words = f"It {'' if view.state == 'failed' else 'was ' if view.state == 'stopped' else ''}{view.state}"
    ended = f" on {moment(view.ended)}" if view.ended is not None else ""
    steps = f" after {count(view.step, 'step')}" if view.step else ""
    took = f", in {duration(view.finished.seconds)}" if view.finished is not None else ""
    why = f": {view.reason}" if view.reason else ""
    return f"{words}{ended}{steps}{took}{why}."


def _headlines(of: Material) -> tuple[Headline, ...]:
    metrics = result_sections.metrics_of(of)
    if metrics is None:
        return ()
    found = [Headline(BY_KEY[key].name, figure(key, BY_KEY[key].of(metrics)), span(metrics.intervals.get(key))) for key in _HEADLINES]
    return (*found, Headline(f"rows of {of.split}", f"{metrics.rows:,}"))

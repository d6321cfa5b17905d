"""The command line that does the same as a form."""

from __future__ import annotations

import shlex

from ...core import hyperparameters
from ...core.safe_text import safe_line
from ...core.specs import BaselineSpec, DataSpec, Job, TrainSpec


def command_of(job: Job) -> str:
    """Return the shell command that starts a run of `job`; what is left at its default is left out."""
    words = ["emotui", "baseline" if isinstance(job, BaselineSpec) else "train", job.data.source]
    words += ["--model", job.model] if job.model != "starter" else []
    defaults = hyperparameters.defaults(type(job))
    for name, row in hyperparameters.rows(type(job)).items():
        value = getattr(job, name)
        if value is not None and value != defaults[name]:
            words += [row.option, str(value)]
    if isinstance(job, TrainSpec):
        words += ["--processes", str(job.processes)] if job.processes > 1 else []
        if job.nodes > 1:
            words += ["--nodes", str(job.nodes), "--node-rank", str(job.node_rank), "--master", job.master]
    return shlex.join(words + _data_words(job.data))


def _data_words(data: DataSpec) -> list[str]:
    words: list[str] = []
    for option, value in (("--text-column", data.text_column), ("--label-column", data.label_column)):
        words += [option, value] if value is not None else []
    words += ["--labels", ",".join(data.labels)] if data.labels else []
    words += ["--split-seed", str(data.seed)] if data.seed else []
    for option, asked in (("--fold-case", data.fold_case), ("--skip-bad-rows", data.skip_bad_rows), ("--offline", data.offline)):
        words += [option] if asked else []
    return words


def shown_command(job: Job) -> str:
    """Return the command as one safe line, for the screen."""
    return safe_line(command_of(job))

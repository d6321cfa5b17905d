"""The command line equivalent to the form of a run."""

from __future__ import annotations

from ...core import hyperparameters, shell
from ...core.data import overlay_log, reading_words
from ...core.safe_text import safe_line
from ...core.sentences import option
from ...core.specs import BaselineSpec, DataSpec, Job, TrainSpec


def words_of(job: Job) -> list[str]:
    """Return the words of the command that starts a run of `job`, without options that have their defaults."""
    source = f"./{job.data.source}" if job.data.source.startswith("-") else job.data.source  # must not look like an option
    words = ["emotui", "baseline" if isinstance(job, BaselineSpec) else "train", source]
    words += [f"--model={job.model}"] if job.model != "starter" else []
    defaults = hyperparameters.defaults(type(job))
    for name in hyperparameters.rows(type(job)):
        value = getattr(job, name)
        if value is not None and value != defaults[name]:
            words.append(f"{option(name)}={value}")
    if isinstance(job, BaselineSpec):
        words += [flag for flag, asked in (("--curve", job.curve), ("--curve-fine-tuned", job.curve_fine_tuned)) if asked]
    if isinstance(job, TrainSpec):
        words += [f"--processes={job.processes}"] if job.processes > 1 else []
        if job.nodes > 1:
            words += [f"--nodes={job.nodes}", f"--node-rank={job.node_rank}", f"--master={job.master}"]
    return words + _data_words(job.data)


def command_of(job: Job) -> str:
    """Return the shell command that starts a run of `job`, as one line that is safe to show and to paste."""
    return shell.command(words_of(job))


def _data_words(data: DataSpec) -> list[str]:
    words: list[str] = []
    for column, value in (("--text-column", data.text_column), ("--label-column", data.label_column)):
        words += [f"{column}={value}"] if value is not None else []
    words += [f"--labels={','.join(data.labels)}"] if data.labels else []
    words += [f"--split-seed={data.seed}"] if data.seed else []
    for switch, asked in (("--fold-case", data.fold_case), ("--skip-bad-rows", data.skip_bad_rows), ("--offline", data.offline)):
        words += [switch] if asked else []
    words += ["--no-overlay"] if data.overlay == 0 and overlay_log.file_of(data.source, data.files).exists() else []
    words += [f"--{split}={file}" for split, file in data.files]
    return words + reading_words.options(data.reading)


def shown_command(job: Job) -> str:
    """Return the command as one line of safe text for the screen."""
    return safe_line(command_of(job))

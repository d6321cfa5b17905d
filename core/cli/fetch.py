"""Gets the data set and the model that a command names, and downloads them first if they are not on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import paths
from ..errors import UserError
from ..safe_text import safe_line
from ..specs import DataSpec, Reading
from .output import Output
from .progress import Progress

if TYPE_CHECKING:
    from ..data.table import Dataset
    from ..questions import FaultsAnswer, LengthsAnswer


def data_spec(arguments: argparse.Namespace) -> DataSpec:
    """Return the data spec given by the options of add_data; a local path becomes absolute. Raises UserError."""
    from ..data import sources

    named = {split: getattr(arguments, split) for split in ("train", "validation", "test") if getattr(arguments, split) is not None}
    if arguments.dataset is None and "train" not in named:
        raise UserError("name a DATASET, or its files with --train FILE (and --validation FILE, --test FILE)")
    source, files = sources.named_files(arguments.dataset, named)
    return DataSpec(
        source=source,
        files=files,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        labels=arguments.labels,
        fold_case=arguments.fold_case,
        skip_bad_rows=arguments.skip_bad_rows,
        seed=arguments.split_seed,
        offline=arguments.offline,
        reading=reading(arguments),
        overlay=None if arguments.overlay else 0,
    )


def data_options(arguments: argparse.Namespace) -> list[str]:
    """Return the options that were given on how data is read, such as '--delimiter'."""
    from ..data import reading_words

    names = ("train", "validation", "test", "text_column", "label_column", "labels", "fold_case", "skip_bad_rows", "split_seed")
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name, None)]
    return given + [option.partition("=")[0] for option in reading_words.options(reading(arguments))]


def reading(arguments: argparse.Namespace) -> Reading:
    """Return the reading options of add_reading. Raises UserError for an unknown encoding."""
    from ..data import encodings

    encoding = None if arguments.encoding is None else encodings.checked(arguments.encoding)
    return Reading(
        encoding=encoding,
        delimiter=arguments.delimiter,
        header=arguments.header,
        quotes=arguments.quotes,
        skip=arguments.skip_lines,
    )


def dataset(spec: DataSpec, output: Output) -> Dataset:
    """Return the checked data set, downloaded first if it is not on this machine. Raises UserError."""
    from ..data import sources

    with Progress(output.stderr) as progress:
        try:
            data = sources.load(spec, progress=progress.data)
        except sources.NotDownloaded:
            if spec.offline:
                raise
            download(spec.source, "dataset", output, offline=False)
            data = sources.load(spec, progress=progress.data)
    for note in data.notes:
        output.message(str(note))
    return data


def model(name: str, output: Output, *, offline: bool) -> str:
    """Return `name` as specs store it: 'starter', an absolute folder, or an id whose files are now on this machine. Raises UserError."""
    if name == "starter":
        return name
    if name.startswith(("ms:", "hf:")):
        download(name, "model", output, offline=offline)
        return name
    folder = paths.expand(name)
    if not folder.exists():
        raise UserError(f"there is no model folder {safe_line(str(folder))}", "Give starter, a folder, ms:OWNER/NAME or hf:OWNER/NAME")
    if not (folder / "config.json").is_file():
        raise UserError(f"{safe_line(str(folder))} is not a model: it has no config.json")
    return str(folder)


def lengths(spec: DataSpec, model: str, output: Output) -> LengthsAnswer:
    """Return the number of tokens of each text of the data set by the tokenizer of `model`. Raises UserError."""
    from ..engine.client import ask_once
    from ..questions import AskLengths

    with Progress(output.stderr) as progress:
        progress.update("tokenize", 0, None, "rows")
        return ask_once(AskLengths(data=spec, model=model), progress.engine, offline=spec.offline)


def faults(spec: DataSpec, model: str, output: Output) -> FaultsAnswer:
    """Return the faults of individual rows of the data set. Raises UserError."""
    from ..engine.client import ask_once
    from ..questions import AskFaults

    with Progress(output.stderr) as progress:
        progress.update("tokenize", 0, None, "rows")
        return ask_once(AskFaults(data=spec, model=model), progress.engine, offline=spec.offline)


def download(identifier: str, what: str, output: Output, *, offline: bool) -> None:
    """Have the engine download the missing files of a model or data set; it opens no socket if none is missing. Raises UserError."""
    from ..engine.client import ask_once
    from ..questions import AskDownload

    with Progress(output.stderr) as progress:
        progress.update("download", 0, None, "files")
        ask_once(AskDownload(id=identifier, what=what, offline=offline), progress.engine, offline=offline)

"""Every reader of what someone else may have written, with valid examples: one entry of READERS each."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import io
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
import reports
import run_folders
from emotui.core import config, paths, questions, specs, targets
from emotui.core.cli import data as data_command
from emotui.core.cli import runs as runs_command
from emotui.core.cli.output import Output
from emotui.core.data import checks, filters, readers, sources, stats
from emotui.core.engine import client, server
from emotui.core.errors import UserError
from emotui.core.model import hub_files, hub_names, model_config, saved, tokenizer_files, weights
from emotui.core.runs import checkpoints, folder, links, log, notes, state, watch
from emotui.core.runs import filters as run_filters
from emotui.core.safe_text import safe_line, safe_text
from emotui.core.specs import DataSpec


@dataclass(frozen=True)
class Reader:
    """A reader and what it is tried on."""

    kind: str
    """Of its files: 'json', 'lines' (of JSON), 'text' or 'bytes'; see mutation."""
    examples: Callable[[], list[bytes]]
    read: Callable[[Path, bytes], object]
    """Reads content in a folder that it may fill, and returns what a command or a screen would do with it: text to be shown."""
    heavy: bool = False
    """Whether it may end its process where a file takes too long or too much, as the engine does, whose client tells that in a sentence."""
    says_lines: bool = False
    """Whether its sentence may show an example of several lines."""
    refuses: bool = False
    """Whether some of the examples are refused, in a sentence."""


Shown = list[str]


def _rows() -> list[dict[str, Any]]:
    return [{"text": f"{text} {index}", "label": index % 3, "other": [1, None]} for index, text in enumerate(run_folders.TEXTS * 3)]


def _delimited(mark: str) -> bytes:
    lines = [f"text{mark}label", *(f'"{row["text"]}, so"{mark}class-{row["label"]}' for row in _rows())]
    return "\n".join(lines).encode()


def _fasttext() -> bytes:
    return b"".join(b"__label__%d %s\n" % (row["label"], row["text"].encode()) for row in _rows())


def _jsonl() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in _rows())


@cache
def _parquet() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"text": [row["text"] for row in _rows()], "label": pa.array([row["label"] for row in _rows()], pa.int64())})
    found = []
    several: tuple[dict[str, Any], ...] = (
        {"compression": "none"},
        {"compression": "snappy", "use_dictionary": True, "data_page_size": 64},
        {"compression": "zstd"},
    )
    for options in several:
        out = io.BytesIO()
        pq.write_table(table, out, **options)
        found.append(out.getvalue())
    return found


@cache
def _arrow() -> list[bytes]:
    import pyarrow as pa

    table = pa.table({"text": [row["text"] for row in _rows()], "label": [row["label"] for row in _rows()]})
    found = []
    for writer in (pa.ipc.new_stream, pa.ipc.new_file):
        out = io.BytesIO()
        with writer(out, table.schema) as file:
            file.write_table(table)
        found.append(out.getvalue())
    return found


def _dataset(name: str) -> Callable[[Path, bytes], Shown]:
    """Return what `emotui data` and `emotui check` do with a file, and `predict --file` too."""

    def read(place: Path, content: bytes) -> Shown:
        file = place / name
        file.write_bytes(content)
        return _described(file)

    return read


def _described(source: Path) -> Shown:
    shown: Shown = []
    if source.is_file():
        try:
            opened = readers.open_file(source)
            shown += [repr(row.values)[:500] for _, row in zip(range(50), readers.rows(opened), strict=False)]
        except UserError as error:
            shown.append(str(error))
    for skip in (False, True):
        try:
            dataset = sources.load(DataSpec(str(source), skip_bad_rows=skip))
        except UserError:
            if skip:
                raise
            continue
        described = data_command.Description(stats.describe(dataset), checks.find_problems(dataset), {})
        output = Output(io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO())
        output.json(data_command.data_json(dataset, described))
        return [*shown, *data_command.data_report(dataset, described, output), *map(str, dataset.notes), sources.fingerprint(dataset)]
    return shown


def _data_folder(name: str) -> Callable[[Path, bytes], Shown]:
    """Return what is done with a folder of a plain data file and the file `name`."""

    def read(place: Path, content: bytes) -> Shown:
        place = place / "set"
        place.mkdir()
        (place / "train.jsonl").write_bytes(_jsonl())
        (place / name).write_bytes(content)
        shown = [str(sorted(map(str, hub_files.card(place))))] if name == "README.md" else []
        return shown + _described(place)

    return read


CARD = b"""---
language: en
configs:
- config_name: default
  data_files:
  - split: train
    path: train.jsonl
dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': sadness
          '1': joy
          '2': anger
---
# A data set
"""
INFO = {"features": {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["a", "b", "c"], "_type": "ClassLabel"}}}


def _data_filter(place: Path, content: bytes) -> Shown:
    query = filters.parse(content.decode("utf-8", "surrogateescape"))
    found = filters.select(_small(), query, tokens={name: [3] * len(split) for name, split in _small().splits.items()})
    return [f"{name} {len(each)}" for name, each in found.items()]


@cache
def _small() -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "all.jsonl").write_bytes(_jsonl())
        return sources.load(DataSpec(str(Path(place) / "all.jsonl")))


def _run_filter(place: Path, content: bytes) -> Shown:
    meets = run_filters.parse(content.decode("utf-8", "surrogateescape"))
    run = _run(place)
    return [str(meets(state.glance(run), notes.NOTHING))]


def _run(place: Path, *, ladder: bool = False) -> folder.RunFolder:
    """Return a whole run in the home of this try."""
    runs = paths.runs_folder()
    if ladder:
        return folder.RunFolder(run_folders.write_baseline_run(runs, "r1"))
    return folder.RunFolder(run_folders.write_run(runs, "r1", run_folders.train_spec(), run_folders.train_events(steps=16)))


def _run_file(name: str, *, ladder: bool = False) -> Callable[[Path, bytes], Shown]:
    """Return what the commands do with a run in which the file `name` is replaced, and another run beside it."""

    def read(place: Path, content: bytes) -> Shown:
        run = _run(place, ladder=ladder)
        run_folders.write_run(paths.runs_folder(), "sound", run_folders.train_spec(), run_folders.train_events(steps=8))
        file = run.path / name
        file.parent.mkdir(exist_ok=True, mode=0o700)
        file.write_bytes(content)
        return _told(run)

    return read


def _told(run: folder.RunFolder) -> Shown:
    shown, said = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    output = Output(shown, said)
    for words in ({"json": False}, {"json": True}):
        for limit in (None, 1):
            assert runs_command.run_runs(argparse.Namespace(filter=(), limit=limit, **words), output) == 0
        for command in (runs_command.run_show, runs_command.run_watch):
            try:
                command(argparse.Namespace(run="r1", **words), output)
            except UserError as error:
                said.write(f"{error}\n")
    output.flush()
    shown.seek(0)
    lines = shown.read().splitlines() + said.getvalue().splitlines()
    assert any("sound" in line for line in lines), "the sound run is hidden"
    try:
        links.check(run)
        lines.append(str(checkpoints.latest(run)))
    except UserError as error:
        lines.append(str(error))
    lines.append(str(len(list(log.whole_lines(run.events_file)))))
    return lines


def _file_of(name: str, *, ladder: bool = False) -> Callable[[], list[bytes]]:
    """Return the content of a file of a run as it should be."""

    def examples() -> list[bytes]:
        import tempfile

        with tempfile.TemporaryDirectory() as place:
            made = [run_folders.train_events(steps=16), run_folders.baseline_events()][ladder]
            job = specs.BaselineSpec(DataSpec("starter")) if ladder else run_folders.train_spec()
            return [(run_folders.write_run(Path(place) / "runs", "r1", job, made) / name).read_bytes()]

    return examples


def _checkpoint_list(place: Path, content: bytes) -> Shown:
    run = _run(place)
    step = run.checkpoints / "step-3"
    step.mkdir(parents=True, mode=0o700)
    (step / "model.safetensors").write_bytes(b"x")
    (step / checkpoints.COMPLETE).write_bytes(content)
    return [str(checkpoints.latest(run))]


def _notes(place: Path, content: bytes) -> Shown:
    paths.make_private(paths.home())
    notes.notes_file().write_bytes(content)
    return [str(notes.read()), *_told(_with_sound(place))]


def _cases(place: Path, content: bytes) -> Shown:
    """Read the cases of a data set, and add one behind whatever is there."""
    from emotui.core.runs import cases

    data = DataSpec("starter")
    paths.make_private(paths.home())
    paths.make_private(cases.file_of(data).parent)
    cases.file_of(data).write_bytes(content)
    found = cases.read(data)
    if len(found.cases) < cases.MOST:
        cases.add(data, "one more", "joy", ("joy",))
        assert cases.read(data).cases[-1].text == "one more" or any(case.text == "one more" for case in found.cases)
    return [safe_line(f"{case.label} {case.text}", 200) for case in found.cases]


def _behaviour(place: Path, content: bytes) -> Shown:
    from emotui.core.cli.behaviour import _report
    from emotui.core.runs import behaviour

    run = _run(place)
    file = behaviour.file_of(run, "validation", "")
    file.parent.mkdir(exist_ok=True, mode=0o700)
    file.write_bytes(content)
    found = behaviour.read(run, "validation")
    return [] if found is None else [safe_text(line) for line in _report(found, 2, 100)]


def _with_sound(place: Path) -> folder.RunFolder:
    run_folders.write_run(paths.runs_folder(), "sound", run_folders.train_spec(), run_folders.train_events(steps=8))
    return _run(place)


def _config(place: Path, content: bytes) -> Shown:
    from emotui.tui import keymap

    file = place / "config.toml"
    file.write_bytes(content)
    file.chmod(0o600)
    found = config.read(file)
    keys = keymap.keymap(found.keys, file, lambda: {"quit", "help"})
    return [found.on_event, str(found.no_progress_seconds), str(found.longest_line_mib), str(keys)]


CONFIG = b"""alerts = false
no_progress_seconds = 30.5
longest_line_mib = 64
on_event = "true"
[keys]
quit = "Q"
"""


def _model_file(read: Callable[[Path], object], name: str) -> Callable[[Path, bytes], Shown]:
    def tried(place: Path, content: bytes) -> Shown:
        (place / name).write_bytes(content)
        return [str(read(place))[:2000]]

    return tried


@cache
def _model() -> Path:
    """Return a folder with the tiny model of the tests."""
    import atexit
    import importlib.util
    import tempfile

    place = Path(tempfile.mkdtemp(prefix="emotui-fuzz-model-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    found = importlib.util.spec_from_file_location("shared_fixtures", Path(__file__).parent.parent / "conftest.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    module.write_tiny_model(place)
    return place


def _of_model(name: str) -> Callable[[], list[bytes]]:
    return lambda: [(_model() / name).read_bytes()]


def _whole_tokenizer(name: str) -> Callable[[Path, bytes], Shown]:
    """Return what is done with a model folder whose file `name` is replaced, as far as its tokens."""

    def tried(place: Path, content: bytes) -> Shown:
        from emotui.core.model.tokenizer import Tokenizer

        for file in _model().iterdir():
            if file.name != "model.safetensors" and not (name == "vocab.txt" and file.name == "tokenizer.json"):
                shutil.copy(file, place / file.name)
        (place / name).write_bytes(content)
        settings, model = tokenizer_files.read_settings(place), model_config.read_config(place)
        found = Tokenizer(place, model, settings, name="the tiny model")
        encoded = found.encode(["i feel great about \u202e\x1b[2J this"], min(64, tokenizer_files.model_max_length(settings)))
        return [*encoded[0].tokens, *found.input_names, str(found.padding)]

    return tried


def _saved(place: Path, content: bytes) -> Shown:
    model = place / "r1" / "model"
    model.mkdir(parents=True)
    (model / saved.FILE).write_bytes(content)
    return [str(saved.read(model))]


def _head(place: Path, content: bytes) -> Shown:
    from emotui.core.model.rung_models import HEAD_FILE, Head

    (place / HEAD_FILE).write_bytes(content)
    head = Head.load(place)
    head.check(3, 8)
    return [str(head.coef.shape)]


def _head_example() -> list[bytes]:
    import numpy as np
    from safetensors.numpy import save

    return [save({"coef": np.ones((3, 8)), "intercept": np.zeros(3), "mean": np.zeros(8), "scale": np.ones(8)})]


def _predictions(place: Path, content: bytes) -> Shown:
    from emotui.core.runs import tables

    file = place / "train.parquet"
    file.write_bytes(content)
    found = tables.read_predictions(file, run_folders.LABELS)
    return [str(len(found)), *(str(row) for row in found.slice(0, 20).to_pylist())]


def _projection(place: Path, content: bytes) -> Shown:
    from emotui.tui.screens.training import files
    from emotui.tui.widgets.label_look import LabelLook

    (place / "projection.parquet").write_bytes(content)
    looks = [LabelLook(name, "red", "*") for name in run_folders.LABELS]
    cloud = files.read_projection(place, looks)
    return [] if cloud is None else [str(cloud.x[:3]), str(cloud.label[:3])]


@cache
def _run_tables() -> tuple[bytes, bytes]:
    import tempfile

    import numpy as np

    with tempfile.TemporaryDirectory() as place:
        truth = [0, 1, 2, 0, 1, 2]
        likely = np.full((6, 6), 1 / 6)
        return (
            run_folders.write_predictions(Path(place), truth, likely, split="train").read_bytes(),
            run_folders.write_projection(Path(place), rows=20).read_bytes(),
        )


def _questions(place: Path, content: bytes) -> Shown:
    """Give lines to the engine, whose answers are made here."""

    def answer(ask: Any, report: Any) -> msgspec.Struct:
        return questions.DownloadAnswer(id="ms:a/b", what="model", folder=str(ask)[:100], files={}, seconds=0.0)

    kinds = [
        each
        for each in vars(questions).values()
        if isinstance(each, type) and issubclass(each, questions.Ask) and each is not questions.Ask
    ]
    out = io.BytesIO()
    engine = server._Server(out, dict.fromkeys(kinds, answer))
    engine.read(io.BytesIO(content))
    engine.finish()
    engine.work()
    return [str(msgspec.json.decode(line, type=questions.ReplyLine)) for line in out.getvalue().splitlines()]


def _replies(place: Path, content: bytes) -> Shown:
    """Ask an engine that answers with these lines."""
    file = place / "replies"
    file.write_bytes(content)

    async def ask() -> object:
        async with client.Engine(command=("/bin/cat", str(file))) as engine:
            return await asyncio.wait_for(engine.ask(questions.AskTokens(text="a", model="starter")), 8)

    return [str(asyncio.run(ask()))]


def _question_lines() -> list[bytes]:
    asks: Iterable[questions.Question] = (
        questions.AskTokens(text="a text", model="starter", topic="x"),
        questions.AskBatch(texts=("a", "b"), model="starter"),
        questions.AskLengths(data=DataSpec("starter"), model="starter"),
        questions.AskDownload(id="ms:a/b", what="model", offline=True),
        questions.AskDoctor(),
    )
    lines = [questions.RequestLine(number, ask) for number, ask in enumerate(asks, 1)] + [questions.RequestLine(2)]
    return [b"\n".join(msgspec.json.encode(line) for line in lines) + b"\n"]


def _reply_lines() -> list[bytes]:
    answer = msgspec.json.encode(_blank(questions.TokensAnswer))
    lines = [
        questions.ReplyLine(1, begun="load the model x"),
        questions.ReplyLine(1, progress=questions.ProgressLine("load", 1, 2, "files")),
        questions.ReplyLine(1, answer=msgspec.Raw(answer)),
    ]
    error = questions.ReplyLine(1, error=questions.ErrorLine("it cannot be done", "Do another thing", 2))
    return [b"\n".join(msgspec.json.encode(line) for line in lines) + b"\n", msgspec.json.encode(error) + b"\n"]


def _blank(kind: Any) -> Any:
    """Return the simplest value of a type."""
    import types
    import typing

    base = typing.get_origin(kind)
    if base in (types.UnionType, typing.Union):
        return None if type(None) in typing.get_args(kind) else _blank(typing.get_args(kind)[0])
    if base in (tuple, list):
        parts = typing.get_args(kind)
        return [_blank(each) for each in parts if each is not ...]
    if base is dict:
        return {}
    if base is typing.Literal:
        return typing.get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {each.name: _blank(each.type) for each in msgspec.structs.fields(kind)}
    return {str: "x", int: 1, float: 0.5, bool: False}.get(kind)


def _worker_events(place: Path, content: bytes) -> Shown:
    """Give lines to a supervisor as a worker's: they are written to the run's log, and the run is looked at."""
    from emotui.core.runs.tally import Tally

    run, tally = _with_sound(place), Tally()
    run.result_file.unlink()
    run.events_file.unlink()
    out = log.Writer(run.events_file, seq=0, clock=lambda: run_folders.STARTED)

    class Supervisor:
        def requested(self) -> Any:
            return None

        def receive(self, line: bytes, sent: int) -> None:
            out.add(line, attempt=1, sent=sent)
            tally.add(json.loads(line))

    (place / "pipe").write_bytes(content)
    with (place / "pipe").open("rb", buffering=0) as pipe:
        seen = watch.Watch(cast("Any", None), pipe.fileno(), watch.Timeouts(), Supervisor())
        while not seen.at_end:
            seen._read(0)
    return _told(run)


def _event_lines() -> list[bytes]:
    return [b"\n".join(msgspec.json.encode(each) for each in run_folders.train_events(steps=16))]


def _listing(place: Path, content: bytes) -> Shown:
    """Look at the names of a listing, at an index of shards and at a kept manifest."""
    value = json.loads(content) if _is_json(content) else None
    listed: list[Any] = value if isinstance(value, list) else []
    names: list[Any] = [each.get("Path") if isinstance(each, dict) else each for each in listed]
    good = [name for name in names if hub_names.fault(name) is None and hub_names.oddity(name) is None]
    for name in good:
        inside = (place / name).resolve()
        assert inside.is_relative_to(place.resolve()), name
        assert inside != place.resolve(), name
    shown = [str(hub_names.clash(good))]
    try:
        shown += hub_files.model_files(set(good), "the hub")
    except UserError as error:
        shown.append(str(error))
    return shown + hub_files.split_files(good, {})


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _index(place: Path, content: bytes) -> Shown:
    return hub_files.shards(content, "ms:a/b")


def _manifest(place: Path, content: bytes) -> Shown:
    (place / hub_files.MANIFEST).write_bytes(content)
    return [str(hub_files.read_manifest(place)), *hub_files.missing_files(place, "model")]


def _manifest_example() -> list[bytes]:
    sizes = {"config.json": 3, "model.safetensors": 9}
    return [msgspec.json.encode(hub_files.Manifest("ms:a/b", "model", "main", sizes, {"config.json": "0" * 64}))]


def _typed_path(place: Path, content: bytes) -> Shown:
    typed = content.decode("utf-8", "surrogateescape")
    shown: Shown = []
    for read in (
        paths.expand,
        lambda text: targets.checked(text, "--out"),
        lambda text: targets.checked_new_folder(text, "--save"),
        sources.resolve,
        folder.find,
        notes.parse_tags,
    ):
        try:
            shown.append(str(read(typed))[:300])
        except UserError as error:
            shown.append(str(error))
    return shown


def _paste(place: Path, content: bytes) -> Shown:
    """Type what may be anything, and a paste after it, which must come out whole."""
    from emotui.tui import terminal_input
    from textual import events as heard

    now = [100.0]
    parser = terminal_input.InputParser(clock=lambda: now[0])
    text = content.decode("utf-8", "replace").replace("\x1b[201~", "").replace("\x1b[200~", "")
    told: list[Any] = []
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)] if len(text) < 2000 else [text]
    for piece in ["\x1b[200~", *pieces, "\x1b[201~"]:
        told += parser.feed(piece)
        now[0] += 0.001
        told += parser.tick()
    now[0] += 10
    told += parser.tick()
    keys = [each for each in told if isinstance(each, heard.Key)]
    pasted = "".join(each.text for each in told if isinstance(each, heard.Paste))
    assert not keys, keys
    assert len(pasted) <= terminal_input.LONGEST_PASTE
    for piece in [piece[:20_000] for piece in pieces]:
        told += parser.feed(piece)
        now[0] += 1
        told += parser.tick()
    return [str(len(told))]


def _lines_of_stdin(place: Path, content: bytes) -> Shown:
    from emotui.core.cli import predict

    stream = io.BytesIO(content)
    shown: Shown = []
    for texts in predict._Lines(skip=True).batches(iter(lambda: stream.read(4096), b"")):
        shown += [text[:100] for text in texts]
    return shown


def _texts(*lines: str) -> Callable[[], list[bytes]]:
    return lambda: [line.encode() for line in lines]


PROCESSES = '{"supervisor": {"pid": 1, "start": "5", "boot": "x"}, "worker": {"pid": 2, "start": "6"}}'
SHARDS = '{"metadata": {"total_size": 9}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors"}}'
LISTED = '[{"Path": "config.json"}, {"Path": "data/train.csv"}, {"Path": "model.safetensors"}]'
NOTED = '{"r1": {"tags": ["a", "b"], "pinned": true}, "sound": {"tags": []}}'
CASES = (
    '{"kind": "cases", "source": "starter"}\n{"kind": "case", "text": "so good", "label": "joy", "when": 1.5}\n'
    '{"kind": "removed", "text": "so good", "when": 2.0}\n{"kind": "case", "text": "so bad", "label": "sadness", "when": 3.0}\n'
)
BEHAVIOUR = (
    '{"run": "r1", "rung": "", "split": "validation", "data": "00", "when": 1.0, "rows": 9, "of": 9, "seed": 0, "temperature": 1.0, '
    '"tests": [{"edit": "typo", "expectation": "invariance", "rows": 4, "failures": 1, "interval": [0.1, 0.5], "examples": [{"row": 3, '
    '"text": "so good", "edited": "so godo", "before": "joy", "after": "fear", "probability_before": 0.9, "probability_after": 0.1}], '
    '"left_out": {"no space": 5}}]}'
)
KEPT = '{"kind": "classifier", "labels": ["a", "b"], "max_length": 48}'


def _infos() -> list[bytes]:
    return [json.dumps(INFO).encode(), json.dumps({"default": INFO}).encode()]


def _tables() -> list[bytes]:
    return [json.dumps(_rows()).encode(), json.dumps({"data": _rows()}).encode()]


def _arff() -> bytes:
    rows = "".join(f"{row['text']!r},{row['label']}\n" for row in _rows())
    return f"% rows\n@relation r\n@attribute text string\n@attribute label numeric\n@data\n{rows}".encode()


def _undeclared() -> list[bytes]:
    return [_delimited(";"), _jsonl(), _fasttext()]


VALIDATION, TESTS = "validation.parquet", "validation.json"
READERS: dict[str, Reader] = {
    "csv": Reader("text", lambda: [_delimited(",")], _dataset("all.csv")),
    "tsv": Reader("text", lambda: [_delimited("\t")], _dataset("all.tsv")),
    "a file without an ending": Reader("text", _undeclared, _dataset("all")),
    "jsonl": Reader("lines", lambda: [_jsonl()], _dataset("all.jsonl")),
    "arff": Reader("text", lambda: [_arff()], _dataset("all.arff")),
    "json": Reader("json", _tables, _dataset("all.json")),
    "parquet": Reader("bytes", _parquet, _dataset("all.parquet")),
    "arrow": Reader("bytes", _arrow, _dataset("all.arrow")),
    "jsonl.gz": Reader("bytes", lambda: [gzip.compress(_jsonl(), mtime=0)], _dataset("all.jsonl.gz")),
    "csv.gz": Reader("bytes", lambda: [gzip.compress(_delimited(","), mtime=0)], _dataset("all.csv.gz")),
    "data card": Reader("text", lambda: [CARD], _data_folder("README.md")),
    "dataset_info.json": Reader("json", _infos, _data_folder("dataset_info.json")),
    "lines of stdin": Reader("text", _texts("one\ntwo\r\n\nthree"), _lines_of_stdin),
    "filter of rows": Reader("text", _texts("label:1 len>40 -movie regex:^i split:test", '"a phrase" words<3 tokens>=2'), _data_filter),
    "filter of runs": Reader("text", _texts("state:failed task:baseline f1>0.9 -tag:x", "id:r macro>=0.1 accuracy<1"), _run_filter),
    "typed path": Reader("text", _texts("~/x/y.csv", "a b/../c.jsonl", "ms:owner/name", "hf:owner/name", "last"), _typed_path),
    "paste": Reader("text", _texts("plain\nwords \x1bq \x1b[A \x1b]52;c;QQ==\x07"), _paste),
    "config.toml": Reader("text", lambda: [CONFIG], _config, says_lines=True),
    "run-notes.json": Reader("json", _texts(NOTED), _notes),
    "cases of a data set": Reader("lines", _texts(CASES), _cases),
    "behaviour of a run": Reader("json", _texts(BEHAVIOUR), _behaviour),
    "spec.json": Reader("json", _file_of("spec.json"), _run_file("spec.json")),
    "spec.json of a baseline": Reader("json", _file_of("spec.json", ladder=True), _run_file("spec.json", ladder=True)),
    "result.json": Reader("json", _file_of("result.json"), _run_file("result.json")),
    "result.json of a baseline": Reader("json", _file_of("result.json", ladder=True), _run_file("result.json", ladder=True)),
    "events.jsonl": Reader("lines", _file_of("events.jsonl"), _run_file("events.jsonl")),
    "events.jsonl of a baseline": Reader("lines", _file_of("events.jsonl", ladder=True), _run_file("events.jsonl", ladder=True)),
    "proc.json": Reader("json", _texts(PROCESSES), _run_file("proc.json")),
    "list of a checkpoint": Reader("json", _texts('{"files": {"model.safetensors": 1}}'), _checkpoint_list),
    "predictions of a run": Reader("bytes", lambda: [_run_tables()[0]], _predictions),
    "data.json of a report": Reader("json", reports.example("data.json"), reports.reported("data.json")),
    "rows of a report": Reader("bytes", reports.example(f"rows/{VALIDATION}"), reports.reported(f"rows/{VALIDATION}")),
    "predictions of a report": Reader("bytes", reports.example(f"predictions/{VALIDATION}"), reports.reported(f"predictions/{VALIDATION}")),
    "behaviour of a report": Reader("json", reports.example(f"behaviour/{TESTS}"), reports.reported(f"behaviour/{TESTS}")),
    "cases of a report": Reader("json", reports.example("cases.json"), reports.reported("cases.json")),
    "events.jsonl of a report": Reader("lines", reports.example("events.jsonl"), reports.reported("events.jsonl")),
    "projection of a run": Reader("bytes", lambda: [_run_tables()[1]], _projection),
    "emotui.json": Reader("json", _texts(KEPT), _saved),
    "head.safetensors": Reader("bytes", _head_example, _head),
    "config.json": Reader("json", _of_model("config.json"), _model_file(model_config.read_config, "config.json")),
    "tokenizer_config.json": Reader("json", _of_model("tokenizer_config.json"), _whole_tokenizer("tokenizer_config.json"), heavy=True),
    "tokenizer.json": Reader("json", _of_model("tokenizer.json"), _whole_tokenizer("tokenizer.json"), heavy=True),
    "vocab.txt": Reader("text", _of_model("vocab.txt"), _whole_tokenizer("vocab.txt"), heavy=True),
    "safetensors header": Reader("bytes", _of_model("model.safetensors"), _model_file(weights.read, "model.safetensors")),
    "index of shards": Reader("json", _texts(SHARDS), _index),
    "listing of a hub": Reader("json", _texts(LISTED), _listing),
    "manifest of a download": Reader("json", _manifest_example, _manifest),
    "questions to the engine": Reader("lines", _question_lines, _questions),
    "replies of the engine": Reader("lines", _reply_lines, _replies, refuses=True, says_lines=True),
    "events of a worker": Reader("lines", _event_lines, _worker_events),
}
"""What is read of outside, by name."""

"""Downloads through the real client libraries, in the real engine's process, from servers of the tests' own."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from emotui.core.engine.client import ask_once
from emotui.core.errors import UserError
from emotui.core.model import hub_files
from emotui.core.questions import AskDownload, DownloadAnswer, ProgressLine

MODEL_ID = "AI-ModelScope/distilbert-base-uncased"
DATA_ID = "jieshenai/dair-ai_emotion"
WEIGHTS = random.Random(0).randbytes(400_000)
MODEL = {
    "README.md": b"# a model",
    "config.json": b'{"model_type": "distilbert"}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle" * 1000,
    "tf_model.h5": b"tensorflow",
    "onnx/model.onnx": b"onnx",
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
    "vocab.txt": b"[PAD]\n[UNK]\n",
}
NEEDED = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"}
DATA = {
    "README.md": b"# a data set",
    "dataset_infos.json": b"{}",
    "notes.csv": b"not,ours\n",
    "train.jsonl.gz": random.Random(1).randbytes(60_000),
    "validation.jsonl.gz": random.Random(2).randbytes(900),
    "test.jsonl.gz": random.Random(3).randbytes(900),
    "raw/train.csv": b"text,label\n",
}


class Side:
    """One of the two hubs with its server."""

    def __init__(self, name: str, server: Any) -> None:
        self.name = name
        self.server = server
        self.server.repositories[("model", MODEL_ID)] = dict(MODEL)
        self.server.repositories[("dataset", DATA_ID)] = dict(DATA)

    def download(self, repo: str, what: str = "auto", *, offline: bool = False, seen: list[ProgressLine] | None = None) -> DownloadAnswer:
        return ask_once(AskDownload(id=f"{self.name}:{repo}", what=what, offline=offline), seen.append if seen is not None else None)

    def folder(self, repo: str, what: str) -> Path:
        return hub_files.folder_of(f"{self.name}:{repo}", what)

    @property
    def token_variable(self) -> str:
        return "HF_TOKEN" if self.name == "hf" else "MODELSCOPE_API_TOKEN"


@pytest.fixture(params=["ms", pytest.param("hf", marks=pytest.mark.slow)])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param, request.getfixturevalue(f"{request.param}_server"))


@pytest.fixture
def hf(hf_server: Any) -> Side:
    return Side("hf", hf_server)


def all_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_model_comes_with_the_needed_files_only_and_a_second_time_without_a_request(side: Side, emotui_home: Path) -> None:
    seen: list[ProgressLine] = []
    answer = side.download(MODEL_ID, seen=seen)
    folder = emotui_home / "downloads" / "models" / side.name / "AI-ModelScope" / "distilbert-base-uncased"
    assert (answer.what, answer.folder) == ("model", str(folder))
    assert answer.files == {name: len(MODEL[name]) for name in NEEDED}
    assert all_files(folder) == NEEDED | {hub_files.MANIFEST}
    assert all((folder / name).read_bytes() == MODEL[name] for name in NEEDED)
    asked = " ".join(side.server.paths("GET"))
    assert not any(name in asked for name in ("pytorch_model.bin", "tf_model.h5", "model.onnx", "README.md"))

    total = sum(len(MODEL[name]) for name in NEEDED)
    downloading = [line for line in seen if line.phase == "downloading"]
    assert {(line.total, line.unit) for line in downloading} == {(total, "bytes")}
    assert downloading[-1].done == total
    assert [line.done for line in downloading] == sorted(line.done for line in downloading)

    before = len(side.server.requests)
    assert side.download(MODEL_ID, "model").files == answer.files
    assert side.download(MODEL_ID, offline=True).files == answer.files
    assert len(side.server.requests) == before
    home = emotui_home.parent / "user"
    assert not home.exists() or all_files(home) == set()


def test_a_data_set_comes_with_its_splits_and_card(side: Side) -> None:
    answer = side.download(DATA_ID)
    names = {"README.md", "dataset_infos.json", "train.jsonl.gz", "validation.jsonl.gz", "test.jsonl.gz"}
    assert answer.what == "dataset"
    assert answer.files == {name: len(DATA[name]) for name in names}
    assert all((Path(answer.folder) / name).read_bytes() == DATA[name] for name in names)
    assert "raw/train.csv" not in all_files(Path(answer.folder))


def test_nothing_is_told_about_this_machine(ms_server: Any) -> None:
    side = Side("ms", ms_server)
    side.download(DATA_ID, "dataset")
    assert {path.split("?")[0] for path in ms_server.paths()} == {
        f"/api/v1/datasets/{DATA_ID}/repo/tree",
        f"/api/v1/datasets/{DATA_ID}/repo",
    }
    agents = {request.headers["user-agent"] for request in ms_server.requests}
    assert all(f"session_id/{'0' * 32}" in agent for agent in agents)


def test_a_wrong_name_is_told_with_host_and_remedy(side: Side) -> None:
    with pytest.raises(UserError) as caught:
        side.download("no/such")
    message = str(caught.value)
    assert f"127.0.0.1:{side.server.server_address[1]} has no {side.name}:no/such (404)" in message
    assert side.token_variable in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_refusal_is_told_with_what_to_do(hf: Side, status: int) -> None:
    hf.server.refuse[MODEL_ID] = status
    with pytest.raises(UserError) as caught:
        hf.download(MODEL_ID, "model")
    assert f"({status})" in str(caught.value)
    assert ("HF_TOKEN" in str(caught.value)) == (status != 503)


def test_modelscope_says_403_too(ms_server: Any) -> None:
    ms_server.refuse[MODEL_ID] = 403
    with pytest.raises(UserError, match=r"\(403\).*MODELSCOPE_API_TOKEN"):
        Side("ms", ms_server).download(MODEL_ID, "model")


def test_a_file_that_is_listed_and_not_there_leaves_no_folder(side: Side) -> None:
    side.server.missing.add("vocab.txt")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+ lists a file of .* that it does not have \(404\)"):
        side.download(MODEL_ID, "model")
    assert not side.folder(MODEL_ID, "model").exists()
    with pytest.raises(UserError, match="offline"):
        side.download(MODEL_ID, "model", offline=True)


def test_a_file_cut_in_the_middle_is_taken_up_where_it_was_cut(side: Side) -> None:
    side.server.cut_once["model.safetensors"] = 150_000
    answer = side.download(MODEL_ID, "model")
    got = (Path(answer.folder) / "model.safetensors").read_bytes()
    assert hashlib.sha256(got).hexdigest() == hashlib.sha256(WEIGHTS).hexdigest()
    starts = [int(each.removeprefix("bytes=").split("-")[0]) for each in side.server.ranges("model.safetensors")]
    assert starts
    assert 0 < starts[-1] <= 150_528


DOWNLOADER = """
import sys
from emotui.core.engine.client import Session
from emotui.core.questions import AskDownload
def show(line):
    if line.phase == "downloading":
        print(line.done, flush=True)
with Session() as session:
    session.ask(AskDownload(id=sys.argv[1], what="model"), show)
"""


def test_a_download_that_was_killed_goes_on_from_its_last_byte(side: Side) -> None:
    side.server.stall["model.safetensors"] = 200_000  # so that it is under way when it is killed, however slow the machine
    killed = subprocess.Popen([sys.executable, "-P", "-c", DOWNLOADER, f"{side.name}:{MODEL_ID}"], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    while int(killed.stdout.readline()) < 100_000:
        pass
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert not side.folder(MODEL_ID, "model").exists()
    side.server.stall.clear()
    seen: list[ProgressLine] = []
    answer = until_unlocked(lambda: side.download(MODEL_ID, "model", seen=seen))
    assert (Path(answer.folder) / "model.safetensors").read_bytes() == WEIGHTS
    starts = [int(each.removeprefix("bytes=").split("-")[0]) for each in side.server.ranges("model.safetensors")]
    assert starts[-1] > 50_000
    assert next(line.done for line in seen if line.phase == "downloading") >= starts[-1]


def until_unlocked(work: Callable[[], DownloadAnswer]) -> DownloadAnswer:
    """Return work() as soon as the engine of a killed process has let go of the lock."""
    end = time.monotonic() + 10
    while True:
        try:
            return work()
        except UserError as error:
            if "another emotui" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.slow
def test_a_server_that_falls_silent_is_given_up_and_what_came_is_kept(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTUI_DOWNLOAD_TIMEOUT", "3")
    side.server.stall["model.safetensors"] = 100_352
    start = time.monotonic()
    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+ (sent nothing for 3 s|did not answer in time)") as caught:
        side.download(MODEL_ID, "model")
    assert time.monotonic() - start < 40
    assert caught.value.exit_code == 1
    side.server.stall.clear()
    assert (Path(side.download(MODEL_ID, "model").folder) / "model.safetensors").read_bytes() == WEIGHTS
    assert side.server.ranges("model.safetensors")


def test_a_port_where_nobody_listens_is_told(side: Side) -> None:
    side.server.stop()
    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+ refused the connection.*--offline") as caught:
        side.download(MODEL_ID)
    assert caught.value.exit_code == 1


def test_a_name_that_cannot_be_resolved_is_told(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://hub.invalid")
    with pytest.raises(UserError, match=r"the name hub\.invalid cannot be resolved"):
        side.download(MODEL_ID)


def test_a_server_that_accepts_and_says_nothing_is_given_up(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTUI_DOWNLOAD_TIMEOUT", "2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", f"http://{address}")
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://{address}")
        with pytest.raises(UserError, match=f"{address} (sent nothing for 2 s|did not answer in time)"):
            side.download(MODEL_ID)


@pytest.mark.slow
def test_a_damaged_file_is_removed_and_not_given_its_name(hf: Side) -> None:
    hf.server.repositories[("model", MODEL_ID)]["model.safetensors"] = Altered(WEIGHTS, b"x" + WEIGHTS[1:])
    with pytest.raises(UserError, match=r"model\.safetensors of hf:.* arrived damaged from 127"):
        hf.download(MODEL_ID, "model")
    assert not hf.folder(MODEL_ID, "model").exists()
    hf.server.repositories[("model", MODEL_ID)]["model.safetensors"] = WEIGHTS
    assert (Path(hf.download(MODEL_ID, "model").folder) / "model.safetensors").read_bytes() == WEIGHTS


class Altered(bytes):
    """Bytes that are listed with the sha256 of one content and sent as another of the same length."""

    sent: bytes

    def __new__(cls, listed: bytes, sent: bytes) -> Altered:
        self = super().__new__(cls, listed)
        self.sent = sent
        return self

    def __getitem__(self, key: Any) -> Any:
        return self.sent[key]


class Huge(bytes):
    """Bytes that are listed as more than any disk holds."""

    def __len__(self) -> int:
        return 10**17


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(side: Side, emotui_home: Path) -> None:
    side.server.repositories[("model", MODEL_ID)]["model.safetensors"] = Huge(b"weights")
    with pytest.raises(UserError, match=r"needs 100,000,000,000 MB and only .* free in .*EMOTUI_HOME") as caught:
        side.download(MODEL_ID, "model")
    assert str(emotui_home) in str(caught.value)
    assert not any("resolve" in path or "FilePath" in path for path in side.server.paths())


@pytest.mark.slow
def test_sharded_weights_come_with_their_index(hf: Side) -> None:
    shards = {f"model-{part:05}-of-00002.safetensors": bytes([part]) * 5000 for part in (1, 2)}
    index = json.dumps({"weight_map": {"a": next(iter(shards)), "b": list(shards)[1]}}).encode()
    files = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors.index.json": index, **shards, "pytorch_model.bin": b"x"}
    hf.server.repositories[("model", "big/model")] = files
    assert set(hf.download("big/model").files) == set(files) - {"pytorch_model.bin"}
    hf.server.repositories[("model", "big/torn")] = {name: content for name, content in files.items() if name != list(shards)[1]}
    with pytest.raises(UserError, match="model-00002-of-00002"):
        hf.download("big/torn", "model")


def test_pickled_weights_are_fetched_where_there_are_no_others(hf: Side) -> None:
    files = {"config.json": b"{}", "vocab.txt": b"a", "pytorch_model.bin": b"x"}
    hf.server.repositories[("model", "old/model")] = {**files, "tf_model.h5": b"y", "optimizer.bin": b"z"}
    assert set(hf.download("old/model", "model").files) == set(files)


CARD = b"""---
configs:
- config_name: unsplit
  data_files:
  - split: train
    path: unsplit/*
- config_name: split
  default: true
  data_files:
  - split: train
    path: split/train-*
  - split: test
    path: split/test-*
---
"""


def test_a_card_says_where_the_splits_are(hf: Side) -> None:
    files = {
        "README.md": CARD,
        "split/train-00000-of-00001.parquet": b"train",
        "split/test-00000-of-00001.parquet": b"test",
        "unsplit/train.parquet": b"no",
    }
    hf.server.repositories[("dataset", "by/card")] = files
    assert set(hf.download("by/card").files) == set(files) - {"unsplit/train.parquet"}


def test_a_data_set_without_splits_says_what_was_looked_for(hf: Side) -> None:
    hf.server.repositories[("dataset", "no/splits")] = {"README.md": b"# only words", "all.zip": b"zip"}
    with pytest.raises(UserError, match=r"no readable train file.*\.jsonl"):
        hf.download("no/splits", "dataset")


def test_offline_opens_no_socket_and_names_the_files_and_their_folder(side: Side) -> None:
    with pytest.raises(UserError) as caught:
        side.download(MODEL_ID, offline=True)
    message = str(caught.value)
    assert f"config.json, tokenizer.json, model.safetensors in {side.folder(MODEL_ID, 'model')}" in message
    assert f"train.jsonl in {side.folder(MODEL_ID, 'dataset')}" in message
    assert side.server.requests == []


@pytest.mark.slow
def test_files_put_there_by_hand_are_taken_offline(side: Side) -> None:
    folder = side.folder(MODEL_ID, "model")
    folder.mkdir(parents=True)
    for name in NEEDED - {"vocab.txt"}:
        (folder / name).write_bytes(MODEL[name])
    assert set(side.download(MODEL_ID, "model", offline=True).files) == NEEDED - {"vocab.txt"}
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"Put model\.safetensors in"):
        side.download(MODEL_ID, "model", offline=True)
    answer = side.download(MODEL_ID, "model")
    assert set(answer.files) == NEEDED
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.slow
def test_two_at_once_do_not_write_into_each_other(hf: Side) -> None:
    hf.server.slow["model.safetensors"] = 0.005
    outcomes: list[Any] = []

    def work() -> None:
        try:
            outcomes.append(hf.download(MODEL_ID, "model"))
        except UserError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [each for each in outcomes if isinstance(each, UserError)]
    assert len(errors) == 1
    assert "another emotui" in str(errors[0])
    assert (hf.folder(MODEL_ID, "model") / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("wrong", ["hf:../..", "hf:a", "ms:a/b/c", "hf:.a/b", "gh:a/b", "ms:a/..", ""])
def test_an_id_that_could_leave_the_folder_is_refused(wrong: str, emotui_home: Path) -> None:
    with pytest.raises(UserError, match="OWNER/NAME"):
        hub_files.folder_of(wrong, "model")


def test_a_timeout_that_is_no_number_is_named(hf: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTUI_DOWNLOAD_TIMEOUT", "soon")
    with pytest.raises(UserError, match="EMOTUI_DOWNLOAD_TIMEOUT=soon"):
        hf.download(MODEL_ID, "model")


def test_a_stored_token_is_not_sent_to_another_server(hf: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = tmp_path / "user" / ".cache" / "huggingface" / "token"
    stored.parent.mkdir(parents=True)
    stored.write_text("hf_stored")
    hf.download(DATA_ID, "dataset")
    assert not any("authorization" in request.headers for request in hf.server.requests)
    hf.server.requests.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_given")
    hf.download(MODEL_ID, "model")
    assert {request.headers.get("authorization") for request in hf.server.requests} == {"Bearer hf_given"}

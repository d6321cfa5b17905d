"""Hubs that mean harm, asked through the real client libraries: whatever they list or send, nothing outside of the folder changes."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from emotui.core.model.hub_files import folder_of
from emotui.core.safe_text import safe_text
from variants import mostly_slow

# Asks for one download after the other in one process, because to import the libraries takes seconds.
ASK = """
import json, sys
from pathlib import Path
from emotui.core.questions import AskDownload
from emotui.core.errors import UserError
from emotui.core.model import hub
for line in sys.stdin:
    try:
        answer = hub.download(AskDownload(**json.loads(line)), lambda *_: None)
        outcome = ["there", 0, sorted(answer.files)]
    except UserError as error:
        outcome = [str(error), error.exit_code, []]
    except BaseException as error:
        outcome = [repr(error)[:300], -1, []]
    # Not ru_maxrss, which a child inherits from whoever started it.
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    print(json.dumps([*outcome, peak]), flush=True)
"""
GOOD = b"text,label\nfine,1\n"
SIZE = len(GOOD)
CARD = b'---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: "*"\n---\n'
MEMORY_KIB = 700_000

# Names that no honest server lists: the whole listing is refused.
FAULTS: list[Any] = [
    "../train.csv",
    "../../train.csv",
    "../../../../../../../../../../tmp/train.csv",
    "data/../../train.csv",
    "data/../train.csv",
    "data/..",
    "..",
    ".",
    "./train.csv",
    "data/./train.csv",
    "/train.csv",
    "/etc/emotui/train.csv",
    "//train.csv",
    "//server/share/train.csv",
    "data//train.csv",
    "data/",
    "data/train.csv/",
    "../other/train.csv",
    "../../other/victim/train.csv",
    "../victim/train.csv",
    "../.victim.part/train.csv",
    "..\\train.csv",
    "data\\..\\..\\train.csv",
    "\\train.csv",
    "\\\\server\\share\\train.csv",
    "C:\\..\\train.csv",
    "tr\x00ain.csv",
    "train.csv\x00",
    "tr\nain.csv",
    "tr\rain.csv",
    "tr\tain.csv",
    "\x1b]52;c;eA==\x07train.csv",
    "\x1b[2Jtrain.csv",
    "tr\x7fain.csv",
    "tr\x9b31main.csv",
    "tr\u202eain.csv",
    "tr\u2066ain.csv",
    "tr\u200fain.csv",
    "tr\u200bain.csv",
    "tr\ufeffain.csv",
    "tr\u2028ain.csv",
    "tr\ud800ain.csv",
    "\u2025/train.csv",
    "\uff0e\uff0e/train.csv",
    "\u2024\u2024/train.csv",
    "data\uff0ftrain.csv",
    " ../train.csv",
    ".. /train.csv",
    "data/ /train.csv",
    "%s/../train.csv",
    "~/../train.csv",
    7,
    1.5,
    True,
    ["train.csv"],
    {"a": "train.csv"},
]
# Names that an honest repository may hold, and that are not kept: refused where the file is needed.
ODD: list[str] = [
    "C:train.csv",
    "C:/train.csv",
    "x.csv:stream.csv",
    "x\\train.csv",
    "CON.csv",
    "con.csv",
    "NUL.csv",
    "aux.csv",
    "PRN.train.csv",
    "COM1.csv",
    "lpt9.csv",
    "COM\u00b9.csv",
    "CONIN$.csv",
    "data/NUL/train.csv",
    "\uff23\uff2f\uff2e.csv",
    "folder /train.csv",
    "folder./train.csv",
    " train.csv",
    ".emotui.json.csv",
    ".emotui/train.csv",
    ".EMOTUI.csv",
    ".cache/huggingface/train.csv",
    ".Cache/train.csv",
    "x.incomplete/train.csv",
    "a" * 252 + ".csv",
    "\u00e9" * 126 + ".csv",
    "a/" * 40 + "train.csv",
    "/".join(["a" * 200] * 6) + "/train.csv",
]
# Names that cannot be kept beside each other.
CLASHES: list[tuple[str, str]] = [
    ("x/train.csv", "x/Train.csv"),
    ("x/train.csv", "X/train.csv"),
    ("x/caf\u00e9.csv", "x/cafe\u0301.csv"),
    ("x/\ufb01ne.csv", "x/fine.csv"),
    ("x/stra\u00dfe.csv", "x/STRASSE.csv"),
    ("x.csv", "x.csv/train.csv"),
    ("X.csv/y/train.csv", "x.csv"),
]
SIZES: list[Any] = [None, -1, -(10**30), 10**30, 2**63, 1e308, "x", "", [], {}, "9" * 5000, "1e3"]
UNREACHABLE = {"to no host", "to a dead port", "to a bad port"}


def entry(side: str, name: Any, size: Any = SIZE, digest: Any = None) -> dict[str, Any]:
    """Return how a hub lists a file."""
    if side == "ms":
        return {"Path": name, "Name": "x", "Size": size, "Type": "blob", "Sha256": digest}
    lfs = {} if digest is None else {"lfs": {"oid": digest, "size": size, "pointerSize": 1}}
    return {"type": "file", "path": name, "size": size, "oid": "0" * 40, **lfs}


class Hub:
    """A hub on loopback, the process that asks it, and the folder of which nothing but the downloads may change."""

    def __init__(self, side: str, server: Any, top: Path) -> None:
        self.side = side
        self.server = server
        self.top = top
        self.host = f"127.0.0.1:{server.server_address[1]}"
        self.tries = 0
        self.victims = {}
        for victim in ("other/victim", "bad/victim"):
            folder = folder_of(f"{side}:{victim}", "dataset")
            folder.mkdir(parents=True)
            (folder / "train.csv").write_bytes(b"text,label\nmine,0\n")
        for folder in (top, folder_of(f"{side}:bad/x", "dataset").parent):
            (folder / "train.csv").write_bytes(b"mine")
        environment = {**os.environ, "EMOTUI_DOWNLOAD_TIMEOUT": "20", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", ASK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.script("warm/up", lambda handler, _: self.list(handler, []))
        self.ask("warm/up", "dataset")
        self.before = self.tree()

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()

    def tree(self) -> str:
        """Return a hash of all that a download may not touch: names, modes, links and contents."""
        digest = hashlib.sha256()
        for path in sorted(self.top.rglob("*")):
            name = path.relative_to(self.top).as_posix()
            if name.startswith("home/downloads/") and (re.search(r"/bad/(\.|[yz])", name) or (path.is_dir() and not path.is_symlink())):
                continue  # what is on its way, what came, and empty folders for it
            if name.startswith(("home/cache", "user/")):
                continue
            status = path.lstat()
            digest.update(f"{name} {status.st_mode} ".encode("utf-8", "surrogateescape"))
            digest.update(path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
        return digest.hexdigest()

    def script(self, repo: str, answer: Callable[[Any, str | None], Any]) -> None:
        self.server.scripts[repo] = lambda handler, name: answer(handler, name) is not False

    def list(self, handler: Any, entries: Any) -> None:
        """Answer a question for a listing, or for what comes before one."""
        if self.side == "ms":
            handler.send_json({"Code": 200, "Data": {"Files": entries}, "Success": True})
        elif "/tree/" in handler.path:
            handler.send_json(entries)
        else:
            handler.send_json({"id": "bad/x", "sha": "0" * 40, "siblings": []})

    def ask(self, repo: str, what: str) -> tuple[str, int, list[str]]:
        """Return what is said, with which exit code, and the files that came; nothing else may have changed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"id": f"{self.side}:{repo}", "what": what}) + "\n")
        self._process.stdin.flush()
        said, code, files, memory = json.loads(self._process.stdout.readline())
        self.tries += 1
        assert memory < MEMORY_KIB, (repo, memory)
        return said, code, files

    def refused(self, what: str, case: object, *, host: bool = True, kind: str = "dataset") -> str:
        """Return the sentence with which 'bad/x' is refused, having seen that it is one and that nothing else changed."""
        said, code, _ = self.ask("bad/x", kind)
        assert code in (1, 2), (what, case, said)
        assert not host or self.host in said, (what, case, said)
        assert said == safe_text(said), (what, case)
        assert "\n" not in said, (what, case)
        assert len(said) < 600, (what, case)
        assert not folder_of(f"{self.side}:bad/x", kind).exists(), (what, case)
        assert self.tree() == self.before, (what, case)
        return said


@pytest.fixture(params=["ms", pytest.param("hf", marks=pytest.mark.slow)])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    server = request.getfixturevalue(f"{request.param}_server")
    made = Hub(request.param, server, tmp_path)
    yield made
    made.stop()


def content(handler: Any, name: str | None) -> bool:
    """Answer a question for a file with a card or a train split."""
    if name is None:
        return False
    handler.send_content(name, CARD if name == "README.md" else GOOD, {})
    return True


@pytest.mark.slow
def test_no_name_that_a_server_lists_leaves_the_folder(hub: Hub) -> None:
    for name in FAULTS:
        for good in (True, False):
            entries = [entry(hub.side, "README.md", len(CARD)), entry(hub.side, name)]
            entries += [entry(hub.side, "train.csv")] if good else []
            hub.script("bad/x", lambda handler, asked, listed=entries: content(handler, asked) or hub.list(handler, listed))
            said = hub.refused("name", name)
            assert "listing" in said, (name, said)
    assert hub.tries >= 2 * 50


@pytest.mark.slow
def test_a_name_that_cannot_be_kept_is_refused_where_the_file_is_needed_and_else_left_out(hub: Hub) -> None:
    for number, name in enumerate(ODD):
        needed = [entry(hub.side, "README.md", len(CARD)), entry(hub.side, name)]
        hub.script("bad/x", lambda handler, asked, listed=needed: content(handler, asked) or hub.list(handler, listed))
        hub.refused("odd name", name)
        beside = [*needed, entry(hub.side, "train.csv")]
        hub.script(f"bad/y{number}", lambda handler, asked, listed=beside: content(handler, asked) or hub.list(handler, listed))
        assert hub.ask(f"bad/y{number}", "dataset") == ("there", 0, ["README.md", "train.csv"]), name
    for one, two in CLASHES:
        both = [entry(hub.side, "README.md", len(CARD)), entry(hub.side, one), entry(hub.side, two)]
        hub.script("bad/x", lambda handler, asked, listed=both: content(handler, asked) or hub.list(handler, listed))
        assert "beside each other" in hub.refused("clash", (one, two))
    assert hub.tree() == hub.before
    assert hub.tries >= 60


def test_sizes_that_are_none_and_files_listed_twice_are_refused(hub: Hub) -> None:
    for size in SIZES:
        entries = [entry(hub.side, "train.csv", size)]
        hub.script("bad/x", lambda handler, asked, listed=entries: content(handler, asked) or hub.list(handler, listed))
        hub.refused("size", size)
    for digest in (7, ["x"], {"a": 1}):
        entries = [entry(hub.side, "train.csv", 18, digest)]
        hub.script("bad/x", lambda handler, asked, listed=entries: content(handler, asked) or hub.list(handler, listed))
        hub.refused("sha256", digest)
    twice = [entry(hub.side, "train.csv"), entry(hub.side, "train.csv", 17)]
    hub.script("bad/x", lambda handler, asked: content(handler, asked) or hub.list(handler, twice))
    assert "two different files" in hub.refused("twice", twice)


def answers(side: str) -> dict[str, Callable[[Any], None]]:
    """Return what a server may answer in place of a listing."""

    def raw(status: int, body: bytes, headers: dict[str, str] | None = None) -> Callable[[Any], None]:
        return lambda handler: handler.send_raw(status, body, {"Content-Type": "application/json", **(headers or {})})

    def redirect(location: str, status: int = 302) -> Callable[[Any], None]:
        return lambda handler: handler.send_raw(status, b"", {"Location": location, "Content-Length": "0"})

    def endless(handler: Any) -> None:
        handler.send_raw(200, b"[", {"Content-Type": "application/json"})
        while not handler.server.stopping.is_set():
            handler.wfile.write(b'"x",' * 4096)

    def pages(handler: Any) -> None:
        number = len(handler.server.requests)
        entries = [entry(side, f"x/{number}-{each}.bin") for each in range(200)]
        if side == "ms":
            handler.send_json({"Code": 200, "Data": {"Files": entries}, "Success": True})
        elif "/tree/" not in handler.path:
            handler.send_json({"id": "bad/x", "sha": "0" * 40})
        else:
            handler.send_json(entries, headers={"Link": f'<{handler.server.url}{handler.path}>; rel="next"'})

    def empty_pages(handler: Any) -> None:
        if side == "hf" and "/tree/" in handler.path:
            handler.send_json([], headers={"Link": f'<{handler.server.url}{handler.path}>; rel="next"'})
        else:
            redirect(handler.path)(handler)

    deep = b"[" * 100_000 + b"]" * 100_000
    wide = b"[" + b"[]," * 2_000_000 + b"0]"
    html = b"<!DOCTYPE html><title>Log in to this network</title>"

    def wrapped(value: bytes) -> bytes:
        return b'{"Code": 200, "Data": {"Files": ' + value + b"}}" if side == "ms" else value

    made = {
        "html": raw(200, html, {"Content-Type": "text/html"}),
        "html that says JSON": raw(200, b"\n <HTML><body>log in", {}),
        "204": raw(204, b""),
        "nothing": raw(200, b""),
        "spaces": raw(200, b" " * 1000),
        "not JSON": raw(200, b"{{{"),
        "cut JSON": raw(200, b'{"Data": {"Files": [{"Path": "tra'),
        "not UTF-8": raw(200, b"\xff\xfe\x00"),
        "deep": raw(200, deep),
        "deep list": raw(200, wrapped(deep)),
        "wide": raw(200, wrapped(wide)),
        "large": raw(200, b'["' + b"x" * (9 << 20) + b'"]'),
        "endless": endless,
        "zipped": raw(200, b"\x1f\x8b" + b"x" * 100, {"Content-Encoding": "gzip"}),
        "brotli": raw(200, b"x" * 100, {"Content-Encoding": "br"}),
        "endless pages": pages,
        "endless empty pages": empty_pages,
        "to file": redirect("file:///etc/passwd"),
        "to ftp": redirect("ftp://127.0.0.1/x"),
        "to data": redirect("data:application/json,[]"),
        "to javascript": redirect("javascript:alert(1)", 301),
        "to no host": redirect("http://"),
        "to a bad host": redirect("http://[::1/x"),
        "to a bad port": redirect("http://127.0.0.1:99999/x"),
        "to a dead port": redirect("http://127.0.0.1:1/x", 307),
        "to itself": lambda handler: redirect(handler.path, 308)(handler),
        "refusal without end": lambda handler: handler.send_raw(403, b"x" * (1 << 20)),
        "404 of HTML": raw(404, html, {"Content-Type": "text/html"}),
        "418": raw(418, b""),
    }
    for name, value in {
        "null": b"null",
        "number": b"0",
        "text": b'"text"',
        "empty object": b"{}",
        "empty list": b"[]",
        "true": b"true",
        "NaN": b"NaN",
        "huge number": b"1" + b"0" * 10_000,
        "list of numbers": b"[1, 2]",
        "list of nulls": b"[null]",
        "list of texts": b'["a", "b"]',
        "list of lists": b"[[[]]]",
        "entries without fields": b"[{}]",
        "entries of nulls": b'[{"path": null, "Path": null, "type": null, "Size": null}]',
        "an error": b'{"error": "no", "Success": false, "Message": "no"}',
    }.items():
        made[name] = raw(200, value)
        made[f"{name} within"] = raw(200, wrapped(value))
    return made


@pytest.mark.parametrize("every", mostly_slow([7, 1]))
def test_an_answer_that_is_no_listing_is_a_sentence_with_host_and_cause(hub: Hub, every: int) -> None:
    cases = answers(hub.side)
    for case, answer in list(cases.items())[::every]:
        hub.script("bad/x", lambda handler, _, given=answer: given(handler))
        said = hub.refused("answer", case, host=case not in UNREACHABLE)
        assert "did not expect" not in said, (case, said)
        assert case != "to itself" or "without end" in said
        if hub.side == "hf" and case not in UNREACHABLE:  # the same in place of the listing itself, where lines are opened again for long
            hub.script("bad/x", lambda handler, _, given=answer: given(handler) if "/tree/" in handler.path else hub.list(handler, []))
            hub.refused("answer for the tree", case)
    assert len(cases) >= 55


def files(handler_of: Hub, secret: str) -> dict[str, Callable[[Any], None]]:
    """Return what a server may answer in place of a file that it lists with the size of GOOD."""

    def raw(status: int, body: bytes, headers: dict[str, str] | None = None) -> Callable[[Any], None]:
        return lambda handler: handler.send_raw(status, body, headers)

    def endless(handler: Any) -> None:
        handler.send_raw(200, GOOD)
        while not handler.server.stopping.is_set():
            handler.wfile.write(b"x" * (1 << 20))

    def chunked(handler: Any) -> None:
        handler.send_raw(200, b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(100)), {"Transfer-Encoding": "chunked"})

    def redirect(location: str) -> Callable[[Any], None]:
        return raw(302, b"", {"Location": location, "Content-Length": "0"})

    return {
        "more without a length": endless,
        "more in chunks": chunked,
        "more than listed": raw(200, GOOD + b"x", {"Content-Length": str(len(GOOD) + 1)}),
        "a huge length": raw(200, GOOD, {"Content-Length": str(10**19)}),
        "fewer than listed": raw(200, GOOD[:-1], {"Content-Length": str(len(GOOD) - 1)}),
        "other bytes": raw(200, b"x" * len(GOOD), {"Content-Length": str(len(GOOD))}),
        "a web page": raw(200, b"<html>log in", {"Content-Type": "text/html", "Content-Length": "12"}),
        "another part": raw(206, GOOD, {"Content-Range": "bytes 5-22/23", "Content-Length": "18"}),
        "a part without a range": raw(206, GOOD, {"Content-Length": "18"}),
        "a part far off": raw(206, GOOD, {"Content-Range": f"bytes {'9' * 5000}-", "Content-Length": "18"}),
        "204": raw(204, b""),
        "205": raw(205, b"", {"Content-Length": "0"}),
        "416": raw(416, b"", {"Content-Length": "0"}),
        "404": raw(404, b"", {"Content-Length": "0"}),
        "zipped": raw(200, GOOD, {"Content-Encoding": "gzip", "Content-Length": str(len(GOOD))}),
        "to file": redirect(f"file://{secret}"),
        "to ftp": redirect("ftp://127.0.0.1/x"),
        "to a bad host": redirect("http://[::1/x"),
        "to a dead port": redirect("http://127.0.0.1:1/x"),
        "to itself": lambda handler: redirect(handler.path)(handler),
    }


@pytest.mark.slow
def test_no_more_bytes_than_listed_are_written_and_nothing_is_taken_from_elsewhere(hub: Hub, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(GOOD)
    hub.before = hub.tree()
    digest = hashlib.sha256(GOOD).hexdigest()
    folder = folder_of(f"{hub.side}:bad/x", "dataset")
    for case, answer in files(hub, str(secret)).items():
        listed = [entry(hub.side, "train.csv", len(GOOD), digest)]
        hub.script("bad/x", lambda handler, name, given=answer, entries=listed: given(handler) if name else hub.list(handler, entries))
        said = hub.refused("file", case, host=case not in UNREACHABLE)
        assert "did not expect" not in said, (case, said)
        written = sum(path.stat().st_size for path in folder.parent.rglob("*") if path.is_file() and folder.name in str(path))
        assert written <= len(GOOD), (case, written)


@pytest.mark.slow
def test_a_token_is_for_the_hub_alone(hub: Hub, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = sys.modules["emotui_tests_hub_servers"]
    elsewhere = servers.HubServer(servers.Handler)
    request.addfinalizer(elsewhere.stop)
    elsewhere.answers = []
    digest = hashlib.sha256(GOOD).hexdigest()

    def store(handler: Any, path: str, query: dict[str, str]) -> None:
        handler.send_content("train.csv", GOOD, {})

    monkeypatch.setattr(servers.Handler, "answer", store)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "ms_secret")
    asking = Hub.__new__(Hub)
    asking.__dict__.update(hub.__dict__)
    hub.stop()
    fresh = functools.partial(subprocess.run, [sys.executable, "-P", "-c", ASK], capture_output=True, text=True, check=True)

    def ask() -> tuple[str, int, list[str], int]:
        hub.server.requests.clear()
        elsewhere.requests.clear()
        question = json.dumps({"id": f"{hub.side}:bad/x", "what": "dataset"}) + "\n"
        return tuple(json.loads(fresh(input=question).stdout))

    def secrets(server: Any) -> list[str]:
        return [value for each in server.requests for value in each.headers.values() if "secret" in value]

    # A file that lies with a storage host: fetched from there, without the token.
    listed = [entry(hub.side, "train.csv", len(GOOD), digest)]
    to_storage = {"Location": f"{elsewhere.url}/storage", "Content-Length": "0"}
    hub.script("bad/x", lambda handler, name: handler.send_raw(302, b"", to_storage) if name else hub.list(handler, listed))
    said, code, came, _ = ask()
    assert (said, code, came) == ("there", 0, ["train.csv"])
    assert secrets(hub.server)
    assert elsewhere.requests
    assert not secrets(elsewhere)

    # A listing that is led elsewhere.
    folder_of(f"{hub.side}:bad/x", "dataset").rename(folder_of(f"{hub.side}:bad/z", "dataset"))
    hub.script("bad/x", lambda handler, _: handler.send_raw(307, b"", to_storage))
    assert ask()[1] in (1, 2)
    assert secrets(hub.server)
    assert not secrets(elsewhere)

    # A page after the first that is said to be elsewhere.
    if hub.side == "hf":
        for place in (f"{elsewhere.url}/next", "file:///etc/passwd", "/relative", f"http://user:x@{hub.host}.example/x"):
            link = {"Link": f'<{place}>; rel="next"'}
            hub.script(
                "bad/x",
                lambda handler, _, given=link: (
                    handler.send_json(listed, headers=given) if "/tree/" in handler.path else hub.list(handler, listed)
                ),
            )
            said, code, _, _ = ask()
            assert code == 1
            assert "names another server" in said
            assert hub.host in said
            assert not elsewhere.requests


def test_an_index_of_weights_names_plain_files(hub: Hub) -> None:
    for index in ["../../x.safetensors", "/x.safetensors", "CON", "a\\b", "x\x1b[2J", ".cache/x", "a" * 300]:
        shard = "model-00001-of-00001.safetensors"
        held = {
            "config.json": b"{}",
            "tokenizer.json": b"{}",
            shard: b"x",
            "model.safetensors.index.json": json.dumps({"weight_map": {"a": index}}).encode(),
        }
        listed = [entry(hub.side, name, len(body)) for name, body in held.items()]
        hub.script(
            "bad/x",
            lambda handler, name, held=held, listed=listed: (
                handler.send_content(name, held[name], {}) if name else hub.list(handler, listed)
            ),
        )
        said = hub.refused("index", index, kind="model")
        assert "index" in said


def test_a_card_names_files_of_its_own_data_set(hub: Hub) -> None:
    for pattern in ["../*", "/etc/*", "data/../../*.csv", "x//*", "~/../*", "tr\x1bain*"]:
        card = f"---\nconfigs:\n- data_files:\n  - split: train\n    path: {json.dumps(pattern)}\n---\n".encode()
        listed = [entry(hub.side, "README.md", len(card)), entry(hub.side, "x/train.csv")]
        hub.script(
            "bad/x",
            lambda handler, name, card=card, listed=listed: handler.send_content(name, card, {}) if name else hub.list(handler, listed),
        )
        assert "README.md names the files" in hub.refused("pattern", pattern, host=False)


def test_a_link_in_the_place_of_a_download_is_not_followed(hub: Hub, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "train.csv").write_bytes(b"mine")
    hub.before = hub.tree()
    listed = [entry(hub.side, "train.csv")]
    hub.script("bad/x", lambda handler, asked: content(handler, asked) or hub.list(handler, listed))
    folder = folder_of(f"{hub.side}:bad/x", "dataset")
    staged = folder.with_name(".x.part")
    staged.symlink_to(outside)
    hub.refused("staging folder", "a link", host=False)
    staged.unlink()
    staged.mkdir(mode=0o700)
    (staged / "train.csv").symlink_to(outside / "train.csv")
    (staged / "data").symlink_to(outside)
    (staged / f"{hashlib.sha256(b'train.csv').hexdigest()[:32]}.incomplete").symlink_to(outside / "train.csv")
    hub.refused("part", "a link", host=False)
    (staged / f"{hashlib.sha256(b'train.csv').hexdigest()[:32]}.incomplete").unlink()
    assert hub.ask("bad/x", "dataset") == ("there", 0, ["train.csv"])
    assert (folder / "train.csv").read_bytes() == GOOD
    assert not (folder / "data").exists()
    shutil.rmtree(folder)
    assert hub.tree() == hub.before

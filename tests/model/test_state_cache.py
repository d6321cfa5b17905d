"""The cache of hidden states keeps within its limit, and is whole whoever writes it at once or is killed while writing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from emotui.core.cli import main
from emotui.core.model import state_cache
from emotui.core.model.state_cache import Note

MIB = np.zeros((256, 1024), np.float32)


@pytest.fixture
def limited(emotui_home: Path) -> Path:
    """A home whose cache takes 3 MiB."""
    Path(os.environ["EMOTUI_CONFIG"]).write_text("cache_mib = 3\n")
    return emotui_home


def test_those_unused_for_longest_go_first(limited: Path) -> None:
    for age, key in ((300, "a"), (200, "b")):
        state_cache.keep(key, MIB[:-1])
        os.utime(state_cache.folder() / f"{key}.npy", (0, 1_700_000_000 - age))
    assert state_cache.cached("a") is not None  # so b is the older one
    state_cache.keep("c", MIB[:-1])
    assert len(state_cache.entries()) == 3
    state_cache.keep("d", MIB[:-1])
    assert {each.key for each in state_cache.entries()} == {"a", "c", "d"}
    assert state_cache.size() <= state_cache.limit() == 3 << 20
    assert not (state_cache.folder() / "b.json").exists()


def test_what_is_larger_than_the_cache_is_not_kept_and_drives_nothing_out(limited: Path) -> None:
    state_cache.keep("a", MIB[:-1])
    state_cache.keep("b", np.zeros((1024, 1024), np.float32))
    assert [each.key for each in state_cache.entries()] == ["a"]


def test_two_that_write_the_same_array_leave_one_whole(emotui_home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: state_cache.keep("a", np.full((64, 64), number % 4, np.float32)), range(24)))
    found = state_cache.cached("a")
    assert found is not None and len(np.unique(found)) == 1
    assert sorted(path.name for path in state_cache.folder().iterdir()) == ["a.json", "a.npy"]


def test_one_that_is_killed_while_it_writes_leaves_nothing_that_counts(emotui_home: Path) -> None:
    code = (
        "import os, signal; import numpy as np; from emotui.core.model import state_cache\n"
        "np.save = lambda file, *_, **__: (file.write(b'half'), file.flush(), os.kill(os.getpid(), signal.SIGKILL))\n"
        "state_cache.keep('a', np.zeros((4, 4), np.float32))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert list(state_cache.folder().iterdir())  # half a file, under a name of its own
    assert state_cache.cached("a") is None and state_cache.entries() == []
    state_cache.keep("b", MIB)
    assert sorted(path.name for path in state_cache.folder().iterdir()) == ["b.json", "b.npy"]


def test_the_command_shows_and_clears_it(emotui_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state_cache.keep("a", MIB, Note("model\x1b[2J", "tweets, train", "[CLS]"))
    (state_cache.folder() / "b.npy").write_bytes(b"no array")
    assert main(["cache"]) == 0
    out, err = capsys.readouterr()
    assert (
        "tweets, train" in out and "damaged" in out and "\x1b" not in out and "2 arrays of hidden states, 1.0 MB of at most 4.3 GB" in err
    )
    assert main(["cache", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    by_key = {each["key"]: each for each in answer["entries"]}
    assert (by_key["a"]["rows"], by_key["a"]["width"], by_key["b"]["rows"]) == (256, 1024, None)
    assert answer["size"] == sum(each["size"] for each in answer["entries"])
    assert main(["cache", "--clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": 2, "freed": answer["size"]}
    assert list(state_cache.folder().iterdir()) == [] and main(["cache"]) == 0


def test_without_a_cache_there_is_nothing_to_show_or_clear(emotui_home: Path) -> None:
    assert state_cache.entries() == [] and state_cache.clear() == (0, 0)
    assert not emotui_home.exists()

"""How a worker ended is told in one word and one sentence, from its exit code, its last words and what it was asked."""

from __future__ import annotations

import errno
import signal
from pathlib import Path
from typing import Any

import pytest
from emotui.core.engine import worker
from emotui.core.errors import UserError
from emotui.core.runs import endings, folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import DataSpec, TrainSpec


def ending(code: int, **more: Any) -> endings.Ending:
    given = {"asked": "", "finished": False, "error": "", "last_log_line": lambda: "", "memory_kills": 0, "step": 7, "grace": 130.0}
    return endings.classify(code, **{**given, **more})


@pytest.mark.parametrize(
    ("code", "more", "cause", "state", "sentence"),
    [
        (0, {"finished": True}, "finished", "finished", ""),
        (-9, {"finished": True}, "finished", "finished", ""),
        (1, {"finished": True, "error": "x"}, "finished", "finished", ""),
        (0, {}, "crash", "failed", "the worker ended without a result"),
        (3, {"asked": "stop"}, "stopped", "stopped", "it was asked to stop; saved at step 7"),
        (3, {"asked": "stop", "step": 0}, "stopped", "stopped", "it was asked to stop"),
        (3, {}, "stopped", "stopped", "it was stopped by a signal from outside emotui; saved at step 7"),
        (2, {"error": "no text column"}, "bad_input", "failed", "no text column"),
        (4, {"error": "not a number"}, "nan", "failed", "not a number"),
        (5, {"error": "the GPU ran out of memory"}, "oom_gpu", "failed", "the GPU ran out of memory"),
        (6, {"error": "the disk is full"}, "disk_full", "failed", "the disk is full"),
        (7, {"error": "memory ran out"}, "oom_kernel", "failed", "memory ran out"),
        (1, {"error": "ValueError: x"}, "crash", "failed", "ValueError: x"),
        (8, {"error": "no validation split"}, "crash", "failed", "no validation split"),
        (1, {"last_log_line": lambda: "ImportError: y"}, "crash", "failed", "ImportError: y"),
        (77, {}, "crash", "failed", "the worker ended with exit code 77 without a message"),
        (-signal.SIGKILL, {"asked": "kill"}, "killed", "stopped", "it was killed as asked; what came after the last checkpoint is lost"),
        (-signal.SIGKILL, {"asked": "kill", "step": 0}, "killed", "stopped", "it was killed as asked"),
        (-signal.SIGKILL, {"asked": "stop"}, "killed", "stopped", "it did not stop within 130 s of the request and was killed"),
        (-signal.SIGTERM, {"asked": "stop"}, "stopped", "stopped", "it was asked to stop before there was anything to save"),
        (-signal.SIGTERM, {}, "killed", "failed", "the worker was killed (SIGTERM) by something other than emotui"),
        (-signal.SIGKILL, {}, "killed", "failed", "the worker was killed (SIGKILL) by something other than emotui"),
        (
            -signal.SIGSEGV,
            {"last_log_line": lambda: "Segmentation fault"},
            "crash",
            "failed",
            "the worker crashed (SIGSEGV): Segmentation fault",
        ),
        (-signal.SIGABRT, {}, "crash", "failed", "the worker crashed (SIGABRT)"),
        (-signal.SIGRTMIN - 3, {}, "crash", "failed", "the worker crashed (signal 37)"),
    ],
)
def test_an_ending_is_named(code: int, more: dict[str, Any], cause: str, state: str, sentence: str) -> None:
    assert ending(code, **more) == endings.Ending(cause, sentence, state)  # type: ignore[arg-type]


def test_a_kill_by_the_kernel_for_memory_is_told_from_others() -> None:
    assert ending(-signal.SIGKILL, memory_kills=1).cause == "oom_kernel"
    assert ending(-signal.SIGTERM, memory_kills=1).cause == "killed"
    assert endings.kernel_memory_kills() >= 0


def test_the_last_line_of_a_log_is_found(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    assert endings.last_line(path) == ""
    path.write_bytes(b"one\n" * 10_000 + b"the last \xff\n\n  \n")
    assert endings.last_line(path) == "the last �"


class OutOfMemoryError(RuntimeError):
    pass


@pytest.fixture
def run(emotui_home: Path) -> RunFolder:
    return folder.create(TrainSpec(DataSpec("starter")), data_hash="", labels=(), versions={})


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UserError("no such file"), endings.BAD_INPUT, None),
        (UserError("the check failed", exit_code=1), endings.FAILED, None),
        (worker.RunError("the loss is not a number", endings.NOT_FINITE), endings.NOT_FINITE, None),
        (OutOfMemoryError("HIP out of memory"), endings.GPU_MEMORY, "the GPU ran out of memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), endings.GPU_MEMORY, "the GPU ran out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), endings.MEMORY, "memory ran out"),
        (MemoryError(), endings.MEMORY, "memory ran out"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), endings.DISK_FULL, "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), endings.DISK_FULL, "the disk is full"),
        (caused_by(RuntimeError("cannot save"), OSError(errno.ENOSPC, "No space left")), endings.DISK_FULL, "the disk is full"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), endings.DISK_FULL, "the disk is full"),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"), endings.CRASHED, "RuntimeError: [enforce"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), endings.CRASHED, "PermissionError"),
        (ValueError("a\nb \x1b[2J"), endings.CRASHED, "b ␛[2J"),
    ],
)
def test_an_exception_becomes_an_exit_code_and_a_sentence(run: RunFolder, error: Exception, code: int, sentence: str | None) -> None:
    assert worker._code_of(error, run) == code
    if sentence is not None:
        assert sentence in str(worker._in_words(error, run))
    assert not (run.path / ".probe").exists()


def test_the_room_on_the_disk_is_looked_at_before_training(run: RunFolder) -> None:
    assert worker.needed_bytes(66_000_000) == pytest.approx(2.64e9)
    assert worker.needed_bytes(66_000_000, best_kept=True) == pytest.approx(3.168e9)
    worker.check_room(run, 1000)
    with pytest.raises(worker.RunError, match=r"the run needs 1000000000\.0 GB for its checkpoints, and [\d.]+ [GM]B are free") as raised:
        worker.check_room(run, 10**18)
    assert worker._size(500_000) == "0.5 MB"
    assert raised.value.code == endings.DISK_FULL

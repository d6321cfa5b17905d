from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from emotui.core.engine import client, log
from emotui.core.engine.client import Engine, Session, ask_once
from emotui.core.errors import UserError
from emotui.core.questions import (
    AskClassify,
    AskDownload,
    AskTokens,
    ClassifyAnswer,
    ProgressLine,
    ReplyLine,
    RequestLine,
    TokensAnswer,
)
from emotui.core.sentences import Setting
from emotui.tui.field_names import by_fields

FAKE = (sys.executable, "-P", str(Path(__file__).with_name("fake_engine.py")))

pytestmark = pytest.mark.usefixtures("emotui_home")


def do(what: str, *texts: str, topic: str = "") -> AskClassify:
    return AskClassify(run=what, texts=texts, topic=topic)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be seen by its parent has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until true() holds; AssertionError after `seconds`."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds, f"not so within {seconds:.0f} s"
        await asyncio.sleep(0.02)


async def test_many_questions_at_once_get_their_own_answers_from_one_process() -> None:
    async with Engine(command=FAKE) as engine:
        answers = await asyncio.gather(*(engine.ask(do("echo", f"text {number}")) for number in range(100)))
    assert [answer.run for answer in answers] == [f"text {number}" for number in range(100)]
    assert all(isinstance(answer, ClassifyAnswer) for answer in answers)
    assert len({answer.seconds for answer in answers}) == 1


async def test_of_a_topic_only_the_newest_question_is_answered() -> None:
    async with Engine(command=FAKE) as engine:
        busy = asyncio.create_task(engine.ask(do("sleep", "0.5")))
        await asyncio.sleep(0.2)
        typed = [asyncio.create_task(engine.ask(do("echo", text, topic="prompt"))) for text in ("i", "i f", "i fe", "i feel")]
        other = asyncio.create_task(engine.ask(do("echo", "elsewhere", topic="other")))
        untitled = [asyncio.create_task(engine.ask(do("echo", text))) for text in ("a", "b")]
        assert (await busy).run == "sleep"
        assert [await each for each in typed[:3]] == [None, None, None]
        assert (await typed[3]).run == "i feel"
        assert (await other).run == "elsewhere"
        assert [(await each).run for each in untitled] == ["a", "b"]


async def test_progress_comes_in_order_and_not_for_every_step() -> None:
    seen: list[ProgressLine] = []
    async with Engine(command=FAKE) as engine:
        await engine.ask(do("count", "200"), seen.append)
    assert seen[0] == ProgressLine("counting", 0, 200, "steps")
    assert seen[-2:] == [ProgressLine("counting", 200, 200, "steps"), ProgressLine("resting", 0, None, "steps")]
    assert [each.done for each in seen[:-1]] == sorted(each.done for each in seen[:-1])
    assert 3 <= len(seen) < 60


async def test_an_error_in_a_progress_callback_reaches_who_asked_and_nobody_else() -> None:
    def broken(line: ProgressLine) -> None:
        raise ZeroDivisionError

    async with Engine(command=FAKE) as engine:
        with pytest.raises(ZeroDivisionError):
            await engine.ask(do("count", "5"), broken)
        assert (await engine.ask(do("echo", "still here"))).run == "still here"


async def test_what_the_engine_refuses_is_a_user_error_with_its_exit_code() -> None:
    async with Engine(command=FAKE) as engine:
        with pytest.raises(UserError, match=r"row 3 of a\.csv is empty") as caught:
            await engine.ask(do("refuse", "row 3 of a.csv is empty", "1"))
        assert caught.value.exit_code == 1


async def test_a_refusal_comes_in_its_parts() -> None:
    async with Engine(command=FAKE) as engine:
        with pytest.raises(UserError) as caught:
            await engine.ask(do("refuse a setting"))
    error = caught.value
    assert str(error) == "--max-length 1000 is too long. Leave --max-length out"
    assert by_fields(error) == "1000 in the field 'cut at' is too long. Leave the field 'cut at' out"
    assert (str(error.problem), str(error.remedy)) == ("--max-length 1000 is too long", "Leave --max-length out")
    assert error.settings == (Setting("max_length", 1000), Setting("max_length"))


@pytest.mark.parametrize(("what", "name"), [("fail", "RuntimeError"), ("leave", "SystemExit")])
async def test_an_unexpected_error_is_a_sentence_and_its_traceback_is_in_a_private_log(what: str, name: str) -> None:
    async with Engine(command=FAKE) as engine:
        with pytest.raises(UserError) as caught:
            await engine.ask(do(what))
        assert (await engine.ask(do("echo", "still here"))).run == "still here"
    assert name in str(caught.value)
    assert str(log.log_file()) in str(caught.value)
    assert "a secret" not in str(caught.value)
    assert caught.value.exit_code == 1
    text = log.log_file().read_text()
    assert "Traceback" in text
    assert name in text
    assert stat.S_IMODE(log.log_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(log.log_file().parent.stat().st_mode) == 0o700


async def test_what_libraries_and_their_children_print_lands_in_the_log() -> None:
    async with Engine(command=FAKE) as engine:
        assert (await engine.ask(do("print"))).run == "print"
        assert (await engine.ask(do("echo", "after"))).run == "after"
    text = log.log_file().read_text()
    assert "and its bar 50%" in text
    assert "from a child" in text
    assert "it read" not in text


async def test_lines_of_many_megabytes_pass_both_ways() -> None:
    async with Engine(command=FAKE) as engine:
        assert (await engine.ask(do("length", "é" * 5_000_000))).run == "5000000"
        assert len((await engine.ask(do("large", "9000000"))).run) == 9_000_000


async def test_a_text_that_is_not_unicode_is_refused_before_it_is_sent() -> None:
    async with Engine(command=FAKE) as engine:
        with pytest.raises(UserError, match="lone surrogates"):
            await engine.ask(do("echo", "\udcff"))
        assert (await engine.ask(do("echo", "text"))).run == "text"


async def test_a_lost_engine_fails_its_questions_and_starts_anew() -> None:
    async with Engine(command=FAKE) as engine:
        first = await engine.ask(do("echo", "one"))
        queued = [asyncio.create_task(engine.ask(do(*what))) for what in (("crash", "7"), ("echo", "never"))]
        for question in queued:
            with pytest.raises(UserError, match="ended with code 7") as caught:
                await question
            assert caught.value.exit_code == 1
            assert str(log.log_file()) in str(caught.value)
        second = await engine.ask(do("echo", "two"))
        assert second.run == "two"
        assert second.seconds != first.seconds


async def test_an_engine_that_is_killed_is_reported_as_out_of_memory() -> None:
    async with Engine(command=FAKE) as engine:
        pid = int((await engine.ask(do("echo", "one"))).seconds)
        question = asyncio.create_task(engine.ask(do("sleep", "60")))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(UserError, match="memory"):
            await question


async def test_an_engine_that_is_lost_over_a_model_names_the_model() -> None:
    async with Engine(command=FAKE) as engine:
        with pytest.raises(
            UserError, match=r"^cannot load the model X: the engine exceeded its computing time .* Fetch the model again"
        ) as error:
            await engine.ask(do("begin", "load the model X"))
        assert error.value.exit_code == 2
        assert (await engine.ask(do("echo", "one"))).run == "one"


async def test_a_cancelled_question_is_taken_back_while_it_runs_and_while_it_waits() -> None:
    async with Engine(command=FAKE) as engine:
        seen: list[ProgressLine] = []
        running = asyncio.create_task(engine.ask(do("report"), seen.append))
        waiting = asyncio.create_task(engine.ask(do("sleep", "60")))
        await until(lambda: bool(seen))
        waiting.cancel()
        running.cancel()
        for each in (running, waiting):
            with pytest.raises(asyncio.CancelledError):
                await each
        assert (await asyncio.wait_for(engine.ask(do("echo", "next")), 30)).run == "next"


@pytest.mark.parametrize("busy", ["sleep", "spin"])
async def test_close_ends_a_busy_engine_within_a_second(busy: str) -> None:
    engine = Engine(command=FAKE)
    pid = int((await engine.ask(do("echo", "one"))).seconds)
    question = asyncio.create_task(engine.ask(do(busy, "60")))
    await asyncio.sleep(0.2)
    start = time.monotonic()
    await engine.close()
    assert time.monotonic() - start < 1
    assert gone(pid)
    with pytest.raises(UserError, match="closed"):
        await question
    with pytest.raises(UserError, match="closed"):
        await engine.ask(do("echo", "late"))


async def test_the_engine_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it() -> None:
    async with Engine(command=FAKE) as engine:
        pid = int((await engine.ask(do("echo", "one"))).seconds)
        assert os.getsid(pid) == os.getpgid(pid) == pid


async def test_a_download_has_a_process_of_its_own_and_holds_nothing_up() -> None:
    seen: list[ProgressLine] = []
    async with Engine(command=FAKE) as engine:
        short = await engine.ask(do("echo", "before"))
        download = asyncio.create_task(engine.ask(AskDownload(id="60"), seen.append))
        await until(lambda: bool(seen))
        pid = seen[0].done
        assert pid != short.seconds
        assert (await asyncio.wait_for(engine.ask(do("echo", "meanwhile")), 5)).run == "meanwhile"
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
        assert gone(pid)
        done = await engine.ask(AskDownload(id="0"))
        await until(lambda: gone(int(done.what)))


async def test_close_ends_a_download_too() -> None:
    seen: list[ProgressLine] = []
    engine = Engine(command=FAKE)
    download = asyncio.create_task(engine.ask(AskDownload(id="60"), seen.append))
    await until(lambda: bool(seen))
    await engine.close()
    assert gone(seen[0].done)
    with pytest.raises(UserError, match="closed"):
        await download


PARENT = """
import sys
from emotui.core.engine.client import Session
from emotui.core.questions import AskClassify
session = Session(command=sys.argv[1:])
print(int(session.ask(AskClassify(run="echo", texts=("x",))).seconds), flush=True)
session.ask(AskClassify(run="spin", texts=("120",)))
"""


async def test_the_engine_ends_with_a_parent_that_was_killed_however_busy_it_is() -> None:
    parent = subprocess.Popen([sys.executable, "-P", "-c", PARENT, *FAKE], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    await asyncio.sleep(0.3)
    assert not gone(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await until(lambda: gone(pid))  # the question lasts 120 s


async def test_a_program_that_cannot_be_started_is_named() -> None:
    async with Engine(command=("/no/such/python",)) as engine:
        with pytest.raises(UserError, match="/no/such/python"):
            await engine.ask(do("echo", "x"))


async def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMOTUI_HOME", str(tmp_path / "file"))
    async with Engine(command=FAKE) as engine:
        with pytest.raises(UserError, match="EMOTUI_HOME"):
            await engine.ask(do("echo", "x"))


async def test_offline_reaches_the_libraries_through_the_environment() -> None:
    async with Engine(command=FAKE, offline=True) as engine:
        assert [(await engine.ask(do("variable", name))).run for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")] == ["1", "1"]
        assert (await engine.ask(do("variable", "HF_HUB_DISABLE_TELEMETRY"))).run == "1"
    async with Engine(command=FAKE, variables={"OMP_NUM_THREADS": "7"}) as engine:
        assert (await engine.ask(do("variable", "OMP_NUM_THREADS"))).run == "7"


def test_a_session_asks_one_question_after_the_other_without_a_loop() -> None:
    seen: list[ProgressLine] = []
    with Session(command=FAKE) as session:
        first = session.ask(do("echo", "one"))
        with pytest.raises(UserError, match="no such run"):
            session.ask(do("refuse", "no such run", "2"))
        session.ask(do("count", "3"), seen.append)
        assert session.ask(do("echo", "two")).seconds == first.seconds
    assert seen[0].phase == "counting"
    assert gone(int(first.seconds))


def test_ctrl_c_takes_the_question_back_and_the_session_ends_at_once() -> None:
    code = PARENT.replace('session.ask(AskClassify(run="spin", texts=("120",)))', "").replace(
        "session = Session", "import time\nsession = Session"
    )
    code += """
said = []
try:
    session.ask(AskClassify(run="report", texts=()), lambda _: said or (said.append(1), print("asked", flush=True)))
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(session.ask(AskClassify(run="echo", texts=("again",))).run, flush=True)
start = time.monotonic()
session.close()
print(time.monotonic() - start < 1, flush=True)
"""
    parent = subprocess.Popen([sys.executable, "-P", "-c", code, *FAKE], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "asked\n"
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.stdout.read().split() == ["interrupted", "again", "True"]
    assert parent.wait() == 0
    parent.stdout.close()
    assert gone(pid)


def test_ask_once_asks_the_real_server(tiny_model: Path) -> None:
    answer = ask_once(AskTokens(text="this is a core task", model=str(tiny_model)))
    assert isinstance(answer, TokensAnswer)
    assert answer.words.tokens == ("this", "is", "a", "core", "task")
    assert answer.subwords.tokens[0] == "[CLS]"


def test_a_real_question_about_a_run_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        ask_once(AskClassify(run=str(tmp_path / "nothing"), texts=("a",)))
    assert "did not expect" not in str(caught.value)
    assert "nothing" in str(caught.value)


def test_the_real_server_speaks_lines_and_ends_with_stdin(tmp_path: Path) -> None:
    process = subprocess.Popen(client.COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    lines = [
        b"nonsense\n",
        b'{"id": 5, "ask": {"op": "unheard of"}}\n',
        msgspec.json.encode(RequestLine(6, AskDownload(id="hf:a", what="model"))) + b"\n",
    ]
    replies = []
    for line in lines:
        process.stdin.write(line)
        process.stdin.flush()
        while (reply := msgspec.json.decode(process.stdout.readline(), type=ReplyLine)).progress is not None:
            pass
        replies.append(reply)
    assert [reply.id for reply in replies] == [0, 5, 6]
    errors = [f"{reply.error.problem}. {reply.error.remedy}" for reply in replies if reply.error is not None]
    assert "does not understand" in errors[0]
    assert "unheard of" in errors[1]
    assert "hf:OWNER/NAME" in errors[2]
    process.stdin.close()
    assert process.wait(2) == 0
    assert process.stdout.read() == b""
    assert process.stderr.read() == b""
    process.stdout.close()
    process.stderr.close()


def test_the_client_imports_no_model_library() -> None:
    code = "import sys, emotui.core.engine.client; print(sorted({'torch', 'transformers', 'numpy', 'huggingface_hub'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_server_starts_without_a_model_library_and_answers_hub_errors_without_one() -> None:
    code = (
        "import sys, io, emotui.core.engine.server as s; from emotui.core.questions import AskDownload\n"
        "try: s.answer_question(AskDownload(id='ms:a/b', offline=True), lambda *a: None)\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(sorted({'torch', 'transformers', 'modelscope', 'huggingface_hub', 'requests', 'httpx2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout == "UserError\n[]\n"


def test_the_log_is_begun_anew_when_it_is_full_and_one_old_file_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LIMIT", 100)
    for text in (b"a" * 101, b"b" * 101, b"c" * 50, b"d"):
        descriptor = log.open_log()
        os.write(descriptor, text)
        assert log.is_full(descriptor) == (len(text) > 100)
        os.close(descriptor)
    files = {path.name: path.read_text() for path in log.log_file().parent.iterdir()}
    assert files == {"engine.log": "c" * 50 + "d", "engine.log.1": "b" * 101}


CHATTY = """
import os, threading, time
from emotui.core.engine import log, server
log.LIMIT, server.LOG_INTERVAL = 20_000, 0.02
def chat():
    while True:
        os.write(1, b"a warning of a library" * 20)
        time.sleep(0.001)
threading.Thread(target=chat, daemon=True).start()
server.main({})
"""


async def test_the_log_is_safe_whatever_a_library_says() -> None:
    async with Engine(command=FAKE) as engine:
        with pytest.raises(UserError, match="unexpected error in the engine"):
            await engine.ask(AskClassify(run="hostile", texts=()))
    logged = log.log_file().read_bytes().decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", logged)
    for part in ("␛]52;c;YQ==␇ \ufffd31m 10%\n20% bold", "?]0;title? ?? ???", "RuntimeError: ␛]52;c;YQ==␇", "in classify"):
        assert part in logged


async def test_the_log_of_a_chatty_library_stays_small_while_the_engine_runs() -> None:
    async with Engine(command=(sys.executable, "-P", "-c", CHATTY)) as engine:
        await engine.start()
        await until(lambda: (log.log_file().parent / "engine.log.1").exists())
        await asyncio.sleep(0.5)
    sizes = {path.name: path.stat().st_size for path in log.log_file().parent.iterdir()}
    assert sizes.keys() - {"engine.log"} == {"engine.log.1"}  # it may end between the two steps of a turn
    assert sum(sizes.values()) < 500_000


def test_the_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    os.close(log.open_log())
    log.log_file().unlink()
    (tmp_path / "precious").write_text("precious")
    log.log_file().symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match=r"engine\.log"):
        log.open_log()
    assert (tmp_path / "precious").read_text() == "precious"

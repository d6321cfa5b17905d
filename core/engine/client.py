"""Asks the engine questions; starts its process with the first one, and again after it has died."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from .. import child_processes
from ..errors import UserError
from ..questions import (
    ANSWERS,
    Ask,
    AskDisagreement,
    AskDownload,
    AskEstimate,
    AskEvaluate,
    AskFaults,
    AskStates,
    ErrorLine,
    ProgressLine,
    Question,
    ReplyLine,
    RequestLine,
)
from ..sentences import shortened
from . import log

LINE_LIMIT = 256 << 20
"""Bytes of the longest line accepted from the engine."""
LONGEST = 2_000
"""Characters of an error sentence from the engine, at most."""
GRACE = 0.3
"""Seconds that the engine gets to exit by itself before it is killed."""

OnProgress = Callable[[ProgressLine], None]

COMMAND = (sys.executable, "-P", "-m", child_processes.ENGINE)


class Engine:
    """An engine process and its pending questions. An async context manager; the process starts with the first question."""

    def __init__(self, *, offline: bool = False, command: Sequence[str] = COMMAND, variables: Mapping[str, str] | None = None) -> None:
        """Prepare an engine that opens no socket if `offline`; `command` starts it, with `variables` added to the environment."""
        self._command = tuple(command)
        self._variables = {**child_processes.environment(offline=offline), **(variables or {})}
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()
        self._child: _Child | None = None
        self._apart: set[_Child] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def ask(self, ask: Question, on_progress: OnProgress | None = None) -> Any:
        """Return the answer to `ask`: the struct that questions.ANSWERS names, or None where a newer question superseded it.

        `on_progress` is called on the event loop. Cancelling the task cancels the question. Downloads, estimates, measurements, the
        search for faults, hidden states and disagreements of runs each get a process of their own, so that other questions need not
        wait, and a library that hangs or holds memory ends with it.
        Raises UserError for what the engine refuses, and if it dies while answering.
        """
        number = next(self._numbers)
        try:
            line = msgspec.json.encode(RequestLine(number, ask)) + b"\n"
        except UnicodeEncodeError as error:
            raise UserError("the text contains characters that are not Unicode (lone surrogates)", "Save it as UTF-8 first") from error
        if isinstance(ask, AskDisagreement | AskDownload | AskEstimate | AskEvaluate | AskFaults | AskStates):
            return await self._ask_apart(number, ask, line, on_progress)
        child = await self._running()
        return await child.ask(number, type(ask), line, on_progress)

    async def _ask_apart(self, number: int, ask: Question, line: bytes, on_progress: OnProgress | None) -> Any:
        if self._closed:
            raise _closed()
        child = await _Child.start(self._command, self._variables)
        self._apart.add(child)
        try:
            return await child.ask(number, type(ask), line, on_progress)
        finally:
            self._apart.discard(child)
            await child.end()

    async def start(self) -> None:
        """Start the process now, so that the first question does not wait for it. Raises UserError."""
        await self._running()

    async def close(self) -> None:
        """End all processes within a second; pending questions raise UserError."""
        self._closed = True
        async with self._starting:
            children = [*self._apart, *([self._child] if self._child is not None else [])]
            await asyncio.gather(*(child.end() for child in children))

    async def _running(self) -> _Child:
        async with self._starting:
            if self._closed:
                raise _closed()
            if self._child is not None and not self._child.alive:
                await self._child.end()
                self._child = None
            if self._child is None:
                self._child = await _Child.start(self._command, self._variables)
            return self._child


class _Question:
    """A pending question."""

    def __init__(self, kind: type[Ask], on_progress: OnProgress | None) -> None:
        self.kind = kind
        self.on_progress = on_progress
        self.begun = ""
        """What the engine is doing with files from elsewhere at the moment; '' if nothing."""
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def accept(self, reply: ReplyLine) -> bool:
        """Handle a reply and return whether it was the last one."""
        if reply.begun is not None:
            self.begun = reply.begun
            return False
        if self.answer.done():
            return reply.progress is None
        try:
            if reply.progress is not None:
                if self.on_progress is not None:
                    self.on_progress(reply.progress)
                return False
            if reply.error is not None:
                self.answer.set_exception(_refusal(reply.error))
            else:
                self.answer.set_result(_answer(reply, self.kind))
        except Exception as error:  # goes to whoever asked; it must not end the task that reads for all
            self.answer.set_exception(error)
        return True


_UNREADABLE = (ValueError, RecursionError, msgspec.MsgspecError)
"""Raised by decoding a line that is damaged, nested too deeply or too long."""


def _unreadable() -> UserError:
    return UserError(f"the engine's answer cannot be read: it is damaged or longer than {LINE_LIMIT >> 20} MiB", exit_code=1)


def _refusal(error: ErrorLine) -> UserError:
    problem = error.problem if str(error.problem).strip() else "the engine refused without giving a reason"
    code = error.exit_code if error.exit_code in (1, 2) else 1
    return UserError(shortened(problem, LONGEST), shortened(error.remedy, LONGEST), exit_code=code)


def _answer(reply: ReplyLine, kind: type[Ask]) -> Any:
    """Return the answer in a reply to a question of this kind. Raises UserError if it does not fit that kind."""
    try:
        return msgspec.json.decode(reply.answer, type=ANSWERS[kind] | None)
    except _UNREADABLE as error:
        raise _unreadable() from error


class _Child:
    """The engine's process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._questions: dict[int, _Question] = {}
        self._ending = False
        self.alive = True
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, command: Sequence[str], variables: Mapping[str, str]) -> Self:
        """Start the process in a session of its own, so that the terminal's signals do not reach it. Raises UserError."""
        output = log.open_log()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                env=variables,
                start_new_session=True,
                limit=LINE_LIMIT,
            )
        except OSError as error:
            raise UserError(f"cannot start the engine ({command[0]}): {error.strerror or error}", exit_code=1) from error
        finally:
            os.close(output)
        return cls(process)

    async def ask(self, number: int, kind: type[Ask], line: bytes, on_progress: OnProgress | None) -> Any:
        question = self._questions[number] = _Question(kind, on_progress)
        try:
            if not self.alive:
                raise self._lost()
            self._stdin.write(line)
            with contextlib.suppress(ConnectionError):  # the reading task finds out how the process ended
                await self._stdin.drain()
            return await question.answer
        except asyncio.CancelledError:
            self._cancel(number)
            raise
        finally:
            self._questions.pop(number, None)
            if question.answer.done() and not question.answer.cancelled():
                question.answer.exception()  # seen, so that asyncio does not print it

    def _cancel(self, number: int) -> None:
        if self.alive and not self._stdin.is_closing():
            self._stdin.write(msgspec.json.encode(RequestLine(number)) + b"\n")

    async def _read(self) -> None:
        """Pass replies to their questions until the process closes its output, then fail the pending ones."""
        decoder = msgspec.json.Decoder(ReplyLine)
        cause: Exception | None = None
        try:
            while line := await self._stdout.readline():
                reply = decoder.decode(line)
                if reply.id == 0 and reply.error is not None:
                    cause = _refusal(reply.error)
                elif (question := self._questions.get(reply.id)) is not None and question.accept(reply):
                    del self._questions[reply.id]
        except _UNREADABLE:
            cause = _unreadable()
        self.alive = False
        if cause is not None:
            self._kill()
        # Closing its output is the last thing the engine does, but its exit code may take a moment.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), GRACE)
        for question in self._questions.values():
            if not question.answer.done():
                question.answer.set_exception(cause or self._lost(question.begun))
        self._questions.clear()

    def _lost(self, begun: str = "") -> UserError:
        if self._ending:
            return UserError("the engine was closed before it answered", exit_code=1)
        if begun:
            return UserError(
                f"cannot {begun}: the engine {_ending(self._process.returncode)} over it",
                f"Fetch the model again, or choose another one. The engine's log: {log.log_file()}",
            )
        return UserError(
            f"the engine {_ending(self._process.returncode)} before it answered",
            f"Try again, which starts a new one. Its log: {log.log_file()}",
            exit_code=1,
        )

    def _kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """End the process by closing its stdin, and kill it if it does not exit within GRACE seconds."""
        self._ending = True
        self.alive = False
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), GRACE)
        except TimeoutError:
            self._kill()
            await self._process.wait()
        await self._reading


def _closed() -> UserError:
    return UserError("the engine is closed", exit_code=1)


def _ending(code: int | None) -> str:
    """Return words for how a process with this return code ended."""
    if code is None:
        return "stopped answering"
    if code == -signal.SIGKILL:
        return "was killed, most likely because memory ran out,"
    if code == -signal.SIGPROF:
        return "exceeded its computing time and was ended"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


class Session:
    """Asks one question after the other without an event loop. A context manager over one engine."""

    def __init__(self, *, offline: bool = False, command: Sequence[str] = COMMAND, variables: Mapping[str, str] | None = None) -> None:
        """Prepare an engine as `Engine` does."""
        self._runner = asyncio.Runner()
        self._engine = Engine(offline=offline, command=command, variables=variables)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def ask(self, ask: Question, on_progress: OnProgress | None = None) -> Any:
        """Return the answer to `ask`, the struct that questions.ANSWERS names. Raises UserError.

        Ctrl+C cancels the question and raises KeyboardInterrupt; the session remains usable.
        """
        return self._run(self._engine.ask(ask, on_progress))

    def close(self) -> None:
        """End the engine within a second."""
        try:
            self._run(self._engine.close())
        finally:
            self._runner.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)


def ask_once(ask: Question, on_progress: OnProgress | None = None, *, offline: bool = False) -> Any:
    """Return the answer to one question, from an engine started for it alone. Raises UserError."""
    with Session(offline=offline) as session:
        return session.ask(ask, on_progress)

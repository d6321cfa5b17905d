"""The engine's process: reads questions from stdin, line by line, and answers them in order on stdout.

The main thread only reads, so that the end of stdin ends the process at once, even while a model is computing.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, assert_never

import msgspec

from .. import crash, log_text, writing
from ..errors import UserError
from ..model import guard
from ..questions import (
    Ask,
    AskAttention,
    AskBatch,
    AskBehaviour,
    AskClassify,
    AskClassifyFile,
    AskClassifyParts,
    AskDisagreement,
    AskDoctor,
    AskDownload,
    AskEstimate,
    AskEvaluate,
    AskExport,
    AskFaults,
    AskLengths,
    AskNear,
    AskNeighbours,
    AskPath,
    AskQueue,
    AskStates,
    AskTokenize,
    AskTokens,
    AskWhy,
    ErrorLine,
    ProgressLine,
    Question,
    ReplyLine,
    RequestLine,
)
from ..safe_text import safe_line
from . import log

Report = Callable[[str, int, int | None, str], None]
"""Called with a phase, the amount done, the total (None if unknown) and the unit."""
Handlers = Mapping[type[Ask], Callable[[Any, Report], msgspec.Struct]]

SUPERSEDABLE = (AskTokens, AskBatch, AskPath, AskClassify, AskWhy, AskAttention, AskNeighbours, AskQueue, AskNear)
PROGRESS_INTERVAL = 0.1
"""Seconds between progress lines of one phase, at least."""
LOG_INTERVAL = 1.0
"""Seconds between checks of the log for its size and for control characters."""


class WithdrawnError(Exception):
    """Raised by `report` to end the work when its question has been cancelled."""


def answer_question(ask: Question, report: Report) -> msgspec.Struct:
    """Return the answer to `ask`; only the modules it needs are imported. Raises UserError."""
    match ask:
        case AskTokens():
            from ..model import tokens

            return tokens.describe(ask)
        case AskBatch():
            from ..model import tokens

            return tokens.pad(ask)
        case AskPath():
            from ..model import tokens

            return tokens.trace(ask)
        case AskLengths():
            from ..model import tokens

            return tokens.count(ask, report)
        case AskFaults():
            from ..model import faults

            return faults.find(ask, report)
        case AskStates():
            from ..model import label_queue

            return label_queue.states(ask, report)
        case AskQueue():
            from ..model import label_order

            return label_order.order(ask)
        case AskDisagreement():
            from ..model import label_queue

            return label_queue.disagreement(ask, report)
        case AskNear():
            from ..model import label_queue

            return label_queue.near(ask)
        case AskTokenize():
            from ..model import tokenized

            return tokenized.tokenize_dataset(ask, report)
        case AskClassify():
            from ..model import classify

            return classify.classify(ask)
        case AskWhy():
            from ..model import attribution

            return attribution.explain(ask, report)
        case AskAttention():
            from ..model import attention

            return attention.compute(ask, report)
        case AskNeighbours():
            from ..model import near_rows

            return near_rows.find(ask, report)
        case AskClassifyFile():
            from ..model import classify_file

            return classify_file.classify_file(ask, report)
        case AskClassifyParts():
            from ..model import classify_file

            return classify_file.classify_parts(ask, report)
        case AskEvaluate():
            from ..model import evaluate

            return evaluate.evaluate(ask, report)
        case AskBehaviour():
            from ..model import behaviour

            return behaviour.test(ask, report)
        case AskExport():
            from ..model import export

            return export.export(ask, report)
        case AskDownload():
            from ..model import hub

            return hub.download(ask, report)
        case AskEstimate():
            from ..model import estimate

            return estimate.estimate(ask, report)
        case AskDoctor():
            from ..model import doctor

            return doctor.examine()
        case _:
            assert_never(ask)


_NOT_UNDERSTOOD = (ValueError, RecursionError, msgspec.MsgspecError)
"""Raised by decoding a line that is damaged or nested too deeply."""


class _Numbered(msgspec.Struct):
    """The number of a request line that cannot be decoded otherwise."""

    id: int = 0


class _Server:
    """Passes questions from the reading thread to the working thread, and writes the replies."""

    def __init__(self, stdout: BinaryIO, handlers: Handlers | None) -> None:
        self._stdout = stdout
        self._writing = threading.Lock()
        self._handlers = handlers
        self._waiting: queue.SimpleQueue[RequestLine | None] = queue.SimpleQueue()
        self._newest: dict[tuple[type[Ask], str], int] = {}
        self._open: set[int] = set()
        self._cancelled: set[int] = set()

    def read(self, stdin: BinaryIO) -> None:
        """Read request lines until stdin ends."""
        decoder = msgspec.json.Decoder(RequestLine)
        for line in stdin:
            try:
                request = decoder.decode(line)
            except _NOT_UNDERSTOOD as error:
                self._refuse(line, str(error))
                continue
            if request.ask is None:
                if request.id in self._open:
                    self._cancelled.add(request.id)
                continue
            if isinstance(request.ask, SUPERSEDABLE) and request.ask.topic:
                self._newest[type(request.ask), request.ask.topic] = request.id
            self._open.add(request.id)
            self._waiting.put(request)

    def finish(self) -> None:
        """Let `work` return after the questions that are waiting now."""
        self._waiting.put(None)

    def work(self) -> None:
        """Answer questions one after the other."""
        while (request := self._waiting.get()) is not None:
            self._reply(self._answer(request))
            self._open.discard(request.id)
            self._cancelled.discard(request.id)

    def _answer(self, request: RequestLine) -> ReplyLine:
        ask = request.ask
        assert ask is not None  # noqa: S101 - `read` queues nothing else
        if request.id in self._cancelled or self._newest.get((type(ask), ask.topic), request.id) != request.id:
            return ReplyLine(request.id)
        report = _Report(request.id, self._reply, self._cancelled)
        guard.announce_to(lambda what: self._reply(ReplyLine(request.id, begun=what)))
        try:
            answer = self._handlers[type(ask)](ask, report) if self._handlers is not None else answer_question(ask, report)
            return ReplyLine(request.id, answer=msgspec.Raw(msgspec.json.encode(answer)))
        except WithdrawnError:
            return ReplyLine(request.id)
        except UserError as error:
            return ReplyLine(request.id, error=ErrorLine(error.problem, error.remedy, error.exit_code))
        except BaseException as error:  # last resort: even SystemExit from a library must be answered
            sys.stderr.write(f"--- {time.strftime('%Y-%m-%dT%H:%M:%S%z')} {type(ask).__name__}\n{crash.described(error)}")
            sys.stderr.flush()
            return ReplyLine(request.id, error=ErrorLine(_in_words(error), f"The details are in {log.log_file()}", exit_code=1))

    def _refuse(self, line: bytes, why: str) -> None:
        try:
            number = msgspec.json.decode(line, type=_Numbered).id
        except _NOT_UNDERSTOOD:
            number = 0
        self._reply(ReplyLine(number, error=ErrorLine(f"the engine does not understand a question: {why}")))

    def _reply(self, reply: ReplyLine) -> None:
        try:
            line = msgspec.json.encode(reply)
        except UnicodeEncodeError:
            line = msgspec.json.encode(
                ReplyLine(reply.id, error=ErrorLine("the engine's reply names a file whose name is not UTF-8", "Rename it"))
            )
        try:
            with self._writing:
                self._stdout.write(line + b"\n")
                self._stdout.flush()
        except (BrokenPipeError, ValueError):
            return  # nobody reads any more, so stdin is about to end


class _Report:
    """Writes a progress line now and then, and ends the work when its question has been cancelled."""

    def __init__(self, number: int, reply: Callable[[ReplyLine], None], cancelled: set[int]) -> None:
        self._number = number
        self._reply = reply
        self._cancelled = cancelled
        self._phase: str | None = None
        self._written = 0.0

    def __call__(self, phase: str, done: int, total: int | None, unit: str) -> None:
        if self._number in self._cancelled:
            raise WithdrawnError
        now = time.monotonic()
        if phase == self._phase and done != total and now - self._written < PROGRESS_INTERVAL:
            return
        self._phase, self._written = phase, now
        self._reply(ReplyLine(self._number, progress=ProgressLine(phase, done, total, unit)))


def _in_words(error: BaseException) -> str:
    """Return a sentence, without a full stop, for an unexpected exception."""
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        return f"memory ran out ({name}). Close other programs, or use fewer or shorter texts"
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is not installed ({name})"
    if isinstance(error, ImportError):
        return f"a library cannot be loaded, because it is damaged or memory ran out: {safe_line(str(error), 200)}"
    if isinstance(error, OSError) and error.strerror:
        return f"the system refused: {safe_line(error.strerror, 200)}"
    return f"unexpected error in the engine: {name}"


def serve(stdin: BinaryIO, stdout: BinaryIO, handlers: Handlers | None = None) -> None:
    """Answer the questions on `stdin` until it ends, then return at once, even if one is still being answered.

    `handlers` maps types of questions to functions that answer them in place of the usual ones.
    """
    server = _Server(stdout, handlers)
    threading.Thread(target=server.work, name="answers", daemon=True).start()
    server.read(stdin)
    server.finish()


def main(handlers: Handlers | None = None) -> None:
    """Serve on this process's stdin and stdout, and end the process when stdin ends.

    Descriptors 1 and 2 are redirected to the log first, so that a library's output cannot mix with the replies.
    """
    os.umask(0o077)
    try:
        os.getcwd()
    except OSError:  # the working folder was removed; libraries ask for it when they are loaded, and would end the process without one
        os.chdir("/")
    replies = os.fdopen(os.dup(1), "wb")
    try:
        log.point_at_log(1, 2)
    except UserError as error:
        replies.write(msgspec.json.encode(ReplyLine(0, error=ErrorLine(error.problem, error.remedy, error.exit_code))) + b"\n")
        replies.flush()
        sys.exit(error.exit_code)
    log_text.write_safely()
    faulthandler.enable()
    signal.signal(signal.SIGTERM, _end_at_once)
    questions = os.fdopen(os.dup(0), "rb")
    # Libraries that read stdin, or pass it to children, find it empty.
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_keep_log_small, name="log", daemon=True).start()
    serve(questions, replies, handlers)
    writing.give_up()
    log_text.sanitize(log.log_file())
    os._exit(0)  # a busy library thread must not hold up the end


def _end_at_once(number: int, _: object) -> None:
    writing.give_up()
    os._exit(128 + number)


def _keep_log_small() -> None:
    at = log_text.sanitize(log.log_file())  # left by an earlier engine
    while True:
        time.sleep(LOG_INTERVAL)
        at = log_text.sanitize(log.log_file(), at)
        if log.is_full(1):
            try:
                log.point_at_log(1, 2)
                at = 0
            except UserError:
                return  # the disk is full or the folder is gone: nothing can be logged


if __name__ == "__main__":
    main()

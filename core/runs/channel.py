"""The worker's end of the pipe to its supervisor, which takes over writing events if the supervisor dies."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections import deque

import msgspec

from ..errors import UserError
from ..events import Event, Note
from ..paths import PRIVATE_FILE
from . import lock, log
from .folder import RunFolder

KEPT = 10_000
"""Events kept in memory in case the supervisor is killed before writing them, at most."""
LOCK_TIMEOUT = 10.0
"""Seconds to wait for the run's lock."""
ORPHAN_LIMIT = 120.0
"""Seconds that an orphaned worker has to save a checkpoint and end."""


class Channel:
    """Sends events as JSON lines; may be used from several threads.

    Each event is also written to the run's journal: if supervisor and worker are killed at once, events in the pipe are lost, but not
    those in a file. If only the supervisor is killed, this process takes the run's lock, writes the events that the supervisor had
    not yet written, and goes on writing until it has saved a checkpoint and ends.
    """

    def __init__(self, run: RunFolder, descriptor: int, attempt: int) -> None:
        self._run = run
        self._pipe = descriptor
        os.set_inheritable(descriptor, False)
        self._attempt = attempt
        self._sending = threading.Lock()
        self._journal: int | None = None
        with contextlib.suppress(OSError):  # a full disk: the events still go through the pipe
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._journal = os.open(run.journal_file, flags, PRIVATE_FILE)
        self._sent = 0
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._writer: log.Writer | None = None
        self.is_orphaned = False
        threading.Thread(target=self._watch, name="supervisor", daemon=True).start()

    def emit(self, event: Event) -> None:
        """Send an event. Never fails: without a supervisor the event is written to the file, or lost if the run's folder is gone."""
        try:
            line = msgspec.json.encode(event)
        except UnicodeEncodeError:
            if not isinstance(event, Note):
                raise
            line = msgspec.json.encode(Note(event.level, event.message.encode("utf-8", "replace").decode()))
        with self._sending:
            self._sent += 1
            self._kept.append((self._sent, line))
            self._write_journal(line)
            if self._writer is not None:
                self._writer.add(line, attempt=self._attempt, sent=self._sent)
            elif not self.is_orphaned:
                self._send(line + b"\n")

    def close(self) -> None:
        """Stop sending; an orphaned worker writes the remaining events and ends its whole process group, itself included."""
        if not self.is_orphaned:
            return
        deadline = time.monotonic() + LOCK_TIMEOUT
        while time.monotonic() < deadline:
            with self._sending:
                if self._writer is not None and self._writer.flush():
                    self._writer.sync()
                    break
            time.sleep(0.1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _write_journal(self, line: bytes) -> None:
        if self._journal is not None:
            head = f'{{"attempt":{self._attempt},"seq":{self._sent},"sent":{self._sent},"event":'
            with contextlib.suppress(OSError):
                os.write(self._journal, b"%b%b}\n" % (head.encode(), line))

    def _send(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._pipe, data) :]
        except BrokenPipeError:
            self.is_orphaned = True

    def _watch(self) -> None:
        """Wait for the end of the supervisor, which closes the other end of the pipe."""
        pipe = select.poll()
        pipe.register(self._pipe, 0)  # errors are always reported
        pipe.poll()
        self.is_orphaned = True
        self._become_writer()
        time.sleep(ORPHAN_LIMIT)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _become_writer(self) -> None:
        """Take over writing the run's events, starting with those that are missing."""
        deadline = time.monotonic() + LOCK_TIMEOUT
        while time.monotonic() < deadline:
            try:
                held = lock.hold(self._run.lock_file)
            except OSError:
                return  # the folder is gone
            if held is None:
                time.sleep(0.05)
                continue
            with self._sending:
                seq = written = 0
                with contextlib.suppress(OSError, UserError):  # what is there now cannot be written either
                    for line in log.whole_lines(self._run.events_file):
                        seq = max(seq, line["seq"])
                        if line["attempt"] == self._attempt:
                            written = max(written, line.get("sent", 0))
                self._writer = log.Writer(self._run.events_file, seq=seq, clock=time.time)
                for number, event in self._kept:
                    if number > written:
                        self._writer.add(event, attempt=self._attempt, sent=number)
            return

"""An engine whose answers are what the question's first word says; everything but the models is the real thing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from emotui.core.engine import server
from emotui.core.errors import UserError
from emotui.core.model import guard
from emotui.core.questions import AskClassify, AskDownload, ClassifyAnswer, DownloadAnswer
from emotui.core.sentences import Setting, phrase


def classify(ask: AskClassify, report: server.Report) -> ClassifyAnswer:
    """Do as `ask.run` says, with `ask.texts`, and give back the number of the process as seconds."""
    match ask.run:
        case "echo":
            return ClassifyAnswer(run=ask.texts[0], predictions=(), seconds=os.getpid())
        case "sleep":
            time.sleep(float(ask.texts[0]))
        case "spin":
            end = time.monotonic() + float(ask.texts[0])
            while time.monotonic() < end:
                pass
        case "print":
            print("a library's greeting")
            sys.stderr.write("and its bar 50%\r")
            os.write(1, b'{"id": 1, "answer": null}\n')
            subprocess.run(["/bin/sh", "-c", "echo from a child; read line && echo it read $line"], check=False)
        case "hostile":
            print("\x1b]52;c;YQ==\x07", "\x9b31m", "10%\r20%", "\x1b[1mbold\x1b[0m")
            os.write(2, b"\x1b]0;title\x07 \xc2\x9b \xe2\x80\xae\n")
            raise RuntimeError("\x1b]52;c;YQ==\x07")
        case "large":
            return ClassifyAnswer(run="x" * int(ask.texts[0]), predictions=())
        case "length":
            return ClassifyAnswer(run=str(len(ask.texts[0])), predictions=())
        case "refuse":
            raise UserError(ask.texts[0], exit_code=int(ask.texts[1]))
        case "refuse a setting":
            raise UserError(phrase(Setting("max_length", 1000), " is too long"), phrase("Leave ", Setting("max_length"), " out"))
        case "fail":
            raise RuntimeError("a secret of the library")
        case "leave":
            raise SystemExit(3)
        case "begin":
            with guard.limited(ask.texts[0], seconds=0.2):
                while True:
                    pass
        case "crash":
            os._exit(int(ask.texts[0]))
        case "variable":
            return ClassifyAnswer(run=os.environ.get(ask.texts[0], ""), predictions=())
        case "count":
            for done in range(int(ask.texts[0]) + 1):
                report("counting", done, int(ask.texts[0]), "steps")
                time.sleep(0.002)
            report("resting", 0, None, "steps")
        case "report":
            while True:
                report("reporting", 0, None, "steps")
                time.sleep(0.01)
    return ClassifyAnswer(run=ask.run, predictions=(), seconds=os.getpid())


def download(ask: AskDownload, report: server.Report) -> DownloadAnswer:
    """Report for as long as the id's number of seconds, and give back the number of the process."""
    end = time.monotonic() + float(ask.id)
    while time.monotonic() < end:
        report("downloading", os.getpid(), None, "bytes")
        time.sleep(0.02)
    return DownloadAnswer(ask.id, str(os.getpid()), "", {}, 0.0)


HANDLERS: dict[Any, Any] = {AskClassify: classify, AskDownload: download}

if __name__ == "__main__":
    server.main(HANDLERS)

"""The real supervisor, with the worker of the tests and less patience."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from emotui.core.runs import endings, supervise

WORKER = (sys.executable, "-P", str(Path(__file__).with_name("fake_worker.py")))

if __name__ == "__main__":
    offset = float(os.environ.get("FAKE_CLOCK_OFFSET", "0"))
    kills = iter([0, *[int(os.environ["FAKE_MEMORY_KILLS"])] * 100]) if "FAKE_MEMORY_KILLS" in os.environ else None
    supervise.main(
        worker=WORKER,
        timeouts=supervise.Timeouts(stop=1.0, term=0.5, orphan=5.0, drain=0.5, command=1.0),
        clock=lambda: time.time() + offset,
        memory_kills=kills.__next__ if kills else endings.kernel_memory_kills,
    )

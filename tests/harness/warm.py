"""Puts a program in the interpreter's place that forks what would load torch anew, for a whole test session.

A start of the engine or of a worker costs some five seconds of processor time for imports, a fork costs nearly none. Everything else, and
whatever differs from the session by environment, user or namespace, is started with the interpreter itself.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import sysconfig
from pathlib import Path

import warm_client
from emotui.core import child_processes

PROGRAM = "EMOTUI_TESTS_PYTHON"
"""The variable with the path of the program, for the workers of pytest-xdist."""
COLD = warm_client.COLD
"""The variable that turns this off, for a session or in a test: each process is started anew, as for users."""

_CLIENT = """#!{python} -ISE
import sys
sys.path.insert(0, {here!r})
import warm_client
warm_client.main({python!r}, {folder!r})
"""
_COMMAND = """#!{program}
import sys
from emotui.tui.__main__ import main
sys.exit(main())
"""


def install(folder: Path) -> str:
    """Write the program into an empty folder, as the interpreter of a virtual environment, and return its path.

    The servers are started when they are needed first, and end with this process.
    """
    (folder / "bin").mkdir()
    (folder / "lib").symlink_to(Path(sys.prefix, "lib"))
    configuration = Path(sys.prefix, "pyvenv.cfg")
    (folder / "pyvenv.cfg").write_text(configuration.read_text() if configuration.exists() else f"home = {sysconfig.get_path('scripts')}\n")
    (folder / "owner").write_text(str(os.getpid()))
    variables = {**child_processes.environment(), "OMP_NUM_THREADS": "1"}
    (folder / "surroundings.json").write_text(json.dumps(warm_client.surroundings(variables)))
    program = folder / "bin" / "python"
    emotui = folder / "bin" / "emotui"
    program.write_text(_CLIENT.format(python=sys.executable, here=str(Path(__file__).parent), folder=str(folder)))
    emotui.write_text(_COMMAND.format(program=shlex.quote(str(program))))
    for path in (program, emotui):
        path.chmod(0o700)
    return str(program)

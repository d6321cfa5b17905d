"""The `emotui` command: starts the application in a terminal, or runs the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main() -> int:
    """Run the command line of this process and return its exit code."""
    from ..core import standard_streams
    from ..core.cli import INTERRUPTED
    from ..core.cli import main as command_line

    standard_streams.prepare()
    arguments = sys.argv[1:]
    try:
        if sys.stdin.isatty() and sys.stderr.isatty():
            if opens_application(arguments):
                return _application(arguments)
            if opens_queue(arguments):
                return _queue(arguments)
        return command_line(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def opens_queue(arguments: Sequence[str]) -> bool:
    """Whether the arguments open the label queue, and do not ask for its figures or its help."""
    return arguments[:1] == ["label"] and not {"--json", "--help", "-h"} & set(arguments)


def _queue(arguments: Sequence[str]) -> int:
    from ..core import crash, paths
    from ..core.cli import build_parser
    from ..core.cli.label import begin
    from ..core.errors import UserError
    from ..core.safe_text import safe_text

    try:
        given = build_parser("label").parse_args(arguments)
        paths.make_private(paths.home())
        spec = begin(given)
        os.environ.setdefault("TEXTUAL_FPS", "120")
        from .app import run

        return run(model=given.model, offline=given.offline, to_label=spec)
    except UserError as error:
        sys.stderr.write(f"emotui: {safe_text(str(error))}\n")
        return error.exit_code
    except Exception as error:  # the top of the process: a user sees a sentence, not a traceback
        sys.stderr.write(f"emotui: {crash.sentence(error, crash.record(error))}\n")
        return 1


def _application(arguments: Sequence[str]) -> int:
    from ..core import crash, paths
    from ..core.cli import options
    from ..core.errors import UserError
    from ..core.safe_text import safe_text

    try:
        given = options.opening().parse_args(arguments)
        paths.make_private(paths.home())
        # The most frames per second, which limits how fast keys that take two frames are answered. Textual's default is 60.
        os.environ.setdefault("TEXTUAL_FPS", "120")  # read when it is imported
        from .app import run

        return run(given.dataset, model=given.model, offline=given.offline, ascii_only=given.ascii)
    except UserError as error:
        sys.stderr.write(f"emotui: {safe_text(str(error))}\n")
        return error.exit_code
    except Exception as error:  # the top of the process: a user sees a sentence, not a traceback
        sys.stderr.write(f"emotui: {crash.sentence(error, crash.record(error))}\n")
        return 1


def opens_application(arguments: Sequence[str]) -> bool:
    """Whether the arguments open the application: none, a data set, or options of opening one."""
    from ..core.cli import COMMANDS, names_data_set

    if not arguments:
        return True
    first = arguments[0]
    if first.startswith("-"):
        return first.partition("=")[0] in ("--model", "--offline", "--ascii")
    return first not in COMMANDS and names_data_set(first)


if __name__ == "__main__":
    sys.exit(main())

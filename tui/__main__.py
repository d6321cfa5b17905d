"""The emotui command: the application where a person sits, the command line elsewhere."""

from __future__ import annotations

import sys


def main() -> int:
    """Carry out the command line of this process and return its exit code."""
    from ..core.cli import COMMANDS, names_data_set
    from ..core.cli import main as command_line

    arguments = sys.argv[1:]
    wanted = not arguments or (len(arguments) == 1 and arguments[0] not in COMMANDS and names_data_set(arguments[0]))
    if wanted and sys.stdin.isatty() and sys.stderr.isatty():
        from importlib import import_module
        from importlib.util import find_spec

        if find_spec(f"{__package__}.app") is not None:
            return import_module(".app", __package__).run(arguments[0] if arguments else None)
    return command_line(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""The emotui command: the application where a person sits, the command line elsewhere."""

from __future__ import annotations

import sys


def main() -> int:
    """Carry out the command line of this process and return its exit code."""
    from ..core.cli import COMMANDS, names_data_set
    from ..core.cli import main as command_line
    from ..core.safe_text import safe_text

    arguments = sys.argv[1:]
    wanted = not arguments or (len(arguments) == 1 and arguments[0] not in COMMANDS and names_data_set(arguments[0]))
    if wanted and sys.stdin.isatty() and sys.stderr.isatty():
        from ..core.errors import UserError
        from .app import run

        try:
            return run(arguments[0] if arguments else None)
        except UserError as error:
            sys.stderr.write(f"emotui: {safe_text(str(error))}\n")
            return error.exit_code
    return command_line(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""The command line: results go to stdout, messages to stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .. import crash, standard_streams
from ..errors import UserError
from ..safe_text import safe_line
from ..shell import quote
from . import options
from .options import COMMANDS
from .output import Output

INTERRUPTED = 130


def build_parser(command: str | None = None) -> options.Parser:
    """Return the parser. With `command` it knows that command and those of its module, with their options; without, all by name only.

    Importing every command for its options would take time at each start.
    """
    parser = options.Parser(
        prog="emotui",
        description="Teach a Transformer to classify text: look at the data, the tokens, the training and the errors.",
        epilog="exit codes: 0 done, 1 the run or the check failed, 2 bad input, 130 interrupted\n\n"
        "without a COMMAND: emotui [DATASET] [--model M] [--offline] [--ascii] opens the application\n\n"
        "examples:\n  emotui train starter\n  emotui predict last 'What a day!'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", parser_class=options.Parser)
    if command is None:
        for name, (_, summary) in COMMANDS.items():
            commands.add_parser(name, help=summary)
    else:
        import_module(f".{COMMANDS[command][0]}", __package__).add(commands)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 success, 1 the run or check failed, 2 bad input, 130 interrupted."""
    standard_streams.prepare()
    output = Output()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)
    try:
        code = _carry_out(list(argv), output)
        output.flush()
        return code
    except UserError as error:
        return _failed(output, argv, str(error), error.exit_code)
    except KeyboardInterrupt:
        output.message("interrupted")
        return INTERRUPTED
    except OSError as error:
        where = f" ({safe_line(str(error.filename))})" if error.filename else ""
        return _failed(output, argv, f"the system refused: {error.strerror or error}{where}", 1)
    except MemoryError:
        return _failed(output, argv, "memory ran out. Free some, or raise the limit of ulimit -v", 1)
    except Exception as error:  # last resort: users see a sentence, not a traceback
        return _failed(output, argv, crash.sentence(error, crash.record(error)), 1)
    finally:
        standard_streams.abandon(sys.stdout)


def _carry_out(argv: list[str], output: Output) -> int:
    for position, argument in enumerate(argv, 1):
        if not _is_unicode(argument):
            encoding = sys.getfilesystemencoding()
            remedy = "Convert the text or rename the file" if encoding == "utf-8" else "Set PYTHONUTF8=1 or another locale"
            raise UserError(f"argument {position} is not valid {encoding.upper()}: {safe_line(argument, 60)}", remedy)
    word = argv[0] if argv and not argv[0].startswith("-") else None
    if argv and argv[0].partition("=")[0] in ("--model", "--offline", "--ascii"):
        raise UserError("the application needs a terminal", "Without one, give a command first: emotui --help")
    if word is not None and word not in COMMANDS:
        raise UserError(_unknown(word))
    parser = build_parser(word)
    try:
        arguments = parser.parse_args(argv)
    except options.HelpAsked as asked:
        output.text(asked.text)
        return 0
    if arguments.version:
        from importlib.metadata import version

        output.line(f"emotui {version('emotui')}")
        return 0
    if arguments.command is None:
        output.text(parser.format_help())
        return 0
    return arguments.carry_out(arguments, output)


def _leave(number: int, _: object) -> NoReturn:
    """End the process by an exception on a signal, so that every `finally` block runs."""
    raise SystemExit(128 + number)


def _unknown(word: str) -> str:
    import difflib

    shown = safe_line(word, 60)
    near = difflib.get_close_matches(word, COMMANDS, 1)
    if near:
        return f"there is no command {shown!r}. Did you mean: emotui {near[0]}"
    if names_data_set(word):
        return f"opening {shown} needs a terminal. Without one: emotui data {quote(word)}"
    return f"there is no command and no data set {shown!r}. To see all commands: emotui --help"


def names_data_set(word: str) -> bool:
    """Whether a word that is not the name of a command is meant as a DATASET."""
    return word == "starter" or word.startswith(("ms:", "hf:")) or os.path.exists(word)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _failed(output: Output, argv: Sequence[str], sentence: str, code: int) -> int:
    if "--debug" in argv:
        error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
        if error is not None:
            output.stderr.write(crash.described(error))
    output.message(f"emotui: {sentence}")
    return code

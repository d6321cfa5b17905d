"""The command line's parser and the options that several commands share."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable
from typing import Any, NoReturn

from .. import hyperparameters
from ..errors import UserError
from ..runs.rungs import NEW
from ..safe_text import safe_line
from ..sentences import option
from ..specs import MOST_SKIPPED

COMMANDS = {
    "data": ("data", "describe a data set: splits, classes, lengths, problems"),
    "check": ("data", "look for problems that make a result wrong"),
    "overlay": ("overlay", "show, export or undo labels changed and rows left out by hand"),
    "label": ("label", "label the texts of a file one by one, the most useful first"),
    "tokens": ("tokens", "show the tokens of a text: characters, words and the model's subwords"),
    "baseline": ("train", "measure baselines that need no training of a Transformer"),
    "train": ("train", "fine-tune an encoder on a data set"),
    "evaluate": ("predict", "evaluate a run on a split, with intervals and its worst rows"),
    "errors": ("errors", "see a run's errors: classes, slices, calibration, another run"),
    "why": ("why", "explain a prediction: words, nearest training rows, attention"),
    "behaviour": ("behaviour", "test how typos, case, names and negation change a run's answers"),
    "cases": ("cases", "check saved sentences against their expected labels"),
    "compare": ("compare", "compare runs: curves, settings, metrics, a paired test, cost"),
    "report": ("report", "write a run's report: one page of HTML, and Markdown"),
    "predict": ("predict", "classify texts, a file or stdin with a run"),
    "runs": ("runs", "list every run, the newest first"),
    "show": ("runs", "show one run: its state, its settings and its scores"),
    "watch": ("runs", "follow a run until it ends"),
    "stop": ("runs", "save a run and stop it"),
    "resume": ("runs", "resume a run that was stopped or lost"),
    "export": ("runs", "write a run's model to a folder that transformers loads"),
    "download": ("machine", "fetch a data set or a model from a hub"),
    "cache": ("cache", "show the hidden states that are kept, or remove them"),
    "doctor": ("machine", "check this machine: versions, devices, what is missing"),
}
"""The module and summary of each subcommand, in the order of a first session."""

DATASET_HELP = "starter, a folder with train, validation and test files, one file, ms:OWNER/NAME or hf:OWNER/NAME"
MODEL_HELP = "starter, a folder, ms:OWNER/NAME or hf:OWNER/NAME (default: starter)"
RUN_HELP = "a run's id, a prefix of it that no other run has, or last"
_RUNGS = f"{', '.join(NEW[:-1])} or {NEW[-1]}"
RUNG_HELP = f"{RUN_HELP}; of a baseline also RUN:RUNG with {_RUNGS} (default: the best)"


class HelpAsked(Exception):  # noqa: N818 - no error: --help was given
    """Raised for --help, with the text of the help."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Parser(argparse.ArgumentParser):
    """Raises UserError where argparse would print its usage and exit, and accepts options between the words of a subcommand."""

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Parse as argparse does, but allow options between RUN and TEXT, and let a subcommand report its own unknown arguments."""
        if self._subparsers is not None or self._mixing:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            parsed, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Return an action's value; keep '--' in --out=-- and after a first '--', where argparse would drop it."""
        if action.nargs is None and set(arg_strings) == {"--"}:
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def print_help(self, file: Any = None) -> NoReturn:  # noqa: ARG002 - argparse's own signature
        """Raise HelpAsked: argparse would ignore a stdout that cannot be written."""
        raise HelpAsked(self.format_help())

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{safe_line(message)}", f"For usage: {self.prog} --help")


def opening() -> Parser:
    """Return the parser of the application's own arguments, without a subcommand."""
    parser = Parser(prog="emotui", add_help=False, allow_abbrev=False)
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help=DATASET_HELP)
    parser.add_argument("--model", metavar="M", default="starter", help=MODEL_HELP)
    parser.add_argument("--offline", action="store_true", help="open no network connection")
    parser.add_argument("--ascii", action="store_true", help="draw in ASCII (default: where the locale has no Unicode)")
    return parser


def command(commands: Any, name: str, run: Any, *, description: str, examples: list[str]) -> Parser:
    """Add the subcommand `name`; `run(arguments, output)` runs it and returns an exit code."""
    shown = "\n".join(f"  {each}" for each in examples)
    parser: Parser = commands.add_parser(
        name,
        help=COMMANDS[name][1],
        description=textwrap.fill(description, 90),
        epilog=f"example{'s' if len(examples) > 1 else ''}:\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout instead of text")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(carry_out=run)
    return parser


def add_data(parser: Parser) -> None:
    """Add DATASET and the options of how it is read."""
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help=DATASET_HELP)
    add_data_options(parser, "DATASET")


def add_data_options(parser: Parser, dataset: str) -> None:
    """Add the options of how the data set named by the argument `dataset` is read, and --offline."""
    group = parser.add_argument_group("how the data is read")
    for split in ("train", "validation", "test"):
        group.add_argument(f"--{split}", metavar="FILE", help=f"the file of the {split} split, in {dataset} or anywhere")
    group.add_argument("--text-column", metavar="NAME", help="the column of the texts (default: guessed)")
    group.add_argument("--label-column", metavar="NAME", help="the column of the labels (default: guessed)")
    group.add_argument(
        "--labels", metavar="A,B,C", type=label_names, default=(), help="names of integer labels, in ascending order of the integers"
    )
    group.add_argument("--fold-case", action="store_true", help="join label names that differ only by case")
    group.add_argument("--skip-bad-rows", action="store_true", help="skip rows that cannot be used, and report how many")
    add_reading(group)
    group.add_argument("--split-seed", metavar="N", type=natural, default=0, help="seed of the 80/10/10 split of one file (default: 0)")
    group.add_argument(
        "--overlay",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="apply the labels changed and rows left out by hand (default: yes, with a note)",
    )
    group.add_argument("--offline", action="store_true", help="use only what has been downloaded; open no network connection")


def add_reading(group: Any) -> None:
    """Add the options that replace guesses about a file's format: --encoding, --delimiter and others."""
    group.add_argument(
        "--encoding", metavar="NAME", help="encoding of text files, such as utf-8, cp1252, gb18030 or big5 (default: guessed)"
    )
    group.add_argument(
        "--delimiter",
        metavar="D",
        type=delimiter,
        help="between the fields of a line: comma, tab, semicolon, bar, any character, or none where a line is one text (default: guessed)",
    )
    group.add_argument(
        "--skip-lines",
        metavar="N",
        type=_typed(hyperparameters.Whole(0, MOST_SKIPPED)),
        help="lines to skip above the header, or above the first row (default: guessed)",
    )
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line names the columns; without it they are called 1, 2 and so on (default: guessed)",
    )
    group.add_argument(
        "--quotes",
        action=argparse.BooleanOptionalAction,
        help="whether quotes enclose fields or are part of the texts (default: guessed)",
    )


def add_model(parser: Parser) -> None:
    parser.add_argument("--model", metavar="M", default="starter", help=MODEL_HELP)


def add_hyperparameters(parser: Parser, spec: type) -> None:
    """Add an option for each hyper-parameter of a spec, named after its field."""
    defaults = hyperparameters.defaults(spec)
    for name, row in hyperparameters.rows(spec).items():
        default = row.unset if defaults[name] is None else hyperparameters.shown(defaults[name])
        words: dict[str, Any] = {"dest": name, "default": defaults[name], "help": f"{row.help} (default: {default})"}
        if isinstance(row.kind, hyperparameters.OneOf):
            parser.add_argument(option(name), choices=row.kind.words, **words)
        else:
            parser.add_argument(option(name), metavar=row.kind.metavar, type=_typed(row.kind), **words)


def hyperparameters_of(arguments: argparse.Namespace, spec: type) -> dict[str, Any]:
    """Return the values of a spec's hyper-parameters by the names of their fields."""
    return {name: getattr(arguments, name) for name in hyperparameters.rows(spec)}


def add_detach(parser: Parser) -> None:
    """Add --detach and --scope."""
    parser.add_argument("--detach", action="store_true", help="print the run's id and exit; the run continues without a terminal")
    parser.add_argument("--scope", action="store_true", help="start it with systemd-run, so that logind does not end it at logout")


def add_run(parser: Parser, *, rungs: bool = False) -> None:
    """Add RUN; with `rungs` it may also name a rung of a baseline."""
    parser.add_argument("run", metavar="RUN", help=RUNG_HELP if rungs else RUN_HELP)


def label_names(text: str) -> tuple[str, ...]:
    """Parse 'a,b,c' as label names."""
    names = tuple(name.strip() for name in text.split(","))
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{safe_line(text, 60)!r} must be two or more different names with commas between them")
    return names


def share(text: str) -> float:
    """Parse a share from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{safe_line(text, 40)!r} must be a share from 0 to 1, such as 0.8")
    return value


def delimiter(text: str) -> str:
    """Parse the name of a delimiter, or one character."""
    from ..data import reading_words

    try:
        return reading_words.delimiter(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """Parse a whole number of 1 or more."""
    return _typed(hyperparameters.Whole(1))(text)


def natural(text: str) -> int:
    """Parse a whole number of 0 or more."""
    return _typed(hyperparameters.Whole(0))(text)


def _typed(kind: hyperparameters.Kind) -> Callable[[str], Any]:
    """Return a function that parses values of this kind for argparse."""

    def parse(text: str) -> Any:
        try:
            return kind.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse

"""Chooses the columns of the texts and the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from . import reading_words
from .faults import shown
from .rows import Sample

TEXT_NAMES = (
    "text",
    "texts",
    "sentence",
    "content",
    "tweet",
    "review",
    "comment",
    "message",
    "utterance",
    "document",
    "body",
    "post",
    "query",
)
TEXT_COLUMN, LABEL_COLUMN = Setting("text_column"), Setting("label_column")
ANSWER = "answer"
"""Prodigy's column of its user's verdict on a row."""
REFUSED = ("reject", "ignore")
LABEL_NAMES = ("label", "labels", "class", "category", "target", "emotion", "sentiment", "intent", "topic", "cats")


_PLAIN = "Write each row with a field for its text and one for its label"


def choose(sample: Sample, file: str, text_column: str | None, label_column: str | None) -> tuple[str, str, list[Words]]:
    """Return the text column, the label column and notes on what was guessed.

    Raises UserError where a named column is not there, or where it is not clear which one is meant.
    """
    if text_column is not None:
        text_column = named(sample, file, text_column, TEXT_COLUMN)
    if label_column is not None:
        label_column = named(sample, file, label_column, LABEL_COLUMN)
    if text_column is not None and text_column == label_column:
        raise UserError(
            f"the column {shown(text_column)} cannot be both text and label",
            phrase("Name two columns with ", TEXT_COLUMN, " and ", LABEL_COLUMN),
        )
    text = text_column if text_column is not None else _guess(sample, TEXT_NAMES, _looks_like_text, {label_column})
    label = label_column if label_column is not None else _guess(sample, LABEL_NAMES, _looks_like_labels, {text}) or _names(sample, text)
    if label is None:
        _check_one_hot(sample, file, text)
    if (text is None or label is None) and len(sample.columns) == 1:
        raise _one_column(sample, file)
    if text is None or label is None:
        what = "the texts and which the labels" if text is None and label is None else "the texts" if text is None else "the labels"
        plain = [name for name, values in sample.columns.items() if name != "id" and not _content(values)]
        raise UserError(
            f"it is not clear which column of {safe_line(file, 80)} holds {what}: its columns are {listed(sample)}",
            phrase("Name them with ", TEXT_COLUMN, " and ", LABEL_COLUMN) if len(plain) > 1 else _PLAIN,
        )
    for column, setting in ((text, TEXT_COLUMN), (label, LABEL_COLUMN)):
        named(sample, file, column, setting)
    notes: list[Words] = []
    if text_column is None and text != "text":
        notes.append(phrase(f"using the column {shown(text)} as text (", TEXT_COLUMN, " chooses another)"))
    if label_column is None and label != "label":
        notes.append(phrase(f"using the column {shown(label)} as label (", LABEL_COLUMN, " chooses another)"))
    return text, label, notes


def _check_one_hot(sample: Sample, file: str, text: str | None) -> None:
    """Raise UserError where several columns hold 0 and 1 alone, with a single 1 in each row or several."""
    bits = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "true": 1, "false": 0}
    marks = {
        column: [bits.get(str(value).strip().lower(), -1) for value in values]
        for column, values in sample.columns.items()
        if column not in (text, "id") and values
    }
    classes = {column: values for column, values in marks.items() if min(values) >= 0 and len(values) == len(next(iter(marks.values())))}
    if len(classes) < 2:
        return
    names = safe_line(", ".join(list(classes)[:20]), 120)
    sums = {sum(row) for row in zip(*classes.values(), strict=True)}
    if sums == {1}:
        listed = safe_line(repr(list(classes)), 200)
        raise UserError(
            f"{safe_line(file, 80)} has a column for each class ({names}) with a single 1 in each row",
            phrase(
                f"Make one column of labels from them, in pandas: df['label'] = df[{listed}].idxmax(axis=1), ",
                "or choose one class with ",
                LABEL_COLUMN,
            ),
        )
    if max(sums) > 1:
        raise UserError(
            f"{safe_line(file, 80)} has several columns of 0 and 1 ({names}), and rows with more than one 1: several labels for one text "
            "(multi-label) are not supported yet",
            phrase("Choose one class with ", LABEL_COLUMN),
        )


def text_column(sample: Sample) -> str | None:
    """Return the column that holds the texts where that is clear."""
    return _guess(sample, TEXT_NAMES, _looks_like_text, set())


def named(sample: Sample, file: str, asked: str, setting: Setting) -> str:
    """Return the column that is called, or else numbered, `asked`. Raises UserError where the file has none, or several of the name."""
    if asked in sample.repeated:
        raise UserError(
            f"{safe_line(file, 80)}: the header names the column {shown(asked)} twice",
            phrase("Choose one by its number with ", setting, ", 1 for the first"),
        )
    if asked in sample.columns:
        return asked
    if asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= len(sample.columns):
        return list(sample.columns)[int(asked) - 1]
    raise UserError(
        f"{safe_line(file, 80)} has no column {shown(asked)}: its columns are {listed(sample)}", phrase("Name one of them with ", setting)
    )


def check_shared(sample: Sample, file: str, column: str, what: str) -> None:
    """Raise UserError where a file of a data set lacks the column in which another one has `what`, the texts or the labels."""
    if column in sample.repeated:
        named(sample, file, column, TEXT_COLUMN if what == "texts" else LABEL_COLUMN)
    if column not in sample.columns:
        has = f"{safe_line(file, 80)} has no column {shown(column)}: its columns are {listed(sample)}"
        raise UserError(has, f"Give the {what} the same name in every file")


def listed(sample: Sample) -> str:
    """Return the names of the columns, with the content of those that can be neither text nor label."""
    names = (f"{name}{_content(values)}" for name, values in islice(sample.columns.items(), 100))
    return safe_line(", ".join(names), 200) or "none"


def _content(values: list[object]) -> str:
    filled = [value for value in values if value is not None]
    for kind, words in ((list, "lists"), (dict, "objects")):
        if filled and all(isinstance(value, kind) for value in filled):
            return f" ({words})"
    return ""


def _one_column(sample: Sample, file: str) -> UserError:
    """Return the error about a file of a single column."""
    ((name, values),) = sample.columns.items()
    where = f"{safe_line(file, 80)} has only one column, {shown(name)}{_content(values)}; texts and labels need two"
    if sample.typed:
        return UserError(where, _PLAIN)
    character = _probable_delimiter([*([] if name == "1" else [name]), *(str(value) for value in values)])
    if not character:
        return UserError(
            where, phrase("Name the character between its fields with ", Setting("delimiter"), ", or write a label into each row")
        )
    such = Setting("delimiter", reading_words.delimiter_name(character))
    return UserError(where, phrase("Name the character between its fields with ", such))


def _probable_delimiter(lines: list[str]) -> str:
    """Return the most probable delimiter of lines that were read as one field each; '' where there is none.

    It is no letter, digit, space, full stop, hyphen, quote or apostrophe, and nine lines of ten have as many of it, one or more.
    """
    filled = [line for line in lines if line]
    for character in dict.fromkeys(filled[0]) if len(filled) > 1 else ():
        number, having = Counter(line.count(character) for line in filled).most_common(1)[0]
        if number and having >= 0.9 * len(filled) and not character.isalnum() and character not in " _.-\"'’":
            return character
    return ""


def _guess(sample: Sample, names: tuple[str, ...], fits: Callable[[list[object]], bool], taken: set[str | None]) -> str | None:
    """Return the column called by the first of `names`, else the only one called by another, else the only one that fits."""
    free = [column for column in sample.columns if column not in taken and not is_verdict(column, sample.columns[column])]
    if names[0] in free:
        return names[0]
    known = [column for column in free if column.strip().lower() in names]
    fitting = known or [column for column in free if fits(sample.columns[column])]
    return fitting[0] if len(fitting) == 1 else None


def _names(sample: Sample, text: str | None) -> str | None:
    """Return the column of names where two columns alone look like labels, and each integer of the one has its name in the other."""
    fitting = [name for name, values in sample.columns.items() if name != text and _looks_like_labels(values)]
    if len(fitting) != 2:
        return None
    names, numbers = sorted((sample.columns[name] for name in fitting), key=_are_numbers)
    pairs = {(str(name), str(number)) for name, number in zip(names, numbers, strict=True) if name is not None and number is not None}
    is_one_to_one = len(pairs) == len({name for name, _ in pairs}) == len({number for _, number in pairs})
    if not is_one_to_one or _are_numbers(names) or not _are_numbers(numbers):
        return None
    return next(name for name in fitting if sample.columns[name] is names)


def _are_numbers(values: list[object]) -> bool:
    filled = [value for value in values if value is not None and value != ""]
    return all(isinstance(value, int) or (isinstance(value, str) and value.strip().lstrip("+-").isdecimal()) for value in filled)


def is_verdict(column: str, values: list[object]) -> bool:
    """Return whether a column is Prodigy's verdicts, which are neither text nor label."""
    return column == ANSWER and set(map(str, values)) <= {"accept", *REFUSED}


def _looks_like_text(values: list[object]) -> bool:
    """Two words or more in most values, which are mostly different."""
    texts = [value for value in values if isinstance(value, str)]
    several = sum(len(text.split()) > 1 for text in texts)
    return 2 * len(texts) > len(values) and 2 * several > len(texts) and 2 * len(set(texts)) > len(texts)


def _looks_like_labels(values: list[object]) -> bool:
    """Few different short values, texts or integers."""
    labels = [value for value in values if isinstance(value, str | int)]
    short = all(len(str(label)) <= 40 for label in labels)
    return 2 * len(labels) > len(values) and short and 1 < len(set(labels)) <= max(2, len(labels) // 2)

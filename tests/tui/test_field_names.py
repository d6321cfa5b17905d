"""What is told of a setting: the command line says the option, the application the field."""

from __future__ import annotations

from pathlib import Path

import pytest
from emotui.core import hyperparameters
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.sentences import Setting, Words, phrase
from emotui.core.specs import BaselineSpec, DataSpec, Reading, TrainSpec
from emotui.tui.field_names import by_fields


def test_each_field_of_the_form_is_named_as_it_is_there() -> None:
    for spec in (TrainSpec, BaselineSpec):
        for name, row in hyperparameters.rows(spec).items():
            told = phrase(Setting(name), " is wrong")
            if row.in_form:
                assert by_fields(told) == f"the field '{row.title}' is wrong"


@pytest.mark.parametrize(
    ("told", "typed", "shown"),
    [
        (
            phrase("Name it with ", Setting("text_column"), ", or ", Setting("labels", example="a,b,c")),
            "Name it with --text-column, or --labels a,b,c",
            "Name it with the field 'text column', or the field 'label names'",
        ),
        (
            phrase(Setting("max_length", 1000), " is out of range"),
            "--max-length 1000 is out of range",
            "1000 in the field 'cut at' is out of range",
        ),
        (phrase(Setting("skip", 0), " reads them"), "--skip-lines 0 reads them", "skip=0 in the field 'read as' reads them"),
        (phrase("such as ", Setting("delimiter", "tab")), "such as --delimiter tab", "such as delimiter=tab in the field 'read as'"),
        (
            phrase("with ", Setting("header", False), " or ", Setting("quotes", True)),
            "with --no-header or --quotes",
            "with header=no in the field 'read as' or quotes=yes in the field 'read as'",
        ),
        (phrase(Setting("train", example="FILE"), " names it"), "--train FILE names it", "the field 'train file' names it"),
        (
            phrase(Setting("overlay", False), " reads the source alone"),
            "--no-overlay reads the source alone",
            "the command line's --no-overlay reads the source alone",
        ),
        (phrase("Try: emotui evaluate RUN --file FILE"), "Try: emotui evaluate RUN --file FILE", "Try: emotui evaluate RUN --file FILE"),
        ("nothing of the kind -- here", "nothing of the kind -- here", "nothing of the kind -- here"),
    ],
)
def test_the_command_line_says_the_option_and_the_application_the_field(told: Words, typed: str, shown: str) -> None:
    assert (str(told), by_fields(told)) == (typed, shown)


@pytest.mark.parametrize(
    ("content", "spec", "typed", "shown"),
    [
        (
            "a,b\nx y,1\nx z,2\n",
            {"text_column": "c"},
            "Name one of them with --text-column",
            "Name one of them with the field 'text column'",
        ),
        (
            "text\tlabel\n" + "\n".join(f'"row {at},a' for at in range(9)),
            {"reading": Reading(quotes=True, delimiter="\t")},
            "or read quotes as characters with --no-quotes",
            "or read quotes as characters with quotes=no in the field 'read as'",
        ),
        (
            "text,label\nrow one,a\nrow two,b\n,a\n" + "".join(f"row {at},{'ab'[at % 2]}\n" for at in range(40)),
            {},
            "row 3 (line 4): the text is empty. Correct it, or skip such rows with --skip-bad-rows (1 of 43 rows)",
            "row 3 (line 4): the text is empty. Correct it, or skip such rows with the field 'bad rows' (1 of 43 rows)",
        ),
        (
            "text,label\n" + "".join(f"row {at},a\n" for at in range(40)),
            {},
            "is it the right column? Name one with --label-column",
            "is it the right column? Name one with the field 'label column'",
        ),
        (
            "text,label\n" + "".join(f"row {at},{('joy', 'Joy')[at % 2]}\n" for at in range(40)),
            {},
            "differ only by case. Join them with --fold-case",
            "differ only by case. Join them with the command line's --fold-case",
        ),
    ],
)
def test_an_error_of_reading_data_names_its_setting_in_both(
    tmp_path: Path, content: str, spec: dict[str, str | Reading], typed: str, shown: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(UserError) as caught:
        sources.load(DataSpec(str(path), **spec))  # pyright: ignore[reportArgumentType] fields by name
    error = caught.value
    assert str(error).endswith(typed) and by_fields(error).endswith(shown)
    assert error.settings
    assert str(error).startswith(str(error.problem)) and str(error).endswith(str(error.remedy)) and error.remedy

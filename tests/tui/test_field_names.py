"""What the core says of the command line's options, in an application that has fields."""

from __future__ import annotations

import pytest
from emotui.core import hyperparameters
from emotui.core.specs import BaselineSpec, TrainSpec
from emotui.tui.field_names import in_fields


def test_each_field_of_the_form_is_named_as_it_is_there() -> None:
    for spec in (TrainSpec, BaselineSpec):
        for row in hyperparameters.rows(spec).values():
            if row.in_form:
                assert in_fields(f"{row.option} is wrong") == f"the field '{row.title}' is wrong"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Name it with --text-column, or --labels a,b,c", "Name it with the field 'text column', or the field 'label names'"),
        (
            "--max-length 1000 is out of range: 3 to 512",
            "1000 in the field 'cut at' is out of range: 3 to 512",
        ),
        ("--label-smoothing 2 is too much", "2 in the field 'smoothing' is too much"),
        (
            "Try: emotui evaluate RUN --file FILE; or choose --layer 2",
            "Try: emotui evaluate RUN --file FILE; or choose 2 in the field 'layer'",
        ),
        ("measure another (emotui evaluate last --split validation)", "measure another (emotui evaluate last --split validation)"),
        ("--skip-lines 0 reads them", "skip=0 in the field 'read as' reads them"),
        ("--no-overlay reads the source alone", "--no-overlay reads the source alone"),
        ("nothing of the kind -- here", "nothing of the kind -- here"),
    ],
)
def test_options_are_fields_but_for_commands(said: str, shown: str) -> None:
    assert in_fields(said) == shown

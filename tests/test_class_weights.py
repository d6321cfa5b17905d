"""Class weights are read as they are written, and mean what scikit-learn means by balanced."""

from __future__ import annotations

import numpy as np
import pytest
from emotui.core import class_weights
from emotui.core.errors import UserError
from sklearn.utils.class_weight import compute_class_weight


def test_weights_are_read_by_label_whatever_stands_in_one() -> None:
    assert class_weights.parse("A=1,B=2.5") == {"A": 1.0, "B": 2.5}
    assert class_weights.parse("a=b=2,c, d=3") == {"a=b": 2.0, "c, d": 3.0}


@pytest.mark.parametrize("text", ["", "a", "a=", "=1", "a=x", "a=-1", "a=nan", "a=inf", "a=1,a=2", "a=1,b", "a=1e9"])
def test_what_is_no_weight_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        class_weights.parse(text)


def test_balanced_is_that_of_scikit_learn_over_the_classes_that_have_rows() -> None:
    truth = np.repeat([0, 1, 3], [7, 2, 11])
    found = class_weights.resolve("balanced", "abcd", [7, 2, 0, 11])
    assert found is not None
    assert [found[0], found[1], found[3]] == pytest.approx(compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=truth))


def test_labels_that_are_not_there_and_weights_of_nothing_are_refused() -> None:
    with pytest.raises(UserError, match="there is no label 'c'"):
        class_weights.resolve("c=1", "ab", [1, 1])
    with pytest.raises(UserError, match="weight 0"):
        class_weights.resolve("a=0", "ab", [3, 0])


def test_balanced_is_named_where_the_classes_are_unequal() -> None:
    assert "3.0 times" in str(class_weights.advice("none", [30, 10, 0]))
    assert class_weights.advice("none", [14, 10]) == ""
    assert class_weights.advice("balanced", [30, 10]) == ""

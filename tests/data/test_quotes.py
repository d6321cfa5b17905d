"""Files that a csv writer wrote are read back as they were, however many delimiters and quotes are in their texts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from emotui.core.data import readers

TEXTS = {
    "one comma in most": ["so, number {}", "so, number {}", "number {}"],
    "one comma in all": ["so, number {}"],
    "commas and quotes": ['he said "no, {}"', "well, {}, well", "plain {}"],
    "two commas in most": ["a, b, {}", "a, b, {}", "number {}", "x, {}"],
    "line ends and commas": ["a,\nb {}", "a, b {}"],
}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("kind", TEXTS)
def test_what_was_written_is_read(kind: str, quoting: int, delimiter: str, tmp_path: Path) -> None:
    texts = [text.format(number).replace(",", delimiter.strip() or ",") for number, text in enumerate(TEXTS[kind] * 30)]
    written = [(text, f"class-{number % 3}") for number, text in enumerate(texts)]
    path = tmp_path / ("all.tsv" if delimiter == "\t" else "all.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows([("text", "label"), *written])  # type: ignore[arg-type]
    opened = readers.open_file(path)
    assert [row.values for row in readers.rows(opened, ["text", "label"])] == written

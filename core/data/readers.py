"""Reads the two columns of one file, every row checked, with row numbers for messages."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ..errors import UserError
from ..safe_text import safe_line
from .faults import Faults, shown

Progress = Callable[[str, int, int | None], None]

BLOCK = 1 << 20
"""Bytes read at once."""
LONGEST_ROW = 1 << 26
"""Bytes of one row, at most: what has no line end is no table of texts."""
LARGEST_LABEL = 2**31 - 1
SAMPLE = 200
"""Rows looked at to choose the columns."""
ENDINGS = (".jsonl", ".jsonl.gz", ".csv", ".tsv", ".parquet")


class Sample(msgspec.Struct, frozen=True):
    """The first rows of a file: each column's values in at most SAMPLE rows."""

    columns: dict[str, list[object]]
    types: dict[str, str]
    """Each column's type in words."""


class Rows:
    """The sound rows of one file: texts in Arrow chunks; labels as read, integers or stripped texts."""

    def __init__(self, file: str, *, typed: bool, faults: Faults) -> None:
        self.file = file
        self.typed = typed
        """False for csv, where 3 may be an integer or a text."""
        self.texts: list[Any] = []
        self.words: list[int] = []
        """Whitespace-separated words of each text."""
        self.labels: list[int | str] = []
        self.numbers: list[int] = []
        self.lines: list[int] = []
        """Line of each row where that is not its number: csv only."""
        self._faults = faults

    def __len__(self) -> int:
        return len(self.labels)

    def place(self, index: int) -> str:
        return f"row {self.numbers[index]}" + (f" (line {self.lines[index]})" if self.lines else "")

    def add(self, texts: list[Any], labels: list[Any], numbers: Sequence[int], lines: Sequence[int] = ()) -> None:
        """Append rows; those that cannot be used go to the faults."""
        if not texts:
            return
        if not self._add_sound(texts, labels, numbers, lines):
            self._add_each(texts, labels, numbers, lines)

    def _add_sound(self, texts: list[Any], labels: list[Any], numbers: Sequence[int], lines: Sequence[int]) -> bool:
        """Append all rows at once if every one is sound, else none: the checks of `_fault`, a block at a time."""
        import pyarrow as pa

        if set(map(type, texts)) != {str} or not all(map(str.strip, texts)):
            return False
        kinds = set(map(type, labels))
        if not kinds <= {int, str}:
            return False
        if int in kinds and max(abs(label) for label in labels if type(label) is int) > LARGEST_LABEL:
            return False
        if str in kinds:
            labels = [label.strip() if type(label) is str else label for label in labels]
            if not all(label for label in labels if type(label) is str):
                return False
        try:
            chunk = pa.array(texts, pa.string())
            "".join(set(map(str, labels))).encode()
        except UnicodeEncodeError:
            return False
        self.texts.append(chunk)
        self.words.extend(map(len, map(str.split, texts)))
        self.labels.extend(labels)
        self.numbers.extend(numbers)
        self.lines.extend(lines)
        return True

    def _add_each(self, texts: list[Any], labels: list[Any], numbers: Sequence[int], lines: Sequence[int]) -> None:
        sound: list[int] = []
        for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
            fault = _text_fault(text) or _label_fault(label)
            if fault:
                line = f" (line {lines[index]})" if lines else ""
                self._faults.bad(self.file, f"row {numbers[index]}{line}", fault)
            else:
                sound.append(index)
        if sound:
            self._add_sound(
                [texts[index] for index in sound],
                [_plain_label(labels[index]) for index in sound],
                [numbers[index] for index in sound],
                [lines[index] for index in sound] if lines else (),
            )


def _plain_label(label: Any) -> int | str:
    return ("false", "true")[label] if isinstance(label, bool) else label


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, bytes):
        return "bytes"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _text_fault(text: object) -> str:
    if text is msgspec.UNSET:
        return "there is no text"
    if text is None:
        return "the text is null"
    if isinstance(text, bytes):
        return "the text is not valid UTF-8"
    if not isinstance(text, str):
        return f"the text is {_kind(text)}, not text"
    if not text.strip():
        return "the text is empty"
    return "" if _is_unicode(text) else "the text is not valid UTF-8"


def _label_fault(label: object) -> str:
    if label is msgspec.UNSET:
        return "there is no label"
    if label is None:
        return "the label is null"
    if isinstance(label, bytes):
        return "the label is not valid UTF-8"
    if isinstance(label, str):
        if not label.strip():
            return "the label is empty"
        return "" if _is_unicode(label) else "the label is not valid UTF-8"
    if not isinstance(label, int):
        return (
            f"the label is {_kind(label)}"
            + (f" with a fraction ({label})" if isinstance(label, float) else "")
            + ", not an integer or a text"
        )
    return "" if abs(label) <= LARGEST_LABEL else f"the label {shown(label)} is out of range"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def sample(path: Path) -> Sample:
    """Return the columns of a file and its first rows. Raises UserError where it cannot be read or has no rows."""
    with _sentences(path):
        if _ending(path) == ".parquet":
            return _sample_parquet(path)
        rows = _sample_csv(path) if _ending(path) in (".csv", ".tsv") else _sample_json(path)
    columns: dict[str, list[object]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return Sample(columns, {name: _type_in_words(values) for name, values in columns.items()})


def read(path: Path, text_column: str, label_column: str, faults: Faults, progress: Progress | None = None) -> Rows:
    """Return the sound rows of a file; the others go to `faults`, which may raise UserError for the first."""
    rows = Rows(path.name, typed=_ending(path) not in (".csv", ".tsv"), faults=faults)
    with _sentences(path):
        match _ending(path):
            case ".parquet":
                _read_parquet(path, text_column, label_column, rows, progress)
            case ".csv" | ".tsv":
                _read_csv(path, text_column, label_column, rows, faults, progress)
            case _:
                _read_json(path, text_column, label_column, rows, faults, progress)
    return rows


def _ending(path: Path) -> str:
    """Return the known ending of a path, 'jsonl' for compressed lines too. Raises UserError for others."""
    name = path.name.lower()
    for ending in ENDINGS:
        if name.endswith(ending):
            return ending
    raise UserError(
        f"{safe_line(path.name, 80)} is in no format that is read here: convert it to {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    )


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what the libraries raise for an unreadable file into a UserError."""
    name = safe_line(path.name, 80)
    try:
        yield
    except gzip.BadGzipFile as error:
        raise UserError(f"{name} is not a whole gzip file: {error}. Fetch or compress it again") from error
    except zlib.error as error:
        raise UserError(f"{name} holds broken compressed data: {error}. Fetch or compress it again") from error
    except OSError as error:
        raise UserError(f"cannot read {name}: {safe_line(error.strerror or str(error), 200)}") from error


# --- JSON lines --------------------------------------------------------------------------------------------


def _sample_json(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    seen = 0
    try:
        for lines in _line_blocks(path, None):
            for line in lines:
                seen += bool(line.strip())
                try:
                    row = json.loads(line) if line.strip() else None
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict):
                    rows.append(row)
                if len(rows) == SAMPLE:
                    return rows
            if rows:
                return rows
    except EOFError:
        pass
    if rows:
        return rows
    if not seen and not _is_cut_gzip(path):
        raise UserError(f"{safe_line(path.name, 80)} is empty. Give a file with at least one row")
    # Nothing could be parsed: reading it properly names the row and the reason.
    _read_json(path, "text", "label", Rows(path.name, typed=True, faults=Faults(skip=False)), Faults(skip=False), None)
    raise UserError(f"{safe_line(path.name, 80)} holds no JSON objects: write one object a line")


def _is_cut_gzip(path: Path) -> bool:
    try:
        for _ in _line_blocks(path, None):
            pass
    except EOFError:
        return True
    return False


def _read_json(path: Path, text_column: str, label_column: str, rows: Rows, faults: Faults, progress: Progress | None) -> None:
    wanted = msgspec.defstruct(
        "Wanted",
        [("text", object, msgspec.UNSET), ("label", object, msgspec.UNSET)],
        rename={"text": text_column, "label": label_column},
    )
    decoder = msgspec.json.Decoder(wanted)
    number = 0
    try:
        for lines in _line_blocks(path, progress):
            found: list[Any] = []
            numbers: Sequence[int] = range(number + 1, number + len(lines) + 1)
            with suppress(ValueError, RecursionError):
                found = decoder.decode_lines(b"".join(lines))
            if len(found) != len(lines):
                found, numbers = _decode_each(lines, number, decoder, path.name, faults)
            rows.add([row.text for row in found], [row.label for row in found], numbers)
            number += len(lines)
    except EOFError as error:
        raise UserError(
            f"{safe_line(path.name, 80)} is cut off after row {number}: the compressed data ends too early. Fetch or compress it again"
        ) from error


def _decode_each(lines: list[bytes], before: int, decoder: Any, file: str, faults: Faults) -> tuple[list[Any], list[int]]:
    found: list[Any] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        try:
            found.append(decoder.decode(line))
            numbers.append(number)
        except UnicodeDecodeError:
            faults.bad(file, f"row {number}", "not valid UTF-8")
        except msgspec.ValidationError as error:
            faults.bad(file, f"row {number}", f"no JSON object with a text and a label ({safe_line(str(error), 80)})")
        except (msgspec.DecodeError, RecursionError) as error:
            try:
                line.decode()
            except UnicodeDecodeError:
                faults.bad(file, f"row {number}", "not valid UTF-8")
            else:
                faults.bad(file, f"row {number}", f"broken JSON ({safe_line(str(error), 80)})")
    return found, numbers


def _line_blocks(path: Path, progress: Progress | None) -> Iterator[list[bytes]]:
    """Yield the lines of a file, compressed or not, block by block. Raises EOFError after the last whole line of a cut gzip file."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        file: Any = gzip.GzipFile(fileobj=raw) if path.name.lower().endswith(".gz") else raw
        rest: list[bytes] = []
        waiting = 0
        first = True
        while block := file.read1(BLOCK):
            if first:
                block, first = _without_mark(block, path), False
            end = block.rfind(b"\n") + 1
            if end:
                yield io.BytesIO(b"".join(rest) + block[:end]).readlines()
                rest, waiting = [], 0
            rest.append(block[end:])
            waiting += len(block) - end
            if waiting > LONGEST_ROW:
                raise UserError(f"{safe_line(path.name, 80)} has a row of more than {LONGEST_ROW >> 20} MiB: write one object a line")
            if progress:
                progress(f"read {path.name}", raw.tell(), size)
        last = b"".join(rest)
        if last:
            yield [last]


def _without_mark(block: bytes, path: Path) -> bytes:
    """Return the first block without the byte order mark of UTF-8. Raises UserError for UTF-16."""
    if block.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{safe_line(path.name, 80)}, row 1: the file is UTF-16. Save it as UTF-8")
    return block.removeprefix(b"\xef\xbb\xbf")


# --- comma- and tab-separated values -----------------------------------------------------------------------


class _Lines:
    """The decoded lines of a file. What is no UTF-8 becomes surrogates, which the row checks find."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._first = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_ROW)
        if not line:
            raise StopIteration
        if self._first:
            line, self._first = _without_mark(line, self._path), False
        return line.decode("utf-8", "surrogateescape")


def _csv_reader(file: BinaryIO, path: Path) -> Any:
    csv.field_size_limit(LONGEST_ROW)
    return csv.reader(_Lines(file, path), delimiter="\t" if _ending(path) == ".tsv" else ",", strict=True)


def _header(reader: Any, path: Path) -> list[str]:
    name = safe_line(path.name, 80)
    try:
        header = next(reader, None)
        while header == []:
            header = next(reader, None)
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num}: the header is broken ({safe_line(str(error), 80)})") from error
    if header is None:
        raise UserError(f"{name} is empty. Give a file with a header and at least one row")
    if not all(map(_is_unicode, header)):
        raise UserError(f"{name}, line 1: the header is not valid UTF-8. Save the file as UTF-8")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise UserError(f"{name}: the header names the column {shown(twice[0])} twice. Rename one of them")
    return header


def _sample_csv(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with path.open("rb") as file:
        reader = _csv_reader(file, path)
        header = _header(reader, path)
        while len(rows) < SAMPLE:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error:
                continue
            if len(row) == len(header):
                rows.append(dict(zip(header, row, strict=True)))
    nothing: list[object] = [None] * len(header)
    return rows or [dict(zip(header, nothing, strict=True))]


def _read_csv(path: Path, text_column: str, label_column: str, rows: Rows, faults: Faults, progress: Progress | None) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        reader = _csv_reader(file, path)
        header = _header(reader, path)
        text_at, label_at = header.index(text_column), header.index(label_column)
        texts: list[str] = []
        labels: list[str] = []
        numbers: list[int] = []
        lines: list[int] = []
        number = 0
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                number += 1
                faults.bad(path.name, f"row {number} (line {line})", f"broken quoting or an unfinished field ({safe_line(str(error), 80)})")
                continue
            if not row:
                continue
            number += 1
            if len(row) != len(header):
                faults.bad(path.name, f"row {number} (line {line})", f"{len(row)} fields where the header names {len(header)}")
                continue
            texts.append(row[text_at])
            labels.append(row[label_at])
            numbers.append(number)
            lines.append(line)
            if len(texts) == 10_000:
                rows.add(texts, labels, numbers, lines)
                texts, labels, numbers, lines = [], [], [], []
                if progress:
                    progress(f"read {path.name}", file.tell(), size)
        rows.add(texts, labels, numbers, lines)
        if not number:
            raise UserError(f"{safe_line(path.name, 80)} is empty but for its header. Give a file with at least one row")


# --- Parquet -----------------------------------------------------------------------------------------------


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = safe_line(path.name, 80)
    if not path.stat().st_size:
        raise UserError(f"{name} is empty. Give a file with at least one row")
    try:
        with pq.ParquetFile(path) as file:
            if not file.metadata.num_rows:
                raise UserError(f"{name} is empty: it has columns but no rows. Give a file with at least one row")
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is no whole Parquet file: {safe_line(str(error), 120)}. Fetch or write it again") from error


def _sample_parquet(path: Path) -> Sample:
    with _parquet(path) as file:
        schema = file.schema_arrow
        first = next(file.iter_batches(batch_size=SAMPLE))
        columns = {name: _values(first.column(at)) for at, name in enumerate(schema.names)}
        return Sample(columns, {name: str(schema.field(at).type) for at, name in enumerate(schema.names)})


def _read_parquet(path: Path, text_column: str, label_column: str, rows: Rows, progress: Progress | None) -> None:
    with _parquet(path) as file:
        number, total = 0, file.metadata.num_rows
        for batch in file.iter_batches(batch_size=10_000, columns=[text_column, label_column]):
            numbers = range(number + 1, number + batch.num_rows + 1)
            rows.add(_values(batch.column(text_column)), _values(batch.column(label_column)), numbers)
            number += batch.num_rows
            if progress:
                progress(f"read {path.name}", number, total)


def _values(column: Any) -> list[Any]:
    """Return a column as Python values; a text that is no UTF-8 stays bytes, which the row checks find."""
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        import pyarrow as pa

        return [_decoded(value) for value in column.cast(pa.binary()).to_pylist()]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _type_in_words(values: list[object]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) != 1:
        return "mixed" if kinds else "null"
    return {str: "string", int: "int64", float: "float64", bool: "bool", list: "list", dict: "object"}.get(kinds.pop(), "object")

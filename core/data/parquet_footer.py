"""Reads what the footer of a Parquet file claims of its columns; pyarrow ends the process over some that contradict themselves.

The format is that of https://github.com/apache/parquet-format: a FileMetaData in Thrift's compact protocol, its length in 4 bytes, PAR1.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEEPEST = 32
"""Structs and lists within each other; those of the format are 8."""


class ColumnClaim(NamedTuple):
    """What is said of one column of one row group."""

    path: tuple[str, ...]
    values: int
    unpacked: int
    """Bytes."""


class GroupClaim(NamedTuple):
    """What is said of one row group."""

    rows: int
    columns: tuple[ColumnClaim, ...]


def read(file: BinaryIO) -> list[GroupClaim]:
    """Return the claims of all row groups. Raises OSError where the footer is damaged."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if len(tail) < 8 or tail[4:] != b"PAR1" or length > size - 8:
        raise OSError("it has no footer")
    file.seek(size - 8 - length)
    try:
        return [_group(group) for group in _Compact(file.read(length)).struct({4: {1: {3: {3: {}, 5: {}, 6: {}}}, 3: {}}}).get(4, [])]
    except (IndexError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OSError("its footer is damaged") from error


def _group(group: dict[int, Any]) -> GroupClaim:
    columns = [column[3] for column in group[1] if 3 in column]
    return GroupClaim(group[3], tuple(ColumnClaim(tuple(each[3]), each[5], each[6]) for each in columns))


class _Compact:
    """Thrift's compact protocol, of which only the fields that are wanted are kept."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def struct(self, wanted: dict[int, Any], depth: int = 0) -> dict[int, Any]:
        """Return the wanted fields of the struct that begins here by their numbers; `wanted` holds those of each in turn."""
        found: dict[int, Any] = {}
        for number, kind in self._fields(depth):
            if number in wanted:
                found[number] = self._value(kind, wanted[number], depth)
            else:
                self._skip(kind, depth)
        return found

    def _fields(self, depth: int) -> Iterator[tuple[int, int]]:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            yield number, head & 15

    def _value(self, kind: int, wanted: dict[int, Any], depth: int) -> Any:
        match kind:
            case 1 | 2:
                return kind == _TRUE
            case 4 | 5 | 6:
                return self._integer()
            case 8:
                return self._read(self._varint()).decode("utf-8", "replace")
            case 9 | 10:
                count, inner = self._list()
                return [self._value(inner, wanted, depth + 1) for _ in range(count)]
            case 12:
                return self.struct(wanted, depth + 1)
            case _:
                raise ValueError("another type")

    def _skip(self, kind: int, depth: int) -> None:
        match kind:
            case 1 | 2:
                return
            case 3:
                self._read(1)
            case 4 | 5 | 6:
                self._varint()
            case 7:
                self._read(8)
            case 8:
                self._read(self._varint())
            case 9 | 10:
                count, inner = self._list()
                if inner in (_TRUE, _FALSE, _BYTE):
                    self._read(count)
                else:
                    for _ in range(count):
                        self._skip(inner, depth + 1)
            case 11:
                if count := self._varint():
                    kinds = self._byte()
                    for _ in range(count):
                        self._skip(kinds >> 4, depth + 1)
                        self._skip(kinds & 15, depth + 1)
            case 12:
                for _, inner in self._fields(depth + 1):
                    self._skip(inner, depth + 1)
            case _:
                raise ValueError("no type")

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        if count > len(self._raw) - self._at:
            raise ValueError("more values than bytes")
        return count, head & 15

    def _byte(self) -> int:
        self._at += 1
        return self._raw[self._at - 1]

    def _read(self, count: int) -> bytes:
        taken = self._raw[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("cut")
        self._at += count
        return taken

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 70:
                raise ValueError("too long a number")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

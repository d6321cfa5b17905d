"""Finds the encoding of a text file: by its byte order mark, else UTF-8 where all of it is valid, else a guess that is reported."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from ..errors import UserError
from ..safe_text import safe_line
from ..sentences import Setting, Words, phrase
from . import limits
from .streams import BLOCK, Source

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_EVIDENCE = 1 << 16
"""Bytes of lines that are not ASCII on which the encoding is judged."""
_MULTIBYTE = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949")
_DENSE = (*_MULTIBYTE, "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874")
"""Encodings of languages most of whose letters are not ASCII."""
_WESTERN = ("cp1252", "cp1250", "iso8859_2", "cp852", "cp850", "mac_roman", "cp1254", "cp1257")
"""Encodings of languages a few of whose letters are not ASCII; the first is the most usual by far."""
_CLOSE = 0.04
"""Share of unlikely characters by which a second encoding is as likely as the first, in the measure of charset-normalizer."""
_LANGUAGE = 0.1
"""How much the letters must be as frequent as in a language, at least, for this to speak for an encoding: 0 to 1."""
_SHORT = 200
"""Letters beyond ASCII below which they need not be as frequent as in a language."""
_WITHIN = re.compile(r"[a-z]([^\x00-\x7f])(?=[a-z])")
"""A character between small letters."""
_JOINING = set("’‘´–—…·\xad\xa0°×")
"""Signs that are written there."""
_PLAINLY = 0.4
"""The same where it speaks for an encoding that is not the usual one."""
_NO_TEXT = {"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}


def checked(name: str) -> str:
    """Return the encoding called `name` by Python's own name for it. Raises UserError where it is not a text encoding."""
    try:
        found = codecs.lookup(name)
        if not found._is_text_encoding or found.name in _NO_TEXT:
            raise LookupError(name)
        codecs.getincrementaldecoder(found.name)
    except (LookupError, ValueError) as error:
        raise UserError(
            f"there is no encoding '{safe_line(name, 40)}'", "Give one such as utf-8, utf-16, cp1252, latin-1, gb18030 or big5"
        ) from error
    return "utf-8" if found.name in ("utf-8", "utf-8-sig", "ascii") else found.name


def of_stream(chunks: Iterable[bytes], asked: str | None) -> Iterator[bytes]:
    """Yield the chunks of a stream, as they come, in UTF-8 without a byte order mark.

    What a stream holds is told by its mark alone, or `asked`: its end may be far off. Raises UserError for an encoding that is none, and
    UnicodeDecodeError for bytes that are none of the encoding; UTF-8 is passed on as it comes.
    """
    encoding = "" if asked is None else checked(asked)
    rest, head = iter(chunks), b""
    for chunk in rest:
        head += chunk
        if not any(mark != head and mark.startswith(head) for mark, _ in _MARKS):  # else it may become another mark
            break
    encoding = encoding or by_mark(head) or "utf-8"
    if encoding == "utf-8":
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from rest
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in chain((head,), rest):
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def by_mark(head: bytes) -> str:
    """Return the encoding that the byte order mark at the beginning of a file says; '' without one."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "")


def find(source: Source, asked: str | None) -> tuple[str, Words]:
    """Return the encoding of a file of text, and a sentence about it where it was guessed.

    A file is read to its end for it, a stream is judged by its first bytes. Raises UserError for an encoding that is none.
    """
    if asked is not None:
        return checked(asked), ""
    if marked := by_mark(source.peek(4)):
        return marked, ""
    encoding = _by_zeros(source.peek(4_096))
    evidence, valid = (b"", 0) if encoding else _evidence(source)
    if not encoding and evidence:
        encoding, fitting = _by_evidence(evidence, valid)
        if not encoding:
            such = ", ".join(fitting[:4]) or "cp1250, mac_roman, gb18030 or latin-1"
            raise UserError(
                f"{safe_line(source.name, 80)} is not UTF-8, and its encoding is not clear",
                phrase("Name it with ", Setting("encoding"), f", such as {such}"),
            )
    if encoding in ("", "utf-8"):
        return "utf-8", ""
    words = "cp1252 (Windows-1252)" if encoding == "cp1252" else encoding
    return encoding, phrase(
        f"read {safe_line(source.name, 80)} as {words}, since it is not UTF-8 (", Setting("encoding"), " chooses another)"
    )


def _by_zeros(head: bytes) -> str:
    """Return UTF-16 without a mark where every other byte of the beginning is zero, as it is for ASCII."""
    pairs = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if pairs >= 4 and odd >= 0.4 * pairs and even <= 0.05 * pairs:
        return "utf-16-le"
    return "utf-16-be" if pairs >= 4 and even >= 0.4 * pairs and odd <= 0.05 * pairs else ""


def _evidence(source: Source) -> tuple[bytes, int]:
    """Return lines that are not UTF-8, and how many lines are UTF-8 and not ASCII; nothing where all are."""
    found: list[bytes] = []
    size = valid = 0
    if source.is_stream:
        blocks = [source.peek(1 << 16)]
        return _lines_of(blocks[0][: blocks[0].rfind(b"\n") + 1] or blocks[0])
    beginning = source.peek(BLOCK)
    if len(beginning) < BLOCK:  # it is the whole file
        return _lines_of(beginning)
    rest = b""
    endless, longest = 0, limits.longest_line()
    with source.open() as unpacked:
        try:
            while block := unpacked.read():
                endless = 0 if b"\n" in block else endless + len(block)
                if endless > longest:
                    break  # a line that no reader takes
                if block.isascii() and not rest:
                    continue
                block = rest + block
                end = block.rfind(b"\n") + 1
                if not end and len(block) > 1 << 22:
                    end = len(block)
                lines, sound = _lines_of(block[:end])
                rest = block[end:] if not block[end:].isascii() else b""
                found.append(lines[: _EVIDENCE - size])
                size += len(found[-1])
                valid += sound
        except EOFError:
            pass
    lines, sound = _lines_of(rest)
    return b"".join([*found, lines])[:_EVIDENCE], valid + sound


def _lines_of(block: bytes) -> tuple[bytes, int]:
    if block.isascii():
        return b"", 0
    try:
        block.decode()
    except UnicodeDecodeError:
        pass
    else:
        return b"", 1
    broken: list[bytes] = []
    valid = 0
    for line in block.split(b"\n"):
        if line.isascii():
            continue
        try:
            line.decode()
            valid += 1
        except UnicodeDecodeError:
            broken.append(line)
    return b"\n".join(broken), valid


def _by_evidence(evidence: bytes, valid: int) -> tuple[str, list[str]]:
    """Return the likeliest encoding of lines of which none is UTF-8, where `valid` others are, and those that fit as well.

    It is 'utf-8' where these speak for it, and '' where none fits, or several.
    """
    lines = evidence.count(b"\n") + 1
    if valid > lines:
        return "utf-8", []  # with rows that are damaged, which the checks of rows name
    runs = _HIGH.findall(evidence)
    high = sum(map(len, runs))
    characters = sum(map(len, _CHARACTER.findall(evidence)))
    if characters > high - characters:
        return "utf-8", []
    letters = sum(byte in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" for byte in evidence)
    if high < 0.25 * letters or high / len(runs) < 1.3:
        # A line of Windows-1252 is UTF-8 by no accident: such a file is a mixture, and the checks of rows name its broken lines.
        return ("utf-8", []) if valid else _western(evidence)
    matches = _matches(evidence, _DENSE)
    if not matches:
        return _western(evidence) if high < letters else ("", [])
    first = matches[0]
    close = [each for each in matches if each.chaos <= first.chaos + _CLOSE]
    # What is valid in an encoding of several bytes a character is that by no accident; and a short text has no frequencies.
    is_clear = first.coherence > _LANGUAGE or (len(close) == 1 and (first.encoding in _MULTIBYTE or high < _SHORT))
    return checked(first.encoding) if is_clear else "", [each.encoding for each in close]


def _western(evidence: bytes) -> tuple[str, list[str]]:
    """Return Windows-1252, unless its characters are unlikely and those of another encoding are not; '' where several others fit."""
    has_all = not any(byte in evidence for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
    usual = evidence.decode("cp1252") if has_all else ""
    is_usual = has_all and not _is_odd(usual)
    matches = [each for each in _matches(evidence, _WESTERN) if not _is_odd(str(each))]
    good = [each for each in matches if each.chaos <= _CLOSE and each.coherence >= _PLAINLY]
    if is_usual and (not good or any(str(each) == usual for each in matches)):
        return "cp1252", []
    close = [each.encoding for each in matches if good and each.chaos <= good[0].chaos + _CLOSE]
    return checked(close[0]) if len(close) == 1 else "", close


def _is_odd(text: str) -> bool:
    """Return whether signs and capitals stand between small letters, where no writer of a language puts them: in one of ten places."""
    within = _WITHIN.findall(text)
    return 10 * sum(each.isupper() or not (each.isalpha() or each in _JOINING) for each in within) > len(within)


def _matches(evidence: bytes, among: tuple[str, ...]) -> list[CharsetMatch]:
    """Return what charset-normalizer makes of the evidence, the likeliest first."""
    from charset_normalizer import from_bytes

    return list(from_bytes(evidence, cp_isolation=list(among), preemptive_behaviour=False))

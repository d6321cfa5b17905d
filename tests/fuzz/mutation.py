"""Makes hostile files of valid ones: it knows JSON, lines, fields and bytes, and leaves most of a file as it was."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

TEXTS = (
    "",
    " ",
    "\x00",
    "a\x1b]52;c;QQ==\x07b",
    "\x1b]0;title\x1b\\",
    "\x1b[2J\x1b[?1049h",
    "\x9b31m\x85\x9d0;t\x9c",
    "\u202eright\u2066left",
    "line\nbreak\r\n\u2028\u2029\x0b",
    "[@click=app.quit]x[/] [/] [red]",
    "![x](http://x/y.png) <script>x</script> `|` ---\n# h",
    "../../../../tmp/victim",
    "/etc/passwd",
    "~nosuchuser/x",
    "C:\\x",
    "--help",
    "$(id) `id` ; id",
    "%s%n{0}{x.__class__}",
    "a" * 70_000,
    "e" + "\u0301" * 3000,
    "\U0001f468\u200d" * 500,
    "漢" * 300,
    "\u200b\u200d\ufeff\u00ad",
    "NaN",
    "1e999",
    "9" * 5000,
    "-0",
    "true",
    "null",
    "(a+)+$",
    "regex:(",
    "__proto__",
    ".",
    "..",
)
LARGEST = 8 << 20
"""Bytes of what is made: what larger files do is tested where limits are."""
NUMBERS = (
    0,
    -1,
    1,
    2,
    255,
    2**31,
    -(2**31) - 1,
    2**53 + 1,
    2**63,
    -(2**63),
    2**64,
    10**30,
    0.5,
    -0.0,
    1e-320,
    1e300,
    1.7976931348623157e308,
    -1e308,
)
ATOMS = (None, True, False, [], {}, [[]], {"": None}, [None] * 3, *NUMBERS)
RAW = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x1b]0;x\x07",
    b"\xc2\x9b31m",
    b"\xe2\x80\xae",
    b"\n",
    b"\r",
    b"\r\n\n\n",
    b'"',
    b"'",
    b",",
    b"\t",
    b";",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"&a [*a,*a]",
    b"!!python/object/apply:os.system ['true']",
    b"%",
    b"#",
    b"---\n",
)


def mutate(random: random.Random, example: bytes, kind: str) -> bytes:
    """Return `example`, of the kind 'json', 'lines' (of JSON), 'text' or 'bytes', changed in one to four places."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        example = _once(random, example, kind)[:LARGEST]
    return example


def _once(random: random.Random, example: bytes, kind: str) -> bytes:
    if random.random() < 0.15:
        kind = "bytes"
    if kind == "json":
        return _json(random, example) or _bytes(random, example)
    if kind == "lines":
        lines = example.split(b"\n")
        at = random.randrange(len(lines))
        match random.randrange(10):
            case 0:
                lines[at:at] = [lines[random.randrange(len(lines))]] * random.choice((1, 2, 300))
            case 1:
                del lines[at]
            case 2:
                random.shuffle(lines)
            case 3:
                lines[at] = _bytes(random, lines[at])
            case _:
                lines[at] = _json(random, lines[at]) or _bytes(random, lines[at])
        return b"\n".join(lines)
    return _text(random, example) if kind == "text" else _bytes(random, example)


def _json(random: random.Random, raw: bytes) -> bytes | None:
    try:
        value = json.loads(raw)
        places = list(_places(value, []))
    except (ValueError, RecursionError):
        return None
    path = random.choice(places)
    changed = _put(value, path, lambda old: _hostile(random, old))
    if random.random() < 0.1 and path and isinstance(path[-1], str):
        return _with_duplicate(random, value, path)
    written = json.dumps(changed, ensure_ascii=random.random() < 0.5, default=str)
    return _unmarked(written).encode("utf-8", "surrogatepass")


def _places(value: Any, path: list[Any]) -> Any:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(pairs)[:40]:
        yield from _places(child, [*path, key])


def _put(value: Any, path: list[Any], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    key, *rest = path
    copy = value.copy()
    copy[key] = _put(value[key], rest, change)
    return copy


_MARK = "@@raw@@"


def _unmarked(written: str) -> str:
    return re.sub(rf'"{_MARK}(.*?){_MARK}"', lambda match: json.loads(f'"{match[1]}"'), written)


def _raw(text: str) -> str:
    return f"{_MARK}{text}{_MARK}"


def _hostile(random: random.Random, old: Any) -> Any:
    """Return what stands in a value's place."""
    match random.randrange(13):
        case 0:
            deep = random.choice((20, 200, 1500, 100_000))
            return _raw(random.choice(("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep)))
        case 1:
            return _raw(
                random.choice(("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "1" + "0" * 5000, "0x10", "01", "'a'", ""))
            )
        case 2 | 3:
            return random.choice(ATOMS)
        case 4 | 5:
            return random.choice(TEXTS)
        case 6 if isinstance(old, str):
            return old + random.choice(TEXTS)
        case 6 | 7 if isinstance(old, int | float) and not isinstance(old, bool):
            half = min(max(old, -1e300), 1e300) + 0.5  # a larger integer has no float
            return random.choice((-old, old + 1, old * 1000, old * 10**12, half - 0.5, str(old), half))
        case 7:
            return "\ud800" if random.random() < 0.5 else "\U0001f642" * random.choice((1, 1000))
        case 8 if isinstance(old, dict) and old:
            gone = random.choice(list(old))
            return {key: each for key, each in old.items() if key != gone}
        case 8 if isinstance(old, list) and old:
            return random.choice((old[1:], old[::-1], [old], old * 2, old * 5000 if len(old) < 50 else old[:1]))
        case 9 if isinstance(old, dict):
            return {**old, random.choice(TEXTS): random.choice(ATOMS)}
        case 9 if isinstance(old, list):
            return [*old, random.choice(ATOMS)]
        case 10:
            return [old] * random.choice((1, 2, 20_000)) if not isinstance(old, dict | list) else [old]
        case 11:
            return {random.choice(TEXTS): old}
        case 12 if isinstance(old, dict) and old:
            key = random.choice(list(old))
            renamed = random.choice((key.upper(), key + "s", *TEXTS))
            return {(renamed if each == key else each): child for each, child in old.items()}
        case _:
            return None


def _with_duplicate(random: random.Random, value: Any, path: list[Any]) -> bytes:
    written = json.dumps(value)
    key = json.dumps(path[-1]) + ": "
    return written.replace(key, f"{key}{json.dumps(random.choice(ATOMS))}, {key}", 1).encode()


def _text(random: random.Random, raw: bytes) -> bytes:
    """Change lines and words: for delimited files, YAML, TOML and lines that are typed."""
    lines = raw.split(b"\n")
    at = random.randrange(len(lines))
    line = lines[at]
    match random.randrange(9):
        case 0:
            lines[at] = line * random.choice((2, 50))
        case 1:
            del lines[at]
        case 2:
            lines[at:at] = [line] * random.choice((1, 1000))
        case 3 | 4:
            words = re.split(rb"([\s,;:=\[\]{}\"|-]+)", line)
            words[random.randrange(len(words))] = random.choice(TEXTS).encode("utf-8", "surrogatepass")
            lines[at] = b"".join(words)
        case 5:
            words = re.split(rb"([\s,;:=\[\]{}\"|-]+)", line)
            words[random.randrange(len(words))] = str(random.choice(NUMBERS)).encode()
            lines[at] = b"".join(words)
        case 6:
            deep = random.choice((50, 3000))
            lines[at] = line + random.choice((b"[" * deep, b"{a: " * deep, b"- " * deep, b"(" * deep, b'"' * deep, b"a." * deep + b"b = 1"))
        case _:
            return _bytes(random, raw)
    return b"\n".join(lines)


def _bytes(random: random.Random, raw: bytes) -> bytes:
    at = random.randrange(len(raw) + 1)
    match random.randrange(8):
        case 0 | 1 if raw:
            changed = bytearray(raw)
            for _ in range(random.choice((1, 1, 3, 20))):
                changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            return bytes(changed)
        case 2:
            return raw[:at]
        case 3:
            return raw[:at] + random.choice(RAW) * random.choice((1, 1, 1, 40, 5000)) + raw[at:]
        case 4:
            end = min(len(raw), at + random.choice((1, 4, 100)))
            return raw[:at] + raw[end:]
        case 5 if len(raw) >= 4:
            at = random.randrange(len(raw) - 3)
            return raw[:at] + random.choice((b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")) + raw[at + 4 :]
        case 6:
            return raw[:at] + bytes(random.randrange(256) for _ in range(random.choice((1, 8, 300)))) + raw[at:]
        case _:
            end = min(len(raw), at + random.choice((4, 64)))
            return raw[:at] + raw[at:end] * random.choice((2, 100)) + raw[end:]

"""The files of a tokenizer, checked against bounds before a library reads them."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import bounded_json
from ..errors import UserError
from ..plain_files import read_plain
from ..safe_text import safe_line
from .model_config import REMEDY

UNLIMITED = 100_000
"""Means no limit: longer than any encoder's context."""
INPUT_NAMES = {"input_ids", "token_type_ids", "attention_mask", "position_ids", "special_tokens_mask"}
PIECES = ("spm.model", "sentencepiece.bpe.model", "spiece.model")
"""Names of sentencepiece models, which are read if there is no tokenizer.json."""
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", *PIECES)
_SMALL, _SMALL_VALUES = 4 << 20, 500_000
_LARGE, _LARGE_VALUES = 96 << 20, 4_000_000
_TOKENS = 2_000_000
_TOKEN_LENGTH = 4_096
_TOKEN_BYTES = 24 << 20
"""Total length of all tokens, at most, since a trie has a node for each character."""
_ADDED = 50_000
_PARTS, _DEPTH = 100, 8
_PATTERN = 8_192
_SPECIALS = 16
"""Special tokens that are put around a text, at most."""
_EXPANSION = 1_000
"""Characters that a normaliser may replace one character by, at most; Unicode's longest expansion has 18."""
_CHILDREN = {
    "normalizer": "normalizers",
    "pre_tokenizer": "pretokenizers",
    "post_processor": "processors",
    "decoder": "decoders",
}


def read_settings(folder: Path, *, follow: bool = True) -> dict[str, Any]:
    """Return special_tokens_map.json and tokenizer_config.json merged, the latter taking precedence; empty if both are missing.

    Raises UserError if either is not a JSON object, or has values that no tokenizer can have.
    """
    settings: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        found = bounded_json.read_object(folder / name, size=_SMALL, values=_SMALL_VALUES, remedy=REMEDY, follow=follow) or {}
        for fault in _setting_faults(found):
            raise UserError(f"{safe_line(str(folder / name), 200)} is not valid: {fault}", REMEDY)
        settings |= found
    return settings


def _setting_faults(settings: dict[str, Any]) -> Iterator[str]:
    length = settings.get("model_max_length")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int | float) or not length > 0):
        yield f"model_max_length is {safe_line(repr(length)[:60], 40)}, not a number above 0"
    names = settings.get("model_input_names")
    if names is not None and not (isinstance(names, list) and len(names) <= 100 and all(isinstance(each, str) for each in names)):
        yield "model_input_names is not a list of names"
    for key in ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token"):
        token = settings.get(key)
        content = token.get("content") if isinstance(token, dict) else token
        if content is not None and not isinstance(content, str):
            yield f"{key} is not a token"
        elif content is not None and len(content) > _TOKEN_LENGTH:
            yield f"{key} is {len(content):,} characters long"
    if not isinstance(settings.get("tokenizer_class"), str | None):
        yield "tokenizer_class is not a name"


def model_max_length(settings: dict[str, Any]) -> int:
    """Return the longest input in tokens that the settings give; UNLIMITED if they give none."""
    length = settings.get("model_max_length")
    return UNLIMITED if length is None or length > UNLIMITED else max(1, int(length))  # also true of infinity


def read_backend(path: Path, *, follow: bool = True) -> bytes | None:
    """Return the checked content of tokenizer.json; None if there is none.

    Raises UserError for a damaged file, and for one that would take more memory or time for a text than any tokenizer needs.
    """
    try:
        raw = read_plain(path, _LARGE, follow=follow)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{safe_line(str(path), 200)} cannot be read: {error.strerror or error}", REMEDY) from error
    found = bounded_json.decode_object(raw, safe_line(str(path), 200), values=_LARGE_VALUES, remedy=REMEDY)
    for fault in _backend_faults(found):
        raise UserError(f"{safe_line(str(path), 200)} is not valid: {fault}", REMEDY)
    return raw


def read_vocabulary(folder: Path, *, follow: bool = True) -> dict[str, bytes]:
    """Return the files of a vocabulary of an older kind, by name. Raises UserError if one is not a valid file."""
    found: dict[str, bytes] = {}
    for name in ("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json", *PIECES):
        path = folder / name
        try:
            raw = found[name] = read_plain(path, _LARGE, follow=follow)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(f"{safe_line(str(path), 200)} cannot be read: {error.strerror or error}", REMEDY) from error
        for fault in _vocabulary_faults(name, raw, safe_line(str(path), 200)):
            raise UserError(f"{safe_line(str(path), 200)} is not valid: {fault}", REMEDY)
    return found


def _vocabulary_faults(name: str, raw: bytes, shown: str) -> Iterator[str]:
    if name in PIECES:
        return
    if name.endswith(".json"):
        entries = bounded_json.decode_object(raw, shown, values=_LARGE_VALUES, remedy=REMEDY)
        yield from _token_faults(entries)
        return
    try:
        lines = raw.decode("utf-8-sig").split("\n") if raw.count(b"\n") <= _TOKENS else []
    except UnicodeDecodeError:
        yield "it is not UTF-8"
        return
    if not lines or not raw.strip():
        yield "it holds no tokens" if not raw.strip() else f"it has more than {_TOKENS:,} lines"
    elif max(map(len, lines)) > 2 * _TOKEN_LENGTH:
        yield f"a line has {max(map(len, lines)):,} characters"


def _backend_faults(tokenizer: dict[str, Any]) -> Iterator[str]:
    """Yield the faults of a tokenizer.json."""
    yield from _model_faults(tokenizer.get("model"))
    added = tokenizer.get("added_tokens")
    if added is not None:
        if not isinstance(added, list) or len(added) > _ADDED:
            yield "added_tokens is not a list" if not isinstance(added, list) else f"it adds {len(added):,} tokens"
            return
        for each in added:
            if not isinstance(each, dict) or not isinstance(each.get("content"), str) or not _is_id(each.get("id")):
                yield "a token is added without a content and an id"
                return
            if not 0 < len(each["content"]) <= _TOKEN_LENGTH:
                yield f"a token that is added has {len(each['content']):,} characters"
                return
    for key in _CHILDREN:
        try:
            parts = list(_parts(tokenizer.get(key), key, 0))
        except ValueError as error:
            yield str(error)
            return
        if len(parts) > _PARTS:
            yield f"its {key} has {len(parts)} parts"
        for part in parts:
            yield from _part_faults(key, part)
        grows = math.prod(_expansion(part) for part in parts)
        if grows > _EXPANSION:
            yield f"its {key} makes more than {_EXPANSION:,} characters of one"


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


def _model_faults(model: Any) -> Iterator[str]:
    if not isinstance(model, dict):
        yield "it has no model"
        return
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, list):  # Unigram: pairs of a token and the logarithm of its probability
        if not all(isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) for each in vocabulary):
            yield "its vocabulary is not a list of tokens"
            return
        if not all(type(each[1]) in (int, float) and math.isfinite(each[1]) for each in vocabulary):
            yield "a token has no number beside it"
            return
        if not isinstance(model.get("unk_id"), int | None) or not 0 <= (model.get("unk_id") or 0) < max(1, len(vocabulary)):
            yield "its unknown token is not in the vocabulary"
        vocabulary = {each[0]: index for index, each in enumerate(vocabulary)}
    yield from _token_faults(vocabulary)
    for key, limit in (("max_input_chars_per_word", 10_000), ("continuing_subword_prefix", 64), ("end_of_word_suffix", 64)):
        value = model.get(key)
        number = len(value) if isinstance(value, str) else value
        if number is not None and not (type(number) is int and 0 <= number <= limit):
            yield f"{key} is {safe_line(repr(value)[:60], 40)}"
    merges = model.get("merges")
    if merges is not None and (not isinstance(merges, list) or len(merges) > _TOKENS):
        yield "its merges are not a list"


def _token_faults(vocabulary: Any) -> Iterator[str]:
    if not isinstance(vocabulary, dict) or not vocabulary:
        yield "it has no vocabulary"
    elif len(vocabulary) > _TOKENS:
        yield f"its vocabulary has {len(vocabulary):,} tokens"
    elif not all(map(_is_id, vocabulary.values())):
        yield "a token has no id"
    elif max(map(len, vocabulary)) > _TOKEN_LENGTH:
        yield f"a token has {max(map(len, vocabulary)):,} characters"
    elif sum(map(len, vocabulary)) > _TOKEN_BYTES:
        yield "its tokens are longer than any vocabulary's"


def _parts(part: Any, key: str, depth: int) -> Iterator[dict[str, Any]]:
    """Yield a normaliser, pre-tokenizer, post-processor or decoder, and those nested in it. Raises ValueError for anything else."""
    if part is None:
        return
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise ValueError(f"its {key} has a part of no type")
    if depth > _DEPTH:
        raise ValueError(f"its {key} is nested more than {_DEPTH} deep")
    yield part
    if part["type"] == "Sequence":
        inner = part.get(_CHILDREN[key])
        if not isinstance(inner, list):
            raise ValueError(f"its {key} is a sequence of nothing")
        for each in inner:
            yield from _parts(each, key, depth + 1)


def _part_faults(key: str, part: dict[str, Any]) -> Iterator[str]:
    for name in ("pattern", "content", "prepend", "replacement", "prefix", "suffix"):
        value = part.get(name)
        for each in value.values() if isinstance(value, dict) else [value]:
            if each is not None and (not isinstance(each, str) or len(each) > _PATTERN):
                yield f"its {key} has a {name} that is no text or longer than {_PATTERN:,} characters"
    if part["type"] == "Precompiled":
        yield from _charsmap_faults(part.get("precompiled_charsmap"))
    if part["type"] == "TemplateProcessing":
        for name in ("single", "pair"):
            pieces = part.get(name)
            kinds = [next(iter(each), "") for each in pieces if isinstance(each, dict)] if isinstance(pieces, list) else []
            if not kinds or len(kinds) > _SPECIALS or kinds.count("Sequence") != (1 if name == "single" else 2):
                yield f"its {key} does not put special tokens around a text once"
        special = part.get("special_tokens")
        for each in special.values() if isinstance(special, dict) else []:
            if not isinstance(each, dict) or not isinstance(each.get("ids"), list) or len(each["ids"]) > _SPECIALS:
                yield f"its {key} has a special token of many ids"


def _charsmap_faults(encoded: Any) -> Iterator[str]:
    """Yield the faults of sentencepiece's character map, which has the length of a trie, the trie, and texts that end with NUL."""
    if encoded is None:
        return
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError):
        yield "its map of characters is not base64"
        return
    if not raw:
        return
    length = struct.unpack("<I", raw[:4])[0] if len(raw) >= 4 else 0
    if length % 4 or not 0 < length <= len(raw) - 4:
        yield "its map of characters is cut"
    elif max(map(len, raw[4 + length :].split(b"\0"))) > _EXPANSION:
        yield f"its map makes more than {_EXPANSION:,} characters of one"


def _matches_nothing(pattern: Any) -> bool:
    """Whether a regular expression may match an empty text, and so anywhere; True if Python cannot parse it."""
    try:
        return re.compile(pattern["Regex"]).match("") is not None
    except (re.error, KeyError, TypeError, RecursionError, OverflowError):
        return True


def _expansion(part: dict[str, Any]) -> float:
    """Return the most characters that a part may replace one character by."""
    kind = part["type"]
    if kind == "Replace":
        pattern = part.get("pattern")
        content = len(part.get("content") or "")
        literal = pattern.get("String") if isinstance(pattern, dict) else None
        if literal:
            return max(1.0, content / len(literal))
        return 1 + content if _matches_nothing(pattern) else max(1, content)
    if kind in ("NFKC", "NFKD"):
        return 18
    return 1

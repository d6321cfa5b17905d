"""A checkpoint's tokenizer by the tokenizers library alone: importing transformers would take seconds before the first token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers

from ..errors import UserError
from ..safe_text import safe_line

UNLIMITED = 100_000
"""Stands for no limit: longer than any encoder's context."""
TOKEN_TYPES = {
    "bert",
    "albert",
    "electra",
    "mobilebert",
    "convbert",
    "nezha",
    "ernie",
    "megatron-bert",
    "big_bird",
    "funnel",
    "deberta",
    "deberta-v2",
}
"""Model types whose tokenizers also give token_type_ids, all 0 for a single text."""


class Tokenizer:
    """The tokens of texts, as transformers' tokenizer for the same folder gives them."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        self.backend = _backend(folder)
        # Some files carry a truncation and a padding of their own.
        self.backend.no_truncation()
        self.backend.no_padding()
        own = _json(folder / "tokenizer_config.json")
        special = _json(folder / "special_tokens_map.json") | own
        self.pad_token_id = self._id_of(special.get("pad_token"), config.get("pad_token_id"))
        self.unk_token_id = self._id_of(special.get("unk_token"), None)
        self.vocab_size = self.backend.get_vocab_size(with_added_tokens=False)
        self.model_max_length = min(int(own.get("model_max_length") or UNLIMITED), UNLIMITED)
        self.specials = self.backend.num_special_tokens_to_add(False)
        names = (
            ["input_ids", "token_type_ids", "attention_mask"]
            if config.get("model_type") in TOKEN_TYPES
            else ["input_ids", "attention_mask"]
        )
        self.input_names: tuple[str, ...] = tuple(own.get("model_input_names") or names)

    def _id_of(self, token: Any, otherwise: int | None) -> int | None:
        """Return the id of a special token, which a file writes as a string or as an object with its content."""
        content = token.get("content") if isinstance(token, dict) else token
        found = self.backend.token_to_id(content) if isinstance(content, str) else None
        return found if found is not None else otherwise

    def encode(self, texts: Sequence[str], limit: int | None = None) -> list[tokenizers.Encoding]:
        """Return the encoding of each text, special tokens included, cut to `limit` tokens; what was cut is in its `overflowing`."""
        if limit is None:
            self.backend.no_truncation()
        else:
            self.backend.enable_truncation(limit)
        return self.backend.encode_batch([well_formed(text) for text in texts])

    def full_length(self, encoding: tokenizers.Encoding) -> int:
        """Return the number of tokens there were before anything was cut."""
        return len(encoding.ids) + sum(len(more.ids) - self.specials for more in encoding.overflowing)

    def join(self, tokens: Sequence[str]) -> str:
        """Return the text that tokens, none of them special, stand for."""
        decoder = self.backend.decoder
        return decoder.decode(list(tokens)) if decoder is not None else " ".join(tokens)

    @property
    def padding(self) -> int:
        """The id to pad with; 0 where the tokenizer names none, as the attention mask hides it."""
        return self.pad_token_id if self.pad_token_id is not None else 0


def _backend(folder: Path) -> tokenizers.Tokenizer:
    path = folder / "tokenizer.json"
    try:
        if path.is_file():
            return tokenizers.Tokenizer.from_file(str(path))
        from transformers import AutoTokenizer  # converts a vocabulary of the older kind

        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False).backend_tokenizer
    except Exception as error:  # tokenizers raises plain Exception for every fault of a file
        raise UserError(f"the tokenizer in {safe_line(str(folder))} cannot be read: {safe_line(str(error), 200)}") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def well_formed(text: str) -> str:
    """Return `text` with lone surrogates replaced: tokenizers take only what UTF-8 can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

"""A checkpoint's tokenizer by the tokenizers library alone: importing transformers would take seconds before the first token."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tokenizers

from .. import crash
from ..errors import UserError
from ..safe_text import safe_line
from . import guard, tokenizer_files
from .model_config import REMEDY
from .tokenizer_files import INPUT_NAMES

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
LOAD_SECONDS, LOAD_MEMORY = 60.0, 1 << 30
"""Of computing, and bytes beside 40 for each of the file: a vocabulary of 250,000 tokens takes 2 s and 0.3 GB."""
TRIAL_SECONDS = 4.0
TRIALS = (
    "a",
    "a" * 2_000 + "!",
    "ab" * 1_000 + "!",
    " " * 2_000 + "a",
    "1" * 2_000 + "a",
    "a " * 1_000 + "\n!",
    "." * 2_000 + "a",
    "\u4e00" * 1_000 + "a",
)
"""Texts that an expression with nested repetitions takes for ever over."""
ENCODE_SECONDS, ENCODE_RATE = 20.0, 5_000
"""Of computing a call, and characters a second beside it. A tokenizer does a hundred times as many."""


class Tokenizer:
    """The tokens of texts, as transformers' tokenizer for the same folder gives them."""

    def __init__(self, folder: Path, config: dict[str, Any], settings: dict[str, Any], *, name: str, follow: bool = True) -> None:
        """Load the tokenizer of `folder`, whose files say `config` and `settings`. Raises UserError where it cannot be read."""
        self.name = name
        raw = tokenizer_files.read_backend(folder / "tokenizer.json", follow=follow)
        if raw is None:
            from . import older_tokenizers

            raw = older_tokenizers.convert(folder, config, settings, name=name, follow=follow)
        with guard.limited(f"load the tokenizer of {name}", seconds=LOAD_SECONDS, memory=LOAD_MEMORY + 40 * len(raw)), self._as_sentence():
            self.backend = tokenizers.Tokenizer.from_buffer(raw)
            # Some files carry a truncation and a padding of their own, or drop merges at random.
            self.backend.no_truncation()
            self.backend.no_padding()
            if getattr(self.backend.model, "dropout", None):
                self.backend.model.dropout = None
            self.size = max(self.backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1
            """Ids that it gives are below this."""
        self.pad_token_id = self._id_of(settings.get("pad_token"), config.get("pad_token_id"))
        self.unk_token_id = self._id_of(settings.get("unk_token"), None)
        self.vocab_size = self.backend.get_vocab_size(with_added_tokens=False)
        self.specials = self.backend.num_special_tokens_to_add(False)
        names = (
            ["input_ids", "token_type_ids", "attention_mask"]
            if config.get("model_type") in TOKEN_TYPES
            else ["input_ids", "attention_mask"]
        )
        self.input_names: tuple[str, ...] = tuple(each for each in settings.get("model_input_names") or names if each in INPUT_NAMES)
        with guard.limited(f"try the tokenizer of {name} on a text", seconds=TRIAL_SECONDS), self._as_sentence():
            ids = [each for text in TRIALS for each in self.backend.encode(text).ids]
            self.size = max(self.size, max(ids, default=-1) + 1)

    def _id_of(self, token: Any, otherwise: int | None) -> int | None:
        """Return the id of a special token, which a file writes as a string or as an object with its content."""
        content = token.get("content") if isinstance(token, dict) else token
        found = self.backend.token_to_id(well_formed(content)) if isinstance(content, str) else None
        return found if found is not None else otherwise

    @contextmanager
    def _as_sentence(self) -> Generator[None]:
        """Turn what the library raises, which is plain Exception for most faults and a panic for others, into UserError."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, UserError) or not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
                raise
            sys.stderr.write(crash.described(error))
            raise UserError(f"the tokenizer of {self.name} does not work: {safe_line(str(error), 200)}", REMEDY) from error

    def encode(self, texts: Sequence[str], limit: int | None = None) -> list[tokenizers.Encoding]:
        """Return the encoding of each text, special tokens included, cut to `limit` tokens; what was cut is in its `overflowing`.

        Raises UserError for a text that the tokenizer's files make no tokens of.
        """
        seconds = ENCODE_SECONDS + sum(map(len, texts)) / ENCODE_RATE
        with guard.limited(f"tokenize with the tokenizer of {self.name}", seconds=seconds), self._as_sentence():
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
        with self._as_sentence():
            return decoder.decode(list(tokens)) if decoder is not None else " ".join(tokens)

    @property
    def padding(self) -> int:
        """The id to pad with; 0 where the tokenizer names none, as the attention mask hides it."""
        return self.pad_token_id if self.pad_token_id is not None else 0


def well_formed(text: str) -> str:
    """Return `text` with lone surrogates replaced: tokenizers take only what UTF-8 can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

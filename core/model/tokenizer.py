"""A checkpoint's tokenizer, using only the tokenizers library: importing transformers would take seconds."""

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
"""Limits of loading: seconds of CPU time, and bytes of memory beyond 40 times the file's size. 250,000 tokens take 2 s and 0.3 GB."""
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
"""Texts on which a regular expression with nested repetitions would never end."""
ENCODE_SECONDS, ENCODE_RATE = 20.0, 5_000
"""CPU time limit of a call: a fixed part in seconds, and a rate in characters per second. Tokenizers are a hundred times as fast."""


class Tokenizer:
    """Tokenizes texts exactly as transformers' tokenizer for the same folder does."""

    def __init__(self, folder: Path, config: dict[str, Any], settings: dict[str, Any], *, name: str, follow: bool = True) -> None:
        """Load the tokenizer of `folder`, given its `config` and tokenizer `settings`. Raises UserError if it cannot be read."""
        self.name = name
        raw = tokenizer_files.read_backend(folder / "tokenizer.json", follow=follow)
        if raw is None:
            from . import older_tokenizers

            raw = older_tokenizers.convert(folder, config, settings, name=name, follow=follow)
        with guard.limited(f"load the tokenizer of {name}", seconds=LOAD_SECONDS, memory=LOAD_MEMORY + 40 * len(raw)), self._as_sentence():
            self.backend = tokenizers.Tokenizer.from_buffer(raw)
            # Some files set a truncation and a padding of their own, or drop merges at random.
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
        """Return the id of a special token, which files give as a string or as an object with its content."""
        content = token.get("content") if isinstance(token, dict) else token
        found = self.backend.token_to_id(well_formed(content)) if isinstance(content, str) else None
        return found if found is not None else otherwise

    @contextmanager
    def _as_sentence(self) -> Generator[None]:
        """Turn the library's exceptions, plain Exception for most faults and a panic for others, into UserError."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, UserError) or not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
                raise
            sys.stderr.write(crash.described(error))
            raise UserError(f"the tokenizer of {self.name} does not work: {safe_line(str(error), 200)}", REMEDY) from error

    def encode(self, texts: Sequence[str], limit: int | None = None) -> list[tokenizers.Encoding]:
        """Return the encoding of each text, special tokens included, truncated to `limit` tokens; the rest is in its `overflowing`.

        Raises UserError for a text that the tokenizer cannot encode.
        """
        seconds = ENCODE_SECONDS + sum(map(len, texts)) / ENCODE_RATE
        with guard.limited(f"tokenize with the tokenizer of {self.name}", seconds=seconds), self._as_sentence():
            if limit is None:
                self.backend.no_truncation()
            else:
                self.backend.enable_truncation(limit)
            return self.backend.encode_batch([well_formed(text) for text in texts])

    def full_length(self, encoding: tokenizers.Encoding) -> int:
        """Return the number of tokens before truncation."""
        return len(encoding.ids) + sum(len(more.ids) - self.specials for more in encoding.overflowing)

    def join(self, tokens: Sequence[str]) -> str:
        """Return the text of tokens, none of which may be special."""
        decoder = self.backend.decoder
        with self._as_sentence():
            return decoder.decode(list(tokens)) if decoder is not None else " ".join(tokens)

    @property
    def padding(self) -> int:
        """The id to pad with; 0 if the tokenizer has none, since the attention mask hides it."""
        return self.pad_token_id if self.pad_token_id is not None else 0


def well_formed(text: str) -> str:
    """Return `text` with lone surrogates replaced: tokenizers accept only what UTF-8 can encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

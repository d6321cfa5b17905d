"""Converts vocabularies older than tokenizer.json (WordPiece, byte-pair encoding and sentencepiece) to it."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import crash
from ..errors import UserError
from ..safe_text import safe_line
from . import guard
from .model_config import REMEDY
from .tokenizer_files import PIECES, read_vocabulary

SETTINGS = {
    "add_prefix_space",
    "bos_token",
    "cls_token",
    "do_lower_case",
    "eos_token",
    "keep_accents",
    "mask_token",
    "pad_token",
    "remove_space",
    "sep_token",
    "split_by_punct",
    "strip_accents",
    "tokenize_chinese_chars",
    "tokenizer_class",
    "unk_token",
}
"""Keys of tokenizer_config.json that apply to such a vocabulary; others are dropped."""
PACKAGES = ("sentencepiece", "google.protobuf")
SECONDS, MEMORY = 60.0, 1 << 30
"""Limits of a conversion: seconds of CPU time, and bytes of memory beyond 100 times the size of the files."""


def convert(folder: Path, config: dict[str, Any], settings: dict[str, Any], *, name: str, follow: bool = True) -> bytes:
    """Return the content of a tokenizer.json that is equivalent to the vocabulary in `folder`.

    The library sees only copies of the checked files. Raises UserError if there is no vocabulary, if it cannot be read, or if reading
    it needs packages that are not installed.
    """
    files = read_vocabulary(folder, follow=follow)
    pieces = [each for each in PIECES if each in files]
    if not pieces and not {"vocab.txt", "vocab.json"} & files.keys():
        raise UserError(f"{name} has no tokenizer.json or vocab.txt in {safe_line(str(folder))}", "Fetch the model again")
    if len(pieces) == len(files) and any(importlib.util.find_spec(each.split(".")[0]) is None for each in PACKAGES):
        raise UserError(
            f"{name} has its vocabulary only in {pieces[0]}, and the packages that read it are not installed",
            "Install them with: pip install 'emotui[sentencepiece]'",
        )
    from transformers import AutoTokenizer
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    handed_on = {key: value for key, value in settings.items() if key in SETTINGS}
    known = {each.removesuffix("Fast") for each in TOKENIZER_MAPPING_NAMES.values() if each}
    if str(handed_on.get("tokenizer_class")).removesuffix("Fast") not in known:
        handed_on.pop("tokenizer_class", None)
    with tempfile.TemporaryDirectory(prefix="emotui-tokenizer-") as given:
        copy = Path(given)
        for each, content in files.items():
            (copy / each).write_bytes(content)
        (copy / "config.json").write_text(json.dumps({"model_type": config["model_type"]}), "utf-8")
        (copy / "tokenizer_config.json").write_text(json.dumps(handed_on), "utf-8")
        memory = MEMORY + 100 * sum(map(len, files.values()))
        with guard.limited(f"read the vocabulary of {name}", seconds=SECONDS, memory=memory):
            try:
                found = AutoTokenizer.from_pretrained(str(copy), local_files_only=True, trust_remote_code=False)
                return found.backend_tokenizer.to_str().encode()
            except AttributeError as error:
                raise UserError(
                    f"{name} has a tokenizer that needs code of its own, which emotui does not run", "Choose a model with tokenizer.json"
                ) from error
            except BaseException as error:
                if not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
                    raise
                sys.stderr.write(crash.described(error))
                raise UserError(f"the vocabulary of {name} cannot be read: {safe_line(str(error), 200)}", REMEDY) from error

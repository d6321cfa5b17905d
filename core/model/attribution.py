"""Word attributions: integrated gradients, leaving words out, and exact contributions of linear models."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from ..errors import UserError
from ..figures import calibration
from ..questions import AskWhy, WhyAnswer
from ..runs import rungs
from ..runs.explained import FAIR_GAP
from ..runs.folder import RunFolder
from ..safe_text import safe_line
from . import device
from .batches import tokenize
from .classify import Classifier, FineTuned, LogisticRegression, heat_of, load
from .inference import logits
from .pieces import Pieces, cut_text
from .tokenizer import well_formed

Report = Callable[[str, int, int | None, str], None]
Encoded = FineTuned | LogisticRegression
STEPS = (32, 128)
"""Steps of integrated gradients; the second number is used if the first leaves too large a gap."""
QUICK_TOKENS = 4_096
"""Total tokens of all texts with one word left out, up to which this is the quick method: some 0.3 s with MiniLM on a CPU."""


def explain(ask: AskWhy, report: Report) -> WhyAnswer:
    """Return the weight of each word of a text for a class. Raises UserError if the text has no words or the model cannot be explained.

    The explained score is the logit of the class; with two classes, its log-odds against the other. Both are sums that the model
    computes before the softmax, and no temperature changes them.
    """
    started = time.monotonic()
    run = RunFolder(Path(ask.run))
    rung = rungs.chosen(run, ask.rung)
    text = well_formed(ask.text)
    if not text.strip():
        raise UserError("the text is empty, so there are no words to explain")
    classifier = load(ask.run, rung=rung)
    probabilities = calibration.heated(classifier.probabilities((text,))[0], heat_of(run, rung))[0]
    label = _label(ask.label, classifier.labels, probabilities)
    if isinstance(classifier, FineTuned | LogisticRegression):
        answer = _encoded(classifier, text, label, ask.method, report)
    else:
        answer = _without_encoder(classifier, text, label)
    return msgspec.structs.replace(
        answer,
        run=run.id,
        rung=rung,
        label=classifier.labels[label],
        probabilities={name: float(share) for name, share in zip(classifier.labels, probabilities, strict=True)},
        seconds=time.monotonic() - started,
    )


def _without_encoder(classifier: Classifier, text: str, label: int) -> WhyAnswer:
    """Return the word weights of a rung that runs no encoder: TF-IDF or static embeddings. Raises UserError for other rungs."""
    from . import exact  # imports scikit-learn, which takes a second that no other run needs
    from .rung_models import MostFrequent, Tfidf
    from .static_embeddings import StaticModel

    if isinstance(classifier, MostFrequent):
        raise UserError("this rung gives every text the most frequent class, whatever its words", "Choose another rung or run")
    if isinstance(classifier, StaticModel):
        return exact.of_static(classifier, text, label)
    if not isinstance(classifier, Tfidf):
        raise UserError("this run cannot be explained word by word")
    return exact.contributions(classifier, text, label)


def _label(name: str, labels: Sequence[str], probabilities: np.ndarray) -> int:
    """Return the index of the class to explain: the named one, otherwise the most probable one."""
    if not name:
        return int(probabilities.argmax())
    if name not in labels:
        raise UserError(f"the run has no class {safe_line(name, 40)}", f"It has: {safe_line(', '.join(labels), 160)}")
    return labels.index(name)


def _encoded(classifier: Encoded, text: str, label: int, method: str, report: Report) -> WhyAnswer:
    """Return the word weights of a model with an encoder."""
    pieces = Pieces.of(classifier.tokenizer, text, classifier.limit)
    quick = method == "quick"
    if quick:
        method = "leave_out" if len(pieces.words) * len(pieces.ids) <= QUICK_TOKENS else "gradient_x_input"
    if method == "leave_out":
        values, score = leave_out(classifier, text, pieces, label, report)
        return pieces.answer(text, method, values, score)
    with device.threads_for(len(pieces.ids)):
        if method == "gradient_x_input":
            by_token, score = gradient_x_input(classifier, pieces, label)
            return pieces.answer(text, method, pieces.by_word(by_token), score, rest=pieces.rest(by_token))
    return _integrated(classifier, text, pieces, label, STEPS[0], report)


def _integrated(classifier: Encoded, text: str, pieces: Pieces, label: int, steps: int, report: Report) -> WhyAnswer:
    """Return word weights by integrated gradients, with more steps if the first number leaves too large a gap."""
    by_token, score, baseline = integrated_gradients(classifier, pieces, label, steps, report)
    gap = float(by_token.sum()) - (score - baseline)
    if abs(gap) > FAIR_GAP * abs(score - baseline) and steps < STEPS[-1]:
        return _integrated(classifier, text, pieces, label, STEPS[-1], report)
    values, rest = pieces.by_word(by_token), pieces.rest(by_token)
    return pieces.answer(text, "integrated_gradients", values, score, rest=rest, baseline=baseline, steps=steps, gap=gap)


# --- leaving words out --------------------------------------------------------------------------------------


def leave_out(classifier: Encoded, text: str, pieces: Pieces, label: int, report: Report) -> tuple[np.ndarray, float]:
    """Return the drop of the score when each word is removed from the text, float64, shape [words], and the score itself.

    A text that is truncated is cut to the part that the model sees first, so that no later text moves into the window.
    """
    seen = cut_text(text, pieces.cut_at)
    texts = [seen, *(seen[: word.start] + seen[word.stop :] for word in pieces.words)]
    scores = score_of(_logits(classifier, texts, report), label)
    return scores[0] - scores[1:], float(scores[0])


def _logits(classifier: Encoded, texts: Sequence[str], report: Report) -> np.ndarray:
    """Return the logits of texts, float64, shape [texts, labels], computed a few thousand tokens at a time."""
    ids = tokenize(classifier.tokenizer, texts, classifier.limit)
    if not ids.lengths.all():
        # Without special tokens, a text whose only word was left out has no tokens.
        raise UserError("without one of its words the text has no tokens", "Give a longer text")

    def progress(done: int, total: int) -> None:
        report("leave words out", done, total, "texts")

    with device.threads_for(len(ids.flat)):
        if isinstance(classifier, FineTuned):
            found = logits(classifier.model, ids, classifier.tokenizer.padding, classifier.compute, progress)
        else:
            from .encode import hidden_states

            states = hidden_states(classifier.encoder, ids, classifier.tokenizer.padding, classifier.compute, progress)
            assert states is not None  # noqa: S101 - nobody asked it to stop
            found = classifier.head.logits(states[classifier.pooling])
    if not np.isfinite(found).all():
        raise UserError("the run's model returns NaN or infinity for a text", "Train the run again")
    return found.astype(np.float64)


def score_of(scores: Any, label: int) -> Any:
    """Return the explained score, shape [n], from logits [n, labels], arrays or tensors: with two classes the log-odds, else the logit."""
    return scores[:, label] - scores[:, 1 - label] if scores.shape[1] == 2 else scores[:, label]


# --- gradients ----------------------------------------------------------------------------------------------


class Differentiable:
    """A classifier with an encoder, as a function of the token embeddings before position embeddings are added."""

    def __init__(self, classifier: Encoded, label: int) -> None:
        self._classifier, self._label = classifier, label
        self.device = classifier.compute.device
        self._model: Any = classifier.model if isinstance(classifier, FineTuned) else classifier.encoder
        self._embeddings: Any = self._model.get_input_embeddings()
        if isinstance(classifier, LogisticRegression):
            self._head = [torch.from_numpy(each).to(self.device, torch.float32) for each in classifier.head.folded()]

    @torch.no_grad()
    def embedded(self, ids: Sequence[int]) -> torch.Tensor:
        """Return the embeddings of token ids, float32, shape [1, tokens, d]."""
        return self._embeddings(torch.tensor([list(ids)], device=self.device)).detach()

    def __call__(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return the score, shape [n], of embeddings [n, tokens, d] without padding around the text."""
        mask = torch.ones(embeddings.shape[:2], dtype=torch.int64, device=self.device)
        output = self._model(inputs_embeds=embeddings, attention_mask=mask)
        if isinstance(self._classifier, FineTuned):
            return score_of(output.logits, self._label)
        from .encode import pool

        weight, bias = self._head
        return score_of(pool(output.last_hidden_state, mask, self._classifier.pooling) @ weight.T + bias, self._label)


def gradient_x_input(classifier: Encoded, pieces: Pieces, label: int) -> tuple[np.ndarray, float]:
    """Return the gradient of the score times the embedding of each token, float64, shape [tokens], and the score.

    It takes one forward and one backward pass: the fastest method for a long text, and a rough one.
    """
    function = Differentiable(classifier, label)
    embedded = function.embedded(pieces.ids).requires_grad_()
    score = function(embedded)
    (slope,) = torch.autograd.grad(score.sum(), embedded)
    return _finite((slope * embedded).double().sum(-1)[0]), float(score.detach()[0])


def integrated_gradients(classifier: Encoded, pieces: Pieces, label: int, steps: int, report: Report) -> tuple[np.ndarray, float, float]:
    """Return the integrated gradients of the tokens, float64, shape [tokens], and the scores of the text and of the baseline.

    The baseline is the text with padding in place of all tokens but the special ones (Sundararajan, Taly and Yan, 2017).
    The steps computed at once are limited by the tokens that the device takes in a batch: a long text takes longer, not more memory.
    """
    from captum.attr import IntegratedGradients  # takes seconds, because it imports matplotlib

    function = Differentiable(classifier, label)
    embedded = function.embedded(pieces.ids)
    padding = classifier.tokenizer.padding
    baseline = function.embedded([number if special else padding for number, special in zip(pieces.ids, pieces.special, strict=True)])
    done = 0

    def forward(embeddings: torch.Tensor) -> torch.Tensor:
        nonlocal done
        report("integrated gradients", min(done, steps), steps, "steps")
        done += len(embeddings)
        return function(embeddings)

    at_once = max(1, min(steps, classifier.compute.tokens // len(pieces.ids)))
    with torch.no_grad():
        score, before = (float(function(each)[0]) for each in (embedded, baseline))
    with device.threads_for(at_once * len(pieces.ids)):
        given = IntegratedGradients(forward).attribute(embedded, baselines=baseline, n_steps=steps, internal_batch_size=at_once)
    return _finite(given.double().sum(-1)[0]), score, before


def _finite(values: torch.Tensor) -> np.ndarray:
    found = values.detach().cpu().numpy().astype(np.float64)
    if not np.isfinite(found).all():
        raise UserError(
            "the gradients of the run's model are NaN or infinite", "Use the method that leaves words out, or train the run again"
        )
    return found

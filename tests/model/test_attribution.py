"""Weights of words: where they are known, where they must add up, and where nothing can be weighed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from emotui.core.data import sources
from emotui.core.errors import UserError
from emotui.core.events import Event
from emotui.core.model import attribution, baseline, checkpoint, classify, device, exact
from emotui.core.model.classify import FineTuned
from emotui.core.model.pieces import Pieces
from emotui.core.model.rung_models import Tfidf
from emotui.core.questions import AskWhy, WhyAnswer
from emotui.core.runs import folder
from emotui.core.runs.folder import RunFolder
from emotui.core.specs import BaselineSpec, DataSpec
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

TEXT = "I miss my old dog, and I shout at work!"


def quiet(*_: object) -> None:
    """Report to nobody."""


class Linear(torch.nn.Module):
    """A model whose logits are the sum over the tokens of what a matrix makes of their embeddings: every attribution is known."""

    def __init__(self, vocabulary: int, labels: int, width: int = 7) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.embedding = torch.nn.Embedding.from_pretrained(torch.randn(vocabulary, width, generator=generator))
        self.matrix = torch.randn(width, labels, generator=generator)
        self.config = SimpleNamespace(num_labels=labels)
        self.most = 0

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.embedding

    def forward(self, inputs_embeds: Any = None, attention_mask: Any = None, input_ids: Any = None) -> Any:
        given = inputs_embeds if inputs_embeds is not None else self.embedding(input_ids)
        self.most = max(self.most, given.shape[0] * given.shape[1])
        return SimpleNamespace(logits=(given * attention_mask.unsqueeze(-1)).sum(1) @ self.matrix)


def fine_tuned(tiny_model: Path, model: Any, labels: tuple[str, ...]) -> FineTuned:
    made: Any = object.__new__(FineTuned)
    made.labels, made.limit, made.compute = labels, 48, device.choose("cpu", "float32")
    made.tokenizer, made.model = checkpoint.find(str(tiny_model)).tokenizer, model
    return made


@pytest.fixture
def real(tiny_model: Path) -> FineTuned:
    """A real encoder with a head of random numbers."""
    torch.manual_seed(3)
    model = checkpoint.find(str(tiny_model)).classifier(("a", "b", "c"))
    with torch.no_grad():
        model.classifier.weight.mul_(30)  # a head that has learnt nothing gives all classes the same
    return fine_tuned(tiny_model, model, ("a", "b", "c"))


@pytest.mark.parametrize("labels", [("a", "b", "c"), ("no", "yes")])
def test_attributions_of_a_linear_model_are_those_that_are_known(tiny_model: Path, labels: tuple[str, ...]) -> None:
    classifier = fine_tuned(tiny_model, Linear(2_000, len(labels)), labels)
    pieces = Pieces.of(classifier.tokenizer, TEXT, 48)
    weight, matrix = classifier.model.embedding.weight, classifier.model.matrix
    of_class = matrix[:, 1] if len(labels) > 2 else matrix[:, 1] - matrix[:, 0]
    alone = (weight[list(pieces.ids)] @ of_class).numpy()
    known = np.where(pieces.special, 0.0, alone - float(weight[classifier.tokenizer.padding] @ of_class))
    by_token, score, base = attribution.integrated_gradients(classifier, pieces, 1, 32, quiet)
    assert by_token == pytest.approx(known, abs=1e-4)
    assert score - base == pytest.approx(known.sum(), abs=1e-4)
    assert score == pytest.approx(alone.sum(), abs=1e-4)
    rough, same = attribution.gradient_x_input(classifier, pieces, 1)
    assert rough == pytest.approx(alone, abs=1e-4) and same == pytest.approx(score, abs=1e-4)
    # Without a word the sum lacks what its tokens give: the tokens of the others stay as they are.
    left, whole = attribution.leave_out(classifier, TEXT, pieces, 1, quiet)
    assert left == pytest.approx(pieces.by_word(alone), abs=1e-4) and whole == pytest.approx(score, abs=1e-4)


def test_the_words_of_an_encoder_add_up(real: FineTuned) -> None:
    pieces = Pieces.of(real.tokenizer, TEXT, 48)
    for label in range(3):
        by_token, score, base = attribution.integrated_gradients(real, pieces, label, 128, quiet)
        logits = attribution._logits(real, [TEXT], quiet)[0]
        assert score == pytest.approx(logits[label], abs=1e-3)
        assert by_token.sum() == pytest.approx(score - base, abs=0.02 * abs(score - base) + 1e-3)
        assert pieces.by_word(by_token).sum() + sum(each.weight for each in pieces.rest(by_token)) == pytest.approx(by_token.sum())


def test_leaving_out_is_what_the_model_says_without_the_word(real: FineTuned) -> None:
    pieces = Pieces.of(real.tokenizer, TEXT, 48)
    found, score = attribution.leave_out(real, TEXT, pieces, 2, quiet)
    for word, value in zip(pieces.words, found, strict=True):
        without = TEXT[: word.start] + TEXT[word.stop :]
        ids = torch.tensor([real.tokenizer.encode([without], 48)[0].ids])
        with torch.inference_mode():
            logit = float(real.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, 2])
        assert value == pytest.approx(score - logit, abs=1e-4)


def test_a_long_text_takes_no_more_memory_at_once(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "CPU_TOKENS", 100)
    classifier = fine_tuned(tiny_model, Linear(2_000, 3), ("a", "b", "c"))
    pieces = Pieces.of(classifier.tokenizer, "good movie " * 30, 48)
    attribution.integrated_gradients(classifier, pieces, 0, 32, quiet)
    attribution.leave_out(classifier, "good movie " * 30, pieces, 0, quiet)
    assert 48 <= classifier.model.most <= 100


def test_work_that_is_taken_back_stops(real: FineTuned) -> None:
    class WithdrawnError(Exception):
        pass

    def refuse(phase: str, done: int, total: int | None, unit: str) -> None:
        if done:
            raise WithdrawnError

    real.compute = device.choose("cpu", "float32")
    pieces = Pieces.of(real.tokenizer, "good movie " * 30, 48)
    with pytest.raises(WithdrawnError):
        attribution.integrated_gradients(real, pieces, 0, 128, refuse)


def test_pieces_of_a_word_are_summed_and_what_is_cut_is_no_word(tiny_model: Path) -> None:
    tokenizer = checkpoint.find(str(tiny_model)).tokenizer
    pieces = Pieces.of(tokenizer, "tokenizing movie!", 48)
    assert [pieces.tokens[at] for at, word in enumerate(pieces.word) if word == 0] == ["token", "##izing"]
    assert pieces.word[0] is None and pieces.word[-1] is None and pieces.cut_at is None
    values = np.arange(len(pieces.ids), dtype=float)
    assert pieces.by_word(values).tolist() == [1.0 + 2.0, 3.0, 4.0]
    assert [each.token for each in pieces.rest(values)] == ["[CLS]", "[SEP]"]
    cut = Pieces.of(tokenizer, "good " * 100, 10)
    assert (len(cut.words), cut.cut_at, len(cut.ids)) == (8, 8 * 5 - 1, 10)


# --- through a run --------------------------------------------------------------------------------------------


def ladder(data: Path, model: Path) -> RunFolder:
    spec = DataSpec(str(data))
    known = sources.load(spec)
    job = BaselineSpec(spec, str(model), device="cpu", precision="float32")
    run = folder.create(job, data_hash=sources.fingerprint(known), labels=known.labels, versions={})
    events: list[Event] = []
    assert baseline.fit(job, run, events.append, lambda: False)
    return run


def why(run: RunFolder, text: str, rung: str, **more: Any) -> WhyAnswer:
    return attribution.explain(AskWhy(run=str(run.path), rung=rung, text=text, **more), quiet)


def test_each_rung_tells_why(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    run = ladder(tiny_data, tiny_model)
    text = "we danced all day and he lied, today"
    for rung in ("cls", "mean"):
        classifier: Any = classify.load(str(run.path), rung=rung)
        for label in classifier.labels:
            found = why(run, text, rung, label=label, method="integrated_gradients")
            ids = torch.tensor([classifier.tokenizer.encode([text], 48)[0].ids])
            with torch.inference_mode():
                hidden = classifier.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            state = (hidden[0] if rung == "cls" else hidden.mean(0)).double().numpy()
            logit = classifier.head.logits(state[None])[0, classifier.labels.index(label)]
            assert found.score == pytest.approx(logit, abs=2e-3)
            assert found.baseline is not None and found.gap is not None
            total = sum(each.weight for each in (*found.words, *found.rest))
            assert total == pytest.approx(found.score - found.baseline + found.gap, abs=1e-6)
            assert abs(found.gap) <= attribution.FAIR_GAP * abs(found.score - found.baseline) or found.steps == attribution.STEPS[-1]
            assert why(run, text, rung, label=label).method == "leave_out"
    with pytest.raises(UserError, match="most frequent class"):
        why(run, text, "most_frequent")
    with pytest.raises(UserError, match="the text is empty"):
        why(run, " \n", "cls")
    with pytest.raises(UserError, match="no class nonsense"):
        why(run, text, "cls", label="nonsense")
    assert why(run, "\ud83d a 😀 مرحبا 我喜欢", "cls").words  # half an emoji, a whole one, right to left, and no spaces
    long = why(run, "movie " * 400, "mean")
    assert (long.cut_at, long.tokens, len(long.words)) == (46 * 6 - 1, 48, 46)


def test_an_exact_answer_is_the_sum_of_weights_times_values(emotui_home: Path, tiny_model: Path, tiny_data: Path) -> None:
    run = ladder(tiny_data, tiny_model)
    text = "I feel GREAT, great and furious at home"
    model: Any = classify.load(str(run.path), rung="tfidf")
    names = model.vectorizer.get_feature_names_out().tolist()
    row = model.vectorizer.transform([text]).toarray()[0]
    for at, label in enumerate(model.labels):
        found = why(run, text, "tfidf", label=label)
        assert found.method == "exact" and found.gap == pytest.approx(0, abs=1e-12)
        assert found.score == pytest.approx(model.regression.decision_function([row])[0, at], abs=1e-9)
        told: dict[str, float] = {}
        for each in found.words:
            word = text[each.start : each.stop].lower()
            told[word] = told.get(word, 0.0) + each.weight
        for word, value in told.items():
            expected = row[names.index(word)] * model.regression.coef_[at, names.index(word)] if word in names else 0.0
            assert value == pytest.approx(expected, abs=1e-9)
        assert told["great"] != 0


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["good  film", "bad   film", "a good one", "bad bad"], {"analyzer": "char", "ngram_range": (1, 2)}),
        (["我喜欢这部电影", "我不喜欢", "很好看", "太差了 差"], {"analyzer": "char", "ngram_range": (1, 2)}),
        (["good film", "bad film", "İstanbul good", "bad"], {}),
    ],
)
def test_exact_answers_of_two_classes_add_up_to_the_log_odds(texts: list[str], options: dict[str, Any]) -> None:
    vectorizer = TfidfVectorizer(**options)
    regression = LogisticRegression(C=10).fit(vectorizer.fit_transform(texts), [0, 1, 0, 1])
    model = Tfidf(("x", "y"), vectorizer, regression)
    for text in [*texts, "nothing of it 12", " good\u00a0 film  "]:
        odds = regression.decision_function(vectorizer.transform([text]))[0]
        for label, sign in ((0, -1), (1, 1)):
            found = exact.contributions(model, text, label)
            assert found.score == pytest.approx(sign * odds, abs=1e-9)
            assert found.baseline is not None
            assert sum(each.weight for each in (*found.words, *found.rest)) + found.baseline == pytest.approx(found.score, abs=1e-9)

"""Questions to the engine and its answers, one JSON object a line over pipes.

A line to the engine is {"id": int, "ask": Ask}; a line from it {"id": int, ...} with one of "answer" (the JSON of the answer's struct),
"progress" ({"done", "total", "unit", "phase"}), "error" ({"problem", "remedy", "exit_code"}) or "begun" (what it is about to do with files
from elsewhere, such as 'load the model X'; '' when that is done: should it be lost in between, they were the cause).
Answers come in the order of the questions, but a question that was superseded by a newer one of its kind with the same `topic`, where
engine.server.SUPERSEDABLE names the kind, is answered by null, and so is one that was taken back.
An error with the id 0 belongs to no question: the engine itself cannot work.
The field names of the answers are those of `--json`, and a contract.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .events import Metrics
from .sentences import Words
from .specs import DataSpec, Job, Reading

WhyMethod = Literal["quick", "leave_out", "integrated_gradients"]
"""How words are weighted; 'quick' is the best method that takes less than a second for a tweet on a CPU."""

# --- questions ---------------------------------------------------------------------------------------------


class Ask(msgspec.Struct, frozen=True, tag_field="op", kw_only=True):
    """A question. A `topic` groups questions of which only the newest matters, such as those asked while typing; empty: all matter."""

    topic: str = ""


class AskTokens(Ask, frozen=True, tag="tokens"):
    """Three views of a text's tokens -> TokensAnswer. With `shapes` the model is run once to measure them."""

    text: str
    model: str = "starter"
    max_length: int | None = None
    shapes: bool = False
    offline: bool = False


class AskBatch(Ask, frozen=True, tag="batch"):
    """Several texts padded together -> BatchAnswer."""

    texts: tuple[str, ...]
    model: str = "starter"
    max_length: int | None = None
    fixed_length: int | None = None
    """Length to compare the padding with; None: max_length, else the model's limit."""
    offline: bool = False


class AskPath(Ask, frozen=True, tag="path"):
    """The path of a text through a model, or through the model of a run -> PathAnswer."""

    text: str
    model: str = "starter"
    run: str = ""
    """A run's folder; its fine-tuned weights and logits are then used."""
    max_length: int | None = None
    offline: bool = False


class AskLengths(Ask, frozen=True, tag="lengths"):
    """Token counts of every text, with special tokens and before truncation -> LengthsAnswer."""

    data: DataSpec
    model: str = "starter"


class AskFaults(Ask, frozen=True, tag="faults"):
    """Faults of a data set's rows: wrong labels, outliers, truncated texts and so on -> FaultsAnswer."""

    data: DataSpec
    model: str = "starter"
    """The model whose hidden states are used; where 'starter' is not installed, only words are used."""


class AskStates(Ask, frozen=True, tag="states"):
    """The hidden states of a file's rows, computed where the cache lacks them -> StatesAnswer."""

    data: DataSpec
    model: str = "starter"


QueueOrder = Literal["informative", "uncertain", "different", "disagreement"]


class AskQueue(Ask, frozen=True, tag="queue"):
    """A regression on the rows that have a label, and which rows to label next -> QueueAnswer.

    Rows are counted from 0 in the order of the file.
    """

    states: str
    """The key of StatesAnswer."""
    names: str
    """The key of the label names' own states."""
    rows: tuple[int, ...]
    """Those with a label."""
    labels: tuple[int, ...]
    """The class of each."""
    dropped: tuple[int, ...] = ()
    """Rows that were dropped, and are not offered again."""
    drawn: tuple[int, ...] = ()
    """The rows that have hidden states, ascending; empty: all."""
    order: QueueOrder = "informative"
    count: int = 500
    """Rows of the answer, at most."""
    with_curve: bool = False
    """Whether to compute the F1 after every 20 labels too; `rows` are then in the order in which they were labelled."""


class AskDisagreement(Ask, frozen=True, tag="disagreement"):
    """Rows of a file, by how much runs disagree on them -> DisagreementAnswer."""

    data: DataSpec
    runs: tuple[str, ...]
    """Their folders, two or more; all with the same labels."""
    rows: tuple[int, ...]
    """The rows to compare, from 0 in the order of the file."""


class AskNear(Ask, frozen=True, tag="near"):
    """The rows of a file whose hidden states are nearest to a text's -> NearAnswer."""

    text: str
    states: str
    """The key of StatesAnswer."""
    model: str = "starter"
    drawn: tuple[int, ...] = ()
    """The rows that have hidden states, ascending; empty: all."""
    count: int = 500


class AskTokenize(Ask, frozen=True, tag="tokenize"):
    """A whole data set tokenized, and kept in a folder if one is given -> TokenizeAnswer."""

    data: DataSpec
    model: str = "starter"
    max_length: int | None = None
    folder: str = ""


class AskClassify(Ask, frozen=True, tag="classify"):
    """Texts classified by one run -> ClassifyAnswer. Without texts the run's model is loaded, so that the first sentence need not wait."""

    run: str
    """The run's folder."""
    texts: tuple[str, ...]
    rung: str = ""
    """Of a baseline: one of core.runs.rungs.NAMES; empty: the best."""
    threshold: float | None = None
    """An answer less probable than this is 'unsure'."""


class AskWhy(Ask, frozen=True, tag="why"):
    """The weight of each word of a text for a class, by one run -> WhyAnswer."""

    run: str
    """The run's folder."""
    text: str
    rung: str = ""
    label: str = ""
    """The class to explain; empty: the most probable one."""
    method: WhyMethod = "quick"
    """A linear model is always explained exactly, whatever the method."""


class AskAttention(Ask, frozen=True, tag="attention"):
    """The attention of one layer and head on a text, by a run's encoder -> AttentionAnswer."""

    run: str
    text: str
    rung: str = ""
    layer: int = 1
    """1 is the first."""
    head: int = 0
    """1 is the first; 0: the mean of all heads."""


class AskNeighbours(Ask, frozen=True, tag="neighbours"):
    """The training rows of a run that are nearest to a text in its model's representation -> NeighboursAnswer."""

    run: str
    text: str
    rung: str = ""
    rows: int = 10
    """The number of rows to return."""
    distance: Literal["cosine", "euclidean"] = "cosine"


class AskClassifyFile(Ask, frozen=True, tag="classify_file"):
    """A file of any size classified part by part, one answer a row -> FileAnswer. The target's format is that of its name."""

    run: str
    source: str
    target: str
    text_column: str | None = None
    reading: Reading = Reading()
    skip_bad_rows: bool = False
    only_answers: bool = False
    """Whether to omit the other columns of the source."""
    rung: str = ""
    parts: str = ""
    """A folder with the parts that AskClassifyParts has already classified."""
    threshold: float | None = None
    """An answer less probable than this is 'unsure'."""


class AskClassifyParts(Ask, frozen=True, tag="classify_parts"):
    """Every `of`th part of a file, from part `index` on, classified into the folder `file.parts` -> PartsAnswer."""

    file: AskClassifyFile
    index: int
    of: int


class AskEvaluate(Ask, frozen=True, tag="evaluate"):
    """A run evaluated on a split of its data, or on a labelled file -> EvaluateAnswer. Its predictions are kept with the run."""

    run: str
    split: str = "test"
    resamples: int = 1000
    """Of the bootstrap; 0: no intervals."""
    worst: int = 10
    rung: str = ""
    file: str = ""
    """Read in place of a split, with what follows."""
    text_column: str | None = None
    label_column: str | None = None
    reading: Reading = Reading()
    skip_bad_rows: bool = False


class AskBehaviour(Ask, frozen=True, tag="behaviour"):
    """How a run behaves under small edits of a split's texts -> BehaviourAnswer. The results are kept with the run."""

    run: str
    split: str = "validation"
    rung: str = ""
    edits: tuple[str, ...] = ()
    """Names in core.data.edits; empty: all."""
    rows: int | None = None
    """Drawn at random from the split; None: all."""
    seed: int = 0


class AskExport(Ask, frozen=True, tag="export"):
    """A run's model written for others -> ExportAnswer."""

    run: str
    folder: str
    overwrite: bool = False
    rung: str = ""
    """Of a baseline."""
    format: Literal["transformers", "onnx", "onnx-int8"] = "transformers"
    most_loss: float = 0.005
    """Of macro-F1 on the validation split, that an export in ONNX may lose."""


class AskDownload(Ask, frozen=True, tag="download"):
    """Files fetched from a hub -> DownloadAnswer. `id` is 'ms:OWNER/NAME' or 'hf:OWNER/NAME'."""

    id: str
    what: str = "auto"
    """'model', 'dataset' or 'auto'."""
    offline: bool = False


class AskEstimate(Ask, frozen=True, tag="estimate"):
    """How long a job will take, from a few steps measured now and then discarded -> EstimateAnswer."""

    job: Job


class AskDoctor(Ask, frozen=True, tag="doctor"):
    """Versions and devices as the libraries see them -> DoctorAnswer."""


Question = (
    AskTokens
    | AskBatch
    | AskPath
    | AskLengths
    | AskFaults
    | AskStates
    | AskQueue
    | AskDisagreement
    | AskNear
    | AskTokenize
    | AskClassify
    | AskWhy
    | AskAttention
    | AskNeighbours
    | AskClassifyFile
    | AskClassifyParts
    | AskEvaluate
    | AskBehaviour
    | AskExport
    | AskDownload
    | AskEstimate
    | AskDoctor
)


class RequestLine(msgspec.Struct, frozen=True):
    """A question with its own number, 1 or more; without `ask` it cancels the question of that number."""

    id: int
    ask: Question | None = None


# --- answers -----------------------------------------------------------------------------------------------


class Lane(msgspec.Struct, frozen=True):
    """Characters or whitespace-separated words of a text, numbered by the sorted set of its own tokens."""

    tokens: tuple[str, ...]
    vocabulary: dict[str, int]
    ids: tuple[int, ...]
    one_hot: tuple[int, int]
    """Shape [tokens, vocabulary]."""


class Subwords(msgspec.Struct, frozen=True):
    """The model's tokens, special ones included, truncated at the model's limit."""

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    """Start and end of each token in the text, in characters; (0, 0) for special tokens."""
    special: tuple[int, ...]
    attention_mask: tuple[int, ...]
    vocab_size: int
    model_max_length: int
    input_names: tuple[str, ...]
    round_trip: str
    """The tokens, without special ones, joined to a text again."""
    unknown: int = 0
    """How many tokens are the unknown token."""
    full_length: int = 0
    """Tokens before truncation."""
    cut_at: int | None = None
    """Character of the text from which on the model sees nothing; None: it sees all."""


class Shapes(msgspec.Struct, frozen=True):
    """Shapes measured on the model: B texts, L tokens, V vocabulary entries, d hidden units."""

    input_ids: tuple[int, ...]
    one_hot: tuple[int, ...]
    embeddings: tuple[int, ...]
    hidden_state: tuple[int, ...]


class TokensAnswer(msgspec.Struct, frozen=True):
    text: str
    model: str
    characters: Lane
    words: Lane
    subwords: Subwords
    shapes: Shapes | None = None
    seconds: float = 0.0


class BatchAnswer(msgspec.Struct, frozen=True):
    """Texts padded to the longest: `tokens`, `ids` and `attention_mask` have shape [texts, length]."""

    tokens: tuple[tuple[str, ...], ...]
    ids: tuple[tuple[int, ...], ...]
    attention_mask: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]
    full_lengths: tuple[int, ...]
    """Tokens before truncation."""
    padded_to: int
    padding_share: float
    fixed_length: int
    padding_share_fixed: float
    """Share of padding if every batch were padded to fixed_length."""


class Layer(msgspec.Struct, frozen=True):
    """One stage of a model: its name for people, the shape of its output and the mean L2 norm over tokens."""

    name: str
    shape: tuple[int, ...]
    norm: float | None = None


class PathAnswer(msgspec.Struct, frozen=True):
    tokens: tuple[str, ...]
    layers: tuple[Layer, ...]
    token_norms: tuple[tuple[float, ...], ...]
    """L2 norm of each token's hidden state after the embeddings and each layer: [layers + 1, L]."""
    cls: tuple[float, ...]
    """The first values of the [CLS] hidden state of the last layer."""
    logits: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    architecture: str = ""
    parameters: int = 0


class LengthsAnswer(msgspec.Struct, frozen=True):
    model_max_length: int
    tokens: dict[str, tuple[int, ...]]
    """Token count of every row by split, in row order."""
    unknown_share: float = 0.0
    seconds: float = 0.0
    unknown: dict[str, tuple[int, ...]] = {}
    """Unknown tokens of every row, up to the model's limit, by split; empty where the tokenizer has no unknown token."""
    specials: int = 0
    """Special tokens of each text."""


class Fault(msgspec.Struct, frozen=True):
    """One kind of fault in one split, and its rows."""

    kind: str
    """'label', 'near_conflict', 'outlier', 'small_class' or 'cut'."""
    split: str
    rows: tuple[int, ...]
    """0-based positions in the split, the most suspect first."""
    message: str
    how: str
    """How it was found."""
    suggested: tuple[str, ...] = ()
    """The suggested label of each row; empty where there is none."""
    confidence: tuple[float, ...] = ()
    """The probability of each suggested label."""


class FaultsAnswer(msgspec.Struct, frozen=True):
    faults: tuple[Fault, ...]
    features: str
    """What the labels were predicted from: 'TF-IDF', '[CLS]' or 'mean'."""
    f1_macro: dict[str, float]
    """Out-of-fold macro-F1 on the training split by what could be predicted from."""
    ranking: dict[str, tuple[int, ...]] = {}
    """All rows of each split that were not decided by hand, the most suspect label first."""
    seconds: float = 0.0
    not_searched: tuple[str, ...] = ()
    """What the data set is too large to be searched for, in sentences."""


class StatesAnswer(msgspec.Struct, frozen=True):
    key: str
    """The cache key of the states, [rows, d], float32: the mean over each text's tokens."""
    names: str
    """The cache key of the states of the label names, [labels, d]."""
    drawn: tuple[int, ...]
    """The rows that have states, ascending, where the file has too many; empty: all."""
    seconds: float
    cached: bool
    """Whether everything was in the cache."""


class QueueAnswer(msgspec.Struct, frozen=True):
    order: tuple[int, ...]
    """Rows without a label, the most useful first."""
    predicted: tuple[int, ...]
    """The class that the regression gives each of them; empty before there is one."""
    probability: tuple[float, ...]
    """Of that class."""
    f1_macro: float | None = None
    """Of the rows with a label, each predicted by a regression that was not fitted on it; None where they are too few."""
    folds: int = 0
    curve: tuple[tuple[int, float], ...] = ()
    """Labels, and the F1 with so many of them."""
    labelled: int = 0
    by_names: bool = False
    """Whether the order is that of the label names' own states, since too few rows have a label."""
    seconds: float = 0.0


class DisagreementAnswer(msgspec.Struct, frozen=True):
    order: tuple[int, ...]
    """The rows, those first on which the runs differ most."""
    divergence: tuple[float, ...]
    """How far in nats: the Jensen-Shannon divergence of their probabilities."""
    seconds: float


class NearAnswer(msgspec.Struct, frozen=True):
    order: tuple[int, ...]
    """The nearest first."""
    distance: tuple[float, ...]
    """1 - cosine."""


class TokenizeAnswer(msgspec.Struct, frozen=True):
    columns: tuple[str, ...]
    features: dict[str, str]
    rows: dict[str, int]
    tokens: dict[str, int]
    """Tokens of each split, special ones included."""
    truncated: int
    """Texts that were cut."""
    max_length: int
    seconds: float
    """Of tokenization alone."""
    folder: str = ""


UNSURE = "unsure"
"""The label of an answer that is less probable than the threshold."""


class Prediction(msgspec.Struct, frozen=True):
    text: str
    label: str
    """The most probable one, or UNSURE."""
    probabilities: dict[str, float]
    """By label, in label order; they sum to 1."""
    tokens: int
    """Tokens the model saw, special ones included; words for a model without a tokenizer."""
    truncated: bool


class ClassifyAnswer(msgspec.Struct, frozen=True):
    run: str
    predictions: tuple[Prediction, ...]
    seconds: float = 0.0
    rung: str = ""
    """The rung of a baseline that answered."""
    temperature: float = 1.0
    """The temperature by which the run's logits were divided."""


class WordWeight(msgspec.Struct, frozen=True):
    """One word of a text, by its characters, and its weight for the score: above 0 it supports the class."""

    start: int
    stop: int
    weight: float


class Rest(msgspec.Struct, frozen=True):
    """What has a weight besides the words: a special token, or anything that is not a word."""

    token: str
    weight: float


class WhyAnswer(msgspec.Struct, frozen=True):
    """The weights of a text's words for one class.

    By integrated gradients, and exactly, words and rest add up to score - baseline but for the gap. By leaving out, a weight is how much
    lower the score is without the word, and nothing needs to add up.
    """

    text: str
    method: Literal["leave_out", "gradient_x_input", "integrated_gradients", "exact"]
    """The method that was used."""
    words: tuple[WordWeight, ...]
    """The words that the model sees, in order."""
    score: float
    """The class's logit; of two classes the log-odds of this one against the other."""
    tokens: int
    """Tokens that the model saw, special ones included; words for a model without a tokenizer."""
    cut_at: int | None = None
    """Character of the text from which on the model sees nothing; None: it sees all."""
    rest: tuple[Rest, ...] = ()
    baseline: float | None = None
    """The score of the text with padding in place of its words; of a linear model its intercept."""
    steps: int = 0
    """Of integrated gradients."""
    gap: float | None = None
    """The sum of words and rest, minus the sum that completeness requires."""
    run: str = ""
    rung: str = ""
    label: str = ""
    """The class that is explained."""
    probabilities: dict[str, float] = {}
    """By label, in label order, at the run's temperature."""
    seconds: float = 0.0


class AttentionAnswer(msgspec.Struct, frozen=True):
    """What each token attends to in one layer and head."""

    tokens: tuple[str, ...]
    layers: int
    heads: int
    layer: int
    head: int
    """0: the mean of all heads."""
    weights: bytes
    """float16, little-endian, shape [tokens, tokens]: of each token (row) the shares of all tokens, which sum to 1."""
    run: str = ""
    rung: str = ""
    full_length: int = 0
    """Tokens of the text before anything was cut."""
    seconds: float = 0.0


class NearRow(msgspec.Struct, frozen=True):
    """A training row near a text."""

    row: int
    """0-based position in the training split."""
    number: int
    """1-based row number in the source file."""
    text: str
    label: str
    """The label that the run was trained with."""
    distance: float
    source_label: str | None = None
    """The label in the source, where the run was trained with another one."""
    later: str | None = None
    """The decision about the row since the run was made: a label, or '' where it is left out."""


class NeighboursAnswer(msgspec.Struct, frozen=True):
    rows: tuple[NearRow, ...]
    """The nearest first."""
    searched: int
    """The number of training rows searched: all of them."""
    features: str
    """What is compared: '[CLS]', 'mean', 'static embeddings' or 'TF-IDF'."""
    distance: str
    run: str = ""
    rung: str = ""
    seconds: float = 0.0


class FileAnswer(msgspec.Struct, frozen=True):
    run: str
    target: str
    rows: int
    seconds: float
    skipped: int = 0
    unanswered: int = 0
    """Rows without a text that can be used: their answers are empty, and the column `error` says why."""
    kept: int = 0
    """Rows that an interrupted call had already classified."""
    text_column: str = ""
    rung: str = ""
    notes: tuple[str, ...] = ()
    """Notes on what was guessed about the file."""
    unsure: int = 0
    """Rows whose answer was less probable than the threshold."""
    temperature: float = 1.0
    """The temperature by which the run's logits were divided."""


class PartsAnswer(msgspec.Struct, frozen=True):
    rows: int
    kept: int
    """How many of them existed before."""


class ScoredRow(msgspec.Struct, frozen=True):
    """One row of a split with a run's prediction."""

    row: int
    """0-based position in the split."""
    text: str
    label: str
    prediction: str
    probability: float
    """Of the predicted label."""
    loss: float
    """Cross entropy of the true label in nats."""


class EvaluateAnswer(msgspec.Struct, frozen=True):
    run: str
    split: str
    metrics: Metrics
    highest_loss: tuple[ScoredRow, ...]
    lowest_loss: tuple[ScoredRow, ...]
    predictions: str
    """The parquet file with every row's prediction."""
    seconds: float = 0.0
    rung: str = ""
    """The rung of a baseline that was evaluated."""
    notes: tuple[str, ...] = ()
    """Notes on what was guessed about a file, or has changed since the run was made."""


class BehaviourAnswer(msgspec.Struct, frozen=True):
    file: str
    """The file of the results, a core.runs.behaviour.Behaviour."""
    seconds: float


class MeasuredModel(msgspec.Struct, frozen=True):
    """What one form of a model comes to on the validation split, on the CPU."""

    name: str
    """'original', or the format."""
    accuracy: float
    f1_weighted: float
    f1_macro: float
    latency: float
    """Median seconds for one text, tokenization included."""
    size: int
    """Bytes of its weights."""


class ExportAnswer(msgspec.Struct, frozen=True):
    run: str
    folder: str
    files: tuple[str, ...]
    measured: tuple[MeasuredModel, ...] = ()
    """The original and the export, of an export in ONNX."""


class DownloadAnswer(msgspec.Struct, frozen=True):
    id: str
    what: str
    folder: str
    files: dict[str, int]
    """Size in bytes of each file."""
    seconds: float


class EstimateAnswer(msgspec.Struct, frozen=True):
    before: float
    """Seconds until the first step."""
    epoch: float
    """Seconds of one epoch; of a baseline, those of all hidden states."""
    measured: int
    unit: str
    """'steps' or 'texts'."""


class DoctorAnswer(msgspec.Struct, frozen=True):
    versions: dict[str, str]
    devices: tuple[dict[str, str | int | float | bool | None], ...]
    """Each with 'train' and 'baseline': the precision, 'float32' or 'bf16', that such a run takes there by itself."""
    threads: int
    starter_model: str
    """The folder of the starter encoder; empty: not installed."""
    timed: tuple[str, ...] = ()
    """What was found to be the fastest on this CPU, a line for each model and task."""


class ProgressLine(msgspec.Struct, frozen=True):
    phase: str
    done: int
    total: int | None
    unit: str


class ErrorLine(msgspec.Struct, frozen=True):
    """A UserError."""

    problem: Words
    remedy: Words = ""
    exit_code: int = 2


class ReplyLine(msgspec.Struct, frozen=True):
    id: int
    answer: msgspec.Raw = msgspec.Raw(b"null")
    progress: ProgressLine | None = None
    error: ErrorLine | None = None
    begun: str | None = None


ANSWERS: dict[type[Ask], type[msgspec.Struct]] = {
    AskTokens: TokensAnswer,
    AskBatch: BatchAnswer,
    AskPath: PathAnswer,
    AskLengths: LengthsAnswer,
    AskFaults: FaultsAnswer,
    AskStates: StatesAnswer,
    AskQueue: QueueAnswer,
    AskDisagreement: DisagreementAnswer,
    AskNear: NearAnswer,
    AskTokenize: TokenizeAnswer,
    AskClassify: ClassifyAnswer,
    AskWhy: WhyAnswer,
    AskAttention: AttentionAnswer,
    AskNeighbours: NeighboursAnswer,
    AskClassifyFile: FileAnswer,
    AskClassifyParts: PartsAnswer,
    AskEvaluate: EvaluateAnswer,
    AskBehaviour: BehaviourAnswer,
    AskExport: ExportAnswer,
    AskDownload: DownloadAnswer,
    AskEstimate: EstimateAnswer,
    AskDoctor: DoctorAnswer,
}

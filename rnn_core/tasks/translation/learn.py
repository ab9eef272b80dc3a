"""Translation: write in one language what a sentence says in another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnn_core.baselines.lexicon import word_for_word, word_lexicon
from rnn_core.errors import DataError, ParameterError
from rnn_core.features.batches import length_batches
from rnn_core.features.subwords import END, PAD, START, UNKNOWN, Subwords, train_subwords
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.beam_search import translate
from rnn_core.models.translator import Translator
from rnn_core.readers.parallel_text import (
    Pair,
    aligned_files,
    check_length,
    clean,
    read_lines,
    read_pairs,
)
from rnn_core.readers.sides import check_shares
from rnn_core.tasks.base.task import (
    SPLITS,
    AnswerParameters,
    Batch,
    Data,
    Illustration,
    Meta,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Suggestion,
    Task,
    required_column,
)
from rnn_core.tasks.illustration import pairs, spread
from rnn_core.tasks.translation.bleu import (
    SIGNATURE,
    Tokenizer,
    corpus_bleu,
    further_scores,
    sentence_bleu,
)

if TYPE_CHECKING:
    import pandas as pd

Sides: TypeAlias = dict[Split, list[Pair]]

Pieces: TypeAlias = dict[Split, list[tuple[list[int], list[int]]]]
"""Of the source and the target of each pair."""

SCORING_BATCH = 256
"""Sentences translated at once; a bound on memory only."""

ILLUSTRATED = 5
"""Sentences that illustrate a model."""

POOL_BATCHES = 20
"""Sentences of similar length are batched together within pools of so many batches."""

SPLIT_SEED = 0
"""Which pairs of a corpus fall on which side is the same for everyone."""


@dataclass(frozen=True, kw_only=True)
class TranslationData:
    """How two aligned files become subwords and sides.

    Attributes:
        source_file: File of the texts to translate, one a line; null: the other one of the
            two files that are there. With a `*` in it there is a file for each side, and
            the star stands for its name in `sides`.
        target_file: File of the translations, likewise.
        sides: What files of the training, validation and test side are called.
        validation_share: Share of the pairs kept for choosing, where one pair of files
            holds all; pairs are drawn, not cut off at the end.
        test_share: Share of the pairs kept for the final score, likewise.
        repeated: What to do where a pair of the training side comes again, word by word, on
            another side: refuse it, or leave it out of training.
        max_vocabulary: Most different subwords of both languages together.
        max_length: A training pair with more subwords than this on either side is left
            out; on the other sides every pair is kept.
        lower_case: Whether the model reads and writes lower case only.
        tokenizer: How sacreBLEU cuts translations into tokens.
    """

    source_file: str | None = None
    target_file: str | None = None
    sides: tuple[str, str, str] = ("train", "val", "test")
    validation_share: float = 0.1
    test_share: float = 0.1
    repeated: Literal["error", "drop"] = "error"
    max_vocabulary: int = 4000
    max_length: int = 100
    lower_case: bool = False
    tokenizer: Tokenizer = "13a"

    def __post_init__(self) -> None:
        if len(set(self.sides)) < len(self.sides):
            raise ValueError("sides must be three different names")
        if min(self.max_vocabulary, self.max_length) < 1:
            raise ValueError("max_vocabulary and max_length must be at least 1")
        check_shares(self.validation_share, self.test_share)


@dataclass(frozen=True, kw_only=True)
class TranslationModel(ModelParameters):
    """The translator; see `rnn_core.models.translator.Translator`.

    Attributes:
        embedding_size: Size of a subword's vector.
        attention: Whether the decoder looks at every step of the source; without it, all
            it knows is in the state of the recurrent cell.
        label_smoothing: Share of the training target spread over all subwords (Szegedy et
            al., arXiv:1512.00567v3).
        beam_size: Hypotheses that are kept while the test side is translated; see
            `rnn_core.models.beam_search`.
        length_exponent: How much long translations are preferred there, 0 to 1.
    """

    embedding_size: int = 128
    attention: bool = True
    label_smoothing: float = 0.1
    beam_size: int = 5
    length_exponent: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.embedding_size, self.beam_size) < 1:
            raise ValueError("embedding_size and beam_size must be at least 1")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError("label_smoothing must be in [0, 1)")
        if not 0 <= self.length_exponent <= 1:
            raise ValueError("length_exponent must be in [0, 1]")


@dataclass(frozen=True, kw_only=True)
class TranslationAnswer(AnswerParameters):
    """What may be asked of a translation.

    Attributes:
        beam_size: Hypotheses that are kept; 1 is quickest.
    """

    beam_size: int = 5

    def __post_init__(self) -> None:
        if self.beam_size < 1:
            raise ValueError("beam_size must be at least 1")


class Translation(Task):
    """Sentence-by-sentence translation, scored by corpus BLEU.

    The validation side is translated greedily, since that is done after every epoch; the
    test side by beam search. Scores of single items are sentence BLEU, which does not add up
    to the score of the side.
    """

    metric = Metric(
        "bleu",
        "BLEU, 0 to 100",
        "higher",
        f"corpus BLEU of sacreBLEU, {SIGNATURE.format('13a')} (data.tokenizer sets another "
        "tok), on whole sentences with upper case as lower case; greedy on the validation side, "
        "by beam search on the test side",
    )
    margin = 0.5
    DataParameters = TranslationData
    ModelParameters = TranslationModel
    AnswerParameters = TranslationAnswer
    requirements = ("sentencepiece",)
    model: TranslationModel

    def __init__(self, meta: Meta, model: Any, seed: int = 0) -> None:
        super().__init__(meta, model, seed)
        self.subwords = Subwords(meta["subwords"])
        self.written = torch.tensor(meta["written"])
        self.place = torch.full((len(self.subwords),), -1)
        self.place[self.written] = torch.arange(len(self.written))
        self.tokenizer: Tokenizer = meta["parameters"]["tokenizer"]

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        read = read_sides(raw, parameters)
        sides = without_repeated(read, parameters.repeated)
        check_characters(sides)
        train = [clean(text, parameters.lower_case) for pair in sides["train"] for text in pair]
        model = train_subwords(train, parameters.max_vocabulary)
        encoded = encode_sides(sides, Subwords(model), parameters)
        kept, pieces = without_long(sides, encoded, parameters.max_length)
        counts = [len(side["train"]) for side in (read, sides, kept)]
        meta = {
            "parameters": asdict(parameters),
            "subwords": model,
            "written": sorted({i for _, ids in pieces["train"] for i in ids} - {UNKNOWN}),
            "items": {split: len(kept[split]) for split in SPLITS},
            "left_out": {"repeated": counts[0] - counts[1], "long": counts[1] - counts[2]},
        }
        return to_tensors(kept, pieces), meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Translator(
            make_cell,
            len(self.subwords),
            self.model.embedding_size,
            written=self.written,
            attention=self.model.attention,
            dropout=self.model.dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        num_pairs: int = self.meta["items"]["train"]
        return -(-num_pairs // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items = torch.arange(self.meta["items"]["train"])
        lengths = data["target_lengths"] + data["source_lengths"]
        source, target = pieces_of(data, "source"), pieces_of(data, "target")
        for batch in length_batches(items, lengths, batch_size, generator, POOL_BATCHES):
            chosen = batch.tolist()
            pieces, source_lengths = pad([source[i] for i in chosen])
            yield pieces, source_lengths, *pad([target[i] for i in chosen])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        pieces, lengths, target, target_lengths = batch
        before = functional.pad(target[:, :-1], (1, 0), value=START)
        kept = torch.arange(target.shape[1], device=target.device) < target_lengths.unsqueeze(1)
        logits = model(pieces, lengths, before, kept)
        wanted = self.place.to(target.device)[target[kept]]
        loss = functional.cross_entropy(
            logits, wanted, label_smoothing=self.model.label_smoothing if model.training else 0.0
        )
        return loss, None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Sentence BLEU of each item, and corpus BLEU; greedy but for the test side."""
        first, last = side_range(self.meta, split)
        final = split == "test"
        beam_size = self.model.beam_size if final else 1
        ours = self.translations(model, pieces_of(data, "source")[first:last], beam_size)
        references = texts_of(data, "target", first, last)
        values = sentence_bleu(ours, references, self.tokenizer)
        return Scores(
            values,
            torch.ones_like(values),
            corpus_bleu(ours, references, self.tokenizer),
            further_scores(ours, references, self.tokenizer) if final else {},
        )

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Sentences, and their translations by beam search."""
        first, last = side_range(self.meta, split)
        places = spread(last - first, ILLUSTRATED)
        pieces = pieces_of(data, "source")[first:last]
        ours = self.translations(model, [pieces[i] for i in places], self.model.beam_size)
        sources, references = (texts_of(data, what, first, last) for what in Pair._fields)
        shown = pairs([sources[i] for i in places], [references[i] for i in places], ours)
        return {"kind": "pairs", "pairs": shown}

    def baselines(self, data: Data) -> dict[str, float]:
        """The source itself, and its words one by one."""
        end, (first, last) = side_range(self.meta, "train")[1], side_range(self.meta, "test")
        train = map(Pair, texts_of(data, "source", 0, end), texts_of(data, "target", 0, end))
        lexicon = word_lexicon(train)
        sources, references = (texts_of(data, what, first, last) for what in Pair._fields)
        replaced = [word_for_word(text, lexicon) for text in sources]
        return {
            "copy": corpus_bleu(sources, references, self.tokenizer),
            "word_for_word": corpus_bleu(replaced, references, self.tokenizer),
        }

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """More pairs carry a larger vocabulary and model, and need fewer epochs."""
        try:
            sides = read_sides(raw, TranslationData(**wanted))
        except (TypeError, ValueError) as error:
            raise ParameterError(str(error)) from None
        num_pairs = len(sides["train"])
        size = next(size for size in SIZES if num_pairs <= size.most_pairs)
        return {
            "data": {"max_vocabulary": size.vocabulary, **wanted},
            "model": {
                "embedding_size": size.embedding,
                "hidden_size": size.hidden,
                "dropout": size.dropout,
            },
            "training": {
                "epochs": size.epochs,
                "batch_size": size.batch,
                "learning_rate": 0.003,
                "schedule": "cosine",
                "warmup_steps": 100,
            },
        }

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """Read a text file, one sentence a line, into the column `text`."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"text": read_lines(path)})

    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Translate each text of the column `text` into the column `translation`.

        A text without words has an empty translation.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = []
        for row, text in enumerate(required_column(table, "text"), start=1):
            if not isinstance(text, str):
                raise DataError(f"row {row}, column 'text': {text!r} is not text")
            check_length(text, f"row {row}, column 'text'")
            texts.append(clean(text, self.meta["parameters"]["lower_case"]))
        pieces = [torch.tensor([*ids, END]) for ids in self.subwords.encode(texts)]
        full = [index for index, text in enumerate(texts) if text]
        with torch.inference_mode():
            ours = self.translations(model, [pieces[i] for i in full], parameters.beam_size)
        answers = dict(zip(full, ours, strict=True))
        return pd.DataFrame({"translation": [answers.get(i, "") for i in range(len(texts))]})

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        pairs = read_sides(raw, TranslationData(**self.meta["parameters"]))["test"]
        return pd.DataFrame({"text": [pair.source for pair in pairs[:3]]})

    def translations(
        self, model: nn.Module, sources: Sequence[Tensor], beam_size: int
    ) -> list[str]:
        """Translate sentences given as pieces, each at most twice as long and ten."""
        assert isinstance(model, Translator)
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        ours = [""] * len(sources)
        for start in range(0, len(order), SCORING_BATCH):
            chosen = order[start : start + SCORING_BATCH]
            pieces, lengths = pad([sources[i] for i in chosen])
            best = translate(
                model,
                pieces,
                lengths,
                2 * lengths + 10,
                start=START,
                end=END,
                beam_size=beam_size,
                length_exponent=self.model.length_exponent,
            )
            for index, text in zip(chosen, self.subwords.decode(best), strict=True):
                ours[index] = text
        return ours


@dataclass(frozen=True)
class Size:
    """What suits a training side of so many pairs."""

    most_pairs: float
    vocabulary: int
    embedding: int
    hidden: int
    dropout: float
    epochs: int
    batch: int


SIZES = (
    Size(3_000, 500, 64, 96, 0.3, 30, 32),
    Size(15_000, 2000, 96, 128, 0.3, 15, 64),
    Size(60_000, 4000, 128, 192, 0.2, 10, 64),
    Size(float("inf"), 8000, 192, 256, 0.1, 4, 128),
)


def read_sides(raw: Path, parameters: TranslationData) -> Sides:
    """The pairs of each side, from files of each or drawn from one pair of files."""
    if "*" not in (parameters.source_file or "") + (parameters.target_file or ""):
        pairs = read_pairs(aligned_files(raw, parameters.source_file, parameters.target_file))
        return draw_sides(pairs, parameters)
    patterns = parameters.source_file, parameters.target_file
    for pattern in patterns:
        if pattern is None or "*" not in pattern:
            raise ParameterError(
                f"target_file is {patterns[1]!r}, source_file {patterns[0]!r}: both or neither "
                "must hold a *"
            )
    names = [[str(p).replace("*", side) for p in patterns] for side in parameters.sides]
    pairs_of = [read_pairs(aligned_files(raw, *pair)) for pair in names]
    return dict(zip(SPLITS, pairs_of, strict=True))


def draw_sides(pairs: list[Pair], parameters: TranslationData) -> Sides:
    """Draw sides from all pairs; a pair that comes several times is on one side only."""
    different = list(dict.fromkeys(pairs))
    num_test = round(len(different) * parameters.test_share)
    num_validation = round(len(different) * parameters.validation_share)
    num_train = len(different) - num_test - num_validation
    if min(num_test, num_validation, num_train) < 1:
        count = (
            "1 different pair is"
            if len(different) == 1
            else f"{len(different)} different pairs are"
        )
        raise DataError(
            f"{count} too few for a validation_share of "
            f"{parameters.validation_share} and a test_share of {parameters.test_share}"
        )
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    order = torch.randperm(len(different), generator=generator)
    parts = order.split([num_train, num_validation, num_test])
    return {
        split: [different[i] for i in part.sort().values.tolist()]
        for split, part in zip(SPLITS, parts, strict=True)
    }


def without_repeated(sides: Sides, repeated: Literal["error", "drop"]) -> Sides:
    """Keep pairs that are scored out of training, and pairs to choose by out of the test."""
    chosen = set(sides["validation"])
    both = next((i for i, pair in enumerate(sides["test"], 1) if pair in chosen), None)
    if both is not None and repeated == "error":
        raise DataError(
            f"pair {both} of the test side is on the validation side too; remove it there, or set "
            "data.repeated to drop"
        )
    scored = chosen | set(sides["test"])
    again = next((i for i, pair in enumerate(sides["train"], 1) if pair in scored), None)
    if again is not None and repeated == "error":
        raise DataError(
            f"pair {again} of the training side is on the validation or test side too; remove it, "
            "or set data.repeated to drop"
        )
    tested = set(sides["test"])
    kept: Sides = {
        "train": [pair for pair in sides["train"] if pair not in scored],
        "validation": [pair for pair in sides["validation"] if pair not in tested],
        "test": sides["test"],
    }
    if not kept["validation"]:
        raise DataError(
            "every validation pair is on the test side too; nothing is left to choose by"
        )
    if not kept["train"]:
        raise DataError("every training pair is on the validation or test side too")
    return kept


def encode_sides(sides: Sides, subwords: Subwords, parameters: TranslationData) -> Pieces:
    """Source and target of each pair as pieces, each closed by END."""

    def encode(text: str) -> list[int]:
        return [*subwords.encode([clean(text, parameters.lower_case)])[0], END]

    return {
        split: [(encode(pair.source), encode(pair.target)) for pair in sides[split]]
        for split in SPLITS
    }


def without_long(sides: Sides, encoded: Pieces, max_length: int) -> tuple[Sides, Pieces]:
    """Leave out training pairs of which a side has more pieces than `max_length`.

    Raises:
        DataError: If none is left.
    """
    short = [max(map(len, pair)) <= max_length for pair in encoded["train"]]
    if not any(short):
        raise DataError(
            f"every training pair has more than max_length = {max_length} subwords; raise it"
        )
    train = list(compress(sides["train"], short)), list(compress(encoded["train"], short))
    return {**sides, "train": train[0]}, {**encoded, "train": train[1]}


def check_characters(sides: Sides) -> None:
    """Refuse sides that are written otherwise than what is trained on.

    Raises:
        DataError: If most characters of one are not on the training side.
    """
    for index, what in enumerate(Pair._fields):
        known = {character for pair in sides["train"] for character in pair[index].lower()}
        for split in SPLITS:
            text = "".join("".join(pair[index].lower().split()) for pair in sides[split])
            if 2 * sum(character in known for character in text) < len(text):
                raise DataError(
                    f"most characters of the {what} texts of the {split} side are not on the "
                    "training side; is it the same language?"
                )


def to_tensors(sides: Sides, encoded: Pieces) -> dict[str, Tensor]:
    """Pieces and texts of all pairs, the sides one after another, each with its lengths.

    Returns:
        `source` and `target`: pieces, int32; `source_text` and `target_text`: UTF-8, uint8;
        and each with `_lengths` after its name, int32 (N,).
    """
    pairs = [pair for split in SPLITS for pair in sides[split]]
    pieces = [pair for split in SPLITS for pair in encoded[split]]
    data: dict[str, Tensor] = {}
    for index, what in enumerate(Pair._fields):
        ids = [pair[index] for pair in pieces]
        texts = [pair[index].encode() for pair in pairs]
        data[what] = torch.tensor([i for sequence in ids for i in sequence], dtype=torch.int32)
        data[f"{what}_lengths"] = torch.tensor(list(map(len, ids)), dtype=torch.int32)
        data[f"{what}_text"] = torch.frombuffer(bytearray(b"".join(texts)), dtype=torch.uint8)
        data[f"{what}_text_lengths"] = torch.tensor(list(map(len, texts)), dtype=torch.int32)
    return data


def side_range(meta: Meta, split: Split) -> tuple[int, int]:
    """First pair of a side, and the one after its last."""
    before = SPLITS[: SPLITS.index(split)]
    first = sum(meta["items"][side] for side in before)
    return first, first + meta["items"][split]


def pieces_of(data: Data, what: str) -> Sequence[Tensor]:
    """The pieces of each text, int64."""
    return list(data[what].long().split(data[f"{what}_lengths"].tolist()))


def texts_of(data: Data, what: str, first: int, last: int) -> list[str]:
    """The texts from one pair to before another."""
    parts = data[f"{what}_text"].cpu().split(data[f"{what}_text_lengths"].tolist())
    return [bytes(part.tolist()).decode() for part in parts[first:last]]


def pad(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Sequences of pieces as one tensor (B, T), and their lengths (B,)."""
    lengths = torch.tensor([len(s) for s in sequences], device=sequences[0].device)
    return pad_sequence(list(sequences), batch_first=True, padding_value=PAD), lengths

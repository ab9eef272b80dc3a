"""Sentiment: which class a sentence belongs to, such as praise or blame."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.batches import length_batches
from rnn_core.features.words import build_vocabulary, cut_words, encode
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.sentence_classifier import Pooling, SentenceClassifier
from rnn_core.readers.labelled_texts import (
    ENDINGS,
    Column,
    Separator,
    check_classes,
    guess_columns,
    guess_separator,
    later_copies,
    read_rows,
    read_texts,
    stratified_sides,
    table_files,
)
from rnn_core.readers.plain_text import read_plain_text
from rnn_core.readers.sides import check_shares
from rnn_core.tasks.base.task import (
    SPLITS,
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
)
from rnn_core.tasks.illustration import confusion

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

SCORING_BATCH = 256
"""Sentences scored at once; a bound on memory only."""

EVIDENCE_FOLDS = 5
"""While training, what words say about a sentence is counted on the other folds."""

OPTIMUM = "likeliest.npy"
"""Where a source says of each row whether its label is the likeliest one for its text."""


@dataclass(frozen=True, kw_only=True)
class SentimentData:
    """How a table becomes sentences and sides.

    The sides are three files, or shares of the only one.

    Attributes:
        text: Column of texts: its name in the header, or its position from 1 in a table
            without one.
        label: Column of labels, likewise.
        separator: What separates fields; null: a comma in .csv, a tab in .tsv.
        train: File of the training side; null: there is one file, split by shares.
        validation: File of the side kept for choosing.
        test: File of the side kept for the final score.
        validation_share: Share of each class kept for choosing.
        test_share: Share of each class kept for the final score.
        split_seed: Seed that decides which texts are on which side.
        lowercase: Whether upper and lower case are the same.
        min_count: Occurrences on the training side that a word must have to be known.
        max_vocabulary: Most different words, the unknown one included.
        max_words: Words of a text that are read; the rest is left out.
    """

    text: Column = "text"
    label: Column = "label"
    separator: Separator | None = None
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    split_seed: int = 0
    lowercase: bool = True
    min_count: int = 1
    max_vocabulary: int = 20_000
    max_words: int = 256

    def __post_init__(self) -> None:
        if isinstance(self.text, int) != isinstance(self.label, int):
            raise ValueError("text and label must both be names or both be positions")
        given = [file for file in (self.train, self.validation, self.test) if file is not None]
        if len(given) not in {0, 3} or len(set(given)) < len(given):
            raise ValueError("train, validation and test must be three files, or none")
        check_shares(self.validation_share, self.test_share)
        if min(self.min_count, self.max_words) < 1 or self.max_vocabulary < 2:
            raise ValueError("min_count and max_words must be at least 1, max_vocabulary 2")


@dataclass(frozen=True, kw_only=True)
class SentimentModel(ModelParameters):
    """The classifier; see `rnn_core.models.sentence_classifier.SentenceClassifier`.

    Attributes:
        embedding_size: Size of a word's vector.
        bidirectional: Whether sentences are also read from their end.
        pooling: How the outputs of all words become one.
        word_dropout: Share of words that are made unknown while training.
        word_evidence: Whether the recurrent layer also reads for which classes each word
            speaks, as naive Bayes counts it on the training side; see `evidence`.
        label_smoothing: Share of a label that training spreads over all classes
            (arXiv:1512.00567v3).
    """

    embedding_size: int = 64
    bidirectional: bool = True
    pooling: Pooling = "max"
    word_dropout: float = 0.0
    word_evidence: bool = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embedding_size < 1:
            raise ValueError("embedding_size must be at least 1")
        for name in ("word_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), not {getattr(self, name)}")


class Sentiment(Task):
    """Classification of sentences by recurrent cells over their words.

    The vocabulary is that of the training side; the metric is the share of sentences
    that are assigned to their class.
    """

    metric = Metric("accuracy", "share of sentences", "higher")
    margin = 0.01
    DataParameters = SentimentData
    ModelParameters = SentimentModel
    model: SentimentModel

    def __init__(self, meta: Meta, model: Any, seed: int = 0) -> None:
        super().__init__(meta, model, seed)
        self.index = {word: i for i, word in enumerate(meta["vocabulary"])}
        table = evidence(torch.tensor(meta["sentence_counts"]))
        self.evidence = table if self.model.word_evidence else table[:, :0]

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        table = read_sides(raw, parameters)
        sides, classes = table["side"].tolist(), sorted(set(table["label"]))
        check_training_side(table)
        sentences = table["words"].str.split(" ").tolist()
        train = (s for s, side in zip(sentences, sides, strict=True) if side == 0)
        vocabulary = build_vocabulary(
            chain.from_iterable(train), parameters.max_vocabulary, parameters.min_count
        )
        index = {word: i for i, word in enumerate(vocabulary)}
        data = {
            "words": torch.cat([encode(sentence, index) for sentence in sentences]),
            "lengths": torch.tensor([len(s) for s in sentences], dtype=torch.int32),
            "labels": torch.tensor([classes.index(c) for c in table["label"]], dtype=torch.int32),
            "sides": torch.tensor(sides, dtype=torch.uint8),
        }
        counts = sentence_counts(data, side_items(data, "train"), len(vocabulary), len(classes))
        meta = {
            "parameters": asdict(parameters),
            "classes": classes,
            "vocabulary": vocabulary,
            "sentence_counts": counts.tolist(),
            "items": {split: sides.count(i) for i, split in enumerate(SPLITS)},
            "left_out": table.attrs["left_out"],
            "optimum": label_optimum(raw, sides),
        }
        return data, meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return SentenceClassifier(
            make_cell,
            len(self.meta["vocabulary"]),
            self.model.embedding_size,
            self.evidence.shape[1],
            len(self.meta["classes"]),
            bidirectional=self.model.bidirectional,
            pooling=self.model.pooling,
            dropout=self.model.dropout,
            word_dropout=self.model.word_dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(side_items(data, "train")) // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items = side_items(data, "train")
        sentences, tables = split_sentences(data), self.evidence_of_others(data)
        for batch in length_batches(items, data["lengths"], batch_size, generator):
            words, lengths, labels = gather(data, sentences, batch)
            folds = batch.to(words.device) % EVIDENCE_FOLDS
            yield words, lengths, labels, tables[folds[:, None], words]

    def evidence_of_others(self, data: Data) -> Tensor:
        """For each fold of the training side, `evidence` from the other folds, (F, V, E).

        A rare word would otherwise tell the label of the very sentence that it is in.
        """
        items, size = side_items(data, "train"), len(self.index)
        if not self.model.word_evidence:
            return torch.zeros(EVIDENCE_FOLDS, size, 0, device=items.device)
        others = (items[items % EVIDENCE_FOLDS != fold] for fold in range(EVIDENCE_FOLDS))
        classes = len(self.meta["classes"])
        return torch.stack([evidence(sentence_counts(data, o, size, classes)) for o in others])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        words, lengths, labels, evidence_of_words = batch
        logits = model(words, lengths, evidence_of_words)
        smoothing = self.model.label_smoothing
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """1 for each sentence that is assigned to its class, 0 for each other."""
        labels, guesses = self.guesses(model, data, split)
        value = (guesses == labels).double()
        return Scores(value, torch.ones_like(value))

    def guesses(self, model: nn.Module, data: Data, split: Split) -> tuple[Tensor, Tensor]:
        """The class of each sentence of a side, and what it is taken for, int64 (N,)."""
        items = side_items(data, split).cpu()
        order = data["lengths"].cpu()[items].argsort(stable=True)
        sentences = split_sentences(data)
        guesses = torch.empty_like(items)
        for places in order.split(SCORING_BATCH):
            words, lengths, _ = gather(data, sentences, items[places])
            logits = model(words, lengths, self.evidence.to(words.device)[words])
            guesses[places] = logits.argmax(dim=1).cpu()
        return data["labels"].cpu()[items].long(), guesses

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        classes = self.meta["classes"]
        counts = confusion(*self.guesses(model, data, split), len(classes))
        return {"kind": "confusion", "labels": list(classes), "counts": counts}

    def baselines(self, data: Data) -> dict[str, float]:
        train, test = side_items(data, "train"), side_items(data, "test")
        labels = data["labels"].long()
        most = labels[train].bincount().argmax()
        return {
            "most_frequent": float((labels[test] == most).double().mean()),
            "naive_bayes": naive_bayes(data, len(self.meta["vocabulary"])),
        }

    def optimum(self) -> float | None:
        optimum: float | None = self.meta["optimum"]
        return optimum

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        names = {side: wanted.get(side) or usual_file(raw, side) for side in SPLITS}
        by_files = all(names.values())
        file = raw / str(names["train"]) if by_files else only_table(raw)
        separator = wanted.get("separator") or guess_separator(file)
        rows = read_rows(file, separator)
        text, label = guess_columns(file, rows, wanted.get("text"), wanted.get("label"))
        found = {"text": text, "label": label} | (names if by_files else {})
        if separator != ENDINGS[file.suffix]:
            found["separator"] = separator
        return {"data": found | dict(wanted), **suggested_training(len(rows))}

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """Read sentences, one a line of a .txt file, or a .csv or .tsv with a header.

        Raises:
            DataError: If it cannot be read; names file and line.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        if path.suffix in ENDINGS:
            (_, header), *rows = read_rows(path, None)
            return pd.DataFrame([row for _, row in rows], columns=header, dtype=str)
        lines = read_plain_text(path).removesuffix("\n").split("\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                raise DataError(f"{path.name}, line {number} is empty; remove it")
        return pd.DataFrame({"text": lines})

    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Classify each text of the column `text`, or of the column that was trained on.

        The answer has the likeliest `label`, and as `confidence` its probability.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = self.texts_of(table)
        with torch.inference_mode():
            rows = [self.classify(model, text) for text in texts]
        return pd.DataFrame(rows, columns=["label", "confidence"])

    def texts_of(self, table: "pd.DataFrame") -> list[str]:
        """The texts of raw input."""
        own = self.meta["parameters"]["text"]
        column = "text" if "text" in table.columns else own
        if column not in table.columns:
            raise DataError(f"the input has no column 'text', only {list(table.columns)}")
        texts = [str(text) for text in table[column].fillna("")]
        for row, text in enumerate(texts, 1):
            if not text.strip():
                raise DataError(f"the input, row {row} has no text")
        return texts

    def classify(self, model: nn.Module, text: str) -> tuple[str, float]:
        """The likeliest class of a text that is not empty, and its probability."""
        parameters = self.meta["parameters"]
        pieces = words_of(text, parameters["lowercase"], parameters["max_words"])
        words = encode(pieces, self.index).long()
        logits = model(words[None], torch.tensor([len(words)]), self.evidence[words][None])
        probability, place = functional.softmax(logits[0], dim=0).max(dim=0)
        return self.meta["classes"][int(place)], float(probability)

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        parameters = SentimentData(**self.meta["parameters"])
        return pd.DataFrame({"text": read_sides(raw, parameters)["text"].head(1).tolist()})


def read_sides(raw: Path, parameters: SentimentData) -> "pd.DataFrame":
    """Read all rows, with the words of each, and the index of `SPLITS` as `side`.

    A row of a file whose text also stands in the file of a later side is left out;
    `attrs["left_out"]` counts them.
    """
    table = read_files(raw, parameters)
    labels = table["label"].tolist()
    check_classes(labels)
    how = (parameters.lowercase, parameters.max_words)
    texts = [" ".join(words_of(text, *how)) for text in table["text"]]
    if parameters.train is None:
        shares = (parameters.validation_share, parameters.test_share)
        table["side"] = stratified_sides(texts, labels, shares, parameters.split_seed)
    copies = later_copies(texts, table["side"].tolist())
    table = table.assign(words=texts)[[not copy for copy in copies]].reset_index(drop=True)
    table.attrs["left_out"] = sum(copies)
    return table


def read_files(raw: Path, parameters: SentimentData) -> "pd.DataFrame":
    """Read the files of the sides, or the only file, with the number of each as `side`."""
    import pandas as pd  # noqa: PLC0415 - training does without

    if parameters.text == parameters.label:
        raise ParameterError(f"data.text and data.label are the same column, {parameters.text!r}")
    files = [side_file(raw, split, getattr(parameters, split)) for split in SPLITS]
    tables = [
        read_texts(file, parameters.text, parameters.label, parameters.separator).assign(side=side)
        for side, file in enumerate(files if parameters.train else files[:1])
    ]
    return pd.concat(tables, ignore_index=True)


def side_file(raw: Path, split: Split, name: str | None) -> Path:
    """The table of a side, by its name or because it is the only one."""
    if name is None:
        return only_table(raw)
    file = raw / name
    if not file.exists():
        raise ParameterError(f"data.{split}: there is no {name} in the data")
    if file.suffix not in ENDINGS:
        raise ParameterError(f"data.{split}: {name} is neither .csv nor .tsv")
    return file


def only_table(raw: Path) -> Path:
    """The one table of a folder."""
    files = table_files(raw)
    if len(files) > 1:
        raise DataError(
            f"there are {len(files)} tables, {', '.join(f.name for f in files)}; name those of "
            "the sides as data.train, data.validation and data.test"
        )
    return files[0]


def usual_file(raw: Path, side: Split) -> str | None:
    """The table that is called after a side, as data sets usually are."""
    usual = {"train": ("train",), "validation": ("validation", "valid", "val", "dev")}
    stems = usual.get(side, (side,))
    files = [raw / f"{stem}{ending}" for stem in stems for ending in ENDINGS]
    return next((file.name for file in files if file.exists()), None)


def suggested_training(num_rows: int) -> Suggestion:
    """Model and training to start from; the fewer the rows, the smaller and the slower."""
    few = num_rows < 3000
    return {
        "model": {
            "embedding_size": 32 if few else 100,
            "hidden_size": 32 if few else 64,
            "dropout": 0.5,
            "word_dropout": 0.2,
            "word_evidence": True,
        },
        "training": {
            "epochs": 20 if few else 8,
            "batch_size": 16 if few else 64,
            "learning_rate": 0.003,
            "schedule": "cosine",
            "warmup_steps": 30,
        },
    }


def check_training_side(table: "pd.DataFrame") -> None:
    """Refuse a class that the training side does not hold."""
    known = set(table["label"][table["side"] == 0])
    if missing := set(table["label"]) - known:
        raise DataError(f"the training side has no row of the class {min(missing)!r}")


def words_of(text: str, lowercase: bool, max_words: int) -> list[str]:
    """The words of a text that a model reads."""
    return cut_words(text, lowercase=lowercase)[:max_words]


def label_optimum(raw: Path, sides: list[int]) -> float | None:
    """Accuracy on the test side of always giving the likeliest label, where it is known."""
    file = raw / OPTIMUM
    if not file.exists():
        return None
    return float(np.load(file)[np.array(sides) == 2].mean())


def side_items(data: Data, split: Split) -> Tensor:
    """Indices of the sentences of a side, int64 (N,)."""
    return (data["sides"] == SPLITS.index(split)).nonzero().flatten()


def split_sentences(data: Data) -> tuple[Tensor, ...]:
    """The words of each sentence."""
    sentences: tuple[Tensor, ...] = data["words"].split(data["lengths"].tolist())
    return sentences


def gather(data: Data, sentences: tuple[Tensor, ...], items: Tensor) -> Batch:
    """Words (B, T) filled with zeros, lengths (B,) and labels (B,) of sentences."""
    pieces = [sentences[i] for i in items.tolist()]
    items = items.to(data["labels"].device)
    words = pad_sequence(pieces, batch_first=True).long()
    return words, data["lengths"][items].long(), data["labels"][items].long()


def sentence_counts(data: Data, items: Tensor, vocabulary_size: int, num_classes: int) -> Tensor:
    """In how many of the given sentences of each class each word occurs, int64 (V, C)."""
    labels, lengths = data["labels"].long(), data["lengths"].long()
    wanted = torch.zeros_like(lengths, dtype=torch.bool).index_fill(0, items, value=True)
    owners = torch.arange(len(lengths), device=lengths.device).repeat_interleave(lengths)
    pairs = (owners * vocabulary_size + data["words"])[wanted[owners]].unique()
    cells = pairs % vocabulary_size * num_classes + labels[pairs // vocabulary_size]
    counts: Tensor = cells.bincount(minlength=vocabulary_size * num_classes)
    return counts.view(vocabulary_size, num_classes)


def evidence(counts: Tensor) -> Tensor:
    """For which classes words speak, float32 (V, C), from their `sentence_counts`.

    The logarithm of a word's share in a class, with one occurrence added, less its mean
    over the classes: for two classes half the log-count ratio of Wang and Manning (2012),
    "Baselines and bigrams", ACL P12-2018, one with each sign.
    """
    smoothed = counts.double() + 1
    logarithms = (smoothed / smoothed.sum(dim=0)).log()
    return (logarithms - logarithms.mean(dim=1, keepdim=True)).float()


def naive_bayes(data: Data, vocabulary_size: int) -> float:
    """Accuracy on the test side of multinomial naive Bayes.

    Its features are the words and the pairs of neighbouring words of the training side;
    each counts once a sentence, with one occurrence added everywhere.
    """
    from sklearn.naive_bayes import MultinomialNB  # noqa: PLC0415 - training does without

    occurrences = word_occurrences(data, vocabulary_size)
    labels = data["labels"].numpy(force=True)
    train, test = (side_items(data, split).numpy(force=True) for split in ("train", "test"))
    known = np.asarray(occurrences[train].sum(axis=0)).ravel() > 0
    model = MultinomialNB().fit(occurrences[train][:, known], labels[train])
    return float(model.score(occurrences[test][:, known], labels[test]))


def word_occurrences(data: Data, vocabulary_size: int) -> "csr_matrix":
    """Whether a sentence (row) holds a word or a pair of neighbours (column)."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - training does without

    words, lengths = data["words"].long(), data["lengths"].long()
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
    inside = owner[1:] == owner[:-1]
    pairs = (words[:-1] + 1) * vocabulary_size + words[1:]
    rows = torch.cat([owner, owner[1:][inside]]).numpy(force=True)
    features = torch.cat([words, pairs[inside]]).numpy(force=True)
    columns = np.unique(features, return_inverse=True)[1]
    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)))
    matrix.data[:] = 1  # not how often
    return matrix

"""Speech transcription: which words or letters were spoken in a recording, in order."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.batches import length_batches
from rnn_core.features.frames import (
    SUGGESTED_FRAMES,
    SUGGESTED_TRAINING,
    Augmentation,
    FrameParameters,
    Scaling,
    features_of,
    fit_scaling,
    gather,
    samples_to_frames,
    training_features,
)
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.ctc import BLANK, best_path, prefix_beam
from rnn_core.models.transcriber import Transcriber
from rnn_core.readers.recordings import (
    SplitParameters,
    list_words,
    of_side,
    read_at_rate,
    speaker_numbers,
    suggest_split,
    suggest_word_split,
    wav_rows,
)
from rnn_core.readers.transcripts import (
    TABLE_NAMES,
    JoinParameters,
    Utterance,
    joined_utterances,
    listed_utterances,
    transcript_table,
)
from rnn_core.tasks.base import task as base
from rnn_core.tasks.base.task import (
    SPLITS,
    Batch,
    Data,
    Illustration,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Suggestion,
    Task,
    required_column,
)
from rnn_core.tasks.illustration import pairs, spread

if TYPE_CHECKING:
    import pandas as pd

SCORING_BATCH = 64
"""Recordings scored at once; a bound on memory only."""

ILLUSTRATED = 5
"""Recordings that illustrate a model."""

SHORTEST_PAUSE = 3
"""Frames below the threshold that part two segments; segments are as long at least."""


@dataclass(frozen=True, kw_only=True)
class TranscriptionData(FrameParameters, SplitParameters, JoinParameters):
    """How recordings become frames, symbols and sides.

    Attributes:
        tokens: What a symbol of a transcript is; of joined strings it is a word.
    """

    tokens: Literal["char", "word"] = "char"

    def __post_init__(self) -> None:
        FrameParameters.__post_init__(self)
        SplitParameters.__post_init__(self)
        self.check_joining()


@dataclass(frozen=True, kw_only=True)
class TranscriptionModel(ModelParameters, Augmentation):
    """The transcriber, and how recordings are varied while it is trained.

    See `rnn_core.models.transcriber.Transcriber` and `rnn_core.features.frames.Augmentation`.
    """

    stack: int = 2
    bidirectional: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_augmentation()
        if self.stack < 1:
            raise ValueError("stack must be at least 1")


@dataclass(frozen=True, kw_only=True)
class TranscriptionAnswer(base.AnswerParameters):
    """What may be asked of an answer.

    Attributes:
        beam: Beginnings of texts that are kept while one is searched for; 1: the text of
            the likeliest path.
    """

    beam: int = 8

    def __post_init__(self) -> None:
        if self.beam < 1:
            raise ValueError("beam must be at least 1")


class SpeechTranscription(Task):
    """Transcription by connectionist temporal classification; see `rnn_core.models.ctc`.

    The metric is the edit distance (insertions, deletions and substitutions) over the
    symbols of the text, each recording weighed by the length of its text; scores take the
    text of the likeliest path.
    """

    metric = Metric(
        "error_rate",
        "edits per symbol",
        "lower",
        "Levenshtein distance over symbols of the reference; best path",
    )
    margin = 0.01
    DataParameters = TranscriptionData
    ModelParameters = TranscriptionModel
    AnswerParameters = TranscriptionAnswer
    model: TranscriptionModel

    def check(self) -> None:
        if self.model.stack > self.meta["largest_stack"]:
            raise ParameterError(
                f"model.stack {self.model.stack} leaves a recording fewer steps than symbols; "
                f"it can be {self.meta['largest_stack']} at most"
            )

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        if parameters.strings:
            rate, utterances = joined_utterances(raw, parameters, parameters)
        else:
            rate, utterances = listed_utterances(raw, parameters, parameters.tokens)
        sides = [utterance.side for utterance in utterances]
        texts = [utterance.symbols for utterance in utterances]
        symbols = sorted({symbol for text in of_side(texts, sides, "train") for symbol in text})
        if len(symbols) < 2:
            raise DataError(f"all texts are of the one symbol {symbols[0]!r}; two are needed")
        options = asdict(parameters)
        pieces = [samples_to_frames(u.samples, rate, options) for u in utterances]
        features = features_of(pieces, parameters.normalise, parameters.deltas)
        index = {symbol: i for i, symbol in enumerate(symbols, 1)}
        unknown = len(symbols) + 1
        data = {
            "frames": torch.from_numpy(np.concatenate(pieces)),
            "lengths": torch.tensor([len(p) for p in pieces], dtype=torch.int32),
            "symbols": torch.tensor(
                [index.get(symbol, unknown) for text in texts for symbol in text],
                dtype=torch.int32,
            ),
            "symbol_lengths": torch.tensor([len(text) for text in texts], dtype=torch.int32),
            "sides": torch.tensor(sides, dtype=torch.uint8),
            "speakers": torch.tensor(
                speaker_numbers([u.speaker for u in utterances]), dtype=torch.int32
            ),
        }
        words = parameters.strings or parameters.tokens == "word"
        meta = {
            "parameters": options,
            "symbols": symbols,
            "joiner": " " if words and max(map(len, symbols)) > 1 else "",
            "rate_hz": rate,
            "largest_stack": largest_stack(utterances, [len(p) for p in pieces]),
            **fit_scaling(of_side(features, sides, "train")),
            "items": {split: sides.count(i) for i, split in enumerate(SPLITS)},
        }
        return data, meta

    @cached_property
    def scaling(self) -> Scaling:
        """How frames are scaled, by the training side."""
        options = self.meta["parameters"]
        return Scaling(options["normalise"], options["deltas"], self.meta["mean"], self.meta["std"])

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Transcriber(
            make_cell,
            len(self.meta["mean"]),
            1 + len(self.meta["symbols"]),
            stack=self.model.stack,
            bidirectional=self.model.bidirectional,
            dropout=self.model.dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(side_items(data, "train")) // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items, texts = side_items(data, "train"), texts_of(data)
        for batch in length_batches(items, data["lengths"], batch_size, generator):
            features, lengths = training_features(
                data, batch, self.scaling, self.model, self.meta["rate_hz"], generator
            )
            chosen = [texts[i] for i in batch.tolist()]
            targets = torch.tensor([symbol for text in chosen for symbol in text])
            yield features, lengths, targets, torch.tensor([len(text) for text in chosen])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        """CTC loss, on the CPU: torch's gradient of it on a GPU is not the same every time.

        A recording that is too short for its text, as one can be that is read quicker,
        counts as 0.
        """
        features, lengths, targets, target_lengths = batch
        outputs, steps = model(features, lengths)
        outputs = outputs.transpose(0, 1).cpu()
        loss = functional.ctc_loss(
            outputs, targets, steps.cpu(), target_lengths, BLANK, zero_infinity=True
        )
        return loss, None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Edits per symbol of each recording, weighed by the length of its text."""
        items, texts = side_items(data, split), texts_of(data)
        order = data["lengths"][items].argsort(stable=True)
        value = torch.empty(len(items), dtype=torch.float64)
        lengths = torch.tensor([len(texts[i]) for i in items.tolist()], dtype=torch.float64)
        for places in order.split(SCORING_BATCH):
            for place, outputs in zip(
                places.tolist(), self.outputs(model, data, items[places]), strict=True
            ):
                text = texts[int(items[place])]
                value[place] = edits(best_path(outputs), text) / len(text)
        exact = float((value == 0).double().mean())
        speakers = data["speakers"][items].long().cpu()
        return Scores(value, lengths, others={"exact": exact}, clusters=speakers)

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Texts, and what is heard by the likeliest path; recordings are counted from 1."""
        places = spread(self.meta["items"][split], ILLUSTRATED)
        items, texts = side_items(data, split)[places], texts_of(data)
        outputs = self.outputs(model, data, items)
        shown = pairs(
            [f"recording {place + 1}" for place in places],
            [self.decode(texts[i]) for i in items.tolist()],
            [self.decode(best_path(output)) for output in outputs],
        )
        return {"kind": "pairs", "pairs": shown}

    def decode(self, labels: Sequence[int]) -> str:
        """The text of labels, in which a symbol that nobody learned is a replacement character."""
        symbols = ["", *self.meta["symbols"], "\N{REPLACEMENT CHARACTER}"]
        text: str = self.meta["joiner"].join(symbols[label] for label in labels)
        return text

    def outputs(
        self, model: nn.Module, data: Data, items: Tensor
    ) -> list[NDArray[np.floating[Any]]]:
        """Log-probabilities of symbols, (S, C) for each recording."""
        frames, lengths = gather(data["frames"], data["lengths"], items)
        outputs, steps = model(self.scaling(frames, lengths), lengths)
        pairs = zip(outputs.cpu().numpy(), steps.tolist(), strict=True)
        return [output[:step] for output, step in pairs]

    def baselines(self, data: Data) -> dict[str, float]:
        texts = texts_of(data)
        train = [texts[i] for i in side_items(data, "train").tolist()]
        test = side_items(data, "test").tolist()
        (most, _), *_ = Counter(map(tuple, train)).most_common(1)
        guesses = {"most_frequent": [most] * len(test)}
        if segmented := self.segment_guesses(data):
            guesses["segments"] = segmented
        symbols = sum(len(texts[i]) for i in test)
        return {
            name: sum(edits(g, texts[i]) for g, i in zip(guess, test, strict=True)) / symbols
            for name, guess in guesses.items()
        }

    def segment_guesses(self, data: Data) -> list[tuple[int, ...]]:
        """Texts of the test side by pauses, and the nearest centroid of each stretch between.

        Centroids are of training recordings that fall into as many stretches as their text
        has symbols; empty if no recording does.
        """
        texts = texts_of(data)
        pieces = data["frames"].split(data["lengths"].tolist())
        points: dict[int, list[Tensor]] = {}
        for i in side_items(data, "train").tolist():
            found = self.segments(pieces[i])
            if len(found) == len(texts[i]):
                for symbol, point in zip(texts[i], found, strict=True):
                    points.setdefault(symbol, []).append(point)
        if not points:
            return []
        known = sorted(points)
        centroids = torch.stack([torch.stack(points[symbol]).mean(dim=0) for symbol in known])
        guesses = []
        for i in side_items(data, "test").tolist():
            stretches = torch.stack(self.segments(pieces[i]))
            nearest = torch.cdist(stretches, centroids).argmin(dim=1).tolist()
            guesses.append(tuple(known[place] for place in nearest))
        return guesses

    def segments(self, frames: Tensor) -> list[Tensor]:
        """Mean and standard deviation of features, (2 I,), of each stretch of speech."""
        features = self.scaling(frames[None], torch.tensor([len(frames)]))[0]
        stretches = [features[start:end] for start, end in speech_stretches(frames.mean(dim=1))]
        return [torch.cat([s.mean(0), s.std(0, correction=0)]) for s in stretches]

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """Parameters for recordings with transcripts, or else for strings of single words."""
        data: dict[str, Any] = dict(SUGGESTED_FRAMES)
        split_by = wanted.get("split_by")
        if wanted.get("strings") or not any((raw / name).exists() for name in TABLE_NAMES):
            data["strings"] = [2000, 200, 500]
            data |= suggest_word_split(list_words(raw), split_by)
        else:
            _, table = transcript_table(raw)
            takes: list[str | None] = [None] * len(table)
            speakers = list(table["speaker"]) if "speaker" in table.columns else takes
            data |= suggest_split(speakers, takes, split_by)
        training: dict[str, Any] = {"epochs": 30, "patience": 30, "batch_size": 32}
        training |= {"learning_rate": 0.003, "schedule": "cosine", "weight_decay": 0.05}
        return {
            "data": {**data, **wanted},
            "model": {"hidden_size": 128, "stack": 2, **SUGGESTED_TRAINING},
            "training": training,
        }

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """A wav file, or a folder of them, as one row a file with its name."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(wav_rows(path), columns=["file", "wav"])

    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Transcribe each recording of the column `wav`, which holds contents of files.

        The answer has the `text` and its probability as `confidence`; it repeats the column
        `file` if there is one.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        contents = required_column(table, "wav")
        names = list(table["file"]) if "file" in table.columns else [None] * len(table)
        rows = [
            self.transcribe(model, bytes(wav), parameters.beam, name)
            for wav, name in zip(contents, names, strict=True)
        ]
        answer = pd.DataFrame(rows, columns=["text", "confidence"], index=table.index)
        if "file" in table.columns:
            answer.insert(0, "file", table["file"])
        return answer

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        if self.meta["parameters"]["strings"]:
            path = list_words(raw)[0].path
        else:
            path = raw / str(transcript_table(raw)[1]["file"][0])
        return pd.DataFrame({"wav": [path.read_bytes()]})

    def transcribe(
        self, model: nn.Module, wav: bytes, beam: int, name: str | None = None
    ) -> tuple[str, float]:
        """The text of a recording and its probability, over all paths.

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a wav file, 16-bit mono at the sample rate of the training.
            beam: See `TranscriptionAnswer`.
            name: What to call it in errors.

        Raises:
            DataError: If it is not such a file.
        """
        rate = self.meta["rate_hz"]
        samples = read_at_rate(wav, rate, name)
        frames = torch.from_numpy(samples_to_frames(samples, rate, self.meta["parameters"]))
        lengths = torch.tensor([len(frames)])
        with torch.inference_mode():
            outputs, _ = model(self.scaling(frames[None], lengths), lengths)
        steps = outputs[0].numpy()
        labels = best_path(steps) if beam == 1 else prefix_beam(steps, beam)[0][0]
        return self.decode(labels), math.exp(-path_loss(outputs[0], labels))


def path_loss(log_probabilities: Tensor, labels: Sequence[int]) -> float:
    """Minus the log-probability of a sequence over all its paths, for (S, C)."""
    outputs = log_probabilities.double()[:, None]
    targets = torch.tensor([labels], dtype=torch.long)
    steps, length = torch.tensor([len(outputs)]), torch.tensor([len(labels)])
    return float(functional.ctc_loss(outputs, targets, steps, length, BLANK, reduction="sum"))


def edits(guess: Sequence[int], text: Sequence[int]) -> int:
    """Insertions, deletions and substitutions between two sequences."""
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - only scoring needs it

    return Levenshtein.distance(guess, text)


def largest_stack(utterances: list[Utterance], frames: list[int]) -> int:
    """Most frames that a step may have so that every text has enough steps.

    A text needs a step for each symbol, and one for a blank between two that are alike.

    Raises:
        DataError: If a recording is too short for its text.
    """
    largest = []
    for utterance, count in zip(utterances, frames, strict=True):
        text = utterance.symbols
        needed = len(text) + sum(a == b for a, b in pairwise(text))
        if needed > count:
            raise DataError(
                f"{utterance.name} has {count} frames for the {len(text)} symbols of its text; "
                "check the text, or lower data.hop_seconds"
            )
        largest.append(count // needed)
    return min(largest)


def side_items(data: Data, split: Split) -> Tensor:
    """Indices of the recordings of a side, int64 (N,)."""
    return (data["sides"] == SPLITS.index(split)).nonzero().flatten()


def texts_of(data: Data) -> list[list[int]]:
    """The symbols of every recording."""
    pieces = data["symbols"].cpu().split(data["symbol_lengths"].tolist())
    return [piece.tolist() for piece in pieces]


def speech_stretches(loudness: Tensor) -> list[tuple[int, int]]:
    """First frame and frame after the last of each stretch louder than the middle.

    The middle is halfway between the 10th and the 90th hundredth of the loudness (T,);
    without a stretch that is long enough, the whole recording is one.
    """
    low, high = torch.quantile(loudness, torch.tensor([0.1, 0.9]).to(loudness)).tolist()
    stretches: list[tuple[int, int]] = []
    for step in (loudness > (low + high) / 2).nonzero().flatten().tolist():
        if stretches and step - stretches[-1][1] < SHORTEST_PAUSE:
            stretches[-1] = (stretches[-1][0], step + 1)
        else:
            stretches.append((step, step + 1))
    long = [(start, end) for start, end in stretches if end - start >= SHORTEST_PAUSE]
    return long or [(0, len(loudness))]

"""Speech recognition: which word was spoken in a recording."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError
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
from rnn_core.models.sequence_classifier import Pooling, SequenceClassifier
from rnn_core.readers.recordings import (
    Recording,
    SplitParameters,
    check_groups,
    check_words,
    list_words,
    named_groups,
    of_side,
    read_all,
    read_at_rate,
    speaker_numbers,
    split_recordings,
    suggest_word_split,
    wav_rows,
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
from rnn_core.tasks.illustration import confusion

if TYPE_CHECKING:
    import pandas as pd

SUGGESTED_RECORDINGS = 50_000
"""Recordings read in a training for which parameters are suggested, over all epochs."""

SCORING_BATCH = 64
"""Recordings scored at once; a bound on memory only."""


@dataclass(frozen=True, kw_only=True)
class SpeechData(FrameParameters, SplitParameters):
    """How recordings become frames and sides.

    Attributes:
        split_by: As of `rnn_core.readers.recordings.SplitParameters`; or `each_speaker`, where
            speakers take turns as the test side, which the seed of a training decides, and
            `validation` names takes of the others.
    """

    split_by: Literal["take", "speaker", "share", "each_speaker"]  # type: ignore[assignment]

    def __post_init__(self) -> None:
        FrameParameters.__post_init__(self)
        if self.split_by != "each_speaker":
            SplitParameters.__post_init__(self)
        elif self.test:
            raise ValueError("with split_by each_speaker the seed chooses test; remove it")


@dataclass(frozen=True, kw_only=True)
class SpeechModel(ModelParameters, Augmentation):
    """The classifier, and how recordings are varied while it is trained.

    See `rnn_core.models.sequence_classifier.SequenceClassifier` and
    `rnn_core.features.frames.Augmentation`.
    """

    bidirectional: bool = False
    pooling: Pooling = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_augmentation()


@dataclass(frozen=True, kw_only=True)
class SpeechAnswer(base.AnswerParameters):
    """What may be asked of an answer.

    Attributes:
        top: How many words to give, the likeliest first.
    """

    top: int = 1

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError("top must be at least 1")


class SpeechRecognition(Task):
    """Classification of recordings of single words.

    Features are standardised by mean and standard deviation of the training side; the
    metric is the share of recordings that are recognised. Where each speaker is the test
    side in turn, the seed s tests the speaker s modulo their number, in the order of their
    names.
    """

    metric = Metric("accuracy", "share of recordings", "higher")
    margin = 0.01
    DataParameters = SpeechData
    ModelParameters = SpeechModel
    AnswerParameters = SpeechAnswer
    model: SpeechModel

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        recordings = list_words(raw)
        folds = split_folds(recordings, parameters)
        rate, samples = read_all([r.path for r in recordings], [r.name for r in recordings])
        options = asdict(parameters)
        pieces = [samples_to_frames(s, rate, options) for s in samples]
        classes = sorted({recording.word for recording in recordings})
        sides = torch.tensor(list(folds.values()), dtype=torch.uint8)
        data = {
            "frames": torch.from_numpy(np.concatenate(pieces)),
            "lengths": torch.tensor([len(p) for p in pieces], dtype=torch.int32),
            "labels": torch.tensor([classes.index(r.word) for r in recordings], dtype=torch.int32),
            "sides": sides,
            "speakers": torch.tensor(
                speaker_numbers([r.speaker for r in recordings]), dtype=torch.int32
            ),
        }
        features = features_of(pieces, parameters.normalise, parameters.deltas)
        meta = {
            "parameters": options,
            "classes": classes,
            "rate_hz": rate,
            "folds": [
                {"test": name, **fit_scaling(of_side(features, fold, "train"))}
                for name, fold in folds.items()
            ],
            "items": {
                split: round(int((sides == i).sum()) / len(sides)) for i, split in enumerate(SPLITS)
            },
        }
        return data, meta

    @property
    def fold(self) -> int:
        """Which division into sides the seed takes."""
        return self.seed % len(self.meta["folds"])

    @cached_property
    def scaling(self) -> Scaling:
        """How frames are scaled, by the training side of the fold."""
        options, fold = self.meta["parameters"], self.meta["folds"][self.fold]
        return Scaling(options["normalise"], options["deltas"], fold["mean"], fold["std"])

    def side_items(self, data: Data, split: Split) -> Tensor:
        """Indices of the recordings of a side, int64 (N,)."""
        return (data["sides"][self.fold] == SPLITS.index(split)).nonzero().flatten()

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return SequenceClassifier(
            make_cell,
            len(self.scaling.mean),
            len(self.meta["classes"]),
            bidirectional=self.model.bidirectional,
            pooling=self.model.pooling,
            dropout=self.model.dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(self.side_items(data, "train")) // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items = self.side_items(data, "train")
        for batch in length_batches(items, data["lengths"], batch_size, generator):
            features, lengths = training_features(
                data, batch, self.scaling, self.model, self.meta["rate_hz"], generator
            )
            yield features, lengths, data["labels"][batch.to(features.device)].long()

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        features, lengths, labels = batch
        return functional.cross_entropy(model(features, lengths), labels), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """1 for each recording that is recognised, 0 for each other."""
        labels, guesses = self.guesses(model, data, split)
        value = (guesses == labels).double()
        return Scores(
            value,
            torch.ones_like(value),
            clusters=data["speakers"][self.side_items(data, split)].long().cpu(),
            own_to_seed=len(data["sides"]) > 1,
        )

    def guesses(self, model: nn.Module, data: Data, split: Split) -> tuple[Tensor, Tensor]:
        """The word of each recording of a side, and what it is taken for, int64 (N,)."""
        items = self.side_items(data, split)
        order = data["lengths"][items].argsort(stable=True)
        guesses = torch.empty_like(items)
        for places in order.split(SCORING_BATCH):
            frames, lengths = gather(data["frames"], data["lengths"], items[places])
            guesses[places] = model(self.scaling(frames, lengths), lengths).argmax(dim=1)
        return data["labels"][items].long().cpu(), guesses.cpu()

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        classes = self.meta["classes"]
        counts = confusion(*self.guesses(model, data, split), len(classes))
        return {"kind": "confusion", "labels": list(classes), "counts": counts}

    def baselines(self, data: Data) -> dict[str, float]:
        """Without a recurrent cell; where speakers take turns, the mean over all turns."""
        tasks = [type(self)(self.meta, self.model, seed) for seed in range(len(data["sides"]))]
        each = [task.fold_baselines(data) for task in tasks]
        return {name: sum(one[name] for one in each) / len(each) for name in each[0]}

    def fold_baselines(self, data: Data) -> dict[str, float]:
        """The metric of simple predictors on the test side of the fold."""
        train, test = self.side_items(data, "train"), self.side_items(data, "test")
        labels = data["labels"].long()
        most = labels[train].bincount().argmax()
        guess = nearest_centroid(self.summaries(data), labels, train)
        return {
            "most_frequent": float((labels[test] == most).double().mean()),
            "nearest_centroid": float((labels[test] == guess[test]).double().mean()),
        }

    def summaries(self, data: Data) -> Tensor:
        """Mean and standard deviation over time of each recording's features, (N, 2 I)."""
        rows = []
        for frames in data["frames"].split(data["lengths"].tolist()):
            features = self.scaling(frames[None], torch.tensor([len(frames)]))[0]
            rows.append(torch.cat([features.mean(0), features.std(0, correction=0)]))
        return torch.stack(rows)

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """Parameters by the number of recordings, and a split by what names tell.

        With three speakers or more who say every word, those of the test side are kept from
        the training; otherwise shares of the recordings of each word are.
        """
        recordings = list_words(raw)
        split = suggest_word_split(recordings, wanted.get("split_by"))
        epochs = min(max(SUGGESTED_RECORDINGS // len(recordings), 15), 80)
        training: dict[str, Any] = {"epochs": epochs, "patience": epochs, "batch_size": 32}
        training |= {"learning_rate": 0.003, "schedule": "cosine", "weight_decay": 0.05}
        return {
            "data": {**SUGGESTED_FRAMES, **split, **wanted},
            "model": {"hidden_size": 64, "bidirectional": True, **SUGGESTED_TRAINING},
            "training": training,
        }

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """A wav file, or a folder of them, as one row a file with its name."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(wav_rows(path), columns=["file", "wav"])

    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Recognise each recording of the column `wav`, which holds contents of files.

        The answer has the likeliest `word` and its `probability`, then `word_2` and
        `probability_2` and so on up to `top`; it repeats the column `file` if there is one.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        contents = required_column(table, "wav")
        names = list(table["file"]) if "file" in table.columns else [None] * len(table)
        top = min(parameters.top, len(self.meta["classes"]))
        columns = [
            f"{c}{f'_{i}' if i > 1 else ''}"
            for i in range(1, top + 1)
            for c in ("word", "probability")
        ]
        rows = []
        for wav, name in zip(contents, names, strict=True):
            ranking = list(self.recognise(model, bytes(wav), name).items())[:top]
            rows.append([value for pair in ranking for value in pair])
        answer = pd.DataFrame(rows, columns=columns, index=table.index)
        if "file" in table.columns:
            answer.insert(0, "file", table["file"])
        return answer

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"wav": [list_words(raw)[0].path.read_bytes()]})

    def recognise(self, model: nn.Module, wav: bytes, name: str | None = None) -> dict[str, float]:
        """Probability of each word, the likeliest first.

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a wav file, 16-bit mono at the sample rate of the training.
            name: What to call it in errors.

        Raises:
            DataError: If it is not such a file.
        """
        rate = self.meta["rate_hz"]
        samples = read_at_rate(wav, rate, name)
        frames = samples_to_frames(samples, rate, self.meta["parameters"])
        lengths = torch.tensor([len(frames)])
        with torch.inference_mode():
            logits = model(self.scaling(torch.from_numpy(frames)[None], lengths), lengths)
        probabilities = functional.softmax(logits[0], dim=0).tolist()
        pairs = zip(self.meta["classes"], probabilities, strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))


def split_folds(recordings: list[Recording], parameters: SpeechData) -> dict[str, list[int]]:
    """The side of each recording, as an index of `SPLITS`, in each fold.

    Returns:
        The folds by what is tested: a speaker each, or "all" alone.

    Raises:
        DataError: If a name does not tell what is needed, or a side lacks a word.
        ParameterError: If a take or speaker does not exist.
    """
    words = {recording.word for recording in recordings}
    if len(words) == 1:
        raise DataError(f"all recordings are of {min(words)!r}; two words are needed at least")
    if parameters.split_by != "each_speaker":
        return {"all": split_recordings(recordings, parameters)}
    folds = speaker_folds(recordings, parameters.validation)
    for name, sides in folds.items():
        check_words(recordings, sides, f" when {name} is tested")
    return folds


def speaker_folds(
    recordings: list[Recording], validation: tuple[str | int, ...]
) -> dict[str, list[int]]:
    """A fold per speaker: this one is tested, takes of the others are for choosing."""
    speakers = named_groups(recordings, "speaker")
    takes = named_groups(recordings, "take")
    chosen = set(map(str, validation))
    check_groups(takes, chosen, "take")
    if len(set(speakers)) < 2:
        raise DataError(f"all recordings are by {speakers[0]!r}; each_speaker needs two at least")
    return {
        tested: [
            2 if speaker == tested else int(take in chosen)
            for speaker, take in zip(speakers, takes, strict=True)
        ]
        for tested in sorted(set(speakers))
    }


def nearest_centroid(points: Tensor, labels: Tensor, train: Tensor) -> Tensor:
    """For each point (N, F), the class whose training points' mean is nearest."""
    classes = range(int(labels.max()) + 1)
    centroids = torch.stack([points[train][labels[train] == c].mean(dim=0) for c in classes])
    return torch.cdist(points, centroids).argmin(dim=1)

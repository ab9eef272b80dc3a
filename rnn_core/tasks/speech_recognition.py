"""Speech recognition: which word was spoken in a recording."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnn_core.audio import log_mel, read_wav
from rnn_core.errors import DataError, ParameterError
from rnn_core.models.sequence_classifier import Pooling, SequenceClassifier
from rnn_core.recurrent import MakeCell, State
from rnn_core.tasks.base import (
    SPLITS,
    Batch,
    Data,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Task,
    required_column,
)

if TYPE_CHECKING:
    import pandas as pd

SCORING_BATCH = 64
"""Recordings scored at once; a bound on memory only."""

POOL_BATCHES = 8
"""Recordings of similar length are batched together within pools of so many batches."""

FILE_NAME = re.compile(r"(?P<word>[^_]+)_(?P<speaker>.+)_(?P<take>\d+)\.wav")


@dataclass(frozen=True, kw_only=True)
class SpeechData:
    """How recordings become frames and sides.

    Attributes:
        num_mels: Features of a frame.
        window_seconds: Length of the window of a frame.
        hop_seconds: Distance between frames.
        split_by: Whether sides differ in their takes or in their speakers.
        validation: Takes or speakers kept for choosing.
        test: Takes or speakers kept for the final score; all others are trained on.
    """

    num_mels: int = 40
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    split_by: Literal["take", "speaker"]
    validation: tuple[str | int, ...]
    test: tuple[str | int, ...]

    def __post_init__(self) -> None:
        if self.num_mels < 1 or min(self.window_seconds, self.hop_seconds) <= 0:
            raise ValueError("num_mels, window_seconds and hop_seconds must be above 0")
        if shared := set(map(str, self.validation)) & set(map(str, self.test)):
            raise ValueError(f"validation and test share the {self.split_by}s {sorted(shared)}")


@dataclass(frozen=True, kw_only=True)
class SpeechModel(ModelParameters):
    """The classifier; see `rnn_core.models.sequence_classifier.SequenceClassifier`."""

    bidirectional: bool = False
    pooling: Pooling = "mean"


class Recording(NamedTuple):
    """What the name of a file says."""

    path: Path
    word: str
    speaker: str
    take: str


class SpeechRecognition(Task):
    """Classification of recordings of single words.

    Frames are standardised by mean and standard deviation of the training side; the
    metric is the share of recordings that are recognised.
    """

    metric = Metric("accuracy", "share of recordings", "higher")
    DataParameters = SpeechData
    ModelParameters = SpeechModel
    model: SpeechModel

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        recordings = list_recordings(raw)
        sides = split_recordings(recordings, parameters)
        classes = sorted({recording.word for recording in recordings})
        rate, frames = read_frames(recordings, parameters)
        train = np.concatenate([f for f, side in zip(frames, sides, strict=True) if side == 0])
        mean, std = train.mean(axis=0), train.std(axis=0)
        data = {
            "frames": torch.from_numpy((np.concatenate(frames) - mean) / std),
            "lengths": torch.tensor([len(f) for f in frames], dtype=torch.int32),
            "labels": torch.tensor([classes.index(r.word) for r in recordings], dtype=torch.int32),
            "sides": torch.tensor(sides, dtype=torch.uint8),
        }
        meta = {
            "parameters": asdict(parameters),
            "classes": classes,
            "rate_hz": rate,
            "mean": mean.tolist(),
            "std": std.tolist(),
            "items": {split: sides.count(i) for i, split in enumerate(SPLITS)},
        }
        return data, meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return SequenceClassifier(
            make_cell,
            len(self.meta["mean"]),
            len(self.meta["classes"]),
            bidirectional=self.model.bidirectional,
            pooling=self.model.pooling,
            dropout=self.model.dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(side_items(data, "train")) // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        """Shuffle, sort by length within pools of batches, and shuffle the batches."""
        items = side_items(data, "train").cpu()
        items = items[torch.randperm(len(items), generator=generator)]
        lengths = data["lengths"].cpu()
        batches: list[Tensor] = []
        for pool in items.split(POOL_BATCHES * batch_size):
            batches.extend(pool[lengths[pool].argsort(stable=True)].split(batch_size))
        for index in torch.randperm(len(batches), generator=generator).tolist():
            yield gather(data, batches[index])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        frames, lengths, labels = batch
        return functional.cross_entropy(model(frames, lengths), labels), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """1 for each recording that is recognised, 0 for each other."""
        items = side_items(data, split).cpu()
        order = data["lengths"].cpu()[items].argsort(stable=True)
        value = torch.empty(len(items), dtype=torch.float64)
        for places in order.split(SCORING_BATCH):
            frames, lengths, labels = gather(data, items[places])
            value[places] = (model(frames, lengths).argmax(dim=1) == labels).double().cpu()
        return Scores(value, torch.ones_like(value))

    def baselines(self, data: Data) -> dict[str, float]:
        train, test = side_items(data, "train"), side_items(data, "test")
        labels = data["labels"].long()
        most = labels[train].bincount().argmax()
        guess = nearest_centroid(summaries(data), labels, train)
        return {
            "most_frequent": float((labels[test] == most).double().mean()),
            "nearest_centroid": float((labels[test] == guess[test]).double().mean()),
        }

    def answer(self, model: nn.Module, table: "pd.DataFrame") -> "pd.DataFrame":
        """Recognise each recording of the column `wav`, which holds contents of files.

        The answer has the likeliest `word`, and its `probability`.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        contents = required_column(table, "wav")
        rows = [next(iter(self.recognise(model, bytes(wav)).items())) for wav in contents]
        return pd.DataFrame(rows, columns=["word", "probability"])

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"wav": [list_recordings(raw)[0].path.read_bytes()]})

    def recognise(self, model: nn.Module, wav: bytes, name: str | None = None) -> dict[str, float]:
        """Probability of each word, the likeliest first.

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a wav file, 16-bit mono at the sample rate of the training.
            name: What to call it in errors.

        Raises:
            DataError: If it is not such a file.
        """
        samples, rate = read_wav(wav, name)
        if rate != self.meta["rate_hz"]:
            raise DataError(
                f"{name or 'the wav content'} has {rate} samples a second, the model was "
                f"trained on {self.meta['rate_hz']}; resample it"
            )
        parameters = self.meta["parameters"]
        frames = log_mel(
            samples,
            rate,
            parameters["num_mels"],
            parameters["window_seconds"],
            parameters["hop_seconds"],
        )
        scaled = (frames - np.array(self.meta["mean"])) / np.array(self.meta["std"])
        with torch.inference_mode():
            logits = model(torch.from_numpy(scaled).float()[None], torch.tensor([len(scaled)]))
        probabilities = functional.softmax(logits[0], dim=0).tolist()
        pairs = zip(self.meta["classes"], probabilities, strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))


def list_recordings(raw: Path) -> list[Recording]:
    """All wav files of a raw folder, in the order of their names."""
    recordings = []
    for path in sorted(raw.glob("*.wav")):
        match = FILE_NAME.fullmatch(path.name)
        if not match:
            raise DataError(f"{path.name} is not called <word>_<speaker>_<take>.wav; rename it")
        recordings.append(Recording(path, **match.groupdict()))
    if not recordings:
        raise DataError(f"{raw} holds no .wav files; speech recognition needs them")
    return recordings


def split_recordings(recordings: list[Recording], parameters: SpeechData) -> list[int]:
    """The side of each recording, as an index of `SPLITS`."""
    groups = [str(getattr(recording, parameters.split_by)) for recording in recordings]
    validation, test = set(map(str, parameters.validation)), set(map(str, parameters.test))
    for group in sorted(validation | test):
        if group not in groups:
            raise ParameterError(
                f"no recording has the {parameters.split_by} {group!r} of the split"
            )
    sides = [2 if group in test else 1 if group in validation else 0 for group in groups]
    for index, split in enumerate(SPLITS):
        words = {r.word for r, side in zip(recordings, sides, strict=True) if side == index}
        if missing := {r.word for r in recordings} - words:
            raise DataError(f"the {split} side has no recording of {min(missing)!r}")
    return sides


def read_frames(
    recordings: list[Recording], parameters: SpeechData
) -> tuple[int, list[np.ndarray[Any, np.dtype[np.float32]]]]:
    """Sample rate of all recordings, and the frames of each."""
    frames, first_rate = [], None
    for recording in recordings:
        samples, rate = read_wav(recording.path)
        first_rate = first_rate or rate
        if rate != first_rate:
            raise DataError(
                f"{recording.path.name} has {rate} samples a second, the files before it "
                f"{first_rate}; resample it"
            )
        frames.append(
            log_mel(
                samples,
                rate,
                parameters.num_mels,
                parameters.window_seconds,
                parameters.hop_seconds,
            )
        )
    assert first_rate is not None
    return first_rate, frames


def side_items(data: Data, split: Split) -> Tensor:
    """Indices of the recordings of a side, int64 (N,)."""
    return (data["sides"] == SPLITS.index(split)).nonzero().flatten()


def gather(data: Data, items: Tensor) -> Batch:
    """Frames (B, T, M) filled with zeros, lengths (B,) and labels (B,) of recordings."""
    device = data["frames"].device
    ends = data["lengths"].long().cumsum(0)
    starts = ends - data["lengths"]
    pieces = [data["frames"][int(starts[i]) : int(ends[i])] for i in items.tolist()]
    lengths = data["lengths"][items.to(device)].long()
    return pad_sequence(pieces, batch_first=True), lengths, data["labels"][items.to(device)].long()


def summaries(data: Data) -> Tensor:
    """Mean and standard deviation over time of each recording's frames, (N, 2 M)."""
    pieces = data["frames"].split(data["lengths"].tolist())
    return torch.stack([torch.cat([p.mean(0), p.std(0, correction=0)]) for p in pieces])


def nearest_centroid(points: Tensor, labels: Tensor, train: Tensor) -> Tensor:
    """For each point (N, F), the class whose training points' mean is nearest."""
    classes = range(int(labels.max()) + 1)
    centroids = torch.stack([points[train][labels[train] == c].mean(dim=0) for c in classes])
    return torch.cdist(points, centroids).argmin(dim=1)

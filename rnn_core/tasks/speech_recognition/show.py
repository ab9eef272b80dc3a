"""Confusions of words, and classifiers without a recurrent cell."""

import torch
from torch import Tensor, nn

from rnn_core.metric import Split
from rnn_core.tasks.base.classification import share_right
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.illustration import confusion
from rnn_core.tasks.speech_recognition.learn import Learning


class Showing(Learning, Shows):
    """Shows confusions, and scores simple classifiers."""

    margin = 0.01

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        classes = self.meta.classes
        labels, logits = self.outputs(model, data, split)
        counts = confusion(labels, logits.argmax(dim=1), len(classes))
        return {"kind": "confusion", "labels": list(classes), "counts": counts}

    def baselines(self, data: Data) -> dict[str, float]:
        """Without a recurrent cell; where speakers take turns, the mean over all turns."""
        tasks = [type(self)(self.meta, self.model, seed) for seed in range(len(data["splits"]))]
        each = [task.fold_baselines(data) for task in tasks]
        return {name: sum(one[name] for one in each) / len(each) for name in each[0]}

    def fold_baselines(self, data: Data) -> dict[str, float]:
        """The metric of simple predictors on the test set of the fold."""
        train, test = self.split_items(data, "train"), self.split_items(data, "test")
        labels = data["labels"].long()
        most = labels[train].bincount().argmax()
        guess = nearest_centroid(self.summaries(data), labels, train)
        guesses = {"most_frequent": most.expand(len(test)), "nearest_centroid": guess[test]}
        metric = self.meta.parameters.metric
        return {name: share_right(each, labels[test], metric) for name, each in guesses.items()}

    def summaries(self, data: Data) -> Tensor:
        """Mean and standard deviation over time of each recording's features, (N, 2 I)."""
        rows = []
        for frames in data["frames"].split(data["lengths"].tolist()):
            features = self.scaling(frames[None], torch.tensor([len(frames)]))[0]
            rows.append(torch.cat([features.mean(0), features.std(0, correction=0)]))
        return torch.stack(rows)


def nearest_centroid(points: Tensor, labels: Tensor, train: Tensor) -> Tensor:
    """For each point (N, F), the class whose training points' mean is nearest."""
    classes = range(int(labels.max()) + 1)
    centroids = torch.stack([points[train][labels[train] == c].mean(dim=0) for c in classes])
    return torch.cdist(points, centroids).argmin(dim=1)

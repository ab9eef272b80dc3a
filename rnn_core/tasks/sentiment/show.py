"""Confusions of classes, and classifiers without a recurrent cell."""

from torch import nn

from rnn_core.metric import Split
from rnn_core.tasks.base.classification import share_right
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.illustration import confusion
from rnn_core.tasks.sentiment.learn import Learning
from rnn_core.tasks.sentiment.naive_bayes import naive_bayes


class Showing(Learning, Shows):
    """Shows confusions, and scores simple classifiers."""

    margin = 0.01

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        classes = self.meta.classes
        labels, logits = self.outputs(model, data, split)
        counts = confusion(labels, logits.argmax(dim=1), len(classes))
        return {"kind": "confusion", "labels": list(classes), "counts": counts}

    def baselines(self, data: Data) -> dict[str, float]:
        train, test = items_of(data["splits"], "train"), items_of(data["splits"], "test")
        labels, metric = data["labels"].long().cpu(), self.meta.parameters.metric
        most = labels[train].bincount().argmax()
        size, alike = len(self.meta.vocabulary), metric == "balanced_accuracy"
        guesses = {
            "most_frequent": most.expand(len(test)),
            "naive_bayes": naive_bayes(data, size, alike=alike),
        }
        return {name: share_right(each, labels[test], metric) for name, each in guesses.items()}

    def optimum(self) -> float | None:
        return self.meta.optimum if self.meta.parameters.metric == "accuracy" else None

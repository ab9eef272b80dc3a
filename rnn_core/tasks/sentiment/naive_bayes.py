"""A strong classifier of sentences without a recurrent cell."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.splits import items_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def naive_bayes(data: Data, vocabulary_size: int, *, alike: bool) -> Tensor:
    """Classes that multinomial naive Bayes gives the sentences of the test set, int64 (N,).

    Its features are the words and the pairs of neighbouring words of the training set;
    each counts once a sentence, with one occurrence added everywhere.

    Args:
        data: The prepared data.
        vocabulary_size: Different words.
        alike: Whether classes are as likely as each other beforehand, not as they occur.
    """
    from sklearn.naive_bayes import MultinomialNB  # noqa: PLC0415 - training does without

    occurrences = word_occurrences(data, vocabulary_size)
    labels = data["labels"].numpy(force=True)
    train, test = (items_of(data["splits"], split).numpy(force=True) for split in ("train", "test"))
    known = np.asarray(occurrences[train].sum(axis=0)).ravel() > 0
    model = MultinomialNB(fit_prior=not alike).fit(occurrences[train][:, known], labels[train])
    return torch.from_numpy(model.predict(occurrences[test][:, known])).long()


def word_occurrences(data: Data, vocabulary_size: int) -> "csr_matrix":
    """Mark the words and pairs of neighbours (columns) that each sentence (row) holds."""
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

"""Test whether the traits of inputs have changed since training, and measure by how much.

A large sample makes any difference significant, and a small one makes none. So a trait has changed
if both hold: its difference is significant at `LEVEL` after Holm's correction over all traits
(Holm 1979, "A simple sequentially rejective multiple test procedure"), and it is large.

Single items, such as texts, are compared by the two-sample test of Kolmogorov and Smirnov, and
their categories by the chi-squared test, whose distribution is drawn where categories are rare.
Their difference is the largest one between two distribution functions, or the total variation
between shares: the share of items that would have to change.

Windows of a table follow one another. Neighbours are alike, and seasons make windows differ, so
that these tests would see changes everywhere. Here the mean over the new windows is compared with
the means over stretches of the same number of consecutive windows in the training set, by the
t-test of a new observation against a sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import scipy.stats
from statsmodels.stats.multitest import multipletests

from rnn_core.drift.traits import Floats, Traits
from rnn_core.errors import DataError

LEVEL = 0.01
"""Highest chance of an alarm, over all traits, if nothing has changed."""

LARGE = 0.15
"""A change is large if at least this share of single items would have to change."""

FEWEST_ITEMS = 20
"""Fewest single items of an input for a comparison."""

FEWEST_STRETCHES = 10
"""Fewest stretches of the training set that an input in the order of time is compared with."""

RARE = 5
"""With fewer expected items in a category, the chi-squared distribution is simulated."""

DRAWS = 9999
"""Number of simulations."""

SHOWN_SHARES = 3
"""Most categories in the description of a change."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """The comparison of a trait of inputs with the training set.

    Attributes:
        trait: Name of the trait.
        kind: Its kind: a number, a category, or the mean of a number over windows.
        before: The trait in the training set, in words.
        now: The trait in the input, in words.
        size: Size of the difference.
        large: Smallest size of a large difference.
        p: The p value after the correction.
        changed: Whether the difference is significant and large.
    """

    trait: str
    kind: Literal["number", "category", "mean"]
    before: str
    now: str
    size: float
    large: float
    p: float
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The comparison of inputs with the training set.

    Attributes:
        num_items: Number of items of the input that were compared.
        trained: Number of items of the training set that they were compared with.
        changes: The comparison of each trait, in the order of the traits.
    """

    num_items: int
    trained: int
    changes: tuple[Change, ...]

    @property
    def changed(self) -> tuple[Change, ...]:
        """The traits that have changed."""
        return tuple(one for one in self.changes if one.changed)


class Found(NamedTuple):
    """Like `Change`, before the correction."""

    trait: str
    kind: Literal["number", "category", "mean"]
    before: str
    now: str
    size: float
    large: float
    p: float


def compare(training: Traits, inputs: Traits, *, in_time: bool) -> Drift:
    """Compare the traits of inputs with those of the training set.

    Args:
        training: Traits of the training set.
        inputs: Traits of the input.
        in_time: Whether items are in the order of time.

    Raises:
        DataError: If there are too few items for a comparison.
    """
    if in_time:
        kept = most_windows(training, inputs)
        found = [of_mean(name, training, inputs.numbers[name], kept) for name in training.numbers]
    else:
        kept = inputs.num_items
        check_number(kept)
        found = [
            *(of_number(name, own, inputs.numbers[name]) for name, own in training.numbers.items()),
            *(
                of_category(name, own, inputs.categories[name])
                for name, own in training.categories.items()
            ),
        ]
    corrected = multipletests([one.p for one in found], method="holm")[1]
    changes = [
        Change(**one._asdict() | {"p": float(p)}, changed=bool(p < LEVEL) and one.size >= one.large)
        for one, p in zip(found, corrected, strict=True)
    ]
    return Drift(num_items=kept, trained=training.num_items, changes=tuple(changes))


def check_number(count: int) -> None:
    """Check that an input has enough items.

    Raises:
        DataError: If it does not.
    """
    if count < FEWEST_ITEMS:
        raise DataError(
            f"the input has {count} items; {FEWEST_ITEMS} are needed to tell a change from chance"
        )


def most_windows(training: Traits, inputs: Traits) -> int:
    """Number of the newest windows that are compared.

    The training set has at least `FEWEST_STRETCHES` stretches of this length, which show how much
    such a stretch varies.

    Raises:
        DataError: If the training set is too short for a stretch of a single window.
    """
    there = min(training.num_items, max(map(len, training.numbers.values())))
    if there < FEWEST_STRETCHES:
        raise DataError(
            f"the training set has {there} windows; {FEWEST_STRETCHES} are needed to tell a "
            "change from chance"
        )
    return min(inputs.num_items, there // FEWEST_STRETCHES)


def of_number(name: str, before: Floats, now: Floats) -> Found:
    """Compare a number of single items."""
    before, now = before[~np.isnan(before)], now[~np.isnan(now)]
    if not len(before) or not len(now):
        return Found(name, "number", "none", "none", 0.0, LARGE, 1.0)
    test = scipy.stats.ks_2samp(before, now)
    return Found(
        name,
        "number",
        spread_in_words(before),
        spread_in_words(now),
        float(test.statistic),
        LARGE,
        float(test.pvalue),
    )


def spread_in_words(values: Floats) -> str:
    """The median of values, and the range of 90 % of them."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def of_category(name: str, before: Mapping[str, int], now: Mapping[str, int]) -> Found:
    """Compare the frequencies of the categories of single items."""
    kinds = sorted({*before, *now})
    counts = np.array([[each.get(kind, 0) for kind in kinds] for each in (before, now)])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    apart = np.abs(shares[0] - shares[1])
    first = np.argsort(-apart, kind="stable")[:SHOWN_SHARES]
    told = [", ".join(f"{kinds[i]} {100 * row[i]:.3g} %" for i in first) for row in shares]
    return Found(
        name, "category", told[0], told[1], float(apart.sum() / 2), LARGE, p_of_counts(counts)
    )


def p_of_counts(counts: "np.typing.NDArray[np.int64]") -> float:
    """The p value of the chi-squared test of a table of counts, (2, K)."""
    if counts.shape[1] < 2 or (counts.sum(axis=1) == 0).any():
        return 1.0
    if scipy.stats.contingency.expected_freq(counts).min() >= RARE:
        return float(scipy.stats.chi2_contingency(counts, correction=False).pvalue)
    drawn = scipy.stats.MonteCarloMethod(n_resamples=DRAWS, rng=np.random.default_rng(0))
    test = scipy.stats.chi2_contingency(counts, correction=False, method=drawn)
    return float(test.pvalue)


def of_mean(name: str, training: Traits, values: Floats, kept: int) -> Found:
    """Compare the mean of a number over the newest windows with that of stretches in training.

    The standard deviation of the mean over a stretch is assumed to be at least a fifth of the
    smallest change that matters: a trait that is constant in training may differ a little.
    """
    large, before = training.matters[name], training.numbers[name]
    count = len(before) // kept
    stretches = before[len(before) - count * kept :].reshape(count, kept)
    means, now = means_of(stretches), means_of(values[-kept:][None])
    if len(means) < 2 or not len(now):
        return Found(name, "mean", "none", "none", 0.0, large, 1.0)
    mean, deviation = means.mean(), max(means.std(ddof=1), large / 5, np.finfo(float).tiny)
    difference = float(now[0] - mean)
    t = difference / (deviation * (1 + 1 / len(means)) ** 0.5)
    return Found(
        name,
        "mean",
        f"{mean:.3g} (standard deviation {means.std(ddof=1):.2g})",
        f"{now[0]:.3g}",
        abs(difference),
        large,
        float(2 * scipy.stats.t.sf(abs(t), len(means) - 1)),
    )


def means_of(stretches: Floats) -> Floats:
    """The mean of each row, (N, K); rows without a value are left out."""
    there = ~np.isnan(stretches)
    some = there.any(axis=1)
    sums = np.where(there, stretches, 0.0).sum(axis=1)
    return np.asarray(sums[some] / there.sum(axis=1)[some], np.float64)

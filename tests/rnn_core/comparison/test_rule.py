"""What the rule says of evidence that is clear, too thin, or contradicted."""

import numpy as np
from rnn_core.comparison.rule import Evidence, judge, sensitivity

from rnn_core.comparison.statistics.differences import paired_differences
from rnn_core.comparison.statistics.items import Items


def differences(means, spread, num_seeds=10, seed=0):
    """Differences of candidates with exactly these means and about this spread."""
    noise = np.random.default_rng(seed).normal(size=(len(means), num_seeds)) * spread
    noise -= noise.mean(1, keepdims=True)
    return paired_differences(np.asarray(means)[:, None] + noise, None)


def evidence(validation, test=None, margin=0.1, spread=0.02, **options):
    names = tuple("abcdef"[: len(validation)])
    return Evidence(
        names=names,
        validation=differences(validation, spread, **options),
        test=differences(test or validation, spread, **options),
        margin=margin,
    )


def test_cheapest_of_candidates_within_the_margin_is_chosen():
    verdict = judge(evidence([0.05, 0.0, 0.02]), "b")
    assert (verdict.status, verdict.champion) == ("decided", "a")


def test_cheaper_one_that_is_worse_is_passed_over():
    verdict = judge(evidence([0.5, 0.0, 0.02]), "b")
    assert (verdict.status, verdict.champion) == ("decided", "b")
    assert "all that are cheaper are worse" in verdict.reason


def test_dearer_one_is_not_preferred_while_the_cheaper_may_do():
    """`a` is behind by the margin, give or take: nobody knows on which side of it."""
    verdict = judge(evidence([0.05, 0.0], spread=0.12), "b")
    assert verdict.status == "provisional"
    assert verdict.champion == "b"
    assert verdict.need.seeds > 10


def test_seeds_needed_do_decide():
    thin = evidence([0.05, 0.0], spread=0.12)
    need = judge(thin, "b").need
    more = Evidence(
        names=thin.names,
        validation=thin.validation.with_seeds(need.seeds),
        test=thin.test.with_seeds(need.seeds),
        margin=thin.margin,
    )
    assert judge(more, "b").status == "decided"


def test_items_are_named_where_no_number_of_seeds_would_do():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 40))
    values -= values.mean(1, keepdims=True)
    items = Items(losses=values, weights=np.ones(40), clusters=np.arange(40))
    losses = 0.001 * rng.normal(size=(2, 5))
    split = paired_differences(losses, items)
    verdict = judge(Evidence(names=("a", "b"), validation=split, test=split, margin=0.3), "b")
    assert verdict.status == "provisional"
    assert verdict.need.seeds is None
    assert verdict.need.items > 1


def test_choice_that_the_test_side_contradicts_is_not_decided():
    verdict = judge(evidence([0.0, 0.5], test=[0.5, 0.0]), "a")
    assert verdict.status == "provisional"
    assert "test side" in verdict.reason


def test_one_seed_decides_nothing():
    verdict = judge(Evidence(names=("a", "b"), validation=None, test=None, margin=1.0), "a")
    assert (verdict.status, verdict.champion) == ("provisional", "a")
    assert "one seed" in verdict.reason


def test_only_candidate_is_taken():
    verdict = judge(Evidence(names=("a",), validation=None, test=None, margin=1.0), "a")
    assert verdict.status == "decided"


def test_candidates_that_tie_exactly_are_decided_for_the_cheapest():
    verdict = judge(evidence([0.3, 0.3, 0.3], spread=0.0), "a")
    assert (verdict.status, verdict.champion) == ("decided", "a")


def test_sensitivity_is_the_verdict_at_half_and_at_twice_the_margin():
    found = sensitivity(evidence([0.09, 0.0]))
    assert found == {"half": "b", "twice": "a"}
    assert sensitivity(evidence([0.09, 0.0], spread=0.2)) == {"half": None, "twice": None}

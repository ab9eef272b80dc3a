"""Verdicts: the decision, its grounds, and additional notes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.comparison.candidates import Candidate, SeedResult
from rnn_core.comparison.outcome import Effort
from rnn_core.comparison.race import SAFE, Runner, race, trained
from rnn_core.comparison.verdict import CONTRADICTED, Entry, decide, summarise
from rnn_core.errors import StudyError
from rnn_core.metric import SCORED, Metric
from rnn_core.study import Seeds
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.run_folder import Cost

ERROR = Metric("mse", "", "lower")
ACCURACY = Metric("accuracy", "", "higher")
SEEDS = Seeds(first=3, most=10)
MARGIN = 1.0
NUM_ITEMS = 40


def entries_of(means, *, test=None, deviation=0.1, items=0.1, seed=0, metric=ERROR, lost=()):
    """Candidates from the cheapest to the dearest, with all the seeds that they may have.

    Means and deviations are losses; `lost` are (candidate, seed).
    """
    generator = np.random.default_rng(seed)
    normal = generator.standard_normal
    models = deviation * normal((len(means), SEEDS.most)) + normal(SEEDS.most)
    of_items = {split: items * NUM_ITEMS**0.5 * normal((len(means), NUM_ITEMS)) for split in SCORED}
    each = {"validation": means, "test": means if test is None else test}
    found = []
    for c in range(len(means)):
        scores = {
            split: [
                None
                if (c, s) in lost
                else sign(metric) * (each[split][c] + one + of_items[split][c])
                for s, one in enumerate(models[c])
            ]
            for split in SCORED
        }
        found.append(entry_of(c, scores, metric))
    return found


def sign(metric):
    return metric.loss(1.0)


def entry_of(place, scores, metric):
    """A candidate, from the scores of items of each seed on both splits; None: it diverged."""
    means = {
        split: [None if one is None else float(one.mean()) for one in scores[split]]
        for split in SCORED
    }
    ended = {
        split: [
            trained(mean, None if one is None else items_of(one), metric)
            for mean, one in zip(means[split], scores[split], strict=True)
        ]
        for split in SCORED
    }
    cost = 100 + place
    candidate = Candidate(
        cell=f"cell{place}",
        hidden_size=8,
        sizes=("equal",),
        deviations={},
        device="cpu",
        data="d",
        metric=metric,
        cost=Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=cost),
        seeds=tuple(
            SeedResult(seed=s, epochs=2, steps=100, validation=one, test=other)
            for s, (one, other) in enumerate(zip(*means.values(), strict=True))
        ),
    )
    return Entry(candidate=candidate, trained=ended)


def items_of(values):
    return ItemScores(values=values, weights=np.ones(len(values)))


def cut(entry, number):
    """A candidate with its first trainings alone."""
    fields = vars(entry.candidate) | {"seeds": entry.candidate.seeds[:number]}
    return Entry(
        candidate=Candidate(**fields),
        trained={split: each[:number] for split, each in entry.trained.items()},
    )


def asked_of(entries, seeds=SEEDS, margin=MARGIN):
    """Of entries with all seeds, what the race asks for; from the cheapest to the dearest."""
    runners = [Runner(name=e.candidate.name, trained=e.trained["validation"]) for e in entries]
    return race(runners, seeds, margin).asked


def verdict_of(entries, seeds=SEEDS, margin=MARGIN):
    asked = asked_of(entries, seeds, margin)
    return decide([cut(e, asked[e.candidate.name]) for e in entries], seeds, margin)


def test_clear_winner_is_decided_with_little():
    found = verdict_of(entries_of([9.0, 0.0, 6.0]))
    decision = found.decision
    assert (decision.status, decision.why, decision.recommended) == ("decided", "safe", "cell1-8")
    assert (decision.rivals, decision.cheaper, decision.need) == ((), (), None)
    assert decision.ahead > 0
    assert found.effort == Effort(looks=(3,), most=10, trainings=9, at_equal_seeds=30)
    for split in SCORED:
        risk = found.risks[split]
        assert risk["cell1-8"].chance == 1.0
        assert risk["cell0-8"].expected_loss == pytest.approx(9.0, abs=0.5)
        assert risk["cell0-8"].chance == 0.0


@pytest.mark.parametrize(("metric", "expected"), [(ERROR, "cell1-8"), (ACCURACY, "cell1-8")])
def test_direction_of_the_metric_is_minded(metric, expected):
    entries = entries_of([9.0, 0.0, 6.0], metric=metric)
    assert verdict_of(entries).decision.recommended == expected
    raw = [entry.candidate.mean("validation") for entry in entries]
    assert (raw[1] == max(raw)) == (metric is ACCURACY)


def test_cheapest_of_equals_is_chosen_and_the_dearer_are_told():
    decision = verdict_of(entries_of([0.2, 0.0, 0.1, 8.0])).decision
    assert (decision.status, decision.recommended) == ("decided", "cell0-8")
    assert decision.rivals == ("cell1-8", "cell2-8")
    assert decision.cheaper == ()


def test_cheaper_ones_that_may_do_as_well_are_told_apart():
    """The dearest is safe; of the cheaper ones one is hopeless and one is open."""
    entries = entries_of([9.0, 1.0, 0.0], deviation=0.6, seed=2)
    found = verdict_of(entries)
    decision = found.decision
    assert (decision.status, decision.recommended) == ("decided", "cell2-8")
    assert decision.rivals == decision.cheaper == ("cell1-8",)
    assert 0.01 <= found.risks["validation"]["cell1-8"].chance < SAFE


def test_test_set_that_contradicts_opens_it_and_trains_nothing():
    means = [4.0, 0.0]
    agreed = entries_of(means)
    against = entries_of(means, test=[0.0, 4.0])
    assert asked_of(against) == asked_of(agreed)
    decision = verdict_of(against).decision
    assert (decision.status, decision.why) == ("open", "test_contradicts")
    assert decision.recommended == "cell1-8"
    assert decision.need is None
    assert verdict_of(agreed).decision.why == "safe"


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 9999), st.lists(st.floats(-9, 9), min_size=3, max_size=3))
def test_test_set_chooses_nothing(seed, test):
    """Whatever it says, the same candidate is named; it alone may be open or decided."""
    means = [2.0, 0.5, 0.0]
    one = verdict_of(entries_of(means, deviation=0.5, seed=seed))
    other = verdict_of(entries_of(means, test=test, deviation=0.5, seed=seed))
    assert other.decision.recommended == one.decision.recommended
    assert other.effort == one.effort
    assert other.risks["validation"] == one.risks["validation"]
    chance = other.risks["test"][other.decision.recommended].chance
    assert (other.decision.why == "test_contradicts") == (chance < CONTRADICTED)


def test_candidates_that_are_too_close_are_open_with_what_would_settle_it():
    found = verdict_of(entries_of([0.3, 0.0, 0.4], deviation=4.0, seed=3))
    decision = found.decision
    assert (decision.status, decision.why) == ("open", "too_close")
    assert decision.need.seeds > 10
    assert decision.recommended == min(
        found.risks["validation"], key=lambda n: found.risks["validation"][n].expected_loss
    )
    assert found.effort.looks == (3, 4, 5, 7, 10)


def test_one_seed_leaves_it_open_without_risk():
    found = verdict_of(entries_of([9.0, 0.0], deviation=0.0), Seeds(first=1, most=1))
    assert (found.decision.status, found.decision.why) == ("open", "one_seed")
    assert found.decision.recommended == "cell1-8"
    assert found.risks == {"validation": {}, "test": {}}
    assert found.decision.half_margin is None


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_reason_for_no_chance_is_one_seed_only_where_there_was_one(data):
    """Whatever diverged: with more seeds it is that too few finished."""
    first = data.draw(st.integers(1, 3))
    seeds = Seeds(first=first, most=data.draw(st.integers(first, 4)))
    every = [(c, s) for c in range(2) for s in range(seeds.most)]
    lost = data.draw(st.lists(st.sampled_from(every), unique=True))
    found = verdict_of(entries_of([0.0, 0.5], lost=lost), seeds)
    if found.decision.recommended is not None and not found.risks["validation"]:
        one = found.effort.looks[-1] == 1
        assert found.decision.why == ("one_seed" if one else "few_finished")
        assert one or lost
    else:
        assert found.decision.why not in {"one_seed", "few_finished"}


def test_seeds_that_finished_may_be_too_few_to_tell_chance():
    found = verdict_of(entries_of([9.0, 0.0], lost=[(0, 0), (1, 2)]), Seeds(first=3, most=3))
    assert (found.decision.status, found.decision.why) == ("open", "few_finished")
    assert found.decision.recommended == "cell1-8"
    assert found.risks == {"validation": {}, "test": {}}


def test_only_candidate_is_decided():
    found = verdict_of(entries_of([3.0]))
    assert (found.decision.status, found.decision.why) == ("decided", "only_one")
    assert (found.decision.runner_up, found.decision.ahead) == (None, None)
    assert found.effort.trainings == 3


@pytest.mark.parametrize(
    ("ahead", "worse", "why"),
    [(0, 0, "too_close"), (1, 0, "too_close"), (0, 1, "too_close"), (1, 1, "test_contradicts")],
)
def test_test_set_contradicts_what_the_validation_set_believes_alone(ahead, worse, why):
    """With few items both sets tell too little: all three answer all of them, or nearly.

    The chosen one is ahead by some items on validation, and worse by some on test.
    """
    entries = []
    for place in range(3):
        right = {split: np.ones(4) for split in SCORED}
        right["validation"][:ahead] = place == 0
        right["test"][:worse] = place > 0
        entries.append(entry_of(place, {s: [right[s]] * 3 for s in SCORED}, ACCURACY))
    found = verdict_of(entries, Seeds(first=3, most=3), margin=0.01)
    chosen = found.decision.recommended
    assert chosen == "cell0-8"
    assert (found.risks["validation"][chosen].chance >= CONTRADICTED) == bool(ahead)
    assert found.risks["test"][chosen].chance < CONTRADICTED
    assert (found.decision.status, found.decision.why) == ("open", why)


def test_means_that_rounding_alone_sets_apart_are_the_same():
    """(0.8 + 0.9) / 2 is a little more than 0.85."""
    each = [[0.9, 0.8], [0.85, 0.85]]
    entries = [
        entry_of(place, {s: [np.full(4, x) for x in scores] for s in SCORED}, ACCURACY)
        for place, scores in enumerate(each)
    ]
    assert entries[0].candidate.mean("test") > entries[1].candidate.mean("test")
    found = verdict_of(entries, Seeds(first=2, most=2), margin=0.01)
    assert found.decision.ahead == 0
    standings = found.judged["validation"].standings
    assert [standings[name].worse_by for name in ("cell0-8", "cell1-8")] == [0, 0]


@pytest.mark.parametrize("first", [1, 3])
def test_candidate_that_alone_trained_is_not_called_better_than_what_diverged(first):
    """It may be used, but no chance is computed from its scores alone."""
    lost = [(c, s) for c in (0, 2) for s in range(first)]
    found = verdict_of(entries_of([0.0, 3.0, 0.5], lost=lost), Seeds(first=first, most=first))
    decision = found.decision
    assert (decision.status, decision.why) == ("decided", "only_left")
    assert (decision.recommended, decision.runner_up, decision.alone) == ("cell1-8", None, True)
    assert not verdict_of(entries_of([0.0, 3.0])).decision.alone


def test_nothing_is_recommended_where_all_diverged():
    lost = [(c, s) for c in range(2) for s in range(3)]
    found = verdict_of(entries_of([0.0, 1.0], lost=lost))
    decision = found.decision
    assert (decision.status, decision.why, decision.recommended) == ("open", "all_diverged", None)
    assert found.effort.trainings == 6
    assert found.risks == {"validation": {}, "test": {}}


def test_candidate_that_lost_a_seed_may_be_chosen_and_has_no_standing():
    found = verdict_of(entries_of([0.0, 9.0], lost=[(0, 1)]))
    assert (found.decision.status, found.decision.recommended) == ("decided", "cell0-8")
    assert found.judged["validation"].standings.keys() == {"cell1-8"}


def test_candidate_that_lost_most_seeds_has_no_risk():
    found = verdict_of(entries_of([0.0, 9.0, 9.3], lost=[(0, 1), (0, 2)]))
    assert found.decision.recommended == "cell1-8"
    assert found.risks["validation"].keys() == {"cell1-8", "cell2-8"}


def test_registered_seed_is_the_best_on_validation():
    for metric in (ERROR, ACCURACY):
        entries = entries_of([0.0, 9.0], deviation=0.5, metric=metric)
        decision = verdict_of(entries).decision
        scores = entries[0].candidate.scores("validation")[: SEEDS.first]
        best = min(scores) if metric is ERROR else max(scores)
        assert decision.registered_seed == scores.index(best)


def test_other_margins_are_told():
    quiet = {"deviation": 0.02, "items": 0.02}
    decision = verdict_of(entries_of([1.4, 0.0, 0.1], **quiet)).decision
    assert decision.recommended == "cell1-8"
    assert (decision.half_margin, decision.twice_margin) == ("cell1-8", "cell0-8")
    against = verdict_of(entries_of([1.4, 0.0, 0.1], test=[0.0, 9.0, 9.0], **quiet)).decision
    assert (against.half_margin, against.twice_margin) == (None, "cell0-8")


def test_standard_deviation_of_differences_is_that_of_numpy_in_margins():
    entries = entries_of([0.0, 3.0, 5.0], deviation=0.2)
    found = verdict_of(entries, margin=0.5)
    asked = asked_of(entries, margin=0.5)
    assert set(asked.values()) == {3}
    losses = np.array([entry.candidate.scores("validation")[:3] for entry in entries])
    each = [np.std(losses[i] - losses[j], ddof=1) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found.decision.difference_std == pytest.approx(np.mean(each) / 0.5)


@pytest.mark.parametrize("change", ["one less", "one more", "both"])
def test_other_trainings_than_the_race_asked_for_are_refused(change):
    entries = entries_of([0.0, 0.5, 30.0], deviation=1.0, seed=5)
    asked = asked_of(entries)
    assert len(set(asked.values())) == 2
    decide([cut(e, asked[e.candidate.name]) for e in entries], SEEDS, MARGIN)
    off = {
        "one less": {"cell0-8": asked["cell0-8"] - 1},
        "one more": {"cell2-8": asked["cell2-8"] + 1},
        "both": {"cell0-8": asked["cell2-8"], "cell2-8": asked["cell0-8"]},
    }[change]
    wrong = asked | off
    with pytest.raises(StudyError, match="not those that the seeds of"):
        decide([cut(e, wrong[e.candidate.name]) for e in entries], SEEDS, MARGIN)


def test_order_in_which_candidates_are_given_changes_nothing():
    entries = entries_of([0.3, 0.0, 2.0, 0.4], deviation=0.8, seed=6)
    asked = asked_of(entries)
    each = [cut(e, asked[e.candidate.name]) for e in entries]
    assert decide(each[::-1], SEEDS, MARGIN).decision == decide(each, SEEDS, MARGIN).decision


def test_evidence_counts_the_items_that_tell_and_their_groups():
    """Of 40 items, 6 on which two candidates differ, in 5 groups; the third is out of the race."""
    generator = np.random.default_rng(7)
    clusters = np.arange(NUM_ITEMS) // 8
    base = generator.normal(size=NUM_ITEMS)
    far = base + 50 + generator.normal(size=NUM_ITEMS)
    other = base.copy()
    other[:6] += 0.5
    entries = []
    for place, items in enumerate([base, other, far]):
        noise = generator.normal(0, 2.0, SEEDS.most)
        scores = {split: [items + one for one in noise] for split in SCORED}
        entry = entry_of(place, scores, ERROR)
        for each in entry.trained.values():
            for i, one in enumerate(each):
                shared = ItemScores(values=items, weights=np.ones(NUM_ITEMS), clusters=clusters)
                each[i] = type(one)(loss=one.loss, items=shared)
        entries.append(entry)
    found = verdict_of(entries)
    assert asked_of(entries)["cell2-8"] == 3
    evidence = found.judged["validation"].evidence
    assert (evidence.clusters, evidence.telling) == (5, 6)
    sums = np.bincount(clusters, base - other) / NUM_ITEMS
    error = (5 / 4 * ((sums - sums.mean()) ** 2).sum()) ** 0.5
    assert evidence.smallest == pytest.approx(2.5 * error)


def test_summary_tells_the_risk_on_both_splits():
    entries = entries_of([0.0, 9.0], test=[0.5, 7.0])
    found = verdict_of(entries)
    candidate = cut(entries[1], 3).candidate
    summary = summarise(candidate, found)
    assert summary.validation.risk == found.risks["validation"]["cell1-8"]
    assert summary.test.risk == found.risks["test"]["cell1-8"]
    assert summary.test.mean == candidate.mean("test")
    assert summary.validation.standing == found.judged["validation"].standings["cell1-8"]

"""Comparisons and evaluations come back from their files, and other files are refused."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.comparison.candidates import Candidate, SeedResult, read_scores, write_scores
from rnn_core.comparison.ensembles import EnsembleResult, EnsembleScores
from rnn_core.comparison.networks import Beside, ReferenceResult
from rnn_core.comparison.outcome import Comparison, read_comparison, write_comparison
from rnn_core.comparison.policies import policies
from rnn_core.comparison.race import Runner, Trained, race, trained
from rnn_core.comparison.refits import Gain, Refit, RefitResult
from rnn_core.comparison.verdict import Entry, decide, summarise
from rnn_core.errors import DataError, StudyError
from rnn_core.metric import SCORED, Metric
from rnn_core.study import Seeds
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.run_folder import Cost
from rnn_core.training.tuning import Finalist, Round, Tuned

REPOSITORY = Path(__file__).parents[3]
COMMITTED = sorted((REPOSITORY / "comparisons").glob("*.json"))
"""Those of the other studies are dated, of an earlier rule."""

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
COUNTS = st.integers(min_value=0, max_value=10**9)
NAMES = st.text("abcdefgh_", min_size=1, max_size=8)
METRICS = st.builds(Metric, NAMES, st.text(), st.sampled_from(["lower", "higher"]), st.text())
COSTS = st.builds(Cost, parameters=COUNTS, recurrent_parameters=COUNTS, multiply_accumulates=COUNTS)
ROUNDS = st.builds(Round, values=COUNTS, share=NUMBERS, seeds=COUNTS)
VALUES = st.dictionaries(NAMES, NUMBERS)
FINALISTS = st.builds(Finalist, values=VALUES, mean=st.none() | NUMBERS, std=st.none() | NUMBERS)
TUNINGS = st.none() | st.builds(
    Tuned,
    rounds=st.lists(ROUNDS, max_size=2).map(tuple),
    trials=COUNTS,
    steps=COUNTS,
    searches=COUNTS,
    finalists=st.lists(FINALISTS, max_size=2).map(tuple),
    chosen=VALUES,
    score=st.none() | NUMBERS,
)


NUM_ITEMS = 6
LAYERS = st.integers(1, 3)
SEEDS = st.lists(COUNTS, max_size=3).map(tuple)
AT_SIZE = {"cell": NAMES, "hidden_size": st.integers(1, 999), "num_layers": LAYERS}
OTHERS = st.dictionaries(NAMES, NUMBERS, max_size=1)
SCORED_ON = {"validation": st.none() | NUMBERS, "test": st.none() | NUMBERS, "others": OTHERS}
SCORES = st.builds(EnsembleScores, **AT_SIZE, seeds=SEEDS, **SCORED_ON)
ENSEMBLES = st.none() | st.builds(
    EnsembleResult,
    scores=SCORES,
    better_by=NUMBERS,
    p_value=st.floats(0, 1),
    trainings=COUNTS,
    registered=st.booleans(),
)
GAINS = st.builds(
    Gain, **dict.fromkeys(("mean", "error", "at_least", "at_most"), NUMBERS), chance=st.floats(0, 1)
)
REFITS = st.none() | st.builds(
    RefitResult,
    refit=st.builds(
        Refit,
        **AT_SIZE,
        measured=SEEDS,
        moved_back_epochs=st.none() | COUNTS,
        gain=st.none() | GAINS,
        epochs=st.none() | COUNTS,
        members=SEEDS,
        alone=st.none() | COUNTS,
        trainings=COUNTS,
    ),
    scores=st.none() | SCORES,
)
SEED_RESULTS = st.builds(
    SeedResult, seed=COUNTS, epochs=COUNTS, steps=COUNTS, recalls=OTHERS, **SCORED_ON
)
STANDS = st.builds(
    Beside, **dict.fromkeys(("mean", "std", "worse_by", "error"), st.none() | NUMBERS)
)
NETWORKS = st.none() | st.dictionaries(
    NAMES,
    st.builds(
        ReferenceResult,
        cell=NAMES,
        hidden_size=COUNTS,
        sizes=st.lists(NAMES, max_size=1).map(tuple),
        deviations=st.dictionaries(NAMES, NUMBERS, max_size=1),
        cost=COSTS,
        seeds=st.lists(SEED_RESULTS, max_size=2).map(tuple),
        validation=STANDS,
        test=STANDS,
        others=OTHERS,
    ),
    max_size=2,
)


@st.composite
def evaluated(draw):
    """Candidates of one dataset with the seeds that they may have, any of which may diverge."""
    metric, most = draw(METRICS), draw(st.integers(1, 6))
    seeds = Seeds(first=draw(st.integers(1, most)), most=most)
    own = draw(st.booleans())
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    return [draw(candidates(name, metric, seeds)) for name in names], seeds, own


@st.composite
def candidates(draw, cell, metric, seeds):
    """A candidate with the most seeds that it may have."""
    pairs = st.none() | st.tuples(NUMBERS, NUMBERS)
    drawn = draw(st.lists(pairs, min_size=seeds.most, max_size=seeds.most))
    return Candidate(
        cell=cell,
        hidden_size=draw(st.integers(1, 999)),
        num_layers=draw(LAYERS),
        sizes=tuple(draw(st.lists(NAMES, max_size=2))),
        deviations=draw(st.dictionaries(NAMES, NUMBERS, max_size=2)),
        device="cpu",
        data="d",
        metric=metric,
        cost=draw(COSTS),
        seeds=tuple(
            SeedResult(
                seed=seed,
                epochs=draw(COUNTS),
                steps=draw(COUNTS),
                validation=pair and pair[0],
                test=pair and pair[1],
                others={} if pair is None else {"f1": pair[1]},
                recalls={} if pair is None else {"yes": 0.5},
            )
            for seed, pair in enumerate(drawn)
        ),
        tuning=draw(TUNINGS),
    )


def entry_of(candidate, number, own):
    """A candidate with its first seeds; what items are worth follows from its name."""
    cut = replace(candidate, seeds=candidate.seeds[:number])
    items = np.random.default_rng(list(candidate.name.encode())).normal(size=NUM_ITEMS)
    shared = ItemScores(values=items, weights=np.ones(NUM_ITEMS), own_to_seed=own)

    def ended(score):
        if score is None:
            return Trained(loss=None, items=None)
        return trained(score, shared, candidate.metric)

    each = {split: [ended(getattr(seed, split)) for seed in cut.seeds] for split in SCORED}
    return Entry(candidate=cut, trained=each)


def compared(candidates, seeds, own=False, margin=0.5, **beside):
    """The comparison of candidates, each with the seeds that the race asks for."""
    whole = [entry_of(candidate, seeds.most, own) for candidate in candidates]
    whole.sort(key=lambda e: (e.candidate.cost.multiply_accumulates, e.candidate.name))
    runners = [Runner(name=e.candidate.name, trained=e.trained["validation"]) for e in whole]
    asked = race(runners, seeds, margin).asked
    entries = [entry_of(candidate, asked[candidate.name], own) for candidate in candidates]
    verdict = decide(entries, seeds, margin)
    baselines = {"simple": 0.25}
    raced = [entry.candidate for entry in entries]
    return Comparison(
        task="forecasting",
        metric=candidates[0].metric,
        margin=margin,
        device="cpu",
        items={"train": 9, "validation": 3, "test": 4},
        decision=verdict.decision,
        effort=verdict.effort,
        evidence={split: judged.evidence for split, judged in verdict.judged.items()},
        candidates={candidate.name: summarise(candidate, verdict) for candidate in raced},
        policies=policies(raced, margin, baselines, verdict.decision.recommended),
        baselines=baselines,
        optimum=None,
        **{"ensemble": None, "references": None, **beside},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(evaluated(), ENSEMBLES, NETWORKS, REFITS)
def test_whatever_is_written_comes_back(folder, study, ensemble, references, refit):
    candidates, seeds, own = study
    for candidate in candidates:
        write_scores(folder, candidate)
        assert read_scores(folder) == candidate
    beside = {"ensemble": ensemble, "references": references, "refit": refit}
    comparison = compared(candidates, seeds, own, **beside)
    write_comparison(folder / "written.json", comparison)
    assert read_comparison(folder / "written.json") == comparison


@pytest.mark.parametrize("file", COMMITTED, ids=lambda f: f"{f.parents[1].name}-{f.stem}")
def test_committed_comparison_is_written_as_it_was_read(folder, file):
    write_comparison(folder / "again.json", read_comparison(file))
    assert (folder / "again.json").read_bytes() == file.read_bytes()


@pytest.fixture
def content():
    """A comparison as JSON."""
    cost = Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=1)
    metric = Metric("mse", "", "lower")
    candidates = [
        Candidate(
            cell=cell,
            hidden_size=4,
            sizes=("equal",),
            deviations={},
            device="cpu",
            data="d",
            metric=metric,
            cost=cost,
            seeds=tuple(
                SeedResult(seed=i, epochs=1, steps=1, validation=score + i / 8, test=score)
                for i in range(3)
            ),
        )
        for cell, score in (("gru", 0.5), ("lstm", 0.25))
    ]
    return json.loads(json.dumps(asdict(compared(candidates, Seeds(first=3, most=3)))))


def before_decisions_had_a_place_of_their_own(content):
    decision = content.pop("decision")
    content |= decision | {"decision": decision["status"]}
    return "decision"


def without_a_candidate_of_the_decision(content):
    del content["candidates"][content["decision"]["recommended"]]
    return content["decision"]["recommended"]


def with_a_seed_that_was_not_trained(content):
    content["decision"]["registered_seed"] = 12345
    return "registered_seed"


def with_a_rival_that_is_no_candidate(content):
    content["decision"]["rivals"] = ["lstm-99999"]
    return "lstm-99999"


def with_more_than_one_word_for_open(content):
    content["decision"]["status"] = "provisional"
    return "decision.status"


def without_what_it_cost(content):
    del content["effort"]
    return "effort"


def without_the_mean_of_a_candidate(content):
    name = next(iter(content["candidates"]))
    del content["candidates"][name]["test"]["mean"]
    return f"candidates.{name}.test.mean"


def with_a_word_for_a_number(content):
    content["margin"] = "small"
    return "margin"


def with_a_key_that_nobody_reads(content):
    content["candidates"] = {n: c | {"verdict": 1} for n, c in content["candidates"].items()}
    return "verdict"


SPOILT = [
    before_decisions_had_a_place_of_their_own,
    without_a_candidate_of_the_decision,
    with_a_seed_that_was_not_trained,
    with_a_rival_that_is_no_candidate,
    with_more_than_one_word_for_open,
    without_what_it_cost,
    without_the_mean_of_a_candidate,
    with_a_word_for_a_number,
    with_a_key_that_nobody_reads,
]


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_file_that_is_no_comparison_is_refused_with_its_place(tmp_path, content, spoil):
    file, place = tmp_path / "spoilt.json", spoil(content)
    file.write_text(json.dumps(content))
    with pytest.raises((DataError, StudyError)) as caught:
        read_comparison(file)
    assert str(file) in str(caught.value)
    assert place in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "[]", "null", '{"candidates": '])
def test_file_without_a_comparison_is_refused(tmp_path, text):
    file = tmp_path / "none.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError, match=re.escape(str(file))):
        read_comparison(file)


def test_comparison_in_which_all_diverged_recommends_none(folder):
    lost = SeedResult(seed=0, epochs=1, steps=1, validation=None, test=None)
    seen = replace(lost, seed=1, validation=0.5, test=0.25)  # half of its seeds are not enough
    cost = Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=1)
    facts = {"hidden_size": 4, "sizes": (), "deviations": {}, "data": "d", "device": "cpu"}
    candidate = Candidate(
        cell="gru", metric=Metric("mse", "", "lower"), cost=cost, seeds=(lost, seen), **facts
    )
    write_comparison(folder / "lost.json", compared([candidate], Seeds(first=2, most=2)))
    found = read_comparison(folder / "lost.json")
    assert (found.recommended, found.decision.status) == (None, "open")
    assert found.registered_test_score is None
    assert found.candidates["gru-4"].diverged == (lost,)
    assert asdict(found)["candidates"]["gru-4"]["validation"]["standing"] is None

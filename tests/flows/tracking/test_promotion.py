"""Promotion to the registry, on copies of the finished tiny study."""

import re
import shutil
from dataclasses import replace

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from promoting import (
    NAME,
    champion,
    grown,
    model_folder,
    promote_sales,
    registered_seed,
    renew,
    restore_from,
    score_of_registered,
    spoil,
    trained_answer,
    versions,
)

from flows.commands.services.champion import compared, told
from flows.operations.champion import champions
from flows.tracking import promotion, registered
from flows.tracking.judging import Judged
from flows.tracking.promotion import LEVEL, by_evidence
from rnn_core.comparison.ensembles import EnsembleScores
from rnn_core.comparison.outcome import Risk, read_comparison, write_comparison
from rnn_core.comparison.refits import Gain, Refit, RefitResult
from rnn_core.comparison.statistics.pair import Pair
from rnn_core.training.run_folder import MODEL

pytestmark = pytest.mark.usefixtures("database")


def test_first_champion_becomes_version_one(layout):
    found = promote_sales(layout)
    assert (found.action, found.version, found.model) == ("promoted", "1", NAME)
    assert found.reason == "it is the first"
    assert (versions(), champion()) == (["1"], "1")
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    example, answer = trained_answer(layout)
    pd.testing.assert_frame_equal(served.predict(example), answer)


def test_promoting_again_registers_nothing(layout):
    first = promote_sales(layout)
    before = MlflowClient().get_model_version_by_alias(NAME, "champion")
    again = promote_sales(layout)
    assert (again.action, again.version) == ("unchanged", first.version)
    assert versions() == ["1"]
    after = MlflowClient().get_model_version_by_alias(NAME, "champion")
    assert (after.tags, after.last_updated_timestamp) == (
        before.tags,
        before.last_updated_timestamp,
    )


def judge_anew(layout, risk, status):
    """Let more seeds have said something else of the candidate that is registered."""
    comparison = read_comparison(layout.comparison("sales"))
    name, result, _ = vars(comparison.recommended).values()
    splits = {split: replace(result.on(split), risk=risk) for split in ("validation", "test")}
    found = comparison.candidates | {name: replace(result, **splits)}
    why = "one_seed" if risk is None else "safe" if status == "decided" else "too_close"
    decision = replace(comparison.decision, status=status, why=why)
    write_comparison(
        layout.comparison("sales"), replace(comparison, candidates=found, decision=decision)
    )


def evidence():
    """Evidence of the decision in the tags of the first version."""
    tags = MlflowClient().get_model_version(NAME, "1").tags
    names = ["decision", *(f"{split}_{what}" for split in ("validation", "test") for what in RISKS)]
    return [tags.get(f"gatewise.{name}") for name in names]


def described():
    """The description of the model, which people read first."""
    return MlflowClient().get_registered_model(NAME).description


RISKS = ("chance_within_margin", "expected_loss_in_margins")


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_speaks_for_a_version_is_what_the_comparison_says_now(layout, monkeypatch, by_hand):
    """Though nothing is promoted; and nothing else of it is written."""
    judge_anew(layout, Risk(chance=0.75, expected_loss=0.5), "decided")
    promote_sales(layout)
    assert evidence() == ["decided", "0.75", "0.5", "0.75", "0.5"]
    assert "- use memoryless-4 (decided)\n" in described()
    why = MlflowClient().get_model_version(NAME, "1").tags["gatewise.promoted_because"]
    if by_hand:
        MlflowClient().delete_registered_model_alias(NAME, "champion")
    judge_anew(layout, Risk(chance=0.25, expected_loss=0.5), "open")
    written = []
    original = MlflowClient.set_model_version_tag

    def write(self, name, version, key, value):
        written.append(key)
        return original(self, name, version, key, value)

    monkeypatch.setattr(MlflowClient, "set_model_version_tag", write)
    assert promote_sales(layout).action == ("kept" if by_hand else "unchanged")
    assert evidence() == ["open", "0.25", "0.5", "0.25", "0.5"]
    assert ("- use memoryless-4 for now (not decided yet)\n" in described()) is not by_hand
    assert sorted(written) == [
        "gatewise.answer",
        "gatewise.decision",
        "gatewise.test_chance_within_margin",
        "gatewise.validation_chance_within_margin",
    ]
    judge_anew(layout, None, "open")
    promote_sales(layout)
    assert evidence() == ["open", None, None, None, None]
    assert MlflowClient().get_model_version(NAME, "1").tags["gatewise.promoted_because"] == why


def test_version_of_a_refit_says_so_as_long_as_it_is_one(layout):
    """As refit it has the same weights here: the version is the same, and what it is called not."""
    path = layout.comparison("sales")
    comparison = read_comparison(path)
    result, seed = comparison.recommended.result, comparison.recommended.seed
    own = {"cell": result.cell, "hidden_size": result.hidden_size, "num_layers": result.num_layers}
    shutil.copytree(registered_seed(layout), layout.refitted("sales", result.size, seed.seed))
    gain = Gain(mean=0.25, error=0.1, at_least=0.1, at_most=0.4, chance=0.99)
    refit = Refit(
        **own,
        measured=(0, 1),
        moved_back_epochs=1,
        gain=gain,
        epochs=7,
        members=(),
        alone=seed.seed,
        trainings=5,
    )
    scores = EnsembleScores(**own, seeds=(seed.seed,), validation=None, test=0.125, others={})
    registered = RefitResult(refit=refit, scores=scores)

    def tags_of(refit):
        write_comparison(path, replace(comparison, refit=refit))
        assert promote_sales(layout).version == "1"
        tags = MlflowClient().get_model_version(NAME, "1").tags
        names = ("refit_epochs", "refit_gain", "test_mse", "num_layers", "seed")
        return [tags.get(f"gatewise.{name}") for name in names]

    assert tags_of(registered) == ["7", "0.25", "0.125", "1", str(seed.seed)]
    assert tags_of(None) == [None, None, str(seed.test), "1", str(seed.seed)]


def test_worse_challenger_is_kept_out(layout):
    first = promote_sales(layout)
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, found.version) == ("kept", "1")
    told = re.search(
        r"challenger is worse than .* \(paired test over (\d+) test items in (\d+) clusters, "
        r"p = (.+)\)",
        found.reason,
    )
    windows = 0.2 * 300 - 2
    assert int(told[1]) == windows
    assert int(told[2]) == -(-windows // 9)
    assert float(told[3]) < LEVEL
    assert (versions(), champion()) == (["1"], "1")
    assert found.test_score == pytest.approx(first.test_score)


@pytest.mark.parametrize("p", [0.0249, 0.0499996, 0.0500004])
def test_p_value_is_on_the_side_of_the_level_that_decides(p):
    pair = Pair(better_by=-0.1, p_worse=p, p_better=1 - p, num_items=9, num_clusters=9)
    judged = Judged(metric="mse", pair=pair, left_out=0, champion_score=1.0)
    verdict = by_evidence(judged, "version 1,", by_hand=False, sure=False)
    for text in (verdict.reason, compared("mse", 1.0, pair, "")):
        shown = float(re.search(r"p = ([\d.]+\d)", text)[1])
        assert shown == pytest.approx(p, rel=0.01)
        assert (shown < LEVEL) == (verdict.action == "kept")


def test_challenger_with_the_same_scores_is_as_good():
    pair = Pair(better_by=0.0, p_worse=0.5, p_better=0.5, num_items=7, num_clusters=7)
    told = compared("macro_f1", 0.25, pair, "")
    assert told.startswith("macro f1: the champion has 0.25, and the challenger is as good (paired")


def score_anew(layout, test):
    """Give the seed that is to be registered another test score, as other weights have."""
    path = layout.comparison("sales")
    comparison = read_comparison(path)
    name, result, own = vars(comparison.recommended).values()
    seeds = tuple(replace(own, test=test) if seed is own else seed for seed in result.seeds)
    found = comparison.candidates | {name: replace(result, seeds=seeds)}
    write_comparison(path, replace(comparison, candidates=found))


def test_score_of_a_promotion_is_that_of_the_version_that_is_registered(layout):
    """Of a challenger that is kept out, it is that of the champion before it."""
    own = score_of_registered(layout)
    for _ in range(2):
        assert promote_sales(layout).test_score == pytest.approx(own)
    spoil(layout)
    score_anew(layout, 9999.5)
    kept = promote_sales(layout)
    assert (kept.action, kept.test_score) == ("kept", pytest.approx(own))
    tags = MlflowClient().get_model_version(NAME, "1").tags
    assert float(tags["gatewise.test_mse"]) == float(tags["gatewise.last_test_mse"])
    assert float(tags["gatewise.test_mse"]) == pytest.approx(own)


def test_version_that_was_scored_by_another_metric_has_no_score(layout):
    first = promote_sales(layout)
    version = MlflowClient().get_model_version(NAME, first.version)
    assert registered.registered_score(version, "mse") == first.test_score
    assert registered.registered_score(version, "accuracy") is None


def test_better_challenger_replaces_the_champion(finished, layout):
    spoil(layout)
    promote_sales(layout)
    restore_from(finished, layout)
    found = promote_sales(layout)
    assert (found.action, found.version) == ("promoted", "2")
    assert "not worse than the champion before it, version 1," in found.reason
    assert (versions(), champion()) == (["1", "2"], "2")
    evidence = MlflowClient().get_model_version(NAME, "2").tags
    assert evidence["gatewise.promoted_because"] == found.reason


# --- Other data ---


def test_worse_challenger_on_new_data_is_kept_out(layout, perform):
    """The champion is asked about the new table in its own scale, and scored in the new one."""
    promote_sales(layout)
    renew(layout, perform, grown)
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("kept", "1")
    assert f"over {0.2 * 400 - 2:.0f} test items" in found.reason
    assert found.test_score < score_of_registered(layout)


def test_better_challenger_on_new_data_replaces_the_champion(layout, perform):
    spoil(layout, 3)
    promote_sales(layout)
    renew(layout, perform, grown)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "not worse than" in found.reason
    assert "paired test over" in found.reason


def test_champion_that_answers_another_question_is_replaced_for_that_reason(layout, perform):
    promote_sales(layout)
    renew(layout, perform, horizon=4)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert found.reason == (
        "the champion before it, version 1, cannot be judged on this data: it predicts 3 rows of y"
    )


def test_items_that_the_champion_was_trained_on_are_left_out(layout, perform):
    """Rows from 80 on are tested; the champion has seen those before 240."""
    promote_sales(layout)
    renew(layout, perform, split=[60, 20, 220])
    found = promote_sales(layout)
    told = re.search(r"over (\d+) test items .*, (\d+) others left out", found.reason)
    assert int(told[1]) + int(told[2]) == 218
    assert 57 <= int(told[1]) <= 60


def test_champion_that_was_trained_on_all_of_the_test_set_is_not_judged(layout, perform):
    promote_sales(layout)
    renew(layout, perform, lambda table: table[:230])
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert found.reason.endswith("trained or chosen on 44 of the 44 test items")


# --- Files ---


def test_champion_whose_files_are_gone_is_replaced_for_that_reason(layout, tmp_path):
    promote_sales(layout)
    shutil.rmtree(model_folder(tmp_path))
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "its files are gone" in found.reason


def test_champion_whose_files_were_changed_is_replaced_for_that_reason(layout, tmp_path):
    promote_sales(layout)
    (weights,) = model_folder(tmp_path).rglob(MODEL)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "have been changed since it was registered" in found.reason


def test_champion_of_another_gatewise_is_replaced_for_that_reason(finished, layout, monkeypatch):
    """As where a parameter of its model is not known any more."""
    promote_sales(layout)
    spoil(layout)

    def refuse(folder):
        if "artifacts" in folder.parts:
            raise TypeError("unexpected keyword argument 'peepholes'")
        return restored(folder)

    restored = promotion.judge.__globals__["restore_registered"]
    monkeypatch.setitem(promotion.judge.__globals__, "restore_registered", refuse)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "this version of Gatewise cannot use it: TypeError: unexpected keyword" in found.reason


# --- Decisions ---


def decide(layout, status, why):
    """Let the rule have decided so."""
    comparison = read_comparison(layout.comparison("sales"))
    decision = replace(comparison.decision, status=status, why=why)
    write_comparison(layout.comparison("sales"), replace(comparison, decision=decision))


def test_decided_champion_stays_until_something_better_comes(finished, layout):
    spoil(layout)
    decide(layout, "decided", "safe")
    promote_sales(layout)
    decide(layout, "open", "too_close")
    spoil(layout, 1e-6)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("kept", "1")
    assert "than the champion before it, version 1, whose cell was decided" in found.reason
    restore_from(finished, layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "it is better than the champion before it" in found.reason


def test_champion_that_had_no_rivals_is_no_safer_than_an_open_one(layout):
    spoil(layout)
    decide(layout, "decided", "only_one")
    promote_sales(layout)
    (found,) = champions(NAME)
    assert next(told(found)).endswith(", the only candidate")
    decide(layout, "open", "too_close")
    spoil(layout, 1e-6)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("kept", "1")
    assert "challenger is worse than the champion before it, version 1, (paired" in found.reason

"""Results outside of `reports/`: cards of models, figures in MLflow, timings."""

import re
from dataclasses import replace
from inspect import signature
from pathlib import Path
from shutil import copytree

import pytest
from fingerprints import REPOSITORY, edit
from mlflow import MlflowClient

from flows.commands import upkeep
from flows.report import advice
from flows.report.card import MOST_CHARACTERS, model_card
from flows.report.details import collect
from flows.report.timings import write_timings
from flows.stages.report import report
from flows.tracking import registry
from flows.tracking.projection import Projection
from flows.trainings.records import Answer, Record, append
from rnn_core import definitions, reach
from rnn_core.comparison.ensembles import EnsembleResult, EnsembleScores
from rnn_core.comparison.outcome import read_comparison, write_comparison
from rnn_core.comparison.refits import Gain, Refit, RefitResult
from rnn_core.diagnostics.measured_cost import measure
from rnn_core.files import digest_of
from rnn_core.study import TUNING_SEED, read_study


def card(layout, dataset):
    return model_card(collect(layout, read_study(layout.folder), dataset))


def test_card_says_what_it_is_what_speaks_for_it_and_its_limits(made_up):
    own = read_comparison(made_up.comparison("sounds")).recommended.seed
    text = card(made_up, "sounds")
    for words in (
        "## made_up.sounds: use gru-8 (decided)",
        "A model for speech recognition around the recurrent cell `gru` with 8 units",
        f"It is seed {own.seed} of 5",
        "**Use gru-8: the chance that another candidate is better by more than the margin is below",
        "is above 99.9 % by the validation set, which chose it, and above 99.9 % by the test set",
        "items: train 12,000, validation 1,500, test 1,500",
        f"This model: test {own.test:.4g}, validation {own.validation:.4g}",
        "Best simple baseline: most_frequent, 0.5",
        "19,744 parameters; 16,000 multiply-accumulates",
        "measured on 1,500 items of the test set",
        'mlflow.pyfunc.load_model("models:/made_up.sounds@champion")',
        "mlflow models serve -m models:/made_up.sounds@champion",
    ):
        assert words in text


GAIN = Gain(mean=0.0213, error=0.0042, at_least=0.0131, at_most=0.0295, chance=0.9971)
REFIT = Refit(
    cell="gru",
    hidden_size=8,
    measured=(0, 1, 2),
    moved_back_epochs=6,
    gain=GAIN,
    epochs=7,
    members=(),
    alone=0,
    trainings=7,
)
SCORES = EnsembleScores(
    cell="gru", hidden_size=8, seeds=(0,), validation=None, test=0.98765, others={}
)


def refitted(layout, refit, scores):
    """Give the comparison of a dataset a refit."""
    place = layout.comparison("sounds")
    comparison = read_comparison(place)
    result = RefitResult(refit=refit, scores=scores)
    write_comparison(place, replace(comparison, refit=result))
    return read_comparison(place)


def test_card_and_report_of_a_refit_say_how_it_was_trained_and_what_it_gained(made_up):
    comparison = refitted(made_up, REFIT, SCORES)
    gained = (
        "Registered is seed 0, trained on the training and validation set for 7 epochs: it has "
        "0.9877 on the test set. Moved back by one validation set, training on as much more gained "
        "0.021 ± 0.0042 accuracy (90 %: 0.013 to 0.029; 3 random seeds). That took 7 trainings."
    )
    assert comparison.registered_test_score == SCORES.test
    assert gained in advice.evidence(comparison)
    text = card(made_up, "sounds")
    for words in (
        f"with the random seed of {comparison.recommended.name} that is best on validation (0), on",
        "It was trained again, with",
        "(0), on the training and validation set for 7 epochs.",
        "Weights were fitted on the training and validation set",
        f"This model: test 0.9877. All seeds of {comparison.recommended.name}:",
    ):
        assert words in text
    assert "It is seed" not in text


def test_card_of_an_ensemble_that_was_refitted_says_so(made_up):
    seeds = (0, 1, 3)
    refit = replace(REFIT, members=seeds, alone=None)
    scores = replace(SCORES, seeds=seeds)
    comparison = refitted(made_up, refit, scores)
    together = EnsembleResult(
        scores=scores, better_by=0.1, p_value=0.01, trainings=0, registered=True
    )
    write_comparison(made_up.comparison("sounds"), replace(comparison, ensemble=together))
    assert (
        "It is the mean of 3 models, trained with the random seeds 0, 1 and 3. They were trained "
        "again, on the training and validation set for 7 epochs."
    ) in card(made_up, "sounds")


@pytest.mark.parametrize(
    ("gain", "epochs", "said"),
    [
        (
            replace(GAIN, mean=-0.02, chance=0.01),
            None,
            "gained nothing: -0.02 ± 0.0042 accuracy (90 %: 0.013 to 0.029; 3 random seeds). That",
        ),
        (replace(GAIN, chance=0.949), None, "3 random seeds), which may be chance."),
        (None, None, "is not known: moved back by one validation set, too many"),
        (GAIN, 7, "Trained so, it diverged."),
    ],
)
def test_report_says_why_a_refit_is_not_registered(made_up, gain, epochs, said):
    before = read_comparison(made_up.comparison("sounds"))
    comparison = refitted(made_up, replace(REFIT, gain=gain, epochs=epochs, alone=None), None)
    told = advice.refitted(comparison)
    assert said in told
    assert told.endswith("What is registered was trained on the training set alone.")
    assert comparison.registered_scores == before.registered_scores
    assert "trained again" not in card(made_up, "sounds")


def test_status_says_what_speaks_against_a_choice(made_up, monkeypatch, capsys, said_of):
    stand_ins = {"use_defaults": lambda: None, "enter_home": Path, "what_is_stale": lambda *_: []}
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(upkeep, name, stand_in)
    upkeep.status(made_up.folder)
    output = capsys.readouterr().out
    turned, equalled, close = (said_of(output, name) for name in ("turned", "equalled", "close"))
    contradicted = "(not decided: the test set contradicts the validation set)"
    assert turned.startswith(f"turned use gru-8 for now {contradicted} ")
    assert re.search(
        r"risk: below 0\.1 % by the validation set and above 99\.9 % by the te", turned
    )
    assert "but: the simple baseline naive_bayes (0.89) is as good as gru-8, within" in equalled
    risk = read_comparison(made_up.comparison("close")).recommended.result.validation.risk
    assert f"risk: {100 * (1 - risk.chance):.0f} % that another candidate is better" in close
    assert "use gru-8 for now (not decided yet)" in close or "lstm-8 for now" in close
    assert "to decide: " in close


def test_card_is_no_longer_than_what_mlflow_keeps(made_up):
    comparison = read_comparison(made_up.comparison("sounds"))
    metric = replace(comparison.metric, definition="long " * 2000)
    write_comparison(made_up.comparison("sounds"), replace(comparison, metric=metric))
    assert len(card(made_up, "sounds")) == MOST_CHARACTERS


@pytest.fixture
def client(database):
    return MlflowClient(database)


def test_version_of_a_model_has_its_card(made_up, client):
    client.create_registered_model("made_up.sounds")
    version = client.create_model_version("made_up.sounds", "file:///nowhere")
    for _ in range(2):
        registry.describe(client, made_up, "sounds", version)
        version = client.get_model_version("made_up.sounds", version.version)
        assert version.description == card(made_up, "sounds")


@pytest.fixture
def champion(made_up, client):
    """Projects the figures of a dataset; returns the run of its champion."""
    projection = Projection(made_up, "made_up", {})
    run = client.create_run(projection.open("prices"))
    projection.runs["prices"].append(run)

    def project():
        projection.log_figures("prices", run.info.run_id)
        return client.get_run(run.info.run_id)

    return project


def test_mlflow_has_the_figures_of_a_dataset(champion, client, tmp_path):
    run = champion()
    names = [file.path for file in client.list_artifacts(run.info.run_id, "figures")]
    figures = ("cost", "curves", "forecasts", "intervals", "lags")
    assert sorted(names) == [f"figures/{name}.svg" for name in figures]
    file = client.download_artifacts(run.info.run_id, "figures/cost.svg", str(tmp_path))
    text = Path(file).read_text()
    assert text.startswith("<svg ")
    assert "--ink:#1f2328" in text, "alone, it has no page to take its colours from"
    assert "gru-16" in text


def test_figures_are_logged_again_only_if_they_change(champion, client, made_up, monkeypatch):
    first = champion().data.tags["gatewise.figures"]
    logged = []
    monkeypatch.setattr(MlflowClient, "log_text", lambda *arguments: logged.append(arguments))
    assert champion().data.tags["gatewise.figures"] == first
    assert not logged
    made_up.curve("prices", "gru", "16", 0).write_text("")
    assert champion().data.tags["gatewise.figures"] != first
    assert len(logged) == 5


def test_figures_are_logged_again_if_code_that_draws_them_changes(
    champion, tmp_path, monkeypatch, request
):
    request.addfinalizer(reach.forget)
    copytree(REPOSITORY / "flows", tmp_path / "flows")
    (tmp_path / "rnn_core").symlink_to(REPOSITORY / "rnn_core")

    def after_edit(file, old, new):
        edit(tmp_path / "flows/report" / file, old, new)
        reach.forget()
        return champion().data.tags["gatewise.figures"]

    first = champion().data.tags["gatewise.figures"]
    monkeypatch.setattr(definitions, "ROOT", tmp_path)
    assert after_edit("figures/curves.py", "\n\n\n", "\n\n\n# Here.\n") == first
    assert after_edit("page.py", "page.html", "other.html") == first
    style = after_edit("svg.py", "FONT_SIZE = 9", "FONT_SIZE = 10")
    text = after_edit("words.py", '" worse"', '" behind"')
    assert len({first, style, text}) == 3


def timed(seconds, megabytes, what="train", seed=0, cell="gru", dataset="sounds", **more):
    """A record as a worker leaves it."""
    facts = {"dataset": dataset, "cell": cell, "hidden_size": 8, "seed": seed, **more}
    took = {"seconds": seconds, "peak_megabytes": megabytes}
    return Record(what=what, **facts, **took, processor="AVX2", time=1)


TIMES = [
    timed(70.0, 300, seed=TUNING_SEED),
    timed(99.0, 1),
    timed(1234.5, 512),
    timed(10.25, 500, seed=1),
    timed(7.0, 200, seed=TUNING_SEED),
    timed(6.5, 300, "evaluate"),
    timed(77.0, 900, division="moved_back"),
    timed(20.0, 900, division="moved_back"),
    timed(3.25, 900, "evaluate", division="moved_back"),
    timed(1.5, 900, division="refit"),
    timed(0.5, 310, "evaluate", cell="lstm"),
    timed(0.5, 310, "evaluate", cell="memoryless"),
    timed(1.0, 100, dataset="lost"),
    timed(1.0, 100, dataset="later"),
]


FACTS = {
    "dataset": "sounds",
    "hidden_size": 8,
    "processor": "AVX2",
    "time": 1,
    "seed": 0,
}
ANSWERS = [
    Answer(cell="gru", median_ms=99.0, p95_ms=99.0, peak_megabytes=99.0, **FACTS),
    Answer(cell="gru", median_ms=0.4567, p95_ms=12.345, peak_megabytes=0.8754, **FACTS),
    Answer(cell="memoryless", median_ms=1.0, p95_ms=2.0, peak_megabytes=None, **FACTS),
]
"""The last one counts."""


def rows_of(page, dataset):
    """The cells of each row of a dataset's table."""
    table = page.partition(f"<h2>{dataset}</h2>")[2].partition("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr")[2:]]
    return {row[0]: row[1:] for row in rows}


def test_timings_stand_beside_the_scores(made_up):
    study = read_study(made_up.folder)
    for record in (*TIMES, *ANSWERS):
        append(made_up, record)
    write_timings(made_up, study)
    page = made_up.timings_page.read_text()
    rows = rows_of(page, "sounds")
    mean = read_comparison(made_up.comparison("sounds")).candidates["gru-8"].test.mean
    assert rows["gru-8"][0].startswith(f"accuracy {mean:.4g} ±")
    assert rows["gru-8"][1:3] == ["19,744", "16,000"]
    assert rows["gru-8"][3:-1] == ["0.457", "12.3", "0.875", "77", "1,245", "512", "6.5", "300"]
    assert rows["gru-8"][-1] == "24.75", "the last of each training and evaluation of a refit"
    assert rows["lstm-8"][3:9] == ["not measured"] * 3 + ["not run here"] * 3
    assert rows["lstm-8"][9:] == ["0.5", "310", "not run here"]
    assert rows["memoryless-8"][3:6] == ["1", "2", "not told"]
    assert rows_of(page, "lost")["gru-8"][0] == "accuracy diverged"
    assert rows_of(page, "later")["gru-8"][0] == "not compared yet"
    assert rows_of(page, "lost")["gru-8"][3:6] == ["not run here"] * 3


def test_timings_say_how_many_answers_were_measured_and_since_when_memory_counts(made_up):
    write_timings(made_up, read_study(made_up.folder))
    page = " ".join(made_up.timings_page.read_text().split())
    number = signature(measure).parameters["repeats"].default
    assert f"in which half, and 95 %, of {number} answers were given" in page
    assert "the most memory that a worker had held by then, or since it last measured an" in page


def test_timings_are_told_beside_a_comparison_of_an_older_version(made_up):
    append(made_up, TIMES[0])
    made_up.comparison("sounds").write_text('{"decision": {"status": "provisional"}}')
    write_timings(made_up, read_study(made_up.folder))
    rows = rows_of(made_up.timings_page.read_text(), "sounds")
    assert rows["gru-8"][:3] == ["compared by another version", "", ""]


def test_report_does_not_depend_on_timings(made_up):
    report(made_up, read_study(made_up.folder))
    before = digest_of(made_up.reports)
    append(made_up, TIMES[0])
    append(made_up, ANSWERS[0])
    write_timings(made_up, read_study(made_up.folder))
    report(made_up, read_study(made_up.folder))
    assert digest_of(made_up.reports) == before
    link = re.search(r'href="(\.\./[^"]*timings\.html)"', made_up.page.read_text())[1]
    assert (made_up.reports / link).resolve() == made_up.timings_page.resolve()

"""What is told outside of `reports/`: cards of models, figures in MLflow, timings."""

import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

from flows.report.card import MOST_CHARACTERS, model_card
from flows.report.details import collect
from flows.report.timings import write_timings
from flows.stages.report import report
from flows.tracking import promotion as registry
from flows.tracking.projection import Projection
from rnn_core.files import digest_of, read_json, write_json
from rnn_core.study import read_study


def card(layout, dataset):
    return model_card(collect(layout, read_study(layout.folder), dataset))


def test_card_says_what_it_is_what_speaks_for_it_and_its_limits(made_up):
    found = read_json(made_up.comparison("sounds"))
    champion, seed = found["candidates"][found["champion"]], found["registered_seed"]
    (own,) = [entry for entry in champion["seeds"] if entry["seed"] == seed]
    text = card(made_up, "sounds")
    for words in (
        "## made_up.sounds: gru-8",
        "A model for speech recognition around the recurrent cell `gru` with 8 units",
        f"It is seed {seed} of 5",
        "Of the candidates, use **gru-8**",
        "**decided**, with a margin of 0.02: better than all others",
        "items: train 12,000, validation 1,500, test 1,500",
        f"This model: test {own['test']:.4g}, validation {own['validation']:.4g}",
        "Best simple baseline: most_frequent, 0.5",
        "19,744 parameters; 16,000 multiply-accumulates",
        "measured on 1,500 items of the test side",
        'mlflow.pyfunc.load_model("models:/made_up.sounds@champion")',
        "mlflow models serve -m models:/made_up.sounds@champion",
    ):
        assert words in text


def test_card_is_no_longer_than_what_mlflow_keeps(made_up):
    comparison = read_json(made_up.comparison("sounds"))
    comparison["metric"]["definition"] = "long " * 2000
    write_json(made_up.comparison("sounds"), comparison)
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
    made_up.curve("prices", "gru", 16, 0).write_text("")
    assert champion().data.tags["gatewise.figures"] != first
    assert len(logged) == 5


TIMES = [
    {"stage": "train@sounds-gru", "seconds": 99.0, "peak_megabytes": 1, "time": 1},
    {"stage": "train@sounds-gru", "seconds": 1234.5, "peak_megabytes": 512, "time": 2},
    {"stage": "evaluate@sounds-gru", "seconds": 6.5, "peak_megabytes": 300, "time": 2},
    {"stage": "tune@sounds-gru", "seconds": 77.0, "peak_megabytes": 300, "time": 2},
    {"stage": "prepare@sounds", "seconds": 8.25, "peak_megabytes": 200, "time": 2},
]


def rows_of(page, dataset):
    """The cells of each row of a dataset's table."""
    table = page.partition(f"<h2>{dataset}</h2>")[2].partition("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr")[2:]]
    return {row[0]: row[1:] for row in rows}


def test_timings_stand_beside_the_scores(made_up):
    study = read_study(made_up.folder)
    made_up.state.mkdir()
    lines = [str(record).replace("'", '"') + "\n" for record in TIMES]
    made_up.timings.write_text("".join(lines))
    write_timings(made_up, study)
    page = made_up.timings_page.read_text()
    rows = rows_of(page, "sounds")
    mean = read_json(made_up.comparison("sounds"))["candidates"]["gru-8"]["test"]["mean"]
    assert rows["gru"][0].startswith(f"accuracy: gru-8 {mean:.4g} ±")
    assert rows["gru"][1:] == ["77", "1,234", "512", "6.5", "300"]
    assert rows["lstm"][1:] == ["not run here"] * 5
    assert rows_of(page, "lost")["gru"][0] == "accuracy: gru-8 diverged"
    assert rows_of(page, "later")["gru"][0] == "not compared yet"
    assert rows_of(page, "Other stages") == {"prepare@sounds": ["8.25", "200"]}


def test_report_does_not_depend_on_timings(made_up):
    report(made_up)
    before = digest_of(made_up.reports)
    made_up.state.mkdir(exist_ok=True)
    made_up.timings.write_text('{"stage": "report", "seconds": 1.0, "peak_megabytes": 1}\n')
    write_timings(made_up, read_study(made_up.folder))
    report(made_up)
    assert digest_of(made_up.reports) == before
    link = re.search(r'href="(\.\./[^"]*timings\.html)"', made_up.page.read_text())[1]
    assert (made_up.reports / link).resolve() == made_up.timings_page.resolve()

"""The whole chain on a tiny study: folders, results, Prefect, MLflow, and a second run."""

import json
import re
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from safetensors.numpy import load_file
from waiting import wait_for

from flows.layout import Layout
from flows.recording.inputs import read_inputs
from flows.recording.plan import order
from flows.report.answer import answer
from flows.stages.report import report
from flows.trainings.records import read_records
from rnn_core.comparison.outcome import read_comparison
from rnn_core.comparison.race import SAFE
from rnn_core.comparison.verdict import CONTRADICTED
from rnn_core.diagnostics.findings import read_findings
from rnn_core.files import digest_of, read_json, read_json_lines
from rnn_core.study import read_study
from rnn_core.tasks import get_task
from rnn_core.training.models import restore
from rnn_core.training.prepared import read_meta
from rnn_core.training.run_folder import seed_folder, sizes_in

DATASETS = {"text": "nats_per_token", "sales": "mse", "digits": "accuracy"}

OF_CHAIN = "WHERE json_extract(parameters, '$.study') LIKE '%/tiny' ORDER BY start_time"
"""Other tests share Prefect's database."""


def prefect_rows(chain, query: str) -> list[tuple]:
    home = chain.study.environment["PREFECT_HOME"]
    with sqlite3.connect(f"file:{home}/prefect.db?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


def test_run_ends_with_what_it_found_and_where_to_look(chain, said_of):
    layout = Layout(chain.study.folder)
    for name in DATASETS:
        content = read_comparison(layout.comparison(name))
        said = said_of(chain.output, name)
        champion = content.recommended
        assert said.startswith(f"{name} use {champion.name}")
        assert ("(decided)" in said) == (content.decision.status == "decided")
        mean, unit = champion.result.test.mean, content.metric.name.replace("_", " ")
        assert re.search(rf" {unit} on the test set \(\w+ is better\): {mean:.4g}", said)
        assert re.search(rf" try it: gatewise \w+ tiny\.{name} ", said)
    assert "\nReport: reports/index.html\n" in chain.output


def test_run_of_some_stages_ends_with_what_it_did(chain):
    """Neither with comparisons, models and reports of other stages, nor with none of its own."""
    output = chain.study.run("gatewise", "run", "--only", "prepare@*")
    assert "prepare@sales" in output
    for absent in ("test set", "registered", "index.html", "try it"):
        assert absent not in output


def test_run_counts_what_it_trained(chain):
    found = re.search(
        r"Finished in [\dmins ]+: (\d+) trainings, 22 stages run, 0 up to date\.", chain.output
    )
    assert found, chain.output
    records = read_records(Layout(chain.study.folder))
    trainings = [r for r in records if r.what == "train"]
    assert len(trainings) == int(found[1]) == 3 * 2 * 2 + 1 + 1
    done = {(r.what, r.dataset, r.cell, r.seed) for r in records}
    assert len(done) == len(records) == 2 * len(trainings)


def test_results_in_brief_follow_from_the_evaluations(chain):
    layout = Layout(chain.study.folder)
    metrics = read_json(layout.metrics)
    assert list(metrics) == sorted([*DATASETS, "opinions"])
    for name, metric in DATASETS.items():
        entry = metrics[name]
        assert set(entry) == {
            *("task", "metric", "direction", "recommended", "decision", "because", "trainings"),
            *("candidates", "references"),
        }
        assert entry["metric"] == metric
        assert entry["trainings"] == 4
        assert {name.split("-")[0] for name in entry["candidates"]} == {"memoryless", "gru"}
        for candidate, summary in entry["candidates"].items():
            cell, size = candidate.split("-")
            seeds = read_json(layout.evaluation(name, cell) / size / "scores.json")["seeds"]
            tests = [seed["test"] for seed in seeds]
            assert summary["mean"] == pytest.approx(sum(tests) / 2)
            assert summary["std"] == pytest.approx(abs(tests[0] - tests[1]) / 2**0.5)
            assert summary["seeds"] == 2
        assert_chosen(entry, read_json(layout.comparison(name))["candidates"])


def assert_chosen(entry, candidates):
    """The cheapest of those that are safe, else that with the least expected loss."""
    risks = {name: found["validation"] for name, found in entry["candidates"].items()}
    macs = {name: found["cost"]["multiply_accumulates"] for name, found in candidates.items()}
    safe = [name for name, risk in risks.items() if risk["chance"] >= SAFE]
    least = min(risks, key=lambda name: risks[name]["expected_loss"])
    assert entry["recommended"] == min(safe, key=macs.get, default=least)
    on_test = entry["candidates"][entry["recommended"]]["test"]["chance"]
    decided = bool(safe) and on_test >= CONTRADICTED
    assert entry["decision"] == ("decided" if decided else "open")


def test_numbers_of_the_report_follow_from_the_scores_of_test_items(chain):
    """Mean, distance to the best and standard deviation, from the raw files alone."""
    layout = Layout(chain.study.folder)
    losses = {}
    for cell in ("memoryless", "gru"):
        (size,) = sizes_in(layout.evaluation("sales", cell))
        folder = layout.evaluation("sales", cell) / size
        items = [load_file(folder / f"seed-{seed}.safetensors") for seed in (0, 1)]
        losses[f"{cell}-{size}"] = {
            split: np.array(
                [np.average(i[f"{split}/values"], weights=i[f"{split}/weights"]) for i in items]
            )
            for split in ("validation", "test")
        }
    page, told = (layout.reports / "report.md").read_text(), layout.page.read_text()
    found = read_json(layout.reports / "details/sales.json")["comparison"]
    for name, other in zip(losses, reversed(losses), strict=True):
        test, validation = losses[name]["test"], losses[name]["validation"]
        shown = f"{test.mean():.4g} ± {test.std(ddof=1):.2g}"
        assert shown in page
        assert shown in told
        behind = validation.mean() - losses[other]["validation"].mean()
        standing = found["candidates"][name]["validation"]["standing"]
        assert standing["worse_by"] == pytest.approx(behind)
        assert f"| {behind:.2g} [" in page
    first, second = (of_split["validation"] for of_split in losses.values())
    deviation = (first - second).std(ddof=1) / found["margin"]
    assert found["decision"]["difference_std"] == pytest.approx(deviation)


def test_every_seed_is_diagnosed_beside_its_scores(chain):
    for name in DATASETS:
        for cell in ("memoryless", "gru"):
            folder = Layout(chain.study.folder).evaluation(name, cell)
            (size,) = sizes_in(folder)
            found = read_findings(folder / size)
            assert (found.cell, found.most_steps) == (cell, 256)
            assert list(found.seeds) == [0, 1]
            for seed in found.seeds.values():
                assert len(seed.clipped_share) == 2, "epochs"
                (layer,) = seed.after.values()
                assert len(layer.spectral_radius) == (3 if cell == "gru" else 0)
                assert layer.gradient_by_lag.relative[0] == 1
                assert layer.gradient_by_lag.norm[0] > 0


def test_report_names_datasets_that_are_not_compared_yet(layout):
    layout.comparison("sales").unlink()
    report(layout, read_study(layout.folder))
    assert "Not compared yet: sales." in (layout.reports / "report.md").read_text()
    assert list(read_json(layout.metrics)) == ["digits", "opinions", "text"]


def test_dataset_may_try_fewer_cells_with_seeds_of_its_own(chain):
    layout = Layout(chain.study.folder)
    comparison = read_comparison(layout.comparison("opinions"))
    assert list(comparison.candidates) == ["gru-4"]
    assert [seed.seed for seed in comparison.candidates["gru-4"].seeds] == [0]
    assert comparison.recommended.seed.seed == 0
    assert sorted(p.name for p in layout.runs("opinions").iterdir()) == ["gru", "linear"]
    assert sorted(p.name for p in layout.evaluations("opinions").iterdir()) == [
        "gru",
        "linear",
        "reference.json",
    ]


def test_nothing_that_varies_is_in_an_output(chain):
    """No times, hosts, ids or paths of this machine."""
    folder = chain.study.folder
    outputs = [
        p
        for d in ("runs", "evaluations", "comparisons", "reports")
        for p in folder.glob(f"{d}/**/*")
    ]
    forbidden = [str(folder).encode(), str(Path.home()).encode(), b"localhost", b"20" + b"26-"]
    for path in outputs:
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in forbidden if word in content], path


def upstream_of(lock):
    """The stages whose outputs a stage has as dependencies, by stage, as DVC wrote them down."""
    made = {out["path"]: name for name, stage in lock.items() for out in stage.get("outs", [])}
    return {
        name: {
            maker
            for path, maker in made.items()
            for dep in stage.get("deps", [])
            if Path(path).is_relative_to(dep["path"])
        }
        | ({"code"} if "code.json" in stage.get("params", {}) else set())
        for name, stage in lock.items()
    }


def test_flow_made_the_graph_of_dvc(chain):
    """Each stage is a task that began when all stages were done whose outputs it reads."""
    upstream = upstream_of(chain.study.read_lock())
    assert upstream["compare@text"] == {"code", "evaluate@text"}
    assert len(upstream["report"]) == 1 + 3 * 4
    rows = prefect_rows(
        chain,
        "SELECT name, start_time, end_time FROM task_run WHERE flow_run_id = "
        f"(SELECT id FROM flow_run {OF_CHAIN} LIMIT 1)",
    )
    times = {name: (start, end) for name, start, end in rows}
    assert len(times) == len(rows)
    assert set(upstream) <= set(times)
    for stage, above in upstream.items():
        assert all(times[one][1] <= times[stage][0] for one in above), stage
    assert times["compare@text"][1] <= times["track@text"][0]
    assert times["track@text"][1] <= times["promote@text"][0]
    others = {name for name in times if not re.search("@|^code$|^report$", name)}
    assert {"sales gru-4 seed 0", "sales gru-4 seed 1", "opinions gru-4 seed 0"} <= others
    assert "opinions linear-2 seed 0" in others
    assert len(others) == 14


def test_stages_are_those_of_dvc_in_its_order(chain):
    """In which it writes new ones into dvc.lock."""
    dry = chain.study.run("dvc", "repro", "--dry", "--force")
    assert re.findall(r"Running stage '([^']+)'", dry) == order(
        read_inputs(Layout(chain.study.folder))
    )


def test_dvc_finds_everything_up_to_date(chain):
    assert "up to date" in chain.study.run("dvc", "status")
    assert "up to date" in chain.study.run("dvc", "repro")


def test_mlflow_shows_cells_and_seeds_under_the_names_of_the_readme(chain):
    mlflow.set_tracking_uri(chain.study.mlflow_uri)
    layout = Layout(chain.study.folder)
    for name, metric in DATASETS.items():
        comparison = read_comparison(layout.comparison(name))
        ascending = comparison.metric.direction == "lower"
        cells = mlflow.search_runs(
            experiment_names=[f"tiny/{name}"],
            filter_string="tags.`gatewise.kind` = 'cell' and tags.`gatewise.current` = 'true'",
            order_by=[f"metrics.test_{metric} {'ASC' if ascending else 'DESC'}"],
        )
        expected = sorted(
            (result.test.mean for result in comparison.candidates.values()),
            reverse=not ascending,
        )
        assert cells[f"metrics.test_{metric}"].tolist() == expected
        assert cells[f"metrics.test_{metric}_std"].notna().all()
        champions = cells[cells["tags.gatewise.recommended"] == "true"]
        chosen = [f"{comparison.recommended.name} (chosen)"]
        assert champions["tags.mlflow.runName"].tolist() == chosen
        seeds = mlflow.search_runs(
            experiment_names=[f"tiny/{name}"], filter_string="tags.`gatewise.kind` = 'seed'"
        )
        assert len(seeds) == 4
        assert set(seeds["tags.mlflow.parentRunId"]) == set(cells["run_id"])
        assert (seeds["status"] == "FINISHED").all()


def test_mlflow_has_the_curves_of_the_run_folders(chain):
    client = MlflowClient(chain.study.mlflow_uri)
    experiment = client.get_experiment_by_name("tiny/sales").experiment_id
    runs = client.search_runs([experiment], "tags.`gatewise.kind` = 'seed'")
    for run in runs:
        cell, seed = run.data.tags["gatewise.cell"], int(run.data.tags["gatewise.seed"])
        records = read_json_lines(
            seed_folder(Layout(chain.study.folder).run("sales", cell), "4", seed) / "metrics.jsonl"
        )
        for name in ("train_loss", "validation_mse", "gradient_norm"):
            history = client.get_metric_history(run.info.run_id, name)
            assert [(m.step, m.value) for m in history] == [(r["epoch"], r[name]) for r in records]


def test_mlflow_knows_the_data_by_its_digest(chain):
    client = MlflowClient(chain.study.mlflow_uri)
    experiment = client.get_experiment_by_name("tiny/digits").experiment_id
    expected = digest_of(Layout(chain.study.folder).prepared("digits"))
    for run in client.search_runs([experiment]):
        (entry,) = run.inputs.dataset_inputs
        assert entry.dataset.digest == expected[:36]
        assert json.loads(entry.dataset.source)["sha256"] == expected


def test_champion_answers_raw_input_without_pickle(chain, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    mlflow.set_tracking_uri(chain.study.mlflow_uri)
    layout = Layout(chain.study.folder)
    wav = (chain.study.folder / "digits/3_voice00_0.wav").read_bytes()
    table = pd.read_csv(chain.study.folder / "sales.csv")
    inputs = {
        "text": pd.DataFrame({"prompt": ["the dogs"]}),
        "sales": table,
        "digits": pd.DataFrame({"wav": [wav]}),
        "opinions": pd.DataFrame({"text": ["the plot was fine"]}),
    }
    for name, given in inputs.items():
        comparison = read_comparison(layout.comparison(name))
        chosen = comparison.recommended.result
        run = layout.run(name, chosen.cell)
        task, model = restore(
            seed_folder(run, chosen.size, comparison.recommended.seed.seed),
            read_meta(layout.prepared(name), get_task(comparison.task)),
        )
        served = mlflow.pyfunc.load_model(f"models:/tiny.{name}@champion")
        pd.testing.assert_frame_equal(
            served.predict(given), task.answer(model, given, task.AnswerParameters())
        )


def test_registered_version_carries_its_evidence(chain):
    client = MlflowClient(chain.study.mlflow_uri)
    version = client.get_model_version_by_alias("tiny.sales", "champion")
    comparison = read_comparison(Layout(chain.study.folder).comparison("sales"))
    champion, decision = comparison.recommended, comparison.decision
    tags = version.tags
    assert f"{tags['gatewise.cell']}-{tags['gatewise.hidden_size']}" == champion.name
    assert tags["gatewise.seed"] == str(champion.seed.seed)
    assert tags["gatewise.test_mse_mean"] == str(champion.result.test.mean)
    assert tags["gatewise.answer"].splitlines() == answer(comparison).lines
    assert tags["gatewise.decision"] == decision.status
    for split in ("validation", "test"):
        risk = champion.result.on(split).risk
        assert tags[f"gatewise.{split}_chance_within_margin"] == str(risk.chance)
        assert tags[f"gatewise.{split}_expected_loss_in_margins"] == str(risk.expected_loss)
    assert tags["gatewise.promoted_because"] == "it is the first"
    run = client.get_run(version.run_id)
    assert run.data.tags["gatewise.seed"] == str(champion.seed.seed)


def test_second_run_recomputes_and_registers_nothing(chain, served):
    """Without a server it starts none; with one it says there that all is up to date."""
    layout = Layout(chain.study.folder)
    before = layout.timings.read_bytes()
    runs = prefect_rows(chain, f"SELECT id FROM flow_run {OF_CHAIN}")
    output = " ".join(chain.study.run("gatewise", "run").split())
    assert "Nothing to do: all is up to date." in output
    assert "try it: gatewise predict tiny.sales FILE" in output
    assert prefect_rows(chain, f"SELECT id FROM flow_run {OF_CHAIN}") == runs
    watched = replace(chain.study, environment=chain.study.environment | served)
    output = watched.run("gatewise", "run")
    assert ": 0 trainings, 0 stages run, 22 up to date." in output
    assert layout.timings.read_bytes() == before
    client = MlflowClient(chain.study.mlflow_uri)
    assert len(client.search_model_versions("name = 'tiny.text'")) == 1
    experiment = client.get_experiment_by_name("tiny/text").experiment_id
    assert len(client.search_runs([experiment])) == 2 + 4
    query = (
        "SELECT state_name, count(*) FROM task_run WHERE flow_run_id = "
        f"(SELECT id FROM flow_run {OF_CHAIN} DESC LIMIT 1) GROUP BY state_name"
    )
    # Prefect's server stores states some time after it receives them
    wait_for(lambda: dict(prefect_rows(chain, query)) == {"Cached": 22})


@pytest.mark.thorough
def test_dvc_repro_elsewhere_gives_the_same_lock(chain, study_at, tiny, tmp_path):
    """Byte for byte, by DVC alone, in a folder that is as far from the code."""
    other = study_at(tmp_path / "tiny", tiny)
    assert other.parameters() == chain.study.parameters()
    other.run("dvc", "repro", "--quiet")
    ours, theirs = ((study.folder / "dvc.lock").read_bytes() for study in (chain.study, other))
    assert theirs == ours


def test_further_seed_costs_one_training(chain, new_study, tiny):
    study = new_study(tiny | {"cells": ["gru"]})
    subprocess.run(["cp", "-r", str(chain.study.folder / "data"), str(study.folder)], check=True)
    study.run("gatewise", "train", "sales")
    stored = study.folder / ".gatewise/store/training"
    kept = {p.name: p.stat().st_mtime_ns for p in stored.glob("*/*")}
    study.write_parameters(study.parameters() | {"seeds": {"first": 3, "most": 3}})
    study.run("gatewise", "train", "sales")
    now = {p.name: p.stat().st_mtime_ns for p in stored.glob("*/*")}
    assert len(now) == len(kept) + 1
    assert kept.items() <= now.items()
    assert sorted(p.name for p in study.folder.glob("runs/sales/gru/4/seed-*")) == [
        "seed-0",
        "seed-1",
        "seed-2",
    ]

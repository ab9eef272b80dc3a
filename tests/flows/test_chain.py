"""The whole chain on a tiny study: folders, results, Prefect, MLflow, and a second run."""

import json
import re
import sqlite3
import subprocess
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from safetensors.numpy import load_file

from flows.layout import Layout
from flows.recording.graph import read_graph
from flows.stages.report import report
from rnn_core.files import read_json, read_json_lines
from rnn_core.training.run_folder import restore, seed_folder, sizes_in

DATASETS = {"text": "nats_per_token", "sales": "mse", "digits": "accuracy"}

OF_CHAIN = "WHERE json_extract(parameters, '$.study') LIKE '%/tiny' ORDER BY start_time"
"""Other tests share Prefect's database."""


def prefect_rows(chain, query: str) -> list[tuple]:
    home = chain.study.environment["PREFECT_HOME"]
    with sqlite3.connect(f"file:{home}/prefect.db?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


def test_run_ends_with_what_it_found_and_where_to_look(chain, said_of):
    comparison = {name: read_json(Layout(chain.study.folder).comparison(name)) for name in DATASETS}
    for name, content in comparison.items():
        said = said_of(chain.output, name)
        assert said.startswith(f"{name} {content['champion']}, {content['decision']}")
        mean = content["candidates"][content["champion"]]["test"]["mean"]
        assert f"test score {mean:.4g}" in said
        assert f"model tiny.{name} v1, test score " in said
    (line,) = [row for row in chain.output.splitlines() if row.startswith("Report: ")]
    end = "/tiny/reports/index.html. MLflow and Prefect pages: make ui."
    assert line.endswith(end), "a long path must not break the line"


def test_run_accounts_for_the_time_outside_of_stages(chain):
    printed = " ".join(chain.output.split())
    outside = r"Outside of it: ([\d.]+) s a stage, ([\d.]+) s fixed"
    found = re.search(rf"(\d+) stages ran and 0 were up to date;.*{outside}", printed)
    assert found, chain.output
    assert int(found[1]) == 37
    records = read_json_lines(Layout(chain.study.folder).timings)
    assert len(records) == 37
    assert all(0 < r["startup_seconds"] < r["seconds"] for r in records)


def test_results_in_brief_follow_from_the_evaluations(chain):
    layout = Layout(chain.study.folder)
    metrics = read_json(layout.metrics)
    assert list(metrics) == sorted([*DATASETS, "opinions"])
    for name, metric in DATASETS.items():
        entry = metrics[name]
        assert set(entry) == {
            *("task", "metric", "direction", "champion", "decision", "reason", "candidates")
        }
        assert entry["metric"] == metric
        assert entry["decision"] in {"decided", "provisional"}
        assert {name.split("-")[0] for name in entry["candidates"]} == {"memoryless", "gru"}
        validation = {}
        for candidate, summary in entry["candidates"].items():
            cell, size = candidate.split("-")
            seeds = read_json(layout.evaluation(name, cell) / size / "scores.json")["seeds"]
            tests = [seed["test"] for seed in seeds]
            assert summary["mean"] == pytest.approx(sum(tests) / 2)
            assert summary["std"] == pytest.approx(abs(tests[0] - tests[1]) / 2**0.5)
            assert summary["seeds"] == 2
            validation[candidate] = sum(seed["validation"] for seed in seeds)
        best = max if entry["direction"] == "higher" else min
        if entry["decision"] == "provisional":
            assert validation[entry["champion"]] == best(validation.values())


def test_numbers_of_the_report_follow_from_the_scores_of_test_items(chain):
    """Mean, distance to the best and spread, from the raw files alone."""
    layout = Layout(chain.study.folder)
    losses = {}
    for cell in ("memoryless", "gru"):
        (size,) = sizes_in(layout.evaluation("sales", cell))
        folder = layout.evaluation("sales", cell) / str(size)
        items = [load_file(folder / f"seed-{seed}.safetensors") for seed in (0, 1)]
        losses[f"{cell}-{size}"] = {
            side: np.array(
                [np.average(i[f"{side}/values"], weights=i[f"{side}/weights"]) for i in items]
            )
            for side in ("validation", "test")
        }
    page, told = (layout.reports / "report.md").read_text(), layout.page.read_text()
    found = read_json(layout.reports / "details/sales.json")["comparison"]
    for name, other in zip(losses, reversed(losses), strict=True):
        test, validation = losses[name]["test"], losses[name]["validation"]
        shown = f"{test.mean():.4g} ± {test.std(ddof=1):.2g}"
        assert shown in page
        assert shown in told
        behind = validation.mean() - losses[other]["validation"].mean()
        assert found["candidates"][name]["validation"]["worse_by"] == pytest.approx(behind)
        assert f"| {behind:.2g} [" in page
    first, second = (side["validation"] for side in losses.values())
    spread = (first - second).std(ddof=1) / found["margin"]
    assert found["spread"] == pytest.approx(spread)
    assert f"spreads over seeds by {spread:.2g} margins" in page


def test_every_seed_is_diagnosed_beside_its_scores(chain):
    for name in DATASETS:
        for cell in ("memoryless", "gru"):
            folder = Layout(chain.study.folder).evaluation(name, cell)
            (size,) = sizes_in(folder)
            found = read_json(folder / str(size) / "diagnostics.json")
            assert (found["cell"], found["most_steps"]) == (cell, 256)
            assert list(found["seeds"]) == ["0", "1"]
            for seed in found["seeds"].values():
                assert len(seed["clipped_share"]) == 2, "epochs"
                (layer,) = seed["after"].values()
                assert len(layer["spectral_radius"]) == (3 if cell == "gru" else 0)
                assert layer["gradient_by_lag"]["relative"][0] == 1
                assert layer["gradient_by_lag"]["norm"][0] > 0


def test_report_names_datasets_that_are_not_compared_yet(layout):
    layout.comparison("sales").unlink()
    report(layout)
    assert "Not compared yet: sales." in (layout.reports / "report.md").read_text()
    assert list(read_json(layout.metrics)) == ["digits", "opinions", "text"]


def test_dataset_may_try_fewer_cells_with_seeds_of_its_own(chain):
    layout = Layout(chain.study.folder)
    comparison = read_json(layout.comparison("opinions"))
    assert list(comparison["candidates"]) == ["gru-4"]
    assert [seed["seed"] for seed in comparison["candidates"]["gru-4"]["seeds"]] == [3]
    assert comparison["registered_seed"] == 3
    for folder in (
        layout.run("opinions", "memoryless"),
        layout.evaluation("opinions", "memoryless"),
    ):
        assert [file.name for file in folder.iterdir()] == ["left_out.json"]
    (file,) = layout.tuning("opinions", "memoryless").iterdir()
    assert file.name == "untuned.json"


def test_nothing_that_varies_is_in_an_output(chain):
    """No times, hosts, ids or paths of this machine."""
    folder = chain.study.folder
    outputs = [
        p
        for d in ("tunings", "runs", "evaluations", "comparisons", "reports")
        for p in folder.glob(f"{d}/**/*")
    ]
    forbidden = [str(folder).encode(), str(Path.home()).encode(), b"localhost", b"20" + b"26-"]
    for path in outputs:
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in forbidden if word in content], path


def test_flow_made_the_graph_of_dvc(chain):
    """Tasks and edges as Prefect recorded them are those that DVC prints."""
    graph = read_graph(Layout(chain.study.folder)).upstream
    (run_id,) = prefect_rows(chain, f"SELECT id FROM flow_run {OF_CHAIN} LIMIT 1")[0]
    rows = prefect_rows(
        chain, f"SELECT id, name, task_inputs FROM task_run WHERE flow_run_id = '{run_id}'"
    )
    names = {task_id.replace("-", ""): name for task_id, name, _ in rows}
    edges = {
        name: {
            names[entry["id"].replace("-", "")] for entry in json.loads(inputs).get("wait_for", [])
        }
        for _, name, inputs in rows
    }
    stages = {
        name: above for name, above in edges.items() if not name.startswith(("track@", "promote@"))
    }
    assert stages == {name: set(above) for name, above in graph.items()}
    assert edges["promote@text"] == {"track@text"}
    assert edges["track@text"] == {"compare@text"}


def test_graph_is_the_one_that_dvc_runs(chain):
    """What we read from `dvc dag` is what `dvc repro --dry` would run, in a valid order."""
    graph = read_graph(Layout(chain.study.folder)).upstream
    dry = chain.study.run("dvc", "repro", "--dry", "--force")
    order = re.findall(r"Running stage '([^']+)'", dry)
    assert set(order) == set(graph)
    place = {stage: index for index, stage in enumerate(order)}
    for stage, upstream in graph.items():
        assert all(place[above] < place[stage] for above in upstream)


def test_dvc_finds_everything_up_to_date(chain):
    assert "up to date" in chain.study.run("dvc", "status")
    assert "up to date" in chain.study.run("dvc", "repro")


def test_mlflow_shows_cells_and_seeds_under_the_names_of_the_readme(chain):
    mlflow.set_tracking_uri(chain.study.mlflow_uri)
    layout = Layout(chain.study.folder)
    for name, metric in DATASETS.items():
        comparison = read_json(layout.comparison(name))
        ascending = comparison["metric"]["direction"] == "lower"
        cells = mlflow.search_runs(
            experiment_names=[f"tiny/{name}"],
            filter_string="tags.`gatewise.kind` = 'cell' and tags.`gatewise.current` = 'true'",
            order_by=[f"metrics.test_{metric} {'ASC' if ascending else 'DESC'}"],
        )
        expected = sorted(
            (result["test"]["mean"] for result in comparison["candidates"].values()),
            reverse=not ascending,
        )
        assert cells[f"metrics.test_{metric}"].tolist() == expected
        assert cells[f"metrics.test_{metric}_std"].notna().all()
        champions = cells[cells["tags.gatewise.champion"] == "true"]
        assert champions["tags.mlflow.runName"].tolist() == [comparison["champion"]]
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
            seed_folder(Layout(chain.study.folder).run("sales", cell), 4, seed) / "metrics.jsonl"
        )
        for name in ("train_loss", "validation_mse", "gradient_norm"):
            history = client.get_metric_history(run.info.run_id, name)
            assert [(m.step, m.value) for m in history] == [(r["epoch"], r[name]) for r in records]


def test_mlflow_knows_the_data_by_the_hash_of_dvc(chain):
    client = MlflowClient(chain.study.mlflow_uri)
    experiment = client.get_experiment_by_name("tiny/digits").experiment_id
    expected = chain.study.read_lock()["prepare@digits"]["outs"][0]["md5"]
    for run in client.search_runs([experiment]):
        (entry,) = run.inputs.dataset_inputs
        assert entry.dataset.digest == expected


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
        comparison = read_json(layout.comparison(name))
        chosen = comparison["candidates"][comparison["champion"]]
        run = layout.run(name, chosen["cell"])
        task, model = restore(
            seed_folder(run, chosen["hidden_size"], comparison["registered_seed"]),
            read_json(layout.prepared(name) / "meta.json"),
        )
        served = mlflow.pyfunc.load_model(f"models:/tiny.{name}@champion")
        pd.testing.assert_frame_equal(
            served.predict(given), task.answer(model, given, task.AnswerParameters())
        )


def test_registered_version_carries_its_evidence(chain):
    client = MlflowClient(chain.study.mlflow_uri)
    version = client.get_model_version_by_alias("tiny.sales", "champion")
    comparison = read_json(Layout(chain.study.folder).comparison("sales"))
    champion = comparison["candidates"][comparison["champion"]]
    tags = version.tags
    assert f"{tags['gatewise.cell']}-{tags['gatewise.hidden_size']}" == comparison["champion"]
    assert tags["gatewise.seed"] == str(comparison["registered_seed"])
    assert tags["gatewise.test_mse_mean"] == str(champion["test"]["mean"])
    assert tags["gatewise.decision"] == comparison["decision"]
    assert tags["gatewise.decided_because"] == comparison["reason"]
    assert tags["gatewise.promoted_because"] == "it is the first"
    run = client.get_run(version.run_id)
    assert run.data.tags["gatewise.seed"] == str(comparison["registered_seed"])


def test_second_run_recomputes_and_registers_nothing(chain):
    layout = Layout(chain.study.folder)
    before = len(read_json_lines(layout.timings))
    output = chain.study.run("gatewise", "run")
    assert "0 stages ran and 37 were up to date" in " ".join(output.split())
    assert len(read_json_lines(layout.timings)) == before
    client = MlflowClient(chain.study.mlflow_uri)
    assert len(client.search_model_versions("name = 'tiny.text'")) == 1
    experiment = client.get_experiment_by_name("tiny/text").experiment_id
    assert len(client.search_runs([experiment])) == 2 + 4
    states = prefect_rows(
        chain,
        "SELECT state_name, count(*) FROM task_run WHERE flow_run_id = "
        f"(SELECT id FROM flow_run {OF_CHAIN} DESC LIMIT 1) GROUP BY state_name",
    )
    assert dict(states) == {"Cached": 37, "Completed": 8}


def test_dvc_repro_elsewhere_gives_the_same_outputs(chain, new_study, tiny):
    """Bit for bit the same hashes, by DVC alone and in another folder."""
    for name in ("text", "digits"):  # what is slow is not what differs
        del tiny["datasets"][name]
    other = new_study(tiny)
    other.run("dvc", "repro", "--quiet")
    ours, theirs = chain.study.read_lock(), other.read_lock()
    expected = {stage for stage in ours if not re.search("text|digits", stage)}
    assert set(theirs) == expected
    for stage in expected - {"report"}:
        assert theirs[stage]["outs"] == ours[stage]["outs"], stage


def test_further_seed_costs_one_training(chain, new_study, tiny):
    study = new_study(tiny)
    subprocess.run(["cp", "-r", str(chain.study.folder / "data"), str(study.folder)], check=True)
    study.run("gatewise", "tune", "sales", "gru")
    study.run("gatewise", "train", "sales", "gru")
    kept = {p.name: p.stat().st_mtime_ns for p in study.folder.glob(".gatewise/seeds/*")}
    study.write_parameters(study.parameters() | {"seeds": [0, 1, 2]})
    study.run("gatewise", "train", "sales", "gru")
    now = {p.name: p.stat().st_mtime_ns for p in study.folder.glob(".gatewise/seeds/*")}
    assert len(now) == len(kept) + 1
    assert kept.items() <= now.items()
    assert sorted(p.name for p in study.folder.glob("runs/sales/gru/4/seed-*")) == [
        "seed-0",
        "seed-1",
        "seed-2",
    ]

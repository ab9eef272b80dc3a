"""The fingerprints of the code of stages: which edits change which keys."""

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import yaml

from flows.layout import Layout
from flows.stages import code
from rnn_core import definitions, reach
from rnn_core.errors import StudyError
from rnn_core.study import EnsembleOf, Seeds, Study, Tuning, read_study

REPOSITORY = Path(__file__).parents[3]
NO_CODE_OF_STAGES = {"gpu"}
"""Keys that no stage depends on."""


def keys_of_sample():
    study = read_study(REPOSITORY)
    return dict(code.leaves(asdict(code.fingerprints(study, REPOSITORY))))


@pytest.fixture(scope="module")
def before():
    """The keys of the sample study."""
    return keys_of_sample()


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of our packages, whose fingerprints are taken."""
    for package in definitions.PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(definitions, "ROOT", tmp_path)
    reach.forget()
    yield tmp_path
    reach.forget()


@pytest.fixture
def changed(before, copied):
    """The keys that change, after edits of the copy."""

    def keys():
        reach.forget()
        after = keys_of_sample()
        assert after.keys() == before.keys()
        return {key for key in before if after[key] != before[key]}

    return keys


def edit(file, old, new):
    text = file.read_text()
    assert old in text, "the test's edit is of nothing"
    file.write_text(text.replace(old, new))


DATASETS = ("agreement", "numbers", "co2", "reviews", "sums")
CELLS = ("memoryless", "rnn_tanh", "lstm", "gru")


def cells(*stages, datasets=DATASETS, names=CELLS):
    return {f"{stage}.{d}.cells.{cell}" for stage in stages for d in datasets for cell in names}


def in_workers(datasets=DATASETS, names=CELLS):
    """All keys of what workers run."""
    together = {f"evaluate.{d}.together.{cell}" for d in datasets for cell in names}
    return cells("train", "evaluate", datasets=datasets, names=names) | together


class WithoutTexts(ast.NodeTransformer):
    """Takes docstrings away."""

    def visit_Expr(self, node):
        return ast.Pass() if definitions.is_text(node) else node


def test_comments_docstrings_and_layout_are_in_no_fingerprint(copied, changed):
    """No file has any of them left as it was."""
    files = [file for package in definitions.PACKAGES for file in (copied / package).rglob("*.py")]
    assert len(files) > 100
    for file in files:
        file.write_text(ast.unparse(WithoutTexts().visit(ast.parse(file.read_bytes()))))
    for name in ("rnn_core/compiler/cpu/kernel.c", "flows/report/style.css"):
        (copied / name).write_text(f"/* More to say. */\n\n{(copied / name).read_text()}")
    assert changed() == set()


def test_copy_has_the_fingerprints_of_what_it_was_copied_from(changed):
    assert changed() == set()


def test_new_cell_changes_no_fingerprint(copied, changed):
    edit(copied / "rnn_core/cells/__init__.py", "REGISTRY = {", 'REGISTRY = {\n    "new": "New",')
    (copied / "rnn_core/cells/new.py").write_text("class New: ...\n")
    assert changed() == set()


def test_file_that_moves_changes_no_fingerprint(copied, changed):
    for old, new in {
        "rnn_core.training.adamw": "rnn_core.training.optimisers.decoupled",
        "rnn_core.layers.projection": "rnn_core.projection",
        "flows.report.details": "flows.details",
        "rnn_core.compiler.cpu": "rnn_core.compiler.processor",
    }.items():
        source = copied.joinpath(*old.split("."))
        source = source if source.is_dir() else source.with_suffix(".py")
        target = copied.joinpath(*new.split(".")).with_suffix(source.suffix)
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
        for file in copied.rglob("*.py"):
            text = file.read_text().replace(f"{old} ", f"{new} ").replace(f"{old}.", f"{new}.")
            package, _, name = old.rpartition(".")
            where, _, now = new.rpartition(".")
            text = text.replace(
                f"from {package} import {name}\n", f"from {where} import {now} as {name}\n"
            )
            file.write_text(text)
    assert changed() == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        pytest.param(
            "rnn_core/cells/lstm.py",
            "c = f * c + i * g",
            "c = f * c - i * g",
            in_workers(names=["lstm"]),
            id="an equation",
        ),
        pytest.param(
            "rnn_core/training/loop.py",
            "order = torch.Generator()",
            "order = torch.Generator('cpu')",
            cells("train") | {"gpu"},
            id="the training loop",
        ),
        pytest.param(
            "rnn_core/devices.py",
            "torch.set_num_threads(1)",
            "torch.set_num_threads(2)",
            in_workers() | {"gpu"},
            id="threads",
        ),
        pytest.param(
            "rnn_core/compiler/gpu/emit.py",
            "def emit(",
            "def emit(more, ",
            NO_CODE_OF_STAGES,
            id="the emitter for GPUs",
        ),
        pytest.param(
            "rnn_core/diagnostics/saturation.py",
            "return",
            "return 1 +",
            cells("evaluate"),
            id="a diagnostic",
        ),
        pytest.param(
            "rnn_core/training/models.py",
            "ensemble([model for _",
            "ensemble([1 + model for _",
            {key for key in in_workers() if ".together." in key},
            id="how several answer together",
        ),
        pytest.param(
            "rnn_core/tasks/base/classification.py",
            "value, weights = (guesses == labels)",
            "value, weights = (guesses != labels)",
            in_workers(datasets=["numbers", "reviews"]),
            id="how a task scores",
        ),
        pytest.param(
            "rnn_core/tasks/sentiment/learn.py",
            '"sentences")',
            '"texts")',
            in_workers(datasets=["reviews"]) | {"evaluate.reviews.collect"},
            id="a task's metric",
        ),
        pytest.param(
            "rnn_core/tasks/sentiment/serve.py",
            "class_probabilities(texts",
            "1 + class_probabilities(texts",
            set(),
            id="how a task answers",
        ),
        pytest.param(
            "rnn_core/tasks/sentiment/prepare.py",
            "vocabulary = build_vocabulary(",
            "vocabulary = 1 + build_vocabulary(",
            {"prepare.reviews"},
            id="how a task prepares",
        ),
        pytest.param(
            "rnn_core/tasks/sentiment/suggest.py",
            "few = num_rows <",
            "few = 1 + num_rows <",
            set(),
            id="what a task suggests",
        ),
        pytest.param(
            "rnn_core/readers/text_splits.py",
            "def later_copies(",
            "def later_copies(more, ",
            {"prepare.reviews"},
            id="a reader",
        ),
        pytest.param(
            "rnn_core/sources/review_grammar.py",
            "SOURCE = ",
            "SOURCE = 1 + ",
            {"ingest.reviews"},
            id="a source",
        ),
        pytest.param(
            "rnn_core/comparison/race.py",
            "return",
            "return 1 +",
            {key for d in DATASETS for key in (f"train.{d}.plan", f"compare.{d}")},
            id="the race",
        ),
        pytest.param(
            "flows/stages/train.py",
            "whole_folder(layout.run",
            "whole_folder(1 + layout.run",
            {f"train.{dataset}.plan" for dataset in DATASETS},
            id="how trainings are put into place",
        ),
        pytest.param(
            "flows/trainings/work.py",
            'items=meta.items["validation"],',
            'items=1 + meta.items["validation"],',
            {f"train.{dataset}.plan" for dataset in DATASETS},
            id="what trainings of a dataset have in common",
        ),
        pytest.param(
            "flows/stages/evaluate.py",
            "place = folder / size.relative_to(runs)",
            "place = folder / size.relative_to(runs) / size",
            {f"evaluate.{dataset}.collect" for dataset in DATASETS},
            id="how evaluations are put into place",
        ),
        *(
            pytest.param(f"flows/report/{name}", old, f"{old}1 + ", {"report"}, id=name)
            for name, old in {
                "style.css": "{",
                "page.html.jinja": "<h1>",
                "base.html.jinja": "<tbody>",
                "svg.py": "DARK = ",
            }.items()
        ),
    ],
)
@pytest.mark.one_in(3)
def test_edit_changes_what_runs_it_and_nothing_else(copied, changed, file, old, new, expected):
    edit(copied / file, old, new)
    assert changed() == expected


@pytest.mark.parametrize("name", ["kernel.c", "direct.c", "stages.py"])
def test_edit_of_the_compiler_changes_every_training(copied, changed, name):
    file = copied / "rnn_core/compiler/cpu" / name
    edit(file, *("return", "return 1 +") if name.endswith(".py") else ("{", "{ more(); "))
    found = changed()
    assert found >= in_workers()
    assert {key.partition(".")[0] for key in found} <= {"train", "evaluate", "gpu"}


def test_budget_of_weights_is_part_of_every_plan(copied, changed):
    """Though a study may not have the cell that decides it."""
    edit(copied / "rnn_core/cells/gru.py", "gates = (", 'gates = ("more", ')
    plans = {f"train.{dataset}.plan" for dataset in DATASETS}
    assert changed() == plans | in_workers(names=["gru"])


def test_source_of_ones_own_is_no_code(tmp_path):
    own, ours = code.ingests(tmp_path, "data.csv"), code.stage("ingest")
    sample = read_study(REPOSITORY)
    assert own == ours
    assert own not in code.fingerprints(sample, REPOSITORY).ingest.values()


def test_fingerprints_import_nothing_heavy():
    program = (
        "import sys, pathlib\n"
        "from flows.stages.code import fingerprints\n"
        "from rnn_core.study import read_study\n"
        "fingerprints(read_study(pathlib.Path()), pathlib.Path())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = {module.split(".")[0] for module in done.stdout.split()}
    assert "rnn_core" in loaded
    assert not loaded & {"torch", "numpy", "pandas", "prefect", "mlflow", "dvc"}


@pytest.fixture
def study(tmp_path):
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    edit(tmp_path / "params.yaml", "rnn_core/sources", f"{REPOSITORY}/rnn_core/sources")
    return Layout(tmp_path)


def test_file_that_says_the_same_is_left_as_it_is(study):
    code.code(study)
    file = study.code.stat()
    code.code(study)
    assert study.code.stat().st_mtime_ns == file.st_mtime_ns
    assert study.code.stat().st_ino == file.st_ino


def test_file_is_sorted_json_by_stage_and_dataset(study, before):
    code.code(study)
    text = study.code.read_text()
    content = json.loads(text)
    assert text == json.dumps(content, indent=2, sort_keys=True) + "\n"
    assert content["train"]["co2"]["cells"]["lstm"] == before["train.co2.cells.lstm"]
    assert content["ingest"]["co2"] == before["ingest.co2"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"report": "x"}, {"report"}),
        ({"train": {"co2": {"cells": {"gru": "x"}}}, "more": "x"}, {"train.co2.cells.gru", "more"}),
    ],
)
def test_check_names_the_keys_that_differ_and_the_command(study, content, named):
    def merged(there, new):
        return {
            key: merged(there.get(key, {}), new.get(key, there.get(key)))
            if isinstance(new.get(key), dict)
            else new.get(key, there.get(key))
            for key in {*there, *new}
        }

    code.code(study)
    code.check(study)
    study.code.write_text(json.dumps(merged(json.loads(study.code.read_text()), content)))
    with pytest.raises(StudyError, match="run `gatewise code`") as found:
        code.check(study)
    said = str(found.value).partition(" for ")[2].partition(";")[0]
    assert set(said.split(", ")) == named


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_file_that_is_missing_or_broken_is_refused_and_written_anew(study, content):
    if content is not None:
        study.code.write_text(content)
    with pytest.raises(StudyError, match="report"):
        code.check(study)
    code.code(study)
    code.check(study)


def gatewise(study, *arguments):
    """Run the command line in a study's folder."""
    program = "from flows.commands.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=study.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_writes_the_file_and_checks_it(study):
    missing = gatewise(study, "code", "--check")
    assert (missing.returncode, study.code.exists()) == (1, False)
    assert missing.stderr.startswith("error: code.json is out of date for compare.")
    assert gatewise(study, "code").returncode == 0
    assert gatewise(study, "code", "--check").returncode == 0
    edit(study.code, '"report": "', '"report": "0')
    wrong = gatewise(study, "code", "--check")
    told = "error: code.json is out of date for report; run `gatewise code`\n"
    assert (wrong.returncode, wrong.stderr) == (1, told)


NETWORKS = ("gru", "tcn", "linear", "transformer")


def of_networks():
    """The fingerprints of what trains and scores a cell and reference networks."""
    reach.forget()
    return {
        f"{verb} {name}": mark
        for verb, made in (("train", code.training), ("evaluate", code.evaluation))
        for name, mark in made("forecasting", NETWORKS).items()
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "names"),
    [
        ("references/tcn.py", "WIDTH = 3", "WIDTH = 5", {"tcn"}),
        ("references/transformer.py", "HEADS = 4", "HEADS = 2", {"transformer"}),
        ("references/convolution.py", "self.before = (width - 1)", "self.before = (width)",
         {"tcn", "linear"}),
        ("references/base.py", "outputs.chunk(len(places), dim=-1)", "outputs.chunk(1, dim=-1)",
         {"tcn", "linear", "transformer"}),
        ("tasks/forecasting/learn.py", "self.meta.lookback // self.model.segment",
         "self.meta.lookback", {"tcn", "linear", "transformer"}),
        ("cells/gru.py", "(1 - z)", "(2 - z)", {"gru"}),
    ],
    ids=["one", "another", "what two have", "what all have", "how far back", "a cell"],
)  # fmt: skip
def test_edit_of_a_reference_network_retrains_those_that_have_it(copied, file, old, new, names):
    before = of_networks()
    assert len(set(before.values())) == len(before)
    edit(copied / "rnn_core" / file, old, new)
    after = of_networks()
    found = {key for key in before if after[key] != before[key]}
    assert found == {f"{verb} {name}" for verb in ("train", "evaluate") for name in names}


def test_reference_networks_of_a_study_have_keys_beside_its_cells(tmp_path):
    study = yaml.safe_load((REPOSITORY / "params.yaml").read_bytes())
    study |= {"references": ["tcn", "linear"]}
    study["datasets"]["co2"]["references"] = []
    root = os.path.relpath(REPOSITORY, tmp_path)
    for section in study["datasets"].values():
        section["source"] = f"{root}/{section['source']}"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(study))
    found = code.fingerprints(read_study(tmp_path), tmp_path)
    for stage in (found.train, found.evaluate):
        keys = {name: set(one.cells) - set(CELLS) for name, one in stage.items()}
        assert keys == {
            "agreement": {"tcn", "linear"},
            "numbers": {"tcn", "linear"},
            "reviews": {"tcn", "linear"},
            "co2": set(),
            "sums": set(),
        }


def keys_with(**values):
    """The keys of the sample study with other values of the study's own keys."""
    study = replace(read_study(REPOSITORY), **values)
    return dict(code.leaves(asdict(code.fingerprints(study, REPOSITORY))))


OTHER_VALUES = {
    "study": "another",
    "device": "cuda",
    "seeds": Seeds(first=2, most=2),
    "cells": ("gru", "mgu"),
    "sizes": (0.5,),
    "depths": (1, 2),
    "tuning": Tuning(trials=2, learning_rate=(0.5, 2.0)),
    "champion": "seed",
    "ensemble": EnsembleOf(members=2),
    "references": ("tcn",),
    "refit": True,
}


@pytest.mark.parametrize("key", OTHER_VALUES)
def test_stage_code_waits_for_each_parameter_that_its_keys_depend_on(before, key):
    """Else `dvc repro` leaves a code.json that is not that of the study."""
    graph = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    reads = keys_with(**{key: OTHER_VALUES[key]}) != before
    assert (key in graph["stages"]["code"]["params"]) == reads


def test_every_parameter_of_a_study_has_another_value_here():
    names = {field.name for field in fields(Study)}
    assert OTHER_VALUES.keys() == names - {"root", "datasets"}


def test_what_divides_the_data_anew_makes_stale_only_what_is_refitted(copied):
    """Trainings that score on the new division are kept, and evaluations are quick."""
    known = keys_with()
    refitted = keys_with(refit=True)
    edit(copied / "rnn_core/tasks/translation/divide.py", "before - number", "before - 1 * number")
    reach.forget()
    assert {tail.rpartition(".")[0] for tail in differing(known, keys_with())} == {SCORED_TOGETHER}
    stale = differing(refitted, keys_with(refit=True))
    assert {key for key in stale if not key.startswith(SCORED_TOGETHER)} == {"train.sums.divides"}


SCORED_TOGETHER = "evaluate.sums.together"


def differing(before, after):
    return {key for key in after if after[key] != before[key]}

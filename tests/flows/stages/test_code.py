"""The fingerprints of the code of stages: which edits change which keys."""

import ast
import subprocess
import sys

import pytest
from fingerprints import CELLS, DATASETS, REPOSITORY, edit

from flows.stages import code
from rnn_core import definitions
from rnn_core.study import read_study

NO_CODE_OF_STAGES = {"gpu"}
"""Keys that no stage depends on."""


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

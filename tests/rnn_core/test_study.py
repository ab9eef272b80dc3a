"""params.yaml: whatever is wrong in it is named with its place and a remedy."""

import math
import re
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from usual_study import USUAL

from rnn_core.errors import ParameterError
from rnn_core.study import TUNING_SEED, Seeds, Study, Tuning, own_source, read_study
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import get_task
from rnn_core.tasks.base.learns import Learns
from rnn_core.training.loop import TrainingParameters

REPOSITORY = Path(__file__).parents[2]
CO2 = str(REPOSITORY / "rnn_core/sources/mauna_loa_co2.py")


OWN_SEEDS = {"first": 4, "most": 6}
TUNING = {"trials": 8, "learning_rate": [0.25, 4], "clip_norm": [0.5, 2], "dropout": [0, 0.5]}


def content(**changes):
    study = {
        **USUAL,
        "root": ".",
        "study": "tiny",
        "device": "auto",
        "seeds": {"first": 2, "most": 2},
        "cells": ["gru", "lstm"],
        "datasets": {
            "co2": {
                "source": CO2,
                "task": "forecasting",
                "data": {"targets": ["co2"], "lookback": 8, "horizon": 2},
                "model": {"hidden_size": 4},
                "training": {"epochs": 2, "learning_rate": 1e-3},
            }
        },
    }
    for place, value in changes.items():
        *way, last = place.split("__")
        section = study
        for step in way:
            section = section[step]
        if value is None:
            del section[last]
        else:
            section[last] = value
    return study


def read(tmp_path, **changes):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content(**changes)))
    return read_study(tmp_path)


def read_all(tmp_path, **changes):
    study = read(tmp_path, **changes)
    task = get_task(study.section("co2").task)
    return (
        study.parameters("co2", "data", task.DataParameters),
        study.parameters("co2", "model", task.ModelParameters),
        study.parameters("co2", "training", TrainingParameters),
    )


def test_values_arrive_with_their_types_and_defaults(tmp_path):
    study = read(tmp_path)
    assert study.seeds == Seeds(first=2, most=2)
    assert (study.cells, study.device) == (("gru", "lstm"), "auto")
    data, model, training = read_all(tmp_path)
    assert (data.targets, data.lookback, data.missing) == (("co2",), 8, "error")
    assert (model.hidden_size, model.num_layers) == (4, 1)
    assert (training.epochs, training.learning_rate, training.clip_norm) == (2, 0.001, 1.0)


def test_number_in_yaml_1_2_notation_is_a_number(tmp_path):
    text = yaml.safe_dump(content()).replace("learning_rate: 0.001", "learning_rate: 1e-3")
    (tmp_path / "params.yaml").write_text(text)
    study = read_study(tmp_path)
    assert study.parameters("co2", "training", TrainingParameters).learning_rate == 0.001


WRONG = [
    ({"cells": ["grru"]}, "params.yaml: cells: unknown cell 'grru'; did you mean 'gru'?"),
    ({"seed": [1]}, "params.yaml: unknown key 'seed'; did you mean 'seeds'?"),
    ({"seeds": [0, 1]}, "params.yaml: seeds must hold keys and values: first, most"),
    ({"seeds": 3}, "params.yaml: seeds must hold keys and values: first, most"),
    ({"seeds": {}}, "params.yaml: seeds.first: is required"),
    ({"seeds": {"first": 3}}, "params.yaml: seeds.most: is required"),
    ({"seeds": {"first": "a", "most": 3}}, "seeds.first: Input should be a valid integer"),
    ({"seeds": {"first": 0, "most": 3}}, "params.yaml: seeds: first must be at least 1, not 0"),
    (
        {"seeds": {"first": 3, "most": 2}},
        "params.yaml: seeds: most must be at least first, 3, not 2",
    ),
    (
        {"seeds": {"first": 3, "most": TUNING_SEED}},
        "params.yaml: seeds: most must be at most 1000, not 1000003",
    ),
    (
        {"seeds": {"first": 3, "most": 5, "mots": 7}},
        "params.yaml: seeds: unknown key 'mots'; did you mean 'most'?",
    ),
    ({"device": "gpu"}, "params.yaml: device: Input should be 'auto', 'cpu' or 'cuda', not 'gpu'"),
    ({"study": "My Study"}, "params.yaml: 'My Study' must be lower-case letters, digits and _"),
    ({"datasets": {}}, "params.yaml: datasets must hold at least one dataset"),
    ({"cells": None}, "params.yaml: cells missing, which dvc.yaml reads; add `cells: ...`"),
    ({"sizes": None}, "params.yaml: sizes missing, which dvc.yaml reads; add `sizes: ...`"),
    ({"sizes": []}, "params.yaml: sizes must hold at least one value, and none twice"),
    ({"sizes": [0.5, 0.5]}, "params.yaml: sizes must hold at least one value, and none twice"),
    ({"sizes": [-1.0]}, "params.yaml: sizes must be above 0, or equal"),
    ({"sizes": ["half"]}, "params.yaml: sizes.0"),
    ({"datasets__co2__sizes": [0]}, "params.yaml: datasets.co2.sizes must be above 0, or equal"),
    ({"depths": []}, "params.yaml: depths must hold at least one value, and none twice"),
    ({"depths": [2, 2]}, "params.yaml: depths must hold at least one value, and none twice"),
    ({"depths": [0]}, "params.yaml: depths must be from 1 to 16, not 0"),
    ({"depths": [1, 64]}, "params.yaml: depths must be from 1 to 16, not 64"),
    ({"depths": [1.5]}, "params.yaml: depths.0: Input should be a valid integer"),
    ({"depths": 2}, "params.yaml: depths: Input should be a list, such as [1, 2], not 2"),
    ({"depth": [2]}, "params.yaml: unknown key 'depth'; did you mean 'depths'?"),
    (
        {"datasets__co2__depths": [-1]},
        "params.yaml: datasets.co2.depths must be from 1 to 16, not -1",
    ),
    (
        {"datasets__co2__model__num_layers": 2},
        "params.yaml: datasets.co2: write `depths: [2]` beside `model` instead of num_layers",
    ),
    ({"tuning": {}}, "params.yaml: tuning.trials: is required"),
    ({"tuning": 8}, "params.yaml: tuning must hold keys and values"),
    ({"tuning": TUNING | {"trials": 0}}, "params.yaml: tuning: trials must be at least 1"),
    (
        {"tuning": TUNING | {"share": 0}},
        "params.yaml: tuning: share must be above 0 and at most 1, not 0.0",
    ),
    (
        {"tuning": TUNING | {"share": 1.5}},
        "params.yaml: tuning: share must be above 0 and at most 1, not 1.5",
    ),
    ({"tuning": TUNING | {"eta": 1}}, "params.yaml: tuning: eta must be at least 2, not 1"),
    ({"tuning": TUNING | {"eta": 2.5}}, "params.yaml: tuning.eta: Input should be a valid integer"),
    (
        {"tuning": TUNING | {"finalists": 0}},
        "params.yaml: tuning: finalists must be from 1 to trials, 8, not 0",
    ),
    (
        {"tuning": TUNING | {"finalists": 9}},
        "params.yaml: tuning: finalists must be from 1 to trials, 8, not 9",
    ),
    (
        {"tuning": TUNING | {"seeds": 1}},
        "params.yaml: tuning: seeds must be from 2 to 20, not 1",
    ),
    (
        {"tuning": TUNING | {"seeds": 21}},
        "params.yaml: tuning: seeds must be from 2 to 20, not 21",
    ),
    (
        {"tuning": {"trials": 8}},
        "params.yaml: tuning: give a range for learning_rate, clip_norm or dropout",
    ),
    (
        {"tuning": TUNING | {"learning_rate": [4, 0.25]}},
        "tuning: learning_rate must be [low, high] with 0 < low <= 1 <= high, multiples of the",
    ),
    ({"tuning": TUNING | {"learning_rate": [0, 2]}}, "multiples of the dataset's own, not [0.0, 2"),
    ({"tuning": TUNING | {"clip_norm": [2, 4]}}, "tuning: clip_norm must be [low, high] with 0 <"),
    ({"tuning": TUNING | {"clip_norm": [1, math.inf]}}, "clip_norm must be [low, high] with 0 <"),
    ({"tuning": TUNING | {"clip_norm": [1]}}, "params.yaml: tuning.clip_norm.1: is required"),
    (
        {"tuning": TUNING | {"dropout": [0, 1]}},
        "tuning: dropout must be [low, high] with 0 <= low <= high < 1, not [0.0, 1.0]",
    ),
    ({"tuning": TUNING | {"dropout": [0.3, 0.2]}}, "0 <= low <= high < 1, not [0.3, 0.2]"),
    ({"tuning": TUNING | {"dropout": [-0.1, 0.2]}}, "0 <= low <= high < 1, not [-0.1, 0.2]"),
    (
        {"tuning": TUNING | {"drop_out": [0, 0.5]}},
        "params.yaml: tuning: unknown key 'drop_out'; did you mean 'dropout'?",
    ),
    (
        {"datasets__co2__tuning": TUNING | {"trails": 3}},
        "params.yaml: datasets.co2.tuning: unknown key 'trails'; did you mean 'trials'?",
    ),
    (
        {"datasets__co2__tuning": TUNING | {"trials": -1}},
        "params.yaml: datasets.co2.tuning: trials must be at least 1",
    ),
    (
        {"datasets__co2__seeds": {"first": 5, "most": 4}},
        "params.yaml: datasets.co2.seeds: most must be at least first, 5, not 4",
    ),
    (
        {"datasets__co2__seeds": {"frist": 3, "most": 4}},
        "params.yaml: datasets.co2.seeds: unknown key 'frist'; did you mean 'first'?",
    ),
    ({"datasets__co2__seeds": [4, 5]}, "datasets.co2.seeds must hold keys and values: first, most"),
    ({"datasets__co2__margin": 0.0}, "params.yaml: datasets.co2: margin must be above 0, not 0.0"),
    ({"datasets__co2__task": None}, "params.yaml: datasets.co2.task: is required"),
    (
        {"datasets__co2__task": "forecast"},
        "params.yaml: datasets.co2.task: unknown task 'forecast'; did you mean 'forecasting'?",
    ),
    (
        {"datasets__co2__source": "nowhere.csv"},
        "params.yaml: datasets.co2.source: there is no",
    ),
    (
        {"datasets__co2__source": CO2.replace("mauna_loa_co2", "mauna_lao_co2")},
        "params.yaml: datasets.co2.source: unknown source 'mauna_lao_co2'; did you mean",
    ),
    (
        {"datasets__co2__modle": {}},
        "params.yaml: datasets.co2: unknown key 'modle'; did you mean 'model'?",
    ),
    (
        {"datasets__co2__training__epohcs": 3},
        "params.yaml: datasets.co2.training: unknown key 'epohcs'; did you mean 'epochs'?",
    ),
    (
        {"datasets__co2__training__epochs": "many"},
        "params.yaml: datasets.co2.training.epochs: Input should be a valid integer",
    ),
    (
        {"datasets__co2__training__learning_rate": -1},
        "params.yaml: datasets.co2.training: learning_rate and clip_norm must be above 0",
    ),
    (
        {"datasets__co2__model__dropout": 1},
        "params.yaml: datasets.co2.model: dropout must be in [0, 1), not 1.0",
    ),
    (
        {"datasets__co2__model__normalisation": "yes"},
        "params.yaml: datasets.co2.model.normalisation: Input should be 'none' or 'last_value'",
    ),
    ({"datasets__co2__data__targets": None}, "params.yaml: datasets.co2.data.targets: is required"),
    ({"datasets__co2__data__targets": []}, "data: targets must name at least one column"),
    ({"datasets__co2__data__features": ["co2"]}, "data: features repeat the targets ['co2']"),
    ({"datasets__co2__data__horizon": 0}, "data: lookback and horizon must be at least 1"),
    ({"datasets__co2__data__split": [0.5, 0.1, 0.1]}, "data: the shares of split sum to 0.7"),
    ({"datasets__co2__data": 3}, "params.yaml: datasets.co2.data"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[str(sorted(c)) for c, _ in WRONG])
def test_mistake_is_one_line_that_names_its_place(tmp_path, change, message):
    with pytest.raises(ParameterError) as caught:
        read_all(tmp_path, **change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\nb: 2", "params.yaml, line 2 is not YAML"),
        ("", "params.yaml: it must hold keys and values"),
        ("- 1", "params.yaml: it must hold keys and values"),
    ],
)
def test_file_that_is_no_mapping_is_refused(tmp_path, text, message):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ParameterError, match=message.replace(".", r"\.")):
        read_study(tmp_path)


def test_folder_without_params_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="is missing; a study is a folder with one"):
        read_study(tmp_path)


def test_file_in_the_place_of_a_study_is_called_one(tmp_path):
    (tmp_path / "params.yaml").touch()
    with pytest.raises(ParameterError, match=r"params\.yaml is a file; a study is a folder with a"):
        read_study(tmp_path / "params.yaml")


def test_params_that_cannot_be_read_are_told_with_the_reason(tmp_path):
    (tmp_path / "params.yaml").mkdir()
    with pytest.raises(ParameterError, match=r"params\.yaml cannot be read: Is a directory"):
        read_study(tmp_path)


def test_unknown_dataset_is_named_with_the_nearest_one(tmp_path):
    with pytest.raises(ParameterError, match="unknown dataset 'co'; did you mean 'co2'"):
        read(tmp_path).section("co")


def test_source_is_a_module_or_a_file_of_ones_own(tmp_path):
    assert own_source(REPOSITORY, "rnn_core/sources/etth1.py") is None
    assert own_source(REPOSITORY / "studies/benchmark", "../../rnn_core/sources/etth1.py") is None
    assert own_source(tmp_path, "sales.csv") == tmp_path / "sales.csv"


def test_dataset_may_have_fewer_cells_and_seeds_and_sizes_of_its_own(tmp_path):
    study = read(tmp_path, datasets__co2__cells=["lstm"], datasets__co2__seeds=OWN_SEEDS)
    assert study.cells_of("co2") == ("lstm",)
    assert study.seeds_of("co2") == Seeds(**OWN_SEEDS)
    study = read(tmp_path, sizes=[0.25, 1], datasets__co2__sizes=["equal", 2])
    assert study.sizes_of("co2") == ("equal", 2.0)
    assert study.depths_of("co2") == (1,)
    assert read(tmp_path, depths=[2, 1]).depths_of("co2") == (2, 1)
    assert read(tmp_path, depths=[2, 1], datasets__co2__depths=[3]).depths_of("co2") == (3,)
    study = read(tmp_path)
    assert study.sizes_of("co2") == ("equal",)
    assert study.cells_of("co2") == ("gru", "lstm")
    assert study.seeds_of("co2") == Seeds(first=2, most=2)


def test_dataset_is_tuned_as_the_study_says_or_as_it_says_itself(tmp_path):
    assert read(tmp_path).tuning_of("co2") is None
    study = read(tmp_path, tuning=TUNING)
    assert study.tuning_of("co2") == Tuning(
        trials=8, share=0.25, learning_rate=(0.25, 4), clip_norm=(0.5, 2), dropout=(0, 0.5)
    )
    of_its_own = {"trials": 2, "share": 1, "clip_norm": [1, 1]}
    study = read(tmp_path, tuning=TUNING, datasets__co2__tuning=of_its_own)
    assert study.tuning_of("co2") == Tuning(trials=2, share=1, clip_norm=(1, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": ["mgu"]}, "datasets.co2.cells: unknown cell of the study 'mgu'"),
        ({"cells": []}, "datasets.co2.cells must hold at least one value"),
    ],
)
def test_impossible_cells_of_a_dataset_are_named(tmp_path, changes, message):
    with pytest.raises(ParameterError, match=message):
        read(tmp_path, **{f"datasets__co2__{name}": value for name, value in changes.items()})


def test_reference_networks_are_those_of_the_study_unless_a_dataset_has_its_own(tmp_path):
    assert read(tmp_path).references_of("co2") == ()
    assert read(tmp_path, references=["linear", "tcn"]).references_of("co2") == ("linear", "tcn")
    study = read(tmp_path, references=["linear"], datasets__co2__references=["transformer"])
    assert study.references_of("co2") == ("transformer",)
    study = read(tmp_path, references=["linear"], datasets__co2__references=[])
    assert study.references_of("co2") == ()


@pytest.mark.parametrize("task", TASKS)
def test_reference_networks_of_the_study_leave_out_what_cannot_use_them(tmp_path, task):
    """They are known before any model is made, and agree with the task's own statement."""
    study = read(tmp_path, references=["linear"], datasets__co2__task=task)
    fits = get_task(task).reach is not Learns.reach
    assert study.references_of("co2") == (("linear",) if fits else None)
    assert read(tmp_path, datasets__co2__task=task).references_of("co2") == ()


@pytest.mark.parametrize("place", ["references", "datasets__co2__references"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["tnc"], "unknown reference 'tnc'; did you mean 'tcn'?"),
        (["gru"], "unknown reference 'gru'; known: linear, tcn"),
        (["tcn", "linear", "tcn"], "must hold none twice"),
        ("tcn", "Input should be a list, such as [1, 2], not 'tcn'"),
        ([1], "Input should be a valid string, not 1"),
    ],
)
def test_impossible_reference_networks_are_named_with_their_place(tmp_path, place, names, message):
    with pytest.raises(ParameterError) as caught:
        read(tmp_path, **{place: names})
    assert str(caught.value).startswith(f"params.yaml: {place.replace('__', '.')}")
    assert message in str(caught.value)


def test_reference_networks_of_a_dataset_that_cannot_use_them_are_refused(tmp_path):
    changes = {"datasets__co2__task": "translation", "datasets__co2__references": ["tcn"]}
    with pytest.raises(ParameterError, match=r"datasets\.co2\.references: a model for translation"):
        read(tmp_path, **changes)


@pytest.mark.parametrize(
    ("whole", "own", "expected"),
    [(None, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_dataset_is_refitted_as_the_study_says_or_as_it_says_itself(tmp_path, whole, own, expected):
    found = {"refit": whole, "datasets__co2__refit": own}
    study = read(tmp_path, **{key: value for key, value in found.items() if value is not None})
    assert study.refit_of("co2") is expected


def test_refit_that_is_neither_true_nor_false_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"refit: .*boolean.*'often'"):
        read(tmp_path, refit="often")


DEFAULTS = {
    "device": "auto",
    "depths": [1],
    "tuning": None,
    "champion": "auto",
    "ensemble": {"members": 5},
    "refit": False,
    "references": None,
}


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(st.sets(st.sampled_from(sorted(content())), min_size=2))
def test_all_keys_that_are_missing_are_told_at_once_with_the_lines_to_add(missing):
    """DVC fails over each of them once everything is trained."""
    there = {key: value for key, value in content().items() if key not in missing}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        file.write_text(yaml.safe_dump(there))
        with pytest.raises(ParameterError) as caught:
            read_study(Path(folder))
        told = str(caught.value)
        found = re.fullmatch(r"params\.yaml: (.*) missing, which dvc\.yaml reads; add (`.*`)", told)
        assert set(found[1].split(", ")) == missing
        added = yaml.safe_load("\n".join(re.findall("`(.*?)`", found[2])))
        assert added == {key: DEFAULTS.get(key, "...") for key in missing}
        own = {key: content()[key] for key in missing - DEFAULTS.keys()}
        file.write_text(yaml.safe_dump(there | added | own))
        assert read_study(Path(folder)).cells == ("gru", "lstm")


def test_keys_of_a_study_are_those_that_its_graph_reads():
    text = (REPOSITORY / "dvc.yaml").read_text()
    read = {name.partition(".")[0] for name in re.findall(r"\$\{(\w+)[.}]", text)}
    for stage in yaml.safe_load(text)["stages"].values():
        params = stage.get("do", stage).get("params", [])
        read |= {one.partition(".")[0] for one in params if isinstance(one, str)}
    assert read - {"key", "item"} == {field.name for field in fields(Study)}

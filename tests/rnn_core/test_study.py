"""params.yaml: what its values are, and what a dataset may have of its own."""

import re
from dataclasses import fields

import pytest
import yaml
from usual_parameters import REPOSITORY, TUNING, content, read, read_all

from rnn_core.errors import ParameterError
from rnn_core.study import Seeds, Study, Tuning, own_source, read_study
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import get_task
from rnn_core.tasks.base.learns import Learns
from rnn_core.training.loop import TrainingParameters

OWN_SEEDS = {"first": 4, "most": 6}


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
        ("tcn", "must be a list, such as [1, 2], not 'tcn'"),
        ([1], "must be a text, not 1"),
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
    with pytest.raises(ParameterError, match=r"refit: must be true or false, not 'often'"):
        read(tmp_path, refit="often")


def test_keys_of_a_study_are_those_that_its_graph_reads():
    text = (REPOSITORY / "dvc.yaml").read_text()
    read = {name.partition(".")[0] for name in re.findall(r"\$\{(\w+)[.}]", text)}
    for stage in yaml.safe_load(text)["stages"].values():
        params = stage.get("do", stage).get("params", [])
        read |= {one.partition(".")[0] for one in params if isinstance(one, str)}
    assert read - {"key", "item"} == {field.name for field in fields(Study)}

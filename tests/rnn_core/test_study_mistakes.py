"""params.yaml: whatever is wrong in it is named with its place and a remedy."""

import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from usual_parameters import CO2, TUNING, content, read, read_all

from rnn_core.errors import ParameterError
from rnn_core.study import TUNING_SEED, read_study

WRONG = [
    ({"cells": ["grru"]}, "params.yaml: cells: unknown cell 'grru'; did you mean 'gru'?"),
    ({"seed": [1]}, "params.yaml: unknown key 'seed'; did you mean 'seeds'?"),
    ({"seeds": [0, 1]}, "params.yaml: seeds must hold keys and values: first, most"),
    ({"seeds": 3}, "params.yaml: seeds must hold keys and values: first, most"),
    ({"seeds": {}}, "params.yaml: seeds.first: is required"),
    ({"seeds": {"first": 3}}, "params.yaml: seeds.most: is required"),
    ({"seeds": {"first": "a", "most": 3}}, "seeds.first: must be a whole number"),
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
    ({"device": "gpu"}, "params.yaml: device: must be 'auto', 'cpu' or 'cuda', not 'gpu'"),
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
    ({"depths": [1.5]}, "params.yaml: depths.0: must be a whole number"),
    ({"depths": 2}, "params.yaml: depths: must be a list, such as [1, 2], not 2"),
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
    ({"tuning": TUNING | {"eta": 2.5}}, "params.yaml: tuning.eta: must be a whole number"),
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
    *(
        (
            {"datasets__co2__margin": margin},
            f"params.yaml: datasets.co2: margin must be at least 1e-12, and finite, not {margin}",
        )
        for margin in (0.0, -1.0, 1e-300, float("inf"), float("nan"))
    ),
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
        "params.yaml: datasets.co2.training.epochs: must be a whole number",
    ),
    (
        {"datasets__co2__margin": True},
        "params.yaml: datasets.co2.margin must be a number, not true",
    ),
    ({"seeds__first": True}, "params.yaml: seeds.first must be a number, not true, which is what"),
    (
        {"datasets__co2__training__patience": False},
        "params.yaml: datasets.co2.training.patience must be a number, not false",
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
        "params.yaml: datasets.co2.model.normalisation: must be 'none' or 'last_value'",
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

"""Parameters in the messages of `gatewise new` are its options."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

import rnn_core
from flows.own_data.options import SET, as_options, in_options
from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import FaultsError
from rnn_core.tasks import REGISTRY, get_task

TOLD = {
    "fill it, or set data.missing to fill": "fill it, or use --set missing=fill",
    "two series; set data.series to 'my shop'": "two series; use --set series='my shop'",
    "or set data.lookback to 0.25, which is less": "or use --set lookback=0.25, which is less",
    "raise data.lookback.": "raise --set lookback.",
    "read as cp1252 (data.encoding)": "read as cp1252 (--set encoding)",
    "data.csv, row 3; mydata.missing and data.missing.csv": None,
}


@pytest.mark.parametrize("told", TOLD)
def test_parameters_are_told_as_options(told):
    assert as_options(told, get_task("forecasting")) == (TOLD[told] or told)


def test_a_parameter_of_another_task_is_a_name():
    assert as_options("data.lookback", get_task("sentiment")) == "data.lookback"


@pytest.mark.parametrize("kind", [DataError, ParameterError])
def test_errors_keep_their_kind(kind):
    with pytest.raises(kind, match=r"^use --set horizon=3$"), in_options(get_task("forecasting")):
        raise kind("set data.horizon to 3")


def test_all_faults_and_their_number_are_kept():
    cure, faults = "set data.missing to fill", [f"row {row}" for row in range(10)]
    with pytest.raises(FaultsError) as caught, in_options(get_task("forecasting")):
        raise FaultsError({cure: faults, "": ["data.date"]}, {cure: 7})
    assert caught.value.found == {"use --set missing=fill": faults, "": ["--set date"]}
    assert caught.value.more == {"use --set missing=fill": 7}


CODE = "\n".join(file.read_text() for file in Path(rnn_core.__file__).parent.rglob("*.py"))
ADVICE = sorted({match.groups() for match in SET.finditer(re.sub(r'"\s+f?"', "", CODE))})


@pytest.mark.parametrize(("parameter", "value"), ADVICE)
def test_advice_gives_values_that_can_be_set(parameter, value):
    """Words after it would be pasted as its value: join recordings, its name."""
    kinds = [get_task(name).DataParameters.__dataclass_fields__.get(parameter) for name in REGISTRY]
    accepted = 0
    for field in filter(None, kinds):
        try:
            TypeAdapter(field.type).validate_python(yaml.safe_load(value))
            accepted += 1
        except ValidationError:
            pass
    assert accepted > 0

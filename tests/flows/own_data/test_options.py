"""Parameters in the messages of `gatewise new` are its options."""

import pytest

from flows.own_data.options import as_options, in_options
from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import FaultsError
from rnn_core.tasks import get_task

TOLD = {
    "fill it, or set data.missing to fill": "fill it, or add --set missing=fill",
    "two series; set data.series to 'my shop'": "two series; add --set series='my shop'",
    "or set data.lookback to 0.25, which is less": "or add --set lookback=0.25, which is less",
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
    with pytest.raises(kind, match=r"^add --set horizon=3$"), in_options(get_task("forecasting")):
        raise kind("set data.horizon to 3")


def test_all_faults_and_their_number_are_kept():
    cure, faults = "set data.missing to fill", [f"row {row}" for row in range(10)]
    with pytest.raises(FaultsError) as caught, in_options(get_task("forecasting")):
        raise FaultsError({cure: faults, "": ["data.date"]}, {cure: 7})
    assert caught.value.found == {"add --set missing=fill": faults, "": ["--set date"]}
    assert caught.value.more == {"add --set missing=fill": 7}

"""Settings from a terminal mean what a user would expect."""

import pytest

from flows.own_data.settings import read_settings
from rnn_core.errors import ParameterError

MEANT = {
    "decimal=,": ",",
    "separator=;": ";",
    "separator=|": "|",
    "separator= : ": ":",
    "features=[NO, on, y]": ["NO", "on", "y"],
    "date=NO": "NO",
    "header=false": False,
    "header=True": True,
    "horizon=24": 24,
    "split=[0.8, 0.1, 0.1]": [0.8, 0.1, 0.1],
    "date=null": None,
    "text=a=b": "a=b",
    "stop=": None,
    "columns=[1, 2]": [1, 2],
    "targets=Unnamed: 2": "Unnamed: 2",
    "targets=[temp, Unnamed: 2]": ["temp", "Unnamed: 2"],
    "text=a: b: c": "a: b: c",
    "targets=[wind : max, [a: b], 'c: d']": ["wind : max", ["a: b"], "c: d"],
    "names={a: 1, b: [x, y: z]}": {"a": 1, "b": ["x", "y: z"]},
}


@pytest.mark.parametrize("setting", MEANT)
def test_value_is_what_was_meant(setting):
    assert list(read_settings([setting]).values()) == [MEANT[setting]]


@pytest.mark.parametrize("setting", ["horizon", "=3", "a=[1", 'a="b'])
def test_what_is_no_setting_is_refused(setting):
    with pytest.raises(ParameterError, match=r"write it as name=value|put the value in quotes"):
        read_settings([setting])


@pytest.mark.parametrize("again", ["horizon=2", "horizon=1", " horizon =2"])
def test_setting_that_is_given_twice_is_refused(again):
    """The last one counted, in silence."""
    with pytest.raises(ParameterError, match="horizon is set already; set it once"):
        read_settings(["horizon=1", "lookback=2", again])

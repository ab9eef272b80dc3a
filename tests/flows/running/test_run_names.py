"""Names of flow runs."""

from pathlib import Path

import pytest
from prefect import flow
from prefect.context import FlowRunContext

from flows.operations.drift_watch import drift
from flows.operations.watch import watch
from flows.running.run_names import study_run
from flows.study import study


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"study": "studies/shop"}, "shop: all datasets"),
        ({"study": "/srv/shop/", "datasets": ["co2", "text"], "only": None}, "shop: co2, text"),
        ({"study": "shop", "datasets": ["co2"], "only": ["train@*"]}, "shop: train@*"),
        ({"study": "shop", "datasets": "co2"}, "shop: co2"),
        ({"study": 7, "only": 3}, "7: 3"),
    ],
)
def test_name_says_what_is_brought_up_to_date(asked, name):
    assert study_run(asked) == name


def test_study_has_the_name_in_its_parameters():
    assert study_run({"study": str(Path(__file__).parents[3])}) == "sample: all datasets"


def test_folder_one_stands_in_has_a_name_too(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    assert study_run({"study": "."}) == "shop: all datasets"
    monkeypatch.chdir("/")
    assert study_run({}) == "/: all datasets"


@pytest.mark.parametrize(
    ("of", "asked", "name"),
    [
        (study, {"study": "studies/shop"}, "shop: all datasets"),
        (watch, {"study": "studies/shop"}, "shop: has its data changed?"),
        (drift, {"inputs": {"shop.co2": "new.csv"}}, "inputs of shop.co2"),
    ],
)
def test_prefect_shows_the_name(prefect_here, of, asked, name):
    """Each flow with a body of its own, and with the parameters and the name that it has."""

    @flow(flow_run_name=of.flow_run_name)
    def told(study=".", datasets=None, only=None, inputs=None):
        return FlowRunContext.get().flow_run.name

    assert told(**asked) == name

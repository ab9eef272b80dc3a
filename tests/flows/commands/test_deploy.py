"""Output of `gatewise deploy`."""

from datetime import timedelta

import pytest

from flows.commands.services.deploy import deploy, inputs_of, told
from flows.operations.deployments import Deployed
from flows.system.pages import API
from rnn_core.errors import GatewiseError
from rnn_core.readers.faults import Faults, FaultsError

ASKED = {"pool": "gatewise", "timezone": "UTC", "retries": 1, "workers": None, "notify": ()}


@pytest.mark.parametrize(
    ("cron", "every", "lines"),
    [
        (None, None, ["study/shop runs when an event names changed data."]),
        (
            "0 2 * * *",
            timedelta(minutes=90),
            [
                "study/shop runs at '0 2 * * *' (UTC) and when its data changes.",
                "watch/shop looks at the data every 90 minutes.",
            ],
        ),
    ],
)
def test_times_are_told_as_a_person_asked_for_them(cron, every, lines):
    names = ["study/shop", "watch/shop"]
    said = told(names, Deployed(cron=cron, every=every, **ASKED), "http://me:pw@10.0.0.1:4200/api")
    assert said[: len(lines)] == lines
    assert said[-1] == "Workers of the pool 'gatewise' run them, at http://10.0.0.1:4200/api."


def test_inputs_that_are_compared_are_files_of_models(tmp_path):
    (tmp_path / "new=1.csv").write_text("")
    given = f"shop.sales={tmp_path}/new=1.csv"
    faults = Faults()
    assert inputs_of([given], 15, faults) == {"shop.sales": tmp_path / "new=1.csv"}
    assert inputs_of([], None, faults) == {}
    assert not faults.found


@pytest.mark.parametrize(
    ("given", "minutes", "lines"),
    [
        ("shop.sales=README.md", None, "--drift needs --watch"),
        ("shop.sales", 15, "write MODEL=PATH"),
        ("=README.md", 15, "write MODEL=PATH"),
        ("shop.sales=none.csv", 15, "there is no none.csv"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, minutes, lines):
    faults = Faults()
    inputs_of([given], minutes, faults)
    with pytest.raises(FaultsError, match=lines):
        faults.check()


def test_all_that_is_wrong_is_told_before_prefect_is_asked_for(tmp_path, monkeypatch):
    """A user had to start a server first, and then saw one fault after the other."""
    monkeypatch.setenv(API, "http://127.0.0.1:1/api")
    with pytest.raises(GatewiseError) as error:
        deploy(
            tmp_path / "none",
            pool="gatewise",
            cron="61 2 * * *",
            timezone="Mars",
            watch_minutes=None,
            retries=1,
            workers=None,
            notify=[],
            drift=["shop.sales=none.csv", "shop.tea"],
        )
    lines = str(error.value).splitlines()
    told = ["6 faults", "--drift needs", "no none.csv", "write MODEL=PATH", "none/params.yaml is"]
    told += ["--timezone 'Mars': ", "--cron '61 2 * * *': "]
    assert len(lines) == len(told)
    assert all(part in line for part, line in zip(told, lines, strict=True)), lines

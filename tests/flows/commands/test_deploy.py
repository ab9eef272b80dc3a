"""Output of `gatewise deploy`."""

from datetime import timedelta

import pytest

from flows.commands.services.deploy import told
from flows.operations.deployments import Deployed

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

"""A mark that is not as Gatewise writes it counts as none, and stops nobody."""

import json

import pytest

from flows.layout import Layout
from flows.running.mark import Mark, going_on, mark_file, read_mark
from flows.running.states import marked

RUN = "0f0e0d0c-0000-4000-8000-000000000001"

SOUND = {"run": RUN, "host": "here", "process": 7, "started": 1.5e9}


def write(layout, text):
    mark_file(layout).parent.mkdir(parents=True, exist_ok=True)
    mark_file(layout).write_text(text)


@pytest.mark.parametrize("run", [RUN, ""])
def test_mark_is_read_as_it_was_written(tmp_path, run):
    layout = Layout(tmp_path)
    write(layout, json.dumps(SOUND | {"run": run}))
    assert read_mark(layout) == Mark(run, "here", 7, 1.5e9)
    assert going_on(layout).endswith("(process 7 on here)")


ODD = {
    "empty": "",
    "list": "[1, 2, 3, 4]",
    "deep": "[" * 100_000,
    "text for a number": json.dumps(SOUND | {"started": "1.5e9"}),
    "no time": json.dumps(SOUND | {"started": None}),
    "nan": json.dumps(SOUND | {"started": float("nan")}),
    "infinite": json.dumps(SOUND | {"started": float("inf")}),
    "after all calendars": json.dumps(SOUND | {"started": 1e300}),
    "process in words": json.dumps(SOUND | {"process": "seven"}),
    "host that is a number": json.dumps(SOUND | {"host": 3}),
    "no id of Prefect": json.dumps(SOUND | {"run": "../../x"}),
    "number for an id": json.dumps(SOUND | {"run": 3}),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_mark_counts_as_none(tmp_path, kind):
    layout = Layout(tmp_path)
    write(layout, ODD[kind])
    assert read_mark(layout) is None
    assert going_on(layout) == "another run of this study is starting or ending"


def test_run_begins_in_spite_of_an_odd_mark(tmp_path, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    layout = Layout(tmp_path)
    write(layout, ODD["no id of Prefect"])
    with marked(layout, RUN):
        assert read_mark(layout).run == RUN
    assert not mark_file(layout).exists()

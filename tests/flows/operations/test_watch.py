"""A change of a study's data is seen and told once; a run that goes on is not disturbed."""

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

from flows.layout import Layout
from flows.operations import watch as module
from flows.operations.watch import watch
from flows.system.exclusive import if_free


@pytest.fixture
def looks(served, study_at, tiny, tmp_path, monkeypatch):
    """Looks at the data of a study that is up to date, and tells which events that emits."""
    events = []
    monkeypatch.setattr(module, "emit_event", lambda event, **more: events.append((event, more)))
    here = {PREFECT_API_URL: served["PREFECT_API_URL"], PREFECT_LOGGING_TO_API_ENABLED: False}
    few = {name: tiny["datasets"][name] for name in ("text", "sales")}
    study = study_at(tmp_path / "studies/study", tiny | {"datasets": few})
    study.run("dvc", "repro", "--quiet", "ingest@text", "ingest@sales")

    def look():
        events.clear()
        with temporary_settings(here):
            found = watch(str(study.folder))
        return found, [(event, more["payload"]["datasets"]) for event, more in events]

    look.study = study
    return look


def test_change_is_told_once_until_there_is_another(looks):
    assert looks() == ([], [])
    table = looks.study.folder / "sales.csv"
    for row in ("2024-10-27,7.5\n", "2024-10-28,8.5\n"):
        table.write_text(table.read_text() + row)
        assert looks() == (["sales"], [("gatewise.data.changed", ["sales"])])
        assert looks() == (["sales"], [])


def test_data_is_not_looked_at_while_a_run_goes_on(looks):
    table = looks.study.folder / "sales.csv"
    table.write_text(table.read_text() + "2024-10-27,7.5\n")
    with if_free(Layout(looks.study.folder), "flow") as free:
        assert free
        assert looks() == ([], [])
    assert looks()[0] == ["sales"]

"""A copy that DVC makes of a study for an experiment uses the store of that study."""

import pytest

from flows.layout import Layout


@pytest.mark.parametrize(
    ("dvc", "study"),
    [(".", "."), (".", "studies/shop"), ("studies/shop", "studies/shop")],
)
@pytest.mark.parametrize("copy", ["tmpa1b2", "standalone/tmpa1b2"])
def test_copy_for_an_experiment_has_the_store_of_its_study(tmp_path, dvc, study, copy):
    repository = tmp_path / "shop.git"
    workspace = repository / dvc / ".dvc/tmp/exps" / copy
    for root in (repository, workspace):
        (root / ".git").mkdir(parents=True)
        (root / study).mkdir(parents=True, exist_ok=True)
    ours, theirs = Layout(repository / study), Layout(workspace / study)
    assert theirs.store == ours.store.resolve()
    assert theirs.timings == ours.timings.resolve()
    assert theirs.training != ours.training


def test_study_that_is_no_copy_has_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(Layout().store) == ".gatewise/store"

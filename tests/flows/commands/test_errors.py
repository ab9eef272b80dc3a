"""Errors say what is wrong, as the user typed it, and what the user probably meant."""

from pathlib import Path

import pytest

from flows.commands import predict, stage
from flows.commands.services import lineage
from flows.system.home import as_typed, enter_home
from flows.tracking import registered as registered_models
from rnn_core.errors import DataError, ParameterError, StudyError


@pytest.mark.parametrize(
    ("model", "registered", "said"),
    [
        ("shop.te", ["shop.salt", "shop.tea"], "did you mean 'shop.tea'?"),
        ("Shop.TEA", ["shop.salt", "shop.tea"], "did you mean 'shop.tea'?"),
        ("tea", ["shop.salt", "shop.tea"], "registered: shop.salt, shop.tea"),
        ("shop.tea", [], "none is registered: gatewise run registers them"),
        ("x", [f"model{n}" for n in range(12)], "model9 and 2 more"),
    ],
)
def test_model_that_is_not_there_is_told_with_those_that_are(model, registered, said):
    assert registered_models.no_model(model, registered).endswith(said)


def test_study_that_is_not_there_is_told_with_the_nearest(tmp_path, monkeypatch):
    (tmp_path / "studies/benchmark").mkdir(parents=True)
    (tmp_path / "studies/benchmark/params.yaml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as caught:
        enter_home(Path("studies/benchmrk"))
    assert str(caught.value) == (
        "studies/benchmrk/params.yaml is missing; a study is a folder with one; "
        "did you mean studies/benchmark?"
    )
    (tmp_path / "others/params.yaml").mkdir(parents=True)  # no study either
    with pytest.raises(
        StudyError, match=r"^other/params.yaml is missing; .*; `gatewise new` makes one$"
    ):
        enter_home(Path("other"))
    assert Path.cwd() == tmp_path


def test_file_is_named_as_it_was_typed_after_the_current_folder_has_changed(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    typed = Path("../data/late.csv")
    whole = typed.resolve()
    with pytest.raises(DataError) as caught, as_typed(typed, None):
        monkeypatch.chdir(tmp_path)
        raise DataError(f"there is no {whole}; row 3 of {whole}")
    assert str(caught.value) == "there is no ../data/late.csv; row 3 of ../data/late.csv"


def test_fault_of_an_input_names_it_as_it_was_written():
    given = Path("somewhere/table.csv")
    for text, said in (
        ("the table: unknown column 'a'", "somewhere/table.csv: the table: unknown column 'a'"),
        ("table.csv, row 3: no number", "table.csv, row 3: no number"),
    ):
        with pytest.raises(DataError) as caught, predict.faults_of(given):
            raise DataError(text)
        assert str(caught.value) == said
    with pytest.raises(DataError, match=r"^row 3$"), predict.faults_of(Path("-")):
        raise DataError("row 3")


@pytest.mark.parametrize("verb", ["train", "evaluate", "compare"])
def test_stage_of_a_dataset_that_is_not_there_names_the_nearest(verb, new_study, tiny, monkeypatch):
    """It was a KeyError of the stages that train."""
    monkeypatch.chdir(new_study(tiny).folder)
    monkeypatch.setattr(stage, "die_with_parent", lambda: None)
    with pytest.raises(ParameterError, match="unknown dataset 'slaes'; did you mean 'sales'"):
        stage.run_stage(verb, "slaes")


def test_model_is_not_made_again_among_other_files(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ParameterError, match="is not an empty folder; choose another"):
        lineage.reproduce("shop.tea", Path(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]

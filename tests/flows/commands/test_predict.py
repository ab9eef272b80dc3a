"""Rows that can be answered are answered, whatever is wrong with others."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usual_forecasting import prepared, series

from flows.commands import predict as command
from flows.commands.predict import Served, answer_each, generate, shown
from flows.tracking import registered
from rnn_core.errors import DataError, StudyError
from rnn_core.tasks.base.serves import AnswerParameters, Serves, row_names
from rnn_core.training.models import build_model


class Halving:
    rows_stand_alone = True

    def __init__(self):
        self.calls = 0

    def answer(self, model, table, parameters):
        self.calls += 1
        halves = []
        for row, value in zip(row_names(table), table["given"], strict=True):
            if value % 2:
                raise DataError(f"row {row} has {value}, which is odd")
            halves.append(value // 2)
        return pd.DataFrame({"given": table["given"], "half": halves})


class Columns(Halving):
    def answer(self, model, table, parameters):
        try:
            return super().answer(model, table, parameters)
        except KeyError as error:
            raise DataError(str(error)) from None


def table_of(*values):
    return pd.DataFrame({"given": values})


def test_rows_with_a_fault_stay_empty_and_are_told():
    answer, faults = answer_each(Served(Halving(), None), table_of(4, 3, 8, 5), None)
    assert answer["given"].tolist() == [4, 3, 8, 5]
    assert answer["half"].fillna(-1).tolist() == [2, -1, 4, -1]
    assert faults.found == {"": ["row 2 has 3, which is odd", "row 4 has 5, which is odd"]}


def test_rows_that_were_numbered_in_reading_keep_their_numbers():
    table = table_of(4, 3).set_axis(pd.Index([2, 7], name="row"))
    _, faults = answer_each(Served(Halving(), None), table, None)
    assert faults.found == {"": ["row 7 has 3, which is odd"]}


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_few_faults_among_many_rows_are_found_with_few_answers(data):
    number = data.draw(st.integers(2, 200))
    rows = st.integers(0, number - 1)
    wrong = data.draw(st.sets(rows, min_size=1, max_size=min(4, number - 1)))
    task, values = Halving(), [2 * row + (row in wrong) for row in range(number)]
    answer, faults = answer_each(Served(task, None), table_of(*values), None)
    assert answer["given"].tolist() == values
    assert answer["half"].dropna().tolist() == [row for row in range(number) if row not in wrong]
    assert faults.found == {
        "": [f"row {row + 1} has {2 * row + 1}, which is odd" for row in sorted(wrong)]
    }
    assert task.calls <= 1 + 2 * len(wrong) * math.ceil(math.log2(number))


def test_nothing_is_answered_where_no_row_can_be():
    """Each has its reason, given once if all have the same."""
    with pytest.raises(DataError, match=r"2 faults\n  row 1 has 3[^\n]*\n  row 2 has 5"):
        answer_each(Served(Halving(), None), table_of(3, 5), None)
    with pytest.raises(DataError, match=r"^'given'$"):
        answer_each(Served(Columns(), None), pd.DataFrame({"other": [3, 5]}), None)


class Together(Halving, Serves):
    """A task whose rows depend on each other, and that cannot answer a part of them."""

    rows_stand_alone = False

    def read_input(self, path):
        raise NotImplementedError

    def example(self, raw):
        raise NotImplementedError


def test_rows_of_one_series_are_answered_together_or_not_at_all():
    task = Together()
    with pytest.raises(DataError, match="row 2 has 3"):
        answer_each(Served(task, None), table_of(4, 3), None)
    assert task.calls == 1


def trained(folder):
    whole = several({"north": 60, "south": 60, "west": 60})
    options = {"targets": ("y",), "features": (), "series": "shop", "lookback": 6, "horizon": 3}
    task, _ = prepared(folder, whole, **options)
    return Served(task, build_model(task, "gru").eval())


def test_series_that_can_be_answered_are(tmp_path):
    served = trained(tmp_path)
    given = several({"north": 9, "south": 4, "west": 9, "east": 9})
    given.loc[given["shop"] == "east", "y"] = None
    asked = served.task.AnswerParameters()
    answer, faults = answer_each(served, given, asked)
    expected = served.task.answer(served.model, given[given["shop"].isin(["north", "west"])], asked)
    pd.testing.assert_frame_equal(answer, expected)
    assert sorted(one for alike in faults.found.values() for one in alike) == [
        "the table, series 'east': no row has a value of y; leave it out",
        "the table, series 'south' has 4 rows; 6 are needed; give it more, or leave it out",
    ]


def test_all_that_keeps_series_from_an_answer_is_told(tmp_path):
    served = trained(tmp_path)
    given = several({"north": 4, "south": 4, "east": 9})
    given.loc[given["shop"] == "east", "y"] = None
    with pytest.raises(DataError) as caught:
        answer_each(served, given, served.task.AnswerParameters())
    assert str(caught.value).startswith("3 faults")
    for told in ("'north' has 4 rows", "'south' has 4 rows", "'east': no row has a value of y"):
        assert told in str(caught.value)


@pytest.mark.parametrize("value", ["soon", None])
def test_a_timestamp_that_cannot_be_read_keeps_its_own_series_from_an_answer(tmp_path, value):
    served = trained(tmp_path)
    given = several({"north": 9, "south": 9, "west": 9}).reset_index(drop=True)
    given["date"] = given["date"].astype(str).where(given.index != 3, value)
    asked = served.task.AnswerParameters()
    answer, faults = answer_each(served, given, asked)
    expected = served.task.answer(served.model, given[given["shop"] != "north"], asked)
    pd.testing.assert_frame_equal(answer, expected)
    (told,) = (one for alike in faults.found.values() for one in alike)
    assert told.startswith("the table, row 4, column 'date'")


def test_series_with_day_and_month_in_different_orders_are_not_answered(tmp_path):
    served = trained(tmp_path)
    given = several({"north": 20, "south": 20}).reset_index(drop=True)
    north = given["shop"] == "north"
    given["date"] = (
        given["date"].dt.strftime("%d/%m/%Y").where(north, given["date"].dt.strftime("%m/%d/%Y"))
    )
    with pytest.raises(DataError, match="do not have day and month in the same order"):
        answer_each(served, given, served.task.AnswerParameters())


def test_a_table_without_rows_is_refused(tmp_path):
    served = trained(tmp_path)
    with pytest.raises(DataError, match="the table has no rows"):
        answer_each(served, several({"north": 9}).iloc[:0], served.task.AnswerParameters())


def test_a_fault_of_the_whole_table_is_told_once(tmp_path):
    served = trained(tmp_path)
    given = several({"north": 9, "south": 9})
    given["date"] = given["date"].astype(str).where(given.index != 3, "soon")
    with pytest.raises(DataError) as caught:
        answer_each(served, given, served.task.AnswerParameters())
    assert str(caught.value).count("'soon'") == 1


def several(lengths):
    """A table of several series, by the number of their rows."""
    return pd.concat(
        [series(rows, seed).assign(shop=shop) for seed, (shop, rows) in enumerate(lengths.items())]
    )


class Writing:
    AnswerParameters = AnswerParameters

    def stream(self, model, prompt, parameters):
        if "Ω" in prompt:
            raise DataError("character 1 of the prompt is 'Ω'")
        yield from model


@pytest.mark.parametrize(("pieces", "told"), [(["b", "c"], "abc\n"), ([], "a\n")])
def test_a_prompt_is_shown_with_what_follows_it(monkeypatch, capsys, pieces, told):
    monkeypatch.setattr(command, "load", lambda _: Served(Writing(), pieces))
    generate("study.text", "a", [])
    assert capsys.readouterr().out == told


def test_nothing_is_shown_of_a_prompt_that_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(command, "load", lambda _: Served(Writing(), ["b"]))
    with pytest.raises(DataError, match="character 1 of the prompt"):
        generate("study.text", "Ω", [])
    assert capsys.readouterr().out == ""


SHOWN = {
    "large": [7_800_000_001.5, 7_800_400_002.25],
    "cents of a million": [1_234_640.1, 1_234_641.3],
    "close together": [1e15 + 1, 1e15 + 3],
    "usual": [10.123456789, 13.2],
    "one row": [7_800_000_001.5],
    "a gap": [1.5, float("nan")],
}


@pytest.mark.parametrize("kind", SHOWN)
def test_numbers_are_shown_with_the_digits_that_tell_them_apart(kind):
    """To six digits, and to a thousandth of what lies between them; without a power of ten."""
    values = SHOWN[kind]
    text = shown(pd.DataFrame({"date": "2024-01-01", "y": values}))
    found = [line.partition(",")[2] for line in text.splitlines()[1:]]
    known = [(value, float(f)) for value, f in zip(values, found, strict=True) if f]
    assert len(known) == len(values) - sum(map(math.isnan, values))
    apart = max(values) - min(values) if len(known) > 1 else values[0]
    assert all(abs(value - f) <= min(apart / 1000, abs(value) * 1e-5) for value, f in known)
    assert not any("e" in f for f in found)
    assert max(map(len, found)) <= 17


def loading(monkeypatch, needed, of_database):
    """Let a model, and MLflow's database, need packages that are not there."""

    def missing(name):
        def raised(*_):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        return raised

    monkeypatch.setattr(registered, "load_registered", missing(needed))
    models = missing(of_database) if of_database else list
    monkeypatch.setattr(registered, "registered_models", models)


def test_what_the_library_behind_an_address_says_is_passed_on(monkeypatch):
    def without_credentials(*_):
        raise RuntimeError("Unable to locate credentials")

    monkeypatch.setattr(registered, "load_registered", without_credentials)
    with pytest.raises(StudyError, match=r"^s3://a/b cannot be loaded: Unable to locate cred"):
        command.load("s3://a/b")


def test_a_package_that_a_model_needs_is_named(monkeypatch):
    loading(monkeypatch, "budoux", None)
    with pytest.raises(StudyError, match=r"^films\.reviews needs budoux, which is not installed$"):
        command.load("films.reviews")


def test_a_package_that_the_database_needs_is_not_said_to_be_the_models(monkeypatch):
    loading(monkeypatch, "psycopg2", "psycopg2")
    with pytest.raises(StudyError, match=r"MLflow's database at .* needs a package .*psycopg2"):
        command.load("films.reviews")

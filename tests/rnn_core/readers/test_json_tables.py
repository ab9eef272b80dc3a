"""Tables in JSON, in all forms that pandas writes, and some that others do."""

import json

import pandas as pd
import pytest

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.table_files import TableForm, read_table_file

TABLE = pd.DataFrame({"text": ["ah", "eh", "oh"], "label": [1, 0, None], "7": [1.5, 2.5, 3.5]})


def read(folder, content):
    (folder / "t.json").write_text(content)
    faults = Faults()
    found = read_table_file(folder / "t.json", TableForm(), faults)
    faults.check()
    return found.frame


FORMS = {
    **{form: TABLE.to_json(orient=form) for form in ("records", "columns", "index", "split")},
    "table": TABLE.to_json(orient="table"),
    "lines": TABLE.to_json(orient="records", lines=True),
    "named rows": TABLE.set_axis(["a", "b", "c"]).to_json(orient="index"),
    "lists": json.dumps({"text": ["ah", "eh", "oh"], "label": [1, 0, None], "7": [1.5, 2.5, 3.5]}),
    "rows under a name": json.dumps(
        {"version": 2, "rows": json.loads(TABLE.to_json(orient="records"))}
    ),
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_table_is_read(form, indent, tmp_path):
    content = FORMS[form]
    if indent and form != "lines":
        content = json.dumps(json.loads(content), indent=indent)
    frame = read(tmp_path, content)[list(TABLE)].reset_index(drop=True)
    pd.testing.assert_frame_equal(frame, TABLE, check_dtype=False, check_names=False)


def test_one_object_is_one_row(tmp_path):
    frame = read(tmp_path, '{"text": "ah", "label": 1}\n')
    assert frame.to_dict("records") == [{"text": "ah", "label": 1}]


def test_values_inside_a_value_are_joined_to_their_row(tmp_path):
    frame = read(
        tmp_path, '{"id": 1, "translation": {"en": "one", "de": "eins"}, "more": {}}\n' * 2
    )
    assert list(frame) == ["id", "translation.en", "translation.de", "more"]
    assert frame["translation.de"].tolist() == ["eins", "eins"]


MONTHS = ["2024-01", "2024-02", "2024-03"]
WEEKS_IN_MS = [str(ms) for ms in (631152000000, 631756800000, 632361600000)]  # from 1990-01-01
NAMED_ROWS = {
    "months": (MONTHS, "date"),
    "months with strokes": (["2024/01", "2024/02", "2024/03"], "date"),
    "milliseconds": (WEEKS_IN_MS, "date"),
    "milliseconds before 1970": (["-315619200000", "-86400000", "0", "60000"], "date"),
    "numbers below 0": (["-3", "-2", "-1"], "index"),
    "seconds": (["1704067200", "1704067201", "1704067202"], "date"),
    "numbers of customers": (["104728351", "104728352", "228190007"], "index"),
    "numbers of parcels": (["00340434161094042557", "00340434161094042564"], "index"),
    "telephone numbers": (["49301234567", "49301234568", "49891234567"], "index"),
}


@pytest.mark.parametrize("orient", ["columns", "index"])
@pytest.mark.parametrize("kind", NAMED_ROWS)
def test_rows_have_names(kind, orient, tmp_path):
    names, called = NAMED_ROWS[kind]
    table = pd.DataFrame({"v": range(len(names)), "w": 0.5}, index=names)
    frame = read(tmp_path, table.to_json(orient=orient))
    assert list(frame) == [called, "v", "w"]
    assert frame[called].tolist() == names
    assert frame["v"].tolist() == table["v"].tolist()


def test_one_column_by_months_is_one(tmp_path):
    frame = read(tmp_path, json.dumps({"v": dict(zip(MONTHS, [1, 2, 3], strict=True))}))
    assert frame.to_dict("list") == {"date": MONTHS, "v": [1, 2, 3]}


WEATHER = {
    "latitude": 52.52,
    "hourly_units": {"time": "iso8601", "temperature_2m": "C"},
    "hourly": {"time": ["2024-01-01T00:00", "2024-01-01T01:00"], "temperature_2m": [1.5, None]},
}


def test_columns_inside_an_object_are_the_table(tmp_path):
    """As Open-Meteo answers."""
    frame = read(tmp_path, json.dumps(WEATHER))
    assert frame["time"].tolist() == WEATHER["hourly"]["time"]
    assert frame["temperature_2m"].iloc[0] == 1.5
    assert len(frame.columns) == 2


@pytest.mark.parametrize("rows", [2, 3])
def test_of_columns_inside_two_objects_the_longer_ones_are_the_table(tmp_path, rows):
    daily = {"time": ["2024-01-01", "2024-01-02", "2024-01-03"][:rows], "rain": [1, 2, 3][:rows]}
    (tmp_path / "t.json").write_text(json.dumps({**WEATHER, "daily": daily}))
    table = read_table_file(tmp_path / "t.json", TableForm(), Faults())
    called = "hourly" if rows == 2 else "daily"
    value = "temperature_2m" if rows == 2 else "rain"
    assert list(table.frame) == ["time", value]
    told = f"of its tables (hourly, daily), {called} alone, which has the most rows"
    assert table.notes == (told,)


ROWS = [{"date": "2024-01-01", "y": 1}, {"date": "2024-01-02", "y": 2}]
DATES = [row["date"] for row in ROWS]
PAIRS = [[row["date"], row["y"]] for row in ROWS]
FEATURES = [
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": row}
    for row in ROWS
]
INSIDE = {
    "rows under two names": {"status": "ok", "data": {"items": ROWS, "count": 2}},
    "rows by their days": {"about": {"a": 1}, "series": {r["date"]: {"y": r["y"]} for r in ROWS}},
    "rows after a page": [{"page": 1}, ROWS],
    "rows below their names": [["date", "y"], *([r["date"], r["y"]] for r in ROWS)],
    "columns beside other values": {"s": "ok", "date": DATES, "y": [1, 2], "of": ["x"]},
    "names of columns and rows": {
        "results": [{"series": [{"columns": ["date", "y"], "values": PAIRS}]}]
    },
    "names in a schema, values in boxes": {
        "schema": {"fields": [{"type": "DATE", "name": "date"}, {"type": "INT", "name": "y"}]},
        "rows": [{"f": [{"v": date}, {"v": y}]} for date, y in PAIRS],
    },
    "names in a schema, columns": {
        "frames": [
            {
                "schema": {"fields": [{"name": "date"}, {"name": "y"}]},
                "data": {"values": [DATES, [1, 2]]},
            }
        ]
    },
    "names beside rows": {"column_names": ["date", "y"], "data": PAIRS, "limit": None},
    "lists with their names": {
        "type": "line",
        "data": {"date": DATES, "datasets": [{"color": "red", "label": "y", "data": [1, 2]}]},
    },
    "GeoJSON": {"type": "FeatureCollection", "features": FEATURES},
    "GeoJSON in a box": {"type": "FeatureCollection", "bbox": [0, 0, 9], "features": FEATURES},
    "a list of GeoJSON": FEATURES,
}


@pytest.mark.parametrize("kind", INSIDE)
def test_rows_inside_other_values_are_the_table(tmp_path, kind):
    assert read(tmp_path, json.dumps(INSIDE[kind])).to_dict("records") == ROWS


def test_lists_beside_columns_inside_belong_to_them(tmp_path):
    columns = {"a": [1, 2], "b": [3, 4]}
    frame = read(tmp_path, json.dumps({"days": DATES, "series": columns, "more": [1, 2, 3]}))
    assert frame.to_dict("list") == {"days": DATES, **columns}


LISTED = [{"kind": "bar", "name": name, "of": [*"ab"], "v": [1, 2]} for name in ("sun", "wind")]
APART = {
    "lists with their names": (
        {"seconds": [1704067200, 1704070800], "kinds": LISTED, "old": False},
        {"seconds": [1704067200, 1704070800], "sun": [1, 2], "wind": [1, 2]},
    ),
    "labels of an axis": (
        {"axis": {"data": DATES}, "y": {"type": "value"}, "series": LISTED},
        {"data": DATES, "sun": [1, 2], "wind": [1, 2]},
    ),
    "rows without names": (
        [[1704067200000, "0.5", 7], [1704070800000, "0.25", 8]],
        {"1": [1704067200000, 1704070800000], "2": ["0.5", "0.25"], "3": [7, 8]},
    ),
    "rows without names inside": (
        {"error": [], "result": {"XY": [[*pair, "0.5"] for pair in PAIRS], "last": 9}},
        {"1": DATES, "2": [1, 2], "3": ["0.5", "0.5"]},
    ),
    "rows of texts below their names": (
        [["NAME", "POP", "state"], ["Oslo", "700", "03"], ["Bergen", "290", "46"]],
        {"NAME": ["Oslo", "Bergen"], "POP": ["700", "290"], "state": ["03", "46"]},
    ),
}


@pytest.mark.parametrize("kind", APART)
def test_lists_whose_names_are_apart_or_nowhere_are_columns(tmp_path, kind):
    value, columns = APART[kind]
    table = whole_table(tmp_path, value)
    assert table.frame.to_dict("list") == columns
    assert table.form.header is (False if "1" in columns else None)


SERIES = {
    "columns of places": [
        {"lat": 52.5, "unit": "C", "hourly": {"time": DATES, "y": [1, 2]}},
        {"lat": 48.9, "unit": "C", "hourly": {"time": DATES, "y": [3, 4]}},
    ],
    "pairs of sensors": {
        "data": {
            "result": [
                {"lat": 52.5, "y": [["2024-01-01", 1], ["2024-01-02", 2]]},
                {"lat": 48.9, "y": [["2024-01-01", 3], ["2024-01-02", 4]]},
            ]
        }
    },
}


@pytest.mark.parametrize("kind", SERIES)
def test_tables_of_several_series_are_one_below_the_other(tmp_path, kind):
    (tmp_path / "t.json").write_text(json.dumps(SERIES[kind]))
    table = read_table_file(tmp_path / "t.json", TableForm(), Faults())
    assert table.frame.to_dict("list") == {
        "lat": [52.5, 52.5, 48.9, 48.9],
        "time": DATES * 2,
        "y": [1, 2, 3, 4],
    }
    assert table.notes == ("its 2 tables are one below the other, told apart by lat",)


def test_the_table_of_one_series_says_which_it_is(tmp_path):
    frame = read(tmp_path, json.dumps(SERIES["columns of places"][1:]))
    assert frame[["lat", "y"]].to_dict("list") == {"lat": [48.9, 48.9], "y": [3, 4]}


def test_records_that_have_several_values_each_stay_records(tmp_path):
    answers = {"start": [1, 2], "text": ["a", "b"]}
    frame = read(tmp_path, json.dumps([{"id": i, "answers": answers} for i in (7, 8)]))
    assert frame["id"].tolist() == [7, 8]


REFUSED = {
    "lists of other lengths": ('{"a": [1, 2], "b": [1]}', "row 1: 'a' holds further values"),
    "values inside values": ('{"a": {"b": {"c": 1}}}', "row 1: 'a.b' holds further values"),
    "split without rows": ('{"columns": 1, "data": "x", "c": [1]}', "row 1: 'c' holds further"),
    "two columns of a name": (
        '{"columns": ["a", "a"], "data": [[1, 2]]}',
        "row 1: 'columns' holds",
    ),
    "a longer row": ('{"columns": ["a"], "data": [[1], [1, 2]]}', "row 1: 'columns' holds"),
    "lists as long as no other one": (
        '{"size": [2, 2], "of": {"a": {"b": ["x", "y"]}}, "value": [1, 2, 3, 4]}',
        r"t.json, row 1: 'size' holds further values; write one value$",
    ),
    "a number": ("7", "row 1 holds no object"),
    "a list of numbers": ("[1, 2]", "row 2 holds no object"),
    "no end": ('[{"a": 1},', "row 1 is not JSON"),
    "too deep": ("[" * 100_000 + "]" * 100_000, "too many values inside values"),
    "a name twice": ('[{"v": 1}, {"v": 2, "w": 0, "v": 3}]', "t.json: an object has 'v' twice"),
    "a name twice in lines": ('{"v": 1, "v": 3}\n{"v": 2}\n', r"^\S*t.json, row 1: .* 'v' twice"),
    "a name twice once values are joined": (
        '[{"v": {"w": 1}}, {"v.w": 3, "v": {"w": 2}}]',
        r"t.json, row 2: an object has 'v\.w' twice",
    ),
    "too deep in lines": ('{"a": 1}\n' + "[" * 100_000, "row 2"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_table_is_refused(kind, tmp_path):
    content, message = REFUSED[kind]
    with pytest.raises(FaultsError, match=message):
        read(tmp_path, content)


def test_values_of_the_whole_do_not_hide_those_of_its_tables(tmp_path):
    """As where both have a name."""
    parts = [
        {
            "id": place,
            "rows": [{"id": f"{place}{d}", "date": f"2024-01-0{d}", "v": d} for d in (1, 2, 3)],
        }
        for place in "AB"
    ]
    frame = read(tmp_path, json.dumps(parts))
    assert frame["id of the whole"].tolist() == [*"AAABBB"]
    assert frame["id"].tolist() == ["A1", "A2", "A3", "B1", "B2", "B3"]


def whole_table(folder, value):
    (folder / "t.json").write_text(json.dumps(value))
    return read_table_file(folder / "t.json", TableForm(), Faults())


SHOPS = {"oslo": ROWS, "rome": [{"date": "2024-01-02", "y": 7}]}


@pytest.mark.parametrize(
    ("value", "names"),
    [(SHOPS, ["oslo", "oslo", "rome"]), ([*SHOPS.values()], ["part 1", "part 1", "part 2"])],
)
def test_tables_with_the_same_columns_are_one_below_the_other(tmp_path, value, names):
    table = whole_table(tmp_path, value)
    assert table.frame.to_dict("list") == {
        "name": names,
        "date": [*DATES, "2024-01-02"],
        "y": [1, 2, 7],
    }
    assert table.notes == ("its 2 tables are one below the other, told apart by name",)


def test_a_name_that_the_tables_have_is_kept(tmp_path):
    both = {place: [{**row, "name": "x"} for row in ROWS] for place in ("oslo", "rome")}
    frame = whole_table(tmp_path, both).frame
    assert frame["table"].tolist() == ["oslo", "oslo", "rome", "rome"]
    assert frame["name"].tolist() == ["x"] * 4


def test_tables_that_share_their_times_alone_are_one_beside_the_other(tmp_path):
    prices, caps = PAIRS, [[date, 10 * y] for date, y in PAIRS]
    table = whole_table(tmp_path, {"prices": prices, "caps": caps})
    assert table.frame.to_dict("list") == {"time": DATES, "prices": [1, 2], "caps": [10, 20]}
    assert table.notes == ()


OTHERS = {
    "days and months": {"days": ROWS * 4, "months": ROWS},
    "other times": {"y": PAIRS, "z": [["2024-01-03", 1], ["2024-01-04", 2], ["2024-01-05", 3]]},
    "no times": {"train": [{"text": "a", "label": 1}] * 3, "test": [{"text": "b", "label": 0}] * 2},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_of_tables_that_do_not_fit_together_the_longest_is_read(tmp_path, kind):
    table = whole_table(tmp_path, OTHERS[kind])
    assert len(table.frame) == max(map(len, OTHERS[kind].values()))
    assert "alone, which has the most rows" in table.notes[0]

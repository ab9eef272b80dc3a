"""Tables as people have them: read rightly and answered, or refused with the true cause."""

import gzip
from decimal import Decimal

import pandas as pd
import pytest
from packed_files import zipped
from written_tables import (
    DAILY,
    DAYS,
    JSON_LINES,
    N,
    Y,
    changed,
    csv,
    each,
    excel,
    indexed,
    parquet,
)

from rnn_core.errors import DataError

ALIGNED = csv(form="%Y-%m-%d").replace(",", "   ")
PARTS = {f"part-{i}.csv": csv(DAYS[6 * i : 6 * i + 6], Y[6 * i : 6 * i + 6]) for i in range(10)}

READ = {
    "columns that blanks align": ({"f.dat": ALIGNED}, "separated by spaces", "2024-03-01"),
    "names in a comment": ("# made by us\n# " + csv(), "line 2, a comment, has", "2024-03-01"),
    "units below the names": (csv(head="date,y\n,kg/m3"), "row 2 (, kg/m3)", "2024-03-01"),
    "a file after another": (
        csv(DAYS[:30], Y[:30]) + csv(DAYS[30:], Y[30:]),
        "left out, since it has the column names again: row 32",
        "2024-03-01",
    ),
    "parts": (PARTS, "10 files are its parts, in this order: part-0.csv, part-1", "2024-03-01"),
    "a comment": ("# exported by tool\n" + csv(), "line 1 is above the table", "2024-03-01"),
    "a title": ("Sales of the north\n" + csv(), "line 1 is above the table", "2024-03-01"),
    "commas at the ends of rows": (
        csv().replace("\n", ",\n").replace("y,\n", "y\n"),
        DAILY,
        "2024-03-01",
    ),
    "commas at all ends": (csv().replace("\n", ",\n"), DAILY, "2024-03-01"),
    "a line for Excel": ("sep=,\n" + csv(), DAILY, "2024-03-01"),
    "a blank in a name": (csv(head="date,y "), DAILY, "2024-03-01"),
    "millions and thousands": (
        csv(values=[f"{y}M" if i % 2 else f"{y * 1e3}K" for i, y in enumerate(Y)]),
        DAILY,
        "2024-03-01",
    ),
    "blanks that do not break": (each("{}\u00a0"), DAILY, "2024-03-01"),
    "a mark of Excel for texts": (each("'{}"), DAILY, "2024-03-01"),
    "signs before a currency": (each("-${}"), DAILY, "2024-03-01"),
    "losses in brackets": (each("({})"), DAILY, "2024-03-01"),
    "currency": (each("${}"), DAILY, "2024-03-01"),
    "a point for a gap": (changed(p40="."), "column 'y' has 1 gap (row 42)", "2024-03-01"),
    "a line for a gap": (changed(p40="-"), "column 'y' has 1 gap (row 42)", "2024-03-01"),
    "tabs": ({"f.tsv": csv().replace(",", "\t")}, "separated by tabs", "2024-03-01"),
    "txt": ({"f.txt": csv()}, DAILY, "2024-03-01"),
    "gzip": ({"f.csv.gz": gzip.compress(csv().encode())}, DAILY, "2024-03-01"),
    "JSON lines": ({"f.jsonl": JSON_LINES}, DAILY, "2024-03-01"),
    "spreadsheet": (excel(), DAILY, "2024-03-01"),
    "zip": ({"f.zip": zipped({"t.csv": csv()})}, DAILY, "2024-03-01"),
    "30 rows": (csv(DAYS[:30], Y[:30]), "30 rows of f.csv", "2024-01-31"),
    "cp1252": (
        {"f.csv": csv(values=[f"{y},Köln" for y in Y], head="date,y,ort").encode("cp1252")},
        "in cp1252",
        "2024-03-01",
    ),
    "UTF-16": ({"f.csv": csv().encode("utf-16")}, "in utf-16", "2024-03-01"),
    "mark of UTF-8": ("\ufeff" + csv(), DAILY, "2024-03-01"),
    "quoted numbers": (each('"{}"'), DAILY, "2024-03-01"),
    "numbers of rows": (
        csv([f"{i},{day:%Y-%m-%d}" for i, day in enumerate(DAYS)], head=",date,y"),
        DAILY,
        "2024-03-01",
    ),
    "days without a name": (csv(head=",y"), DAILY, "2024-03-01"),
    "names of shares": (
        csv(head="Price,y\nTicker,AAPL\nDate,"),
        "row 2 (Ticker, AAPL) and row 3",
        "2024-03-01",
    ),
    "thousands": (each('"1,{:07.3f}"'), DAILY, "2024-03-01"),
    "decimals of databases": (
        parquet(pd.DataFrame({"date": DAYS, "y": [Decimal(str(y)) for y in Y]})),
        DAILY,
        "2024-03-01",
    ),
    "semicolons and decimal commas": (
        "date;y\n"
        + "".join(
            f"{d:%d.%m.%Y};{y}\n".replace(".", ",").replace(",", ".", 2)
            for d, y in zip(DAYS, Y, strict=True)
        ),
        "separated by semicolons, decimals with a comma",
        "2024-03-01",
    ),
    "one absurd value": (
        changed(p20="1000000"),
        "1 value very far from the others: row 22 (1e+06)",
        "2024-03-01",
    ),
    "a number for a missing one": (
        changed(p9="-200", p33="-200"),
        "2 values very far from the others: row 11 (-200), row 35",
        "2024-03-01",
    ),
    "blank end": (
        changed(**{f"p{i}": "" for i in range(50, 60)}),
        "0 rows at the start, 10 at the end",
        "2024-02-20",
    ),
    "blank start": (
        changed(**{f"p{i}": "" for i in range(9)}),
        "9 rows at the start, 0 at the end",
        "2024-03-01",
    ),
    "index without a name": (indexed(DAYS), DAILY, "2024-03-01"),
}
"""Written form, description, and first timestamp of the answer."""


@pytest.mark.parametrize("kind", READ)
def test_table_is_read_rightly_and_answered(read_rightly, kind):
    read_rightly(*READ[kind])


TWO = [f"{y},{20 + y / 2}" for y in Y]
SHOPS = [f"{day:%Y-%m-%d},{shop}" for shop in "ab" for day in DAYS[:30]]
OWN_STARTS = [*SHOPS[:30], *(f"{day:%Y-%m-%d},b" for day in DAYS[9:39])]
SERIES = "2 series one below the other, told apart by column 'store'; set data.series to 'store'"

REFUSED = {
    "too large": (changed(p20="1e308"), {}, "f.csv, row 22, column 'y' is too large"),
    "series of the same starts": (csv(SHOPS, head="date,store,y"), {}, SERIES),
    "series of their own starts": (csv(OWN_STARTS, head="date,store,y"), {}, SERIES),
    "horizon in hours": (csv(), {"sets": ["horizon=24h"]}, "horizon: must be a whole number"),
    "horizon in words": (csv(), {"sets": ["horizon=abc"]}, "horizon: must be a whole number"),
    "lookback in words": (csv(), {"sets": ["lookback=auto"]}, "lookback: must be a whole number"),
    "one share": (csv(), {"sets": ["split=0.8"]}, "split: must be a list, such as [1, 2]"),
    "a share in percent": (csv(), {"sets": ["split=80"]}, "split: must be a list, such as"),
    "shares without brackets": (
        csv(),
        {"sets": ["split=0.7,0.1,0.2"]},
        "split: must be a list, such as [1, 2], not '0.7,0.1,0.2'",
    ),
    "a target twice": (csv(), {"targets": ["y", "y"]}, "targets name 'y' twice"),
    "dates with a blank in columns that blanks align": (
        csv().replace(",", "   "),
        {},
        "f.csv has no column 'y'; it has one column alone, 'date   y': name what separates fields",
    ),
    "a footer": (csv() + "Total,1203\n", {}, "f.csv, row 62, column 'date': 'Total' is not a time"),
    "a name twice": (csv(values=TWO, head="date,y,y"), {}, "more than one column 'y'; rename one"),
    "a blank row": (csv().replace("2024-01-20", "\n2024-01-20"), {}, "row 21 is blank; remove it"),
    "one percent sign": (changed(p7="7 %"), {}, "row 9, column 'y': '7 %' has a unit, and others"),
    "durations": (
        parquet(pd.DataFrame({"date": DAYS, "y": pd.to_timedelta(range(N), unit="h")})),
        {},
        "column 'y' holds durations: write them as numbers of a unit, such as hours",
    ),
    "GB 18030": (
        {"f.csv": csv(values=[f"{y},\u5317\u4eac" for y in Y], head="date,y,c").encode("gb18030")},
        {},
        "is not UTF-8, and no other encoding is certain; save the file in UTF-8, or name its",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_wrong_is_refused_with_the_cause(refuse, kind):
    files, asked, message = REFUSED[kind]
    refuse("forecasting", files, message, **{"targets": ["y"], **asked})


NAMED = {
    "several targets with a comma": ("date,y,z", {"targets": ["y,z"]}, "predicted: y, z"),
    "one feature": (
        "date,y,temperature",
        {"sets": ["features=temperature"]},
        "besides: temperature",
    ),
    "a column that YAML takes for false": ("date,y,NO", {"sets": ["features=[NO]"]}, "besides: NO"),
    "a target that YAML takes for false": ("date,NO,x", {"targets": ["NO"]}, "predicted: NO; not"),
    "letters of other scripts": (
        "\u0434\u0430\u0442\u0430,\u0446,x",
        {"targets": ["\u0446"]},
        DAILY,
    ),
    "marks in names": (
        'date,"Close, (EUR) ${x} {0} #",x',
        {"targets": ["Close, (EUR) ${x} {0} #"]},
        DAILY,
    ),
    "shares": ("date,y,x", {"sets": ["split=[0.7,0.1,0.2]"]}, "4 in the validation set"),
    "an encoding": ("date,y,x", {"sets": ["encoding=gb18030"]}, "in gb18030"),
    "a lookback and horizon of few rows": (
        "date,y,x",
        {"sets": ["lookback=4", "horizon=2"]},
        DAILY,
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_what_a_person_names_is_taken(bring, kind):
    head, asked, told = NAMED[kind]
    brought = bring(
        "forecasting", {"f.csv": csv(values=TWO, head=head)}, **{"targets": ["y"], **asked}
    )
    assert told in brought.told
    answer, _ = brought.answer()
    assert answer.iloc[0, 0] == pd.Timestamp("2024-03-01")
    assert list(answer)[1:] == list(brought.task.meta.parameters.targets)


def test_several_targets_keep_their_scales(bring):
    values = [f"{y},{y * 1e6}" for y in Y]
    brought = bring("forecasting", {"f.csv": csv(values=values, head="date,y,z")}, ["y", "z"])
    answer, _ = brought.answer()
    assert answer["y"].between(-20, 40).all()
    assert answer["z"].between(-20e6, 40e6).all()
    assert answer["z"].max() > 1e5


def test_series_named_are_learned_together(bring):
    table = csv(OWN_STARTS, head="date,store,y")
    brought = bring("forecasting", {"f.csv": table}, ["y"], series="store")
    assert "2 series by the column store, of 30 rows each; one model for all" in brought.told
    assert brought.answer()[0].groupby("store")["date"].min().astype(str).tolist() == [
        "2024-01-31",
        "2024-02-09",
    ]


ASKED = {
    "a gap": (changed(p55=""), "row 57, column 'y' has no value; fill it, since the model was"),
    "a row is missing": (csv(DAYS.delete(55), Y[1:]), "add the missing rows, since the model was"),
    "days in another order": (csv(form="%m/%d/%Y"), "does not have the day first, as the dates"),
}


@pytest.mark.parametrize("kind", ASKED)
def test_table_that_does_not_fit_the_model_is_refused_with_what_can_be_done(bring, tmp_path, kind):
    content, message = ASKED[kind]
    brought = bring("forecasting", {"f.csv": csv(form="%d/%m/%Y")}, ["y"])
    (tmp_path / "asked.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        brought.answer(tmp_path / "asked.csv")

"""A table of days or other times, in many ways of writing."""

import io
import json

import numpy as np
import pandas as pd

N = 60
DAYS = pd.date_range("2024-01-01", periods=N)
HOURS = pd.date_range("2024-01-01", periods=N, freq="h")
MONTHS = pd.date_range("2010-01-01", periods=N, freq="MS")
QUARTERS = pd.date_range("2000-01-01", periods=N, freq="QS")
WEEKS = pd.date_range("2020-01-06", periods=N, freq="W-MON")
BUSINESS = pd.bdate_range("2024-01-01", periods=N)
BERLIN = pd.date_range("2024-03-30", periods=N, freq="h", tz="Europe/Berlin")
AUTUMN = pd.date_range("2024-10-26", periods=N, freq="h", tz="Europe/Berlin").tz_localize(None)
Y = (np.arange(N) * 37 % 11 + np.arange(N) / 8).round(3)


def csv(times=DAYS, values=Y, head="date,y", form=None):
    written = times if form is None else times.strftime(form)
    return head + "\n" + "".join(f"{t},{v}\n" for t, v in zip(written, values, strict=True))


def changed(**values):
    found = list(map(str, Y))
    for place, value in values.items():
        found[int(place[1:])] = value
    return csv(values=found)


def each(form):
    return csv(values=[form.format(value) for value in Y])


def parquet(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    return {"f.parquet": file.getvalue()}


def excel():
    file = io.BytesIO()
    pd.DataFrame({"date": DAYS, "y": Y}).to_excel(file, index=False)
    return {"f.xlsx": file.getvalue()}


def indexed(times):
    return parquet(pd.DataFrame({"y": Y}, index=times))


SESSIONS = [d + pd.Timedelta(minutes=570 + 30 * i) for d in BUSINESS[:10] for i in range(6)]
JSON_LINES = "\n".join(
    json.dumps({"date": f"{day:%Y-%m-%d}", "y": y}) for day, y in zip(DAYS, Y, strict=True)
)
DAILY = "time: 2024-01-01 to 2024-02-29"
MONTHLY = "time: 2010-01-01 to 2014-12-01, one row per month, 12 per year"

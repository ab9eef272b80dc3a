"""Names of columns that tell that they hold timestamps, or parts of them."""

import re
from collections.abc import Mapping

USUAL_NAMES = ("timestamp", "datetime", "date", "time", "ds", "day", "week", "month", "year")
"""Names of columns of timestamps, in lower case, the likeliest of all."""

USUAL_WORDS = frozenset(
    (*USUAL_NAMES, "period", "quarter", "ts", "dt", "epoch", "unix", "when", "opened", "utc")
) | frozenset(("datum", "zeit", "zeitpunkt", "fecha", "data", "jour", "mois", "dia", "mes", "jahr"))
"""Words of such names."""

YEARS = frozenset(["year", "jahr", "date", "ds", "period", "datum", "fecha", "anno"])
"""Words of names of columns whose numbers may be years alone."""

PARTS: Mapping[str, frozenset[str]] = {
    "date": frozenset(("date", "datum", "fecha", "data", "day", "dia", "jour", "tag")),
    "time": frozenset(("time", "clock", "zeit", "uhrzeit", "tod", "heure", "hora", "ora")),
    "year": frozenset(("year", "yr", "yyyy", "jahr", "anno", "ano", "annee")),
    "quarter": frozenset(("quarter", "qtr", "quartal", "trimestre")),
    "month": frozenset(("month", "mon", "mo", "mm", "monat", "mes", "mois", "mese", "period")),
    "week": frozenset(("week", "isoweek", "woche", "kw", "semana", "semaine")),
    "day of year": frozenset(("doy", "yday", "jday", "julian", "dayofyear")),
    "day": frozenset(("day", "dd", "dy", "mday", "dom", "tag", "dia", "jour")),
    "hour": frozenset(("hour", "hr", "hh", "he", "stunde", "hora", "heure")),
    "minute": frozenset(("minute", "min", "mins", "mi", "mn")),
    "second": frozenset(("second", "sec", "secs", "ss", "sekunde", "segundo", "seconde")),
}
"""Words of names of columns that hold a part of a timestamp."""

WEEKS = PARTS["week"] | {"yearweek"}
QUARTERS = PARTS["quarter"]
"""Names of columns in which a small number beside a year counts such parts of it."""


def words_of(name: str) -> set[str]:
    """The words of a column's name, in lower case."""
    return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))

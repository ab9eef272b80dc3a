"""Numbers as people write them, read where what is meant is certain."""

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.memory import give_back

if TYPE_CHECKING:
    import pandas as pd

Decimal: TypeAlias = Literal[".", ","]

AT_ONCE = 50_000
"""Values that are read at once; a bound on memory only."""

GAPS = frozenset(
    (
        *("", ".", "..", "...", ":", "-", "--", "\u2013", "\u2014", "?"),
        *("na", "n/a", "n.a.", "<na>", "nan", "-nan", "nat", "n/d", "n.d.", "s/d", "k.a."),
        *("null", "(null)", "\\n", "none", "nil", "missing"),
    )
)
"""Signs for a missing value, in lower case."""

NO_RESULT = re.compile(r"#nv|#[^\W\d_]/[^\W\d_]( .*)?|#[^\d\s].{0,20}[!?]|#getting_data|err:\d{3}")
"""Errors of a spreadsheet, such as #N/A, #REF! and #WERT!, in lower case: it had no value there."""

PLAINLY = "write decimals with a point and thousands without a separator"
NO_NUMBER = "is not a number"

BLANKS = " \t\r\n\u00a0\u2009\u202f\u2007\u200b\ufeff"
"""Blanks around a number, such as those that web pages and spreadsheets leave."""

SCALES = {"k": 1e3, "K": 1e3, "M": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9, "T": 1e12}
"""Letters right after a number that stand for thousands, millions ..."""

THOUSANDS = "' \u00a0\u2009\u202f\u2019"
"""Marks that may be between thousands, whatever the sign before decimals is."""

CODES = (
    "AED|ARS|AUD|BDT|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|GHS|HKD|HUF|IDR|ILS|INR|ISK|JPY"
    "|KES|KRW|KZT|LKR|MAD|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD"
    "|UAH|USD|VND|ZAR"
)
CURRENCY = "|".join(
    (
        r"[A-Z]{0,2}[$\u00a2-\u00a5\u09f2\u09f3\u0e3f\u17db\u20a0-\u20cf\ufdfc\uffe5]",
        CODES,
        *(r"Rs\.?", r"[Kk]r\.?", r"S?Fr\.", "RM", "Rp", "K[Ss]h", "z\u0142", "K\u010d", r"R(?=\s)"),
    )
)
"""Currencies that may be before a number, such as US$, NOK and kr."""

POWER = r"(?<=[mtdnO^])[23](?!\d)"
"""A digit that belongs to a unit, such as m3, ft2 and CO2."""

EVEN = r"(?<=\d)(?:/-|[.,][-\u2013\u2014])"
"""The end of a price without decimals, such as 500/- and 12,-."""

NUMBER = re.compile(
    rf"'?(?P<open>\()?\s*(?P<sign>[+\u2212-])?\s*(?P<currency>{CURRENCY})?\s*(?P<second>[+-])?"
    rf"(?P<digits>\d[\d.,{THOUSANDS}]*|[.,]\d+)(?P<power>[eE][+-]?\d+)?"
    rf"({EVEN})?(?P<blank>\s*)(?P<unit>[^\d\s.,()+-]([^\d()+-]|{POWER})*?)?\s*(?P<minus>(?<=\d)-)?(?P<close>\))?"
)
SHAPES = {
    decimal: re.compile(
        rf"(?P<whole>\d+|[1-9]\d{{0,2}}(?P<mark>[{other}{THOUSANDS}])\d{{3}}"
        rf"((?P=mark)\d{{3}})*{more})?"
        rf"({re.escape(decimal)}(?P<rest>\d+)?)?"
    )
    for decimal, other, more in ((".", ",", r"|[1-9]\d?(,\d\d)+,\d{3}"), (",", ".", ""))
}
"""Forms of numbers, by the sign before decimals; 12,34,567 is written in India."""

ARABIC_SIGNS = {"\u066b": 0, "\u066c": 1}
"""Signs before decimals and between thousands in Arabic and Persian, by their place in a pair."""

GROUPS_OF_POINTS = r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$"
"""Thousands with points between, where decimals have a comma before."""


def is_gap(text: str) -> bool:
    """Return whether a text stands for a missing value."""
    bare = text.strip().lower()
    return bare in GAPS or NO_RESULT.fullmatch(bare) is not None


def are_gaps(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Find the texts that stand for a missing value; see `is_gap`."""
    bare = texts.str.strip().str.lower()
    return bare.isin(GAPS) | bare.str.fullmatch(NO_RESULT.pattern)


class Written(NamedTuple):
    """A number that is written in an unusual way.

    Attributes:
        number: What it is.
        unit: What follows it, or the currency before it.
    """

    number: float
    unit: str


class UnclearError(ValueError):
    """A text that is no number, or not certainly one.

    Args:
        what: What is wrong with it.
        cure: What to do.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


def read_numbers(
    values: "pd.Series[Any]",
    name: str,
    decimal: Decimal | None,
    faults: Faults,
    units: dict[str, str],
) -> NDArray[np.float64]:
    """Texts as numbers; float64 (N,), NaN where there is no value.

    Args:
        values: The texts; the index says what rows are called.
        name: What to call the table in errors.
        decimal: The decimal sign; None if that is not known.
        faults: Where it is noted which of them are no numbers.
        units: Where it is noted which unit they have, if they have one, by the name of the column.
    """
    found = np.empty(len(values))
    rest: dict[int, str] = {}
    for start in range(0, len(values), AT_ONCE):
        numbers, others = plain_numbers(values.iloc[start : start + AT_ONCE], decimal)
        found[start : start + AT_ONCE] = numbers
        rest |= {start + place: text for place, text in others}
        give_back()
    if rest:
        where = f"{name}, row {{row}}, column {values.name!r}: {{value!r}} "
        plain = bool(np.isfinite(found).any())
        for place, written in read_unusual(rest, values, decimal, plain, where, faults):
            found[place] = written.number
            if written.unit:
                units[str(values.name)] = written.unit
    return found


def plain_numbers(
    values: "pd.Series[Any]", decimal: Decimal | None
) -> tuple[NDArray[np.float64], list[tuple[int, str]]]:
    """The numbers of a piece that are written as usual, and the place of each other text."""
    import pandas as pd  # noqa: PLC0415 - takes long

    text = values.astype("str").str.strip(BLANKS)
    usual = text.str.replace(",", ".", regex=False) if decimal == "," else text
    numbers = pd.to_numeric(usual, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if decimal == ",":
        numbers = np.where(text.str.match(GROUPS_OF_POINTS), np.nan, numbers)
    unread = np.flatnonzero(np.isnan(numbers))
    others = [(int(place), str(values.iloc[place]).strip(BLANKS)) for place in unread]
    empty = values.isna().to_numpy()
    return numbers, [(p, text) for p, text in others if not empty[p] and not is_gap(text)]


def read_unusual(
    rest: dict[int, str],
    values: "pd.Series[Any]",
    decimal: Decimal | None,
    plain: bool,
    where: str,
    faults: Faults,
) -> Iterator[tuple[int, Written]]:
    """The numbers that are written in an unusual way, by their places.

    A unit is read over where all values of a column have the same one.
    """
    if all(text.lower() in {"true", "false"} for text in rest.values()):
        column = where.partition(", row")[0]
        faults.add(f"{column}: column {values.name!r} holds true and false", "write 1 and 0")
        return
    found: dict[int, Written] = {}
    for place, text in rest.items():
        try:
            found[place] = read_written(text, decimal)
        except UnclearError as error:
            what = where.format(row=values.index[place], value=text) + error.what
            faults.add(what, error.cure)
    units = {written.unit for written in found.values()}
    mixed = len(units) > 1 or (plain and units != {""})
    currency = units - {""} if len(units - {""}) == 1 else set()
    for place, written in found.items():
        if written.unit and mixed and not (currency and is_currency(written.unit)):
            told = where.format(row=values.index[place], value=rest[place])
            what = f"{told}has a unit, and others have none, or another"
            faults.add(what, "keep the number alone")
        else:
            yield place, written


def is_currency(unit: str) -> bool:
    """Return whether a unit is a currency, which some values of a column may lack."""
    return re.fullmatch(rf"({CURRENCY})\s", f"{unit} ") is not None  # R is one before a blank alone


def read_written(text: str, decimal: Decimal | None) -> Written:
    """A number with a sign, separators of thousands, a unit, or in parentheses.

    Raises:
        UnclearError: If what it is is not certain.
    """
    match = NUMBER.fullmatch(in_ascii_digits(text, decimal or "."))
    if match is None or bool(match["open"]) != bool(match["close"]):
        raise UnclearError(NO_NUMBER, "write a number, or leave it empty")
    number = float(as_digits(match["digits"].strip(), decimal) + (match["power"] or ""))
    signs = "".join(match[part] or "" for part in ("sign", "second", "minus"))
    negative = bool(match["open"]) or signs in {"-", "\u2212"}
    if len(signs) > 1:
        raise UnclearError(NO_NUMBER, "write a number, or leave it empty")
    unit = (match["unit"] or "").strip()
    if unit in SCALES and not (match["blank"] or match["digits"][-1].isspace()):
        number, unit = number * SCALES[unit], ""
    return Written(-number if negative else number, unit or match["currency"] or "")


def in_ascii_digits(text: str, decimal: Decimal) -> str:
    """A text with the digits 0 to 9 in place of those of other scripts."""
    if text.isascii():
        return text
    pair = (decimal, "," if decimal == "." else ".")
    return "".join(
        pair[ARABIC_SIGNS[sign]] if sign in ARABIC_SIGNS else str(unicodedata.decimal(sign, sign))
        for sign in text
    )


def as_digits(digits: str, decimal: Decimal | None) -> str:
    """Digits with a point before the decimals, and nothing between thousands.

    Raises:
        UnclearError: If it is not certain which is which.
    """
    match = SHAPES[decimal or "."].fullmatch(digits)
    if match is None or not (match["whole"] or match["rest"]):
        raise UnclearError(
            "has a comma" if "," in digits else NO_NUMBER,
            f"{PLAINLY}; for a new study whose decimals all have a comma: --set decimal=,",
        )
    if decimal is None and match["mark"] == "," and match["rest"] is None and len(digits) <= 7:
        raise UnclearError(
            "has a comma before decimals, or between thousands",
            f"{PLAINLY}; for a new study: --set decimal=, or, for thousands, --set decimal=.",
        )
    return f"{re.sub(r'[^0-9]', '', match['whole'] or '0')}.{match['rest'] or 0}"

"""Names of months in other languages, brought into the form that pandas reads."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal

import pandas as pd

from rnn_core.readers.times.parsing import AT_ONCE

LANGUAGES = (
    *("de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "hu", "ro", "bg", "ru", "uk", "sv"),
    *(
        "nb",
        "da",
        "fi",
        "et",
        "lv",
        "lt",
        "el",
        "tr",
        "hr",
        "sl",
        "sr_Latn",
        "ca",
        "id",
        "he",
        "ar",
    ),
)
"""Languages by their codes in the Unicode CLDR, whose years are those of the Gregorian calendar."""

ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

IN_ENGLISH = re.compile(
    r"jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    r"|nov(ember)?|dec(ember)?|mon(day)?|tue(s(day)?)?|wed(nesday)?|thu(r(s(day)?)?)?|fri(day)?"
    r"|sat(urday)?|sun(day)?|utc|gmt|am|pm|[tz]"
)
"""Words in timestamps that pandas reads, in lower case."""

WORD = r"[^\W\d_]{2,}"
BETWEEN = re.compile(r"[^\w:+]*([^\W\d_]+)[^\w:+]*")
"""A word, with what stands between it and its neighbours."""

WIDTHS: tuple[Literal["wide", "abbreviated"], ...] = ("wide", "abbreviated")
CONTEXTS: tuple[Literal["format", "stand-alone"], ...] = ("format", "stand-alone")


def in_english(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Texts with the English names of their months, as 3 Jan 2022; unchanged if they are unclear.

    They are clear if one language, or several that agree, has a month in each text, and all other
    words are its days of the week, or the same in all texts, as "de" in 3 de enero de 2022.

    Args:
        values: Texts, (N,); a month may be cut to three letters or more, without accents.
    """
    phrases = phrases_of(values)
    if all(IN_ENGLISH.fullmatch(word) for words in phrases for word in words):
        return values
    readings = [found for language in LANGUAGES if (found := months_in(phrases, language))]
    if not readings or any(found != readings[0] for found in readings):
        return values
    found = readings[0]

    def put(match: re.Match[str]) -> str:
        month = found.get(folded(match[1]))
        return f" {ENGLISH[month - 1]} " if month else " "

    written = [BETWEEN.sub(put, text).strip() for text in values]
    return pd.Series(written, index=values.index, name=values.name, dtype=values.dtype)


def phrases_of(values: "pd.Series[Any]") -> list[list[str]]:
    """The different sequences of words in texts; each text has one of them."""
    found: dict[str, None] = {}
    for start in range(0, len(values), AT_ONCE):
        piece = values.iloc[start : start + AT_ONCE].str.replace(r"[\d\s.,:/+-]+", " ", regex=True)
        found |= dict.fromkeys(piece.unique())
    return [words_of(phrase) for phrase in found]


def months_in(phrases: Iterable[list[str]], language: str) -> Mapping[str, int]:
    """The month of each word that is one in a language; empty if the language is another."""
    months, beside = names_in(language)
    found: dict[str, int] = {}
    others: list[set[str]] = []
    for words in phrases:
        likely = [word for word in words if word in months or word not in beside]
        of_months = {word: month for word in likely if (month := month_of(word, months))}
        if len(of_months) != 1:
            return {}
        found |= of_months
        others.append(set(words) - set(of_months) - beside)
    return found if all(words == others[0] for words in others) else {}


def month_of(word: str, months: Mapping[str, int]) -> int | None:
    """The month that a word names, or that alone begins with it; None if there is none."""
    if word in months:
        return months[word]
    if len(word) < 3:
        return None
    begun = {month for name, month in months.items() if name.startswith(word)}
    return begun.pop() if len(begun) == 1 else None


@cache
def names_in(language: str) -> tuple[Mapping[str, int], frozenset[str]]:
    """Names of months with their numbers, and words that come with them, in a language."""
    from babel.dates import get_day_names, get_month_names  # noqa: PLC0415 - few tables need it

    months: dict[str, int] = {}
    others: set[str] = set()
    for width in WIDTHS:
        for context in CONTEXTS:
            for number, name in get_month_names(width, context, language).items():
                *before, month = words_of(name)  # as in d'abril
                months.setdefault(month, number)
                others |= set(before)
            for name in get_day_names(width, context, language).values():
                others |= set(words_of(name))  # as in segunda-feira
    return months, frozenset(others)


def words_of(phrase: str) -> list[str]:
    """The words of a phrase, in lower case, without accents and points."""
    return [folded(word) for word in re.findall(r"[^\W\d_]+", phrase)]


def folded(word: str) -> str:
    """A word in lower case, without accents and points."""
    parts = unicodedata.normalize("NFD", word.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).strip(". ")

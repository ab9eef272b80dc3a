"""Small files in the layouts that people have, of every task."""

import gzip
import io
import json
import math
import random
import struct
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from babel.dates import get_month_names


@dataclass(frozen=True)
class Layout:
    """Arguments of `gatewise new`.

    Attributes:
        task: Name of the task.
        files: Contents by their path below the folder.
        wanted: Data parameters that the person names.
        given: What `predict` is asked about; a path below the folder.
    """

    task: str
    files: dict[str, bytes]
    wanted: dict[str, Any] = field(default_factory=dict)
    given: str = "."


def days(count: int) -> list[date]:
    return [date(2024, 1, 1) + timedelta(day) for day in range(count)]


def level(step: int) -> str:
    return f"{10 + 3 * math.sin(step / 7 * 2 * math.pi) + step * 37 % 11 / 9:.3f}"


def daily() -> pd.DataFrame:
    rows = [(str(day), float(level(i)), i % 5) for i, day in enumerate(days(60))]
    return pd.DataFrame(rows, columns=["date", "y", "visitors"])


def parquet(table: pd.DataFrame) -> bytes:
    target = io.BytesIO()
    table.to_parquet(target)
    return target.getvalue()


def excel(table: pd.DataFrame) -> bytes:
    target = io.BytesIO()
    table.to_excel(target, index=False)
    return target.getvalue()


def zoned() -> pd.DataFrame:
    index = pd.date_range("2024-03-29", periods=60, freq="h", tz="Europe/Berlin", name="time")
    return pd.DataFrame({"y": [float(level(i)) for i in range(60)]}, index=index)


def german() -> bytes:
    rows = [f"{day:%d.%m.%Y};{level(i).replace('.', ',')}" for i, day in enumerate(days(60))]
    return "\r\n".join(["Datum;y", *rows, ""]).encode("cp1252")


def reviews(separator: str, quote: str = "") -> bytes:
    draw = random.Random(1)
    rows = []
    for number in range(60):
        word = draw.choice([["dull", "poor", "bad"], ["bright", "fine", "good"]][number % 2])
        text = f"take {number} of the {draw.choice(['plot', 'cast', 'film'])} was {word}"
        rows.append(f"{quote}{text}{quote}{separator}{['no', 'yes'][number % 2]}")
    return "\n".join([f"text{separator}label", *rows, ""]).encode()


def review_lines() -> bytes:
    rows = [row.split(";") for row in reviews(";").decode().splitlines()[1:]]
    return "".join(json.dumps({"text": t, "label": x}) + "\n" for t, x in rows).encode()


def tone(name: str, rate: int, seconds: float = 0.12) -> np.ndarray[Any, Any]:
    draw = np.random.default_rng(list(name.encode()))
    times = np.arange(int(rate * seconds)) / rate
    pitch = 200 + 80 * (sum(name.encode()) % 9)
    return 0.4 * np.sin(2 * np.pi * pitch * times) + 0.02 * draw.standard_normal(len(times))


def wav(name: str, rate: int = 8000, seconds: float = 0.12) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (32000 * tone(name, rate, seconds)).astype("<i2")
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples.tolist()))
    return target.getvalue()


def sound(name: str, form: str, subtype: str | None = None) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, tone(name, 8000), 8000, format=form, subtype=subtype)
    return target.getvalue()


def flat_words() -> dict[str, bytes]:
    names = [
        f"{w}_{s}_{t}.wav" for w in ("yes", "no") for s in ("ann", "bob", "cy") for t in (0, 1)
    ]
    return {name: wav(name) for name in names}


def word_folders() -> dict[str, bytes]:
    kinds: list[tuple[str, Callable[[str], bytes]]] = [
        ("wav", wav),
        ("flac", lambda name: sound(name, "FLAC")),
        ("wav", lambda name: sound(name, "WAV", "FLOAT")),
        ("ogg", lambda name: sound(name, "OGG")),
    ]
    return {
        f"{word}/{number}.{ending}": made(f"{word}{number}")
        for word in ("stop", "go")
        for number, (ending, made) in enumerate(kinds * 2)
    }


def transcribed(ending: str) -> dict[str, bytes]:
    texts = ["yes no", "no", "yes", "no yes", "yes yes", "no no"] * 2
    mark = {"tsv": "\t", "csv": ","}[ending]
    rows = [f"u{i}.wav{mark}{text}" for i, text in enumerate(texts)]
    table = "\n".join([f"file{mark}text", *rows, ""]).encode()
    return {f"transcripts.{ending}": table} | {
        f"u{i}.wav": wav(f"u{i}", seconds=0.3) for i in range(len(texts))
    }


def story() -> str:
    draw = random.Random(2)
    nouns, verbs = ["cat", "dog", "bird", "horse"], ["sees", "hears", "likes"]
    sentences = [
        f"The {draw.choice(nouns)} {draw.choice(verbs)} the {draw.choice(nouns)}."
        for _ in range(120)
    ]
    return "\n".join(sentences) + "\n"


def pairs() -> list[tuple[str, str]]:
    nouns = {"dog": "Hund", "cat": "Kater", "man": "Mann", "bird": "Vogel", "boy": "Junge"}
    verbs = {"sees": "sieht", "hears": "hört", "likes": "mag"}
    return [
        (f"The {a} {v} the {b}.", f"Der {nouns[a]} {verbs[v]} den {nouns[b]}.")
        for a in nouns
        for v in verbs
        for b in nouns
    ]


def column(texts: list[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def hourly() -> bytes:
    """A table with days and times of day in two columns that blanks align."""
    hours = pd.date_range("2024-01-01", periods=60, freq="h")
    lines = [
        f"{hour:%d.%m.%Y}  {hour:%H:%M}  {place % 7 + 0.5:8.2f}" for place, hour in enumerate(hours)
    ]
    return "\n".join(["# measured by us", "# Date Time y", *lines, ""]).encode()


def parts() -> dict[str, bytes]:
    """A table in three files."""
    table, size = daily(), len(daily()) // 3
    pieces = [table.iloc[place : place + size] for place in range(0, 3 * size, size)]
    return {f"part-{i}.csv": piece.to_csv(index=False).encode() for i, piece in enumerate(pieces)}


def french() -> bytes:
    months = get_month_names("abbreviated", locale="fr")
    rows = [f"{months[i % 12 + 1]} {2019 + i // 12};{level(i)}" for i in range(60)]
    return "\n".join(["mois;y", *rows, ""]).encode()


LAYOUTS = {
    "csv": Layout(
        "forecasting", {"f.csv": daily().to_csv(index=False).encode()}, {"targets": ["y"]}, "f.csv"
    ),
    "german csv": Layout("forecasting", {"f.csv": german()}, {"targets": ["y"]}, "f.csv"),
    "parquet": Layout(
        "forecasting", {"f.parquet": parquet(zoned())}, {"targets": ["y"]}, "f.parquet"
    ),
    "aligned": Layout("forecasting", {"f.dat": hourly()}, {"targets": ["y"]}, "f.dat"),
    "parts": Layout("forecasting", parts(), {"targets": ["y"]}),
    "months in words": Layout("forecasting", {"f.csv": french()}, {"targets": ["y"]}, "f.csv"),
    "columns in JSON": Layout(
        "forecasting", {"f.json": daily().to_json().encode()}, {"targets": ["y"]}, "f.json"
    ),
    "excel": Layout("forecasting", {"f.xlsx": excel(daily())}, {"targets": ["y"]}, "f.xlsx"),
    "gzip": Layout(
        "forecasting",
        {"f.csv.gz": gzip.compress(daily().to_csv(index=False).encode(), mtime=0)},
        {"targets": ["y"]},
        "f.csv.gz",
    ),
    "reviews": Layout("sentiment", {"r.csv": reviews(";")}, {}, "r.csv"),
    "reviews in tabs": Layout("sentiment", {"r.tsv": reviews("\t", '"')}, {}, "r.tsv"),
    "reviews in lines": Layout("sentiment", {"r.jsonl": review_lines()}, {}, "r.jsonl"),
    "words": Layout("speech_recognition", flat_words()),
    "folders of words": Layout("speech_recognition", word_folders()),
    "transcripts": Layout("speech_transcription", transcribed("tsv")),
    "transcripts with commas": Layout("speech_transcription", transcribed("csv")),
    "text": Layout("text_generation", {"t.txt": story().encode()}, {}, "t.txt"),
    "words of a text": Layout(
        "text_generation", {"t.txt": story().encode()}, {"tokens": "word"}, "t.txt"
    ),
    "two languages": Layout(
        "translation",
        {"t.en": column([s for s, _ in pairs()]), "t.de": column([t for _, t in pairs()])},
        {"source_file": "t.en", "target_file": "t.de"},
        "t.en",
    ),
    "pairs with commas": Layout(
        "translation",
        {"p.csv": pd.DataFrame(pairs(), columns=["en", "de"]).to_csv().encode()},
        {},
        "p.csv",
    ),
    "pairs": Layout(
        "translation",
        {"deu.txt": column([f"{s}\t{t}\tCC-BY 2.0" for s, t in pairs()])},
        {},
        "deu.txt",
    ),
}

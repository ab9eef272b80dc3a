"""Inputs of each task: few alarms where they are like the training set, and one where not."""

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from rnn_core.drift.comparison import compare
from rnn_core.drift.observers import REGISTRY, observer_of
from rnn_core.drift.texts import script_of, shares_outside_others
from rnn_core.errors import DataError
from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import get_task

CHECKS = 40
"""Inputs of each task that are like the training set."""

WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("al", "en", "ir", "os", "um", "a", "e", "i")]
WORDS += [f"{first}{second}" for first in WORDS[:60] for second in WORDS[:40]]


def sentences(rng, number, *, common=1.0, longer=0):
    """Sentences with few frequent words, so that new sentences have words of their own."""
    weights = 1 / np.arange(1, len(WORDS) + 1) ** common
    lengths = rng.poisson(7, number) + 2 + longer
    drawn = rng.choice(len(WORDS), lengths.sum(), p=weights / weights.sum())
    ends = np.cumsum(lengths)[:-1]
    return [" ".join(WORDS[i] for i in part) for part in np.split(drawn, ends)]


def wav(rng, *, rate=8000, loudness=1.0):
    """A recording of a tone between two silences."""
    length = int(rng.integers(800, 2400))
    tone = np.sin(np.arange(length) * rng.uniform(0.2, 0.6)) * rng.uniform(0.2, 0.5) * loudness
    samples = np.pad(tone, int(rng.integers(100, 400))) + rng.normal(0, 1e-3, 1)
    samples = samples + rng.normal(0, 1e-3, len(samples))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def season(rng, rows, *, shift=0.0, gaps=0.0, start=0, noise=1.0):
    """An autoregression whose neighbours are much alike, with a strong daily season."""
    drawn = np.zeros(rows + 200)
    for i, step in enumerate(rng.normal(0, 0.4, len(drawn))):
        drawn[i] = 0.9 * drawn[i - 1] + step
    hours = np.arange(start, start + rows)
    values = 10 + 3 * np.sin(2 * np.pi * hours / 24) + noise * drawn[200:] + shift
    values[rng.uniform(size=rows) < gaps] = np.nan
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, "h")
    return pd.DataFrame({"date": stamps.strftime("%Y-%m-%d %H:%M"), "y": values})


def opinions(rng, folder):
    texts = sentences(rng, 600)
    table = pd.DataFrame({"text": texts, "label": rng.choice(["yes", "no"], 600)})
    table.to_csv(folder / "texts.csv", index=False)


def pairs(rng, folder):
    texts = sentences(rng, 500)
    (folder / "c.en").write_text("".join(f"{text}\n" for text in texts))
    (folder / "c.de").write_text("".join(f"{text.upper()}\n" for text in texts))


def symbols(rng, number):
    return ["".join(row) for row in rng.choice(list("abcd"), (number, 6))]


def lines(rng, folder):
    (folder / "lines.txt").write_text("".join(f"{line}\n" for line in symbols(rng, 500)))


def book(rng, folder):
    (folder / "book.txt").write_text(". ".join(sentences(rng, 1500)))


def words(rng, folder):
    for i in range(90):
        (folder / f"{['yes', 'no'][i % 2]}_{i:03}.wav").write_bytes(wav(rng))


def transcribed(rng, folder):
    names = [f"{i:03}.wav" for i in range(60)]
    for name in names:
        (folder / name).write_bytes(wav(rng))
    table = pd.DataFrame({"file": names, "text": rng.choice(["12", "21", "1"], 60)})
    table.to_csv(folder / "transcripts.tsv", sep="\t", index=False)


def table_of(name, make):
    return lambda rng: pd.DataFrame({name: make(rng)})


def wavs(**options):
    return table_of("wav", lambda rng: [wav(rng, **options) for _ in range(30)])


def texts(name, joiner=None, **options):
    def make(rng):
        found = sentences(rng, 60, **options)
        return found if joiner is None else [joiner.join(found)]

    return table_of(name, make)


@dataclass(frozen=True)
class Case:
    """A task: its files, how it is prepared, inputs like them, and others by what changed."""

    parameters: dict
    lay_out: Callable
    alike: Callable
    others: dict
    model: dict = field(default_factory=dict)


CASES = {
    "sentiment": Case(
        {"text": "text", "label": "label"},
        opinions,
        texts("text"),
        {
            "words": texts("text", longer=8),
            "unknown words": texts("text", common=0.1),
            "script": table_of("text", lambda rng: ["слово за слово"] * 30),
        },
    ),
    "translation": Case(
        {"source_file": "c.en", "target_file": "c.de", "max_vocabulary": 200},
        pairs,
        texts("text"),
        {
            "characters": texts("text", longer=8),
            "unknown characters": table_of("text", lambda rng: ["žluťoučký kůň"] * 30),
        },
    ),
    "copy_memory": Case(
        {"lag": 3},
        lines,
        table_of("symbols", lambda rng: symbols(rng, 60)),
        {
            "length": table_of("symbols", lambda rng: ["abc"] * 30),
            "first symbol": table_of("symbols", lambda rng: ["aabcda"] * 60),
        },
    ),
    "text_generation": Case(
        {"tokens": "word"},
        book,
        texts("prompt", ". "),
        {
            "unknown tokens": texts("prompt", ". ", common=0.1),
            "digits": table_of("prompt", lambda rng: ["12 34 567 " * 200]),
        },
    ),
    "speech_recognition": Case(
        {"num_mels": 8, "split_by": "share"},
        words,
        wavs(),
        {"level (dB)": wavs(loudness=0.2), "sample rate (Hz)": wavs(rate=16000)},
    ),
    "speech_transcription": Case(
        {"num_mels": 8, "split_by": "share"},
        transcribed,
        wavs(),
        {"level (dB)": wavs(loudness=0.2)},
    ),
    "forecasting": Case(
        {"targets": ["y"], "date": "date", "lookback": 24, "horizon": 6, "missing": "fill"},
        lambda rng, folder: season(rng, 1600).to_csv(folder / "y.csv", index=False),
        lambda rng: season(rng, int(rng.integers(24, 200)), start=5000 + int(rng.integers(24))),
        {
            "y, level": lambda rng: season(rng, 120, shift=5),
            "y, missing": lambda rng: season(rng, 120, gaps=0.3),
            "y, roughness": lambda rng: season(rng, 120, noise=3),
        },
        {"normalisation": "none"},
    ),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The task of a name, prepared once, with the traits of its training set."""
    made = {}

    def prepare(name):
        if name not in made:
            folder, case = tmp_path_factory.mktemp(name), CASES[name]
            case.lay_out(np.random.default_rng(0), folder)
            kind = get_task(name)
            _, meta = kind.prepare(folder, parse(kind.DataParameters, case.parameters, ""))
            task = kind(meta, kind.ModelParameters(hidden_size=4, **case.model))
            made[name] = task, observer_of(name).of_training(task, folder)
        return made[name]

    return prepare


def drift_of(name, prepared, table):
    task, training = prepared(name)
    observer = observer_of(name)
    return compare(training, observer.of_input(task, table), in_time=observer.in_time)


def test_each_task_has_an_observer():
    assert REGISTRY.keys() == TASKS.keys()
    assert CASES.keys() == TASKS.keys()


@pytest.mark.parametrize("name", TASKS)
def test_alarms_are_rare_where_inputs_are_like_the_training_set(name, prepared):
    rng = np.random.default_rng(1)
    drifts = [drift_of(name, prepared, CASES[name].alike(rng)) for _ in range(CHECKS)]
    alarms = [[one.trait for one in drift.changed] for drift in drifts if drift.changed]
    assert len(alarms) <= 0.05 * CHECKS, alarms


@pytest.mark.parametrize(
    ("name", "trait"), [(name, trait) for name in TASKS for trait in CASES[name].others]
)
def test_other_inputs_are_found(name, trait, prepared):
    drift = drift_of(name, prepared, CASES[name].others[trait](np.random.default_rng(2)))
    assert trait in {one.trait for one in drift.changed}


def test_test_of_single_rows_would_see_changes_everywhere():
    """The reason why windows are compared with stretches of the training set."""
    rng = np.random.default_rng(1)
    training = season(rng, 1600, noise=3)["y"]
    alarms = [ks_2samp(training, season(rng, 120, noise=3)["y"]).pvalue < 0.01 for _ in range(40)]
    assert sum(alarms) > 0.3 * len(alarms)


def test_words_of_one_training_text_alone_count_as_unknown():
    index = {"a": 1, "b": 2, "c": 3}
    cut = [["a", "b"], ["a", "c", "c"], ["b", "d"]]
    assert shares_outside_others(cut, index, 1) == pytest.approx([0, 2 / 3, 1 / 2])
    assert shares_outside_others(cut, index, 2) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Guten Tag, größer!", "Latin"),
        ("привет", "Cyrillic"),
        ("12, 34?", "no letters"),
        ("日本語", "Cjk"),
        ("aяb", "Latin"),
        ("abяжあい", "mixed"),
    ],
)
def test_script_is_that_of_most_letters(text, script):
    assert script_of(text) == script


def test_window_is_shorter_where_the_training_set_is(tmp_path):
    kind = get_task("forecasting")
    season(np.random.default_rng(0), 200).to_csv(tmp_path / "y.csv", index=False)
    asked = CASES["forecasting"].parameters | {"lookback": 24}
    _, meta = kind.prepare(tmp_path, parse(kind.DataParameters, asked, ""))
    task = kind(meta, kind.ModelParameters(hidden_size=4))
    assert observer_of("forecasting").of_training(task, tmp_path).num_items >= 20


def test_level_is_no_trait_where_the_model_reads_values_relative_to_the_last(prepared, tmp_path):
    task, _ = prepared("forecasting")
    relative = type(task)(task.meta, type(task.model)(hidden_size=4, normalisation="last_value"))
    observer = observer_of("forecasting")
    rng = np.random.default_rng(0)
    season(rng, 1600).to_csv(tmp_path / "y.csv", index=False)
    training = observer.of_training(relative, tmp_path)
    moved = observer.of_input(relative, season(rng, 120, shift=50))
    assert compare(training, moved, in_time=True).changed == ()


def test_series_that_move_together_are_one_observation(tmp_path):
    """Else each of many alike would be evidence of its own."""
    rng, kind = np.random.default_rng(0), get_task("forecasting")
    one = season(rng, 1000)
    several = [
        one.assign(y=one["y"] + rng.normal(0, 0.1, len(one)), shop=f"s{i}") for i in range(5)
    ]
    pd.concat(several).to_csv(tmp_path / "y.csv", index=False)
    asked = parse(kind.DataParameters, CASES["forecasting"].parameters | {"series": "shop"}, "")
    _, meta = kind.prepare(tmp_path, asked)
    task = kind(meta, kind.ModelParameters(hidden_size=4, normalisation="none"))
    observer = observer_of("forecasting")
    training = observer.of_training(task, tmp_path)
    alarms = 0
    for _ in range(20):
        new = season(rng, 48, start=5000)
        table = pd.concat([new.assign(shop=f"s{i}") for i in range(5)])
        drift = compare(training, observer.of_input(task, table), in_time=True)
        alarms += bool(drift.changed)
    assert training.num_items < 50
    assert alarms <= 1


def test_too_few_rows_or_characters_are_refused(prepared):
    for name, table, told in (
        ("forecasting", season(np.random.default_rng(0), 10), "has too few rows: 24 are needed"),
        ("text_generation", pd.DataFrame({"prompt": ["ab"]}), "has 2 characters in all; 400"),
    ):
        with pytest.raises(DataError, match=told):
            drift_of(name, prepared, table)

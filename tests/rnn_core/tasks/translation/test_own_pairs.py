# ruff: noqa: RUF001 - marks of texts look like Latin ones
"""Pairs as people have them: their splits, their description, and answers."""

import pandas as pd
import pytest
import torch

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.translation.copying import numbers_are_kept, says_nothing, with_numbers
from rnn_core.tasks.translation.learn import TranslationModel, texts_of
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.serve import TranslationAnswer
from rnn_core.tasks.translation.task import Translation
from rnn_core.training.models import build_model

SMALL = {"hidden_size": 6, "embedding_size": 4, "beam_size": 2}
NOUNS = (("dog", "Hund"), ("cat", "Kater"), ("man", "Mann"), ("bird", "Vogel"))
VERBS = (("sees", "sieht"), ("hears", "hört"), ("likes", "mag"))
PAIRS = [
    Pair(f"the {a} {verb} the {b}.", f"der {c} {sagt} den {d}.")
    for a, c in NOUNS
    for verb, sagt in VERBS
    for b, d in NOUNS
]


def table(folder, pairs, name="pairs.tsv", encoding="utf-8"):
    content = "".join(f"{pair[0]}\t{pair[1]}\n" for pair in pairs)
    (folder / name).write_text(content, encoding)


def prepared(folder, pairs, **options):
    table(folder, pairs)
    return Translation.prepare(folder, TranslationData(max_vocabulary=80, **options))


def pairs_of(data, meta, split):
    both = (texts_of(data, what, *meta.range_of(split)) for what in Pair._fields)
    return list(map(Pair, *both))


@pytest.mark.parametrize("lower_case", [True, False])
def test_a_source_is_on_one_split_only_as_the_model_reads_it(tmp_path, lower_case):
    other = [Pair(f"The{p.source[3:]}", f"{p.target[:-1]} ja.") for p in PAIRS]
    data, meta = prepared(tmp_path, [*PAIRS, *other, *PAIRS[:9]], lower_case=lower_case)
    read = [{p.source.lower() if lower_case else p.source for p in pairs_of(data, meta, split)}
            for split in SPLITS]  # fmt: skip
    assert not read[0] & read[1] and not read[0] & read[2] and not read[1] & read[2]
    assert sum(meta.items.values()) == 2 * len(PAIRS)
    found = Translation.understand(tmp_path, data, meta)
    assert "9 pairs that came before are left out" in found.read


def test_pairs_that_differ_in_case_alone_are_one_where_the_model_reads_none(tmp_path):
    shouted = [Pair(p.source.upper(), p.target.upper()) for p in PAIRS]
    _, meta = prepared(tmp_path, [*PAIRS, *shouted], lower_case=True)
    assert sum(meta.items.values()) == len(PAIRS)


def test_sources_of_the_test_split_are_left_out_of_training_whatever_their_translation(tmp_path):
    splits = {"train": PAIRS[:30], "dev": PAIRS[28:40], "test": PAIRS[40:]}
    splits["dev"] = [Pair(p.source, f"{p.target} ja") for p in splits["dev"]]
    for name, pairs in splits.items():
        table(tmp_path, pairs, f"{name}.tsv")
    suggestion = Translation.suggest(tmp_path, {"repeated": "drop"})["data"]
    assert suggestion["source_file"] == "*.tsv"
    assert suggestion["splits"] == ["train", "dev", "test"]
    asked = TranslationData(**{**suggestion, "splits": tuple(suggestion["splits"])})
    data, meta = Translation.prepare(tmp_path, asked)
    assert meta.items == {"train": 28, "validation": 12, "test": 8}
    found = Translation.understand(tmp_path, data, meta)
    assert "2 training pairs whose source is scored too are left out" in found.read


def test_splits_that_were_published_are_kept_where_that_is_wanted_and_told(tmp_path):
    splits = {"train": PAIRS[:30], "val": PAIRS[29:40], "test": PAIRS[40:]}
    for name, pairs in splits.items():
        table(tmp_path, pairs, f"{name}.tsv")
    options = {"source_file": "*.tsv", "max_vocabulary": 80, "repeated": "keep"}
    data, meta = Translation.prepare(tmp_path, TranslationData(**options))
    assert meta.items == {"train": 30, "validation": 11, "test": 8}
    (doubt,) = Translation.understand(tmp_path, data, meta).doubts
    assert doubt.startswith("1 training pairs have a source of the validation or test set")


def test_what_was_understood_begins_with_what_is_translated(tmp_path):
    data, meta = prepared(tmp_path, PAIRS, max_length=20)
    found = Translation.understand(tmp_path, data, meta)
    first = "column 1 of pairs.tsv is translated into column 2: 'the dog sees the dog.' -> "
    assert found.read[0] == first + "'der Hund sieht den Hund.'"
    assert found.doubts == ()


def test_texts_of_a_table_that_were_read_in_a_wrong_encoding_are_told(tmp_path):
    rows = [f'"{p.source}","{p.target} sch\u00c3\u00b6n"\n' for p in PAIRS]
    (tmp_path / "pairs.csv").write_text("".join(["en,de\n", *rows]))
    asked = TranslationData(max_vocabulary=80, source_file="pairs.csv")
    doubts = Translation.understand(tmp_path, *Translation.prepare(tmp_path, asked)).doubts
    told = f"pairs.csv, line 2, and {len(PAIRS)} places in all have characters such as"
    assert [doubt for doubt in doubts if doubt.startswith(told)]


def test_characters_that_only_other_splits_have_are_told(tmp_path):
    pairs = [Pair(f"{p.source} ж{i}", p.target) if i % 12 == 0 else p for i, p in enumerate(PAIRS)]
    told = set()
    for seed in range(6):
        data, meta = prepared(tmp_path, [*pairs[seed:], *pairs[:seed]])
        lines = Translation.understand(tmp_path, data, meta).read
        told |= {line.split(" of the ")[1] for line in lines if "are unknown" in line}
    assert told == {"subwords"}


def test_a_language_without_spaces_is_scored_by_characters(tmp_path):
    for target, tokenizer in (("我看见{}只狗。", "zh"), ("犬が{}匹見えます。", "char")):
        table(tmp_path, [Pair(f"I see {i} dogs.", target.format("一二三"[i % 3] * (i + 1)))
                         for i in range(20)])  # fmt: skip
        assert Translation.suggest(tmp_path, {})["data"]["tokenizer"] == tokenizer
    table(tmp_path, PAIRS)
    assert "tokenizer" not in Translation.suggest(tmp_path, {})["data"]


@pytest.mark.parametrize("wanted", [{}, {"encoding": "windows-1252"}])
def test_columns_and_encoding_of_a_table_travel_with_the_model(tmp_path, wanted):
    content = "".join(f"{i}\t{p[0]}\t{i + 900}\t{p[1]}\n" for i, p in enumerate(PAIRS))
    (tmp_path / "pairs.tsv").write_text(content, "windows-1252")
    suggestion = Translation.suggest(tmp_path, wanted)["data"]
    assert suggestion["columns"] == [2, 4]
    asked = TranslationData(**{**suggestion, "columns": tuple(suggestion["columns"])})
    data, meta = Translation.prepare(tmp_path, asked)
    (told,) = [
        line for line in Translation.understand(tmp_path, data, meta).read if "read as" in line
    ]
    assert told.startswith(f"read as {wanted.get('encoding', 'cp1252')}, and so is")
    meta = Translation.Meta.from_json(meta.to_json())
    assert meta.parameters == asked
    task = Translation(meta, TranslationModel(**SMALL))
    (tmp_path / "in.txt").write_bytes("der höre\rt\n\nzu\n".encode("windows-1252"))
    assert task.read_input(tmp_path / "in.txt")["text"].tolist() == ["der höre t", "", "zu"]


@pytest.fixture
def translator(tmp_path):
    _, meta = prepared(tmp_path, [*PAIRS, Pair("it is 5 pm!", "es ist 5!")])
    task = Translation(meta, TranslationModel(**SMALL))
    torch.manual_seed(0)
    return task, build_model(task, "gru").eval()


@pytest.mark.parametrize("text", ["狗猫 狗", "THE OLD DOG", "привет the", "9 8 7"])
def test_texts_of_characters_that_nobody_saw_are_refused_by_row(translator, text):
    task, model = translator
    frame = pd.DataFrame({"text": ["the dog", text]})
    with pytest.raises(DataError, match="row 2, column 'text': most characters, such as"):
        task.answer(model, frame, TranslationAnswer())


def test_a_strange_name_in_a_sentence_is_answered(translator):
    task, model = translator
    frame = pd.DataFrame({"text": ["the dog hears Ж.", "the cat sees the Öß"]})
    found = task.answer(model, frame, TranslationAnswer())["translation"].tolist()
    alone = [task.answer(model, frame[i : i + 1], TranslationAnswer()) for i in range(2)]
    assert found == [one["translation"].item() for one in alone]


@pytest.mark.parametrize("text", ["...", "?!", "€", "— –", ""])
def test_marks_alone_are_their_own_translation(translator, text):
    task, model = translator
    answer = task.answer(model, pd.DataFrame({"text": [text, "the dog"]}), TranslationAnswer())
    assert answer["translation"][0] == text and says_nothing(text)
    assert not says_nothing("a") and not says_nothing("5 €") and not says_nothing("犬")


@pytest.mark.parametrize(
    ("source", "written", "answer"),
    [
        ("123 apples", "174 Äpfel", "123 Äpfel"),
        ("from 10 to 25", "von 11 bis 26", "von 10 bis 25"),
        ("from 10 to 25", "von 10 bis 26", "von 10 bis 25"),
        ("5 of 5", "5 von 6", "5 von 5"),
        ("1,250.50 euros", "1.250,50 Euro", "1.250,50 Euro"),
        ("3.5 and 7", "7 und 4,5", "7 und 3.5"),
        ("no number", "12 Zahlen", "12 Zahlen"),
        ("7 dogs", "sieben Hunde", "sieben Hunde"),
        ("7 dogs", "1 und 2 Hunde", "1 und 2 Hunde"),
        ("7 dogs", "7 Hunde", "7 Hunde"),
    ],
)
def test_numbers_that_a_translation_lacks_take_the_place_of_those_it_made_up(
    source, written, answer
):
    assert with_numbers(source, written) == answer


def test_numbers_are_kept_where_most_translations_of_numbers_have_them():
    assert numbers_are_kept([Pair("5 dogs", "5 Hunde"), Pair("a", "7")])
    assert numbers_are_kept([Pair("1,000 dogs", "1.000 Hunde")])
    assert not numbers_are_kept([Pair("a dog", "ein Hund")])
    assert not numbers_are_kept([Pair("2 pm", "14 Uhr"), Pair("3 dogs", "3 Hunde")])


@pytest.mark.parametrize(("other", "wanted"), [(0, "es ist 8."), (12, "es ist 1.")])
def test_numbers_are_taken_over_where_training_pairs_keep_them(
    tmp_path, monkeypatch, other, wanted
):
    counted = [Pair(f"it is {i} and {j}.", f"es ist {i + other} {j}.") for i in range(1, 10)
               for j in range(4)]  # fmt: skip
    _, meta = prepared(tmp_path, [*PAIRS, *counted])
    task = Translation(meta, TranslationModel(**SMALL))
    monkeypatch.setattr(task.subwords, "decode", lambda best: ["es ist 1."] * len(best))
    model, frame = build_model(task, "gru").eval(), pd.DataFrame({"text": ["it is 8."]})
    answer = task.answer(model, frame, TranslationAnswer())
    assert answer["translation"].tolist() == [wanted]

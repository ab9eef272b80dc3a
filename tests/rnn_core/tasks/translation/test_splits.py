"""Translation: which pairs are on which split, and what is left out."""

import pytest
import torch
from usual_translation import PAIRS, decoded, pairs_of, prepared, texts, write

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.translation import learn as translation
from rnn_core.tasks.translation.parameters import LeftOut


def test_drawn_splits_are_all_pairs_once(tmp_path):
    task, data = prepared(tmp_path, [*PAIRS, *PAIRS[:20]], validation_share=0.2, test_share=0.1)
    splits = [pairs_of(task, data, split) for split in SPLITS]
    assert sorted(pair for split in splits for pair in split) == sorted(PAIRS)
    assert list(map(len, splits)) == [67, 19, 10]
    assert splits[2] != [pair for pair in PAIRS if pair in PAIRS[-10:]]


def test_files_of_splits_are_taken_as_they_are(tmp_path):
    parts = {"train": PAIRS[:60], "dev": PAIRS[60:80], "final": PAIRS[80:]}
    for name, pairs in parts.items():
        write(tmp_path, pairs, name)
    options = {"source_file": "*.en", "target_file": "*.de", "splits": tuple(parts)}
    task, data = prepared(tmp_path, **options)
    assert [pairs_of(task, data, split) for split in SPLITS] == list(parts.values())


def test_names_of_files_may_be_left_out_where_there_is_no_doubt(tmp_path):
    task, data = prepared(tmp_path, source_file=None, target_file="corpus.en")
    assert texts(task, data, "train", "source")[0].startswith("Der ")


def test_nothing_of_the_test_split_reaches_the_vocabulary(tmp_path):
    options = {"source_file": "*.en", "target_file": "*.de"}
    outcomes = []
    for name, last in (
        ("a", PAIRS[80:]),
        ("b", [Pair(f"the dog zz {i}", f"Der Hund zz {i}") for i in range(9)]),
    ):
        for stem, pairs in (("train", PAIRS[:60]), ("val", PAIRS[60:80]), ("test", last)):
            write(tmp_path / name, pairs, stem)
        outcomes.append(prepared(tmp_path / name, **options))
    (one, data), (two, other) = outcomes
    for key in ("subwords", "written"):
        assert getattr(one.meta, key) == getattr(two.meta, key)
    count = int(data["source_lengths"][:60].sum())
    assert torch.equal(data["source"][:count], other["source"][:count])


def test_prepared_bytes_are_the_same_every_time(tmp_path):
    (one, data), (two, other) = prepared(tmp_path), prepared(tmp_path)
    assert one.meta == two.meta
    assert all(torch.equal(data[name], other[name]) for name in data)


def test_long_pairs_are_left_out_of_training_alone(tmp_path):
    long = [Pair("the dog " * 30 + str(i), f"Der Hund {i}") for i in range(3)]
    short = [pair for pair in PAIRS if pair not in PAIRS[60:]]
    for stem, pairs in (("train", [*short, *long]), ("val", long[:2]), ("test", PAIRS[60:])):
        write(tmp_path, pairs, stem)
    options = {"source_file": "*.en", "target_file": "*.de", "repeated": "drop"}
    task, data = prepared(tmp_path, max_length=40, **options)
    assert pairs_of(task, data, "train") == short
    assert pairs_of(task, data, "validation") == long[:2]
    assert task.meta.left_out == LeftOut(repeated=2, long=1)


def test_repeated_pairs_are_left_out_where_that_is_wanted(tmp_path):
    splits = {"train": PAIRS[:50], "val": PAIRS[45:60], "test": PAIRS[58:]}
    for stem, pairs in splits.items():
        write(tmp_path, pairs, stem)
    options = {"source_file": "*.en", "target_file": "*.de"}
    with pytest.raises(DataError, match="pair 1 of the test set is in the validation set"):
        prepared(tmp_path, **options)
    task, data = prepared(tmp_path, repeated="drop", **options)
    assert pairs_of(task, data, "train") == PAIRS[:45]
    assert pairs_of(task, data, "validation") == PAIRS[45:58]
    assert pairs_of(task, data, "test") == PAIRS[58:]


def test_lower_case_is_for_the_model_and_not_for_the_references(tmp_path):
    task, data = prepared(tmp_path, lower_case=True)
    assert texts(task, data, "test", "target")[0].startswith("Der ")
    pieces = translation.pieces_of(data, "target")[0]
    assert decoded(task, pieces[None])[0] == texts(task, data, "train", "target")[0].lower()

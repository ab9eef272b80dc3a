"""Names of splits; refused shares, and cuts of an ordered list."""

import pytest

from rnn_core.readers.splits import check_shares, cut_in_order, split_word, splits_named


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((0.0, 0.2), "validation_share and test_share must be above 0"),
        ((0.2, -0.1), "validation_share and test_share must be above 0"),
        ((0.5, 0.5), "validation_share and test_share leave nothing to train on"),
    ],
)
def test_shares_that_leave_a_split_nothing_are_refused(shares, message):
    with pytest.raises(ValueError, match=message):
        check_shares(*shares)


@pytest.mark.parametrize("shares", [(0.5, 0.49), (1e-9, 1e-9)])
def test_shares_that_leave_something_are_taken(shares):
    assert check_shares(*shares) is None


def test_list_is_cut_into_training_validation_and_test_set():
    """The shares refer to all items; the training set absorbs rounding."""
    assert cut_in_order("abcdefghij", 0.1, 0.3) == ("abcdef", "g", "hij")
    assert cut_in_order("abcdefg", 0.25, 0.4) == ("ab", "cd", "efg")
    assert cut_in_order("abc", 0.1, 0.4) == ("ab", "", "c")


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["Train", "dev", "TEST", "misc"], {"Train": "train", "dev": "validation", "TEST": "test"}),
        (["train", "eval"], {"train": "train", "eval": "test"}),
        (["train", "dev", "eval"], {"train": "train", "dev": "validation", "eval": "test"}),
        (
            ["training", "Evaluation", "test"],
            {"training": "train", "Evaluation": "validation", "test": "test"},
        ),
    ],
)
def test_splits_are_known_by_their_names_together(names, splits):
    assert splits_named(names) == splits


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ptb.train.txt", "train"),
        ("wiki-Valid.txt", "valid"),
        ("dev.txt", "dev"),
        ("test_2.txt", "test"),
        ("test/evaluation.txt", "test"),
        ("testament.txt", None),
        ("train-test.txt", None),
    ],
)
def test_a_word_of_a_name_says_the_split(name, word):
    assert split_word(name) == word

"""Shares of the data: what is refused, and where an ordered list is cut."""

import pytest

from rnn_core.readers.sides import check_shares, cut_in_order


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((0.0, 0.2), "validation_share and test_share must be above 0"),
        ((0.2, -0.1), "validation_share and test_share must be above 0"),
        ((0.5, 0.5), "validation_share and test_share leave nothing to train on"),
    ],
)
def test_shares_that_leave_a_side_nothing_are_refused(shares, message):
    with pytest.raises(ValueError, match=message):
        check_shares(*shares)


@pytest.mark.parametrize("shares", [(0.5, 0.49), (1e-9, 1e-9)])
def test_shares_that_leave_something_are_taken(shares):
    assert check_shares(*shares) is None


def test_list_is_cut_into_training_validation_and_test_side():
    """The shares are of all items; what rounding takes or gives is the training side's."""
    assert cut_in_order("abcdefghij", 0.1, 0.3) == ("abcdef", "g", "hij")
    assert cut_in_order("abcdefg", 0.25, 0.4) == ("ab", "cd", "efg")
    assert cut_in_order("abc", 0.1, 0.4) == ("ab", "", "c")

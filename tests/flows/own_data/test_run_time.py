"""About how long the first run of a study takes, in words."""

import pytest

from flows.own_data.run_time import rounded, run_time
from rnn_core.study import Seeds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.02, "1 second"),
        (8.4, "8 seconds"),
        (119, "120 seconds"),
        (125, "2 minutes"),
        (1234, "21 minutes"),
        (3600 * 5.2, "5 hours"),
        (3600 * 24 * 123, "120 days"),
    ],
)
def test_times_have_a_unit_and_two_digits(seconds, words):
    assert rounded(seconds) == words


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)


def test_the_first_seeds_may_decide_or_all_be_needed():
    assert run_time(60.0, 4, [0.25, 1.0], Seeds(first=3, most=10), 3) == (
        "training takes about 6 minutes here if the first random seeds decide, and 20 minutes "
        "with all of them, if nothing else runs: 24 to 80 trainings of up to 60 seconds, 4 at a "
        "time"
    )


def test_trainings_are_counted_once_where_there_are_no_more_seeds():
    assert run_time(60.0, 8, ["equal"], Seeds(first=1, most=1), 1).endswith(
        " about 2 minutes here, if nothing else runs: 8 trainings of up to 60 seconds, 4 at a time"
    )


def test_a_larger_size_takes_longer():
    assert run_time(60.0, 1, [0.5, "equal", 3.0], Seeds(first=4, most=4), 2).endswith(
        " about 9 minutes here, if nothing else runs: 12 trainings of up to 3 minutes, 4 at a time"
    )


def test_members_of_an_ensemble_are_trained_too():
    """A study of one cell with one seed promised a single training, and took five."""
    assert run_time(60.0, 1, ["equal"], Seeds(first=1, most=1), 5).endswith(
        " about 75 seconds here, if nothing else runs: 5 trainings of up to 60 seconds, 4 at a time"
    )

"""About how long the first run of a study takes, in words."""

import pytest

from flows.own_data.run_time import RunTime, in_words, rounded, run_time
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


def test_trainings_are_counted_and_shared_among_workers(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert run_time(30.0, 8, Seeds(first=3, most=10)) == RunTime(30.0, 24, 80, 4)


def test_the_first_seeds_may_decide_or_all_be_needed():
    assert in_words(RunTime(60.0, 24, 80, 2)) == (
        "the trainings of a run take up to some 12 minutes to 40 minutes here: 24 to 80 of at most "
        "60 seconds, 2 at a time"
    )
    once = in_words(RunTime(60.0, 4, 4, 2))
    assert once.startswith("the trainings of a run take up to some 2 minutes here: 4 of ")

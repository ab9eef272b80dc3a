"""The time left is about what trainings take, and more where a race ends early."""

import io
import random
from functools import partial

import pytest
from rich.console import Console

from flows.layout import Layout
from flows.running.display import Display
from flows.running.time_left import TimeLeft, seconds_left
from flows.trainings.records import Record, append

SECONDS = {"quick": 2.0, "slow": 30.0}


def record(dataset, seconds, what="train"):
    return Record(
        what=what,
        dataset=dataset,
        cell="gru",
        hidden_size=8,
        seed=0,
        seconds=seconds,
        peak_megabytes=1,
        time=0,
    )


def test_trainings_that_are_left_take_what_earlier_ones_took_with_their_evaluation():
    records = [record("quick", 3.0), record("quick", 5.0), record("slow", 50.0)]
    records += [record("quick", 1.0, "evaluate"), record("slow", 10.0, "evaluate")]
    assert seconds_left({"quick": 4, "slow": 2}, records, 2) == (4 * 4.5 + 2 * 60) / 2
    assert seconds_left({"quick": 1}, records, 8) == 4.5, "a training takes one worker"
    assert seconds_left({"quick": 2, "slow": 0, "other": 0}, records, 1) == 9


def test_nothing_is_said_of_a_dataset_that_was_never_trained():
    assert seconds_left({"quick": 4, "slow": 2}, [record("quick", 3.0)], 2) is None


@pytest.fixture
def run(tmp_path):
    """Trains two datasets with two workers on a clock of its own, and yields what is left."""
    draw, now, layout = random.Random(0), [0.0], Layout(tmp_path)
    left = TimeLeft(layout, list(SECONDS), workers=2, clock=lambda: now[0])

    def go(trainings, ends_early=0):
        jobs = [name for name, number in trainings.items() for _ in range(number)]
        draw.shuffle(jobs)
        free = [0.0, 0.0]
        for name, number in trainings.items():
            yield now[0], left.in_words(), left.estimate
            left.expect(name, number + ends_early)
        for name in jobs:
            place = free.index(min(free))
            free[place] += (took := SECONDS[name] * draw.uniform(0.7, 1.3))
            now[0] = max(now[0], free[place])
            append(layout, record(name, took))
            left.trained(name)
            yield now[0], left.in_words(), left.estimate
        for name in trainings:
            left.expect(name, 0)
        yield now[0], left.in_words(), left.estimate

    return go


def test_estimate_is_about_the_time_that_the_run_takes(run):
    """Within a third and one long training, from the first estimate to the last."""
    steps = list(run({"quick": 30, "slow": 12}))
    end = steps[-1][0]
    known = [(at, estimate) for at, _, estimate in steps if estimate is not None]
    assert len(known) > 20
    for at, (seconds, made) in known:
        assert made == at
        assert abs(seconds - (end - at)) <= (end - at) / 3 + SECONDS["slow"], (at, seconds)


def test_estimate_is_an_upper_limit_where_a_race_ends_early(run):
    steps = list(run({"quick": 10, "slow": 6}, ends_early=20))
    end = steps[-1][0]
    assert all(e is None or e[0] > end - at for at, _, e in steps[:-1])
    assert steps[-1][1] == "", "nothing is left"


def test_it_says_about_and_nothing_before_it_knows(run):
    steps = [words for _, words, _ in run({"quick": 10, "slow": 6})]
    assert steps[:2] == ["", ""], "before a training of each dataset has ended"
    said = [words for words in steps if words]
    assert all(words.startswith("at most about ") for words in said)
    assert said[0].endswith((" seconds left", " minutes left"))


def test_time_goes_on_between_trainings(tmp_path):
    now = [0.0]
    append(Layout(tmp_path), record("slow", 40.0))
    left = TimeLeft(Layout(tmp_path), ["slow"], workers=1, clock=lambda: now[0])
    left.expect("slow", 3)
    words = []
    for now[0] in (0.0, 60.0, 500.0):
        words.append(left.in_words())
    assert words == [
        "at most about 2 minutes left",
        "at most about 60 seconds left",
        "at most about 1 second left",
    ]


def test_nothing_is_said_before_every_dataset_says_how_many_trainings_it_needs(tmp_path):
    """Even where it is known what one takes."""
    for name in SECONDS:
        append(Layout(tmp_path), record(name, 4.0))
    left = TimeLeft(Layout(tmp_path), list(SECONDS), workers=1, clock=lambda: 0.0)
    left.expect("slow", 3)
    assert left.in_words() == ""
    left.expect("quick", 2)
    assert left.in_words() == "at most about 20 seconds left"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_display_shows_it_while_trainings_go_on(tmp_path, is_terminal):
    layout, out = Layout(tmp_path), io.StringIO()
    append(layout, record("slow", 40.0))
    left = TimeLeft(layout, ["slow"], workers=1, clock=lambda: 0.0)
    console = Console(file=out, force_terminal=is_terminal, width=80, color_system=None)
    with Display(5, console, left) as display:
        display.expect("slow", 3)
        display.trained("slow")
        bar = display.progress.tasks[display.trainings]
        assert (bar.completed, bar.total) == (1, 3)
        display.ended("prepare@other", "0.1 s")
        display.progress.refresh()
        display.expect("slow", 0)
        assert (bar.completed, bar.total) == (1, 1), "the race ended early"
        ended = partial(display.ended, "train@slow")
        ended("3.0 s")
    lines = out.getvalue()
    assert "[1/5] prepare@other: 0.1 s (at most about 80 seconds left)" in lines
    assert "[2/5] train@slow: 3.0 s\n" in lines
    if is_terminal:
        assert "1/3 0:00:00 at most about 80 seconds left" in lines

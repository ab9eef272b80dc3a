"""A challenger answers what the champion is asked; nobody waits for it, and the truth decides."""

import errno
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from asking import asking
from mlflow import MlflowClient
from registered import register, tracked_at

from flows.operations import logged_answers
from flows.serving import answer_log, shadows
from flows.serving.answer_log import LoggedAnswer, log_file, read_answers, write_answers
from flows.serving.desk import Desk
from flows.serving.shadows import Answered, note
from flows.serving.version import Limits
from flows.serving.version import load as version_of
from flows.tracking.alias import CHALLENGER
from flows.tracking.promoted import ALIAS
from flows.tracking.rows import rows_of
from rnn_core.errors import StudyError
from rnn_core.tasks import REGISTRY
from rnn_core.truth.matching import matcher_of

NAME = "tiny.sentiment"

MATCHED = [task for task in REGISTRY if matcher_of(task)]


@pytest.fixture(scope="module")
def registry(database_in, tmp_path_factory):
    """A registry of a champion and a challenger, and these."""
    folder = tmp_path_factory.mktemp("registry")
    database_in(folder)
    with tracked_at(folder):
        first, second = register("sentiment"), register("sentiment", seed=1, alias=False)
        MlflowClient().set_registered_model_alias(NAME, CHALLENGER, second.number)
    return folder, first, second


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The log is in the test's own folder."""
    monkeypatch.setattr(answer_log, "home", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def both(registry, here):
    """The champion and its challenger, in a registry of the test's own."""
    folder, first, second = registry
    shutil.copy(folder / "mlflow.db", here / "mlflow.db")
    with tracked_at(here):
        yield first, second


def settle(client):
    client.run(client.application.shadows.settled())


def look(client):
    client.run(client.application.look())


def plain(made):
    rows = json.loads(json.dumps(rows_of(made.answer)))
    return [{k: v for k, v in row.items() if k != "file"} for row in rows]


def ask(client, made):
    look(client)
    answer = client.post(f"/models/{NAME}/predict", json={"rows": rows_of(made.example)})
    settle(client)
    return answer


def test_challenger_answers_what_the_champion_is_asked(both, application):
    first, second = both
    with asking(application(NAME, shadow="answers")) as client:
        answer = ask(client, first)
    assert answer.json()["version"] == "1"
    logged = list(read_answers(NAME))
    assert [one.answers[0] for one in logged] == plain(first)
    assert [one.answers[1] for one in logged] == plain(second)
    assert {(one.champion, one.challenger) for one in logged} == {("1", "2")}
    assert all(min(one.seconds) > 0 for one in logged)


@pytest.mark.parametrize("task", MATCHED)
def test_no_input_is_logged(task, models, here):
    made = models[task]
    found = version_of(MlflowClient().get_model_version(made.name, made.number), Limits())
    asked = Answered(found, made.example, None, json.loads(json.dumps(rows_of(made.answer))), 0.1)
    note(asked, asked, with_inputs=False)
    logged = list(read_answers(made.name))
    assert [one.answers for one in logged] == [(row, row) for row in plain(made)]
    assert all(one.given is None and one.key for one in logged)
    text, file = log_file(made.name).read_text(), log_file(made.name)
    given = {str(v) for row in rows_of(made.example) for v in row.values() if len(str(v)) > 3}
    assert given
    assert not [value for value in given if value in text]
    assert file.stat().st_mode & 0o077 == 0


def test_inputs_are_logged_where_that_is_asked_for(both, application):
    with asking(application(NAME, shadow="inputs")) as client:
        ask(client, both[0])
    assert [one.given for one in read_answers(NAME)] == rows_of(both[0].example)


def test_nothing_is_logged_unless_asked_for(both, application):
    first, _ = both
    with asking(application(NAME)) as client:
        look(client)
        client.post(f"/models/{NAME}/predict", json={"rows": rows_of(first.example)})
    assert not log_file(NAME).exists()


def test_champion_answers_though_its_challenger_fails_or_hangs(both, application, monkeypatch):
    first, second = both
    asked = {"rows": rows_of(first.example)}
    answer = Desk.answer

    async def failing(desk, table, parameters):
        if desk.version.number == second.number:
            raise RuntimeError("secret")
        return await answer(desk, table, parameters)

    monkeypatch.setattr(Desk, "answer", failing)
    monkeypatch.setattr(shadows, "MOST_WAITING", 0)
    with asking(application(NAME, shadow="answers")) as client:
        look(client)
        assert client.post(f"/models/{NAME}/predict", json=asked).status_code == 200
        assert client.application.shadows.left_out == 1
        monkeypatch.setattr(shadows, "MOST_WAITING", 8)
        assert client.post(f"/models/{NAME}/predict", json=asked).status_code == 200
        settle(client)
    assert not log_file(NAME).exists()


def test_full_disk_under_the_log_is_reported_once_and_answers_go_on(
    both, application, monkeypatch, caplog
):
    """It looked as if the challenger had not answered, at each request."""
    disk = iter([False, True, True, False, True])

    def write(*arguments):
        if next(disk):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_answers(*arguments)

    monkeypatch.setattr(shadows, "write_answers", write)
    told = f"answers are not logged in {log_file(NAME)}: No space left on device; free some space"
    with asking(application(NAME, shadow="answers")) as client:
        seen = []
        for _ in range(5):
            assert ask(client, both[0]).status_code == 200
            seen.append(caplog.messages.count(told))
    assert seen == [0, 1, 1, 1, 2]
    assert len(caplog.messages) == 2
    assert len(list(read_answers(NAME))) == 2 * len(both[0].example)


def test_answers_after_a_line_that_was_cut_off_are_read(here):
    """A full disk cuts a line off, and the next one is written behind it."""
    file = log_file("shop.x")
    write_answers(file, [entry(0), entry(1)])
    file.write_bytes(file.read_bytes()[:-9])
    write_answers(file, [entry(2), entry(3)])
    assert list(read_answers("shop.x")) == [entry(0), entry(3)]


def test_challenger_that_is_none_any_more_is_asked_no_more(both, application):
    with asking(application(shadow="answers")) as client:  # all models, and not one by name
        ask(client, both[0])
        MlflowClient().delete_registered_model_alias(NAME, CHALLENGER)
        ask(client, both[0])
    assert len(list(read_answers(NAME))) == len(both[0].example)


def entry(number, **others):
    usual = {
        "time": float(number),
        "request": f"r{number}",
        "key": f"k{number}",
        "champion": "1",
        "challenger": "2",
        "answers": ({"label": "a"}, {"label": "b"}),
        "seconds": (0.001, 0.002),
    }
    return LoggedAnswer(**{**usual, **others})


def test_log_is_bounded_and_the_newest_answers_stay(here, monkeypatch):
    monkeypatch.setattr(answer_log, "MOST_BYTES", 4000)
    for number in range(200):
        write_answers(log_file("shop.x"), [entry(number)])
    kept = [one.time for one in read_answers("shop.x")]
    assert kept == list(np.arange(200 - len(kept), 200.0))
    assert 8 < len(kept) < 40
    sizes = [file.stat().st_size for file in log_file("shop.x").parent.iterdir()]
    assert sum(sizes) < 4000 + 2 * 300
    assert list(read_answers("shop.x"))[-1] == entry(199)


@pytest.fixture
def answered(both, here):
    """Answers of a challenger that is right more often, to texts with labels."""
    rng = np.random.default_rng(0)
    texts = [f"later film number {i}" for i in range(120)]
    labels = ["praise" if i % 2 else "blame" for i in range(120)]
    truth = here / "truth.csv"
    pd.DataFrame({"text": texts[:100], "label": labels[:100]}).to_csv(truth, index=False)
    keys = matcher_of("sentiment").keys(both[0].task, pd.DataFrame({"text": texts}), None)
    right = [rng.uniform(size=120) < share for share in (0.6, 0.9)]
    other = {"praise": "blame", "blame": "praise"}

    def said(number):
        return tuple(
            {"label": labels[number] if each[number] else other[labels[number]]} for each in right
        )

    entries = [entry(i, key=keys[i], answers=said(i)) for i in range(120)]
    write_answers(log_file(NAME), entries)
    return truth, [each[:100].mean() for each in right]


def test_logged_answers_are_scored_by_the_truth(answered):
    truth, shares = answered
    found = logged_answers.score_logged(NAME, truth)
    assert found.champion_score == pytest.approx(shares[0])
    assert found.pair.better_by == pytest.approx(shares[1] - shares[0])
    assert found.pair.p_better < 0.001
    assert (found.unknown, found.pair.num_items) == (20, 100)
    assert found.seconds == (0.001, 0.002)


def test_answers_of_other_versions_do_not_count(answered):
    truth, _ = answered
    MlflowClient().set_registered_model_alias(NAME, CHALLENGER, "1")
    MlflowClient().set_registered_model_alias(NAME, ALIAS, "2")
    with pytest.raises(StudyError, match=r"no answers of versions 2 and 1 .* are logged here"):
        logged_answers.score_logged(NAME, truth)


def test_truth_of_nothing_that_was_asked_says_so(answered, tmp_path):
    other = tmp_path / "other.csv"
    rows = [f"quite another {i},{('praise', 'blame')[i % 2]}" for i in range(50)]
    other.write_text("\n".join(["text,label", *rows, ""]))
    with pytest.raises(StudyError, match="truth of 0 of 120 logged answers"):
        logged_answers.score_logged(NAME, other)


@pytest.mark.parametrize("task", [task for task in REGISTRY if matcher_of(task)])
def test_truth_of_the_example_is_found_and_a_right_answer_has_the_best_score(
    task, models, tmp_path
):
    from good_files import lay_out

    made, matcher = models[task], matcher_of(task)
    lay_out(task, tmp_path)
    truths = matcher.truths(made.task, tmp_path)
    keys = matcher.keys(made.task, made.example, made.answer)
    if task == "forecasting":  # the example is the beginning of its table
        assert keys
        assert set(keys) <= truths.keys()
        values, std = truths[keys[0]]
        right = dict(zip(made.task.meta.parameters.targets, values, strict=True))
        off = {name: value + 2 * s for (name, value), s in zip(right.items(), std, strict=True)}
        assert matcher.score(made.task, right, truths[keys[0]]) == 0
        assert matcher.score(made.task, off, truths[keys[0]]) == pytest.approx(4)
        return
    assert set(keys) <= truths.keys()
    truth = truths[keys[0]]
    column = {"sentiment": "label", "speech_recognition": "word", "translation": "translation"}
    name = column.get(task, "text")
    right = matcher.score(made.task, {name: truth}, truth)
    wrong = matcher.score(made.task, {name: "zzz"}, truth)
    best = {"speech_transcription": 0.0, "translation": 100.0}.get(task, 1.0)
    assert right == pytest.approx(best)
    assert matcher.metric.loss(right) < matcher.metric.loss(wrong)

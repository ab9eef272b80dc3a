"""Rows that are answered together are answered as each is alone."""

import io
import random
import wave

import numpy as np
import pandas as pd
import pytest
from good_files import lay_out

from rnn_core.errors import DataError
from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.training.models import build_model


def made(name, folder):
    kind = get_task(name)
    parameters = parse(kind.DataParameters, lay_out(name, folder), "")
    _, meta = kind.prepare(folder, parameters)
    task = kind(meta, kind.ModelParameters(hidden_size=6, bidirectional=True))
    return task, build_model(task, "lstm").eval()


def texts(draw):
    words = [
        "a",
        "warm",
        "clever",
        "dull",
        "film",
        "see",
        "it",
        "twice",
        "never",
        "nothing",
        "known",
    ]
    return {"text": [" ".join(draw.choices(words, k=draw.randint(1, 40))) for _ in range(30)]}


def recordings(draw):
    found = []
    for number in range(30):
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(draw.randbytes(2 * (800 + 173 * number % 4000)))
        found.append(buffer.getvalue())
    return {"wav": found}


GIVEN = {"sentiment": texts, "speech_recognition": recordings}


@pytest.mark.parametrize("name", GIVEN)
def test_rows_of_any_lengths_are_answered_as_each_is_alone(tmp_path, name):
    task, model = made(name, tmp_path)
    table = pd.DataFrame(GIVEN[name](random.Random(5)))
    asked = task.AnswerParameters(all=True)
    together = task.answer(model, table, asked)
    alone = [task.answer(model, table.iloc[i : i + 1], asked) for i in range(len(table))]
    alone = pd.concat(alone, ignore_index=True)
    pd.testing.assert_frame_equal(together, alone, rtol=1e-5, atol=1e-6)
    numbers = together.select_dtypes("number").to_numpy()
    assert np.ptp(numbers, axis=0).min() > 1e-4, "the rows differ"


def test_each_recording_that_cannot_be_read_is_told_by_its_row(tmp_path):
    task, model = made("speech_recognition", tmp_path)
    good = recordings(random.Random(5))["wav"]
    table = pd.DataFrame({"wav": [good[0], b"", good[1], b"nothing"]})
    with pytest.raises(DataError) as caught:
        task.answer(model, table, task.AnswerParameters())
    assert "row 2 is an empty file" in str(caught.value)
    assert "row 4 is not a recording" in str(caught.value)

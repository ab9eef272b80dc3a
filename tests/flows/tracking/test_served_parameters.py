"""Options of the answers of a registered model, as MLflow knows it."""

from dataclasses import asdict

import mlflow
import pandas as pd
import pytest
from usual_training import write_run

from flows.own_data.settings import read_settings
from flows.tracking import served_model
from flows.tracking.registered import RUN
from flows.tracking.registry import Examples, signature_of
from rnn_core.files import digest_of
from rnn_core.parameters import parse
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.write import TextAnswer
from rnn_core.training.models import build_model


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A model that writes, by itself and as MLflow loads it."""
    folder = tmp_path_factory.mktemp("registered")
    (folder / "raw").mkdir()
    (folder / "raw/t.txt").write_text("abcabdacbbad. " * 60)
    _, meta = TextGeneration.prepare(folder / "raw", TextData())
    task = TextGeneration(meta, TextModel(hidden_size=5, embedding_size=3, sequence_length=8))
    model = build_model(task, "gru").eval()
    write_run(folder / "run", "text_generation", task, model)
    (folder / "digest").write_text(digest_of(folder / "run"))
    example = task.example(folder / "raw")
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=served_model.__file__,
        artifacts={name: str(folder / name) for name in (RUN, "digest")},
        pip_requirements=[],
        signature=signature_of(
            task,
            Examples(example, task.answer(model, example, TextAnswer())),
            asdict(TextAnswer()),
        ),
    )
    return task, model, mlflow.pyfunc.load_model(str(folder / "model"))


@pytest.mark.parametrize(
    "asked",
    [{}, {"stop": ["d", "."]}, {"stop": []}, {"num_tokens": 7, "temperature": 0.5, "seed": 2}],
)
def test_a_registered_model_takes_what_the_task_takes(writer, asked):
    task, model, served = writer
    prompts = pd.DataFrame({"prompt": ["ab", "ca"]})
    own = {name: tuple(v) if isinstance(v, list) else v for name, v in asked.items()}
    expected = task.answer(model, prompts, TextAnswer(**own))
    pd.testing.assert_frame_equal(served.predict(prompts, params=asked), expected)


def test_a_stop_that_is_no_text_is_refused_by_its_signature(writer):
    with pytest.raises(mlflow.MlflowException, match="stop"):
        writer[2].predict(pd.DataFrame({"prompt": ["ab"]}), params={"stop": [3]})


@pytest.mark.parametrize(
    ("setting", "stops"),
    [
        ("stop=END", ("END",)),
        ('stop="\\n"', ("\n",)),
        ('stop=["\\n\\n", END, "3"]', ("\n\n", "END", "3")),
        ("stop=.", (".",)),
    ],
)
def test_one_stop_or_several_are_asked_for_on_the_terminal(setting, stops):
    assert parse(TextAnswer, read_settings([setting]), "", "--set").stops == stops

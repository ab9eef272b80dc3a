"""Tasks of text generation, of a text that a test makes."""

from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration

TEXT = "".join(f"line {i % 7} says {'abc'[i % 3] * (i % 5)}.\n" for i in range(200))


def prepared(tmp_path, text=TEXT, model=None, **options):
    (tmp_path / "text.txt").write_text(text)
    data, meta = TextGeneration.prepare(tmp_path, TextData(**options))
    model = model or TextModel(hidden_size=6, embedding_size=4, sequence_length=10)
    return TextGeneration(meta, model), data


def decoded(task, tokens):
    return "".join(task.vocabulary[i] for i in tokens.tolist())

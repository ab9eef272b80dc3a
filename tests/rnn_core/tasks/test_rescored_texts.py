"""Models scored on texts, sentences and symbols that came after their training."""

import numpy as np
import pandas as pd
import pytest
import torch
from good_files import read_table
from rescoring import model_of, parameters_of, rescored, write

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.tasks import get_task
from rnn_core.tasks.base.rescores import known_again
from rnn_core.tasks.translation import pairs as translation
from rnn_core.tasks.translation.bleu import contributions


def book(path, text):
    path.mkdir()
    (path / "book.txt").write_text(text)
    return path


def prose(seed, letters, length):
    generator = np.random.default_rng(seed)
    return "".join(generator.choice(list(letters), length))


def test_tokens_that_not_both_models_know_are_one_for_both(tmp_path):
    """Nats by hand, of what both can say: a letter that both know, or any other one."""
    kind = get_task("text_generation")
    asked = kind.DataParameters()
    small = {"embedding_size": 4, "sequence_length": 16}
    older, model, _ = model_of(
        "text_generation", book(tmp_path / "a", prose(0, "abcxy ", 2000)), asked, **small
    )
    text = prose(1, "abcz ", 3600) + prose(2, "abczx ", 400)
    later = book(tmp_path / "b", text)
    newer, _, _ = model_of("text_generation", later, asked, **small)
    found = rescored(older, model, later, asked, other=newer.meta)
    tokens = text[-round(0.1 * len(text)) :]
    read = torch.tensor([older.index.get(token, 0) for token in tokens])
    shared = set(older.vocabulary) & set(newer.vocabulary) - {"<unknown>"}
    assert shared == set("abc ")
    with torch.inference_mode():
        chances = model(read[None, :-1], None)[0][0].double().softmax(dim=1)
    rest = [i for i, token in enumerate(older.vocabulary) if token not in shared]
    said = [
        -(chances[t, older.index[token]] if token in shared else chances[t, rest].sum()).log()
        for t, token in enumerate(tokens[1:])
    ]
    assert float(found.weights.sum()) == len(said)
    assert found.overall == pytest.approx(float(torch.stack(said).mean()), rel=1e-5)


def test_texts_of_other_tokens_are_not_compared(tmp_path):
    kind = get_task("text_generation")
    raw = book(tmp_path / "a", " ".join(prose(0, "abcd ", 4000)))
    small = {"embedding_size": 4, "sequence_length": 16}
    task, model, _ = model_of("text_generation", raw, kind.DataParameters(), **small)
    with pytest.raises(DataError, match="tokens of the kind 'char'"):
        rescored(task, model, raw, kind.DataParameters(tokens="word"))


def test_passages_are_known_again_wherever_they_stand(tmp_path):
    kind = get_task("text_generation")
    old, new = prose(0, "abcdefgh ", 20000), prose(1, "abcdefgh ", 20000)
    before = kind.marks(book(tmp_path / "a", old), kind.DataParameters(), 0)
    seen = np.concatenate([before[split].ravel() for split in SPLITS[:2]])
    assert not known_again(before["test"], seen).any()
    shifted = new[:18_000] + old[111:1111] + new[18_000:19_000]
    later = kind.marks(book(tmp_path / "b", shifted), kind.DataParameters(), 0)["test"]
    known = known_again(later, seen)
    assert len(known) == 8
    assert known[:3].all()
    assert not known[4:].any()


def test_later_sentences_are_scored_as_they_are_translated(tmp_path):
    module = read_table("translation")
    few = [i for i, (source, _) in enumerate(module.PAIRS) if "bird" not in source]
    files = module.corpus(*([texts[i] for i in few] for texts in (module.ENGLISH, module.GERMAN)))
    small = {"embedding_size": 4, "beam_size": 2}
    task, model, _ = model_of(
        "translation", write(tmp_path / "a", files), parameters_of("translation"), **small
    )
    later = write(tmp_path / "b", module.good())
    asked = parameters_of("translation", tokenizer="char", test_share=0.3, max_vocabulary=60)
    found = rescored(task, model, later, asked)
    pairs = translation.read_splits(later, asked)["test"]
    table = pd.DataFrame({"text": [pair.source for pair in pairs]})
    answer = task.answer(model, table, task.AnswerParameters(beam_size=2))
    expected = contributions(list(answer["translation"]), [p.target for p in pairs], "char")
    assert found.values.tolist() == pytest.approx(expected.tolist())
    assert found.values.std() > 0


def test_recall_of_other_symbols_is_not_compared(tmp_path):
    module = read_table("copy_memory")
    task, model, _ = model_of(
        "copy_memory", write(tmp_path / "a", module.good()), parameters_of("copy_memory")
    )
    renamed = [line.replace("c", "d") for line in module.LINES]
    later = write(tmp_path / "b", module.lines(renamed))
    other, _, _ = model_of("copy_memory", later, parameters_of("copy_memory"))
    with pytest.raises(DataError, match="other symbols"):
        rescored(task, model, later, parameters_of("copy_memory"), other=other.meta)


def test_recall_is_asked_at_the_lag_of_the_question(tmp_path):
    raw = write(tmp_path / "a", read_table("copy_memory").good())
    task, model, _ = model_of("copy_memory", raw, parameters_of("copy_memory"))
    asked = parameters_of("copy_memory", lag=9)
    other, _, data = model_of("copy_memory", raw, asked)
    with torch.inference_mode():
        expected = other.scores(model, data, "test")
    assert torch.equal(rescored(task, model, raw, asked).values, expected.values)

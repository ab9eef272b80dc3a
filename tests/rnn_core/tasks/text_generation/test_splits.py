"""Division of a text into splits: files, lines, and doubts about them."""

import gzip
import random
import tracemalloc

import pytest
import torch

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers import plain_text
from rnn_core.tasks.text_generation import doubts
from rnn_core.tasks.text_generation.doubts import sorted_lines
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.tokens import CODE_POINTS

WORDS = ["sun", "moon", "star", "cloud", "rain", "wind", "snow", "storm", "mist", "hail", "frost"]


def prose(number, seed=0):
    draw = random.Random(seed)
    lines = (" ".join(draw.choices(WORDS, k=8)) for _ in range(number))
    return "".join(f"{line}.\n" for line in lines)


def names(number):
    draw = random.Random(1)
    found = ("".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(number))
    return sorted(found)


def understood(folder, contents, **options):
    for name, content in contents.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    data, meta = TextGeneration.prepare(folder, TextData(**options))
    return data, meta, TextGeneration.understand(folder, data, meta)


def texts(data, meta):
    return {split: "".join(meta.vocabulary[i] for i in data[split].tolist()) for split in SPLITS}


def test_several_files_are_one_text_in_the_order_of_their_names(tmp_path):
    contents = {"b.txt": "B" + prose(40), "a.TXT.gz": gzip.compress(prose(40, 2)[:-1].encode())}
    data, meta, found = understood(tmp_path, contents)
    assert "".join(texts(data, meta).values()) == prose(40, 2) + "B" + prose(40)
    assert found.read[0] == "2 text files, in this order: a.TXT.gz, b.txt"


def test_files_called_after_splits_are_taken_as_such(tmp_path):
    parts = {"ptb.train.txt": prose(50), "ptb.valid.txt": prose(9, 1), "ptb.test.txt": prose(9, 2)}
    for name, content in parts.items():
        (tmp_path / name).write_text(content)
    suggestion = TextGeneration.suggest(tmp_path, {})
    assert suggestion["data"] == {"tokens": "char", "split": "files"}
    data, meta, found = understood(tmp_path, {}, **suggestion["data"])
    assert list(texts(data, meta).values()) == list(parts.values())
    assert not found.doubts
    *_, in_order = understood(tmp_path, {})
    assert any("--set split=files" in doubt for doubt in in_order.doubts)


def test_lines_are_drawn_whole_and_copies_stay_together(tmp_path):
    lines = [*names(300), "twice", *["often"] * 5, "twice"]
    data, meta, found = understood(
        tmp_path, {"names.txt": "\n".join(lines)}, split="lines", test_share=0.2
    )
    of = {split: text.removesuffix("\n").split("\n") for split, text in texts(data, meta).items()}
    assert sorted(line for split in SPLITS for line in of[split]) == sorted(lines)
    assert not set(of["train"]) & set(of["test"]) and not set(of["train"]) & set(of["validation"])
    assert {line[0] for line in of["test"]} > {"a", "p"}
    assert not found.doubts


def test_sorted_lines_are_doubted_and_drawing_them_is_named(tmp_path):
    content = "\n".join(names(300))
    *_, found = understood(tmp_path, {"names.txt": content})
    (doubt,) = found.doubts
    assert "alphabetical order" in doubt and "--set split=lines" in doubt
    assert list(sorted_lines(["\n".join(names(300)[::-1])]))
    shuffled = names(300)
    random.Random(0).shuffle(shuffled)
    assert not list(sorted_lines(["\n".join(shuffled)]))
    assert not list(sorted_lines([prose(200)]))
    log = (f"[{i // 60:02d}:{i % 60:02d}] {line}" for i, line in enumerate(shuffled))
    assert not list(sorted_lines(["\n".join(log)]))
    pieces = content[:500], content[500:503], content[503:]
    assert list(sorted_lines(pieces)) == list(sorted_lines([content]))


@pytest.mark.parametrize("start", ["<!DOCTYPE html>\n", "\n<?xml version='1.0'?>\n", "<mediawiki>"])
def test_a_text_with_tags_is_doubted(tmp_path, start):
    *_, found = understood(tmp_path, {"page.txt": start + prose(200)})
    (doubt,) = found.doubts
    assert doubt.startswith("page.txt begins as XML, SGML or HTML does, so that its tags are")
    *_, found = understood(tmp_path, {"page.txt": "<3 " + prose(200)})
    assert not found.doubts


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_a_text_that_was_pasted_several_times_is_doubted(tmp_path, tokens):
    *_, found = understood(tmp_path, {"text.txt": prose(40) * 10}, tokens=tokens)
    assert [doubt.split(" of the ")[1][:8] for doubt in found.doubts] == ["validati", "test set"]
    assert found.doubts[1].startswith("100% of the test set is in the training set too")
    *_, found = understood(tmp_path, {"text.txt": prose(400)}, tokens=tokens)
    assert not found.doubts


def test_part_of_a_test_set_that_is_a_copy_is_told_as_such(tmp_path):
    text = prose(300)
    *_, found = understood(tmp_path, {"text.txt": text + text[100:1600]}, test_share=0.2)
    (doubt,) = found.doubts
    assert 0.2 < float(doubt.split("%")[0]) / 100 < 0.5


def test_what_was_lost_and_what_is_unknown_is_told(tmp_path):
    content = prose(200) + "the \ufffd end\n" + "ж" * 40
    *_, found = understood(tmp_path, {"text.txt": content})
    assert found.doubts[0].startswith("text.txt, line 201, and 1 characters in all are U+FFFD")
    assert found.read[-1].startswith("unknown to a model: 0.0% of the train set, 0.0% of the")


def test_decomposed_text_is_composed_and_so_is_a_prompt(tmp_path):
    (tmp_path / "text.txt").write_text("cafe\u0301 na\u0308ive \ufeff" * 40)
    _, meta = TextGeneration.prepare(tmp_path, TextData())
    assert "é" in meta.vocabulary and "\u0301" not in meta.vocabulary
    assert "\ufeff" not in meta.vocabulary
    task = TextGeneration(meta, TextModel(sequence_length=8))
    assert task.read_prompt("cafe\u0301\u200b") == task.read_prompt("café")
    with pytest.raises(DataError, match="character 1 of the prompt is 'Ω'"):
        task.read_prompt("Ω")


def test_prompts_are_read_in_the_encoding_of_the_text(tmp_path):
    (tmp_path / "text.txt").write_bytes(("für größer " * 40).encode("latin-1"))
    found = TextGeneration.suggest(tmp_path, {})["data"]
    data, meta = TextGeneration.prepare(tmp_path, TextData(**found))
    told = TextGeneration.understand(tmp_path, data, meta).read
    assert told[0].startswith("read as cp1252, and so is")
    task = TextGeneration(TextGeneration.Meta.from_json(meta.to_json()), TextModel())
    (tmp_path / "prompt.txt").write_bytes("für\n".encode("latin-1"))
    assert task.read_input(tmp_path / "prompt.txt")["prompt"].tolist() == ["für"]


@pytest.mark.parametrize(("tokens", "mark"), [("char", ""), ("char", "“”👧"), ("word", "é")])
def test_a_text_takes_no_more_than_four_bytes_of_memory_for_each_of_its_own(
    tmp_path, monkeypatch, tokens, mark
):
    monkeypatch.setattr(plain_text, "PIECE_BYTES", 1 << 14)
    monkeypatch.setattr(doubts, "CHUNK", 1 << 12)
    monkeypatch.setattr(doubts, "LOOKED_AT", 1 << 12)
    content = mark + prose(8000)
    (tmp_path / "text.txt").write_text(content)
    TextGeneration.suggest(tmp_path, {"tokens": tokens})  # and what is made once
    tracemalloc.start()
    data, meta = TextGeneration.prepare(tmp_path, TextData(tokens=tokens))
    TextGeneration.understand(tmp_path, data, meta)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    places = 4 * CODE_POINTS if tokens == "char" else 0
    assert peak - places < 4 * len(content.encode()) + 400_000


@pytest.mark.parametrize("kinds", [200, 300, 40_000])
def test_tensors_are_of_the_smallest_type_and_hold_the_text(tmp_path, kinds):
    text = "".join(chr(0x20000 + i % kinds) for i in range(3 * kinds))
    data, meta, _ = understood(tmp_path, {"text.txt": text * 2}, max_vocabulary=100_000)
    assert "".join(texts(data, meta).values()) == text * 2
    small = {200: torch.uint8, 300: torch.int16, 40_000: torch.int32}
    assert {data[split].dtype for split in SPLITS} == {small[kinds]}

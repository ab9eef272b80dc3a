"""Descriptions of recordings of texts before anything is trained."""

import numpy as np
import pytest
import soundfile

from rnn_core.parameters import parse
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData
from rnn_core.tasks.speech_transcription.task import SpeechTranscription
from rnn_core.tasks.speech_transcription.understand import marks


def understood(raw, **wanted):
    suggestion = SpeechTranscription.suggest(raw, wanted)
    data, meta = SpeechTranscription.prepare(
        raw, parse(TranscriptionData, suggestion["data"], "data")
    )
    assert type(meta).from_json(meta.to_json()) == meta
    return SpeechTranscription.understand(raw, data, meta)


def store(path, seed, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(seed).standard_normal(rate // 2), rate)


def test_symbols_speakers_and_what_is_left_out_are_told(tmp_path):
    rows = ["path\tsentence\tclient_id"]
    for i, name in enumerate("abcdefghi"):
        store(tmp_path / "clips" / f"{name}.wav", i, 16000 if name == "a" else 8000)
        rows.append(f"{name}.wav\t{['ja', 'nein'][i % 2]}\t{'xyz'[i // 3]}")
    rows[-1] = rows[-1].replace("ja", "jaq")
    rows.append(rows[1].replace("a.wav", "copy.wav"))
    (tmp_path / "clips/copy.wav").write_bytes((tmp_path / "clips/a.wav").read_bytes())
    store(tmp_path / "clips/more.wav", 99)
    (tmp_path / "validated.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "README").write_text("x")
    found = understood(tmp_path)
    assert found.read[0] == "5 characters: a, e, i, j, n"
    assert found.read[1:] == (
        "texts are read from validated.tsv",
        "3 speakers: x 3, y 3, z 3",
        "training set: x; validation set: y; test set: z",
        "3 recordings in the training set, 3 in the validation set, 3 in the test set",
        "4.5 seconds of sound in 9 recordings (9 WAV (16 bits)), at 8,000 Hz",
        "resampled to 8,000 Hz: 1 from 16,000",
        "left out as copies: clips/copy.wav (of clips/a.wav)",
        "left out: 1 recording without a text, README",
    )
    (doubt,) = found.doubts
    assert doubt.startswith("the texts of 1 recording for validation or test have symbols that no")


def test_strings_are_told_to_be_joined(tmp_path):
    for i, word in enumerate(("ja", "nein")):
        for j, who in enumerate("xyz"):
            for take in range(2):
                store(tmp_path / word / f"{who}_{take}.wav", 10 * i + 3 * j + take)
    found = understood(tmp_path, strings=[8, 3, 3])
    assert found.read[:4] == (
        "2 words: ja, nein",
        "nothing tells texts of whole recordings, so each is taken for a word",
        "strings of 2 words by 3 speakers are joined",
        "8 strings in the training set, 3 in the validation set, 3 in the test set",
    )


FINE = ["go on"] * 20


@pytest.mark.parametrize(
    "mark",
    [
        "*laughs*",
        "{breath}",
        "%HESITATION",
        "&#39;",
        "&Uuml;",
        "&#x2019;",
        "[noise]",
        "<unk>",
        "</b>",
    ],
)
def test_marks_in_several_texts_are_told(mark):
    (doubt,) = marks([*FINE, *[f"so {mark} it is"] * 3])
    assert doubt.startswith(f"the texts of 3 recordings have marks such as {mark!r}, which")
    assert marks([*FINE, *[f"so {mark} it is"] * 2]) == []
    assert marks([*FINE * 50, *[f"so {mark} it is"] * 3]) == []


@pytest.mark.parametrize("text", ["i <3 you > me", "2 * 3 * 4", "5 % OFF", "so, it is: yes"])
def test_what_may_be_said_is_no_mark(text):
    assert marks([text] * 9) == []

"""Texts and words of recordings in the layouts of public collections and toolkits."""

import json
import random

import numpy as np
import pytest
import soundfile

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recording_names import find_words
from rnn_core.readers.sound.recording_sides import SplitParameters
from rnn_core.readers.sound.transcripts import list_transcripts, listed_utterances
from rnn_core.tasks.speech_transcription.suggest import suggest

WORDS = ("go", "left", "no", "stop now")
SAID = {f"u{i}": WORDS[i % 4] for i in range(12)}


def record(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(sum(map(ord, name)))
        soundfile.write(path, 0.2 * draw.standard_normal(1600), 8000)


def write(folder, name, *lines):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def libri_speech(folder):
    for who in ("84", "174", "251"):
        book = f"LibriSpeech/train-clean-100/{who}/121"
        names = [f"{who}-121-{i:04d}" for i in range(4)]
        record(folder, *(f"{book}/{name}.flac" for name in names))
        lines = [f"{n} {w.upper()}" for n, w in zip(names, WORDS, strict=True)]
        write(folder, f"{book}/{who}-121.trans.txt", *lines)
    write(folder, "LibriSpeech/SPEAKERS.TXT", ";ID | SEX", "84 | F")
    return {
        f"{w}-121-{i:04d}": (WORDS[i].upper(), w) for w in ("84", "174", "251") for i in range(4)
    }


def vctk(folder):
    said = {}
    for who in ("p225", "p226", "p227"):
        for i, text in enumerate(WORDS):
            said[f"{who}_{i:03d}"] = text, who
            record(folder, f"wav48/{who}/{who}_{i:03d}.wav")
            write(folder, f"txt/{who}/{who}_{i:03d}.txt", text)
    write(folder, "metadata.csv", "id,age", "225,23", "226,31")
    return said


def own_files(folder, ending=".txt", form="{}"):
    record(folder, *(f"{name}.wav" for name in SAID))
    for name, text in SAID.items():
        write(folder, name + ending, form.format(text))
    return {name: (text, None) for name, text in SAID.items()}


def timit(folder):
    """The same names in the folder of each speaker, and samples before each text."""
    said = {}
    for who in ("FCJF0", "MDAC0"):
        for i, text in enumerate(WORDS):
            name = f"TRAIN/DR1/{who}/SX{i}"
            record(folder, f"{name}.WAV")
            write(folder, f"{name}.TXT", f"0 46797 {text} {who}")
            write(folder, f"{name}.WRD", "0 400 x")
            said[f"SX{i} {who}"] = f"{text} {who}", None
    return said


def libri_tts(folder):
    own_files(folder, ".original.txt", "no {}.")
    return own_files(folder, ".normalized.txt")


def kaldi(folder):
    record(folder, *(f"wav/{name}.wav" for name in SAID))
    ids = {f"spk{i % 3}-{i}": name for i, name in enumerate(SAID)}
    write(folder, "data/text", *(f"{i} {SAID[name]}" for i, name in ids.items()))
    write(folder, "data/wav.scp", *(f"{i} /corpora/x/wav/{name}.wav" for i, name in ids.items()))
    write(folder, "data/utt2spk", *(f"{i} {i.split('-')[0]}" for i in ids))
    write(folder, "data/utt2dur", *(f"{i} 0.{n}" for n, i in enumerate(ids)))
    return {name: (SAID[name], i.split("-")[0]) for i, name in ids.items()}


def kaldi_pipes(folder):
    said = kaldi(folder)
    ids = [line.split()[0] for line in (folder / "data/text").read_text().splitlines()]
    pipes = [f"{i} flac -c -d -s wav/{n}.wav |" for i, n in zip(ids, said, strict=True)]
    write(folder, "data/wav.scp", *pipes)
    return said


def prompts(folder):
    """A list of VoxForge."""
    record(folder, *(f"wav/{name}.wav" for name in SAID))
    write(folder, "etc/PROMPTS", *(f"ann-2007/mfc/{n} {t}" for n, t in SAID.items()))
    return {name: (text, None) for name, text in SAID.items()}


def arctic(folder):
    record(folder, *(f"wav/{name}.wav" for name in SAID))
    write(folder, "etc/txt.done.data", *(f'( {n} "{t}" )' for n, t in SAID.items()))
    return {name: (text, None) for name, text in SAID.items()}


def nemo(folder):
    record(folder, *(f"{name}.wav" for name in SAID))
    for split, part in {"train": slice(8), "dev": slice(8, 10), "test": slice(10, 12)}.items():
        rows = [
            json.dumps({"audio_filepath": f"{n}.wav", "duration": 1.5, "text": t})
            for n, t in list(SAID.items())[part]
        ]
        write(folder, f"{split}_manifest.json", *rows)
    return {name: (text, None) for name, text in SAID.items()}


def other_names(folder):
    """Columns that are known by what they hold; names of files may lie in any folder."""
    record(folder, *(f"sound/{n[-1]}/{n}.wav" for n in SAID))
    rows = [f"{i},{n}.wav,{t}" for i, (n, t) in enumerate(SAID.items())]
    write(folder, "csv/said.csv", "seconds,clip,text", *rows)
    return {name: (text, None) for name, text in SAID.items()}


def no_names(folder):
    record(folder, *(f"{name}.wav" for name in SAID))
    write(folder, "said.csv", *(f"{n}.wav,{t}" for n, t in SAID.items()))
    return {name: (text, None) for name, text in SAID.items()}


LAYOUTS = [
    *(libri_speech, vctk, own_files, timit, libri_tts, kaldi, kaldi_pipes, prompts, arctic, nemo),
    *(other_names, no_names),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_texts_are_found_where_collections_have_them(tmp_path, layout):
    said = layout(tmp_path)
    faults = Faults()
    listed = list_transcripts(tmp_path, faults)
    faults.check()
    found = {}
    for file, row in zip(listed.files, listed.rows, strict=True):
        name = file.path.stem + (f" {file.path.parent.name}" if layout is timit else "")
        assert row.text == file.said
        found[name] = file.said, row.speaker
    assert found == said
    assert suggest(tmp_path, {})["data"].get("strings") is None


def test_splits_of_tables_and_folders_are_kept(tmp_path):
    nemo(tmp_path / "nemo")
    given = SplitParameters(split_by="given")
    read = listed_utterances(tmp_path / "nemo", given, "char").each
    sides = {u.name: u.side for u in read}
    assert [sides[f"{name}.wav"] for name in SAID] == [0] * 8 + [1] * 2 + [2] * 2
    for split, count in (("train", 4), ("dev", 2), ("test", 2)):
        for i in range(count):
            record(tmp_path / "own", f"{split}/{split}{i}.wav")
            write(tmp_path / "own", f"{split}/{split}{i}.txt", WORDS[i])
    read = listed_utterances(tmp_path / "own", given, "char").each
    assert sorted((u.name.split("/")[0], u.side) for u in read) == (
        [("dev", 1)] * 2 + [("test", 2)] * 2 + [("train", 0)] * 4
    )


REFUSED = {
    "a recording without its file": (
        lambda folder: (own_files(folder), (folder / "u3.txt").unlink()),
        r"u3\.wav has no text file as the others have",
    ),
    "an empty file": (
        lambda folder: (own_files(folder), write(folder, "u3.txt")),
        r"u3\.txt is empty",
    ),
    "two lists": (
        lambda folder: (prompts(folder), write(folder, "b.txt", *(f"{n} x y" for n in SAID))),
        r"etc/PROMPTS, line 1: u0 is in b\.txt, line 1 too",
    ),
    "parts of recordings": (
        lambda folder: (kaldi(folder), write(folder, "data/segments", "spk0-0 u0 0.0 0.2")),
        "data/segments cuts recordings into utterances",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_faults_of_texts_beside_recordings_are_told(tmp_path, kind):
    make, message = REFUSED[kind]
    make(tmp_path)
    faults = Faults()
    with pytest.raises(DataError, match=message):
        list_transcripts(tmp_path, faults)
        faults.check()


@pytest.mark.parametrize("ending", [".TextGrid", ".srt", ".phn", ".de.json"])
def test_files_of_other_kinds_beside_recordings_are_not_passed_over(tmp_path, ending):
    """Their names alone would make words of them: each speaker one."""
    record(tmp_path, *(f"ann{i // 4}_{i}.wav" for i in range(12)))
    for i in range(12):
        write(tmp_path, f"ann{i // 4}_{i}{ending}", "{}")
    with pytest.raises(DataError, match=rf"ann\d_\d+{ending} has the name of a recording"):
        suggest(tmp_path, {})
    assert suggest(tmp_path, {"strings": [9, 3, 3]})["data"]["strings"] == [9, 3, 3]


LABELS = ("dog", "cat", "rain")


def sounds(folder, table, head, row, place="audio", seed=3):
    """Recordings that have no word in their names, and a table that has their classes."""
    draw = random.Random(seed)
    label_of = {f"{draw.randrange(10**6):06d}-{i}": LABELS[i % 3] for i in range(30)}
    record(folder, *(f"{place}/{name}.wav" for name in label_of))
    rows = [row.format(name=n, label=w, i=i) for i, (n, w) in enumerate(label_of.items())]
    draw.shuffle(rows)
    write(folder, table, *([head] if head else []), *rows)
    return label_of


TABLES = {
    "labels": ("labels.csv", "filename,label", "{name}.wav,{label}"),
    "ESC-50": ("meta/esc50.csv", "filename,fold,target,category", "{name}.wav,1,7,{label}"),
    "audiofolder": ("audio/metadata.csv", "file_name,label", "{name}.wav,{label}"),
    "no names of columns": ("labels.csv", "", "{name}.wav,{label}"),
    "other names of columns": ("a.csv", "i,clip,species", "{i},{name}.wav,{label}"),
    "lines": ("labels.txt", "", "{name}.wav {label}"),
    "JSON": ("l.json", "", '{{"audio_filepath": "{name}.wav", "command": "{label}"}}'),
    "folders": ("train.tsv", "id\tword", "audio/{name}\t{label}"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_words_are_read_from_tables_where_names_tell_none(tmp_path, kind):
    table, head, row = TABLES[kind]
    label_of = sounds(tmp_path, table, head, row)
    if kind == "other names of columns":  # two further columns: which has words is not known
        with pytest.raises(DataError, match="tell 30 words"):
            check(tmp_path)
        return
    words = check(tmp_path)
    assert {r.path.stem: r.word for r in words.recordings} == label_of
    assert words.notes[0] == f"words are read from {table}"
    assert table not in words.left_out


def check(folder):
    faults = Faults()
    words = find_words(folder, "", faults)
    faults.check()
    return words


def test_folds_of_sounds_are_kept_together(tmp_path):
    """Parts of one long recording are in one fold, and are alike."""
    sounds(tmp_path, "UrbanSound8K.csv", "slice_file_name,fold,class", "{name}.wav,{i},{label}")
    words = check(tmp_path)
    assert len({r.speaker for r in words.recordings}) == 30
    assert words.notes[1] == (
        "recordings with the same 'fold' are in one set, as those of one speaker are"
    )


def test_texts_are_no_words(tmp_path):
    libri_speech(tmp_path)
    for path in tmp_path.rglob("*.trans.txt"):
        path.write_text("".join(f"{x} {path.stem}\n" for x in path.read_text().splitlines()))
    with pytest.raises(DataError, match=r"12 for 12 recordings, such as .* --task speech_transcr"):
        check(tmp_path)


def test_table_that_contradicts_itself_is_refused(tmp_path):
    sounds(tmp_path, "labels.csv", "file,label", "{name}.wav,{label}")
    name = next(tmp_path.glob("audio/*.wav")).name
    with (tmp_path / "labels.csv").open("a") as file:
        file.write(f"{name},wind\n")
    with pytest.raises(DataError, match=rf"row 32: {name} is 'wind', and '.*' above"):
        check(tmp_path)


def test_two_tables_of_words_are_refused(tmp_path):
    label_of = sounds(tmp_path, "a.csv", "file,label", "{name}.wav,{label}")
    write(tmp_path, "b.csv", "file,label", *(f"{name}.wav,x" for name in label_of))
    with pytest.raises(DataError, match=r"a\.csv and b\.csv list recordings with their words"):
        check(tmp_path)

"""Texts of recordings in the layouts of public collections and toolkits."""

import json

import pytest
from sound_layouts import WORDS, libri_speech, record, write

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound import text_lists
from rnn_core.readers.sound.recording_splits import SplitParameters
from rnn_core.readers.sound.transcripts import list_transcripts, listed_utterances
from rnn_core.tasks.speech_transcription.suggest import suggest

SAID = {f"u{i}": WORDS[i % 4] for i in range(12)}


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
    """Lists of VoxForge: each speaker has recordings of the same names."""
    said = {}
    for who in ("ann-2007", "bob-2009"):
        record(folder, *(f"{who}/wav/{name}.wav" for name in SAID))
        write(folder, f"{who}/etc/PROMPTS", *(f"{who}/mfc/{n} {t} {who}" for n, t in SAID.items()))
        said |= {f"{name} {who}": (f"{text} {who}", None) for name, text in SAID.items()}
    return said


def arctic(folder):
    record(folder, *(f"wav/{name}.wav" for name in SAID))
    write(folder, "etc/txt.done.data", *(f'( {n} "{t}" )' for n, t in SAID.items()))
    return {name: (text, None) for name, text in SAID.items()}


def sphinx(folder):
    """Names come after the texts, as in AN4; marks of their ends are not in all lists."""
    record(folder, *(f"wav/an4_clstk/{name}.sph.wav" for name in SAID))
    first, *rest = (f"{t} ({n})" for n, t in SAID.items())
    write(folder, "etc/an4_test.transcription", first)
    write(folder, "etc/an4_train.transcription", *(f"<s> {r.replace('(', '</s> (')}" for r in rest))
    return {f"{name}.sph": (text, None) for name, text in SAID.items()}


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


def capitals_in_a_list(folder):
    record(folder, *(f"wav/{name}.wav" for name in SAID))
    write(folder, "text", *(f"{name.upper()} {text}" for name, text in SAID.items()))
    return {name: (text, None) for name, text in SAID.items()}


def capitals_of_kaldi(folder):
    said = kaldi(folder)
    scp = folder / "data/wav.scp"
    scp.write_text(scp.read_text().replace("/u", "/U").replace(".wav", ".WAV"))
    return said


def capitals_in_a_table(folder):
    record(folder, *(f"{name}.wav" for name in SAID))
    write(folder, "said.csv", "clip,text", *(f"{n.upper()},{t}" for n, t in SAID.items()))
    return {name: (text, None) for name, text in SAID.items()}


def capitals_in_own_files(folder):
    record(folder, *(f"{name}.wav" for name in SAID))
    for name, text in SAID.items():
        write(folder, f"{name.upper()}.TXT", text)
    return {name: (text, None) for name, text in SAID.items()}


LAYOUTS = [
    *(libri_speech, vctk, own_files, timit, libri_tts, kaldi, kaldi_pipes, prompts, arctic, nemo),
    sphinx,
    *(other_names, no_names, capitals_in_a_list, capitals_of_kaldi, capitals_in_a_table),
    capitals_in_own_files,
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_texts_are_found_where_collections_have_them(tmp_path, layout):
    said = layout(tmp_path)
    faults = Faults()
    listed = list_transcripts(tmp_path, faults)
    faults.check()
    found = {}
    for file, row in zip(listed.files, listed.rows, strict=True):
        name = file.path.stem
        if layout is timit:
            name += f" {file.path.parent.name}"
        if layout is prompts:
            name += f" {file.path.parents[1].name}"
        assert row.text == file.said
        found[name] = file.said, row.speaker
    assert found == said
    assert suggest(tmp_path, {})["data"].get("strings") is None


def test_recordings_that_differ_in_capitals_alone_keep_their_own_texts(tmp_path):
    said = {"a1": "go", "A1": "stop", "b1": "left", "B1": "right"}
    record(tmp_path, *(f"{name}.wav" for name in said))
    write(tmp_path, "text", *(f"{name} {text}" for name, text in said.items()))
    listed = list_transcripts(tmp_path, Faults())
    assert {file.path.stem: file.said for file in listed.files} == said
    (tmp_path / "text").unlink()
    for name, text in said.items():
        write(tmp_path, f"{name}.txt", text)
    listed = list_transcripts(tmp_path, Faults())
    assert {file.path.stem: file.said for file in listed.files} == said


def test_splits_of_tables_and_folders_are_kept(tmp_path):
    nemo(tmp_path / "nemo")
    given = SplitParameters(split_by="given")
    read = listed_utterances(tmp_path / "nemo", given, "char").each
    splits = {u.name: u.split for u in read}
    assert [splits[f"{name}.wav"] for name in SAID] == [0] * 8 + [1] * 2 + [2] * 2
    for split, count in (("train", 4), ("dev", 2), ("test", 2)):
        for i in range(count):
            record(tmp_path / "own", f"{split}/{split}{i}.wav")
            write(tmp_path / "own", f"{split}/{split}{i}.txt", WORDS[i])
    read = listed_utterances(tmp_path / "own", given, "char").each
    assert sorted((u.name.split("/")[0], u.split) for u in read) == (
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
        lambda folder: (arctic(folder), write(folder, "b.txt", *(f"{n} x y" for n in SAID))),
        r"etc/txt\.done\.data, line 1: u0 is in b\.txt, line 1 too",
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


def vctk_of_two_microphones(folder):
    for who in ("p225", "p226", "p227"):
        for i, text in enumerate(WORDS):
            name = f"{who}/{who}_{i:03d}"
            record(folder, f"wav48/{name}_mic1.flac", f"wav48/{name}_mic2.flac")
            write(folder, f"txt/{name}.txt", text)


def test_texts_of_two_microphones_are_those_of_one_name(tmp_path):
    vctk_of_two_microphones(tmp_path)
    listed = list_transcripts(tmp_path, Faults())
    pairs = zip(listed.files, listed.rows, strict=True)
    said = {file.path.stem: (file.said, row.speaker) for file, row in pairs}
    assert len(said) == 24
    assert said["p226_001_mic1"] == said["p226_001_mic2"] == (WORDS[1], "p226")


SURE = {
    "a table with a column of texts": lambda folder: write(
        folder, "texts.csv", "file,text", *(f"{n}.wav,{t}" for n, t in SAID.items())
    ),
    "a file each": lambda folder: [write(folder, f"{n}.txt", t) for n, t in SAID.items()],
}
FACTS = {
    "gender.txt": "m",
    "utt2speaker.txt": "bob smith",
    "lengths.txt": "1.5 2.5",
    "other.txt": "quiet room",
}


@pytest.mark.parametrize("sure", SURE)
@pytest.mark.parametrize("name", FACTS)
def test_lists_of_other_facts_go_after_what_certainly_has_texts(tmp_path, sure, name):
    record(tmp_path, *(f"{n}.wav" for n in SAID))
    write(tmp_path, name, *(f"{n}.wav {FACTS[name]}" for n in SAID))
    SURE[sure](tmp_path)
    listed = list_transcripts(tmp_path, Faults())
    assert {file.path.stem: file.said for file in listed.files} == SAID
    assert name in listed.left_out


@pytest.mark.parametrize("head", ["file,seconds", "file,speaker,gender", "file,length"])
def test_tables_of_other_facts_have_no_texts(tmp_path, head):
    record(tmp_path, *(f"yes_{n}.wav" for n in SAID), *(f"no_{n}.wav" for n in SAID))
    value = "0.5" if "gender" not in head else "bob,m"
    rows = [f"{word}_{n}.wav,{value}" for n in SAID for word in ("yes", "no")]
    write(tmp_path, "facts.csv", head, *rows)
    faults = Faults()
    with pytest.raises(DataError, match=r"facts\.csv has no column 'text'"):
        list_transcripts(tmp_path, faults)
        faults.check()


TIMED = {
    "one part": ("0.000000\t1.500000\t{}", None),
    "samples": ("0 46797 {}", None),
    "parts": ("0 100 {}\n100 200 more", "has parts of a text with their times"),
    "numbers": ("0.1 2.5 0 1", "holds numbers"),
    "Whisper": ("[00:00.000 --> 00:02.000]  {}", "has parts of a text with their times"),
    "SubRip": ("1\n00:00:00,000 --> 00:00:02,000\n{}", "has parts of a text with their times"),
    "numbers that are said": ("7 4 {}", ""),
    "fields": ("text: {}\nspeaker: bob", "has several fields"),
}


@pytest.mark.parametrize("kind", TIMED)
def test_times_in_files_of_texts_are_no_text(tmp_path, kind):
    form, fault = TIMED[kind]
    record(tmp_path, *(f"{n}.wav" for n in SAID))
    for name, text in SAID.items():
        write(tmp_path, f"{name}.txt", form.format(text))
    if fault is None:
        listed = list_transcripts(tmp_path, Faults())
        assert {file.path.stem: file.said for file in listed.files} == SAID
        return
    if not fault:
        listed = list_transcripts(tmp_path, Faults())
        said = {name: f"7 4 {text}" for name, text in SAID.items()}
        assert {file.path.stem: file.said for file in listed.files} == said
        return
    with pytest.raises(DataError, match=rf"u0\.txt {fault}: "):
        list_transcripts(tmp_path, Faults())


def test_table_is_found_among_many_text_files(tmp_path):
    record(tmp_path, *(f"{n}.wav" for n in SAID))
    for i in range(60):
        write(tmp_path, f"0{i:03d}.txt", "x")
    write(tmp_path, "zlabels.csv", "file,text", *(f"{n}.wav,{t}" for n, t in SAID.items()))
    listed = list_transcripts(tmp_path, Faults())
    assert {file.path.stem: file.said for file in listed.files} == SAID


@pytest.mark.parametrize("name", ["transcripts.tsv", "metadata.csv", "train.tsv", "a.csv"])
def test_table_that_is_a_link_to_nothing_is_no_table(tmp_path, name):
    own_files(tmp_path)
    (tmp_path / name).symlink_to("nowhere.csv")
    listed = list_transcripts(tmp_path, Faults())
    assert {file.path.stem: file.said for file in listed.files} == SAID


def test_large_file_beside_recordings_is_not_read_whole(tmp_path, monkeypatch):
    own = text_lists.lines_of
    monkeypatch.setattr(text_lists, "lines_of", lambda file: read.append(file.name) or own(file))
    read = []
    record(tmp_path, *(f"{n}.wav" for n in SAID))
    write(tmp_path, "train.log.txt", *(f"epoch {i}" for i in range(9)))
    write(tmp_path, "list.txt", *(f"{n}.wav {t}" for n, t in SAID.items()))
    assert list_transcripts(tmp_path, Faults()).files
    assert set(read) == {"list.txt"}


def counted(folder, table, form):
    """A table with numbers of rows, which are names of recordings too, but of other ones."""
    record(folder, *(f"clips/{i}.wav" for i in range(12)))
    of = [(f"clips/{11 - i}.wav", f"this says {11 - i}") for i in range(12)]
    write(folder, table, *(form.format(i=i, file=f, text=t) for i, (f, t) in enumerate(of)))


COUNTED = {
    "validated.csv": (",path,sentence", "{i},{file},{text}"),
    "anything.csv": (",clip,sentence", "{i},{file},{text}"),
    "metadata.csv": ("id,file_name,text", "{i},{file},{text}"),
}


@pytest.mark.parametrize("table", COUNTED)
def test_numbers_of_rows_are_not_names_of_recordings(tmp_path, table):
    head, form = COUNTED[table]
    counted(tmp_path, table, form)
    rows = (tmp_path / table).read_text()
    (tmp_path / table).write_text(f"{head}\n{rows}")
    said = {f.path.stem: f.said for f in list_transcripts(tmp_path, Faults()).files}
    assert said == {str(i): f"this says {i}" for i in range(12)}


def test_texts_of_digits_in_bars_are_read_as_any(tmp_path):
    """As LJSpeech, with other texts."""
    record(tmp_path, *(f"wavs/{name}.wav" for name in SAID))
    write(tmp_path, "metadata.csv", *(f"{name}|0 {i} 4|0 {i} 4" for i, name in enumerate(SAID)))
    said = {f.path.stem: f.said for f in list_transcripts(tmp_path, Faults()).files}
    assert said == {name: f"0 {i} 4" for i, name in enumerate(SAID)}


def test_table_in_the_folder_of_each_split_is_read(tmp_path):
    """As datasets of audio are loaded from folders."""
    for split, count in (("train", 4), ("validation", 2), ("test", 2)):
        record(tmp_path, *(f"{split}/{split}{i}.wav" for i in range(count)))
        rows = [f"{split}{i}.wav,{WORDS[i]}" for i in range(count)]
        write(tmp_path, f"{split}/metadata.csv", "file_name,transcription", *rows)
    read = listed_utterances(tmp_path, SplitParameters(split_by="given"), "char").each
    assert sorted((u.name.split("/")[0], u.split) for u in read) == (
        [("test", 2)] * 2 + [("train", 0)] * 4 + [("validation", 1)] * 2
    )

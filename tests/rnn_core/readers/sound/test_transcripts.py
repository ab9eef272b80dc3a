"""Tables of transcripts, as people write them and as public collections unpack."""

import os

import numpy as np
import pytest
import soundfile

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recording_splits import SplitParameters
from rnn_core.readers.sound.transcripts import list_transcripts, listed_utterances

TEXTS = {"a": "go left", "b": 'say "x"', "c": '"no go', "d": "no, go"}


def record(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = sum(map(ord, name))
        samples = 0.2 * np.random.default_rng(seed).standard_normal(3200)
        form = {"mp3": "MP3", "flac": "FLAC"}.get(name.rsplit(".", 1)[1].lower(), "WAV")
        soundfile.write(path, samples, 16000, format=form)


def table(folder, name, *lines, ending="\n"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes((ending.join(lines) + ending).encode())


def tsv(form="{}.wav", tail="", texts=TEXTS):
    return [f"file\ttext{tail}", *(f"{form.format(n)}\t{text}{tail}" for n, text in texts.items())]


def found(folder):
    faults = Faults()
    listed = list_transcripts(folder, faults)
    faults.check()
    return {file.path.relative_to(folder).as_posix(): file.said for file in listed.files}


WRITINGS = {
    "tabs, and quotation marks that are text": tsv(),
    "dots before": tsv("./{}.wav"),
    "no ends": tsv("{}"),
    "a tab at the end of every row": tsv(tail="\t"),
    "blank lines": [*tsv()[:2], "", "\t", *tsv()[2:], ""],
    "a mark before the first and one within": [
        "\ufeff" + tsv()[0],
        *tsv()[1:3],
        "\ufeff" + tsv()[3],
        tsv()[4],
    ],
    "other columns beside": [f"up\t{line}\tage" for line in tsv()],
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("writing", WRITINGS)
def test_rows_are_read_as_they_are_meant(tmp_path, writing, ending):
    record(tmp_path, *(f"{name}.wav" for name in TEXTS))
    table(tmp_path, "transcripts.tsv", *WRITINGS[writing], ending=ending)
    assert found(tmp_path) == {f"{name}.wav": text for name, text in TEXTS.items()}


def test_names_with_the_slashes_of_another_system_and_from_a_folder_of_recordings(tmp_path):
    record(tmp_path, "wavs/x/a.wav", "wavs/b.FLAC")
    table(tmp_path, "transcripts.tsv", "path\tsentence", "wavs\\x\\a.wav\tja", "b\tnein")
    assert found(tmp_path) == {"wavs/x/a.wav": "ja", "wavs/b.FLAC": "nein"}


def test_commas_inside_quoted_texts_part_nothing(tmp_path):
    record(tmp_path, *(f"{name}.wav" for name in TEXTS))
    lines = ["a.wav,go left", 'b.wav,"say ""x"""', 'c.wav,"""no go"', 'd.wav,"no, go"']
    table(tmp_path, "transcripts.csv", "file,text", *lines)
    assert found(tmp_path) == {f"{name}.wav": text for name, text in TEXTS.items()}


def test_both_forms_of_letters_are_one_in_texts_and_in_names(tmp_path):
    record(tmp_path, "u\u0308.wav", "\u00e9.wav")
    table(
        tmp_path,
        "transcripts.tsv",
        "file\ttext",
        "\u00fc.wav\tcafe\u0301",
        "e\u0301.wav\tcaf\u00e9",
    )
    assert set(found(tmp_path).values()) == {"caf\u00e9"}


def test_characters_that_nobody_sees_are_no_symbols(tmp_path):
    record(tmp_path, "a.wav", "b.wav", "c.wav")
    rows = ["a.wav\tja\u200b", "b.wav\t\ufeffja", "c.wav\tja \u00a0 ne\u00adin"]
    table(tmp_path, "transcripts.tsv", "file\ttext", *rows)
    assert list(found(tmp_path).values()) == ["ja", "ja", "ja nein"]


def test_every_fault_of_a_table_is_told_with_its_line(tmp_path):
    record(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav", "e.wav")
    table(
        tmp_path,
        "transcripts.csv",
        "file,text",
        "a.wav,stop, go, yes",
        "",
        "b.wav,",
        "gone.wav,ja",
        "c.wav,ja",
        "c.wav,nein",
        "d.wav,a\u0007b",
    )
    with pytest.raises(DataError) as caught:
        found(tmp_path)
    told = str(caught.value)
    assert told.startswith("5 faults"), "of e.wav nothing is known: row 2 may be its"
    for line in (
        "row 2 has 4 fields, and row 1 has 2 column names",
        "row 4: b.wav has no text",
        "row 5: there is no file 'gone.wav' in the folder",
        "row 7: c.wav is in row 6 already",
        "row 8 holds U+0007, which is no character of a text",
    ):
        assert line in told


@pytest.mark.parametrize("name", ["{}", "../{}", "C:\\recordings\\{}", "x/../../{}"])
def test_recordings_outside_of_the_folder_are_not_taken(tmp_path, name):
    """They would stay outside of what is copied and recorded."""
    outside = tmp_path / "outside"
    record(outside, "a.wav")
    record(tmp_path / "in", "a.wav")
    place = os.fspath(outside / "a.wav") if name == "{}" else name.format("outside/a.wav")
    table(tmp_path / "in", "transcripts.tsv", "file\ttext", f"{place}\tja")
    with pytest.raises(DataError, match=r"row 2: .*a\.wav is not named from the folder of the"):
        found(tmp_path / "in")


def test_common_voice_is_read_as_it_unpacks(tmp_path):
    base = tmp_path / "cv-corpus/de"
    header = "client_id\tpath\tsentence\tup_votes"
    for split, names in {"train": "abcd", "dev": "ef", "test": "gh"}.items():
        record(base, *(f"clips/{name}.mp3" for name in names))
        rows = (f"speaker{i % 2}{split}\t{name}.mp3\tja {name}\t2" for i, name in enumerate(names))
        table(base, f"{split}.tsv", header, *rows)
    record(base, "clips/invalid.mp3")
    table(base, "validated.tsv", header)
    table(base, "invalidated.tsv", header, "x\tinvalid.mp3\tnein\t0")
    utterances = listed_utterances(tmp_path, SplitParameters(split_by="given"), "word", 8000)
    by_text = {"".join(u.symbols): u for u in utterances.each}
    assert {text: u.split for text, u in by_text.items()} == {
        **{f"ja{name}": 0 for name in "abcd"},
        **{f"ja{name}": 1 for name in "ef"},
        **{f"ja{name}": 2 for name in "gh"},
    }
    assert by_text["jab"].speaker == "speaker1train"
    assert utterances.rate_hz == 8000
    listed = list_transcripts(tmp_path, Faults())
    assert listed.left_out == [
        "1 recording without a text",
        "cv-corpus/de/invalidated.tsv",
        "cv-corpus/de/validated.tsv",
    ]


def test_ljspeech_is_read_as_it_unpacks(tmp_path):
    record(tmp_path, "LJ/wavs/LJ001-0001.wav", "LJ/wavs/LJ001-0002.wav")
    rows = ['LJ001-0001|"Ah", 2 said,|"Ah", two said,', "LJ001-0002|No; 3.|No; three."]
    table(tmp_path / "LJ", "metadata.csv", *rows)
    table(tmp_path / "LJ", "README", "Speech")
    assert found(tmp_path) == {
        "LJ/wavs/LJ001-0001.wav": '"Ah", two said,',
        "LJ/wavs/LJ001-0002.wav": "No; three.",
    }


@pytest.mark.parametrize("validation", ["dev", "Eval"])
def test_a_table_that_says_splits_and_speakers_is_followed(tmp_path, validation):
    record(tmp_path, "a.wav", "b.wav", "c.wav")
    rows = ["a.wav,ja,Train,x", f"b.wav,nein,{validation},y", "c.wav,ja,test,z"]
    table(tmp_path, "metadata.csv", "file_name,transcription,split,speaker_id", *rows)
    utterances = listed_utterances(tmp_path, SplitParameters(split_by="given"), "word")
    assert [(u.split, u.speaker) for u in utterances.each] == [(0, "x"), (1, "y"), (2, "z")]


@pytest.mark.parametrize("column", ["speakerId", "Speaker ID", "spk-id", "worker_id"])
def test_speakers_are_read_however_their_column_is_written(tmp_path, column):
    record(tmp_path, "a.wav", "b.wav")
    rows = f"{column},fileName,text\nann,a.wav,no\nbob,b.wav,yes\n"
    (tmp_path / "x.csv").write_text(rows)
    assert [row.speaker for row in list_transcripts(tmp_path, Faults()).rows] == ["ann", "bob"]


@pytest.mark.parametrize("name", ["my_table.tsv", "train_list.csv"])
def test_the_only_table_is_that_of_the_transcripts(tmp_path, name):
    record(tmp_path, "a.wav")
    separator = "\t" if name.endswith("tsv") else ","
    table(tmp_path, name, separator.join(("audio", "transcript")), separator.join(("a", "ja")))
    assert found(tmp_path) == {"a.wav": "ja"}


def test_a_table_in_another_encoding_is_read_and_that_is_told(tmp_path):
    record(tmp_path, "a.wav", "b.wav")
    lines = "file\ttext\na.wav\tsch\u00f6n\nb.wav\tgr\u00fcn\n"
    (tmp_path / "transcripts.tsv").write_bytes(lines.encode("cp1252"))
    assert found(tmp_path) == {"a.wav": "sch\u00f6n", "b.wav": "gr\u00fcn"}
    (note,) = list_transcripts(tmp_path, Faults()).notes
    assert note.startswith("transcripts.tsv is read as cp1252")


WRONG = {
    "in an uncertain encoding": (
        "a.wav,\u0159ada\nb.wav,\u010das\n",
        "save the file in UTF-8",
    ),
    "with an open quotation mark": ('a.wav,"ja\nb.wav,nein\n', "close it"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_no_advice_names_a_parameter_that_recordings_do_not_have(tmp_path, kind):
    rows, cure = WRONG[kind]
    record(tmp_path, "a.wav", "b.wav")
    (tmp_path / "my.csv").write_bytes(f"file,text\n{rows}".encode("cp1250"))
    with pytest.raises(DataError, match=f"; {cure}$"):
        found(tmp_path)


def test_rows_of_json_are_a_table_too(tmp_path):
    record(tmp_path, "a.wav", "b.wav")
    rows = ('{"file_name": "a.wav", "text": "ja"}', '{"file_name": "b.wav", "text": "nein"}')
    table(tmp_path, "metadata.jsonl", *rows)
    assert found(tmp_path) == {"a.wav": "ja", "b.wav": "nein"}


def test_a_text_between_tabs_keeps_the_quotation_marks_around_it(tmp_path):
    record(tmp_path, "a.wav", "b.wav")
    table(tmp_path, "validated.tsv", "path\tsentence", 'a.wav\t"ja"', 'b.wav\t"nein"')
    assert found(tmp_path) == {"a.wav": '"ja"', "b.wav": '"nein"'}

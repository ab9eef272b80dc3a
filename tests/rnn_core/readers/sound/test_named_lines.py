"""Texts of recordings in a file each: the names that they begin with, and their encoding."""

import unicodedata

import pytest
from sound_layouts import WORDS, record, write

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recording_files import find_files
from rnn_core.readers.sound.texts_beside import texts_beside
from rnn_core.readers.sound.transcripts import list_transcripts

NAMED = {
    "a tab": ("{name}\t{text}", "{name}"),
    "Festival": ('( {name} "{text}" )', "{name}"),
    "the name of the file": ("{name}.wav {text}", "{name}"),
    "a colon": ("{name}: {text}", "{name}"),
    "a colon after a blank": ("{name} : {text}", "{name}"),
    "a bar": ("{name}|{text}", "{name}"),
    "a comma": ("{name}.wav,{text}", "{name}"),
    "capitals": ("{NAME} {text}", "{name}"),
    "without the microphone": ("{name} {text}", "{name}_mic1"),
    "another form of a letter": ("{nfd} {text}", "{name}"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_names_of_recordings_before_their_texts_are_no_text(tmp_path, kind):
    form, recorded = NAMED[kind]
    said = {f"\u00e4{i:02d}": text for i, text in enumerate(WORDS * 3)}
    for name, text in said.items():
        record(tmp_path, f"{recorded.format(name=name)}.wav")
        nfd = unicodedata.normalize("NFD", name)
        line = form.format(name=name, NAME=name.upper(), nfd=nfd, text=text)
        write(tmp_path, f"{name}.txt", line, "and more")
    listed = list_transcripts(tmp_path, Faults())
    found = {file.path.stem[:3]: file.said for file in listed.files}
    assert found == {name: f"{text} and more" for name, text in said.items()}
    assert listed.notes[0].endswith(
        "; the name of its recording, which each begins with, is left out"
    )


def test_names_of_recordings_on_a_line_above_their_texts_are_no_text(tmp_path):
    for i, text in enumerate(WORDS):
        record(tmp_path, f"a_{i}.wav")
        write(tmp_path, f"a_{i}.txt", f"a_{i}", text)
    listed = list_transcripts(tmp_path, Faults())
    assert [file.said for file in listed.files] == list(WORDS)


@pytest.mark.parametrize("words", [("yes", "no", "maybe"), ("well-known", "far-off")])
def test_words_that_a_recording_is_called_after_are_said(tmp_path, words):
    said = {word: f"{word} things" for word in words}
    record(tmp_path, *(f"{name}.wav" for name in said))
    for name, text in said.items():
        write(tmp_path, f"{name}.txt", text)
    listed = list_transcripts(tmp_path, Faults())
    assert {file.path.stem: file.said for file in listed.files} == said
    assert not any("left out" in note for note in listed.notes)


def test_words_that_other_capitals_make_names_are_no_list(tmp_path):
    said = {"yes": "yes sir", "no": "no way", "maybe": "maybe so"}
    record(tmp_path, *(f"{name}.wav" for name in said))
    write(tmp_path, "story.txt", *(f"{text.capitalize()}, he said." for text in said.values()))
    assert texts_beside(tmp_path, find_files(tmp_path), Faults()) is None


def in_encoding(folder, texts, encoding):
    record(folder, *(f"u{i}.wav" for i in range(len(texts))))
    for i, text in enumerate(texts):
        (folder / f"u{i}.txt").write_bytes(f"{text}\n".encode(encoding))
    faults = Faults()
    listed = list_transcripts(folder, faults)
    faults.check()
    return [file.said for file in listed.files], listed.notes[0]


def test_texts_of_recordings_are_read_in_one_encoding(tmp_path):
    texts = ["schön", "groß", "ja", "Tür"]
    read, note = in_encoding(tmp_path, texts, "cp1252")
    assert read == texts
    assert "; they are read as cp1252, since they are not UTF-8" in note


CZECH = (["čas", "řada", "běh"], ["pět", "čas", "tři"])
"""Texts each of which could be one of Western Europe in cp1252, if in another language each."""


@pytest.mark.parametrize("texts", CZECH)
def test_an_encoding_that_no_text_of_one_language_has_is_not_taken(tmp_path, texts):
    with pytest.raises(DataError, match=r"u\d\.txt, line 1 is not UTF-8"):
        in_encoding(tmp_path, texts, "cp1250")


def test_texts_of_recordings_in_several_encodings_are_refused(tmp_path):
    in_encoding(tmp_path, ["schön", "groß"], "cp1252")
    (tmp_path / "u1.txt").write_text("groß\n", "utf-8")
    with pytest.raises(DataError, match=r"u0\.txt is in cp1252.*; save all files in UTF-8"):
        list_transcripts(tmp_path, Faults())


def test_a_list_of_texts_that_is_not_in_utf_8_is_told(tmp_path):
    texts = ["schön", "groß", "ja", "Tür"]
    record(tmp_path, *(f"u{i}.wav" for i in range(4)))
    (tmp_path / "list.txt").write_bytes(
        "".join(f"u{i} {text}\n" for i, text in enumerate(texts)).encode("cp1252")
    )
    listed = list_transcripts(tmp_path, Faults())
    assert [file.said for file in listed.files] == texts
    assert listed.notes[0].endswith("such as list.txt; read as cp1252, since not UTF-8: list.txt")
    write(tmp_path, "list.txt", *(f"u{i} {text}" for i, text in enumerate(texts)))
    assert list_transcripts(tmp_path, Faults()).notes[0].endswith("such as list.txt")

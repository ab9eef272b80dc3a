"""Words of recordings from tables and lists, where names tell none, or other ones."""

import random

import pytest
from sound_layouts import libri_speech, record, write

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recorded_words import find_words

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


def test_lists_of_texts_are_told_where_names_are_taken_for_words(tmp_path):
    """The folders of LibriSpeech are speakers."""
    libri_speech(tmp_path)
    words = check(tmp_path)
    assert {r.word for r in words.recordings} == {"84", "174", "251"}
    (doubt,) = words.doubts
    assert "trans.txt, line 1 has 'GO' for " in doubt
    assert doubt.endswith("if these are texts, take --task speech_transcription")


def test_texts_are_no_words(tmp_path):
    record(tmp_path, *(f"{i * 7919 % 1000:03d}.wav" for i in range(12)))
    write(tmp_path, "list.txt", *(f"{i * 7919 % 1000:03d} go {i}" for i in range(12)))
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


def spoken(folder):
    """Speech Commands: words in folders, speakers in names."""
    people = ("0a7c2a8d", "1b88bf70", "d21fd169")
    names = [f"{w}/{s}_nohash_{t}.wav" for w in ("no", "yes", "go") for s in people for t in (0, 1)]
    record(folder, *names)
    return names


BESIDE = {
    "durations": ("durations.csv", "file,duration", lambda name: f"{name},1.0"),
    "devices": ("a.csv", "file,device", lambda name: f"{name},phone"),
    "anything": ("a.csv", "file,quality", lambda name: f"{name},good"),
    "genders": ("a.csv", "file,speaker,gender", lambda name: f"{name},{name[-10]},m"),
    "no names of columns": ("a.csv", None, lambda name: f"{name},x"),
    "a list": ("people.txt", None, lambda name: f"{name} ann"),
    "labels that agree": ("a.csv", "path,label", lambda name: f"{name},{name.split('/')[0]}"),
    "parts of Kaldi": ("segments", None, lambda name: f"u {name} 0 1"),
    "some rows alone": ("a.csv", "path,label", lambda name: f"{name}gone,x"),
    "empty ones": ("a.csv", "path,label", lambda name: f"{name},"),
}


@pytest.mark.parametrize("kind", BESIDE)
def test_tables_beside_folders_of_words_do_not_change_what_folders_tell(tmp_path, kind):
    names = spoken(tmp_path)
    expected = [(r.name, r.word, r.speaker) for r in check(tmp_path).recordings]
    assert {word for _, word, _ in expected} == {"no", "yes", "go"}
    assert len({speaker for _, _, speaker in expected}) == 3
    table, head, row = BESIDE[kind]
    write(tmp_path, table, *([head] if head else []), *map(row, names))
    found = check(tmp_path)
    assert [(r.name, r.word, r.speaker) for r in found.recordings] == expected
    assert found.notes == []


def test_two_tables_beside_folders_of_words_are_left_out(tmp_path):
    names = spoken(tmp_path)
    for table in ("a.csv", "b.csv"):
        write(tmp_path, table, "path,label", *(f"{name},x" for name in names))
    assert {r.word for r in check(tmp_path).recordings} == {"no", "yes", "go"}


def test_labels_that_contradict_names_are_taken_with_a_doubt(tmp_path):
    """Folders say where a sound was recorded, and a table what it is."""
    names = [f"site{i % 3}/{7000 + i}-{i % 4}-0-1.wav" for i in range(24)]
    record(tmp_path, *names)
    rows = [f"{n.split('/')[1]},{n[4]},{LABELS[i % 2]}" for i, n in enumerate(names)]
    write(tmp_path, "UrbanSound8K.csv", "slice_file_name,fold,class", *rows)
    words = check(tmp_path)
    assert {r.path.name: r.word for r in words.recordings} == {
        n.split("/")[1]: LABELS[i % 2] for i, n in enumerate(names)
    }
    (doubt,) = words.doubts
    assert "by its name it would be" in doubt


ONE_WORD = {
    "no names of columns": ("labels.csv", None),
    "any names of columns": ("words.csv", "file,spoken"),
    "a list": ("words.txt", None),
}


@pytest.mark.parametrize("kind", ONE_WORD)
def test_names_of_one_word_tell_none(tmp_path, kind):
    table, head = ONE_WORD[kind]
    names = [f"rec{i:03d}.wav" for i in range(30)]
    record(tmp_path, *names)
    mark = " " if table.endswith("txt") else ","
    rows = [f"{name}{mark}{LABELS[i % 3]}" for i, name in enumerate(names)]
    write(tmp_path, table, *([head] if head else []), *rows)
    words = check(tmp_path)
    assert [r.word for r in words.recordings] == [LABELS[i % 3] for i in range(30)]


SPELT = {
    "words": ({"0": "zero", "1": "one", "2": "two"}, True),
    "capitals": ({"0": "NULL", "1": "EINS", "2": "ZWEI"}, True),
    "numbers of the words": ({"yes": "0", "no": "1", "go": "2"}, False),
}


@pytest.mark.parametrize("kind", SPELT)
def test_labels_that_spell_the_words_of_names_leave_the_speakers(tmp_path, kind):
    """As the digits of FSDD, or numbers of classes beside folders of words."""
    spelt, taken = SPELT[kind]
    people = ("jackson", "nicolas", "theo")
    rows = [(f"{word}_{who}_{t}.wav", word) for word in spelt for who in people for t in range(3)]
    record(tmp_path, *(f"recordings/{name}" for name, _ in rows))
    write(tmp_path, "metadata.csv", "filename,label", *(f"{n},{spelt[word]}" for n, word in rows))
    words = check(tmp_path)
    assert {r.speaker for r in words.recordings} == set(people)
    assert {r.path.name: r.word for r in words.recordings} == {
        name: spelt[word] if taken else word for name, word in rows
    }


def test_labels_in_the_folder_of_each_split_are_read(tmp_path):
    for split, count in (("train", 12), ("test", 6)):
        names = [f"{split}{i:03d}.wav" for i in range(count)]
        record(tmp_path, *(f"{split}/{name}" for name in names))
        rows = [f"{name},{LABELS[i % 3]}" for i, name in enumerate(names)]
        write(tmp_path, f"{split}/metadata.csv", "file_name,label", *rows)
    words = check(tmp_path)
    assert {(r.split, r.word) for r in words.recordings} == {
        (split, word) for split in ("train", "test") for word in LABELS
    }


def test_list_of_a_split_that_is_a_link_to_nothing_is_no_list(tmp_path):
    spoken(tmp_path)
    (tmp_path / "testing_list.txt").symlink_to("nowhere")
    assert len(check(tmp_path).recordings) == 18


def test_folders_of_folds_tell_no_words(tmp_path):
    """UrbanSound8K without its table."""
    for fold in (1, 2):
        record(tmp_path, *(f"fold{fold}/{1000 + 7 * i * fold}-{i % 3}-0-1.wav" for i in range(12)))
    words = find_words(tmp_path, "", Faults())
    assert not {"fold1", "fold2"} & {recording.word for recording in words.recordings}


ENCODED = {"labels.txt": ("", "{}.wav {}"), "labels.csv": ("filename,label\n", "{}.wav,{}")}


def in_bytes(folder, table, words, encoding):
    names = [f"r{i}" for i in range(12)]
    record(folder, *(f"{name}.wav" for name in names))
    head, row = ENCODED[table]
    rows = "".join(f"{row.format(name, words[i % 3])}\n" for i, name in enumerate(names))
    (folder / table).write_bytes(f"{head}{rows}".encode(encoding))


@pytest.mark.parametrize("table", ENCODED)
def test_words_in_another_encoding_are_read_and_that_is_told(tmp_path, table):
    in_bytes(tmp_path, table, ("grün", "blau", "weiß"), "cp1252")
    words = check(tmp_path)
    assert {recording.word for recording in words.recordings} == {"grün", "blau", "weiß"}
    assert [note for note in words.notes if table in note and "read as cp1252, since" in note]


@pytest.mark.parametrize("table", ENCODED)
@pytest.mark.parametrize(
    ("words", "encoding"), [(("řada", "čas", "šest"), "cp1250"), (("да", "нет", "три"), "cp1251")]
)
def test_words_in_an_uncertain_encoding_are_refused_with_what_helps(
    tmp_path, table, words, encoding
):
    in_bytes(tmp_path, table, words, encoding)
    with pytest.raises(DataError, match=rf"{table}, .* not UTF-8.*; save the file (as|in) UTF-8$"):
        check(tmp_path)
    for place, path in enumerate(sorted(tmp_path.glob("*.wav"))):
        path.rename(path.with_name(f"{('yes', 'no')[place % 2]}_{path.name}"))
    assert {recording.word for recording in check(tmp_path).recordings} == {"yes", "no"}

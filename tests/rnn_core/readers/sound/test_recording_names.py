"""Names of recordings in the layouts that people and public collections have."""

from pathlib import PurePosixPath

import pytest

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.name_pattern import NameParameters, read_name
from rnn_core.readers.sound.recorded_words import find_words, list_words

PEOPLE = ("ann", "bob", "cleo", "dora")
HASHES = ("0a7c2a8d", "1b88bf70", "d21fd169")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def named(form, words, people=PEOPLE, takes=range(3)):
    """Every word by everybody."""
    return {
        form.format(w=w, s=s, t=t, W=w.replace(" ", "_")): (w, s)
        for w in words
        for s in people
        for t in takes
    }


def without(form, words, takes=range(4)):
    """Every word by nobody knows whom."""
    return {form.format(w=w, t=t): (w, None) for w in words for t in takes}


LAYOUTS = {
    "flat": named("{w}_{s}_{t}.wav", ("no", "yes")),
    "flat, of words with two parts": named("{w}_{s}_{t}.wav", ("turn_left", "turn_right", "stop")),
    "the same, by one speaker": named("{w}_{s}_{t}.wav", ("turn_left", "turn_right", "go"), ["x"]),
    "flat, of people with two names": named("{w}_{s}_{t}.wav", "0123", ("al_bo", "al_cy", "di")),
    "flat, with lines": named("{w}-{s}-{t}.flac", ("go", "halt")),
    "flat, with lines between and within": named(
        "{s}-{w}-{t:02d}.flac", ("stop", "turn_left", "turn_right"), ("ann_b", "cy", "di")
    ),
    "flat, with dots between": named("{w}.{s}.{t}.wav", ("go_on", "stop", "yes"), ("al-bo", "cy")),
    "flat, with blanks": named("{w} {s} {t}.mp3", ("go", "halt")),
    "flat, without people": without("{w}_{t}.wav", ("turn_left", "turn_right", "stop")),
    "flat, without people and separators": without("{w}{t}.wav", ("ja", "nein")),
    "as a system numbers copies": without("{w} ({t}).wav", ("ja", "nein")),
    "the speaker first": named("{s}_{w}_{t}.wav", ("no", "yes", "stop")),
    "a numbered speaker first": named("{s}_{w}_{t}.wav", ("foo", "bar"), ("spk1", "spk2", "spk3")),
    "digits by numbered people": named("{w}_{s}_{t}.wav", "0123456789", ("01", "02", "03")),
    "numbered people and digits": named("{s}_{w}_{t}.wav", "0123456789", ("01", "02", "03")),
    "AudioMNIST": named("{s}/{w}_{s}_{t}.wav", "0123456789", ("01", "02", "28")),
    "FSDD as it unpacks": named("recordings/{w}_{s}_{t}.wav", "0123456789", ("george", "lucas")),
    "Speech Commands": named("{w}/{s}_nohash_{t}.wav", ("yes", "no", "stop"), HASHES),
    "folders": named("{w}/{s}_{t}.wav", ("foo", "bar")),
    "folders, without people": without("{w}/{t}.wav", ("foo", "bar")),
    "folders, and numbers behind a filler": without("{w}/rec_{t}.wav", ("foo", "bar")),
    "the word in folder and name": named("{w}/{w}_{s}_{t}.wav", ("no", "yes")),
    "the same in two writings": named("{w}/{W}_{s}_{t}.wav", ("turn left", "turn right")),
    "the same behind the speaker": named("{w}/{s}_{w}_{t}.wav", ("foo", "bar")),
    "the same without people": without("{w}/{w}_{t}.wav", ("no", "yes")),
    "folders of people": named("{s}/{w}_{t}.wav", ("no", "yes", "stop")),
    "folders of numbered people": named(
        "{s}/{w}_{t}.wav", ("foo", "bar"), ("speaker1", "speaker2")
    ),
    "words in folders of people": named("{s}/{w}/{t}.wav", ("no", "yes", "stop")),
    "people in folders of words": named("{w}/{s}/{t}.wav", ("no", "yes", "stop")),
    "below folders that tell nothing": named("corpus/wavs/{w}/{s}_{t}.wav", ("foo", "bar")),
    "people with days beside them": named("{w}/{s}_{t}.wav", ("go", "no"), ("al_20240301", "bo")),
    "days as messengers write them": {
        f"{w}/PTT-2024030{t}-WA000{t}.wav": (w, None) for w in ("foo", "bar") for t in range(1, 4)
    },
    "days and times of a recorder": {
        f"{w}/Rec 2021-11-0{t} 09.4{t}.17.wav": (w, None) for w in ("foo", "bar") for t in (3, 4)
    },
    "days first": {
        f"{w}/20211103_0915{t}0.wav": (w, None) for w in ("foo", "bar") for t in range(4)
    },
    "names that programs give": without("{w}/New Recording {t}.wav", ("foo", "bar")),
    "composed and other letters": {
        "n\u00e9/a_1.wav": ("n\u00e9", "a"),
        "ne\u0301/b_1.wav": ("n\u00e9", "b"),
        "ou/u\u0308_1.wav": ("ou", "\u00fc"),
        "ou/\u00fc_2.wav": ("ou", "\u00fc"),
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_words_and_speakers_are_read_as_they_are_meant(tmp_path, layout):
    expected = LAYOUTS[layout]
    touch(tmp_path, *expected)
    faults = Faults()
    words = find_words(tmp_path, "", faults)
    assert faults.found == {}
    assert {r.name: (r.word, r.speaker) for r in words.recordings} == expected
    assert words.doubts == []


UNSURE = {
    "words and people of unknown names": named("{s}_{w}_{t}.wav", ("foo", "bar")),
    "a part that may be of either": {
        "7_mary_ann_12.wav": ("7", "mary_ann"),
        "8_bo_0.wav": ("8", "bo"),
    },
    "people of long numbers": named("{s}_{w}_{t}.wav", ("ba", "po"), ("1001", "1002", "1044")),
    "two people who may be one": named("{w}/{s}_{t}.wav", ("yes", "no"), ("ann", "Ann")),
    "codes of many parts": {
        f"Actor_0{a}/03-0{e}-0{s}-0{a}.wav": (f"03-0{e}-0{s}", f"Actor_0{a}")
        for a in (1, 2, 3)
        for e in (1, 2)
        for s in (1, 2)
    },
}


@pytest.mark.parametrize("layout", UNSURE)
def test_what_names_do_not_tell_for_sure_is_told_as_a_doubt(tmp_path, layout):
    touch(tmp_path, *UNSURE[layout])
    words = find_words(tmp_path, "", Faults())
    assert len(words.doubts) == 1
    if layout == "words and people of unknown names":
        assert "ann_bar_0.wav is taken for the word 'ann' by 'bar'" in words.doubts[0]
        assert "--set names=" in words.doubts[0]
    else:
        assert {r.name: (r.word, r.speaker) for r in words.recordings} == UNSURE[layout]


@pytest.mark.parametrize(
    "form", ["{split}/{w}/{s}_{t}.wav", "{split}/{w}_{s}_{t}.wav", "{w}/{split}/{s}_{t}.wav"]
)
@pytest.mark.parametrize("validation", ["dev", "evaluation"])
def test_folders_of_splits_are_no_words(tmp_path, form, validation):
    who = {"Train": ("ann", "bob"), validation: ("cleo",), "test": ("dora",)}
    expected = {
        form.format(split=split, w=w, s=s, t=t): (w, s, split)
        for split, people in who.items()
        for w in ("foo", "yes")
        for s in people
        for t in range(3)
    }
    touch(tmp_path, *expected)
    names = {"train": "Train", "validation": validation, "test": "test"}
    found = list_words(tmp_path)
    assert {r.name: (r.word, r.speaker, names[r.split]) for r in found} == expected


def test_lists_say_the_splits_and_are_not_left_out(tmp_path):
    names = list(named("{w}/{s}_nohash_{t}.wav", ("yes", "no", "stop"), HASHES))
    touch(tmp_path, *names, "_background_noise_/tap.wav", "_background_noise_/README.md", "LICENSE")
    lists = {"testing_list.txt": names[:4], "validation_list.txt": names[4:6]}
    for name, lines in lists.items():
        (tmp_path / name).write_text("\r\n".join([*lines, "yes/gone_nohash_0.wav", ""]))
    words = find_words(tmp_path, "", Faults())
    by_name = {r.name: r.split for r in words.recordings}
    assert [by_name[name] for name in names[:6]] == ["test"] * 4 + ["validation"] * 2
    assert {by_name[name] for name in names[6:]} == {"train"}
    assert words.left_out == [
        "background noise (1 recording)",
        "LICENSE",
        "_background_noise_/README.md",
    ]


def test_a_list_of_something_else_says_no_splits(tmp_path):
    touch(tmp_path, *named("{w}_{s}_{t}.wav", ("no", "yes")))
    (tmp_path / "test.txt").write_text("buy milk\n")
    words = find_words(tmp_path, "", Faults())
    assert {r.split for r in words.recordings} == {None}
    assert words.left_out == ["test.txt"]


def test_takes_are_what_stands_last(tmp_path):
    touch(
        tmp_path, "7_mary_12.wav", "ja_bo_take3.WAV", "ja_mary_0.wav", "7_bo_1.wav", ".ab_c_1.wav"
    )
    assert [(r.word, r.speaker, r.take) for r in list_words(tmp_path)] == [
        ("7", "bo", "1"),
        ("7", "mary", "12"),
        ("ja", "bo", "3"),
        ("ja", "mary", "0"),
    ]


def test_every_name_that_does_not_fit_in_is_told(tmp_path):
    touch(
        tmp_path, *named("{w}_{s}_{t}.wav", ("no", "yes")), "yes.wav", "no_9.wav", "sub/a_b_1.wav"
    )
    with pytest.raises(DataError) as caught:
        list_words(tmp_path)
    told = str(caught.value)
    assert told.startswith("3 faults")
    for name in ("yes.wav is not called", "no_9.wav is not called", "sub/a_b_1.wav lies 1 folders"):
        assert name in told


@pytest.mark.parametrize(
    ("form", "name", "expected"),
    [
        ("{word}_{speaker}_{take}", "turn_left_ann_3", ("turn_left", "ann", "3")),
        ("{speaker}/{word}_{take}", "a/ann/left_3", ("left", "ann", "3")),
        ("{speaker}/03-{word}-{_}", "Actor_01/03-05-01-02", ("05-01", "Actor_01", None)),
        ("{word}.{take}", "a+b.7", ("a+b", None, "7")),
        ("{word}_{take}", "left_x", None),
    ],
)
def test_form_that_a_person_says_is_followed(form, name, expected):
    fields = read_name(PurePosixPath(name), form)
    if expected is None:
        assert fields is None
    else:
        assert (fields["word"], fields.get("speaker"), fields.get("take")) == expected


def test_recordings_are_read_by_the_form_that_is_said(tmp_path):
    touch(tmp_path, *(f"{s}/{w}/{t}.wav" for w in ("foo", "bar") for s in PEOPLE for t in range(2)))
    with pytest.raises(DataError, match="nothing tells which of them is the word"):
        list_words(tmp_path)
    found = list_words(tmp_path, "{speaker}/{word}/{_}")
    assert {r.word for r in found} == {"foo", "bar"}
    assert {r.speaker for r in found} == set(PEOPLE)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{speaker}_{take}", "has no {word}"),
        ("{word}_{word}", "has a field twice"),
        ("{word}_{who}", "has a field that is not known"),
        ("{word", "has no {word}"),
    ],
)
def test_forms_that_mean_nothing_are_refused(form, message):
    with pytest.raises(ValueError, match=message):
        NameParameters(names=form).check_names()


def test_names_that_tell_as_many_words_as_recordings_are_not_read(tmp_path):
    touch(tmp_path, *(f"{word}.wav" for word in ("alpha", "beta", "gamma", "delta", "gamma 2")))
    with pytest.raises(DataError, match=r"5 recordings tell 4 words, such as 'alpha' and 'beta'"):
        list_words(tmp_path)

"""The user's own recordings, read together: one rate, no copies, all faults at once."""

import shutil

import numpy as np
import pytest
import soundfile

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.audio import read_sound
from rnn_core.readers.sound.recordings import Named, read_all, read_at_rate, recording_rows
from rnn_core.readers.sound.sound_checks import LONGEST_RATIO, check_lengths
from rnn_core.sources.synthetic_digits import write_wav


def noise(seed, count=2000):
    return 0.3 * np.random.default_rng(seed).standard_normal(count).clip(-3, 3)


def store(path, samples, rate=8000, kind="PCM_16", form="WAV"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=kind, format=form)
    return Named(path, path.name, "yes")


def read(*files, rate=None):
    return read_all(files, rate, Faults())


def test_all_are_brought_to_the_commonest_rate(tmp_path):
    files = [
        store(tmp_path / f"{i}.wav", noise(i), rate)
        for i, rate in enumerate((8000, 16000, 16000, 44100))
    ]
    sounds = read(*files)
    assert sounds.rate_hz == 16000
    assert [len(samples) for samples in sounds.samples] == [4000, 2000, 2000, 726]
    assert sounds.heard.rates == {"8000": 1, "16000": 2, "44100": 1}
    np.testing.assert_array_equal(sounds.samples[1], read_sound(files[1].path).samples)
    assert read(*files, rate=8000).rate_hz == 8000


def test_of_two_rates_that_are_as_common_the_lower_is_taken(tmp_path):
    files = [store(tmp_path / f"{rate}.wav", noise(rate), rate) for rate in (44100, 8000)]
    assert read(*files).rate_hz == 8000


COPIES = {
    "the same file": store,
    "flac": lambda path, x: store(path, x, form="FLAC"),
    "an extensible header": lambda path, x: store(path, x, form="WAVEX"),
    "24 bits": lambda path, x: store(path, np.round(x * 32768) / 32768, kind="PCM_24"),
    "floating point": lambda path, x: store(path, np.round(x * 32768) / 32768, kind="FLOAT"),
    "two channels": lambda path, x: store(path, np.stack([x, x], 1)),
    "silence around": lambda path, x: store(path, np.pad(x, 400)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_in_any_form_is_left_out(tmp_path, how):
    samples = np.round(noise(1) * 32768) / 32768
    first, other = store(tmp_path / "a.wav", samples), store(tmp_path / "b.wav", noise(2))
    copy = COPIES[how](tmp_path / "c.wav", samples)
    sounds = read(first, other, copy)
    assert sounds.kept == [0, 1]
    assert sounds.heard.copies == {"c.wav": "a.wav"}
    with pytest.raises(DataError, match=r"c\.wav is a copy of a\.wav, but is said to be 'no'"):
        read(first, other, copy._replace(said="no"))


def test_recordings_that_differ_in_one_sample_are_no_copies(tmp_path):
    samples = noise(1)
    other = samples.copy()
    other[1000] += 0.01
    assert read(store(tmp_path / "a.wav", samples), store(tmp_path / "b.wav", other)).kept == [0, 1]


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    files = [store(tmp_path / f"good{i}.wav", noise(i)) for i in range(6)]
    files += [store(tmp_path / f"silent{i:02}.wav", np.zeros(2000)) for i in range(12)]
    for name, content in {"cut.wav": b"RIFF", "page.wav": b"<html>", "gone.wav": None}.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        files.append(Named(tmp_path / name, name, "no"))
    files.append(store(tmp_path / "long.wav", noise(9, 90_000)))
    faults = Faults()
    faults.add("odd.wav is not called so", "rename it")
    with pytest.raises(DataError) as caught:
        read_all(files, None, faults)
    told = str(caught.value)
    assert told.startswith("17 faults\n  odd.wav is not called so\n")
    assert "  silent09.wav is silent from start to end\n  ... and 2 more of this kind\n" in told
    assert told.count("silent1") == 0
    for name in ("cut.wav is not", "page.wav is a page", "gone.wav is a link", "long.wav lasts"):
        assert name in told


def test_recording_may_be_ten_times_as_long_as_half_of_them_and_no_longer():
    names = [f"{i}.wav" for i in range(5)]
    faults = Faults()
    assert check_lengths([1.0, 1.0, 1.0, 0.5, LONGEST_RATIO], names, faults) == []
    assert check_lengths([1.0, 1.0, 1.0, 99.0], names[:4], faults) == []  # too few to compare
    assert check_lengths([1.0, 1.0, 1.0, 1.0, 0.05], names, faults) == ["4.wav"]
    faults.check()
    check_lengths([1.0, 1.0, 1.0, LONGEST_RATIO + 0.5, 0.5], names, faults)
    with pytest.raises(DataError, match=r"3\.wav lasts 10\.5 s, half .* at most 1\.0 s; cut it"):
        faults.check()


def test_input_is_a_file_or_every_recording_below_a_folder(tmp_path):
    """Of any kind, also through links, and by its first bytes where its name does not tell."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    for name in ("b/c.flac", "d.mp3", "notes.txt", ".x.wav", "__MACOSX/e.wav", "f.m4a"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    write_wav(folder / "a.wav", np.linspace(-1, 1, 900))
    shutil.copy(folder / "a.wav", folder / "without_end")
    elsewhere.mkdir()
    (elsewhere / "g.wav").write_bytes(b"y")
    (folder / "linked").symlink_to(elsewhere, target_is_directory=True)
    (folder / "b/loop").symlink_to(folder, target_is_directory=True)
    (folder / "gone.wav").symlink_to("nowhere.wav")
    content = (folder / "a.wav").read_bytes()
    assert recording_rows(folder / "a.wav") == [("a.wav", content)]
    assert recording_rows(folder) == [
        ("a.wav", content),
        ("b/c.flac", b"x"),
        ("d.mp3", b"x"),
        ("f.m4a", b"x"),
        ("gone.wav", None),
        ("linked/g.wav", b"y"),
        ("without_end", content),
    ]
    samples = read_at_rate(content, 8000, "a.wav")
    np.testing.assert_allclose(samples, np.linspace(-1, 1, 900), atol=2 / 32768)
    with pytest.raises(DataError, match="folder holds no recordings"):
        recording_rows(_emptied(folder))


def _emptied(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(2000), "it.wav is silent from start to end; record it again"),
        (np.full(2000, 0.6), "is silent from start to end"),
        (noise(1, 2), "no word is that short"),
        (noise(1, 40), "lasts 5 ms; no word is that short"),
    ],
)
def test_what_no_training_takes_is_not_answered(tmp_path, samples, message):
    file = store(tmp_path / "it.wav", samples)
    with pytest.raises(DataError, match=message):
        read(file)
    with pytest.raises(DataError, match=message):
        read_at_rate(file.path.read_bytes(), 16000, "it.wav")
    with pytest.raises(DataError, match=r"it\.wav is a link to nothing"):
        read_at_rate(None, 8000, "it.wav")
    with pytest.raises(DataError, match="the recording is given as str, not as bytes; give the"):
        read_at_rate("it.wav", 8000, None)

"""Recordings of single words that cannot be used, and what a person is told."""

import io
import random
import struct
import wave
from typing import Any

PARAMETERS: dict[str, Any] = {
    "num_mels": 8,
    "split_by": "speaker",
    "validation": ["bob"],
    "test": ["cleo"],
}


def wav(
    seed: int, *, seconds: float = 0.1, rate: int = 8000, channels: int = 1, width: int = 2
) -> bytes:
    """A recording of noise."""
    draw = random.Random(seed)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(draw.randbytes(round(seconds * rate) * channels * width))
    return buffer.getvalue()


def floating(seed: int) -> bytes:
    """A recording of 32-bit floating-point samples, as audio editors export them."""
    draw = random.Random(seed)
    data = struct.pack("<800f", *(draw.uniform(-1, 1) for _ in range(800)))
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def patched(content: bytes, place: int, new: bytes) -> bytes:
    """A recording whose header says something else."""
    return content[:place] + new + content[place + len(new) :]


def good() -> dict[str, bytes]:
    """The content of a raw folder by file name."""
    names = [
        f"{w}_{s}_{t}.wav" for w in ("no", "yes") for s in ("ann", "bob", "cleo") for t in "01"
    ]
    return {name: wav(seed) for seed, name in enumerate(names)}


def folders() -> dict[str, bytes]:
    """The same in one folder a word, with names that tell nothing."""
    return {
        f"{word}/{name}.wav": wav(10 * place + seed)
        for place, word in enumerate(("no", "yes"))
        for seed, name in enumerate("abcd")
    }


def changed(name: str, content: bytes) -> dict[str, bytes]:
    """Good files but for one."""
    return {**good(), name: content}


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in names}


SHARE: dict[str, Any] = {"split_by": "share", "validation": [], "test": []}
EACH: dict[str, Any] = {"split_by": "each_speaker", "validation": [], "test": []}
YES = "yes_ann_0.wav"

CASES: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "no recordings": ({}, {}, "holds no .wav files; put one folder of them a word there"),
    "no recordings but a hidden file": ({".DS_Store": b"x"}, {}, "holds no .wav files; put one"),
    "mp3": (changed("yes_ann_2.mp3", b"ID3"), {}, "yes_ann_2.mp3 is not called .wav; convert it"),
    "stray notes": (changed("notes.txt", b"x"), {}, "notes.txt is not called .wav"),
    "stray table in a folder": (
        {**folders(), "no/list.csv": b"x"},
        SHARE,
        "no/list.csv is not called .wav",
    ),
    "name without speaker and take": (
        changed("yes.wav", wav(90)),
        {},
        "yes.wav is not called <word>_<speaker>_<take>.wav",
    ),
    "file beside folders of words": (
        {**folders(), YES: wav(91)},
        SHARE,
        "yes_ann_0.wav lies beside folders of words",
    ),
    "folders in folders": (
        {**folders(), "yes/ann/a.wav": wav(92)},
        SHARE,
        "yes/ann/a.wav lies 2 folders deep",
    ),
    "empty file": (changed(YES, b""), {}, "yes_ann_0.wav is an empty file"),
    "mp3 renamed": (changed(YES, b"ID3\x04" + bytes(99)), {}, "yes_ann_0.wav is an mp3 file by"),
    "flac renamed": (changed(YES, b"fLaC" + bytes(99)), {}, "yes_ann_0.wav is a flac file by"),
    "text renamed": (
        changed(YES, b"yes, said Ann"),
        {},
        "yes_ann_0.wav is not a wav file: it begins with b'yes,'",
    ),
    "floating point": (changed(YES, floating(93)), {}, "yes_ann_0.wav holds floating-point"),
    "header cut off": (changed(YES, wav(94)[:30]), {}, "yes_ann_0.wav is not a readable wav file"),
    "compressed": (
        changed(YES, patched(wav(95), 20, b"\x11\x00")),
        {},
        "yes_ann_0.wav is not a readable wav file: unknown format: 17",
    ),
    "stereo": (changed(YES, wav(96, channels=2)), {}, "yes_ann_0.wav has 2 channels"),
    "8 bits": (changed(YES, wav(97, width=1)), {}, "yes_ann_0.wav has samples of 8 bits"),
    "24 bits": (changed(YES, wav(98, width=3)), {}, "yes_ann_0.wav has samples of 24 bits"),
    "rate of 0": (
        changed(YES, patched(wav(99), 24, struct.pack("<I", 0))),
        {},
        "yes_ann_0.wav announces 0 samples a second",
    ),
    "no samples": (changed(YES, wav(0, seconds=0)), {}, "yes_ann_0.wav holds no samples"),
    "cut off": (
        changed(YES, wav(100)[:500]),
        {},
        "yes_ann_0.wav announces 800 samples and holds 228",
    ),
    "another sample rate": (
        changed(YES, wav(101, rate=16000)),
        {},
        "yes_ann_0.wav has 16000 samples a second, no_ann_0.wav has 8000",
    ),
    "silence": (
        changed(YES, patched(wav(102), 44, bytes(1600))),
        {},
        "yes_ann_0.wav is silent from start to end",
    ),
    "one recording in two words": (
        changed(YES, wav(3)),
        {},
        "yes_ann_0.wav is a copy of no_bob_1.wav",
    ),
    "a whole session in one file": (
        changed(YES, wav(103, seconds=3)),
        {},
        "yes_ann_0.wav lasts 3.0 s, half of all recordings at most 0.1 s",
    ),
    "one word only": (
        without(good(), *(name for name in good() if name.startswith("yes"))),
        {},
        "all recordings are of 'no'; two words are needed",
    ),
    "a word with too few recordings": (
        without(folders(), "no/a.wav", "no/b.wav"),
        SHARE,
        "'no' has 2 of the 3 recordings that three sides need",
    ),
    "names without speakers": (
        folders(),
        {},
        "no/a.wav names no speaker; call it <speaker>_<take>.wav, or set data.split_by to share",
    ),
    "names without takes": (
        folders(),
        {"split_by": "take", "validation": [0], "test": [1]},
        "no/a.wav names no take",
    ),
    "a speaker who does not exist": (
        good(),
        {"test": ["dora"]},
        "no recording has the speaker 'dora'",
    ),
    "a side without a word": (
        without(good(), "yes_bob_0.wav", "yes_bob_1.wav"),
        {},
        "the validation side has no recording of 'yes'",
    ),
    "no validation side": (good(), {"validation": []}, "the validation side has no recording of"),
    "two speakers who take turns": (
        {n: c for n, c in good().items() if "ann" in n or "bob" in n},
        EACH,
        "the recordings are by ann and bob alone; each_speaker needs three speakers",
    ),
    "validation by voices that are trained on": (
        good(),
        {**EACH, "validation": [0]},
        "data: with split_by each_speaker the seed chooses whose recordings are for validation",
    ),
    "a turn without a word": (
        without(good(), "yes_cleo_0.wav", "yes_cleo_1.wav"),
        EACH,
        "the train side has no recording of 'yes' when ann is tested",
    ),
    "a side named twice": (
        good(),
        {"test": ["bob"]},
        "data: validation and test share the speakers ['bob']",
    ),
    "sides named where they are drawn": (
        good(),
        {"split_by": "share"},
        "data: with split_by share sides are drawn; remove validation and test",
    ),
    "a test side named where speakers take turns": (
        good(),
        {**EACH, "test": ["cleo"]},
        "data: with split_by each_speaker the seed chooses whose recordings are for validation",
    ),
    "nothing to train on": (
        folders(),
        {**SHARE, "validation_share": 0.5, "test_share": 0.5},
        "data: validation_share and test_share leave nothing to train on",
    ),
}

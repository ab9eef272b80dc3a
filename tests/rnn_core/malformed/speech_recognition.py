"""Recordings of single words that cannot be used, and the errors."""

import io
import math
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


def floating(seed: int, nan: bool = False) -> bytes:
    """A recording of 32-bit floating-point samples, as audio editors export them."""
    draw = random.Random(seed)
    samples = [draw.uniform(-1, 1) for _ in range(800)]
    data = struct.pack("<800f", *(math.nan if nan and i == 9 else x for i, x in enumerate(samples)))
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def of_samples(samples: list[int]) -> bytes:
    """A recording of given samples."""
    content = wav(0, seconds=len(samples) / 8000)
    return content[:44] + struct.pack(f"<{len(samples)}h", *samples)


def opposite(seed: int) -> bytes:
    """Two channels, one of them the other upside down."""
    draw = random.Random(seed)
    content = wav(seed, channels=2)
    values = [draw.randrange(-9000, 9000) for _ in range((len(content) - 44) // 4)]
    return content[:44] + b"".join(struct.pack("<hh", value, -value) for value in values)


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
    """The same in one folder a word, with names without meaning."""
    return {
        f"{word}/{name}.wav": wav(10 * place + seed)
        for place, word in enumerate(("no", "yes"))
        for seed, name in enumerate("abcd")
    }


def changed(name: str, content: bytes) -> dict[str, bytes]:
    """Good files except for one."""
    return {**good(), name: content}


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in names}


PLACES = ("xu", "xv", "yu", "yv")
SHARE: dict[str, Any] = {"split_by": "share", "validation": [], "test": []}
EACH: dict[str, Any] = {"split_by": "each_speaker", "validation": [], "test": []}
YES = "yes_ann_0.wav"

CASES: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "no recordings": ({}, {}, "the data holds no recordings; give a folder of recordings"),
    "no recordings but notes": ({"notes.txt": b"x"}, {}, "no recordings, only notes.txt; give"),
    "mp4": (
        changed("yes_ann_2.m4a", b"\0\0\0\x20ftypM4A " + bytes(99)),
        {},
        "yes_ann_2.m4a is m4a or mp4; convert it: `ffmpeg -i FILE -ac 1 FILE.wav`",
    ),
    "a pointer of git-lfs": (
        changed(YES, b"version https://git-lfs.github.com/spec/v1\noid sha256:00"),
        {},
        "yes_ann_0.wav is a pointer of git-lfs in place of the recording; run `git lfs pull`",
    ),
    "mp3 without sound": (
        changed(YES, b"ID3\x04" + bytes(99)),
        {},
        "yes_ann_0.wav is not a recording that can be read",
    ),
    "flac without sound": (
        changed(YES, b"fLaC" + bytes(99)),
        {},
        "yes_ann_0.wav is not a recording that can be read",
    ),
    "text renamed": (
        changed(YES, b"yes, said Ann"),
        {},
        "Format not recognised; it begins with 'yes, sai'",
    ),
    "a video in a file of the same family": (
        changed(YES, b"RIFF\0\0\0\0AVI " + bytes(99)),
        {},
        "yes_ann_0.wav is not a wav file: its kind is b'AVI '",
    ),
    "a kind of samples that nobody knows": (
        changed(YES, patched(wav(95), 20, b"\x99\x99")),
        {},
        "yes_ann_0.wav is not a recording that can be read",
    ),
    "samples that are no numbers": (
        changed(YES, floating(93, nan=True)),
        {},
        "yes_ann_0.wav holds samples that are no finite numbers",
    ),
    "channels that cancel each other": (
        changed(YES, opposite(94)),
        {},
        "yes_ann_0.wav has channels that cancel each other; keep one channel: `sox",
    ),
    "rate of 0": (
        changed(YES, patched(wav(99), 24, struct.pack("<I", 0))),
        {},
        "yes_ann_0.wav",
    ),
    "rate of a thousand": (
        changed(YES, patched(wav(99), 24, struct.pack("<I", 1000))),
        {},
        "yes_ann_0.wav announces 1000 samples a second",
    ),
    "two samples": (changed(YES, wav(1, seconds=2 / 8000)), {}, "lasts 0.25 ms; no word is that"),
    "the noise of a converter": (
        changed(YES, of_samples([(i * i) % 3 - 1 for i in range(800)])),
        {},
        "yes_ann_0.wav holds the noise of a converter and nothing else; record it again",
    ),
    "a click": (
        changed(YES, of_samples([20_000 * (i == 300) + i % 2 for i in range(800)])),
        {},
        "yes_ann_0.wav holds a click and nothing else",
    ),
    "words in two writings": (
        {**folders(), **{f"Yes/{name}.wav": wav(70 + i) for i, name in enumerate("abc")}},
        SHARE,
        "'Yes' and 'yes' are the same word, written in two ways; rename one",
    ),
    "parts of names that are words or speakers": (
        {
            f"{name}_{take}.wav": wav(10 * i + take)
            for i, name in enumerate(("turn_left", "turn_right", "look_up"))
            for take in range(3)
        },
        SHARE,
        "names do not tell, since words and speakers do not go with several of each other",
    ),
    "a recording in the folder of another word": (
        {
            f"{word}/{word}_{name}.wav": wav(10 * i + take)
            for i, word in enumerate(("no", "yes"))
            for take, name in enumerate("abcd")
        }
        | {"yes/no_z.wav": wav(90)},
        SHARE,
        "yes/no_z.wav lies in the folder yes, and its name says no; move it, or rename it",
    ),
    "folders that may be words or speakers": (
        {
            f"{a}/{b}/{c}.wav": wav(ord(a) + 3 * ord(b) + 7 * c)
            for a in "xy"
            for b in "uv"
            for c in (0, 1)
        },
        SHARE,
        "x/u/0.wav lies 2 folders deep, and nothing tells which of them is the word; say it",
    ),
    "a name of another form than is said": (
        changed("yes-ann-2.wav", wav(90)),
        {"names": "{word}_{speaker}_{take}"},
        "yes-ann-2.wav is not called {word}_{speaker}_{take}; rename it, or change data.names",
    ),
    "a form without a word": (
        good(),
        {"names": "{speaker}_{take}"},
        "data: names '{speaker}_{take}' has no {word}",
    ),
    "a rate that carries no speech": (good(), {"rate_hz": 100}, "data: rate_hz 100 is not between"),
    "no split given": (
        good(),
        {"split_by": "given", "validation": [], "test": []},
        "nothing says the split of no_ann_0.wav; set data.split_by to share",
    ),
    "splits named where they are given": (
        good(),
        {"split_by": "given"},
        "data: with split_by given the data says them; remove validation and test",
    ),
    "name without speaker and take": (
        changed("yes.wav", wav(90)),
        {},
        "yes.wav is not called <word>_<speaker>_<take>; rename it",
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
    "header cut off": (changed(YES, wav(94)[:30]), {}, "yes_ann_0.wav is not a readable wav file"),
    "no samples": (changed(YES, wav(0, seconds=0)), {}, "yes_ann_0.wav holds no samples"),
    "cut off": (
        changed(YES, wav(100)[:500]),
        {},
        "yes_ann_0.wav announces 800 samples and holds 228",
    ),
    "silence": (
        changed(YES, patched(wav(102), 44, bytes(1600))),
        {},
        "yes_ann_0.wav is silent from start to end",
    ),
    "one recording in two words": (
        changed(YES, wav(3)),
        {},
        "yes_ann_0.wav is a copy of no_bob_1.wav, but is said to be 'yes', and that one 'no'",
    ),
    "a whole session in one file": (
        changed(YES, wav(103, seconds=3)),
        {},
        "yes_ann_0.wav lasts 3.0 s, half of all recordings at most 0.1 s",
    ),
    "one word only": (
        without(good(), *(name for name in good() if name.startswith("yes"))),
        {},
        "the word 'no'; at least two are needed: record another, or say how names are read, such",
    ),
    "a word with too few recordings": (
        without(folders(), "no/a.wav", "no/b.wav"),
        SHARE,
        "'no' has 2 of the 3 recordings that three splits need",
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
    "a split without a word": (
        without(good(), "yes_bob_0.wav", "yes_bob_1.wav"),
        {},
        "the validation set has no recording of 'yes'",
    ),
    "no validation set": (good(), {"validation": []}, "the validation set has no recording of"),
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
        "the training set has no recording of 'yes' when ann is tested",
    ),
    "a split named twice": (
        good(),
        {"test": ["bob"]},
        "data: validation and test share the speakers ['bob']",
    ),
    "splits named where they are drawn": (
        good(),
        {"split_by": "share"},
        "data: with split_by share splits are drawn; remove validation and test",
    ),
    "a test set named where speakers take turns": (
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

"""Recordings and transcripts that cannot be used, and the errors."""

import io
import random
import wave
from typing import Any

PARAMETERS: dict[str, Any] = {"num_mels": 8, "split_by": "share"}


def wav(seed: int, *, seconds: float = 0.2, rate: int = 8000, channels: int = 1) -> bytes:
    """A recording of noise, 16 bits."""
    draw = random.Random(seed)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(draw.randbytes(2 * round(seconds * rate) * channels))
    return buffer.getvalue()


NAMES = [f"{letter}.wav" for letter in "abcdef"]
TEXTS = ["12", "21", "112", "2", "1", "22"]
TSV = "transcripts.tsv"


def table(*rows: tuple[str, ...], header: str = "file\ttext") -> bytes:
    """A table of transcripts, by tabs."""
    return "\n".join([header, *("\t".join(row) for row in rows), ""]).encode()


def good() -> dict[str, bytes]:
    """The content of a raw folder by file name."""
    files = {name: wav(seed) for seed, name in enumerate(NAMES)}
    return {**files, TSV: table(*zip(NAMES, TEXTS, strict=True))}


def words() -> dict[str, bytes]:
    """Recordings of single words, to join."""
    names = [f"{word}_ann_{take}.wav" for word in "12" for take in "0123"]
    return {name: wav(seed) for seed, name in enumerate(names)}


def changed(name: str, content: bytes) -> dict[str, bytes]:
    """Good files except for one."""
    return {**good(), name: content}


def rows(**changes: str) -> bytes:
    """The good table except for the texts of some files."""
    texts = dict(zip(NAMES, TEXTS, strict=True))
    texts.update({f"{letter}.wav": text for letter, text in changes.items()})
    return table(*texts.items())


JOIN: dict[str, Any] = {"strings": [4, 2, 2], "string_words": [2, 3]}
SPEAKERS = table(
    *zip(NAMES, TEXTS, ["ann", "ann", "bob", "bob", "cleo", "cleo"], strict=True),
    header="file\ttext\tspeaker",
)

CASES: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "no transcripts": (
        {"1.wav": wav(0), "2.wav": wav(1), "a.ctm": b"1 1 0.0 0.2 yes\n"},
        {},
        "nothing in the data tells what is said in the recordings; write transcripts.tsv with the",
    ),
    "two tables": (
        changed("transcripts.csv", b"file,text\n"),
        {},
        "the data holds transcripts.csv and transcripts.tsv; remove one of them",
    ),
    "commas in a table of tabs": (
        changed(TSV, rows().replace(b"\t", b",")),
        {},
        "transcripts.tsv has no column 'file', only ['file,text']; name its columns in the first",
    ),
    "no column of texts": (
        changed(TSV, rows().replace(b"text", b"seconds", 1)),
        {},
        "transcripts.tsv has no column 'text', only ['file', 'seconds']",
    ),
    "ragged rows": (
        changed(TSV, rows(b="2\t1\t2")),
        {},
        "transcripts.tsv, row 3 has 4 fields, and row 1 has 2 column names",
    ),
    "empty table": (changed(TSV, b""), {}, "transcripts.tsv is not a readable table: it is empty"),
    "header only": (
        changed(TSV, table()),
        {},
        "has column names and no rows below them",
    ),
    "a row without its file": (
        {name: content for name, content in good().items() if name != "b.wav"},
        {},
        "transcripts.tsv, row 3: there is no file 'b.wav' in the folder",
    ),
    "a file without its row": (
        changed("g.wav", wav(7)),
        {},
        "g.wav is not in transcripts.tsv; add a row or remove the file",
    ),
    "a file in two rows": (
        changed(TSV, rows() + b"b.wav\t2\n"),
        {},
        "transcripts.tsv, row 8: b.wav is in row 3 already",
    ),
    "no text": (changed(TSV, rows(d=" ")), {}, "transcripts.tsv, row 5: d.wav has no text"),
    "a row that ends early": (
        changed(TSV, rows().replace(b"d.wav\t2", b"d.wav")),
        {},
        "transcripts.tsv, row 5 has 1 field, fewer than the 2 columns; complete it",
    ),
    "an mp3 beside": (changed("g.mp3", b"ID3"), {}, "g.mp3 is not in transcripts.tsv; add a row"),
    "an mp3 in the table": (
        changed("a.wav", b"\xff\xfb" + bytes(99)),
        {},
        "a.wav is broken, or cut off; export it again",
    ),
    "the same recording with two texts": (
        changed("f.wav", wav(1)),
        {},
        "f.wav is a copy of b.wav, but is said to be '22', and that one '21'; remove one of them",
    ),
    "more text than sound": (
        changed(TSV, rows(e="12" * 20)),
        {},
        "e.wav has 18 frames for the 40 symbols of its text",
    ),
    "one symbol only": (
        changed(TSV, rows(**dict.fromkeys("abcdef", "1"))),
        {},
        "all texts consist of the symbol '1'",
    ),
    "two rows": (
        {"a.wav": wav(0), "b.wav": wav(1), TSV: table(("a.wav", "1"), ("b.wav", "2"))},
        {},
        "'transcripts.tsv' has 2 of the 3 recordings that three splits need",
    ),
    "no column of speakers": (
        good(),
        {"split_by": "speaker", "validation": ["bob"], "test": ["cleo"]},
        "transcripts.tsv has no column 'speaker' that is filled in every row; add it, or set",
    ),
    "a speaker who does not exist": (
        changed(TSV, SPEAKERS),
        {"split_by": "speaker", "validation": ["dora"], "test": ["cleo"]},
        "no recording has the speaker 'dora'",
    ),
    "no test set": (
        changed(TSV, SPEAKERS),
        {"split_by": "speaker", "validation": ["bob"], "test": []},
        "no recording is left for the test set",
    ),
    "words that nothing can be joined from": (
        {**words(), "3_ann_0.wav": wav(20)},
        {**JOIN},
        "'3' has 1 of the 3 recordings that three splits need",
    ),
    "an absolute name": (
        changed(TSV, rows().replace(b"b.wav", b"/home/ann/b.wav")),
        {},
        "transcripts.tsv, row 3: /home/ann/b.wav is not named from the folder of the table",
    ),
    "a name that leaves the folder": (
        changed(TSV, rows().replace(b"b.wav", b"x/../../b.wav")),
        {},
        "transcripts.tsv, row 3: x/../../b.wav is not named from the folder of the table",
    ),
    "a name without an end that two files have": (
        {**changed(TSV, rows().replace(b"b.wav", b"b")), "b.mp3": b"ID3"},
        {},
        "transcripts.tsv, row 3: b may be b.mp3 and b.wav; write which of them",
    ),
    "a row without a name": (changed(TSV, rows() + b"\t12\n"), {}, "row 8 names no recording"),
    "a control character": (
        changed(TSV, rows(c="1\u00922")),
        {},
        "transcripts.tsv, row 4 holds U+0092, which is no character of a text; save the table",
    ),
    "a quotation mark that is not closed": (
        {
            **{name: content for name, content in good().items() if name != TSV},
            "transcripts.csv": b'file,text\na.wav,12\nb.wav,"21\nc.wav,2\n',
        },
        {},
        "transcripts.csv, row 3: a quotation mark is opened and not closed; close it",
    ),
    "no split in the table": (
        good(),
        {"split_by": "given"},
        "nothing says the split of a.wav; set data.split_by to share",
    ),
    "numbers of strings for two splits": (
        words(),
        {**JOIN, "strings": [4, 2]},
        "data: strings must be three numbers above 0: train, validation and test",
    ),
    "lengths the wrong way round": (
        words(),
        {**JOIN, "string_words": [5, 3]},
        "data: string_words must be the fewest words, at least 1, then the most",
    ),
    "a pause below nothing": (
        words(),
        {**JOIN, "pause_seconds": [-0.1, 0.2]},
        "data: pause_seconds must be the shortest pause, at least 0, then the longest",
    ),
    "noise the wrong way round": (
        words(),
        {**JOIN, "snr_db": [40, 10]},
        "data: snr_db must be the lowest ratio, then the highest",
    ),
}

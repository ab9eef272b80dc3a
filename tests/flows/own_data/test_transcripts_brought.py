"""Texts of recordings as people have them: found, or refused with the true cause."""

import io
import random
import unicodedata
import wave

import pytest


def wav(seed, samples=2400, rate=8000):
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((1, 2, rate, 0, "NONE", ""))
        target.writeframes(random.Random(seed).randbytes(2 * samples))
    return file.getvalue()


ROWS = [f"u{i:02d}.wav\t{'go on' if i % 2 else 'no'}" for i in range(12)]


def transcribed(rows=ROWS, head="file\ttext", name="u{:02d}.wav", table="transcripts.tsv"):
    lines = [head, *rows] if head else rows
    return {table: "\n".join(lines) + "\n"} | {name.format(i): wav(i, 8000) for i in range(12)}


def row(place, text):
    return transcribed([f"u{i:02d}.wav\t{text}" if i == place else r for i, r in enumerate(ROWS)])


FINE = "sch\u00f6n"
VOICES = [f"c{i // 2}\tu{i:02d}.wav\t{'Go on' if i % 2 else 'No'}\t2" for i in range(12)]
VOICE = "client_id\tpath\tsentence\tup_votes\n"
COMMON = {
    f"{name}.tsv": VOICE + "\n".join(VOICES[part]) + "\n"
    for name, part in {"train": slice(8), "dev": slice(8, 10), "test": slice(10, 12)}.items()
} | {f"clips/u{i:02d}.wav": wav(i, 8000) for i in range(12)}
BARS = "".join(
    f"u{i:02d}|{'Go on' if i % 2 else 'No'}|{'go on' if i % 2 else 'no'}\n" for i in range(12)
)
FORMS = {
    "quotes that open in a row and close in another": (
        transcribed([*ROWS[:3], 'u03.wav\t"no go', *ROWS[4:6], 'u06.wav\tgo"', *ROWS[7:]]),
        '5 characters: a space, ", g',
    ),
    "a word in quotes": (row(3, '"yes" no go'), '8 characters: a space, ", e'),
    "a word in quotes at the end": (row(3, 'say "x"'), '9 characters: a space, ", a'),
    "a quote that opens": (row(3, '"no go'), '5 characters: a space, ", g'),
    "names from the folder": (
        transcribed(["./" + r for r in ROWS]),
        "4 characters: a space, g, n, o",
    ),
    "tabs at the ends": (transcribed([r + "\t" for r in ROWS]), "4 characters: a space, g, n, o"),
    "other names of columns": (transcribed(head="path\tsentence"), "4 characters"),
    "names of Windows": (
        transcribed(["wavs\\" + r for r in ROWS], name="wavs/u{:02d}.wav"),
        "4 characters",
    ),
    "names without endings": (transcribed([r.replace(".wav", "") for r in ROWS]), "4 characters"),
    "LJSpeech": (
        {"metadata.csv": BARS} | {f"wavs/u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "4 characters",
    ),
    "Common Voice": (
        COMMON,
        "5 characters: a space, G, N, n, o|6 speakers: c0 2|8 recordings in the training set, 2",
    ),
    "a list beside recordings, as in LibriSpeech": (
        {"84/121/84-121.trans.txt": "".join(f"84-121-{r.replace('.wav', '')}\n" for r in ROWS)}
        | {f"84/121/84-121-u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "4 characters|texts are read from 1 list of names and texts, such as 84/121/84-121.trans",
    ),
    "a file for each recording": (
        {f"txt/u{i:02d}.lab": "go on" if i % 2 else "no" for i in range(12)}
        | {f"wav48/u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        r"4 characters|texts are read from a file each, such as txt/u00.lab",
    ),
    "texts of two Unicode forms": (
        transcribed(
            [
                f"u{i:02d}.wav\t{unicodedata.normalize('NFD' if i % 2 else 'NFC', FINE)}"
                for i in range(12)
            ]
        ),
        "5 characters: c, h, n, s, \u00f6",
    ),
    "a name before each text": (
        {f"u{i:02d}.txt": f"u{i:02d} {'go on' if i % 2 else 'no'}\n" for i in range(12)}
        | {f"u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "4 characters: a space, g, n, o",
    ),
    "texts in another encoding": (
        {f"u{i:02d}.txt": FINE.encode("cp1252") for i in range(12)}
        | {f"u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "5 characters: c, h, n, s, \u00f6",
    ),
    "a list in another encoding": (
        {"text": "".join(f"u{i:02d} {FINE}\n" for i in range(12)).encode("cp1252")}
        | {f"u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "5 characters: c, h, n, s, \u00f6",
    ),
    "names in other capitals": (
        transcribed([r.replace("u", "U").replace(".wav", ".WAV") for r in ROWS]),
        "4 characters: a space, g, n, o",
    ),
    "names of what was converted": (
        transcribed([r.replace(".wav", ".mp3") for r in ROWS], name="u{:02d}.mp3.wav"),
        "4 characters: a space, g, n, o",
    ),
    "marks that nobody says": (
        transcribed([r.replace("no", "ANN: no [noise]") for r in ROWS]),
        "the texts of 6 recordings have marks such as 'ANN:', '[noise]', which are learned",
    ),
    "names of two Unicode forms": (
        {"transcripts.tsv": "file\ttext\n" + "".join(f"\u00fc{r}\n" for r in ROWS)}
        | {unicodedata.normalize("NFD", f"\u00fcu{i:02d}.wav"): wav(i, 8000) for i in range(12)},
        "4 characters",
    ),
}


@pytest.mark.parametrize("kind", FORMS)
def test_texts_of_recordings_are_found(understood, kind):
    understood("speech_transcription", *FORMS[kind])


WRONG = {
    "absolute names": (
        transcribed(["/home/me/" + r for r in ROWS]),
        "12 faults\n  transcripts.tsv, row 2: /home/me/u00.wav is not named from the folder of the",
    ),
    "commas in texts": (
        transcribed(
            [f"u{i:02d}.wav,stop, go" for i in range(12)], "file,text", table="transcripts.csv"
        ),
        "transcripts.csv, row 2 has 3 fields, and row 1 has 2 column names",
    ),
    "a fact in each file": (
        {f"u{i:02d}.txt": f"speaker: bob{i % 3}" for i in range(12)}
        | {f"u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "u00.txt and all others begin with 'speaker:': 'speaker: bob0'; write into each file what",
    ),
    "a list that is not read": (
        {"all.stm": "".join(f"u{i:02d} 1 bob 0.0 1.0 no\n" for i in range(12))}
        | {f"u{i:02d}.wav": wav(i, 8000) for i in range(12)},
        "nothing in the data tells what is said in the recordings; write transcripts.tsv with",
    ),
    "a row of no file": (
        transcribed([*ROWS[:4], "", *ROWS[4:], "u99.wav\tgo"]),
        "transcripts.tsv, row 15: there is no file 'u99.wav' in the folder",
    ),
    "a row of a file that is no recording": (
        transcribed([*ROWS, "tune.mid\tgo"]) | {"tune.mid": b"MThd\0\0\0\6"},
        "transcripts.tsv, row 14: tune.mid is no recording, by its ending and its first bytes; con",
    ),
    "a file of no row": (
        transcribed(ROWS[:7] + ROWS[8:]),
        "u07.wav is not in transcripts.tsv; add a row or remove the file",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_texts_that_do_not_belong_to_recordings_are_refused_with_the_cause(refuse, kind):
    files, message = WRONG[kind]
    refuse("speech_transcription", files, message)

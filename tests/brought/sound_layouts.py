"""Recordings in the layouts of public collections."""

from pathlib import Path

import numpy as np
import soundfile

WORDS = ("go", "left", "no", "stop now")


def record(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(sum(map(ord, name)))
        soundfile.write(path, 0.2 * draw.standard_normal(1600), 8000)


def write(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def libri_speech(folder: Path) -> dict[str, tuple[str, str]]:
    for who in ("84", "174", "251"):
        book = f"LibriSpeech/train-clean-100/{who}/121"
        names = [f"{who}-121-{i:04d}" for i in range(4)]
        record(folder, *(f"{book}/{name}.flac" for name in names))
        lines = [f"{n} {w.upper()}" for n, w in zip(names, WORDS, strict=True)]
        write(folder, f"{book}/{who}-121.trans.txt", *lines)
    write(folder, "LibriSpeech/SPEAKERS.TXT", ";ID | SEX", "84 | F")
    return {
        f"{w}-121-{i:04d}": (WORDS[i].upper(), w) for w in ("84", "174", "251") for i in range(4)
    }

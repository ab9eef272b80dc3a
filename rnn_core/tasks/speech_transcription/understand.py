"""Description of what was understood of recordings of texts."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rnn_core.readers.faults import Faults, some
from rnn_core.readers.odd_characters import ENTITY_OF_HTML
from rnn_core.readers.sound.recorded_words import find_words
from rnn_core.readers.sound.telling import (
    sound_doubts,
    sound_lines,
    speaker_doubts,
    speaker_lines,
)
from rnn_core.readers.sound.transcripts import has_texts, list_transcripts
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.speech_transcription.divide import has_unknown
from rnn_core.tasks.speech_transcription.parameters import TranscriptionMeta
from rnn_core.wording import amount

MOST_SYMBOLS = 60
"""Largest number of symbols that are listed one by one."""


def understand(raw: Path, data: Data, meta: TranscriptionMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    parameters, copies = meta.parameters, meta.heard.copies
    splits: list[int] = data["splits"].tolist()
    if parameters.strings:
        words = find_words(raw, parameters.names, Faults())
        speakers = sorted({r.speaker or "unknown" for r in words.recordings})
        left, doubts = words.left_out, words.doubts
        voices = amount(len(speakers), "speaker")
        lines = [*words.notes, f"strings of {len(meta.symbols)} words by {voices} are joined"]
        if not has_texts(raw):
            lines.insert(0, "nothing tells texts of whole recordings, so each is taken for a word")
    else:
        listed = list_transcripts(raw, Faults())
        pairs = zip(listed.files, listed.rows, strict=True)
        who = [row.speaker for file, row in pairs if file.name not in copies]
        lines = [*listed.notes, *speaker_lines(who, splits, parameters.split_by)]
        left, doubts = listed.left_out, speaker_doubts(who, splits, parameters.split_by)
        doubts += marks([row.text for row in listed.rows])
    what = "recordings" if not parameters.strings else "strings"
    return Understanding(
        read=(
            symbols_line(meta),
            *lines,
            split_line(meta.items, what),
            *sound_lines(meta.heard, meta.rate_hz, left),
        ),
        doubts=(*doubts, *unknown_symbols(data, meta), *sound_doubts(meta.heard, meta.rate_hz)),
    )


MARK = re.compile(
    r"\[[^]]*\]|\{[^}]*\}|\([^)]*\)|</?[^\W\d_][^<>]*>|\*[^\W\d_][^*]*\*|%[A-Z]+\b"
    rf"|{ENTITY_OF_HTML}|^[^\W\d_][\w ]{{0,20}}:(?=\s)"
)
"""A remark, a tag, or the name of a speaker in a text, which nobody says."""

LEAST_MARKED, LEAST_SHARE = 3, 0.01
"""Number and share of texts with marks from which on they are reported; a few may be meant."""


def marks(texts: Sequence[str]) -> list[str]:
    """A doubt where texts have marks that nobody says, with the most frequent of these."""
    found = [own for text in texts if (own := MARK.findall(text))]
    if len(found) < max(LEAST_MARKED, LEAST_SHARE * len(texts)):
        return []
    usual = Counter(mark for own in found for mark in own).most_common(3)
    such = ", ".join(repr(mark) for mark, _ in usual)
    doubt = (
        f"the texts of {amount(len(found), 'recording')} have marks such as {such}, which are "
        "learned as if they were said; remove those that nobody says"
    )
    return [doubt]


def symbols_line(meta: TranscriptionMeta) -> str:
    """Describe the symbols of transcripts."""
    words = meta.parameters.strings or meta.parameters.tokens == "word"
    kind = "words" if words else "characters"
    if len(meta.symbols) > MOST_SYMBOLS:
        return f"{len(meta.symbols)} {kind}: {some(meta.symbols)}"
    shown = ", ".join("a space" if symbol == " " else symbol for symbol in meta.symbols)
    return f"{len(meta.symbols)} {kind}: {shown}"


def unknown_symbols(data: Data, meta: TranscriptionMeta) -> list[str]:
    """A doubt where later splits have symbols that the training set lacks."""
    strange = int(has_unknown(data, len(meta.symbols)).sum())
    if not strange:
        return []
    doubt = (
        f"the texts of {amount(strange, 'recording')} for validation or test have symbols that no "
        "text for training has; they count as errors (capitals and commas are symbols too)"
    )
    return [doubt]

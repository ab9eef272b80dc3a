"""Aligned files that cannot be used, and the errors."""

from typing import Any

PARAMETERS: dict[str, Any] = {
    "source_file": "corpus.en",
    "target_file": "corpus.de",
    "max_vocabulary": 80,
}

NOUNS = (("dog", "Hund"), ("cat", "Kater"), ("man", "Mann"), ("bird", "Vogel"))
VERBS = (("sees", "sieht"), ("hears", "hört"), ("follows", "verfolgt"))

PAIRS = [
    (f"the {a} {verb} the {b}.", f"der {c} {sagt} den {d}.")
    for a, c in NOUNS
    for verb, sagt in VERBS
    for b, d in NOUNS
]
ENGLISH, GERMAN = ([pair[index] for pair in PAIRS] for index in (0, 1))


def lines(texts: list[str], encoding: str = "utf-8") -> bytes:
    return "".join(f"{text}\n" for text in texts).encode(encoding)


def corpus(source: Any = ENGLISH, target: Any = GERMAN) -> dict[str, bytes]:
    """Two aligned files from texts, or from the bytes of a file."""
    contents = [text if isinstance(text, bytes) else lines(text) for text in (source, target)]
    return dict(zip(("corpus.en", "corpus.de"), contents, strict=True))


def good() -> dict[str, bytes]:
    """The content of a raw folder by file name."""
    return corpus()


def table(pairs: list[tuple[str, str]]) -> dict[str, bytes]:
    """A table with a text and its translation on each line."""
    return {"pairs.tsv": lines(["\t".join(pair) for pair in pairs])}


TABLE = {"source_file": None, "target_file": None}
STAR = {"source_file": "*.en", "target_file": "*.de"}


def of_splits(**changes: list[int]) -> dict[str, bytes]:
    """A pair of files for each split, from the numbers of its pairs."""
    splits = {"train": list(range(30)), "val": list(range(30, 38)), "test": list(range(38, 46))}
    files: dict[str, bytes] = {}
    for split, numbers in (splits | changes).items():
        files[f"{split}.en"] = lines([ENGLISH[i] for i in numbers])
        files[f"{split}.de"] = lines([GERMAN[i] for i in numbers])
    return files


def with_line(number: int, text: str, texts: list[str]) -> list[str]:
    """Texts with the line of a number, counted from 1, replaced."""
    return [*texts[: number - 1], text, *texts[number:]]


LATIN = lines(GERMAN, "latin-1")
UMLAUT = LATIN.index(b"\xf6")

SETS = ("train", "validation", "test")

CASES: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "a row without a split": (
        {
            "pairs.tsv": lines(
                [
                    f"{a}\t{b}\t{'other' if a == b else SETS[i % 3]}"
                    for i, (a, b) in enumerate([*PAIRS, ("x", "x")])
                ]
            )
        },
        TABLE | {"split_column": 3},
        "pairs.tsv, line 49: 'other' in column 3 is no split",
    ),
    "no row for training": (
        {"pairs.tsv": lines([f"{a}\t{b}\t{SETS[1 + i % 2]}" for i, (a, b) in enumerate(PAIRS)])},
        TABLE | {"split_column": 3},
        "pairs.tsv: no row has 'train' in column 3",
    ),
    "splits of rows in two files": (
        corpus(),
        {"split_column": 3},
        "split_column belongs to a single table; leave it out for several files",
    ),
    "an archive of tar": (
        {"pairs.tar": bytes(257) + b"ustar"},
        TABLE,
        "pairs.tar is an archive of tar; unpack it, and give what is in it",
    ),
    "a PDF": (
        corpus(source=b"%PDF-1.7\n"),
        {},
        "corpus.en is a PDF; save its text alone",
    ),
    "not aligned": (
        corpus(target=GERMAN[:-3]),
        {},
        "corpus.en and corpus.de are not aligned: they have 48 and 45 lines",
    ),
    "an empty line in the target": (
        corpus(target=with_line(7, "", GERMAN)),
        {},
        "corpus.de, line 7 is empty, but that of corpus.en is not",
    ),
    "a blank line in the source": (
        corpus(source=with_line(9, " \t ", ENGLISH)),
        {},
        "corpus.en, line 9 is empty, but that of corpus.de is not",
    ),
    "latin-1": (
        corpus(target=LATIN),
        {},
        f"corpus.de, line 5 is not UTF-8 (byte {UMLAUT + 1} of the file)",
    ),
    "UTF-16 that is cut off": (
        corpus(target=lines(GERMAN, "utf-16")[:-1]),
        {},
        "corpus.de, line 48 is not UTF-16",
    ),
    "a zero byte": (
        corpus(source=with_line(3, "the dog\x00 sees the man.", ENGLISH)),
        {},
        "corpus.en, line 3 holds the control character U+0000",
    ),
    "no text but a program's file": (
        corpus(source=b"\x7fELF\x02\x01\x01" + lines(ENGLISH)),
        {},
        "corpus.en, line 1 holds the control character U+007F",
    ),
    "an empty file": (corpus(target=b""), {}, "corpus.de is empty"),
    "a blank file": (
        corpus(target=b"\n" * 48),
        {},
        "corpus.de holds nothing but white space",
    ),
    "a file that is not there": (
        {"corpus.en": lines(ENGLISH), "corpus.fr": lines(GERMAN)},
        {},
        "target_file: no file 'corpus.de' in",
    ),
    "a source that is not there": (
        corpus(),
        {"source_file": "corpus.eng"},
        "source_file: no file 'corpus.eng' in",
    ),
    "only one file": (
        {"corpus.en": lines(ENGLISH)},
        {"target_file": "corpus.de"},
        "target_file: no file 'corpus.de' in the data",
    ),
    "no file": ({".hidden": b"a"}, {"source_file": None, "target_file": None}, "holds 0 files"),
    "only one file, and no table": (
        {"corpus.en": lines(ENGLISH)},
        {"target_file": None},
        f"corpus.en has a tab on none of its {len(ENGLISH)} lines; a file of pairs has on each",
    ),
    "a table with a text missing": (
        table([*PAIRS[:20], ("the dog", " "), *PAIRS[20:]]),
        TABLE,
        "pairs.tsv, line 21 lacks a text; complete the line, or remove it",
    ),
    "a table of names of columns alone": (table([("en", "de")]), TABLE, "pairs.tsv holds no pairs"),
    "columns that are the same": (table(PAIRS), TABLE | {"columns": (2, 2)}, "two different ones"),
    "the same text on both sides of a table": (
        table([(text, text) for text in ENGLISH]),
        TABLE,
        "columns 1 and 2 of pairs.tsv have the same text on 48 of 48 lines",
    ),
    "three files and no name": (
        corpus() | {"notes.txt": b"old\n"},
        {"target_file": None},
        "holds 3 files, not two aligned ones",
    ),
    "two files and no direction": (
        corpus(),
        {"source_file": None, "target_file": None},
        "source_file is not given: which is to be translated, 'corpus.de' or 'corpus.en'?",
    ),
    "two tables": (
        {"de.json": b'["a"]', "en.json": b'["b"]'},
        {"source_file": None, "target_file": None},
        "de.json and en.json are two tables; name that of pairs: --set source_file=de.json; if",
    ),
    "two tables that a shell would take apart": (
        {"de (1).json": b'["a"]', "en (1).json": b'["b"]'},
        {"source_file": None, "target_file": None},
        "a sentence on each line: `jq -r '.[]' 'de (1).json' > 'de (1).json.txt'`",
    ),
    "the same file twice": (
        corpus(),
        {"target_file": "corpus.en"},
        "source_file and target_file are both 'corpus.en'",
    ),
    "not translated": (
        corpus(target=ENGLISH),
        {},
        "corpus.en and corpus.de have the same text on 48 of 48 lines",
    ),
    "mostly not translated": (
        corpus(target=ENGLISH[:30] + GERMAN[30:]),
        {},
        "corpus.en and corpus.de have the same text on 30 of 48 lines",
    ),
    "too few pairs for the shares": (
        corpus(ENGLISH[:4], GERMAN[:4]),
        {},
        "4 different source texts are too few for a validation_share of 0.1",
    ),
    "one pair over and over": (
        corpus(ENGLISH[:1] * 50, GERMAN[:1] * 50),
        {},
        "1 different source text is too few",
    ),
    "a whole book on one line": (
        corpus(source=with_line(2, "the dog " * 2000, ENGLISH)),
        {},
        "corpus.en, line 2 has 16000 characters, more than 10000",
    ),
    "a split that is missing": (
        {name: text for name, text in of_splits().items() if name != "val.de"},
        STAR,
        "target_file: no file 'val.de' in",
    ),
    "a star in one name only": (
        of_splits(),
        {"source_file": "*.en", "target_file": "train.de"},
        "target_file is 'train.de', source_file '*.en': both or neither must hold a *",
    ),
    "a test pair that is trained on": (
        of_splits(test=[38, 39, 5]),
        STAR,
        "pair 6 of the training set is in the validation or test set too",
    ),
    "a test sentence that is trained on with another translation": (
        of_splits()
        | {"test.de": lines([f"{GERMAN[i]} ja" for i in range(8)])}
        | {"test.en": lines(ENGLISH[:8])},
        STAR,
        "the source of pair 1 of the training set is in the validation or test set too",
    ),
    "a test sentence that is trained on in other capitals": (
        of_splits() | {"test.en": lines([text.upper() for text in ENGLISH[3:11]])},
        STAR | {"lower_case": True},
        "the source of pair 4 of the training set is in the validation or test set too",
    ),
    "an encoding that there is not": (corpus(), {"encoding": "x"}, "there is no encoding 'x'"),
    "a pair to choose by that is tested": (
        of_splits(test=[40, 33, 41]),
        STAR,
        "pair 2 of the test set is in the validation set too",
    ),
    "nothing left to train on": (
        of_splits(train=[38, 39]),
        STAR | {"repeated": "drop"},
        "every training pair is in the validation or test set too",
    ),
    "nothing left to choose by": (
        of_splits(val=[38, 39]),
        STAR | {"repeated": "drop"},
        "every validation pair is in the test set too",
    ),
    "a vocabulary smaller than the alphabet": (
        corpus(),
        {"max_vocabulary": 12},
        "max_vocabulary is 12, but the characters of the training set alone need 30",
    ),
    "only long pairs": (
        corpus(),
        {"max_length": 2},
        "every training pair has more than max_length = 2 subwords",
    ),
    "a test set in another script": (
        of_splits() | {"test.de": lines(["привет мир"] * 8)},
        STAR,
        "most characters of the target texts of the test set are not in the training set",
    ),
}

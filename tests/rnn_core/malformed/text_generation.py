"""Texts that cannot be used, and the errors."""

import gzip
from typing import Any

PARAMETERS: dict[str, Any] = {"tokens": "char", "validation_share": 0.05, "test_share": 0.10}

TEXT = "".join(f"line {i % 7} says {'abc'[i % 3] * (i % 5)}.\n" for i in range(100))


def good() -> dict[str, bytes]:
    """The content of a raw folder by file name."""
    return {"book.txt": TEXT.encode()}


def book(content: str, encoding: str = "utf-8") -> dict[str, bytes]:
    return {"book.txt": content.encode(encoding)}


CASES: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "no text file": (
        {"book.pdf": b"%PDF-1.7\n" + TEXT.encode()},
        {},
        "the data holds no text file (.txt, .text, .md), only book.pdf",
    ),
    "files that are not called after splits": (
        {"a.txt": TEXT.encode(), "test.txt": TEXT.encode()},
        {"split": "files"},
        "there has to be one of each; there: a.txt, test.txt",
    ),
    "a file of a split that is blank": (
        {"train.txt": TEXT.encode(), "valid.txt": b" \n", "test.txt": TEXT.encode()},
        {"split": "files"},
        "valid.txt holds nothing but white space",
    ),
    "an archive that is cut off": (
        {"book.txt.gz": gzip.compress(TEXT.encode())[:-20]},
        {},
        "book.txt.gz cannot be unpacked",
    ),
    "an encoding that there is not": (
        book(TEXT),
        {"encoding": "windows"},
        "there is no encoding 'windows'",
    ),
    "not in the encoding that was said": (
        {"book.txt": TEXT.encode() + b"\xff\x82\n"},
        {"encoding": "shift-jis"},
        f"book.txt, line 101 is not SHIFT-JIS (byte {len(TEXT) + 1} of the file)",
    ),
    "lines that leave nothing to test": (
        book("a\nb\nc\n" * 40),
        {"split": "lines"},
        "the text has 240 tokens, which leaves the validation set fewer than 2",
    ),
    "empty": (book(""), {}, "book.txt is empty"),
    "blank": (book(" \n\t\n" * 100), {}, "book.txt holds nothing but white space"),
    "latin-1": (
        {"book.txt": TEXT.encode() + "café".encode("latin-1")},
        {},
        f"book.txt, line 101 is not UTF-8 (byte {len(TEXT) + 4} of the file)",
    ),
    "latin-1 with line ends of an old Mac": (
        {"book.txt": "one\rtwo\rthree é".encode("latin-1")},
        {},
        "book.txt, line 3 is not UTF-8 (byte 15 of the file)",
    ),
    "UTF-16 that is cut off": (
        {"book.txt": TEXT.encode("utf-16")[:-1]},
        {},
        "book.txt, line 100 is not UTF-16",
    ),
    "UTF-16 without its mark": (
        book(TEXT, "utf-16-le"),
        {},
        "book.txt, line 1 holds the control character U+0000",
    ),
    "no text but a program's file": (
        book(TEXT + "\x1b\x02" * 20),
        {},
        "book.txt, line 101 holds the control character U+001B",
    ),
    "too short for its splits": (
        book("short"),
        {},
        "the text has 5 tokens, which leaves the validation set fewer than 2",
    ),
    "too short in words": (
        book("one two three four five six\n"),
        {"tokens": "word"},
        "the text has 7 tokens, which leaves the validation set fewer than 2",
    ),
    "one character over and over": (
        book("-" * 500),
        {},
        "the training set is '-' over and over; there is nothing to learn",
    ),
    "shares above 1": (
        book(TEXT),
        {"validation_share": 0.5, "test_share": 0.6},
        "validation_share and test_share leave nothing to train on",
    ),
    "a vocabulary of almost nothing": (
        book(TEXT),
        {"max_vocabulary": 2},
        "max_vocabulary 2 makes",
    ),
    "a part to choose by in another script": (
        book((2 * TEXT)[:1700] + "жзик" * 25 + TEXT[:200]),
        {},
        "of the tokens of the validation set are not in the vocabulary",
    ),
    "an end in another script": (
        book((2 * TEXT)[:1800] + "жзик" * 50),
        {},
        "of the tokens of the test set are not in the vocabulary",
    ),
}

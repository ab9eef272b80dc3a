"""Malformed tables of sentences, one for each cause that people have."""

PARAMETERS: dict = {
    "text": "text",
    "label": "label",
    "validation_share": 0.2,
    "test_share": 0.2,
}

ROWS = [
    ("a warm and clever film", "praise"),
    ("a dull and endless film", "blame"),
    ("the cast is a joy", "praise"),
    ("the plot is a mess", "blame"),
    ("good from start to end", "praise"),
    ("bad from start to end", "blame"),
    ("see it twice", "praise"),
    ("do not see it", "blame"),
    ("fresh and funny", "praise"),
    ("stale and loud", "blame"),
]

FILES = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}


def table(rows=ROWS, header="text,label", separator=","):
    lines = [header, *(separator.join(row) for row in rows)]
    return "".join(f"{line}\n" for line in lines if line is not None).encode()


def good() -> dict[str, bytes]:
    return {"reviews.csv": table()}


def replaced(number, row):
    """The good table with another row; the header is line 1, row 0 is line 2."""
    return table([*ROWS[:number], row, *ROWS[number + 1 :]])


def quoted(content):
    """A table where some text is in quotation marks, as it has to be."""
    return content.replace(b"see it twice", b'"see it, and see it twice"')


def one(content):
    return {"reviews.csv": content}


def splits(**changes):
    return {"train.csv": table(), "dev.csv": table(ROWS[:4]), "test.csv": table(ROWS[:4])} | {
        f"{name}.csv": content for name, content in changes.items()
    }


UNIQUE = [(text, f"{0.37 * i + 0.1:.2f}") for i, (text, _) in enumerate(ROWS)]
CYRILLIC = table().replace(b"see it twice", "смотреть дважды".encode("cp1251"))
THREE_CLASSES = [*ROWS, *[(f"so and so {i}", "neither") for i in range(2)]]

CASES: dict[str, tuple[dict[str, bytes], dict, str]] = {
    "no table": (
        {"reviews.docx": b"PK\x03\x04"},
        {},
        "no folders of texts, only reviews.docx",
    ),
    "two tables": (
        {"a.csv": table(), "b c.csv": table()},
        {},
        "2 tables, a.csv, b c.csv; say which is which: --set train=a.csv --set 'test=b c.csv' (",
    ),
    "test set alone": (splits(), {"test": "test.csv"}, "beside one that is named as train"),
    "file of a split missing": (
        {"train.csv": table(), "test.csv": table()},
        FILES,
        "validation: there is no dev.csv in the data",
    ),
    "split twice": (
        splits(),
        FILES | {"test": "dev.csv"},
        "train, validation and test must be different files",
    ),
    "test set without labels": (
        splits(test=table([(str(i), text) for i, (text, _) in enumerate(ROWS)], header="id,text")),
        FILES,
        "leave test.csv out (--set train=train.csv names the other file alone)",
    ),
    "empty file": (one(b""), {}, "reviews.csv is not a readable table: it is empty"),
    "empty lines only": (one(b"\n \n"), {}, "reviews.csv is not a readable table: it is empty"),
    "header only": (
        one(b"text,label\n"),
        {},
        "reviews.csv has column names and no rows",
    ),
    "encoding that is not certain": (
        one(CYRILLIC),
        {},
        "reviews.csv, row 8: byte 0xf1 is not UTF-8, and no other encoding is certain",
    ),
    "encoding that there is not": (one(table()), {"encoding": "utf8x"}, "there is no encoding"),
    "NUL byte": (
        one(table().replace(b"the plot", b"the\0plot")),
        {},
        "reviews.csv, row 5 holds the control character U+0000",
    ),
    "separator of two characters": (
        one(table()),
        {"separator": "::"},
        "separator '::' is not one character; comma, semicolon, tab, bar and space can be named",
    ),
    "separator that is not there": (
        one(table()),
        {"separator": "bar"},
        "reviews.csv: unknown column 'text'",
    ),
    "comma in a text without quotes": (
        one(replaced(3, ("long, loud and late", "blame"))),
        {},
        "reviews.csv, row 5 has 3 fields, and row 1 has 2 column names; put values that hold a",
    ),
    "row without a field for the label": (
        one(replaced(6, ("see it twice",))),
        {},
        "reviews.csv, row 8 has 1 field, fewer than the 2 columns",
    ),
    "quote not closed": (
        one(quoted(replaced(9, ('"stale and loud', "blame")))),
        {},
        "reviews.csv, row 11: a quotation mark is opened and not closed",
    ),
    "quote inside a quoted text": (
        one(quoted(replaced(2, ('"the "cast" is a joy"', "praise")))),
        {},
        "reviews.csv, row 4: text follows a closing quotation mark",
    ),
    "no column of that name": (
        one(table(header="texts,label")),
        {},
        "reviews.csv: unknown column 'text'; did you mean 'texts'?",
    ),
    "no header, but names": (
        one(table(header=None)),
        {},
        "reviews.csv: unknown column 'text'; known: 1, 2 (it has no row of names: give positions)",
    ),
    "no column at that position": (
        one(table(header=None)),
        {"text": 1, "label": 3},
        "reviews.csv has 2 columns; there is no 3",
    ),
    "position 0": (
        one(table(header=None)),
        {"text": 0, "label": 1},
        "reviews.csv has 2 columns; there is no 0",
    ),
    "two columns of one name": (
        one(table([(a, a, b) for a, b in ROWS], header="text,text,label")),
        {},
        "reviews.csv has more than one column 'text'",
    ),
    "label is the text": (
        one(table()),
        {"label": "text"},
        "text and label are the same column, 'text'",
    ),
    "label is the text by its position": (
        one(table()),
        {"label": 1},
        "text and label are the same column of reviews.csv, 'text'",
    ),
    "empty text": (
        one(replaced(5, ("  ", "blame"))),
        {},
        "reviews.csv, row 7 has no text; complete it, or remove it",
    ),
    "missing label": (
        one(replaced(7, ("do not see it", ""))),
        {},
        "reviews.csv, row 9 has no label; complete it, or remove it",
    ),
    "one class only": (
        one(table([(text, "praise") for text, _ in ROWS])),
        {},
        "all rows have the label 'praise'",
    ),
    "numbers as labels": (
        one(table(UNIQUE)),
        {},
        "10 rows have 10 different labels; labels must be classes",
    ),
    "class with a single row": (
        one(replaced(0, ("so and so", "neither"))),
        {},
        "the class 'neither' has a single row",
    ),
    "header read as a row": (
        one(table()),
        {"text": 1, "label": 2, "header": False},
        "the class 'label' has a single row; add rows of it, or remove it (if it is the name",
    ),
    "class of copies of one text": (
        one(table([*ROWS, *[("so and so", "neither")] * 3])),
        {},
        "the class 'neither' has 1 different texts, too few for",
    ),
    "too few rows for the split": (
        one(table(THREE_CLASSES)),
        {"validation_share": 0.25, "test_share": 0.5},
        "the class 'neither' has 2 different texts, too few for 1 in the validation set and 1 in",
    ),
    "class only in the test file": (
        splits(test=table([("so and so", "neither"), ("nor that", "neither")])),
        FILES,
        "the training set has no row of the class 'neither'",
    ),
    "shares above 1": (
        one(table()),
        {"validation_share": 0.5, "test_share": 0.6},
        "validation_share and test_share leave nothing to train on",
    ),
}

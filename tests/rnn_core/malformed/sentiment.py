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


def one(content):
    return {"reviews.csv": content}


def sides(**changes):
    return {"train.csv": table(), "dev.csv": table(ROWS[:4]), "test.csv": table(ROWS[:4])} | {
        f"{name}.csv": content for name, content in changes.items()
    }


UNIQUE = [(text, f"{0.37 * i + 0.1:.2f}") for i, (text, _) in enumerate(ROWS)]
LATIN = table().replace(b"see it twice", "see it twice, caf\xe9".encode("latin-1"))

CASES: dict[str, tuple[dict[str, bytes], dict, str]] = {
    "no table": ({"reviews.xlsx": b"PK\x03\x04"}, {}, "holds no .csv or .tsv file"),
    "two tables": (
        {"a.csv": table(), "b.csv": table()},
        {},
        "there are 2 tables, a.csv, b.csv; name those of the sides",
    ),
    "file of a side missing": (
        {"train.csv": table(), "test.csv": table()},
        FILES,
        "data.validation: there is no dev.csv",
    ),
    "file without a table's ending": (
        {"train.txt": table()} | sides(),
        FILES | {"train": "train.txt"},
        "data.train: train.txt is neither .csv nor .tsv",
    ),
    "side twice": (
        sides(),
        FILES | {"test": "dev.csv"},
        "train, validation and test must be three files, or none",
    ),
    "empty file": (one(b""), {}, "reviews.csv is empty"),
    "empty lines only": (one(b"\n \n"), {}, "reviews.csv holds nothing but white space"),
    "header only": (one(b"text,label\n"), {}, "reviews.csv has a header and no rows"),
    "Latin-1": (one(LATIN), {}, "reviews.csv, line 8 is not UTF-8"),
    "NUL byte": (
        one(table().replace(b"the plot", b"the\0plot")),
        {},
        "reviews.csv, line 5 holds the control character U+0000",
    ),
    "semicolons in a .csv": (
        one(table(header="text;label", separator=";")),
        {},
        "reviews.csv, line 1 has one field by comma, but holds a semicolon",
    ),
    "commas in a .tsv": (
        {"reviews.tsv": table()},
        {},
        "reviews.tsv, line 1 has one field by tab, but holds a comma",
    ),
    "comma in a text without quotes": (
        one(replaced(3, ("long, loud and late", "blame"))),
        {},
        "reviews.csv, line 5 has 3 fields, the first row 2",
    ),
    "row without a field for the label": (
        one(replaced(6, ("see it twice",))),
        {},
        "reviews.csv, line 8 has only 1 of 2 fields",
    ),
    "quote not closed": (
        one(replaced(4, ('"good from start to end', "praise"))),
        {},
        "reviews.csv, line 6: a quote is opened and not closed",
    ),
    "quote inside a quoted text": (
        one(replaced(2, ('"the "cast" is a joy"', "praise"))),
        {},
        "reviews.csv, line 4: text follows a closing quote",
    ),
    "no column of that name": (
        one(table(header="texts,label")),
        {},
        "reviews.csv: unknown column 'text'; did you mean 'texts'?",
    ),
    "no header, but names": (
        one(table(header=None)),
        {},
        "unknown column 'text'; known: a warm and clever film, praise",
    ),
    "no column at that position": (
        one(table(header=None)),
        {"text": 1, "label": 3},
        "reviews.csv has 2 columns; there is no 3.",
    ),
    "position 0": (
        one(table(header=None)),
        {"text": 0, "label": 1},
        "reviews.csv has 2 columns; there is no 0.",
    ),
    "name and position": (
        one(table()),
        {"text": "text", "label": 2},
        "text and label must both be names or both be positions",
    ),
    "two columns of one name": (
        one(table([(a, a, b) for a, b in ROWS], header="text,text,label")),
        {},
        "reviews.csv has more than one column 'text'",
    ),
    "label is the text": (
        one(table()),
        {"label": "text"},
        "data.text and data.label are the same column, 'text'",
    ),
    "empty text": (
        one(replaced(5, ("  ", "blame"))),
        {},
        "reviews.csv, line 7 has no text (1 such rows in all)",
    ),
    "missing label": (
        one(replaced(7, ("do not see it", ""))),
        {},
        "reviews.csv, line 9 has no label (1 such rows in all)",
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
        {"text": 1, "label": 2},
        "the class 'label' has a single row",
    ),
    "class of copies of one text": (
        one(table([*ROWS, *[("so and so", "neither")] * 3])),
        {},
        "the class 'neither' has 1 different texts, too few for",
    ),
    "too few rows for the split": (
        one(table()),
        {"validation_share": 0.45, "test_share": 0.54},
        "the class 'blame' has 5 different texts, too few for 2 in the validation side",
    ),
    "class only in the test file": (
        sides(test=table([("so and so", "neither"), ("nor that", "neither")])),
        FILES,
        "the training side has no row of the class 'neither'",
    ),
    "shares above 1": (
        one(table()),
        {"validation_share": 0.5, "test_share": 0.6},
        "validation_share and test_share leave nothing to train on",
    ),
}

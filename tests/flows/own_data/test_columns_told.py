"""`gatewise new` names the columns of texts and labels, those not read, and doubtful labels."""

import json

import pytest

ROWS = [(f"the film {i} was {'good' if i % 2 else 'bad'}", "np"[i % 2]) for i in range(60)]
TABLE = "id,title,text,label\n" + "".join(f"{i},t,{t},{y}\n" for i, (t, y) in enumerate(ROWS))
HALF = {f"{y}.csv": "text\n" + "".join(f"{t}\n" for t, own in ROWS if own == y) for y in "np"}
MISSING = TABLE.replace(",n\n", ",NA\n", 9)
IN_LISTS = "\n".join(json.dumps({"text": text, "label": [label]}) for text, label in ROWS)

TOLD = {
    "columns that are not read": ({"f.csv": TABLE}, "\nnot read: id, title\n"),
    "positions that are not read": (
        {"f.csv": TABLE.split("\n", 1)[1]},
        "labels: column number '4'\nnot read: 1, 2\n",
    ),
    "missing labels": ({"f.csv": MISSING}, "the class 'NA' is what missing labels are often"),
    "a table of each class": (HALF, "if each has the texts of one class, join them into a table"),
    "labels in lists": (
        {"f.jsonl": IN_LISTS},
        "known: text; left out, since further values are inside: 'label'",
    ),
}


@pytest.mark.parametrize("kind", TOLD)
def test_columns_and_labels_are_told(bring, kind):
    files, told = TOLD[kind]
    positions = kind.startswith("positions")
    asked = {"targets": ["4"], "sets": ["text=3"]} if positions else {"targets": ["label"]}
    brought = bring("sentiment", files, **({} if files is HALF else asked))
    assert told in f"{brought.told}\n"


def test_nothing_is_told_where_all_columns_are_read(bring):
    content = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
    assert "not read" not in bring("sentiment", {"f.csv": content}, ["label"]).told

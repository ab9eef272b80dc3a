"""Labelled texts as people have them: read rightly and answered, or refused with the cause."""

import random

import pytest

from rnn_core.errors import DataError

KINDS = {"good": "pos", "bad": "neg"}
FILMS = [(f"{word} film {i}", label) for i in range(30) for word, label in KINDS.items()]
BOOKS = [(text.replace("film", "book"), label) for text, label in FILMS]
QUESTION = "Please tell us in your own words what you think of it"
LONG = "Overall, how satisfied are you with the service that you received at our branch today?"


def rows(pairs=FILMS, head="text,label", separator=","):
    lines = [head, *(separator.join(pair) for pair in pairs)]
    return "\n".join(lines).replace(head, head.replace(",", separator), 1) + "\n"


def chinese():
    """Reviews of two classes, written without spaces."""
    draw = random.Random(3)
    words = {
        "\u597d\u8bc4": "\u7cbe\u5f69 \u597d\u770b \u611f\u4eba",
        "\u5dee\u8bc4": "\u7cdf\u7cd5 \u96be\u770b \u65e0\u804a",
    }
    subjects = ["电影", "剧情", "演员", "音乐", "结局", "服务", "味道", "价格"]
    pairs = []
    for number in range(120):
        label = list(words)[number % 2]
        chosen = [draw.choice(subjects), draw.choice(subjects), draw.choice(words[label].split())]
        pairs.append(("".join(chosen), label))
    return rows(pairs)


def made(label_of, number=60):
    return rows([(f"film {i} of a year", label_of(i)) for i in range(number)])


WORDS = " ".join(f"w{i % 50}" for i in range(299))

READ = {
    "no spaces between words": (chinese(), "of the words, 0 % are unknown in the validation set"),
    "semicolons": (rows(separator=";"), "60 rows, separated by semicolons"),
    "a long name of the texts": (rows(head=f"{QUESTION},label"), f"column '{QUESTION}'"),
    "capitals in the ending": ({"F.CSV": rows()}, "2 classes: neg 30, pos 30"),
    "classes of unlike size": (
        made(lambda i: "complaint" if i % 12 == 5 else "ok"),
        "92 % of the texts have the class 'ok', so that always answering it has such an accur",
    ),
    "long texts": (
        rows(
            [
                (f"{i} {WORDS} {word}", label)
                for i, (word, label) in enumerate([*KINDS.items()] * 15)
            ]
        ),
        "30 of 30 texts are cut to their first 256 words",
    ),
    "lines within quotes": (rows([(f'"{text}\nmore"', label) for text, label in FILMS]), "60 rows"),
    "quotes and lines with tabs": (
        {"f.tsv": rows([(f'"{text}\nmore"', label) for text, label in FILMS], separator="\t")},
        "60 rows, separated by tabs",
    ),
    "quotes that open alone with tabs": (
        {"f.tsv": rows([(f'"{text}', label) for text, label in FILMS], separator="\t")},
        "60 rows, separated by tabs",
    ),
    "a field of many characters": (
        rows([*FILMS, ('"' + "very good " * 20_000 + '"', "pos")]),
        "61 rows",
    ),
    "classes in two capitals": (
        rows([*FILMS, *(BOOKS[i] if i % 2 else (BOOKS[i][0], "Pos") for i in range(60))]),
        "'Pos' and 'pos' are different classes, and look alike",
    ),
    "whole numbers with decimals": (
        made(lambda i: ["0", "1", "1.0"][i % 3]),
        "2 classes: 1 40, 0 20",
    ),
    "another column of labels": (
        rows(
            [(f"{text},{'ab'[i % 2]}", label) for i, (text, label) in enumerate(FILMS)],
            head="review,category,rating",
        ),
        "labels may also be in 'rating': --target names them",
    ),
    "bars": (rows(separator="|"), "60 rows, separated by bars"),
    "faces and marks of web pages": (
        rows([(f"<br/>\U0001f600 {text}", label) for text, label in FILMS]),
        "60 rows",
    ),
    "missing as a text": (rows([*FILMS, ("NA", "pos"), ("nan", "neg")]), "62 rows"),
    "all rows twice": (rows(FILMS + FILMS), "120 rows"),
    "a file after itself": (rows() + rows(BOOKS), "row 62"),
}


@pytest.mark.parametrize("kind", READ)
def test_texts_are_read_rightly_and_answered(bring, kind):
    """Each row of the file, in its order."""
    files, told = READ[kind]
    brought = bring("sentiment", files if isinstance(files, dict) else {"f.csv": files})
    assert told in brought.told
    answer, faults = brought.answer()
    assert not faults.found
    assert len(answer) == int(brought.told.split(" rows", 1)[0])


NAMED = {
    "a long label": (rows(head=f'text,"{LONG}"'), [LONG], (), f"labels: column '{LONG}'"),
    "a semicolon": (rows(separator=";"), [], ["separator=;"], "separated by semicolons"),
    "a bar": (rows(separator="|"), [], ["separator=|"], "separated by bars"),
    "a column without a name": (rows().partition("\n")[2], ["2"], (), "labels: column number '2'"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_what_a_person_names_is_taken(bring, kind):
    content, targets, sets, told = NAMED[kind]
    brought = bring("sentiment", {"f.csv": content}, targets, sets=sets)
    assert told in brought.told
    assert len(brought.answer()[0]) == 60


@pytest.mark.parametrize("sets", [(), ["train=train.csv", "test=test.csv"]])
def test_two_files_are_a_training_and_a_test_set(bring, sets):
    files = {"train.csv": rows(), "test.csv": rows(BOOKS[:20])}
    told = bring("sentiment", files, sets=sets).told
    assert "in the training set, 6 in the validation set, 20 in the test set" in told


TWEETS = "".join(
    f'"{4 * (label == "pos")}","{1467 + i}","Mon Apr 06 22:{i:02}:45 PDT 2009","{query}",'
    f'"u{i % 15}","what a {text} to see"\n'
    for i, (text, label) in enumerate(FILMS)
    for query in [("NO_QUERY", "obama", "nike")[i % 3]]
)


@pytest.mark.parametrize("text", [TWEETS, TWEETS.replace("obama", "NO_QUERY")])
def test_columns_without_names_are_found_where_they_are_certain(bring, text):
    brought = bring("sentiment", {"test.manual.csv": text})
    assert "texts: column number '6'; labels: column number '1'" in brought.told
    assert "2 classes: 0 30, 4 30" in brought.told
    assert len(brought.answer()[0]) == 60


def test_columns_without_names_that_are_not_certain_are_asked_for(bring):
    text = "".join(f"{i % 3},{i % 2},{text}\n" for i, (text, _) in enumerate(FILMS))
    told = bring("sentiment", {"f.csv": text}).told
    assert "cannot tell which column holds the labels; name it: --target ..." in told


PARTS = {f"{{}}{place}{{}}.csv": rows(FILMS[place::3]) for place in range(3)}


@pytest.mark.parametrize("form", [("part-", ""), ("train-0000", "-of-00003")])
def test_tables_in_parts_are_one(bring, form):
    files = {name.format(*form): content for name, content in PARTS.items()}
    brought = bring("sentiment", files)
    assert f"3 files are parts of one table: {', '.join(files)}" in brought.told
    assert "2 classes: neg 30, pos 30" in brought.told


def test_missing_parts_are_told(bring):
    files = {name.format("train-0000", "-of-00003"): text for name, text in PARTS.items()}
    del files["train-00001-of-00003.csv"]
    assert "-of-00003.csv; by their names there are 3" in bring("sentiment", files).told


def test_sets_in_parts_are_heeded(bring):
    files = {name.format("train-0000", "-of-00003"): text for name, text in PARTS.items()}
    files |= {f"test-0000{i}-of-00002.csv": rows(BOOKS[i:20:2]) for i in range(2)}
    brought = bring("sentiment", files)
    assert "in the training set, 6 in the validation set, 20 in the test set" in brought.told
    assert brought.task.meta.parameters.train == "train-*-of-00003.csv"


def test_pieces_whose_numbers_begin_and_end_alike_are_all_read(bring):
    """Both of 1-of-12 and 11-of-12 begin with 1, and end with 1-of-12."""
    files = {f"train-{i}-of-12.csv": rows(FILMS[i // 11 :: 2]) for i in (1, 11)}
    files |= {"test.csv": rows(BOOKS[:20])}
    told = bring("sentiment", files).told
    assert "54 texts in the training set, 6 in the validation set, 20 in the test set" in told
    assert "2 files are parts of one table" in told
    assert "by their names there are 12" in told


@pytest.mark.parametrize("number", [1, 3])
def test_one_piece_of_several_is_told(bring, number):
    files = {f"train-00000-of-0000{number}.csv": rows(), "test.csv": rows(BOOKS[:20])}
    told = bring("sentiment", files).told
    missing = f"train-00000-of-0000{number}.csv is one part of a table; by their names there are 3"
    assert (missing in told) == (number == 3)


def test_a_folder_without_texts_tells_what_is_there(bring, tmp_path):
    files = {f"{label}/{i}.txt": text for i, (text, label) in enumerate(FILMS)}
    brought = bring("sentiment", files)
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked/a.md").write_text("good film")
    with pytest.raises(DataError, match=r"asked holds no text \(.txt or .text\), only a\.md; name"):
        brought.answer(tmp_path / "asked")


def test_texts_in_folders_are_named_with_their_folder(bring):
    files = {f"{label}/{i}.txt": text for i, (text, label) in enumerate(FILMS)}
    assert bring("sentiment", files | {"pos/99.txt": ""}).told == "pos/99.txt is empty"


REFUSED = {
    "two targets": (
        rows(),
        ["text", "label"],
        "--target: sentiment has one target, and you gave",
    ),
    "names of columns swapped": (
        rows(head="label,text"),
        [],
        "60 different labels; labels must be cl",
    ),
    "numbers for labels": (
        made(lambda i: f"{i / 61:.4f}"),
        [],
        "60 different labels; labels must be",
    ),
    "an empty text": (rows([*FILMS, ("", "pos")]), [], "f.csv, row 62 has no text; complete it"),
    "many rare classes": (
        rows([*FILMS, *((f"word {i} {j}", f"intent{i}") for i in range(30) for j in range(2))]),
        [],
        "30 faults\n  the class 'intent0' has 2 different texts, too few for 1 in the validation",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_wrong_is_refused_with_the_cause(refuse, kind):
    content, targets, message = REFUSED[kind]
    refuse("sentiment", content, message, targets=targets)


def test_an_empty_text_among_others_is_told_and_the_others_are_answered(bring, tmp_path):
    (tmp_path / "asked.csv").write_text('text\ngood film\n""\nbad film\n')
    answer, faults = bring("sentiment", {"f.csv": rows()}).answer(tmp_path / "asked.csv")
    assert answer["label"].isna().tolist() == [False, True, False]
    assert [what for alike in faults.found.values() for what in alike] == [
        "the input, row 3 has no text"
    ]

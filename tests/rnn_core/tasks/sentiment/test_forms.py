"""Labelled texts in the forms that people have: read by `new`, and again by `predict`."""

import gzip
import io

import pandas as pd
import pytest
import torch
from packed_files import zipped

from rnn_core.errors import DataError
from rnn_core.features.words import cut_words
from rnn_core.tasks.sentiment.files import usual_files
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData, SentimentMeta
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.training.models import build_model

ADJECTIVES = {
    "gut": ("warm, schön; klug", "wirklich schön", "warm"),
    "schlecht": ("öde | lang; kalt", "öde", "kalt, und nichts als das"),
}
ROWS = [
    (f'Der {i}. "Film" ist{chr(10) if i % 9 == 5 else " "}{word}, nicht wahr?', label)
    for i in range(30)
    for label, words in ADJECTIVES.items()
    for word in [words[i % 3]]
]
FRAME = pd.DataFrame(ROWS, columns=["Review", "Urteil"])
FLAT = FRAME.assign(Review=FRAME["Review"].str.replace("\n", " "))
BARE = FLAT.assign(Review=FLAT["Review"].str.replace('"', "").str.replace("|", "/"))


def csv(frame=FRAME, encoding="utf-8", **how):
    return frame.to_csv(index=False, lineterminator="\n", **how).encode(encoding)


def typed(how):
    buffer = io.BytesIO()
    getattr(FRAME, how)(buffer, index=False)
    return buffer.getvalue()


FORMS = {
    "commas": ("a.csv", csv()),
    "capitals": ("A.CSV", csv()),
    "semicolons": ("a.csv", csv(sep=";")),
    "semicolons, as Excel says": ("a.csv", b"sep=;\n" + csv(sep=";")),
    "bars": ("a.txt", csv(sep="|")),
    "tabs with quotes": ("a.tsv", csv(sep="\t")),
    "tabs without quotes or names": ("a.txt", csv(FLAT, sep="\t", header=False, quoting=3)),
    "tabs in a .TAB": ("a.TAB", csv(sep="\t")),
    "commas without names": ("a.csv", csv(header=False)),
    "a byte order mark": ("a.csv", csv(encoding="utf-8-sig")),
    "UTF-16": ("a.csv", csv(encoding="utf-16", sep="\t")),
    "Windows": ("a.csv", csv(encoding="cp1252", sep=";").replace(b"\n", b"\r\n")),
    "gzip": ("a.csv.gz", gzip.compress(csv(sep=";"))),
    "zip": ("a.zip", zipped({"in/a.csv": csv()})),
    "Excel": ("a.xlsx", typed("to_excel")),
    "parquet": ("a.parquet", typed("to_parquet")),
    "JSON lines": ("a.jsonl", FRAME.to_json(orient="records", lines=True).encode()),
    "a number a row": ("a.csv", FRAME.to_csv().encode()),
    "a comment above": ("a.csv", b"# exported on Monday\n" + csv()),
}
"""Each a name and a content."""


def study(folder, name, content, **wanted):
    """Study that `new` makes of a file: the data, and the facts that go with a model."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    suggested = Sentiment.suggest(folder, wanted)
    asked = SentimentData(**suggested["data"])
    data, meta = Sentiment.prepare(folder, asked)
    meta = SentimentMeta.from_json(meta.to_json())
    return data, meta, Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))


def words(texts):
    return [cut_words(text, lowercase=True) for text in texts]


@pytest.mark.parametrize("form", FORMS)
def test_new_reads_a_file_and_predict_the_same_file(tmp_path, form):
    name, content = FORMS[form]
    data, meta, task = study(tmp_path / "study", name, content)
    given, known, _ = study(tmp_path / "plain", "a.csv", csv())
    assert meta.classes == ["gut", "schlecht"]
    assert meta.vocabulary == known.vocabulary
    assert meta.items == known.items
    assert all(torch.equal(data[key], given[key]) for key in given)

    table = task.read_input(tmp_path / "study" / name)
    answer = task.answer(build_model(task, "gru").eval(), table, task.AnswerParameters())
    assert len(answer) == len(ROWS)
    assert words(table[task.column]) == words(FRAME["Review"])


@pytest.mark.parametrize("form", ["semicolons", "Windows", "tabs without quotes or names", "Excel"])
@pytest.mark.parametrize("number", [1, 2, 9])
def test_predict_reads_the_last_rows_of_a_file_alone(tmp_path, form, number):
    """So few tell neither separator nor names of columns: what `new` found does."""
    name, content = FORMS[form]
    _, _, task = study(tmp_path / "study", name, content)
    newest = tmp_path / name
    if form == "Excel":
        FRAME.tail(number).to_excel(newest, index=False)
    else:
        lines = content.splitlines(keepends=True)
        header = [] if "without" in form else lines[:1]
        newest.write_bytes(b"".join([*header, *lines[-number:]]))
    texts = task.read_input(newest)[task.column]
    assert words(texts) == words(FRAME["Review"].tail(number))


@pytest.mark.parametrize("form", ["commas", "JSON lines", "Excel", "capitals"])
def test_predict_reads_other_forms_than_the_trained_one(tmp_path, form):
    _, _, task = study(tmp_path / "study", "a.csv", csv(sep=";", encoding="cp1252"))
    name, content = FORMS[form]
    (tmp_path / name).write_bytes(content)
    assert words(task.read_input(tmp_path / name)["Review"]) == words(FRAME["Review"])


def test_predict_reads_texts_without_labels(tmp_path):
    _, _, task = study(tmp_path / "study", "a.csv", csv(sep=";"))
    texts = ["Ein Film, ein langer", "kurz; und schön"]
    file = tmp_path / "b.csv"
    for content, column in [
        ("Review\n{}", "Review"),
        ("text\n{}", "text"),
        ("id;Review\n1;{}", "Review"),
        ("{}", "text"),
    ]:
        rows = "\n1;".join(texts[:1]) if ";" in content else f'{texts[0]}\n"{texts[1]}"'
        file.write_text(content.format(rows) + "\n")
        read = task.read_input(file)[column].tolist()
        assert words(read) == words(texts[: len(read)])
        assert len(read) == (1 if ";" in content else 2)
    lines = ("\n".join(texts) + "\n\n").encode()
    for name, content in {
        "b.txt": lines,
        "B.TXT": lines,
        "b.TXT.gz": gzip.compress(lines),
        "t.zip": zipped({"B.Txt": lines}),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert task.read_input(tmp_path / name)["text"].tolist() == texts


def test_predict_reads_the_one_table_of_a_packed_file_as_training_does(tmp_path):
    content = zipped({"data.csv": csv(), "cover.png": b"\x89PNG"})
    _, _, task = study(tmp_path / "study", "a.zip", content)
    assert words(task.read_input(tmp_path / "study" / "a.zip")["Review"]) == words(FRAME["Review"])


def test_a_column_is_asked_for_that_is_not_there(tmp_path):
    _, _, task = study(tmp_path / "study", "a.csv", csv())
    (tmp_path / "b.csv").write_text("id,comment\n1,schön\n2,öde\n")
    with pytest.raises(DataError, match=r"b.csv has no column 'Review' or 'text', only \['id', 'c"):
        task.read_input(tmp_path / "b.csv")


def test_a_row_without_text_is_refused_alone_and_by_its_line(tmp_path):
    """Of a table the line of the file counts; a text that goes on over lines has that of its
    first."""
    from flows.commands.predict import Served, answer_each

    _, _, task = study(tmp_path / "study", "a.csv", csv(sep=";"))
    served = Served(task, build_model(task, "gru").eval())
    (tmp_path / "b.csv").write_text('id;Review\n1;"schön,\nwarm"\n2;\n3;öde\n4; \n')
    (tmp_path / "b.txt").write_text("schön\n\nöde\n \nlang\n")
    for name, rows, empty in [("b.csv", ["4", "6"], [1, 3]), ("b.txt", ["2", "4"], [1, 3])]:
        table = task.read_input(tmp_path / name)
        answer, faults = answer_each(served, table, task.AnswerParameters())
        assert answer["label"].isna().to_numpy().nonzero()[0].tolist() == empty
        with pytest.raises(DataError) as refused:
            faults.check()
        assert [f"the input, row {row} has no text" in str(refused.value) for row in rows]


LONG = "Overall, how satisfied are you with the service that you received at our branch today?"


@pytest.mark.parametrize("target", [LONG, "2", 2])
def test_columns_have_names_of_any_length_or_are_counted(tmp_path, target):
    frame = FRAME.set_axis(["Please tell us in your own words what you think of it", LONG], axis=1)
    _, meta, task = study(tmp_path / "study", "a.csv", csv(frame), label=target)
    assert (meta.found.text, meta.found.label) == tuple(frame.columns)
    table = task.read_input(tmp_path / "study" / "a.csv")
    assert words(table[frame.columns[0]]) == words(FRAME["Review"])


def test_a_column_named_by_a_number_goes_before_the_position(tmp_path):
    frame = FRAME.set_axis(["2", "1"], axis=1)
    _, meta, _ = study(tmp_path / "study", "a.csv", csv(frame), label="1")
    assert (meta.found.text, meta.found.label) == ("2", "1")


@pytest.mark.parametrize("given", [";", "semicolon"])
def test_separator_is_said_by_itself_or_by_name(tmp_path, given):
    _, meta, _ = study(tmp_path / "study", "a.csv", csv(sep=";"), separator=given)
    assert meta.found.form.separator == ";"


def test_a_row_of_names_can_be_denied_and_said(tmp_path):
    """Without: the names are a row, whose label no other has; refused. With: it is no row."""
    with pytest.raises(DataError, match="the class 'Urteil' has a single row"):
        study(tmp_path / "denied", "a.csv", csv(), header=False)
    frame = pd.DataFrame([("gut", "schlecht"), *ROWS])
    _, meta, _ = study(tmp_path / "said", "a.csv", csv(frame, header=False), header=True)
    assert meta.found.rows == len(ROWS)


@pytest.mark.parametrize("frame", ["text", "Review", "both"])
def test_tables_in_memory_have_texts_in_either_column(tmp_path, frame):
    """As a registered model is asked: what MLflow takes is what the task says."""
    _, _, task = study(tmp_path / "study", "a.csv", csv())
    assert task.input_columns() == {"text": False, "Review": False}
    columns = {"text": ["öde"], "Review": ["schön"]}
    given = pd.DataFrame(columns if frame == "both" else {frame: columns[frame]})
    network = build_model(task, "gru").eval()
    answer = task.answer(network, given, task.AnswerParameters())
    alone = "Review" if frame == "both" else frame
    expected = task.answer(network, given[[alone]], task.AnswerParameters())
    assert answer.equals(expected)


def test_pieces_of_two_tables_are_no_training_set(tmp_path):
    names = ["train-00000-of-00003.csv", "train-00001-of-00004.csv"]
    for name in names:
        (tmp_path / name).write_text("text,label\ngood one,1\nbad one,0\n")
    with pytest.raises(DataError, match=f"{names[0]} and {names[1]} are pieces of two tables"):
        usual_files(tmp_path)

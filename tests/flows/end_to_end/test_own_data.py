"""From the user's own files to a registered model and its answer.

That two commands are enough is shown by the README's.
"""

import csv
import io
import random
import shutil

import pandas as pd
import pytest
import yaml
from num2words import num2words

from flows.commands.new import as_name
from rnn_core.sources.agreement_text import AgreementText
from rnn_core.sources.synthetic_digits import SyntheticDigits

QUICK = ("--cells", "gru", "--sizes", "equal", "--seeds", "1")


def write_table(folder):
    rows = ["day,y", *(f"{d.date()},{(i * 37 % 11) + i / 9:.3f}" for i, d in enumerate(days()))]
    (folder / "sales.csv").write_text("\n".join(rows) + "\n")


def days():
    return pd.date_range("2024-01-01", periods=300)


def write_recordings(folder):
    """A folder for each word, as people keep them."""
    SyntheticDigits(num_voices=8, num_takes=1, noise=0.2, seed=1).fetch(folder)
    for file in sorted(folder.glob("*.wav")):
        word, _, rest = file.name.partition("_")
        if word in {"1", "2", "3"}:
            (folder / "words" / word).mkdir(parents=True, exist_ok=True)
            shutil.move(file, folder / "words" / word / rest)


def write_opinions(folder):
    draw = random.Random(3)
    lines = ["text\tlabel"]
    for number in range(120):
        label = number % 2
        word = draw.choice([["dull", "poor", "bad"], ["bright", "fine", "good"]][label])
        thing = draw.choice(["plot", "cast", "tune", "film"])
        lines.append(f"take {number} of the {thing} was {word}\t{['no', 'yes'][label]}")
    (folder / "opinions.tsv").write_text("\n".join(lines) + "\n")


def write_pairs(folder):
    for language in ("en", "de"):
        lines = [num2words(number, lang=language) for number in range(21, 321)]
        (folder / f"numbers.{language}").write_text("\n".join(lines) + "\n")


def german_words():
    return {num2words(number, lang="de") for number in range(1000)}


def answer_of(output):
    return list(csv.DictReader(io.StringIO(output)))


OF_PEOPLE = {
    "forecaster": ("forecasting", ["sales.csv"], "--target", "y", "--set", "horizon=5"),
    "writer": ("text_generation", ["raw/text.txt"]),
    "recogniser": ("speech_recognition", ["words"]),
    "judge": ("sentiment", ["opinions.tsv"], "--target", "label"),
    "translator": ("translation", ["numbers.en", "numbers.de"]),
}
"""Studies that `new` makes: the task, the data, and other arguments."""


@pytest.fixture(scope="module")
def shop(terminal_at, tmp_path_factory):
    """Studies that `new` makes of data for each task, joined to one and run for a few epochs."""
    terminal = terminal_at(tmp_path_factory.mktemp("shop"))
    terminal.run("git", "init", "--quiet")  # a study often lies in a repository of its person's own
    (terminal.folder / "raw").mkdir()
    AgreementText(6000, seed=1).fetch(terminal.folder / "raw")
    for write in (write_table, write_recordings, write_opinions, write_pairs):
        write(terminal.folder)
    datasets = {}
    for name, (task, files, *more) in OF_PEOPLE.items():
        data = [option for file in files for option in ("--data", file)]
        terminal.run("gatewise", "new", name, "--task", task, *data, *more, *QUICK)
        made = yaml.safe_load((terminal.folder / name / "params.yaml").read_text())
        ((dataset, section),) = made["datasets"].items()
        if task != "translation":  # which writes nothing at first
            section["training"]["epochs"] = min(section["training"]["epochs"], 5)
        datasets[dataset] = section | {"source": f"../{name}/{section['source']}"}
    study = shutil.copytree(terminal.folder / "writer", terminal.folder / "shop", symlinks=True)
    content = yaml.safe_dump(made | {"study": "shop", "champion": "seed", "datasets": datasets})
    (study / "params.yaml").write_text(content)
    terminal.run("gatewise", "run", "shop")
    return terminal


def test_table_becomes_a_forecast(shop):
    rows = answer_of(shop.run("gatewise", "predict", "shop.sales", "sales.csv"))
    following = pd.date_range(days()[-1], periods=6)[1:]
    assert [pd.Timestamp(row["day"]) for row in rows] == list(following)
    assert all(0 < float(row["y"]) < 100 for row in rows)


def test_text_becomes_a_writer(shop):
    asked = ("--prompt", "the dog", "--set", "num_tokens=40", "--set", "temperature=0.5")
    written = shop.run("gatewise", "generate", "shop.text", *asked)
    assert written.startswith("the dog")
    assert len(written) == len("the dog") + 40 + 1
    (shop.folder / "prompt.txt").write_text("the dog")
    options = ("--set", "num_tokens=40", "--set", "temperature=0.5")
    predicted = shop.run("gatewise", "predict", "shop.text", "prompt.txt", *options)
    assert written.rstrip("\n").endswith(predicted.rstrip("\n"))


def test_folder_of_recordings_becomes_a_recogniser(shop):
    some = sorted((shop.folder / "words/2").glob("*.wav"))[0]
    (row,) = answer_of(shop.run("gatewise", "predict", "shop.words", str(some)))
    assert row["word"] in {"1", "2", "3"}
    assert 1 / 3 <= float(row["probability"]) <= 1


def test_labelled_sentences_become_a_judge(shop):
    (shop.folder / "new.txt").write_text("the plot was dull\nthe film was bright\n")
    rows = answer_of(shop.run("gatewise", "predict", "shop.opinions", "new.txt"))
    assert len(rows) == 2
    assert all(row["label"] in {"no", "yes"} for row in rows)
    assert all(0.5 <= float(row["confidence"]) <= 1 for row in rows)


def test_aligned_files_become_a_translator(shop):
    (shop.folder / "number.txt").write_text("forty-two\n")
    output = shop.run("gatewise", "predict", "shop.numbers", "number.txt")
    assert output.count("\n") == 1
    assert output.strip(), "nothing was translated"
    assert set(output) <= set("".join(german_words()) + " \n"), "it writes what it was taught"


NOTHING_THERE = [
    (("--task", "forecasting", "--data", "none.csv"), "--data none.csv: there is no such file"),
    (("--task", "forcasting", "--data", "sales.csv"), "did you mean 'forecasting'"),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--target", "z"),
        "sales.csv has no column 'z'; columns of numbers: y",
    ),
    (
        ("--task", "text_generation", "--data", "sales.csv", "--target", "y"),
        "--target is an option of forecasting and sentiment",
    ),
    (
        ("--task", "text_generation", "--data", "sales.csv", "--series", "y"),
        "--series is an option of forecasting, not of text_generation",
    ),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--target", "y", "--series", "shop"),
        "sales.csv: unknown column 'shop'; known: ",
    ),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--target", "y", "--cells", "grru"),
        "unknown cell 'grru'; did you mean 'gru'",
    ),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--target", "y", "--set", "horizon"),
        "--set horizon: write it as name=value",
    ),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--target", "y", "--set", "horizn=3"),
        "unknown key 'horizn'; did you mean 'horizon'",
    ),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--target", "y", "--sizes", "1,big"),
        "--sizes: '1,big' must be numbers above 0, or equal, separated by commas",
    ),
    (
        ("--task", "forecasting", "--data", "sales.csv", "--data", "sales.csv", "--target", "y"),
        "two files have the same name",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), NOTHING_THERE)
def test_new_says_in_one_line_what_cannot_be_and_leaves_nothing(
    tmp_path, arguments, message, monkeypatch, capsys
):
    from flows.commands import main as cli

    write_table(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["gatewise", "new", "shop", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_new_does_not_touch_a_folder_that_holds_something(terminal):
    write_table(terminal.folder)
    (terminal.folder / "shop").mkdir()
    (terminal.folder / "shop/mine.txt").write_text("mine")
    output = terminal.run(
        "gatewise", "new", "shop", "--task", "forecasting", "--data", "sales.csv", code=1
    )
    assert "shop exists and is not an empty folder" in output
    assert (terminal.folder / "shop/mine.txt").read_text() == "mine"


def test_new_tells_what_is_wrong_with_the_data_before_anything_is_made(terminal):
    write_table(terminal.folder)
    file = terminal.folder / "sales.csv"
    file.write_text(file.read_text().replace("2024-03-01,", "2024-03-01,n/b"))
    data = ("--task", "forecasting", "--data", "sales.csv", "--target", "y")
    output = terminal.run("gatewise", "new", "shop", *data, code=1)
    assert "sales.csv, row 62, column 'y'" in output
    assert [path.name for path in terminal.folder.iterdir()] == ["sales.csv"]


def test_study_that_new_makes_says_what_it_is(terminal):
    write_table(terminal.folder)
    data = ("--task", "forecasting", "--data", "sales.csv", "--target", "y")
    terminal.run("gatewise", "new", "My Shop", *data, "--seeds", "2", "--most-seeds", "6")
    content = yaml.safe_load((terminal.folder / "My Shop/params.yaml").read_text())
    assert content["study"] == "my_shop"
    assert content["seeds"] == {"first": 2, "most": 6}
    assert content["sizes"] == [0.25, 1.0]
    assert content["tuning"] is None
    assert content["datasets"]["sales"]["margin"] == 0.01
    assert content["datasets"]["sales"]["data"]["targets"] == ["y"]
    assert (terminal.folder / "My Shop/source/sales.csv").exists()
    assert (terminal.folder / "My Shop/dvc.yaml").exists()


def test_model_that_is_not_there_is_named_with_those_that_are(terminal):
    (terminal.folder / "a.txt").write_text("a")
    output = terminal.run("gatewise", "predict", "no_such.model", "a.txt", code=1)
    assert "error: there is no model 'no_such.model'; " in output


@pytest.mark.parametrize(
    ("text", "name"),
    [("Sales 2024", "sales_2024"), ("2024", "data_2024"), ("Ä", "data"), ("a--b", "a_b")],
)
def test_names_of_files_become_names_of_datasets(text, name):
    assert as_name(text, "data") == name

"""The check of plain words finds constructions in every kind of text, and lets usual ones pass."""

import subprocess
import sys
from pathlib import Path

import pytest
from plain_words.check import findings, read_rules

REPOSITORY = Path(__file__).parents[2]
RULES = read_rules()

ODD = {
    "What the reader hands on.": "begin with a verb",
    "Whether a key is in the table.": "begin with a verb",
    "How many bytes a block has.": "begin with a verb",
    "Waits until so many workers are free.": "name the number",
    "A folder of ours holds the cache.": "our ...",
    "Printed for who starts the server.": "the user",
    "Loss of a guess. Who knows nothing scores 2.": "a model that",
    "Asks a person for a password.": "the user",
    "Reads a list of one's own.": "your own",
    "A cache of which the size is bounded.": "whose",
    "The licence stands beside the file.": "is next to",
    "The digest is of the whole folder.": "belongs to",
    "Shuffles the held-out side.": "'set' or 'split'",
    "Divides by the pooled spread.": "standard deviation",
    "A log that tells of restarts.": "report",
    "The owner is told by mail.": "is reported",
    "Lists what of the index is damaged.": "which part of",
    "Copies the manifest and what else lies there.": "the rest",
    "1 files were removed.": "singular",
    "Deletes all but for the newest.": "except",
    "Builds the index anew.": "again",
    "Columns likewise.": "also",
    "Takes the default that a subclass has not.": "does not have",
    "The process ended without a word.": "no output",
    "It stops for want of memory.": "lack of",
    "Names that come again are merged.": "repeated",
    "It takes a second in the mean.": "on average",
    "The lock is no more.": "no longer exists",
    "Mends a broken link.": "fix",
    "Each subclass owes a name.": "must provide",
    "There is none such.": "none",
    "Entries ought to be sorted.": "the usual word",
}
"""Sentences, each with a part of the advice on it."""

PLAIN = [
    "What is a gate? The part that weighs.",
    "So many rows that memory runs out.",
    "Three shards, each of which has a digest, and 12 of which are full.",
    "This stands for the hidden size, and is of course an integer.",
    "Both sides of the equation, and layers side by side.",
    "The error is spread over the steps.",
    "Nobody can tell them apart.",
    "T - 1 steps, 11 files and 0.1 seconds.",
    "It has not been read, and the mean of all is kept.",
    "Whoever calls `anew` gets `of ours`.",
]


def found_in(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    return list(findings(tmp_path, [name], RULES))


@pytest.mark.parametrize(("sentence", "advice"), ODD.items())
def test_odd_construction_is_found_once_with_plain_words(tmp_path, sentence, advice):
    (one,) = found_in(tmp_path, "code.py", f'"""{sentence}"""\n')
    assert advice in one.instead
    assert one.words in sentence


def test_every_rule_has_an_example(tmp_path):
    content = "".join(f'def f{i}():\n    """{text}"""\n' for i, text in enumerate(ODD))
    found = found_in(tmp_path, "code.py", content)
    assert {one.instead for one in found} == {rule.instead for rule in RULES.rules}


@pytest.mark.parametrize("sentence", PLAIN)
def test_usual_sentence_passes(tmp_path, sentence):
    assert found_in(tmp_path, "code.py", f'"""{sentence}"""\n') == []


FILES = {
    "code.py": 'x = 1\n\n\ndef f():\n    """Start.\n\n    A value that is\n    of f.\n    """\n',
    "comment.py": "x = 1\n\n\n\n\n# First line.\n# A value that is\n# of f.\n",
    "message.py": 'x = 1\n\n\n\n\n\nraise ValueError(\n    f"{x} is of f"\n)\n',
    "page.md": "# Title\n\n```\nit is of code\n```\n\nA value that is\nof f, not `is of code`.\n",
    "page.html.jinja": "<p>\n\n\n\n\n\nA value that is\nof <b>f</b>{{ what is of x }}</p>\n",
    "stages.yaml": "a: 1\n\n\n\n\n\nb: 2  # a value that is\n# of f\n",
    "kernel.c": "int x;\n\n\n\n\n\n/* A value that is\n * of f. */\n",
    "Makefile": "all:\n\n\n\n\n\n# A value that is\n# of f\n",
}


@pytest.mark.parametrize("name", FILES)
def test_words_are_found_by_file_and_line_across_line_breaks(tmp_path, name):
    (one,) = found_in(tmp_path, name, FILES[name])
    line = 8 if name == "message.py" else 7
    assert str(one).startswith(f'{name}:{line}: "is of"; instead: ')


def test_literals_of_tests_are_data_and_their_docstrings_are_not(tmp_path):
    (tmp_path / "tests").mkdir()
    content = '"""A folder of ours."""\n\nfound = "a folder of ours"\n'
    assert [one.line for one in found_in(tmp_path, "tests/test_one.py", content)] == [1]
    assert [one.line for one in found_in(tmp_path, "one.py", content)] == [1, 3]


def test_command_fails_with_the_place_and_passes_without(tmp_path):
    """As `make check` runs it, in a copy of the code of the check with a file of its own."""
    copy = tmp_path / "maintenance/plain_words"
    copy.mkdir(parents=True)
    for file in (REPOSITORY / "maintenance/plain_words").iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    rules = copy / "rules.toml"
    kept = [line for line in rules.read_text().splitlines() if not line.startswith("later")]
    rules.write_text("\n".join(['later = ["old"]', *kept]))
    (tmp_path / "old").mkdir()
    (tmp_path / "old/notes.md").write_text("A folder of ours.\n")
    (tmp_path / "new.md").write_text("Written anew.\n")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    assert check(tmp_path) == (1, "new.md:1: \"anew\"; instead: 'again', 'from scratch'\n")
    (tmp_path / "new.md").write_text("Written again.\n")
    assert check(tmp_path) == (0, "")
    (tmp_path / "old/notes.md").write_text("Our folder.\n")
    code, printed = check(tmp_path)
    assert code == 1
    assert '"old" keeps the rules now' in printed


def check(root):
    done = subprocess.run(
        [sys.executable, "-m", "plain_words"],
        cwd=root / "maintenance",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout

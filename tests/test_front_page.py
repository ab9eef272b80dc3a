"""The README and the page to start with are short, in short sentences, and lead somewhere."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = ("README.md", "docs/index.md")
MOST_LINES = 110
MOST_WORDS = 30


def sentences_of(text):
    """The sentences of a page; a cell of a table is one by itself."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    prose = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", prose)
    prose = re.sub(r"^(#|\d+\. |- |\|)", r"\n\n\1", prose, flags=re.M)
    parts = re.split(r"\n\s*\n|\||(?<=[.!?])[*_)]*\s", prose)
    return [" ".join(part.split()) for part in parts if part.strip()]


def test_sentences_are_told_apart():
    text = "One is\nhere. Another. [A b c](d.md) is:\n\n- a point\n- more\n\n| x y | z. w |\n"
    told = ["One is here.", "Another.", "A b c is:", "- a point", "- more", "x y", "z.", "w"]
    assert sentences_of(text) == told


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_is_long(page):
    found = sentences_of((REPOSITORY / page).read_text())
    assert len(found) > 20
    assert [one for one in found if len(one.split()) > MOST_WORDS] == []


def test_readme_is_short():
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= MOST_LINES


def test_links_of_the_readme_lead_somewhere():
    """MkDocs looks at those of the other pages when it builds the site."""
    links = re.findall(r"\]\(([^)#]+)", (REPOSITORY / "README.md").read_text())
    places = [link for link in links if not link.startswith("https://")]
    assert len(places) > 10
    assert [place for place in places if not (REPOSITORY / place).exists()] == []


def test_list_of_the_guides_has_each_guide():
    guides = REPOSITORY / "docs/guides"
    listed = re.findall(
        r"^\| \[[^\]]+\]\((\w+\.md)\)", (guides / "index.md").read_text(), re.MULTILINE
    )
    assert sorted([*listed, "index.md"]) == sorted(file.name for file in guides.iterdir())


def shape_of(line):
    """A line of what a run prints, without numbers, and names of cells, metrics and models."""
    line = re.sub(r"\b(?:above|below) (?=[\d.]+ %)", "", line.strip())
    line = re.sub(r"^[a-z]\w* {2,}", "# ", line)
    line = re.sub(r"(?<=gatewise predict )\w+\.\w+", "#", line)
    return re.sub(r"\S*\d[\d.,]*", "#", line)


def results_of(page):
    block = re.search(r"^```text\n(.*?)^```$", (REPOSITORY / page).read_text(), re.M | re.S)[1]
    lines = block.partition("\n\n")[0].splitlines()
    return [shape_of(line) for line in lines if "simple baseline" not in line]


def test_readme_shows_a_result_in_the_form_that_getting_started_has():
    """That of the latter is tested against what a run prints."""
    readme, first = (results_of(page) for page in PAGES)
    assert len(readme) >= 3
    assert set(readme) <= set(first)

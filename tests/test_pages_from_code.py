"""Pages that are written from code are those of the code, and every page can be read as a file."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest
from generated_pages import PAGES
from generated_pages.parameters import REFUSED, SECTIONS, table
from markdown.extensions.toc import slugify

from rnn_core.study import Section
from rnn_core.tasks import REGISTRY, get_task

REPOSITORY = Path(__file__).parents[1]
READ = sorted({*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")})
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")
PARTS = {"data": "DataParameters", "model": "ModelParameters", "answers": "AnswerParameters"}


@pytest.mark.parametrize("name", PAGES)
def test_page_is_that_of_the_code(name):
    """`make pages` writes it again."""
    assert (REPOSITORY / "docs" / name).read_text() == PAGES[name]()


def rows_below(heading):
    """The rows of the table below a heading of the page of keys, by key."""
    page = (REPOSITORY / "docs/parameters.md").read_text()
    text = page.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    rows = [re.split(r" (?<!\\)\| ", line[2:-2]) for line in text.splitlines() if "|" in line]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def wanted(kind):
    return {field.name for field in fields(kind)} - REFUSED


@pytest.mark.parametrize("task", REGISTRY)
@pytest.mark.parametrize("part", PARTS)
def test_page_has_every_key_of_a_task_with_those_it_inherits(task, part):
    rows = rows_below(f"### {task}: {part}")
    assert rows.keys() == wanted(getattr(get_task(task), PARTS[part]))
    assert all(len(row) == 3 and all(row) for row in rows.values())


@pytest.mark.parametrize("title", SECTIONS)
def test_page_has_every_key_of_a_study(title):
    assert rows_below(f"## {title}").keys() == wanted(SECTIONS[title])


def test_inherited_keys_have_their_type_default_and_meaning():
    rate = rows_below("### speech_transcription: data")["rate_hz"]
    assert rate[:2] == ["whole number or null", "`null`"]
    assert rate[2].startswith("Samples a second")
    assert rows_below("### forecasting: model")["hidden_size"] == [
        "whole number",
        "`64`",
        "Features of the recurrent state.",
    ]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_key_that_is_not_on_the_page_cannot_be_set(name):
    with pytest.raises(ValueError, match=f"instead of {name}"):
        Section(source="a", task="b", data={}, model={name: 2}, training={})


@dataclass
class Base:
    """A class to inherit from.

    Attributes:
        share: A share, or
            none | of it.
        pair: Two, as `rnn_core.references` says.
    """

    share: float | None = None
    pair: tuple[int, bool] = (1, True)


@dataclass(kw_only=True)
class Derived(Base):
    """The description in a class goes before an inherited one.

    Attributes:
        pair: Its own words.
        kinds: One or more.
        values: By name.
    """

    kinds: tuple[Literal["a", "b"] | int, ...]
    values: dict[str, str]


def test_table_has_types_and_defaults_as_a_file_has_them():
    base, derived = table(Base).splitlines(), table(Derived).splitlines()
    share = r"| `share` | number or null | `null` | A share, or none \| of it. |"
    link = "[Is a recurrence needed?](guides/recurrence.md)"
    pair = "| `pair` | [whole number, true or false] | `[1, true]` |"
    assert base[2:] == [share, f"{pair} Two, as {link} says. |"]
    assert derived[2:] == [
        share,
        f"{pair} Its own words. |",
        "| `kinds` | list of `a`, `b` or whole numbers | required | One or more. |",
        "| `values` | text, by name | required | By name. |",
    ]


def headings(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {slugify(re.sub(r"[`*]", "", title), "-") for title in titles}


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_links_lead_somewhere_outside_the_site(page):
    """The names that mkdocstrings writes on the page of the API are on the site only."""
    text = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page.read_text(), flags=re.M | re.S)
    for path, anchor in LINK.findall(text):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor and not anchor.startswith("rnn_core."):
            assert anchor in headings(target), (path, anchor)

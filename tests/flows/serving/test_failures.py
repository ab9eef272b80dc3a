"""A reason keeps names that the model knows, and loses the content of the request."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.serving.bodies import MOST_SAMPLES
from flows.serving.failures import MOST_CHARACTERS, without_input
from flows.serving.openapi import REASONS
from flows.serving.version import Limits

GUIDE = (Path(__file__).parents[3] / "docs/guides/serving.md").read_text()

KNOWN = {"y", "date", "sales of north"}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("column 'sales of north' is missing", "column 'sales of north' is missing"),
        (
            "there is no column 'y', only ['a secret']",
            "there is no column 'y', only ['…']",
        ),
        (
            "row 1, column 'y': \"it's a secret\" is no number",
            "row 1, column 'y': '…' is no number",
        ),
        ("character 3 of the prompt is 'Ω'", "character 3 of the prompt is 'Ω'"),
        (r"'a \' secret' is wrong", "'…' is wrong"),
    ],
)
def test_what_is_quoted_is_told_if_the_model_knows_it_or_it_is_a_letter(reason, told):
    assert without_input(reason, KNOWN) == told


def test_what_stands_in_a_reason_without_quotes_is_left_out_too():
    given_texts = {"the secret series", "the", "sales of north"}
    reason = "the secret series of the table has no rows; sales of north has"
    assert without_input(reason, KNOWN, given_texts) == (
        "… of the table has no rows; sales of north has"
    )


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.text(min_size=3, max_size=2000))
def test_no_text_survives_that_python_quotes(text):
    reason = f"row 1: {text!r} is wrong"
    told = without_input(reason, KNOWN)
    assert len(told) <= MOST_CHARACTERS
    assert told == "row 1: '…' is wrong" or text in KNOWN


def test_guide_tells_the_limits_and_every_status():
    limits = Limits()
    for told in (
        f"{limits.body >> 20} MiB",
        f"{limits.rows:,} rows",
        f"{limits.text:,} characters",
        f"{MOST_SAMPLES // 10**6} million samples",
        f"{limits.waiting} requests wait",
        f"within {limits.seconds:.0f} seconds",
        "writes four texts",
    ):
        assert told in GUIDE
    assert limits.streams == 4
    others = set(REASONS) - {"401", "403", "404"}
    assert all(status in GUIDE for status in others)

"""Broken files: an answer, or one clear refusal; never another exception.

A thousand of them here; `make fuzz-files` tries 20,000.
"""

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutated_files.corpus import LAYOUTS
from mutated_files.mutations import mutated
from mutated_files.trial import Accepted, accept, answer, check_refusal, register, write

from rnn_core.errors import GatewiseError

ALL = int(os.environ.get("GATEWISE_FUZZ_FILES", "1000"))
EACH = settings(
    max_examples=-(-ALL // (2 * len(LAYOUTS))),
    deadline=None,
    derandomize="GATEWISE_FUZZ_FILES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)


@cache
def learned(name: str) -> Accepted:
    """A model of the files as they should be."""
    with TemporaryDirectory() as folder:
        write(LAYOUTS[name].files, Path(folder))
        return accept(LAYOUTS[name], Path(folder))


@pytest.mark.parametrize("name", LAYOUTS)
def test_files_as_they_should_be_are_accepted_and_answered(name, tmp_path):
    write(LAYOUTS[name].files, tmp_path)
    accepted = accept(LAYOUTS[name], tmp_path)
    register(accepted, tmp_path)
    answer(accepted, tmp_path / LAYOUTS[name].given)


@pytest.mark.parametrize("name", LAYOUTS)
def test_broken_files_are_understood_or_refused(name):
    layout = LAYOUTS[name]

    @EACH
    @given(mutated(layout.files))
    def check(files):
        with TemporaryDirectory() as folder:
            raw = Path(folder)
            write(files, raw)
            try:
                accepted = accept(layout, raw)
            except GatewiseError as error:
                check_refusal(error, raw)
            else:
                register(accepted, raw)

    check()


@pytest.mark.parametrize("name", LAYOUTS)
def test_broken_files_are_answered_or_refused(name):
    layout = LAYOUTS[name]
    kept = layout.given if layout.given in layout.files else None

    @EACH
    @given(mutated(layout.files if kept is None else {kept: layout.files[kept]}), st.data())
    def check(files, data):
        with TemporaryDirectory() as folder:
            raw = Path(folder)
            write(files, raw)
            asked = [raw / file for file in sorted(files)] + ([raw] if kept is None else [])
            try:
                answer(learned(name), data.draw(st.sampled_from(asked)))
            except GatewiseError as error:
                check_refusal(error, raw / "nowhere")

    check()

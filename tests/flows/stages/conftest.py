"""The keys of the sample study's code, and a copy of the code to be edited."""

import shutil

import pytest
from fingerprints import REPOSITORY, keys_of_sample

from rnn_core import definitions, reach


@pytest.fixture(scope="session")
def before():
    """The keys of the sample study."""
    return keys_of_sample()


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of our packages, whose fingerprints are taken."""
    for package in definitions.PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(definitions, "ROOT", tmp_path)
    reach.forget()
    yield tmp_path
    reach.forget()


@pytest.fixture
def changed(before, copied):
    """The keys that change, after edits of the copy."""

    def keys():
        reach.forget()
        after = keys_of_sample()
        assert after.keys() == before.keys()
        return {key for key in before if after[key] != before[key]}

    return keys

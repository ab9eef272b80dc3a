"""data/README.md says of each dataset what its source holds to."""

import os
from importlib import import_module
from pathlib import Path

import pytest

from rnn_core.files import digest_of
from rnn_core.sources import REGISTRY
from rnn_core.sources.archive import RemoteArchive
from rnn_core.sources.download import MIRROR_VARIABLE, RemoteFiles
from rnn_core.sources.multi30k import PackedFiles

README = (Path(__file__).parents[1] / "data/README.md").read_text()


@pytest.mark.parametrize("name", REGISTRY)
def test_readme_has_the_checksum_of_each_source(name, tmp_path):
    source = import_module(f"rnn_core.sources.{name}").SOURCE
    if isinstance(source, RemoteArchive):
        stated = [source.digest]
    elif isinstance(source, PackedFiles):
        if MIRROR_VARIABLE not in os.environ:
            pytest.skip(f"unpacking takes the files themselves; set {MIRROR_VARIABLE}")
        source.fetch(tmp_path)
        stated = [digest_of(tmp_path)]
    elif isinstance(source, RemoteFiles):
        stated = [text for file in source.files for text in (file.sha256, f"{file.size:,}")]
    else:
        source.fetch(tmp_path)
        size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
        stated = [digest_of(tmp_path), f"{size:,}"]
    assert [text for text in stated if text not in README] == []

"""Multi30k: 31,014 English descriptions of pictures and their German translations.

From Elliott et al., "Multi30K: Multilingual English-German Image Descriptions",
arXiv:1605.00459v1, task 1 with its test set of 2016.
"""

import gzip
from pathlib import Path

from rnn_core.files import write_bytes
from rnn_core.sources.base import Source
from rnn_core.sources.download import RemoteFile, RemoteFiles

FOLDER = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
)


def packed(name: str, size: int, sha256: str) -> RemoteFile:
    """A file of the dataset as it lies there, compressed."""
    return RemoteFile(url=f"{FOLDER}/{name}.gz", name=f"{name}.gz", size=size, sha256=sha256)


class PackedFiles(Source):
    """Files that are compressed where they come from, and not in the folder.

    Args:
        files: The compressed files, named `<name>.gz`.
    """

    def __init__(self, *files: RemoteFile) -> None:
        self.packed = RemoteFiles(files)

    def fetch(self, folder: Path) -> None:
        self.packed.fetch(folder)
        for file in self.packed.files:
            archive = folder / file.name
            write_bytes(archive.with_suffix(""), gzip.decompress(archive.read_bytes()))
            archive.unlink()


SOURCE = PackedFiles(
    packed("train.en", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    packed("train.de", 637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
    packed("val.en", 21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    packed("val.de", 24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    packed(
        "test_2016_flickr.en",
        21_077,
        "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    ),
    packed(
        "test_2016_flickr.de",
        22_890,
        "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    ),
)

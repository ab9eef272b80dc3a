"""Free Spoken Digit Dataset: 3,000 recordings of six speakers, 8 kHz, 16 bit.

By Zohar Jackson and others, doi:10.5281/zenodo.1342401; licence CC BY-SA 4.0. A file is
called `<digit>_<speaker>_<take>.wav`, with 50 takes of each digit by each speaker.
"""

from rnn_core.sources.archive import RemoteArchive

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES = 50

SOURCE = RemoteArchive(
    url=f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.tar.gz",
    folder=f"free-spoken-digit-dataset-{COMMIT}/recordings",
    names=frozenset(
        f"{digit}_{speaker}_{take}.wav"
        for digit in range(10)
        for speaker in SPEAKERS
        for take in range(TAKES)
    ),
    digest="1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959",
    largest_file=1_000_000,
)

"""ETTh1: two years of hourly load and oil temperature of a power transformer.

From Zhou et al., "Informer", arXiv:2012.07436v3; licence CC BY-ND 4.0.
"""

from rnn_core.sources.download import RemoteFile, RemoteFiles

SOURCE = RemoteFiles(
    (
        RemoteFile(
            url="https://raw.githubusercontent.com/zhouhaoyi/ETDataset/"
            "1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/ETTh1.csv",
            name="ETTh1.csv",
            size=2_589_657,
            sha256="f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
        ),
    )
)

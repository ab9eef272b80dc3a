"""SST-2: 9,613 sentences of film reviews, each positive (1) or negative (0).

From Socher et al., "Recursive deep models for semantic compositionality over a sentiment
treebank", EMNLP 2013; the reviews are by Pang and Lee (2005). Whole sentences with their
published splits, 6,920, 872 and 1,821 rows, lower case, cut into words by spaces: a text, a
tab and a label. The files state no licence.
"""

from rnn_core.sources.download import RemoteFile, RemoteFiles

FOLDER = (
    "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/"
    "457ffd83de90a9d6d472d8ffc31bbffe40a8b236/data/SST2"
)

SOURCE = RemoteFiles(
    (
        RemoteFile(
            url=f"{FOLDER}/train.tsv",
            name="train.tsv",
            size=720_259,
            sha256="ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
        ),
        RemoteFile(
            url=f"{FOLDER}/dev.tsv",
            name="dev.tsv",
            size=92_057,
            sha256="eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
        ),
        RemoteFile(
            url=f"{FOLDER}/test.tsv",
            name="test.tsv",
            size=188_749,
            sha256="831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
        ),
    )
)

"""Tiny Shakespeare: 1,115,394 characters of Shakespeare's plays in one text file.

Collected by Andrej Karpathy for char-rnn; the plays are in the public domain, the
repository states the MIT licence for its code and none for this file.
"""

from rnn_core.sources.download import RemoteFile, RemoteFiles

SOURCE = RemoteFiles(
    (
        RemoteFile(
            url="https://raw.githubusercontent.com/karpathy/char-rnn/"
            "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
            name="input.txt",
            size=1_115_394,
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        ),
    )
)

"""Files that hold another text than they show, by their first bytes."""

import re

from rnn_core.readers.formats.encodings import encoding_by_mark

POINTER = "a pointer of git-lfs"
HTML = "a page of HTML"
XML = "XML"
TAGGED = "text between tags"
MARKUP = frozenset({HTML, XML, TAGGED})
DOCUMENTS = frozenset({"a PDF", "a file of RTF", "a file of PostScript"})

ELEMENTS = (
    *("doc", "tmx", "xliff", "mediawiki"),
    *("srcset", "refset", "tstset", "dataset", "mteval"),
)
"""Outermost elements of collections of texts, also of the evaluations of WMT and IWSLT."""

STARTS = {
    r"%pdf-\d": "a PDF",
    r"\{\\rtf\d": "a file of RTF",
    r"%!ps\b": "a file of PostScript",
    r"version https://git-lfs": POINTER,
    r"<((!doctype\s+)?html|table)\b": HTML,
    r"<(\?xml|!doctype|svg)\b": XML,
    rf"<!--|<({'|'.join(ELEMENTS)})\b|<url>\s*http": TAGGED,
}
"""First bytes after a byte order mark and blanks, in small letters, and what begins so.

Texts of social media have <url> in place of an address, collections of talks the address after it.
"""

LOOKED_AT = 4096
"""Characters at the start of a file that tell."""


def kind_of(start: bytes | str) -> str | None:
    """Name a kind of file that is no plain text, as messages do; None if it may be plain text."""
    if isinstance(start, bytes):
        start = start.decode(encoding_by_mark(start) or "latin-1", "ignore")
    seen = start[:LOOKED_AT].lstrip("\ufeff \t\r\n\f\v").lower()
    return next((kind for begins, kind in STARTS.items() if re.match(begins, seen)), None)

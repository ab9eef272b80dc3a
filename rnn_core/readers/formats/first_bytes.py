"""Files that hold another text than they show, by their first bytes."""

import re

from rnn_core.readers.formats.encodings import encoding_by_mark

POINTER = "a pointer of git-lfs"
HTML = "a page of HTML"
XML = "XML"
TAGGED = "text between tags"
MARKUP = frozenset({HTML, XML, TAGGED})
SUBTITLES = "a file of subtitles"
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
    r"webvtt\b|(\d+\s+)?\d+:\d\d:\d\d[,.]\d+\s*-->": SUBTITLES,
    rf"<!--|<({'|'.join(ELEMENTS)})\b|<url>\s*http": TAGGED,
}
"""First bytes after a byte order mark and blanks, in small letters, and what begins so.

Texts of social media have <url> in place of an address, collections of talks the address after it.
"""

STATA = range(108, 116)
"""First bytes of files of Stata 6 to 12, which say the format."""

BINARIES = {
    b"\xd0\xcf\x11\xe0": "a spreadsheet of Excel before 2007",
    b"SQLite format 3": "a database of SQLite",
    b"\x89HDF": "HDF5",
    b"ARROW1": "a file of Feather or Arrow",
    b"ORC": "a file of ORC",
    b"Obj\x01": "a file of Avro",
    b"CDF": "NetCDF",
    b"$FL": "a file of SPSS",
    b"<stata_dta>": "a file of Stata",
    **{bytes([version, order, 1, 0]): "a file of Stata" for version in STATA for order in (1, 2)},
    **dict.fromkeys((b"RDX2\n", b"RDX3\n", b"X\n\x00\x00"), "a file of R"),
    b"MATLAB ": "a file of MATLAB",
    b"\x93NUMPY": "an array of NumPy",
    **{bytes([0x80, protocol]): "a pickle of Python" for protocol in range(2, 6)},
}
"""First bytes of binary files, and what begins so."""

NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
"""A byte that binary files have at their start, and texts do not, which may begin with CDF."""

LOOKED_AT = 4096
"""Characters at the start of a file that tell."""


def kind_of(start: bytes | str) -> str | None:
    """Name a kind of file that is no plain text, as messages do; None if it may be plain text."""
    if isinstance(start, bytes):
        kinds = BINARIES.items() if NO_TEXT.search(start) else ()
        if found := next((kind for begins, kind in kinds if start.startswith(begins)), None):
            return found
        start = start.decode(encoding_by_mark(start) or "latin-1", "ignore")
    seen = start[:LOOKED_AT].lstrip("\ufeff \t\r\n\f\v").lower()
    return next((kind for begins, kind in STARTS.items() if re.match(begins, seen)), None)

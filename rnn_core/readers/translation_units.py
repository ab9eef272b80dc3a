"""Files of programs for translators: TMX, XLIFF, and catalogues of gettext (PO).

Each is read as a table with a column for each language. Codes inside of a text, such as those of
bold letters, are no part of it.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree as ET
from xml.parsers import expat

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.encodings import (
    Opener,
    check_encoding,
    encoding_by_mark,
    utf_16_by_zeros,
)
from rnn_core.readers.formats.packed import name_inside, unpacked, without_packing
from rnn_core.readers.pair_tables import PairTable
from rnn_core.readers.plain_text import read_file_lines

XML_ENDINGS = (".tmx", "xlf", "xliff")
"""Ends of names; programs put letters of their own before the later ones, as in .sdlxliff."""

PO_ENDINGS = (".po", ".pot")

LANGUAGE = ("{http://www.w3.org/XML/1998/namespace}lang", "lang")
"""Attributes that tell the language of a text, the newer one first."""

CODES = frozenset(("bpt", "ept", "ph", "it", "ut", "x", "bx", "ex", "sc", "ec", "sub"))
"""Elements inside of a text that hold no part of it."""


DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)""")
"""The start of XML up to the encoding that it declares."""


def is_xml(name: str) -> bool:
    """Return whether a file is called as TMX and XLIFF are."""
    return without_packing(name).lower().endswith(XML_ENDINGS)


def is_units(name: str) -> bool:
    """Return whether a file is called as those of translators are."""
    return without_packing(name).lower().endswith((*XML_ENDINGS, *PO_ENDINGS))


def read_units(file: Path, encoding: str) -> PairTable:
    """Read a file of a program for translators.

    Args:
        file: The file, packed or not.
        encoding: Of a catalogue; XML tells its own.

    Raises:
        DataError: If it cannot be read.
    """
    if not is_xml(name_inside(file)):
        return read_catalogue(file, encoding)
    opened, _ = unpacked(file, Faults())
    root = root_of(opened, file.name)
    if root not in {"tmx", "xliff"}:
        raise DataError(
            f"{file.name} is no TMX or XLIFF: its outermost element is <{root}>; export it again"
        )
    return read_tmx(opened, file.name) if root == "tmx" else read_xliff(opened, file.name)


def root_of(opened: Opener, name: str) -> str:
    """The outermost element of XML; all that comes before it is checked.

    Raises:
        DataError: If it is no XML, or declares entities, whose texts may grow without bound.
    """
    found: list[str] = []

    def refuse(entity: str, *_: object) -> None:
        raise DataError(
            f"{name} declares the entity {entity!r} in its DOCTYPE, which is not read; remove the "
            "DOCTYPE, and write out its entities"
        )

    parser = expat.ParserCreate(namespace_separator="}")
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda tag, _: found.append(tag.rpartition("}")[2])
    with xml_text(opened, name) as text:
        try:
            while not found:
                piece = text.read(4096)
                parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            raise no_xml(name, error.lineno, error) from None
    return found[0]


@contextmanager
def xml_text(opened: Opener, name: str) -> Iterator[TextIO]:
    """Open XML as text: the parser itself knows few encodings, and none of Chinese or Japanese.

    Raises:
        DataError: If its encoding is not known, or it is not in it.
    """
    with opened() as stream:
        encoding = xml_encoding(stream.read(512))
    try:
        check_encoding(encoding)
    except ValueError:
        raise DataError(
            f"{name} declares the encoding {encoding!r}, which is not known; save it as UTF-8"
        ) from None
    try:
        with io.TextIOWrapper(opened(), encoding, newline="") as text:
            yield text
    except UnicodeError:
        raise DataError(
            f"{name} holds bytes that are not {encoding}, its encoding by its start; save it as "
            "UTF-8"
        ) from None


def xml_encoding(start: bytes) -> str:
    """The encoding that the first bytes of XML tell, or else that which it declares."""
    found = DECLARED.match(start)
    declared = found[1].decode("latin-1") if found else "utf-8"
    # A declaration that is read byte by byte is in no encoding of two bytes for each letter.
    wide = declared.lower().startswith(("utf-16", "utf-32"))
    return encoding_by_mark(start) or utf_16_by_zeros(start) or ("utf-8" if wide else declared)


def no_xml(name: str, line: int, error: Exception) -> DataError:
    """The error about a file that is broken."""
    cause = str(error).partition(":")[0]
    return DataError(f"{name}, line {line} is not XML as it has to be ({cause}); export it again")


def walk(opened: Opener, name: str, starts: set[str], ends: set[str]) -> Iterator[ET.Element]:
    """Elements of XML in their order, at their start or their end; read ones are given up.

    Raises:
        DataError: If it is broken.
    """
    above: list[ET.Element] = []
    with xml_text(opened, name) as text:
        try:
            events = ET.iterparse(text, ("start", "end"))  # noqa: S314 - entities are refused
            for event, element in events:
                if event == "start":
                    above.append(element)
                    if tag_of(element) in starts:
                        yield element
                    continue
                above.pop()
                if tag_of(element) in ends:
                    yield element
                    above[-1].remove(element)
        except ET.ParseError as error:
            raise no_xml(name, error.position[0], error) from None


def tag_of(element: ET.Element) -> str:
    """The name of an element, without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: ET.Element, tag: str) -> ET.Element | None:
    """The first element of a name right in another."""
    return next((inner for inner in element if tag_of(inner) == tag), None)


def text_of(element: ET.Element | None) -> str:
    """The text in an element without the codes in it."""
    parts: list[str] = []
    left: list[ET.Element | str] = [] if element is None else [element]
    while left:
        one = left.pop()
        if isinstance(one, str):
            parts.append(one)
            continue
        parts.append(one.text or "")
        for inner in reversed(one):
            left += [inner.tail or "", "" if tag_of(inner) in CODES else inner]
    return "".join(parts)


def read_tmx(opened: Opener, name: str) -> PairTable:
    """Read a translation memory; for the order of its languages see `ordered`."""
    first = ""
    called: dict[str, str] = {}
    units: list[dict[str, str]] = []
    for element in walk(opened, name, {"header"}, {"tu"}):
        if tag_of(element) == "header":
            first = code_of(element.get("srclang", ""))
            continue
        texts: dict[str, str] = {}
        for version in element:
            language = next((version.get(key) for key in LANGUAGE if version.get(key)), None)
            if tag_of(version) == "tuv" and language:
                called.setdefault(code_of(language), language)
                texts.setdefault(code_of(language), text_of(child(version, "seg")))
        units.append(texts)
    same = same_languages(units)
    units = [{same.get(code, code): text for code, text in texts.items()} for texts in units]
    order = ordered(units, same.get(first, first))
    if len(order) < 2:
        there = called[order[0]] if order else "none"
        raise DataError(f"{name} has texts in two languages nowhere; there: {there}")
    rows = [[texts.get(language, "") for language in order] for texts in units]
    names = tuple(called[language] for language in order)
    notes = tuple(joined(same, called))
    return PairTable(names, list(enumerate(rows, 1)), "unit", gaps=True, notes=notes)


def code_of(language: str) -> str:
    """A code of a language in one form of writing."""
    return language.lower().replace("_", "-")


def base_of(code: str) -> str:
    """The language of a code, without a country."""
    return code.split("-", maxsplit=1)[0]


def written(code: str) -> str:
    """The language of a code, with its script if it has one, as in zh-hant."""
    base, *rest = code.split("-")
    return "-".join([base, *(part for part in rest[:1] if len(part) == 4 and part.isalpha())])


def same_languages(units: Sequence[dict[str, str]]) -> dict[str, str]:
    """Codes of a language that no unit has together, each with the most frequent of them.

    Such as en and en-US, where memories were put together.
    """
    counts = Counter(code for texts in units for code in texts)
    groups: dict[str, list[str]] = {}
    for code, _ in counts.most_common():
        groups.setdefault(written(code), []).append(code)
    both = {base for texts in units for base, n in Counter(map(written, texts)).items() if n > 1}
    return {
        code: codes[0]
        for base, codes in groups.items()
        if base not in both and len(codes) > 1
        for code in codes
    }


def joined(same: dict[str, str], called: dict[str, str]) -> Iterator[str]:
    """Report codes that are read as one."""
    for one in dict.fromkeys(same.values()):
        codes = " and ".join(called[code] for code, of in same.items() if of == one)
        yield f"{codes} are read as one language, {called[one]}"


def ordered(units: Sequence[dict[str, str]], first: str) -> list[str]:
    """Codes of languages in the order of frequency, the source of the memory first.

    Further codes of the first language are last: they are no translations of it.
    """
    counts = Counter(code for texts in units for code in texts)
    source, *others = sorted(
        counts, key=lambda one: (one != first, base_of(one) != base_of(first), -counts[one])
    ) or [""]
    others.sort(key=lambda one: base_of(one) == base_of(source))
    return [source, *others] if source else []


def read_xliff(opened: Opener, name: str) -> PairTable:
    """Read the units of XLIFF 1.2, or the segments of XLIFF 2."""
    names = ["source", "target"]
    keys = (("source-language", "srcLang"), ("target-language", "trgLang"))
    rows = []
    for element in walk(opened, name, {"xliff", "file"}, {"trans-unit", "segment"}):
        if tag_of(element) in {"xliff", "file"}:
            for place, of in enumerate(keys):
                names[place] = next(
                    (element.attrib[k] for k in of if k in element.attrib), names[place]
                )
            continue
        rows.append([text_of(child(element, what)) for what in ("source", "target")])
    return PairTable(tuple(names), list(enumerate(rows, 1)), "unit", gaps=True)


@dataclass
class Entry:
    """A text of a catalogue with its translation.

    Attributes:
        line: Its first line.
        fuzzy: Whether the translation is a guess that nobody has checked.
        fields: The text of each keyword.
    """

    line: int
    fuzzy: bool
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def is_header(self) -> bool:
        """True if it describes the catalogue."""
        return not self.fields.get("msgid") and "msgctxt" not in self.fields

    @property
    def translation(self) -> str:
        """The translation; of several numbers, that of one."""
        return self.fields.get("msgstr", self.fields.get("msgstr[0]", ""))


FIELD = re.compile(r'(msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s*"(.*)"')
MORE = re.compile(r'"(.*)"')
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "", "b": "", "f": "\f", "v": "\v"}


def read_catalogue(file: Path, encoding: str) -> PairTable:
    """Read a catalogue of gettext; entries that nobody has checked are left out, as are old ones.

    Raises:
        DataError: If a line is none of a catalogue.
    """
    lines = read_file_lines(file, encoding)
    entries = entries_of(lines, file.name)
    texts = [entry for entry in entries if not entry.is_header]
    kept = [entry for entry in texts if not entry.fuzzy]
    old = sum(bool(re.match(r"#~\s*msgid\s", line)) for line in lines)
    left = {"fuzzy": len(texts) - len(kept), "obsolete": old}
    return PairTable(
        ("msgid", "msgstr"),
        [(entry.line, [entry.fields["msgid"], entry.translation]) for entry in kept],
        gaps=True,
        notes=tuple(
            f"{number:,} {what} entries of {file.name} are left out"
            for what, number in left.items()
            if number
        ),
    )


def entries_of(lines: list[str], name: str) -> list[Entry]:
    """The entries of a catalogue, in their order."""
    entries: list[Entry] = []
    faults, fuzzy, key, closed = Faults(), False, "", True
    for number, line in enumerate(map(str.strip, lines), 1):
        if line.startswith("#"):
            # A flag above an old entry is none of the next entry.
            fuzzy = not line.startswith("#~") and (fuzzy or is_fuzzy(line))
            closed = True
        elif found := FIELD.fullmatch(line):
            key = found[1]
            if closed and key not in {"msgctxt", "msgid"}:
                faults.add(f"{name}, line {number} has no msgid before it", "export it again")
                continue
            if closed or key == "msgctxt" or (key == "msgid" and key in entries[-1].fields):
                entries.append(Entry(number, fuzzy))
                fuzzy, closed = False, False
            entries[-1].fields[key] = unescaped(found[2])
        elif (found := MORE.fullmatch(line)) and not closed:
            entries[-1].fields[key] += unescaped(found[1])
        elif line:
            faults.add(f"{name}, line {number} is no line of a catalogue", "export it again")
    for entry in entries:
        if "msgid" not in entry.fields:
            faults.add(f"{name}, line {entry.line} has msgctxt without msgid", "export it again")
    faults.check()
    return entries


def is_fuzzy(line: str) -> bool:
    """Return whether a comment flags the next entry as one that nobody has checked."""
    return line.startswith("#,") and "fuzzy" in line


def unescaped(text: str) -> str:
    """A text without the marks before its quotation marks and line breaks."""
    return ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), text)

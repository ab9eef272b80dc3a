"""Packed files: what is in one is read as it is unpacked, and archives of several are refused."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest
from packed_files import zipped

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.formats.packed import name_inside, unpacked, without_packing
from rnn_core.readers.plain_text import read_plain_text
from rnn_core.readers.table_files import TableForm, is_table_file, read_table_file

TEXT = "the caf\u00e9 is open\nand warm\n"


def tarred(mode):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())
    return file.getvalue()


BESIDE = {"__MACOSX/._a.txt": "x", "sub/.DS_Store": "x", "README.md": "about", "LICENSE": "free"}
PACKED = {
    "a.txt.gz": gzip.compress(TEXT.encode()),
    "a.txt.BZ2": bz2.compress(TEXT.encode()),
    "a.txt.xz": lzma.compress(TEXT.encode()),
    "a.txt": gzip.compress(TEXT.encode()),
    "alone.zip": zipped({"a.txt": TEXT}),
    "beside.zip": zipped({"sub/": "", "sub/a.txt": TEXT} | BESIDE),
    "above.zip": zipped({"../../a.txt": TEXT}),
    "plain/a.txt.gz": TEXT.encode(),
}


@pytest.mark.parametrize("name", PACKED)
def test_the_one_text_of_a_packed_file_is_read(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(PACKED[name])
    assert read_plain_text(file) == TEXT
    assert name_inside(file) == ("a.txt.gz" if name.startswith("plain") else "a.txt")


def test_a_name_needs_no_more_than_the_start_of_a_packed_file(tmp_path):
    content = b"".join(b"%d and %d\n" % (i, i * i % 7919) for i in range(100_000))
    for name, packed in (
        ("a.csv.gz", gzip.compress(content)),
        ("a.csv.xz", lzma.compress(content)),
    ):
        file = tmp_path / name
        file.write_bytes(packed[: len(packed) // 2])
        assert name_inside(file) == "a.csv"
        with pytest.raises(FaultsError, match=f"{name} cannot be unpacked"):
            unpacked(file, Faults())
        file.write_bytes(packed[:12])
        with pytest.raises(FaultsError, match=f"{name} cannot be unpacked"):
            name_inside(file)


REFUSED = {
    "a.tar": (tarred("w"), "a.tar is an archive of tar"),
    "a.tar.gz": (tarred("w:gz"), "a.tar.gz is an archive of tar"),
    "a.tbz": (tarred("w:bz2"), "a.tbz is an archive of tar"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(99), "a.7z is packed by 7-Zip"),
    "a.txt.zst": (b"\x28\xb5\x2f\xfd" + bytes(99), "a.txt.zst is packed by Zstandard"),
    "two.zip": (
        zipped({"a.txt": TEXT, "b.txt": TEXT}),
        "two.zip holds 2 files (a.txt, b.txt), not exactly one",
    ),
    "in.zip": (zipped({"a.zip": zipped({"a.txt": TEXT})}), "in.zip holds another packed file"),
    "notes.zip": (
        zipped({"README": "x", "LICENSE": "y"}),
        "notes.zip holds 2 files (README, LICENSE), not exactly one",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_archives_are_refused_with_what_to_do(tmp_path, name):
    content, message = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FaultsError) as refused:
        unpacked(tmp_path / name, Faults())
    assert message in str(refused.value)
    assert str(refused.value).endswith("; unpack it, and give what is in it")


@pytest.mark.parametrize("name", ["t.csv.bz2", "T.CSV.XZ", "t.zip"])
def test_packed_tables_are_tables(tmp_path, name):
    pack = {"2": bz2.compress, "Z": lzma.compress, "p": lambda c: zipped({"t.csv": c} | BESIDE)}
    (tmp_path / name).write_bytes(pack[name[-1]](b"a,b\n1,2\n3,4\n"))
    assert is_table_file(tmp_path / name)
    read = read_table_file(tmp_path / name, TableForm(), Faults())
    assert read.frame.to_dict("list") == {"a": ["1", "3"], "b": ["2", "4"]}


def test_endings_of_packed_files_are_no_part_of_names():
    assert without_packing("a.tsv.GZ") == "a.tsv"
    assert without_packing("a.en.xz.zip") == "a.en"
    assert without_packing("a.gzip") == "a.gzip"


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"%PDF-1.7\n", "t.txt is a PDF; save its text alone"),
        (b"\x80\x02ccopy_reg\n", "t.txt is a pickle of Python; save its text alone"),
        (b"{\\rtf1 a}", "t.txt is a file of RTF; save its text alone"),
        (b"version https://git-lfs.github.com/spec/v1\n", "t.txt is a pointer of git-lfs"),
    ],
)
def test_what_holds_another_text_than_it_shows_is_no_plain_text(tmp_path, start, message):
    (tmp_path / "t.txt").write_bytes(start + TEXT.encode())
    with pytest.raises(Exception, match=message) as refused:
        read_plain_text(tmp_path / "t.txt")
    assert "\n" not in str(refused.value)

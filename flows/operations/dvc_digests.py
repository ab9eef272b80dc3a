"""The digests that DVC gives files, folders and entries of its run cache."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

FOLDER = ".dir"
"""Ending of the digest of a folder in DVC, which is the digest of a list of its files."""


def listing(cache: Path, md5: str) -> Mapping[str, str] | None:
    """The digests of the files of a folder from the cache; None if it has no list of them."""
    file = cache / "files/md5" / md5[:2] / md5[2:]
    if not file.is_file() or md5_of(file) != md5.removesuffix(FOLDER):
        return None
    return {one["relpath"]: one["md5"] for one in json.loads(file.read_bytes())}


def md5_of_folder(place: Path) -> str:
    """The digest that DVC gives a folder."""
    names = sorted(path.relative_to(place).as_posix() for path in files_below(place))
    parts = sorted(tuple(name.split("/")) for name in names)
    listed = [{"md5": md5_of(place.joinpath(*part)), "relpath": "/".join(part)} for part in parts]
    content = json.dumps(listed, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + FOLDER


def files_below(place: Path) -> Iterator[Path]:
    """All files of a folder that DVC sees."""
    return (path for path in place.rglob("*") if path.is_file() and path.name != ".gitignore")


def md5_of(file: Path) -> str:
    """The digest that DVC gives a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def sha256_of_entry(file: Path) -> str | None:
    """The digest that DVC gives an entry of its run cache; None if it cannot be read."""
    try:
        entry = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError):
        return None
    content = json.dumps(without_sizes(entry), sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def without_sizes(content: object) -> object:
    """The content of an entry, without the sizes of outputs."""
    if isinstance(content, dict):
        left = {name: value for name, value in content.items() if name not in {"size", "nfiles"}}
        return {name: without_sizes(value) for name, value in left.items()}
    return [without_sizes(one) for one in content] if isinstance(content, list) else content

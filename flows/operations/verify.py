"""Compare every known digest of a study's results with the files.

DVC does not read read-only files of its cache again, and trusts times of change for other files.
Damage on a disk is only found by reading everything.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from flows.layout import Layout
from flows.operations.dvc_digests import (
    FOLDER,
    files_below,
    listing,
    md5_of,
    md5_of_folder,
    sha256_of_entry,
)
from flows.recording.command import dvc
from flows.recording.lock_file import is_cut_off, lock_file, read_lock
from flows.running.mark import going_on
from flows.system.command_line import command_line, study_command
from flows.system.environment import may_have_database
from flows.system.exclusive import if_free
from flows.trainings.store import KINDS, open_store
from rnn_core.errors import StudyError
from rnn_core.study import read_study

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

NAME = re.compile(r"[0-9a-f]{32}(\.dir)?")
"""Matches a file of DVC's cache, with the name of its folder."""

RUN_NAME = re.compile(r"[0-9a-f]{64}")
"""An entry of DVC's run cache."""


@dataclass(frozen=True)
class Fault:
    """Something that differs from its record.

    Attributes:
        where: A file, an entry of the store or a version.
        what: Description of the fault.
        cure: The advice to the user.
    """

    where: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}; {self.cure}"


@dataclass(frozen=True)
class Checked:
    """The result of checking things of one kind.

    Attributes:
        what: The kind, in words.
        number: Number of things.
        faults: Their faults.
    """

    what: str
    number: int
    faults: list[Fault]


def verify(layout: Layout) -> Iterator[Checked]:
    """Compare all results of a study with their known digests.

    Raises:
        StudyError: If a run is changing the results now.
        StoreError: If the store cannot be reached.
        TrackingError: If MLflow does not answer.
    """
    study = read_study(layout.folder).study
    with if_free(layout, "flow") as free:
        if not free:
            raise StudyError(f"{going_on(layout)}; verify it after its end")
        cache = Path(dvc(layout, "cache", "dir").strip())
        yield check_outputs(layout, cache)
        yield check_cache(cache)
        yield check_run_cache(cache)
        yield check_store(layout)
        yield check_registry(study)


def check_outputs(layout: Layout, cache: Path) -> Checked:
    """Compare raw and prepared data, runs, evaluations and the like with dvc.lock."""
    faults, number = broken_lock(layout), 0
    for stage, entry in read_lock(layout).items():
        for out in entry.get("outs", []):
            place = layout.folder / out["path"]
            fetch = ["dvc", "--cd", str(layout.folder.resolve()), "checkout", "--force", stage]
            cure = f"`{shlex.join(fetch)}` fetches it from the cache, or run it again"
            number += sum(path.is_file() for path in place.rglob("*")) if place.is_dir() else 1
            found = wrong_in(place, out["md5"], cache)
            faults += [Fault(str(path), what, cure) for path, what in found.items()]
    return Checked("files that dvc.lock names", number, faults)


def broken_lock(layout: Layout) -> list[Fault]:
    """The fault of a dvc.lock that cannot be read, so that nothing could be compared with it."""
    if not is_cut_off(layout):
        return []
    repair = study_command(layout.folder, "doctor", "--fix")
    cure = f"`{repair}` keeps its complete stages, or git has it as it was"
    return [Fault(str(lock_file(layout)), "was cut off or overwritten", cure)]


def wrong_in(place: Path, md5: str, cache: Path) -> dict[Path, str]:
    """The files of an output that differ from dvc.lock, with a description of the fault."""
    if not place.exists():
        return {place: "is missing"}
    if not md5.endswith(FOLDER):
        same = place.is_file() and md5_of(place) == md5
        return {} if same else {place: "is not what dvc.lock says"}
    listed = listing(cache, md5)
    if listed is None:
        same = md5_of_folder(place) == md5
        return {} if same else {place: "is not what dvc.lock says, and its list of files is gone"}
    found = {}
    for name, digest in listed.items():
        if not (place / name).is_file():
            found[place / name] = "is missing"
        elif md5_of(place / name) != digest:
            found[place / name] = "is not what dvc.lock says"
    more = {path.relative_to(place).as_posix() for path in files_below(place)} - listed.keys()
    return found | {place / name: "is not in dvc.lock" for name in more}


def check_cache(cache: Path) -> Checked:
    """Compare each file of DVC's cache with its name, which is its digest."""
    faults, number = [], 0
    for file in sorted((cache / "files/md5").glob("??/*")):
        name = file.parent.name + file.name
        if not NAME.fullmatch(name):  # it is being written
            continue
        number += 1
        if md5_of(file) != name.removesuffix(FOLDER):
            cure = "remove it, and `dvc commit --force` or `dvc pull` fetches it again"
            faults.append(Fault(str(file), "is not what its name says", cure))
    return Checked("files of DVC's cache", number, faults)


def check_run_cache(cache: Path) -> Checked:
    """Compare each entry of DVC's run cache with its name, which is the digest of its content.

    `dvc repro` takes outputs from there in place of running a stage.
    """
    faults, number = [], 0
    for file in sorted((cache / "runs").glob("??/*/*")):
        if not RUN_NAME.fullmatch(file.name):  # it is being written
            continue
        number += 1
        if sha256_of_entry(file) != file.name:
            cure = "remove it, and the stage is run again where that is needed"
            faults.append(Fault(str(file), "is not what its name says", cure))
    return Checked("entries of DVC's run cache", number, faults)


def check_store(layout: Layout) -> Checked:
    """Compare each file of the store with its manifest, and check that used entries exist."""
    store, faults, number = open_store(layout), [], 0
    mend = study_command(layout.folder, "store", "verify", "--fix")
    cure = f"`{mend}` removes its entry, so that it is made again"
    for kind in KINDS:
        for identity in store.identities(kind):
            number += 1
            broken = store.broken_files(kind, identity)
            faults += [Fault(file, "is not as it was stored", cure) for file in broken]
    return Checked(f"entries of the store {store.address}", number, faults)


def check_registry(study: str) -> Checked:
    """Compare the files of each version of a study's models with their digests; check aliases."""
    if not may_have_database():
        return Checked("versions of registered models", 0, [])
    from flows.tracking.projection import (  # noqa: PLC0415 - reads settings made before
        connect,
        reachable,
    )
    from flows.tracking.searches import all_models, all_versions  # noqa: PLC0415 - as above

    client, faults, number = connect(), list[Fault](), 0
    with reachable():
        for model in all_models(client):
            if not model.name.startswith(f"{study}."):
                continue
            versions = list(all_versions(client, model.name))
            there = {str(version.version) for version in versions}
            for alias, at in model.aliases.items():
                if str(at) not in there:
                    what = f"has an alias {alias!r} at version {at}, which does not exist"
                    promote = command_line("champion", "promote", model.name, "VERSION")
                    cure = f"`{promote}` moves it"
                    faults.append(Fault(model.name, what, cure))
            number += len(versions)
            faults += [fault for version in versions for fault in wrong_with(version)]
    return Checked("versions of registered models", number, faults)


def wrong_with(version: "ModelVersion") -> Iterator[Fault]:
    """The faults of a version's files."""
    from flows.tracking.registered import GoneError, check_files  # noqa: PLC0415 - imports MLflow

    try:
        with TemporaryDirectory() as folder:
            check_files(version, Path(folder))
    except GoneError as error:
        yield Fault(f"{version.name} version {version.version}:", str(error), error.cure)

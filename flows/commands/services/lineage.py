"""`gatewise lineage` and `reproduce`: show where a model comes from, and train it again."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from flows.system.environment import use_defaults
from flows.system.hidden import without_user
from flows.system.home import enter_home
from flows.system.pages import known_prefect
from rnn_core.errors import ParameterError, StudyError

if TYPE_CHECKING:
    from flows.operations.lineage import Lineage

NO_COMMIT = ("(not known)", "(none: the study was in no git repository)")
"""Texts for a version without a commit: one of an old Gatewise, and any other."""


def lineage(model: str, study: Path, *, as_json: bool) -> None:
    """Print where a model comes from."""
    use_defaults()
    folder = enter_home(study)
    from flows.operations.lineage import trace  # noqa: PLC0415 - reads the settings made above

    found = trace(model, folder)
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{name:12}{text}\n" for name, text in told(found))


def told(found: "Lineage") -> Iterator[tuple[str, str]]:
    """The lines for the user, each with its label."""
    yield "model", f"{found.model} version {found.version}, digest {found.digest}"
    if found.run is None:
        yield "MLflow", "no run: it was deleted, or the version was registered without one"
    else:
        run = found.run
        yield "MLflow", f"run {run.id} ({run.name}) of {run.experiment}, below run {run.parent}"
        yield "", f"shown first by flow run {run.flow_run or '(none)'}, commit {run.commit[:12]}"
    for name, digest in found.lock.items():
        if name != "lock":
            yield "dvc.lock", f"{name.removeprefix('lock_')} {digest}"
    yield "", compared(found)
    yield "commit", " ".join([found.commit or NO_COMMIT[bool(found.code)], there(found)]).strip()
    yield "code", found.code or "(not known)"
    for name in found.uncommitted:
        yield "uncommitted", name
    yield "flow run", page_of(found.flow_run) if found.flow_run else "(none)"


def compared(found: "Lineage") -> str:
    """Describe whether dvc.lock has the same digests now."""
    if not found.lock:
        return "what dvc.lock said is not known"
    if found.lock_now is None:
        return "its study is not here: name its folder by --study"
    same = found.lock_now == found.lock
    return f"dvc.lock says {'the same' if same else 'something else'} now"


def there(found: "Lineage") -> str:
    """The commit in words."""
    if found.title is not None:
        return f"({found.title})"
    return "(not in the repository here)" if found.commit else ""


def page_of(run: str) -> str:
    """A run of the flow, with its page if a Prefect server is known."""
    api = known_prefect()
    if api is None:
        return run
    return f"{run}, {without_user(api).removesuffix('/api')}/runs/flow-run/{run}"


def reproduce(model: str, study: Path, keep: Path | None) -> None:
    """Train a model again from its commit, and say whether it is the same.

    Raises:
        ParameterError: If the folder to keep is not empty.
        StudyError: If it is not the same, or cannot be trained again.
    """
    if keep and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise ParameterError(f"--keep {keep} is not an empty folder; choose another")
    use_defaults()
    kept = keep.resolve() if keep else None
    folder = enter_home(study)
    from flows.operations import reproduce as operation  # noqa: PLC0415 - reads settings made above
    from flows.operations.lineage import trace  # noqa: PLC0415 - as above

    found = trace(model, folder)
    root = operation.check_reproducible(found, folder)
    name = f"{found.model} version {found.version}"
    with TemporaryDirectory(prefix="gatewise-") as temporary:
        scratch = kept or Path(temporary)
        sys.stdout.write(f"Training {name} again from commit {found.commit}\n")
        sys.stdout.flush()
        differing = operation.reproduce(found, root, scratch)
    sys.stdout.writelines(f"{line}\n" for line in differing)
    if differing:
        raise StudyError(
            f"{name} differs, as is normal on another kind of machine, or with another PyTorch"
        )
    sys.stdout.write(f"{name} is the same: digest {found.digest}\n")

"""A bit that flips anywhere in the results is found, also where DVC looks at no content."""

import os
import py_compile
import random
import shlex
import shutil
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.entities import PagedList
from registered import register
from study_folders import isolated_environment

from flows.commands.services.verify import verify as command
from flows.layout import Layout
from flows.operations import verify
from flows.recording.lock_file import kept_copy
from flows.system.exclusive import exclusive
from flows.tracking.promoted import ALIAS
from rnn_core.errors import StudyError

FLIPS = 25
"""Files of each kind that a bit is flipped in."""


@pytest.fixture
def whole(finished, home, tmp_path, monkeypatch):
    """A copy of the finished tiny study with DVC's cache, and no registry."""
    for name, value in isolated_environment(home).items():
        if name.startswith("DVC_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    folder = shutil.copytree(finished, tmp_path / "Zoë's tiny", symlinks=True)
    shutil.copytree(f"{finished}.dvc", folder / ".dvc", symlinks=True)
    return Layout(folder)


def flip(file, dice):
    """Flip a bit, and hide it: size, times and permissions stay."""
    before, content = file.stat(), bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(before.st_mode)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def cache_of(layout):
    return layout.folder / ".dvc/cache"


KINDS = {
    "data/raw": lambda layout: verify.check_outputs(layout, cache_of(layout)),
    "data/prepared": lambda layout: verify.check_outputs(layout, cache_of(layout)),
    "runs": lambda layout: verify.check_outputs(layout, cache_of(layout)),
    "evaluations": lambda layout: verify.check_outputs(layout, cache_of(layout)),
    "comparisons": lambda layout: verify.check_outputs(layout, cache_of(layout)),
    "reports": lambda layout: verify.check_outputs(layout, cache_of(layout)),
    ".dvc/cache/files/md5": lambda layout: verify.check_cache(cache_of(layout)),
    ".gatewise/store": verify.check_store,
}


def kept_files(folder):
    """Files that something is known of; an empty one has no bit."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    return sorted(p for p in found if p.name not in {".gitignore", "manifest.json"})


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bit_is_found_in_any_file_and_no_other_is_blamed(whole, kind):
    dice = random.Random(kind)
    assert KINDS[kind](whole).faults == []
    files = kept_files(whole.folder / kind)
    chosen = dice.sample(files, min(FLIPS, len(files)))
    for file in chosen:
        flip(file, dice)
    blamed = {fault.where.removeprefix(f"{whole.folder}/") for fault in KINDS[kind](whole).faults}
    if kind == ".gatewise/store":
        blamed = {f"{kind}/{name}" for name in blamed}
    assert blamed == {str(file.relative_to(whole.folder)) for file in chosen}


def test_entry_of_the_run_cache_is_what_its_name_says(whole):
    """DVC takes outputs from there, and looks at the name alone."""
    cache = cache_of(whole)
    file, *others = (cache / "runs").glob("??/*/*")
    checked = verify.check_run_cache(cache)
    assert (checked.number, checked.faults) == (1 + len(others), [])
    content = file.read_text()
    digit = content.index("md5: ") + 5
    for broken in (
        content[:digit] + ("0" if content[digit] != "0" else "1") + content[digit + 1 :],
        content.replace("path: ", "path: x", 1),
        "{",
    ):
        file.chmod(0o644)
        file.write_text(broken)
        (fault,) = verify.check_run_cache(cache).faults
        assert fault.where == str(file)


def test_folder_is_checked_without_the_cache_too(whole):
    shutil.rmtree(cache_of(whole))
    assert verify.check_outputs(whole, cache_of(whole)).faults == []
    (file, *_) = kept_files(whole.raw("sales"))
    flip(file, random.Random(1))
    (fault,) = verify.check_outputs(whole, cache_of(whole)).faults
    assert fault.where == str(whole.raw("sales"))


def test_file_that_is_gone_or_was_added_is_told(whole):
    (file, *_) = kept_files(whole.prepared("text"))
    file.unlink()
    whole.raw("digits").joinpath("more.wav").touch()
    shutil.rmtree(whole.evaluations("sales"))
    found = verify.check_outputs(whole, cache_of(whole)).faults
    assert {(fault.where, fault.what) for fault in found} == {
        (str(file), "is missing"),
        (str(whole.raw("digits") / "more.wav"), "is not in dvc.lock"),
        (str(whole.evaluations("sales")), "is missing"),
    }


def test_all_faults_are_told_at_once(whole, capsys, monkeypatch):
    monkeypatch.chdir(whole.folder)
    monkeypatch.setattr("flows.commands.services.verify.enter_home", lambda folder: folder)
    command(whole.folder)
    assert capsys.readouterr().out.endswith("All is as it was recorded.\n")
    dice = random.Random(2)
    flip(kept_files(whole.runs("sales"))[0], dice)
    flip(kept_files(cache_of(whole) / "files/md5")[0], dice)
    flip(kept_files(whole.store)[0], dice)
    with pytest.raises(StudyError, match="3 faults"):
        command(whole.folder)
    told = capsys.readouterr().out
    study = shlex.quote(str(whole.folder.resolve()))
    fetch, mend = f"dvc --cd {study} checkout --force train@sales", "gatewise store verify --fix"
    for cure in (f"`{fetch}`", "dvc pull", f"`{mend} {study}`"):
        assert cure in told


def test_nothing_is_verified_while_a_run_changes_it(whole):
    with exclusive(whole, "flow"), pytest.raises(StudyError, match="verify it after its end"):
        list(verify.verify(whole))


# --- The registry ---


@pytest.fixture
def version(database, tmp_path, monkeypatch):
    """The folder of the files of the only version of a model."""
    client = MlflowClient()
    client.create_experiment("here", artifact_location=f"{tmp_path}/artifacts")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "here")
    register("sentiment", name="tiny.sentiment")
    register("sentiment", name="tinier.sentiment")
    (description, _) = sorted(
        (tmp_path / "artifacts").rglob("MLmodel"), key=lambda path: path.stat().st_mtime_ns
    )
    return description.parent


def test_flipped_bit_in_any_file_of_a_version_is_found(version):
    assert verify.check_registry("tiny") == verify.Checked("versions of registered models", 1, [])
    dice = random.Random(3)
    files = kept_files(version)
    weights = next(version.rglob("model.safetensors"))
    for file in [weights, version / "MLmodel", *dice.sample(files, 6)]:
        content = file.read_bytes()
        flip(file, dice)
        (fault,) = verify.check_registry("tiny").faults
        assert fault.where == "tiny.sentiment version 1:", file
        assert "changed since it was registered" in fault.what
        file.write_bytes(content)
    assert verify.check_registry("tiny").faults == []


@pytest.mark.parametrize("level", [0, 1, 2])
def test_code_that_python_compiles_when_a_model_is_loaded_is_no_change(version, level):
    """Every version that was loaded once was reported as changed, to be deleted."""
    for source in (version / "served_model.py", version / "code/rnn_core/errors.py"):
        py_compile.compile(str(source), doraise=True, optimize=level)
    assert len([*version.rglob("*.pyc")]) == 2
    assert verify.check_registry("tiny").faults == []


def test_compiled_code_that_is_not_of_its_source_is_told(version, tmp_path):
    """Python would run it, and the source is as it was."""
    source = version / "served_model.py"
    planted = Path(cache_from_source(str(source)))
    (tmp_path / "other.py").write_text("print('not the model')\n")
    py_compile.compile(str(tmp_path / "other.py"), cfile=str(planted), doraise=True)
    for content in (planted.read_bytes(), b"no code", b""):
        planted.write_bytes(content)
        (fault,) = verify.check_registry("tiny").faults
        assert "served_model" in fault.what
        assert "is not compiled from its source" in fault.what
        assert fault.cure.startswith("remove it")


def test_version_whose_files_are_gone_is_told(version):
    shutil.rmtree(version)
    (fault,) = verify.check_registry("tiny").faults
    assert "its files are gone" in fault.what


def test_alias_that_points_to_nothing_is_told(version, monkeypatch):
    """As a registry may have it that is not MLflow's own, which takes the alias away."""
    found = MlflowClient().get_registered_model("tiny.sentiment")
    found._aliases = {ALIAS: "7"}
    monkeypatch.setattr(
        MlflowClient, "search_registered_models", lambda _, **page: PagedList([found], None)
    )
    (fault,) = verify.check_registry("tiny").faults
    assert fault.what == "has an alias 'champion' at version 7, which does not exist"


def test_lock_that_is_cut_off_is_a_fault(whole):
    """With nothing to compare with, all would seem to be in order."""
    file = whole.folder / "dvc.lock"
    content = file.read_text()
    assert verify.check_outputs(whole, cache_of(whole)).faults == []
    file.write_text(content[: len(content) // 2] + "\n : : [")
    (fault,) = verify.check_outputs(whole, cache_of(whole)).faults
    assert (fault.where, fault.what) == (str(file), "was cut off or overwritten")
    file.unlink()
    assert verify.check_outputs(whole, cache_of(whole)).faults == []


@pytest.mark.parametrize("is_there", [False, True])
def test_copy_of_the_lock_that_a_kill_left_is_a_fault_and_is_compared(whole, is_there):
    """DVC had written none yet, or a whole one of other stages."""
    file, copy = whole.folder / "dvc.lock", kept_copy(whole)
    copy.write_bytes(file.read_bytes())
    if not is_there:
        file.unlink()
    (damaged, *_) = kept_files(whole.prepared("text"))
    flip(damaged, random.Random(4))
    assert {fault.where for fault in verify.check_outputs(whole, cache_of(whole)).faults} == {
        str(file),
        str(damaged),
    }

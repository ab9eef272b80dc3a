"""Gatewise as it is installed: a wheel beside its libraries, and a study outside of any clone."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
SOURCES = ("LICENSE", "README.md", "dvc.yaml", "prefect.toml", "pyproject.toml")
QUICK = ("--cells", "gru", "--sizes", "equal", "--seeds", "1")


def checked(*command):
    """Run a program and return what it prints."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def build_wheel(place, version="0.1.0"):
    """A wheel of a copy of the code, made from what is here alone."""
    source = place / f"source-{version}"
    for package in ("flows", "rnn_core"):
        ignored = shutil.ignore_patterns("*.pyc")
        shutil.copytree(REPOSITORY / package, source / package, symlinks=True, ignore=ignored)
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, source)
    project = (source / "pyproject.toml").read_text()
    changed = re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project)
    (source / "pyproject.toml").write_text(changed)
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    checked(sys.executable, "-m", "pip", "wheel", *options, "-w", str(place), str(source))
    (wheel,) = place.glob(f"gatewise-{version}-*.whl")
    return wheel


def install(wheel, python):
    """Put a wheel into an environment, and nothing else."""
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    checked(*pip, "--no-deps", "--no-index", "--force-reinstall", str(wheel))


class Installed:
    """An environment with a wheel of Gatewise, where a user works in a separate folder."""

    def __init__(self, place):
        self.place, self.folder = place, place / "work"
        self.folder.mkdir()
        venv.create(place / "env", with_pip=False)
        self.python = place / "env/bin/python"
        paths = {"base": str(place / "env"), "platbase": str(place / "env")}
        site = Path(sysconfig.get_path("purelib", vars=paths))
        # All that Gatewise needs is here already; the clone, which is too, comes after the wheel.
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
        install(build_wheel(place), self.python)

    def environment(self):
        kept = ("LANG", "CUDA_VISIBLE_DEVICES")
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.place),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser())),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.place / "dvc"),
            "TERM": "dumb",
        }

    def run(self, *command, code=0, folder="."):
        """Run a program there and return what it prints, errors included."""
        program = shutil.which(command[0], path=str(self.python.parent)) or command[0]
        done = subprocess.run(
            [program, *command[1:]],
            cwd=self.folder / folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def dvc(self, *arguments, folder, code=0):
        return self.run(str(self.python), "-m", "dvc", *arguments, folder=folder, code=code)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A study of the user's own file, made and run by an installed package."""
    there = Installed(tmp_path_factory.mktemp("installed"))
    rows = (
        f"2024-{1 + i // 28:02}-{1 + i % 28:02},{(i * 37 % 11) + i / 9:.3f}" for i in range(280)
    )
    (there.folder / "sales.csv").write_text("\n".join(["date,y", *rows]) + "\n")
    wanted = ("--task", "forecasting", "--data", "sales.csv", "--target", "y")
    there.run("gatewise", "new", "shop", *wanted, *QUICK)
    assert "All is up to date" not in there.run("gatewise", "status", "shop")
    there.output = there.run("gatewise", "run", "shop")
    return there


def test_code_that_runs_is_that_of_the_wheel(installed):
    program = "import flows, rnn_core; print(flows.__file__, rnn_core.__file__, sep='\\n')"
    files = installed.run(str(installed.python), "-c", program).split()
    assert all(Path(file).is_relative_to(installed.place / "env") for file in files)


def test_study_is_run_and_its_model_answers(installed):
    assert installed.dvc("status", folder="shop").strip() == "Data and pipelines are up to date."
    assert "Report: shop/reports/index.html\n" in installed.output
    assert "Nothing to do" in installed.run("gatewise", "run", "shop")
    lines = installed.run("gatewise", "predict", "shop.sales", "sales.csv").split()
    assert lines[0] == "date,y"
    assert len(lines) == 1 + 7


def test_all_that_is_kept_lies_in_the_study_and_in_the_data_folder_of_the_user(installed):
    home = installed.place / ".local/share/gatewise"
    assert {"mlflow.db", "mlartifacts", "prefect.toml"} <= {path.name for path in home.iterdir()}
    assert (home / ".gatewise/prefect").is_dir()
    assert {path.name for path in installed.folder.iterdir()} == {"sales.csv", "shop"}


def test_lock_names_no_place_of_this_machine(installed):
    for name in ("dvc.lock", "dvc.yaml", "params.yaml", "code.json"):
        text = (installed.folder / "shop" / name).read_text()
        assert "/env/" not in text
        assert str(installed.place) not in text
        assert str(REPOSITORY) not in text


def test_dvc_alone_runs_the_study_to_the_same_lock(installed):
    study, again = installed.folder / "shop", installed.place / "again"
    ignored = shutil.ignore_patterns("dvc.lock", ".gatewise")
    shutil.copytree(study, again, ignore=ignored)
    installed.dvc("repro", "--quiet", folder=again)
    assert (again / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()


def test_another_version_makes_the_code_stale_and_stages_wait_for_it(installed):
    study = shutil.copytree(installed.folder / "shop", installed.place / "upgraded")
    try:
        install(build_wheel(installed.place, "0.2.0"), installed.python)
        # A stage that DVC starts would run other code than the lock records.
        said = installed.run("gatewise", "prepare", "sales", folder=study, code=1)
        assert "gatewise 0.2.0" in said
        assert "gatewise run" in said
        before = (study / "dvc.yaml").read_bytes()
        assert "All is up to date." in installed.run("gatewise", "status", str(study))
        assert (study / "dvc.yaml").read_bytes() == before, "it only looks"
        assert "Nothing to do" in installed.run("gatewise", "run", str(study))
        assert "up to date" in installed.dvc("status", folder=study)
        lock = yaml.safe_load((study / "dvc.lock").read_text())
        assert "0.2.0" in lock["stages"]["code"]["cmd"]
    finally:
        install(installed.place / "gatewise-0.1.0-py3-none-any.whl", installed.python)


def test_study_that_links_to_a_clone_is_refused(installed):
    study = shutil.copytree(installed.folder / "shop", installed.place / "linked")
    (study / "dvc.yaml").unlink()
    (study / "dvc.yaml").symlink_to(REPOSITORY / "dvc.yaml")
    said = installed.run("gatewise", "run", str(study), code=1)
    assert f"{study}/dvc.yaml is for gatewise in a clone" in said

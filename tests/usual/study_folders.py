"""Small studies in folders, and the environment that programs run in there."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml
from usual_study import USUAL

from rnn_core.sources.agreement_text import AgreementText
from rnn_core.sources.synthetic_digits import SyntheticDigits

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent

SERIES = "\n".join(
    [
        "date,y",
        *(
            f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 37 % 11) + i / 9:.3f}"
            for i in range(300)
        ),
    ]
)

OPINIONS = "\n".join(
    [
        "text\tlabel",
        *(
            f"take {i} of the {('plot', 'cast', 'tune')[i % 3]} was {('dull', 'fine')[i % 2]}"
            f"\t{('no', 'yes')[i % 2]}"
            for i in range(60)
        ),
    ]
)

TINY = {
    **USUAL,
    "study": "tiny",
    "seeds": {"first": 2, "most": 2},
    "cells": ["memoryless", "gru"],
    "datasets": {
        "text": {
            "source": "text",
            "task": "text_generation",
            "data": {},
            "model": {"hidden_size": 8, "embedding_size": 4, "sequence_length": 16},
            "training": {"epochs": 2, "batch_size": 8},
        },
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 4},
            "training": {"epochs": 2},
        },
        "digits": {
            "source": "digits",
            "task": "speech_recognition",
            "data": {"split_by": "speaker", "validation": ["voice01"], "test": ["voice02"]},
            "model": {"hidden_size": 4},
            "training": {"epochs": 2},
        },
        "opinions": {
            "source": "opinions.tsv",
            "task": "sentiment",
            "cells": ["gru"],
            "seeds": {"first": 1, "most": 1},
            "references": ["linear"],
            "data": {},
            "model": {"hidden_size": 4},
            "training": {"epochs": 2},
        },
    },
}


@dataclass(frozen=True)
class StudyFolder:
    """A study and the environment that its commands run in."""

    folder: Path
    environment: dict[str, str]

    @property
    def mlflow_uri(self) -> str:
        return self.environment["MLFLOW_TRACKING_URI"]

    def start(self, *command: str, **options: object) -> subprocess.Popen[str]:
        """Start a program, such as gatewise or dvc, in the study's folder."""
        return subprocess.Popen(
            [shutil.which(command[0], path=self.environment["PATH"]), *command[1:]],
            cwd=self.folder,
            env=self.environment,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | options,
        )

    def run(self, *command: str, code: int = 0) -> str:
        """Run a program and return what it prints."""
        process = self.start(*command)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, output
        return output

    def read_lock(self) -> dict:
        return yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"]

    def parameters(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def write_parameters(self, content: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def isolated_environment(place: Path) -> dict[str, str]:
    """Nothing of the user's Prefect and MLflow, and nothing left in the repository.

    Compiled kernels are shared, as they are known by what they are made from.
    """
    kept = {
        k: v for k, v in os.environ.items() if not re.match("PREFECT_|MLFLOW_|GATEWISE_|DVC_", k)
    }
    return kept | {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_HOME": str(place / "prefect"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{place}/mlflow.db",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(place / "dvc"),
        "HOME": str(place),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        "TERM": "dumb",
    }


def copy_code(folder: Path) -> None:
    """Copy what a clone of the repository has, without its results."""
    for name in ("flows", "rnn_core"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))
    names = ("Makefile", "README.md", "constraints.txt", "dvc.yaml", "prefect.toml")
    for name in (*names, "prefect.yaml", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / ".venv").mkdir()
    (folder / ".venv/bin").symlink_to(PROGRAMS)
    (folder / ".venv/installed").touch()


def write_data(folder: Path) -> None:
    """Small user files for each task."""
    (folder / "text").mkdir()
    AgreementText(4000, seed=1).fetch(folder / "text")
    (folder / "digits").mkdir()
    SyntheticDigits(num_voices=3, num_takes=1, noise=0.3, seed=1).fetch(folder / "digits")
    (folder / "sales.csv").write_text(SERIES + "\n")
    (folder / "opinions.tsv").write_text(OPINIONS + "\n")


def make_study(folder: Path, environment: dict[str, str], parameters: dict) -> StudyFolder:
    """Lay out a study with data of its own."""
    folder.mkdir(parents=True)
    write_data(folder)
    root = os.path.relpath(REPOSITORY, folder)
    (folder / "dvc.yaml").symlink_to(Path(root) / "dvc.yaml")
    study = StudyFolder(folder, environment)
    study.write_parameters({"root": root} | parameters)
    study.run("dvc", "init", "--no-scm", "--quiet")
    return study

"""Small studies in temporary folders, run by the real command line."""

import re
import shutil
import signal
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import mlflow
import pytest
import torch
from dvc.fs import localfs
from dvc.rwlock import rwlock
from filelock import FileLock
from mlflow import MlflowClient
from sftp_server import SftpServer, serving
from study_folders import (
    REPOSITORY,
    TINY,
    StudyFolder,
    copy_code,
    isolated_environment,
    make_study,
    write_data,
)

from flows.layout import Layout
from flows.stages.compare import compare
from flows.stages.evaluate import evaluate
from flows.stages.ingest import ingest
from flows.stages.prepare import prepare
from flows.stages.train import train
from flows.system.servers import free_port, prefect
from flows.trainings.crew import EVALUATE, TRAIN, Remote
from flows.trainings.dataset import CodeOfCells
from flows.trainings.identity import Work
from rnn_core.study import read_study


class Here:
    """A crew that does each piece of work in this process, at once, and nothing later."""

    def tell(self, text: str) -> None:
        """Nobody watches."""

    def expect(self, dataset: str, trainings: int) -> None:
        """Nobody watches."""

    def call(self, function: Callable, *arguments: object) -> object:
        return function(*arguments)

    def train(self, work: Work) -> Future:
        return self.do(TRAIN, work)

    def evaluate(self, work: Work) -> Future:
        return self.do(EVALUATE, work)

    def do(self, function: Remote, work: Work) -> Future:
        done: Future = Future()
        try:
            done.set_result(function(work))
        except Exception as error:  # noqa: BLE001 - whoever asked is to get it
            done.set_exception(error)
        return done


@pytest.fixture(scope="session")
def here() -> Here:
    """Fixture that does the work of stages that a test calls."""
    return Here()


STAGES = {stage.__name__: stage for stage in (ingest, prepare, train, evaluate, compare)}


@pytest.fixture(scope="session")
def code_of() -> Callable[[Collection[str]], CodeOfCells]:
    """Makes up the fingerprints of code that never changes, of some cells."""

    def make(cells: Collection[str]) -> CodeOfCells:
        trains, evaluates, together = (
            dict.fromkeys(cells, what) for what in ("trains", "scores", "together")
        )
        return CodeOfCells(trains, evaluates, together, gpu="gpu", divides="divides")

    return make


@pytest.fixture(scope="session")
def perform(here: Here, code_of: Callable[[Collection[str]], CodeOfCells]) -> Callable[..., None]:
    """Runs stages of a dataset in this process, as with code that never changes."""

    def run(
        layout: Layout,
        dataset: str,
        *verbs: str,
        watch: AbstractContextManager[object] | None = None,
    ) -> None:
        torch.set_num_threads(1)  # as a worker has, of whose environment it is a part
        study = read_study(layout.folder)
        cells = (*study.cells_of(dataset), *(study.references_of(dataset) or ()))
        for verb in verbs:
            more = [code_of(cells), here] if verb in {"train", "evaluate"} else []
            with watch or nullcontext():
                STAGES[verb](layout, study, dataset, *more)

    return run


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Restore Ctrl-C: background processes of a shell, and their children, ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, database_in: Callable[[Path], str]) -> Path:
    """Where Prefect, MLflow and DVC of the whole session keep their databases."""
    folder = tmp_path_factory.mktemp("home")
    database_in(folder)
    return folder


@pytest.fixture
def tiny() -> dict:
    """The parameters of the tiny study, to be changed at will."""
    return deepcopy(TINY)


@pytest.fixture(scope="session")
def study_at(home: Path) -> Callable[[Path, dict], StudyFolder]:
    """Makes a study in a given folder."""
    return lambda folder, parameters: make_study(folder, isolated_environment(home), parameters)


@pytest.fixture(scope="session")
def code_at() -> Callable[[Path], None]:
    """Makes a folder with a copy of the code."""
    return copy_code


@pytest.fixture(scope="session")
def clone_at(home: Path) -> Callable[[Path, dict], StudyFolder]:
    """Makes a copy of the repository in a given folder, with a sample study of its own."""

    def clone(folder: Path, parameters: dict) -> StudyFolder:
        copy_code(folder)
        write_data(folder)
        study = StudyFolder(folder, isolated_environment(home) | {"PYTHONPATH": str(folder)})
        study.write_parameters({"root": "."} | parameters)
        study.run("dvc", "init", "--no-scm", "--quiet")
        shutil.copy(REPOSITORY / ".dvcignore", folder)
        return study

    return clone


@pytest.fixture(scope="session")
def served(home: Path) -> Iterator[dict[str, str]]:
    """The address of a Prefect server, for runs that would start one each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", isolated_environment(home)["PREFECT_HOME"])
        with prefect(free_port(), "--no-ui") as server:
            server.wait()
            yield {"PREFECT_API_URL": f"{server.url}/api"}


@pytest.fixture(scope="session")
def terminal_at(home: Path, served: dict[str, str]) -> Callable[[Path], StudyFolder]:
    """Makes our programs run in a given folder."""
    return lambda folder: StudyFolder(folder, isolated_environment(home) | served)


@pytest.fixture
def terminal(terminal_at: Callable[[Path], StudyFolder], tmp_path: Path) -> StudyFolder:
    """An empty folder in which our programs run."""
    return terminal_at(tmp_path)


@pytest.fixture
def new_study(study_at: Callable, tmp_path: Path) -> Callable[[dict], StudyFolder]:
    """Makes a study in the test's own folder."""
    return lambda parameters: study_at(tmp_path / "studies/study", parameters)


@pytest.fixture(scope="session")
def said_of() -> Callable[[str, str], str]:
    """Line about a dataset at the end of a run, or in a status."""

    def said(output: str, dataset: str) -> str:
        (found,) = re.findall(rf"^{dataset} .*(?:\n .*)*", output, re.MULTILINE)
        return " ".join(found.split())

    return said


@pytest.fixture
def held() -> Callable[[StudyFolder, str], AbstractContextManager[None]]:
    """Holds a path in DVC's lock table as a `dvc repro` of this process would."""

    def hold(study: StudyFolder, path: str) -> AbstractContextManager[None]:
        table = str(study.folder / ".dvc/tmp")
        return rwlock(table, localfs, "dvc repro", [], [str(study.folder / path)], False)

    return hold


@dataclass(frozen=True)
class Chain:
    """The tiny study after its first run, and what that run printed."""

    study: StudyFolder
    output: str


@pytest.fixture(scope="session")
def chain(study_at: Callable, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The whole chain on the tiny study, run once for all tests that look at it."""
    with FileLock(shared / "chain.lock"):
        study = study_at(tmp_path_factory.mktemp("chain") / "tiny", TINY)
        output = study.run("gatewise", "run")
        if not (copy := shared / "finished").exists():
            shutil.copy(study.mlflow_uri.removeprefix("sqlite:///"), f"{copy}.db")
            shutil.copytree(study.folder / ".dvc", f"{copy}.dvc")
            shutil.copytree(study.folder, copy, ignore=shutil.ignore_patterns(".dvc"))
    return Chain(study, output)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of all processes of the session."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def finished(shared: Path, request: pytest.FixtureRequest) -> Path:
    """The finished tiny study, which one process of the session runs for all.

    MLflow's database after that run lies beside it, with the ending .db, and DVC's folder with its
    cache, with the ending .dvc.
    """
    with FileLock(shared / "chain.lock"):  # whoever runs it has it
        there = (shared / "finished").exists()
    if not there:
        request.getfixturevalue("chain")
    return shared / "finished"


@pytest.fixture(scope="session")
def database_in(shared: Path) -> Callable[[Path], str]:
    """Puts a database of MLflow that knows no run into a folder; returns its URI.

    MLflow takes seconds to make one, so one is made for all.
    """
    empty = shared / "empty.db"
    with FileLock(f"{empty}.lock"):
        if not empty.exists():
            MlflowClient(f"sqlite:///{empty}").search_experiments()
    return lambda folder: f"sqlite:///{shutil.copy(empty, folder / 'mlflow.db')}"


@pytest.fixture
def database(
    database_in: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The URI of an empty database, which MLflow is set to use."""
    uri = database_in(tmp_path)
    monkeypatch.chdir(tmp_path)  # where MLflow puts artifacts that have no place
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri(None)


@pytest.fixture
def layout(finished: Path, tmp_path: Path) -> Layout:
    """A copy of the finished tiny study, to be changed at will."""
    return Layout(shutil.copytree(finished, tmp_path / "tiny"))


@pytest.fixture(scope="module")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """An SFTP server with a folder of its own."""
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def sftp_url(sftp_server: SftpServer) -> str:
    """The URL of a folder on the server that is not there yet."""
    return sftp_server.address(f"{uuid4().hex}/store")

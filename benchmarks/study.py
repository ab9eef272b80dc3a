"""Whole studies: Gatewise from nothing against the same trainings as a plain PyTorch script.

    python benchmarks/study.py [--parts sample benchmark] [--dataset free_spoken_digits]
        [--seeds 2] [--cells gru lstm] [--epochs-scale 0.1] [--repeats 1] [--json FILE]

`sample` is the study of the repository's root with all of its datasets, `benchmark` one dataset
of studies/benchmark. Gatewise's side is `gatewise run` with all that belongs to it: Prefect, DVC,
MLflow, evaluation, comparison, registration. It runs on a copy of the code, in a new folder with
a DVC, a database of MLflow and a home of Prefect of its own, so that nothing of the user's is
touched and nothing is cached but compiled kernels. The plain side is `plain_pytorch.py`, once as
a process with two threads and once as two processes with a thread each; ratios are against the
faster one, and above 1 where Gatewise is faster. All sides have the same two processors and take
turns. Each fetches its data itself; with GATEWISE_MIRROR set, none waits for the network.

The scores of both sides should differ by chance alone, since they begin with the same weights
and see the same batches. `beyond chance` marks a cell where Student's t-test of the two means,
over seeds, says otherwise at 1 %; one seed cannot tell.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from study_table import compared, table

from flows.layout import Layout
from flows.trainings.records import Record, read_records
from rnn_core.comparison.candidates import read_scores
from rnn_core.errors import GatewiseError, ParameterError, StudyError, unknown
from rnn_core.files import read_json
from rnn_core.study import read_study

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
PARTS = {"sample": REPOSITORY, "benchmark": REPOSITORY / "studies/benchmark"}
CODE = ("flows", "rnn_core", "constraints.txt", "dvc.yaml", "prefect.toml", "pyproject.toml")
PROCESSORS = 2

PLAIN = {"1 process, 2 threads": (1, 2), "2 processes, 1 thread": (2, 1)}
"""Processes and threads of the plain side."""

OURS = "gatewise"

WARM_UP = """
import sys, flows, torch
from rnn_core.layers.recurrent import Recurrent
for cell in sys.argv[1:]:
    Recurrent(cell, 1, 1)(torch.zeros(1, 1, 1))
print(flows.__file__)
"""
"""Compiles the kernels of cells, and says which code that was."""

OF_USER = re.compile(
    "(PREFECT|MLFLOW|DVC|OMP|MKL|OPENBLAS)_|GATEWISE_(?!MIRROR)|(HOME|PYTHONPATH|XDG_CONFIG_HOME)$"
)
"""Variables of the environment that lead to what is the user's, or change what is measured."""


@dataclass(frozen=True)
class Side:
    """Result of one side.

    Attributes:
        seconds: From its start to its end.
        tests: Test scores by dataset and cell, one for each seed; None where it diverged.
        training_seconds: Seconds of trainings and their scoring, by dataset and cell.
        work: For Gatewise, the seconds of its workers by kind of work.
        account: For Gatewise, what it printed of where its time went.
    """

    seconds: float
    tests: dict[str, dict[str, list[float | None]]]
    training_seconds: dict[str, dict[str, float]]
    work: dict[str, dict[str, float]] | None = None
    account: str = ""


@dataclass(frozen=True)
class Workplace:
    """A copy of the code, and the environment that all sides run in."""

    folder: Path

    @property
    def code(self) -> Path:
        """The copy."""
        return self.folder / "code"

    def environment(self, home: Path) -> dict[str, str]:
        """Nothing of the user's but his cache, where compiled kernels are."""
        kept = {k: v for k, v in os.environ.items() if not OF_USER.match(k)}
        if mirror := os.environ.get("GATEWISE_MIRROR"):
            kept["GATEWISE_MIRROR"] = str(Path(mirror).resolve())
        return {
            "XDG_CACHE_HOME": str(Path("~/.cache").expanduser()),
            **kept,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(self.code),
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
            "DVC_SITE_CACHE_DIR": str(home / "dvc"),
            "DVC_NO_ANALYTICS": "1",
            "TERM": "dumb",
        }

    def run(self, folder: Path, home: Path, *command: str) -> tuple[str, float]:
        """Run a program in a folder; returns what it prints, and seconds.

        Raises:
            StudyError: If it fails, with its last line.
        """
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
            cause = lines[-1].removeprefix("error: ")
            raise StudyError(f"{' '.join(command[:2])} failed with {done.returncode}: {cause}")
        return done.stdout, seconds


def copy_code(folder: Path) -> None:
    """Copy what a clone of the repository has, without its results."""
    folder.mkdir()
    for name in CODE:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)


def warm_up(place: Workplace, cells: Iterable[str]) -> None:
    """Compile the kernels, and make sure that the copy is what runs."""
    home = place.folder / "warm"
    home.mkdir()
    output, _ = place.run(home, home, sys.executable, "-c", WARM_UP, *cells)
    if not Path(output.strip()).is_relative_to(place.code):
        raise StudyError(f"{output.strip()} would run, not the copy in {place.code}")


def parameters_of(part: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Parameters of a part, as the content of a params.yaml in a folder of the workplace.

    Raises:
        ParameterError: If what is asked for is not in the study.
    """
    folder = PARTS[part]
    read_study(folder)
    content: dict[str, Any] = yaml.safe_load((folder / "params.yaml").read_text())
    datasets = content["datasets"]
    if part == "benchmark":
        if arguments.dataset not in datasets:
            raise ParameterError(unknown("dataset", arguments.dataset, datasets))
        datasets = {arguments.dataset: datasets[arguments.dataset]}
    for section in datasets.values():
        source = (folder / section["source"]).resolve()
        inside = source.is_relative_to(REPOSITORY / "rnn_core")
        copy = Path("../code") / source.relative_to(REPOSITORY) if inside else source
        section["source"] = str(copy)
        narrow(section, arguments)
    content |= {"root": "../code", "device": "cpu", "champion": "seed", "datasets": datasets}
    narrow(content, arguments)
    return content


def narrow(section: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Keep the seeds, cells and epochs that are asked for, of a study or of a dataset.

    All candidates get the same seeds, since the plain script trains all with the same.

    Raises:
        ParameterError: If no cell is left.
    """
    if section.get("seeds"):
        number = arguments.seeds or section["seeds"]["first"]
        section["seeds"] = {"first": number, "most": number}
    if arguments.cells and section.get("cells"):
        left = [cell for cell in section["cells"] if cell in arguments.cells]
        if not left:
            raise ParameterError(unknown("cell", arguments.cells[0], section["cells"]))
        section["cells"] = left
    if "training" in section:
        epochs = section["training"].get("epochs", 20)
        section["training"]["epochs"] = max(1, round(epochs * arguments.epochs_scale))


def new_folder(place: Workplace, name: str, content: Mapping[str, Any]) -> Path:
    """A new folder beside the code, with a params.yaml."""
    folder = place.folder / name
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump(dict(content), sort_keys=False))
    return folder


def run_ours(place: Workplace, name: str, content: Mapping[str, Any]) -> Side:
    """Run a study by Gatewise, from nothing."""
    folder = new_folder(place, name, content)
    home = place.folder / f"{name}-home"
    home.mkdir()
    (folder / "dvc.yaml").symlink_to("../code/dvc.yaml")
    place.run(folder, home, str(PROGRAMS / "dvc"), "init", "--no-scm", "--quiet")
    command = (str(PROGRAMS / "gatewise"), "run", ".", "--workers", str(PROCESSORS))
    output, seconds = place.run(folder, home, *command)
    records = read_records(Layout(folder))
    account = [line for line in output.splitlines() if line.startswith("Time: ")]
    return Side(
        seconds,
        tests_of(folder, content["datasets"]),
        seconds_of_cells(records),
        seconds_of_work(records),
        account[-1] if account else "",
    )


def tests_of(folder: Path, datasets: Iterable[str]) -> dict[str, dict[str, list[float | None]]]:
    """Test scores of all seeds, by dataset and cell."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for dataset in datasets:
        files = (folder / "evaluations" / dataset).glob("*/*/scores.json")
        candidates = [read_scores(file.parent) for file in files]
        found[dataset] = {one.cell: [seed.test for seed in one.seeds] for one in candidates}
    return found


def seconds_of_work(records: Iterable[Record]) -> dict[str, dict[str, float]]:
    """Number of trials, trainings and evaluations, and their seconds; refits are separate."""
    found: dict[str, dict[str, float]] = {}
    for record in records:
        of_seed = record.what if record.is_compared else f"{record.what}, refit"
        what = "trial" if record.is_trial else of_seed
        sums = found.setdefault(what, {"number": 0, "seconds": 0.0})
        sums["number"] += 1
        sums["seconds"] += record.seconds
    return found


def seconds_of_cells(records: Iterable[Record]) -> dict[str, dict[str, float]]:
    """Seconds of the trainings and evaluations of the study's seeds, by dataset and cell."""
    found: dict[str, dict[str, float]] = {}
    for record in records:
        if record.is_compared:
            sums = found.setdefault(record.dataset, {})
            sums[record.cell] = sums.get(record.cell, 0.0) + record.seconds
    return found


def run_plain(
    place: Workplace, name: str, content: Mapping[str, Any], processes: int, threads: int
) -> Side:
    """Make the trainings of a study by the plain script."""
    folder = new_folder(place, name, content)
    home = place.folder / f"{name}-home"
    home.mkdir()
    script, result = str(REPOSITORY / "benchmarks/plain_pytorch.py"), folder / "scores.json"
    options = ("--processes", str(processes), "--threads", str(threads), "--json", str(result))
    _, seconds = place.run(folder, home, sys.executable, script, ".", *options)
    tests: dict[str, dict[str, list[float | None]]] = {}
    times: dict[str, dict[str, float]] = {}
    for run in read_json(result):
        dataset, cell = run["dataset"], run["cell"]
        tests.setdefault(dataset, {}).setdefault(cell, []).append(run["test"])
        sums = times.setdefault(dataset, {})
        sums[cell] = sums.get(cell, 0.0) + run["seconds"]
    return Side(seconds, tests, times)


def run_sides(
    place: Workplace, part: str, content: Mapping[str, Any], repeats: int
) -> dict[str, list[Side]]:
    """Run all sides in turns; each repeat begins with another one."""
    sides: dict[str, list[Side]] = {name: [] for name in (OURS, *PLAIN)}
    names = list(sides)
    for repeat in range(repeats):
        for index, side in enumerate(names[repeat % 3 :] + names[: repeat % 3]):
            name = f"{part}-{repeat}-{index}"
            if side == OURS:
                done = run_ours(place, name, content)
            else:
                done = run_plain(place, name, content, *PLAIN[side])
            sys.stderr.write(f"{part}: {side}: {done.seconds:.1f} s\n")
            sides[side].append(done)
            shutil.rmtree(place.folder / name)
    return sides


def median_seconds(sides: list[Side]) -> float:
    """The median wall time of a side."""
    return statistics.median(side.seconds for side in sides)


def summary(sides: dict[str, list[Side]]) -> dict[str, Any]:
    """Seconds of all sides, the ratio, where Gatewise's time went, and all scores."""
    seconds = {name: median_seconds(runs) for name, runs in sides.items()}
    best = min(PLAIN, key=lambda name: seconds[name])
    ours, theirs = sides[OURS][0], sides[best][0]
    one_thread = sides["2 processes, 1 thread"][0].training_seconds
    return {
        "seconds": seconds,
        "every_run": {name: [run.seconds for run in runs] for name, runs in sides.items()},
        "better_plain": best,
        "ratio": seconds[best] / seconds[OURS],
        "time_account": ours.account,
        "work": ours.work,
        "scores": {
            dataset: {
                cell: compared(tests, theirs.tests[dataset][cell])
                | {
                    "gatewise_seconds": ours.training_seconds[dataset][cell],
                    "plain_seconds": one_thread[dataset][cell],
                }
                for cell, tests in sorted(cells.items())
            }
            for dataset, cells in ours.tests.items()
        },
    }


def measure(arguments: argparse.Namespace, place: Workplace) -> dict[str, Any]:
    """Measure all parts; prints each when it is done."""
    contents = {part: parameters_of(part, arguments) for part in arguments.parts}
    copy_code(place.code)
    warm_up(place, dict.fromkeys(c for content in contents.values() for c in content["cells"]))
    found = {}
    for part, content in contents.items():
        found[part] = summary(run_sides(place, part, content, arguments.repeats))
        print(table(part, found[part]) + "\n", flush=True)
    return found


def read_arguments() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--dataset", default="free_spoken_digits", help="of studies/benchmark")
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="of all; the study's first if not given"
    )
    parser.add_argument("--cells", nargs="+", help="of the study's; all if not given")
    parser.add_argument("--epochs-scale", type=float, default=1.0, help="share of the epochs")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    try:
        with tempfile.TemporaryDirectory(prefix="gatewise-") as folder:
            found = measure(arguments, Workplace(Path(folder).resolve()))
    except GatewiseError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

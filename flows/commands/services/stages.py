"""The command lines of single stages, as dvc.yaml calls them."""

from typing import Annotated

import typer

from flows.commands.front import completion

app = typer.Typer()

PANEL = "Single stages, which DVC calls"

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="DATASET", autocompletion=completion.datasets, help="A dataset of params.yaml."
    ),
]


def stage(verb: str, *names: str) -> None:
    """Run a stage of the study in the current folder."""
    from flows.commands.stage import run_stage  # noqa: PLC0415 - help and completion do without

    run_stage(verb, *names)


@app.command(rich_help_panel=PANEL)
def code(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if code.json is out of date.")
    ] = False,
) -> None:
    """Write code.json, the fingerprints by which stages notice changed code."""
    if not check:
        stage("code")
    from flows.layout import Layout  # noqa: PLC0415 - help and completion do without
    from flows.stages import code as stage_code  # noqa: PLC0415 - as above

    stage_code.check(Layout())


@app.command(rich_help_panel=PANEL)
def ingest(dataset: Dataset) -> None:
    """Copy, download or generate the raw files of a dataset."""
    stage("ingest", dataset)


@app.command(rich_help_panel=PANEL)
def prepare(dataset: Dataset) -> None:
    """Split a dataset into training, validation and test set, as tensors."""
    stage("prepare", dataset)


@app.command(rich_help_panel=PANEL)
def train(dataset: Dataset) -> None:
    """Train the cells on a dataset, until one is decided on or the seeds are used up."""
    stage("train", dataset)


@app.command(rich_help_panel=PANEL)
def evaluate(dataset: Dataset) -> None:
    """Score the trainings of a dataset on the validation and test set."""
    stage("evaluate", dataset)


@app.command(rich_help_panel=PANEL)
def compare(dataset: Dataset) -> None:
    """Decide which cell to recommend for a dataset."""
    stage("compare", dataset)


@app.command(rich_help_panel=PANEL)
def report() -> None:
    """Write the report of the study."""
    stage("report")

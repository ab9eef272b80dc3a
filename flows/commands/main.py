"""The command line."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.services.care import app as care
from flows.commands.services.commands import app as services
from flows.commands.stage import run_stage
from flows.layout import Layout
from flows.system.bound import collect_seldom
from rnn_core.errors import GatewiseError
from rnn_core.readers.faults import SEVERAL

app = typer.Typer(
    help="Which recurrent cell should I use for my sequence data, and give me the model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(services)
app.add_typer(care)

cells = typer.Typer(help="What the recurrent cells are, and how one is compiled.")
app.add_typer(cells, name="cells", no_args_is_help=True)

store = typer.Typer(help="What is kept of trainings that are finished.")
app.add_typer(store, name="store", no_args_is_help=True)

Dataset = Annotated[str, typer.Argument(help="A dataset of params.yaml.")]
StudyFolder = Annotated[Path, typer.Argument(help="Folder of the study; here if not given.")]


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def code(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if code.json is out of date.")
    ] = False,
) -> None:
    """Write the fingerprints of the code that the stages run, by which they see it change."""
    if not check:
        run_stage("code")
    from flows.stages import code as stage  # noqa: PLC0415 - stages must not wait for it

    stage.check(Layout())


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def ingest(dataset: Dataset) -> None:
    """Fetch or generate the raw files of a dataset."""
    run_stage("ingest", dataset)


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def prepare(dataset: Dataset) -> None:
    """Turn the raw files of a dataset into tensors and sides."""
    run_stage("prepare", dataset)


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def train(dataset: Dataset) -> None:
    """Train every cell on a dataset, at every size and with every random seed."""
    run_stage("train", dataset)


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def evaluate(dataset: Dataset) -> None:
    """Score the trainings of a dataset on the validation and test sets."""
    run_stage("evaluate", dataset)


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def compare(dataset: Dataset) -> None:
    """Decide which cell to use on a dataset."""
    run_stage("compare", dataset)


@app.command(rich_help_panel="Stages, as dvc.yaml calls them")
def report() -> None:
    """Write the results of the study."""
    run_stage("report")


@app.command()
def run(
    study: StudyFolder = Path(),
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Trainings at the same time; default: one for each processor or GPU."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help='Stages to run, such as "train@*", and what they need; may be repeated.'),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be trained, and how long.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT",
            help="Dask scheduler whose workers train; see docs/guides/cluster.md.",
        ),
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Whether to register the champions.")
    ] = True,
) -> None:
    """Bring a study up to date and register the champion of each dataset."""
    from flows.commands.run import Options, launch  # noqa: PLC0415 - stages must not wait for it

    options = Options(workers=workers, only=only or None, dry=dry_run, on=on, promote=promote)
    launch(study, options)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    *,
    task: Annotated[str, typer.Option(help="forecasting, sentiment, text_generation, ...")],
    data: Annotated[
        list[Path], typer.Option(help="The file or folder; twice for two aligned text files.")
    ],
    target: Annotated[
        list[str] | None, typer.Option(help="Column to predict; may be given more than once.")
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Column that says which series a row is of.")
    ] = None,
    future: Annotated[
        list[str] | None,
        typer.Option(help="Columns that are known ahead, such as holiday,price."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Data parameter, such as horizon=24.")
    ] = None,
    cells: Annotated[
        str, typer.Option(help="Cells to compare, with commas between.")
    ] = "memoryless,rnn_tanh,lstm,gru",
    sizes: Annotated[
        str, typer.Option(help="Budgets of weights, relative to a gru's; or equal units.")
    ] = "0.25,1",
    seeds: Annotated[int, typer.Option(min=1, help="Random seeds that each starts with.")] = 3,
    most_seeds: Annotated[
        int, typer.Option(min=1, help="Random seeds that a cell may get until it is decided.")
    ] = 10,
    run: Annotated[bool, typer.Option("--run", help="Run it right away.")] = False,
) -> None:
    """Make a study of your own data, after looking at the data."""
    from flows.commands.new import new_study  # noqa: PLC0415 - stages must not wait for its imports
    from rnn_core.study import Seeds  # noqa: PLC0415 - as above

    told = new_study(
        folder,
        task,
        data,
        targets=target or [],
        series=series,
        future=future or [],
        settings=settings or [],
        cells=[cell.strip() for cell in cells.split(",")],
        sizes=[size.strip() for size in sizes.split(",")],
        seeds=Seeds(first=seeds, most=max(seeds, most_seeds)),
    )
    typer.echo("\n".join(told))
    if not run:
        typer.echo(f"Next: gatewise run {folder}")
        return
    from flows.commands.run import Options, launch  # noqa: PLC0415 - as above

    launch(folder, Options())


Model = Annotated[
    str, typer.Argument(help="study.dataset, study.dataset@VERSION, or an address for MLflow.")
]
Answers = Annotated[
    list[str] | None, typer.Option("--set", help="What the answer should be like: name=value.")
]


@app.command()
def predict(
    model: Model,
    given: Annotated[Path, typer.Argument(metavar="INPUT", help="File, folder, or - for stdin.")],
    settings: Answers = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, help="Rows that a forecast has, if not as trained.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
) -> None:
    """Answer raw input with a registered model."""
    from flows.commands.predict import predict as answer  # noqa: PLC0415 - stages must not wait for it

    answer(model, given, settings or [], output, horizon)


@app.command()
def backtest(
    model: Model,
    given: Annotated[Path, typer.Argument(metavar="TABLE", help="File, folder, or - for stdin.")],
    start: Annotated[
        str | None,
        typer.Option(help="First time to predict, or row; the first of the test set if not given."),
    ] = None,
    stride: Annotated[
        int, typer.Option(min=0, help="Rows between origins; 0: as many as are predicted.")
    ] = 0,
    horizon: Annotated[
        int, typer.Option(min=0, help="Rows to predict; 0: as many as it was trained for.")
    ] = 0,
    output: Annotated[Path | None, typer.Option(help="CSV file for all forecasts.")] = None,
) -> None:
    """Forecast a table from many of its rows, and show how far that is from what followed."""
    from flows.commands.predict import backtest as test  # noqa: PLC0415 - stages must not wait for it

    test(model, given, start, stride, horizon, output)


@app.command()
def generate(
    model: Model,
    prompt: Annotated[str, typer.Option(help="Text to write on from.")] = "",
    settings: Answers = None,
) -> None:
    """Write text with a registered model, as it is made."""
    from flows.commands.predict import generate as write  # noqa: PLC0415 - stages must not wait for it

    write(model, prompt, settings or [])


@app.command()
def export(
    model: Model,
    onnx: Annotated[Path, typer.Option(metavar="FILE", help="ONNX file to write.")],
) -> None:
    """Write the network of a registered model as a file for other programs."""
    from flows.commands.export import export as write  # noqa: PLC0415 - stages must not wait for it

    write(model, onnx)


@app.command()
def status(study: StudyFolder = Path()) -> None:
    """Show which cell to use on each dataset, and whether that is up to date."""
    from flows.commands.upkeep import status as show  # noqa: PLC0415 - stages must not wait for it

    show(study)


@app.command()
def sync(study: StudyFolder = Path()) -> None:
    """Make MLflow show what the study's folders hold, after `dvc repro` for example."""
    from flows.commands.upkeep import sync as make_up  # noqa: PLC0415 - stages must not wait for it

    make_up(study)


@app.command()
def prune(study: StudyFolder = Path()) -> None:
    """Remove outputs of datasets that params.yaml does not name any more."""
    from flows.commands.upkeep import prune as remove  # noqa: PLC0415 - stages must not wait for it

    remove(study)


@cells.command("list")
def list_cells(
    input_size: Annotated[int, typer.Option(help="Features of the input.")] = 128,
    hidden_size: Annotated[int, typer.Option(help="Features of a state, H.")] = 128,
) -> None:
    """List all cells with their states, recurrent parameters and operations of a step."""
    from flows.commands.cells import listing  # noqa: PLC0415 - stages must not wait for its imports

    typer.echo(listing(input_size, hidden_size))


@cells.command("show")
def show_cell(
    cell: Annotated[str, typer.Argument(help="Name of a cell.")],
    stage: Annotated[
        str, typer.Option(help="docs, form, optimised, schedule, c or triton.")
    ] = "docs",
) -> None:
    """Print what a cell is, or what a stage of the compiler makes of it."""
    from flows.commands.show_cell import show  # noqa: PLC0415 - stages must not wait for its imports

    typer.echo(show(cell, stage))


@store.command("show")
def show_store(study: StudyFolder = Path()) -> None:
    """Show how much the store of a study holds, by kind and by dataset."""
    from flows.commands.store import show  # noqa: PLC0415 - stages must not wait for its imports

    show(study)


@store.command("gc")
def collect_store(
    studies: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of all studies that use the store; here if not given."),
    ] = None,
    older_than: Annotated[
        float, typer.Option(min=0, help="Days for which every entry is kept.")
    ] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove from the store what no result of the studies is made of."""
    from flows.commands.store import gc  # noqa: PLC0415 - stages must not wait for its imports

    gc(studies or [Path()], older_than, dry_run)


@store.command("verify")
def verify_store(
    study: StudyFolder = Path(),
    fix: Annotated[
        bool, typer.Option("--fix", help="Remove what is broken, so that it is made again.")
    ] = False,
) -> None:
    """Compare every file of the store with its digest; exit code 1 if one differs."""
    from flows.commands.store import verify  # noqa: PLC0415 - stages must not wait for its imports

    verify(study, fix)


def told(error: GatewiseError) -> str:
    """An error for a person: a line, or several where there are several faults."""
    text = str(error)
    return text if SEVERAL in text else " ".join(text.split())


def main() -> None:
    """Run the command line; a `GatewiseError` is told, and the exit code is 1."""
    collect_seldom()
    try:
        app()
    except GatewiseError as error:
        sys.stderr.write(f"error: {told(error)}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

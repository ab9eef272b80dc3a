"""The command line."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.front import completion
from flows.commands.front.failures import text_of
from flows.commands.front.welcome import welcome
from flows.commands.services.care import PANEL as CARE
from flows.commands.services.care import app as care
from flows.commands.services.commands import USE
from flows.commands.services.commands import app as services
from flows.commands.services.stages import app as stages
from flows.system.bound import collect_seldom
from flows.system.command_line import command_line

app = typer.Typer(
    help="Train recurrent cells on your sequence data, and use the one that fits best.",
    pretty_exceptions_enable=False,
)

FIRST = "From data to a recommendation"

cells = typer.Typer(help="List the recurrent cells, and show how each is computed.")
store = typer.Typer(help="Look into the store, which keeps finished trainings.")


def show_version(asked: bool) -> None:
    """Print the version and exit, if the option is given."""
    if asked:
        typer.echo(f"gatewise {version('gatewise')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Train recurrent cells on your sequence data, and use the one that fits best."""
    if context.invoked_subcommand is None:
        typer.echo(welcome(), nl=False)


Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show details of each dataset.")]
StudyFolder = Annotated[
    Path,
    typer.Argument(metavar="[FOLDER]", help="Folder of the study; default: here."),
]


@app.command(rich_help_panel=FIRST)
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make.")],
    *,
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK",
            autocompletion=completion.tasks,
            help="forecasting, sentiment, text_generation, translation, speech_recognition, "
            "speech_transcription or copy_memory.",
        ),
    ],
    data: Annotated[
        list[Path],
        typer.Option(metavar="FILE", help="File or folder; twice for two aligned text files."),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column to predict (forecasting, sentiment); repeat it for several.",
        ),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Column that tells several series apart (forecasting)."
        ),
    ] = None,
    future: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMNS", help="Columns known in advance, such as holiday,price (forecasting)."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Data option, such as horizon=24."),
    ] = None,
    cells: Annotated[
        str,
        typer.Option(
            metavar="CELLS",
            autocompletion=completion.cells,
            help="Cells to compare, separated by commas.",
        ),
    ] = "memoryless,rnn_tanh,lstm,gru",
    sizes: Annotated[
        str,
        typer.Option(
            metavar="SIZES",
            help="Numbers of weights relative to the default gru, or equal for equal hidden sizes.",
        ),
    ] = "0.25,1",
    seeds: Annotated[int, typer.Option(min=1, help="Random seeds each cell starts with.")] = 3,
    most_seeds: Annotated[
        int, typer.Option(min=1, help="Most random seeds a cell gets before the race ends.")
    ] = 10,
    run: Annotated[bool, typer.Option("--run", help="Run the new study at once.")] = False,
) -> None:
    """Make a study of your own data; the data is checked first."""
    from flows.commands.new import new_study  # noqa: PLC0415 - help and completion do without
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
        typer.echo(f"Next: {command_line('run', folder)}")
        return
    from flows.commands.run import Options, launch  # noqa: PLC0415 - as above

    launch(folder, Options())


@app.command(rich_help_panel=FIRST)
def run(
    study: StudyFolder = Path(),
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Trainings side by side; default: one a processor or GPU."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGES",
            autocompletion=completion.stages,
            help='Run only these stages and what they need, such as "train@*"; repeatable.',
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be trained; run nothing."),
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT", help="Train on the workers of this Dask scheduler."
        ),
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Register the recommended models.")
    ] = True,
    verbose: Verbose = False,
) -> None:
    """Train what is missing, recommend a cell for each dataset, and register its model."""
    from flows.commands.run import Options, launch  # noqa: PLC0415 - help does without

    options = Options(
        workers=workers, only=only or None, dry=dry_run, on=on, promote=promote, verbose=verbose
    )
    launch(study, options)


@app.command(rich_help_panel=FIRST)
def status(study: StudyFolder = Path(), verbose: Verbose = False) -> None:
    """Show the recommendations, and whether they are up to date."""
    from flows.commands.upkeep import status as show  # noqa: PLC0415 - help does without

    show(study, verbose=verbose)


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=completion.models,
        help="STUDY.DATASET for its champion, STUDY.DATASET@VERSION, or a model URI of MLflow.",
    ),
]
Answers = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Answer option, such as temperature=0.7."),
]
Given = Annotated[
    Path, typer.Argument(metavar="FILE", help="File or folder to answer; - reads standard input.")
]


@app.command(rich_help_panel=USE)
def predict(
    model: Model,
    given: Given,
    settings: Answers = None,
    horizon: Annotated[
        int | None,
        typer.Option(min=1, help="Rows to forecast; as many as in training if left out."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write the answers to this CSV file.")
    ] = None,
) -> None:
    """Answer a file or folder with a registered model."""
    from flows.commands.predict import predict as answer  # noqa: PLC0415 - help does without

    answer(model, given, settings or [], output, horizon)


@app.command(rich_help_panel=USE)
def generate(
    model: Model,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="Text to continue.")] = "",
    settings: Answers = None,
) -> None:
    """Continue a text with a registered model; prints the text as it is produced."""
    from flows.commands.predict import generate as write  # noqa: PLC0415 - help does without

    write(model, prompt, settings or [])


@app.command(rich_help_panel=USE)
def backtest(
    model: Model,
    given: Annotated[
        Path, typer.Argument(metavar="TABLE", help="Table to forecast; - reads standard input.")
    ],
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="First time or row to predict; default: the test set's.",
        ),
    ] = None,
    stride: Annotated[
        int, typer.Option(min=0, help="Rows between two forecasts; 0: the length of a forecast.")
    ] = 0,
    horizon: Annotated[
        int, typer.Option(min=0, help="Rows to forecast; 0: as many as in training.")
    ] = 0,
    output: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write all forecasts to this CSV file.")
    ] = None,
) -> None:
    """Forecast a table from many past points, and compare with what followed."""
    from flows.commands.predict import backtest as test  # noqa: PLC0415 - help does without

    test(model, given, start, stride, horizon, output)


@app.command(rich_help_panel=USE)
def export(
    model: Model,
    onnx: Annotated[Path, typer.Option(metavar="FILE", help="ONNX file to write.")],
) -> None:
    """Write the network of a registered model to an ONNX file."""
    from flows.commands.export import export as write  # noqa: PLC0415 - help does without

    write(model, onnx)


app.add_typer(services)
app.add_typer(care)


@app.command(rich_help_panel=CARE)
def sync(study: StudyFolder = Path()) -> None:
    """Show in MLflow what the study's folders hold, for example after dvc repro."""
    from flows.commands.upkeep import sync as make_up  # noqa: PLC0415 - help does without

    make_up(study)


@app.command(rich_help_panel=CARE)
def prune(study: StudyFolder = Path()) -> None:
    """Delete results of datasets that params.yaml no longer names."""
    from flows.commands.upkeep import prune as remove  # noqa: PLC0415 - help does without

    remove(study)


app.add_typer(store, name="store", no_args_is_help=True, rich_help_panel=CARE)
app.add_typer(cells, name="cells", no_args_is_help=True, rich_help_panel="Learn about cells")
app.add_typer(stages)


@cells.command("list")
def list_cells(
    input_size: Annotated[int, typer.Option(help="Size of the input of a step.")] = 128,
    hidden_size: Annotated[int, typer.Option(help="Size of the hidden state.")] = 128,
) -> None:
    """List all cells with their states, recurrent weights, and cost of a step."""
    from flows.commands.cells import listing  # noqa: PLC0415 - help does without

    typer.echo(listing(input_size, hidden_size))


@cells.command("show")
def show_cell(
    cell: Annotated[
        str,
        typer.Argument(metavar="CELL", autocompletion=completion.cell),
    ],
    stage: Annotated[
        str,
        typer.Option(metavar="STAGE", help="docs, form, optimised, schedule, c or triton."),
    ] = "docs",
) -> None:
    """Show the equations of a cell, or what the compiler makes of them."""
    from flows.commands.show_cell import show  # noqa: PLC0415 - help does without

    typer.echo(show(cell, stage))


@store.command("show")
def show_store(study: StudyFolder = Path()) -> None:
    """Show what the store of a study holds, by kind and dataset."""
    from flows.commands.store import show  # noqa: PLC0415 - help does without

    show(study)


@store.command("gc")
def collect_store(
    studies: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="Folders of all studies that use the store; default: here.",
        ),
    ] = None,
    older_than: Annotated[
        float, typer.Option(min=0, metavar="DAYS", help="Keep everything newer than this.")
    ] = 30,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed; remove nothing.")
    ] = False,
) -> None:
    """Remove from the store what no result of these studies uses."""
    from flows.commands.store import gc  # noqa: PLC0415 - help does without

    gc(studies or [Path()], older_than, dry_run)


@store.command("verify")
def verify_store(
    study: StudyFolder = Path(),
    fix: Annotated[
        bool, typer.Option("--fix", help="Remove broken entries; the next run makes them again.")
    ] = False,
) -> None:
    """Check every file of the store against its checksum; exit code 1 if one differs."""
    from flows.commands.store import verify  # noqa: PLC0415 - help does without

    verify(study, fix)


def main() -> None:
    """Run the command line; an error prints its text, without passwords, and exits with 1."""
    collect_seldom()
    try:
        app()
    except Exception as error:  # noqa: BLE001 - its text may have an address with a password
        sys.stderr.write(text_of(error))
        sys.exit(1)

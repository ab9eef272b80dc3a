"""The command lines for looking after results: champions, checksums, locks and origins."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.front import completion
from flows.commands.services.commands import USE

app = typer.Typer()

PANEL = "Look after results"

champion = typer.Typer(help="Show and change which version of a model is in use.")
app.add_typer(champion, name="champion", no_args_is_help=True, rich_help_panel=USE)

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=completion.models,
        help="STUDY.DATASET, the name of the registered model.",
    ),
]
Because = Annotated[
    str, typer.Option(metavar="REASON", help="Why; recorded with the time and your user name.")
]


@champion.command("show")
def show_champion(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            autocompletion=completion.models,
            help="STUDY.DATASET; all models if left out.",
        ),
    ] = None,
) -> None:
    """Show which version is the champion, since when and why."""
    from flows.commands.services.champion import show  # noqa: PLC0415 - others must not wait for it

    show(model)


@champion.command("history")
def show_history(model: Model) -> None:
    """Show every change of a champion: when, who, why, and the evidence."""
    from flows.commands.services.champion import history  # noqa: PLC0415 - as above

    history(model)


@champion.command("rollback")
def roll_back(
    model: Model,
    *,
    because: Because,
    to: Annotated[
        int | None,
        typer.Option(min=1, metavar="VERSION", help="Version; the previous champion if left out."),
    ] = None,
) -> None:
    """Go back to the previous champion, until a better model comes."""
    from flows.commands.services.champion import rollback  # noqa: PLC0415 - as above

    rollback(model, to, because)


@champion.command("promote")
def promote_version(
    model: Model, version: Annotated[int, typer.Argument(min=1)], *, because: Because
) -> None:
    """Make a version the champion, until a better model comes."""
    from flows.commands.services.champion import promote  # noqa: PLC0415 - as above

    promote(model, version, because)


@champion.command("shadow")
def shadow_champion(
    model: Model,
    version: Annotated[
        int | None,
        typer.Argument(min=1, metavar="[VERSION]", help="Version; none: stop."),
    ] = None,
) -> None:
    """Let a version answer beside the champion, as MODEL@challenger."""
    from flows.commands.services.champion import shadow  # noqa: PLC0415 - as above

    shadow(model, version)


@champion.command("score")
def score_challenger(
    model: Model,
    *,
    data: Annotated[
        Path, typer.Option(metavar="FILE", help="File or folder of the same kind as the dataset.")
    ],
    logged: Annotated[
        bool,
        typer.Option("--logged", help="Score the answers that both gave while they were served."),
    ] = False,
) -> None:
    """Score the challenger against the champion on new labelled data."""
    from flows.commands.services.champion import score, score_logged  # noqa: PLC0415 - as above

    (score_logged if logged else score)(model, data)


StudyFolder = Annotated[
    Path,
    typer.Argument(metavar="[FOLDER]", help="Folder of the study; default: here."),
]


@app.command("verify", rich_help_panel=PANEL)
def verify_study(study: StudyFolder = Path()) -> None:
    """Check all results against their checksums; exit code 1 if one differs."""
    from flows.commands.services.verify import verify  # noqa: PLC0415 - as above

    verify(study)


Version = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=completion.models,
        help="STUDY.DATASET, or STUDY.DATASET@VERSION.",
    ),
]
OfStudy = Annotated[
    Path,
    typer.Option("--study", metavar="FOLDER", help="Folder of its study; default: here."),
]


@app.command("lineage", rich_help_panel=PANEL)
def show_lineage(
    model: Version,
    *,
    study: OfStudy = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show where a model comes from: run, data, commit."""
    from flows.commands.services.lineage import lineage  # noqa: PLC0415 - as above

    lineage(model, study, as_json=as_json)


@app.command("doctor", rich_help_panel=PANEL)
def examine_study(
    study: StudyFolder = Path(),
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
) -> None:
    """Find what stops a study from running: versions, ports, locks, disk, leftovers."""
    from flows.commands.services.doctor import doctor  # noqa: PLC0415 - as above

    doctor(study, fix=fix)


@app.command("reproduce", rich_help_panel=PANEL)
def make_again(
    model: Version,
    *,
    study: OfStudy = Path(),
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Empty folder to make it in, and keep."),
    ] = None,
) -> None:
    """Train a model again from its commit; exit code 1 if it differs."""
    from flows.commands.services.lineage import reproduce  # noqa: PLC0415 - as above

    reproduce(model, study, keep)


@app.command("drift", rich_help_panel=PANEL)
def check_drift(
    model: Version,
    given: Annotated[
        Path | None,
        typer.Argument(metavar="INPUT", help="File, folder, or - for stdin, as for predict."),
    ] = None,
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="Later data with the truth, such as the dataset's source is."),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Only show the checks of the model so far.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare inputs with the training set of a model; exit code 3 if they have changed."""
    from flows.commands.services.drift import drift, show_history  # noqa: PLC0415 - as above

    if history:
        show_history(model, as_json=as_json)
    elif given is None:
        raise typer.BadParameter("name a file or folder of inputs", param_hint="INPUT")
    else:
        drift(model, given, data, as_json=as_json)

"""The command lines of what looks after results: champions, digests, locks and origins."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.services.commands import PANEL

app = typer.Typer()

champion = typer.Typer(help="Which version of a model is its champion, and why.")
app.add_typer(champion, name="champion", no_args_is_help=True, rich_help_panel=PANEL)

Model = Annotated[str, typer.Argument(help="study.dataset, the name of the registered model.")]
Because = Annotated[str, typer.Option(help="Why; it is noted with the time and your name.")]


@champion.command("show")
def show_champion(
    model: Annotated[
        str | None, typer.Argument(help="study.dataset; every model if not given.")
    ] = None,
) -> None:
    """Show which version is the champion, since when and why."""
    from flows.commands.services.champion import show  # noqa: PLC0415 - others must not wait for it

    show(model)


@champion.command("history")
def show_history(model: Model) -> None:
    """Show every change of a champion: when, by whom, why, and on what evidence."""
    from flows.commands.services.champion import history  # noqa: PLC0415 - as above

    history(model)


@champion.command("rollback")
def roll_back(
    model: Model,
    *,
    because: Because,
    to: Annotated[
        int | None,
        typer.Option(min=1, help="Version; the champion before this one if not given."),
    ] = None,
) -> None:
    """Go back to the champion before, until something better comes."""
    from flows.commands.services.champion import rollback  # noqa: PLC0415 - as above

    rollback(model, to, because)


@champion.command("promote")
def promote_version(
    model: Model, version: Annotated[int, typer.Argument(min=1)], *, because: Because
) -> None:
    """Make a version the champion, until something better comes."""
    from flows.commands.services.champion import promote  # noqa: PLC0415 - as above

    promote(model, version, because)


@champion.command("shadow")
def shadow_champion(
    model: Model,
    version: Annotated[
        int | None, typer.Argument(min=1, help="Version; no one any more if not given.")
    ] = None,
) -> None:
    """Have a version answer beside the champion, as MODEL@challenger, until it is one."""
    from flows.commands.services.champion import shadow  # noqa: PLC0415 - as above

    shadow(model, version)


@champion.command("score")
def score_challenger(
    model: Model,
    *,
    data: Annotated[Path, typer.Option(help="File or folder, such as the dataset's source is.")],
    logged: Annotated[
        bool,
        typer.Option("--logged", help="Score what both answered while they were served."),
    ] = False,
) -> None:
    """Score the challenger against the champion on data whose truth is known by now."""
    from flows.commands.services.champion import score, score_logged  # noqa: PLC0415 - as above

    (score_logged if logged else score)(model, data)


StudyFolder = Annotated[Path, typer.Argument(help="Folder of the study; here if not given.")]


@app.command("verify", rich_help_panel=PANEL)
def verify_study(study: StudyFolder = Path()) -> None:
    """Read all results again and compare them with their digests; exit code 1 if one differs."""
    from flows.commands.services.verify import verify  # noqa: PLC0415 - as above

    verify(study)


Version = Annotated[
    str, typer.Argument(metavar="MODEL", help="study.dataset, or study.dataset@VERSION.")
]
OfStudy = Annotated[Path, typer.Option("--study", help="Folder of its study; here if not given.")]


@app.command("lineage", rich_help_panel=PANEL)
def show_lineage(
    model: Version,
    *,
    study: OfStudy = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show where a model comes from: MLflow run, digests of data, commit, run of the flow."""
    from flows.commands.services.lineage import lineage  # noqa: PLC0415 - as above

    lineage(model, study, as_json=as_json)


@app.command("doctor", rich_help_panel=PANEL)
def examine_study(
    study: StudyFolder = Path(),
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Do what can be done about it.")] = False,
) -> None:
    """Say what hinders a study: versions, ports, locks, dead runs, disk, leftovers of kills."""
    from flows.commands.services.doctor import doctor  # noqa: PLC0415 - as above

    doctor(study, fix=fix)


@app.command("reproduce", rich_help_panel=PANEL)
def make_again(
    model: Version,
    *,
    study: OfStudy = Path(),
    keep: Annotated[
        Path | None, typer.Option(help="Empty folder to make it in, which is kept.")
    ] = None,
) -> None:
    """Make a model once more from its commit and an empty store; exit code 1 if it differs."""
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

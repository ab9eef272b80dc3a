"""The command lines that serve models and schedule runs."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.front import completion
from flows.system.ports import POOL, Ports, Shadow

app = typer.Typer()

PANEL = "Serve and schedule"
"""Heading of these commands in the help."""

USE = "Use a model"

LONGEST_WATCH = 366 * 24 * 60
"""Most minutes between two checks of the data: a leap year."""


def port_of(what: str) -> typer.models.OptionInfo:
    """An option with a port."""
    option: typer.models.OptionInfo = typer.Option(
        min=1, max=65535, help=f"Port of {what}, on loopback."
    )
    return option


@app.command(rich_help_panel=PANEL)
def up(
    *,
    prefect_port: Annotated[int, port_of("Prefect's server")] = Ports.prefect,
    mlflow_port: Annotated[int, port_of("MLflow's server")] = Ports.mlflow,
    models_port: Annotated[int, port_of("the model server")] = Ports.models,
    worker_port: Annotated[int, port_of("the worker's health check")] = Ports.worker,
    pool: Annotated[str, typer.Option(help="Prefect work pool of the worker.")] = POOL,
) -> None:
    """Start Prefect, MLflow, a worker and the model server; Ctrl-C stops them."""
    from flows.commands.services.up import up as start  # noqa: PLC0415 - others must not wait for it

    ports = Ports(mlflow=mlflow_port, prefect=prefect_port, models=models_port, worker=worker_port)
    start(ports, pool)


@app.command(rich_help_panel=PANEL)
def deploy(
    study: Annotated[
        Path,
        typer.Argument(metavar="[FOLDER]", help="Folder of the study; default: here."),
    ] = Path(),
    *,
    cron: Annotated[
        str | None, typer.Option(help='Schedule, such as "0 2 * * *" for every night at two.')
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the schedule.")] = "UTC",
    watch: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=LONGEST_WATCH,
            metavar="MINUTES",
            help="Check the data this often; run when it changed.",
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="How often a failed run is started again.")
    ] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings side by side, as for run.")
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(metavar="BLOCK", help="Prefect block to notify, such as slack-webhook/team."),
    ] = None,
    drift: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=PATH",
            help="Inputs to compare with the training set of a model at each look at the data.",
        ),
    ] = None,
    pool: Annotated[str, typer.Option(help="Prefect work pool that runs it.")] = POOL,
) -> None:
    """Run a study on a schedule, or when its data changes."""
    from flows.commands.services.deploy import deploy as write  # noqa: PLC0415 - as above

    write(
        study,
        pool=pool,
        cron=cron,
        timezone=timezone,
        watch_minutes=watch,
        retries=retries,
        workers=workers,
        notify=notify or [],
        drift=drift or [],
    )


@app.command(rich_help_panel=USE)
def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            autocompletion=completion.models,
            help="STUDY.DATASET or STUDY.DATASET@VERSION; all champions if left out.",
        ),
    ] = None,
    *,
    port: Annotated[int, port_of("the server")] = Ports.models,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but loopback needs a token.")
    ] = "127.0.0.1",
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the token that requests must send; or set GATEWISE_SERVE_TOKEN.",
        ),
    ] = None,
    refresh: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="Time between looks for a new champion."),
    ] = 5.0,
    shadow: Annotated[
        Shadow,
        typer.Option(help="Have challengers answer too, and log both answers; or the inputs too."),
    ] = "none",
) -> None:
    """Answer over HTTP with registered models; has a page to try them."""
    from flows.commands.services.serve import serve as start  # noqa: PLC0415 - as above

    start(models or [], host, port, token_file, refresh, shadow)

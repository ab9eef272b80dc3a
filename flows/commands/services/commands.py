"""The command lines of what is left running, and of what looks after it."""

from pathlib import Path
from typing import Annotated

import typer

from flows.system.pages import POOL, Ports, Shadow

app = typer.Typer()

PANEL = "Left running"
"""Heading of these commands in the help."""


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
    worker_port: Annotated[
        int, port_of("the worker, which tells there that it is well")
    ] = Ports.worker,
    pool: Annotated[str, typer.Option(help="Work pool of the worker.")] = POOL,
) -> None:
    """Start Prefect, MLflow, a worker and the model server, until Ctrl-C."""
    from flows.commands.services.up import up as start  # noqa: PLC0415 - others must not wait for it

    ports = Ports(mlflow=mlflow_port, prefect=prefect_port, models=models_port, worker=worker_port)
    start(ports, pool)


@app.command(rich_help_panel=PANEL)
def deploy(
    study: Annotated[Path, typer.Argument(help="Folder of the study; here if not given.")] = Path(),
    *,
    cron: Annotated[
        str | None, typer.Option(help='When it runs, such as "0 2 * * *", each night at two.')
    ] = None,
    timezone: Annotated[str, typer.Option(help="What these times are in.")] = "UTC",
    watch: Annotated[
        float | None, typer.Option(min=1, help="Minutes between two looks at the data.")
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="How often a run that fails is begun again.")
    ] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at the same time, as for run.")
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(help="Prefect block that tells people, such as slack-webhook/team."),
    ] = None,
    drift: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL=PATH",
            help="Inputs to compare with the training set of a model at each look at the data.",
        ),
    ] = None,
    pool: Annotated[str, typer.Option(help="Work pool whose workers run it.")] = POOL,
) -> None:
    """Have a study run at times, and when its data changes."""
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


@app.command(rich_help_panel=PANEL)
def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="study.dataset or study.dataset@VERSION; all champions if none."),
    ] = None,
    *,
    port: Annotated[int, port_of("the server")] = Ports.models,
    host: Annotated[
        str, typer.Option(help="Where to listen; where others can ask, a token is needed.")
    ] = "127.0.0.1",
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that requests bring; or GATEWISE_SERVE_TOKEN."),
    ] = None,
    refresh: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks at which version is champion.")
    ] = 5.0,
    shadow: Annotated[
        Shadow,
        typer.Option(help="Have challengers answer too, and log both answers; or the inputs too."),
    ] = "none",
) -> None:
    """Answer over HTTP with registered models, and serve a page to try them."""
    from flows.commands.services.serve import serve as start  # noqa: PLC0415 - as above

    start(models or [], host, port, token_file, refresh, shadow)

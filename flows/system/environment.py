"""Settings of Prefect, MLflow and DVC for this process and its children."""

import logging
import os
import warnings
from pathlib import Path

from flows.system.hidden import has_password
from flows.system.home import home
from rnn_core.errors import ParameterError
from rnn_core.sources.download import MIRROR_VARIABLE

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # fail in seconds, not in four minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it has the password of the address
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
}
"""Environment variables and their values, unless the user sets them."""

OF_DATABASES = "mlflow.store.db.utils"
"""MLflow's log of errors of its database, with tracebacks; we tell such errors in a line."""

TRACKING = "MLFLOW_TRACKING_URI"
"""Variable with the address of MLflow's database; unless the user sets it, a file in our home."""

ARTIFACTS = "GATEWISE_ARTIFACTS"
"""Variable with the address of MLflow's artifacts, such as s3://bucket/models. It is not used if
MLflow's server decides on the address."""


def use_defaults() -> None:
    """Set the variables that the user has not set; call it before importing these libraries.

    Prefect's settings are in prefect.toml, which it reads from the current folder. The warnings of
    MLflow are switched off: they are for authors of models, not for users of a study. The path of
    the mirror is made absolute, since stages run in the folder of their study.

    Raises:
        ParameterError: If MLflow's database cannot be in our home.
    """
    warnings.filterwarnings("ignore", module="mlflow")
    of_databases = logging.getLogger(OF_DATABASES)
    of_databases.setLevel(logging.WARNING)  # MLflow tries a database again, for up to two minutes
    of_databases.addFilter(without_traceback)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if TRACKING not in os.environ:
        os.environ[TRACKING] = own_database()
    if mirror := os.environ.get(MIRROR_VARIABLE):
        os.environ[MIRROR_VARIABLE] = str(Path(mirror).resolve())


def without_traceback(record: logging.LogRecord) -> bool:
    """Leave out tracebacks of MLflow, whose error is reported where it arrives."""
    return record.exc_info is None


def own_database() -> str:
    """The address of MLflow's database in our home.

    Raises:
        ParameterError: If the name of the folder cannot be part of an address: all after a question
            mark would be options, and MLflow writes both quotation marks into SQL as they are.
    """
    place = home()
    if "?" in str(place) or {"'", '"'} <= set(str(place)):
        raise ParameterError(
            f"MLflow cannot keep its database in {place}: choose a folder without ? and quotation "
            f"marks in its name, or name a database by {TRACKING}"
        )
    place.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{place}/mlflow.db"


def artifact_root() -> str | None:
    """The address of MLflow's artifacts; None if MLflow's server decides on it.

    It is the value of `ARTIFACTS`. By default it is a folder next to the database if that is a
    file, and otherwise a folder in our home.

    Raises:
        ParameterError: If it has a password, which MLflow would keep and show.
    """
    tracking = os.environ[TRACKING]
    if tracking.startswith("http"):
        return None
    if named := os.environ.get(ARTIFACTS):
        if has_password(named):
            raise ParameterError(
                f"{ARTIFACTS} has a password, which MLflow would keep and show: leave it out, and "
                "set it in the variable that your storage reads, such as AWS_SECRET_ACCESS_KEY"
            )
        return named.rstrip("/")
    file = database_file(tracking)
    folder = file.parent if file else home()
    return (folder / "mlartifacts").as_uri()


def database_file(address: str) -> Path | None:
    """The file of MLflow's database at an address; None if it is on a server."""
    _, is_file, name = address.partition("sqlite:///")
    return Path(name) if is_file else None


def may_have_database() -> bool:
    """Return whether MLflow may have a database: if its file is missing, asking would make one."""
    file = database_file(os.environ[TRACKING])
    return file is None or file.exists()

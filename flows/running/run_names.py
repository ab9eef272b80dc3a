"""Names of flow runs, by which Prefect's pages say what each run is for."""

from collections.abc import Mapping
from pathlib import Path

from prefect.runtime import flow_run

from rnn_core.errors import GatewiseError
from rnn_core.study import read_study


def of_study() -> str:
    """The name of this run of a study."""
    return study_run(flow_run.get_parameters())


def study_run(asked: Mapping[str, object]) -> str:
    """The study and the datasets or stages of a run, such as `sample: text, numbers`.

    Args:
        asked: Parameters of the run, as they were given: a run that failed may have wrong ones.
    """
    wanted = asked.get("only") or asked.get("datasets") or "all datasets"
    return f"{named(asked)}: {', '.join(wanted) if isinstance(wanted, list) else wanted}"


def of_watch() -> str:
    """The study whose data a run looks at."""
    return f"{named(flow_run.get_parameters())}: has its data changed?"


def of_drift() -> str:
    """The models whose inputs a run compares."""
    return f"inputs of {', '.join(flow_run.get_parameters()['inputs'])}"


def named(asked: Mapping[str, object]) -> str:
    """The name of the study that a run was asked for; that of its folder if it cannot be read."""
    folder = Path(str(asked.get("study", ".")))
    try:
        return read_study(folder).study
    except GatewiseError:
        return folder.resolve().name or "/"

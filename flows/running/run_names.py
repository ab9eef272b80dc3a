"""Names of flow runs, by which Prefect's pages say what each run is for."""

from collections.abc import Mapping
from pathlib import Path

from prefect.runtime import flow_run


def of_study() -> str:
    """The name of this run of a study."""
    return study_run(flow_run.get_parameters())


def study_run(asked: Mapping[str, object]) -> str:
    """The study's folder and the datasets or stages of a run, such as `sample: text, numbers`.

    Args:
        asked: Parameters of the run.
    """
    wanted = asked.get("only") or asked.get("datasets") or ["all datasets"]
    assert isinstance(wanted, list)  # Prefect has checked the types of parameters
    return f"{folder_of(asked)}: {', '.join(wanted)}"


def of_watch() -> str:
    """The study's folder whose data a run looks at."""
    return f"{folder_of(flow_run.get_parameters())}: has its data changed?"


def of_drift() -> str:
    """The models whose inputs a run compares."""
    return f"inputs of {', '.join(flow_run.get_parameters().get('inputs') or ['no model'])}"


def folder_of(asked: Mapping[str, object]) -> str:
    """The name of the study's folder that a run was asked for."""
    return Path(str(asked.get("study", "."))).resolve().name or "/"

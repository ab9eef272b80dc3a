"""Where results come from: the commit of the code, and the run of the flow."""

import subprocess

from prefect.runtime import flow_run

from flows.system.home import clone


def lineage() -> dict[str, str]:
    """Tags of new MLflow runs: the commit, where there is one, and the Prefect run."""
    return {"mlflow.source.git.commit": commit(), "prefect.flow_run_id": flow_run.get_id() or ""}


def commit() -> str:
    """The commit of our code; empty if it is in no clone, but perhaps in a repository of others."""
    folder = clone()
    if folder is None:
        return ""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()

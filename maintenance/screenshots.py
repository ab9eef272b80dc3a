"""Take the pictures of MLflow's and Prefect's pages that the documentation shows.

Needs Chromium, and `gatewise up` with a finished run of the sample study:

    python maintenance/screenshots.py
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow

from flows.system.pages import shown_pages
from flows.tracking import shared_view

IMAGES = Path(__file__).parents[1] / "docs/images"
DATASET = "co2"
SIZES = {"prefect-runs": "1500,1095"}
USUAL_SIZE = "1500,820"
WAIT = 30_000  # milliseconds of the page's own time, which passes faster


def pictures() -> Iterator[tuple[str, str]]:
    """Names and addresses of the pages.

    Raises:
        SystemExit: If `gatewise up` is not running.
    """
    pages = shown_pages()
    if pages is None:
        sys.exit("error: start `gatewise up` first")
    found = {address.name: address.url for address in pages.addresses}
    mlflow.set_tracking_uri(found["MLflow"])
    experiment = mlflow.get_experiment_by_name(f"sample/{DATASET}")
    if experiment is None:
        sys.exit("error: run the sample study first (make run)")
    view = shared_view.address(experiment.experiment_id)
    training = "workflowType=machine_learning"
    yield "mlflow-experiments", f"{found['MLflow']}/#/experiments?{training}"
    yield "mlflow-candidates", f"{found['MLflow']}/{view}&{training}"
    yield "mlflow-model", f"{found['MLflow']}/#/models/sample.{DATASET}?{training}"
    yield "prefect-runs", f"{found['Prefect']}/runs"


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: Chromium is not installed")
    for name, address in pictures():
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += [f"--window-size={SIZES.get(name, USUAL_SIZE)}", f"--virtual-time-budget={WAIT}"]
        place = IMAGES / f"{name}.png"
        subprocess.run([chromium, *options, f"--screenshot={place}", address], check=True)


if __name__ == "__main__":
    main()

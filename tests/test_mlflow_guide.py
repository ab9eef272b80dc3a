"""docs/guides/mlflow.md names the metrics that there are."""

import re
from pathlib import Path
from typing import get_args

from rnn_core.metric import ClassMetric

REPOSITORY = Path(__file__).parents[1]
MADE = re.compile(r'\bMetric\(\s*"(\w+)"')


def metrics_of_tasks():
    """The metrics that tasks make, and those that classifiers are chosen by."""
    files = (REPOSITORY / "rnn_core/tasks").rglob("*.py")
    made = [name for file in files for name in MADE.findall(file.read_text())]
    return sorted({*made, *get_args(ClassMetric)})


def test_metrics_of_all_tasks_are_listed():
    guide = (REPOSITORY / "docs/guides/mlflow.md").read_text()
    listed = re.search(r"`<metric>` is (.+?)\.\n", guide, re.DOTALL).group(1)
    assert sorted(re.findall(r"`(\w+)`", listed)) == metrics_of_tasks()

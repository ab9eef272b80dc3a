"""A flow that checks whether a study's data changed, and names the datasets to run again."""

import json
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.events import emit_event

from flows.layout import Layout
from flows.recording.inputs import read_inputs
from flows.recording.plan import find_due, only_looking
from flows.running import run_names
from flows.running.mark import going_on
from flows.system.environment import use_defaults
from flows.system.exclusive import if_free
from rnn_core.files import read_json, write_json
from rnn_core.study import read_study

DATA_CHANGED = "gatewise.data.changed"
"""The event when data changed; its resource is `gatewise.study.NAME`."""


@flow(flow_run_name=run_names.of_watch)
def watch(study: str = ".") -> list[str]:
    """Compare each dataset's source with its record, and emit an event that names changed datasets.

    There is one event for a change: the run that it starts is responsible for the rest.

    Args:
        study: Folder of the study, from the repository's root or absolute.

    Returns:
        The datasets whose source has changed since their results were made.
    """
    use_defaults()
    layout = Layout(Path(study))
    with if_free(layout, "flow") as free:
        if not free:
            get_run_logger().info("%s; the data is looked at the next time", going_on(layout))
            return []
        changed = changed_datasets(layout)
    name = read_study(layout.folder).study
    if changed and not told_already(layout, changed):
        emit_event(
            DATA_CHANGED,
            resource={
                "prefect.resource.id": f"gatewise.study.{name}",
                "prefect.resource.name": name,
            },
            payload={"datasets": list(changed)},
        )
        write_json(noted(layout), changed)
    get_run_logger().info("%s", f"changed: {', '.join(changed)}" if changed else "nothing changed")
    return list(changed)


def changed_datasets(layout: Layout) -> dict[str, Any]:
    """Datasets whose files have changed since they were recorded, with their signatures."""
    inputs = read_inputs(layout)
    with only_looking(layout):
        due = find_due(layout, inputs, None, ["ingest@*"])
    return {name: seen for name, seen in inputs.sources.items() if f"ingest@{name}" in due.stages}


def told_already(layout: Layout, changed: dict[str, Any]) -> bool:
    """Return whether there was an event for the same change before."""
    return noted(layout).exists() and read_json(noted(layout)) == json.loads(json.dumps(changed))


def noted(layout: Layout) -> Path:
    """The file with the change of the last event."""
    return layout.state / "watch.json"

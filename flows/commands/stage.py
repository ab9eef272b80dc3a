"""Run a single stage, as DVC calls it in the folder of its study."""

import os
import sys
from importlib import import_module

from flows.layout import Layout
from flows.recording.graph_file import check_version
from flows.system.bound import die_with_parent
from flows.system.exclusive import exclusive
from flows.system.process import use_one_thread
from rnn_core.study import read_study

WITH_TRAININGS = ("train", "evaluate")
"""Stages that ask for trainings, which the workers of this machine do."""


def run_stage(verb: str, *names: str) -> None:
    """Run a stage of the study in the current folder.

    Args:
        verb: The stage's verb, which is also its module and function.
        names: The dataset, if the stage has one.
    """
    die_with_parent()
    layout = Layout()
    stage = "@".join([verb, *names])
    check_version(layout)
    for name in names:
        read_study(layout.folder).section(name)
    with exclusive(layout, stage):
        if verb in WITH_TRAININGS:
            run_with_workers(layout, verb, *names)
        else:
            use_one_thread()
            run = getattr(import_module(f"flows.stages.{verb}"), verb)
            run(layout, *([] if verb == "code" else [read_study(layout.folder)]), *names)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # saves the half second that torch takes to clean up


def run_with_workers(layout: Layout, verb: str, dataset: str) -> None:
    """Run a stage that asks for trainings."""
    from flows.recording.inputs import read_inputs  # noqa: PLC0415 - other stages do not need it
    from flows.trainings.crew import local_crew  # noqa: PLC0415 - as above

    run = getattr(import_module(f"flows.stages.{verb}"), verb)
    with local_crew(layout, read_study(layout.folder)) as crew:
        inputs = read_inputs(layout)  # while the workers import
        run(layout, inputs.study, dataset, inputs.code_of(dataset), crew)

"""`gatewise doctor`: find what stops a study from running, and repair it."""

import os
import sys
from pathlib import Path

from flows.layout import Layout
from flows.operations.doctor import examine
from flows.system.environment import use_defaults
from flows.system.home import enter_home
from flows.system.pages import API, known_prefect
from rnn_core.errors import StudyError
from rnn_core.study import read_study


def doctor(folder: Path, *, fix: bool) -> None:
    """Print the problems of a study; with `fix`, repair those that a program can repair.

    Raises:
        StudyError: If any problem is left.
    """
    use_defaults()
    layout, left = Layout(enter_home(folder)), 0
    read_study(layout.folder)
    api = known_prefect()
    if api is not None:
        os.environ[API] = api  # read by Prefect when it is imported
    for finding in examine(layout, api):
        sys.stdout.write(f"{finding.where}: {finding.what}\n")
        if fix and finding.fix is not None:
            finding.fix()
            sys.stdout.write(f"  done: {finding.cure}\n")
        else:
            left += 1
            with_fix = "with --fix: " if finding.fix is not None else ""
            sys.stdout.write(f"  {with_fix}{finding.cure}\n")
    if left:
        raise StudyError(f"{left} findings about {layout.folder}, named above")
    sys.stdout.write("Nothing hinders the study.\n")

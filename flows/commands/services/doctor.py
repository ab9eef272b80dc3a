"""`gatewise doctor`: find what stops a study from running, and repair it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from flows.layout import Layout
from flows.operations.doctor import examine
from flows.system.environment import use_defaults
from flows.system.hidden import cause_of
from flows.system.home import enter_home
from flows.system.pages import API, known_prefect
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.study import read_study
from rnn_core.wording import amount


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
            told = attempt(finding.fix)
            left += told is not None
            sys.stdout.write(f"  {told or 'done'}: {finding.cure}\n")
        else:
            left += 1
            with_fix = "with --fix: " if finding.fix is not None else ""
            sys.stdout.write(f"  {with_fix}{finding.cure}\n")
    if left:
        raise StudyError(f"{amount(left, 'finding')} about {layout.folder}, named above")
    sys.stdout.write("Nothing hinders the study.\n")


def attempt(fix: Callable[[], None]) -> str | None:
    """Repair something; returns why that was not possible, or None."""
    try:
        fix()
    except (OSError, GatewiseError) as error:
        return f"not possible ({cause_of(error)})"
    return None

"""`gatewise verify`: every digest of a study's results compared with what is there."""

import sys
from pathlib import Path

from flows.layout import Layout
from flows.operations.verify import verify as check
from flows.system.environment import use_defaults
from flows.system.home import enter_home
from rnn_core.errors import StudyError


def verify(folder: Path) -> None:
    """Print what was looked at, and all that is not what was recorded.

    Raises:
        StudyError: If anything is not.
    """
    use_defaults()
    layout, faults = Layout(enter_home(folder)), []
    for checked in check(layout):
        wrong = f", {len(checked.faults)} faults" if checked.faults else ""
        sys.stdout.write(f"{checked.number} {checked.what}{wrong}\n")
        sys.stdout.flush()
        faults += checked.faults
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    if faults:
        raise StudyError(f"{len(faults)} faults in the results of {layout.folder}, named above")
    sys.stdout.write("All is as it was recorded.\n")

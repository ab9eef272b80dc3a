"""`gatewise verify`: check all results of a study against their checksums."""

import sys
from pathlib import Path

from flows.layout import Layout
from flows.operations.verify import verify as check
from flows.system.environment import use_defaults
from flows.system.home import enter_home
from rnn_core.errors import StudyError
from rnn_core.wording import amount


def verify(folder: Path) -> None:
    """Print the number of things that were checked, and everything that has changed.

    Raises:
        StudyError: If anything has changed.
    """
    use_defaults()
    layout, faults = Layout(enter_home(folder)), []
    for checked in check(layout):
        wrong = f", {amount(len(checked.faults), 'fault')}" if checked.faults else ""
        sys.stdout.write(f"{checked.what}: {checked.number}{wrong}\n")
        sys.stdout.flush()
        faults += checked.faults
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    if faults:
        number = amount(len(faults), "fault")
        raise StudyError(f"{number} in the results of {layout.folder}, named above")
    sys.stdout.write("All is as it was recorded.\n")

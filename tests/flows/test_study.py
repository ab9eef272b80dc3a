"""The flow, as far as no whole run is needed to see it."""

from contextlib import ExitStack

import pytest

from flows.layout import Layout
from flows.running.display import Display
from flows.running.workshop import Workshop
from rnn_core.errors import StudyError
from rnn_core.study import read_study


def test_run_that_was_cancelled_before_it_had_workers_gets_none(new_study, tiny):
    layout = Layout(new_study(tiny).folder)
    with ExitStack() as stack:
        workshop = Workshop(layout, 1, None, stack)
        workshop.cancel()
        with pytest.raises(StudyError, match="cancelled"):
            workshop.crew(read_study(layout.folder), Display(1))

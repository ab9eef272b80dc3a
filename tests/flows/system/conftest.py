"""Programs that a test starts, which end with it."""

import subprocess
import sys

import pytest


@pytest.fixture
def start(tmp_path):
    """Starts Python on a program in a folder of its own; ends it with the test."""
    started = []

    def run(program, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()

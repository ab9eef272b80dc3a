"""Knowledge of a process about itself."""

import time

WAIT_SECONDS = 20


def test_age_is_the_time_since_the_start(start):
    program = (
        "import time; from flows.system.process import age_seconds; time.sleep(0.7);"
        "print(age_seconds(), time.monotonic())"
    )
    before = time.monotonic()
    process = start(program)
    after = time.monotonic()
    age, now = map(float, process.communicate(timeout=WAIT_SECONDS)[0].split())
    assert now - after - 0.2 < age < now - before + 0.2

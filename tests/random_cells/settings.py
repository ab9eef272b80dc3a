"""How hypothesis runs: each example is new, takes the time it takes, and is kept nowhere."""

from hypothesis import HealthCheck, settings


def of(number: int) -> settings:
    """Settings for so many examples."""
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )

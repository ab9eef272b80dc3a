"""Settings of hypothesis: each example is new, takes the time it takes, and is kept nowhere."""

from hypothesis import HealthCheck, Phase, settings


def of(number: int, shrink: bool = True) -> settings:
    """Settings for `number` examples, the first failing one made small or not."""
    return settings(
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )

"""A schedule that Prefect would refuse, or read in another way, is refused as it was written."""

import pytest

from flows.operations.schedules import schedules_of
from rnn_core.errors import ParameterError


@pytest.mark.parametrize(
    "cron",
    ["0 2 * * *", "*/15 8-18 1,15 JAN-JUN MON", "0 0 L * 7", "@daily", "@midnight", "@Annually"],
)
def test_schedule_is_that_of_prefect(cron):
    (schedule,) = schedules_of(cron, "Europe/Vienna")
    assert (schedule.cron, schedule.timezone) == (cron, "Europe/Vienna")
    assert schedules_of(None, "UTC") == []


def test_blanks_around_a_schedule_do_not_count():
    assert [schedule.cron for schedule in schedules_of(" @daily\n", "UTC")] == ["@daily"]


@pytest.mark.parametrize("cron", ["0 2 29 2 *", "0 2 * 2 MON#5", "0 2 30 2,3 *"])
def test_schedule_of_rare_days_is_taken(cron):
    assert [schedule.cron for schedule in schedules_of(cron, "UTC")] == [cron]


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("* * * *", "it must have five fields, not 4: minute, hour, day of the month, month, day"),
        ("0 0 2 * * *", "it must have five fields, not 6: minute, hour"),
        ("", "it must have five fields, not 0"),
        ("every night", "it must have five fields, not 2"),
        ("0 25 * * *", "'25' is no hour, which is 0 to 23"),
        ("61 2 * * *", "'61' is no minute, which is 0 to 59"),
        ("0 2 * * 8", "'8' is no day of the week, which is 0 to 7, with Sunday as both"),
        ("H 2 * * *", "'H' is no minute, which is 0 to 59"),
        ("R(0-5) 2 * * *", "'R(0-5)' is no minute, which is 0 to 59"),
        ("0 2 * Foo *", "'Foo' is no month, which is 1 to 12 or JAN to DEC"),
        ("0 2 * * Monday", "'Monday' is no day of the week, which is 0 to 7, with Sunday as both"),
        ("0 2 30 2 *", "there is no such day in any year"),
        ("0 2 31 APR,JUN *", "there is no such day in any year"),
        ("0 2 * * 1-1", "Prefect reads '1-1' as every day of the week; write '1'"),
        ("0 5,12-12 * * *", "Prefect reads '12-12' as every hour; write '12'"),
        ("0 2 * jan-JAN *", "Prefect reads 'jan-JAN' as every month; write 'jan'"),
        ("*/90 * * * *", "the step of '*/90' is too long for the minute, 0 to 59"),
        ("0 1-20/24 * * *", "the step of '1-20/24' is too long for the hour, 0 to 23"),
        ("@reboot", "write @hourly, @daily, @weekly, @monthly, @yearly, or five fields"),
    ],
)
def test_schedule_that_is_none_is_refused_with_the_field(cron, told):
    with pytest.raises(ParameterError) as error:
        schedules_of(cron, "UTC")
    assert str(error.value).startswith(f"--cron {cron!r}: {told}")


@pytest.mark.parametrize(
    ("timezone", "told"),
    [
        ("Mars/Base/Seven", "write its name, such as Europe/Vienna"),
        ("europe/vienna", "did you mean 'Europe/Vienna'?"),
        ("", "write its name, such as Europe/Vienna"),
    ],
)
@pytest.mark.parametrize("cron", [None, "0 2 * * *"])
def test_time_zone_that_is_none_is_refused_without_a_schedule_too(cron, timezone, told):
    with pytest.raises(ParameterError) as error:
        schedules_of(cron, timezone)
    assert str(error.value) == f"--timezone {timezone!r}: there is no such time zone; {told}"

"""Numbers in words never contradict what is decided by them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.report.words import LIMITS, chance_of, difference
from rnn_core.comparison.race import HOPELESS, SAFE
from rnn_core.comparison.verdict import CONTRADICTED


def test_limits_of_printed_chances_are_those_that_decide():
    decide = {round(100 * x) for one in (SAFE, CONTRADICTED, HOPELESS) for x in (one, 1 - one)}
    assert set(LIMITS) == decide


def test_printed_chance_is_on_the_side_of_every_limit_that_it_is_on():
    """A chance is a share of 10,000 draws; so is that of the others, apart from rounding."""
    for draws in range(11, 9990):
        for chance in (draws / 10_000, 1 - (10_000 - draws) / 10_000):
            shown = float(chance_of(chance).removesuffix(" %"))
            assert shown == pytest.approx(draws / 100, abs=0.5)
            for limit in LIMITS:
                assert (shown > limit) == (draws > 100 * limit), draws
                assert (shown < limit) == (draws < 100 * limit), draws
    assert [chance_of(x) for x in (0.9797, 0.98, 1 - 0.9796)] == ["97.97 %", "98.0 %", "2.04 %"]
    assert [chance_of(x) for x in (0.4996, 0.0004, 0.9995)] == [
        "49.96 %",
        "below 0.1 %",
        "above 99.9 %",
    ]


@settings(deadline=None, derandomize=True, database=None)
@given(st.floats(1e-6, 1e3), st.floats(0.9, 1.1))
def test_printed_difference_is_on_the_side_of_the_margin_that_it_is_on(margin, factor):
    value = margin * factor
    shown = float(difference(value, margin))
    assert shown == pytest.approx(value, rel=0.06)
    if abs(factor - 1) > 1e-8:
        assert (shown > margin, shown < margin) == (value > margin, value < margin)

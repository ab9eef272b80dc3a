"""Errors of forecasts that can be compared between series."""

from torch import Tensor


def naive_errors(train: Tensor, season: int) -> Tensor:
    """Mean distance of each column from its value one season before, (C,).

    Args:
        train: Columns on the training set, (T, C), NaN where there is a gap.
        season: Its rows; 1 is used where there are fewer.

    Returns:
        NaN where a column has no two values so far apart.
    """
    lag = season if season < len(train) else 1
    return (train[lag:] - train[:-lag]).abs().nanmean(dim=0)


def scaled_error(errors: Tensor, naive: Tensor) -> float | None:
    """The mean absolute scaled error, MASE.

    It is 1 for forecasts that are as far from the truth as the seasonal naive forecast of one
    step is in the training set (Hyndman & Koehler, "Another look at measures of forecast
    accuracy", International Journal of Forecasting 22, 2006).

    Args:
        errors: Absolute errors of C columns, (..., C), NaN where the truth is not known.
        naive: See `naive_errors`, (C,) or as errors.

    Returns:
        None if no column has a naive error above 0.
    """
    naive = naive.expand_as(errors)
    told = ~errors.isnan() & (naive > 0)
    return float((errors[told] / naive[told]).mean()) if told.any() else None

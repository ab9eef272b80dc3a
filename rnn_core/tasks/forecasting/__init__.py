"""Time-series forecasting: predict the next values of some columns of a table."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.forecasting.learn import Forecasting as Forecasting
    from rnn_core.tasks.forecasting.learn import ForecastingData as ForecastingData
    from rnn_core.tasks.forecasting.learn import ForecastingModel as ForecastingModel

_HOMES = {
    "Forecasting": "learn",
    "ForecastingData": "learn",
    "ForecastingModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)

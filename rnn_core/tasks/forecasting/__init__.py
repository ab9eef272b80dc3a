"""Time-series forecasting: predict the next values of some columns of a table."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.forecasting.learn import ForecastingModel as ForecastingModel
    from rnn_core.tasks.forecasting.parameters import ForecastingData as ForecastingData
    from rnn_core.tasks.forecasting.parameters import ForecastingMeta as ForecastingMeta
    from rnn_core.tasks.forecasting.task import Forecasting as Forecasting

_HOMES = {
    "Forecasting": "task",
    "ForecastingData": "parameters",
    "ForecastingMeta": "parameters",
    "ForecastingModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)

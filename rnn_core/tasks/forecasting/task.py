"""Time-series forecasting, of its roles."""

from rnn_core.tasks.base.task import Task
from rnn_core.tasks.forecasting.divide import Dividing
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.prepare import prepare
from rnn_core.tasks.forecasting.rescore import Rescoring
from rnn_core.tasks.forecasting.serve import Serving
from rnn_core.tasks.forecasting.show import Showing
from rnn_core.tasks.forecasting.suggest import suggest
from rnn_core.tasks.forecasting.understand import understand


class Forecasting(Showing, Serving, Rescoring, Dividing, Task):
    """Direct forecasts of a whole horizon.

    Columns are standardised by mean and standard deviation of the training set; the
    metric is the mean squared error of the standardised values over all windows whose
    horizon lies in a split. The lookback may reach into the split before.
    """

    DataParameters = ForecastingData
    Meta = ForecastingMeta
    ModelParameters = ForecastingModel
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)

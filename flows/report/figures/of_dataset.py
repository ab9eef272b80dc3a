"""All figures of a dataset."""

from flows.report import svg
from flows.report.details import Details
from flows.report.figures.curves import curve_chart, lag_chart
from flows.report.figures.drawing import Chart
from flows.report.figures.forecasts import forecast_chart
from flows.report.figures.scores import cost_chart, interval_chart


def charts(details: Details) -> list[Chart]:
    """Draw the figures of a dataset, without those that would be empty."""
    drawn = (cost_chart, interval_chart, curve_chart, lag_chart, forecast_chart)
    with svg.drawing():
        return [chart for draw in drawn if (chart := draw(details)) is not None]

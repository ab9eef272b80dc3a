"""The figures of a report: one of the study, and several of each dataset."""

from flows.report.figures.drawing import Chart
from flows.report.figures.forecasts import shown_examples
from flows.report.figures.of_dataset import charts
from flows.report.figures.overview import picture

__all__ = ["Chart", "charts", "picture", "shown_examples"]

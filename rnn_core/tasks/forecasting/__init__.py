"""Time-series forecasting: predict the next values of some columns of a table."""

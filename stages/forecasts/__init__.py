"""Forecasts of one's own numbers: the file of values, their scale, the free run, the figure."""

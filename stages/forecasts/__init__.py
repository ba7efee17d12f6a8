"""Forecasts of your own values: by a model of sines, by one of a measured series; the figure."""

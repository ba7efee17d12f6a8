"""Forecasts of your own values: their scale, trend and season, the free run, the figure."""

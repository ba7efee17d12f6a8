"""Forecast values of your own by a model of sines, and draw the figure of any forecast."""

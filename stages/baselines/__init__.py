"""Forecasters of a measured series that need no network: the naive ones, smoothing, regression."""

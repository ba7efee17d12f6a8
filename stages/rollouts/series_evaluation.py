"""Evaluation of a forecaster on a measured series: from rolling origins over its test part."""

from typing import Any

Table = dict[str, Any]  # columns of one length, by name
LEVELS = (80, 95)  # % of the intervals

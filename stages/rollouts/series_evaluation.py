"""Evaluation of a forecaster on a measured series: from rolling origins over its test part."""

from typing import Any

import numpy as np

from stages.baselines.forecaster import Forecaster
from stages.signals.series import Series
from stages.signals.sines import Floats

Table = dict[str, Any]  # columns of one length, by name
LEVELS = (80, 95)  # % of the intervals

"""Measures the rows of params.yaml, their peers, and times; `python -m tools.bench`."""

import stages as stages  # fixes the environment, before NumPy and torch are loaded

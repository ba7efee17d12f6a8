"""Sines with known truth, the dataset file, and what the past can tell at best."""

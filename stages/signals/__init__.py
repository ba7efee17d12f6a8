"""Sines with known truth, measured series, their dataset file, and the Cramér–Rao bound."""

"""Importing `stages` first pins the environment before NumPy and torch are loaded."""

import stages  # noqa: F401

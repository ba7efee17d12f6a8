"""Readers of the reports, and the figures, page and tables of `plot`."""

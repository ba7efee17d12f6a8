"""Beside the pipeline: benchmarks, emulated processors, and the tables of the README."""

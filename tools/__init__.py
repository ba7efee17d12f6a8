"""Beside the pipeline: benchmarks, emulated processors, fuzzers, and keeping the README true."""

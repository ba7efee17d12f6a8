"""Intervals around forecasts, from the errors of earlier forecasts."""

import math

import numpy as np

from stages.signals.sines import Floats


def interval_half_widths(errors: Floats, level: float) -> Floats:
    """Compute half widths of forecast intervals by split-conformal prediction: (horizon,).

    errors: (origins, horizon), on the validation part. A new error of a step lies within its half
    width with a probability of at least `level`, where it is exchangeable with those errors: the
    half width is the ⌈(n + 1)·level⌉-th smallest of n absolute errors. Infinite where n is too
    small. Source: Vovk, Gammerman and Shafer 2005.
    """
    if errors.ndim != 2 or not len(errors) or not 0 < level < 1:
        raise ValueError(f"expected errors (origins, horizon), 0 < level < 1, got {errors.shape}")
    rank = math.ceil((len(errors) + 1) * level - 1e-9)
    if rank > len(errors):
        return np.full(errors.shape[1], np.inf)
    return np.sort(np.abs(errors), axis=0)[rank - 1]


def coverage(errors: Floats, half_widths: Floats) -> float:
    """Compute the share of errors (origins, horizon) that lie within half widths (horizon,)."""
    if errors.ndim != 2 or errors.shape[1:] != half_widths.shape:
        raise ValueError(f"expected errors (origins, {len(half_widths)}), got {errors.shape}")
    return float((np.abs(errors) <= half_widths).mean())

"""Intervals around forecasts, from the errors of earlier forecasts."""

import math

import numpy as np

from stages.signals.sines import Floats


def interval_half_widths(errors: Floats, level: float) -> Floats:
    """Compute half widths of forecast intervals by split-conformal prediction: (horizon,).

    errors: (origins, horizon), on the validation part. The half width of a step is the
    ⌈(n + 1)·level⌉-th smallest of its n absolute errors; infinite where n is too small. A new error
    lies within it with a probability of at least `level`, if it is exchangeable with those errors.
    Source: Vovk, Gammerman and Shafer 2005.
    """
    if errors.ndim != 2 or not len(errors) or not 0 < level < 1:
        got = f"got {errors.shape} and {level}"
        raise ValueError(f"expected errors (origins, horizon) and 0 < level < 1, {got}")
    rank = math.ceil((len(errors) + 1) * level - 1e-9)
    if rank > len(errors):
        return np.full(errors.shape[1], np.inf)
    return np.sort(np.abs(errors), axis=0)[rank - 1]


def coverage(errors: Floats, half_widths: Floats) -> float:
    """Compute the share of errors (origins, horizon) that lie within half widths (horizon,)."""
    if errors.ndim != 2 or errors.shape[1:] != half_widths.shape:
        raise ValueError(f"expected errors (origins, {len(half_widths)}), got {errors.shape}")
    return float((np.abs(errors) <= half_widths).mean())

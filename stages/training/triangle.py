"""Least squares on rows that come in blocks, so that memory does not grow with their number."""

from collections.abc import Iterable

import numpy as np
import scipy.linalg

from stages.signals.sines import Floats


def upper_triangle(blocks: Iterable[Floats]) -> Floats:
    """Return R of the QR decomposition of all rows, (columns, columns); blocks: (rows, columns).

    Unlike JᵀJ it does not square the condition number. Rows are added to R (Golub and Van Loan
    2013, section 6.5).
    """
    triangle: Floats | None = None
    for rows in blocks:
        if triangle is None:
            triangle = np.zeros((rows.shape[1], rows.shape[1]))
        stacked = np.concatenate((triangle, rows))
        triangle = scipy.linalg.qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0]
        triangle = triangle[: rows.shape[1]]
    return triangle


def least_squares(triangle: Floats, damping: float) -> Floats:
    """Return the x that minimises |A x - b|² + damping |x|²; triangle: R of [A b]."""
    size = triangle.shape[1] - 1
    r = upper_triangle([triangle, np.sqrt(damping) * np.eye(size, size + 1)])
    return scipy.linalg.solve_triangular(r[:size, :size], r[:size, -1], check_finite=False)

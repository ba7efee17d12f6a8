"""Least squares on rows that come in blocks."""

import numpy as np
import pytest

from stages.training.triangle import least_squares, upper_triangle
from tests.examples import values


@pytest.mark.parametrize("damping", [0.0, 1e-6, 0.1, 100.0])
def test_the_solution_satisfies_the_damped_normal_equations(damping: float) -> None:
    """(AᵀA + μI) x = Aᵀb."""
    a, b = values(30, 5), values(30, 1, seed=2)
    rows = np.concatenate((a, b), axis=1)
    x = least_squares(upper_triangle([rows[:7], rows[7:9], rows[9:]]), damping)
    left = (a.T @ a + damping * np.eye(5)) @ x
    np.testing.assert_allclose(left, (a.T @ b)[:, 0], rtol=1e-9)


def test_blocks_change_nothing() -> None:
    """RᵀR is AᵀA, whatever the blocks."""
    rows = values(40, 6)
    for size in (1, 5, 6, 40):
        blocks = [rows[first : first + size] for first in range(0, 40, size)]
        triangle = upper_triangle(blocks)
        np.testing.assert_allclose(triangle.T @ triangle, rows.T @ rows, rtol=0, atol=1e-12)
        assert triangle.shape == (6, 6)

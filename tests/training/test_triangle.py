"""Least squares of rows that come in blocks."""

import numpy as np
import pytest

from stages.training.triangle import least_squares, upper_triangle
from tests.examples import values

ROWS = np.concatenate((values(30, 5), values(30, 1, seed=2)), axis=1)


@pytest.mark.parametrize("size", [1, 4, 7, 30])
def test_blocks_give_a_triangle_with_the_products_of_all_rows(size: int) -> None:
    """RᵀR = [A b]ᵀ[A b], also from blocks with fewer rows than columns."""
    triangle = upper_triangle(ROWS[first : first + size] for first in range(0, 30, size))
    np.testing.assert_allclose(triangle.T @ triangle, ROWS.T @ ROWS, rtol=1e-12)
    np.testing.assert_array_equal(triangle, np.triu(triangle))


@pytest.mark.parametrize("damping", [0.0, 1e-6, 0.1, 100.0])
def test_the_solution_satisfies_the_damped_normal_equations(damping: float) -> None:
    """(AᵀA + μI) x = Aᵀb."""
    a, b = ROWS[:, :-1], ROWS[:, -1]
    x = least_squares(upper_triangle([ROWS]), damping)
    np.testing.assert_allclose((a.T @ a + damping * np.eye(5)) @ x, a.T @ b, rtol=1e-9)


def test_condition_is_not_squared() -> None:
    """Columns that agree to 1e-10: AᵀA would be singular in double precision."""
    a = values(30, 2)
    a[:, 1] = a[:, 0] + 1e-10 * a[:, 1]
    x = np.array([1.0, -2.0])
    found = least_squares(upper_triangle([np.column_stack((a, a @ x))]), 0.0)
    np.testing.assert_allclose(found, x, rtol=1e-4)

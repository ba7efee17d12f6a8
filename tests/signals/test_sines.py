"""Laws of the sines."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import any_sines, sines

QUANTITIES = ("phase", "frequency", "amplitude")


@settings(max_examples=20, deadline=None)
@given(
    frequency=st.floats(0.05, 15),
    phase=st.floats(0, 6.28),
    amplitude=st.floats(0.1, 10),
    steps=st.integers(3, 200),
)
def test_a_sine_obeys_its_recurrence(
    frequency: float, phase: float, amplitude: float, steps: int
) -> None:
    """x[t+1] = 2cos(ωΔ)x[t] − x[t−1]: the sum-to-product identity."""
    fixed = {"frequency": (frequency,) * 2, "amplitude": (amplitude,) * 2}
    x = sines(3, steps, phase=[phase], time_step=0.2, **fixed).values[:, :, 0]
    expected = 2 * math.cos(frequency * 0.2) * x[:, 1:-1] - x[:, :-2]
    np.testing.assert_allclose(x[:, 2:], expected, atol=1e-12 * steps * amplitude)
    np.testing.assert_allclose(x[:, 0], amplitude * math.sin(phase), rtol=1e-12)


def test_a_list_of_phases_gives_the_blogs_sequences() -> None:
    """The blog: time_steps = np.linspace(start, start + 10, 50), data = np.sin(time_steps)."""
    drawn = sines(64, phase=[0, 1, 2])
    assert set(drawn.phase) == {0.0, 1.0, 2.0}
    for start, x in zip(drawn.phase, drawn.values[:, :, 0], strict=True):
        np.testing.assert_allclose(x, np.sin(np.linspace(start, start + 10, 50)), atol=1e-14)


def test_truth_continues_the_values() -> None:
    drawn = any_sines(20)
    np.testing.assert_array_equal(drawn.truth(np.arange(150)), drawn.values[:, :, 0])
    # The same a thousand periods of fifty steps later.
    whole = sines(20, time_step=2 * math.pi / 50)
    np.testing.assert_allclose(whole.steps_per_period, 50, rtol=1e-14)
    late = whole.truth(np.arange(50_000, 50_050))
    np.testing.assert_allclose(late, whole.truth(np.arange(50)), atol=1e-11)


def test_quantities_and_noise_are_drawn_independently() -> None:
    """A correlation of independent samples is normal with the standard error 1/√n."""
    drawn = any_sines(4000, steps=3, noise=0.1)
    noise = drawn.values[:, :, 0] - drawn.truth(np.arange(3))
    drawn_numbers = [*(getattr(drawn, quantity) for quantity in QUANTITIES), *noise.T]
    for one, other in itertools.combinations(drawn_numbers, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(4000)
    # The standard error of a standard deviation is σ/√(2n).
    assert abs(noise.std() - 0.1) < 5 * 0.1 / math.sqrt(2 * noise.size)
    assert abs(noise.mean()) < 5 * 0.1 / math.sqrt(noise.size)
    assert drawn.noise == 0.1


@pytest.mark.parametrize(
    "changed",
    [
        {"frequency": (0.5, 1.5)},
        {"amplitude": (1.0, 3.0)},
        {"noise": 0.1},
        {"phase": [0.5, 1.5, 2.5]},
        {"steps": 70},
        {"sequences": 20},  # the first ones stay as they were
        {"seed": 1},
    ],
)
def test_a_setting_changes_no_other_quantity_and_a_seed_all(changed: dict[str, Any]) -> None:
    settings = {"sequences": 10, "phase": None, "frequency": (0.5, 2.0), "amplitude": (0.5, 1.5)}
    plain, other = sines(**settings), sines(**(settings | changed))
    for quantity in {*QUANTITIES} - changed.keys():
        same = getattr(other, quantity)[:10] == getattr(plain, quantity)
        assert not same.any() if "seed" in changed else same.all()


def test_quantities_are_uniform_in_their_ranges() -> None:
    drawn = any_sines(20_000, steps=3)
    ranges = {"phase": (0, 2 * math.pi), "frequency": (0.5, 2.0), "amplitude": (0.5, 1.5)}
    for quantity, (low, high) in ranges.items():
        counts, _ = np.histogram(getattr(drawn, quantity), bins=8, range=(low, high))
        assert counts.sum() == 20_000
        # χ² with 7 degrees of freedom exceeds 29.9 once in 10,000.
        assert ((counts - 2500) ** 2 / 2500).sum() < 29.9, quantity

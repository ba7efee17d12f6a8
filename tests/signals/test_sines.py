"""Laws of the sines."""

import itertools
import math

import numpy as np
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


def test_phase_frequency_and_amplitude_are_drawn_independently() -> None:
    """A correlation of independent samples is normal with the standard error 1/√n."""
    drawn = any_sines(4000, steps=3)
    for one, other in itertools.combinations(QUANTITIES, 2):
        correlation = np.corrcoef(getattr(drawn, one), getattr(drawn, other))[0, 1]
        assert abs(correlation) < 4 / math.sqrt(4000), (one, other)


def test_noise_is_independent_and_has_its_standard_deviation() -> None:
    drawn = any_sines(4000, steps=3, noise=0.1)
    noise = drawn.values[:, :, 0] - drawn.truth(np.arange(3))
    for column in noise.T:
        for quantity in QUANTITIES:
            correlation = np.corrcoef(column, getattr(drawn, quantity))[0, 1]
            assert abs(correlation) < 4 / math.sqrt(4000), quantity
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 4 / math.sqrt(4000)
    # The standard error of a standard deviation is σ/√(2n).
    assert abs(noise.std() - 0.1) < 5 * 0.1 / math.sqrt(2 * noise.size)
    assert abs(noise.mean()) < 5 * 0.1 / math.sqrt(noise.size)
    assert drawn.noise == 0.1


def test_a_setting_changes_no_other_quantity() -> None:
    plain = sines(10, phase=[0.5, 1.5, 2.5])
    for changed in (
        {"frequency": (0.5, 1.5)},
        {"amplitude": (0.5, 1.5)},
        {"noise": 0.1},
        {"phase": None},
        {"steps": 70},
        {"sequences": 20},  # the first ones stay as they were
    ):
        other = sines(**({"sequences": 10, "phase": [0.5, 1.5, 2.5]} | changed))
        for quantity in {*QUANTITIES} - changed.keys():
            np.testing.assert_array_equal(getattr(other, quantity)[:10], getattr(plain, quantity))


def test_quantities_are_uniform_in_their_ranges() -> None:
    drawn = any_sines(20_000, steps=3)
    ranges = {"phase": (0, 2 * math.pi), "frequency": (0.5, 2.0), "amplitude": (0.5, 1.5)}
    for quantity, (low, high) in ranges.items():
        counts, _ = np.histogram(getattr(drawn, quantity), bins=8, range=(low, high))
        assert counts.sum() == 20_000
        # χ² with 7 degrees of freedom exceeds 29.9 once in 10,000.
        assert ((counts - 2500) ** 2 / 2500).sum() < 29.9, quantity


def test_the_same_seed_gives_the_same_sines_and_another_gives_others() -> None:
    first, again, other = (any_sines(3, seed=seed, noise=0.1) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.values, again.values)
    assert (first.values != other.values).all()

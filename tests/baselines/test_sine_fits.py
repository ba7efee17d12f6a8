"""Laws of the models without trained weights."""

import numpy as np
import pytest

from stages.baselines.sine_fits import Prony, SineFit
from stages.rollouts import metrics
from stages.signals import bound
from tests.examples import TIME_STEP, any_sines

FITS = [Prony, SineFit]


def two_sines(steps: int) -> np.ndarray:
    """Write two sines of different frequency, amplitude and phase: (2, steps, 1)."""
    angle = np.array([[0.4], [2.0]]) + np.array([[0.6], [1.9]]) * TIME_STEP * np.arange(steps)
    return (np.array([[0.5], [1.4]]) * np.sin(angle))[:, :, None]


def run_freely(fit: Prony | SineFit, warmup: np.ndarray, blocks: list[int]) -> np.ndarray:
    """Run freely after the warm-up, in blocks of steps: (batch, time, 1)."""
    predictions, _, state = fit.forward(warmup, fit.initial_state(len(warmup)))
    outputs = [predictions[:, -1:]]
    for steps in blocks:
        block, _, state = fit.run(outputs[-1][:, -1], state, steps)
        outputs.append(block)
    return np.concatenate(outputs, axis=1)


@pytest.mark.parametrize("fit", FITS)
def test_two_sines_of_one_batch_are_continued_exactly(fit: type) -> None:
    values = two_sines(100 + 2001)
    outputs = run_freely(fit(), values[:, :100], [1000, 1, 999])
    np.testing.assert_allclose(outputs, values[:, 100:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("fit", FITS)
def test_predictions_depend_on_the_past_alone(fit: type) -> None:
    """From the fourth value on they are exact, and no later value changes an earlier one."""
    values, fit = two_sines(60), fit()
    predictions, hidden, _ = fit.forward(values, fit.initial_state(2))
    np.testing.assert_allclose(predictions[:, 3:-1], values[:, 4:], rtol=0, atol=1e-12)
    assert hidden.shape[:2] == (2, 60)
    changed = values.copy()
    changed[:, 30:] += 1.0
    other, _, _ = fit.forward(changed, fit.initial_state(2))
    np.testing.assert_array_equal(predictions[:, :30], other[:, :30])


@pytest.mark.parametrize("fit", FITS)
def test_a_lone_value_is_repeated(fit: type) -> None:
    values, fit = np.array([[[0.3]], [[-0.7]], [[0.0]]]), fit()
    predictions, _, _ = fit.forward(values, fit.initial_state(3))
    np.testing.assert_allclose(predictions, values, rtol=0, atol=1e-15)


def test_prony_goes_on_where_it_was_stopped_and_steps_alike() -> None:
    values, prony = np.random.default_rng(0).normal(size=(3, 40, 1)), Prony()
    whole, hidden, last = prony.forward(values, prony.initial_state(3))
    _, _, state = prony.forward(values[:, :17], prony.initial_state(3))
    rest, _, end = prony.forward(values[:, 17:], state)
    np.testing.assert_array_equal(rest, whole[:, 17:])
    np.testing.assert_array_equal(end, last)
    output, state = whole[:, -1], last
    outputs, _, end = prony.run(output, state, 5)
    for step in range(5):
        output, state = prony.step(output, state)
        np.testing.assert_allclose(output, outputs[:, step], rtol=1e-9)
    np.testing.assert_allclose(end[:, 2:], state[:, 2:], rtol=1e-9)


def test_pronys_coefficient_is_that_of_least_squares() -> None:
    x = np.random.default_rng(1).normal(size=(2, 30, 1))
    _, hidden, _ = Prony().forward(x, Prony().initial_state(2))
    middle, ends = x[:, 1:-1, 0], x[:, 2:, 0] + x[:, :-2, 0]
    for i in range(2):
        expected = np.linalg.lstsq(middle[i, :, None], ends[i], rcond=None)[0][0]
        assert hidden[i, -1, 0] == pytest.approx(expected, rel=1e-12)


def test_the_fitted_sine_leaves_less_than_any_other() -> None:
    """Its sum of squares in noise is not above that of the truth or of sines beside it."""
    sines = any_sines(32, seed=5, noise=0.05)
    x, fit = sines.values[:, :100], SineFit()
    state = fit.fit(x)
    _, _, last = fit.forward(x, fit.initial_state(32))
    np.testing.assert_allclose(last, state, rtol=1e-9)
    with pytest.raises(ValueError, match="expected the initial state"):
        fit.forward(x, last)

    def squares(change: tuple[float, float, float]) -> np.ndarray:
        a, w, phase = (state[:, i : i + 1] + change[i] for i in range(3))
        return ((x[:, :, 0] - a * np.sin(phase + w * (np.arange(100) - 100))) ** 2).sum(axis=1)

    least = squares((0, 0, 0))
    truth = ((x[:, :, 0] - sines.truth(np.arange(100))) ** 2).sum(axis=1)
    assert (least < truth).all()
    for i, size in enumerate((1e-3, 1e-5, 1e-3)):
        for sign in (-1, 1):
            change = tuple(sign * size if j == i else 0.0 for j in range(3))
            assert (least <= squares(change)).all()


def test_the_fitted_sine_is_within_a_tenth_of_the_bound() -> None:
    """256 sequences in noise of 0.05 after a warm-up of 100: at 1 and at 10 periods."""
    sines, fit, horizons = any_sines(256, seed=5, noise=0.05), SineFit(), np.array([1.0, 10.0])
    meter = metrics.FreeRunMeter(sines, 100, horizons)
    state = fit.fit(sines.values[:, :100])
    first = state[:, :1] * np.sin(state[:, 2:3])
    meter.add(first)
    meter.add(fit.run(first, state, meter.steps - 1)[0][:, :, 0])
    for periods, rmse in zip(horizons, meter.result().rmse, strict=True):
        counts = metrics.count_steps(sines, periods)
        assert rmse < 1.1 * bound.forecast_rmse(sines, counts, noise=0.05, warmup=100)

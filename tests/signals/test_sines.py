"""Laws of the sine data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.generate import generate
from stages.settings.dataset import Dataset
from stages.settings.params import InputError
from stages.signals import dataset_file as series
from stages.signals import sines

BLOG = Dataset(seed=1, sequences=64, phase=[0, 1, 2])


@settings(max_examples=50, deadline=None)
@given(
    frequency=st.floats(0.05, 15),
    phase=st.floats(0, 6.28),
    steps=st.integers(3, 200),
    seed=st.integers(0, 99),
)
def test_a_sine_obeys_its_recurrence(frequency: float, phase: float, steps: int, seed: int) -> None:
    """x[t+1] = 2cos(ωΔ)x[t] − x[t−1]: the sum-to-product identity."""
    row = Dataset(
        seed=seed,
        sequences=3,
        steps=steps,
        span=0.2 * (steps - 1),
        phase=[phase],
        frequency=frequency,
    )
    x = generate(row)["train"].values[:, :, 0]
    expected = 2 * math.cos(frequency * 0.2) * x[:, 1:-1] - x[:, :-2]
    np.testing.assert_allclose(x[:, 2:], expected, atol=1e-12 * steps)


def test_the_blog_row_is_the_blogs_expression() -> None:
    """The blog: time_steps = np.linspace(start, start + 10, 50), data = np.sin(time_steps)."""
    drawn = generate(BLOG)["train"]
    assert set(drawn.phase) == {0.0, 1.0, 2.0}
    for start, values in zip(drawn.phase, drawn.values[:, :, 0], strict=True):
        np.testing.assert_allclose(values, np.sin(np.linspace(start, start + 10, 50)), atol=1e-14)


def test_truth_continues_the_stored_values() -> None:
    drawn = generate(Dataset(frequency=[0.5, 1.5], amplitude=[0.5, 2.0], sequences=20))["test"]
    np.testing.assert_array_equal(drawn.truth(np.arange(50)), drawn.values[:, :, 0])
    # A thousand periods later: one more period changes nothing.
    sine = generate(Dataset(steps=51, span=2 * math.pi, sequences=20))["train"]
    late = sine.truth(np.arange(50_000, 50_050))
    np.testing.assert_allclose(late, sine.truth(np.arange(50)), atol=1e-11)


def test_splits_are_disjoint_and_streams_independent() -> None:
    row = Dataset(sequences=500, validation_sequences=500, test_sequences=500)
    drawn = generate(row)
    phases = np.concatenate([drawn[split].phase for split in series.SPLITS])
    assert len(np.unique(phases)) == 1500
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        correlation = np.corrcoef(drawn[first].phase, drawn[second].phase)[0, 1]
        assert abs(correlation) < 4 / math.sqrt(500)


def test_one_setting_leaves_what_others_drew() -> None:
    plain = generate(Dataset(sequences=10))["train"]
    varied = generate(Dataset(sequences=20, frequency=[0.5, 1.5], noise=0.1))["train"]
    np.testing.assert_array_equal(varied.phase[:10], plain.phase)
    assert (varied.frequency >= 0.5).all() and (varied.frequency < 1.5).all()


def test_noise_has_the_standard_deviation_asked_for() -> None:
    drawn = generate(Dataset(sequences=400, noise=0.1))["train"]
    noise = drawn.values[:, :, 0] - drawn.truth(np.arange(50))
    # The standard error of a standard deviation is σ/√(2n); n = 20,000.
    assert abs(noise.std() - 0.1) < 5 * 0.1 / math.sqrt(2 * noise.size)


def test_a_uniform_phase_covers_the_circle() -> None:
    phase = generate(Dataset(sequences=20_000))["train"].phase
    counts, _ = np.histogram(phase, bins=8, range=(0, 2 * math.pi))
    # χ² with 7 degrees of freedom exceeds 29.9 once in 10,000.
    assert ((counts - 2500) ** 2 / 2500).sum() < 29.9


def test_the_nyquist_frequency_is_refused_and_just_below_is_not() -> None:
    nyquist = math.pi / BLOG.time_step
    with pytest.raises(ValueError, match="Nyquist"):
        Dataset(frequency=nyquist)
    assert Dataset(frequency=nyquist * 0.999).frequency < nyquist


def test_a_file_gives_back_what_was_saved(tmp_path) -> None:
    drawn = generate(Dataset(sequences=5, noise=0.1))
    series.save(tmp_path / "a.npz", drawn)
    series.save(tmp_path / "b.npz", drawn)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    for split in series.SPLITS:
        loaded = series.load(tmp_path / "a.npz", split)
        for array in series.ARRAYS:
            np.testing.assert_array_equal(getattr(loaded, array), getattr(drawn[split], array))
        assert loaded.time_step == drawn[split].time_step


def test_a_pickle_in_disguise_is_not_run(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    np.savez(tmp_path / "bad.npz", train_values=np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="bad.npz"):
        series.load(tmp_path / "bad.npz", "train")
    assert not (tmp_path / "ran").exists()


def test_shapes_are_checked_before_use(tmp_path) -> None:
    drawn = generate(Dataset(sequences=5))
    wrong = sines.Sines(drawn["train"].values[:, :, 0], *(np.ones(5),) * 3, time_step=0.1)
    series.save(tmp_path / "flat.npz", {"train": wrong})
    with pytest.raises(InputError, match=r"expected values \(batch, time, 1\)"):
        series.load(tmp_path / "flat.npz", "train")

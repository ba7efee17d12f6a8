"""Laws of the transforms of a measured series."""

import numpy as np
import pytest

from stages.signals.transforms import Name, fit_transform
from tests.measured import seasonal

VALUES = seasonal()
TRAINING, PIECE = VALUES[:180], VALUES[None, 180:240, None]


@pytest.mark.parametrize("name", ["seasonal_difference", "window"])
def test_a_transform_is_undone_from_the_past_alone(name: Name) -> None:
    transform, past = fit_transform(name, TRAINING, 12), PIECE[:, :36]
    inputs = transform.apply(PIECE, 36)
    np.testing.assert_allclose(transform.apply(past, 36), inputs[:, :-24], rtol=1e-12)
    np.testing.assert_allclose(transform.undo(past, inputs[:, -24:]), PIECE[:, 36:], rtol=1e-12)


def test_a_training_part_has_seasonal_differences_of_mean_0_and_standard_deviation_1() -> None:
    seen = fit_transform("seasonal_difference", TRAINING, 12).apply(TRAINING[None, :, None], 180)
    assert seen.shape == (1, 168, 1)
    assert [seen.mean(), seen.std()] == pytest.approx([0, 1], abs=1e-12)


def test_values_less_the_mean_of_their_last_season_have_standard_deviation_1() -> None:
    """Of the training part; the last of twelve values, seen through the window."""
    seasons = np.lib.stride_tricks.sliding_window_view(TRAINING, 12)[:, :, None]
    seen = fit_transform("window", TRAINING, 12).apply(seasons, 12)
    np.testing.assert_allclose(seen.mean(axis=1), 0, atol=1e-12)
    assert seen[:, -1].std() == pytest.approx(1)

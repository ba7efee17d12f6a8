"""Parts and origins of a measured series, and its checks."""

from typing import Any

import numpy as np
import pytest

from stages.files import InputError
from tests.measured import seasonal, series


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("origins", [1, 2, 7, 37])
def test_horizons_lie_inside_their_part(part: Any, origins: int) -> None:
    made = series(seasonal(), origins=origins)
    start, end = made.bounds(part)
    rolling, every = made.rolling_origins(part), made.every_origin(part)
    assert len(set(rolling)) == origins and set(rolling) <= set(every)
    assert rolling[0] == every[0] == start and every[-1] == end - made.horizon
    assert origins == 1 or rolling[-1] == end - made.horizon
    assert origins <= 2 or np.ptp(np.diff(rolling)) <= 1
    assert made.every_origin(part, 1).tolist() == list(range(start, end))


def test_the_parts_follow_each_other_and_past_and_future_meet_at_the_origin() -> None:
    made = series(np.arange(300.0))
    assert made.training.tolist() == list(range(180))
    assert made.bounds("validation") == (180, 240) and made.bounds("test") == (240, 300)
    origins = made.rolling_origins("test")
    past, future = made.past(origins), made.future(origins)
    assert past.shape == (10, 36, 1) and future.shape == (10, 24, 1)
    np.testing.assert_array_equal(past[:, -1, 0], origins - 1)
    np.testing.assert_array_equal(future[:, 0, 0], origins)
    assert made.future(origins, 1).shape == (10, 1, 1)


def test_a_series_shorter_than_its_protocol_says_the_least() -> None:
    expected = "warmup 157 + horizon 24 + validation 60 + test 60"
    with pytest.raises(InputError) as error:
        series(seasonal(), warmup=157)
    assert str(error.value) == f"series: has 300 values; expected 301 or more: {expected}"


def test_a_constant_training_part_is_refused() -> None:
    values = seasonal()
    values[:180] = 5
    with pytest.raises(InputError, match="^series: expected values that change; all .* are 5$"):
        series(values)

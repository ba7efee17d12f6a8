"""Parts and origins of a measured series, its checks, and its dataset file."""

from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from stages.files import InputError
from stages.settings.dataset import Measured
from stages.signals import dataset_file
from stages.signals.series import Series, check
from tests.examples import any_sines
from tests.measured import SETTINGS, seasonal, series

ROW = SETTINGS | {"csv": "data/series/co2.csv", "column": "co2"}


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("origins", [1, 2, 7, 37])
def test_horizons_lie_inside_their_part(part: Any, origins: int) -> None:
    made = series(seasonal(), origins=origins)
    start, end = made.bounds(part)
    rolling, every = made.rolling_origins(part), made.every_origin(part)
    assert len(set(rolling)) == origins and set(rolling) <= set(every)
    assert rolling[0] == every[0] == start and every[-1] == end - made.horizon
    assert origins == 1 or rolling[-1] == end - made.horizon
    assert np.ptp(np.diff(rolling)) <= 1 if origins > 2 else True
    assert made.every_origin(part, 1).tolist() == list(range(start, end))


def test_the_parts_follow_each_other() -> None:
    made = series(np.arange(300.0))
    assert made.training.tolist() == list(range(180))
    assert made.bounds("validation") == (180, 240) and made.bounds("test") == (240, 300)


def test_past_and_future_meet_at_the_origin() -> None:
    made = series(np.arange(300.0))
    origins = made.rolling_origins("test")
    past, future = made.past(origins), made.future(origins)
    assert past.shape == (10, 36, 1) and future.shape == (10, 24, 1)
    np.testing.assert_array_equal(past[:, -1, 0], origins - 1)
    np.testing.assert_array_equal(future[:, 0, 0], origins)
    assert made.future(origins, 1).shape == (10, 1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": 23}, "warmup is 23; expected 24 or more: two seasons of 12"),
        ({"season": 0}, "season is 0; expected 1 or more"),
        (
            {"origins": 38},
            "validation is 60; expected 61 or more: 38 origins, each with a horizon of 24",
        ),
        (
            {"test": 20},
            "test is 20; expected 33 or more: 10 origins, each with a horizon of 24",
        ),
        (
            {"warmup": 157},
            "value: has 300 values; expected 301 or more: warmup 157 + horizon 24 + validation 60 "
            "+ test 60",
        ),
        ({"season": 200}, "warmup is 36; expected 400 or more: two seasons of 200"),
    ],
)
def test_a_protocol_that_does_not_fit_says_the_least(changes: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        series(seasonal(), **changes)
    assert str(error.value) == message


def test_a_constant_training_part_is_refused() -> None:
    values = seasonal()
    values[:180] = 5
    with pytest.raises(
        InputError,
        match="^value: expected values that change; all before the validation part are 5$",
    ):
        series(values)


@pytest.mark.parametrize("times", [None, tuple(f"{year}" for year in range(1700, 2000))])
def test_a_file_gives_back_what_was_saved(tmp_path: Path, times: tuple[str, ...] | None) -> None:
    made = Series("größe", seasonal(), times, **SETTINGS)
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    dataset_file.save_series(first, made)
    dataset_file.save_series(second, made)
    assert first.read_bytes() == second.read_bytes()
    loaded = dataset_file.load_series(first)
    np.testing.assert_array_equal(loaded.values, made.values)
    assert vars(loaded) | {"values": 0} == vars(made) | {"values": 0}


def test_the_two_kinds_are_told_apart(tmp_path: Path) -> None:
    dataset_file.save_series(tmp_path / "series.npz", series(seasonal()))
    sines = {split: any_sines() for split in dataset_file.SPLITS}
    dataset_file.save(tmp_path / "sines.npz", sines)
    (tmp_path / "none.npz").write_bytes(b"no zip")
    kinds = [dataset_file.is_series(tmp_path / f"{n}.npz") for n in ("series", "sines", "none")]
    assert kinds == [True, False, False]
    with pytest.raises(InputError, match="not a readable dataset file"):
        dataset_file.load_series(tmp_path / "sines.npz")
    with pytest.raises(InputError, match="not a readable dataset file"):
        dataset_file.load(tmp_path / "series.npz", "train")


@pytest.mark.filterwarnings("error")
def test_damaged_bytes_are_noticed_or_harmless(tmp_path: Path) -> None:
    made, path = series(seasonal(140), validation=33, test=33), tmp_path / "s.npz"
    dataset_file.save_series(path, made)
    content = path.read_bytes()
    flipped = (content[:k] + bytes([content[k] ^ 255]) + content[k + 1 :] for k in spots(content))
    for broken in (*flipped, *(content[:k] for k in spots(content))):
        path.write_bytes(broken)
        try:
            loaded = dataset_file.load_series(path)
        except InputError as error:
            assert "\n" not in str(error)
            continue
        np.testing.assert_array_equal(loaded.values, made.values)


def spots(content: bytes) -> range:
    """Choose places all over a content."""
    return range(0, len(content), 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"values": seasonal().astype(np.float32)},
        {"values": seasonal()[:, None]},
        {"values": np.full(300, np.nan)},
        {"times": ("2020",)},
        {"times": (1,) * 300},
        {"origins": 0},
        {"warmup": 1},
    ],
)
def test_content_is_checked(tmp_path: Path, changes: dict[str, Any]) -> None:
    settings = {"name": "x", "values": seasonal(), "times": None} | SETTINGS | changes
    dataset_file.save_series(tmp_path / "s.npz", Series(**settings))
    with pytest.raises(InputError, match="s.npz: holds no measured series"):
        dataset_file.load_series(tmp_path / "s.npz")


def test_the_row_of_a_task_becomes_a_series() -> None:
    row = Measured(**ROW)
    assert row.time is None and Measured(**(ROW | {"validation": 99, "test": 99})).origins == 10
    settings = row.model_dump(include=set(SETTINGS))
    check(Series(row.column, seasonal(), None, **settings))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": 23}, "expected 24 or more: two seasons"),
        ({"origins": 38}, "expected 37 at most"),
        ({"season": 0}, "greater than or equal to 1"),
        ({"colum": "x"}, "Extra inputs"),
    ],
)
def test_a_bad_row_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        Measured(**(ROW | changes))

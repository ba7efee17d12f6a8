"""A dataset file gives back what was saved. Damaged files of sines: test_bad_files."""

from pathlib import Path

import numpy as np
import pytest

from stages.files import InputError
from stages.signals import dataset_file
from stages.signals.series import Series
from tests.examples import any_sines
from tests.measured import SETTINGS, seasonal, series


def test_sines_are_read_as_saved(tmp_path: Path) -> None:
    splits = {
        split: any_sines(count, steps=7, seed=count, noise=0.1)
        for count, split in enumerate(dataset_file.SPLITS, start=2)
    }
    dataset_file.save(tmp_path / "d.npz", splits)
    for split, sines in splits.items():
        loaded = dataset_file.load(tmp_path / "d.npz", split)
        for array in dataset_file.ARRAYS:
            np.testing.assert_array_equal(getattr(loaded, array), getattr(sines, array))
        assert (loaded.time_step, loaded.noise) == (sines.time_step, 0.1)


@pytest.mark.parametrize("times", [None, tuple(f"{year}" for year in range(1700, 2000))])
def test_a_series_is_read_as_saved(tmp_path: Path, times: tuple[str, ...] | None) -> None:
    made = Series("größe", seasonal(), times, **SETTINGS)
    dataset_file.save_series(tmp_path / "s.npz", made)
    loaded = dataset_file.load_series(tmp_path / "s.npz")
    np.testing.assert_array_equal(loaded.values, made.values)
    assert vars(loaded) | {"values": 0} == vars(made) | {"values": 0}


def test_series_and_sines_are_not_confused(tmp_path: Path) -> None:
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
def test_damaged_bytes_of_a_series_are_noticed_or_harmless(tmp_path: Path) -> None:
    made, path = series(seasonal(140), validation=33, test=33), tmp_path / "s.npz"
    dataset_file.save_series(path, made)
    content = path.read_bytes()
    for k in range(0, len(content), 9):
        for broken in (content[:k], content[:k] + bytes([content[k] ^ 255]) + content[k + 1 :]):
            path.write_bytes(broken)
            try:
                loaded = dataset_file.load_series(path)
            except InputError as error:
                assert "\n" not in str(error)
            else:
                np.testing.assert_array_equal(loaded.values, made.values)


@pytest.mark.parametrize(
    "values", [seasonal().astype(np.float32), seasonal()[:, None], np.full(300, np.nan)]
)
def test_the_values_of_a_series_are_checked(tmp_path: Path, values: np.ndarray) -> None:
    dataset_file.save_series(tmp_path / "s.npz", Series("x", values, None, **SETTINGS))
    with pytest.raises(InputError, match="s.npz: holds no measured series"):
        dataset_file.load_series(tmp_path / "s.npz")

"""The dataset file gives back what was saved, and runs nothing. Damaged ones: test_bad_files."""

from pathlib import Path

import numpy as np
import pytest

from stages.files import InputError
from stages.signals import dataset_file
from stages.signals.sines import Sines
from tests.examples import any_sines


def splits() -> dict[str, Sines]:
    """Three splits of different size."""
    return {
        split: any_sines(count, steps=7, seed=count, noise=0.1)
        for count, split in enumerate(dataset_file.SPLITS, start=2)
    }


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    drawn = splits()
    dataset_file.save(tmp_path / "a.npz", drawn)
    dataset_file.save(tmp_path / "b.npz", drawn)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    for split, sines in drawn.items():
        loaded = dataset_file.load(tmp_path / "a.npz", split)
        for array in dataset_file.ARRAYS:
            np.testing.assert_array_equal(getattr(loaded, array), getattr(sines, array))
        assert (loaded.time_step, loaded.noise) == (sines.time_step, 0.1)


def test_a_pickle_in_disguise_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (open, (str(tmp_path / "ran"), "w"))

    np.savez(tmp_path / "bad.npz", train_values=np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="bad.npz"):
        dataset_file.load(tmp_path / "bad.npz", "train")
    assert not (tmp_path / "ran").exists()


def test_shapes_are_checked_before_use(tmp_path: Path) -> None:
    drawn = splits()["train"]
    arrays = {name: getattr(drawn, name) for name in dataset_file.ARRAYS}
    for name, wrong in (
        ("values", drawn.values[:, :, 0]),
        ("values", np.concatenate((drawn.values, drawn.values), axis=2)),
        ("phase", drawn.phase[:, None]),
        ("frequency", drawn.frequency[:1]),
        ("amplitude", drawn.amplitude.astype(np.float32)),
        ("frequency", -drawn.frequency),
        ("values", np.full_like(drawn.values, np.nan)),
    ):
        sines = Sines(**(arrays | {name: wrong}), time_step=0.1)
        dataset_file.save(tmp_path / "wrong.npz", {"train": sines})
        with pytest.raises(InputError, match=rf"wrong\.npz: train_{name} .*expected|holds other"):
            dataset_file.load(tmp_path / "wrong.npz", "train")

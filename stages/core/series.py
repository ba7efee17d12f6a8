"""The dataset file: an `.npz` with three splits of sine sequences, nothing in it executable."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from stages.core import files
from stages.core.params import InputError
from stages.core.sines import Sines

SPLITS = ("train", "validation", "test")
ARRAYS = ("values", "phase", "frequency", "amplitude")


def save(path: Path, splits: dict[str, Sines]) -> None:
    """Write the splits to `path`, whole or not at all; all have one time step."""
    arrays = {
        f"{split}_{array}": getattr(sines, array)
        for split, sines in splits.items()
        for array in ARRAYS
    }
    time_step = next(iter(splits.values())).time_step
    with files.whole(path) as partial, partial.open("wb") as stream:
        np.savez(stream, allow_pickle=False, time_step=time_step, **arrays)


def load(path: Path, split: str) -> Sines:
    """Read one split of a dataset file.

    Raises InputError where the file is missing, damaged, or not what `save` writes.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {array: archive[f"{split}_{array}"] for array in ARRAYS}
            time_step = archive["time_step"]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; make it with `dvc repro`") from None
    except KeyError as error:
        raise InputError(f"{path}: has no array {error.args[0]}; is it a dataset file?") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: is not a readable dataset file: {error}") from None
    return _checked(path, split, Sines(**arrays, time_step=float(time_step)))


def _checked(path: Path, split: str, sines: Sines) -> Sines:
    batch = sines.values.shape[0] if sines.values.ndim == 3 else 0
    shapes = {array: getattr(sines, array).shape for array in ARRAYS}
    if shapes["values"][2:] != (1,) or any(shapes[array] != (batch,) for array in ARRAYS[1:]):
        raise InputError(
            f"{path}: {split} arrays have shapes {shapes}; expected values (batch, time, 1), "
            "the others (batch,)"
        )
    for array in ARRAYS:
        content = getattr(sines, array)
        if content.dtype != np.float64 or not np.isfinite(content).all():
            raise InputError(f"{path}: {split}_{array} holds other than finite float64 numbers")
    if not (np.isfinite(sines.time_step) and sines.time_step > 0):
        raise InputError(f"{path}: time_step is {sines.time_step}; expected a number above 0")
    return sines

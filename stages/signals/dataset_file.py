"""The dataset file: an `.npz` with three splits of sine sequences. Nothing in it is executable."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from stages import files
from stages.files import AGAIN, InputError
from stages.signals.sines import Floats, Sines

SPLITS = ("train", "validation", "test")
ARRAYS = ("values", "phase", "frequency", "amplitude")
# Far beyond what a row of `datasets` can ask for, and near enough for sums of squares.
LIMITS = {
    "values": (-1e9, 1e9),
    "phase": (-1e6, 1e6),
    "frequency": (1e-6, 1e6),
    "amplitude": (1e-6, 1e6),
}
SCALARS = {"time_step": (1e-12, 1e12), "noise": (0.0, 1e3)}
# What zipfile and NumPy raise at damaged bytes.
DAMAGED = (
    *(ValueError, KeyError, OSError, EOFError, NotImplementedError, RuntimeError, SyntaxError),
    *(MemoryError, zipfile.BadZipFile, zlib.error),
)


def save(path: Path, splits: dict[str, Sines]) -> None:
    """Write the splits to a path; all have one time step and one noise."""
    arrays = {
        f"{split}_{array}": getattr(sines, array)
        for split, sines in splits.items()
        for array in ARRAYS
    }
    first = next(iter(splits.values()))
    arrays |= {"time_step": np.asarray(first.time_step), "noise": np.asarray(first.noise)}
    # np.savez writes large-file headers, which Python 3.11.2 and 3.11.7 write differently.
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())


def load(path: Path, split: str) -> Sines:
    """Read one split of a dataset file.

    Raises InputError where the file is missing, damaged, or not what `save` writes.
    """
    files.size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type for member in archive.infolist()):
                raise ValueError("an array is compressed")  # it may become any number of bytes
        with np.load(path, allow_pickle=False) as archive:
            arrays = {array: archive[f"{split}_{array}"] for array in ARRAYS}
            scalars = {name: archive[name] for name in SCALARS}
    except DAMAGED as error:
        raise InputError(
            f"{path}: is not a readable dataset file ({files.reason(error)}); {AGAIN}"
        ) from None
    for name, (low, high) in SCALARS.items():
        value = scalars[name]
        if value.shape != () or value.dtype != np.float64 or not low <= value <= high:
            raise InputError(f"{path}: {name} is {value}; expected a number; {AGAIN}")
    _check(path, split, arrays)
    return Sines(**arrays, time_step=float(scalars["time_step"]), noise=float(scalars["noise"]))


def _check(path: Path, split: str, arrays: dict[str, Floats]) -> None:
    """Raise InputError unless the arrays have the types, shapes and limits that are saved."""
    shape = arrays["values"].shape
    if len(shape) != 3 or shape[2] != 1 or shape[0] < 1 or shape[1] < 3:
        raise InputError(
            f"{path}: {split}_values has the shape {shape}; expected (batch, time, 1) with one "
            f"sequence of three values at least; {AGAIN}"
        )
    for name, array in arrays.items():
        expected = shape if name == "values" else shape[:1]
        if array.shape != expected or array.dtype != np.float64:
            raise InputError(
                f"{path}: {split}_{name} has the shape {array.shape} and the type {array.dtype}; "
                f"expected {expected} and float64; {AGAIN}"
            )
        low, high = LIMITS[name]
        if not ((array >= low) & (array <= high)).all():
            raise InputError(
                f"{path}: {split}_{name} holds other than numbers from {low:g} to {high:g}; {AGAIN}"
            )

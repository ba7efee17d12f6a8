"""The dataset file: an `.npz` with three splits of sine sequences, nothing in it executable."""

import math
import struct
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from stages import files
from stages.files import InputError
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
# All that zipfile and numpy.lib.format are known to raise at damaged bytes.
DAMAGED = (
    *(ValueError, SyntaxError, EOFError, NotImplementedError, RuntimeError, OSError),
    *(struct.error, zipfile.BadZipFile),
)


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
    files.size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {array: _read(archive, f"{split}_{array}") for array in ARRAYS}
            time_step = _read(archive, "time_step")
    except DAMAGED as error:
        raise InputError(
            f"{path}: is not a readable dataset file ({files.reason(error)}); "
            "make it again with `dvc repro`"
        ) from None
    if time_step.shape != () or not 0 < time_step < math.inf:
        raise InputError(f"{path}: time_step is {time_step}; expected a number above 0")
    return _checked(path, split, Sines(**arrays, time_step=float(time_step)))


def _read(archive: zipfile.ZipFile, name: str) -> Floats:
    """Read a float64 array; raises ValueError where it is none, before it takes any memory."""
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"it has no array {name}") from None
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"the array {name} is compressed")
    with archive.open(member) as stream:
        if npy.read_magic(stream) != (1, 0):
            raise ValueError(f"the array {name} is of another version")
        try:
            shape, fortran, dtype = npy.read_array_header_1_0(stream)
        except (ValueError, SyntaxError):
            raise ValueError(f"the array {name} has no readable header") from None
        if dtype != np.float64 or fortran:
            raise ValueError(f"the array {name} holds {dtype}, expected float64")
        if math.prod(shape) * dtype.itemsize != member.file_size - stream.tell():
            raise ValueError(f"the array {name} is not as large as it says")
    with archive.open(member) as stream:
        array = npy.read_array(stream, allow_pickle=False)
        stream.read()  # to the end, where the check sum is compared
        return array


def _checked(path: Path, split: str, sines: Sines) -> Sines:
    batch = sines.values.shape[0] if sines.values.ndim == 3 else 0
    shapes = {array: getattr(sines, array).shape for array in ARRAYS}
    if shapes["values"][2:] != (1,) or any(shapes[array] != (batch,) for array in ARRAYS[1:]):
        raise InputError(
            f"{path}: {split} arrays have shapes {shapes}; expected values (batch, time, 1), "
            "the others (batch,)"
        )
    if 0 in shapes["values"] or shapes["values"][1] < 3:
        raise InputError(
            f"{path}: {split}_values has the shape {shapes['values']}; expected one sequence of "
            "three values at least"
        )
    for array, (low, high) in LIMITS.items():
        content = getattr(sines, array)
        if not ((content >= low) & (content <= high)).all():
            raise InputError(
                f"{path}: {split}_{array} holds other than numbers from {low:g} to {high:g}"
            )
    return sines

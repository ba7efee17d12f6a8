"""The dataset file: an `.npz` with three splits of sine sequences, or with a measured series.

Nothing in it is executable.
"""

import io
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np

from stages import files
from stages.files import AGAIN, InputError
from stages.signals.series import LARGEST, Series, check
from stages.signals.sines import Floats, Sines

SPLITS = ("train", "validation", "test")
ARRAYS = ("values", "phase", "frequency", "amplitude")
# Far beyond every row of `datasets`, and small enough for sums of squares.
LIMITS = {
    "values": (-1e9, 1e9),
    "phase": (-1e6, 1e6),
    "frequency": (1e-6, 1e6),
    "amplitude": (1e-6, 1e6),
}
SCALARS = {"time_step": (1e-12, 1e12), "noise": (0.0, 1e3)}
PROTOCOL = ("season", "validation", "test", "warmup", "horizon", "origins")
SERIES = ("values", "protocol", "text")
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
    _write(path, arrays)


def load(path: Path, split: str) -> Sines:
    """Read one split of a dataset file.

    Raises InputError where the file is missing, damaged, or not what `save` writes.
    """
    names = {array: f"{split}_{array}" for array in ARRAYS} | {name: name for name in SCALARS}
    read = _read(path, names)
    arrays, scalars = ({name: read[name] for name in part} for part in (ARRAYS, SCALARS))
    for name, (low, high) in SCALARS.items():
        value = scalars[name]
        if value.shape != () or value.dtype != np.float64 or not low <= value <= high:
            raise InputError(f"{path}: {name} is {value}; expected a number; {AGAIN}")
    _check(path, split, arrays)
    return Sines(**arrays, time_step=float(scalars["time_step"]), noise=float(scalars["noise"]))


def is_series(path: Path) -> bool:
    """Tell a dataset file of a measured series from one of sines.

    False for a damaged file: `load` raises its InputError.
    """
    files.size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return "protocol.npy" in archive.namelist()
    except DAMAGED:
        return False


def save_series(path: Path, series: Series) -> None:
    """Write a measured series to a path."""
    protocol = [getattr(series, key) for key in PROTOCOL]
    text = json.dumps([series.name, series.times]).encode("ascii")
    arrays = (series.values, np.array(protocol, np.int64), np.frombuffer(text, np.uint8))
    _write(path, dict(zip(SERIES, arrays, strict=True)))


def load_series(path: Path) -> Series:
    """Read a measured series.

    Raises InputError where the file is missing, damaged, or not what `save_series` writes.
    """
    values, protocol, text = _read(path, {name: name for name in SERIES}).values()
    try:
        if (values.dtype, protocol.dtype, text.dtype) != (np.float64, np.int64, np.uint8):
            raise ValueError("expected arrays of float64, int64 and uint8")
        if not (np.abs(values) <= LARGEST).all():
            raise ValueError(f"expected values up to {LARGEST:g}")
        name, times = json.loads(text.tobytes())
        if not all(isinstance(each, str) for each in (name, *(times or ()))):
            raise ValueError("expected a name and times")
        settings = dict(zip(PROTOCOL, protocol.tolist(), strict=True))
        series = Series(name, values, None if times is None else tuple(times), **settings)
        check(series)
    except (ValueError, TypeError, RecursionError, InputError) as error:
        reason = files.reason(error)
        raise InputError(f"{path}: holds no measured series ({reason}); {AGAIN}") from None
    return series


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to an `.npz` with the same bytes on every machine."""
    # np.savez writes large-file headers, which Python 3.11.2 and 3.11.7 write differently.
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())


def _read(path: Path, names: dict[str, str]) -> dict[str, np.ndarray]:
    """Read arrays of an `.npz`, by the names that they are given here."""
    files.size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type for member in archive.infolist()):
                raise ValueError("an array is compressed")  # it may become any number of bytes
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[stored] for name, stored in names.items()}
    except DAMAGED as error:
        raise InputError(
            f"{path}: is not a readable dataset file ({files.reason(error)}); {AGAIN}"
        ) from None


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

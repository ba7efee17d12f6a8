"""The dataset file: an `.npz` with three splits of sine sequences, or with a measured series.

Nothing in it is executable.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stages import files
from stages.files import AGAIN, InputError
from stages.signals.series import LARGEST, Series, check
from stages.signals.sines import Sines

SPLITS = ("train", "validation", "test")
ARRAYS = ("values", "phase", "frequency", "amplitude")
# Wider than any row of `datasets`, and too small for sums of squares to overflow.
LIMITS = {
    "values": (-1e9, 1e9),
    "phase": (-1e6, 1e6),
    "frequency": (1e-6, 1e6),
    "amplitude": (1e-6, 1e6),
    "time_step": (1e-12, 1e12),
    "noise": (0.0, 1e3),
}
PROTOCOL = ("season", "validation", "test", "warmup", "horizon", "origins")
SERIES = ("values", "protocol", "text")  # text: the name and the times, as JSON
# The exceptions of zipfile and NumPy for damaged bytes.
DAMAGED = (
    *(ValueError, KeyError, OSError, EOFError, NotImplementedError, RuntimeError, SyntaxError),
    *(MemoryError, zipfile.BadZipFile, zlib.error),
)


def save(path: Path, splits: dict[str, Sines]) -> None:
    """Write the splits to a path; all have the same time step and noise."""
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
    stored = {name: f"{split}_{name}" if name in ARRAYS else name for name in LIMITS}
    arrays = dict(zip(LIMITS, _read(path, stored.values()), strict=True))
    shape = arrays["values"].shape
    if len(shape) != 3 or shape[2] != 1 or shape[0] < 1 or shape[1] < 3:
        raise InputError(
            f"{path}: {split}_values has the shape {shape}; expected (batch, time, 1) with at "
            f"least one sequence of at least three values; {AGAIN}"
        )
    shapes = {"values": shape, "time_step": (), "noise": ()}
    for name, array in arrays.items():
        expected = shapes.get(name, shape[:1])
        if array.shape != expected or array.dtype != np.float64:
            raise InputError(
                f"{path}: {stored[name]} has the shape {array.shape} and the type {array.dtype}; "
                f"expected {expected} and float64; {AGAIN}"
            )
        low, high = LIMITS[name]
        if not ((array >= low) & (array <= high)).all():
            limits = f"numbers from {low:g} to {high:g}"
            raise InputError(f"{path}: {stored[name]}: expected {limits}; {AGAIN}")
    scalars = {name: arrays.pop(name).item() for name in ("time_step", "noise")}
    return Sines(**arrays, **scalars)


def is_series(path: Path) -> bool:
    """Distinguish a dataset file of a measured series from one of sines.

    Returns False for a damaged file, for which `load` raises InputError.
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
    values, protocol, text = _read(path, SERIES)
    try:
        if (values.ndim, values.dtype, protocol.dtype) != (1, np.float64, np.int64):
            raise ValueError("expected values (time,) of float64 and a protocol of int64")
        if not (np.abs(values) <= LARGEST).all():
            raise ValueError(f"expected values up to {LARGEST:g}")
        name, times = json.loads(text.tobytes())
        settings = dict(zip(PROTOCOL, protocol.tolist(), strict=True))
        series = Series(name, values, None if times is None else tuple(times), **settings)
    except (ValueError, TypeError) as error:
        reason = files.reason(error)
        raise InputError(f"{path}: holds no measured series ({reason}); {AGAIN}") from None
    check(series, str(path))
    return series


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to an `.npz` with the same bytes on every machine."""
    # np.savez writes large-file headers, which Python 3.11.2 and 3.11.7 write differently.
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())


def _read(path: Path, names: Iterable[str]) -> list[np.ndarray]:
    """Read arrays of an `.npz`."""
    files.size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type for member in archive.infolist()):
                raise ValueError("an array is compressed")  # it may unpack to any size
        with np.load(path, allow_pickle=False) as archive:
            return [archive[name] for name in names]
    except DAMAGED as error:
        raise InputError(
            f"{path}: is not a readable dataset file ({files.reason(error)}); {AGAIN}"
        ) from None
